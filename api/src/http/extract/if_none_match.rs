//! Asking again: a client that has an answer names its `ETag` in `If-None-Match`, and gets 304 without a
//! body as long as the same answer would follow.
//!
//! A tag is made from what the answer is made from, never from the answer: who asks with which roles,
//! what was asked, and the number or count that grows with each change. It is weak (`W/"…"`): the
//! same content, not the same bytes, since answers may be compressed.

use std::future::{Ready, ready};

use actix_web::{
    FromRequest, HttpRequest, HttpResponse,
    dev::Payload,
    http::header::{CACHE_CONTROL, ETAG, IF_NONE_MATCH},
};
use domain::identity::Actor;
use infra::crypto;
use serde::Serialize;

use crate::error::Error;

/// So many bytes of a digest make a tag.
const BYTES: usize = 16;
/// Kept by the client alone, and never used without asking.
const PRIVATE: &str = "private, no-cache";

/// The tags that the client has, and what it asked. Documented by `params(IfNoneMatch)`.
#[derive(Debug, Clone)]
pub struct IfNoneMatch {
    held: Vec<String>,
    query: String,
}

impl FromRequest for IfNoneMatch {
    type Error = Error;
    type Future = Ready<Result<Self, Error>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let sent = request.headers().get_all(IF_NONE_MATCH);
        let held = sent.filter_map(|one| one.to_str().ok()).flat_map(tags).collect();
        ready(Ok(Self { held, query: request.query_string().to_owned() }))
    }
}

/// The opaque parts of a list of tags; weak and strong ones compare alike (RFC 9110, 8.8.3.2). What
/// is no tag matches nothing.
fn tags(header: &str) -> Vec<String> {
    let opaque = |tag: &str| {
        let tag = tag.trim();
        let tag = tag.strip_prefix("W/").unwrap_or(tag);
        Some(tag.strip_prefix('"')?.strip_suffix('"')?.to_owned())
    };
    header.split(',').filter_map(opaque).collect()
}

impl IfNoneMatch {
    /// Whether the client has any answer.
    pub fn is_empty(&self) -> bool {
        self.held.is_empty()
    }

    /// 304, if the client has this version of an object, whose tag is the version itself.
    pub fn unchanged(&self, version: i64) -> Option<HttpResponse> {
        let version = version.to_string();
        let tag = || (ETAG, format!("\"{version}\""));
        let head = || HttpResponse::NotModified().insert_header(tag()).finish();
        self.held.contains(&version).then(head)
    }

    /// The tag of what `actor` is answered while `standing` is the same.
    ///
    /// # Errors
    /// `standing` cannot be written as JSON.
    pub fn tag(&self, actor: &Actor, standing: &impl Serialize) -> Result<Tag, Error> {
        let made_of = serde_json::to_vec(&(
            env!("CARGO_PKG_VERSION"),
            actor.account,
            &actor.grants,
            &self.query,
            standing,
        ))?;
        let digest = crypto::sha256(&made_of);
        let opaque = crypto::base64url(digest.get(..BYTES).unwrap_or(&digest));
        Ok(Tag { held: self.held.contains(&opaque), opaque })
    }
}

/// The tag of an answer.
#[derive(Debug)]
pub struct Tag {
    opaque: String,
    held: bool,
}

impl Tag {
    /// 304, if the client has the answer already.
    pub fn unchanged(&self) -> Option<HttpResponse> {
        let head = || HttpResponse::NotModified().insert_header(self.header()).finish();
        self.held.then(head).map(private)
    }

    /// The answer with its tag.
    pub fn with(&self, body: &impl Serialize) -> HttpResponse {
        private(HttpResponse::Ok().insert_header(self.header()).json(body))
    }

    fn header(&self) -> (actix_web::http::header::HeaderName, String) {
        (ETAG, format!("W/\"{}\"", self.opaque))
    }
}

fn private(mut response: HttpResponse) -> HttpResponse {
    let value = actix_web::http::header::HeaderValue::from_static(PRIVATE);
    response.headers_mut().insert(CACHE_CONTROL, value);
    response
}

#[derive(utoipa::IntoParams)]
#[into_params(parameter_in = Header)]
#[expect(dead_code, reason = "only the documentation of the header is derived from it")]
struct Header {
    /// 上一次得到的 ETag；内容没有变化时返回 304，不带正文
    #[param(rename = "If-None-Match", required = false, example = "W/\"1mXcb3d0b0S0bq0Wb0b3vQ\"")]
    if_none_match: Option<String>,
}

impl utoipa::IntoParams for IfNoneMatch {
    fn into_params(
        place: impl Fn() -> Option<utoipa::openapi::path::ParameterIn>,
    ) -> Vec<utoipa::openapi::path::Parameter> {
        Header::into_params(place)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_are_read_weakly_and_nonsense_matches_nothing() {
        assert_eq!(tags("W/\"a\", \"b\" ,W/\"\""), ["a", "b", ""]);
        for bad in ["", "*", "a", "\"a", "W/a", "\""] {
            assert!(tags(bad).is_empty(), "{bad}");
        }
    }

    #[test]
    fn a_tag_changes_with_who_asks_what_is_asked_and_how_it_stands() {
        let actor = |account: u128, grants| Actor {
            account: domain::id::AccountId(uuid::Uuid::from_u128(account)),
            grants,
        };
        let asked = |query: &str, held: &[String]| IfNoneMatch {
            held: held.to_vec(),
            query: query.to_owned(),
        };
        let grant = || domain::identity::Grant {
            role: domain::identity::Role::Dispatcher,
            scope: "district".to_owned(),
        };
        let one = asked("", &[]).tag(&actor(1, vec![]), &7).unwrap();
        assert!(!one.held);
        let others = [
            asked("", &[]).tag(&actor(2, vec![]), &7),
            asked("", &[]).tag(&actor(1, vec![grant()]), &7),
            asked("limit=1", &[]).tag(&actor(1, vec![]), &7),
            asked("", &[]).tag(&actor(1, vec![]), &8),
        ];
        for other in others {
            assert_ne!(other.unwrap().opaque, one.opaque);
        }
        let held = [one.opaque.clone()];
        assert!(asked("", &held).tag(&actor(1, vec![]), &7).unwrap().held);
    }
}
