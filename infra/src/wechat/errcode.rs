//! WeChat's error codes, and what is to be done about each.

/// What WeChat refuses with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Errcode {
    /// −1: their system is busy.
    #[error("busy (-1)")]
    Busy,
    /// 40001, 40014, 42001: the access token is not good any more.
    #[error("access token not valid")]
    TokenDead,
    /// 40029: no such code, or older than five minutes.
    #[error("code unknown or expired (40029)")]
    CodeInvalid,
    /// 40163: the code was used already.
    #[error("code used already (40163)")]
    CodeUsed,
    /// 40226: WeChat blocks this person for risk.
    #[error("person blocked (40226)")]
    Blocked,
    /// 45011: asked too often.
    #[error("asked too often (45011)")]
    TooOften,
    /// 45009: the day's quota is used up.
    #[error("quota used up (45009)")]
    Quota,
    /// 61010: the person was not active in the last two hours.
    #[error("person not active (61010)")]
    NotActive,
    /// 43101: the person did not consent to the message, or the consent is used up.
    #[error("no consent to the message (43101)")]
    NoConsent,
    /// 47003: a field of the message does not fit its kind.
    #[error("a field does not fit (47003)")]
    FieldRefused,
    /// 40013, 40037, 40125, 40164, 41030: app id, template, secret, address or page are set wrong.
    #[error("set up wrong ({0})")]
    SetUp(i64),
    /// Any other.
    #[error("errcode {0}")]
    Other(i64),
}

/// What whoever called is to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Advice {
    /// Ask again later; it may work then.
    Later,
    /// Let the client fetch a new code.
    NewCode,
    /// Tell the person that WeChat refuses them; nothing else helps.
    Refuse,
    /// It cannot be done this way: a person, or another way, has to do it.
    Person,
    /// The consent counts as used up: send nothing until there is a new one.
    Consent,
    /// Something of ours is wrong: an administrator has to mend it.
    Mend,
}

impl Errcode {
    /// The error of a code; none for 0.
    pub const fn of(errcode: i64) -> Option<Self> {
        Some(match errcode {
            0 => return None,
            -1 => Self::Busy,
            40001 | 40014 | 42001 => Self::TokenDead,
            40029 => Self::CodeInvalid,
            40163 => Self::CodeUsed,
            40226 => Self::Blocked,
            45011 => Self::TooOften,
            45009 => Self::Quota,
            61010 => Self::NotActive,
            43101 => Self::NoConsent,
            47003 => Self::FieldRefused,
            40013 | 40037 | 40125 | 40164 | 41030 => Self::SetUp(errcode),
            other => Self::Other(other),
        })
    }

    /// What to do about it. A dead token was renewed and the call replayed before anybody sees
    /// this, so that it is only a matter of time.
    pub const fn advice(self) -> Advice {
        match self {
            Self::Busy | Self::TokenDead | Self::TooOften => Advice::Later,
            Self::CodeInvalid | Self::CodeUsed => Advice::NewCode,
            Self::Blocked => Advice::Refuse,
            Self::Quota | Self::NotActive => Advice::Person,
            Self::NoConsent => Advice::Consent,
            Self::FieldRefused | Self::SetUp(_) | Self::Other(_) => Advice::Mend,
        }
    }

    /// A word for the figures.
    pub(super) const fn outcome(self) -> &'static str {
        match self {
            Self::Busy => "busy",
            Self::TokenDead => "token_dead",
            Self::CodeInvalid => "code_invalid",
            Self::CodeUsed => "code_used",
            Self::Blocked => "blocked",
            Self::TooOften => "too_often",
            Self::Quota => "quota",
            Self::NotActive => "not_active",
            Self::NoConsent => "no_consent",
            Self::FieldRefused => "field_refused",
            Self::SetUp(_) => "set_up_wrong",
            Self::Other(_) => "other",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_says_what_to_do() {
        assert_eq!(Errcode::of(0), None);
        for (codes, advice) in [
            (&[-1, 40001, 40014, 42001, 45011][..], Advice::Later),
            (&[40029, 40163], Advice::NewCode),
            (&[40226], Advice::Refuse),
            (&[45009, 61010], Advice::Person),
            (&[43101], Advice::Consent),
            (&[47003, 40013, 40037, 40125, 40164, 41030, 99999, -2], Advice::Mend),
        ] {
            for code in codes {
                assert_eq!(Errcode::of(*code).unwrap().advice(), advice, "{code}");
            }
        }
    }
}
