//! Holds JSON against a schema of the OpenAPI file: as much of JSON Schema as the file uses.

use serde_json::{Map, Value};

use super::document::document;

/// What is wrong with `value` by `schema`, each with its place.
pub fn faults(schema: &Value, value: &Value) -> Vec<String> {
    let mut faults = Vec::new();
    check(schema, value, "$", &mut faults);
    faults
}

fn check(schema: &Value, value: &Value, place: &str, faults: &mut Vec<String>) {
    let Some(schema) = resolved(schema).as_object() else { return };
    for part in schema.get("allOf").and_then(Value::as_array).into_iter().flatten() {
        check(part, value, place, faults);
    }
    for word in ["oneOf", "anyOf"] {
        if let Some(choices) = schema.get(word).and_then(Value::as_array) {
            let fits = |choice: &&Value| self::faults(choice, value).is_empty();
            if !choices.iter().any(|choice| fits(&choice)) {
                let near = choices.iter().map(|choice| self::faults(choice, value).join("; "));
                let near = near.collect::<Vec<_>>().join(" | ");
                faults.push(format!("{place}: fits none of {word}: {near}"));
            }
        }
    }
    if let Some(allowed) = schema.get("enum").and_then(Value::as_array)
        && !allowed.contains(value)
    {
        faults.push(format!("{place}: {value} is not in {allowed:?}"));
    }
    if let Some(fault) = type_fault(schema, value) {
        faults.push(format!("{place}: {fault}"));
    }
    match value {
        Value::Object(fields) => object(schema, fields, place, faults),
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                let place = format!("{place}[{index}]");
                check(schema.get("items").unwrap_or(&Value::Null), item, &place, faults);
            }
        }
        Value::String(text) => faults.extend(format_fault(schema, text, place)),
        _ => {}
    }
}

fn object(
    schema: &Map<String, Value>,
    fields: &Map<String, Value>,
    place: &str,
    faults: &mut Vec<String>,
) {
    let required = schema.get("required").and_then(Value::as_array).into_iter().flatten();
    for name in required.filter_map(Value::as_str).filter(|name| !fields.contains_key(*name)) {
        faults.push(format!("{place}: {name} is missing"));
    }
    let known = schema.get("properties").and_then(Value::as_object);
    for (name, field) in fields {
        match known.and_then(|known| known.get(name)) {
            Some(schema) => check(schema, field, &format!("{place}.{name}"), faults),
            None if schema.get("additionalProperties") == Some(&Value::Bool(false)) => {
                faults.push(format!("{place}: {name} is not documented"));
            }
            None => {}
        }
    }
}

fn type_fault(schema: &Map<String, Value>, value: &Value) -> Option<String> {
    let types: Vec<&str> = match schema.get("type")? {
        Value::String(one) => vec![one],
        Value::Array(some) => some.iter().filter_map(Value::as_str).collect(),
        _ => return None,
    };
    let fits = types.iter().any(|name| match *name {
        "null" => value.is_null(),
        "boolean" => value.is_boolean(),
        "integer" => value.is_i64() || value.is_u64(),
        "number" => value.is_number(),
        "string" => value.is_string(),
        "array" => value.is_array(),
        "object" => value.is_object(),
        _ => true,
    });
    (!fits).then(|| format!("{value} is not {}", types.join(" or ")))
}

fn format_fault(schema: &Map<String, Value>, text: &str, place: &str) -> Option<String> {
    let fits = match schema.get("format").and_then(Value::as_str)? {
        "date-time" => text.parse::<domain::time::Timestamp>().is_ok() && text.contains('T'),
        "uuid" => uuid::Uuid::try_parse(text).is_ok(),
        _ => true,
    };
    (!fits).then(|| format!("{place}: “{text}” has not its format"))
}

fn resolved(schema: &Value) -> &Value {
    match schema.get("$ref").and_then(Value::as_str) {
        Some(name) => {
            let name = name.rsplit('/').next().unwrap_or_default();
            let found = &document()["components"]["schemas"][name];
            assert!(!found.is_null(), "the schema {name} is missing");
            resolved(found)
        }
        None => schema,
    }
}
