//! What the reporter does with a complaint, and the caller who asks for their opinion.

use chrono::TimeDelta;
use serde_json::json;

use super::{ClosedAs, Complaint, Refused, Status, Step};
use crate::{
    decision::Decision,
    evaluation::{self, Evaluation},
    event::{EventKind, NewEvent, Visibility},
    id::TaskId,
    refusal::Invalid,
    sla::Terms,
    task::Task,
    text,
    time::Timestamp,
};

/// Take a complaint back.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Withdraw {
    /// Why, if the reporter cares to say.
    pub reason: Option<String>,
}

impl Withdraw {
    /// # Errors
    /// The reason is too long.
    pub fn parse(reason: Option<&str>) -> Result<Self, Invalid> {
        Ok(Self { reason: text::optional("reason", reason, 2000)? })
    }
}

/// Reopen a closed case, or appeal against a rejection or a direct answer.
#[derive(Debug, Clone, PartialEq)]
pub struct Reopen {
    /// Why: what is still wrong.
    pub reason: String,
}

impl Reopen {
    /// # Errors
    /// The reason is missing or too long.
    pub fn parse(reason: &str) -> Result<Self, Invalid> {
        Ok(Self { reason: text::text("reason", reason, 2, 2000)? })
    }
}

/// Within this time a second urging changes nothing, so that a double tap is one.
const URGE_ONCE_PER: TimeDelta = TimeDelta::minutes(10);

/// What becomes of the lead unit when a case goes on.
pub struct Rework<'a> {
    /// The id for the lead's new task.
    pub task: TaskId,
    /// The lead's last task, if the case ever had one.
    pub lead: Option<&'a Task>,
}

impl Complaint {
    /// Takes the complaint back (撤回); its open tasks end with it.
    ///
    /// # Errors
    /// It is already answered, or over.
    pub fn withdraw(&self, command: &Withdraw) -> Result<Decision<Self>, Refused> {
        self.permit(Step::Withdraw)?;
        let mut state = self.clone();
        state.status = Status::Withdrawn;
        state.suspension = None;
        let event =
            NewEvent::new(EventKind::Withdrawn, Visibility::Everyone).note(command.reason.clone());
        Ok(Decision::one(state, event))
    }

    /// Urges whoever has it (催办). A second urging within ten minutes changes nothing.
    ///
    /// # Errors
    /// Nothing is awaited any more.
    pub fn urge(&self, now: Timestamp) -> Result<Decision<Self>, Refused> {
        self.permit(Step::Urge)?;
        if self.urged_at.is_some_and(|last| now - last < URGE_ONCE_PER) {
            return Ok(Decision { state: self.clone(), events: Vec::new() });
        }
        let mut state = self.clone();
        state.urges = self.urges.saturating_add(1);
        state.urged_at = Some(now);
        Ok(Decision::one(state, NewEvent::new(EventKind::Urged, Visibility::Everyone)))
    }

    /// Takes the reporter's evaluation (评价): it closes the case, orders a rework from the lead,
    /// or, after the allowed reworks, sends it to consultation (会商).
    ///
    /// # Errors
    /// It is not open for evaluation.
    pub fn evaluate(
        &self,
        evaluation: &Evaluation,
        rework: &Rework<'_>,
        terms: Terms<'_>,
        now: Timestamp,
    ) -> Result<(Decision<Self>, Option<Decision<Task>>), Refused> {
        self.permit(Step::Evaluate)?;
        let mut state = self.clone();
        let mut events = vec![self.evaluated(evaluation)];
        let reworks = u32::try_from(self.reworks).unwrap_or(u32::MAX);
        let mut task = None;
        match evaluation.outcome(reworks, &terms.rules.follow_up) {
            evaluation::Outcome::Close => {
                state.close(ClosedAs::Evaluated, now);
                events.push(closed(ClosedAs::Evaluated));
            }
            evaluation::Outcome::Rework => {
                state.reworks = self.reworks.saturating_add(1);
                events.push(state.back_to_handling(EventKind::ReworkOrdered, now));
                task = self.rework_task(rework, terms, now);
            }
            evaluation::Outcome::Consultation => {
                events.push(state.back_to_handling(EventKind::ConsultationOpened, now));
            }
        }
        Ok((Decision { state, events }, task))
    }

    pub(super) fn evaluated(&self, evaluation: &Evaluation) -> NewEvent {
        NewEvent::new(EventKind::Evaluated, Visibility::Everyone)
            .with(json!({
                "solved": evaluation.solved,
                "satisfaction": evaluation.satisfaction,
                "contacted": evaluation.contacted,
                "round": self.follow_up_round,
            }))
            .note(evaluation.comment.clone())
    }

    /// A caller found nobody (回访未联系上).
    ///
    /// # Errors
    /// No evaluation is awaited.
    pub fn miss(&self) -> Result<Decision<Self>, Refused> {
        self.permit(Step::Miss)?;
        Ok(Decision::one(self.clone(), self.missed()))
    }

    /// Reopens a closed case: the lead does it again. Against a rejection or a direct answer it is
    /// the one appeal (申请复核), which brings the complaint before the centre again.
    ///
    /// # Errors
    /// It is neither closed, rejected nor answered, or the appeal is used.
    pub fn reopen(
        &self,
        command: &Reopen,
        rework: &Rework<'_>,
        terms: Terms<'_>,
        now: Timestamp,
    ) -> Result<(Decision<Self>, Option<Decision<Task>>), Refused> {
        self.permit(Step::Reopen)?;
        let mut state = self.clone();
        if self.status == Status::Closed {
            state.reopened = self.reopened.saturating_add(1);
            state.closed_at = None;
            state.closed_as = None;
            let event =
                state.back_to_handling(EventKind::Reopened, now).note(command.reason.clone());
            return Ok((Decision::one(state, event), self.rework_task(rework, terms, now)));
        }
        if self.appealed {
            return Err(Refused::AppealUsed);
        }
        state.appealed = true;
        state.status = Status::Submitted;
        state.clock_from = now;
        state.replied_at = None;
        let event =
            NewEvent::new(EventKind::Appealed, Visibility::Everyone).note(command.reason.clone());
        Ok((Decision::one(state, event), None))
    }

    fn back_to_handling(&mut self, why: EventKind, now: Timestamp) -> NewEvent {
        self.status = Status::Handling;
        self.follow_up_round = 0;
        self.clock_from = now;
        NewEvent::new(why, Visibility::Everyone)
    }

    fn rework_task(
        &self,
        rework: &Rework<'_>,
        terms: Terms<'_>,
        now: Timestamp,
    ) -> Option<Decision<Task>> {
        rework.lead.map(|lead| lead.again(rework.task, self, terms, now))
    }

    pub(super) fn close(&mut self, how: ClosedAs, now: Timestamp) {
        self.status = Status::Closed;
        self.closed_at = Some(now);
        self.closed_as = Some(how);
        self.clock_from = now;
    }
}

pub(super) fn closed(how: ClosedAs) -> NewEvent {
    NewEvent::new(EventKind::Closed, Visibility::Everyone).with(json!({ "as": how }))
}
