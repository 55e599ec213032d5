//! A pause of new claims (暂停认领): what follows when somebody has a place again and again and does
//! not come, so that others go without. It keeps places for those who come; it is no punishment,
//! ends by itself, and an organiser may lift it.

use chrono::TimeDelta;

use super::Rules;
use crate::{
    id::AccountId,
    refusal::Invalid,
    text,
    time::{self, Timestamp},
};

/// What somebody missed of late.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Missed {
    /// Times not come, where there was time enough to arrange for it.
    pub no_shows: i64,
    /// Times called off late.
    pub lates: i64,
}

impl Missed {
    /// From when on it is counted: a span back, and nothing that an earlier pause was for.
    pub fn since(rules: &Rules, last_pause: Option<Timestamp>, now: Timestamp) -> Timestamp {
        let window = now - TimeDelta::days(rules.pause_window_days);
        last_pause.map_or(window, |began| window.max(began))
    }

    /// Until when new claims pause, if it was too much.
    pub fn pause(self, rules: &Rules, now: Timestamp) -> Option<Timestamp> {
        let weighed = match rules.lates_per_no_show {
            0 => self.no_shows,
            each => self.no_shows + self.lates / each,
        };
        let too_much = rules.pause_days > 0 && weighed >= rules.pause_no_shows;
        too_much.then(|| now + TimeDelta::days(rules.pause_days))
    }

    /// What it means, for the person.
    pub fn text(self, rules: &Rules, paused_until: Option<Timestamp>) -> String {
        let Self { no_shows, lates } = self;
        let Rules { pause_window_days, pause_no_shows, pause_days, .. } = rules;
        match paused_until {
            Some(until) => format!(
                "因多次认领后未到，{} 前暂停认领新岗位，已认领的不受影响；确有原因的可联系组织部门提前恢复",
                time::spoken(until)
            ),
            None if rules.pause_days == 0 => {
                format!("近 {pause_window_days} 天未到 {no_shows} 次、临时取消 {lates} 次")
            }
            None => format!(
                "近 {pause_window_days} 天未到 {no_shows} 次、临时取消 {lates} 次；未到满 \
                 {pause_no_shows} 次暂停认领 {pause_days} 天。来不了请尽早取消，{} 小时以前取消不计",
                rules.free_hours
            ),
        }
    }
}

/// An organiser lifts a pause.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lift {
    /// Why.
    pub reason: String,
}

impl Lift {
    /// # Errors
    /// The reason is missing or too long.
    pub fn parse(reason: &str) -> Result<Self, Invalid> {
        Ok(Self { reason: text::text("reason", reason, 2, 500)? })
    }
}

/// A pause as its rules see it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pause {
    /// Whose claims pause.
    pub account: AccountId,
    /// Until when.
    pub until: Timestamp,
    /// Since when it is lifted.
    pub lifted_at: Option<Timestamp>,
}

impl Pause {
    /// Whether it keeps from claiming.
    pub fn holds(&self, now: Timestamp) -> bool {
        self.lifted_at.is_none() && now < self.until
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::at;

    #[test]
    fn three_times_not_come_pause_for_thirty_days() {
        let (rules, now) = (Rules::default(), at("2026-11-24 09:00"));
        let pause = |no_shows, lates| Missed { no_shows, lates }.pause(&rules, now);
        for (no_shows, lates, paused) in [
            (0, 0, false),
            (2, 0, false),
            (2, 1, false),
            (2, 2, true),
            (3, 0, true),
            (0, 5, false),
            (0, 6, true),
        ] {
            assert_eq!(pause(no_shows, lates).is_some(), paused, "{no_shows} and {lates}");
        }
        assert_eq!(pause(3, 0), Some(now + TimeDelta::days(30)));
        let lenient = Rules { lates_per_no_show: 0, ..Rules::default() };
        assert_eq!(Missed { no_shows: 0, lates: 99 }.pause(&lenient, now), None);
        let never = Rules { pause_days: 0, ..Rules::default() };
        assert_eq!(Missed { no_shows: 99, lates: 0 }.pause(&never, now), None);
    }

    #[test]
    fn what_a_pause_was_for_is_not_counted_again() {
        let (rules, now) = (Rules::default(), at("2026-11-24 09:00"));
        assert_eq!(Missed::since(&rules, None, now), now - TimeDelta::days(90));
        let began = now - TimeDelta::days(40);
        assert_eq!(Missed::since(&rules, Some(began), now), began);
        let long_ago = now - TimeDelta::days(400);
        assert_eq!(Missed::since(&rules, Some(long_ago), now), now - TimeDelta::days(90));
    }

    #[test]
    fn a_pause_ends_by_itself_or_is_lifted() {
        let now = at("2026-11-24 09:00");
        let pause = Pause { account: crate::testing::id(1), until: now, lifted_at: None };
        assert!(!pause.holds(now) && pause.holds(now - TimeDelta::seconds(1)));
        let lifted = Pause { lifted_at: Some(now - TimeDelta::days(1)), ..pause };
        assert!(!lifted.holds(now - TimeDelta::seconds(1)));
        assert!(Lift::parse("家中老人住院，情况属实").is_ok() && Lift::parse(" ").is_err());
    }
}
