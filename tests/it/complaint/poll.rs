//! Asking again with `If-None-Match`: 304 while nothing changed for whoever asks, and never longer.

use reqwest::Method;
use serde_json::json;

use crate::support::{Answer, App, Client};

async fn asks(who: &Client, path: &str, tag: &str) -> Answer {
    who.request(Method::GET, path).header("if-none-match", tag).send().await
}

#[tokio::test]
async fn the_stream_is_sent_again_only_when_it_reads_differently() {
    let app = App::spawn().await;
    let case = app.submitted().await;
    let (li, centre, path) = (app.resident("li"), app.as_("dispatcher"), case.path("/events"));
    let first = li.get(&path).await;
    let tag = first.header("etag").to_owned();
    assert!(tag.starts_with("W/\""), "{first}");
    assert_eq!(first.header("cache-control"), "private, no-cache");
    let same = asks(&li, &path, &format!("\"x\", {tag}")).await;
    assert_eq!((same.status, same.text.as_str()), (304, ""));
    assert_eq!((same.header("etag"), same.header("cache-control")), (&*tag, "private, no-cache"));
    // Another reader, another page, another object: other answers.
    assert_eq!(asks(&centre, &path, &tag).await.status, 200);
    assert_eq!(asks(&li, &format!("{path}?after=1"), &tag).await.status, 200);
    asks(&app.resident("wang"), &path, &tag).await.refused(404, "not_found");
    asks(&app.anonymous(), &path, &tag).await.refused(401, "unauthenticated");
    centre.post(&case.path("/accept"), json!({"urgency": "ordinary"})).await.expect(200);
    let changed = asks(&li, &path, &tag).await;
    assert_eq!(changed.status, 200);
    assert_ne!(changed.header("etag"), tag);
}

#[tokio::test]
async fn another_role_is_another_answer() {
    let app = App::spawn().await;
    let case = app.submitted().await;
    let (centre, path) = (app.as_("dispatcher"), case.path("/events"));
    let tag = centre.get(&path).await.header("etag").to_owned();
    assert_eq!(asks(&centre, &path, &tag).await.status, 304);
    sqlx::query(
        "insert into role_grant (id, account_id, role, scope, granted_at)
         select gen_random_uuid(), account_id, 'supervisor', scope, granted_at from role_grant g
         join account a on a.id = g.account_id where a.username = 'dispatcher'",
    )
    .execute(app.db())
    .await
    .unwrap();
    // A session's copy lives for less than a second.
    tokio::time::sleep(std::time::Duration::from_secs(1)).await;
    assert_eq!(asks(&centre, &path, &tag).await.status, 200);
}

/// While nobody may touch the table of events, whoever has the answer is told so all the same: no event is
/// read for a 304.
#[tokio::test]
async fn an_unchanged_stream_reads_no_event() {
    let app = App::spawn().await;
    let case = app.submitted().await;
    let (li, path) = (app.resident("li"), case.path("/events"));
    let tag = li.get(&path).await.header("etag").to_owned();
    let mut held = app.db().begin().await.unwrap();
    let lock = "lock table event, org_node in access exclusive mode";
    sqlx::query(lock).execute(&mut *held).await.unwrap();
    let answer = tokio::time::timeout(std::time::Duration::from_secs(5), asks(&li, &path, &tag));
    assert_eq!(answer.await.expect("it waits for nobody").status, 304);
    held.rollback().await.unwrap();
}

/// The tag of a complaint is its version, which says all that its reporter is shown; to others it says too
/// little.
#[tokio::test]
async fn a_reporter_is_sent_the_complaint_again_only_in_a_new_version() {
    let app = App::spawn().await;
    let case = app.submitted().await;
    let (li, path) = (app.resident("li"), case.path(""));
    let tag = li.get(&path).await.header("etag").to_owned();
    assert_eq!(tag, "\"1\"");
    // By one row alone: nobody may touch what the answer is made of.
    let mut held = app.db().begin().await.unwrap();
    let lock = "lock table event, task, org_node in access exclusive mode";
    sqlx::query(lock).execute(&mut *held).await.unwrap();
    for sent in [tag.as_str(), "W/\"1\"", "\"0\", \"1\""] {
        let answer =
            tokio::time::timeout(std::time::Duration::from_secs(5), asks(&li, &path, sent));
        let same = answer.await.expect("it waits for nobody");
        assert_eq!((same.status, same.text.as_str(), same.header("etag")), (304, "", &*tag));
    }
    held.rollback().await.unwrap();
    for other in ["*", "1", "\"0\"", "\"01\"", "\"-1\"", ""] {
        assert_eq!(asks(&li, &path, other).await.status, 200, "{other}");
    }
    let centre = app.as_("dispatcher");
    assert_eq!(asks(&centre, &path, &tag).await.status, 200, "the centre sees more");
    asks(&app.resident("wang"), &path, &tag).await.refused(404, "not_found");
    asks(&app.anonymous(), &path, &tag).await.refused(401, "unauthenticated");
    app.accept(&case, "ordinary").await;
    let changed = asks(&li, &path, &tag).await;
    assert_eq!((changed.status, changed.header("etag")), (200, "\"2\""));
    assert_eq!(asks(&li, &path, "\"2\"").await.status, 304);
}

/// Every step of the tasks counts the complaint's version up: what a reporter is shown of them is
/// never older than the version.
#[tokio::test]
async fn each_step_of_a_unit_is_a_new_version_for_the_reporter() {
    let app = App::spawn().await;
    let case = app.dispatched().await;
    let (li, clerk, path) = (app.resident("li"), app.as_(crate::support::CLERK), case.path(""));
    let note = json!({"note": "电话联系，约定今晚到现场查看"});
    let reply = json!({"text": crate::support::REPLY, "outcome": "solved"});
    let mut tag = li.get(&path).await.header("etag").to_owned();
    for (who, step, body) in [
        (&clerk, "/acknowledge", json!({})),
        (&clerk, "/contact", note),
        (&clerk, "/reply", reply),
        (&app.as_("dispatcher"), "/confirm", json!({})),
    ] {
        assert_eq!(asks(&li, &path, &tag).await.status, 304, "before {step}");
        who.post(&case.task(step), body).await.expect(200);
        let shown = asks(&li, &path, &tag).await;
        assert_eq!(shown.status, 200, "after {step}");
        shown.header("etag").clone_into(&mut tag);
    }
}

/// Whose case follows another is answered by that one, which has a version of its own.
#[tokio::test]
async fn a_merged_complaint_is_always_sent() {
    let app = App::spawn().await;
    let (lead, child) = (app.accepted().await, app.accepted().await);
    let into = json!({"into": lead.id});
    app.as_("dispatcher").post(&child.path("/merge"), into).await.expect(200);
    let (li, path) = (app.resident("li"), child.path(""));
    let tag = li.get(&path).await.header("etag").to_owned();
    assert_eq!(asks(&li, &path, &tag).await.status, 200);
    let answer = json!({"text": "路灯已于11月24日修复，感谢反映。"});
    app.as_("dispatcher").post(&lead.path("/answer"), answer).await.expect(200);
    let shown = asks(&li, &path, &tag).await;
    assert_eq!((shown.status, shown.header("etag")), (200, &*tag), "in the same version");
    assert!(shown.body["answer"].as_str().unwrap().contains("已于11月24日修复"), "{shown}");
}

#[tokio::test]
async fn the_badge_is_sent_again_only_when_its_number_changed() {
    let app = App::spawn().await;
    let li = app.resident("li");
    let path = "/notifications/unread-count";
    let none = li.get(path).await;
    let tag = none.header("etag").to_owned();
    assert_eq!(none.expect(200), json!({"count": 0}));
    assert_eq!(asks(&li, path, &tag).await.status, 304);
    assert_eq!(asks(&app.resident("wang"), path, &tag).await.status, 200);
    let case = app.submitted().await;
    let accept = json!({"urgency": "ordinary"});
    app.as_("dispatcher").post(&case.path("/accept"), accept).await.expect(200);
    app.drain().await;
    let some = asks(&li, path, &tag).await;
    let newer = some.header("etag").to_owned();
    let count = some.expect(200)["count"].as_i64().unwrap();
    assert!(count > 0);
    assert_eq!(asks(&li, path, &newer).await.status, 304);
    for one in li.all("/notifications").await {
        let at = format!("/notifications/{}/read", one["id"].as_str().unwrap());
        li.post(&at, json!({})).await.expect(200);
    }
    assert_eq!(asks(&li, path, &newer).await.expect(200), json!({"count": 0}));
}

#[tokio::test]
async fn ones_own_list_is_sent_again_only_when_one_of_them_changed() {
    let app = App::spawn().await;
    let (li, path) = (app.resident("li"), "/me/complaints");
    let empty = li.get(path).await.header("etag").to_owned();
    assert_eq!(asks(&li, path, &empty).await.status, 304);
    let case = app.submitted().await;
    let one = asks(&li, path, &empty).await;
    let tag = one.header("etag").to_owned();
    assert_eq!(one.expect(200)["items"].as_array().unwrap().len(), 1);
    assert_eq!(asks(&li, path, &tag).await.status, 304);
    assert_eq!(asks(&li, "/me/complaints?limit=1", &tag).await.status, 200);
    let accept = json!({"urgency": "ordinary"});
    app.as_("dispatcher").post(&case.path("/accept"), accept).await.expect(200);
    let changed = asks(&li, path, &tag).await;
    let newer = changed.header("etag").to_owned();
    assert_eq!(changed.expect(200)["items"][0]["status"], "accepted");
    let hot = json!({"on": true, "reason": "三天内同一小区五件"});
    app.as_("dispatcher").post(&case.path("/hot"), hot).await.expect(200);
    assert_eq!(asks(&li, path, &newer).await.status, 200, "the mark shows");
}
