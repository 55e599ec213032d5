//! Final replies (最终答复): a unit's last word on a matter that was handled, replied to and looked at
//! again. The unit proposes it with evidence, its head signs, the centre confirms; from then on the
//! same reporter's further appeals on the same matter may be answered with it.
//!
//! [`TRANSITIONS`] is the table of every step. What happens is told in the complaint's stream.

use chrono::TimeDelta;
use serde_json::json;

use crate::{
    complaint::{self, Complaint},
    decision::Decision,
    event::{EventKind, NewEvent, Visibility},
    id::{AccountId, ComplaintId, FinalReplyId, TaskId},
    org::NodeCode,
    refusal::{Faults, Invalid},
    sla::Urgency,
    task::{self, Task, is_substantive},
    text,
    time::Timestamp,
};

mod refused;
#[cfg(test)]
mod tests;

pub use refused::Refused;

codes! {
    /// Where a final reply stands.
    pub enum Status {
        /// Waits for the unit's head.
        Proposed = "proposed", "待签署";
        /// Waits for the centre.
        Signed = "signed", "待确认";
        /// Appeals may be answered with it.
        InForce = "in_force", "已生效";
        /// The head or the centre did not agree.
        Refused = "refused", "未通过";
        /// It was taken out of force.
        Revoked = "revoked", "已撤销";
    }
}

codes! {
    /// The steps in a final reply's life.
    pub enum Step {
        /// The unit's head signs it.
        Sign = "sign", "签署";
        /// The centre confirms it.
        Confirm = "confirm", "确认";
        /// The head or the centre does not agree.
        Refuse = "refuse", "不同意";
        /// A supervisor takes it out of force.
        Revoke = "revoke", "撤销";
        /// The centre answers an appeal with it.
        Cite = "cite", "引用";
    }
}

/// Every step that is allowed: from where, and to where it can lead. What is not listed is
/// refused with `final_reply_step_refused`.
pub const TRANSITIONS: &[(Step, &[Status], &[Status])] = {
    use Status::{InForce, Proposed, Refused, Revoked, Signed};
    &[
        (Step::Sign, &[Proposed], &[Signed]),
        (Step::Confirm, &[Signed], &[InForce]),
        (Step::Refuse, &[Proposed, Signed], &[Refused]),
        (Step::Revoke, &[InForce], &[Revoked]),
        (Step::Cite, &[InForce], &[InForce]),
    ]
};

/// A final reply as its rules see it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FinalReply {
    /// Its id.
    pub id: FinalReplyId,
    /// The complaint that it closes for good.
    pub complaint: ComplaintId,
    /// The lead's task.
    pub task: TaskId,
    /// The unit that answers for it.
    pub unit: NodeCode,
    /// Grows by one with each save.
    pub version: i64,
    /// Where it stands.
    pub status: Status,
    /// What appeals are answered with.
    pub text: String,
    /// For how many days from its confirmation.
    pub valid_days: i32,
    /// Who proposed it.
    pub proposed_by: AccountId,
    /// Who signed it for the unit: somebody else.
    pub signed_by: Option<AccountId>,
    /// Until when appeals may be answered with it; set when it is confirmed.
    pub valid_until: Option<Timestamp>,
}

/// Propose a final reply.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Propose {
    /// What appeals are answered with.
    pub text: String,
    /// The law or document that it rests on.
    pub legal_basis: String,
    /// What shows that the matter was handled to its end.
    pub evidence: String,
    /// For how many days.
    pub valid_days: i32,
}

impl Propose {
    /// A year **\[default\]**.
    pub const DAYS: i32 = 365;
    /// At least a month, at most three years **\[default\]**.
    pub const RANGE: std::ops::RangeInclusive<i32> = 30..=1095;

    /// # Errors
    /// A field is missing or too long, the text says nothing, or the validity is out of range.
    pub fn parse(
        text: &str,
        legal_basis: &str,
        evidence: &str,
        valid_days: Option<i32>,
    ) -> Result<Self, Invalid> {
        let mut faults = Faults::default();
        let text = faults.take(text::text("text", text, 10, 10_000));
        if text.as_deref().is_some_and(|text| !is_substantive(text)) {
            faults.add("text", "最终答复不能只有套话：请写明查到什么、做了什么、为什么只能如此");
        }
        let legal_basis = faults.take(text::text("legal_basis", legal_basis, 2, 2000));
        let evidence = faults.take(text::text("evidence", evidence, 10, 5000));
        let valid_days = valid_days.unwrap_or(Self::DAYS);
        if !Self::RANGE.contains(&valid_days) {
            faults.add("valid_days", "有效期为 30–1095 天");
        }
        faults.check()?;
        Ok(Self {
            text: text.unwrap_or_default(),
            legal_basis: legal_basis.unwrap_or_default(),
            evidence: evidence.unwrap_or_default(),
            valid_days,
        })
    }
}

/// What the head or the centre says of a final reply that waits for them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// Agreed.
    Agree,
    /// Not agreed, and why.
    Refuse(String),
}

impl Verdict {
    /// # Errors
    /// A refusal without a reason, or one that is too long.
    pub fn parse(approve: bool, reason: Option<&str>) -> Result<Self, Invalid> {
        let mut faults = Faults::default();
        let reason = faults.take(text::optional("reason", reason, 2000)).flatten();
        if !approve && reason.is_none() {
            faults.add("reason", "不同意时，请写明原因");
        }
        faults.check()?;
        Ok(if approve { Self::Agree } else { Self::Refuse(reason.unwrap_or_default()) })
    }
}

/// Whether the matter rests: every reply is out, and nobody works on it.
const fn rests(status: complaint::Status) -> bool {
    use complaint::Status::{Archived, Closed, FollowUp, Replied};
    matches!(status, Replied | FollowUp | Closed | Archived)
}

/// An appeal that is to be answered with a final reply.
#[derive(Debug, Clone, Copy)]
pub struct Appeal<'a> {
    /// The appeal.
    pub complaint: &'a Complaint,
    /// The complaint of the final reply.
    pub source: &'a Complaint,
    /// The lead's task by which that was last answered.
    pub lead: Option<TaskId>,
    /// Whether both have the same reporter, by account or by the number to call.
    pub same_reporter: bool,
}

impl FinalReply {
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

    /// The lead's unit proposes it.
    ///
    /// # Errors
    /// The matter does not rest, or was never looked at again: reworked, reopened or appealed.
    pub fn propose(
        id: FinalReplyId,
        complaint: &Complaint,
        lead: &Task,
        command: &Propose,
        by: AccountId,
    ) -> Result<Decision<Self>, Refused> {
        if !rests(complaint.status) || lead.status != task::Status::Confirmed {
            return Err(Refused::NotAnswered);
        }
        if complaint.reworks == 0 && complaint.reopened == 0 && !complaint.appealed {
            return Err(Refused::NotReviewed);
        }
        let state = Self {
            id,
            complaint: complaint.id,
            task: lead.id,
            unit: lead.unit.clone(),
            version: 1,
            status: Status::Proposed,
            text: command.text.clone(),
            valid_days: command.valid_days,
            proposed_by: by,
            signed_by: None,
            valid_until: None,
        };
        let event = state.event(EventKind::FinalReplyProposed, Visibility::Unit);
        Ok(Decision::one(state, event))
    }

    /// The unit's head signs it, or does not agree.
    ///
    /// # Errors
    /// It does not wait for that; who proposed it would sign it.
    pub fn sign(&self, verdict: &Verdict, by: AccountId) -> Result<Decision<Self>, Refused> {
        self.permit(Step::Sign)?;
        if let Verdict::Refuse(reason) = verdict {
            return self.refuse(reason);
        }
        if self.proposed_by == by {
            return Err(Refused::OwnProposal);
        }
        let state = Self { status: Status::Signed, signed_by: Some(by), ..self.clone() };
        let event = self.event(EventKind::FinalReplySigned, Visibility::Unit);
        Ok(Decision::one(state, event))
    }

    /// The centre confirms it, or does not agree. The reporter is told it, and its validity begins.
    ///
    /// # Errors
    /// It does not wait for that; the matter is being handled again, or was answered anew since.
    pub fn confirm(
        &self,
        verdict: &Verdict,
        (source, lead): (complaint::Status, Option<TaskId>),
        now: Timestamp,
    ) -> Result<Decision<Self>, Refused> {
        self.permit(Step::Confirm)?;
        if let Verdict::Refuse(reason) = verdict {
            return self.refuse(reason);
        }
        if !rests(source) {
            return Err(Refused::NotAnswered);
        }
        if lead != Some(self.task) {
            return Err(Refused::Outdated);
        }
        let until = now + TimeDelta::days(self.valid_days.into());
        let state = Self { status: Status::InForce, valid_until: Some(until), ..self.clone() };
        let event = self
            .event(EventKind::FinalReplyInForce, Visibility::Everyone)
            .with(json!({ "final_reply": self.id, "valid_until": until }))
            .note(self.text.clone());
        Ok(Decision::one(state, event))
    }

    fn refuse(&self, reason: &str) -> Result<Decision<Self>, Refused> {
        self.permit(Step::Refuse)?;
        let state = Self { status: Status::Refused, ..self.clone() };
        let event =
            self.event(EventKind::FinalReplyRefused, Visibility::Unit).note(reason.to_owned());
        Ok(Decision::one(state, event))
    }

    /// A supervisor takes it out of force: there are new facts, or it was wrong.
    ///
    /// # Errors
    /// It is not in force.
    pub fn revoke(&self, reason: String) -> Result<Decision<Self>, Refused> {
        self.permit(Step::Revoke)?;
        let state = Self { status: Status::Revoked, ..self.clone() };
        let event = self.event(EventKind::FinalReplyRevoked, Visibility::Everyone).note(reason);
        Ok(Decision::one(state, event))
    }

    /// Whether an appeal may be answered with it. That the matter is the same is the centre's to
    /// judge; what it may not overlook is here.
    ///
    /// # Errors
    /// Not in force, or not any more; another reporter's; its own case; the matter is being handled
    /// again or was answered anew since; its own case is confidential or reports a unit, and the
    /// appeal is not the same; the reporter appealed against such an answer already; an emergency.
    pub fn cite(&self, appeal: Appeal<'_>, now: Timestamp) -> Result<(), Refused> {
        self.permit(Step::Cite)?;
        if let Some(until) = self.valid_until.filter(|until| *until <= now) {
            return Err(Refused::Expired { until });
        }
        if appeal.complaint.id == self.complaint {
            return Err(Refused::OwnCase);
        }
        if !rests(appeal.source.status) {
            return Err(Refused::NotAnswered);
        }
        if appeal.lead != Some(self.task) {
            return Err(Refused::Outdated);
        }
        if !appeal.same_reporter {
            return Err(Refused::OtherReporter);
        }
        // The answer names the first case and repeats its words: whoever reads the appeal may be one
        // who must not know of it.
        if appeal.source.confidential && !appeal.complaint.confidential
            || appeal.source.reported_unit.is_some()
                && appeal.source.reported_unit != appeal.complaint.reported_unit
        {
            return Err(Refused::Secret);
        }
        if appeal.complaint.appealed {
            return Err(Refused::NewFacts);
        }
        if appeal.complaint.urgency == Some(Urgency::Emergency) {
            return Err(Refused::Emergency);
        }
        Ok(())
    }

    fn event(&self, kind: EventKind, visibility: Visibility) -> NewEvent {
        NewEvent::new(kind, visibility)
            .about(self.task, &self.unit)
            .with(json!({ "final_reply": self.id }))
    }
}
