use super::super::*;
use crate::{
    event::EventKind,
    task::{Role, Task},
    testing::{at, check_events, complaint_in, lead_of, tuesday},
};

fn closes() -> Timestamp {
    at("2026-12-08 00:00")
}

fn ask() -> AskExclusion {
    AskExclusion::parse(ExclusionGround::Unreasonable, "施工已依法取得夜间许可，现场达标").unwrap()
}

fn decide(approve: bool) -> DecideExclusion {
    DecideExclusion::parse(approve, "许可和监测记录齐全").unwrap()
}

#[test]
fn the_states_that_know_an_exclusion_are_those_of_the_table() {
    let (_, from, _) = TRANSITIONS.iter().find(|(step, ..)| *step == Step::Exclude).unwrap();
    for status in Status::ALL {
        let complaint = complaint_in(*status);
        let lead = lead_of(&complaint);
        let allowed = from.contains(status);
        assert_eq!(complaint.ask_exclusion(&lead, &ask(), closes(), tuesday()).is_ok(), allowed);
        for approve in [true, false] {
            let decided = complaint.decide_exclusion(&lead, &decide(approve), closes(), tuesday());
            assert_eq!(decided.is_ok(), allowed, "{status}");
        }
    }
}

#[test]
fn it_is_open_before_the_instant_and_closed_at_it() {
    let complaint = complaint_in(Status::Closed);
    let last = closes() - chrono::TimeDelta::microseconds(1);
    assert_eq!(complaint.excludable(closes(), last), Ok(()));
    let refused = Err(Refused::ExclusionClosed { closes_at: closes() });
    assert_eq!(complaint.excludable(closes(), closes()), refused);
}

#[test]
fn asking_changes_nothing_and_only_a_grant_excludes() {
    let complaint = complaint_in(Status::Closed);
    let lead = lead_of(&complaint);
    let asked = complaint.ask_exclusion(&lead, &ask(), closes(), tuesday()).unwrap();
    check_events(&asked);
    assert_eq!(asked.state, complaint);
    let refused = complaint.decide_exclusion(&lead, &decide(false), closes(), tuesday()).unwrap();
    check_events(&refused);
    assert_eq!(refused.state, complaint);
    let granted = complaint.decide_exclusion(&lead, &decide(true), closes(), tuesday()).unwrap();
    check_events(&granted);
    assert_eq!(granted.state.excluded_at, Some(tuesday()));
    let kinds: Vec<_> = granted.events.iter().map(|event| event.kind).collect();
    assert_eq!(kinds, [EventKind::Excluded, EventKind::ExclusionDecided]);
    let again = granted.state.decide_exclusion(&lead, &decide(true), closes(), tuesday());
    assert_eq!(again.unwrap_err(), Refused::AlreadyExcluded);
}

#[test]
fn an_assist_unit_has_nothing_to_ask() {
    let complaint = complaint_in(Status::Handling);
    let assist = Task { role: Role::Assist, line: 1, ..lead_of(&complaint) };
    let refused = complaint.ask_exclusion(&assist, &ask(), closes(), tuesday()).unwrap_err();
    assert_eq!(refused, Refused::ExclusionNotLead);
}

#[test]
fn evidence_and_reason_are_words() {
    assert!(AskExclusion::parse(ExclusionGround::OutOfScope, "没有证据").is_err());
    assert!(DecideExclusion::parse(true, "同意").is_err());
}
