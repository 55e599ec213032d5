//! Why a step on a consultation is refused.

use super::{Status, Step};
use crate::{
    complaint,
    refusal::{self, FieldError, Kind},
    task,
};

/// A refused step.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// The table has no such step from here.
    #[error("会商现在是“{}”，不能“{}”", .status.label(), .step.label())]
    Step {
        /// What was asked.
        step: Step,
        /// Where the consultation stands.
        status: Status,
    },
    /// One is open already.
    #[error("这件诉求正在会商，请在原会商中处理，或先作出裁定")]
    AlreadyOpen,
    /// There is no level above.
    #[error("已由区级统筹协调机制会商，不能再提级，请作出裁定")]
    AtTop,
    /// The date is past or too far.
    #[error("裁定时限要在现在之后、180 天之内")]
    DecideByOutOfRange,
    /// The complaint says no.
    #[error(transparent)]
    Complaint(#[from] complaint::Refused),
    /// A task says no.
    #[error(transparent)]
    Task(#[from] task::Refused),
}

impl refusal::Refusal for Refused {
    fn code(&self) -> &'static str {
        match self {
            Self::Step { .. } => "consultation_step_refused",
            Self::AlreadyOpen => "consultation_open",
            Self::AtTop => "consultation_at_top",
            Self::DecideByOutOfRange => "decide_by_out_of_range",
            Self::Complaint(refused) => refused.code(),
            Self::Task(refused) => refused.code(),
        }
    }

    fn kind(&self) -> Kind {
        match self {
            Self::DecideByOutOfRange => Kind::Invalid,
            Self::Complaint(refused) => refused.kind(),
            Self::Task(refused) => refused.kind(),
            _ => Kind::Conflict,
        }
    }

    fn fields(&self) -> Vec<FieldError> {
        match self {
            Self::DecideByOutOfRange => vec![FieldError::new("decide_by", self.to_string())],
            Self::Complaint(refused) => refused.fields(),
            Self::Task(refused) => refused.fields(),
            _ => Vec::new(),
        }
    }
}
