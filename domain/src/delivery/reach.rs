//! By what somebody is told: one message for each event, by WeChat where it can go, else by text message
//! for the few things that are worth one.

use super::{Channel, OUTSIDE, Reason, Template};
use crate::{event::EventKind, notification::Recipient, refusal::FieldError};

/// What goes to the person concerned by text message where WeChat cannot: the answers that a complaint
/// was made for, and the morning's summary.
pub const TEXTED: &[EventKind] = &[
    EventKind::Rejected,
    EventKind::Answered,
    EventKind::Replied,
    EventKind::Closed,
    EventKind::DailyDigest,
];

/// What goes to staff by text message: to whom of those who are told, with which phrase, and whether
/// only where the matter is pressing (emergency and utility). A missed deadline goes to the head when
/// the notice of it does: at once where it is pressing, else with the next working day
/// (`sla::OverdueRules::notice_at`).
pub const ON_DUTY: &[(EventKind, Recipient, &str, bool)] = &[
    (EventKind::TaskDispatched, Recipient::Unit, "紧急派单", true),
    (EventKind::OverdueNotice, Recipient::Approvers, "已逾期", false),
    (EventKind::WhistleBlown, Recipient::Centre, "已吹哨", false),
];

/// What is known of somebody who was told of an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Reach {
    /// It is about their own case, or names them.
    pub concerned: bool,
    /// They are among those of whom [`ON_DUTY`] speaks.
    pub on_duty: bool,
    /// The matter is pressing.
    pub pressing: bool,
    /// They consented to the template at WeChat, and may be sent at least one more.
    pub consents: bool,
    /// They have a verified phone.
    pub phone: bool,
}

/// In which template and by what somebody is sent an event, if at all. Whoever is concerned is never
/// told as staff as well.
pub fn route(kind: EventKind, reach: Reach) -> Option<(Template, Channel)> {
    if reach.concerned {
        let (_, template, ..) = OUTSIDE.iter().find(|(one, ..)| *one == kind)?;
        let by = |channel, can: bool| {
            (can && template.channels().contains(&channel)).then_some((*template, channel))
        };
        let texted = reach.phone && TEXTED.contains(&kind);
        return by(Channel::Subscribe, reach.consents).or_else(|| by(Channel::Sms, texted));
    }
    let (.., only_pressing) = ON_DUTY.iter().find(|(one, ..)| *one == kind)?;
    let due = reach.on_duty && reach.phone && (reach.pressing || !only_pressing);
    due.then_some((Template::Duty, Channel::Sms))
}

/// By what an event is sent instead, when it turned out that it surely cannot go by a channel.
pub fn instead(kind: EventKind, channel: Channel, reason: Reason) -> Option<Channel> {
    let cannot_go = matches!(reason, Reason::NoConsent | Reason::NoAddress);
    (channel == Channel::Subscribe && cannot_go && TEXTED.contains(&kind)).then_some(Channel::Sms)
}

/// Checks which groups somebody switches off for a channel: what duty demands comes in any case.
///
/// # Errors
/// A group that cannot be switched off, or is never sent by the channel.
pub fn check_muted(field: &str, channel: Channel, muted: &[Template]) -> Result<(), FieldError> {
    if let Some(duty) = muted.iter().find(|one| !one.is_optional()) {
        let reason =
            format!("“{}”（紧急派单、超时、吹哨）是职责所需，不能关闭，请从中删去", duty.label());
        return Err(FieldError::new(field, reason));
    }
    match muted.iter().find(|one| !one.channels().contains(&channel)) {
        Some(never) => {
            let reason = format!("“{}”从不用{}发送，请从中删去", never.label(), channel.label());
            Err(FieldError::new(field, reason))
        }
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::notification::TOLD;

    #[test]
    fn one_event_goes_by_one_way_and_wechat_comes_first() {
        for concerned in [false, true] {
            for on_duty in [false, true] {
                for (consents, phone, pressing) in [
                    (false, false, false),
                    (false, true, false),
                    (true, false, true),
                    (true, true, true),
                    (false, true, true),
                ] {
                    let reach = Reach { concerned, on_duty, pressing, consents, phone };
                    for kind in EventKind::ALL {
                        let outside = OUTSIDE.iter().find(|(one, ..)| one == kind);
                        let duty = ON_DUTY.iter().find(|(one, ..)| one == kind);
                        let expected = match (concerned, outside, duty) {
                            (true, Some((_, template, ..)), _)
                                if consents && *template != Template::Digest =>
                            {
                                Some((*template, Channel::Subscribe))
                            }
                            (true, Some((_, template, ..)), _)
                                if phone && TEXTED.contains(kind) =>
                            {
                                Some((*template, Channel::Sms))
                            }
                            (false, _, Some((.., only_pressing)))
                                if on_duty && phone && (pressing || !only_pressing) =>
                            {
                                Some((Template::Duty, Channel::Sms))
                            }
                            _ => None,
                        };
                        assert_eq!(route(*kind, reach), expected, "{kind} {reach:?}");
                        let sent = route(*kind, reach);
                        let fits = sent.is_none_or(|(of, by)| of.channels().contains(&by));
                        assert!(fits, "{kind} {sent:?}");
                    }
                }
            }
        }
    }

    #[test]
    fn what_is_texted_is_told_to_those_it_is_texted_to() {
        for (place, kind) in TEXTED.iter().enumerate() {
            let (_, template, ..) = OUTSIDE.iter().find(|(one, ..)| one == kind).unwrap();
            assert!(template.channels().contains(&Channel::Sms), "{kind}");
            assert!(!TEXTED[..place].contains(kind), "{kind} twice");
        }
        for (place, (kind, who, phrase, _)) in ON_DUTY.iter().enumerate() {
            let told = TOLD.iter().find(|(one, _)| one == kind).unwrap().1;
            let roles: Vec<_> = told.iter().flat_map(|one| one.roles()).collect();
            assert!(who.roles().iter().all(|role| roles.contains(&role)), "{kind}");
            assert!((1..=5).contains(&phrase.chars().count()), "{phrase}");
            assert!(!ON_DUTY[..place].iter().any(|(one, ..)| one == kind), "{kind} twice");
        }
    }

    #[test]
    fn what_duty_demands_and_what_never_comes_cannot_be_switched_off() {
        for channel in Channel::ALL {
            for template in Template::ALL {
                let allowed = template.channels().contains(channel) && *template != Template::Duty;
                let checked = check_muted("muted", *channel, &[*template]);
                assert_eq!(checked.is_ok(), allowed, "{channel} {template}");
            }
            assert_eq!(check_muted("muted", *channel, &[]), Ok(()));
        }
    }

    #[test]
    fn only_what_surely_cannot_go_goes_by_another_way() {
        for reason in Reason::ALL {
            for kind in EventKind::ALL {
                let cannot = [Reason::NoConsent, Reason::NoAddress].contains(reason);
                let expected = (cannot && TEXTED.contains(kind)).then_some(Channel::Sms);
                assert_eq!(instead(*kind, Channel::Subscribe, *reason), expected);
                assert_eq!(instead(*kind, Channel::Sms, *reason), None, "there is no third way");
            }
        }
    }
}
