//! The two-way appraisal (评哨): the community scores each unit that came, and each unit says whether
//! the whistle was needed and clear.

use serde_json::json;

use super::{
    Refused, Status, Step, Whistle,
    work::{all_appraised, confirmed},
};
use crate::{
    decision::Decision,
    event::{EventKind, NewEvent, Visibility},
    org::NodeCode,
    refusal::{Faults, FieldError, Invalid},
    task::Task,
    text,
    time::Timestamp,
};

/// 1 (lowest) to 5 (highest).
fn score(field: &str, given: i64) -> Result<i16, FieldError> {
    match i16::try_from(given) {
        Ok(score @ 1..=5) => Ok(score),
        _ => Err(FieldError::new(field, format!("只能打 1–5 分，现在是 {given}"))),
    }
}

/// What the community thinks of a unit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Appraisal {
    /// The unit.
    pub unit: NodeCode,
    /// 报到效率, 1–5.
    pub speed: i16,
    /// 办理情况, 1–5.
    pub handling: i16,
    /// 结果满意度, 1–5.
    pub result: i16,
    /// Words.
    pub comment: Option<String>,
}

impl Appraisal {
    /// # Errors
    /// A score out of 1–5, a wrong code, or too long a comment.
    pub fn parse(
        unit: &str,
        [speed, handling, result]: [i64; 3],
        comment: Option<&str>,
    ) -> Result<Self, Invalid> {
        let mut faults = Faults::default();
        let unit = faults.take(NodeCode::parse("unit", unit));
        let speed = faults.take(score("speed", speed));
        let handling = faults.take(score("handling", handling));
        let result = faults.take(score("result", result));
        let comment = faults.take(text::optional("comment", comment, 1000));
        faults.check()?;
        match (unit, speed, handling, result, comment) {
            (Some(unit), Some(speed), Some(handling), Some(result), Some(comment)) => {
                Ok(Self { unit, speed, handling, result, comment })
            }
            _ => unreachable!("a missing part has noted its fault"),
        }
    }
}

/// What a unit thinks of the whistle.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rating {
    /// Whether it was needed, 1–5.
    pub needed: i16,
    /// Whether it was clear, 1–5.
    pub clear: i16,
    /// Words.
    pub comment: Option<String>,
}

impl Rating {
    /// # Errors
    /// A score out of 1–5, or too long a comment.
    pub fn parse(needed: i64, clear: i64, comment: Option<&str>) -> Result<Self, Invalid> {
        let mut faults = Faults::default();
        let needed = faults.take(score("needed", needed));
        let clear = faults.take(score("clear", clear));
        let comment = faults.take(text::optional("comment", comment, 1000));
        faults.check()?;
        match (needed, clear, comment) {
            (Some(needed), Some(clear), Some(comment)) => Ok(Self { needed, clear, comment }),
            _ => unreachable!("a missing part has noted its fault"),
        }
    }
}

impl Whistle {
    /// Takes the blower's appraisal of a unit, open from the confirmation of its task until the
    /// whistle is over. With the last one a whistle that is standing down is over.
    ///
    /// # Errors
    /// The unit was not called, is not confirmed, or is appraised already.
    pub fn appraise(
        &self,
        command: &Appraisal,
        tasks: &[Task],
        appraised: &[NodeCode],
        now: Timestamp,
    ) -> Result<Decision<Self>, Refused> {
        self.permit(Step::Appraise)?;
        let unit = &command.unit;
        if !tasks.iter().any(|task| task.unit == *unit) {
            return Err(Refused::UnitNotCalled(unit.to_string()));
        }
        if appraised.contains(unit) {
            return Err(Refused::AlreadyAppraised);
        }
        if !confirmed(tasks).contains(&unit) {
            return Err(Refused::UnitNotConfirmed(unit.to_string()));
        }
        let mut event = NewEvent::new(EventKind::UnitAppraised, Visibility::Unit)
            .with(json!({
                "speed": command.speed, "handling": command.handling, "result": command.result,
            }))
            .note(command.comment.clone());
        event.unit = Some(unit.clone());
        let mut decision = Decision::one(self.clone(), event);
        let now_appraised: Vec<NodeCode> =
            appraised.iter().cloned().chain([unit.clone()]).collect();
        if self.status == Status::StandingDown && all_appraised(tasks, &now_appraised) {
            let over = decision.state.finish("appraised", now);
            decision.events.push(over);
        }
        Ok(decision)
    }

    /// Takes a unit's rating of the whistle.
    ///
    /// # Errors
    /// It is not out; the unit rated already.
    pub fn rate(
        &self,
        command: &Rating,
        unit: &NodeCode,
        rated: &[NodeCode],
    ) -> Result<Decision<Self>, Refused> {
        self.permit(Step::Rate)?;
        if rated.contains(unit) {
            return Err(Refused::AlreadyRated);
        }
        let mut event = NewEvent::new(EventKind::WhistleRated, Visibility::Unit)
            .with(json!({ "needed": command.needed, "clear": command.clear }))
            .note(command.comment.clone());
        event.unit = Some(unit.clone());
        Ok(Decision::one(self.clone(), event))
    }
}
