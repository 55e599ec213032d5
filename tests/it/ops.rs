//! For whoever runs it: alive, ready, figures, and what surrounds every answer.

use std::collections::BTreeSet;

use api::config::Secret;
use reqwest::Method;

use crate::support::{Answer, App, document};

/// A server that nobody runs.
pub const NOWHERE: &str = "redis+unix:///nowhere/redis.sock";

#[tokio::test]
async fn alive_and_ready() {
    let app = App::spawn().await;
    let nobody = app.anonymous();
    assert_eq!(nobody.get("/livez").await.expect(200)["status"], "ok");
    let ready = nobody.get("/readyz").await.expect(200);
    assert_eq!(ready["status"], "ok");
    for check in ["database", "migrations", "redis"] {
        assert_eq!(ready["checks"][check], "ok", "{ready}");
    }
}

#[tokio::test]
async fn without_redis_it_is_degraded_and_works() {
    let app = App::with(|config| config.redis.url = Secret::from(NOWHERE)).await;
    let ready = app.anonymous().get("/readyz").await.expect(200);
    assert_eq!(
        (&ready["status"], &ready["checks"]["redis"]),
        (&"degraded".into(), &"unavailable".into())
    );
    let case = app.closed().await;
    assert_eq!(app.resident("li").complaint(&case).await["status"], "closed");
}

#[tokio::test]
async fn without_the_database_it_is_alive_but_not_ready() {
    let nowhere = "postgres://postgres@%2Fnowhere/none";
    let app = App::with(|config| config.database.url = Secret::from(nowhere)).await;
    let nobody = app.anonymous();
    assert_eq!(nobody.get("/livez").await.expect(200)["status"], "ok");
    let ready = nobody.get("/readyz").await.expect(503);
    assert_eq!(ready["status"], "unavailable");
    assert_eq!(ready["checks"]["database"], "unavailable");
    assert_eq!(ready["checks"]["redis"], "ok");
    let refused = nobody.get("/divisions").await;
    assert!(!refused.header("retry-after").is_empty(), "{refused}");
    refused.refused(503, "unavailable");
}

#[tokio::test]
async fn a_database_that_misses_a_migration_is_not_ready() {
    let app = App::spawn().await;
    sqlx::query(
        "delete from _sqlx_migrations where version = (select max(version) from _sqlx_migrations)",
    )
    .execute(app.db())
    .await
    .unwrap();
    let ready = app.anonymous().get("/readyz").await.expect(503);
    assert_eq!(ready["checks"]["migrations"], "missing");
    assert_eq!(ready["checks"]["database"], "ok");
}

#[tokio::test]
async fn the_figures_name_their_families_and_no_person() {
    let app = App::spawn().await;
    let case = app.dispatched().await;
    app.anonymous().get(&case.path("")).await.refused(401, "unauthenticated");
    app.anonymous().get("/no-such-place/019ab0c1").await.refused(404, "not_found");
    app.advance(chrono::TimeDelta::days(10));
    app.drain().await;
    let figures = app.anonymous().get("/metrics").await;
    assert!(figures.header("content-type").starts_with("text/plain"), "{figures}");
    let families: BTreeSet<&str> = figures
        .text
        .lines()
        .filter_map(|line| line.strip_prefix("# TYPE ")?.split(' ').next())
        .collect();
    for family in [
        "http_requests_total",
        "http_request_duration_seconds",
        "http_requests_in_flight",
        "database_connections",
        "database_connections_idle",
        "redis_up",
        "process_resident_memory_bytes",
        "jobs",
        "jobs_oldest_wait_seconds",
        "job_attempts_total",
        "job_duration_seconds",
        "job_lag_seconds",
        "timers_total",
        "timer_lateness_seconds",
    ] {
        assert!(families.contains(family), "{family} is missing from {families:?}");
    }
    assert!(figures.text.contains("redis_up 1"), "{figures}");
    assert!(figures.text.contains(r#"route="/api/v1/complaints/{id}""#), "routes are patterns");
    assert!(!figures.text.contains(&case.id), "an id became a label");
    assert!(!figures.text.contains("no-such-place"), "a stranger invented a label");
}

#[tokio::test]
async fn every_answer_has_its_own_number() {
    let app = App::spawn().await;
    let nobody = app.anonymous();
    let mut numbers = BTreeSet::new();
    for path in ["/livez", "/divisions", "/me", "/nothing", "/docs", "/api/openapi.json"] {
        let answer = nobody.request(Method::GET, path).header("x-request-id", "mine").send().await;
        let number = answer.header("x-request-id").to_owned();
        assert!(uuid::Uuid::try_parse(&number).is_ok(), "{path}: {number}");
        if answer.status >= 400 {
            assert_eq!(answer.body["request_id"], number.as_str());
        }
        numbers.insert(number);
    }
    assert_eq!(numbers.len(), 6, "a stranger's number is not taken, and none is used twice");
}

#[tokio::test]
async fn what_is_not_there_says_so() {
    let app = App::spawn().await;
    let nobody = app.anonymous();
    for path in ["/nothing", "/complaints/x/y/z", "/api/v2/complaints", "/docs/none.js"] {
        nobody.get(path).await.refused(404, "not_found");
    }
    for (method, path, allow) in [
        (Method::DELETE, "/complaints", "GET, POST"),
        (Method::PUT, "/tasks/019ab0c1-d2e3-7f00-8a1b-2c3d4e5f6071/acknowledge", "POST"),
        (Method::GET, "/auth/staff", "POST"),
        (Method::POST, "/livez", "GET"),
        (Method::DELETE, "/api/openapi.json", "GET"),
    ] {
        let answer = nobody.request(method, path).send().await;
        assert_eq!(answer.header("allow"), allow, "{answer}");
        answer.refused(405, "method_not_allowed");
    }
}

fn assert_guarded(answer: &Answer) {
    assert_eq!(answer.header("x-content-type-options"), "nosniff", "{answer}");
    assert_eq!(answer.header("referrer-policy"), "no-referrer", "{answer}");
    let policy = answer.header("content-security-policy");
    assert!(
        policy.contains("default-src '") && policy.contains("frame-ancestors 'none'"),
        "{policy}"
    );
    assert!(!policy.contains("http"), "only this server is trusted: {policy}");
    assert!(answer.header("server").is_empty(), "the product is not advertised");
}

#[tokio::test]
async fn every_answer_is_guarded() {
    let app = App::spawn().await;
    for path in
        ["/divisions", "/me", "/nothing", "/livez", "/metrics", "/docs", "/api/openapi.json"]
    {
        let answer = app.anonymous().get(path).await;
        assert_guarded(&answer);
        assert!(!answer.header("cache-control").is_empty(), "{answer}");
    }
    let me = app.resident("li").get("/me").await;
    assert_guarded(&me);
    assert_eq!(me.header("cache-control"), "no-store", "{me}");
}

/// What a page loads: the values of `src` and `href`.
fn loaded(page: &str) -> Vec<&str> {
    let mut found = Vec::new();
    for attribute in ["src=\"", "href=\""] {
        found.extend(page.split(attribute).skip(1).filter_map(|rest| rest.split('"').next()));
    }
    found
}

#[tokio::test]
async fn the_page_for_readers_works_offline() {
    let app = App::spawn().await;
    let nobody = app.anonymous();
    assert_eq!(&nobody.get("/api/openapi.json").await.expect(200), document());
    for page in ["/docs", "/docs/"] {
        let page = nobody.get(page).await;
        assert_eq!(page.status, 200, "{page}");
        assert!(page.header("content-type").starts_with("text/html"), "{page}");
        let files: Vec<&str> =
            loaded(&page.text).into_iter().filter(|file| *file != "/docs/").collect();
        assert!(files.len() >= 4, "{files:?}");
        for file in files {
            assert!(!file.contains("//"), "{file} comes from elsewhere");
            let path = format!("/docs/{}", file.trim_start_matches("./"));
            let file = nobody.get(&path).await;
            assert_eq!(file.status, 200, "{}", file.request);
            assert!(!file.text.is_empty(), "{path} is empty");
        }
    }
    let start = nobody.get("/docs/swagger-initializer.js").await;
    assert!(start.text.contains("/api/openapi.json"), "{start}");
}
