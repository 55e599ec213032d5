//! A client of the product's interface, for the tour and the replay.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::failure::{Failure, Result};

/// The password of every demo member of staff.
const PASSWORD: &str = "Demo-2026-pass";
/// The product answers within a second; a request that waits longer has lost its server.
const PATIENCE: Duration = Duration::from_secs(20);

/// One request.
#[derive(Debug, Clone)]
pub struct Call {
    path: String,
    token: Option<String>,
    key: Option<String>,
    /// None makes it a GET.
    body: Option<Value>,
    version: Option<i64>,
}

/// What came back.
#[derive(Debug, Clone)]
pub struct Answer {
    /// The HTTP status.
    pub status: u16,
    /// The body; null when it was empty or no JSON.
    pub body: Value,
    /// From the first byte sent to the last one read.
    pub took: Duration,
}

/// Connections to one server.
#[derive(Debug, Clone)]
pub struct Client {
    inner: reqwest::Client,
    base_url: String,
}

impl Call {
    /// Reads `path`; those below the interface leave out `/api/v1`.
    pub fn get(path: impl Into<String>) -> Self {
        Self { path: path.into(), token: None, key: None, body: None, version: None }
    }

    /// Sends `body` to `path`.
    pub fn post(path: impl Into<String>, body: Value) -> Self {
        Self { body: Some(body), ..Self::get(path) }
    }

    /// With an access token.
    pub fn by(mut self, token: &str) -> Self {
        self.token = Some(token.to_owned());
        self
    }

    /// With an `Idempotency-Key`.
    pub fn key(mut self, key: &str) -> Self {
        self.key = Some(key.to_owned());
        self
    }

    /// With the version that it was decided on, as `If-Match`.
    pub fn version(mut self, version: i64) -> Self {
        self.version = Some(version);
        self
    }

    /// The log-in of a demo member of staff.
    pub fn staff_login(username: &str) -> Self {
        Self::post("/auth/staff", json!({ "username": username, "password": PASSWORD }))
    }

    /// The log-in of a demo resident.
    pub fn resident_login(name: &str) -> Self {
        Self::post("/auth/wechat", json!({ "code": format!("demo:{name}") }))
    }
}

impl Answer {
    /// A string in the body, by JSON pointer; empty when it is not there.
    pub fn text(&self, pointer: &str) -> &str {
        self.body.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
    }

    /// The rows of a list.
    pub fn items(&self, pointer: &str) -> &[Value] {
        self.body.pointer(pointer).and_then(Value::as_array).map_or(&[], Vec::as_slice)
    }
}

impl Client {
    /// Connections to the server at `base_url`, such as `http://127.0.0.1:8080`.
    ///
    /// # Errors
    /// The system has no more of what a client needs.
    pub fn new(base_url: &str) -> Result<Self> {
        let inner = reqwest::Client::builder().no_proxy().timeout(PATIENCE).build()?;
        Ok(Self { inner, base_url: base_url.trim_end_matches('/').to_owned() })
    }

    /// Sends one request.
    ///
    /// # Errors
    /// No answer came; whether the request had its effect is then unknown.
    pub async fn send(&self, call: &Call) -> reqwest::Result<Answer> {
        let base = if is_outside(&call.path) { "" } else { "/api/v1" };
        let url = format!("{}{base}{}", self.base_url, call.path);
        let mut request = match &call.body {
            Some(body) => self.inner.post(url).json(body),
            None => self.inner.get(url),
        };
        if let Some(token) = &call.token {
            request = request.bearer_auth(token);
        }
        if let Some(key) = &call.key {
            request = request.header("idempotency-key", key);
        }
        if let Some(version) = call.version {
            request = request.header("if-match", format!("\"{version}\""));
        }
        self.answered(request).await
    }

    async fn answered(&self, request: reqwest::RequestBuilder) -> reqwest::Result<Answer> {
        let since = Instant::now();
        let answer = request.send().await?;
        let status = answer.status().as_u16();
        let bytes = answer.bytes().await?;
        let took = since.elapsed();
        Ok(Answer { status, body: serde_json::from_slice(&bytes).unwrap_or_default(), took })
    }

    /// Uploads a recording under a key.
    ///
    /// # Errors
    /// As of [`Client::send`].
    pub async fn upload(&self, token: &str, key: &str, file: &[u8]) -> reqwest::Result<Answer> {
        const HEAD: &[u8] = b"--x-boundary\r\ncontent-disposition: form-data; name=\"file\"; \
            filename=\"voice.amr\"\r\ncontent-type: audio/amr\r\n\r\n";
        let form = [HEAD, file, b"\r\n--x-boundary--\r\n"].concat();
        let request = self.inner.post(format!("{}/api/v1/attachments", self.base_url));
        let request = request.header("content-type", "multipart/form-data; boundary=x-boundary");
        self.answered(request.bearer_auth(token).header("idempotency-key", key).body(form)).await
    }

    /// The bytes behind a link of the product's.
    ///
    /// # Errors
    /// As of [`Client::send`]; it is answered with a fault.
    pub async fn fetch(&self, link: &str) -> reqwest::Result<Vec<u8>> {
        let answer = self.inner.get(format!("{}{link}", self.base_url)).send().await?;
        Ok(answer.error_for_status()?.bytes().await?.to_vec())
    }

    /// Logs in and answers the access token.
    ///
    /// # Errors
    /// No answer, or a refusal with its words.
    pub async fn log_in(&self, login: &Call) -> Result<String> {
        let answer = self.send(login).await?;
        match (answer.status, answer.text("/access_token")) {
            (200, token) if !token.is_empty() => Ok(token.to_owned()),
            (status, _) => {
                Err(Failure::new(format!("登录失败（{status}）：{}", answer.text("/detail"))))
            }
        }
    }
}

/// Whether a path stands beside the interface.
fn is_outside(path: &str) -> bool {
    ["/livez", "/readyz", "/metrics", "/docs", "/api/"].iter().any(|root| path.starts_with(root))
}
