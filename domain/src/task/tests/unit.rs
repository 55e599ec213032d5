//! Acknowledging, reporting in, and asking for more time.

use chrono::TimeDelta;

use crate::{
    event::Visibility,
    refusal::Refusal,
    sla::Urgency,
    task::{DecideExtension, Extend, ExtensionRequest, Refused, ReportIn, Status, Task},
    testing::*,
    time::Timestamp,
};

/// `reply_by` of an ordinary task of Tuesday, 24 November: 1 December, 24:00.
const LATEST: &str = "2026-12-05 00:00";

fn extend(task: &Task, until: Timestamp, now: Timestamp) -> Result<Task, Refused> {
    let command = Extend::parse(until, "等待配件到货").unwrap();
    let decision = task.ask_extension(&command, terms(), now)?;
    assert_eq!(decision.events[0].visibility, Visibility::Unit);
    Ok(decision.state)
}

#[test]
fn an_extension_is_asked_before_the_deadline_for_three_working_days_at_most() {
    let task = task_in(Status::Acknowledged);
    let second = TimeDelta::seconds(1);
    let (by, latest) = (task.reply_by, at(LATEST));
    for (until, now, expected) in [
        (latest, tuesday(), None),
        (by + second, by - second, None),
        (latest, by, Some("extension_window_closed")),
        (latest, by + second, Some("extension_window_closed")),
        (by, tuesday(), Some("extension_until_out_of_range")),
        (by - second, tuesday(), Some("extension_until_out_of_range")),
        (latest + second, tuesday(), Some("extension_until_out_of_range")),
    ] {
        let result = extend(&task, until, now);
        assert_eq!(result.as_ref().err().map(Refusal::code), expected, "{until} asked at {now}");
        if let Ok(asked) = result {
            assert_eq!(asked.reply_by, by, "the clock goes on while it is merely asked for");
            assert_eq!(asked.status, task.status);
            let twice = extend(&asked, until, now).unwrap_err();
            assert_eq!(twice, Refused::ExtensionPending);
        }
    }
}

#[test]
fn never_for_emergencies_and_three_times_at_most() {
    for urgency in Urgency::ALL {
        for extensions in 0..=4 {
            let task = Task { urgency: *urgency, extensions, ..task_in(Status::Arrived) };
            let expected = match (urgency, extensions) {
                (Urgency::Emergency, _) => Some("extension_not_for_emergency"),
                (_, 0..3) => None,
                _ => Some("extension_limit_reached"),
            };
            let result = extend(&task, at(LATEST), tuesday());
            assert_eq!(
                result.err().as_ref().map(Refusal::code),
                expected,
                "{urgency} {extensions}"
            );
        }
    }
}

fn decide(task: &Task, approve: bool, until: Option<Timestamp>) -> Result<Task, Refused> {
    let command = DecideExtension::parse(approve, until, "情况属实").unwrap();
    let decision = task.decide_extension(&command, terms())?;
    let told = if approve { Visibility::Everyone } else { Visibility::Unit };
    assert_eq!(decision.events[0].visibility, told, "the resident is told date and reason");
    assert!(decision.events[0].note.is_some());
    Ok(decision.state)
}

#[test]
fn granted_it_replaces_reply_by_declined_nothing_changes() {
    let task = task_in(Status::Acknowledged);
    let asked = extend(&task, at("2026-12-04 00:00"), tuesday()).unwrap();
    let granted = decide(&asked, true, None).unwrap();
    assert_eq!((granted.reply_by, granted.extensions), (at("2026-12-04 00:00"), 1));
    assert_eq!(granted.extension_request, None);
    let otherwise = decide(&asked, true, Some(at("2026-12-02 18:00"))).unwrap();
    assert_eq!(otherwise.reply_by, at("2026-12-02 18:00"));
    assert_eq!(decide(&asked, false, None).unwrap(), task);
    let refused = decide(&asked, true, Some(at("2026-12-05 00:01"))).unwrap_err();
    assert_eq!(refused.code(), "extension_until_out_of_range");
    assert_eq!(decide(&task, true, None).unwrap_err(), Refused::NoExtensionAsked);
    assert_eq!(extend(&granted, at(LATEST), tuesday()).unwrap().extensions, 1);
}

#[test]
fn a_ruling_that_comes_late_is_judged_as_of_the_request() {
    let task = task_in(Status::Acknowledged);
    let last_moment = task.reply_by - TimeDelta::seconds(1);
    let asked = extend(&task, at(LATEST), last_moment).unwrap();
    assert_eq!(decide(&asked, true, None).unwrap().reply_by, at(LATEST));
}

#[test]
fn what_ends_or_replies_drops_the_request() {
    let request = Some(ExtensionRequest { until: at(LATEST), asked_at: tuesday() });
    let task = Task { extension_request: request, contacts: 1, ..task_in(Status::Acknowledged) };
    let replied = task.reply(&reply(), false, false, tuesday()).unwrap().state;
    let cancelled = task.cancel(tuesday()).unwrap().state;
    assert_eq!((replied.extension_request, cancelled.extension_request), (None, None));
}

#[test]
fn who_came_is_recorded_by_name_and_post_beside_the_data() {
    let people = [("王强", "科长"), ("李敏", "副局长")];
    let here = ReportIn::parse(&people, Some("管道破裂"), Some((113.3, 40.1))).unwrap();
    let task = task_in(Status::Acknowledged);
    let decision = task.report_in(&here, at("2026-11-24 09:20")).unwrap();
    check_events(&decision);
    assert_eq!(decision.events[0].note.as_deref(), Some("王强（科长）、李敏（副局长）。管道破裂"));
    assert_eq!(decision.events[0].data["people"], 2);
    let again = decision.state.report_in(&here, at("2026-11-24 15:00")).unwrap().state;
    assert_eq!(again.arrived_at, Some(at("2026-11-24 09:20")), "the first counts");
}

#[test]
fn a_report_names_between_one_and_fifty_people_and_all_its_faults() {
    assert!(ReportIn::parse(&[], None, None).is_err());
    assert!(ReportIn::parse(&[("王强", "科长"); 50], None, None).is_ok());
    assert!(ReportIn::parse(&[("王强", "科长"); 51], None, None).is_err());
    let refused = ReportIn::parse(&[("王强", ""), ("", "科长")], None, Some((40.1, 113.3)));
    let fields: Vec<_> = refused.unwrap_err().0.into_iter().map(|fault| fault.field).collect();
    assert_eq!(fields, ["people.0.post", "people.1.name", "location"]);
}
