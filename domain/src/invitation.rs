//! Invitations (邀请) to field roles (外勤角色): who works outside is invited by whoever is in charge,
//! is bound to their own WeChat, and does one kind of thing (domain.md, log-in that people can live
//! with).

use crate::{
    identity::Role,
    refusal::{Kind, Refusal},
};

/// So many minutes an invitation is good **\[default\]**.
pub const MINUTES: i64 = 30;
/// Characters of an invitation's code, of 25 that nobody confuses: 74 bits.
pub const CODE_LENGTH: usize = 16;

/// The kinds of field work; an account has the roles of one kind.
pub const KINDS: &[&[Role]] =
    &[&[Role::MerchantClerk, Role::MerchantManager], &[Role::GridOfficer], &[Role::PropertyClerk]];

/// As what a community invites somebody, on itself or on what lies in it.
pub const BY_COMMUNITY: &[Role] = &[Role::GridOfficer, Role::PropertyClerk];

/// Whether a role is a field role.
pub fn is_field(role: Role) -> bool {
    KINDS.iter().any(|kind| kind.contains(&role))
}

/// Whether an account that holds these roles may be bound to a field role beside them.
///
/// # Errors
/// It holds a field role of another kind.
pub fn one_kind(held: &[Role], new: Role) -> Result<(), Refused> {
    let kind = KINDS.iter().find(|kind| kind.contains(&new)).copied().unwrap_or(&[]);
    let other = held.iter().find(|role| is_field(**role) && !kind.contains(role));
    other.map_or(Ok(()), |role| Err(Refused::OtherKind(*role)))
}

/// An invitation's code as somebody types it: without what stands between the groups, in capitals.
pub fn typed(code: &str) -> String {
    code.chars().filter(char::is_ascii_alphanumeric).map(|c| c.to_ascii_uppercase()).collect()
}

/// Why somebody is not bound, or not unbound.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// Nobody may use it: unknown, used or run out.
    #[error("邀请码不对、已经用过或已过期，请向邀请您的人要一个新的")]
    Invalid,
    /// Who invited would accept.
    #[error("不能接受自己发出的邀请")]
    Own,
    /// The account has no WeChat to be bound to.
    #[error("请用微信登录小程序后再接受邀请：外勤身份要绑定本人的微信")]
    NeedsWeChat,
    /// The account does another kind of field work.
    #[error("您已经是{}，一个微信只能有一种外勤身份；请先由原来的邀请人解除", .0.label())]
    OtherKind(Role),
    /// What it would be bound to was taken from it at once (停权先行), and that is not decided yet.
    #[error("您的这个身份已被先行停权，正等待安全管理员确认；有结果之前不能重新接受邀请")]
    Suspended,
    /// The account does no field work there.
    #[error("这个账号在本社区没有外勤身份，不需要解除；请刷新后核对")]
    NotBound,
}

impl Refusal for Refused {
    fn code(&self) -> &'static str {
        match self {
            Self::Invalid => "invitation_invalid",
            Self::Own => "own_invitation",
            Self::NeedsWeChat => "invitation_needs_wechat",
            Self::OtherKind(_) => "other_field_role",
            Self::Suspended => "role_suspended",
            Self::NotBound => "field_worker_not_bound",
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
    fn an_account_does_one_kind_of_field_work() {
        for kind in KINDS {
            for new in *kind {
                assert_eq!(one_kind(kind, *new), Ok(()), "{new}");
                assert_eq!(one_kind(&[Role::Resident, Role::PartyMember], *new), Ok(()), "{new}");
                for other in KINDS.iter().filter(|other| *other != kind) {
                    assert_eq!(one_kind(other, *new), Err(Refused::OtherKind(other[0])), "{new}");
                }
            }
        }
        assert!(BY_COMMUNITY.iter().all(|role| is_field(*role)));
    }

    #[test]
    fn a_code_is_read_back_however_it_is_typed() {
        assert_eq!(typed(" k7qw 3mzp-9tra-x4hd"), "K7QW3MZP9TRAX4HD");
    }
}
