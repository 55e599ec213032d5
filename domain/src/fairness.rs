//! Fairness (公平核查): what looks unfair at a till or in confirmed hours is flagged for a person to look
//! at. A flag refuses nobody and tells nobody; only what a reviewer upheld is told to whom it concerns,
//! who may appeal once to another reviewer. What follows from it (a refund, a reversal) is done by hand.
//!
//! [`TRANSITIONS`] is the table of every step; the detectors stand in [`detect`].

use chrono::TimeDelta;
use serde_json::{Value, json};

use crate::{
    decision::Decision,
    event::{EventKind, NewEvent, Visibility},
    id::{AccountId, FlagId},
    refusal::{FieldError, Invalid},
    text,
    time::Timestamp,
};

pub mod detect;
mod refused;
mod rules;
#[cfg(test)]
mod tests;

pub use refused::Refused;
pub use rules::Rules;

codes! {
    /// What was noticed.
    pub enum Kind {
        /// One clerk verified faster than people can be served.
        FastVerification = "fast_verification", "核销过快";
        /// One person came to one merchant again and again.
        SameBuyer = "same_buyer", "同一人反复兑换";
        /// Codes were verified seconds after they were made, for the same two people.
        InstantVerification = "instant_verification", "领码即核销";
        /// Somebody who works at the merchant redeemed there.
        OwnShop = "own_shop", "在自己工作的商户兑换";
        /// A person checked in where they could not be in that time.
        ImpossibleTravel = "impossible_travel", "签到地点来不及到达";
        /// A person's hours are always all that the post allows.
        AlwaysMaximum = "always_maximum", "时长总是满额";
        /// One organiser confirms nearly always the same few people.
        FewPeople = "few_people", "总是确认少数几人";
    }
}

codes! {
    /// Where a flag stands.
    pub enum Status {
        /// Nobody has looked.
        Open = "open", "待核查";
        /// There was nothing in it.
        Cleared = "cleared", "已排除";
        /// It is as it looked; the person is told.
        Upheld = "upheld", "已认定";
        /// The person asked for another look.
        Appealed = "appealed", "申诉中";
        /// Another reviewer came to the same.
        Confirmed = "confirmed", "维持认定";
        /// Another reviewer saw it otherwise.
        Overturned = "overturned", "撤销认定";
    }
}

impl Status {
    /// Whether whom it concerns knows of it.
    pub const fn is_told(self) -> bool {
        !matches!(self, Self::Open | Self::Cleared)
    }
}

codes! {
    /// The steps in a flag's life.
    pub enum Step {
        /// A reviewer finds nothing in it.
        Clear = "clear", "排除";
        /// A reviewer upholds it.
        Uphold = "uphold", "认定";
        /// Whom it concerns asks for another look.
        Appeal = "appeal", "申诉";
        /// Another reviewer keeps what the first one said.
        Keep = "keep", "维持";
        /// Another reviewer takes it back.
        Overturn = "overturn", "撤销";
    }
}

/// Every step that is allowed: from where, and to where it leads. What is not listed is refused with
/// `fairness_step_refused`.
pub const TRANSITIONS: &[(Step, &[Status], &[Status])] = {
    use Status::{Appealed, Cleared, Confirmed, Open, Overturned, Upheld};
    &[
        (Step::Clear, &[Open], &[Cleared]),
        (Step::Uphold, &[Open], &[Upheld]),
        (Step::Appeal, &[Upheld], &[Appealed]),
        (Step::Keep, &[Appealed], &[Confirmed]),
        (Step::Overturn, &[Appealed], &[Overturned]),
    ]
};

/// A flag as its rules see it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Flag {
    /// Its id.
    pub id: FlagId,
    /// Grows by one with each save.
    pub version: i64,
    /// What was noticed.
    pub kind: Kind,
    /// Where it stands.
    pub status: Status,
    /// Whom it concerns.
    pub account: AccountId,
    /// Everybody who took part, none of whom reviews it.
    pub parties: Vec<AccountId>,
    /// Who reviewed it, when, and why so.
    pub review: Option<Ruling>,
    /// What whom it concerns said, and when.
    pub appeal: Option<(String, Timestamp)>,
    /// Who decided on that, when, and why so.
    pub decision: Option<Ruling>,
}

/// What a reviewer said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ruling {
    /// Who.
    pub by: AccountId,
    /// When.
    pub at: Timestamp,
    /// Why so.
    pub reason: String,
}

/// A reviewer's word on a flag, or on an appeal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Review {
    /// Whether it is as it looked.
    pub uphold: bool,
    /// Why; whom it concerns reads it.
    pub reason: String,
}

impl Review {
    /// # Errors
    /// The reason is missing or too long.
    pub fn parse(uphold: bool, reason: &str) -> Result<Self, Invalid> {
        Ok(Self { uphold, reason: text::text("reason", reason, 2, 500)? })
    }
}

/// What somebody says against a flag that was upheld: 5–1,000 characters.
///
/// # Errors
/// Too short or too long.
pub fn appeal_text(given: &str) -> Result<String, FieldError> {
    text::text("text", given, 5, 1000)
}

/// Who would review, and whether they are the same person as another by this or another account.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reviewer {
    /// Who.
    pub account: AccountId,
    /// A party is the same person.
    pub is_party: bool,
    /// Who reviewed first is the same person.
    pub is_first: bool,
}

impl Flag {
    /// Whether the table allows a step from where it stands.
    ///
    /// # Errors
    /// It does not.
    pub fn permit(&self, step: Step) -> Result<(), Refused> {
        let allowed = TRANSITIONS
            .iter()
            .any(|(listed, from, _)| *listed == step && from.contains(&self.status));
        if allowed { Ok(()) } else { Err(Refused::Step { step, status: self.status }) }
    }

    /// A reviewer upholds it or clears it. Who is cleared never hears of it.
    ///
    /// # Errors
    /// It was reviewed before; the reviewer is a party to it.
    pub fn review(
        &self,
        review: &Review,
        by: Reviewer,
        now: Timestamp,
    ) -> Result<Decision<Self>, Refused> {
        let step = if review.uphold { Step::Uphold } else { Step::Clear };
        self.permit(step)?;
        self.by_no_party(by)?;
        let ruling = Ruling { by: by.account, at: now, reason: review.reason.clone() };
        let status = if review.uphold { Status::Upheld } else { Status::Cleared };
        let state = Self { status, review: Some(ruling), ..self.clone() };
        let events = if review.uphold {
            vec![self.event(EventKind::FlagUpheld).note(review.reason.clone())]
        } else {
            Vec::new()
        };
        Ok(Decision { state, events })
    }

    /// Whom it concerns asks another reviewer to look, once.
    ///
    /// # Errors
    /// It is not upheld, or was appealed before; the time for it is over.
    pub fn appeal(
        &self,
        text: String,
        rules: &Rules,
        now: Timestamp,
    ) -> Result<Decision<Self>, Refused> {
        self.permit(Step::Appeal)?;
        if let Some(until) = self.appeal_until(rules)
            && now >= until
        {
            return Err(Refused::AppealLate { until });
        }
        let state = Self { status: Status::Appealed, appeal: Some((text, now)), ..self.clone() };
        Ok(Decision { state, events: Vec::new() })
    }

    /// Until when it can be appealed.
    pub fn appeal_until(&self, rules: &Rules) -> Option<Timestamp> {
        self.review.as_ref().map(|review| review.at + TimeDelta::days(rules.appeal_days.into()))
    }

    /// Another reviewer than the first decides on the appeal, for good.
    ///
    /// # Errors
    /// There is none to decide; the reviewer is the first one, or a party.
    pub fn decide(
        &self,
        review: &Review,
        by: Reviewer,
        now: Timestamp,
    ) -> Result<Decision<Self>, Refused> {
        let step = if review.uphold { Step::Keep } else { Step::Overturn };
        self.permit(step)?;
        self.by_no_party(by)?;
        if by.is_first || self.review.as_ref().is_some_and(|first| first.by == by.account) {
            return Err(Refused::SameReviewer);
        }
        let ruling = Ruling { by: by.account, at: now, reason: review.reason.clone() };
        let status = if review.uphold { Status::Confirmed } else { Status::Overturned };
        let state = Self { status, decision: Some(ruling), ..self.clone() };
        let kind = if review.uphold { EventKind::FlagConfirmed } else { EventKind::FlagOverturned };
        Ok(Decision::one(state, self.event(kind).note(review.reason.clone())))
    }

    fn by_no_party(&self, by: Reviewer) -> Result<(), Refused> {
        if by.is_party || self.parties.contains(&by.account) { Err(Refused::Party) } else { Ok(()) }
    }

    fn event(&self, kind: EventKind) -> NewEvent {
        let data: Value = json!({ "account": self.account, "flag": self.kind });
        NewEvent::new(kind, Visibility::Reporter).with(data)
    }
}
