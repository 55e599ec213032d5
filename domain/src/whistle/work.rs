//! What moves a whistle: its units' work, and the blower's word that it is done.

use serde_json::json;

use super::{Refused, Status, Step, Whistle};
use crate::{
    decision::Decision,
    event::{EventKind, NewEvent, Visibility},
    org::NodeCode,
    sla::{Terms, TimerKind},
    task::{self, Task},
    time::Timestamp,
};

impl Whistle {
    /// A unit acknowledged; `tasks` are all as they stand now. With the last one the whistle is
    /// answered. Without an event of its own, since the task's tells it.
    pub fn acknowledged(&self, tasks: &[Task]) -> Decision<Self> {
        let mut state = self.clone();
        let waiting =
            tasks.iter().any(|task| !task.status.is_ended() && task.acknowledged_at.is_none());
        if !waiting && self.permit(Step::Answer).is_ok() {
            state.status = Status::Answered;
        }
        Decision { state, events: Vec::new() }
    }

    /// A unit is on the spot: from now on the matter is being handled.
    ///
    /// # Errors
    /// The whistle is not out.
    pub fn arrived(&self) -> Result<Decision<Self>, Refused> {
        self.permit(Step::Arrive)?;
        let mut state = self.clone();
        state.status = Status::Handling;
        Ok(Decision { state, events: Vec::new() })
    }

    /// Every task is confirmed: from now on only the blower's word is missing. Without an event of
    /// its own, since the task's tells it.
    pub fn settled(&self, now: Timestamp) -> Decision<Self> {
        let mut state = self.clone();
        state.settled_at = Some(now);
        Decision { state, events: Vec::new() }
    }

    /// The blower calls it done (销哨). Once every unit is appraised it is over at once, else five
    /// working days later.
    ///
    /// # Errors
    /// A task is not confirmed; it is not out.
    pub fn stand_down(
        &self,
        tasks: &[Task],
        appraised: &[NodeCode],
        now: Timestamp,
    ) -> Result<Decision<Self>, Refused> {
        self.called_done(EventKind::StandDownCalled, tasks, appraised, now)
    }

    fn called_done(
        &self,
        how: EventKind,
        tasks: &[Task],
        appraised: &[NodeCode],
        now: Timestamp,
    ) -> Result<Decision<Self>, Refused> {
        self.permit(Step::StandDown)?;
        let open = tasks.iter().filter(|task| !task.status.is_ended()).count();
        if open > 0 {
            return Err(Refused::TasksOpen(open));
        }
        let mut state = self.clone();
        state.status = Status::StandingDown;
        state.standing_down_at = Some(now);
        let mut decision = Decision::one(state, NewEvent::new(how, Visibility::Everyone));
        if all_appraised(tasks, appraised) {
            decision.events.push(decision.state.finish("appraised", now));
        }
        Ok(decision)
    }

    pub(super) fn finish(&mut self, how: &str, now: Timestamp) -> NewEvent {
        self.status = Status::StoodDown;
        self.stood_down_at = Some(now);
        NewEvent::new(EventKind::StoodDown, Visibility::Everyone).with(json!({ "as": how }))
    }

    /// What a due instant does. An unfitting one is refused as an illegal step.
    ///
    /// # Errors
    /// The step does not fit the state.
    pub fn fire(
        &self,
        kind: TimerKind,
        tasks: &[Task],
        appraised: &[NodeCode],
        now: Timestamp,
    ) -> Result<Decision<Self>, Refused> {
        let mut state = self.clone();
        let event = match kind {
            TimerKind::StandDownDue if self.settled_at.is_some() => {
                return self.called_done(EventKind::StandDownSilent, tasks, appraised, now);
            }
            TimerKind::AppraisalEnds => {
                self.permit(Step::Finish)?;
                state.finish("time", now)
            }
            TimerKind::ReviewDue if self.review.is_none() => {
                self.permit(Step::Review)?;
                NewEvent::new(EventKind::ReviewOverdue, Visibility::Everyone)
            }
            _ => return Err(Refused::Step { step: Step::Review, status: self.status }),
        };
        Ok(Decision::one(state, event))
    }

    /// Whether the centre may judge a task that the blower has not (沉默): two working days after the
    /// reply.
    ///
    /// # Errors
    /// The blower still has the first word.
    pub fn passed_to_centre(task: &Task, terms: Terms<'_>, now: Timestamp) -> Result<(), Refused> {
        let silent_until =
            task.replied_at.map(|at| terms.rules.follow_up.silence.end(at, terms.calendar));
        if silent_until.is_some_and(|until| now >= until) {
            Ok(())
        } else {
            Err(Refused::AwaitingBlower)
        }
    }
}

/// The units whose tasks were confirmed, each once.
pub(super) fn confirmed(tasks: &[Task]) -> Vec<&NodeCode> {
    let mut units: Vec<&NodeCode> = tasks
        .iter()
        .filter(|task| task.status == task::Status::Confirmed)
        .map(|task| &task.unit)
        .collect();
    units.sort_unstable();
    units.dedup();
    units
}

pub(super) fn all_appraised(tasks: &[Task], appraised: &[NodeCode]) -> bool {
    confirmed(tasks).iter().all(|unit| appraised.contains(unit))
}
