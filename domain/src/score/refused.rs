//! Why a step of the score book is refused.

use super::{Quarter, Status, Step, quarterly as settlement};
use crate::refusal::{FieldError, Kind, Refusal};

/// Why a step of an entry, a quarter or the catalogue is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// The table has no such step from here.
    #[error("这条记录现在是“{}”，不能“{}”", .status.label(), .step.label())]
    Step {
        /// What was asked.
        step: Step,
        /// Where it stands.
        status: Status,
    },
    /// The caller stands on no register, or in no branch.
    #[error("没有在党支部名册上找到您，不能申报、互评或提出异议；请先报到，或与支部联系")]
    NotMember,
    /// The member belongs to no branch.
    #[error("名册上没有这名党员，或者还没有编入支部；请先在名册里核对")]
    NoSubject,
    /// Nobody decides what they brought, or what is about themself.
    #[error("不能认定自己提交的或关于自己的记录，请由其他人认定")]
    OwnEntry,
    /// It says whom it is about.
    #[error("这条记录说的是另一名党员，不能记到别人的手册里")]
    OtherMember,
    /// The catalogue has no such item for the quarter.
    #[error("这个季度的积分项目里没有“{item}”，请从项目列表里选择")]
    NoItem {
        /// What was asked for.
        item: String,
    },
    /// What is corrected is no settled entry of the member.
    #[error("只能更正同一名党员已经结算的记录；还没有结算的，请在认定时处理")]
    NotSettled,
    /// A correction stands in a later quarter.
    #[error("更正要记在以后的季度，不能改已经结算的季度")]
    SameQuarter,
    /// It was corrected already.
    #[error("这条记录已经有一条更正，请更正最新的那一条")]
    Corrected,
    /// The quarter is in public notice or locked.
    #[error("{quarter} 已经公示或锁定，不能再增加或认定；需要更正的，请在下一季度写一条更正")]
    QuarterClosed {
        /// Which.
        quarter: Quarter,
    },
    /// The quarter is not over.
    #[error("{quarter} 还没有结束，结束以后才能结算")]
    QuarterRuns {
        /// Which.
        quarter: Quarter,
    },
    /// The branch's quarter is proposed already.
    #[error("这个支部的 {quarter} 已经提交结算，不能重复提交")]
    Proposed {
        /// Which.
        quarter: Quarter,
    },
    /// The table has no such step of the quarter.
    #[error("这个季度的结算现在是“{}”，不能“{}”", .status.label(), .step.label())]
    Settlement {
        /// What was asked.
        step: settlement::Step,
        /// Where it stands.
        status: settlement::Status,
    },
    /// Entries wait for a decision.
    #[error("还有 {waiting} 条记录没有认定，全部认定或不予认定以后才能公示")]
    EntriesWait {
        /// How many.
        waiting: i64,
    },
    /// Who proposes does not decide.
    #[error("不能审定自己提交的结算，请由社区或组织部的其他人审定")]
    OwnSettlement,
    /// The public notice is over.
    #[error("公示期已经结束，不能再提出异议；仍有不同意见的，请与社区党组织联系")]
    NoticeOver,
    /// One objection at a time.
    #[error("您已经提出异议，正在处理；请等待答复")]
    Objected,
    /// The entry is not part of the quarter.
    #[error("这个季度的公示里没有这条记录，请从公示里选择")]
    NoEntry,
    /// Nobody decides their own objection.
    #[error("不能处理自己提出的异议，请由其他人处理")]
    OwnObjection,
    /// The objection is decided.
    #[error("这条异议已经处理")]
    ObjectionDecided,
    /// The catalogue's name is taken.
    #[error("已经有“{0}”这个版本的积分项目，版本不能改，请换一个名称")]
    CatalogueTaken(String),
    /// The catalogue begins too early.
    #[error("新版积分项目最早从 {earliest} 起用，已经开始的季度不能改")]
    CatalogueTooEarly {
        /// The first quarter that is allowed.
        earliest: Quarter,
    },
}

impl Refusal for Refused {
    fn code(&self) -> &'static str {
        match self {
            Self::Step { .. } => "score_step_refused",
            Self::NotMember => "score_not_member",
            Self::NoSubject => "score_no_subject",
            Self::OwnEntry => "score_own_entry",
            Self::OtherMember => "score_other_member",
            Self::NoItem { .. } => "score_no_item",
            Self::NotSettled => "score_not_settled",
            Self::SameQuarter => "score_same_quarter",
            Self::Corrected => "score_corrected",
            Self::QuarterClosed { .. } => "score_quarter_closed",
            Self::QuarterRuns { .. } => "score_quarter_runs",
            Self::Proposed { .. } => "score_settlement_proposed",
            Self::Settlement { .. } => "score_settlement_step_refused",
            Self::EntriesWait { .. } => "score_settlement_entries_wait",
            Self::OwnSettlement => "own_settlement",
            Self::NoticeOver => "score_settlement_notice_over",
            Self::Objected => "score_settlement_objected",
            Self::NoEntry => "score_settlement_no_entry",
            Self::OwnObjection => "own_objection",
            Self::ObjectionDecided => "objection_decided",
            Self::CatalogueTaken(_) => "score_catalogue_taken",
            Self::CatalogueTooEarly { .. } => "score_catalogue_too_early",
        }
    }

    fn kind(&self) -> Kind {
        match self {
            Self::NoSubject | Self::NoItem { .. } | Self::NoEntry | Self::SameQuarter => {
                Kind::Invalid
            }
            _ => Kind::Conflict,
        }
    }

    fn fields(&self) -> Vec<FieldError> {
        let field = match self {
            Self::NoSubject => "member_id",
            Self::NoItem { .. } => "item",
            Self::NoEntry => "entry_id",
            Self::SameQuarter => "happened_on",
            _ => return Vec::new(),
        };
        vec![FieldError::new(field, self.to_string())]
    }
}
