use std::collections::BTreeSet;

use super::*;
use crate::{
    complaint::{self, Dispatch},
    refusal::Refusal,
    task::{self, Task},
    testing::*,
};

fn consultation_in(status: Status) -> Consultation {
    let units = vec![code("urban-management"), code("water")];
    Consultation {
        id: id(7),
        complaint: id(1),
        version: 3,
        status,
        level: Level::Centre,
        decide_by: at("2026-11-28 00:00"),
        units,
    }
}

fn to(lead: &str, assist: &[&str]) -> Dispatch {
    let assist = assist.iter().zip(31..).map(|(unit, n)| assign(n, unit)).collect();
    let lead = assign(30, lead);
    Dispatch { lead, assist, judged_by: None, site: false, note: None, approved_by: None }
}

fn words(reply_by: Option<Timestamp>) -> Decide {
    Decide::parse("由水务局牵头，城管局配合恢复路面。", Some("责任清单第七项"), reply_by).unwrap()
}

fn ruled(open: &[Task], units: &Dispatch, reply_by: Option<Timestamp>) -> Result<Outcome, Refused> {
    let complaint = complaint_in(complaint::Status::Handling);
    let on = (&complaint, open);
    consultation_in(Status::Open).decide(&words(reply_by), units, on, terms(), tuesday())
}

fn take(step: Step, one: &Consultation) -> Result<Decision<Consultation>, Refused> {
    let now = at("2026-11-24 11:00");
    match step {
        Step::State => one.state(&code("water"), &Statement::parse("管网属我局维护").unwrap()),
        Step::Climb => one.climb(&Climb::parse("两家意见不一").unwrap(), terms(), now),
        Step::Decide => {
            let complaint = complaint_in(complaint::Status::Handling);
            let on = (&complaint, &[][..]);
            let outcome = one.decide(&words(None), &to("water", &[]), on, terms(), now)?;
            Ok(Decision { state: outcome.consultation, events: outcome.complaint.events })
        }
        Step::Lapse => one.lapse(),
    }
}

#[test]
fn exactly_the_listed_steps_are_allowed_and_lead_where_the_table_says() {
    for (step, sources, targets) in TRANSITIONS {
        let mut reached = BTreeSet::new();
        for status in Status::ALL {
            let before = consultation_in(*status);
            let case = format!("{step} from {status}");
            assert_eq!(before.permit(*step).is_ok(), sources.contains(status), "{case}");
            match take(*step, &before) {
                Ok(decision) => {
                    assert!(sources.contains(status), "{case} must be refused");
                    reached.insert(decision.state.status);
                    assert_eq!(decision.state.version, before.version, "the store counts");
                    assert!(!decision.events.is_empty(), "{case}");
                    check_events(&decision);
                }
                Err(refused) => {
                    assert!(!sources.contains(status), "{case}: {refused}");
                    assert_eq!(refused.code(), "consultation_step_refused", "{case}");
                }
            }
        }
        assert_eq!(reached, targets.iter().copied().collect(), "{step} reaches its targets");
    }
}

#[test]
fn it_climbs_twice_each_with_a_deadline_of_its_own() {
    let why = Climb::parse("两家意见不一").unwrap();
    let one = consultation_in(Status::Open);
    let up = one.climb(&why, terms(), at("2026-11-27 09:00")).unwrap();
    assert_eq!(up.state.level, Level::DeputyHead);
    assert_eq!(up.state.decide_by, at("2026-12-05 00:00"), "five working days over a weekend");
    assert_eq!(up.events.len(), 2, "each invited unit is told");
    assert_eq!(up.state.timers(), [Timer::new(TimerKind::ConsultationDue, up.state.decide_by)]);
    let top = up.state.climb(&why, terms(), tuesday()).unwrap().state;
    assert_eq!(top.level, Level::Coordination);
    assert_eq!(top.climb(&why, terms(), tuesday()).unwrap_err(), Refused::AtTop);
}

#[test]
fn the_date_that_is_named_lies_ahead_and_within_reach() {
    let complaint = complaint_in(complaint::Status::Handling);
    let open = |decide_by| {
        let units = ["urban-management".to_owned(), "water".to_owned()];
        let ask = Open::parse(None, &units, "路面塌陷由谁修复？", decide_by).unwrap();
        Consultation::open(id(7), &complaint, &ask, terms(), tuesday())
    };
    let opened = open(None).unwrap();
    assert_eq!(opened.state.decide_by, at("2026-11-28 00:00"), "three working days");
    check_events(&opened);
    assert_eq!(open(Some(tuesday())).unwrap_err(), Refused::DecideByOutOfRange);
    assert_eq!(open(Some(at("2027-11-24 09:00"))).unwrap_err(), Refused::DecideByOutOfRange);
    let by = at("2026-11-25 12:00");
    assert_eq!(open(Some(by)).unwrap().state.decide_by, by);
}

#[test]
fn an_invitation_names_each_unit_once() {
    let parse = |units: &[&str]| {
        let units: Vec<String> = units.iter().map(|unit| (*unit).to_owned()).collect();
        Open::parse(None, &units, "路面塌陷由谁修复？", None)
    };
    assert!(parse(&["water"]).is_ok());
    assert_eq!(parse(&[]).unwrap_err().0[0].field, "units");
    assert_eq!(parse(&["water", "water"]).unwrap_err().0[0].field, "units.1");
    assert!(parse(&vec!["water"; 21]).is_err());
}

#[test]
fn who_is_no_longer_in_charge_ends_and_who_stays_is_bound() {
    // 城管局 leads and asks to return; 水务局 assists.
    let lead = task_in(task::Status::ReturnRequested);
    let mut assist = task_in(task::Status::Acknowledged);
    assist.id = id(11);
    assist.unit = code("water");
    (assist.role, assist.line) = (task::Role::Assist, 1);

    let stays = ruled(&[lead.clone(), assist.clone()], &to("urban-management", &[]), None).unwrap();
    let [kept, ended] = &stays.tasks[..] else { panic!("two tasks were open") };
    assert_eq!(kept.state.status, task::Status::Acknowledged, "the return is settled by it");
    assert!(kept.state.is_final && kept.state.return_request.is_none());
    assert_eq!(ended.state.status, task::Status::Cancelled);
    assert!(stays.created.is_empty());

    let by = at("2026-12-03 00:00");
    let units = to("water", &["heating"]);
    let moved = ruled(&[lead, assist], &units, Some(by)).unwrap();
    assert!(moved.tasks.iter().all(|task| task.state.status == task::Status::Cancelled));
    let [new, helper] = &moved.created[..] else { panic!("two units got a task") };
    assert_eq!((new.state.unit.as_str(), new.state.line), ("water", 0));
    assert_eq!((helper.state.unit.as_str(), helper.state.line), ("heating", 2));
    for task in [new, helper] {
        assert!(task.state.is_final, "it cannot be returned");
        assert_eq!(task.state.reply_by, by);
        check_events(task);
    }
    assert_eq!(moved.complaint.state.status, complaint::Status::Handling);
}

#[test]
fn a_ruling_names_no_unit_twice_and_no_past_date() {
    let twice = ruled(&[], &to("water", &["water"]), None).unwrap_err();
    assert_eq!(twice.code(), "unit_named_twice");
    let past = ruled(&[], &to("water", &[]), Some(tuesday())).unwrap_err();
    assert_eq!(past.code(), "reply_by_past");
}

#[test]
fn the_first_task_of_an_accepted_complaint_may_come_by_a_ruling() {
    let complaint = complaint_in(complaint::Status::Accepted);
    let on = (&complaint, &[][..]);
    let one = consultation_in(Status::Open);
    let outcome = one.decide(&words(None), &to("water", &[]), on, terms(), tuesday()).unwrap();
    assert_eq!(outcome.complaint.state.status, complaint::Status::Dispatched);
    assert_eq!(outcome.complaint.state.dispatched_at, Some(tuesday()));
}
