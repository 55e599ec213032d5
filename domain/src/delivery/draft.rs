//! A template's wording (模板的写法): what stands in the fields of a message, checked before it is used.

use std::collections::BTreeMap;

use crate::{
    refusal::{Faults, Invalid},
    text,
};

/// Most fields that WeChat's templates have.
const MOST_FIELDS: usize = 10;
/// The kinds of fields, by the letters of their key, and the most characters of each.
const KINDS: &[(&str, usize)] =
    &[("thing", 20), ("phrase", 5), ("character_string", 32), ("time", 32), ("date", 32)];
/// In which kinds of field a placeholder may stand. What is too long for `thing` is cut.
const FITS: &[(&str, &[&str])] = &[
    ("{title}", &["thing"]),
    ("{number}", &["character_string", "thing"]),
    ("{phrase}", &["phrase", "thing"]),
    ("{text}", &["thing"]),
    ("{time}", &["time", "date", "thing"]),
];

/// A wording that may be used.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Draft {
    /// The template's id at WeChat.
    pub provider_id: String,
    /// The page that the message opens; empty for none.
    pub page: String,
    /// What stands in its fields: a placeholder, or fixed words.
    pub fields: BTreeMap<String, String>,
    /// Consent to it is not used up (长期订阅).
    pub long_term: bool,
}

impl Draft {
    /// Checks a wording as a whole.
    ///
    /// # Errors
    /// Every fault, by its field: WeChat would refuse each message with 47003.
    pub fn parse(
        provider_id: &str,
        page: &str,
        fields: BTreeMap<String, String>,
        long_term: bool,
    ) -> Result<Self, Invalid> {
        let mut faults = Faults::default();
        let provider_id = faults.take(text::line("template_id", provider_id, 1, 64));
        let page = faults.take(text::line("page", page, 0, 128));
        if !(1..=MOST_FIELDS).contains(&fields.len()) {
            let reason = format!("模板要有 1–{MOST_FIELDS} 个字段，现在是 {} 个", fields.len());
            faults.add("fields", reason);
        }
        for (key, pattern) in &fields {
            if let Err(reason) = field(key, pattern) {
                faults.add(format!("fields.{key}"), reason);
            }
        }
        faults.check()?;
        let (provider_id, page) = (provider_id.unwrap_or_default(), page.unwrap_or_default());
        Ok(Self { provider_id, page, fields, long_term })
    }
}

/// Whether a pattern may stand in a field; else why not.
fn field(key: &str, pattern: &str) -> Result<(), String> {
    let kind = key.trim_end_matches(|letter: char| letter.is_ascii_digit());
    let Some((_, limit)) = KINDS.iter().find(|(name, _)| *name == kind).filter(|_| kind != key)
    else {
        let known: Vec<_> = KINDS.iter().map(|(name, _)| *name).collect();
        return Err(format!("字段名应为种类加序号，例如 thing1；可用的种类：{}", known.join("、")));
    };
    if let Some((_, kinds)) = FITS.iter().find(|(name, _)| *name == pattern) {
        let fits = kinds.contains(&kind);
        return fits
            .then_some(())
            .ok_or_else(|| format!("{pattern} 只能放在 {} 类字段里", kinds.join("、")));
    }
    if pattern.contains(['{', '}']) {
        let known: Vec<_> = FITS.iter().map(|(name, _)| *name).collect();
        return Err(format!("字段里只能是一个占位符或固定的文字；占位符有 {}", known.join("、")));
    }
    let length = pattern.chars().count();
    if !(1..=*limit).contains(&length) || pattern.chars().any(char::is_control) {
        return Err(format!("固定的文字要有 1–{limit} 个字，现在是 {length} 个字"));
    }
    if kind == "character_string" && !pattern.is_ascii() {
        return Err("character_string 里只能是数字、字母和符号".to_owned());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{delivery::PLACEHOLDERS, refusal::Refusal};

    fn parsed(fields: &[(&str, &str)]) -> Result<Draft, Invalid> {
        let fields = fields.iter().map(|(key, text)| ((*key).to_owned(), (*text).to_owned()));
        Draft::parse("tmpl-1", "pages/index", fields.collect(), false)
    }

    #[test]
    fn every_placeholder_has_a_place() {
        let known: Vec<_> = FITS.iter().map(|(name, _)| *name).collect();
        assert_eq!(known, PLACEHOLDERS);
        for (placeholder, kinds) in FITS {
            for (kind, _) in KINDS {
                let key = format!("{kind}1");
                let fits = parsed(&[(&key, placeholder)]).is_ok();
                assert_eq!(fits, kinds.contains(kind), "{placeholder} in {key}");
            }
        }
    }

    #[test]
    fn what_wechat_would_refuse_is_refused_at_once() {
        assert!(
            parsed(&[
                ("thing1", "{title}"),
                ("phrase2", "智享平城"),
                ("character_string3", "12345")
            ])
            .is_ok()
        );
        for (key, pattern) in [
            ("thing", "{title}"),
            ("title1", "{title}"),
            ("1", "{title}"),
            ("thing1", "{name}"),
            ("thing1", "您好，{title}"),
            ("thing1", ""),
            ("thing1", "两\n行"),
            ("phrase1", "六个字太长了"),
            ("character_string1", "编号"),
        ] {
            let refused = parsed(&[(key, pattern)]).unwrap_err();
            assert_eq!(refused.fields()[0].field, format!("fields.{key}"), "{pattern}");
        }
        assert_eq!(parsed(&[]).unwrap_err().fields()[0].field, "fields");
        let faults =
            Draft::parse("", &"p".repeat(129), BTreeMap::new(), true).unwrap_err().fields();
        let named: Vec<_> = faults.iter().map(|fault| fault.field.as_str()).collect();
        assert_eq!(named, ["template_id", "page", "fields"]);
    }
}
