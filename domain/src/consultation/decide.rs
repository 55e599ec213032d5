//! The ruling of a consultation, and what becomes of the complaint's tasks.

use super::{Consultation, Refused, Status, Step};
use crate::{
    complaint::{Assignment, Complaint, Dispatch},
    decision::Decision,
    refusal::{Faults, Invalid},
    sla::Terms,
    task::{Order, Role, Task},
    text,
    time::Timestamp,
};

/// The words of a ruling.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decide {
    /// What is ruled, for the reporter and the units.
    pub text: String,
    /// The law, document or list it rests on.
    pub legal_basis: Option<String>,
    /// A new date for the resident; each task's own when left out.
    pub reply_by: Option<Timestamp>,
}

impl Decide {
    /// # Errors
    /// The text is missing or too long; the basis is too long.
    pub fn parse(
        text: &str,
        legal_basis: Option<&str>,
        reply_by: Option<Timestamp>,
    ) -> Result<Self, Invalid> {
        let mut faults = Faults::default();
        let words = faults.take(text::text("text", text, 5, 5000));
        let legal_basis = faults.take(text::optional("legal_basis", legal_basis, 1000)).flatten();
        faults.check()?;
        Ok(Self { text: words.unwrap_or_default(), legal_basis, reply_by })
    }
}

/// What a ruling changes.
#[derive(Debug, Clone, PartialEq)]
pub struct Outcome {
    /// The consultation, decided.
    pub consultation: Consultation,
    /// The complaint; its event tells the ruling.
    pub complaint: Decision<Complaint>,
    /// The tasks that were open: ended, or bound to their unit.
    pub tasks: Vec<Decision<Task>>,
    /// The tasks of the units that had none.
    pub created: Vec<Decision<Task>>,
}

impl Consultation {
    /// Decides bindingly (会商裁定) to whom the complaint falls. Open tasks of units that are no
    /// longer in charge, or now in another part, end; who keeps its part keeps its task; the others
    /// get a new one. None of them can be returned. `open` are the tasks that have not ended.
    ///
    /// # Errors
    /// It is decided or over; the complaint stands still or is over; a unit is named twice or is
    /// the reported one; the date is past.
    pub fn decide(
        &self,
        command: &Decide,
        units: &Dispatch,
        (complaint, open): (&Complaint, &[Task]),
        terms: Terms<'_>,
        now: Timestamp,
    ) -> Result<Outcome, Refused> {
        self.permit(Step::Decide)?;
        let ruled: Vec<(&Assignment, Role)> = std::iter::once((&units.lead, Role::Lead))
            .chain(units.assist.iter().map(|unit| (unit, Role::Assist)))
            .collect();
        let ruling = complaint.rule(units, command, now)?;
        let keeps = |task: &Task| {
            ruled.iter().any(|(to, role)| to.unit.code == task.unit && *role == task.role)
        };
        let mut tasks = Vec::new();
        for task in open {
            let decided =
                if keeps(task) { task.bind(command.reply_by, now) } else { task.cancel(now) };
            tasks.push(decided?);
        }
        let has = |to: &Assignment, role| {
            open.iter().any(|task| task.unit == to.unit.code && task.role == role)
        };
        let mut line = open.iter().map(|task| task.line).max().unwrap_or(0);
        let mut created = Vec::new();
        for (to, role) in ruled.into_iter().filter(|(to, role)| !has(to, *role)) {
            if role == Role::Assist {
                line = line.saturating_add(1);
            }
            let order = Order {
                line: if role == Role::Lead { 0 } else { line },
                site: units.site,
                note: units.note.clone(),
            };
            created.push(Task::ruled(to, complaint, &order, command.reply_by, terms, now)?);
        }
        let consultation = Self { status: Status::Decided, ..self.clone() };
        Ok(Outcome { consultation, complaint: ruling, tasks, created })
    }
}
