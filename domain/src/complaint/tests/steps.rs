//! Every state × every step, by the methods themselves.

use std::collections::BTreeSet;

use crate::{
    complaint::{
        Accept, Answer, Complaint, Dispatch, Exclude, Ground, Refused, Reject, Reopen, Rework,
        Split, Status, Step, Suspend, TRANSITIONS, Withdraw,
    },
    consultation::{Cause, Decide},
    decision::Decision,
    evaluation::Evaluation,
    refusal::Refusal,
    sla::{TimerKind, Urgency},
    testing::*,
};

fn evaluation(satisfaction: i64) -> Evaluation {
    Evaluation::new(satisfaction > 2, satisfaction, Some(true), Some("修得很快")).unwrap()
}

fn only<T>(
    result: Result<(Decision<Complaint>, T), Refused>,
) -> Result<Decision<Complaint>, Refused> {
    result.map(|(decision, _)| decision)
}

fn to_two_units() -> Dispatch {
    Dispatch {
        lead: assign(10, "urban-management"),
        assist: vec![assign(11, "water")],
        judged_by: None,
        site: false,
        note: Some("尽快查看".into()),
        approved_by: Some("leader".into()),
    }
}

/// The centre's steps, and what moves without anybody asking.
fn take(step: Step, complaint: &Complaint) -> Vec<Result<Decision<Complaint>, Refused>> {
    let now = at("2026-11-24 11:00");
    let mut stopped = complaint.clone();
    stopped.suspension = Some(suspension());
    let fire = |kind| only(complaint.fire(kind, &[], now));
    let result = match step {
        Step::Accept => {
            complaint.accept(&Accept::parse(Urgency::Utility, None, None, None).unwrap(), now)
        }
        Step::Reject => complaint.reject(&Reject::parse(Ground::TooVague, "请写明地点").unwrap()),
        Step::Answer => complaint.answer(&Answer::parse("请到政务大厅三楼办理").unwrap(), now),
        Step::Merge => {
            let mut into = complaint_in(Status::Handling);
            into.id = id(2);
            complaint.merge(&into)
        }
        Step::Dispatch => only(complaint.dispatch(&to_two_units(), &[], terms(), now)),
        Step::Consult => complaint.consult(Cause::Overlap, &[assign(10, "water").unit]),
        Step::Rule => {
            let ruling = Decide::parse("由城管局牵头办理", Some("责任清单第七项"), None);
            complaint.rule(&to_two_units(), &ruling.unwrap(), now)
        }
        Step::Suspend => {
            complaint.suspend(&Suspend::parse(at("2026-11-30 09:00"), "等待开挖许可").unwrap(), now)
        }
        Step::Resume => only(stopped.resume(&[], now)),
        Step::Exclude => complaint.exclude(&Exclude::parse("要求超出法定标准").unwrap(), now),
        Step::FollowUpAgain => {
            let round = Complaint { follow_up_round: 1, ..complaint.clone() };
            only(round.fire(TimerKind::FollowUpAgain, &[], now))
        }
        Step::CloseUnreached => {
            let round = Complaint { follow_up_round: 2, ..complaint.clone() };
            only(round.fire(TimerKind::CloseUnreached, &[], now))
        }
        Step::StartFollowUp => fire(TimerKind::FollowUp),
        Step::Split => {
            let why = Split::parse("不是同一处").unwrap();
            let fresh = Complaint { accepted_at: None, ..complaint.clone() };
            let split = |one: &Complaint| one.split(&why, Status::Handling, false, now);
            return vec![split(complaint), split(&fresh)];
        }
        Step::Unmerge => complaint.unmerge(now),
        Step::Archive => fire(TimerKind::Archive),
        Step::Begin => complaint.begin(),
        Step::Finish => complaint.finish(now),
        Step::Withdraw | Step::Urge | Step::Evaluate | Step::Reopen | Step::Miss => {
            return take_as_reporter(step, complaint);
        }
    };
    vec![result]
}

fn take_as_reporter(
    step: Step,
    complaint: &Complaint,
) -> Vec<Result<Decision<Complaint>, Refused>> {
    let now = at("2026-11-24 11:00");
    let lead = lead_of(complaint);
    let rework = Rework { task: id(12), lead: Some(&lead) };
    match step {
        Step::Withdraw => vec![complaint.withdraw(&Withdraw::parse(Some("已自行解决")).unwrap())],
        Step::Urge => vec![complaint.urge(now)],
        Step::Reopen => {
            let command = Reopen::parse("晚上又不亮了").unwrap();
            vec![only(complaint.reopen(&command, &rework, terms(), now))]
        }
        Step::Miss => vec![complaint.miss()],
        _ => [(0, 5), (0, 1), (2, 1)]
            .into_iter()
            .map(|(reworks, satisfaction)| {
                let complaint = Complaint { reworks, ..complaint.clone() };
                only(complaint.evaluate(&evaluation(satisfaction), &rework, terms(), now))
            })
            .collect(),
    }
}

#[test]
fn exactly_the_listed_steps_are_allowed_and_lead_where_the_table_says() {
    for (step, sources, targets) in TRANSITIONS {
        let mut reached = BTreeSet::new();
        for status in Status::ALL {
            let before = complaint_in(*status);
            let case = format!("{step} from {status}");
            assert_eq!(before.permit(*step).is_ok(), sources.contains(status), "{case}");
            for result in take(*step, &before) {
                match result {
                    Ok(decision) => {
                        assert!(sources.contains(status), "{case} must be refused");
                        assert!(targets.contains(&decision.state.status), "{case}");
                        reached.insert(decision.state.status);
                        check_events(&decision);
                        if sources == targets {
                            assert_eq!(decision.state.status, *status, "{case} stays");
                        }
                    }
                    Err(refused) => {
                        assert!(!sources.contains(status), "{case}: {refused}");
                        assert_eq!(refused.code(), "complaint_step_refused", "{case}");
                        assert!(refused.to_string().contains(status.label()), "{refused}");
                    }
                }
            }
        }
        assert_eq!(reached, targets.iter().copied().collect(), "{step} reaches its targets");
    }
}

#[test]
fn only_the_store_counts_versions_and_events() {
    for (step, sources, _) in TRANSITIONS {
        for status in *sources {
            let before = complaint_in(*status);
            for after in take(*step, &before).into_iter().map(Result::unwrap) {
                assert_eq!(after.state.version, before.version, "{step}");
                assert_eq!(after.state.last_seq, before.last_seq, "{step}");
            }
        }
    }
}
