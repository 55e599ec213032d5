//! Statements (结算单): what a merchant is owed for a month, line by line, frozen once and then only
//! confirmed, disputed and paid. What was wrong is a line of the next statement.

use chrono::TimeDelta;

use super::{Refused, Rules};
use crate::{
    calendar::WorkingCalendar,
    refusal::{Faults, Invalid},
    text,
    time::{Month, Timestamp},
};

codes! {
    /// Where a statement stands.
    pub enum Status {
        /// It waits for the merchant.
        Frozen = "frozen", "待商户确认";
        /// The merchant agrees.
        Confirmed = "confirmed", "已确认";
        /// It is paid.
        Paid = "paid", "已付款";
    }
}

codes! {
    /// The steps in a statement's life.
    pub enum Step {
        /// The merchant says that a line is wrong.
        Dispute = "dispute", "提出异议";
        /// The organiser decides a dispute.
        Decide = "decide", "处理异议";
        /// The merchant agrees.
        Confirm = "confirm", "确认";
        /// It was paid.
        Pay = "pay", "付款";
    }
}

codes! {
    /// What a line is about.
    pub enum LineKind {
        /// A code was verified.
        Redemption = "redemption", "核销";
        /// A verified one was taken back.
        Refund = "refund", "退回";
        /// A line of an earlier statement was wrong.
        Correction = "correction", "更正";
    }
}

/// Every step that is allowed: from where, and to where it can lead. What is not listed is refused
/// with `settlement_step_refused`.
pub const TRANSITIONS: &[(Step, &[Status], &[Status])] = {
    use Status::{Confirmed, Frozen, Paid};
    &[
        (Step::Dispute, &[Frozen], &[Frozen]),
        (Step::Decide, &[Frozen], &[Frozen]),
        (Step::Confirm, &[Frozen], &[Confirmed]),
        (Step::Pay, &[Frozen, Confirmed], &[Paid]),
    ]
};

/// Whole hours after a month's end before its statements are made: whatever began in the month has
/// been written by then.
const SETTLES_AFTER: TimeDelta = TimeDelta::hours(6);

/// When a month's statements are made.
pub fn freezes_at(month: Month) -> Timestamp {
    month.bounds().1 + SETTLES_AFTER
}

/// Until when lines of a statement that is made now may be disputed.
pub fn dispute_until(now: Timestamp, calendar: &WorkingCalendar, rules: Rules) -> Timestamp {
    calendar.add_working_days(now, rules.dispute_days)
}

/// The number of the document that it was paid by: 2–60 characters.
///
/// # Errors
/// Too short, too long, or with control characters.
pub fn document_no(given: &str) -> Result<String, crate::refusal::FieldError> {
    text::line("document_no", given, 2, 60)
}

/// A statement as its rules see it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Statement {
    /// Where it stands.
    pub status: Status,
    /// Until when the merchant disputes lines.
    pub dispute_until: Timestamp,
    /// Disputes that wait.
    pub open: i64,
}

impl Statement {
    /// Where a step leads at `now`.
    ///
    /// # Errors
    /// The table has no such step from here; disputes wait; it is too late to dispute, or too early
    /// to pay what the merchant has not confirmed.
    pub fn step(self, step: Step, now: Timestamp) -> Result<Status, Refused> {
        let listed = TRANSITIONS
            .iter()
            .find(|(listed, from, _)| *listed == step && from.contains(&self.status));
        let Some((_, _, to)) = listed else {
            return Err(Refused::SettlementStep { step, status: self.status });
        };
        let at = self.dispute_until;
        match step {
            Step::Dispute if now >= at => return Err(Refused::DisputeClosed { at }),
            Step::Confirm | Step::Pay if self.open > 0 => {
                return Err(Refused::DisputesOpen(self.open));
            }
            Step::Pay if self.status == Status::Frozen && now < at => {
                return Err(Refused::NotConfirmed { at });
            }
            _ => {}
        }
        Ok(to.first().copied().unwrap_or(self.status))
    }
}

/// What the organiser says to a dispute.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// What is settled beside the line, in fen; none when the line stands.
    pub fen: Option<i64>,
    /// Why.
    pub words: String,
}

impl Answer {
    /// The most that one line is corrected by: 10,000 yuan, in fen.
    const FEN: i64 = 1_000_000;

    /// # Errors
    /// No reason; an amount of nothing or beyond reason, or one where the line stands.
    pub fn parse(uphold: bool, fen: Option<i64>, words: &str) -> Result<Self, Invalid> {
        let mut faults = Faults::default();
        let words = faults.take(text::text("reason", words, 2, 500)).unwrap_or_default();
        match (uphold, fen) {
            (true, Some(fen)) if fen != 0 && fen.saturating_abs() <= Self::FEN => {}
            (true, _) => {
                faults
                    .add("fen", "异议成立的，写明补付（正数）或扣回（负数）多少分钱，最多 1 万元");
            }
            (false, Some(_)) => faults.add("fen", "异议不成立的，不写金额"),
            (false, None) => {}
        }
        faults.check()?;
        Ok(Self { fen, words })
    }
}

/// Fen as yuan with two places: `-12.30`.
pub fn yuan(fen: i64) -> String {
    let sign = if fen < 0 { "-" } else { "" };
    let whole = fen.unsigned_abs();
    format!("{sign}{}.{:02}", whole / 100, whole % 100)
}
