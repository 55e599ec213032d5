//! Text that people write: length counted in characters, control characters refused, marks that
//! nobody sees dropped, and everything else (emoji, 𠮷, 㐂) kept exactly.

use crate::refusal::FieldError;

/// Marks that nobody sees: what comes along with a copied text, fills a field with nothing, or has the
/// rest of a line read backwards. The joiner within emoji (U+200D) is none of them.
const fn is_unseen(c: char) -> bool {
    matches!(c, '\u{ad}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{180e}' | '\u{200b}' | '\u{200c}'
        | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{3164}'
        | '\u{feff}')
}

/// What of a text is seen, without white space at both ends.
fn seen(given: &str) -> String {
    let seen: String = given.chars().filter(|c| !is_unseen(*c)).collect();
    seen.trim().to_owned()
}

/// Checks a text field: `min..=max` characters after dropping unseen marks and trimming white space at
/// both ends; tabs and line breaks allowed, other control characters refused.
///
/// # Errors
/// Too short, too long, or with a control character; the reason says which and where.
pub fn text(field: &str, given: &str, min: usize, max: usize) -> Result<String, FieldError> {
    if let Some((at, c)) =
        given.chars().enumerate().find(|(_, c)| c.is_control() && !matches!(c, '\t' | '\n' | '\r'))
    {
        let reason =
            format!("第 {} 个字符是不可见的控制字符（U+{:04X}），请删去", at + 1, u32::from(c));
        return Err(FieldError::new(field, reason));
    }
    let kept = seen(given);
    let joined = |c| matches!(c, '\u{200d}' | '\u{fe0f}');
    let length = if kept.chars().all(joined) { 0 } else { kept.chars().count() };
    if length < min || length > max {
        let reason = if length == 0 {
            format!("不能为空，需要 {min}–{max} 个字")
        } else {
            format!("需要 {min}–{max} 个字，现在是 {length} 个字")
        };
        return Err(FieldError::new(field, reason));
    }
    Ok(kept)
}

/// A text field that may be left out; blank counts as left out.
///
/// # Errors
/// As [`text`].
pub fn optional(
    field: &str,
    given: Option<&str>,
    max: usize,
) -> Result<Option<String>, FieldError> {
    match given {
        Some(some) if !seen(some).is_empty() => text(field, some, 1, max).map(Some),
        _ => Ok(None),
    }
}

/// The words of a search, between spaces: text is found by pairs of characters.
///
/// # Errors
/// Nothing of two characters, more than 50 characters, a single character, or a control character.
pub fn words(field: &str, typed: &str) -> Result<Vec<String>, FieldError> {
    let typed = line(field, typed, 2, 50)?;
    let words: Vec<String> = typed.split_whitespace().map(str::to_owned).collect();
    if words.iter().any(|word| word.chars().nth(1).is_none()) {
        return Err(FieldError::new(field, "每个词至少两个字，请补全或删去单个的字"));
    }
    Ok(words)
}

/// One line: as [`text`], but without tabs and line breaks inside.
///
/// # Errors
/// As [`text`], or a tab or line break.
pub fn line(field: &str, given: &str, min: usize, max: usize) -> Result<String, FieldError> {
    let kept = text(field, given, min, max)?;
    if kept.contains(['\t', '\n', '\r']) {
        return Err(FieldError::new(field, "只能写一行，请删去换行和制表符"));
    }
    Ok(kept)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rare_characters_and_emoji_are_kept_exactly() {
        assert_eq!(text("title", " 𠮷野家㐂🚰 ", 2, 200).unwrap(), "𠮷野家㐂🚰");
    }

    #[test]
    fn control_characters_are_refused_and_located() {
        let error = text("content", "路灯\u{0}坏了", 2, 200).unwrap_err();
        assert!(error.reason.contains("第 3 个字符"), "{}", error.reason);
        assert!(text("content", "路灯\t坏了\r\n", 2, 200).is_ok());
        assert!(text("content", "路灯\u{1b}[0m", 2, 200).is_err());
    }

    #[test]
    fn what_nobody_sees_is_no_text() {
        assert!(text("name", "\u{200b}\u{feff}", 1, 50).is_err());
        assert!(text("name", "\u{200d}\u{fe0f}", 1, 50).is_err(), "joiners without anything");
        assert_eq!(optional("name", Some(" \u{2060}"), 50), Ok(None));
        assert_eq!(line("title", "\u{202e}路灯\u{200b}坏了", 2, 200).unwrap(), "路灯坏了");
        assert_eq!(text("title", "👨‍👩‍👧 一家", 2, 200).unwrap(), "👨‍👩‍👧 一家", "one emoji");
    }

    #[test]
    fn length_counts_characters() {
        assert!(text("title", "路", 2, 200).is_err());
        assert!(text("title", &"路".repeat(200), 2, 200).is_ok());
        assert!(text("title", &"路".repeat(201), 2, 200).is_err());
        assert!(line("title", "一\n二", 2, 200).is_err());
    }
}
