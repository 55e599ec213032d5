//! The code at the place (签到码): a new one every [`STEP`] seconds, each good for [`LIFE`] seconds
//! from when it came up. The overlap is what a person needs to read and type it; nothing that is
//! older than [`LIFE`] is taken, whatever the clocks of hosts do.
//!
//! Which letters a code has is a MAC and not decided here; here is when it is good.

use crate::time::Timestamp;

/// Seconds from one code to the next.
pub const STEP: i64 = 20;
/// Seconds that a code is good for.
pub const LIFE: i64 = 60;
/// For how many seconds one is told that a code was right but is over, rather than that it is wrong.
const REMEMBERED: i64 = 600;

/// The number of a code: how many of them came up before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Slot(pub i64);

/// What a shown code turned out to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shown {
    /// One that is good now.
    Good,
    /// One that was good a while ago.
    Expired,
    /// None of this post.
    Wrong,
}

impl Slot {
    /// The code that comes up at an instant.
    pub fn at(now: Timestamp) -> Self {
        Self(now.timestamp().div_euclid(STEP))
    }

    /// Until when it is good.
    pub fn valid_until(self) -> Timestamp {
        self.instant(LIFE)
    }

    /// When the next one comes up.
    pub fn next_at(self) -> Timestamp {
        self.instant(STEP)
    }

    fn instant(self, after: i64) -> Timestamp {
        Timestamp::from_timestamp(self.0.saturating_mul(STEP).saturating_add(after), 0)
            .unwrap_or(Timestamp::MAX_UTC)
    }

    /// What a code of this slot is worth.
    pub fn worth(self, now: Timestamp) -> Shown {
        if now < self.valid_until() { Shown::Good } else { Shown::Expired }
    }

    /// The slots whose code somebody may show: from those that are remembered to that of a host
    /// whose clock is ahead by `skew` seconds.
    pub fn candidates(now: Timestamp, skew: i64) -> impl Iterator<Item = Self> {
        let at = |seconds: i64| now.timestamp().saturating_add(seconds).div_euclid(STEP);
        (at(-REMEMBERED)..=at(skew)).map(Self)
    }
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;

    use super::*;

    #[test]
    fn a_code_is_good_for_a_minute_and_overlaps_the_next() {
        let came: Timestamp = "2026-11-24T01:00:00Z".parse().unwrap();
        let slot = Slot::at(came);
        assert_eq!(slot.next_at() - came, TimeDelta::seconds(STEP));
        assert_eq!(slot.valid_until() - came, TimeDelta::seconds(LIFE));
        for (seconds, worth) in [(0, Shown::Good), (59, Shown::Good), (60, Shown::Expired)] {
            assert_eq!(slot.worth(came + TimeDelta::seconds(seconds)), worth, "{seconds}");
        }
        assert_eq!(Slot::at(came + TimeDelta::seconds(19)), slot);
        assert_eq!(Slot::at(came + TimeDelta::seconds(20)), Slot(slot.0 + 1));
    }

    #[test]
    fn a_fast_host_is_believed_and_an_old_code_remembered() {
        let now: Timestamp = "2026-11-24T01:00:16Z".parse().unwrap();
        let here = Slot::at(now);
        let all = |skew| Slot::candidates(now, skew).collect::<Vec<_>>();
        assert_eq!(all(3).last(), Some(&here), "three seconds on it is still this one");
        assert_eq!(all(4).last(), Some(&Slot(here.0 + 1)));
        let oldest = all(0)[0];
        assert_eq!(oldest.worth(now), Shown::Expired);
        assert_eq!(here.0 - oldest.0, REMEMBERED / STEP);
    }
}
