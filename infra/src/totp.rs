//! One-time codes by the clock (动态口令): RFC 6238 with SHA-1, six digits and steps of 30 s, as every
//! authenticator app computes them.

use hmac::{Hmac, KeyInit, Mac};
use sha1::Sha1;
use subtle::ConstantTimeEq;

/// Seconds of a step (RFC 6238, X).
const STEP_SECONDS: i64 = 30;
/// A code is good so many steps before and after its own: clocks differ (RFC 6238, 5.2).
const DRIFT: i64 = 1;
/// RFC 4648, section 6.
const BASE32: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

/// A new secret: 160 bits, as RFC 4226 recommends.
pub fn secret() -> [u8; 20] {
    crate::random::bytes()
}

/// The step near the instant (seconds since 1970) whose code this is; the code is six ASCII digits.
/// All steps are computed whatever the code, so that the time tells nothing.
pub fn step_of(secret: &[u8], code: &str, seconds: i64) -> Option<i64> {
    let now = seconds.div_euclid(STEP_SECONDS);
    let mut found = None;
    for step in (now - DRIFT)..=(now + DRIFT) {
        let ours = code_of(secret, step);
        if bool::from(ours.as_bytes().ct_eq(code.as_bytes())) {
            found = Some(step);
        }
    }
    found
}

/// The code of an instant, in seconds since 1970; for tests and tools that stand in for an app.
pub fn code_at(secret: &[u8], seconds: i64) -> String {
    code_of(secret, seconds.div_euclid(STEP_SECONDS))
}

/// RFC 4226, 5.3: the last four bits say where the 31 bits lie.
fn code_of(secret: &[u8], step: i64) -> String {
    let Ok(mut mac) = <Hmac<Sha1> as KeyInit>::new_from_slice(secret) else {
        unreachable!("HMAC takes a key of any length")
    };
    mac.update(&step.to_be_bytes());
    let digest = mac.finalize().into_bytes();
    let offset = digest.last().map_or(0, |last| usize::from(last & 0x0f));
    let number = digest
        .iter()
        .skip(offset)
        .take(4)
        .fold(0_u32, |number, byte| (number << 8) | u32::from(*byte));
    format!("{:06}", (number & 0x7fff_ffff) % 1_000_000)
}

/// Bytes in base32 without padding, as people type a secret into an app.
pub fn base32(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len() * 8 / 5 + 1);
    let (mut held, mut bits) = (0_u32, 0_u32);
    for byte in bytes {
        held = (held << 8) | u32::from(*byte);
        bits += 8;
        while bits >= 5 {
            bits -= 5;
            push(&mut text, held >> bits);
        }
        held &= (1 << bits) - 1;
    }
    if bits > 0 {
        push(&mut text, held << (5 - bits));
    }
    text
}

fn push(text: &mut String, five: u32) {
    let place = usize::try_from(five & 31).unwrap_or_default();
    if let Some(letter) = BASE32.get(place) {
        text.push(char::from(*letter));
    }
}

/// The bytes of a base32 text without padding; none where a character is no part of it.
pub fn from_base32(text: &str) -> Option<Vec<u8>> {
    let mut bytes = Vec::with_capacity(text.len() * 5 / 8);
    let (mut held, mut bits) = (0_u32, 0_u32);
    for letter in text.bytes() {
        let five = BASE32.iter().position(|known| *known == letter)?;
        held = (held << 5) | u32::try_from(five).ok()?;
        bits += 5;
        if bits >= 8 {
            bits -= 8;
            bytes.push(u8::try_from(held >> bits).ok()?);
            held &= (1 << bits) - 1;
        }
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 6238, appendix B, with the last six of its eight digits.
    #[test]
    fn the_codes_are_those_of_the_rfc() {
        let secret = b"12345678901234567890";
        for (seconds, code) in [
            (59, "287082"),
            (1_111_111_109, "081804"),
            (1_111_111_111, "050471"),
            (1_234_567_890, "005924"),
            (2_000_000_000, "279037"),
            (20_000_000_000, "353130"),
        ] {
            assert_eq!(code_at(secret, seconds), code, "at {seconds}");
            assert_eq!(step_of(secret, code, seconds), Some(seconds / 30));
        }
    }

    #[test]
    fn a_code_is_good_one_step_to_either_side() {
        let secret = secret();
        let code = code_at(&secret, 1_000_000_020);
        let step = Some(1_000_000_020 / 30);
        for (seconds, found) in [
            (999_999_989, None),
            (999_999_990, step),
            (1_000_000_020, step),
            (1_000_000_079, step),
            (1_000_000_080, None),
        ] {
            // Two steps have one code once in a million times; the same step is what counts.
            assert_eq!(step_of(&secret, &code, seconds), found, "at {seconds}");
        }
        for bad in ["", "00000", "0000000", "１２３４５６", "abcdef"] {
            assert_eq!(step_of(&secret, bad, 0), None, "{bad}");
        }
    }

    /// RFC 4648, section 10, without its padding.
    #[test]
    fn base32_is_that_of_the_rfc() {
        for (plain, text) in [
            ("", ""),
            ("f", "MY"),
            ("fo", "MZXQ"),
            ("foo", "MZXW6"),
            ("foob", "MZXW6YQ"),
            ("fooba", "MZXW6YTB"),
            ("foobar", "MZXW6YTBOI"),
        ] {
            assert_eq!(base32(plain.as_bytes()), text);
            assert_eq!(from_base32(text).unwrap(), plain.as_bytes());
        }
        assert_eq!(from_base32("MZ1"), None);
    }
}
