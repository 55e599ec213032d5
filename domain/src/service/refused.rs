//! Why a step of a service is refused.

use super::{Status, Step, dispute};
use crate::{
    refusal::{self, FieldError, Kind},
    time::{self, Timestamp},
};

/// A refused step.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum Refused {
    /// The table has no such step from here.
    #[error("认领现在是“{}”，不能“{}”", .status.label(), .step.label())]
    Step {
        /// What was asked.
        step: Step,
        /// Where the claim stands.
        status: Status,
    },
    /// The post is over.
    #[error("这个岗位已在 {} 结束", time::spoken(*.ended_at))]
    PostEnded {
        /// When it ended.
        ended_at: Timestamp,
    },
    /// The post was called off.
    #[error("这个岗位已取消，请看看其他岗位")]
    PostCancelled,
    /// The post has not begun.
    #[error("岗位 {} 才开始，开始以后才能登记未到", time::spoken(*.starts_at))]
    PostNotStarted {
        /// When it begins.
        starts_at: Timestamp,
    },
    /// Nobody serves at a post of their own, or confirms their own hours.
    #[error("组织的人不能给自己记服务：自己发布的岗位不能认领，自己的时长由别人确认")]
    OwnService,
    /// One claim for each person and post.
    #[error("您已经认领过这个岗位，不需要重复认领")]
    AlreadyClaimed,
    /// Nobody is in two places at once.
    #[error(
        "这个时间您已认领（或候补）另一个岗位，时间重叠的不能同时认领；如要换岗，请先取消原来的"
    )]
    Overlap,
    /// Too early to check in.
    #[error("还没有到签到时间，{} 起可以签到", time::spoken(*.opens_at))]
    CheckInNotOpen {
        /// From when one can.
        opens_at: Timestamp,
    },
    /// Neither code nor location.
    #[error("请扫描或输入现场的签到码，或允许使用定位；都不方便时，由组织者确认即可，不必签到")]
    CheckInNothing,
    /// The code is wrong.
    #[error("签到码不对，请核对现场出示的签到码；也可以由组织者直接确认")]
    CheckInCode,
    /// The code was right a while ago.
    #[error("签到码已过期（每个只有一分钟有效），请看现场屏幕上最新的；也可以由组织者直接确认")]
    CheckInCodeExpired,
    /// Too many wrong codes.
    #[error("签到码输错次数太多，这次认领不能再用签到码；请用定位签到，或由组织者直接确认")]
    CheckInCodeLocked,
    /// Too far away.
    #[error(
        "您离岗位地点约 {away} 米，{near} 米以内才能定位签到；定位不准时可输入签到码，或由组织者直接确认"
    )]
    CheckInFar {
        /// How far, in metres.
        away: i32,
        /// How near one must be, in metres.
        near: i32,
    },
    /// New claims pause.
    #[error("因多次认领后未到，{} 前暂停认领新岗位；确有原因的可联系组织部门提前恢复", time::spoken(*.until))]
    Paused {
        /// Until when.
        until: Timestamp,
    },
    /// The pause is over.
    #[error("这次暂停已经结束，不需要再恢复")]
    PauseOver,
    /// Nobody lifts a pause of their own.
    #[error("不能恢复自己的认领，请由其他组织员处理")]
    OwnPause,
    /// The dispute's table has no such step from here.
    #[error("异议现在是“{}”，不能“{}”", .status.label(), .step.label())]
    Dispute {
        /// What was asked.
        step: dispute::Step,
        /// Where the dispute stands.
        status: dispute::Status,
    },
    /// Nothing was decided that one could disagree with.
    #[error("认领现在是“{}”，还没有可以提出异议的结论", .status.label())]
    NothingToDispute {
        /// Where the claim stands.
        status: Status,
    },
    /// The days are over.
    #[error("提出异议的期限已在 {} 结束", time::spoken(*.closed_at))]
    DisputeClosed {
        /// When.
        closed_at: Timestamp,
    },
    /// One dispute for each person and claim.
    #[error("这次服务已经提出过异议，正在复核或已有复核结论")]
    AlreadyDisputed,
    /// Whoever decided first does not decide again.
    #[error("原来的结论是您作出的，请由另一位工作人员或组织员复核")]
    SameDecider,
    /// A correction that changes nothing.
    #[error("更正后的时长与原来一样；没有要改的请选择维持原结论")]
    NothingCorrected,
    /// One invitation for each person and post.
    #[error("已经邀请过这个人，请等本人决定")]
    AlreadyInvited,
    /// Fewer places than people who have one.
    #[error("已有 {taken} 人认领，需要的人数不能少于 {taken}")]
    CapacityTaken {
        /// How many have one.
        taken: i32,
    },
    /// Whoever claimed arranged for these times.
    #[error("已有人认领过这个岗位，时间不能再改；请取消后另行发布，认领的人会收到通知")]
    TimesHeld,
    /// More than the post has.
    #[error("确认的时长不能超过岗位的时长（{minutes} 分钟）")]
    MinutesBeyondPost {
        /// How long the post is.
        minutes: i64,
    },
}

impl refusal::Refusal for Refused {
    fn code(&self) -> &'static str {
        match self {
            Self::Step { .. } => "claim_step_refused",
            Self::PostEnded { .. } => "post_ended",
            Self::PostCancelled => "post_cancelled",
            Self::PostNotStarted { .. } => "post_not_started",
            Self::OwnService => "own_service",
            Self::AlreadyClaimed => "already_claimed",
            Self::Overlap => "claim_overlap",
            Self::CheckInNotOpen { .. } => "check_in_not_open",
            Self::CheckInNothing => "check_in_proof_missing",
            Self::CheckInCode => "check_in_code_wrong",
            Self::CheckInCodeExpired => "check_in_code_expired",
            Self::CheckInCodeLocked => "check_in_code_locked",
            Self::CheckInFar { .. } => "check_in_too_far",
            Self::Paused { .. } => "claims_paused",
            Self::PauseOver => "pause_over",
            Self::OwnPause => "own_pause",
            Self::Dispute { .. } => "dispute_step_refused",
            Self::NothingToDispute { .. } => "nothing_to_dispute",
            Self::DisputeClosed { .. } => "dispute_closed",
            Self::AlreadyDisputed => "already_disputed",
            Self::SameDecider => "same_decider",
            Self::NothingCorrected => "nothing_corrected",
            Self::AlreadyInvited => "already_invited",
            Self::CapacityTaken { .. } => "capacity_taken",
            Self::TimesHeld => "post_times_held",
            Self::MinutesBeyondPost { .. } => "minutes_beyond_post",
        }
    }

    fn kind(&self) -> Kind {
        match self {
            Self::CheckInNothing
            | Self::CheckInCode
            | Self::CheckInCodeExpired
            | Self::CheckInFar { .. }
            | Self::NothingCorrected
            | Self::MinutesBeyondPost { .. } => Kind::Invalid,
            _ => Kind::Conflict,
        }
    }

    fn fields(&self) -> Vec<FieldError> {
        let at = |field: &str| vec![FieldError::new(field, self.to_string())];
        match self {
            Self::CheckInNothing | Self::CheckInCode | Self::CheckInCodeExpired => at("code"),
            Self::CheckInFar { .. } => at("location"),
            Self::NothingCorrected | Self::MinutesBeyondPost { .. } => at("minutes"),
            _ => Vec::new(),
        }
    }
}
