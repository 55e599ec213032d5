//! The filters of a list, from the query string.

use std::future::{Ready, ready};

use actix_web::{FromRequest, HttpRequest, dev::Payload};
use domain::refusal::Invalid;
use serde::de::DeserializeOwned;

use super::{parameters, reason};
use crate::error::Error;

/// The query string read as a `T`; a wrong filter is 422 `invalid_field`. An empty one
/// (`?status=`) counts as left out, and `cursor` and `limit` belong to [`super::Paging`].
///
/// `T` derives `utoipa::IntoParams`; the OpenAPI file takes its parameters from there.
#[derive(Debug, Clone)]
pub struct Query<T>(pub T);

impl<T: DeserializeOwned> FromRequest for Query<T> {
    type Error = Error;
    type Future = Ready<Result<Self, Error>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let read = || {
            parameters::check(request)?;
            parse(request.query_string(), |name| !matches!(name, "cursor" | "limit")).map(Self)
        };
        ready(read())
    }
}

/// Reads a query string that is kept for later: a list's filters alone, no place in it.
///
/// # Errors
/// `invalid_field`.
pub fn stored<T: DeserializeOwned + utoipa::IntoParams>(query: &str) -> Result<T, Error> {
    let known = T::into_params(|| None);
    for (name, _) in form_urlencoded::parse(query.as_bytes()) {
        if !known.iter().any(|parameter| parameter.name == name) {
            return Err(Invalid::field("query", format!("这个列表没有筛选条件 {name}")).into());
        }
    }
    parse(query, |_| true)
}

/// Reads those parameters whose name is `wanted`.
pub(super) fn parse<T: DeserializeOwned>(
    query: &str,
    wanted: impl Fn(&str) -> bool,
) -> Result<T, Error> {
    let mut kept = form_urlencoded::Serializer::new(String::new());
    for (name, value) in form_urlencoded::parse(query.as_bytes()) {
        if value.contains('\0') {
            return Err(Invalid::field(name, "含有不可见的控制字符，请删去").into());
        }
        if !value.is_empty() && wanted(&name) {
            kept.append_pair(&name, &value);
        }
    }
    let kept = kept.finish();
    let pairs = serde_urlencoded::Deserializer::new(form_urlencoded::parse(kept.as_bytes()));
    serde_path_to_error::deserialize(pairs).map_err(|error| reason::invalid(&error).into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, serde::Deserialize, PartialEq)]
    struct Filter {
        status: Option<String>,
        overdue: Option<bool>,
        year: Option<u16>,
    }

    fn read(query: &str) -> Result<Filter, Vec<(String, String)>> {
        parse(query, |name| name != "limit").map_err(|error| match error {
            Error::Refused(refusal) => {
                refusal.fields().into_iter().map(|f| (f.field, f.reason)).collect()
            }
            Error::Internal(fault) => panic!("{fault}"),
        })
    }

    #[test]
    fn filters_are_read_and_empty_ones_left_out() {
        let filter = read("status=&overdue=true&year=2026&limit=3&other=%F0%A0%AE%B7").unwrap();
        assert_eq!(filter, Filter { status: None, overdue: Some(true), year: Some(2026) });
    }

    #[test]
    fn a_wrong_filter_is_named() {
        for (query, field) in
            [("overdue=yes", "overdue"), ("year=-1", "year"), ("status=%00", "status")]
        {
            assert_eq!(read(query).unwrap_err().remove(0).0, field, "{query}");
        }
        assert_eq!(read("year=1&year=2").unwrap_err().remove(0).0, "year");
    }
}
