//! Log-in by a code sent to a phone (手机验证码): when one is sent, and which one is good.

use chrono::TimeDelta;

use crate::time::Timestamp;

/// How long a code is good.
pub const LIFE: TimeDelta = TimeDelta::minutes(5);
/// Two to one phone are at least so far apart.
pub const APART: TimeDelta = TimeDelta::seconds(60);
/// So many are sent to one phone within any 24 hours.
pub const PER_DAY: usize = 10;
/// After so many wrong ones a code is good no more.
pub const TRIES: i32 = 5;
/// How many digits it has.
pub const DIGITS: usize = 6;
/// The code of the demo, where no message leaves the house.
pub const DEMO: &str = "123456";

/// What follows when somebody asks for a code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Asked {
    /// A new one is sent; the one before is good no more.
    Send,
    /// One was sent a moment ago: nothing is, and the answer is the same.
    JustSent,
    /// The day's are used up.
    TooMany {
        /// Seconds until the next may be sent, at least 1.
        retry_after: u64,
    },
}

/// What follows, by the instants of the codes before, the newest first.
pub fn ask(before: &[Timestamp], now: Timestamp) -> Asked {
    if before.first().is_some_and(|newest| now - *newest < APART) {
        return Asked::JustSent;
    }
    let free = before.get(PER_DAY - 1).map(|tenth| *tenth + TimeDelta::hours(24) - now);
    match free {
        Some(wait) if wait > TimeDelta::zero() => {
            Asked::TooMany { retry_after: wait.num_seconds().max(1).unsigned_abs() }
        }
        _ => Asked::Send,
    }
}

/// The newest code of a phone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Standing {
    /// When it was made.
    pub created_at: Timestamp,
    /// Wrong ones so far.
    pub tries: i32,
    /// Somebody logged in by it.
    pub used: bool,
}

impl Standing {
    /// Whether it still opens anything.
    pub fn is_good(self, now: Timestamp) -> bool {
        !self.used && self.tries < TRIES && now - self.created_at < LIFE
    }
}

/// The six digits that a secret number stands for.
pub fn digits(secret: u64) -> String {
    format!("{:06}", secret % 1_000_000)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_timestamp(1_795_482_000 + seconds, 0).unwrap()
    }

    #[test]
    fn one_a_minute_and_ten_a_day() {
        assert_eq!(ask(&[], at(0)), Asked::Send);
        assert_eq!(ask(&[at(0)], at(0)), Asked::JustSent);
        assert_eq!(ask(&[at(0)], at(59)), Asked::JustSent);
        assert_eq!(ask(&[at(0)], at(60)), Asked::Send);
        assert_eq!(ask(&[at(9)], at(0)), Asked::JustSent, "a clock that was set back");
        let day = 24 * 3600;
        let ten: Vec<_> = (0..10).rev().map(|n| at(n * 60)).collect();
        assert_eq!(ask(&ten[1..], at(600)), Asked::Send, "the tenth");
        assert_eq!(ask(&ten, at(600)), Asked::TooMany { retry_after: 85_800 });
        assert_eq!(ask(&ten, at(day - 1)), Asked::TooMany { retry_after: 1 });
        assert_eq!(ask(&ten, at(day)), Asked::Send);
    }

    #[test]
    fn a_code_is_good_once_for_five_minutes_and_five_tries() {
        for (tries, used, seconds, good) in [
            (0, false, 0, true),
            (4, false, 299, true),
            (5, false, 0, false),
            (0, true, 0, false),
            (0, false, 300, false),
        ] {
            let standing = Standing { created_at: at(0), tries, used };
            assert_eq!(standing.is_good(at(seconds)), good, "{standing:?} {seconds}");
        }
    }

    #[test]
    fn a_code_has_six_digits() {
        for (secret, expected) in [(0, "000000"), (42, "000042"), (u64::MAX, "551615")] {
            assert_eq!(digits(secret), expected);
            assert_eq!(digits(secret).len(), DIGITS);
        }
    }
}
