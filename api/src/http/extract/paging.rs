//! Which page of a list: `?cursor=&limit=`.

use std::future::{Ready, ready};

use actix_web::{FromRequest, HttpRequest, dev::Payload};
use domain::{
    page::{Cursor, KeyRequest, Limit, PageRequest},
    refusal::{Faults, FieldError},
};

use super::parameters;
use crate::error::Error;

/// The page asked for. Documented by `params(Paging)`.
#[derive(Debug, Clone, Copy)]
pub struct Paging(pub PageRequest);

#[derive(serde::Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
struct Asked {
    /// 上一页返回的 next_cursor；第一页不填
    #[param(required = false, example = "1764000000000000_019ab0c1d2e37f008a1b2c3d4e5f6071")]
    cursor: Option<String>,
    /// 每页条数，1–100，默认 20
    #[param(required = false, value_type = Option<i64>, minimum = 1, maximum = 100, default = 20)]
    limit: Option<String>,
}

impl utoipa::IntoParams for Paging {
    fn into_params(
        place: impl Fn() -> Option<utoipa::openapi::path::ParameterIn>,
    ) -> Vec<utoipa::openapi::path::Parameter> {
        Asked::into_params(place)
    }
}

impl FromRequest for Paging {
    type Error = Error;
    type Future = Ready<Result<Self, Error>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let read = || {
            parameters::check(request)?;
            read(request.query_string())
        };
        ready(read())
    }
}

/// The page asked for of a list whose rows stand in the order of a text, such as a code.
/// Documented by `params(KeyPaging)`.
#[derive(Debug, Clone)]
pub struct KeyPaging(pub KeyRequest);

impl utoipa::IntoParams for KeyPaging {
    fn into_params(
        place: impl Fn() -> Option<utoipa::openapi::path::ParameterIn>,
    ) -> Vec<utoipa::openapi::path::Parameter> {
        Asked::into_params(place)
    }
}

impl FromRequest for KeyPaging {
    type Error = Error;
    type Future = Ready<Result<Self, Error>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let read = || {
            parameters::check(request)?;
            let (after, limit) = read_as(request.query_string(), KeyRequest::parse_key)?;
            Ok(Self(KeyRequest { after, limit }))
        };
        ready(read())
    }
}

fn read(query: &str) -> Result<Paging, Error> {
    let (after, limit) = read_as(query, str::parse::<Cursor>)?;
    Ok(Paging(PageRequest { after, limit }))
}

fn read_as<C>(
    query: &str,
    cursor: impl FnOnce(&str) -> Result<C, FieldError>,
) -> Result<(Option<C>, Limit), Error> {
    let asked: Asked = super::query::parse(query, |name| matches!(name, "cursor" | "limit"))?;
    let mut faults = Faults::default();
    let after = asked.cursor.and_then(|text| faults.take(cursor(&text)));
    let limit = match asked.limit.map(|text| text.parse::<i64>()) {
        None => Some(Limit::DEFAULT),
        Some(Ok(rows)) => faults.take(Limit::new(rows)),
        Some(Err(_)) => {
            faults.add("limit", "每页条数要写成 1–100 的整数");
            None
        }
    };
    faults.check()?;
    Ok((after, limit.unwrap_or(Limit::DEFAULT)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_page_has_twenty_rows() {
        let page = read("status=open").unwrap().0;
        assert!(page.after.is_none());
        assert_eq!(page.limit.rows(), 20);
        assert_eq!(read("limit=100").unwrap().0.limit.rows(), 100);
    }

    #[test]
    fn a_bad_page_is_refused() {
        for bad in ["limit=0", "limit=101", "limit=x", "limit=9e99", "cursor=x", "cursor=1_2"] {
            assert_eq!(read(bad).unwrap_err().code(), Some("invalid_field"), "{bad}");
        }
    }
}
