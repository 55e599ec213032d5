//! A filter with a wrong name is refused: whoever misspells one would take the whole list for what was
//! filtered.

use std::{
    collections::{BTreeSet, HashMap},
    sync::LazyLock,
};

use actix_web::{
    ResponseError,
    body::MessageBody,
    dev::{ServiceRequest, ServiceResponse},
    middleware::Next,
};
use domain::refusal::Invalid;
use utoipa::openapi::{RefOr, path::ParameterIn};

use super::openapi;
use crate::error::Error;

/// The query parameters of each operation that has some, by method and path. WeChat adds what it likes
/// to the address that it pushes to.
static NAMES: LazyLock<HashMap<(&'static str, &'static str), BTreeSet<&'static str>>> =
    LazyLock::new(|| {
        let mut names = HashMap::new();
        for (path, item) in &openapi::document().paths.paths {
            for (method, operation) in openapi::operations(item) {
                let wechats = operation.tags.iter().flatten().any(|tag| tag == "wechat");
                let all = operation.parameters.iter().flatten();
                let own: BTreeSet<&str> = all
                    .filter_map(|one| match one {
                        RefOr::T(one) if one.parameter_in == ParameterIn::Query => Some(&*one.name),
                        _ => None,
                    })
                    .collect();
                if !own.is_empty() && !wechats {
                    names.insert((method, path.as_str()), own);
                }
            }
        }
        names
    });

/// The middleware that looks at the names.
///
/// # Errors
/// The application's own.
pub async fn known(
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<impl MessageBody>, actix_web::Error> {
    match stranger(&request) {
        // A response, so that what surrounds it gives it its headers.
        Err(refused) => Ok(request.into_response(refused.error_response()).map_into_right_body()),
        Ok(()) => next.call(request).await.map(ServiceResponse::map_into_left_body),
    }
}

fn stranger(request: &ServiceRequest) -> Result<(), Error> {
    if request.query_string().is_empty() {
        return Ok(());
    }
    let Some(pattern) = request.match_pattern() else { return Ok(()) };
    let Some(own) = NAMES.get(&(request.method().as_str(), pattern.as_str())) else {
        return Ok(());
    };
    for (name, _) in form_urlencoded::parse(request.query_string().as_bytes()) {
        if !own.contains(&*name) {
            let known: Vec<&str> = own.iter().copied().collect();
            let reason = format!("没有这个条件，请核对名称；可用：{}", known.join("、"));
            return Err(Invalid::field(name, reason).into());
        }
    }
    Ok(())
}
