//! Evaluation by short link: told with the reply, good once, and dead with what it was for.

use chrono::TimeDelta;
use futures::future::join_all;
use serde_json::{Value, json};

use crate::support::{App, CLERK, COMMUNITY, Case, Client, REPLY, complaint};

fn satisfied() -> Value {
    json!({"solved": true, "satisfaction": 5, "contacted": true})
}

fn unsolved() -> Value {
    json!({"solved": false, "satisfaction": 2})
}

/// The link that somebody's inbox shows last, below `/api/v1`.
async fn told(who: &Client) -> Option<String> {
    let inbox = who.all("/notifications").await;
    let path = inbox.iter().find_map(|entry| entry["evaluate_path"].as_str())?;
    Some(path.strip_prefix("/api/v1").unwrap().to_owned())
}

/// The link that the centre hands over.
async fn handed(app: &App, case: &Case) -> String {
    let given = app.as_("dispatcher").post(&case.path("/evaluation-link"), json!({})).await;
    given.expect(200)["path"].as_str().unwrap().strip_prefix("/api/v1").unwrap().to_owned()
}

/// Whoever opens or uses what is no link learns one and the same.
async fn is_dead(app: &App, path: &str) {
    let nobody = app.anonymous();
    let nothing = nobody.get("/e/AAAAAAAAAAAAAAAAAAAAAA").await.refused(404, "not_found");
    for answer in [
        nobody.get(path).await,
        nobody.post(path, satisfied()).await,
        nobody.post(path, json!({"solved": "?"})).await,
    ] {
        let mut problem = answer.refused(404, "not_found");
        problem["request_id"] = nothing["request_id"].clone();
        assert_eq!(problem, nothing);
    }
}

/// By telephone, written down by the centre: nobody has an account.
async fn by_phone(app: &App) -> Case {
    let mut body = complaint();
    body["channel"] = json!("phone");
    let mut case = app.as_("dispatcher").submit(&body).await;
    app.accept(&case, "ordinary").await;
    app.dispatch(&mut case, json!({"lead": "urban-management"})).await;
    app.as_(CLERK).post(&case.task("/acknowledge"), json!({})).await.expect(200);
    app.contact_and_reply(&case).await;
    app.as_("dispatcher").post(&case.task("/confirm"), json!({})).await.expect(200);
    case
}

#[tokio::test]
async fn a_reply_comes_with_a_link_that_shows_no_person_and_evaluates_once() {
    let app = App::spawn().await;
    let li = app.resident("li");
    let case = app.task_replied().await;
    app.drain().await;
    assert_eq!(told(&li).await, None, "there is nothing to judge yet");
    app.as_("dispatcher").post(&case.task("/confirm"), json!({})).await.expect(200);
    app.drain().await;
    let path = told(&li).await.unwrap();
    let token = path.strip_prefix("/e/").unwrap();
    assert_eq!(infra::crypto::from_base64url(token).unwrap().len(), 16, "128 bits");

    let nobody = app.anonymous();
    let seen = nobody.get(&path).await.expect(200);
    let fields: Vec<&String> = seen.as_object().unwrap().keys().collect();
    assert_eq!(fields, ["answer", "evaluate_by", "kind", "kind_text", "number"]);
    assert_eq!((&seen["number"], &seen["answer"]), (&json!(case.number), &json!(REPLY)));

    // What is wrong with a body is told by field, and costs nothing.
    let bad = nobody.post(&path, json!({"solved": true, "satisfaction": 9})).await;
    assert_eq!(bad.fields(), ["satisfaction"], "{bad}");
    let odd = nobody.post(&path, json!({"solved": true, "satisfaction": 5, "who": 1})).await;
    assert_eq!(odd.fields(), ["who"], "{odd}");

    let given = nobody.post(&path, satisfied()).await.expect(200);
    assert_eq!((&given["number"], &given["status"]), (&json!(case.number), &json!("closed")));
    is_dead(&app, &path).await;
    assert_eq!(told(&li).await, None);
    let channel: String =
        sqlx::query_scalar("select channel from evaluation").fetch_one(app.db()).await.unwrap();
    assert_eq!(channel, "link");
    let text: String = sqlx::query_scalar("select evaluation_link::text from evaluation_link")
        .fetch_one(app.db())
        .await
        .unwrap();
    let bytes: String = token.bytes().map(|byte| format!("{byte:02x}")).collect();
    assert!(!text.contains(token) && !text.contains(&bytes), "kept as a MAC alone");
}

#[tokio::test]
async fn of_many_clicks_at_once_one_counts() {
    let app = App::spawn().await;
    app.replied().await;
    app.drain().await;
    let path = told(&app.resident("li")).await.unwrap();
    let nobody = app.anonymous();
    let clicks = join_all((0..8).map(|_| nobody.post(&path, satisfied()))).await;
    let mut statuses: Vec<u16> = clicks.iter().map(|answer| answer.status).collect();
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 404, 404, 404, 404, 404, 404, 404]);
    assert_eq!(app.count("evaluation").await, 1);
}

#[tokio::test]
async fn whoever_evaluates_otherwise_kills_it_and_each_rework_brings_another() {
    let app = App::spawn().await;
    let li = app.resident("li");
    let mut case = app.replied().await;
    app.drain().await;
    let first = told(&li).await.unwrap();
    let given = app.anonymous().post(&first, unsolved()).await.expect(200);
    assert_eq!(given["status"], "handling", "reworked, as if li had said it logged in");
    is_dead(&app, &first).await;

    case.lead = app.open_lead(&case).await;
    app.advance(TimeDelta::hours(1));
    app.as_(CLERK).post(&case.task("/acknowledge"), json!({})).await.expect(200);
    app.contact_and_reply(&case).await;
    app.as_("dispatcher").post(&case.task("/confirm"), json!({})).await.expect(200);
    app.drain().await;
    let second = told(&li).await.unwrap();
    assert_ne!(first, second);
    is_dead(&app, &first).await;
    li.post(&case.path("/evaluate"), satisfied()).await.expect(200);
    is_dead(&app, &second).await;
    assert_eq!(app.count("evaluation").await, 2);
}

#[tokio::test]
async fn it_is_over_when_nobody_was_reached_in_two_rounds() {
    let app = App::spawn().await;
    app.replied().await;
    app.drain().await;
    let path = told(&app.resident("li")).await.unwrap();
    let by = app.anonymous().get(&path).await.expect(200)["evaluate_by"].clone();
    assert_eq!(by, "2026-12-02T16:00:00Z", "three working days, and three more");
    app.pass("2026-11-28T00:30:00+08:00").await;
    app.anonymous().get(&path).await.expect(200);
    app.pass("2026-12-03T00:30:00+08:00").await;
    is_dead(&app, &path).await;
}

#[tokio::test]
async fn who_called_by_phone_gets_it_from_the_centre_and_that_is_on_record() {
    let app = App::spawn().await;
    let case = by_phone(&app).await;
    let path = handed(&app, &case).await;
    assert_eq!(handed(&app, &case).await, path, "asked for again it is the same");
    assert_eq!(app.count("audit_entry where action = 'evaluation.link'").await, 2);
    assert_eq!(app.anonymous().post(&path, satisfied()).await.expect(200)["status"], "closed");
    let again = app.as_("dispatcher").post(&case.path("/evaluation-link"), json!({})).await;
    again.refused(409, "evaluation_link_none");

    let open = app.submitted().await;
    let early = app.as_("dispatcher").post(&open.path("/evaluation-link"), json!({})).await;
    early.refused(409, "evaluation_link_none");
}

#[tokio::test]
async fn who_handles_the_case_gets_no_link_of_its_reporter() {
    let app = App::spawn().await;
    let case = by_phone(&app).await;
    sqlx::query(
        "insert into role_grant (id, account_id, role, scope, granted_at)
         select gen_random_uuid(), id, 'department_clerk', 'urban-management', created_at
         from account where username = 'dispatcher'",
    )
    .execute(app.db())
    .await
    .unwrap();
    app.advance(TimeDelta::minutes(11));
    let asked = app.as_("dispatcher").post(&case.path("/evaluation-link"), json!({})).await;
    asked.refused(409, "follow_up_own_work");
}

#[tokio::test]
async fn each_reporter_of_a_merged_case_has_one_of_their_own() {
    let app = App::spawn().await;
    let into = app.acknowledged().await;
    let mut body = complaint();
    body["community_code"] = json!(COMMUNITY);
    let child = app.resident("wang").submit(&body).await;
    let merge = json!({"into": into.id});
    app.as_("dispatcher").post(&child.path("/merge"), merge).await.expect(200);
    app.advance(TimeDelta::minutes(5));
    app.contact_and_reply(&into).await;
    app.as_("dispatcher").post(&into.task("/confirm"), json!({})).await.expect(200);
    app.drain().await;
    let (li, wang) = (app.resident("li"), app.resident("wang"));
    let (hers, his) = (told(&li).await.unwrap(), told(&wang).await.unwrap());
    assert_ne!(hers, his);
    let nobody = app.anonymous();
    assert_eq!(nobody.get(&his).await.expect(200)["number"], json!(child.number));
    assert_eq!(nobody.post(&hers, satisfied()).await.expect(200)["status"], "closed");
    // The leading case is closed: the child's reporter may still say a word of their own.
    assert_eq!(nobody.post(&his, unsolved()).await.expect(200)["status"], "merged");
    for path in [&hers, &his] {
        is_dead(&app, path).await;
    }
    assert_eq!(app.count("evaluation").await, 2);
}

#[tokio::test]
async fn guessing_is_limited_as_with_query_codes() {
    let app = App::with(|config| config.limits.track_per_minute = 3).await;
    let nobody = app.anonymous();
    for guess in ["a", "b", "c"] {
        nobody.get(&format!("/e/{guess}")).await.refused(404, "not_found");
    }
    nobody.get("/e/d").await.refused(429, "rate_limited");
    nobody.post("/e/d", satisfied()).await.refused(429, "rate_limited");
}
