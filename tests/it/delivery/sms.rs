//! Text messages: to residents whom WeChat does not reach, and to staff who have to know at once.

use super::*;
use crate::{
    support::{CLERK, UNIT, sms, sms_named, sms_refuses, sms_sent, sms_takes},
    whistle::Whistle,
};

const PHONE: &str = "13800001234";
const HEAD: &str = "head.urban-management";

/// An application with a provider of text messages and a WeChat that takes every message.
async fn both() -> (MockServer, MockServer, App) {
    let (provider, server) = (sms().await, wechat().await);
    wechat_answers(&server, SEND, ok()).await;
    let url = server.uri();
    let app = App::on_sms(&provider, |config| {
        config.wechat.base_url = url;
        config.wechat.retries = 0;
    })
    .await;
    (provider, server, app)
}

fn wording(code: &str) -> Value {
    json!({"base_version": 0, "channel": "sms", "template_id": code, "long_term": false,
        "fields": {"number": "{number}", "what": "{phrase}"}})
}

/// The administrator publishes the templates of text messages.
async fn published(app: &App) {
    for (template, code) in [("progress", "SMS_11"), ("asked", "SMS_12"), ("duty", "SMS_13")] {
        let path = format!("/notification-templates/{template}/versions");
        app.as_("sysadmin").post(&path, wording(code)).await.expect(201);
    }
}

/// The code that was sent to a phone.
async fn code(app: &App, provider: &MockServer, phone: &str) -> String {
    app.anonymous().post("/auth/phone/code", json!({"phone": phone})).await.expect(202);
    app.drain().await;
    let (to, params) = sms_sent(provider).await.pop().expect("a message");
    assert_eq!(to, phone);
    params["code"].as_str().unwrap().to_owned()
}

/// A resident who logs in by phone, without WeChat.
async fn by_phone(app: &App, provider: &MockServer) -> Client {
    let code = code(app, provider, PHONE).await;
    let body = json!({"phone": PHONE, "code": code});
    let session = app.anonymous().post("/auth/phone", body).await.expect(200);
    app.bearer(session["access_token"].as_str().unwrap())
}

/// Gives somebody a phone by the code sent to it.
async fn has_phone(app: &App, provider: &MockServer, who: &Client, phone: &str) {
    let code = code(app, provider, phone).await;
    let body = json!({"phone": phone, "code": code});
    who.request(Method::PUT, "/me/phone").json(&body).send().await.expect(200);
}

/// The notices that were sent: to whom, under which template, what.
async fn notices(provider: &MockServer) -> Vec<(String, String, Value)> {
    let named = sms_named(provider).await.into_iter();
    let sent = named.zip(sms_sent(provider).await);
    sent.map(|((template, _), (to, params))| (to, template, params))
        .filter(|(_, template, _)| template != "SMS_1")
        .collect()
}

#[tokio::test]
async fn whom_wechat_does_not_reach_gets_the_answer_by_text_and_no_word_of_the_case() {
    let (provider, server, app) = both().await;
    let chen = by_phone(&app, &provider).await;
    replied(&app, &chen).await;
    app.drain().await;
    assert!(
        notices(&provider).await.is_empty(),
        "nothing is texted before a template is published"
    );
    assert_eq!(app.count("delivery").await, 0);

    published(&app).await;
    let case = replied(&app, &chen).await;
    app.drain().await;
    let sent = notices(&provider).await;
    let said = json!({"number": case.number, "what": "待评价"});
    assert_eq!(sent, [(PHONE.to_owned(), "SMS_12".to_owned(), said)], "one, for what matters");
    let rows = deliveries(&app).await;
    assert_eq!((&rows[0]["channel"], &rows[0]["state"]), (&json!("sms"), &json!("sent")));
    let key = sms_named(&provider).await.pop().unwrap().1;
    assert_eq!(rows[0]["id"], key, "the call carries the delivery's id");
    assert!(!rows[0].to_string().contains(PHONE));
    assert!(wechat_asked(&server, SEND).await.is_empty());

    // Whoever wants none gets none.
    let path = "/me/notification-preferences";
    let off = json!({"muted": [], "muted_sms": ["asked"]});
    chen.request(Method::PUT, path).json(&off).send().await.expect(200);
    app.advance(TimeDelta::seconds(1));
    replied(&app, &chen).await;
    app.drain().await;
    assert_eq!(notices(&provider).await.len(), 1);
    assert_eq!(app.count("delivery where state = 'dropped' and reason = 'muted'").await, 1);
}

#[tokio::test]
async fn of_a_confidential_case_not_even_the_number_is_texted() {
    let (provider, _server, app) = both().await;
    published(&app).await;
    let chen = by_phone(&app, &provider).await;
    let mut body = complaint();
    body["confidential"] = json!(true);
    let case = chen.submit(&body).await;
    let reject =
        json!({"ground": "out_of_area", "explanation": "反映的路段在云冈区，请拨打云冈区热线。"});
    app.as_("dispatcher").post(&case.path("/reject"), reject).await.expect(200);
    app.drain().await;
    let said = json!({"number": "-", "what": "不予受理"});
    assert_eq!(notices(&provider).await, [(PHONE.to_owned(), "SMS_11".to_owned(), said)]);
}

#[tokio::test]
async fn a_whistle_is_texted_to_the_centre() {
    let (provider, _server, app) = both().await;
    published(&app).await;
    has_phone(&app, &provider, &app.as_("dispatcher"), PHONE).await;
    has_phone(&app, &provider, &app.as_(CLERK), "13900005678").await;
    Whistle::blown(&app).await;
    app.drain().await;
    let said = json!({"number": "-", "what": "已吹哨"});
    assert_eq!(notices(&provider).await, [(PHONE.to_owned(), "SMS_13".to_owned(), said)]);
}

#[tokio::test]
async fn each_event_is_one_message_and_wechat_comes_first() {
    let (provider, server, app) = both().await;
    published(&app).await;
    let wang = app.wechat_person("wang").await;
    has_phone(&app, &provider, &wang, PHONE).await;
    consents(&wang, "first", &["demo-asked"]).await;
    replied(&app, &wang).await;
    app.drain().await;
    assert_eq!(wechat_asked(&server, SEND).await.len(), 1);
    assert!(notices(&provider).await.is_empty(), "WeChat took it");

    // Without consent it goes by text at once.
    app.advance(TimeDelta::seconds(1));
    replied(&app, &wang).await;
    app.drain().await;
    assert_eq!(wechat_asked(&server, SEND).await.len(), 1);
    assert_eq!(notices(&provider).await.len(), 1);

    // WeChat says that there is no consent: surely not sent, so that the other way is open.
    consents(&wang, "second", &["demo-asked"]).await;
    server.reset().await;
    wechat_answers(&server, SEND, wechat_refuses(43101)).await;
    let token = json!({"access_token": "token-1", "expires_in": 7200});
    wechat_answers(&server, "/cgi-bin/stable_token", wechat_says(&token)).await;
    app.advance(TimeDelta::seconds(1));
    replied(&app, &wang).await;
    app.drain().await;
    app.drain().await;
    assert_eq!(notices(&provider).await.len(), 2);
    let both = "delivery d join delivery e using (notification_id)
        where d.channel = 'subscribe' and d.state = 'failed' and d.reason = 'no_consent'
            and e.channel = 'sms' and e.state = 'sent'";
    assert_eq!(app.count(both).await, 1);
    // What may have been sent goes by no other way.
    consents(&wang, "third", &["demo-asked"]).await;
    server.reset().await;
    wechat_answers(&server, SEND, ResponseTemplate::new(502)).await;
    wechat_answers(&server, "/cgi-bin/stable_token", wechat_says(&token)).await;
    app.advance(TimeDelta::seconds(1));
    replied(&app, &wang).await;
    app.drain().await;
    app.drain().await;
    assert_eq!(notices(&provider).await.len(), 2);
    assert_eq!(app.count("delivery where state = 'unknown'").await, 1);
}

#[tokio::test]
async fn staff_are_texted_what_presses_and_the_head_what_is_overdue() {
    let (provider, _server, app) = both().await;
    published(&app).await;
    has_phone(&app, &provider, &app.as_(CLERK), PHONE).await;
    has_phone(&app, &provider, &app.as_(HEAD), "13900005678").await;
    // An ordinary one waits in the list; nobody is texted until it is overdue.
    let ordinary = app.dispatched().await;
    app.drain().await;
    assert!(notices(&provider).await.is_empty());
    app.pass("2026-11-24T15:00:01+08:00").await;
    app.drain().await;
    assert!(notices(&provider).await.is_empty(), "the clerk has it in the inbox");
    app.pass("2026-11-25T08:30:00+08:00").await;
    app.drain().await;
    let said = json!({"number": ordinary.number, "what": "已逾期"});
    let expected = ("13900005678".to_owned(), "SMS_13".to_owned(), said);
    assert_eq!(notices(&provider).await, [expected], "the head alone, on the next working day");

    // An emergency comes at night.
    app.pass("2026-11-25T22:30:00+08:00").await;
    let mut urgent = app.submitted().await;
    app.accept(&urgent, "emergency").await;
    app.dispatch(&mut urgent, json!({"lead": UNIT})).await;
    app.drain().await;
    let sent = notices(&provider).await;
    let said = json!({"number": urgent.number, "what": "紧急派单"});
    assert_eq!(sent[1], (PHONE.to_owned(), "SMS_13".to_owned(), said));
    assert_eq!(sent.len(), 2);
    let path = "/me/notification-preferences";
    let shown = app.as_(CLERK).get(path).await.expect(200);
    assert_eq!(shown["always"], json!(["duty"]), "it says what cannot be switched off");
}

#[tokio::test]
async fn what_somebody_took_on_meanwhile_is_not_texted() {
    let (provider, _server, app) = both().await;
    published(&app).await;
    has_phone(&app, &provider, &app.as_(CLERK), PHONE).await;
    let mut urgent = app.submitted().await;
    app.accept(&urgent, "emergency").await;
    app.drain().await;
    app.dispatch(&mut urgent, json!({"lead": UNIT})).await;
    app.advance(TimeDelta::seconds(1));
    app.as_(CLERK).post(&urgent.task("/acknowledge"), json!({})).await.expect(200);
    app.drain().await;
    assert!(notices(&provider).await.is_empty());
    assert_eq!(only(&app).await, stands("dropped", json!("over")));
}

#[tokio::test]
async fn a_provider_that_has_had_its_fill_is_asked_again_and_a_refusal_is_not() {
    for (refusal, state, reason, times) in [
        ("isv.DAY_LIMIT_CONTROL", "waiting", Value::Null, 1),
        ("isv.SMS_TEMPLATE_ILLEGAL", "failed", json!("refused"), 1),
        ("isp.SYSTEM_ERROR", "unknown", Value::Null, 1),
        ("isv.BUSINESS_LIMIT_CONTROL", "waiting", Value::Null, 2),
    ] {
        let (provider, _server, app) = both().await;
        published(&app).await;
        let chen = by_phone(&app, &provider).await;
        sms_refuses(&provider, refusal).await;
        replied(&app, &chen).await;
        app.drain().await;
        app.advance(TimeDelta::minutes(30));
        app.drain().await;
        assert_eq!(only(&app).await, stands(state, reason), "{refusal}");
        assert_eq!(sms_sent(&provider).await.len(), times, "{refusal}");
        sms_takes(&provider).await;
        if state == "waiting" {
            app.pass("2026-11-25T08:00:00+08:00").await;
            app.drain().await;
            assert_eq!(only(&app).await, stands("sent", Value::Null), "{refusal}");
        }
    }
}

#[tokio::test]
async fn a_template_of_text_messages_is_checked_and_published_once() {
    let (_provider, _server, app) = both().await;
    let admin = app.as_("sysadmin");
    let path = "/notification-templates/duty/versions";
    let mut wrong = wording("tmpl-1");
    wrong["fields"] = json!({"title": "{title}"});
    wrong["page"] = json!("pages/index");
    wrong["long_term"] = json!(true);
    let refused = admin.post(path, wrong).await;
    assert_eq!(refused.fields(), ["template_id", "page", "long_term", "fields.title"]);
    let mut by_wechat = wording("SMS_13");
    by_wechat["channel"] = json!("subscribe");
    by_wechat["fields"] = json!({"phrase1": "{phrase}"});
    assert_eq!(admin.post(path, by_wechat).await.fields(), ["channel"]);
    let items = admin.post(path, wording("SMS_13")).await.expect(201)["items"].clone();
    let first = &items[0];
    assert_eq!((&first["channel"], &first["version"]), (&json!("sms"), &json!(1)));
    admin.post(path, wording("SMS_13")).await.refused(409, "delivery_template_changed");
    let mut body = wording("SMS_13");
    body.as_object_mut().unwrap().remove("base_version");
    let shown = admin.post("/notification-templates/duty/preview", body).await.expect(200);
    assert_eq!(shown["fields"], json!({"number": "PC20261124000123", "what": "紧急派单"}));
}

#[tokio::test]
async fn a_phone_is_kept_by_the_code_that_was_sent_to_it() {
    let (provider, _server, app) = both().await;
    let clerk = app.as_(CLERK);
    let put = async |code: &str| {
        let body = json!({"phone": PHONE, "code": code});
        clerk.request(Method::PUT, "/me/phone").json(&body).send().await
    };
    put("123456").await.refused(422, "phone_code_wrong");
    let code = code(&app, &provider, PHONE).await;
    let wrong = if code == "000000" { "000001" } else { "000000" };
    put(wrong).await.refused(422, "phone_code_wrong");
    assert_eq!(app.count("phone_code where tries = 1").await, 1, "the try is counted");
    assert_eq!(clerk.get("/me/phone").await.expect(200)["phone"], Value::Null);
    assert_eq!(put(&code).await.expect(200), json!({"phone": "138****1234"}));
    assert_eq!(put(&code).await.expect(200), json!({"phone": "138****1234"}), "a second click");
    assert_eq!(clerk.get("/me/phone").await.expect(200)["phone"], "138****1234");
    assert_eq!(app.count("audit_entry where action = 'identity.prove_phone'").await, 1);
    // The code is used up: nobody else gets the number by it.
    let body = json!({"phone": PHONE, "code": code});
    let head = app.as_(HEAD);
    let refused = head.request(Method::PUT, "/me/phone").json(&body).send().await;
    refused.refused(422, "phone_code_wrong");
    let landline = json!({"phone": "0352-1234567", "code": "123456"});
    let refused = head.request(Method::PUT, "/me/phone").json(&landline).send().await;
    assert_eq!(refused.fields(), ["phone"]);
}
