//! A template's wording (模板的写法): what stands in the fields of a message, checked before it is used.

use std::collections::BTreeMap;

use super::{Channel, Template};
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

/// The placeholders that a text message may hold: a provider outside reads it, so that no word that
/// somebody wrote stands in it, nor of what the case is about.
const TEXT_FITS: &[&str] = &["{number}", "{phrase}", "{time}", SUMMARY];
/// The figures of the daily summary, which no other message has.
const SUMMARY: &str = "{summary}";
/// The most characters of a place in a text message.
const TEXT_LIMIT: usize = 20;

/// A word as a place in a text message takes it: one line, cut, and not empty.
pub fn text_fitted(word: &str) -> String {
    let line = word.split_whitespace().collect::<Vec<_>>().join(" ");
    let cut: String = line.chars().take(TEXT_LIMIT).collect();
    if cut.is_empty() { "无".to_owned() } else { cut }
}

/// A wording that may be used.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Draft {
    /// The template's id at WeChat, or its code (`SMS_…`) at the provider of text messages.
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
    /// Every fault, by its field: WeChat would refuse each message with 47003, the provider of text
    /// messages with `isv.TEMPLATE_…`.
    pub fn parse(
        (template, channel): (Template, Channel),
        provider_id: &str,
        page: &str,
        fields: BTreeMap<String, String>,
        long_term: bool,
    ) -> Result<Self, Invalid> {
        let mut faults = Faults::default();
        let provider_id = faults.take(text::line("template_id", provider_id, 1, 64));
        let page = faults.take(text::line("page", page, 0, 128));
        if page.as_ref().is_some_and(|page| !is_page(page)) {
            faults.add(
                "page",
                "应为小程序的页面路径，例如 pages/notifications/index?id=1；不需要就留空",
            );
        }
        if !template.channels().contains(&channel) {
            let known: Vec<_> = template.channels().iter().map(|one| one.label()).collect();
            let reason = format!("“{}”只能用{}发送", template.label(), known.join("、"));
            faults.add("channel", reason);
        }
        let texts = channel == Channel::Sms;
        if texts && provider_id.as_ref().is_some_and(|code| !is_text_code(code)) {
            faults.add("template_id", "短信模板编号应为 SMS_ 加数字，例如 SMS_123456789");
        }
        if texts && page.as_ref().is_some_and(|page| !page.is_empty()) {
            faults.add("page", "短信不能进入小程序页面，请留空");
        }
        if texts && long_term {
            faults.add("long_term", "短信没有长期订阅，请填 false");
        }
        if !(1..=MOST_FIELDS).contains(&fields.len()) {
            let reason = format!("模板要有 1–{MOST_FIELDS} 个字段，现在是 {} 个", fields.len());
            faults.add("fields", reason);
        }
        for (key, pattern) in &fields {
            let checked = if texts { place(key, pattern) } else { field(key, pattern) };
            if pattern == SUMMARY && template != Template::Digest {
                faults.add(format!("fields.{key}"), "{summary} 只能用在每日摘要里");
            } else if let Err(reason) = checked {
                faults.add(format!("fields.{key}"), reason);
            }
        }
        faults.check()?;
        let (provider_id, page) = (provider_id.unwrap_or_default(), page.unwrap_or_default());
        Ok(Self { provider_id, page, fields, long_term })
    }
}

/// Whether it is a page of the mini-program, with its parameters, or nothing.
fn is_page(page: &str) -> bool {
    let mut path = page.split('?').next().unwrap_or_default().split('/');
    let fits = |part: &str| {
        !part.is_empty()
            && part.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'))
    };
    page.is_empty() || path.all(fits) && page.bytes().all(|b| b.is_ascii_graphic())
}

fn is_text_code(code: &str) -> bool {
    code.strip_prefix("SMS_")
        .is_some_and(|rest| !rest.is_empty() && rest.bytes().all(|byte| byte.is_ascii_digit()))
}

/// Whether a pattern may stand in a place of a text message; else why not.
fn place(key: &str, pattern: &str) -> Result<(), String> {
    let named = (1..=20).contains(&key.len())
        && key.starts_with(|first: char| first.is_ascii_lowercase())
        && key.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    if !named {
        return Err(
            "变量名要与短信模板里的一致：小写字母开头，字母、数字、下划线，最多 20 个".to_owned()
        );
    }
    if TEXT_FITS.contains(&pattern) {
        return Ok(());
    }
    if pattern.contains(['{', '}']) {
        let known = TEXT_FITS.join("、");
        return Err(format!("短信里不写标题和内容，只能是一个占位符（{known}）或固定的文字"));
    }
    let length = pattern.chars().count();
    if !(1..=TEXT_LIMIT).contains(&length) || pattern.chars().any(char::is_control) {
        return Err(format!("固定的文字要有 1–{TEXT_LIMIT} 个字，现在是 {length} 个字"));
    }
    Ok(())
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
        Draft::parse(SUBSCRIBE, "tmpl-1", "pages/index", fields.collect(), false)
    }

    #[test]
    fn the_summary_stands_in_the_digest_alone() {
        for template in Template::ALL {
            for channel in template.channels() {
                let sms = *channel == Channel::Sms;
                let (code, key) = if sms { ("SMS_1", "what") } else { ("tmpl-1", "thing1") };
                let fields = BTreeMap::from([(key.to_owned(), SUMMARY.to_owned())]);
                let parsed = Draft::parse((*template, *channel), code, "", fields, false);
                assert_eq!(parsed.is_ok(), *template == Template::Digest, "{template} {channel}");
            }
        }
    }

    const SUBSCRIBE: (Template, Channel) = (Template::Progress, Channel::Subscribe);

    fn texted(code: &str, page: &str, fields: &[(&str, &str)], long_term: bool) -> Vec<String> {
        let fields = fields.iter().map(|(key, text)| ((*key).to_owned(), (*text).to_owned()));
        let way = (Template::Digest, Channel::Sms);
        let parsed = Draft::parse(way, code, page, fields.collect(), long_term);
        let faults = parsed.err().map(|refused| refused.fields()).unwrap_or_default();
        faults.into_iter().map(|fault| fault.field).collect()
    }

    #[test]
    fn a_text_message_says_no_word_that_somebody_wrote() {
        let good =
            [("number", "{number}"), ("what", "{phrase}"), ("at", "{time}"), ("app", "智享平城")];
        assert_eq!(texted("SMS_1", "", &good, false), [""; 0]);
        for placeholder in PLACEHOLDERS {
            let allowed = TEXT_FITS.contains(placeholder);
            let faults = texted("SMS_1", "", &[("x", placeholder)], false);
            assert_eq!(faults.is_empty(), allowed, "{placeholder}");
        }
        for (key, pattern) in
            [("Number", "1"), ("1a", "1"), ("", "1"), ("a b", "1"), ("x", ""), ("x", "一\n二")]
        {
            assert_eq!(texted("SMS_1", "", &[(key, pattern)], false), [format!("fields.{key}")]);
        }
        let long = "字".repeat(21);
        assert_eq!(texted("SMS_1", "", &[("x", &long)], false), ["fields.x"]);
        for code in ["tmpl-1", "SMS_", "SMS_a", "sms_1"] {
            assert_eq!(texted(code, "", &good, false), ["template_id"], "{code}");
        }
        assert_eq!(texted("SMS_1", "pages/index", &good, true), ["page", "long_term"]);
        assert_eq!(text_fitted(&long), "字".repeat(20));
        assert_eq!(
            (text_fitted(" \n"), text_fitted("一\n二")),
            ("无".to_owned(), "一 二".to_owned())
        );
    }

    #[test]
    fn each_template_goes_by_its_own_channels() {
        for template in Template::ALL {
            for channel in Channel::ALL {
                let sms = *channel == Channel::Sms;
                let (code, key) = if sms { ("SMS_1", "what") } else { ("tmpl-1", "phrase1") };
                let fields = BTreeMap::from([(key.to_owned(), "{phrase}".to_owned())]);
                let parsed = Draft::parse((*template, *channel), code, "", fields, false);
                let faults = parsed.err().map(|refused| refused.fields()).unwrap_or_default();
                let named: Vec<_> = faults.iter().map(|fault| fault.field.as_str()).collect();
                let fits = template.channels().contains(channel);
                assert_eq!(named, if fits { vec![] } else { vec!["channel"] });
            }
        }
    }

    #[test]
    fn every_placeholder_has_a_place() {
        let known: Vec<_> = FITS.iter().map(|(name, _)| *name).collect();
        assert_eq!([known, vec![SUMMARY]].concat(), PLACEHOLDERS);
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
        let good = BTreeMap::from([("thing1".to_owned(), "{title}".to_owned())]);
        for (page, fits) in [
            ("", true),
            ("pages/index?id=1&from=wx", true),
            ("http://evil.example/", false),
            ("/pages/index", false),
            ("pages/首页", false),
            ("pages/index?a b", false),
        ] {
            let parsed = Draft::parse(SUBSCRIBE, "tmpl-1", page, good.clone(), false);
            assert_eq!(parsed.is_ok(), fits, "{page}");
        }
        let faults = Draft::parse(SUBSCRIBE, "", &"p".repeat(129), BTreeMap::new(), true)
            .unwrap_err()
            .fields();
        let named: Vec<_> = faults.iter().map(|fault| fault.field.as_str()).collect();
        assert_eq!(named, ["template_id", "page", "fields"]);
    }
}
