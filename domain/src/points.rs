//! Points (积分): what gives them, how long they last, and which are spent first. The ledger itself
//! stands in the database; these are the figures that are written into it.
//!
//! Points are whole. Spending them never reduces anyone's hours, and nobody is ranked by them.

use chrono::{Datelike, Days, NaiveDate, TimeDelta};

use crate::{complaint, id::LotId, task::Outcome, time::Timestamp};

pub mod donation;
mod movement;
mod notice;
mod proposal;
mod refused;
mod reversal;
mod terms;
#[cfg(test)]
mod tests;

pub use movement::Movement;
pub use notice::{NOTICE_TRANSITIONS, Notice};
pub use proposal::{NewAdjustment, NewRule, Proposal, TRANSITIONS};
pub use refused::Refused;
pub use reversal::{Ground, TakenBack, reversible, take_back, take_up_to};
pub use terms::{Served, Terms};

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
    /// Where a proposal stands.
    pub enum ProposalStatus {
        /// It waits for another person.
        Proposed = "proposed", "待核准";
        /// Another person agreed.
        Approved = "approved", "已核准";
        /// Another person did not agree.
        Refused = "refused", "未核准";
        /// Whoever proposed it took it back.
        Withdrawn = "withdrawn", "已撤回";
        /// The configuration's own version of the rules, which nobody proposed.
        Configured = "configured", "配置";
    }
}

codes! {
    /// The steps of a proposal.
    pub enum ProposalStep {
        /// Another person agrees.
        Approve = "approve", "核准";
        /// Another person does not agree.
        Refuse = "refuse", "不予核准";
        /// Whoever proposed it takes it back.
        Withdraw = "withdraw", "撤回";
    }
}

codes! {
    /// Where an award in notice stands.
    pub enum NoticeStatus {
        /// It is shown.
        Open = "open", "公示中";
        /// Somebody objected; it waits for an organiser.
        Objected = "objected", "有异议";
        /// Its notice ended: the points are in the ledger.
        Posted = "posted", "已入账";
        /// The objection was right: nothing is posted.
        Refused = "refused", "异议成立";
        /// What it was given for was corrected meanwhile.
        Withdrawn = "withdrawn", "已更正";
    }
}

codes! {
    /// The steps of an award in notice.
    pub enum NoticeStep {
        /// Somebody objects.
        Object = "object", "提出异议";
        /// The objection is right.
        Uphold = "uphold", "异议成立";
        /// The objection is not right.
        Dismiss = "dismiss", "异议不成立";
        /// The notice ended.
        Post = "post", "入账";
        /// What it was given for was corrected.
        Withdraw = "withdraw", "更正";
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
        /// What each debt still comes to.
        DebtIsReversal = "debt_is_reversal", "每一笔待抵还等于收回时的欠额减去已抵还的";
    }
}

/// The rules of points, as configured. What gives points is the first version of [`Terms`]; versions
/// that are approved in the product follow it. The rest counts at once.
#[derive(Debug, Clone, PartialEq, Eq, serde::Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Rules {
    /// The name of the configured version; change it with every key of `award`.
    pub version: String,
    /// What gives points, until a version is approved.
    pub award: Terms,
    /// So many days before they expire, the person is warned.
    pub warning_days: u32,
    /// And again so many days before; 0 for not.
    pub last_warning_days: u32,
    /// So many hours a redemption code is good.
    pub code_hours: u32,
    /// A manual adjustment moves so many points at most.
    pub adjust_at_most: i64,
    /// A person gives away so many points a day at most.
    pub donate_per_day: i64,
    /// A community passes on so many points a month to one household at most.
    pub pass_on_per_month: i64,
}

impl Default for Rules {
    /// The defaults of the scheme: warned 30 and 7 days before points run out; a code is good for 24
    /// hours; adjustments of 500 points at most, donations of 200 a day, 100 a
    /// month from a community to one household.
    fn default() -> Self {
        Self {
            version: "2026-1".to_owned(),
            award: Terms::default(),
            warning_days: 30,
            last_warning_days: 7,
            code_hours: 24,
            adjust_at_most: 500,
            donate_per_day: 200,
            pass_on_per_month: 100,
        }
    }
}

impl Rules {
    /// Until when a code given at `now` is good, for an offer that ends at `valid_until`.
    pub fn code_expiry(&self, now: Timestamp, valid_until: Timestamp) -> Timestamp {
        valid_until.min(now + TimeDelta::hours(i64::from(self.code_hours)))
    }

    /// Points that expire before this instant are warned about.
    pub fn warned_until(&self, now: Timestamp) -> Timestamp {
        now + TimeDelta::days(i64::from(self.warning_days))
    }

    /// Which warning is due at `now` for points that run out at `at`: by the days before it that it
    /// belongs to. After an outage only the last one that is due.
    pub fn warning_due(&self, at: Timestamp, now: Timestamp) -> Option<u32> {
        let due =
            |days: &u32| *days > 0 && now < at && now >= at - TimeDelta::days(i64::from(*days));
        [self.last_warning_days, self.warning_days].into_iter().filter(due).min()
    }
}

/// The calendar year of a day: its first day and the first of the next.
pub fn year(day: NaiveDate) -> (NaiveDate, NaiveDate) {
    let first = |year| NaiveDate::from_ymd_opt(year, 1, 1).unwrap_or(day);
    (first(day.year()), first(day.year() + 1))
}

/// The calendar week of a day: its Monday and the Monday after.
pub fn week(day: NaiveDate) -> (NaiveDate, NaiveDate) {
    let monday = day - Days::new(u64::from(day.weekday().num_days_from_monday()));
    (monday, monday + Days::new(7))
}

/// What a verified appeal is awarded as: a suggestion as one that was adopted.
pub const fn source_of(kind: complaint::Kind) -> Source {
    match kind {
        complaint::Kind::Suggestion => Source::Suggestion,
        _ => Source::Appeal,
    }
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
