//! Randomness: the one place that asks the operating system for it.

use domain::{id::Id, time::Timestamp};

/// Fills an array from the operating system's generator.
///
/// # Panics
/// The operating system has no entropy source; nothing can be done safely then.
pub fn bytes<const N: usize>() -> [u8; N] {
    let mut filled = [0; N];
    #[expect(clippy::disallowed_methods, reason = "this is the place the lint points to")]
    #[expect(clippy::expect_used, reason = "without entropy no token and no key is safe")]
    getrandom::fill(&mut filled).expect("the operating system provides entropy");
    filled
}

/// A new identifier for something that came to be at `now`.
pub fn id<T: Id>(now: Timestamp) -> T {
    T::from_parts(now, &bytes())
}

/// A code that a person copies: `length` characters drawn evenly from `alphabet`.
///
/// A byte that would favour the alphabet's head (256 is no multiple of most lengths) is thrown
/// away and drawn again. The alphabet has 1–256 characters; an empty one gives an empty code.
pub fn code(alphabet: &[char], length: usize) -> String {
    let fair = alphabet.len().checked_mul(256 / alphabet.len().max(1)).unwrap_or_default();
    let mut drawn = String::with_capacity(length);
    let mut wanted = if fair == 0 { 0 } else { length };
    while wanted > 0 {
        for byte in bytes::<32>().map(usize::from) {
            if wanted > 0
                && byte < fair
                && let Some(letter) = alphabet.get(byte % alphabet.len())
            {
                drawn.push(*letter);
                wanted -= 1;
            }
        }
    }
    drawn
}

/// Letters and digits that are not mistaken for one another when read out or copied by hand:
/// without 0 O, 1 I L, 2 Z, 5 S, 8 B.
pub const UNAMBIGUOUS: [char; 25] = [
    'A', 'C', 'D', 'E', 'F', 'G', 'H', 'J', 'K', 'M', 'N', 'P', 'Q', 'R', 'T', 'U', 'V', 'W', 'X',
    'Y', '3', '4', '6', '7', '9',
];

/// A code of [`UNAMBIGUOUS`] characters in groups of four, to be read out.
pub fn in_fours(length: usize) -> String {
    let drawn: Vec<char> = code(&UNAMBIGUOUS, length).chars().collect();
    drawn.chunks(4).map(|four| four.iter().collect::<String>()).collect::<Vec<_>>().join("-")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_have_their_length_and_favour_no_character() {
        let drawn = code(&UNAMBIGUOUS, 25_000);
        assert_eq!(drawn.chars().count(), 25_000);
        for letter in UNAMBIGUOUS {
            let times = drawn.chars().filter(|c| *c == letter).count();
            // 1,000 expected, standard deviation 31: eight of them is never reached by chance.
            assert!((750..1_250).contains(&times), "{letter}: {times}");
        }
        assert_ne!(code(&UNAMBIGUOUS, 8), code(&UNAMBIGUOUS, 8));
        assert_eq!(code(&[], 8), "");
        assert_eq!(code(&['A'], 3), "AAA");
    }
}
