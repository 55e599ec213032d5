//! Why a step on a whistle is refused.

use super::{Status, Step};
use crate::refusal::{self, FieldError, Kind};

/// A refused step.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// The table has no such step from here.
    #[error("这次吹哨现在是“{}”，不能“{}”", .status.label(), .step.label())]
    Step {
        /// What was asked.
        step: Step,
        /// Where the whistle stands.
        status: Status,
    },
    /// Nobody reviews their own draft.
    #[error("起草人不能审核自己的吹哨，请由上级审核")]
    OwnReview,
    /// A second review.
    #[error("这次吹哨已经审核过")]
    Reviewed,
    /// A task is still open.
    #[error("还有 {0} 个单位的任务没有确认，全部确认后才能销哨")]
    TasksOpen(usize),
    /// The unit was not called.
    #[error("{0} 没有参加这次吹哨")]
    UnitNotCalled(String),
    /// The unit's task is not confirmed yet.
    #[error("{0} 的任务还没有确认，确认后才能评哨")]
    UnitNotConfirmed(String),
    /// A second appraisal of one unit.
    #[error("这个单位已经评过")]
    AlreadyAppraised,
    /// A second rating by one unit.
    #[error("本单位已经评价过这次吹哨")]
    AlreadyRated,
    /// The blower still has the first word.
    #[error("吹哨单位还可以确认；两个工作日没有确认的，才由区中心确认")]
    AwaitingBlower,
    /// The complaint is over or waits already.
    #[error("诉求现在不能吹哨：只有正在办理、没有其他吹哨的诉求可以")]
    ComplaintNotOpen,
    /// A complaint cannot end while its whistle is out.
    #[error("这件诉求有正在进行的吹哨，请先由吹哨单位撤回或销哨")]
    ComplaintWaits,
    /// A unit is named twice.
    #[error("同一单位只能写一次：{0}")]
    UnitTwice(String),
}

impl refusal::Refusal for Refused {
    fn code(&self) -> &'static str {
        match self {
            Self::Step { .. } => "whistle_step_refused",
            Self::OwnReview => "own_review",
            Self::Reviewed => "already_reviewed",
            Self::TasksOpen(_) => "tasks_open",
            Self::UnitNotCalled(_) => "unit_not_called",
            Self::UnitNotConfirmed(_) => "unit_not_confirmed",
            Self::AlreadyAppraised => "already_appraised",
            Self::AlreadyRated => "already_rated",
            Self::AwaitingBlower => "awaiting_blower",
            Self::ComplaintNotOpen => "complaint_not_open",
            Self::ComplaintWaits => "whistle_open",
            Self::UnitTwice(_) => "whistle_unit_twice",
        }
    }

    fn kind(&self) -> Kind {
        match self {
            Self::UnitNotCalled(_) | Self::UnitTwice(_) => Kind::Invalid,
            _ => Kind::Conflict,
        }
    }

    fn fields(&self) -> Vec<FieldError> {
        match self {
            Self::UnitNotCalled(_) => vec![FieldError::new("unit", self.to_string())],
            Self::UnitTwice(_) => vec![FieldError::new("assist", self.to_string())],
            _ => Vec::new(),
        }
    }
}
