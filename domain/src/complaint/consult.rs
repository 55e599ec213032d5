//! A complaint that units confer on (会商), and what is ruled about it.

use serde_json::json;

use super::{Complaint, Dispatch, Refused, Status, Step};
use crate::{
    consultation::{Cause, Decide},
    decision::Decision,
    event::{EventKind, NewEvent, Visibility},
    org::{NodeCode, Unit},
    time::Timestamp,
};

impl Complaint {
    /// Units are invited to confer on it: from now on they read it.
    ///
    /// # Errors
    /// Nobody works on it any more, or not yet; the reported unit is invited.
    pub fn consult(&self, cause: Cause, invited: &[Unit]) -> Result<Decision<Self>, Refused> {
        self.permit(Step::Consult)?;
        let mut state = self.clone();
        for unit in invited {
            self.check_not_reported(unit)?;
            state.take_on(&unit.code);
        }
        let event = NewEvent::new(EventKind::ConsultationOpened, Visibility::Everyone)
            .with(json!({ "cause": cause }));
        Ok(Decision::one(state, event))
    }

    /// The ruling of a consultation names who has it.
    ///
    /// # Errors
    /// Nobody works on it any more; it stands still; a unit is named twice or is the reported one.
    pub fn rule(
        &self,
        units: &Dispatch,
        ruling: &Decide,
        now: Timestamp,
    ) -> Result<Decision<Self>, Refused> {
        self.permit(Step::Rule)?;
        if self.suspension.is_some() {
            return Err(Refused::Suspended);
        }
        let mut named: Vec<&NodeCode> = Vec::new();
        for unit in std::iter::once(&units.lead).chain(&units.assist).map(|to| &to.unit) {
            if named.contains(&&unit.code) {
                return Err(Refused::UnitTwice(unit.name.clone()));
            }
            self.check_not_reported(unit)?;
            named.push(&unit.code);
        }
        let mut state = self.clone();
        if self.status == Status::Accepted {
            state.status = Status::Dispatched;
        }
        state.dispatched_at = Some(self.dispatched_at.unwrap_or(now));
        if let Some((item, list)) = &units.judged_by {
            state.duty_item = Some(item.clone());
            state.duty_list = Some(list.clone());
        }
        let words = match &ruling.legal_basis {
            Some(basis) => format!("{}（依据：{basis}）", ruling.text),
            None => ruling.text.clone(),
        };
        let assist: Vec<_> = units.assist.iter().map(|to| &to.unit.code).collect();
        let event = NewEvent::new(EventKind::ConsultationDecided, Visibility::Everyone)
            .with(json!({
                "lead": units.lead.unit.code, "assist": assist, "reply_by": ruling.reply_by,
            }))
            .note(words);
        Ok(Decision::one(state, event))
    }
}
