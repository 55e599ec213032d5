//! Supervision (督办): a demand on a unit whose work is overdue, which it must answer in writing.
//! Unanswered it climbs: the unit's leader by letter, the government's 督查室, the district leader,
//! and at last the coordination mechanism. A leader's 批示 begins at the top.
//!
//! [`TRANSITIONS`] is the table of every step; the methods below decide what a step does. It is part
//! of its case: its events stand in the case's stream, and the case's lock is its lock.

use serde_json::json;

use crate::{
    decision::Decision,
    event::{EventKind, NewEvent, Visibility},
    id::{AccountId, SupervisionId},
    org::NodeCode,
    sla::{Terms, Timer, TimerKind},
    task::{self, Case, Task},
    time::Timestamp,
};

mod command;
mod refused;
mod roster;
#[cfg(test)]
mod tests;

pub use command::{Demand, SendBack, Written, instruction, reason};
pub use refused::Refused;
pub use roster::{Roster, Shift, ShiftForm};

codes! {
    /// Where a supervision stands.
    pub enum Status {
        /// Waits for the unit's written answer.
        Open = "open", "待书面答复";
        /// Answered; waits for the supervisor.
        Answered = "answered", "待督查审核";
        /// Unanswered at the last level: with the coordination mechanism, and still to be answered.
        Coordination = "coordination", "已提请协调机制";
        /// Over.
        Accepted = "accepted", "已办结";
        /// Over without an answer: the unit was relieved of the matter.
        Lapsed = "lapsed", "已失效";
    }
}

codes! {
    /// Who demands.
    pub enum Level {
        /// The unit's main leader, by letter.
        Letter = "letter", "一级督办（致函单位主要负责人）";
        /// The government's 督查室.
        Inspectorate = "inspectorate", "二级督办（政府督查室）";
        /// The district leader.
        Leader = "leader", "三级督办（区领导）";
    }
}

impl Level {
    /// The level above; none above the district leader.
    pub const fn above(self) -> Option<Self> {
        match self {
            Self::Letter => Some(Self::Inspectorate),
            Self::Inspectorate => Some(Self::Leader),
            Self::Leader => None,
        }
    }
}

codes! {
    /// The steps in a supervision's life.
    pub enum Step {
        /// The unit answers in writing.
        Answer = "answer", "书面答复";
        /// The answer will do.
        Accept = "accept", "办结";
        /// The answer will not do.
        SendBack = "send_back", "退回";
        /// Unanswered by its deadline: one level up.
        Climb = "climb", "逐级上升";
        /// Unanswered by its deadline, and no longer the unit's.
        Lapse = "lapse", "失效";
        /// The district leader takes it up.
        Instruct = "instruct", "批示";
        /// It is put on the list (挂牌).
        List = "list", "挂牌";
        /// It is taken off the list.
        Unlist = "unlist", "摘牌";
    }
}

/// Every step that is allowed: from where, and to where it can lead. What is not listed is
/// refused with `supervision_step_refused`.
pub const TRANSITIONS: &[(Step, &[Status], &[Status])] = {
    use Status::{Accepted, Answered, Coordination, Lapsed, Open};
    &[
        (Step::Answer, &[Open, Coordination], &[Answered]),
        (Step::Accept, &[Answered], &[Accepted]),
        (Step::SendBack, &[Answered], &[Open]),
        (Step::Climb, &[Open], &[Open, Coordination]),
        (Step::Lapse, &[Open], &[Lapsed]),
        (Step::Instruct, &[Open, Answered, Coordination], &[Open]),
        (Step::List, &[Open, Answered, Coordination], &[Open, Answered, Coordination]),
        (Step::Unlist, &[Open, Answered, Coordination], &[Open, Answered, Coordination]),
    ]
};

/// A supervision as its rules see it.
#[derive(Debug, Clone, PartialEq)]
pub struct Supervision {
    /// Its id.
    pub id: SupervisionId,
    /// Grows by one with each save.
    pub version: i64,
    /// Where it stands.
    pub status: Status,
    /// Who demands.
    pub level: Level,
    /// The case it is about.
    pub case: Case,
    /// The unit's task on it.
    pub task: crate::id::TaskId,
    /// The unit that must answer.
    pub unit: NodeCode,
    /// What is demanded, in words; none where an overdue bulletin opened it.
    pub demand: Option<String>,
    /// Since when.
    pub opened_at: Timestamp,
    /// By whom; none for the worker.
    pub opened_by: Option<AccountId>,
    /// Answer until.
    pub answer_by: Timestamp,
    /// The answer as it stands.
    pub answer: Option<Written>,
    /// When it was answered last.
    pub answered_at: Option<Timestamp>,
    /// How often an answer was sent back.
    pub send_backs: i16,
    /// Since when it is listed (挂牌).
    pub listed_at: Option<Timestamp>,
    /// When it was over.
    pub ended_at: Option<Timestamp>,
}

impl Supervision {
    /// Whether the table allows a step from where the supervision stands.
    ///
    /// # Errors
    /// It does not.
    pub fn permit(&self, step: Step) -> Result<(), Refused> {
        let allowed = TRANSITIONS
            .iter()
            .any(|(listed, from, _)| *listed == step && from.contains(&self.status));
        if allowed { Ok(()) } else { Err(Refused::Step { step, status: self.status }) }
    }

    /// Opens a supervision of a unit's task.
    pub fn open(
        id: SupervisionId,
        task: &Task,
        demand: &Demand,
        by: Option<AccountId>,
        terms: Terms<'_>,
        now: Timestamp,
    ) -> Decision<Self> {
        let state = Self {
            id,
            version: 1,
            status: Status::Open,
            level: demand.level,
            case: task.case,
            task: task.id,
            unit: task.unit.clone(),
            demand: demand.text.clone(),
            opened_at: now,
            opened_by: by,
            answer_by: terms.rules.supervision.answer_by(demand.level, now, terms.calendar),
            answer: None,
            answered_at: None,
            send_backs: 0,
            listed_at: None,
            ended_at: None,
        };
        let kind = match demand.level {
            _ if demand.instruction => EventKind::LeaderInstructed,
            Level::Leader => EventKind::SupervisionReferred,
            Level::Letter | Level::Inspectorate => EventKind::SupervisionOpened,
        };
        let event = state.told(kind).note(demand.text.clone());
        Decision::one(state, event)
    }

    /// An event for the unit, with the level and the deadline as they stand now.
    fn told(&self, kind: EventKind) -> NewEvent {
        NewEvent::new(kind, Visibility::Unit).about(self.task, &self.unit).with(json!({
            "supervision": self.id, "level": self.level, "by": self.answer_by,
        }))
    }

    /// The unit answers in writing (书面答复).
    ///
    /// # Errors
    /// No answer is awaited; the date promised is past.
    pub fn answer(&self, written: &Written, now: Timestamp) -> Result<Decision<Self>, Refused> {
        self.permit(Step::Answer)?;
        if written.until.is_some_and(|until| until <= now) {
            return Err(Refused::UntilPast);
        }
        let mut state = self.clone();
        state.status = Status::Answered;
        state.answer = Some(written.clone());
        state.answered_at = Some(now);
        let event = state
            .told(EventKind::SupervisionAnswered)
            .with(json!({ "supervision": self.id, "level": self.level, "until": written.until }))
            .note(written.text.clone());
        Ok(Decision::one(state, event))
    }

    /// The answer will do (办结); what was listed is taken off the list.
    ///
    /// # Errors
    /// There is no answer to judge.
    pub fn accept(&self, now: Timestamp) -> Result<Decision<Self>, Refused> {
        self.permit(Step::Accept)?;
        let mut state = self.clone();
        state.status = Status::Accepted;
        state.ended_at = Some(now);
        state.listed_at = None;
        let event = state.told(EventKind::SupervisionAccepted);
        Ok(Decision::one(state, event))
    }

    /// The answer will not do: the unit has the level's time again.
    ///
    /// # Errors
    /// There is no answer to judge.
    pub fn send_back(
        &self,
        command: &SendBack,
        terms: Terms<'_>,
        now: Timestamp,
    ) -> Result<Decision<Self>, Refused> {
        self.permit(Step::SendBack)?;
        let mut state = self.reopened(self.level, terms, now);
        state.send_backs = self.send_backs.saturating_add(1);
        let event = state.told(EventKind::SupervisionSentBack).note(command.reason.clone());
        Ok(Decision::one(state, event))
    }

    /// The district leader takes it up by his word (批示), wherever it stands.
    ///
    /// # Errors
    /// It is over.
    pub fn instruct(
        &self,
        text: &str,
        terms: Terms<'_>,
        now: Timestamp,
    ) -> Result<Decision<Self>, Refused> {
        self.permit(Step::Instruct)?;
        let mut state = self.reopened(Level::Leader, terms, now);
        state.demand = Some(text.to_owned());
        let event = state.told(EventKind::LeaderInstructed).note(text.to_owned());
        Ok(Decision::one(state, event))
    }

    fn reopened(&self, level: Level, terms: Terms<'_>, now: Timestamp) -> Self {
        let answer_by = terms.rules.supervision.answer_by(level, now, terms.calendar);
        Self { status: Status::Open, level, answer_by, ..self.clone() }
    }

    /// Puts it on the list of the district (挂牌督办).
    ///
    /// # Errors
    /// It is over, or listed already.
    pub fn list(&self, reason: &str, now: Timestamp) -> Result<Decision<Self>, Refused> {
        self.permit(Step::List)?;
        if self.listed_at.is_some() {
            return Err(Refused::Listed);
        }
        let state = Self { listed_at: Some(now), ..self.clone() };
        let event = state.told(EventKind::SupervisionListed).note(reason.to_owned());
        Ok(Decision::one(state, event))
    }

    /// Takes it off the list (摘牌).
    ///
    /// # Errors
    /// It is over, or not listed.
    pub fn unlist(&self, reason: &str) -> Result<Decision<Self>, Refused> {
        self.permit(Step::Unlist)?;
        if self.listed_at.is_none() {
            return Err(Refused::NotListed);
        }
        let state = Self { listed_at: None, ..self.clone() };
        let event = state.told(EventKind::SupervisionUnlisted).note(reason.to_owned());
        Ok(Decision::one(state, event))
    }

    /// The instant that the supervision waits for, by its state alone.
    pub fn timers(&self) -> Vec<Timer> {
        match self.status {
            Status::Open => vec![Timer::new(TimerKind::AnswerDue, self.answer_by)],
            Status::Answered | Status::Coordination | Status::Accepted | Status::Lapsed => {
                Vec::new()
            }
        }
    }

    /// What its deadline does: unanswered it climbs, or lapses where the unit was relieved of its
    /// `task` meanwhile (returned, or cancelled with the case).
    ///
    /// # Errors
    /// No answer is awaited.
    pub fn fire(
        &self,
        task: task::Status,
        terms: Terms<'_>,
        now: Timestamp,
    ) -> Result<Decision<Self>, Refused> {
        match task {
            task::Status::Returned | task::Status::Cancelled => self.lapse(now),
            _ => self.climb(terms, now),
        }
    }

    fn lapse(&self, now: Timestamp) -> Result<Decision<Self>, Refused> {
        self.permit(Step::Lapse)?;
        let mut state = self.clone();
        state.status = Status::Lapsed;
        state.ended_at = Some(now);
        state.listed_at = None;
        let event = state.told(EventKind::SupervisionLapsed);
        Ok(Decision::one(state, event))
    }

    /// Unanswered by its deadline: it climbs one level, and from the last one to the coordination
    /// mechanism.
    ///
    /// # Errors
    /// No answer is awaited.
    fn climb(&self, terms: Terms<'_>, now: Timestamp) -> Result<Decision<Self>, Refused> {
        self.permit(Step::Climb)?;
        let (state, kind) = match self.level.above() {
            Some(level) => {
                let referred = level == Level::Leader;
                let kind = if referred {
                    EventKind::SupervisionReferred
                } else {
                    EventKind::SupervisionClimbed
                };
                (self.reopened(level, terms, now), kind)
            }
            None => {
                let state = Self { status: Status::Coordination, ..self.clone() };
                (state, EventKind::CoordinationAsked)
            }
        };
        let event = state.told(kind);
        Ok(Decision::one(state, event))
    }
}
