//! The instants that a complaint waits for, and what they do.

use crate::{
    complaint::{ClosedAs, Complaint, Refused, Status},
    event::EventKind,
    sla::{Timer, TimerKind, Urgency},
    task,
    testing::*,
};

#[test]
fn each_state_waits_for_its_instant_alone() {
    for status in Status::ALL {
        let wanted = complaint_in(*status).timers(terms());
        let expected = match status {
            Status::Submitted | Status::Accepted => {
                vec![Timer::new(TimerKind::DispatchDue, at("2026-11-24 15:00"))]
            }
            Status::Replied => vec![Timer::new(TimerKind::FollowUp, tuesday())],
            Status::FollowUp => vec![Timer::new(TimerKind::FollowUpAgain, at("2026-11-28 00:00"))],
            Status::Closed => vec![Timer::new(TimerKind::Archive, at("2026-12-10 00:00"))],
            _ => Vec::new(),
        };
        assert_eq!(wanted, expected, "{status}");
    }
}

#[test]
fn a_suspended_complaint_waits_for_its_resumption_alone() {
    for status in [Status::Accepted, Status::Dispatched, Status::Handling] {
        let mut complaint = complaint_in(status);
        complaint.suspension = Some(suspension());
        let expected = [Timer::new(TimerKind::Resume, suspension().until)];
        assert_eq!(complaint.timers(terms()), expected);
    }
}

#[test]
fn an_emergency_is_dispatched_within_ten_minutes_of_submission() {
    let mut complaint = complaint_in(Status::Accepted);
    complaint.urgency = Some(Urgency::Emergency);
    complaint.accepted_at = Some(at("2026-11-24 09:08"));
    let expected = [Timer::new(TimerKind::DispatchDue, at("2026-11-24 09:10"))];
    assert_eq!(complaint.timers(terms()), expected);
}

/// From the last confirmation to the archive, nobody answering.
#[test]
fn two_rounds_then_closed_as_not_reached_then_archived() {
    let mut complaint = complaint_in(Status::Handling).finish(tuesday()).unwrap().state;
    assert_eq!(complaint.replied_at, Some(tuesday()));
    let life = [
        (TimerKind::FollowUp, "2026-11-24 09:00", Status::FollowUp, 1),
        (TimerKind::FollowUpAgain, "2026-11-28 00:00", Status::FollowUp, 2),
        (TimerKind::CloseUnreached, "2026-12-03 00:00", Status::Closed, 2),
        (TimerKind::Archive, "2026-12-19 00:00", Status::Archived, 2),
    ];
    for (kind, due, status, round) in life {
        assert_eq!(complaint.timers(terms()), [Timer::new(kind, at(due))]);
        let (decision, tasks) = complaint.fire(kind, &[], at(due)).unwrap();
        check_events(&decision);
        assert!(tasks.is_empty());
        complaint = decision.state;
        assert_eq!((complaint.status, complaint.follow_up_round), (status, round));
    }
    assert_eq!(complaint.closed_as, Some(ClosedAs::NotReached));
    assert_eq!(complaint.closed_at, Some(at("2026-12-03 00:00")));
    assert_eq!(complaint.timers(terms()), []);
}

#[test]
fn a_timer_that_does_not_fit_is_refused() {
    for status in Status::ALL {
        for round in [1, 2] {
            let complaint = Complaint { follow_up_round: round, ..complaint_in(*status) };
            let wanted = complaint.timers(terms());
            for kind in TimerKind::ALL.iter().filter(|kind| **kind != TimerKind::Resume) {
                let fits = wanted.iter().any(|timer| timer.kind == *kind);
                // What follows another has rounds of its own, beside its state.
                let result = match status {
                    Status::Merged => {
                        complaint.fire_as_child(*kind, Status::Closed, tuesday()).map(drop)
                    }
                    _ => complaint.fire(*kind, &[], tuesday()).map(drop),
                };
                assert_eq!(result.is_ok(), fits, "{kind} in {status}, round {round}");
                if let Err(refused) = result {
                    assert!(matches!(refused, Refused::Step { .. }));
                }
            }
        }
    }
}

#[test]
fn a_late_centre_is_told_and_the_state_stays() {
    let complaint = complaint_in(Status::Submitted);
    let (decision, _) = complaint.fire(TimerKind::DispatchDue, &[], tuesday()).unwrap();
    assert_eq!(decision.state, complaint);
    assert_eq!(decision.events[0].kind, EventKind::CentreOverdue);
    check_events(&decision);
}

#[test]
fn resuming_moves_the_centres_clock_by_the_time_it_stood_still() {
    let mut complaint = complaint_in(Status::Accepted);
    complaint.suspension = Some(suspension());
    let resumed = |now: &str| complaint.resume(&[], at(now)).unwrap().0.state;
    assert_eq!(resumed("2026-11-24 12:00").clock_from, at("2026-11-24 11:00"));
    assert_eq!(resumed("2026-11-27 10:00").clock_from, at("2026-11-27 09:00"));
    let late = resumed("2026-11-29 10:00").clock_from;
    assert_eq!(late, at("2026-11-27 09:00"), "the clocks go on at the announced date");
    assert_eq!(resumed("2026-11-24 09:59").clock_from, tuesday(), "never backwards");
}

#[test]
fn firing_the_resumption_moves_the_open_tasks() {
    let mut complaint = complaint_in(Status::Handling);
    complaint.suspension = Some(suspension());
    let task = task_in(task::Status::Acknowledged);
    let open = [task.clone()];
    let (decision, tasks) = complaint.fire(TimerKind::Resume, &open, suspension().until).unwrap();
    assert_eq!(decision.state.suspension, None);
    assert_eq!(tasks[0].state.reply_by - task.reply_by, chrono::TimeDelta::days(3));
}
