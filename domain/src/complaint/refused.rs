//! Why a step on a complaint is refused.

use super::{Status, Step};
use crate::refusal::{self, FieldError, Kind};

/// A refused step.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// The table has no such step from here.
    #[error("诉求现在是“{}”，不能“{}”", .status.label(), .step.label())]
    Step {
        /// What was asked.
        step: Step,
        /// Where the complaint stands.
        status: Status,
    },
    /// A suspension was asked for while one runs.
    #[error("诉求已经挂起，请先恢复办理")]
    Suspended,
    /// A resumption was asked for while nothing stands still.
    #[error("诉求没有挂起，不需要恢复")]
    NotSuspended,
    /// A merge into itself, or into what is no longer handled.
    #[error("不能并入这件诉求：只能并入另一件正在办理、自身没有并案的诉求")]
    MergeTarget,
    /// A lead unit still has the task.
    #[error("主办单位的任务还没有结束，不能重复派单；需要更换单位请走退单裁定")]
    LeadOpen,
    /// A unit is named twice.
    #[error("同一单位只能派一次：{0} 重复或仍有未完成的任务")]
    UnitTwice(String),
    /// The reported unit itself was named.
    #[error("被举报单位 {unit} 不能承办此件，请改派其上级{}", .superior.as_ref().map(|code| format!("（{code}）")).unwrap_or_default())]
    UnitIsReported {
        /// The unit named.
        unit: String,
        /// Its superior.
        superior: Option<String>,
    },
    /// The one appeal is used.
    #[error("每件诉求只能申请复核一次，这件已经复核过；有新的事实请重新提交诉求")]
    AppealUsed,
    /// A second exclusion.
    #[error("这件诉求已经剔除，剔除只决定一次")]
    AlreadyExcluded,
    /// The month is frozen, or about to be.
    #[error("当月的剔除申请已于 {} 截止，数字已经冻结", crate::time::spoken(*.closes_at))]
    ExclusionClosed {
        /// When appeals closed.
        closes_at: crate::time::Timestamp,
    },
    /// Only the lead's task counts in the rates.
    #[error("只有诉求的主办任务计入三率，其他任务不需要剔除")]
    ExclusionNotLead,
    /// A second request.
    #[error("这件诉求已经申请过剔除，每件只能申请一次")]
    ExclusionAsked,
    /// A decision without a request.
    #[error("这件任务没有申请剔除")]
    NoExclusionAsked,
    /// A second decision.
    #[error("这件剔除申请已经决定，不能再改")]
    ExclusionDecided,
    /// An emergency-line matter is handed over, never just rejected.
    #[error(
        "110、119、120、122事项不能只作不予受理：请在说明里写明已移交的单位和时间（至少 10 个字）"
    )]
    HandoverMissing,
    /// A suspension must end in the future, within half a year.
    #[error("挂起期限要在现在之后、180 天之内")]
    SuspensionOutOfRange,
    /// The case that a child follows is answered: the child shares its answer.
    #[error("主件已经答复或结束，并入的诉求不能再拆分；反映人可以评价或要求重办")]
    LeadingCaseAnswered,
    /// The reporter of a child has judged the answer it shares.
    #[error("并入诉求的反映人已经评价，不能再拆分")]
    ChildEvaluated,
    /// A child is evaluated when its leading case is answered.
    #[error("并入的诉求还没有答复，答复后才能评价")]
    LeadingCaseOpen,
    /// The reporter of this child already evaluated.
    #[error("您已经评价过了")]
    AlreadyEvaluated,
    /// Nobody left a number.
    #[error("这件诉求没有留下联系电话；反映人有账号的，会在小程序里收到通知")]
    NoContact,
}

impl refusal::Refusal for Refused {
    fn code(&self) -> &'static str {
        match self {
            Self::Step { .. } => "complaint_step_refused",
            Self::Suspended => "complaint_suspended",
            Self::NotSuspended => "complaint_not_suspended",
            Self::MergeTarget => "merge_target_refused",
            Self::LeadOpen => "lead_task_open",
            Self::UnitTwice(_) => "unit_named_twice",
            Self::UnitIsReported { .. } => "unit_is_reported",
            Self::AppealUsed => "appeal_used",
            Self::AlreadyExcluded => "already_excluded",
            Self::ExclusionClosed { .. } => "exclusion_closed",
            Self::ExclusionNotLead => "exclusion_not_lead",
            Self::ExclusionAsked => "exclusion_asked",
            Self::NoExclusionAsked => "no_exclusion_asked",
            Self::ExclusionDecided => "exclusion_decided",
            Self::HandoverMissing => "handover_missing",
            Self::SuspensionOutOfRange => "suspension_out_of_range",
            Self::LeadingCaseAnswered => "leading_case_answered",
            Self::ChildEvaluated => "child_evaluated",
            Self::LeadingCaseOpen => "leading_case_open",
            Self::AlreadyEvaluated => "already_evaluated",
            Self::NoContact => "no_contact",
        }
    }

    fn kind(&self) -> Kind {
        match self {
            Self::HandoverMissing | Self::SuspensionOutOfRange => Kind::Invalid,
            _ => Kind::Conflict,
        }
    }

    fn fields(&self) -> Vec<FieldError> {
        match self {
            Self::HandoverMissing => vec![FieldError::new("explanation", self.to_string())],
            Self::SuspensionOutOfRange => vec![FieldError::new("until", self.to_string())],
            _ => Vec::new(),
        }
    }
}
