//! Why a step on a grant is refused.

use super::{Status, Step};
use crate::refusal::{self, Kind};

/// A refused step.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// The table has no such step from here.
    #[error("这件授权申请现在是“{}”，不能“{}”", .status.label(), .step.label())]
    Step {
        /// What was asked.
        step: Step,
        /// Where it stands.
        status: Status,
    },
    /// Nobody approves what they proposed.
    #[error("不能批准或不批准自己提出的申请，请由另一位安全管理员办理")]
    OwnProposal,
    /// Only the proposer withdraws.
    #[error("只有提出人可以撤回；不同意的，请选择不批准")]
    AnothersProposal,
    /// Nobody proposes or decides about themselves.
    #[error("不能办理自己的角色，请由其他安全管理员提出和批准")]
    OwnRole,
    /// The three administrators are apart from one another and from business.
    #[error(
        "安全管理员、系统管理员、审计员必须由三个人分别担任，也不能兼任其他工作角色；\
         同一手机号的账号按同一人对待。请先收回原来的角色，或换一个人"
    )]
    NotSeparate,
    /// The account holds the role on this scope.
    #[error("这个账号已经有这个范围的这个角色，不需要再授予")]
    Held,
    /// The account does not hold the role on this scope.
    #[error("这个账号没有这个范围的这个角色，不需要收回；请刷新后核对")]
    NotHeld,
    /// The same waits already.
    #[error("同一件申请已经提出，正在等待批准，请勿重复提出")]
    Waiting,
    /// Two must be left.
    #[error("至少要保留两位可用的安全管理员，否则无人能够批准；请先增加一位")]
    LastAdministrators,
    /// The command line is for the first two only.
    #[error("已经有两位可用的安全管理员，请由他们提出和批准（授权申请），不再用命令行建立")]
    TakesTwo,
}

impl refusal::Refusal for Refused {
    fn code(&self) -> &'static str {
        match self {
            Self::Step { .. } => "grant_step_refused",
            Self::OwnProposal => "own_grant_proposal",
            Self::AnothersProposal => "not_own_grant_proposal",
            Self::OwnRole => "own_role",
            Self::NotSeparate => "administrators_not_separate",
            Self::Held => "role_held",
            Self::NotHeld => "role_not_held",
            Self::Waiting => "grant_waiting",
            Self::LastAdministrators => "last_administrators",
            Self::TakesTwo => "administrator_takes_two",
        }
    }

    fn kind(&self) -> Kind {
        Kind::Conflict
    }
}
