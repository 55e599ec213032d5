//! Why something about an offer is refused.

use super::{Audience, Status, Step};
use crate::{
    refusal::{self, Kind},
    time::{self, Timestamp},
};

/// A refused step, or a piece that a person cannot have now.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// The table has no such step from here.
    #[error("优惠现在是“{}”，不能“{}”", .status.label(), .step.label())]
    Step {
        /// What was asked.
        step: Step,
        /// Where it stands.
        status: Status,
    },
    /// Who wrote it would approve it.
    #[error("不能审核自己起草的优惠，请由另一位组织员审核")]
    OwnOffer,
    /// It was published at another price.
    #[error(
        "优惠发布以后，商户、种类、积分、结算价、自付金额和付款预算不能改，份数用“增减份数”；要换价格，请结束它，另发一项"
    )]
    PriceKept,
    /// Its time is over.
    #[error("这份优惠已于 {} 截止，不能再这样办理；没有发布过的请先改截止时间，发布过的请另发一项", time::spoken(*.at))]
    Lapsed {
        /// Since when.
        at: Timestamp,
    },
    /// None would be left, or more than there may be.
    #[error("增减以后的份数要在 1–100000 之间；不再提供的，请结束这项优惠")]
    StockRange,
    /// Fewer pieces are free than would be taken away.
    #[error("只剩 {free} 份没有被兑换，不能减少这么多")]
    StockTaken {
        /// How many are free.
        free: i64,
    },
    /// The budget would be exceeded.
    #[error("预算“{name}”还能用 {left} 元，这次要占用 {wanted} 元；请减少份数或金额，或先增加预算")]
    BudgetExceeded {
        /// Its name.
        name: String,
        /// What is left, in yuan.
        left: String,
        /// What is needed, in yuan.
        wanted: String,
    },
    /// Another budget has this name.
    #[error("已有同名的预算，请换一个名称")]
    BudgetTaken,
    /// Its cap would be below what is committed.
    #[error("已经发布的优惠占用了 {committed} 元，预算不能低于它")]
    BudgetCommitted {
        /// In yuan.
        committed: String,
    },
    /// Its merchant is suspended.
    #[error("这家商户暂停合作，暂时不能兑换；已占用的积分会退回")]
    Suspended,
    /// It is paused, or not out yet.
    #[error("这份优惠{}，暂时不能兑换，请看看别的优惠", .status.label())]
    NotPublished {
        /// Where it stands.
        status: Status,
    },
    /// It has not begun.
    #[error("这份优惠 {} 开始，请到时再来", time::spoken(*.from))]
    NotYet {
        /// From when.
        from: Timestamp,
    },
    /// Not on this day or at this hour.
    #[error("这份优惠现在不能兑换：{when}")]
    NotToday {
        /// When it can be.
        when: String,
    },
    /// It is for others.
    #[error("这份优惠面向{}{}，请看看别的优惠", .audience.label(), if *.named { "（指定社区）" } else { "" })]
    Audience {
        /// For whom.
        audience: Audience,
        /// It names communities.
        named: bool,
    },
    /// It is for people of another age, or the person's is not known.
    #[error("这份优惠面向 {ages}，以党员名册登记的出生日期为准；请看看别的优惠")]
    Age {
        /// Of which ages.
        ages: String,
    },
    /// As many as one person may have in a day or a week.
    #[error("这份优惠{per}每人限兑 {limit} 份，您已兑满，请改日再来")]
    PeriodLimit {
        /// The period.
        per: &'static str,
        /// How many.
        limit: i16,
    },
}

impl refusal::Refusal for Refused {
    fn code(&self) -> &'static str {
        match self {
            Self::Step { .. } => "offer_step_refused",
            Self::OwnOffer => "own_offer",
            Self::PriceKept => "offer_price_kept",
            Self::Lapsed { .. } => "offer_lapsed",
            Self::StockRange => "offer_stock_range",
            Self::StockTaken { .. } => "offer_stock_taken",
            Self::BudgetExceeded { .. } => "budget_exceeded",
            Self::BudgetTaken => "budget_name_taken",
            Self::BudgetCommitted { .. } => "budget_committed",
            Self::Suspended => "merchant_suspended",
            Self::NotPublished { .. } => "offer_not_published",
            Self::NotYet { .. } => "offer_not_yet",
            Self::NotToday { .. } => "offer_not_today",
            Self::Audience { .. } => "offer_audience",
            Self::Age { .. } => "offer_age",
            Self::PeriodLimit { .. } => "offer_period_limit",
        }
    }

    fn kind(&self) -> Kind {
        Kind::Conflict
    }
}
