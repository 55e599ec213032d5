//! The key under which a create is done once, however often it is sent.

use std::future::{Ready, ready};

use actix_web::{
    FromRequest, HttpRequest, HttpResponse,
    dev::Payload,
    http::{StatusCode, header::ContentType},
};
use domain::refusal::Basic;

use crate::{app::idempotent::Answer, error::Error};

/// The required `Idempotency-Key`: 8–100 visible ASCII characters, else 400. Documented by
/// `params(IdempotencyKey)`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IdempotencyKey(pub String);

impl FromRequest for IdempotencyKey {
    type Error = Error;
    type Future = Ready<Result<Self, Error>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let sent = request.headers().get("idempotency-key").and_then(|key| key.to_str().ok());
        ready(sent.and_then(parse).ok_or_else(|| Basic::IdempotencyKeyRequired.into()))
    }
}

/// The answer that is kept under a key, the first time and whenever it is asked for again: byte for
/// byte, with its own status.
pub fn kept<X>(answer: Answer<X>) -> HttpResponse {
    let status = StatusCode::from_u16(answer.status).unwrap_or(StatusCode::CREATED);
    HttpResponse::build(status).content_type(ContentType::json()).body(answer.body)
}

fn parse(header: &str) -> Option<IdempotencyKey> {
    let fits = (8..=100).contains(&header.len()) && header.bytes().all(|b| b.is_ascii_graphic());
    fits.then(|| IdempotencyKey(header.to_owned()))
}

#[derive(utoipa::IntoParams)]
#[into_params(parameter_in = Header)]
#[expect(dead_code, reason = "only the documentation of the header is derived from it")]
struct Header {
    /// 每次提交自己生成的键，8–100 个字符；重发同一次提交时用同一个键，只会办理一次
    #[param(
        rename = "Idempotency-Key",
        min_length = 8,
        max_length = 100,
        example = "0d9c7d3e-6a52-4e0b-9d0e-3f1f2d9f4c11"
    )]
    idempotency_key: String,
}

impl utoipa::IntoParams for IdempotencyKey {
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
    fn a_key_has_8_to_100_visible_characters() {
        assert!(parse("12345678").is_some());
        assert!(parse(&"k".repeat(100)).is_some());
        for bad in ["", "1234567", "has space", "中文中文中文"] {
            assert!(parse(bad).is_none(), "{bad}");
        }
        assert!(parse(&"k".repeat(101)).is_none());
    }
}
