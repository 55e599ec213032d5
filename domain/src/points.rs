//! Points (积分): what gives them, how long they last, and which are spent first. The ledger itself
//! stands in the database; these are the figures that are written into it.
//!
//! Points are whole. Spending them never reduces anyone's hours, and nobody is ranked by them.

use chrono::{Datelike, Days, NaiveDate, TimeDelta};

use crate::{
    complaint,
    id::LotId,
    task::Outcome,
    time::{self, Timestamp},
};

mod movement;
mod refused;
mod reversal;
#[cfg(test)]
mod tests;

pub use movement::Movement;
pub use refused::Refused;
pub use reversal::{Ground, TakenBack, reversible, take_back, take_up_to};

codes! {
    /// What moved points.
    pub enum EntryKind {
        /// Points were given.
        Earn = "earn", "获得";
        /// Points were redeemed.
        Redeem = "redeem", "兑换";
        /// Points ran out.
        Expire = "expire", "到期";
        /// An earlier movement was taken back.
        Reverse = "reverse", "冲正";
        /// Two persons adjusted the account.
        Adjust = "adjust", "调整";
        /// What was owed was made good out of later points.
        Offset = "offset", "抵还";
        /// Points were given away, or came as a gift.
        Donate = "donate", "转赠";
    }
}

codes! {
    /// What points are given for.
    pub enum Source {
        /// A service whose hours were confirmed.
        Service = "service", "志愿服务";
        /// An appeal that was verified.
        Appeal = "appeal", "有效诉求";
        /// A suggestion that was adopted.
        Suggestion = "suggestion", "采纳建议";
        /// A visit to a household in difficulty.
        Visit = "visit", "走访帮扶";
    }
}

codes! {
    /// A rule that the books keep; the view `ledger_violation` finds what breaks it.
    pub enum BookRule {
        /// The entries of a movement come to zero, and there are two at least.
        Balanced = "balanced", "每笔流水至少两条分录，合计为零";
        /// All entries come to zero.
        TotalZero = "total_zero", "全部分录合计为零";
        /// What an account shows is the sum of its entries.
        PostedIsEntries = "posted_is_entries", "账户余额等于分录合计";
        /// What an account shows is what is left of its lots.
        LotsArePosted = "lots_are_posted", "批次余额合计等于账户余额";
        /// What an account holds is held of its lots.
        LotsAreHeld = "lots_are_held", "批次占用合计等于账户占用";
        /// What an account holds is held for codes that wait.
        HeldIsPending = "held_is_pending", "账户占用等于待核销兑换合计";
        /// A hold is taken from lots in full.
        HoldIsParts = "hold_is_parts", "一次兑换占用的积分等于从各批次取用的合计";
        /// An offer has a row for each piece.
        UnitsAreStock = "units_are_stock", "优惠的份数等于库存";
        /// A piece is taken by the hold that has it.
        TakenIsHeld = "taken_is_held", "被取走的每一份都有对应的兑换";
        /// What was confirmed was posted, and the other way round.
        ConfirmedIsRedeemed = "confirmed_is_redeemed", "已核销的兑换都已入账，且数目一致";
        /// What a lot holds is held for codes that wait.
        LotHeldIsPending = "lot_held_is_pending", "批次占用等于待核销兑换从该批次取用的合计";
        /// What people owe stands on the account of receivables.
        DebtsAreReceivable = "debts_are_receivable", "待抵还的积分合计等于应收账户的欠额";
    }
}

/// The rules of points, as configured. Each award keeps `version`, so that an old award can be
/// recomputed after the rules have changed.
#[derive(Debug, Clone, PartialEq, Eq, serde::Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Rules {
    /// The name of this version of the rules; change it with every other key.
    pub version: String,
    /// Points for an hour of service at factor 1.
    pub service_per_hour: i64,
    /// Points for service on one day at most.
    pub service_per_day: i64,
    /// Points for a verified appeal.
    pub appeal: i64,
    /// Verified appeals that are awarded in a calendar week at most.
    pub appeals_per_week: i64,
    /// So many calendar years after the one they were given in, points expire at its end.
    pub lasting_years: u32,
    /// So many days before they expire, the person is warned.
    pub warning_days: u32,
    /// So many hours a redemption code is good.
    pub code_hours: u32,
}

impl Default for Rules {
    /// The defaults of the scheme: 1 hour = 1 point, 8 a day; 5 for a verified appeal, 2 a week;
    /// until the end of the next calendar year, warned 30 days before; a code is good for 24 hours.
    fn default() -> Self {
        Self {
            version: "2026-1".to_owned(),
            service_per_hour: 1,
            service_per_day: 8,
            appeal: 5,
            appeals_per_week: 2,
            lasting_years: 1,
            warning_days: 30,
            code_hours: 24,
        }
    }
}

impl Rules {
    /// The points for a service: minutes × rate × factor (in percent), less what is not a whole
    /// point, and no more than the day has left after `earned` points.
    pub fn service(&self, minutes: i64, factor_percent: i64, earned: i64) -> i64 {
        let whole = minutes.max(0).saturating_mul(factor_percent.max(0));
        let points = whole.saturating_mul(self.service_per_hour) / (60 * 100);
        points.min(self.service_per_day.saturating_sub(earned)).max(0)
    }

    /// The points for a verified appeal after `awarded` others in the same week.
    pub const fn appeal(&self, awarded: i64) -> i64 {
        if awarded < self.appeals_per_week { self.appeal } else { 0 }
    }

    /// When points given at `now` expire: 24:00 on 31 December of the next calendar year.
    pub fn expiry(&self, now: Timestamp) -> Timestamp {
        let years = i32::try_from(self.lasting_years).unwrap_or(1);
        let year = time::date(now).year().saturating_add(years).saturating_add(1);
        time::start_of(NaiveDate::from_ymd_opt(year, 1, 1).unwrap_or(NaiveDate::MAX))
    }

    /// Until when a code given at `now` is good, for an offer that ends at `valid_until`.
    pub fn code_expiry(&self, now: Timestamp, valid_until: Timestamp) -> Timestamp {
        valid_until.min(now + TimeDelta::hours(i64::from(self.code_hours)))
    }

    /// Points that expire before this instant are warned about.
    pub fn warned_until(&self, now: Timestamp) -> Timestamp {
        now + TimeDelta::days(i64::from(self.warning_days))
    }
}

/// The calendar week of a day: its Monday and the Monday after.
pub fn week(day: NaiveDate) -> (NaiveDate, NaiveDate) {
    let monday = day - Days::new(u64::from(day.weekday().num_days_from_monday()));
    (monday, monday + Days::new(7))
}

/// Whether an appeal was verified, so that its reporter is awarded: it reported a matter, and the
/// lead unit's confirmed reply says that the matter was solved, at least in part.
pub const fn verified(kind: complaint::Kind, outcome: Option<Outcome>) -> bool {
    use complaint::Kind::{Grievance, Help, Report, Suggestion};
    matches!(kind, Help | Grievance | Report | Suggestion)
        && matches!(outcome, Some(Outcome::Solved | Outcome::Partly))
}

/// What is left of a lot and free to be spent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lot {
    /// The lot.
    pub id: LotId,
    /// Its points that are neither spent nor held.
    pub free: i64,
}

/// A share of a lot.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Part {
    /// The lot.
    pub lot: LotId,
    /// So many of its points.
    pub amount: i64,
}

/// Takes `points` from lots in the order given (by expiry: first in, first out). `None` when they
/// do not have as many.
pub fn take(lots: &[Lot], points: i64) -> Option<Vec<Part>> {
    let mut parts = Vec::new();
    let mut wanted = points;
    for lot in lots.iter().filter(|lot| lot.free > 0) {
        let amount = lot.free.min(wanted);
        if amount > 0 {
            parts.push(Part { lot: lot.id, amount });
            wanted -= amount;
        }
    }
    (wanted == 0).then_some(parts)
}
