//! A server that behaves like WeChat, and people whom it knows.

use serde_json::{Value, json};
use wiremock::{
    Mock, MockServer, ResponseTemplate,
    matchers::{method, path},
};

use super::{App, Client};
use api::config::Config;

/// JSON as WeChat labels it.
pub fn wechat_says(body: &Value) -> ResponseTemplate {
    ResponseTemplate::new(200).set_body_raw(body.to_string(), "text/plain")
}

/// A refusal.
pub fn wechat_refuses(errcode: i64) -> ResponseTemplate {
    wechat_says(&json!({"errcode": errcode, "errmsg": "refused, rid: 6a-secret"}))
}

/// A WeChat that knows everybody by the code they log in with, and gives out a token.
pub async fn wechat() -> MockServer {
    let server = MockServer::start().await;
    Mock::given(path("/sns/jscode2session"))
        .respond_with(|request: &wiremock::Request| {
            let code = request.url.query_pairs().find(|(name, _)| name == "js_code");
            let code = code.expect("a code").1.into_owned();
            wechat_says(&json!({"openid": format!("oTest-{code}"), "session_key": "k"}))
        })
        .mount(&server)
        .await;
    let token = json!({"access_token": "token-1", "expires_in": 7200});
    wechat_answers(&server, "/cgi-bin/stable_token", wechat_says(&token)).await;
    server
}

/// Lets it answer a path, before what it answered there until now.
pub async fn wechat_answers(server: &MockServer, at: &str, answer: ResponseTemplate) {
    Mock::given(method("POST")).and(path(at)).respond_with(answer).mount(server).await;
}

/// What a path was asked.
pub async fn wechat_asked(server: &MockServer, at: &str) -> Vec<Value> {
    let requests = server.received_requests().await.expect("recorded requests");
    let at = requests.iter().filter(|request| request.url.path() == at);
    at.map(|request| request.body_json().expect("JSON")).collect()
}

/// The keys that the calls of a path carried, in their order.
pub async fn wechat_keys(server: &MockServer, at: &str) -> Vec<String> {
    let requests = server.received_requests().await.expect("recorded requests");
    let at = requests.iter().filter(|request| request.url.path() == at);
    at.map(|request| request.headers["x-request-key"].to_str().expect("text").to_owned()).collect()
}

impl App {
    /// An application whose WeChat is `server`.
    pub async fn on_wechat(server: &MockServer, change: impl FnOnce(&mut Config)) -> Self {
        let url = server.uri();
        Self::with(|config| {
            config.wechat.base_url = url;
            config.wechat.media_base_url = "https://zhixiang.test/api/v1".to_owned();
            change(config);
        })
        .await
    }

    /// A person whom WeChat knows, logged in.
    pub async fn wechat_person(&self, name: &str) -> Client {
        let body = json!({"code": format!("real-{name}")});
        let session = self.anonymous().post("/auth/wechat", body).await.expect(200);
        self.bearer(session["access_token"].as_str().expect("a token"))
    }
}
