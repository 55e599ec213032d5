//! What the centre (or a whistle's blower) rules about a task.

use serde_json::json;

use super::{Order, Refused, Status, Step, Task};
use crate::{
    complaint::{Assignment, Complaint, Suspend},
    decision::Decision,
    event::{EventKind, Visibility},
    refusal::Invalid,
    sla::Terms,
    text,
    time::Timestamp,
};

/// The ruling on a return.
#[derive(Debug, Clone, PartialEq)]
pub struct DecideReturn {
    /// Whether the unit is relieved.
    pub approve: bool,
    /// Who has it next; required when approved.
    pub next: Option<Assignment>,
    /// The unit that has it next cannot return it.
    pub is_final: bool,
    /// A new date for the resident; kept when left out.
    pub reply_by: Option<Timestamp>,
    /// Why.
    pub reason: String,
}

/// The ruling on an extension.
#[derive(Debug, Clone, PartialEq)]
pub struct DecideExtension {
    /// Whether it is granted.
    pub approve: bool,
    /// Until when, if otherwise than asked.
    pub until: Option<Timestamp>,
    /// Why.
    pub reason: String,
}

impl DecideExtension {
    /// # Errors
    /// The reason is missing or too long.
    pub fn parse(approve: bool, until: Option<Timestamp>, reason: &str) -> Result<Self, Invalid> {
        Ok(Self { approve, until, reason: text::text("reason", reason, 2, 2000)? })
    }
}

/// A reply that must be done again.
#[derive(Debug, Clone, PartialEq)]
pub struct SendBack {
    /// Why.
    pub reason: String,
    /// Until when; at least one working day is left to it otherwise.
    pub reply_by: Option<Timestamp>,
}

impl SendBack {
    /// # Errors
    /// The reason is missing or too long.
    pub fn parse(reason: &str, reply_by: Option<Timestamp>) -> Result<Self, Invalid> {
        Ok(Self { reason: text::text("reason", reason, 2, 2000)?, reply_by })
    }
}

/// A date that a ruling names lies ahead, and no farther than long works may be listed.
fn within_reach(by: Timestamp, now: Timestamp) -> Result<(), Refused> {
    if by <= now || by > now + chrono::TimeDelta::days(Suspend::LONGEST_DAYS) {
        return Err(Refused::ReplyByPast);
    }
    Ok(())
}

impl Task {
    /// Rules on a return (裁定退单). Declined, the task goes back to what it was. Approved, it ends,
    /// and the next unit gets a new one on the same line: fresh acknowledge and contact clocks, the
    /// resident's date kept unless the ruling names a new one. After the last allowed return the
    /// ruling is final. `contact` tells whether the case has a reporter to contact.
    ///
    /// # Errors
    /// Nothing was asked; no next unit or the same one; the date for the resident is past, so that
    /// a new one must be named.
    pub fn decide_return(
        &self,
        command: &DecideReturn,
        contact: bool,
        terms: Terms<'_>,
        now: Timestamp,
    ) -> Result<(Decision<Self>, Option<Decision<Self>>), Refused> {
        self.permit(Step::DecideReturn)?;
        let Some(request) = &self.return_request else {
            return Err(Refused::Step { step: Step::DecideReturn, status: self.status });
        };
        let mut state = self.clone();
        if !command.approve {
            state.status = request.before;
            state.return_request = None;
            let event = self
                .event(EventKind::ReturnDeclined, Visibility::Unit)
                .note(command.reason.clone());
            return Ok((Decision::one(state, event), None));
        }
        let next = command.next.as_ref().ok_or(Refused::NextUnitMissing)?;
        if next.unit.code == self.unit {
            return Err(Refused::ReturnToSelf);
        }
        within_reach(command.reply_by.unwrap_or(self.reply_by), now)?;
        state.end(Status::Returned, now);
        state.returns = self.returns.saturating_add(1);
        let event = self
            .event(EventKind::TaskReturned, Visibility::Everyone)
            .with(json!({ "to": next.unit.code }))
            .note(command.reason.clone());
        let successor = state.pass_on(next, command, contact, terms, now);
        Ok((Decision::one(state, event), Some(successor)))
    }

    fn pass_on(
        &self,
        next: &Assignment,
        command: &DecideReturn,
        contact: bool,
        terms: Terms<'_>,
        now: Timestamp,
    ) -> Decision<Self> {
        let limit = i16::try_from(terms.rules.returns.limit).unwrap_or(i16::MAX);
        let mut state = Self {
            reply_by: command.reply_by.unwrap_or(self.reply_by),
            is_final: command.is_final || self.returns >= limit,
            ..self.successor(next.task, next.unit.code.clone(), contact, terms, now)
        };
        state.fit_before_reply();
        let event = state.dispatched(None);
        Decision::one(state, event)
    }

    /// The ruling of a consultation leaves the task with its unit (会商裁定承办), which cannot return
    /// it any more; a return that was asked for is settled by it. `reply_by` is a new date.
    ///
    /// # Errors
    /// It is over; the date is past.
    pub fn bind(
        &self,
        reply_by: Option<Timestamp>,
        now: Timestamp,
    ) -> Result<Decision<Self>, Refused> {
        self.permit(Step::Bind)?;
        let mut state = self.clone();
        state.is_final = true;
        if let Some(request) = state.return_request.take() {
            state.status = request.before;
        }
        // What is replied already was in time or not by the date that stood then.
        if let Some(by) = reply_by.filter(|_| state.status != Status::Replied) {
            within_reach(by, now)?;
            state.reply_by = by;
            state.fit_before_reply();
        }
        let event = self
            .event(EventKind::TaskBound, Visibility::Unit)
            .with(json!({ "reply_by": state.reply_by, "role": state.role }));
        Ok(Decision::one(state, event))
    }

    /// A new task by the ruling of a consultation: it cannot be returned.
    ///
    /// # Errors
    /// The date is past.
    pub fn ruled(
        to: &Assignment,
        complaint: &Complaint,
        order: &Order,
        reply_by: Option<Timestamp>,
        terms: Terms<'_>,
        now: Timestamp,
    ) -> Result<Decision<Self>, Refused> {
        let mut state = Self::dispatch(to, complaint, order, terms, now).state;
        state.is_final = true;
        if let Some(by) = reply_by {
            within_reach(by, now)?;
            state.reply_by = by;
            state.fit_before_reply();
        }
        let event = state.dispatched(order.note.clone());
        Ok(Decision::one(state, event))
    }

    /// Rules on an extension (裁定延期); granted, it replaces `reply_by`, and the resident is told.
    /// A ruling that comes late is not the unit's fault: the rule is applied as of the request.
    ///
    /// # Errors
    /// Nothing was asked, or the date ruled is out of the rule's range.
    pub fn decide_extension(
        &self,
        command: &DecideExtension,
        terms: Terms<'_>,
    ) -> Result<Decision<Self>, Refused> {
        self.permit(Step::DecideExtension)?;
        let request = self.extension_request.ok_or(Refused::NoExtensionAsked)?;
        let mut state = self.clone();
        state.extension_request = None;
        if !command.approve {
            let event = self
                .event(EventKind::ExtensionDeclined, Visibility::Unit)
                .note(command.reason.clone());
            return Ok(Decision::one(state, event));
        }
        let until = command.until.unwrap_or(request.until);
        let ask = self.extension_ask(until);
        terms.rules.extension.check(ask, request.asked_at, terms.calendar)?;
        state.reply_by = until;
        state.extensions = self.extensions.saturating_add(1);
        let event = self
            .event(EventKind::ExtensionGranted, Visibility::Everyone)
            .with(json!({ "until": until }))
            .note(command.reason.clone());
        Ok(Decision::one(state, event))
    }

    /// The reply stands (确认).
    ///
    /// # Errors
    /// There is none to confirm.
    pub fn confirm(&self, now: Timestamp) -> Result<Decision<Self>, Refused> {
        self.permit(Step::Confirm)?;
        let mut state = self.clone();
        state.end(Status::Confirmed, now);
        state.confirmed_at = Some(now);
        let reply = self.reply.as_ref();
        let event = self
            .answer_event(EventKind::TaskConfirmed)
            .with(json!({ "outcome": reply.map(|reply| reply.outcome), "role": self.role }))
            .note(reply.map(|reply| reply.text.clone()));
        Ok(Decision::one(state, event))
    }

    /// The reply must be done again (退回), with a reason and a new deadline.
    ///
    /// # Errors
    /// There is none to send back, or the date is past.
    pub fn send_back(
        &self,
        command: &SendBack,
        terms: Terms<'_>,
        now: Timestamp,
    ) -> Result<Decision<Self>, Refused> {
        self.permit(Step::SendBack)?;
        if let Some(by) = command.reply_by {
            within_reach(by, now)?;
        }
        let grace = terms.rules.centre.confirm_reply.end(now, terms.calendar);
        let mut state = self.clone();
        state.status = Status::SentBack;
        state.send_backs = self.send_backs.saturating_add(1);
        state.reply_by = command.reply_by.unwrap_or(self.reply_by.max(grace));
        state.fit_before_reply();
        let event = self
            .event(EventKind::TaskSentBack, Visibility::Unit)
            .with(json!({ "reply_by": state.reply_by }))
            .note(command.reason.clone());
        Ok(Decision::one(state, event))
    }
}
