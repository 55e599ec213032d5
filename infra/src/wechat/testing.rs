//! What the tests of several interfaces share: a client, and a server that answers like WeChat.

use std::{sync::Arc, time::Duration};

use serde_json::{Value, json};
use wiremock::{
    Mock, MockServer, ResponseTemplate,
    matchers::{method, path, query_param},
};

use super::{Credentials, Settings, WeChat};
use crate::{crypto::Crypto, redis::Redis};

/// A client without Redis.
pub(super) fn client(base_url: &str) -> WeChat {
    client_with(base_url, Settings::default())
}

/// A client without Redis, and as patient as said.
pub(super) fn client_with(base_url: &str, settings: Settings) -> WeChat {
    let credentials =
        Credentials { app_id: "wxdemo".to_owned(), app_secret: "demo-secret".to_owned() };
    let redis = Redis::new("redis+unix:///nowhere/redis.sock", "t:").unwrap();
    let crypto = Crypto::parse(&format!("1:{}", "ab".repeat(32))).unwrap();
    WeChat::new(base_url, credentials, settings, redis, Arc::new(crypto)).unwrap()
}

/// Impatient: whole seconds are too long for a test.
pub(super) fn impatient() -> Settings {
    Settings {
        answer: Duration::from_millis(300),
        breaker_pause: Duration::from_millis(150),
        ..Settings::default()
    }
}

/// A server that gives the tokens `first`, `second`, … to whoever asks, a new one when forced.
pub(super) async fn server() -> MockServer {
    let server = MockServer::start().await;
    let given = std::sync::atomic::AtomicUsize::new(1);
    Mock::given(method("POST"))
        .and(path("/cgi-bin/stable_token"))
        .respond_with(move |request: &wiremock::Request| {
            let asked: Value = request.body_json().unwrap();
            assert_eq!(asked["grant_type"], "client_credential");
            assert_eq!(
                (&asked["appid"], &asked["secret"]),
                (&json!("wxdemo"), &json!("demo-secret"))
            );
            let forced = asked["force_refresh"].as_bool().unwrap();
            let number = given.fetch_add(usize::from(forced), std::sync::atomic::Ordering::SeqCst)
                + usize::from(forced);
            let token = json!({"access_token": format!("token-{number}"), "expires_in": 7200});
            ResponseTemplate::new(200).set_body_json(token)
        })
        .mount(&server)
        .await;
    server
}

/// Lets the server answer `interface` when it is asked with a token.
pub(super) async fn answers(server: &MockServer, at: &str, token: &str, answer: ResponseTemplate) {
    Mock::given(method("POST"))
        .and(path(at))
        .and(query_param("access_token", token))
        .respond_with(answer)
        .mount(server)
        .await;
}

/// JSON as WeChat labels it.
pub(super) fn json_of(body: &Value) -> ResponseTemplate {
    ResponseTemplate::new(200).set_body_raw(body.to_string(), "text/plain")
}

/// A refusal.
pub(super) fn refusal(errcode: i64) -> ResponseTemplate {
    json_of(&json!({"errcode": errcode, "errmsg": "refused, rid: 6a-secret"}))
}

/// How often a path was asked.
pub(super) async fn asked(server: &MockServer, at: &str) -> Vec<Value> {
    let requests = server.received_requests().await.unwrap();
    let at = requests.iter().filter(|request| request.url.path() == at);
    at.map(|request| request.body_json().unwrap_or_default()).collect()
}
