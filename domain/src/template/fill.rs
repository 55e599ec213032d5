//! Filling in a template: its text is read once from left to right, so that what somebody writes in
//! a field is never taken for a place.

use std::collections::BTreeMap;

use chrono::{Datelike, NaiveDate};
use serde_json::Value;

use super::{Field, FieldKind, Wording};
use crate::{
    refusal::{Faults, Invalid},
    text,
};

/// The longest words in one field, in characters.
const LONGEST: usize = 500;

/// A part of a template's text.
enum Part<'t> {
    Words(&'t str),
    Place(&'t str),
}

/// Takes a text apart.
fn parts(text: &str) -> Result<Vec<Part<'_>>, String> {
    let mut parts = Vec::new();
    let mut rest = text;
    while let Some((words, after)) = rest.split_once("{{") {
        let Some((place, tail)) = after.split_once("}}") else {
            return Err("有一个 {{ 没有对应的 }}".to_owned());
        };
        parts.push(Part::Words(words));
        parts.push(Part::Place(place.trim()));
        rest = tail;
    }
    parts.push(Part::Words(rest));
    Ok(parts)
}

/// The places of a text, in their order.
///
/// # Errors
/// One is not closed.
pub(super) fn places(text: &str) -> Result<Vec<&str>, String> {
    let places = parts(text)?.into_iter().filter_map(|part| match part {
        Part::Place(place) => Some(place),
        Part::Words(_) => None,
    });
    Ok(places.collect())
}

pub(super) fn render(
    wording: &Wording,
    given: &BTreeMap<String, Value>,
) -> Result<String, Invalid> {
    let mut faults = Faults::default();
    for name in given.keys() {
        if !wording.fields.iter().any(|field| field.name == *name) {
            faults.add(format!("fields.{name}"), "这个模板没有这一项，请删去");
        }
    }
    let mut filled: BTreeMap<&str, String> = BTreeMap::new();
    for field in &wording.fields {
        match shown(field, given.get(&field.name)) {
            Ok(shown) => drop(filled.insert(&field.name, shown)),
            Err(reason) => faults.add(format!("fields.{}", field.name), reason),
        }
    }
    let parts = parts(&wording.text).map_err(|reason| Invalid::field("template", reason))?;
    faults.check()?;
    let words = parts.into_iter().map(|part| match part {
        Part::Words(words) => words,
        Part::Place(place) => filled.get(place).map_or("", String::as_str),
    });
    // A reply is trimmed like every text, and what is kept of it must be the same.
    Ok(words.collect::<String>().trim().to_owned())
}

/// What stands in a field's place; nothing where it may be left out and is.
fn shown(field: &Field, given: Option<&Value>) -> Result<String, String> {
    let label = &field.label;
    let missing = match given {
        None | Some(Value::Null) => true,
        Some(Value::String(words)) => words.trim().is_empty(),
        Some(_) => false,
    };
    let Some(given) = given.filter(|_| !missing) else {
        return if field.required { Err(format!("必填：{label}")) } else { Ok(String::new()) };
    };
    match (field.kind, given) {
        (FieldKind::Text, Value::String(words)) => {
            text::text("", words, 1, LONGEST).map_err(|error| error.reason)
        }
        (FieldKind::Date, Value::String(day)) => date(day),
        (FieldKind::Number, Value::Number(number)) => Ok(number.to_string()),
        (FieldKind::Choice, Value::String(chosen)) => {
            let chosen = chosen.trim();
            let known = field.options.iter().any(|option| option == chosen);
            known.then(|| chosen.to_owned()).ok_or_else(|| options(field))
        }
        (FieldKind::Text, _) => Err(format!("要写文字：{label}")),
        (FieldKind::Date, _) => Err(NO_DATE.to_owned()),
        (FieldKind::Number, _) => Err(format!("要写数字，不加引号和单位：{label}")),
        (FieldKind::Choice, _) => Err(options(field)),
    }
}

const NO_DATE: &str = "要写日期，例如 2026-11-25";

fn options(field: &Field) -> String {
    format!("只能是：{}", field.options.join("、"))
}

/// A day as people read it.
fn date(given: &str) -> Result<String, String> {
    let day: NaiveDate = given.trim().parse().map_err(|_| NO_DATE.to_owned())?;
    if !(2000..=2100).contains(&day.year()) {
        return Err("日期要在 2000–2100 年之间".to_owned());
    }
    Ok(format!("{}年{}月{}日", day.year(), day.month(), day.day()))
}
