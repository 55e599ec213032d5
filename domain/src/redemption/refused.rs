//! Why a redemption, or a step of one, is refused.

use super::Status;
use crate::{
    refusal::{self, FieldError, Kind},
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
    /// Its merchant is suspended.
    #[error("这家商户暂停合作，暂时不能核销；占用的积分会自动退回，请与组织部联系")]
    Suspended,
    /// There is nothing to give back yet.
    #[error("这次兑换还没有核销，不需要退回；本人可以直接取消")]
    NotVerified,
    /// Its time is not over.
    #[error("兑换码还没有过期")]
    NotYet,
    /// The picture is older than its time: a screenshot, or a page left open.
    #[error("二维码已过期，截图不能用；请对方重新打开兑换页面，出示新的二维码")]
    QrExpired,
    /// No open redemption of the merchant has these digits.
    #[error("本店没有这个数字码，请与对方核对后重输；再错 {left} 次将暂停用数字码核销")]
    DigitsUnknown {
        /// Attempts that are left.
        left: i32,
    },
    /// Too many wrong digits.
    #[error("数字码输错次数过多，{} 之前只能扫二维码核销", time::spoken(*.until))]
    DigitsLocked {
        /// Until when.
        until: Timestamp,
    },
    /// The clerk, or somebody with the clerk's phone, would verify for themself.
    #[error("不能核销自己的兑换（同一账号或同一手机号），请由其他店员核销")]
    OwnRedemption,
    /// Another clerk verified it.
    #[error("只能撤销自己核销的；确需退回的，请联系组织部办理")]
    UndoNotYours,
    /// Too long ago.
    #[error("核销超过 {minutes} 分钟，不能撤销；确需退回的，请联系组织部办理")]
    UndoTooLate {
        /// So many minutes it could be undone.
        minutes: u32,
    },
    /// Nobody whom this community serves is known by what was given.
    #[error("没有找到可以在本社区代办的账号；请核对后重填，还没有报到的请先办理报到")]
    HolderUnknown,
    /// The officer would issue a voucher for themself.
    #[error("不能给自己代办兑换券，请由其他工作人员办理")]
    OwnVoucher,
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
            Self::Suspended => "redemption_suspended",
            Self::NotVerified => "redemption_not_verified",
            Self::NotYet => "redemption_not_expired",
            Self::QrExpired => "qr_expired",
            Self::DigitsUnknown { .. } => "digits_unknown",
            Self::DigitsLocked { .. } => "digits_locked",
            Self::OwnRedemption => "own_redemption",
            Self::UndoNotYours => "undo_not_yours",
            Self::UndoTooLate { .. } => "undo_too_late",
            Self::HolderUnknown => "voucher_holder_unknown",
            Self::OwnVoucher => "voucher_for_oneself",
        }
    }

    fn kind(&self) -> Kind {
        match self {
            Self::DigitsUnknown { .. } => Kind::NotFound,
            Self::DigitsLocked { .. } => Kind::TooMany,
            Self::HolderUnknown => Kind::Invalid,
            _ => Kind::Conflict,
        }
    }

    fn fields(&self) -> Vec<FieldError> {
        match self {
            Self::HolderUnknown => vec![FieldError::new("holder", self.to_string())],
            _ => Vec::new(),
        }
    }
}
