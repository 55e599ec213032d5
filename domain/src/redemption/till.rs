//! At the till (到店核销): what is shown there, how often digits may be wrong, and how long what is
//! shown or done there lasts.

use chrono::TimeDelta;

use super::Refused;
use crate::time::Timestamp;

codes! {
    /// How an officer knew the person for whom a voucher is printed.
    pub enum Checked {
        /// By the ID card.
        IdCard = "id_card", "核对身份证";
        /// By the social security card.
        SocialCard = "social_card", "核对社保卡";
        /// By the party member's papers.
        PartyCard = "party_card", "核对党员证明";
        /// The officer knows the person.
        Known = "known", "工作人员认识本人";
    }
}

/// The rules of the till, as configured.
#[derive(Debug, Clone, PartialEq, Eq, serde::Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Rules {
    /// So many seconds a picture of the code is good.
    pub qr_seconds: u32,
    /// Wrong digits of one clerk until digits are locked for him.
    pub clerk_misses: i32,
    /// Wrong digits at one merchant until digits are locked there.
    pub merchant_misses: i32,
    /// Minutes in which wrong digits are counted together, and for which they lock.
    pub lock_minutes: u32,
    /// Minutes in which a clerk may take back what he verified.
    pub undo_minutes: u32,
    /// Days a printed voucher is good.
    pub voucher_days: u32,
}

impl Default for Rules {
    /// A picture for 60 seconds; 5 wrong digits of a clerk, 20 at a merchant, in 15 minutes; 10
    /// minutes to undo; 7 days for a voucher.
    fn default() -> Self {
        Self {
            qr_seconds: 60,
            clerk_misses: 5,
            merchant_misses: 20,
            lock_minutes: 15,
            undo_minutes: 10,
            voucher_days: 7,
        }
    }
}

/// Two servers' clocks may differ so much.
const SKEW: TimeDelta = TimeDelta::seconds(5);

impl Rules {
    /// Until when a picture that was made at `at` is good.
    pub fn qr_until(&self, at: Timestamp) -> Timestamp {
        at + TimeDelta::seconds(self.qr_seconds.into())
    }

    /// Whether a picture that was made at `at` is good.
    pub fn qr_is_fresh(&self, at: Timestamp, now: Timestamp) -> bool {
        at <= now + SKEW && now <= self.qr_until(at)
    }

    /// Until when a verification of `at` can be undone.
    pub fn undo_until(&self, at: Timestamp) -> Timestamp {
        at + TimeDelta::minutes(self.undo_minutes.into())
    }

    /// Until when a voucher issued at `now` is good, for an offer that ends at `valid_until`.
    pub fn voucher_expiry(&self, now: Timestamp, valid_until: Timestamp) -> Timestamp {
        valid_until.min(now + TimeDelta::days(self.voucher_days.into()))
    }

    fn lock(&self) -> TimeDelta {
        TimeDelta::minutes(self.lock_minutes.into())
    }
}

/// What somebody shows at the till.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Presented {
    /// The code itself.
    Code(String),
    /// What a changing picture holds, without its mark.
    Token(String),
    /// The eight digits.
    Digits(String),
}

impl Presented {
    /// What the text of a changing picture begins with. A code has no full stop.
    pub const TOKEN: &'static str = "Q1.";
    /// So many digits stand beside a code.
    pub const DIGITS: usize = 8;

    /// Tells apart what was scanned or typed; digits are often typed in two groups.
    pub fn of(given: &str) -> Self {
        let given = given.trim();
        let digits: String = given.chars().filter(|c| *c != ' ').collect();
        if digits.len() == Self::DIGITS && digits.bytes().all(|b| b.is_ascii_digit()) {
            Self::Digits(digits)
        } else if let Some(token) = given.strip_prefix(Self::TOKEN) {
            Self::Token(token.to_owned())
        } else {
            Self::Code(given.to_owned())
        }
    }
}

/// Wrong digits so far, of a clerk or at a merchant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Attempts {
    /// How many since [`Attempts::since`].
    pub misses: i32,
    /// When the first of them was.
    pub since: Timestamp,
    /// No digits before this instant.
    pub locked_until: Option<Timestamp>,
}

impl Attempts {
    /// None yet.
    pub const fn fresh(now: Timestamp) -> Self {
        Self { misses: 0, since: now, locked_until: None }
    }

    /// # Errors
    /// Too many were wrong.
    pub fn check(self, now: Timestamp) -> Result<(), Refused> {
        match self.locked_until {
            Some(until) if now < until => Err(Refused::DigitsLocked { until }),
            _ => Ok(()),
        }
    }

    /// After one more wrong attempt, of which `most` lock. What is older than the time of a lock is
    /// forgotten; a success is not, or whoever guesses would put a good one between.
    #[must_use]
    pub fn missed(self, most: i32, rules: &Rules, now: Timestamp) -> Self {
        let over = self.locked_until.is_some() || now >= self.since + rules.lock();
        let before = if over { Self::fresh(now) } else { self };
        let misses = before.misses.saturating_add(1);
        let locked_until = (misses >= most).then(|| now + rules.lock());
        Self { misses, locked_until, ..before }
    }

    /// Attempts that are left of `most`.
    pub const fn left(self, most: i32) -> i32 {
        if self.misses < most { most - self.misses } else { 0 }
    }
}
