//! Follow-up by telephone (电话回访): a caller of the centre takes a case, calls, and writes down what
//! the reporter said. Two callers never call at once, and nobody asks about their own work.

use chrono::TimeDelta;

use crate::{
    identity::Actor,
    refusal::{Kind, Refusal},
    task::Task,
    time::{self, Timestamp},
};

/// How long a case stays with the caller who took it: 15 minutes **\[default\]**.
pub const CALL: TimeDelta = TimeDelta::minutes(15);

/// Why a follow-up call is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// Another caller has it.
    #[error("这件诉求正由另一位回访员回访，{} 之后可以再领取", time::spoken(*.until))]
    Taken {
        /// Until when.
        until: Timestamp,
    },
    /// Whoever handles a case does not ask whether it was handled well.
    #[error("您所在单位是这件诉求的承办单位，回访要由承办人以外的人进行")]
    OwnWork,
    /// Nobody can be called.
    #[error("这件诉求没有可以联系的电话，不需要电话回访")]
    NobodyToCall,
    /// No reply waits for a word by link.
    #[error("这件诉求现在没有可用的评价链接：还没有答复、已经评价或回访已经结束")]
    NoLink,
}

impl Refusal for Refused {
    fn code(&self) -> &'static str {
        match self {
            Self::Taken { .. } => "follow_up_taken",
            Self::OwnWork => "follow_up_own_work",
            Self::NobodyToCall => "follow_up_nobody_to_call",
            Self::NoLink => "evaluation_link_none",
        }
    }

    fn kind(&self) -> Kind {
        Kind::Conflict
    }
}

/// Whether somebody may call about these tasks.
///
/// # Errors
/// One of them is their own unit's.
pub fn check_caller(caller: &Actor, tasks: &[Task]) -> Result<(), Refused> {
    if tasks.iter().any(|task| task.is_worked_by(caller)) {
        return Err(Refused::OwnWork);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        id::Id,
        identity::{Grant, Role},
        task::Status,
        testing::task_in,
    };

    #[test]
    fn nobody_asks_about_the_work_of_their_own_unit() {
        let caller = |role, scope: &str| Actor {
            account: Id::from_parts(Timestamp::UNIX_EPOCH, &[1; 10]),
            grants: vec![Grant { role, scope: scope.to_owned() }],
        };
        for status in Status::ALL {
            let tasks = [task_in(*status)];
            assert_eq!(check_caller(&caller(Role::Dispatcher, "140213"), &tasks), Ok(()));
            assert_eq!(check_caller(&caller(Role::DepartmentClerk, "housing"), &tasks), Ok(()));
            let own = check_caller(&caller(Role::DepartmentClerk, "urban-management"), &tasks);
            assert_eq!(own, Err(Refused::OwnWork), "{status}");
        }
    }
}
