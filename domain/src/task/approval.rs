//! The head's approval of a reply (领导审签), where the unit asks for it. A reply that waits stands
//! beside the state: the unit has not replied, and the reply's clock runs on until it is approved.

use serde_json::json;

use super::{Outcome, Refused, Reply, Step, Task};
use crate::{
    decision::Decision,
    event::{EventKind, Visibility},
    id::AccountId,
    refusal::{Faults, Invalid},
    text,
    time::Timestamp,
};

/// A reply that waits for the head.
#[derive(Debug, Clone, PartialEq)]
pub struct WaitingReply {
    /// What is to go out.
    pub reply: Reply,
    /// Who wrote it.
    pub by: AccountId,
    /// Since when it waits.
    pub since: Timestamp,
}

/// Who stands behind a reply that went out with an approval.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Approved {
    /// Who wrote it.
    pub drafted_by: AccountId,
    /// Who approved it: somebody else.
    pub approved_by: AccountId,
}

/// Which replies of a unit need its head's approval: by outcome. None, where nothing is set.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ApprovalRule(Vec<Outcome>);

impl ApprovalRule {
    /// The outcomes that need it, each once.
    pub fn new(mut outcomes: Vec<Outcome>) -> Self {
        outcomes.sort_by_key(|outcome| outcome.code());
        outcomes.dedup();
        Self(outcomes)
    }

    /// The outcomes that need it.
    pub fn outcomes(&self) -> &[Outcome] {
        &self.0
    }

    /// Whether a reply that comes to `outcome` waits for the head.
    pub fn needs(&self, outcome: Outcome) -> bool {
        self.0.contains(&outcome)
    }
}

/// What the head says of a reply that waits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DecideReply {
    /// It goes out.
    Approve,
    /// It must be written again, and why.
    Refuse(String),
}

impl DecideReply {
    /// # Errors
    /// A refusal without a reason, or one that is too long.
    pub fn parse(approve: bool, reason: Option<&str>) -> Result<Self, Invalid> {
        let mut faults = Faults::default();
        let reason = faults.take(text::optional("reason", reason, 2000)).flatten();
        if !approve && reason.is_none() {
            faults.add("reason", "退回修改时，请写明原因");
        }
        faults.check()?;
        Ok(if approve { Self::Approve } else { Self::Refuse(reason.unwrap_or_default()) })
    }
}

impl Task {
    /// The unit's reply, which waits for its head (送审). It is checked as it would be if it went out
    /// now, so that the head never reads what could not.
    ///
    /// # Errors
    /// As [`Task::reply`]; another reply waits.
    pub fn submit_reply(
        &self,
        command: &Reply,
        by: AccountId,
        now: Timestamp,
    ) -> Result<Decision<Self>, Refused> {
        self.permit(Step::SubmitReply)?;
        self.reply(command, false, false, now)?;
        let waiting = WaitingReply { reply: command.clone(), by, since: now };
        let state = Self { waiting_reply: Some(waiting), ..self.clone() };
        let event = self
            .event(EventKind::ReplySubmitted, Visibility::Unit)
            .with(json!({ "outcome": command.outcome }));
        Ok(Decision::one(state, event))
    }

    /// The head decides (审签). Approved, it goes out exactly as a reply does, at this instant.
    ///
    /// # Errors
    /// None waits; the head wrote it; as [`Task::reply`].
    pub fn decide_reply(
        &self,
        command: &DecideReply,
        by: AccountId,
        now: Timestamp,
    ) -> Result<Decision<Self>, Refused> {
        self.permit(Step::DecideReply)?;
        let waiting = self.waiting_reply.as_ref().ok_or(Refused::NoReplyWaits)?;
        if waiting.by == by {
            return Err(Refused::OwnReply);
        }
        let settled = Self { waiting_reply: None, ..self.clone() };
        match command {
            DecideReply::Refuse(reason) => {
                let event =
                    self.event(EventKind::ReplyDisapproved, Visibility::Unit).note(reason.clone());
                Ok(Decision::one(settled, event))
            }
            DecideReply::Approve => {
                let mut decision = settled.reply(&waiting.reply, false, false, now)?;
                let approved = Approved { drafted_by: waiting.by, approved_by: by };
                decision.state.approved = Some(approved);
                decision.events.insert(0, self.event(EventKind::ReplyApproved, Visibility::Unit));
                Ok(decision)
            }
        }
    }

    /// The unit takes back a reply that waits (撤回送审), to write it again.
    ///
    /// # Errors
    /// None waits.
    pub fn withdraw_reply(&self) -> Result<Decision<Self>, Refused> {
        self.permit(Step::WithdrawReply)?;
        if self.waiting_reply.is_none() {
            return Err(Refused::NoReplyWaits);
        }
        let state = Self { waiting_reply: None, ..self.clone() };
        let event = self.event(EventKind::ReplyWithdrawn, Visibility::Unit);
        Ok(Decision::one(state, event))
    }
}
