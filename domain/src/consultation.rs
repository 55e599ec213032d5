//! A consultation (会商): several units confer on one complaint, and the centre decides bindingly
//! who has it. It climbs from the centre to the deputy district head to the coordination
//! mechanism, each level with a deadline of its own.
//!
//! [`TRANSITIONS`] is the table of every step. What happens is told in the complaint's stream.

use serde_json::json;

use crate::{
    complaint::Complaint,
    decision::Decision,
    event::{EventKind, NewEvent, Visibility},
    id::{ComplaintId, ConsultationId},
    org::NodeCode,
    refusal::{Faults, Invalid},
    sla::{Terms, Timer, TimerKind},
    task::{self, Task},
    text,
    time::Timestamp,
};

mod decide;
mod refused;
#[cfg(test)]
mod tests;

pub use decide::{Decide, Outcome};
pub use refused::Refused;

codes! {
    /// Where a consultation stands.
    pub enum Status {
        /// Units give statements; the centre has not decided.
        Open = "open", "会商中";
        /// Decided; the ruling binds.
        Decided = "decided", "已裁定";
        /// The complaint was settled or ended before a ruling.
        Lapsed = "lapsed", "已终止";
    }
}

codes! {
    /// Who convenes it.
    pub enum Level {
        /// The district centre.
        Centre = "centre", "区中心";
        /// The deputy district head in charge.
        DeputyHead = "deputy_head", "分管副区长";
        /// The coordination mechanism, with the district's party secretary as convener.
        Coordination = "coordination", "区级统筹协调机制";
    }
}

impl Level {
    /// The level above, if there is one.
    pub const fn above(self) -> Option<Self> {
        match self {
            Self::Centre => Some(Self::DeputyHead),
            Self::DeputyHead => Some(Self::Coordination),
            Self::Coordination => None,
        }
    }
}

codes! {
    /// Why units must confer.
    pub enum Cause {
        /// Their duties overlap.
        Overlap = "overlap", "职责交叉";
        /// The case was reworked twice in vain.
        Rework = "rework", "多次重办未解决";
        /// A hard case.
        Hard = "hard", "疑难复杂";
    }
}

codes! {
    /// The steps in a consultation's life.
    pub enum Step {
        /// An invited unit gives its statement, or replaces it.
        State = "state", "陈述意见";
        /// It goes one level up.
        Climb = "climb", "提级会商";
        /// It is decided.
        Decide = "decide", "会商裁定";
        /// The complaint was settled or ended before.
        Lapse = "lapse", "终止会商";
    }
}

/// Every step that is allowed: from where, and to where it can lead. What is not listed is
/// refused with `consultation_step_refused`.
pub const TRANSITIONS: &[(Step, &[Status], &[Status])] = &[
    (Step::State, &[Status::Open], &[Status::Open]),
    (Step::Climb, &[Status::Open], &[Status::Open]),
    (Step::Decide, &[Status::Open], &[Status::Decided]),
    (Step::Lapse, &[Status::Open], &[Status::Lapsed]),
];

/// What the units are asked when two reworks in vain opened the consultation.
pub const REWORK_QUESTION: &str = "多次重办后反映人仍不认可，请说明办理情况、困难和解决办法。";

/// The units whose work on a case counted, each once: whom it takes to confer after reworks.
pub fn worked_on<'t>(tasks: impl IntoIterator<Item = &'t Task>) -> Vec<NodeCode> {
    use task::Status::{Cancelled, Returned};
    let mut all: Vec<NodeCode> = Vec::new();
    for task in tasks {
        if !matches!(task.status, Returned | Cancelled) && !all.contains(&task.unit) {
            all.push(task.unit.clone());
        }
    }
    all
}

/// Whether these events settle or end a complaint, so that its consultation lapses.
pub fn settled_by(events: &[NewEvent]) -> bool {
    use EventKind::{Answered, Merged, Replied, Withdrawn};
    events.iter().any(|event| matches!(event.kind, Answered | Merged | Withdrawn | Replied))
}

/// The most units that one consultation invites.
const MOST_UNITS: usize = 20;

/// Open a consultation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Open {
    /// Why.
    pub cause: Cause,
    /// Who is invited; each once.
    pub units: Vec<NodeCode>,
    /// What is to be settled.
    pub question: String,
    /// Decide until; the level's own term when left out.
    pub decide_by: Option<Timestamp>,
}

impl Open {
    /// # Errors
    /// Nobody is invited, somebody twice or too many are; the question is missing or too long.
    pub fn parse(
        cause: Option<Cause>,
        units: &[String],
        question: &str,
        decide_by: Option<Timestamp>,
    ) -> Result<Self, Invalid> {
        let mut faults = Faults::default();
        if units.is_empty() || units.len() > MOST_UNITS {
            faults.add("units", format!("请邀请 1–{MOST_UNITS} 个单位，现在是 {} 个", units.len()));
        }
        let mut invited: Vec<NodeCode> = Vec::new();
        for (index, code) in units.iter().enumerate() {
            let field = format!("units.{index}");
            if let Some(unit) = faults.take(NodeCode::parse(&field, code)) {
                if invited.contains(&unit) {
                    faults.add(field, "同一单位只邀请一次");
                } else {
                    invited.push(unit);
                }
            }
        }
        let question = faults.take(text::text("question", question, 5, 2000));
        faults.check()?;
        Ok(Self {
            cause: cause.unwrap_or(Cause::Overlap),
            units: invited,
            question: question.unwrap_or_default(),
            decide_by,
        })
    }
}

/// What an invited unit says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Statement {
    /// Its words, for the centre and the other units.
    pub text: String,
}

impl Statement {
    /// # Errors
    /// The text is missing or too long.
    pub fn parse(text: &str) -> Result<Self, Invalid> {
        Ok(Self { text: text::text("text", text, 5, 5000)? })
    }
}

/// Take a consultation one level up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Climb {
    /// Why it cannot be settled here.
    pub reason: String,
}

impl Climb {
    /// # Errors
    /// The reason is missing or too long.
    pub fn parse(reason: &str) -> Result<Self, Invalid> {
        Ok(Self { reason: text::text("reason", reason, 2, 2000)? })
    }
}

/// A consultation as its rules see it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Consultation {
    /// Its id.
    pub id: ConsultationId,
    /// The complaint that is conferred on.
    pub complaint: ComplaintId,
    /// Grows by one with each save.
    pub version: i64,
    /// Where it stands.
    pub status: Status,
    /// Who convenes it.
    pub level: Level,
    /// Decide until.
    pub decide_by: Timestamp,
    /// The units that are invited.
    pub units: Vec<NodeCode>,
}

impl Consultation {
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

    /// Opens a consultation at the centre: each unit is invited. That the complaint is open to it,
    /// [`Complaint::consult`] says.
    ///
    /// # Errors
    /// The date is past or too far.
    pub fn open(
        id: ConsultationId,
        complaint: &Complaint,
        command: &Open,
        terms: Terms<'_>,
        now: Timestamp,
    ) -> Result<Decision<Self>, Refused> {
        if let Some(by) = command.decide_by {
            within_reach(by, now)?;
        }
        let due = || terms.rules.consultation.ends_at(Level::Centre, now, terms.calendar);
        let state = Self {
            id,
            complaint: complaint.id,
            version: 1,
            status: Status::Open,
            level: Level::Centre,
            decide_by: command.decide_by.unwrap_or_else(due),
            units: command.units.clone(),
        };
        let events = state.tell(EventKind::ConsultationInvited, Some(&command.question));
        Ok(Decision { state, events })
    }

    /// An invited unit gives its statement (陈述意见), or replaces it.
    ///
    /// # Errors
    /// It is decided or over.
    pub fn state(&self, unit: &NodeCode, statement: &Statement) -> Result<Decision<Self>, Refused> {
        self.permit(Step::State)?;
        let mut event = NewEvent::new(EventKind::ConsultationStated, Visibility::Unit)
            .with(json!({ "consultation": self.id }))
            .note(statement.text.clone());
        event.unit = Some(unit.clone());
        Ok(Decision::one(self.clone(), event))
    }

    /// Takes it one level up (提级会商), with a fresh deadline; each invited unit is told.
    ///
    /// # Errors
    /// It is decided or over, or is at the top.
    pub fn climb(
        &self,
        command: &Climb,
        terms: Terms<'_>,
        now: Timestamp,
    ) -> Result<Decision<Self>, Refused> {
        self.permit(Step::Climb)?;
        let level = self.level.above().ok_or(Refused::AtTop)?;
        let decide_by = terms.rules.consultation.ends_at(level, now, terms.calendar);
        let state = Self { level, decide_by, ..self.clone() };
        let events = state.tell(EventKind::ConsultationClimbed, Some(&command.reason));
        Ok(Decision { state, events })
    }

    /// Ends it without a ruling, because the complaint was settled or ended; each unit is told.
    ///
    /// # Errors
    /// It is decided or over.
    pub fn lapse(&self) -> Result<Decision<Self>, Refused> {
        self.permit(Step::Lapse)?;
        let state = Self { status: Status::Lapsed, ..self.clone() };
        let events = state.tell(EventKind::ConsultationLapsed, None);
        Ok(Decision { state, events })
    }

    /// The instants that it waits for: the centre must have decided.
    pub fn timers(&self) -> Vec<Timer> {
        match self.status {
            Status::Open => vec![Timer::new(TimerKind::ConsultationDue, self.decide_by)],
            Status::Decided | Status::Lapsed => Vec::new(),
        }
    }

    /// What a due instant does: the centre and who watches over it are told that it is late.
    pub fn fire(&self, kind: TimerKind) -> NewEvent {
        NewEvent::new(EventKind::CentreOverdue, Visibility::Centre)
            .with(json!({ "step": kind, "level": self.level }))
    }

    /// An event for each invited unit.
    fn tell(&self, kind: EventKind, note: Option<&String>) -> Vec<NewEvent> {
        let event = |unit: &NodeCode| {
            let mut event = NewEvent::new(kind, Visibility::Unit)
                .with(json!({
                    "consultation": self.id, "level": self.level, "decide_by": self.decide_by,
                }))
                .note(note.cloned());
            event.unit = Some(unit.clone());
            event
        };
        self.units.iter().map(event).collect()
    }
}

/// A date that is named lies ahead, and no farther than long works may be listed.
fn within_reach(by: Timestamp, now: Timestamp) -> Result<(), Refused> {
    let latest = now + chrono::TimeDelta::days(crate::complaint::Suspend::LONGEST_DAYS);
    if by <= now || by > latest {
        return Err(Refused::DecideByOutOfRange);
    }
    Ok(())
}
