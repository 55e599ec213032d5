//! Why a step with a household is refused.

use chrono::NaiveDate;

use super::{Status, Step};
use crate::refusal::{FieldError, Kind, Refusal};

/// Why a step with a household or a pairing is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// The table has no such step from here.
    #[error("包联现在是“{}”，不能“{}”", .status.label(), .step.label())]
    Step {
        /// What was asked.
        step: Step,
        /// Where it stands.
        status: Status,
    },
    /// The household is on the list already.
    #[error("本社区已经登记过这个家庭（姓名和住址相同），请在列表里查找")]
    Registered,
    /// The resident's account is another household's.
    #[error("这个账号已经属于另一个登记的家庭，请核对")]
    AccountTaken,
    /// The household is off the list.
    #[error("这个家庭已经退出包联，不能再办理；需要时请重新登记")]
    Closed,
    /// Nobody is asked twice for one household.
    #[error("已经请这个人包联这个家庭，等待答复或正在包联")]
    Paired,
    /// Nobody looks after their own household.
    #[error("不能请本人包联自己的家庭，请另选一位")]
    OwnHousehold,
    /// Nobody pairs themself.
    #[error("不能把自己定为包联人，请由社区其他工作人员办理")]
    OwnPairing,
    /// The person looks after as many households as are allowed.
    #[error("每人最多包联 {limit} 户，您已经包联 {limit} 户；结束一户以后才能接受")]
    TooMany {
        /// The limit.
        limit: i64,
    },
    /// The term lies behind, or is too long.
    #[error("包联期限应在明天以后、{latest} 以前")]
    Term {
        /// The last day that is allowed.
        latest: NaiveDate,
    },
    /// The visit to put right is not there, or was put right already.
    #[error("没有要更正的那条走访，或者它已经更正过；请更正最新的那一条")]
    NoVisit,
    /// The appeal is not there, or not one that the person reported.
    #[error("没有这件诉求，或者不是您提交的；请核对编号")]
    NoComplaint,
}

impl Refusal for Refused {
    fn code(&self) -> &'static str {
        match self {
            Self::Step { .. } => "pairing_step_refused",
            Self::Registered => "household_registered",
            Self::AccountTaken => "household_account_taken",
            Self::Closed => "household_closed",
            Self::Paired => "household_paired",
            Self::OwnHousehold => "own_household",
            Self::OwnPairing => "own_pairing",
            Self::TooMany { .. } => "pairing_limit",
            Self::Term { .. } => "pairing_term",
            Self::NoVisit => "visit_missing",
            Self::NoComplaint => "visit_complaint",
        }
    }

    fn kind(&self) -> Kind {
        match self {
            Self::Term { .. } | Self::NoVisit | Self::NoComplaint => Kind::Invalid,
            _ => Kind::Conflict,
        }
    }

    fn fields(&self) -> Vec<FieldError> {
        let field = match self {
            Self::Term { .. } => "until",
            Self::NoVisit => "corrects",
            Self::NoComplaint => "complaint_id",
            _ => return Vec::new(),
        };
        vec![FieldError::new(field, self.to_string())]
    }
}
