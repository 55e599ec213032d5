//! Taking an award back (收回、冲正): a new movement that names the first. What the person has not
//! spent comes out of their lots; what ran out comes back from where it went; the rest is owed.
//!
//! The rest is neither refused nor taken below zero. Refusing would let whoever spends fast keep what
//! was wrong, and a correction of hours wait for ever; a negative balance is what the ledger forbids.
//! So the issue is taken back in full, and what the person cannot give now is made good out of what
//! they get later.

use super::{EntryKind, Lot, Part, Refused};
use crate::id::AccountId;

codes! {
    /// Why an award is taken back.
    pub enum Ground {
        /// The hours were corrected.
        Correction = "correction", "服务时长更正";
        /// It was recorded by mistake.
        Mistake = "mistake", "登记有误";
        /// It was given for the same thing twice.
        Duplicate = "duplicate", "重复记分";
        /// What it was given for did not happen.
        Untrue = "untrue", "情况不实";
    }
}

/// Where the points of an award that is taken back come from. All of it together is the award.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct TakenBack {
    /// Out of the person's lots.
    pub parts: Vec<Part>,
    /// Back from the account of what ran out.
    pub expired: i64,
    /// Still owed.
    pub owed: i64,
}

impl TakenBack {
    /// How many the person gives now.
    pub fn given(&self) -> i64 {
        self.parts.iter().map(|part| part.amount).sum()
    }
}

/// Whether a movement can be taken back by hand, by `by`.
///
/// # Errors
/// It is no award; it was taken back before; it is one's own.
pub fn reversible(
    kind: EntryKind,
    reversed: bool,
    whose: AccountId,
    by: Option<AccountId>,
) -> Result<(), Refused> {
    if kind != EntryKind::Earn {
        return Err(Refused::NotAnAward { kind });
    }
    if by == Some(whose) {
        return Err(Refused::OwnPoints);
    }
    if reversed { Err(Refused::AlreadyReversed) } else { Ok(()) }
}

/// Takes up to `points` from lots in the order given; the rest is what they do not have.
pub fn take_up_to(lots: &[Lot], points: i64) -> (Vec<Part>, i64) {
    let mut rest = points;
    let mut parts = Vec::new();
    for lot in lots {
        let amount = lot.free.min(rest);
        if amount > 0 {
            parts.push(Part { lot: lot.id, amount });
            rest -= amount;
        }
    }
    (parts, rest)
}

/// Where `points` of an award come from: first what its own lots still have, then the share of them
/// that ran out (which nobody has any more), then the person's other lots, first in first out, and
/// last what is owed.
pub fn take_back(own: &[Lot], expired: i64, others: &[Lot], points: i64) -> TakenBack {
    let (mut parts, rest) = take_up_to(own, points);
    let expired = expired.clamp(0, rest);
    let (more, owed) = take_up_to(others, rest - expired);
    parts.extend(more);
    TakenBack { parts, expired, owed }
}
