//! What a reader of the OpenAPI file may count on, checked operation by operation.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;
use utoipa::openapi::{
    OpenApi, RefOr, Response,
    path::{Operation, ParameterIn},
};

use super::{PROBLEMS, has_json_body, has_parameter, inline, operations};
use crate::http::problem::codes;

/// The faults of a document, each with its method and path; none when it is complete.
pub fn lint(document: &OpenApi) -> Vec<String> {
    let codes: BTreeSet<&str> = codes::all().iter().map(|code| code.code).collect();
    let tags: BTreeSet<&str> =
        document.tags.iter().flatten().map(|tag| tag.name.as_str()).collect();
    let mut faults = Vec::new();
    if tags.len() != document.tags.iter().flatten().count() {
        faults.push("a tag is described twice".to_owned());
    }
    let mut owners: BTreeMap<&str, String> = BTreeMap::new();
    for (path, item) in &document.paths.paths {
        for (method, operation) in operations(item) {
            let place = format!("{method} {path}");
            let id = operation.operation_id.as_deref().unwrap_or_default();
            if let Some(other) = owners.insert(id, place.clone()) {
                faults.push(format!("{place}: operationId {id} is also that of {other}"));
            }
            let own = [
                named(operation, &tags),
                parameters(path, operation),
                responses(operation),
                body(operation),
                problems(operation, &codes),
            ];
            faults.extend(own.into_iter().flatten().map(|fault| format!("{place}: {fault}")));
        }
    }
    faults
}

fn named(operation: &Operation, tags: &BTreeSet<&str>) -> Vec<String> {
    let mut faults = Vec::new();
    let id = operation.operation_id.as_deref().unwrap_or_default();
    let plain =
        |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_lowercase() || b == b'_');
    if id.split('.').count() < 2 || !id.split('.').all(plain) {
        faults.push(format!("operationId “{id}” is not of the form word.verb"));
    }
    if operation.summary.as_deref().unwrap_or_default().trim().is_empty() {
        faults.push("no summary".to_owned());
    }
    if operation.description.as_deref().unwrap_or_default().trim().is_empty() {
        faults.push("no description".to_owned());
    }
    for tag in operation.tags.iter().flatten().filter(|tag| !tags.contains(tag.as_str())) {
        faults.push(format!("tag {tag} is not described"));
    }
    if operation.tags.iter().flatten().count() != 1 {
        faults.push("not exactly one tag".to_owned());
    }
    if operation.security.is_none() {
        faults.push("neither a security nor an explicit none".to_owned());
    }
    faults
}

fn parameters(path: &str, operation: &Operation) -> Vec<String> {
    let mut faults = Vec::new();
    let named = path.split('{').skip(1).filter_map(|rest| rest.split('}').next());
    for name in named.filter(|name| !has_parameter(operation, &ParameterIn::Path, name)) {
        faults.push(format!("{{{name}}} is no parameter"));
    }
    for parameter in operation.parameters.iter().flatten().filter_map(inline) {
        let name = &parameter.name;
        if parameter.parameter_in == ParameterIn::Path && !path.contains(&format!("{{{name}}}")) {
            faults.push(format!("parameter {name} is not in the path"));
        }
        if parameter.description.as_deref().unwrap_or_default().is_empty() {
            faults.push(format!("parameter {name} is not described"));
        }
        if parameter.schema.is_none() {
            faults.push(format!("parameter {name} has no schema"));
        }
    }
    faults
}

fn responses(operation: &Operation) -> Vec<String> {
    let mut faults = Vec::new();
    let all = &operation.responses.responses;
    if !all.keys().any(|status| status.starts_with('2')) {
        faults.push("no answer of success".to_owned());
    }
    for (status, response) in all {
        let RefOr::T(response) = response else { continue };
        if response.description.trim().is_empty() {
            faults.push(format!("answer {status} is not described"));
        }
        if !matches!(status.as_str(), "204" | "202" | "304") && !has_schema(response) {
            faults.push(format!("answer {status} has no schema"));
        }
    }
    faults
}

fn has_schema(response: &Response) -> bool {
    let schema = |content: &RefOr<_>| {
        matches!(content, RefOr::T(utoipa::openapi::Content { schema: Some(_), .. }))
    };
    !response.content.is_empty() && response.content.values().all(schema)
}

fn body(operation: &Operation) -> Vec<String> {
    if !has_json_body(operation) {
        return Vec::new();
    }
    let Some(RefOr::T(body)) = &operation.request_body else { return Vec::new() };
    let Some(RefOr::T(content)) = body.content.get("application/json") else { return Vec::new() };
    let mut faults = Vec::new();
    if content.schema.is_none() {
        faults.push("the body has no schema".to_owned());
    }
    if content.example.is_none() && content.examples.is_empty() {
        faults.push("the body has no example".to_owned());
    }
    faults
}

fn problems(operation: &Operation, known: &BTreeSet<&str>) -> Vec<String> {
    let listed = operation.extensions.as_ref().and_then(|all| all.get(PROBLEMS));
    let listed: Vec<&str> =
        listed.and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str).collect();
    if listed.is_empty() {
        return vec!["no problem codes".to_owned()];
    }
    let unknown = listed.into_iter().filter(|code| !known.contains(code));
    unknown.map(|code| format!("problem {code} is not in http::problem::codes")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A mutant for each rule: a lint that cannot find anything proves nothing.
    #[test]
    fn each_fault_is_found() {
        let sound = super::super::document();
        assert!(!sound.paths.paths.is_empty());
        let after = |harm: fn(&mut Operation)| {
            let mut document = sound.clone();
            for item in document.paths.paths.values_mut() {
                super::super::operations_mut(item).into_iter().for_each(|(_, one)| harm(one));
            }
            lint(&document).len()
        };
        assert!(after(|one| one.operation_id = Some("same".into())) > 0);
        assert!(after(|one| one.summary = None) > 0);
        assert!(after(|one| one.security = None) > 0);
        assert!(after(|one| one.parameters = None) > 0);
        assert!(after(|one| one.responses.responses.clear()) > 0);
        assert!(after(|one| one.extensions = None) > 0);
        assert!(after(|one| one.tags = Some(vec!["nowhere".into()])) > 0);
        let bare = |one: &mut Operation| {
            if let Some(RefOr::T(body)) = &mut one.request_body {
                for content in body.content.values_mut() {
                    if let RefOr::T(content) = content {
                        content.example = None;
                        content.examples.clear();
                    }
                }
            }
        };
        assert!(after(bare) > 0);
    }
}
