//! What leaves the house: a notification is sent to whoever consented, once, in time, or not at all.

use chrono::TimeDelta;
use reqwest::Method;
use serde_json::{Value, json};
use wiremock::{MockServer, ResponseTemplate};

use crate::support::{
    App, Case, Client, complaint, wechat, wechat_answers, wechat_asked, wechat_keys,
    wechat_refuses, wechat_says,
};

mod digest;
mod retry;
mod sms;

const SEND: &str = "/cgi-bin/message/subscribe/send";
const ALL: &[&str] = &["demo-progress", "demo-asked", "demo-service", "demo-points"];

fn ok() -> ResponseTemplate {
    wechat_says(&json!({"errcode": 0, "errmsg": "ok"}))
}

/// An application whose WeChat answers messages so, and a person who consented to `templates`.
async fn scene(answer: ResponseTemplate, templates: &[&str]) -> (MockServer, App, Client) {
    let server = wechat().await;
    wechat_answers(&server, SEND, answer).await;
    let app = App::on_wechat(&server, |config| config.wechat.retries = 0).await;
    let wang = app.wechat_person("wang").await;
    consents(&wang, "first", templates).await;
    (server, app, wang)
}

/// Lets time pass; who was logged in logs in again, as the token is over by then.
async fn later(app: &App, who: Client, to: &str) -> Client {
    drop(who);
    app.pass(to).await;
    app.wechat_person("wang").await
}

async fn consents(who: &Client, key: &str, templates: &[&str]) -> Value {
    let body = json!({"accepted": templates, "rejected": []});
    let key = format!("consent-{key:-<16}");
    who.request(Method::POST, "/me/subscriptions").key(&key).json(&body).send().await.expect(200)
}

/// How often a person may still be sent a group, and whether to ask.
async fn left(who: &Client, template: &str) -> (i64, bool) {
    let view = who.get("/me/subscriptions").await.expect(200);
    let items = view["items"].as_array().unwrap();
    let one = items.iter().find(|one| one["template"] == template).unwrap();
    (one["remaining"].as_i64().unwrap(), one["ask"].as_bool().unwrap())
}

async fn deliveries(app: &App) -> Vec<Value> {
    app.as_("sysadmin").all("/deliveries").await
}

/// The only delivery: where it stands, and why.
async fn only(app: &App) -> (String, Value) {
    let rows = deliveries(app).await;
    assert_eq!(rows.len(), 1, "{rows:?}");
    (rows[0]["state"].as_str().unwrap().to_owned(), rows[0]["reason"].clone())
}

fn stands(state: &str, reason: Value) -> (String, Value) {
    (state.to_owned(), reason)
}

/// A person's complaint, accepted but for the jobs.
async fn accepted(app: &App, who: &Client) -> Case {
    let case = who.submit(&complaint()).await;
    app.drain().await;
    app.accept(&case, "ordinary").await;
    case
}

#[tokio::test]
async fn a_step_is_sent_to_whoever_consented_and_to_nobody_else() {
    let (server, app, wang) = scene(ok(), &["demo-progress"]).await;
    let case = accepted(&app, &wang).await;
    app.drain().await;
    let asked = wechat_asked(&server, SEND).await;
    assert_eq!(asked.len(), 1);
    assert_eq!(asked[0]["touser"], "oTest-real-wang");
    assert_eq!(asked[0]["template_id"], "demo-progress");
    let data = &asked[0]["data"];
    assert_eq!(data["thing1"]["value"], complaint()["title"]);
    assert_eq!(data["character_string2"]["value"], case.number);
    assert_eq!(data["phrase3"]["value"], "已受理");
    assert!(data["thing4"]["value"].as_str().unwrap().chars().count() <= 20, "{data}");
    let rows = deliveries(&app).await;
    assert_eq!((&rows[0]["state"], &rows[0]["template_version"]), (&json!("sent"), &json!(1)));
    let shown = rows[0].to_string();
    assert!(!shown.contains("oTest") && !shown.contains("路灯"), "no personal data: {shown}");
    // Whoever did not consent has the inbox.
    let zhao = app.wechat_person("zhao").await;
    accepted(&app, &zhao).await;
    app.drain().await;
    assert_eq!(zhao.all("/notifications").await[0]["kind"], "accepted");
    assert_eq!(wechat_asked(&server, SEND).await.len(), 1);
    // Jobs that run again send nothing again.
    sqlx::query(
        "update job set state = 'ready', attempt = 0, finished_at = null where kind = 'deliver'",
    )
    .execute(app.db())
    .await
    .unwrap();
    app.drain().await;
    assert_eq!(wechat_asked(&server, SEND).await.len(), 1);
}

#[tokio::test]
async fn a_confidential_case_is_sent_without_its_title() {
    let (server, app, wang) = scene(ok(), &["demo-progress"]).await;
    let mut body = complaint();
    body["confidential"] = json!(true);
    let case = wang.submit(&body).await;
    app.accept(&case, "ordinary").await;
    app.drain().await;
    let asked = wechat_asked(&server, SEND).await;
    assert_eq!(asked.len(), 1);
    assert_eq!(asked[0]["data"]["thing1"]["value"], "您反映的事项");
    assert!(!asked[0].to_string().contains("路灯"), "{}", asked[0]);
}

#[tokio::test]
async fn consent_is_counted_and_a_refusal_ends_it() {
    let (server, app, wang) = scene(ok(), ALL).await;
    assert_eq!(left(&wang, "asked").await, (1, false));
    assert_eq!(left(&wang, "progress").await, (1, false), "long-term");
    // The second tap on the same question counts nothing.
    let again = consents(&wang, "first", ALL).await;
    assert_eq!(again["items"].as_array().unwrap().len(), 4);
    assert_eq!(left(&wang, "asked").await, (1, false));
    consents(&wang, "second", &["demo-asked", "of-another-app"]).await;
    assert_eq!(left(&wang, "asked").await, (2, false));
    accepted(&app, &wang).await;
    app.drain().await;
    assert_eq!(left(&wang, "progress").await, (1, false), "long-term consent is not used up");
    server.reset().await;
    wechat_answers(&server, SEND, wechat_refuses(43101)).await;
    let token = json!({"access_token": "token-1", "expires_in": 7200});
    wechat_answers(&server, "/cgi-bin/stable_token", wechat_says(&token)).await;
    app.advance(TimeDelta::seconds(1));
    accepted(&app, &wang).await;
    app.drain().await;
    let rows = deliveries(&app).await;
    let (state, reason) = (&rows[0]["state"], &rows[0]["reason"]);
    assert_eq!((state, reason), (&json!("failed"), &json!("no_consent")));
    assert_eq!(left(&wang, "progress").await, (0, true), "the person is asked anew");
    accepted(&app, &wang).await;
    app.drain().await;
    assert_eq!(deliveries(&app).await.len(), 2, "without consent nothing is to be sent");

    let body = json!({"accepted": ["a", "a"], "rejected": ["a"]});
    let refused =
        wang.request(Method::POST, "/me/subscriptions").key("consent-of-no-sense").json(&body);
    let refused = refused.send().await;
    assert_eq!(refused.fields(), ["accepted", "rejected"]);
    let six = json!({"accepted": ["1", "2", "3", "4", "5", "6"]});
    let refused =
        wang.request(Method::POST, "/me/subscriptions").key("consent-of-too-many").json(&six);
    assert_eq!(refused.send().await.fields(), ["accepted"]);
}

#[tokio::test]
async fn one_consent_is_one_message() {
    let (server, app, wang) = scene(ok(), &["demo-asked"]).await;
    // As it is when both were decided before either was sent.
    let first = replied(&app, &wang).await;
    let second = replied(&app, &wang).await;
    assert_ne!(first.id, second.id);
    app.drain().await;
    assert_eq!(wechat_asked(&server, SEND).await.len(), 1);
    assert_eq!(left(&wang, "asked").await, (0, true));
}

/// A case of a person's that is replied to.
async fn replied(app: &App, who: &Client) -> Case {
    let mut case = who.submit(&complaint()).await;
    app.accept(&case, "ordinary").await;
    app.dispatch(&mut case, json!({"lead": crate::support::UNIT})).await;
    let clerk = app.as_(crate::support::CLERK);
    clerk.post(&case.task("/acknowledge"), json!({})).await.expect(200);
    app.contact_and_reply(&case).await;
    app.as_("dispatcher").post(&case.task("/confirm"), json!({})).await.expect(200);
    case
}

#[tokio::test]
async fn what_has_become_needless_is_not_sent() {
    let (server, app, wang) = scene(ok(), ALL).await;
    // Evaluated before the worker came to ask for it.
    let case = replied(&app, &wang).await;
    let stars = json!({"solved": true, "satisfaction": 5, "contacted": true});
    wang.post(&case.path("/evaluate"), stars).await.expect(200);
    app.drain().await;
    let rows = deliveries(&app).await;
    assert!(!rows.is_empty());
    let asked: Vec<_> = rows.iter().filter(|row| row["kind"] == "replied").collect();
    assert_eq!((&asked[0]["state"], &asked[0]["reason"]), (&json!("dropped"), &json!("over")));
    // So is what was told before it.
    for row in rows.iter().filter(|row| row["kind"] == "accepted") {
        assert_eq!((&row["state"], &row["reason"]), (&json!("dropped"), &json!("over")));
    }
    assert!(wechat_asked(&server, SEND).await.is_empty(), "all of it is over: {rows:?}");
}

#[tokio::test]
async fn at_night_what_can_wait_waits_and_is_judged_anew() {
    let (server, app, wang) = scene(ok(), ALL).await;
    let wang = later(&app, wang, "2026-11-25T22:00:00+08:00").await;
    let first = accepted(&app, &wang).await;
    app.drain().await;
    assert_eq!(only(&app).await, stands("waiting", Value::Null));
    app.pass("2026-11-26T07:59:00+08:00").await;
    assert!(wechat_asked(&server, SEND).await.is_empty());
    app.pass("2026-11-26T08:00:00+08:00").await;
    let sent = deliveries(&app).await.into_iter().find(|row| row["kind"] == "accepted").unwrap();
    assert_eq!(sent["state"], "sent", "{sent} {}", first.id);

    // Read during the night: nothing is sent in the morning.
    let wang = later(&app, wang, "2026-11-26T23:00:00+08:00").await;
    let before = wechat_asked(&server, SEND).await.len();
    let second = accepted(&app, &wang).await;
    app.drain().await;
    let inbox = wang.all("/notifications").await;
    let told = inbox.iter().find(|one| one["complaint_id"] == second.id).unwrap();
    let path = format!("/notifications/{}/read", told["id"].as_str().unwrap());
    wang.post(&path, json!({})).await.expect(200);
    app.pass("2026-11-27T08:00:00+08:00").await;
    assert_eq!(wechat_asked(&server, SEND).await.len(), before);
    assert_eq!(app.count("delivery where state = 'dropped' and reason = 'read'").await, 1);
}

#[tokio::test]
async fn a_person_says_what_is_sent_and_when() {
    let (server, app, wang) = scene(ok(), ALL).await;
    let path = "/me/notification-preferences";
    let caller = wang.clone();
    let put = async |body: Value| caller.request(Method::PUT, path).json(&body).send().await;
    let house = json!({"muted": [], "muted_sms": [], "always": ["duty"], "digest": "daily",
        "quiet": {"from": 21, "until": 8}, "own_quiet": false});
    assert_eq!(wang.get(path).await.expect(200), house);
    put(json!({"muted": ["news"]})).await.refused(422, "invalid_field");
    let refused = put(json!({"muted": [], "quiet": {"from": 24, "until": 99}})).await;
    assert_eq!(refused.fields(), ["quiet.from", "quiet.until"]);
    for (muted, by_sms, field) in [
        (json!(["duty"]), json!([]), "muted"),
        (json!([]), json!(["duty"]), "muted_sms"),
        (json!([]), json!(["points"]), "muted_sms"),
    ] {
        let refused = put(json!({"muted": muted, "muted_sms": by_sms})).await;
        assert_eq!(refused.fields(), [field], "{refused}");
    }
    assert_eq!(wang.get(path).await.expect(200), house, "what was refused changed nothing");

    let own =
        put(json!({"muted": ["progress", "progress"], "quiet": {"from": 6, "until": 6}})).await;
    let kept = json!({"muted": ["progress"], "muted_sms": ["progress"], "always": ["duty"], "digest": "daily",
        "quiet": {"from": 6, "until": 6}, "own_quiet": true});
    assert_eq!(own.expect(200), kept);
    accepted(&app, &wang).await;
    app.drain().await;
    assert_eq!(only(&app).await, stands("dropped", json!("muted")));
    assert_eq!(wang.all("/notifications").await[0]["kind"], "accepted", "the inbox has it");
    assert_eq!(app.as_("dispatcher").get(path).await.expect(200), house, "each their own");

    // Without quiet hours it is sent at night.
    put(json!({"muted": [], "quiet": {"from": 6, "until": 6}})).await.expect(200);
    let wang = later(&app, wang, "2026-11-25T23:00:00+08:00").await;
    let before = wechat_asked(&server, SEND).await.len();
    accepted(&app, &wang).await;
    app.drain().await;
    assert_eq!(wechat_asked(&server, SEND).await.len(), before + 1);
}

#[tokio::test]
async fn what_surely_was_not_sent_is_tried_again_until_it_has_failed() {
    for errcode in [-1, 45011] {
        let (server, app, wang) = scene(wechat_refuses(errcode), &["demo-progress"]).await;
        accepted(&app, &wang).await;
        app.drain().await;
        assert_eq!(only(&app).await, stands("waiting", Value::Null), "{errcode}");
        app.advance(TimeDelta::minutes(1));
        app.drain().await;
        assert_eq!(deliveries(&app).await[0]["attempt"], 2, "{errcode}");
        server.reset().await;
        wechat_answers(&server, SEND, ok()).await;
        let token = json!({"access_token": "token-1", "expires_in": 7200});
        wechat_answers(&server, "/cgi-bin/stable_token", wechat_says(&token)).await;
        app.advance(TimeDelta::minutes(3));
        app.drain().await;
        assert_eq!(only(&app).await, stands("sent", Value::Null), "{errcode}");
    }
    for (errcode, reason) in [(47003, "field_refused"), (40037, "refused"), (40226, "refused")] {
        let (server, app, wang) = scene(wechat_refuses(errcode), &["demo-progress"]).await;
        accepted(&app, &wang).await;
        app.drain().await;
        assert_eq!(only(&app).await, stands("failed", json!(reason)));
        app.advance(TimeDelta::hours(1));
        app.drain().await;
        assert_eq!(wechat_asked(&server, SEND).await.len(), 1, "{errcode}: not by itself");
    }
}

#[tokio::test]
async fn what_may_have_been_sent_is_sent_again_by_a_person_only() {
    let (server, app, wang) = scene(ResponseTemplate::new(502), &["demo-asked"]).await;
    replied(&app, &wang).await;
    app.drain().await;
    assert_eq!(only(&app).await, stands("unknown", Value::Null));
    assert_eq!(left(&wang, "asked").await.0, 0, "the consent may be used up");
    app.advance(TimeDelta::minutes(30));
    app.drain().await;
    assert_eq!(wechat_asked(&server, SEND).await.len(), 1, "not by itself");

    let id = deliveries(&app).await[0]["id"].as_str().unwrap().to_owned();
    let path = format!("/deliveries/{id}/resend");
    let admin = app.as_("sysadmin");
    admin.post(&path, json!({})).await.expect(200);
    admin.post(&path, json!({})).await.refused(409, "delivery_step_refused");
    app.drain().await;
    assert_eq!(only(&app).await, stands("dropped", json!("no_consent")), "judged anew");
    assert_eq!(app.count("audit_entry where action = 'delivery.resend'").await, 1);
    admin.post(&path, json!({})).await.refused(409, "delivery_step_refused");
    for (query, found) in
        [("state=dropped", 1), ("state=sent", 0), ("kind=replied&channel=subscribe", 1)]
    {
        assert_eq!(admin.all(&format!("/deliveries?{query}")).await.len(), found, "{query}");
    }
    admin.get("/deliveries?state=lost").await.refused(422, "invalid_field");
}

/// A worker that dies between the call and the record leaves the row `sending` and its job to
/// another. The death itself is simulated by such a row.
#[tokio::test]
async fn a_worker_that_died_while_sending_leaves_it_unknown() {
    let (server, app, wang) = scene(ok(), &["demo-asked"]).await;
    let wang = later(&app, wang, "2026-11-25T22:00:00+08:00").await;
    replied(&app, &wang).await;
    app.drain().await;
    assert_eq!(only(&app).await, stands("waiting", Value::Null));
    sqlx::query("update delivery set state = 'sending', template_version = 1")
        .execute(app.db())
        .await
        .unwrap();
    app.pass("2026-11-26T08:00:00+08:00").await;
    assert_eq!(app.count("delivery where state = 'unknown'").await, 1);
    assert!(wechat_asked(&server, SEND).await.is_empty(), "never sent twice");
    let id = deliveries(&app).await[0]["id"].as_str().unwrap().to_owned();
    let wang = later(&app, wang, "2026-11-26T08:01:00+08:00").await;
    consents(&wang, "again", &["demo-asked"]).await;
    app.as_("sysadmin").post(&format!("/deliveries/{id}/resend"), json!({})).await.expect(200);
    app.drain().await;
    app.drain().await;
    assert_eq!(wechat_keys(&server, SEND).await, [id], "one call for each key");
}

#[tokio::test]
async fn two_workers_at_once_send_once() {
    let (server, app, wang) =
        scene(ok().set_delay(std::time::Duration::from_millis(300)), &["demo-asked"]).await;
    let wang = later(&app, wang, "2026-11-25T22:00:00+08:00").await;
    replied(&app, &wang).await;
    app.drain().await;
    app.set_clock(crate::support::at("2026-11-26T08:00:00+08:00"));
    tokio::join!(app.drain(), app.drain(), app.drain());
    app.drain().await;
    let id = deliveries(&app).await[0]["id"].as_str().unwrap().to_owned();
    assert_eq!(wechat_keys(&server, SEND).await, [id], "the call says which message it is of");
    assert_eq!(app.count("delivery where state = 'sent'").await, 1);
}

#[tokio::test]
async fn a_template_is_published_in_versions_and_each_message_says_which() {
    let (server, app, wang) = scene(ok(), &["demo-progress"]).await;
    let admin = app.as_("sysadmin");
    let path = "/notification-templates/progress";
    let wording = json!({"template_id": "demo-progress", "page": "", "long_term": true,
        "fields": {"thing1": "{title}", "thing2": "请留意", "phrase3": "{phrase}"}});
    let shown = admin.post(&format!("{path}/preview"), wording.clone()).await.expect(200);
    let title = shown["fields"]["thing1"].as_str().unwrap();
    assert!(title.chars().count() == 20 && title.ends_with('…'), "the cut is shown: {title}");
    assert_eq!(
        (&shown["fields"]["thing2"], &shown["fields"]["phrase3"]),
        (&json!("请留意"), &json!("已受理"))
    );

    let kinds = shown["kinds"].as_array().unwrap();
    let named: Vec<_> = kinds.iter().map(|one| one["kind"].as_str().unwrap()).collect();
    let all = [
        "accepted",
        "rejected",
        "answered",
        "task_dispatched",
        "extension_granted",
        "rework_ordered",
        "closed",
    ];
    assert_eq!(named, all, "each kind of the group");
    for one in kinds {
        assert_eq!(one["cut"], json!(["thing1"]), "{one}");
    }
    let mut sentences = wording.clone();
    sentences["fields"] = json!({"thing1": "{text}"});
    let shown = admin.post(&format!("{path}/preview"), sentences).await.expect(200);
    let texts: std::collections::BTreeSet<_> = shown["kinds"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| one["fields"]["thing1"].to_string())
        .collect();
    assert_eq!(texts.len(), all.len(), "each with its own sentence: {texts:?}");

    let published = |base: i32| {
        let mut body = wording.clone();
        body["base_version"] = json!(base);
        body
    };
    let versions = format!("{path}/versions");
    let mut wrong = published(1);
    wrong["fields"] = json!({"thing1": "{name}", "title2": "x"});
    let refused = admin.post(&versions, wrong).await;
    assert_eq!(refused.fields(), ["fields.thing1", "fields.title2"]);
    let items = admin.post(&versions, published(1)).await.expect(201)["items"].clone();
    assert_eq!((&items[0]["template"], &items[0]["version"]), (&json!("progress"), &json!(2)));
    admin.post(&versions, published(1)).await.refused(409, "delivery_template_changed");
    admin
        .post("/notification-templates/news/versions", published(1))
        .await
        .refused(404, "not_found");
    assert_eq!(
        admin.get("/notification-templates").await.expect(200)["items"].as_array().unwrap().len(),
        5
    );
    assert_eq!(app.count("audit_entry where action = 'delivery.publish'").await, 1);

    accepted(&app, &wang).await;
    app.drain().await;
    let asked = wechat_asked(&server, SEND).await;
    assert_eq!(
        (&asked[0]["data"]["thing2"]["value"], &asked[0]["page"]),
        (&json!("请留意"), &Value::Null)
    );
    assert_eq!(deliveries(&app).await[0]["template_version"], 2);
    let changed =
        sqlx::query("update notification_template set page = 'x'").execute(app.db()).await;
    assert!(changed.unwrap_err().to_string().contains("append-only"));
}
