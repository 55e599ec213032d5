//! What the units' work does to a whistle, and the blower's word that it is done.

use super::*;
use crate::{
    event::EventKind,
    task::{DecideReturn, ReportIn, ReturnGround, ReturnRequest, SendBack, Status as T},
    whistle::Refused,
};

#[test]
fn answered_with_the_last_acknowledgement_only() {
    let whistle = whistle_in(Status::Blown);
    let after = |statuses| whistle.acknowledged(&tasks(statuses)).state.status;
    assert_eq!(after([T::Acknowledged, T::Pending, T::Pending]), Status::Blown);
    assert_eq!(after([T::Acknowledged, T::Acknowledged, T::Pending]), Status::Blown);
    assert_eq!(after([T::Acknowledged; 3]), Status::Answered);
    assert_eq!(after([T::Replied, T::Confirmed, T::Acknowledged]), Status::Answered);
    // A task that another unit took over is not waited for; its successor is.
    assert_eq!(after([T::Acknowledged, T::Returned, T::Cancelled]), Status::Answered);
    let mut unseen = tasks([T::Acknowledged, T::ReturnRequested, T::Acknowledged]);
    unseen[1].acknowledged_at = None;
    assert_eq!(whistle.acknowledged(&unseen).state.status, Status::Blown);
}

#[test]
fn an_acknowledgement_never_takes_a_whistle_back() {
    for status in Status::ALL.iter().filter(|status| **status != Status::Blown) {
        let whistle = whistle_in(*status);
        for statuses in [[T::Acknowledged; 3], [T::Acknowledged, T::Pending, T::Pending]] {
            let decision = whistle.acknowledged(&tasks(statuses));
            assert_eq!(decision.state, whistle, "{status}");
            assert!(decision.events.is_empty());
        }
    }
}

#[test]
fn the_first_on_the_spot_makes_it_handled() {
    for status in [Status::Blown, Status::Answered, Status::Handling] {
        let decision = whistle_in(status).arrived().unwrap();
        assert_eq!(decision.state.status, Status::Handling);
        assert!(decision.events.is_empty(), "the task's event tells it");
    }
}

#[test]
fn it_is_not_done_while_a_task_is_open() {
    for open in T::ALL.iter().filter(|status| !status.is_ended()) {
        for status in [Status::Blown, Status::Answered, Status::Handling] {
            let whistle = whistle_in(status);
            let one = whistle.stand_down(&tasks([T::Confirmed, *open, T::Confirmed]), &[], now());
            assert_eq!(one.unwrap_err(), Refused::TasksOpen(1), "{open}");
            let three = whistle.stand_down(&tasks([*open; 3]), &codes(&UNITS), now());
            assert_eq!(three.unwrap_err(), Refused::TasksOpen(3), "{open}");
        }
    }
}

#[test]
fn done_and_appraised_is_over_at_once_else_it_waits_for_appraisals() {
    let whistle = whistle_in(Status::Handling);
    let kinds = |appraised: &[&str], tasks: &[Task]| {
        let decision = whistle.stand_down(tasks, &codes(appraised), now()).unwrap();
        assert_eq!(decision.state.standing_down_at, Some(now()));
        let kinds: Vec<_> = decision.events.iter().map(|event| event.kind).collect();
        (decision.state.status, decision.state.stood_down_at, kinds)
    };
    let called = vec![EventKind::StandDownCalled];
    let over = vec![EventKind::StandDownCalled, EventKind::StoodDown];
    let confirmed = all_confirmed();
    assert_eq!(kinds(&[], &confirmed), (Status::StandingDown, None, called.clone()));
    assert_eq!(kinds(&UNITS[..2], &confirmed), (Status::StandingDown, None, called));
    assert_eq!(kinds(&UNITS, &confirmed), (Status::StoodDown, Some(now()), over.clone()));
    // A unit that gave its task back is not appraised.
    let returned = tasks([T::Confirmed, T::Returned, T::Confirmed]);
    assert_eq!(kinds(&[UNITS[0], UNITS[2]], &returned), (Status::StoodDown, Some(now()), over));
}

fn here() -> ReportIn {
    ReportIn::parse(&[("王强", "副局长")], None, None).unwrap()
}

#[test]
fn a_whistle_is_answered_on_the_spot() {
    let [lead, assist, _]: [Task; 3] = tasks([T::Acknowledged; 3]).try_into().unwrap();
    for task in [lead, assist] {
        let early = task.reply(&reply(), false, false, now());
        assert_eq!(early.unwrap_err(), task::Refused::NotArrived);
        let there = task.report_in(&here(), now()).unwrap().state;
        let replied = there.reply(&reply(), false, false, now()).unwrap().state;
        let back = SendBack::parse("请补充照明情况", None).unwrap();
        let back = replied.send_back(&back, terms(), now()).unwrap().state;
        let again = back.acknowledge(now()).unwrap().state;
        assert!(again.reply(&reply(), false, false, now()).is_ok(), "it came once, that is enough");
    }
    let complaint = task_in(T::Acknowledged);
    let contacted = Task { contacts: 1, ..complaint };
    assert!(contacted.reply(&reply(), false, false, now()).is_ok(), "a complaint's may be");
}

#[test]
fn the_next_unit_after_a_return_must_come_too_and_call_nobody() {
    let mut task = tasks([T::ReturnRequested; 3]).remove(1);
    task.return_request = Some(ReturnRequest {
        ground: ReturnGround::Duty,
        to: code("water"),
        asked_at: tuesday(),
        before: T::Acknowledged,
    });
    let command = DecideReturn {
        approve: true,
        next: Some(assign(30, "water")),
        is_final: false,
        reply_by: None,
        reason: "按责任清单改派".to_owned(),
    };
    let (_, successor) =
        task.decide_return(&command, false, terms(), at("2026-11-24 09:20")).unwrap();
    let successor = successor.unwrap().state;
    assert_eq!(successor.case, task.case);
    assert_eq!((successor.role, successor.line), (task.role, task.line));
    assert_eq!(successor.contact_by, None);
    assert_eq!(successor.arrive_by, Some(at("2026-11-24 09:50")));
    assert_eq!(successor.reply_by, task.reply_by);
}
