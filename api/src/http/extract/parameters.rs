//! A filter with a wrong name is refused: whoever misspells one would take the whole list for what was
//! filtered.

use std::{
    collections::{BTreeSet, HashMap},
    sync::LazyLock,
};

use actix_web::HttpRequest;
use domain::refusal::Invalid;
use utoipa::openapi::{RefOr, path::ParameterIn};

use crate::http::openapi;

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

/// Looks at the names of a request's parameters, where parameters are read: in the order in which the
/// handler asks for what it needs. `cursor` and `limit` are anybody's, also of a list that is one page.
///
/// # Errors
/// One that its operation does not document.
pub fn check(request: &HttpRequest) -> Result<(), Invalid> {
    // Most requests have none, and nothing is looked up for them.
    if request.query_string().is_empty() {
        return Ok(());
    }
    let pattern = request.match_pattern().unwrap_or_default();
    let Some(own) = NAMES.get(&(request.method().as_str(), pattern.as_str())) else {
        return Ok(());
    };
    for (name, _) in form_urlencoded::parse(request.query_string().as_bytes()) {
        if !own.contains(&*name) && !matches!(&*name, "cursor" | "limit") {
            let known: Vec<&str> = own.iter().copied().collect();
            let reason = format!("没有这个条件，请核对名称；可用：{}", known.join("、"));
            return Err(Invalid::field(name, reason));
        }
    }
    Ok(())
}
