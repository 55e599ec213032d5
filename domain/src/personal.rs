//! Personal data: newtypes that print masked wherever they are printed. The plain value is reached
//! by [`Phone::plain`] and the like alone, which the stores call to encrypt it.

use chrono::{Datelike, NaiveDate};

use crate::refusal::FieldError;

macro_rules! personal {
    ($(#[$doc:meta])* $name:ident, $mask:expr) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, Hash)]
        pub struct $name(String);

        impl $name {
            /// The unmasked value: for encryption, and for a view that may show it.
            pub fn plain(&self) -> &str {
                &self.0
            }

            /// Wraps a value that was checked when it was stored.
            pub fn trusted(value: String) -> Self {
                Self(value)
            }

            /// The value with its middle hidden.
            pub fn masked(&self) -> String {
                let mask: fn(&str) -> String = $mask;
                mask(&self.0)
            }
        }

        impl std::fmt::Debug for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(&self.masked())
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(&self.masked())
            }
        }
    };
}

fn keep_ends(value: &str, head: usize, tail: usize) -> String {
    let chars: Vec<char> = value.chars().collect();
    let hidden = chars.len().saturating_sub(head + tail);
    let start: String = chars.iter().take(head).collect();
    let end: String = chars.iter().skip(head + hidden).collect();
    format!("{start}{}{end}", "*".repeat(hidden))
}

personal! {
    /// A telephone number: a mobile number of 11 digits, or a landline with its area code.
    Phone, |value| keep_ends(value, 3, 4)
}
personal! {
    /// A person's name; shown as its first character.
    PersonName, |value| keep_ends(value, 1, 0)
}
personal! {
    /// The last six characters of an ID number.
    IdTail, |value| keep_ends(value, 0, 1)
}
personal! {
    /// A citizen's ID number of 18 characters (GB 11643); shown as its first and last character.
    IdNumber, |value| keep_ends(value, 1, 1)
}
personal! {
    /// The identifier by which WeChat knows a person (openid).
    OpenId, |_| "openid:***".to_owned()
}

impl Phone {
    /// Reads a number as people write it: spaces and hyphens are dropped, `+86` and `0086` too, and
    /// full-width digits are digits.
    ///
    /// # Errors
    /// No number of mainland China: mobile, with an area code, local, or a service's (`12345`,
    /// `4008001234`).
    pub fn parse(field: &str, given: &str) -> Result<Self, FieldError> {
        let narrow = |c| match c {
            '０'..='９' => char::from_u32(u32::from(c) - 0xFEE0).unwrap_or(c),
            '＋' => '+',
            c => c,
        };
        let digits = given.chars().filter(|c| !matches!(c, ' ' | '-' | '－' | '\u{3000}'));
        let digits: String = digits.map(narrow).collect();
        let digits = digits.strip_prefix("+86").or(digits.strip_prefix("0086")).unwrap_or(&digits);
        let all_digits = !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit());
        let mobile = digits.len() == 11 && digits.starts_with('1') && !digits.starts_with("10");
        let landline = (10..=12).contains(&digits.len())
            && digits.starts_with('0')
            && !digits.starts_with("00");
        let local = (5..=8).contains(&digits.len()) && !digits.starts_with('0');
        let charged =
            digits.len() == 10 && (digits.starts_with("400") || digits.starts_with("800"));
        if all_digits && (mobile || landline || local || charged) {
            Ok(Self(digits.to_owned()))
        } else {
            Err(FieldError::new(
                field,
                "电话号码不对：手机写 11 位，固定电话带区号，例如 0352-1234567；服务热线照写，例如 12345",
            ))
        }
    }
}

impl Phone {
    /// Whether it can get a text message: 11 digits that begin with 1.
    pub fn is_mobile(&self) -> bool {
        self.0.len() == 11 && self.0.starts_with('1')
    }
}

impl PersonName {
    /// # Errors
    /// Empty, longer than 50 characters, or with control characters.
    pub fn parse(field: &str, given: &str) -> Result<Self, FieldError> {
        crate::text::line(field, given, 1, 50).map(Self)
    }
}

impl IdTail {
    /// Five digits and a last one that may be `X`; `x` is taken for it.
    ///
    /// # Errors
    /// Anything else.
    pub fn parse(field: &str, given: &str) -> Result<Self, FieldError> {
        let tail = given.trim().to_ascii_uppercase();
        let fits = tail.len() == 6
            && tail.bytes().take(5).all(|b| b.is_ascii_digit())
            && tail.bytes().skip(5).all(|b| b.is_ascii_digit() || b == b'X');
        if fits {
            Ok(Self(tail))
        } else {
            Err(FieldError::new(field, "请填写身份证号码的最后六位，例如 10001X"))
        }
    }
}

/// The weights of the first 17 digits, and the check characters by remainder (GB 11643).
const WEIGHTS: [u32; 17] = [7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2];
const CHECKS: [u8; 11] = *b"10X98765432";

impl IdNumber {
    /// 17 digits with a date of birth among them, and a check character that may be `X`; `x` is
    /// taken for it.
    ///
    /// # Errors
    /// Anything else: a mistyped character shows in the check character.
    pub fn parse(field: &str, given: &str) -> Result<Self, FieldError> {
        let number: String =
            given.chars().filter(|c| *c != ' ').collect::<String>().to_ascii_uppercase();
        let refused = |reason: &str| Err(FieldError::new(field, reason));
        let (digits, last) = match number.as_bytes() {
            [digits @ .., last] if digits.len() == 17 => (digits, *last),
            _ => return refused("身份证号码是 18 位"),
        };
        if !digits.iter().all(u8::is_ascii_digit) || digits.first() == Some(&b'0') {
            return refused("身份证号码的前 17 位是数字，第一位不是 0");
        }
        let sum: u32 = WEIGHTS
            .iter()
            .zip(digits)
            .map(|(weight, digit)| weight * u32::from(digit - b'0'))
            .sum();
        let check = usize::try_from(sum % 11).ok().and_then(|rest| CHECKS.get(rest).copied());
        if check != Some(last) {
            return refused("身份证号码的校验位不符，请核对有没有写错的数字");
        }
        let number = Self(number);
        if number.birth().is_none_or(|born| born.year() < 1900) {
            return refused("身份证号码第 7–14 位不是有效的出生日期");
        }
        Ok(number)
    }

    fn birth(&self) -> Option<NaiveDate> {
        NaiveDate::parse_from_str(self.0.get(6..14)?, "%Y%m%d").ok()
    }

    /// The date of birth that the number holds.
    pub fn born_on(&self) -> NaiveDate {
        self.birth().unwrap_or_default()
    }

    /// Whether the sequence number is a man's: odd.
    pub fn is_male(&self) -> bool {
        self.0.as_bytes().get(16).is_some_and(|digit| digit % 2 == 1)
    }

    /// The last six characters, as registrations are matched by.
    pub fn tail(&self) -> IdTail {
        IdTail(self.0.get(12..).unwrap_or_default().to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The standard's own examples, and what is nearly one.
    #[test]
    fn an_id_number_proves_itself() {
        let number = IdNumber::parse("id_number", " 11010519491231002x ").unwrap();
        assert_eq!(number.plain(), "11010519491231002X");
        assert_eq!(number.to_string(), "1****************X");
        assert_eq!(number.born_on().to_string(), "1949-12-31");
        assert!(!number.is_male());
        assert_eq!(number.tail().plain(), "31002X");
        assert!(IdNumber::parse("id_number", "440524188001010014").is_err(), "born before 1900");
        for bad in [
            "",
            "110105194912310021",
            "110105194912310X2X",
            "11010519491231002",
            "1101051949123100２X",
            "110105491231002",
            "010105194912310028",
        ] {
            assert!(IdNumber::parse("id_number", bad).is_err(), "{bad}");
        }
        // Right by its check character, and no day.
        assert!(IdNumber::parse("id_number", "110105194902310024").is_err());
    }

    /// Any single wrong digit is noticed.
    #[test]
    fn every_mistyped_digit_is_noticed() {
        let good = "11010519491231002X";
        for place in 0..17 {
            for digit in '0'..='9' {
                let mut typed: Vec<char> = good.chars().collect();
                if typed[place] == digit {
                    continue;
                }
                typed[place] = digit;
                let typed: String = typed.into_iter().collect();
                assert!(IdNumber::parse("id_number", &typed).is_err(), "{typed}");
            }
        }
    }

    #[test]
    fn what_prints_is_masked() {
        let phone = Phone::parse("phone", "+86 138-0000-1234").unwrap();
        assert_eq!(phone.plain(), "13800001234");
        assert_eq!(format!("{phone} {phone:?}"), "138****1234 138****1234");
        assert_eq!(PersonName::parse("name", "欧阳修").unwrap().to_string(), "欧**");
    }

    #[test]
    fn wrong_numbers_are_refused() {
        for bad in ["", "1380000123x", "0", "10012345678", "138000012345"] {
            assert!(Phone::parse("phone", bad).is_err(), "{bad}");
        }
        assert!(Phone::parse("phone", "13800001234").is_ok_and(|phone| phone.is_mobile()));
        let landline = Phone::parse("phone", "0352-5012345");
        assert!(landline.is_ok_and(|phone| !phone.is_mobile()));
        for good in ["12345", "5012345", "400-800-1234", "8001234567"] {
            assert!(Phone::parse("phone", good).is_ok_and(|phone| !phone.is_mobile()), "{good}");
        }
        let wide = Phone::parse("phone", "１３８　００００　１２３４");
        assert!(wide.is_ok_and(|phone| phone.plain() == "13800001234"));
    }
}
