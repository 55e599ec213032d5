//! What one person proposes and another decides: a version of the rules, a manual adjustment.
//!
//! [`TRANSITIONS`] is the table of every step.

use chrono::NaiveDate;

use super::{ProposalStatus, ProposalStep, Refused, Terms};
use crate::{
    edition,
    id::AccountId,
    refusal::{Faults, Invalid},
    text,
};

/// Every step that is allowed: from where, and to where it leads.
pub const TRANSITIONS: &[(ProposalStep, &[ProposalStatus], &[ProposalStatus])] = {
    use ProposalStatus::{Approved, Proposed, Refused, Withdrawn};
    &[
        (ProposalStep::Approve, &[Proposed], &[Approved]),
        (ProposalStep::Refuse, &[Proposed], &[Refused]),
        (ProposalStep::Withdraw, &[Proposed], &[Withdrawn]),
    ]
};

/// A proposal as its rules see it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Proposal {
    /// Where it stands.
    pub status: ProposalStatus,
    /// Who proposed it; none of the configuration's.
    pub by: Option<AccountId>,
    /// Whose points it is about; none of rules.
    pub about: Option<AccountId>,
}

impl Proposal {
    /// Where a step of `by` leads.
    ///
    /// # Errors
    /// The table has no such step from here; one's own points; deciding on one's own proposal, or
    /// withdrawing another's.
    pub fn step(self, step: ProposalStep, by: AccountId) -> Result<ProposalStatus, Refused> {
        if self.about == Some(by) {
            return Err(Refused::OwnPoints);
        }
        let listed =
            TRANSITIONS.iter().find(|(one, from, _)| *one == step && from.contains(&self.status));
        let to = listed.and_then(|(_, _, to)| to.first()).copied();
        let to = to.ok_or(Refused::Decided { status: self.status })?;
        let own = self.by == Some(by);
        match step {
            ProposalStep::Withdraw if !own => Err(Refused::AnothersProposal),
            ProposalStep::Approve | ProposalStep::Refuse if own => Err(Refused::OwnProposal),
            _ => Ok(to),
        }
    }
}

/// A version of the rules, as it is proposed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewRule {
    /// Its name, such as `2027-1`.
    pub name: String,
    /// The first day it counts for.
    pub valid_from: NaiveDate,
    /// What it says.
    pub terms: Terms,
    /// Why it is wanted.
    pub reason: String,
}

impl NewRule {
    /// # Errors
    /// A name, day, figure or reason that cannot be one.
    pub fn parse(
        name: &str,
        valid_from: NaiveDate,
        terms: Terms,
        reason: &str,
        today: NaiveDate,
    ) -> Result<Self, Invalid> {
        let mut faults = Faults::default();
        let name = faults.take(edition::name("name", name, 40));
        let reason = faults.take(text::line("reason", reason, 2, 200));
        if let Err(Invalid(fields)) = terms.check() {
            fields.into_iter().for_each(|field| faults.add(field.field, field.reason));
        }
        if valid_from <= today {
            faults.add("valid_from", "只能从明天或以后起生效，已经发生的服务按当时的规则计算");
        }
        match (name, reason) {
            (Some(name), Some(reason)) => {
                faults.check()?;
                Ok(Self { name, valid_from, terms, reason })
            }
            _ => Err(faults.check().err().unwrap_or_else(|| Invalid(Vec::new()))),
        }
    }
}

/// A manual adjustment, as it is proposed.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct NewAdjustment {
    /// Whose points.
    pub account: AccountId,
    /// How many come (positive) or go (negative).
    pub points: i64,
    /// Why: the person reads it.
    pub reason: String,
    /// The document that it rests on.
    pub document: String,
}

impl NewAdjustment {
    /// # Errors
    /// No points, or more than `at_most` either way; a reason or a document that cannot be one.
    pub fn parse(
        account: AccountId,
        points: i64,
        (reason, document): (&str, &str),
        at_most: i64,
    ) -> Result<Self, Invalid> {
        let mut faults = Faults::default();
        if points == 0 || points.checked_abs().is_none_or(|points| points > at_most) {
            faults
                .add("points", format!("要在 1–{at_most} 或 −{at_most}–−1 之间，现在是 {points}"));
        }
        let reason = faults.take(text::line("reason", reason, 2, 200));
        let document = faults.take(text::line("document", document, 2, 100));
        match (reason, document) {
            (Some(reason), Some(document)) => {
                faults.check()?;
                Ok(Self { account, points, reason, document })
            }
            _ => Err(faults.check().err().unwrap_or_else(|| Invalid(Vec::new()))),
        }
    }
}
