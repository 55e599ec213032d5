//! Every state × every step, by the methods themselves.

use std::collections::BTreeSet;

use super::*;
use crate::{
    decision::Decision,
    refusal::Refusal,
    sla::TimerKind,
    whistle::{Refused, Step, TRANSITIONS},
};

type Taken = Result<Decision<Whistle>, Refused>;

fn take(step: Step, whistle: &Whistle) -> Vec<Taken> {
    let tasks = all_confirmed();
    let (nobody, others) = (Vec::new(), codes(&UNITS[1..]));
    match step {
        Step::Review => [approval(), refusal()]
            .iter()
            .map(|review| {
                let (decision, out) =
                    whistle.review(review, reviewer(), &called(), terms(), now())?;
                let blows = whistle.status == Status::Draft && review.approve;
                assert_eq!(out.len(), if blows { 3 } else { 0 });
                out.iter().for_each(check_events);
                Ok(decision)
            })
            .collect(),
        Step::Withdraw => vec![whistle.withdraw("摊主已自行撤离")],
        Step::Answer => {
            let decision = whistle.acknowledged(&self::tasks([task::Status::Acknowledged; 3]));
            if decision.state != *whistle {
                return vec![Ok(decision)];
            }
            vec![Err(Refused::Step { step, status: whistle.status })]
        }
        Step::Arrive => vec![whistle.arrived()],
        Step::StandDown => [&nobody, &codes(&UNITS)]
            .iter()
            .map(|appraised| whistle.stand_down(&tasks, appraised, now()))
            .collect(),
        Step::Appraise => [&nobody, &others]
            .iter()
            .map(|appraised| whistle.appraise(&appraisal(UNITS[0]), &tasks, appraised, now()))
            .collect(),
        Step::Rate => vec![whistle.rate(&rating(), &code(UNITS[0]), &[])],
        Step::Finish => vec![whistle.fire(TimerKind::AppraisalEnds, &tasks, &nobody, now())],
    }
}

#[test]
fn exactly_the_listed_steps_are_allowed_and_lead_where_the_table_says() {
    for (step, sources, targets) in TRANSITIONS {
        let mut reached = BTreeSet::new();
        for status in Status::ALL {
            let before = whistle_in(*status);
            let case = format!("{step} from {status}");
            assert_eq!(before.permit(*step).is_ok(), sources.contains(status), "{case}");
            for result in take(*step, &before) {
                match result {
                    Ok(decision) => {
                        assert!(sources.contains(status), "{case} must be refused");
                        check(&case, &before, &decision);
                        assert!(targets.contains(&decision.state.status), "{case}");
                        reached.insert(decision.state.status);
                        if sources == targets {
                            assert_eq!(decision.state.status, *status, "{case} stays");
                        }
                    }
                    Err(refused) => {
                        assert!(!sources.contains(status), "{case}: {refused}");
                        assert_eq!(refused.code(), "whistle_step_refused", "{case}");
                        assert!(refused.to_string().contains(status.label()), "{refused}");
                    }
                }
            }
        }
        assert_eq!(reached, targets.iter().copied().collect(), "{step} reaches its targets");
    }
}

fn check(case: &str, before: &Whistle, decision: &Decision<Whistle>) {
    let after = &decision.state;
    check_events(decision);
    assert_eq!(after.version, before.version, "{case}: the store counts");
    assert_eq!(after.stood_down_at.is_some(), after.status == Status::StoodDown, "{case}");
    if after.status.is_open() || after.standing_down_at.is_some() {
        assert!(after.blown_at.is_some(), "{case}");
    }
    // What never changes after the draft.
    let kept = |whistle: &Whistle| {
        let Whistle { kind, level, drafted_by, drafted_at, .. } = whistle.clone();
        let parties = (whistle.community.clone(), whistle.blower.clone(), whistle.lead.clone());
        (kind, level, drafted_by, drafted_at, parties, whistle.assist.clone(), whistle.complaint)
    };
    assert_eq!(kept(after), kept(before), "{case}");
}

#[test]
fn what_is_rejected_or_withdrawn_allows_nothing() {
    for status in [Status::Rejected, Status::Withdrawn] {
        assert!(TRANSITIONS.iter().all(|(_, from, _)| !from.contains(&status)), "{status}");
    }
}

#[test]
fn a_whistle_that_is_over_is_only_rated_and_reviewed() {
    let allowed: Vec<_> = TRANSITIONS
        .iter()
        .filter(|(_, from, _)| from.contains(&Status::StoodDown))
        .map(|(step, ..)| *step)
        .collect();
    assert_eq!(allowed, [Step::Review, Step::Rate]);
}

#[test]
fn every_refusal_has_a_code_of_its_own_and_a_sentence() {
    let all = [
        Refused::Step { step: Step::Review, status: Status::Withdrawn },
        Refused::OwnReview,
        Refused::Reviewed,
        Refused::TasksOpen(2),
        Refused::UnitNotCalled("water".to_owned()),
        Refused::UnitNotConfirmed("water".to_owned()),
        Refused::AlreadyAppraised,
        Refused::AlreadyRated,
        Refused::AwaitingBlower,
        Refused::ComplaintNotOpen,
        Refused::ComplaintWaits,
        Refused::UnitTwice("区水务局".to_owned()),
    ];
    let distinct: BTreeSet<_> = all.iter().map(Refusal::code).collect();
    assert_eq!(distinct.len(), all.len());
    for refused in &all {
        assert!(refused.to_string().chars().count() >= 6, "{refused}");
        let invalid = refused.kind() == crate::refusal::Kind::Invalid;
        assert_eq!(!refused.fields().is_empty(), invalid, "{refused}: names its field");
    }
}
