//! Every state × every step, and each rule at its edges.

use std::collections::BTreeSet;

use super::*;
use crate::{refusal::Refusal, testing::*};

fn now() -> Timestamp {
    at("2026-12-10 09:00")
}

fn command() -> Propose {
    let text = "该处为规划预留用地，经两次现场核查，近期不能增设停车位，已与反映人当面说明。";
    Propose::parse(text, "平城区停车设施专项规划", "两次现场核查记录和规划批复", None).unwrap()
}

/// Replied, reworked once, replied again.
fn source() -> Complaint {
    Complaint { reworks: 1, ..complaint_in(complaint::Status::Closed) }
}

fn proposed() -> FinalReply {
    let lead = task_in(task::Status::Confirmed);
    let decision = FinalReply::propose(id(9), &source(), &lead, &command(), id(7)).unwrap();
    check_events(&decision);
    decision.state
}

fn in_state(status: Status) -> FinalReply {
    let confirmed = matches!(status, Status::InForce | Status::Revoked);
    FinalReply {
        status,
        signed_by: (status != Status::Proposed).then(|| id(8)),
        valid_until: confirmed.then(|| now() + TimeDelta::days(365)),
        ..proposed()
    }
}

fn appeal() -> Complaint {
    Complaint { id: id(2), ..complaint_in(complaint::Status::Submitted) }
}

fn asked<'a>(
    one: &FinalReply,
    complaint: &'a Complaint,
    source: &'a Complaint,
    same_reporter: bool,
) -> Appeal<'a> {
    Appeal { complaint, source, lead: Some(one.task), same_reporter }
}

fn cite(one: &FinalReply, complaint: &Complaint, same: bool, at: Timestamp) -> Result<(), Refused> {
    one.cite(asked(one, complaint, &source(), same), at)
}

fn take(step: Step, one: &FinalReply) -> Vec<Result<FinalReply, Refused>> {
    let no = Verdict::Refuse("证据不足".to_owned());
    let done = |result: Result<Decision<FinalReply>, Refused>| {
        result.map(|decision| {
            check_events(&decision);
            decision.state
        })
    };
    let closed = (complaint::Status::Closed, Some(one.task));
    match step {
        Step::Sign => vec![done(one.sign(&Verdict::Agree, id(8)))],
        Step::Confirm => vec![done(one.confirm(&Verdict::Agree, closed, now()))],
        // Whichever of the two it waits for says no.
        Step::Refuse if one.status == Status::Signed => vec![done(one.confirm(&no, closed, now()))],
        Step::Refuse if one.status == Status::Proposed => vec![done(one.sign(&no, id(8)))],
        Step::Refuse => vec![done(one.refuse("证据不足"))],
        Step::Revoke => vec![done(one.revoke("出现新的事实".to_owned()))],
        Step::Cite => vec![cite(one, &appeal(), true, now()).map(|()| one.clone())],
    }
}

#[test]
fn exactly_the_listed_steps_are_allowed_and_lead_where_the_table_says() {
    for (step, sources, targets) in TRANSITIONS {
        let mut reached = BTreeSet::new();
        for status in Status::ALL {
            let one = in_state(*status);
            let case = format!("{step} from {status}");
            assert_eq!(one.permit(*step).is_ok(), sources.contains(status), "{case}");
            for result in take(*step, &one) {
                match result {
                    Ok(after) => {
                        assert!(sources.contains(status), "{case} must be refused");
                        reached.insert(after.status);
                    }
                    Err(refused) => {
                        assert!(!sources.contains(status), "{case}: {refused}");
                        assert_eq!(refused.code(), "final_reply_step_refused", "{case}");
                    }
                }
            }
        }
        assert_eq!(reached, targets.iter().copied().collect(), "{step} reaches its targets");
    }
    for step in Step::ALL {
        assert_eq!(TRANSITIONS.iter().filter(|(listed, ..)| listed == step).count(), 1, "{step}");
    }
}

#[test]
fn it_is_the_last_word_on_what_was_looked_at_again() {
    let lead = task_in(task::Status::Confirmed);
    let propose = |complaint: &Complaint, lead: &Task| {
        FinalReply::propose(id(9), complaint, lead, &command(), id(7)).map(drop)
    };
    for status in complaint::Status::ALL {
        let rests = matches!(status.code(), "replied" | "follow_up" | "closed" | "archived");
        let complaint = Complaint { reworks: 1, ..complaint_in(*status) };
        assert_eq!(propose(&complaint, &lead).is_ok(), rests, "{status}");
    }
    let once = complaint_in(complaint::Status::Closed);
    assert_eq!(propose(&once, &lead), Err(Refused::NotReviewed));
    assert_eq!(propose(&Complaint { reopened: 1, ..once.clone() }, &lead), Ok(()));
    assert_eq!(propose(&Complaint { appealed: true, ..once }, &lead), Ok(()));
    let open = task_in(task::Status::Replied);
    assert_eq!(propose(&source(), &open), Err(Refused::NotAnswered));
}

#[test]
fn another_than_who_proposed_it_signs() {
    assert_eq!(proposed().sign(&Verdict::Agree, id(7)), Err(Refused::OwnProposal));
    let signed = proposed().sign(&Verdict::Agree, id(8)).unwrap().state;
    assert_eq!((signed.status, signed.signed_by), (Status::Signed, Some(id(8))));
}

#[test]
fn its_validity_runs_from_the_confirmation() {
    let signed = in_state(Status::Signed);
    let decision = signed
        .confirm(&Verdict::Agree, (complaint::Status::Replied, Some(signed.task)), now())
        .unwrap();
    assert_eq!(decision.events[0].note.as_deref(), Some(&*command().text), "the reporter is told");
    let one = decision.state;
    let until = now() + TimeDelta::days(365);
    assert_eq!(one.valid_until, Some(until));
    let before = until - TimeDelta::seconds(1);
    assert_eq!(cite(&one, &appeal(), true, before), Ok(()));
    assert_eq!(cite(&one, &appeal(), true, until), Err(Refused::Expired { until }));
    let handling = (complaint::Status::Handling, Some(signed.task));
    let again = signed.confirm(&Verdict::Agree, handling, now());
    assert_eq!(again, Err(Refused::NotAnswered), "a reopened matter has no last word");
    let anew = (complaint::Status::Closed, Some(id(77)));
    let again = signed.confirm(&Verdict::Agree, anew, now());
    assert_eq!(again, Err(Refused::Outdated), "another reply was given since");
}

#[test]
fn what_it_does_not_answer() {
    let one = in_state(Status::InForce);
    assert_eq!(cite(&one, &appeal(), false, now()), Err(Refused::OtherReporter));
    assert_eq!(cite(&one, &source(), true, now()), Err(Refused::OwnCase));
    let appealed = Complaint { appealed: true, ..appeal() };
    assert_eq!(cite(&one, &appealed, true, now()), Err(Refused::NewFacts));
    let emergency = Complaint { urgency: Some(Urgency::Emergency), ..appeal() };
    assert_eq!(cite(&one, &emergency, true, now()), Err(Refused::Emergency));
    let handled = Complaint { status: complaint::Status::Handling, ..source() };
    let cited = |complaint: &Complaint, source: &Complaint| {
        one.cite(asked(&one, complaint, source, true), now())
    };
    assert_eq!(cited(&appeal(), &handled), Err(Refused::NotAnswered));
    let (plain, first) = (appeal(), source());
    let anew = Appeal { lead: Some(id(77)), ..asked(&one, &plain, &first, true) };
    assert_eq!(one.cite(anew, now()), Err(Refused::Outdated));
    let secret = Complaint { confidential: true, ..source() };
    assert_eq!(cited(&appeal(), &secret), Err(Refused::Secret));
    let kept = Complaint { confidential: true, ..appeal() };
    assert_eq!(cited(&kept, &secret), Ok(()));
    let reported = NodeCode::parse("unit", "140213066").ok();
    let report = Complaint { reported_unit: reported.clone(), ..source() };
    assert_eq!(cited(&appeal(), &report), Err(Refused::Secret));
    assert_eq!(cited(&Complaint { reported_unit: reported, ..appeal() }, &report), Ok(()));
}

#[test]
fn a_proposal_says_something_and_shows_it() {
    let parse = |text, basis, evidence, days| Propose::parse(text, basis, evidence, days);
    let good = command();
    assert_eq!(good.valid_days, 365);
    for days in [29, 1096, -1] {
        assert!(parse(&good.text, &good.legal_basis, &good.evidence, Some(days)).is_err());
    }
    for days in [30, 1095] {
        assert!(parse(&good.text, &good.legal_basis, &good.evidence, Some(days)).is_ok());
    }
    assert!(
        parse("您反映的问题已转相关部门处理。", &good.legal_basis, &good.evidence, None).is_err()
    );
    assert!(parse(&good.text, "", &good.evidence, None).is_err());
    assert!(parse(&good.text, &good.legal_basis, "照片", None).is_err());
    assert!(Verdict::parse(false, None).is_err());
}
