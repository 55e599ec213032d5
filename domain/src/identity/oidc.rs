//! Log-in by a directory that staff stand in already (OpenID Connect). An account is bound to a person
//! of the directory by the security administrator; nobody gets an account by standing in a directory.

use std::collections::BTreeSet;

use crate::{
    refusal::{self, Invalid, Kind},
    text,
};

/// By what the directory knows somebody.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Known {
    /// Its own name of them, which never changes.
    Subject(String),
    /// What they log in with there; the first log-in turns it into the subject.
    Name(String),
}

impl Known {
    /// # Errors
    /// Neither is given, or both; too long, or with control characters.
    pub fn parse(subject: Option<&str>, name: Option<&str>) -> Result<Self, Invalid> {
        match (subject, name) {
            (Some(subject), None) => Ok(Self::Subject(text::line("subject", subject, 1, 255)?)),
            (None, Some(name)) => Ok(Self::Name(text::line("preferred_username", name, 1, 255)?)),
            _ => Err(Invalid::field("subject", "subject 和 preferred_username 请填一个")),
        }
    }
}

/// What the blind index of a person is made of: by what they are named, and the name with its issuer.
pub fn key(kind: &str, name: &str) -> String {
    format!("{kind}/{name}")
}

/// Whether somebody showed who they are by one of the means that count as a second factor. Where none
/// counts, none did: our own is asked for.
pub fn is_second_factor(means: &BTreeSet<String>, counting: &[String]) -> bool {
    counting.iter().any(|one| means.contains(one))
}

/// Why a log-in by a directory is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// None is configured.
    #[error("没有接入统一身份认证，请用用户名和密码登录")]
    Off,
    /// It is away.
    #[error("统一身份认证暂时没有响应，请稍后再试，或用用户名和密码登录")]
    Away,
    /// What was begun is not known, was used, or is too old.
    #[error("这次登录已过期或已经用过，请重新从登录页开始")]
    State,
    /// What the directory said is not to be believed, or it did not take the code.
    #[error("统一身份认证没有认可这次登录，请重新登录；反复出现请联系安全管理员")]
    Rejected,
    /// No account is bound to the person.
    #[error("您的统一身份还没有绑定工作账号，请联系安全管理员绑定")]
    Unbound,
    /// Another account is bound to the person.
    #[error("这个统一身份已经绑定了另一个账号，请先解除")]
    Taken,
    /// Residents do not log in by it.
    #[error("只有工作账号可以绑定统一身份")]
    NotStaff,
}

impl refusal::Refusal for Refused {
    fn code(&self) -> &'static str {
        match self {
            Self::Off => "oidc_off",
            Self::Away => "oidc_unavailable",
            Self::State => "oidc_state_invalid",
            Self::Rejected => "oidc_rejected",
            Self::Unbound => "oidc_not_bound",
            Self::Taken => "oidc_taken",
            Self::NotStaff => "oidc_not_staff",
        }
    }

    fn kind(&self) -> Kind {
        match self {
            Self::Away => Kind::Unavailable,
            Self::State | Self::Rejected | Self::Unbound => Kind::Unauthenticated,
            Self::Off | Self::Taken | Self::NotStaff => Kind::Conflict,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_of_the_two_names_is_given() {
        let subject = Known::parse(Some("248289761001"), None);
        assert_eq!(subject, Ok(Known::Subject("248289761001".to_owned())));
        assert_eq!(Known::parse(None, Some("zhangsan")), Ok(Known::Name("zhangsan".to_owned())));
        let long = "x".repeat(256);
        for (subject, name) in
            [(None, None), (Some("1"), Some("2")), (Some(""), None), (None, Some(long.as_str()))]
        {
            assert!(Known::parse(subject, name).is_err(), "{subject:?} {name:?}");
        }
    }

    #[test]
    fn a_second_factor_is_one_of_those_that_count() {
        let means = |all: &[&str]| all.iter().map(|one| (*one).to_owned()).collect::<BTreeSet<_>>();
        let required = ["otp".to_owned(), "mfa".to_owned()];
        assert!(is_second_factor(&means(&["pwd", "otp"]), &required));
        assert!(!is_second_factor(&means(&["pwd", "otp"]), &[]));
        for shown in [means(&["pwd"]), means(&[])] {
            assert!(!is_second_factor(&shown, &required));
        }
    }
}
