//! Why something about a merchant is refused.

use super::{
    Status, Step,
    settlement::{Status as Settled, Step as Settling},
};
use crate::{
    refusal::{self, Kind},
    time::{self, Timestamp},
};

/// A refused step.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// The table has no such step from here.
    #[error("入驻申请现在是“{}”，不能“{}”", .status.label(), .step.label())]
    Step {
        /// What was asked.
        step: Step,
        /// Where it stands.
        status: Status,
    },
    /// Who applies would decide.
    #[error("不能审核自己的入驻申请，请由另一位组织员审核")]
    OwnApplication,
    /// The licence belongs to a merchant, or another application waits.
    #[error("这个统一社会信用代码已经入驻，或者有申请正在审核；请向该商户的负责人要店员邀请码")]
    LicenceTaken,
    /// Another merchant has the code.
    #[error("商户代码 {0} 已被使用，请换一个")]
    CodeTaken(String),
    /// The account does not work for the merchant.
    #[error("这个账号没有绑定这家商户，不需要解除")]
    NotBound,
    /// The last manager would leave.
    #[error("商户至少要有一位负责人；请先邀请另一位负责人，或由组织员解除")]
    LastManager,
    /// It is suspended already.
    #[error("这家商户已经暂停合作")]
    Suspended,
    /// It is not suspended.
    #[error("这家商户没有暂停合作，不需要恢复")]
    NotSuspended,
    /// The table has no such step from here.
    #[error("结算单现在是“{}”，不能“{}”", .status.label(), .step.label())]
    SettlementStep {
        /// What was asked.
        step: Settling,
        /// Where it stands.
        status: Settled,
    },
    /// Lines are disputed and not decided.
    #[error("还有 {0} 笔异议没有处理，处理完才能继续")]
    DisputesOpen(i64),
    /// The time for disputes is over.
    #[error("异议期已于 {} 结束，有问题请联系组织员", time::spoken(*.at))]
    DisputeClosed {
        /// Since when.
        at: Timestamp,
    },
    /// The line is disputed already.
    #[error("这一行已经提出过异议")]
    DisputedAlready,
    /// There is nothing to decide.
    #[error("这一行没有待处理的异议")]
    NoDispute,
    /// Who raised it would decide it.
    #[error("不能处理自己提出的异议")]
    OwnDispute,
    /// It may still be disputed.
    #[error("商户还没有确认，异议期到 {} 才结束，之前不能付款", time::spoken(*.at))]
    NotConfirmed {
        /// Until when.
        at: Timestamp,
    },
}

impl refusal::Refusal for Refused {
    fn code(&self) -> &'static str {
        match self {
            Self::Step { .. } => "application_step_refused",
            Self::OwnApplication => "own_application",
            Self::LicenceTaken => "licence_taken",
            Self::CodeTaken(_) => "merchant_code_taken",
            Self::NotBound => "clerk_not_bound",
            Self::LastManager => "last_manager",
            Self::Suspended => "merchant_suspended_already",
            Self::NotSuspended => "merchant_not_suspended",
            Self::SettlementStep { .. } => "settlement_step_refused",
            Self::DisputesOpen(_) => "disputes_open",
            Self::DisputeClosed { .. } => "settlement_dispute_closed",
            Self::DisputedAlready => "line_disputed",
            Self::NoDispute => "no_dispute",
            Self::OwnDispute => "own_dispute",
            Self::NotConfirmed { .. } => "settlement_not_confirmed",
        }
    }

    fn kind(&self) -> Kind {
        Kind::Conflict
    }
}
