use super::*;
use crate::{
    event::Visibility,
    notification::{Recipient, TOLD},
    scope::Audience,
};

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

const QUIET: Quiet = Quiet { from: 21, until: 8 };

fn facts(kind: EventKind) -> Facts<'static> {
    let line = OUTSIDE.iter().find(|(one, ..)| *one == kind);
    Facts {
        kind,
        template: line.map_or(Template::Duty, |(_, template, ..)| *template),
        pressing: false,
        read: false,
        readable: true,
        muted: &[],
        superseded: false,
        later: &[],
        holds: true,
        addressed: true,
        consents: Some(1),
        quiet: QUIET,
    }
}

const NOON: &str = "2026-11-28T12:00:00+08:00";
const NIGHT: &str = "2026-11-28T22:30:00+08:00";

#[test]
fn every_step_from_every_state() {
    for step in Step::ALL {
        let line: Vec<_> = TRANSITIONS.iter().filter(|(one, ..)| one == step).collect();
        assert_eq!(line.len(), 1, "{step}");
        for state in State::ALL {
            let allowed = line[0].1.contains(state);
            let refused = Refused::Step { step: *step, state: *state };
            let expected = if allowed { Ok(line[0].2) } else { Err(refused) };
            assert_eq!(state.step(*step), expected, "{state} {step}");
        }
    }
    // Nothing that may have been sent is sent again but by a person.
    let leads = |to| TRANSITIONS.iter().filter(move |(.., end)| *end == to);
    assert!(leads(State::Sending).all(|(_, from, _)| *from == [State::Waiting]));
    assert!(State::Sent.step(Step::Resend).is_err() && State::Dropped.step(Step::Resend).is_err());
}

#[test]
fn what_leaves_is_told_to_a_resident_once_and_fits_its_field() {
    for (place, (kind, _, phrase, _)) in OUTSIDE.iter().enumerate() {
        let told = TOLD.iter().find(|(one, _)| one == kind).unwrap().1;
        let own = [Recipient::Reporter, Recipient::Person];
        assert!(told.iter().any(|who| own.contains(who)), "{kind} is told to no resident");
        assert!((1..=5).contains(&phrase.chars().count()), "{phrase}");
        assert!(!OUTSIDE[..place].iter().any(|(one, ..)| one == kind), "{kind} twice");
    }
    for template in Template::ALL {
        let sent =
            *template == Template::Duty || OUTSIDE.iter().any(|(_, one, ..)| one == template);
        assert!(sent, "{template} is never sent");
    }
    for (kind, ends) in OVER {
        assert!(OUTSIDE.iter().any(|(one, ..)| one == kind) && !ends.is_empty(), "{kind}");
    }
    for (kind, ends) in OVER_ON_DUTY {
        assert!(rule(*kind, Template::Duty).is_some() && !ends.is_empty(), "{kind}");
    }
    assert_eq!(rule(EventKind::Contacted, Template::Progress), None);
    assert_eq!(rule(EventKind::Accepted, Template::Asked), None);
    assert_eq!(rule(EventKind::TaskDispatched, Template::Progress), Some(("已派单", false)));
    assert_eq!(rule(EventKind::TaskDispatched, Template::Duty), Some(("紧急派单", false)));
}

#[test]
fn each_reason_drops_and_the_rest_is_sent() {
    let noon = at(NOON);
    let plain = facts(EventKind::Replied);
    assert_eq!(judge(&plain, noon), Verdict::Send);
    assert_eq!(judge(&Facts { consents: None, ..plain.clone() }, noon), Verdict::Send);
    for (facts, reason) in [
        (Facts { readable: false, ..plain.clone() }, Reason::Unreadable),
        (Facts { read: true, ..plain.clone() }, Reason::Read),
        (Facts { later: &[EventKind::Evaluated], ..plain.clone() }, Reason::Over),
        (Facts { holds: false, ..plain.clone() }, Reason::Over),
        (Facts { superseded: true, ..plain.clone() }, Reason::Superseded),
        (Facts { muted: &[Template::Asked], ..plain.clone() }, Reason::Muted),
        (Facts { addressed: false, ..plain.clone() }, Reason::NoAddress),
        (Facts { consents: Some(0), ..plain.clone() }, Reason::NoConsent),
        (Facts { kind: EventKind::Contacted, ..plain.clone() }, Reason::Over),
    ] {
        assert_eq!(judge(&facts, noon), Verdict::Drop(reason));
    }
    let other = Facts { muted: &[Template::Points], later: &[EventKind::Urged], ..plain };
    assert_eq!(judge(&other, noon), Verdict::Send, "another group, and an event that ends nothing");
    // Pressing news is sent although it stands read in the inbox on another device.
    let pressing = Facts { read: true, ..facts(EventKind::PostCancelled) };
    assert_eq!(judge(&pressing, noon), Verdict::Send);
}

#[test]
fn duty_cannot_be_switched_off_and_what_presses_does_not_wait() {
    let on_duty = |kind, pressing| Facts {
        template: Template::Duty,
        pressing,
        muted: Template::ALL,
        consents: None,
        ..facts(kind)
    };
    let (noon, night) = (at(NOON), at(NIGHT));
    for (kind, ..) in ON_DUTY {
        assert_eq!(judge(&on_duty(*kind, false), noon), Verdict::Send, "{kind}");
        assert_eq!(judge(&on_duty(*kind, true), night), Verdict::Send, "{kind}");
        assert!(matches!(judge(&on_duty(*kind, false), night), Verdict::Wait(_)), "{kind}");
    }
    let taken =
        Facts { later: &[EventKind::TaskAcknowledged], ..on_duty(EventKind::TaskDispatched, true) };
    assert_eq!(judge(&taken, noon), Verdict::Drop(Reason::Over), "somebody works on it");
    let told = Facts { later: &[EventKind::TaskAcknowledged], ..facts(EventKind::TaskDispatched) };
    assert_eq!(judge(&told, noon), Verdict::Send, "the reporter is told all the same");
    let hurried = Facts { pressing: true, ..facts(EventKind::TaskDispatched) };
    assert!(matches!(judge(&hurried, night), Verdict::Wait(_)), "no reporter is woken by it");
}

#[test]
fn what_can_wait_waits_for_the_morning() {
    let morning = at("2026-11-29T08:00:00+08:00");
    assert_eq!(judge(&facts(EventKind::Closed), at(NIGHT)), Verdict::Wait(morning));
    assert_eq!(judge(&facts(EventKind::ClaimPromoted), at(NIGHT)), Verdict::Send);
    let needless = Facts { read: true, ..facts(EventKind::Closed) };
    assert_eq!(judge(&needless, at(NIGHT)), Verdict::Drop(Reason::Read), "nothing needless waits");
    // Consent may still come by the morning.
    let without = Facts { consents: Some(0), ..facts(EventKind::Closed) };
    assert_eq!(judge(&without, at(NIGHT)), Verdict::Wait(morning));
    for (now, ends) in [
        ("2026-11-28T20:59:59+08:00", None),
        ("2026-11-28T21:00:00+08:00", Some("2026-11-29T08:00:00+08:00")),
        ("2026-11-29T00:00:00+08:00", Some("2026-11-29T08:00:00+08:00")),
        ("2026-11-29T07:59:59+08:00", Some("2026-11-29T08:00:00+08:00")),
        ("2026-11-29T08:00:00+08:00", None),
    ] {
        assert_eq!(QUIET.ends(at(now)), ends.map(at), "{now}");
    }
    let noon_rest = Quiet { from: 12, until: 14 };
    assert_eq!(noon_rest.ends(at(NOON)), Some(at("2026-11-28T14:00:00+08:00")));
    assert_eq!(noon_rest.ends(at(NIGHT)), None);
    assert_eq!(Quiet { from: 8, until: 8 }.ends(at(NOON)), None, "the same hour twice is never");
    assert!(Quiet::parse(24, 0).is_err() && Quiet::parse(0, 24).is_err());
    assert_eq!(Quiet::parse(21, 8), Ok(QUIET));
}

#[test]
fn a_confidential_case_shows_nothing_of_itself() {
    let event = Event {
        seq: 1,
        kind: EventKind::Accepted,
        at: at(NOON),
        visibility: Visibility::Everyone,
        unit: None,
        unit_name: None,
        task: None,
        data: serde_json::json!({}),
        note: None,
    };
    let patterns: BTreeMap<String, String> = PLACEHOLDERS
        .iter()
        .zip(["thing1", "character_string2", "phrase3", "thing4", "time5", "thing7"])
        .map(|(placeholder, key)| (key.to_owned(), (*placeholder).to_owned()))
        .chain([("thing6".to_owned(), "智享平城".to_owned())])
        .collect();
    let viewer = |confidential| Viewer { audience: Audience::Reporter, own: true, confidential };
    let filled_by = |channel, confidential| {
        let sent = (&event, Template::Progress, channel);
        fields(&patterns, sent, viewer(confidential), "{number}路灯不亮", Some("PC1"))
            .into_iter()
            .collect::<BTreeMap<_, _>>()
    };
    let filled = |confidential| filled_by(Channel::Subscribe, confidential);
    let open = filled(false);
    assert_eq!(open["thing1"], "{number}路灯不亮", "a title is never read for placeholders");
    assert_eq!(open["character_string2"], "PC1");
    assert_eq!((open["phrase3"].as_str(), open["thing6"].as_str()), ("已受理", "智享平城"));
    assert_eq!(open["time5"], "2026年11月28日 12:00");
    assert!(open["thing4"].contains("已受理"));
    let closed = filled(true);
    assert_eq!(
        (closed["thing1"].as_str(), closed["thing4"].as_str()),
        (WITHHELD_TITLE, WITHHELD_TEXT)
    );
    assert_eq!(closed["character_string2"], "PC1", "WeChat knows whose it is already");
    let texted = |confidential| filled_by(Channel::Sms, confidential)["character_string2"].clone();
    assert_eq!((texted(false), texted(true)), ("PC1".to_owned(), "-".to_owned()));
}

#[test]
fn pauses_double_up_to_an_hour_and_a_spent_day_is_waited_for() {
    let now = at(NOON);
    let pause = |failures| again(Setback::Away, failures, now).map(|to| (to - now).num_seconds());
    let pauses = [0, 1, 2, 3, 7, 8, i32::MAX].map(pause);
    assert_eq!(pauses, [Some(60), Some(60), Some(120), Some(240), Some(3600), None, None]);
    let tomorrow = Some(at("2026-11-29T00:05:00+08:00"));
    for failures in 1..ATTEMPTS {
        assert_eq!(again(Setback::Spent, failures, now), tomorrow);
        let limited = again(Setback::Limit, failures, now);
        let expected = if failures > 6 { tomorrow } else { again(Setback::Away, failures, now) };
        assert_eq!(limited, expected, "{failures}");
    }
    let midnight = at("2026-11-29T00:00:00+08:00");
    assert_eq!(again(Setback::Spent, 1, midnight), Some(at("2026-11-30T00:05:00+08:00")));
    assert_eq!(again(Setback::Spent, ATTEMPTS, now), None, "not for ever");
}
