use super::*;
use crate::{
    refusal::Refusal,
    registration::{Sign, Status as Stands},
    testing::{code, id, tuesday},
};

const HERE: &str = "140213066004";
const THERE: &str = "140213066005";

fn signed() -> Registration {
    let new = Registration::submit(id(1), id(2), code(HERE), tuesday()).state;
    let member =
        crate::party::Member {
            id: id(7), account: None, work_unit: Some("教育局党委".into())
        };
    let sign = Sign { accept: true, note: None };
    let state = new.sign(&sign, &[member], id(9), tuesday()).unwrap().state;
    Registration { unit: Some(code("education")), ..state }
}

fn wishes() -> Vec<Wish> {
    vec![
        Wish::Move(code(THERE)),
        Wish::Unit(code("housing")),
        Wish::Retire,
        Wish::Exempt(2026, Ground::Illness),
        Wish::Withdraw,
    ]
}

fn change_in(status: Status, wish: Wish) -> Change {
    let asked = Change::ask(id(3), &signed(), wish, tuesday()).unwrap().change;
    Change { status, ..asked }
}

const YES: Verdict = Verdict { approve: true, note: None };

fn no() -> Verdict {
    Verdict::parse(false, Some("请先到原社区说明")).unwrap()
}

#[test]
fn exactly_the_listed_steps_are_allowed_and_lead_where_the_table_says() {
    let registration = signed();
    for wish in wishes() {
        for status in Status::ALL {
            let before = change_in(*status, wish.clone());
            for (step, sources, targets) in TRANSITIONS {
                let case = format!("{step} of {} from {status}", wish.kind());
                assert_eq!(before.permit(*step).is_ok(), sources.contains(status), "{case}");
                let by = (id(9), true);
                let taken = match step {
                    Step::Release | Step::Grant => {
                        before.decide(&registration, &YES, by, tuesday())
                    }
                    Step::Refuse => before.decide(&registration, &no(), by, tuesday()),
                    Step::TakeBack => before.take_back(&registration),
                };
                // Approval releases a move that was asked for, and grants everything else.
                let releases = matches!(wish, Wish::Move(_)) && *status == Status::Asked;
                let approves = matches!(step, Step::Release | Step::Grant);
                if approves && releases != (*step == Step::Release) {
                    continue;
                }
                match taken {
                    Ok(outcome) => {
                        assert!(targets.contains(&outcome.change.status), "{case}");
                        let granted = outcome.change.status == Status::Granted;
                        assert_eq!(
                            outcome.registration != registration,
                            granted && !matches!(wish, Wish::Exempt(..)),
                            "{case}"
                        );
                    }
                    Err(refused) => {
                        assert!(!sources.contains(status), "{case}: {refused}");
                        assert_eq!(refused.code(), "registration_change_step_refused", "{case}");
                    }
                }
            }
        }
    }
}

#[test]
fn each_step_stands_in_its_table_once() {
    let listed: Vec<_> = TRANSITIONS.iter().map(|(step, ..)| *step).collect();
    assert_eq!(listed, Step::ALL);
}

#[test]
fn a_move_is_let_go_before_it_is_taken_in() {
    let registration = signed();
    let asked = change_in(Status::Asked, Wish::Move(code(THERE)));
    assert_eq!(asked.turn().as_str(), HERE);
    let refused = asked.decide(&registration, &YES, (id(9), false), tuesday());
    assert_eq!(refused, Err(Refused::NotYourTurn));
    let released = asked.decide(&registration, &YES, (id(9), true), tuesday()).unwrap();
    assert_eq!(released.registration.community.as_str(), HERE, "still with the old one");
    assert_eq!(released.change.turn().as_str(), THERE);
    assert!(released.receipts.is_empty());
    let granted = released.change.decide(&registration, &YES, (id(8), true), tuesday()).unwrap();
    assert_eq!(granted.registration.community.as_str(), THERE);
    assert_eq!(granted.receipts, [(code("education"), ReceiptCause::Moved)]);
}

#[test]
fn whoever_asked_does_not_decide() {
    let asked = change_in(Status::Asked, Wish::Retire);
    let own = asked.decide(&signed(), &YES, (asked.asked_by, true), tuesday());
    assert_eq!(own, Err(Refused::OwnChange));
}

#[test]
fn each_change_does_what_it_says_and_tells_the_units() {
    let registration = signed();
    let grant = |wish| {
        let asked = change_in(Status::Asked, wish);
        asked.decide(&registration, &YES, (id(9), true), tuesday()).unwrap()
    };
    let unit = grant(Wish::Unit(code("housing")));
    assert_eq!(unit.registration.unit, Some(code("housing")));
    assert_eq!(
        unit.receipts,
        [(code("education"), ReceiptCause::Left), (code("housing"), ReceiptCause::Joined)]
    );
    let retired = grant(Wish::Retire);
    assert_eq!(retired.registration.retired_on, Some(time::date(tuesday())));
    let left = grant(Wish::Withdraw);
    assert_eq!(
        (left.registration.status, left.registration.ended_at.is_some()),
        (Stands::Ended, true)
    );
    assert!(left.registration.member.is_some(), "what was signed is history");
    let exempt = grant(Wish::Exempt(2026, Ground::PostedAway));
    assert_eq!(exempt.receipts, [(code("education"), ReceiptCause::Exempted)]);
    for outcome in [&unit, &retired, &left, &exempt] {
        assert_eq!(outcome.events.len(), 1 + outcome.receipts.len());
    }
}

#[test]
fn nothing_is_asked_that_would_change_nothing() {
    let registration = signed();
    let ask = |registration: &Registration, wish| {
        Change::ask(id(3), registration, wish, tuesday()).map(|outcome| outcome.change.status)
    };
    assert_eq!(ask(&registration, Wish::Move(code(HERE))), Err(Refused::SameCommunity));
    assert_eq!(ask(&registration, Wish::Unit(code("education"))), Err(Refused::SameUnit));
    let retired = Registration { retired_on: Some(time::date(tuesday())), ..registration.clone() };
    assert_eq!(ask(&retired, Wish::Retire), Err(Refused::AlreadyRetired));
    for year in [2024, 2028] {
        let refused = ask(&registration, Wish::Exempt(year, Ground::Illness));
        assert_eq!(refused, Err(Refused::Year { this: 2026 }));
    }
    for status in [Stands::Pending, Stands::Refused, Stands::Ended] {
        let other = Registration { status, ..registration.clone() };
        assert_eq!(ask(&other, Wish::Retire), Err(Refused::NotRegistered));
    }
}

#[test]
fn a_form_has_what_belongs_to_its_kind_and_nothing_else() {
    let form = Form { reason: "搬家", ..Form::default() };
    let fields = |kind, form| {
        let invalid = Asking::parse(kind, form).unwrap_err();
        invalid.0.into_iter().map(|fault| fault.field).collect::<Vec<_>>()
    };
    assert_eq!(fields(Kind::Move, form), ["community_code"]);
    assert_eq!(fields(Kind::Exempt, form), ["year", "ground"]);
    assert_eq!(fields(Kind::Retire, Form { year: Some(2026), ..form }), ["year"]);
    assert_eq!(fields(Kind::Withdraw, Form { reason: " ", ..form }), ["reason"]);
    let asked = Asking::parse(Kind::Move, Form { community_code: Some(THERE), ..form }).unwrap();
    assert_eq!(asked.wish, Wish::Move(code(THERE)));
    assert!(Verdict::parse(false, None).is_err() && Verdict::parse(true, None).is_ok());
}
