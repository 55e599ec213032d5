//! Why a step with a flag is refused.

use super::{Status, Step};
use crate::{
    refusal::{self, Kind},
    time::{self, Timestamp},
};

/// A refused step.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// The table does not list it.
    #[error("这条核查现在是“{}”，不能{}", .status.label(), .step.label())]
    Step {
        /// What was asked.
        step: Step,
        /// Where it stands.
        status: Status,
    },
    /// The reviewer took part in what is looked at.
    #[error("这件事与您本人有关（同一账号或同一手机号），请由其他人核查")]
    Party,
    /// The first reviewer would decide on the appeal against themself, perhaps by another account.
    #[error("申诉要由另一位核查人决定，不能由原核查人（同一账号或同一手机号）办理")]
    SameReviewer,
    /// The time for an appeal is over.
    #[error("申诉期已于 {} 届满，不能再申诉", time::spoken(*.until))]
    AppealLate {
        /// Since when.
        until: Timestamp,
    },
}

impl refusal::Refusal for Refused {
    fn code(&self) -> &'static str {
        match self {
            Self::Step { .. } => "fairness_step_refused",
            Self::Party => "fairness_own_matter",
            Self::SameReviewer => "fairness_same_reviewer",
            Self::AppealLate { .. } => "fairness_appeal_late",
        }
    }

    fn kind(&self) -> Kind {
        Kind::Conflict
    }
}
