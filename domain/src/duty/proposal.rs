//! Objections to a list (对清单的建议): what its next version should say. Whoever has to work by a
//! list may object to it; the owner of the lists decides; what is adopted waits for the next import.

use crate::{
    id::TaskId,
    org::NodeCode,
    refusal::{Faults, Invalid, Kind, Refusal},
    text,
};

codes! {
    /// Where a proposal stands.
    pub enum Status {
        /// Not decided.
        Open = "open", "待定";
        /// The next version shall say so.
        Adopted = "adopted", "采纳，待新版";
        /// The list stays as it is.
        Declined = "declined", "不采纳";
        /// A version has taken the item up since.
        Settled = "settled", "已进新版";
    }
}

/// What somebody wants otherwise.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proposal {
    /// The item.
    pub item: String,
    /// What should stand there instead, and why.
    pub text: String,
    /// The task whose return showed it.
    pub from_task: Option<TaskId>,
    /// Who should lead.
    pub lead_unit: Option<NodeCode>,
}

impl Proposal {
    /// # Errors
    /// Every field at fault.
    pub fn parse(
        item: &str,
        text: &str,
        from_task: Option<TaskId>,
        lead_unit: Option<&str>,
    ) -> Result<Self, Invalid> {
        let mut faults = Faults::default();
        let item = faults.take(text::line("item", item, 1, 40));
        let text = faults.take(text::text("text", text, 5, 2_000));
        let lead_unit = lead_unit.and_then(|code| faults.take(NodeCode::parse("lead_unit", code)));
        faults.check()?;
        Ok(Self {
            item: item.unwrap_or_default(),
            text: text.unwrap_or_default(),
            from_task,
            lead_unit,
        })
    }
}

/// The owner's decision.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decide {
    /// The next version shall say so.
    pub adopt: bool,
    /// Why.
    pub note: String,
}

impl Decide {
    /// # Errors
    /// The reason is missing or too long.
    pub fn parse(adopt: bool, note: &str) -> Result<Self, Invalid> {
        Ok(Self { adopt, note: text::text("note", note, 2, 500)? })
    }
}

impl Status {
    /// Decides an open proposal.
    ///
    /// # Errors
    /// It is decided already.
    pub const fn decide(self, decide: &Decide) -> Result<Self, Refused> {
        match self {
            Self::Open if decide.adopt => Ok(Self::Adopted),
            Self::Open => Ok(Self::Declined),
            decided => Err(Refused::Decided(decided)),
        }
    }
}

/// Why a proposal is not taken or not decided.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// The same unit has an open one to the same item.
    #[error("本单位对这一事项已有一条待定的建议，请等它有了结果再提")]
    AlreadyOpen,
    /// It is decided.
    #[error("这条建议已经有了结果：{}", .0.label())]
    Decided(Status),
    /// One does not decide one's own.
    #[error("自己提的建议要由别人决定")]
    OwnProposal,
    /// No return with such a ground came of the task.
    #[error(
        "这张任务单没有以“不属于本单位职责”或“职责交叉”申请过退单，不能作为依据；请去掉 from_task 再提"
    )]
    NoSuchReturn,
}

impl Refusal for Refused {
    fn code(&self) -> &'static str {
        match self {
            Self::AlreadyOpen => "duty_proposal_open",
            Self::Decided(_) => "duty_proposal_decided",
            Self::OwnProposal => "duty_own_proposal",
            Self::NoSuchReturn => "duty_no_such_return",
        }
    }

    fn kind(&self) -> Kind {
        Kind::Conflict
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_an_open_proposal_is_decided() {
        for status in Status::ALL.iter().copied() {
            for adopt in [true, false] {
                let decided = status.decide(&Decide::parse(adopt, "有道理").unwrap());
                match (status, adopt) {
                    (Status::Open, true) => assert_eq!(decided, Ok(Status::Adopted)),
                    (Status::Open, false) => assert_eq!(decided, Ok(Status::Declined)),
                    _ => assert_eq!(decided, Err(Refused::Decided(status))),
                }
            }
        }
    }

    #[test]
    fn every_field_at_fault_is_named() {
        let Invalid(faults) = Proposal::parse("", "短", None, Some("住建")).unwrap_err();
        let fields: Vec<&str> = faults.iter().map(|fault| fault.field.as_str()).collect();
        assert_eq!(fields, ["item", "text", "lead_unit"]);
    }
}
