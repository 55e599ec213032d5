//! Redemptions (兑换): points and one piece of an offer are held for a code; the merchant verifies
//! it once (核销), or both come back.
//!
//! [`TRANSITIONS`] is the table of every step.

use crate::{id::AccountId, time::Timestamp};

mod refused;
#[cfg(test)]
mod tests;
mod till;

pub use refused::Refused;
pub use till::{Attempts, Checked, Presented, Rules};

codes! {
    /// Where a redemption stands.
    pub enum Status {
        /// The code is good; points and piece are held.
        Held = "held", "待核销";
        /// The merchant verified it: the points are spent.
        Verified = "verified", "已核销";
        /// Taken back by the person.
        Cancelled = "cancelled", "已取消";
        /// Not used in time.
        Expired = "expired", "已过期";
        /// The points were given back after it was verified.
        Refunded = "refunded", "已退回";
    }
}

codes! {
    /// The steps in a redemption's life.
    pub enum Step {
        /// The merchant verifies the code.
        Verify = "verify", "核销";
        /// The person takes it back.
        Cancel = "cancel", "取消";
        /// Its time ran out.
        Expire = "expire", "过期";
        /// The clerk who verified it by mistake takes that back.
        Undo = "undo", "撤销核销";
        /// The points are given back.
        Refund = "refund", "退回";
    }
}

/// Every step that is allowed: from where, and to where it leads.
pub const TRANSITIONS: &[(Step, Status, Status)] = &[
    (Step::Verify, Status::Held, Status::Verified),
    (Step::Cancel, Status::Held, Status::Cancelled),
    (Step::Expire, Status::Held, Status::Expired),
    // The hold stays ended and the ledger gets a reversal: who still wants the offer redeems anew.
    (Step::Undo, Status::Verified, Status::Refunded),
    (Step::Refund, Status::Verified, Status::Refunded),
];

/// A redemption as its rules see it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Redemption {
    /// Where it stands.
    pub status: Status,
    /// Its code is good before this instant.
    pub expires_at: Timestamp,
    /// Who verified it, and when.
    pub verified: Option<(AccountId, Timestamp)>,
    /// The merchant is suspended: nothing is verified there, and what is held comes back.
    pub suspended: bool,
}

impl Redemption {
    /// Where a step leads at `now`. A code that has run out is refused even before the worker has
    /// given its points back, and runs out no sooner than it says.
    ///
    /// # Errors
    /// The table has no such step from here, the code ran out, or its merchant is suspended.
    pub fn step(self, step: Step, now: Timestamp) -> Result<Status, Refused> {
        let over = now >= self.expires_at;
        let listed = TRANSITIONS.iter().find(|(one, from, _)| *one == step && *from == self.status);
        match (listed, self.status) {
            (Some(_), Status::Held) if step == Step::Expire && !over => Err(Refused::NotYet),
            (Some(_), Status::Held) if step != Step::Expire && over => {
                Err(Refused::Ended { status: Status::Expired })
            }
            (Some(_), _) if step == Step::Verify && self.suspended => Err(Refused::Suspended),
            (Some((_, _, to)), _) => Ok(*to),
            (None, Status::Held) => Err(Refused::NotVerified),
            (None, Status::Verified) => Err(Refused::AlreadyVerified),
            (None, status) => Err(Refused::Ended { status }),
        }
    }

    /// Where it leads when the clerk `by` takes a verification back.
    ///
    /// # Errors
    /// It is not verified; another clerk verified it, or too long ago.
    pub fn undo(self, by: AccountId, rules: &Rules, now: Timestamp) -> Result<Status, Refused> {
        let status = self.step(Step::Undo, now)?;
        match self.verified {
            Some((clerk, _)) if clerk != by => Err(Refused::UndoNotYours),
            Some((_, at)) if now >= rules.undo_until(at) => {
                Err(Refused::UndoTooLate { minutes: rules.undo_minutes })
            }
            _ => Ok(status),
        }
    }
}

/// The first free of a person's `limit` slots for an offer; `taken` are those in use.
///
/// # Errors
/// They have as many as one person may have.
pub fn slot(taken: &[i16], limit: i16) -> Result<i16, Refused> {
    (1..=limit).find(|slot| !taken.contains(slot)).ok_or(Refused::LimitReached { limit })
}
