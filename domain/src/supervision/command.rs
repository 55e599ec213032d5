//! What people write to open, answer and judge a supervision.

use super::Level;
use crate::{
    org::NodeCode,
    refusal::{Faults, FieldError, Invalid},
    text,
    time::Timestamp,
};

/// A demand on a unit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Demand {
    /// Who demands.
    pub level: Level,
    /// The unit; the lead when left out.
    pub unit: Option<NodeCode>,
    /// What is demanded; none for the worker's, whose bulletin says it.
    pub text: Option<String>,
    /// It is a leader's word (批示).
    pub instruction: bool,
}

impl Demand {
    /// A supervisor's demand.
    ///
    /// # Errors
    /// A wrong code; too short or too long a demand.
    pub fn parse(level: Level, unit: Option<&str>, demand: &str) -> Result<Self, Invalid> {
        let mut faults = Faults::default();
        let unit = match unit {
            Some(code) => faults.take(NodeCode::parse("unit", code)),
            None => None,
        };
        let demand = faults.take(text::text("demand", demand, 5, 2000));
        faults.check()?;
        Ok(Self { level, unit, text: demand, instruction: false })
    }

    /// The first level, because a written bulletin brought nothing.
    pub const fn overdue(unit: NodeCode) -> Self {
        Self { level: Level::Letter, unit: Some(unit), text: None, instruction: false }
    }

    /// A leader's word (批示) to the lead unit.
    pub const fn instruction(text: String) -> Self {
        Self { level: Level::Leader, unit: None, text: Some(text), instruction: true }
    }
}

/// The unit's answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Written {
    /// What was found and done, in words.
    pub text: String,
    /// By when it will be done, where it is not.
    pub until: Option<Timestamp>,
}

impl Written {
    /// # Errors
    /// The text is too short or too long.
    pub fn parse(text: &str, until: Option<Timestamp>) -> Result<Self, Invalid> {
        Ok(Self { text: text::text("text", text, 10, 5000)?, until })
    }
}

/// The answer will not do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SendBack {
    /// What is missing.
    pub reason: String,
}

impl SendBack {
    /// # Errors
    /// The reason is too short or too long.
    pub fn parse(reason: &str) -> Result<Self, Invalid> {
        Ok(Self { reason: self::reason(reason)? })
    }
}

/// Why something is sent back, listed or taken off the list: 5–2000 characters.
///
/// # Errors
/// Too short or too long.
pub fn reason(given: &str) -> Result<String, FieldError> {
    text::text("reason", given, 5, 2000)
}

/// A leader's word (批示): 2–2000 characters.
///
/// # Errors
/// Too short or too long.
pub fn instruction(given: &str) -> Result<String, FieldError> {
    text::text("text", given, 2, 2000)
}
