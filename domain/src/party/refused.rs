//! Why a step on the register is refused.

use super::transfer::{Status, Step};
use crate::{
    refusal::{self, FieldError, Kind},
    sheet::{self, RefusedCell},
};

/// A refused step.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// Somebody has the full number already.
    #[error("名册上已有使用这个身份证号码的党员，请先查找；组织关系在别的支部的，请办理转接")]
    NumberThere,
    /// Somebody of this name has the last six characters, and no full number tells them apart.
    #[error(
        "名册上已有同名且身份证号码后六位相同的党员；同一人请在原记录上更正，不是同一人请填写完整的身份证号码"
    )]
    MatchThere,
    /// The full number stands there and is another one.
    #[error("完整的身份证号码已登记过，不能改成另一个；登记有误的请移出名册后重新登记")]
    NumberFixed,
    /// Whoever was removed is not changed any more.
    #[error("这名党员已移出名册，不能再办理")]
    Removed,
    /// A ledger is changed to where it is.
    #[error("已经在“{}”台账", .0.label())]
    SameLedger(super::Ledger),
    /// Floating begins and ends with both ends named.
    #[error("流动台账由“登记流动”转入、由“流动结束”转出，不能直接变更")]
    FloatingByItself,
    /// The member floats already.
    #[error("这名党员已登记流动，请先办理流动结束")]
    AlreadyFloating,
    /// The member does not float.
    #[error("这名党员没有在流动")]
    NotFloating,
    /// A transfer of this member is under way.
    #[error("这名党员有正在办理的组织关系转接，请等它办结或先撤回")]
    TransferOpen,
    /// To where the member is.
    #[error("这名党员的组织关系就在这个支部")]
    SameBranch,
    /// The table has no such step from here.
    #[error("转接现在是“{}”，不能“{}”", .status.label(), .step.label())]
    TransferStep {
        /// What was asked.
        step: Step,
        /// Where it stands.
        status: Status,
    },
    /// The other end's to say.
    #[error("这一步由另一端的党组织办理：转出由原支部同意，接收由转入支部同意")]
    OtherEnd,
    /// Nobody agrees for both ends.
    #[error("同意转出的人不能同时代表转入支部接收，请由转入支部的另一人办理")]
    BothEnds,
    /// The code is a party body's already.
    #[error("代码 {0} 已被使用，请换一个")]
    BodyThere(String),
    /// Members stand below it.
    #[error("还有 {0} 名党员的组织关系在这里，请先转接")]
    BodyHasMembers(i64),
    /// Bodies stand below it.
    #[error("它下面还有 {0} 个党组织，请先停用或划转")]
    BodyHasBodies(i64),
    /// It was deactivated before.
    #[error("这个党组织已经停用")]
    BodyInactive,
    /// The file lacks a column, or has no row.
    #[error("{0}")]
    Sheet(String),
    /// Rows of the file cannot be taken in; nothing was written.
    #[error("有 {} 处不能导入，一行也没有写入：{}", .0.len(), sheet::first(.0))]
    Cells(Vec<RefusedCell>),
}

impl refusal::Refusal for Refused {
    fn code(&self) -> &'static str {
        match self {
            Self::NumberThere => "party_number_there",
            Self::MatchThere => "party_match_there",
            Self::NumberFixed => "party_number_fixed",
            Self::Removed => "party_member_removed",
            Self::SameLedger(_) => "party_same_ledger",
            Self::FloatingByItself => "party_floating_by_itself",
            Self::AlreadyFloating => "party_already_floating",
            Self::NotFloating => "party_not_floating",
            Self::TransferOpen => "party_transfer_open",
            Self::SameBranch => "party_same_branch",
            Self::TransferStep { .. } => "party_transfer_step_refused",
            Self::OtherEnd => "party_transfer_other_end",
            Self::BothEnds => "party_transfer_both_ends",
            Self::BodyThere(_) => "party_body_there",
            Self::BodyHasMembers(_) => "party_body_has_members",
            Self::BodyHasBodies(_) => "party_body_has_bodies",
            Self::BodyInactive => "party_body_inactive",
            Self::Sheet(_) => "party_sheet_refused",
            Self::Cells(_) => "party_cells_refused",
        }
    }

    fn kind(&self) -> Kind {
        match self {
            Self::Sheet(_) | Self::Cells(_) => Kind::Invalid,
            _ => Kind::Conflict,
        }
    }

    fn fields(&self) -> Vec<FieldError> {
        match self {
            Self::Cells(cells) => cells.iter().map(RefusedCell::field).collect(),
            _ => Vec::new(),
        }
    }
}
