//! Why a step on a final reply is refused.

use super::{Status, Step};
use crate::{
    refusal::{self, Kind},
    time::{self, Timestamp},
};

/// A refused step.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// The table has no such step from here.
    #[error("最终答复现在是“{}”，不能“{}”", .status.label(), .step.label())]
    Step {
        /// What was asked.
        step: Step,
        /// Where it stands.
        status: Status,
    },
    /// The matter is being handled.
    #[error("这件诉求还没有答复完毕或正在重新办理，不能使用最终答复")]
    NotAnswered,
    /// The matter was looked at only once.
    #[error("最终答复只用于答复后又重办、复核或重新办理过的诉求；请先正常答复")]
    NotReviewed,
    /// Only the lead has the last word.
    #[error("最终答复由主办单位提出")]
    NotLead,
    /// There is one already.
    #[error("这件诉求已有待签署、待确认或已生效的最终答复，不需要重复提出")]
    AlreadyThere,
    /// Nobody signs what they proposed.
    #[error("不能签署自己提出的最终答复，请由本单位另一位负责人签署")]
    OwnProposal,
    /// Its validity is over.
    #[error("最终答复的有效期已于 {} 届满，请受理办理", time::written(*.until))]
    Expired {
        /// When it ended.
        until: Timestamp,
    },
    /// The matter was answered anew since.
    #[error("作出最终答复以后，这件诉求又重新办理并有了新的答复；这份最终答复不再适用")]
    Outdated,
    /// Its complaint is kept secret from readers of the other.
    #[error(
        "作出最终答复的诉求是保密的，或反映了某个单位，不能在这件诉求的答复里引用；请直接答复或派单"
    )]
    Secret,
    /// The complaint that it belongs to.
    #[error("这就是作出最终答复的诉求，不需要引用")]
    OwnCase,
    /// Somebody else's matter.
    #[error("最终答复只能用于同一反映人的同一事项；这件诉求的反映人不同，或无法确认是同一人")]
    OtherReporter,
    /// The reporter says that there are new facts.
    #[error("反映人已对依据最终答复的答复申请复核，请按新的事实受理办理")]
    NewFacts,
    /// Danger is looked at each time.
    #[error("紧急事项不能以最终答复代替处置，请立即派单")]
    Emergency,
}

impl refusal::Refusal for Refused {
    fn code(&self) -> &'static str {
        match self {
            Self::Step { .. } => "final_reply_step_refused",
            Self::NotAnswered => "final_reply_not_answered",
            Self::NotReviewed => "final_reply_not_reviewed",
            Self::NotLead => "final_reply_not_lead",
            Self::AlreadyThere => "final_reply_there",
            Self::OwnProposal => "final_reply_own_proposal",
            Self::Expired { .. } => "final_reply_expired",
            Self::Outdated => "final_reply_outdated",
            Self::Secret => "final_reply_secret",
            Self::OwnCase => "final_reply_own_case",
            Self::OtherReporter => "final_reply_other_reporter",
            Self::NewFacts => "final_reply_new_facts",
            Self::Emergency => "final_reply_emergency",
        }
    }

    fn kind(&self) -> Kind {
        Kind::Conflict
    }
}
