//! The lead's summary (牵头单位综合答复): where the centre asked for it, the lead replies for all, and
//! so after the assists. The reporter reads the lead's reply alone, as on every case.

use serde_json::json;

use super::{Refused, Role, Status, Task};
use crate::{
    event::{EventKind, NewEvent, Visibility},
    org::NodeCode,
    refusal::FieldError,
    text,
};

/// Why the lead does not wait for the assists: 2–500 characters.
///
/// # Errors
/// Too short or too long.
pub fn waiver(given: &str) -> Result<String, FieldError> {
    text::text("without_assists", given, 2, 500)
}

impl Task {
    /// The assist units of the case whose reply is still out, as far as this task waits for them:
    /// a lead's for all, an assist's for none. A reply that was sent back is out again.
    pub fn awaited(&self, tasks: &[Self]) -> Vec<NodeCode> {
        let out = |task: &&Self| {
            task.role == Role::Assist && !task.status.is_ended() && task.status != Status::Replied
        };
        let all = if self.role == Role::Lead { tasks } else { &[] };
        all.iter().filter(out).map(|task| task.unit.clone()).collect()
    }

    /// Whether the lead may reply for all: when nobody is awaited, or with a reason not to wait,
    /// which is told. The units come with their names.
    ///
    /// # Errors
    /// A reply is still out, and no reason is given.
    pub fn sum_up(
        &self,
        awaited: &[(NodeCode, String)],
        waiver: Option<&str>,
    ) -> Result<Option<NewEvent>, Refused> {
        if awaited.is_empty() {
            return Ok(None);
        }
        let Some(reason) = waiver else {
            let names: Vec<&str> = awaited.iter().map(|(_, name)| name.as_str()).collect();
            return Err(Refused::AssistsOut(names.join("、")));
        };
        let units: Vec<&NodeCode> = awaited.iter().map(|(code, _)| code).collect();
        let event = self
            .event(EventKind::AssistsWaived, Visibility::Unit)
            .with(json!({ "units": units }))
            .note(reason.to_owned());
        Ok(Some(event))
    }
}
