//! A person with a client: logs in when needed, sends, and has each answer checked.

use chrono::TimeDelta;
use domain::time::Timestamp;
use reqwest::{
    Method, RequestBuilder,
    header::{CONTENT_TYPE, IF_MATCH},
};
use serde_json::{Value, json};

use super::{Answer, App};

/// How long a log-in is used by the test's clock; access tokens of staff end after 5 minutes.
const FRESH: TimeDelta = TimeDelta::minutes(4);

/// Who somebody is.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Persona {
    /// Nobody.
    Anonymous,
    /// A staff account, by username, with the demo password.
    Staff(String),
    /// A resident, by the name after `demo:`.
    Resident(String),
    /// Whoever holds the token.
    Bearer(String),
}

/// An access token with the instant of its log-in.
pub(super) struct Token {
    text: String,
    at: Timestamp,
}

/// A person with a client.
#[derive(Clone)]
pub struct Client {
    pub(super) app: App,
    pub(super) persona: Persona,
}

impl Client {
    /// Gives the account a phone number, by its blind index: accounts with the same one are one
    /// person's.
    pub async fn has_phone(&self, index: &[u8]) {
        let me = self.get("/me").await.expect(200);
        sqlx::query(
            "insert into person (account_id, phone_index) values ($1::uuid, $2)
             on conflict (account_id) do update set phone_index = excluded.phone_index",
        )
        .bind(me["id"].as_str().unwrap())
        .bind(index)
        .execute(self.app.db())
        .await
        .unwrap();
    }

    /// What the person was told of some kind: the sentences, the latest first.
    pub async fn told(&self, kind: &str) -> Vec<String> {
        let told = self.all("/notifications").await;
        let of_kind = told.iter().filter(|one| one["kind"] == kind);
        of_kind.map(|one| one["text"].as_str().expect("a sentence").to_owned()).collect()
    }

    /// The access token, after a log-in when there is none that is fresh by the test's clock.
    pub async fn token(&self) -> Option<String> {
        let (path, body) = match &self.persona {
            Persona::Anonymous => return None,
            Persona::Bearer(token) => return Some(token.clone()),
            Persona::Staff(username) => {
                ("/auth/staff", json!({"username": username, "password": api::app::seed::PASSWORD}))
            }
            Persona::Resident(name) => ("/auth/wechat", json!({"code": format!("demo:{name}")})),
        };
        let now = self.app.now();
        let mut tokens = self.app.inner.tokens.lock().await;
        if let Some(token) = tokens.get(&self.persona)
            && (TimeDelta::zero()..FRESH).contains(&(now - token.at))
        {
            return Some(token.text.clone());
        }
        let request = self.app.inner.http.post(url(&self.app, path)).json(&body);
        let session = answered(Method::POST, path, request).await.ok();
        let text = session["access_token"].as_str().expect("an access token").to_owned();
        tokens.insert(self.persona.clone(), Token { text: text.clone(), at: now });
        Some(text)
    }

    /// Gets.
    pub async fn get(&self, path: &str) -> Answer {
        self.request(Method::GET, path).send().await
    }

    /// Posts JSON.
    pub async fn post(&self, path: &str, body: Value) -> Answer {
        self.request(Method::POST, path).json(&body).send().await
    }

    /// A request with more to it: a key, a version, a raw body.
    pub fn request(&self, method: Method, path: &str) -> Request {
        let builder = self.app.inner.http.request(method.clone(), url(&self.app, path));
        Request { client: self.clone(), method, path: path.to_owned(), builder }
    }

    /// Every item of a list, page by page.
    pub async fn all(&self, path: &str) -> Vec<Value> {
        let (mut items, mut cursor) = (Vec::new(), None::<String>);
        loop {
            let sign = if path.contains('?') { '&' } else { '?' };
            let page = match &cursor {
                None => self.get(path).await.ok(),
                Some(cursor) => self.get(&format!("{path}{sign}cursor={cursor}")).await.ok(),
            };
            items.extend(page["items"].as_array().expect("items").iter().cloned());
            match page["next_cursor"].as_str() {
                Some(next) => cursor = Some(next.to_owned()),
                None => return items,
            }
            assert!(items.len() < 10_000, "{path}: the pages have no end");
        }
    }
}

/// Paths stand below `/api/v1` unless they begin elsewhere at the root.
fn url(app: &App, path: &str) -> String {
    let outside = ["/api/", "/docs", "/livez", "/readyz", "/metrics"];
    let base = app.base();
    if outside.iter().any(|start| path.starts_with(start)) {
        format!("{base}{path}")
    } else {
        format!("{base}/api/v1{path}")
    }
}

/// A request that is being written.
pub struct Request {
    client: Client,
    method: Method,
    path: String,
    builder: RequestBuilder,
}

impl Request {
    /// With a JSON body.
    pub fn json(mut self, body: &Value) -> Self {
        self.builder = self.builder.json(body);
        self
    }

    /// With any bytes as the body.
    pub fn raw(mut self, media_type: &str, body: impl Into<reqwest::Body>) -> Self {
        self.builder = self.builder.header(CONTENT_TYPE, media_type).body(body);
        self
    }

    /// With an `Idempotency-Key`.
    pub fn key(self, key: &str) -> Self {
        self.header("idempotency-key", key)
    }

    /// With an `If-Match` of a version.
    pub fn version(self, version: i64) -> Self {
        self.header(IF_MATCH.as_str(), &format!("\"{version}\""))
    }

    /// With a header.
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.builder = self.builder.header(name, value);
        self
    }

    /// Sends it, and checks the answer against the OpenAPI file.
    pub async fn send(self) -> Answer {
        let builder = match self.client.token().await {
            Some(token) => self.builder.bearer_auth(token),
            None => self.builder,
        };
        answered(self.method, &self.path, builder).await
    }
}

async fn answered(method: Method, path: &str, request: RequestBuilder) -> Answer {
    let response = request.send().await;
    let response = response.unwrap_or_else(|error| panic!("{method} {path}: {error}"));
    Answer::read(method, path, response).await
}
