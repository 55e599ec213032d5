//! Why a movement of points is refused.

use super::EntryKind;
use crate::refusal::{self, Kind};

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
    /// Nobody decides on their own points.
    #[error("不能办理本人的积分，请由其他组织员办理")]
    OwnPoints,
}

impl refusal::Refusal for Refused {
    fn code(&self) -> &'static str {
        match self {
            Self::NotAnAward { .. } => "not_an_award",
            Self::AlreadyReversed => "award_already_reversed",
            Self::OwnPoints => "own_points",
        }
    }

    fn kind(&self) -> Kind {
        Kind::Conflict
    }
}
