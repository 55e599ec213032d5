//! Why a movement of points, or a step towards one, is refused.

use super::{EntryKind, NoticeStatus, ProposalStatus};
use crate::{
    refusal::{self, FieldError, Kind},
    time::{self, Timestamp},
};

/// A refused movement.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// Only what was given can be taken back.
    #[error("这一笔是“{}”，不能收回；只有获得的积分可以收回，兑换请用退回，其他请用人工调整", .kind.label())]
    NotAnAward {
        /// What it is.
        kind: EntryKind,
    },
    /// It was taken back before.
    #[error("这一笔已经收回过，不能再次收回")]
    AlreadyReversed,
    /// There is no resident or member of this account, who could have points.
    #[error("没有这个居民账号，请核对账号编号")]
    NoSuchAccount,
    /// Nobody decides on their own points.
    #[error("不能办理本人的积分，请由其他人办理")]
    OwnPoints,
    /// It does not wait any more.
    #[error("这一件{}，不能再办理", .status.label())]
    Decided {
        /// Where it stands.
        status: ProposalStatus,
    },
    /// Who proposes does not approve.
    #[error("提出和核准要由两个人办理，请由另一位组织员核准；不需要了可以撤回")]
    OwnProposal,
    /// Only who proposed takes it back.
    #[error("只有提出的人可以撤回；不同意请选择不予核准")]
    AnothersProposal,
    /// A version has this name.
    #[error("规则版本“{name}”已经有了，请换一个名称")]
    RuleNameTaken {
        /// The name.
        name: String,
    },
    /// Another version begins on the day.
    #[error("{day} 已有核准的规则从这一天起生效，请换一天")]
    RuleDayTaken {
        /// The day.
        day: chrono::NaiveDate,
    },
    /// Its day has come before it was approved.
    #[error("这一版规则原定 {day} 起生效，这一天已经到了；请撤回后按新的日期重新提出")]
    RuleTooLate {
        /// The day.
        day: chrono::NaiveDate,
    },
    /// The account has not as many free points as are taken.
    #[error("该账户可用积分只有 {available} 分，不够调减 {needed} 分")]
    NotEnough {
        /// What is taken.
        needed: i64,
        /// What is free.
        available: i64,
    },
    /// The notice is not open.
    #[error("这一件{}，不能再办理", .status.label())]
    NoticeStep {
        /// Where it stands.
        status: NoticeStatus,
    },
    /// It is too late to object.
    #[error("公示已于 {} 结束，不能再提异议；如有问题请向组织部门反映", time::spoken(*.at))]
    NoticeEnded {
        /// Since when.
        at: Timestamp,
    },
    /// It is too early to post.
    #[error("公示到 {} 才结束", time::spoken(*.until))]
    NoticeRuns {
        /// Until when.
        until: Timestamp,
    },
    /// More than a person gives away a day.
    #[error("每人每天至多转赠 {at_most} 分，今天还可以转赠 {left} 分")]
    DonationLimit {
        /// How many.
        at_most: i64,
        /// What is left of them.
        left: i64,
    },
    /// More than a community passes on to one household in a month.
    #[error("本社区每月至多向一户家庭转赠 {at_most} 分，这户本月还可以接收 {left} 分")]
    HouseholdLimit {
        /// How many.
        at_most: i64,
        /// What is left of them.
        left: i64,
    },
    /// Who said whose account a household's is would give to it alone.
    #[error("这户家庭的居民账号是您登记的，请由本社区另一名工作人员办理转赠")]
    HouseholdByOneself,
    /// It would come back to who gave it.
    #[error("积分不能转回转赠人自己或其家庭，请转给别的家庭")]
    DonationReturns,
    /// A household without an account has nowhere to keep points.
    #[error("这户家庭没有登记居民账号，不能接收积分；请先登记账号，或捐给社区")]
    NoAccount,
    /// One person objects once.
    #[error("您已对这一件提过异议，正在等待决定或已有结果")]
    ObjectedBefore,
}

impl refusal::Refusal for Refused {
    fn code(&self) -> &'static str {
        match self {
            Self::NotAnAward { .. } => "not_an_award",
            Self::AlreadyReversed => "award_already_reversed",
            Self::NoSuchAccount => "points_account_missing",
            Self::OwnPoints => "own_points",
            Self::Decided { .. } => "points_proposal_step_refused",
            Self::OwnProposal => "own_points_proposal",
            Self::AnothersProposal => "not_own_points_proposal",
            Self::RuleNameTaken { .. } => "points_rule_name_taken",
            Self::RuleDayTaken { .. } => "points_rule_day_taken",
            Self::RuleTooLate { .. } => "points_rule_too_late",
            Self::NotEnough { .. } => "adjustment_exceeds_points",
            Self::NoticeStep { .. } => "points_notice_step_refused",
            Self::NoticeEnded { .. } => "points_notice_ended",
            Self::NoticeRuns { .. } => "points_notice_runs",
            Self::DonationLimit { .. } => "donation_limit_reached",
            Self::HouseholdLimit { .. } => "household_limit_reached",
            Self::HouseholdByOneself => "household_by_oneself",
            Self::DonationReturns => "donation_returns",
            Self::NoAccount => "household_without_account",
            Self::ObjectedBefore => "points_objected_before",
        }
    }

    fn kind(&self) -> Kind {
        match self {
            Self::NoSuchAccount => Kind::Invalid,
            _ => Kind::Conflict,
        }
    }

    fn fields(&self) -> Vec<FieldError> {
        match self {
            Self::NoSuchAccount => vec![FieldError::new("account", self.to_string())],
            _ => Vec::new(),
        }
    }
}
