//! Why a step on a task is refused.

use super::{Status, Step};
use crate::{
    refusal::{self, FieldError, Kind},
    sla::ExtensionRefusal,
    time::{self, Timestamp},
};

/// A refused step.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// The table has no such step from here.
    #[error("任务现在是“{}”，不能“{}”", .status.label(), .step.label())]
    Step {
        /// What was asked.
        step: Step,
        /// Where the task stands.
        status: Status,
    },
    /// The case stands still.
    #[error("诉求已挂起，时限暂停；请等恢复办理后再操作")]
    CaseSuspended,
    /// The reporter must be contacted first.
    #[error("答复之前要先联系反映人并登记联系情况")]
    ContactMissing,
    /// A whistle is answered on the spot.
    #[error("吹哨的任务要先到场报到，再反馈办理情况")]
    NotArrived,
    /// There is nobody to contact.
    #[error("这件诉求没有可以联系的人，不需要登记联系")]
    NobodyToContact,
    /// A secret reporter is contacted through the platform alone.
    #[error("反映人要求保密，只能用“平台转达”（relay）联系")]
    RelayOnly,
    /// A reply that says nothing.
    #[error("{0}")]
    ReplyNotSubstantive(String),
    /// The lead sums up what the assists reply, and some of them have not.
    #[error(
        "还没有答复的协办单位：{0}。牵头单位综合答复要等他们答复；确需先答复的，请写明原因（without_assists）"
    )]
    AssistsOut(String),
    /// Only the lead reads what the assists replied.
    #[error("只有主办单位汇总协办单位的答复")]
    LeadOnly,
    /// The duty item demands photos.
    #[error("这项职责要求附上现场照片，请先上传照片再答复")]
    PhotosRequired,
    /// Returned as often as allowed, or the centre ruled finally before that.
    #[error("每条任务线最多退单 {limit} 次，或以区中心的最终裁定为准；这件任务不能再退")]
    ReturnLimitReached {
        /// How many are allowed.
        limit: u32,
    },
    /// The window to dispute is past: the unit keeps it (首接负责).
    #[error("退单期限 {} 已过，按首接负责由本单位办理", time::spoken(*.closed_at))]
    ReturnWindowClosed {
        /// When it closed.
        closed_at: Timestamp,
    },
    /// A unit cannot return a task to itself.
    #[error("建议改派的单位不能是本单位")]
    ReturnToSelf,
    /// An emergency is handled first and disputed afterwards.
    #[error("紧急事项先处置、后争议：请先签收处置，再提出退单")]
    EmergencyActsFirst,
    /// The centre must name the next unit.
    #[error("同意退单时，请指定改派的单位（to_unit）")]
    NextUnitMissing,
    /// A new reply date lies in the past, or farther away than any work may take.
    #[error("答复时限要在现在之后、180 天之内；原时限已过时，请写明新的时限（reply_by）")]
    ReplyByPast,
    /// A body that does not lie below the unit.
    #[error("{0}不是本单位的下级，不能转交；不属于本单位职责的请申请退单")]
    NotBelow(String),
    /// Whoever blew a whistle judges its tasks, and does not do them.
    #[error("{0}是吹哨单位，要确认这次吹哨的办理结果，不能由它办理")]
    BodyBlew(String),
    /// Whoever is named has it already.
    #[error("这件任务已经由其办理，不需要重复转交")]
    HandedAlready,
    /// Nobody has it but the unit.
    #[error("这件任务没有转交，不需要收回")]
    NotHanded,
    /// What the unit alone may do, asked by the body that works on the task.
    #[error("这件任务由上级单位转交：退单、延期、转交等由承办单位办理，请与其联系")]
    UnitAnswers,
    /// A reply waits for the head already.
    #[error("答复正在等本单位负责人审签；需要修改的，请先撤回送审")]
    ReplyWaits,
    /// None waits.
    #[error("没有待审签的答复；可能已经审签、退回或撤回，请刷新后查看")]
    NoReplyWaits,
    /// Nobody approves what they wrote.
    #[error("不能审签自己起草的答复，请由本单位另一位负责人审签")]
    OwnReply,
    /// Nothing was asked.
    #[error("没有待裁定的延期申请")]
    NoExtensionAsked,
    /// Asked already.
    #[error("延期申请正在等区中心裁定，不需要重复提出")]
    ExtensionPending,
    /// The rule of extensions says no.
    #[error(transparent)]
    Extension(#[from] ExtensionRefusal),
}

impl refusal::Refusal for Refused {
    fn code(&self) -> &'static str {
        match self {
            Self::Step { .. } => "task_step_refused",
            Self::CaseSuspended => "case_suspended",
            Self::ContactMissing => "contact_missing",
            Self::NotArrived => "not_arrived",
            Self::NobodyToContact => "nobody_to_contact",
            Self::RelayOnly => "relay_only",
            Self::ReplyNotSubstantive(_) => "reply_not_substantive",
            Self::AssistsOut(_) => "assists_out",
            Self::LeadOnly => "lead_only",
            Self::PhotosRequired => "photos_required",
            Self::ReturnLimitReached { .. } => "return_limit_reached",
            Self::ReturnWindowClosed { .. } => "return_window_closed",
            Self::ReturnToSelf => "return_to_self",
            Self::EmergencyActsFirst => "emergency_acts_first",
            Self::NextUnitMissing => "next_unit_missing",
            Self::ReplyByPast => "reply_by_past",
            Self::NotBelow(_) => "body_not_below",
            Self::BodyBlew(_) => "body_blew_whistle",
            Self::HandedAlready => "task_handed_already",
            Self::NotHanded => "task_not_handed",
            Self::UnitAnswers => "unit_answers",
            Self::ReplyWaits => "reply_waits_for_approval",
            Self::NoReplyWaits => "no_reply_waits",
            Self::OwnReply => "own_reply",
            Self::NoExtensionAsked => "no_extension_asked",
            Self::ExtensionPending => "extension_pending",
            Self::Extension(refusal) => refusal.code(),
        }
    }

    fn kind(&self) -> Kind {
        match self {
            Self::ReplyNotSubstantive(_)
            | Self::ReturnToSelf
            | Self::NextUnitMissing
            | Self::ReplyByPast
            | Self::NotBelow(_)
            | Self::BodyBlew(_)
            | Self::PhotosRequired => Kind::Invalid,
            Self::Extension(refusal) => refusal.kind(),
            _ => Kind::Conflict,
        }
    }

    fn fields(&self) -> Vec<FieldError> {
        let at = |field: &str| vec![FieldError::new(field, self.to_string())];
        match self {
            Self::ReplyNotSubstantive(_) => at("text"),
            Self::ReturnToSelf => at("suggested_unit"),
            Self::NextUnitMissing => at("to_unit"),
            Self::ReplyByPast => at("reply_by"),
            Self::PhotosRequired => at("attachment_ids"),
            Self::NotBelow(_) | Self::BodyBlew(_) => at("body"),
            Self::Extension(refusal) => refusal.fields(),
            _ => Vec::new(),
        }
    }
}
