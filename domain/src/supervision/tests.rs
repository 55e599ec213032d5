//! The rules of supervision: every state × every step, the climb, the deadlines, the roster.

use std::collections::BTreeSet;

use super::*;
use crate::{
    decision::Decision,
    refusal::Refusal,
    sla::{Timer, TimerKind},
    task,
    testing::*,
};

fn now() -> Timestamp {
    at("2026-11-24 10:00")
}

fn demand() -> Demand {
    Demand::parse(Level::Letter, None, "请说明路灯迟迟未修的原因").unwrap()
}

fn written() -> Written {
    Written::parse("电缆已经到货，明天完成更换并通知反映人", None).unwrap()
}

fn back() -> SendBack {
    SendBack::parse("没有说明何时修好").unwrap()
}

fn over(status: Status) -> bool {
    matches!(status, Status::Accepted | Status::Lapsed)
}

/// A supervision of Tuesday 09:00 in a state that it can be in.
fn in_state(status: Status) -> Supervision {
    let task = task_in(task::Status::Acknowledged);
    let decision = Supervision::open(id(7), &task, &demand(), None, terms(), tuesday());
    check_events(&decision);
    let mut state = decision.state;
    state.status = status;
    if matches!(status, Status::Answered | Status::Accepted) {
        (state.answer, state.answered_at) = (Some(written()), Some(tuesday()));
    }
    if status == Status::Coordination {
        state.level = Level::Leader;
    }
    state.ended_at = over(status).then(tuesday);
    state
}

fn at_level(level: Level) -> Supervision {
    Supervision { level, ..in_state(Status::Open) }
}

type Taken = Result<Decision<Supervision>, Refused>;

fn take(step: Step, one: &Supervision) -> Vec<Taken> {
    let listed = Supervision { listed_at: Some(tuesday()), ..one.clone() };
    match step {
        Step::Answer => vec![one.answer(&written(), now())],
        Step::Accept => vec![one.accept(now()), listed.accept(now())],
        Step::SendBack => vec![one.send_back(&back(), terms(), now())],
        Step::Climb => Level::ALL
            .iter()
            .filter(|level| one.status != Status::Coordination || **level == Level::Leader)
            .map(|level| Supervision { level: *level, ..one.clone() }.climb(terms(), now()))
            .collect(),
        Step::Lapse => {
            let over = [task::Status::Returned, task::Status::Cancelled];
            over.iter().map(|task| one.fire(*task, terms(), now())).collect()
        }
        Step::Instruct => vec![one.instruct("今日拿出办法", terms(), now())],
        Step::List => vec![one.list("久拖未决的供暖问题", now())],
        Step::Unlist => vec![listed.unlist("已经恢复供暖")],
    }
}

#[test]
fn exactly_the_listed_steps_are_allowed_and_lead_where_the_table_says() {
    for (step, sources, targets) in TRANSITIONS {
        let mut reached = BTreeSet::new();
        for status in Status::ALL {
            let before = in_state(*status);
            let case = format!("{step} from {status}");
            assert_eq!(before.permit(*step).is_ok(), sources.contains(status), "{case}");
            for result in take(*step, &before) {
                match result {
                    Ok(decision) => {
                        assert!(sources.contains(status), "{case} must be refused");
                        check_events(&decision);
                        let after = &decision.state;
                        assert_eq!(decision.events.len(), 1, "{case}");
                        assert_eq!(after.ended_at.is_some(), over(after.status));
                        assert!(after.ended_at.is_none() || after.listed_at.is_none(), "{case}");
                        assert_eq!(after.version, before.version, "{case}: the store counts");
                        if sources == targets {
                            assert_eq!(after.status, *status, "{case} stays");
                        }
                        reached.insert(after.status);
                    }
                    Err(refused) => {
                        assert!(!sources.contains(status), "{case}: {refused}");
                        assert_eq!(refused.code(), "supervision_step_refused", "{case}");
                    }
                }
            }
        }
        assert_eq!(reached, targets.iter().copied().collect(), "{step} reaches its targets");
    }
}

#[test]
fn unanswered_it_climbs_once_a_level_and_then_to_the_coordination_mechanism() {
    let kind = |decision: &Decision<Supervision>| decision.events[0].kind;
    let second = at_level(Level::Letter).climb(terms(), now()).unwrap();
    assert_eq!(
        (second.state.level, kind(&second)),
        (Level::Inspectorate, EventKind::SupervisionClimbed)
    );
    let third = second.state.climb(terms(), now()).unwrap();
    assert_eq!((third.state.level, kind(&third)), (Level::Leader, EventKind::SupervisionReferred));
    let last = third.state.climb(terms(), now()).unwrap();
    assert_eq!(
        (last.state.status, kind(&last)),
        (Status::Coordination, EventKind::CoordinationAsked)
    );
    assert_eq!(last.state.timers(), []);
    assert!(last.state.climb(terms(), now()).is_err(), "there is nothing above");
    assert!(last.state.answer(&written(), now()).is_ok(), "it is answered all the same");
}

#[test]
fn each_level_has_its_time() {
    // From Tuesday: three, two and one working day, to 24:00 of the last.
    let days = ["2026-11-28 00:00", "2026-11-27 00:00", "2026-11-26 00:00"];
    for (level, by) in Level::ALL.iter().zip(days) {
        let task = task_in(task::Status::Acknowledged);
        let demand = Demand { level: *level, ..demand() };
        let opened = Supervision::open(id(7), &task, &demand, None, terms(), now()).state;
        assert_eq!(opened.timers(), [Timer::new(TimerKind::AnswerDue, at(by))], "{level}");
        let answered = opened.answer(&written(), now()).unwrap().state;
        assert_eq!(answered.timers(), [], "{level}");
        // Sent back on Thursday, it has the same time again, at the same level.
        let back = answered.send_back(&back(), terms(), at("2026-11-26 10:00")).unwrap().state;
        assert_eq!((back.level, back.send_backs), (*level, 1));
        assert!(back.answer_by > opened.answer_by, "{level}");
    }
}

#[test]
fn a_leaders_word_begins_at_the_top() {
    let task = task_in(task::Status::Acknowledged);
    let word = Demand::instruction("请今日拿出办法".to_owned());
    let opened = Supervision::open(id(7), &task, &word, Some(id(1)), terms(), now());
    assert_eq!(opened.state.level, Level::Leader);
    assert_eq!(opened.events[0].kind, EventKind::LeaderInstructed);
    let answered = in_state(Status::Answered);
    let taken_up = answered.instruct("请今日拿出办法", terms(), now()).unwrap().state;
    assert_eq!((taken_up.level, taken_up.status), (Level::Leader, Status::Open));
    assert_eq!(taken_up.demand.as_deref(), Some("请今日拿出办法"));
}

#[test]
fn a_promise_lies_ahead() {
    let promise = |text: &str| Written { until: Some(at(text)), ..written() };
    let open = in_state(Status::Open);
    assert_eq!(open.answer(&promise("2026-11-24 10:00"), now()), Err(Refused::UntilPast));
    let decision = open.answer(&promise("2026-11-24 10:01"), now()).unwrap();
    assert!(decision.events[0].data["until"].is_string());
}

#[test]
fn it_is_listed_once_and_taken_off_once() {
    let open = in_state(Status::Open);
    assert_eq!(open.unlist("已经恢复供暖"), Err(Refused::NotListed));
    let listed = open.list("久拖未决的供暖问题", now()).unwrap().state;
    assert_eq!(listed.list("久拖未决的供暖问题", now()), Err(Refused::Listed));
    assert_eq!(listed.unlist("已经恢复供暖").unwrap().state.listed_at, None);
}

#[test]
fn every_refusal_has_a_code_of_its_own_and_a_sentence() {
    let all = [
        Refused::Step { step: Step::Answer, status: Status::Accepted },
        Refused::AlreadyOpen,
        Refused::NobodyToSupervise,
        Refused::UntilPast,
        Refused::Listed,
        Refused::NotListed,
    ];
    let distinct: BTreeSet<_> = all.iter().map(Refusal::code).collect();
    assert_eq!(distinct.len(), all.len());
    for refused in &all {
        let invalid = refused.kind() == crate::refusal::Kind::Invalid;
        assert_eq!(!refused.fields().is_empty(), invalid, "{refused}: names its field");
    }
}

#[test]
fn a_roster_has_one_shift_at_a_time() {
    let shift = |from: &str, to: &str| ShiftForm {
        starts_at: at(from),
        ends_at: at(to),
        name: "王强",
        phone: "0352-5010000",
    };
    let night = shift("2026-11-24 18:00", "2026-11-25 08:00");
    let day = shift("2026-11-25 08:00", "2026-11-25 18:00");
    let Roster(shifts) = Roster::parse(&[day, night]).unwrap();
    assert_eq!(shifts[0].starts_at, night.starts_at, "in order");
    let fields = |forms: &[ShiftForm<'_>]| -> Vec<String> {
        let refused = Roster::parse(forms).unwrap_err();
        refused.0.into_iter().map(|fault| fault.field).collect()
    };
    let early = shift("2026-11-25 07:59", "2026-11-25 18:00");
    assert_eq!(fields(&[night, early]), ["shifts"]);
    assert_eq!(fields(&[shift("2026-11-25 08:00", "2026-11-25 08:00")]), ["shifts.0.ends_at"]);
    assert_eq!(fields(&[ShiftForm { phone: "1", ..day }]), ["shifts.0.phone"]);
    assert_eq!(fields(&[day; 367])[0], "shifts");
}
