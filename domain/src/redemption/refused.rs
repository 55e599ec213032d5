//! Why a redemption, or a step of one, is refused.

use super::Status;
use crate::{
    refusal::{self, Kind},
    time::{self, Timestamp},
};

/// A refused step.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// No piece is left.
    #[error("这份优惠已经兑完，请看看别的优惠")]
    SoldOut,
    /// Fewer free points than the offer costs.
    #[error("可用积分不足：需要 {needed} 分，您现在可用 {available} 分")]
    PointsInsufficient {
        /// What it costs.
        needed: i64,
        /// What is free.
        available: i64,
    },
    /// As many as one person may have.
    #[error("这份优惠每人限兑 {limit} 份，您已兑满")]
    LimitReached {
        /// How many.
        limit: i16,
    },
    /// The offer is over.
    #[error("这份优惠已于 {} 截止", time::spoken(*.at))]
    OfferEnded {
        /// Since when.
        at: Timestamp,
    },
    /// The books of the account or the offer do not add up; nothing moves until somebody looked.
    #[error("正在核对账目，暂时不能兑换；积分不会丢失，请稍后再试或联系社区")]
    LedgerBlocked,
    /// It was verified before.
    #[error("这个兑换码已经核销过，不能再次使用")]
    AlreadyVerified,
    /// It ended otherwise.
    #[error("这次兑换{}，不能再办理；积分已退回账户或即将退回", .status.label())]
    Ended {
        /// How.
        status: Status,
    },
    /// There is nothing to give back yet.
    #[error("这次兑换还没有核销，不需要退回；本人可以直接取消")]
    NotVerified,
    /// Its time is not over.
    #[error("兑换码还没有过期")]
    NotYet,
}

impl refusal::Refusal for Refused {
    fn code(&self) -> &'static str {
        match self {
            Self::SoldOut => "offer_sold_out",
            Self::PointsInsufficient { .. } => "points_insufficient",
            Self::LimitReached { .. } => "redemption_limit_reached",
            Self::OfferEnded { .. } => "offer_ended",
            Self::LedgerBlocked => "ledger_blocked",
            Self::AlreadyVerified => "redemption_already_verified",
            Self::Ended { .. } => "redemption_ended",
            Self::NotVerified => "redemption_not_verified",
            Self::NotYet => "redemption_not_expired",
        }
    }

    fn kind(&self) -> Kind {
        Kind::Conflict
    }
}
