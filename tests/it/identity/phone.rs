//! The phone number of one's account, by WeChat's code.

use futures::future::join_all;
use reqwest::Method;
use serde_json::{Value, json};
use wiremock::ResponseTemplate;

use crate::support::{
    Answer, App, Client, wechat, wechat_answers, wechat_asked, wechat_refuses, wechat_says,
};

const AT: &str = "/wxa/business/getuserphonenumber";

fn info(number: &str, country: &str, appid: &str) -> ResponseTemplate {
    wechat_says(&json!({"errcode": 0, "phone_info": {
        "phoneNumber": number, "purePhoneNumber": number, "countryCode": country,
        "watermark": {"timestamp": 1, "appid": appid}}}))
}

async fn set(who: &Client, key: &str, code: &str) -> Answer {
    who.request(Method::POST, "/me/phone").key(key).json(&json!({"code": code})).send().await
}

#[tokio::test]
async fn a_code_gives_the_account_its_number_once_and_nobody_reads_it() {
    let server = wechat().await;
    wechat_answers(&server, AT, info("13800001234", "86", "wxdemo")).await;
    let app = App::on_wechat(&server, |_| ()).await;
    let wang = app.wechat_person("wang").await;
    assert_eq!(wang.get("/me/phone").await.expect(200)["phone"], Value::Null);
    let clicks = join_all((0..5).map(|_| set(&wang, "phone-key-1", "code-1"))).await;
    for answer in clicks {
        assert_eq!(answer.expect(200), json!({"phone": "138****1234"}));
    }
    // The code is used up; the second click of a person who saw no answer still gets the first.
    server.reset().await;
    wechat_answers(&server, AT, wechat_refuses(40163)).await;
    assert_eq!(set(&wang, "phone-key-1", "code-1").await.expect(200)["phone"], "138****1234");
    set(&wang, "phone-key-1", "code-2").await.refused(422, "idempotency_key_reused");
    set(&wang, "phone-key-2", "code-1").await.refused(422, "wechat_code_used");
    assert_eq!(wang.get("/me/phone").await.expect(200)["phone"], "138****1234", "it stays");
    assert_eq!(app.count("person where phone_index is not null").await, 1);
    assert_eq!(app.count("audit_entry where action = 'identity.set_phone'").await, 1);
    for table in ["person", "audit_entry", "idempotency", "job"] {
        let found = format!("{table} t where t::text like '%13800001234%'");
        assert_eq!(app.count(&found).await, 0, "{table}");
    }
}

#[tokio::test]
async fn what_wechat_does_not_give_is_told_plainly() {
    for (answer, status, code) in [
        (wechat_refuses(40029), 422, "wechat_code_invalid"),
        (wechat_refuses(40163), 422, "wechat_code_used"),
        (wechat_refuses(40226), 403, "wechat_blocked"),
        (wechat_refuses(45011), 429, "rate_limited"),
        (wechat_refuses(-1), 503, "wechat_unavailable"),
        (wechat_refuses(45009), 503, "wechat_unavailable"),
        (ResponseTemplate::new(502), 503, "wechat_unavailable"),
        (ResponseTemplate::new(200).set_body_string("<html>"), 503, "wechat_unavailable"),
        (info("13800001234", "86", "wxother"), 503, "wechat_unavailable"),
        (info("61234567", "852", "wxdemo"), 422, "phone_foreign"),
    ] {
        let server = wechat().await;
        wechat_answers(&server, AT, answer).await;
        let app = App::on_wechat(&server, |_| ()).await;
        let wang = app.wechat_person("wang").await;
        let answer = set(&wang, "phone-key-1", "code-1").await;
        assert!(!answer.text.contains("token-1") && !answer.text.contains("rid"), "{answer}");
        answer.refused(status, code);
        assert_eq!(wang.get("/me/phone").await.expect(200)["phone"], Value::Null);
    }
}

/// Two accounts with one number are one person's, for whoever asks whether somebody serves himself.
#[tokio::test]
async fn a_number_of_another_account_makes_both_one_person() {
    let app = App::spawn().await;
    let (li, zhao) = (app.resident("li"), app.resident("zhao"));
    let id = async |who: &Client| -> domain::id::AccountId {
        who.get("/me").await.expect(200)["id"].as_str().unwrap().parse().unwrap()
    };
    let (one, other) = (id(&li).await, id(&zhao).await);
    let same = async || {
        let mut connection = app.db().acquire().await.unwrap();
        infra::postgres::identity::same_person(&mut connection, one, &[other]).await.unwrap()
    };
    set(&li, "phone-key-1", "demo:13800001234").await.expect(200);
    set(&zhao, "phone-key-1", "demo:13900001234").await.expect(200);
    assert!(!same().await);
    set(&zhao, "phone-key-2", "demo:13800001234").await.expect(200);
    assert!(same().await);
    assert_eq!(zhao.get("/me/phone").await.expect(200)["phone"], "138****1234");
}

#[tokio::test]
async fn a_code_that_cannot_be_one_is_never_sent_and_wechat_is_not_asked_for_ever() {
    let server = wechat().await;
    wechat_answers(&server, AT, info("13800001234", "86", "wxdemo")).await;
    let app = App::on_wechat(&server, |_| ()).await;
    let wang = app.wechat_person("wang").await;
    for (n, code) in ["", &"a".repeat(129), "a\nb", "demo:1"].iter().enumerate() {
        set(&wang, &format!("bad-key-{n}"), code).await.refused(422, "wechat_code_invalid");
    }
    assert!(wechat_asked(&server, AT).await.is_empty());
    for n in 0..6 {
        set(&wang, &format!("phone-key-{n}"), &format!("code-{n}")).await.expect(200);
    }
    set(&wang, "phone-key-9", "code-9").await.refused(429, "rate_limited");
    let body = json!({"code": "code-1"});
    let answer = wang.post("/me/phone", body.clone()).await;
    answer.refused(400, "idempotency_key_required");
    app.anonymous().post("/me/phone", body).await.refused(401, "unauthenticated");
}
