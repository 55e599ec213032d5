//! The unified social credit code (统一社会信用代码, GB 32100-2015).

use crate::refusal::FieldError;

/// The characters of a code, each standing for its place; I, O, S, V and Z are left out.
const ALPHABET: &[u8; 31] = b"0123456789ABCDEFGHJKLMNPQRTUWXY";
/// The weights of the first 17 characters: powers of 3 modulo 31.
const WEIGHTS: [u32; 17] = [1, 3, 9, 27, 19, 26, 16, 17, 20, 29, 25, 13, 8, 24, 10, 30, 28];

/// A unified social credit code whose check character is right. It prints masked.
#[derive(Clone, PartialEq, Eq)]
pub struct Licence(String);

impl Licence {
    /// Reads a code as people write it: spaces dropped, small letters taken for capitals.
    ///
    /// # Errors
    /// Not 18 characters of the alphabet, or the check character is another.
    pub fn parse(field: &str, given: &str) -> Result<Self, FieldError> {
        let code: String =
            given.chars().filter(|c| !c.is_whitespace()).map(|c| c.to_ascii_uppercase()).collect();
        let values: Option<Vec<u32>> = code.bytes().map(value).collect();
        let values = values.filter(|values| values.len() == 18);
        let Some(values) = values else {
            let reason = "统一社会信用代码为 18 位数字和大写字母（没有 I、O、S、V、Z），见营业执照";
            return Err(FieldError::new(field, reason));
        };
        let sum: u32 = values.iter().zip(WEIGHTS).map(|(value, weight)| value * weight).sum();
        if values.last() == Some(&((31 - sum % 31) % 31)) {
            Ok(Self(code))
        } else {
            Err(FieldError::new(field, "统一社会信用代码的校验位不对，请对照营业执照逐位核对"))
        }
    }

    /// The code itself, to be sealed or shown to whoever reviews it.
    pub fn plain(&self) -> &str {
        &self.0
    }
}

/// What a character stands for.
fn value(character: u8) -> Option<u32> {
    let place = ALPHABET.iter().position(|listed| *listed == character)?;
    u32::try_from(place).ok()
}

impl std::fmt::Debug for Licence {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("licence:***")
    }
}
