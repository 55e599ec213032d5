//! The version that a command was decided on.

use std::future::{Ready, ready};

use actix_web::{FromRequest, HttpRequest, dev::Payload, http::header::IF_MATCH};

use super::Unreadable;
use crate::error::Error;

/// The version named by `If-Match`, if the command is bound to one; a stale one is 412 in the use
/// case. Documented by `params(IfMatch)`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct IfMatch(pub Option<i64>);

impl FromRequest for IfMatch {
    type Error = Error;
    type Future = Ready<Result<Self, Error>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let mut sent = request.headers().get_all(IF_MATCH);
        let read = match (sent.next(), sent.next()) {
            (None, _) => Ok(Self(None)),
            (Some(one), None) => {
                one.to_str().ok().and_then(parse).ok_or(Unreadable::MalformedIfMatch)
            }
            _ => Err(Unreadable::MalformedIfMatch),
        };
        ready(read.map_err(Error::from))
    }
}

/// `"3"`, or `*` for any version.
fn parse(header: &str) -> Option<IfMatch> {
    if header.trim() == "*" {
        return Some(IfMatch(None));
    }
    let version = header.trim().strip_prefix('"')?.strip_suffix('"')?;
    let digits = !version.is_empty() && version.bytes().all(|b| b.is_ascii_digit());
    if digits { version.parse().ok().map(|version| IfMatch(Some(version))) } else { None }
}

#[derive(utoipa::IntoParams)]
#[into_params(parameter_in = Header)]
#[expect(dead_code, reason = "only the documentation of the header is derived from it")]
struct Header {
    /// 读取时得到的 ETag；内容已被他人更新时返回 412
    #[param(rename = "If-Match", required = false, example = "\"3\"")]
    if_match: Option<String>,
}

impl utoipa::IntoParams for IfMatch {
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
    fn only_a_quoted_version_or_a_star_is_taken() {
        assert_eq!(parse("\"3\""), Some(IfMatch(Some(3))));
        assert_eq!(parse("*"), Some(IfMatch(None)));
        for bad in ["", "3", "\"\"", "\"-1\"", "\"+1\"", "\"1\", \"2\"", "W/\"3\"", "\"三\"", "\""]
        {
            assert_eq!(parse(bad), None, "{bad}");
        }
        assert_eq!(parse("\"99999999999999999999\""), None);
    }
}
