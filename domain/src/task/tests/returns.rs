//! Returns (退单) and the centre's rulings on them.

use chrono::TimeDelta;
use proptest::prelude::*;

use crate::{
    complaint::{self, Complaint},
    event::{EventKind, Visibility},
    refusal::Refusal,
    sla::Urgency,
    task::{DecideReturn, Refused, Return, ReturnGround, Role, Status, Task},
    testing::*,
    time::Timestamp,
};

fn ask(task: &Task, now: Timestamp) -> Result<Task, Refused> {
    let command = Return::parse(ReturnGround::Area, "界线在北侧", "water").unwrap();
    let decision = task.ask_return(&command, terms(), now)?;
    assert_eq!(decision.events[0].visibility, Visibility::Unit, "grounds are not the reporter's");
    Ok(decision.state)
}

fn approve(to: &str) -> DecideReturn {
    let next = Some(assign(20, to));
    DecideReturn { approve: true, next, is_final: false, reply_by: None, reason: "改派".into() }
}

fn rule(
    task: &Task,
    command: &DecideReturn,
    now: Timestamp,
) -> Result<(Task, Option<Task>), Refused> {
    let complaint = complaint_in(complaint::Status::Handling);
    let (decision, next) = task.decide_return(command, complaint.contact_is_due(), terms(), now)?;
    check_events(&decision);
    next.iter().for_each(check_events);
    Ok((decision.state, next.map(|next| next.state)))
}

#[test]
fn the_window_is_a_working_day_or_an_hour_when_pressing() {
    for urgency in Urgency::ALL {
        let accepted = complaint_in(complaint::Status::Accepted);
        let task = lead_of(&Complaint { urgency: Some(*urgency), ..accepted });
        let task = Task { status: Status::Acknowledged, ..task };
        let closed_at = match urgency {
            Urgency::Emergency | Urgency::Utility => at("2026-11-24 10:00"),
            _ => at("2026-11-26 00:00"),
        };
        assert!(ask(&task, closed_at - TimeDelta::milliseconds(1)).is_ok(), "{urgency}");
        let refused = ask(&task, closed_at).unwrap_err();
        assert_eq!(refused, Refused::ReturnWindowClosed { closed_at }, "{urgency}");
        assert_eq!(refused.code(), "return_window_closed");
    }
}

#[test]
fn an_emergency_acts_first_and_disputes_afterwards() {
    for urgency in Urgency::ALL {
        let task = Task { urgency: *urgency, ..task_in(Status::Pending) };
        let result = ask(&task, at("2026-11-24 09:10"));
        assert_eq!(result.is_err(), *urgency == Urgency::Emergency, "{urgency}");
        if let Err(refused) = result {
            assert_eq!(refused, Refused::EmergencyActsFirst);
            assert!(
                ask(&Task { status: Status::Acknowledged, ..task }, at("2026-11-24 09:10")).is_ok()
            );
        }
    }
}

#[test]
fn a_task_is_not_returned_to_its_own_unit() {
    let command = Return::parse(ReturnGround::Overlap, "职责交叉", "urban-management").unwrap();
    let asked = task_in(Status::Pending).ask_return(&command, terms(), tuesday());
    assert_eq!(asked.unwrap_err(), Refused::ReturnToSelf);
    let ruled = rule(&task_in(Status::ReturnRequested), &approve("urban-management"), tuesday());
    assert_eq!(ruled.unwrap_err(), Refused::ReturnToSelf);
    let nobody = DecideReturn { next: None, ..approve("water") };
    let ruled = rule(&task_in(Status::ReturnRequested), &nobody, tuesday());
    assert_eq!(ruled.unwrap_err().code(), "next_unit_missing");
}

#[test]
fn a_return_names_its_basis() {
    for (basis, to) in [(" ", "water"), ("依据", "不是代码")] {
        assert!(Return::parse(ReturnGround::Duty, basis, to).is_err());
    }
}

#[test]
fn declined_it_goes_back_to_what_it_was_and_may_be_asked_again() {
    for before in [Status::Pending, Status::Acknowledged] {
        let task = task_in(before);
        let asked = ask(&task, at("2026-11-24 10:00")).unwrap();
        assert_eq!(asked.status, Status::ReturnRequested);
        let declined = DecideReturn { approve: false, next: None, ..approve("water") };
        let (back, next) = rule(&asked, &declined, at("2026-11-24 11:00")).unwrap();
        assert_eq!((back.clone(), next), (task, None), "nothing else changed");
        assert!(ask(&back, at("2026-11-24 12:00")).is_ok(), "only granted returns count");
    }
}

#[test]
fn approved_the_next_unit_has_fresh_clocks_and_the_residents_date() {
    let asked = Task { role: Role::Lead, ..task_in(Status::ReturnRequested) };
    let now = at("2026-11-25 15:00");
    let (ended, next) = rule(&asked, &approve("water"), now).unwrap();
    assert_eq!((ended.status, ended.ended_at, ended.returns), (Status::Returned, Some(now), 1));
    assert_eq!(ended.return_request, None);
    let next = next.unwrap();
    assert_eq!((next.line, next.role, next.unit.as_str()), (0, Role::Lead, "water"));
    assert_eq!((next.status, next.returns, next.is_final), (Status::Pending, 1, false));
    assert_eq!((next.dispatched_at, next.acknowledged_at), (now, None));
    assert_eq!(next.acknowledge_by, at("2026-11-26 09:00"));
    assert_eq!(next.contact_by, Some(at("2026-11-26 15:00")));
    assert_eq!(next.reply_by, asked.reply_by, "the resident's date");
}

#[test]
fn a_date_that_is_past_must_be_named_anew() {
    let asked = task_in(Status::ReturnRequested);
    let now = asked.reply_by;
    assert_eq!(rule(&asked, &approve("water"), now).unwrap_err(), Refused::ReplyByPast);
    assert!(rule(&asked, &approve("water"), now - TimeDelta::seconds(1)).is_ok());
    let named = |by| DecideReturn { reply_by: Some(by), ..approve("water") };
    assert_eq!(rule(&asked, &named(now), now).unwrap_err().code(), "reply_by_past");
    let by = now + TimeDelta::hours(3);
    let complaint = complaint_in(complaint::Status::Handling);
    let (decision, next) =
        asked.decide_return(&named(by), complaint.contact_is_due(), terms(), now).unwrap();
    assert_eq!(decision.events[0].kind, EventKind::TaskReturned);
    let next = next.unwrap();
    assert_eq!(next.state.reply_by, by);
    assert_eq!(next.events[0].data["reply_by"], serde_json::json!(by), "announced");
    assert_eq!(next.events[0].visibility, Visibility::Everyone);
}

#[test]
fn two_returns_on_a_line_then_the_ruled_unit_keeps_it() {
    let mut task = task_in(Status::Pending);
    let now = at("2026-11-24 10:00");
    for (n, unit) in (1..).zip(["water", "heating"]) {
        let command = Return::parse(ReturnGround::Unclear, "事实不清", unit).unwrap();
        let asked = task.ask_return(&command, terms(), now).unwrap().state;
        task = rule(&asked, &approve(unit), now).unwrap().1.unwrap();
        assert_eq!((task.returns, task.is_final), (n, n == 2));
    }
    let refused = ask(&task, now).unwrap_err();
    assert_eq!(refused, Refused::ReturnLimitReached { limit: 2 });
    assert_eq!(refused.code(), "return_limit_reached");
    let complaint = complaint_in(complaint::Status::Handling);
    let rework = task.again(id(30), &complaint, terms(), now).state;
    assert_eq!(ask(&rework, now).unwrap_err().code(), "return_limit_reached", "the line's count");
}

#[test]
fn a_final_ruling_cannot_be_returned() {
    let asked = task_in(Status::ReturnRequested);
    let last = DecideReturn { is_final: true, ..approve("water") };
    let next = rule(&asked, &last, tuesday()).unwrap().1.unwrap();
    assert!(next.is_final);
    assert_eq!(
        ask(&Task { unit: code("gas"), ..next }, tuesday()).unwrap_err(),
        Refused::ReturnLimitReached { limit: 2 }
    );
}

proptest! {
    #[test]
    fn a_passed_on_task_keeps_the_order_of_its_marks(
        urgency in prop::sample::select(Urgency::ALL),
        dispatched in 0..400_000_i64,
        ruled_after in 0..30_000_i64,
        named in prop::option::of(1..20_000_i64),
        site: bool,
    ) {
        let from = at("2026-01-01 00:00") + TimeDelta::minutes(dispatched);
        let now = from + TimeDelta::minutes(ruled_after);
        let mut complaint = complaint_in(complaint::Status::Accepted);
        complaint.urgency = Some(urgency);
        let order = crate::task::Order { line: 0, site, note: None };
        let task = Task::dispatch(&assign(10, "gas"), &complaint, &order, terms(), from).state;
        let asked = Task {
            status: Status::ReturnRequested,
            return_request: task_in(Status::ReturnRequested).return_request,
            ..task.clone()
        };
        let reply_by = named.map(|minutes| now + TimeDelta::minutes(minutes));
        let ruled = rule(&asked, &DecideReturn { reply_by, ..approve("water") }, now);
        prop_assert_eq!(ruled.is_err(), reply_by.is_none() && task.reply_by <= now);
        if let Ok((_, next)) = ruled {
            let next = next.unwrap();
            let marks =
                [Some(next.acknowledge_by), next.contact_by, next.arrive_by, Some(next.reply_by)];
            prop_assert!(marks.iter().flatten().is_sorted(), "{:?}", marks);
            prop_assert_eq!(next.reply_by, reply_by.unwrap_or(task.reply_by));
            prop_assert_eq!(next.arrive_by.is_some(), task.arrive_by.is_some());
        }
    }
}
