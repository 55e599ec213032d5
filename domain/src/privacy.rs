//! A person's own rights (个人信息权利): what they hold and read, correct, take away and have erased,
//! and to what they consent. 个人信息保护法 13–17 and 44–47.

use crate::{
    identity::Actor,
    refusal::{FieldError, Kind, Refusal},
    text,
};

/// The longest name of an account, in characters.
const NAME_LENGTH: usize = 30;

codes! {
    /// What an erasure waits for (注销等待的事项): it concerns others as well, or ends by itself soon.
    pub enum Hold {
        /// A complaint in progress: whoever handles it must reach the person.
        Complaint = "complaint", "正在办理的诉求";
        /// A service that is not settled.
        Claim = "claim", "没有结算的服务";
        /// A dispute that is not decided.
        Dispute = "dispute", "没有复核完的异议";
        /// A redemption whose code is still good.
        Redemption = "redemption", "没有核销的兑换";
        /// An award in public notice.
        Notice = "notice", "正在公示的积分";
        /// A request for service in progress.
        Request = "request", "没有完成的点单";
        /// A fairness review in progress.
        Review = "review", "正在进行的公平核查";
    }
}

impl Hold {
    /// When it ends, and what the person can do about it.
    pub const fn advice(self) -> &'static str {
        match self {
            Self::Complaint => "办结后删除；想提前结束，可以凭编号和查询码撤回",
            Self::Claim => "组织者确认或者登记结果后删除",
            Self::Dispute => "复核完成后删除",
            Self::Redemption => "核销或者到期后删除，最长 24 小时",
            Self::Notice => "公示期满后删除",
            Self::Request => "社区答复或者服务结束后删除",
            Self::Review => "核查完成后删除",
        }
    }
}

codes! {
    /// What a notice and the consent to it are for (告知与同意的事项).
    pub enum Purpose {
        /// Handling what the person reports.
        Service = "service", "诉求办理";
        /// Where the person is.
        Location = "location", "位置信息";
        /// Messages outside the app.
        Message = "message", "消息通知";
        /// A party member's name and number.
        Party = "party", "党员报到";
    }
}

/// Whether an account is a person's own, which the person alone decides about: it holds no role of
/// staff.
///
/// # Errors
/// `staff_account`.
pub fn own(actor: &Actor, staff: bool) -> Result<(), Refused> {
    let on_duty = actor.grants.iter().any(|grant| grant.role.is_staff());
    if staff || on_duty { Err(Refused::StaffAccount) } else { Ok(()) }
}

/// The name that a person gives the account: 1–30 characters in a line.
///
/// # Errors
/// Too short, too long, or with control characters.
pub fn display_name(given: &str) -> Result<String, FieldError> {
    text::line("display_name", given, 1, NAME_LENGTH)
}

/// Why a person cannot do this with the account.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// It is an account of the office.
    #[error(
        "工作账号由安全管理员管理，不能自己改名或者注销。请先请安全管理员（外勤人员请邀请您的\
         社区或商户）收回工作角色，再办理本人的事项"
    )]
    StaffAccount,
    /// The configuration asks for a consent first.
    #[error("请先阅读并同意“{}”的告知，再继续办理", .0.label())]
    ConsentRequired(Purpose),
}

impl Refusal for Refused {
    fn code(&self) -> &'static str {
        match self {
            Self::StaffAccount => "staff_account",
            Self::ConsentRequired(_) => "consent_required",
        }
    }

    fn kind(&self) -> Kind {
        Kind::Conflict
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        id::{AccountId, Id},
        identity::{Grant, Role},
    };

    fn actor(roles: &[Role]) -> Actor {
        Actor {
            account: AccountId::from_parts(chrono::DateTime::UNIX_EPOCH, &[1; 10]),
            grants: roles
                .iter()
                .map(|role| Grant { role: *role, scope: "self".to_owned() })
                .collect(),
        }
    }

    #[test]
    fn an_account_is_ones_own_without_any_role_on_duty() {
        for role in Role::ALL {
            let held = actor(&[Role::Resident, *role]);
            assert_eq!(own(&held, false).is_err(), role.is_staff(), "{role:?}");
            assert_eq!(own(&held, true), Err(Refused::StaffAccount), "{role:?}");
        }
        assert_eq!(own(&actor(&[]), false), Ok(()), "the last role is gone");
    }

    #[test]
    fn a_name_is_a_short_line() {
        assert_eq!(display_name(" 老李 ").as_deref(), Ok("老李"));
        let long = "字".repeat(31);
        for bad in ["", "  ", "一\n二", "\u{7}", long.as_str()] {
            assert!(display_name(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn every_hold_says_when_it_ends() {
        for hold in Hold::ALL {
            assert!(hold.advice().contains("删除"), "{hold:?}");
        }
    }
}
