//! The reporter's rules at their edges.

use chrono::TimeDelta;

use crate::{
    complaint::{ClosedAs, Complaint, Refused, Reopen, Rework, Status, Withdraw},
    decision::Decision,
    evaluation::Evaluation,
    event::EventKind,
    task::{self, Task},
    testing::*,
};

fn later() -> crate::time::Timestamp {
    at("2026-11-25 09:00")
}

fn evaluate(
    complaint: &Complaint,
    solved: bool,
    satisfaction: i64,
) -> (Decision<Complaint>, Option<Decision<Task>>) {
    let lead = task_in(task::Status::Confirmed);
    let rework = Rework { task: id(12), lead: Some(&lead) };
    let evaluation = Evaluation::new(solved, satisfaction, None, None).unwrap();
    complaint.evaluate(&evaluation, &rework, terms(), later()).unwrap()
}

fn kinds<S>(decision: &Decision<S>) -> Vec<EventKind> {
    decision.events.iter().map(|event| event.kind).collect()
}

#[test]
fn every_evaluation_has_one_outcome() {
    for status in [Status::Replied, Status::FollowUp] {
        for solved in [true, false] {
            for satisfaction in 1..=5 {
                for reworks in 0..=3 {
                    let complaint = Complaint { reworks, ..complaint_in(status) };
                    let (decision, task) = evaluate(&complaint, solved, satisfaction);
                    let state = &decision.state;
                    let case = format!("{status} {solved} {satisfaction} {reworks}");
                    assert_eq!(decision.events[0].kind, EventKind::Evaluated);
                    if solved && satisfaction >= 3 {
                        assert_eq!(state.status, Status::Closed, "{case}");
                        assert_eq!(state.closed_as, Some(ClosedAs::Evaluated), "{case}");
                        assert_eq!(state.closed_at, Some(later()), "{case}");
                        assert!(task.is_none(), "{case}");
                    } else if reworks < 2 {
                        assert_eq!(state.status, Status::Handling, "{case}");
                        assert_eq!(state.reworks, reworks + 1, "{case}");
                        assert_eq!(decision.events[1].kind, EventKind::ReworkOrdered);
                        assert!(task.is_some(), "{case}");
                    } else {
                        assert_eq!(state.status, Status::Handling, "{case}");
                        assert_eq!(state.reworks, reworks, "{case}");
                        assert_eq!(decision.events[1].kind, EventKind::ConsultationOpened);
                        assert!(task.is_none(), "{case}");
                    }
                    assert_eq!(state.timers(terms()).len(), usize::from(state.closed_at.is_some()));
                }
            }
        }
    }
}

#[test]
fn a_rework_is_a_fresh_task_of_the_lead_on_its_line() {
    let (_, task) = evaluate(&complaint_in(Status::FollowUp), false, 2);
    let task = task.unwrap();
    check_events(&task);
    assert_eq!(task.events[0].data["rework"], true);
    let lead = task_in(task::Status::Confirmed);
    assert_eq!(task.state.rework_of, Some(lead.id));
    assert_eq!((task.state.line, task.state.role), (0, task::Role::Lead));
    assert_eq!(task.state.unit, lead.unit);
    assert_eq!(task.state.dispatched_at, later());
    assert_eq!((task.state.contacts, task.state.reply), (0, None));
    assert_eq!(task.state.contact_by, Some(at("2026-11-26 09:00")));
}

#[test]
fn a_rework_without_any_lead_waits_for_a_dispatch() {
    let complaint = complaint_in(Status::Closed);
    let rework = Rework { task: id(12), lead: None };
    let command = Reopen::parse("没有解决").unwrap();
    let (decision, task) = complaint.reopen(&command, &rework, terms(), later()).unwrap();
    assert_eq!((decision.state.status, task), (Status::Handling, None));
}

#[test]
fn a_child_evaluates_once_its_leading_case_is_answered_and_changes_nothing() {
    let evaluation = Evaluation::new(false, 1, Some(false), None).unwrap();
    for status in Status::ALL {
        let child = complaint_in(*status);
        for leading in Status::ALL {
            let answered = matches!(leading, Status::Replied | Status::FollowUp | Status::Closed);
            let result = child.evaluate_as_child(*leading, &evaluation);
            match (*status == Status::Merged, answered) {
                (true, true) => {
                    let decision = result.unwrap();
                    assert_eq!(decision.state, child);
                    assert_eq!(kinds(&decision), [EventKind::Evaluated]);
                }
                (true, false) if *leading == Status::Archived => {
                    assert!(matches!(result.unwrap_err(), Refused::Step { .. }));
                }
                (true, false) => assert_eq!(result.unwrap_err(), Refused::LeadingCaseOpen),
                (false, _) => assert!(matches!(result.unwrap_err(), Refused::Step { .. })),
            }
        }
    }
}

#[test]
fn a_closed_case_is_reopened_as_often_as_needed() {
    let mut complaint = complaint_in(Status::Closed);
    let lead = task_in(task::Status::Confirmed);
    let rework = Rework { task: id(12), lead: Some(&lead) };
    let command = Reopen::parse("晚上又不亮了").unwrap();
    for n in 1..=3 {
        let (decision, task) = complaint.reopen(&command, &rework, terms(), later()).unwrap();
        let state = decision.state;
        assert_eq!((state.status, state.reopened, state.appealed), (Status::Handling, n, false));
        assert_eq!((state.closed_at, state.closed_as, state.follow_up_round), (None, None, 0));
        assert_eq!(task.unwrap().state.rework_of, Some(lead.id));
        assert_eq!(decision.events[0].note.as_deref(), Some("晚上又不亮了"));
        complaint.reopened = n;
    }
}

#[test]
fn a_rejection_or_answer_is_appealed_once_in_a_life() {
    let rework = Rework { task: id(12), lead: None };
    let command = Reopen::parse("属于本区管辖").unwrap();
    for status in [Status::Rejected, Status::Answered] {
        let complaint = complaint_in(status);
        let (decision, task) = complaint.reopen(&command, &rework, terms(), later()).unwrap();
        assert_eq!(kinds(&decision), [EventKind::Appealed]);
        assert!(task.is_none());
        let state = decision.state;
        assert_eq!((state.status, state.appealed), (Status::Submitted, true));
        assert_eq!((state.clock_from, state.reopened), (later(), 0));
        for second in [Status::Rejected, Status::Answered] {
            let again = Complaint { status: second, ..state.clone() };
            let refused = again.reopen(&command, &rework, terms(), later()).unwrap_err();
            assert_eq!(refused, Refused::AppealUsed);
        }
        let closed = Complaint { status: Status::Closed, ..state };
        assert!(closed.reopen(&command, &rework, terms(), later()).is_ok(), "no appeal");
    }
}

#[test]
fn a_double_tap_urges_once() {
    let complaint = complaint_in(Status::Handling);
    let first = complaint.urge(tuesday()).unwrap();
    assert_eq!((first.state.urges, kinds(&first)), (1, vec![EventKind::Urged]));
    let soon = first.state.urge(tuesday() + TimeDelta::seconds(599)).unwrap();
    assert_eq!((soon.state.clone(), kinds(&soon)), (first.state.clone(), vec![]));
    let then = first.state.urge(tuesday() + TimeDelta::seconds(600)).unwrap();
    assert_eq!((then.state.urges, then.events.len()), (2, 1));
}

#[test]
fn withdrawing_needs_no_reason() {
    let complaint = complaint_in(Status::Handling);
    for (given, kept) in [(None, None), (Some("  "), None), (Some("已好"), Some("已好"))] {
        let decision = complaint.withdraw(&Withdraw::parse(given).unwrap()).unwrap();
        assert_eq!(decision.events[0].note.as_deref(), kept);
    }
    assert!(Withdraw::parse(Some(&"长".repeat(2001))).is_err());
}

#[test]
fn a_missed_call_is_the_centres_knowledge_and_moves_no_round() {
    let complaint = complaint_in(Status::FollowUp);
    let decision = complaint.miss().unwrap();
    assert_eq!(decision.state, complaint);
    assert_eq!(decision.events[0].data["round"], 1);
}
