//! The score book of party members (积分管理手册): what a member did in a quarter, from five inlets,
//! settled by the organisation. It has nothing to do with points that can be spent, and nobody is
//! ranked by it. It is sensitive: shown inside the branch and above.
//!
//! [`TRANSITIONS`] is the table of an entry's steps; a branch's quarter is in [`quarterly`], what
//! counts how much in [`catalogue`].

use chrono::NaiveDate;
use serde::Deserialize;
use serde_json::json;

use crate::{
    decision::Decision,
    event::{EventKind, NewEvent, Visibility},
    id::{AccountId, MemberId, ScoreEntryId},
    org::NodeCode,
    refusal::{Faults, FieldError, Invalid},
    text,
    time::{self, Timestamp},
};

pub mod catalogue;
mod quarter;
pub mod quarterly;
mod refused;
#[cfg(test)]
mod tests;

pub use quarter::Quarter;
pub use refused::Refused;

codes! {
    /// From where an entry comes (入口).
    pub enum Inlet {
        /// The branch recorded it.
        BranchRecord = "branch_record", "支部记录";
        /// The member declared it.
        Declaration = "declaration", "本人申报";
        /// A resident suggested it.
        Suggestion = "suggestion", "群众建议";
        /// Another member of the branch said it.
        Review = "review", "党员互评";
        /// The organisation above the branch entered it.
        Organisation = "organisation", "组织认定";
    }
}

codes! {
    /// Where an entry stands.
    pub enum Status {
        /// Nobody has looked at it yet.
        Submitted = "submitted", "待认定";
        /// It counts, once the quarter is settled.
        Accepted = "accepted", "已认定";
        /// It does not count.
        Refused = "refused", "未认定";
        /// It counts for good.
        Settled = "settled", "已结算";
    }
}

codes! {
    /// The steps in an entry's life.
    pub enum Step {
        /// It counts.
        Accept = "accept", "认定";
        /// It does not count.
        Refuse = "refuse", "不予认定";
        /// An objection to it was upheld.
        Strike = "strike", "异议成立";
        /// The quarter is locked.
        Settle = "settle", "结算";
    }
}

/// Every step that is allowed: from where, and to where it leads. What is not listed is refused
/// with `score_step_refused`.
pub const TRANSITIONS: &[(Step, &[Status], &[Status])] = &[
    (Step::Accept, &[Status::Submitted], &[Status::Accepted]),
    (Step::Refuse, &[Status::Submitted], &[Status::Refused]),
    (Step::Strike, &[Status::Accepted], &[Status::Refused]),
    (Step::Settle, &[Status::Accepted], &[Status::Settled]),
];

/// What is configured of the score book, **\[default\]** throughout.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Rules {
    /// Working days of the public notice.
    pub notice_working_days: u32,
}

impl Default for Rules {
    fn default() -> Self {
        Self { notice_working_days: 5 }
    }
}

/// The most that one entry gives or takes.
pub const MOST: i32 = 100;

/// An entry as its rules see it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Its id.
    pub id: ScoreEntryId,
    /// Grows by one with each save.
    pub version: i64,
    /// Whose book; nobody's yet where a suggestion names somebody in words.
    pub member: Option<MemberId>,
    /// The member's own account, where there is one.
    pub account: Option<AccountId>,
    /// The member's branch.
    pub branch: Option<NodeCode>,
    /// The branch's community.
    pub community: NodeCode,
    /// In which quarter it happened.
    pub quarter: Quarter,
    /// On which day.
    pub happened_on: NaiveDate,
    /// From where it comes.
    pub inlet: Inlet,
    /// The version of the catalogue and the item, once somebody said so.
    pub item: Option<(String, String)>,
    /// What it gives or takes.
    pub points: Option<i32>,
    /// The settled entry that it corrects.
    pub corrects: Option<ScoreEntryId>,
    /// Where it stands.
    pub status: Status,
    /// Who brought it.
    pub submitted_by: AccountId,
    /// Who decided, and when.
    pub decided: Option<(Timestamp, AccountId)>,
    /// Why it does not count.
    pub reason: Option<String>,
}

/// The member that an entry is accepted for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Subject {
    /// The row of the register.
    pub member: MemberId,
    /// The member's account, where a community signed one.
    pub account: Option<AccountId>,
    /// The branch.
    pub branch: NodeCode,
    /// The branch's community.
    pub community: NodeCode,
}

/// What every entry begins with, checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Words {
    /// When it happened.
    pub happened_on: NaiveDate,
    /// What happened.
    pub words: String,
}

impl Words {
    /// # Errors
    /// In the future, longer ago than a year, or without words.
    pub fn parse(happened_on: NaiveDate, words: &str, now: Timestamp) -> Result<Self, Invalid> {
        let mut faults = Faults::default();
        let today = time::date(now);
        if happened_on > today {
            faults.add("happened_on", "日期不能晚于今天");
        } else if today - happened_on > chrono::TimeDelta::days(366) {
            faults.add("happened_on", "只能写一年以内的事");
        }
        let words = faults.take(text::text("words", words, 2, 1000));
        faults.check()?;
        Ok(Self { happened_on, words: words.unwrap_or_default() })
    }
}

/// What a correction gives or takes.
///
/// # Errors
/// Nothing, or more than an entry may.
pub fn correction(points: i32) -> Result<i32, FieldError> {
    if points != 0 && points.abs() <= MOST {
        Ok(points)
    } else {
        Err(FieldError::new("points", format!("更正的分值为 -{MOST} 到 {MOST}，不能为 0")))
    }
}

impl Entry {
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

    /// It is brought in; whoever decides is told.
    ///
    /// # Errors
    /// It corrects what is not a settled entry of the same member and an earlier quarter.
    pub fn submit(self, corrected: Option<&Self>) -> Result<Decision<Self>, Refused> {
        if let Some(corrected) = corrected {
            let same = corrected.member.is_some() && corrected.member == self.member;
            if !same || corrected.status != Status::Settled {
                return Err(Refused::NotSettled);
            }
            if corrected.quarter >= self.quarter {
                return Err(Refused::SameQuarter);
            }
        }
        let event = self.event(EventKind::ScoreEntered, self.submitted_by);
        Ok(Decision::one(self, event))
    }

    /// It counts: for this member, by this item and its points.
    ///
    /// # Errors
    /// Decided already; one's own, or about oneself; it is about somebody else than it said.
    pub fn accept(
        &self,
        subject: &Subject,
        item: (String, String),
        points: i32,
        by: AccountId,
        now: Timestamp,
    ) -> Result<Decision<Self>, Refused> {
        self.permit(Step::Accept)?;
        self.by_another(by, subject.account)?;
        if self.member.is_some_and(|member| member != subject.member) {
            return Err(Refused::OtherMember);
        }
        let state = Self {
            member: Some(subject.member),
            account: subject.account,
            branch: Some(subject.branch.clone()),
            community: subject.community.clone(),
            item: Some(item),
            points: Some(points),
            status: Status::Accepted,
            decided: Some((now, by)),
            ..self.clone()
        };
        let event = state.event(EventKind::ScoreAccepted, self.submitted_by);
        Ok(Decision::one(state, event))
    }

    /// It does not count.
    ///
    /// # Errors
    /// Decided already; one's own, or about oneself.
    pub fn refuse(
        &self,
        reason: String,
        by: AccountId,
        now: Timestamp,
    ) -> Result<Decision<Self>, Refused> {
        self.permit(Step::Refuse)?;
        self.by_another(by, self.account)?;
        Ok(self.out(reason, (now, by)))
    }

    /// An objection to it was upheld while the quarter was in public notice.
    ///
    /// # Errors
    /// It does not count anyway, or for good.
    pub fn strike(
        &self,
        reason: String,
        by: AccountId,
        now: Timestamp,
    ) -> Result<Decision<Self>, Refused> {
        self.permit(Step::Strike)?;
        self.by_another(by, self.account)?;
        Ok(self.out(reason, (now, by)))
    }

    fn out(&self, reason: String, decided: (Timestamp, AccountId)) -> Decision<Self> {
        let state = Self {
            status: Status::Refused,
            decided: Some(decided),
            reason: Some(reason.clone()),
            ..self.clone()
        };
        let event = state.event(EventKind::ScoreRefused, self.submitted_by).note(reason);
        Decision::one(state, event)
    }

    fn by_another(&self, by: AccountId, subject: Option<AccountId>) -> Result<(), Refused> {
        if by == self.submitted_by || subject == Some(by) {
            return Err(Refused::OwnEntry);
        }
        Ok(())
    }

    /// An event tells who brought it and the quarter, never about whom it is or how much.
    fn event(&self, kind: EventKind, account: AccountId) -> NewEvent {
        let mut event = NewEvent::new(kind, Visibility::Everyone);
        event.unit = Some(self.community.clone());
        // The branch's secretary is told of what is to be decided.
        let (quarter, branch) = (self.quarter.to_string(), &self.branch);
        event.with(json!({ "account": account, "quarter": quarter, "branch": branch }))
    }
}
