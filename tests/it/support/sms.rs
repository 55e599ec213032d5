//! A server that behaves like Alibaba Cloud's text messages, and what it was asked to send.

use std::collections::BTreeMap;

use api::config::{Config, Secret, SmsProvider};
use serde_json::{Value, json};
use wiremock::{Mock, MockServer, ResponseTemplate, matchers::method};

use super::App;

/// One that takes every message.
pub async fn sms() -> MockServer {
    let server = MockServer::start().await;
    sms_takes(&server).await;
    server
}

/// Lets it take every message from now on.
pub async fn sms_takes(server: &MockServer) {
    answers(server, ResponseTemplate::new(200).set_body_json(json!({"Code": "OK", "BizId": "1"})))
        .await;
}

/// Lets it refuse every message from now on.
pub async fn sms_refuses(server: &MockServer, code: &str) {
    let body = json!({"Code": code, "Message": "refused"});
    answers(server, ResponseTemplate::new(200).set_body_json(body)).await;
}

async fn answers(server: &MockServer, answer: ResponseTemplate) {
    server.reset().await;
    Mock::given(method("POST")).respond_with(answer).mount(server).await;
}

/// What it was asked to send since its answer was set: the number, and the template's places.
pub async fn sms_sent(server: &MockServer) -> Vec<(String, Value)> {
    let requests = server.received_requests().await.expect("recorded requests");
    let sent = requests.iter().map(|request| {
        let query: BTreeMap<_, _> = request.url.query_pairs().into_owned().collect();
        let params = serde_json::from_str(&query["TemplateParam"]).expect("JSON");
        (query["PhoneNumbers"].clone(), params)
    });
    sent.collect()
}

/// Under which template and which key each of them was sent.
pub async fn sms_named(server: &MockServer) -> Vec<(String, String)> {
    let requests = server.received_requests().await.expect("recorded requests");
    let sent = requests.iter().map(|request| {
        let query: BTreeMap<_, _> = request.url.query_pairs().into_owned().collect();
        (query["TemplateCode"].clone(), query["OutId"].clone())
    });
    sent.collect()
}

impl App {
    /// An application whose messages go to `server`.
    pub async fn on_sms(server: &MockServer, change: impl FnOnce(&mut Config)) -> Self {
        let endpoint = server.uri();
        Self::with(|config| {
            let sms = &mut config.sms;
            (sms.provider, sms.endpoint) = (SmsProvider::Aliyun, endpoint);
            (sms.access_key_id, sms.access_key_secret) = ("id".to_owned(), Secret::from("secret"));
            (sms.sign_name, sms.login_template) = ("智享平城".to_owned(), "SMS_1".to_owned());
            sms.answer_seconds = 1;
            change(config);
        })
        .await
    }
}
