//! Exclusion (剔除) asked by a unit with evidence, and decided by a supervisor once. It is open as
//! long as the month in which the task was dispatched is: then the month is frozen.

use serde_json::json;

use super::{Complaint, Exclude, Refused, Step};
use crate::{
    decision::Decision,
    event::{EventKind, NewEvent, Visibility},
    refusal::Invalid,
    task::{Role, Task},
    text,
    time::Timestamp,
};

codes! {
    /// Why a unit asks that a case count in no rate. There is no other ground.
    pub enum ExclusionGround {
        /// What is asked for has no ground in law or policy.
        Unreasonable = "unreasonable", "诉求不合理";
        /// No unit of the district could solve it.
        OutOfScope = "out_of_scope", "超出职责范围";
    }
}

/// Ask for an exclusion.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AskExclusion {
    /// Why.
    pub ground: ExclusionGround,
    /// What shows it.
    pub evidence: String,
}

impl AskExclusion {
    /// # Errors
    /// The evidence is missing or too long.
    pub fn parse(ground: ExclusionGround, evidence: &str) -> Result<Self, Invalid> {
        Ok(Self { ground, evidence: text::text("evidence", evidence, 10, 2000)? })
    }
}

/// Decide on an exclusion.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DecideExclusion {
    /// Whether the case leaves the rates.
    pub approve: bool,
    /// Why.
    pub reason: String,
}

impl DecideExclusion {
    /// # Errors
    /// The reason is missing or too long.
    pub fn parse(approve: bool, reason: &str) -> Result<Self, Invalid> {
        Ok(Self { approve, reason: text::text("reason", reason, 5, 2000)? })
    }
}

impl Complaint {
    /// Whether the case may still leave the rates of its month, whose appeals close at `closes_at`.
    ///
    /// # Errors
    /// They are closed, it is excluded already, or its state knows no exclusion.
    pub fn excludable(&self, closes_at: Timestamp, now: Timestamp) -> Result<(), Refused> {
        self.permit(Step::Exclude)?;
        if self.excluded_at.is_some() {
            return Err(Refused::AlreadyExcluded);
        }
        if now >= closes_at { Err(Refused::ExclusionClosed { closes_at }) } else { Ok(()) }
    }

    /// The lead asks that the case count in no rate.
    ///
    /// # Errors
    /// It is not excludable any more; an assist unit's task counts in no rate anyway.
    pub fn ask_exclusion(
        &self,
        task: &Task,
        command: &AskExclusion,
        closes_at: Timestamp,
        now: Timestamp,
    ) -> Result<Decision<Self>, Refused> {
        if task.role != Role::Lead {
            return Err(Refused::ExclusionNotLead);
        }
        self.excludable(closes_at, now)?;
        let event = NewEvent::new(EventKind::ExclusionRequested, Visibility::Unit)
            .about(task.id, &task.unit)
            .with(json!({ "ground": command.ground }))
            .note(command.evidence.clone());
        Ok(Decision::one(self.clone(), event))
    }

    /// The supervisor decides on what the lead asked.
    ///
    /// # Errors
    /// It is not excludable any more.
    pub fn decide_exclusion(
        &self,
        task: &Task,
        command: &DecideExclusion,
        closes_at: Timestamp,
        now: Timestamp,
    ) -> Result<Decision<Self>, Refused> {
        self.excludable(closes_at, now)?;
        let event = NewEvent::new(EventKind::ExclusionDecided, Visibility::Unit)
            .about(task.id, &task.unit)
            .with(json!({ "approve": command.approve }))
            .note(command.reason.clone());
        if !command.approve {
            return Ok(Decision::one(self.clone(), event));
        }
        let mut decision = self.exclude(&Exclude { reason: command.reason.clone() }, now)?;
        decision.events.push(event);
        Ok(decision)
    }
}
