//! The instants that a task waits for, and how they move.

use chrono::TimeDelta;
use proptest::prelude::*;

use crate::{
    complaint,
    event::EventKind,
    sla::{Mark, Timer, TimerKind, Urgency},
    task::{ExtensionRequest, Order, Role, Status, Task},
    testing::*,
};

fn kinds(task: &Task) -> Vec<TimerKind> {
    let timers = task.timers(terms()).into_iter().map(|timer| timer.kind);
    timers.filter(|kind| !kind.follows_overdue()).collect()
}

#[test]
fn each_state_waits_for_what_is_still_undone() {
    use TimerKind::{
        AcknowledgeDue, ArriveDue, ConfirmDue, ContactDue, ReplyDue, ReplyHalf, ReplyMost,
        RulingDue,
    };
    for status in Status::ALL {
        let expected = match status {
            Status::Pending => {
                vec![AcknowledgeDue, ContactDue, ArriveDue, ReplyHalf, ReplyMost, ReplyDue]
            }
            Status::Acknowledged | Status::SentBack => {
                vec![ContactDue, ArriveDue, ReplyHalf, ReplyMost, ReplyDue]
            }
            Status::Arrived => vec![ContactDue, ReplyHalf, ReplyMost, ReplyDue],
            Status::Replied => vec![ContactDue, ArriveDue, ConfirmDue],
            Status::ReturnRequested => {
                vec![ContactDue, ArriveDue, ReplyHalf, ReplyMost, ReplyDue, RulingDue]
            }
            Status::Confirmed | Status::Returned | Status::Cancelled => Vec::new(),
        };
        assert_eq!(kinds(&task_in(*status)), expected, "{status}");
    }
    let reached = Task { contacted_at: Some(tuesday()), ..task_in(Status::Arrived) };
    assert_eq!(kinds(&reached), [ReplyHalf, ReplyMost, ReplyDue]);
}

#[test]
fn the_instants_by_hand() {
    let due = |task: &Task, kind| {
        let timers = task.timers(terms());
        timers.iter().find(|timer| timer.kind == kind).unwrap().due_at
    };
    let task = task_in(Status::Pending);
    // Seven days and fifteen hours from Tuesday 09:00 to Tuesday 24:00.
    assert_eq!(due(&task, TimerKind::ReplyHalf), at("2026-11-28 04:30"));
    assert_eq!(due(&task, TimerKind::ReplyMost), at("2026-11-30 11:24"));
    assert_eq!(due(&task, TimerKind::ReplyDue), at("2026-12-02 00:00"));
    let asked = task_in(Status::ReturnRequested);
    assert_eq!(due(&asked, TimerKind::RulingDue), at("2026-11-24 16:00"));
    assert_eq!(due(&task_in(Status::Replied), TimerKind::ConfirmDue), at("2026-11-26 00:00"));
}

#[test]
fn the_centre_owes_a_ruling_on_each_request() {
    let asked = |text| Some(ExtensionRequest { until: at("2026-12-03 00:00"), asked_at: at(text) });
    let both =
        Task { extension_request: asked("2026-11-24 09:30"), ..task_in(Status::ReturnRequested) };
    let rulings = |task: &Task| {
        let timers = task.timers(terms()).into_iter();
        timers.filter(|timer| timer.kind == TimerKind::RulingDue).collect::<Vec<_>>()
    };
    let ruling = |text| Timer::new(TimerKind::RulingDue, at(text));
    assert_eq!(rulings(&both), [ruling("2026-11-24 16:00"), ruling("2026-11-24 15:30")]);
    let at_once = Task { extension_request: asked("2026-11-24 10:00"), ..both };
    assert_eq!(rulings(&at_once), [ruling("2026-11-24 16:00")], "one instant is one timer");
}

#[test]
fn a_due_instant_is_on_record_and_the_state_stays() {
    let task = task_in(Status::Pending);
    for kind in TimerKind::ALL {
        let decision = task.fire(*kind, at("2027-01-01 00:00"));
        assert_eq!(decision.state, task);
        check_events(&decision);
        let event = &decision.events[0];
        match kind {
            TimerKind::ReplyHalf | TimerKind::ReplyMost => {
                assert_eq!(event.kind, EventKind::Reminder);
            }
            TimerKind::AcknowledgeDue
            | TimerKind::ContactDue
            | TimerKind::ArriveDue
            | TimerKind::ReplyDue => {
                assert_eq!(event.kind, EventKind::Overdue);
                let mark = event.data["mark"].as_str().unwrap();
                assert!(mark.parse::<Mark>().is_ok(), "{mark}");
            }
            TimerKind::NoticeDue => assert_eq!(event.kind, EventKind::OverdueNotice),
            TimerKind::BulletinDue => assert_eq!(event.kind, EventKind::WrittenBulletin),
            TimerKind::BlowerSilent => assert_eq!(event.kind, EventKind::BlowerSilent),
            _ => assert_eq!(event.kind, EventKind::CentreOverdue),
        }
    }
}

/// The instants of what follows a missed deadline.
fn instants(task: &Task, kind: TimerKind) -> Vec<crate::time::Timestamp> {
    let timers = task.timers(terms()).into_iter().filter(|timer| timer.kind == kind);
    let mut instants: Vec<_> = timers.map(|timer| timer.due_at).collect();
    instants.dedup();
    instants
}

#[test]
fn a_missed_deadline_is_told_to_the_head_then_in_writing_then_supervised() {
    // Replied on time but for the arrival, which was due at the end of Wednesday.
    let task = Task {
        acknowledged_at: Some(tuesday()),
        contacted_at: Some(tuesday()),
        ..task_in(Status::Replied)
    };
    assert_eq!(task.arrive_by, Some(at("2026-11-26 00:00")));
    // Thursday at the opening; five working days later; two more.
    assert_eq!(instants(&task, TimerKind::NoticeDue), [at("2026-11-26 08:30")]);
    assert_eq!(instants(&task, TimerKind::BulletinDue), [at("2026-12-04 00:00")]);
    assert_eq!(instants(&task, TimerKind::SuperviseDue), [at("2026-12-09 00:00")]);
    let pressing = Task { urgency: Urgency::Utility, ..task.clone() };
    assert_eq!(instants(&pressing, TimerKind::NoticeDue), [at("2026-11-26 00:00")], "at once");
    let done = Task { arrived_at: Some(tuesday()), ..task };
    for kind in TimerKind::ALL.iter().filter(|kind| kind.follows_overdue()) {
        assert!(instants(&done, *kind).is_empty(), "{kind}");
    }
}

#[test]
fn a_notice_names_what_is_owed_and_no_more() {
    let task = task_in(Status::Pending);
    let marks =
        |now: &str| task.fire(TimerKind::NoticeDue, at(now)).events[0].data["marks"].clone();
    assert_eq!(marks("2026-11-24 16:00"), serde_json::json!(["acknowledge"]));
    assert_eq!(
        marks("2026-12-31 00:00"),
        serde_json::json!(["acknowledge", "contact", "arrive", "reply"])
    );
}

/// A standstill of three days from Tuesday 10:00.
fn shifted(task: &Task) -> Task {
    let decision = task.shifted(suspension().since, TimeDelta::days(3));
    check_events(&decision);
    decision.state
}

#[test]
fn a_standstill_moves_what_is_ahead_and_undone() {
    let days = TimeDelta::days(3);
    let task = task_in(Status::Pending);
    let moved = shifted(&task);
    assert_eq!(moved.acknowledge_by, task.acknowledge_by + days);
    assert_eq!(moved.contact_by, task.contact_by.map(|by| by + days));
    assert_eq!(moved.arrive_by, task.arrive_by.map(|by| by + days));
    assert_eq!(moved.reply_by, task.reply_by + days);
    assert_eq!(moved.dispatched_at, task.dispatched_at);

    let met = Task { contacted_at: Some(tuesday()), ..task_in(Status::Arrived) };
    let moved = shifted(&met);
    assert_eq!(moved.acknowledge_by, met.acknowledge_by);
    assert_eq!((moved.contact_by, moved.arrive_by), (met.contact_by, met.arrive_by));
    assert_eq!(moved.reply_by, met.reply_by + days);
}

#[test]
fn a_standstill_excuses_nothing_that_was_late_before() {
    let late = Task {
        contacted_at: Some(tuesday()),
        acknowledge_by: at("2026-11-24 09:30"),
        reply_by: at("2026-11-24 09:45"),
        contact_by: Some(at("2026-11-24 09:30")),
        arrive_by: None,
        replied_at: Some(at("2026-11-24 09:50")),
        ..task_in(Status::Replied)
    };
    assert_eq!(shifted(&late), late, "a late reply stays late");
    let silent = Task { status: Status::Pending, acknowledged_at: None, ..late };
    let moved = shifted(&silent);
    assert!(moved.return_by > silent.return_by, "it may still be disputed");
    let missed = Task { return_by: silent.return_by, ..moved };
    assert_eq!(missed, silent, "missed is missed, and is not told twice");
}

#[test]
fn a_standstill_moves_what_was_asked_for_too() {
    let request = ExtensionRequest { until: at("2026-12-03 00:00"), asked_at: tuesday() };
    let task = Task { extension_request: Some(request), ..task_in(Status::ReturnRequested) };
    let moved = shifted(&task);
    let days = TimeDelta::days(3);
    assert_eq!(moved.extension_request.unwrap().until, request.until + days);
    assert_eq!(moved.extension_request.unwrap().asked_at, request.asked_at + days);
    assert_eq!(moved.return_request.unwrap().asked_at, at("2026-11-27 10:00"));
}

proptest! {
    #[test]
    fn marks_stay_in_order_through_dispatch_rework_and_standstill(
        urgency in prop::sample::select(Urgency::ALL),
        minutes in 0..700_000_i64,
        (since, stood) in (0..10_000_i64, 0..260_000_i64),
        met in prop::array::uniform3(any::<bool>()),
        (line, site, replied) in (0..2_i16, any::<bool>(), any::<bool>()),
    ) {
        let from = at("2025-09-01 00:00") + TimeDelta::minutes(minutes);
        let mut complaint = complaint_in(complaint::Status::Accepted);
        complaint.urgency = Some(urgency);
        let order = Order { line, site, note: None };
        let mut task = Task::dispatch(&assign(10, "gas"), &complaint, &order, terms(), from).state;
        prop_assert_eq!(task.role == Role::Lead, task.contact_by.is_some());
        let [acknowledged, contacted, arrived] = met.map(|met| met.then_some(from));
        (task.acknowledged_at, task.contacted_at, task.arrived_at) = (acknowledged, contacted, arrived);
        if replied {
            task.status = Status::Replied;
        }
        let moved = task.shifted(from + TimeDelta::minutes(since), TimeDelta::minutes(stood)).state;
        let again = task.again(id(11), &complaint, terms(), from + TimeDelta::minutes(stood)).state;
        for task in [&task, &moved, &again] {
            let marks =
                [Some(task.acknowledge_by), task.contact_by, task.arrive_by, Some(task.reply_by)];
            prop_assert!(marks.iter().flatten().is_sorted(), "{:?}", marks);
        }
        prop_assert!(moved.reply_by >= task.reply_by);
        prop_assert!(moved.reply_by <= task.reply_by + TimeDelta::minutes(stood));
    }
}
