use super::*;
use crate::{
    refusal::Refusal,
    testing::{code, id, tuesday},
};

const ACCEPT: Sign = Sign { accept: true, note: None };
const DECLINE: Sign = Sign { accept: false, note: None };

fn registration_in(status: Status) -> Registration {
    let decided = (status != Status::Pending).then(|| (tuesday(), id(9)));
    let member = matches!(status, Status::Signed | Status::Ended).then(|| id(7));
    let new = Registration::submit(id(1), id(2), code("140213066004"), tuesday()).state;
    Registration { status, decided, member, ..new }
}

fn member(account: Option<AccountId>) -> Member {
    Member { id: id(7), account, work_unit: Some("区教育局机关党委".into()) }
}

fn take(step: Step, registration: &Registration) -> Result<Decision<Registration>, Refused> {
    let now = tuesday();
    match step {
        Step::Correct => registration.correct(code("140213066005"), now),
        Step::Sign => registration.sign(&ACCEPT, &[member(None)], id(9), now),
        Step::Refuse => registration.sign(&DECLINE, &[], id(9), now),
        // The other way out is a granted change; its own rules are tested beside them.
        Step::End => registration.lapse(RemovedAs::Died, now),
    }
}

#[test]
fn who_works_elsewhere_leaves_one_unit_and_comes_to_the_other() {
    let (one, two) = (code("education"), code("health"));
    let moved = |from: Option<&NodeCode>, to: Option<&NodeCode>| {
        let signed = Registration { unit: from.cloned(), ..registration_in(Status::Signed) };
        let moved = signed.works_for(Some("某党委".into()), to.cloned());
        assert_eq!(moved.registration.unit.as_ref(), to);
        assert_eq!(moved.registration.work_unit.as_deref(), Some("某党委"));
        assert_eq!(moved.events.len(), moved.receipts.len());
        moved.receipts
    };
    let (left, joined) = ((one.clone(), ReceiptCause::Left), (two.clone(), ReceiptCause::Joined));
    assert_eq!(moved(Some(&one), Some(&two)), [left.clone(), joined.clone()]);
    assert_eq!(moved(Some(&one), None), [left]);
    assert_eq!(moved(None, Some(&two)), [joined]);
    assert_eq!(moved(Some(&one), Some(&one)), []);
    assert_eq!(moved(None, None), []);
}

#[test]
fn exactly_the_listed_steps_are_allowed_and_lead_where_the_table_says() {
    for (step, sources, targets) in TRANSITIONS {
        for status in Status::ALL {
            let before = registration_in(*status);
            let case = format!("{step} from {status}");
            assert_eq!(before.permit(*step).is_ok(), sources.contains(status), "{case}");
            match take(*step, &before) {
                Ok(decision) => {
                    assert!(sources.contains(status), "{case} must be refused");
                    let after = decision.state;
                    assert!(targets.contains(&after.status), "{case}");
                    assert_eq!(after.version, before.version, "{case}: the store counts");
                    assert_eq!(after.decided.is_none(), after.status == Status::Pending, "{case}");
                    let signed = matches!(after.status, Status::Signed | Status::Ended);
                    assert_eq!(after.member.is_some(), signed, "{case}");
                    assert_eq!(decision.events.len(), 1, "{case}");
                }
                Err(refused) => {
                    assert!(!sources.contains(status), "{case}: {refused}");
                    let expected = match step {
                        Step::Correct => "already_registered",
                        _ => "registration_step_refused",
                    };
                    assert_eq!(refused.code(), expected, "{case}");
                }
            }
        }
    }
}

#[test]
fn a_signature_needs_one_free_member_on_the_register() {
    let waiting = registration_in(Status::Pending);
    let sign = |members: &[Member]| {
        waiting.sign(&ACCEPT, members, id(9), tuesday()).map(|decision| decision.state)
    };
    assert_eq!(sign(&[]), Err(Refused::NotOnRegister));
    assert_eq!(sign(&[member(None), member(None)]), Err(Refused::NotOnRegister), "two of a name");
    assert_eq!(sign(&[member(Some(id(3)))]), Err(Refused::MemberTaken));
    let signed = sign(&[member(Some(waiting.account))]).unwrap();
    assert_eq!(signed.member, Some(id(7)));
    assert_eq!(signed.work_unit.as_deref(), Some("区教育局机关党委"), "the receipt's address");
}

#[test]
fn a_refusal_does_not_ask_the_register() {
    let waiting = registration_in(Status::Pending);
    for members in [&[][..], &[member(None)], &[member(Some(id(3)))]] {
        let refused = waiting.sign(&DECLINE, members, id(9), tuesday()).unwrap().state;
        assert_eq!((refused.status, refused.member), (Status::Refused, None));
    }
}

#[test]
fn nobody_signs_for_themselves() {
    let waiting = registration_in(Status::Pending);
    for sign in [ACCEPT, DECLINE] {
        let refused = waiting.sign(&sign, &[member(None)], waiting.account, tuesday());
        assert_eq!(refused, Err(Refused::OwnRegistration));
    }
}

#[test]
fn an_event_tells_who_and_where_and_no_more() {
    for step in Step::ALL {
        let from = if *step == Step::End { Status::Signed } else { Status::Pending };
        let decision = take(*step, &registration_in(from)).unwrap();
        let event = &decision.events[0];
        assert_eq!(event.unit.as_ref(), Some(&decision.state.community));
        let mut data = serde_json::json!({ "account": decision.state.account });
        if *step == Step::End {
            data["removed_as"] = "died".into();
        }
        assert_eq!(event.data, data);
    }
}

#[test]
fn a_unit_is_told_of_whom_the_register_has_no_more() {
    let unit = code("education");
    let signed = Registration { unit: Some(unit.clone()), ..registration_in(Status::Signed) };
    let ended = signed.lapse(RemovedAs::MovedAway, tuesday()).unwrap();
    let kinds: Vec<EventKind> = ended.events.iter().map(|event| event.kind).collect();
    assert_eq!(kinds, [EventKind::RegistrationEnded, EventKind::ReceiptSent]);
    assert_eq!(ended.events[1], ended.state.receipt(&unit, ReceiptCause::Removed));
    assert_eq!(ended.state.ended_at, Some(tuesday()));
}
