//! Log-in by a code sent to a phone.

use chrono::TimeDelta;
use futures::future::join_all;
use reqwest::Method;
use serde_json::{Value, json};
use wiremock::MockServer;

use crate::support::{Answer, App, sms, sms_refuses, sms_sent, sms_takes};

const PHONE: &str = "13800001234";

impl App {
    async fn asks_code(&self, phone: &str) -> Answer {
        self.anonymous().post("/auth/phone/code", json!({"phone": phone})).await
    }

    async fn by_phone(&self, phone: &str, code: &str) -> Answer {
        self.anonymous().post("/auth/phone", json!({"phone": phone, "code": code})).await
    }

    /// Asks for a code and reads the message that came.
    async fn gets_code(&self, server: &MockServer, phone: &str) -> String {
        self.asks_code(phone).await.expect(202);
        self.drain().await;
        let (to, params) = sms_sent(server).await.pop().expect("a message");
        assert_eq!(to, PHONE);
        params["code"].as_str().unwrap().to_owned()
    }

    async fn binds(&self, name: &str, phone: &str) -> Value {
        let who = self.resident(name);
        let body = json!({"code": format!("demo:{phone}")});
        let request = who.request(Method::POST, "/me/phone").key(&format!("key-{name}-{phone}"));
        request.json(&body).send().await.expect(200);
        who.get("/me").await.expect(200)["id"].clone()
    }
}

/// Another code than the right one.
fn wrong(code: &str) -> &'static str {
    if code == "000000" { "000001" } else { "000000" }
}

#[tokio::test]
async fn a_code_logs_in_once_and_the_same_phone_is_the_same_account() {
    let server = sms().await;
    let app = App::on_sms(&server, |_| ()).await;
    let first = app.asks_code(PHONE).await.expect(202);
    assert_eq!(first, json!({"expires_in": 300, "retry_after": 60}));
    app.drain().await;
    let sent = sms_sent(&server).await;
    let code = sent[0].1["code"].as_str().unwrap().to_owned();
    assert!(code.len() == 6 && code.bytes().all(|b| b.is_ascii_digit()), "{code}");
    for table in ["phone_code", "job", "audit_entry"] {
        let found = format!("{table} t where t::text like '%{PHONE}%' or t::text like '%{code}%'");
        assert_eq!(app.count(&found).await, 0, "{table}");
    }
    assert_eq!(app.count("phone_code where outcome = 'sent' and phone_sealed is null").await, 1);
    let session = app.by_phone(PHONE, &code).await.expect(200);
    assert_eq!(session["account"]["roles"], json!([{"role": "resident", "scope": "self"}]));
    assert_eq!(session["account"]["display_name"], "手机用户");
    let bearer = app.bearer(session["access_token"].as_str().unwrap());
    assert_eq!(bearer.get("/me/phone").await.expect(200)["phone"], "138****1234");
    assert_eq!(
        app.count("audit_entry where action = 'session.open' and data ->> 'means' = 'phone'").await,
        1
    );
    app.by_phone(PHONE, &code).await.refused(422, "phone_code_wrong");
    app.advance(TimeDelta::seconds(60));
    let code = app.gets_code(&server, "+86 138-0000-1234").await;
    let again = app.by_phone(" 138 0000 1234", &code).await.expect(200);
    assert_eq!(again["account"], session["account"]);
}

impl App {
    async fn code_of(&self, server: &MockServer) -> String {
        self.gets_code(server, PHONE).await
    }
}

#[tokio::test]
async fn a_code_used_by_ten_at_once_logs_one_in() {
    let server = sms().await;
    let app = App::on_sms(&server, |_| ()).await;
    let (accounts, code) = (app.count("account").await, app.code_of(&server).await);
    let answers = join_all((0..10).map(|_| app.by_phone(PHONE, &code))).await;
    assert_eq!(answers.iter().filter(|answer| answer.status == 200).count(), 1);
    for answer in answers.into_iter().filter(|answer| answer.status != 200) {
        answer.refused(422, "phone_code_wrong");
    }
    assert_eq!(app.count("account").await, accounts + 1);
    assert_eq!(app.count("session").await, 1);
}

#[tokio::test]
async fn five_wrong_ones_spend_a_code_and_only_the_newest_is_good() {
    let server = sms().await;
    let app = App::on_sms(&server, |_| ()).await;
    let code = app.code_of(&server).await;
    for bad in [wrong(&code), "", "12345", "1234567", "' or 1=1"] {
        app.by_phone(PHONE, bad).await.refused(422, "phone_code_wrong");
    }
    app.by_phone(PHONE, &code).await.refused(422, "phone_code_wrong");
    app.advance(TimeDelta::seconds(60));
    let old = app.code_of(&server).await;
    app.advance(TimeDelta::seconds(60));
    let new = app.code_of(&server).await;
    if old != new {
        app.by_phone(PHONE, &old).await.refused(422, "phone_code_wrong");
    }
    app.by_phone("13900001234", &new).await.refused(422, "phone_code_wrong");
    app.advance(TimeDelta::seconds(300));
    app.by_phone(PHONE, &new).await.refused(422, "phone_code_wrong");
    app.asks_code(PHONE).await.expect(202);
    app.drain().await;
    app.advance(TimeDelta::seconds(299));
    let (_, params) = sms_sent(&server).await.pop().unwrap();
    app.by_phone(PHONE, params["code"].as_str().unwrap()).await.expect(200);
}

#[tokio::test]
async fn many_clicks_send_one_message_a_minute_and_ten_a_day() {
    let server = sms().await;
    let app = App::on_sms(&server, |_| ()).await;
    let answers = join_all((0..8).map(|_| app.asks_code(PHONE))).await;
    for answer in answers {
        assert_eq!(answer.expect(202), json!({"expires_in": 300, "retry_after": 60}));
    }
    app.drain().await;
    assert_eq!(sms_sent(&server).await.len(), 1);
    for n in 2..=10 {
        app.advance(TimeDelta::seconds(60));
        app.asks_code(PHONE).await.expect(202);
        app.drain().await;
        assert_eq!(sms_sent(&server).await.len(), n);
    }
    app.advance(TimeDelta::seconds(60));
    let refused = app.asks_code(PHONE).await;
    assert_eq!(refused.header("retry-after"), (24 * 3600 - 600).to_string());
    refused.refused(429, "rate_limited");
    app.asks_code("13900001234").await.expect(202);
    app.advance(TimeDelta::hours(24));
    app.asks_code(PHONE).await.expect(202);
}

#[tokio::test]
async fn an_address_asks_for_so_many() {
    let app = App::with(|config| config.limits.phone_codes_per_hour = 3).await;
    for n in 0..3 {
        app.asks_code(&format!("1380000123{n}")).await.expect(202);
    }
    app.asks_code("13800001239").await.refused(429, "rate_limited");
}

#[tokio::test]
async fn what_is_no_mobile_number_is_named() {
    let app = App::spawn().await;
    for phone in ["", "0352-1234567", "12345", "10800001234", "1380000123x", "１３８００００"]
    {
        for answer in [app.asks_code(phone).await, app.by_phone(phone, "123456").await] {
            let body = answer.refused(422, "invalid_field");
            assert_eq!(body["errors"][0]["field"], "phone", "{phone}: {body}");
        }
    }
    let unknown = json!({"phone": PHONE, "sms": true});
    let answer = app.anonymous().post("/auth/phone/code", unknown).await;
    assert!((400..=422).contains(&answer.status), "{answer}");
}

#[tokio::test]
async fn a_phone_that_one_wechat_account_verified_opens_it() {
    let server = sms().await;
    let app = App::on_sms(&server, |_| ()).await;
    let li = app.binds("li", PHONE).await;
    let code = app.code_of(&server).await;
    assert_eq!(app.by_phone(PHONE, &code).await.expect(200)["account"]["id"], li);
    // Two have it now: none is preferred, and the one that is made for the phone stays its own.
    let wang = app.binds("wang", PHONE).await;
    let mut opened = Vec::new();
    for _ in 0..2 {
        app.advance(TimeDelta::seconds(60));
        let code = app.code_of(&server).await;
        opened.push(app.by_phone(PHONE, &code).await.expect(200)["account"]["id"].clone());
    }
    assert!(opened[0] == opened[1] && opened[0] != li && opened[0] != wang, "{opened:?}");
    let id = |value: &Value| value.as_str().unwrap().parse().unwrap();
    let mut connection = app.db().acquire().await.unwrap();
    let same = infra::postgres::identity::same_person(&mut connection, id(&opened[0]), &[id(&li)])
        .await
        .unwrap();
    assert!(same, "they are one person's");
}

#[tokio::test]
async fn a_staff_account_is_never_opened_and_a_disabled_one_is_refused_at_the_use() {
    let server = sms().await;
    let app = App::on_sms(&server, |_| ()).await;
    let body = json!({"code": format!("demo:{PHONE}")});
    let clerk = app.as_("dispatcher");
    clerk
        .request(Method::POST, "/me/phone")
        .key("key-clerk-1")
        .json(&body)
        .send()
        .await
        .expect(200);
    let code = app.code_of(&server).await;
    let account = app.by_phone(PHONE, &code).await.expect(200)["account"].clone();
    assert_eq!(account["roles"], json!([{"role": "resident", "scope": "self"}]));
    let at = format!("/accounts/{}/disable", account["id"].as_str().unwrap());
    app.as_("security").post(&at, json!({"reason": "冒用他人号码"})).await.expect(200);
    app.advance(TimeDelta::seconds(60));
    let code = app.code_of(&server).await;
    app.by_phone(PHONE, wrong(&code)).await.refused(422, "phone_code_wrong");
    app.by_phone(PHONE, &code).await.refused(401, "account_disabled");
    assert_eq!(app.count("session where ended_at is null and account_id in (select id from account where disabled_at is not null)").await, 0);
}

#[tokio::test]
async fn an_erased_persons_phone_is_free() {
    let server = sms().await;
    let app = App::on_sms(&server, |_| ()).await;
    let code = app.code_of(&server).await;
    let first = app.by_phone(PHONE, &code).await.expect(200);
    let bearer = app.bearer(first["access_token"].as_str().unwrap());
    bearer.request(Method::DELETE, "/me").send().await.expect(202);
    app.drain().await;
    assert_eq!(app.count("phone_code").await, 0, "the codes went with the person");
    app.advance(TimeDelta::seconds(60));
    let code = app.code_of(&server).await;
    let second = app.by_phone(PHONE, &code).await.expect(200);
    assert_ne!(second["account"]["id"], first["account"]["id"]);
}

#[tokio::test]
async fn what_never_left_is_sent_later_and_what_may_have_left_is_not() {
    let server = sms().await;
    let app = App::on_sms(&server, |_| ()).await;
    sms_refuses(&server, "Throttling.User").await;
    app.asks_code(PHONE).await.expect(202);
    app.drain().await;
    assert_eq!(app.count("phone_code where outcome is null and sending_at is null").await, 1);
    sms_takes(&server).await;
    app.advance(TimeDelta::seconds(30));
    app.drain().await;
    assert_eq!(sms_sent(&server).await.len(), 1);
    assert_eq!(app.count("phone_code where outcome = 'sent'").await, 1);
    for (code, outcome) in [
        ("isp.SYSTEM_ERROR", "unknown"),
        ("isv.BUSINESS_LIMIT_CONTROL", "limited"),
        ("isv.AMOUNT_NOT_ENOUGH", "refused"),
    ] {
        sms_refuses(&server, code).await;
        app.advance(TimeDelta::seconds(60));
        app.asks_code(PHONE).await.expect(202);
        app.drain().await;
        app.advance(TimeDelta::seconds(1));
        app.drain().await;
        assert_eq!(sms_sent(&server).await.len(), 1, "{code}");
        let found = format!("phone_code where outcome = '{outcome}'");
        assert_eq!(app.count(&found).await, 1, "{code}");
    }
    // A worker died after it noted that it sends: nobody sends it again.
    sms_takes(&server).await;
    app.advance(TimeDelta::seconds(60));
    app.asks_code(PHONE).await.expect(202);
    sqlx::query("update phone_code set sending_at = created_at where outcome is null")
        .execute(app.db())
        .await
        .unwrap();
    app.drain().await;
    assert!(sms_sent(&server).await.is_empty());
    assert_eq!(app.count("phone_code where outcome = 'unknown'").await, 2);
}

#[tokio::test]
async fn the_demo_has_one_code_and_production_without_a_provider_says_so() {
    let app = App::spawn().await;
    app.by_phone(PHONE, "123456").await.refused(422, "phone_code_wrong");
    app.asks_code(PHONE).await.expect(202);
    app.by_phone(PHONE, "123456").await.expect(200);
    let app = App::with(|config| config.mode = api::config::Mode::Production).await;
    app.asks_code(PHONE).await.refused(503, "phone_login_off");
    app.by_phone(PHONE, "123456").await.refused(503, "phone_login_off");
}
