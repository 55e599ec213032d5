//! Why a step on a supervision, or a duty roster, is refused.

use super::{Status, Step};
use crate::refusal::{self, FieldError, Kind};

/// A refused step.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// The table has no such step from here.
    #[error("督办件现在是“{}”，不能“{}”", .status.label(), .step.label())]
    Step {
        /// What was asked.
        step: Step,
        /// Where the supervision stands.
        status: Status,
    },
    /// One supervision at a time for a case and unit.
    #[error("这个单位在这件事上已有未办结的督办件，请在原件上处理")]
    AlreadyOpen,
    /// The unit has no open task on the case.
    #[error("没有正在办理此件的单位可以督办：请先派单，或核对单位代码")]
    NobodyToSupervise,
    /// A date promised that is past.
    #[error("承诺的完成时间要在现在之后")]
    UntilPast,
    /// Listed twice.
    #[error("这件督办件已经挂牌")]
    Listed,
    /// Taken off a list that it is not on.
    #[error("这件督办件没有挂牌")]
    NotListed,
}

impl refusal::Refusal for Refused {
    fn code(&self) -> &'static str {
        match self {
            Self::Step { .. } => "supervision_step_refused",
            Self::AlreadyOpen => "supervision_open",
            Self::NobodyToSupervise => "nobody_to_supervise",
            Self::UntilPast => "supervision_until_past",
            Self::Listed => "supervision_listed",
            Self::NotListed => "supervision_not_listed",
        }
    }

    fn kind(&self) -> Kind {
        match self {
            Self::UntilPast => Kind::Invalid,
            _ => Kind::Conflict,
        }
    }

    fn fields(&self) -> Vec<FieldError> {
        match self {
            Self::UntilPast => vec![FieldError::new("until", self.to_string())],
            _ => Vec::new(),
        }
    }
}
