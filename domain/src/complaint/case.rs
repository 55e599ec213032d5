//! What moves a complaint without anybody asking: its units' work, and its clocks.

use serde_json::json;

use super::{ClosedAs, Complaint, Refused, Status, Step, reporter::closed};
use crate::{
    decision::Decision,
    event::{EventKind, NewEvent, Visibility},
    sla::{Terms, Timer, TimerKind, rules::CentreDeadline},
    task::Task,
    time::Timestamp,
};

impl Complaint {
    /// A unit acknowledged: from now on the case is being handled. Without an event of its own,
    /// since the task's tells it.
    ///
    /// # Errors
    /// It is not with its units.
    pub fn begin(&self) -> Result<Decision<Self>, Refused> {
        self.permit(Step::Begin)?;
        let mut state = self.clone();
        state.status = Status::Handling;
        Ok(Decision { state, events: Vec::new() })
    }

    /// Every unit's reply is confirmed: the reporter has the answer, and follow-up is due.
    ///
    /// # Errors
    /// It is not being handled, or its clocks stand still.
    pub fn finish(&self, now: Timestamp) -> Result<Decision<Self>, Refused> {
        self.permit(Step::Finish)?;
        if self.suspension.is_some() {
            return Err(Refused::Suspended);
        }
        let mut state = self.clone();
        state.status = Status::Replied;
        state.replied_at = Some(now);
        state.clock_from = now;
        Ok(Decision::one(state, NewEvent::new(EventKind::Replied, Visibility::Everyone)))
    }

    /// The instants that the complaint waits for, by its state alone.
    pub fn timers(&self, terms: Terms<'_>) -> Vec<Timer> {
        if let Some(stopped) = self.suspension {
            return vec![Timer::new(TimerKind::Resume, stopped.until)];
        }
        let follow_up = &terms.rules.follow_up;
        let timer = match self.status {
            Status::Submitted | Status::Accepted => Timer::new(
                TimerKind::DispatchDue,
                terms.rules.centre.deadline(
                    CentreDeadline::Dispatch,
                    self.urgency,
                    self.clock_from,
                    terms.calendar,
                ),
            ),
            Status::Replied => Timer::new(TimerKind::FollowUp, self.clock_from),
            Status::Merged if self.follow_up_round == 0 => return Vec::new(),
            Status::FollowUp | Status::Merged if self.follow_up_round < 2 => Timer::new(
                TimerKind::FollowUpAgain,
                follow_up.second_round.end(self.clock_from, terms.calendar),
            ),
            Status::FollowUp | Status::Merged => Timer::new(
                TimerKind::CloseUnreached,
                follow_up.close_not_reached.end(self.clock_from, terms.calendar),
            ),
            Status::Closed => Timer::new(
                TimerKind::Archive,
                follow_up.archive.end(self.clock_from, terms.calendar),
            ),
            _ => return Vec::new(),
        };
        vec![timer]
    }

    /// What a due instant does. `open` are the tasks that have not ended, whose clocks go on when
    /// a suspension ends. A timer that no longer fits the state was cancelled with it, so that an
    /// unfitting one is refused as an illegal step.
    ///
    /// # Errors
    /// The step does not fit the state.
    pub fn fire(
        &self,
        kind: TimerKind,
        open: &[Task],
        now: Timestamp,
    ) -> Result<(Decision<Self>, Vec<Decision<Task>>), Refused> {
        let mut state = self.clone();
        let event = match kind {
            TimerKind::Resume => return self.resume(open, now),
            TimerKind::FollowUp => {
                self.permit(Step::StartFollowUp)?;
                state.ask(1, now)
            }
            TimerKind::FollowUpAgain if self.follow_up_round < 2 => {
                self.permit(Step::FollowUpAgain)?;
                state.ask(2, now)
            }
            TimerKind::CloseUnreached if self.follow_up_round >= 2 => {
                self.permit(Step::CloseUnreached)?;
                state.close(ClosedAs::NotReached, now);
                closed(ClosedAs::NotReached)
            }
            TimerKind::Archive => {
                self.permit(Step::Archive)?;
                state.status = Status::Archived;
                NewEvent::new(EventKind::Archived, Visibility::Everyone)
            }
            TimerKind::DispatchDue
                if matches!(self.status, Status::Submitted | Status::Accepted) =>
            {
                NewEvent::new(EventKind::CentreOverdue, Visibility::Centre)
                    .with(json!({ "step": kind }))
            }
            _ => return Err(Refused::Step { step: step_of(kind), status: self.status }),
        };
        Ok((Decision::one(state, event), Vec::new()))
    }

    fn ask(&mut self, round: i16, now: Timestamp) -> NewEvent {
        self.status = Status::FollowUp;
        self.follow_up_round = round;
        self.clock_from = now;
        NewEvent::new(EventKind::FollowUpStarted, Visibility::Everyone)
            .with(json!({ "round": round }))
    }
}

/// The step that a due instant stands for.
const fn step_of(kind: TimerKind) -> Step {
    match kind {
        TimerKind::Resume => Step::Resume,
        TimerKind::FollowUp => Step::StartFollowUp,
        TimerKind::FollowUpAgain => Step::FollowUpAgain,
        TimerKind::CloseUnreached => Step::CloseUnreached,
        TimerKind::Archive => Step::Archive,
        _ => Step::Dispatch,
    }
}
