//! Who works on a task inside its unit (转交): a named officer, or a body below the unit. It stands
//! beside the state: the unit answers for the task as before, and its clocks run on.

use serde_json::json;

use super::{Refused, Step, Task};
use crate::{
    decision::Decision,
    event::{EventKind, Visibility},
    id::AccountId,
    identity::Actor,
    org::{NodeCode, Unit},
    refusal::{Faults, Invalid},
    text,
};

/// Who works on a task for the unit that has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Assignee {
    /// One of the unit's officers.
    Officer(AccountId),
    /// A body below the unit.
    Body(NodeCode),
}

impl Assignee {
    /// The officer, where it is one.
    pub const fn officer(&self) -> Option<AccountId> {
        match self {
            Self::Officer(account) => Some(*account),
            Self::Body(_) => None,
        }
    }

    /// The body, where it is one.
    pub const fn body(&self) -> Option<&NodeCode> {
        match self {
            Self::Officer(_) => None,
            Self::Body(code) => Some(code),
        }
    }
}

/// To whom somebody wants to hand a task over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Receiver {
    /// An officer, who was found to work for the unit.
    Officer(AccountId),
    /// A unit, which must lie below.
    Body(Unit),
}

/// Hand a task over inside its unit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HandOver {
    /// To whom.
    pub to: Receiver,
    /// Words for them.
    pub note: Option<String>,
}

/// To whom a task is to be handed, as it was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Named {
    /// An officer's username.
    Officer(String),
    /// A unit's code.
    Body(NodeCode),
}

impl Named {
    /// Exactly one of the two, and the words that go with it.
    ///
    /// # Errors
    /// None or both are named, or a field is at fault.
    pub fn parse(
        officer: Option<&str>,
        body: Option<&str>,
        note: Option<&str>,
    ) -> Result<(Self, Option<String>), Invalid> {
        let mut faults = Faults::default();
        let officer = faults.take(text::optional("officer", officer, 64)).flatten();
        let body = faults.take(NodeCode::optional("body", body)).flatten();
        let note = faults.take(text::optional("note", note, 500)).flatten();
        faults.check()?;
        match (officer, body) {
            (Some(officer), None) => Ok((Self::Officer(officer), note)),
            (None, Some(body)) => Ok((Self::Body(body), note)),
            _ => Err(Invalid::field(
                "officer",
                "请指明转交给谁：本单位经办人的用户名（officer）或下级单位的代码（body），只填一个",
            )),
        }
    }
}

impl Task {
    /// Whether somebody works on it: for the unit, or for the body that it was handed to.
    pub fn is_worked_by(&self, actor: &Actor) -> bool {
        let body = self.assignee.as_ref().and_then(Assignee::body);
        actor.works_for(&self.unit) || body.is_some_and(|body| actor.works_for(body))
    }

    /// Hands it over inside the unit (转交). Nothing else changes: the unit answers for it.
    ///
    /// # Errors
    /// It is replied to or over; whoever is named has it already; the body is not below the unit.
    pub fn hand_over(&self, command: &HandOver) -> Result<Decision<Self>, Refused> {
        self.permit(Step::HandOver)?;
        let to = match &command.to {
            Receiver::Officer(account) => Assignee::Officer(*account),
            Receiver::Body(body) => {
                // A division's subtree is its code's prefix; other trees know their parent.
                let below =
                    self.unit.contains(&body.code) || body.superior.as_ref() == Some(&self.unit);
                if !below || body.code == self.unit {
                    return Err(Refused::NotBelow(body.name.clone()));
                }
                Assignee::Body(body.code.clone())
            }
        };
        if self.assignee.as_ref() == Some(&to) {
            return Err(Refused::HandedAlready);
        }
        let event = self
            .event(EventKind::TaskHandedOver, Visibility::Unit)
            .with(json!({ "officer": to.officer(), "body": to.body() }))
            .note(command.note.clone());
        let state = Self { assignee: Some(to), ..self.clone() };
        Ok(Decision::one(state, event))
    }

    /// Takes it back to the unit (收回).
    ///
    /// # Errors
    /// Nobody has it; it is over.
    pub fn take_back(&self, reason: Option<String>) -> Result<Decision<Self>, Refused> {
        self.permit(Step::TakeBack)?;
        let from = self.assignee.as_ref().ok_or(Refused::NotHanded)?;
        let event = self
            .event(EventKind::TaskTakenBack, Visibility::Unit)
            .with(json!({ "officer": from.officer(), "body": from.body() }))
            .note(reason);
        let state = Self { assignee: None, ..self.clone() };
        Ok(Decision::one(state, event))
    }
}
