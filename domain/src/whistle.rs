//! A whistle (吹哨): a community or subdistrict calls departments to a matter that it cannot solve
//! within its powers, and they must report in (报到).
//!
//! [`TRANSITIONS`] is the table of every step; the methods in `whistle/` decide what a step does.

use crate::{
    id::{AccountId, ComplaintId, WhistleId},
    org::NodeCode,
    sla::Urgency,
    time::Timestamp,
};

mod appraise;
mod blow;
mod refused;
#[cfg(test)]
mod tests;
mod watch;
mod work;

pub use appraise::{Appraisal, Rating};
pub use blow::{Draft, DraftForm, Review};
pub use refused::Refused;
pub use watch::{Alarm, AppraisedUnit, BlowRate, Scores, ranking};

codes! {
    /// Where a whistle stands.
    pub enum Status {
        /// Waits for the review.
        Draft = "draft", "待审核";
        /// Not blown: the review said no.
        Rejected = "rejected", "未通过";
        /// Taken back by whoever blew it.
        Withdrawn = "withdrawn", "已撤回";
        /// The tasks are out.
        Blown = "blown", "已吹哨";
        /// Every unit has acknowledged.
        Answered = "answered", "已应哨";
        /// A unit is on the spot.
        Handling = "handling", "处置中";
        /// The blower calls it done; appraisals are awaited.
        StandingDown = "standing_down", "待评哨";
        /// Over.
        StoodDown = "stood_down", "已销哨";
    }
}

impl Status {
    /// Whether units work on it, so that its complaint waits.
    pub const fn is_open(self) -> bool {
        matches!(self, Self::Blown | Self::Answered | Self::Handling)
    }
}

codes! {
    /// What sort of matter it is; it decides the deadlines.
    pub enum Kind {
        /// 日常.
        Routine = "routine", "日常哨";
        /// 攻坚: joint enforcement, several departments.
        Hard = "hard", "攻坚哨";
        /// 应急: blown at once and reviewed after.
        Emergency = "emergency", "应急哨";
    }
}

impl Kind {
    /// The class of deadlines of its tasks.
    pub const fn urgency(self) -> Urgency {
        match self {
            Self::Routine => Urgency::Ordinary,
            Self::Hard => Urgency::Hard,
            Self::Emergency => Urgency::Emergency,
        }
    }
}

codes! {
    /// Who must come.
    pub enum Level {
        /// The section head.
        Blue = "blue", "蓝色（科室负责人到场）";
        /// The deputy head.
        Yellow = "yellow", "黄色（分管负责人到场）";
        /// The head.
        Red = "red", "红色（主要负责人到场）";
    }
}

codes! {
    /// The steps in a whistle's life.
    pub enum Step {
        /// Somebody else than the drafter reviews it.
        Review = "review", "审核";
        /// Whoever blew it takes it back.
        Withdraw = "withdraw", "撤回";
        /// Every unit has acknowledged.
        Answer = "answer", "应哨";
        /// A unit is on the spot.
        Arrive = "arrive", "到场";
        /// The blower calls it done.
        StandDown = "stand_down", "销哨";
        /// The blower scores a unit.
        Appraise = "appraise", "评哨";
        /// A unit scores the whistle.
        Rate = "rate", "反向评价";
        /// The time for appraisals is over.
        Finish = "finish", "评哨结束";
    }
}

/// Every step that is allowed: from where, and to where it can lead. What is not listed is
/// refused with `whistle_step_refused`.
pub const TRANSITIONS: &[(Step, &[Status], &[Status])] = {
    use Status::{Answered, Blown, Draft, Handling, Rejected, StandingDown, StoodDown, Withdrawn};
    &[
        (
            Step::Review,
            // An emergency is reviewed after it was blown, also when it is over already.
            &[Draft, Blown, Answered, Handling, StandingDown, StoodDown],
            &[Blown, Rejected, Answered, Handling, StandingDown, StoodDown],
        ),
        (Step::Withdraw, &[Draft, Blown, Answered, Handling], &[Withdrawn]),
        // By itself, with the last unit's acknowledgement, unless one is on the spot already.
        (Step::Answer, &[Blown], &[Answered]),
        (Step::Arrive, &[Blown, Answered, Handling], &[Handling]),
        (Step::StandDown, &[Blown, Answered, Handling], &[StandingDown, StoodDown]),
        (
            Step::Appraise,
            &[Blown, Answered, Handling, StandingDown],
            &[Blown, Answered, Handling, StandingDown, StoodDown],
        ),
        (
            Step::Rate,
            &[Blown, Answered, Handling, StandingDown, StoodDown],
            &[Blown, Answered, Handling, StandingDown, StoodDown],
        ),
        (Step::Finish, &[StandingDown], &[StoodDown]),
    ]
};

/// A whistle as its rules see it.
#[derive(Debug, Clone, PartialEq)]
pub struct Whistle {
    /// Its id.
    pub id: WhistleId,
    /// Grows by one with each save.
    pub version: i64,
    /// The number of its last event.
    pub last_seq: i32,
    /// Where it stands.
    pub status: Status,
    /// The complaint that waits for it.
    pub complaint: Option<ComplaintId>,
    /// What sort of matter it is.
    pub kind: Kind,
    /// Who must come.
    pub level: Level,
    /// The community it is about.
    pub community: NodeCode,
    /// The community or subdistrict in whose name it is blown.
    pub blower: NodeCode,
    /// Who drafted it.
    pub drafted_by: AccountId,
    /// When.
    pub drafted_at: Timestamp,
    /// Who leads.
    pub lead: NodeCode,
    /// Who assists.
    pub assist: Vec<NodeCode>,
    /// The review, once there is one.
    pub review: Option<Reviewed>,
    /// When the tasks went out.
    pub blown_at: Option<Timestamp>,
    /// Since when every task is confirmed, so that only the blower's word is missing.
    pub settled_at: Option<Timestamp>,
    /// When the blower called it done.
    pub standing_down_at: Option<Timestamp>,
    /// When it was over.
    pub stood_down_at: Option<Timestamp>,
}

/// What the review said.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reviewed {
    /// Who reviewed.
    pub by: AccountId,
    /// When.
    pub at: Timestamp,
    /// Whether it was found right.
    pub approved: bool,
}

impl Whistle {
    /// Whether the table allows a step from where the whistle stands.
    ///
    /// # Errors
    /// It does not.
    pub fn permit(&self, step: Step) -> Result<(), Refused> {
        let allowed = TRANSITIONS
            .iter()
            .any(|(listed, from, _)| *listed == step && from.contains(&self.status));
        if allowed { Ok(()) } else { Err(Refused::Step { step, status: self.status }) }
    }
}
