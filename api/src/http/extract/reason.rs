//! Why a body or a query could not be read, in Chinese, from what serde says.

use std::fmt::Display;

use domain::refusal::Invalid;

pub mod sound;
pub mod strict;

/// The refusal of one field, with its path.
pub fn invalid<E: Display>(error: &serde_path_to_error::Error<E>) -> Invalid {
    let said = error.inner().to_string();
    let path = error.path().to_string();
    let path = if path == "." { "" } else { path.as_str() };
    for (opening, reason) in [
        ("missing field `", "必须填写"),
        ("unknown field `", "没有这个字段，请核对名称或去掉它"),
        ("duplicate field `", "只能填写一次"),
    ] {
        if let Some(field) = said.strip_prefix(opening).and_then(|rest| rest.split('`').next()) {
            return Invalid::field(joined(path, field), reason);
        }
    }
    Invalid::field(path, sentence(&said))
}

/// The path of a field inside `path`, whether or not serde has counted it in already.
fn joined(path: &str, field: &str) -> String {
    if path.is_empty() {
        field.to_owned()
    } else if path == field || path.ends_with(&format!(".{field}")) {
        path.to_owned()
    } else {
        format!("{path}.{field}")
    }
}

fn sentence(said: &str) -> String {
    if let Some(rest) = said.strip_prefix("invalid type: ")
        && let Some((found, expected)) = rest.rsplit_once(", expected ")
    {
        return format!("应为{}，收到的是{}", wanted(expected), given(found));
    }
    if let Some(rest) = said.strip_prefix("invalid value: ")
        && let Some((found, expected)) = rest.rsplit_once(", expected ")
    {
        return match range(expected) {
            Some((0, _)) if found.contains("`-") => "不能是负数".to_owned(),
            Some((least, most)) => format!("数字超出范围，应在 {least} 到 {most} 之间"),
            None => format!("应为{}", wanted(expected)),
        };
    }
    if let Some(variants) = said.strip_prefix("unknown variant `") {
        let allowed: Vec<&str> = variants.split('`').skip(2).step_by(2).collect();
        return format!("不是可用的取值，可用：{}", allowed.join("、"));
    }
    if said.chars().any(|c| ('\u{4e00}'..='\u{9fff}').contains(&c)) {
        // Where it stands in the text is said by the field's path.
        let whole = said.rsplit_once(" at line ").filter(|(_, at)| at.contains(" column "));
        return whole.map_or(said, |(said, _)| said).to_owned();
    }
    KNOWN
        .iter()
        .find(|(part, _)| said.contains(part))
        .map_or("填写的内容不符合要求，请核对格式", |(_, reason)| reason)
        .to_owned()
}

const MOMENT: &str = "应为带时区的时间，例如 2026-11-24T08:30:00+08:00";

/// What other libraries say, by a part of it.
const KNOWN: &[(&str, &str)] = &[
    ("UUID", "编号的格式不对"),
    ("digit found in string", "应为整数"),
    ("parse integer from empty", "应为整数"),
    ("number too", "数字超出范围"),
    ("invalid float", "应为数字"),
    ("`true` or `false`", "应为 true 或 false"),
    ("premature end of input", MOMENT),
    ("input contains invalid", MOMENT),
    ("input is out of range", MOMENT),
    ("trailing input", MOMENT),
    ("invalid length", "项数不对"),
];

fn given(found: &str) -> &'static str {
    match found.split([' ', ',']).next().unwrap_or_default() {
        "string" | "character" => "文字",
        "integer" => "数字",
        "floating" => "小数",
        "boolean" => "true 或 false",
        "null" | "unit" => "空值 null",
        "sequence" => "列表",
        "map" => "对象",
        _ => "其他内容",
    }
}

fn wanted(expected: &str) -> &'static str {
    match expected {
        "a string" | "a borrowed string" | "string or map" => "文字",
        "a boolean" => " true 或 false",
        "f32" | "f64" => "数字",
        "a sequence" => "列表",
        "u8" | "u16" | "u32" | "u64" | "usize" | "i8" | "i16" | "i32" | "i64" | "isize" => "整数",
        other if other.contains("UUID") => "编号（UUID）",
        other if other.contains("date and time") => "带时区的时间，例如 2026-11-24T08:30:00+08:00",
        other if other.contains("date") => "日期，例如 2026-11-24",
        other if other.starts_with("struct") || other.contains("map") => "对象 { }",
        _ => "另一种内容",
    }
}

fn range(expected: &str) -> Option<(i128, i128)> {
    let signed = |bits: u32| (-(1_i128 << (bits - 1)), (1_i128 << (bits - 1)) - 1);
    let unsigned = |bits: u32| (0, (1_i128 << bits) - 1);
    Some(match expected {
        "u8" => unsigned(8),
        "u16" => unsigned(16),
        "u32" => unsigned(32),
        "u64" | "usize" => unsigned(64),
        "i8" => signed(8),
        "i16" => signed(16),
        "i32" => signed(32),
        "i64" | "isize" => signed(64),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_english_reaches_a_person() {
        for (said, expected) in [
            ("invalid type: string \"x, expected y\", expected u32", "应为整数，收到的是文字"),
            ("invalid type: null, expected a string", "应为文字，收到的是空值 null"),
            ("invalid value: integer `300`, expected u8", "数字超出范围，应在 0 到 255 之间"),
            ("invalid value: integer `-1`, expected u32", "不能是负数"),
            ("unknown variant `a`, expected `b` or `c`", "不是可用的取值，可用：b、c"),
            ("premature end of input", MOMENT),
            ("“x”不是可用的取值，可用：a、b", "“x”不是可用的取值，可用：a、b"),
            ("something odd", "填写的内容不符合要求，请核对格式"),
        ] {
            assert_eq!(sentence(said), expected);
        }
    }

    #[test]
    fn a_field_is_counted_once() {
        assert_eq!(joined("", "a"), "a");
        assert_eq!(joined("a", "a"), "a");
        assert_eq!(joined("place", "up"), "place.up");
        assert_eq!(joined("place.up", "up"), "place.up");
    }
}
