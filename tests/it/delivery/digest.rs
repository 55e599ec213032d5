//! The daily summary of tasks.

use api::app::delivery::digest::PlanDigests;

use super::*;
use crate::support::{CLERK, sms, sms_named, sms_sent};

const PHONE: &str = "13800001234";
const PREFERENCES: &str = "/me/notification-preferences";

async fn scene() -> (MockServer, App) {
    let provider = sms().await;
    let app = App::on_sms(&provider, |_| ()).await;
    let body = json!({"base_version": 0, "channel": "sms", "template_id": "SMS_14",
        "long_term": false, "fields": {"what": "{summary}"}});
    let path = "/notification-templates/digest/versions";
    app.as_("sysadmin").post(path, body).await.expect(201);
    app.anonymous().post("/auth/phone/code", json!({"phone": PHONE})).await.expect(202);
    app.drain().await;
    let code = sms_sent(&provider).await.pop().unwrap().1["code"].clone();
    let body = json!({"phone": PHONE, "code": code});
    app.as_(CLERK).request(Method::PUT, "/me/phone").json(&body).send().await.expect(200);
    (provider, app)
}

/// The chore of a day runs, and again.
async fn plans(app: &App, at: &str) {
    app.set_clock(crate::support::at(at));
    for _ in 0..2 {
        let here = app.state().clone();
        api::app::transact(app.db(), move |tx| {
            Box::pin(async move { PlanDigests::plan(&here, tx).await })
        })
        .await
        .unwrap();
    }
    app.drain().await;
}

/// The summaries that were texted.
async fn texted(provider: &MockServer) -> Vec<String> {
    let sent = sms_named(provider).await.into_iter().zip(sms_sent(provider).await);
    sent.filter(|((template, _), _)| template == "SMS_14")
        .map(|(_, (to, params))| {
            assert_eq!(to, PHONE);
            params["what"].as_str().unwrap().to_owned()
        })
        .collect()
}

async fn acknowledge(app: &App, case: &Case) {
    app.as_(CLERK).post(&case.task("/acknowledge"), json!({})).await.expect(200);
}

async fn wants(app: &App, body: Value) {
    let clerk = app.as_(CLERK);
    clerk.request(Method::PUT, PREFERENCES).json(&body).send().await.expect(200);
}

#[tokio::test]
async fn on_a_working_day_staff_are_told_once_what_waits() {
    let (provider, app) = scene().await;
    app.dispatched().await;
    app.drain().await;
    plans(&app, "2026-11-25T08:00:00+08:00").await;
    assert!(texted(&provider).await.is_empty(), "not before half past eight");
    app.pass("2026-11-25T08:30:00+08:00").await;
    app.drain().await;
    assert_eq!(texted(&provider).await, ["新1到期0超时1待办0"]);
    let told = app.as_(CLERK).all("/notifications").await;
    let told: Vec<_> = told.iter().filter(|one| one["kind"] == "daily_digest").collect();
    assert_eq!(told.len(), 1, "one entry of the inbox");
    assert_eq!(told[0]["title"], "今日任务");
    let text = told[0]["text"].as_str().unwrap();
    assert!(text.contains("待签收 1 件") && text.contains("已超时 1 件"), "{text}");
    for who in ["dispatcher", "dept.housing"] {
        let none = app.as_(who).told("daily_digest").await;
        assert!(none.is_empty(), "{who}: nothing waits, or no tasks are theirs");
    }
    // The same day is told once, whatever runs again.
    plans(&app, "2026-11-25T11:00:00+08:00").await;
    let again = sqlx::query(
        "insert into event (subject_id, seq, at, kind, visibility, data)
         select subject_id, 99, at, kind, visibility, data from event
         where kind = 'daily_digest' and subject_id = (
             select id from account where username = $1)",
    )
    .bind(CLERK)
    .execute(app.db())
    .await;
    assert!(again.unwrap_err().to_string().contains("event_digest_once"));
    assert_eq!(texted(&provider).await.len(), 1);

    wants(&app, json!({"muted": [], "digest": "off"})).await;
    assert_eq!(app.as_(CLERK).get(PREFERENCES).await.expect(200)["digest"], "off");
    plans(&app, "2026-11-26T08:00:00+08:00").await;
    app.pass("2026-11-26T08:30:00+08:00").await;
    assert_eq!(texted(&provider).await.len(), 1, "who wants none gets none");
    wants(&app, json!({"muted": []})).await;
    plans(&app, "2026-11-28T08:00:00+08:00").await;
    app.pass("2026-11-28T08:30:00+08:00").await;
    assert_eq!(texted(&provider).await.len(), 1, "a Saturday");
}

#[tokio::test]
async fn what_is_sent_is_counted_when_it_is_sent() {
    let (provider, app) = scene().await;
    wants(&app, json!({"muted": [], "quiet": {"from": 21, "until": 10}})).await;
    let case = app.dispatched().await;
    app.drain().await;
    plans(&app, "2026-11-25T08:00:00+08:00").await;
    app.pass("2026-11-25T08:30:00+08:00").await;
    app.drain().await;
    assert!(texted(&provider).await.is_empty(), "it waits for ten");
    acknowledge(&app, &case).await;
    app.pass("2026-11-25T10:00:00+08:00").await;
    app.drain().await;
    assert_eq!(
        texted(&provider).await,
        ["新0到期0超时1待办0"],
        "acknowledged since; not yet called"
    );

    plans(&app, "2026-11-26T08:00:00+08:00").await;
    app.pass("2026-11-26T08:30:00+08:00").await;
    app.drain().await;
    app.contact_and_reply(&case).await;
    app.as_("dispatcher").post(&case.task("/confirm"), json!({})).await.expect(200);
    app.pass("2026-11-26T10:00:00+08:00").await;
    app.drain().await;
    assert_eq!(texted(&provider).await.len(), 1, "nothing is left to tell");
    let over = "delivery where kind = 'daily_digest' and state = 'dropped' and reason = 'over'";
    assert_eq!(app.count(over).await, 1);
}
