//! What came of a call, and what becomes of its delivery.

use domain::delivery::{Reason, Setback};
use infra::{
    sms,
    wechat::{Errcode, Failure, Fault},
};

/// What came of a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Outcome {
    /// WeChat or the provider took it.
    Sent,
    /// Surely not sent; it may be later.
    Retry(Setback),
    /// Surely not sent, and never will be.
    Fail(Reason),
    /// It may have been sent.
    Unknown,
}

impl Outcome {
    pub(super) const fn of(answer: Result<(), Failure>) -> Self {
        match answer {
            Ok(()) => Self::Sent,
            Err(Failure::Unavailable(Fault::Unconnected) | Failure::Resting) => {
                Self::Retry(Setback::Away)
            }
            Err(Failure::Unavailable(_)) => Self::Unknown,
            Err(Failure::Said(errcode)) => match errcode {
                Errcode::Busy | Errcode::TokenDead | Errcode::TooOften => {
                    Self::Retry(Setback::Away)
                }
                Errcode::Quota => Self::Retry(Setback::Spent),
                Errcode::NoConsent => Self::Fail(Reason::NoConsent),
                Errcode::FieldRefused => Self::Fail(Reason::FieldRefused),
                _ => Self::Fail(Reason::Refused),
            },
        }
    }

    /// What came of a text message.
    pub(super) const fn of_text(answer: Result<(), sms::Failure>) -> Self {
        match answer {
            Ok(()) => Self::Sent,
            Err(failure) => match failure.advice() {
                sms::Advice::Retry => Self::Retry(Setback::Away),
                sms::Advice::Limit => Self::Retry(Setback::Limit),
                sms::Advice::Spent => Self::Retry(Setback::Spent),
                sms::Advice::Unknown => Self::Unknown,
                sms::Advice::Refused(_) => Self::Fail(Reason::Refused),
            },
        }
    }

    /// Whether the consent that was used up for it is there again.
    pub(super) const fn gives_back(self) -> bool {
        matches!(self, Self::Retry(_) | Self::Fail(Reason::FieldRefused | Reason::Refused))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const AWAY: Outcome = Outcome::Retry(Setback::Away);

    #[test]
    fn a_text_message_that_may_have_been_sent_is_not_tried_again() {
        let said = |advice| Err(sms::Failure::Said(sms::Refusal { code: "x", advice }));
        for (answer, outcome) in [
            (Ok(()), Outcome::Sent),
            (Err(sms::Failure::Unavailable(Fault::Unconnected)), AWAY),
            (Err(sms::Failure::Resting), AWAY),
            (Err(sms::Failure::Unavailable(Fault::Late)), Outcome::Unknown),
            (Err(sms::Failure::NotMobile), Outcome::Fail(Reason::Refused)),
            (said(sms::Advice::Retry), AWAY),
            (said(sms::Advice::Limit), Outcome::Retry(Setback::Limit)),
            (said(sms::Advice::Spent), Outcome::Retry(Setback::Spent)),
            (said(sms::Advice::Unknown), Outcome::Unknown),
            (said(sms::Advice::Refused("x")), Outcome::Fail(Reason::Refused)),
        ] {
            assert_eq!(Outcome::of_text(answer), outcome, "{answer:?}");
        }
    }

    #[test]
    fn only_what_was_surely_not_sent_is_tried_again() {
        let said = |code| Err(Failure::Said(Errcode::of(code).unwrap()));
        for (answer, outcome, given_back) in [
            (Ok(()), Outcome::Sent, false),
            (Err(Failure::Unavailable(Fault::Unconnected)), AWAY, true),
            (Err(Failure::Resting), AWAY, true),
            (Err(Failure::Unavailable(Fault::Late)), Outcome::Unknown, false),
            (Err(Failure::Unavailable(Fault::Broken)), Outcome::Unknown, false),
            (Err(Failure::Unavailable(Fault::Status(502))), Outcome::Unknown, false),
            (Err(Failure::Unavailable(Fault::Unreadable)), Outcome::Unknown, false),
            (said(-1), AWAY, true),
            (said(40001), AWAY, true),
            (said(45011), AWAY, true),
            (said(45009), Outcome::Retry(Setback::Spent), true),
            (said(43101), Outcome::Fail(Reason::NoConsent), false),
            (said(47003), Outcome::Fail(Reason::FieldRefused), true),
            (said(40226), Outcome::Fail(Reason::Refused), true),
            (said(40037), Outcome::Fail(Reason::Refused), true),
        ] {
            assert_eq!(Outcome::of(answer), outcome, "{answer:?}");
            assert_eq!(outcome.gives_back(), given_back, "{answer:?}");
        }
    }
}
