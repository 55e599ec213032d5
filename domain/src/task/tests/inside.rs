//! What happens to a task inside its unit: hand-over (转交) and the head's approval (领导审签).

use crate::{
    id::{AccountId, Id},
    identity::{Actor, Grant, Role},
    org::{NodeKind, Unit},
    refusal::{Kind, Refusal},
    sla::TimerKind,
    task::{
        ApprovalRule, Approved, Assignee, DecideReply, HandOver, Named, Outcome, Receiver, Refused,
        Reply, Return, ReturnGround, Status, Task,
    },
    testing::*,
};

fn officer(n: u8) -> Receiver {
    Receiver::Officer(id(n))
}

fn below(body: &str, superior: &str) -> Receiver {
    Receiver::Body(Unit {
        code: code(body),
        kind: NodeKind::Community,
        name: format!("单位{body}"),
        superior: Some(code(superior)),
    })
}

fn hand(task: &Task, to: Receiver) -> Result<Task, Refused> {
    let decision = task.hand_over(&HandOver { to, note: Some("请今天处理".into()) })?;
    check_events(&decision);
    Ok(decision.state)
}

fn of_unit(unit: &str) -> Task {
    Task { unit: code(unit), ..task_in(Status::Acknowledged) }
}

fn clerk(unit: &str) -> Actor {
    let grant = Grant { role: Role::CommunityOfficer, scope: unit.to_owned() };
    Actor { account: AccountId::from_parts(tuesday(), &[3; 10]), grants: vec![grant] }
}

#[test]
fn handing_over_changes_who_works_on_it_and_nothing_else() {
    let task = of_unit("140213066");
    let handed = hand(&task, below("140213066004", "140213066")).unwrap();
    assert_eq!(handed.assignee, Some(Assignee::Body(code("140213066004"))));
    assert_eq!(Task { assignee: None, ..handed.clone() }, task, "unit, clocks and state stand");
    assert_eq!(handed.timers(terms()), task.timers(terms()));
    assert!(
        handed.is_worked_by(&clerk("140213066004")) && handed.is_worked_by(&clerk("140213066"))
    );
    assert!(
        !handed.is_worked_by(&clerk("140213066005")) && !task.is_worked_by(&clerk("140213066004"))
    );
    let back = handed.take_back(None).unwrap();
    check_events(&back);
    assert_eq!(back.state, task);
}

#[test]
fn a_body_lies_below_the_unit_in_the_tree() {
    let street = of_unit("140213066");
    for (body, superior) in [
        ("140213066", "140213"),
        ("140213", "140201"),
        ("140213067001", "140213067"),
        ("urban-management", "140213"),
    ] {
        let refused = hand(&street, below(body, superior)).unwrap_err();
        assert_eq!((refused.code(), refused.kind()), ("body_not_below", Kind::Invalid), "{body}");
    }
    // Departments have no digits to compare: their parent in the tree counts.
    let department = of_unit("urban-management");
    hand(&department, below("urban-management-east", "urban-management")).unwrap();
    assert!(hand(&department, below("urban-management-east", "housing")).is_err());
    assert!(hand(&department, below("140213066004", "140213066")).is_err());
}

#[test]
fn the_same_receiver_twice_is_refused_and_another_replaces_the_first() {
    let first = hand(&of_unit("140213066"), officer(7)).unwrap();
    assert_eq!(hand(&first, officer(7)).unwrap_err().code(), "task_handed_already");
    let other = hand(&first, below("140213066004", "140213066")).unwrap();
    assert_eq!(hand(&other, officer(7)).unwrap().assignee, first.assignee);
    let nobody = of_unit("140213066").take_back(None).unwrap_err();
    assert_eq!(nobody.code(), "task_not_handed");
}

#[test]
fn a_receiver_is_one_officer_or_one_body() {
    let parse = |officer, body| Named::parse(officer, body, None);
    assert_eq!(parse(Some("dept.water"), None).unwrap().0, Named::Officer("dept.water".into()));
    assert_eq!(parse(None, Some("140213066004")).unwrap().0, Named::Body(code("140213066004")));
    assert!(parse(None, None).is_err());
    assert!(parse(Some("dept.water"), Some("140213066004")).is_err());
    assert!(parse(None, Some("水泊寺")).is_err());
}

fn ready() -> Task {
    Task { contacts: 1, ..task_in(Status::Acknowledged) }
}

fn submitted() -> Task {
    let decision = ready().submit_reply(&reply(), id(7), at("2026-11-24 10:00")).unwrap();
    check_events(&decision);
    decision.state
}

#[test]
fn a_reply_that_waits_is_no_reply_yet() {
    let task = submitted();
    assert_eq!((task.status, task.replied_at, &task.reply), (Status::Acknowledged, None, &None));
    assert!(task.timers(terms()).iter().any(|timer| timer.kind == TimerKind::ReplyDue));
    assert_eq!(task.timers(terms()), ready().timers(terms()), "no clock stops for the head");
}

#[test]
fn it_is_checked_before_the_head_reads_it() {
    let template = Reply::parse("已转相关部门。", Outcome::Solved, None).unwrap();
    let now = at("2026-11-24 10:00");
    let refused = ready().submit_reply(&template, id(7), now).unwrap_err();
    assert_eq!(refused.code(), "reply_not_substantive");
    let refused = task_in(Status::Acknowledged).submit_reply(&reply(), id(7), now).unwrap_err();
    assert_eq!(refused.code(), "contact_missing");
}

#[test]
fn approved_it_goes_out_as_a_reply_does_at_that_instant() {
    let now = at("2026-11-25 09:00");
    let decision = submitted().decide_reply(&DecideReply::Approve, id(8), now).unwrap();
    check_events(&decision);
    let direct = ready().reply(&reply(), false, false, now).unwrap();
    let approved = Some(Approved { drafted_by: id(7), approved_by: id(8) });
    assert_eq!(decision.state, Task { approved, ..direct.state });
    assert_eq!(decision.events[1..], direct.events, "after the approval, the reply's own event");
    assert_eq!(decision.state.replied_at, Some(now));
}

#[test]
fn nobody_approves_what_they_wrote_and_nothing_is_decided_twice() {
    let now = at("2026-11-25 09:00");
    for command in [DecideReply::Approve, DecideReply::Refuse("请补充".into())] {
        let own = submitted().decide_reply(&command, id(7), now).unwrap_err();
        assert_eq!(own.code(), "own_reply");
        let done = submitted().decide_reply(&command, id(8), now).unwrap().state;
        assert_eq!(done.waiting_reply, None);
        assert!(done.decide_reply(&command, id(8), now).is_err(), "a second click");
    }
    assert_eq!(submitted().withdraw_reply().unwrap().state, ready());
    assert_eq!(ready().withdraw_reply().unwrap_err().code(), "no_reply_waits");
}

#[test]
fn while_it_waits_no_other_reply_goes_out_and_the_task_is_not_returned() {
    let (task, now) = (submitted(), at("2026-11-24 11:00"));
    let waits = "reply_waits_for_approval";
    assert_eq!(task.reply(&reply(), false, false, now).unwrap_err().code(), waits);
    assert_eq!(task.submit_reply(&reply(), id(9), now).unwrap_err().code(), waits);
    let command = Return::parse(ReturnGround::Duty, "责任清单第七项", "water").unwrap();
    assert_eq!(task.ask_return(&command, terms(), now).unwrap_err().code(), waits);
    assert_eq!(task.cancel(now).unwrap().state.waiting_reply, None, "it ends with the task");
}

#[test]
fn a_unit_says_which_outcomes_need_approval() {
    let rule = ApprovalRule::new(vec![Outcome::Refused, Outcome::Explained, Outcome::Refused]);
    assert_eq!(rule.outcomes().len(), 2);
    for outcome in Outcome::ALL {
        let needed = matches!(outcome, Outcome::Refused | Outcome::Explained);
        assert_eq!(rule.needs(*outcome), needed, "{outcome}");
        assert!(!ApprovalRule::default().needs(*outcome), "default off");
    }
    assert!(DecideReply::parse(false, None).is_err(), "a refusal says why");
    assert_eq!(DecideReply::parse(true, None), Ok(DecideReply::Approve));
}
