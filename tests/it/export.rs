//! Exports: made in the background with the asker's rights, masked, and fetched by a signed link.

use chrono::TimeDelta;
use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{Answer, App, complaint};

/// The phone number in [`complaint`].
const PHONE: &str = "13834567890";

async fn order(app: &App, who: &str, key: &str, body: Value) -> Answer {
    app.as_(who).request(Method::POST, "/exports").key(key).json(&body).send().await
}

fn id(answer: &Value) -> String {
    answer["id"].as_str().unwrap().to_owned()
}

/// Orders a workbook, lets it be made, and reads it: its rows, the header first.
async fn rows(app: &App, who: &str, body: Value) -> Vec<Vec<String>> {
    let key = format!("export-{:016x}", u64::from_be_bytes(infra::random::bytes()));
    let ordered = order(app, who, &key, body).await.expect(202);
    app.drain().await;
    let view = app.as_(who).get(&format!("/exports/{}", id(&ordered))).await.expect(200);
    assert_eq!(view["status"], "done", "{view}");
    let url = format!("{}{}", app.base(), view["url"].as_str().unwrap());
    let file = reqwest::Client::new().get(url).send().await.unwrap();
    assert_eq!(file.status(), 200);
    let table = api::sheet::read(file.bytes().await.unwrap().to_vec()).unwrap();
    assert_eq!(view["done"], table.rows.len(), "{view}");
    std::iter::once(table.columns).chain(table.rows.into_iter().map(|row| row.cells)).collect()
}

#[tokio::test]
async fn a_list_becomes_a_workbook_with_its_filter_and_its_scope() {
    let app = App::spawn().await;
    let ours = app.dispatched().await;
    app.advance(TimeDelta::seconds(1));
    let other = app.submitted().await;
    let all = rows(&app, "dispatcher", json!({"list": "complaints"})).await;
    assert_eq!(all.len(), 3, "{all:?}");
    assert_eq!((&all[1][0], &all[2][0]), (&other.number, &ours.number), "the newest first");
    let text = format!("{all:?}");
    assert!(text.contains("138****7890") && text.contains("李**"), "masked: {text}");
    assert!(!text.contains(PHONE));
    let open = json!({"list": "complaints", "query": "status=submitted"});
    assert_eq!(rows(&app, "dispatcher", open).await.len(), 2);

    let units = rows(&app, "dept.urban-management", json!({"list": "complaints"})).await;
    assert_eq!(units.len(), 2, "its own alone: {units:?}");
    assert!(!format!("{units:?}").contains("138"), "units take no numbers away: {units:?}");
    let tasks = rows(&app, "dept.urban-management", json!({"list": "tasks"})).await;
    assert_eq!((tasks.len(), &tasks[1][0]), (2, &ours.number));
    assert_eq!(rows(&app, "dept.housing", json!({"list": "tasks"})).await.len(), 1);
}

#[tokio::test]
async fn numbers_in_full_need_the_right_and_a_reason_and_leave_a_record() {
    let app = App::spawn().await;
    app.submitted().await;
    let mut secret = complaint();
    secret["kind"] = json!("report");
    secret["contact"]["phone"] = json!("13900002222");
    app.resident("wang").submit(&secret).await;
    let body = json!({"list": "complaints", "unmask": true, "reason": "逐件回访"});
    let text = format!("{:?}", rows(&app, "supervisor", body.clone()).await);
    assert!(text.contains(PHONE) && text.contains("李桂芳"), "{text}");
    assert!(!text.contains("2222"), "a report's reporter is never exported: {text}");
    let data: Value =
        sqlx::query_scalar("select data from audit_entry where action = 'export.make'")
            .fetch_one(app.db())
            .await
            .unwrap();
    assert_eq!(data, json!({"rows": 2, "unmasked": 1, "reason": "逐件回访"}));

    order(&app, "leader", "leader-1", body).await.refused(403, "forbidden");
    for (body, field) in [
        (json!({"list": "complaints", "unmask": true}), "reason"),
        (json!({"list": "complaints", "reason": "逐件回访"}), "reason"),
        (json!({"list": "tasks", "unmask": true, "reason": "逐件回访"}), "unmask"),
        (json!({"list": "tasks", "query": "status=open"}), "status"),
        (json!({"list": "tasks", "query": "limit=5"}), "query"),
    ] {
        let refused = order(&app, "supervisor", "supervisor-1", body.clone()).await;
        assert_eq!(refused.fields(), [field], "{body}: {refused}");
    }
}

#[tokio::test]
async fn the_rights_are_those_of_the_moment_when_it_is_made() {
    let app = App::spawn().await;
    app.dispatched().await;
    let ordered = order(&app, "dept.urban-management", "export-1", json!({"list": "tasks"})).await;
    let ordered = ordered.expect(202);
    assert_eq!((&ordered["status"], &ordered["done"]), (&json!("queued"), &json!(0)));
    sqlx::query("update role_grant set revoked_at = now() where scope = 'urban-management'")
        .execute(app.db())
        .await
        .unwrap();
    app.drain().await;
    let status: String =
        sqlx::query_scalar("select status from export").fetch_one(app.db()).await.unwrap();
    assert_eq!(status, "failed");
    assert_eq!(app.count("export_file").await, 0);
}

#[tokio::test]
async fn a_double_tap_is_one_export_and_two_wait_at_most() {
    let app = App::spawn().await;
    let body = json!({"list": "tasks", "query": "overdue=true"});
    let first = order(&app, "leader", "export-1", body.clone()).await.expect(202);
    app.advance(TimeDelta::seconds(5));
    let again = order(&app, "leader", "export-1", body.clone()).await.expect(202);
    assert_eq!(id(&first), id(&again));
    let other = json!({"list": "complaints"});
    order(&app, "leader", "export-1", other).await.refused(422, "idempotency_key_reused");
    order(&app, "leader", "export-2", body.clone()).await.expect(202);
    order(&app, "leader", "export-3", body.clone()).await.refused(409, "export_limit_reached");
    order(&app, "dispatcher", "export-3", body.clone()).await.expect(202);
    app.drain().await;
    order(&app, "leader", "export-3", body).await.expect(202);
}

#[tokio::test]
async fn a_link_is_good_for_minutes_and_a_file_for_a_day() {
    let app = App::spawn().await;
    let ordered = order(&app, "leader", "export-1", json!({"list": "tasks"})).await.expect(202);
    let path = format!("/exports/{}", id(&ordered));
    assert!(app.as_("leader").get(&path).await.expect(200)["url"].is_null(), "not ready");
    app.drain().await;
    app.as_("dispatcher").get(&path).await.refused(404, "not_found");
    let link = async || {
        let view = app.as_("leader").get(&path).await.expect(200);
        view["url"].as_str().unwrap().trim_start_matches("/api/v1").to_owned()
    };
    let url = link().await;
    let fetch = async |url: &str| app.anonymous().get(url).await;
    let (start, signature) = url.rsplit_once('=').unwrap();
    let flipped = if signature.starts_with('0') { "1" } else { "0" };
    for bad in [
        format!("{path}/file"),
        format!("{start}="),
        format!("{start}={flipped}{}", &signature[1..]),
        url.replace("expires=1", "expires=2"),
        format!("/exports/019ab0c1-d2e3-7f00-8a1b-2c3d4e5f6071/file?{}", &url[path.len() + 6..]),
    ] {
        fetch(&bad).await.refused(404, "not_found");
    }
    app.advance(TimeDelta::minutes(10));
    fetch(&url).await.refused(404, "not_found");
    let file = reqwest::get(format!("{}/api/v1{}", app.base(), link().await)).await.unwrap();
    assert_eq!(file.status(), 200);
    assert_eq!(file.headers()["cache-control"], "no-store");

    app.advance(TimeDelta::hours(24));
    app.as_("leader").get(&path).await.refused(404, "not_found");
    let mut conn = app.db().acquire().await.unwrap();
    let now = app.now();
    infra::postgres::export::sweep(&mut conn, now - TimeDelta::hours(1), now).await.unwrap();
    assert_eq!((app.count("export").await, app.count("export_file").await), (0, 0));
}
