//! An answer, checked against the OpenAPI file before a test sees it.

use reqwest::{
    Method, Response,
    header::{HeaderMap, HeaderValue},
};
use serde_json::Value;

use super::{document::operation_of, schema};

/// What never ends: its first piece is all that an answer holds of it.
const STREAM: &str = "text/event-stream";

async fn text_of(mut response: Response, media_type: Option<&HeaderValue>) -> String {
    if media_type.is_some_and(|value| value.as_bytes().starts_with(STREAM.as_bytes())) {
        let first = response.chunk().await.expect("a stream").expect("its first piece");
        return String::from_utf8(first.to_vec()).expect("text");
    }
    response.text().await.expect("a body")
}

/// An answer with its JSON body, if it has one.
#[derive(Debug, Clone)]
pub struct Answer {
    /// What was asked, such as `POST /complaints`.
    pub request: String,
    /// The HTTP status.
    pub status: u16,
    /// Its headers.
    pub headers: HeaderMap,
    /// The body as it came.
    pub text: String,
    /// The body as JSON, an SVG image or a page as text; null for anything else.
    pub body: Value,
}

impl Answer {
    /// Reads a response and holds it against the OpenAPI file.
    pub(super) async fn read(method: Method, path: &str, response: Response) -> Self {
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        let served = response.url().path().to_owned();
        let text = text_of(response, headers.get("content-type")).await;
        let media_type = headers.get("content-type").and_then(|value| value.to_str().ok());
        let body = if media_type.is_some_and(|media_type| {
            ["image/svg", "text/html", "text/plain", STREAM]
                .iter()
                .any(|kind| media_type.starts_with(kind))
        }) {
            Value::String(text.clone())
        } else {
            serde_json::from_str(&text).unwrap_or_default()
        };
        let answer = Self { request: format!("{method} {path}"), status, headers, text, body };
        let faults = answer.faults(method.as_str(), &served);
        assert!(faults.is_empty(), "{answer}\n{}", faults.join("\n"));
        answer
    }

    /// What the OpenAPI file did not promise.
    fn faults(&self, method: &str, path: &str) -> Vec<String> {
        let mut faults = Vec::new();
        let id = self.header("x-request-id");
        if id.is_empty() {
            faults.push("no x-request-id".to_owned());
        }
        if self.status == 500 {
            faults.push("an internal error".to_owned());
        }
        let problem = self.status >= 400;
        if problem && path != "/readyz" {
            faults.extend(self.problem_faults(id));
        }
        let Some(operation) = operation_of(method, path) else {
            if path.starts_with("/api/v1/") && !matches!(self.status, 404 | 405) {
                faults.push("no such operation in the OpenAPI file".to_owned());
            }
            return faults;
        };
        let Some(documented) = operation.response(self.status, self.header("content-type")) else {
            faults.push(format!("{}: status {} is not documented", operation.id, self.status));
            return faults;
        };
        let code = self.body["code"].as_str().unwrap_or_default();
        if problem && !operation.problems.iter().any(|known| known == code) {
            faults.push(format!("{}: {code} is not among its x-problems", operation.id));
        }
        if let Some((media_type, schema)) = documented {
            if !self.header("content-type").starts_with(&media_type) {
                faults.push(format!("{}: not {media_type}", operation.id));
            }
            faults.extend(schema::faults(schema, &self.body));
        } else if !self.text.is_empty() {
            faults.push(format!("{}: an undocumented body", operation.id));
        }
        faults
    }

    fn problem_faults(&self, id: &str) -> Vec<String> {
        let text = |field: &str| self.body[field].as_str().unwrap_or_default();
        [
            (self.header("content-type") == "application/problem+json", "no problem+json"),
            (text("type").ends_with(text("code")) && !text("code").is_empty(), "no type or code"),
            (!text("title").is_empty() && !text("detail").is_empty(), "no title or detail"),
            (self.body["status"] == self.status, "another status in the body"),
            (text("request_id") == id, "another request_id in the body"),
        ]
        .into_iter()
        .filter(|(holds, _)| !holds)
        .map(|(_, fault)| fault.to_owned())
        .collect()
    }

    /// A header; empty when missing.
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }

    /// The body of a success.
    #[track_caller]
    pub fn ok(self) -> Value {
        assert!((200..300).contains(&self.status), "{self}");
        self.body
    }

    /// The body of a success with exactly this status.
    #[track_caller]
    pub fn expect(self, status: u16) -> Value {
        assert_eq!(self.status, status, "{self}");
        self.body
    }

    /// The problem of a refusal with exactly this status and code.
    #[track_caller]
    pub fn refused(self, status: u16, code: &str) -> Value {
        assert_eq!((self.status, self.code()), (status, code), "{self}");
        self.body
    }

    /// The code of a problem; empty for a success.
    pub fn code(&self) -> &str {
        self.body["code"].as_str().unwrap_or_default()
    }

    /// The fields that a problem names.
    pub fn fields(&self) -> Vec<&str> {
        let errors = self.body["errors"].as_array();
        errors.into_iter().flatten().filter_map(|error| error["field"].as_str()).collect()
    }
}

impl std::fmt::Display for Answer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let text: String = self.text.chars().take(2_000).collect();
        write!(f, "{} → {}\n{text}", self.request, self.status)
    }
}
