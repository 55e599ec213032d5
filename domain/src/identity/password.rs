//! Passwords of staff: which may be chosen, and how long one stands.

use chrono::TimeDelta;

use super::Refused;
use crate::time::Timestamp;

/// So many passwords do not come again: the present one and those before it.
pub const REMEMBERED: i64 = 5;
/// How long a one-time password of an administrator's is good.
pub const ONCE: TimeDelta = TimeDelta::hours(24);
/// So many characters must be no common word and no run.
const OWN: usize = 5;
/// So many in a row make a run.
const RUN: usize = 4;

/// What people choose first, in small letters and with letters for look-alike figures.
const COMMON: [&str; 14] = [
    "password",
    "passwd",
    "admin",
    "administrator",
    "qwerty",
    "welcome",
    "iloveyou",
    "letmein",
    "zhixiang",
    "pingcheng",
    "datong",
    "mima",
    "woaini",
    "dragon",
];

/// Rows of keys, and the columns that fingers slide down.
const KEYS: [&str; 6] = [
    "qwertyuiop",
    "asdfghjkl",
    "zxcvbnm",
    "1234567890",
    "1qaz2wsx3edc4rfv5tgb",
    "1q2w3e4r5t6y7u8i",
];

/// The password of the demo's accounts, which everybody can read.
pub const PUBLISHED: &str = "Demo-2026-pass";

/// Whether a password is one that is tried first: the demo's, a common word, a run of letters, figures
/// or keys, one character or group again and again, with little added.
pub(super) fn is_guessable(given: &str) -> bool {
    let letters: Vec<char> = given.chars().flat_map(char::to_lowercase).collect();
    given.eq_ignore_ascii_case(PUBLISHED) || repeats(&letters) || own_characters(&letters) < OWN
}

/// One group of characters from the beginning to the end.
fn repeats(letters: &[char]) -> bool {
    (1..=letters.len() / 2)
        .any(|period| letters.iter().zip(letters.iter().skip(period)).all(|(a, b)| a == b))
}

/// How many characters belong to no common word and to no run.
fn own_characters(letters: &[char]) -> usize {
    let mut common = vec![false; letters.len()];
    let mut mark = |from: usize, length: usize| {
        for place in common.iter_mut().skip(from).take(length) {
            *place = true;
        }
    };
    let plain: Vec<char> = letters.iter().map(|letter| unmasked(*letter)).collect();
    for text in [letters, &plain] {
        for word in COMMON.map(|word| word.chars().collect::<Vec<_>>()) {
            for (from, window) in text.windows(word.len()).enumerate() {
                if window == word {
                    mark(from, word.len());
                }
            }
        }
    }
    for (from, window) in letters.windows(RUN).enumerate() {
        if is_run(window) {
            mark(from, RUN);
        }
    }
    common.iter().filter(|covered| !**covered).count()
}

/// A look-alike as the letter it stands for.
const fn unmasked(letter: char) -> char {
    match letter {
        '0' => 'o',
        '1' | '!' => 'i',
        '3' => 'e',
        '4' | '@' => 'a',
        '5' | '$' => 's',
        other => other,
    }
}

/// The same again, or one after the other in the alphabet or on the keyboard, either way.
fn is_run(window: &[char]) -> bool {
    let step = |by: i64| {
        window
            .iter()
            .zip(window.iter().skip(1))
            .all(|(a, b)| i64::from(u32::from(*b)) - i64::from(u32::from(*a)) == by)
    };
    let forth: String = window.iter().collect();
    let back: String = window.iter().rev().collect();
    step(0)
        || step(1)
        || step(-1)
        || KEYS.iter().any(|row| row.contains(&forth) || row.contains(&back))
}

/// Since when a password is in use, and until when if it is a one-time password.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PasswordAge {
    /// It was chosen, or the account was made with it.
    pub set_at: Timestamp,
    /// An administrator set it, to be changed at the first log-in until then.
    pub once_until: Option<Timestamp>,
}

impl PasswordAge {
    /// Whether one can log in with it. `days` is how long a password is used at most; 0 is no limit.
    ///
    /// # Errors
    /// It must be changed first (`password_change_required`), or its day is over
    /// (`password_lapsed`).
    pub fn check(self, days: u32, now: Timestamp) -> Result<(), Refused> {
        match self.once_until {
            Some(until) if until <= now => Err(Refused::PasswordLapsed),
            Some(_) => Err(Refused::PasswordChangeRequired),
            None if days > 0 && now - self.set_at >= TimeDelta::days(days.into()) => {
                Err(Refused::PasswordChangeRequired)
            }
            None => Ok(()),
        }
    }

    /// Whether it can still be changed for another.
    ///
    /// # Errors
    /// `password_lapsed`.
    pub fn changeable(self, now: Timestamp) -> Result<(), Refused> {
        match self.check(0, now) {
            Err(Refused::PasswordLapsed) => Err(Refused::PasswordLapsed),
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::identity::{Password, Username};

    #[test]
    fn what_is_tried_first_is_no_password() {
        for bad in [
            "Demo-2026-pass",
            "password1234",
            "P@ssw0rd2026",
            "Admin1234567",
            "abcdefgh1234",
            "abc123abc123",
            "aaaaaaaaaaa1",
            "qwertyuiop12",
            "1qaz2wsx3edc",
            "4321-poiuytrewq",
            "zhixiang2026",
            "mima12345678",
        ] {
            assert!(is_guessable(bad), "{bad}");
        }
        for good in
            ["Demo-2027-path", "Lamp-post-2027", "河边的第3棵柳树很老很老了", "uV7kq0zPw3Ge"]
        {
            assert!(!is_guessable(good), "{good}");
        }
        let username = Username::parse("username", "leader").unwrap();
        let refused = Password::choose("new", "P@ssw0rd2026", &username).unwrap_err();
        assert!(refused.reason.contains("太常见"), "{refused}");
    }

    #[test]
    fn a_password_stands_until_its_day() {
        let at = |hours: i64| Timestamp::UNIX_EPOCH + TimeDelta::hours(hours);
        let own = PasswordAge { set_at: at(0), once_until: None };
        let once = PasswordAge { set_at: at(0), once_until: Some(at(24)) };
        let change = Err(Refused::PasswordChangeRequired);
        for (age, days, hours, found) in [
            (own, 0, 1_000_000, Ok(())),
            (own, 90, 90 * 24 - 1, Ok(())),
            (own, 90, 90 * 24, change.clone()),
            (once, 0, 0, change.clone()),
            (once, 0, 23, change.clone()),
            (once, 90, 24, Err(Refused::PasswordLapsed)),
        ] {
            assert_eq!(age.check(days, at(hours)), found, "{age:?} {days} {hours}");
        }
        assert_eq!(own.changeable(at(1_000_000)), Ok(()));
        assert_eq!(once.changeable(at(23)), Ok(()));
        assert_eq!(once.changeable(at(24)), Err(Refused::PasswordLapsed));
    }
}
