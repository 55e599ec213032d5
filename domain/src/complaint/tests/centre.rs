//! The centre's rules at their edges.

use chrono::TimeDelta;

use crate::{
    complaint::{
        Accept, Complaint, Dispatch, Exclude, Ground, Kind, Refused, Reject, Status, Submission,
        SubmissionForm, Submitter, Suspend,
    },
    event::EventKind,
    refusal::{self, Refusal},
    sla::Urgency,
    task::{self, Task},
    testing::*,
};

fn dispatch(lead: &str, assist: &[&str]) -> Dispatch {
    let assist = (11..).zip(assist).map(|(n, unit)| assign(n, unit)).collect();
    Dispatch {
        lead: assign(10, lead),
        assist,
        judged_by: None,
        site: false,
        note: None,
        approved_by: None,
    }
}

fn refused_dispatch(complaint: &Complaint, command: &Dispatch, open: &[Task]) -> Refused {
    complaint.dispatch(command, open, terms(), tuesday()).unwrap_err()
}

#[test]
fn an_emergency_line_matter_is_never_just_rejected() {
    let complaint = complaint_in(Status::Submitted);
    let reject = |ground, words: &str| complaint.reject(&Reject::parse(ground, words).unwrap());
    let refused = reject(Ground::EmergencyLine, "请打119，请打1").unwrap_err();
    assert_eq!(refused, Refused::HandoverMissing);
    assert_eq!(refused.kind(), refusal::Kind::Invalid);
    assert_eq!(refused.fields()[0].field, "explanation");
    assert!(reject(Ground::EmergencyLine, "9:05 移交119指挥").is_ok());
    for ground in Ground::ALL.iter().filter(|ground| **ground != Ground::EmergencyLine) {
        let decision = reject(*ground, "原因").unwrap();
        assert_eq!(decision.events[0].data["ground"], ground.code());
        assert_eq!(decision.events[0].note.as_deref(), Some("原因"), "the resident is told");
    }
    assert!(Reject::parse(Ground::Secret, " ").is_err());
}

#[test]
fn a_report_of_a_breach_is_confidential_asked_for_or_not() {
    for kind in Kind::ALL {
        for asked in [false, true] {
            let form = SubmissionForm {
                title: "违规经营",
                content: "夜间占道经营",
                community_code: "140213066004",
                confidential: asked,
                ..SubmissionForm::default()
            };
            let submission = Submission::parse(*kind, &form, Submitter::Anonymous).unwrap();
            assert_eq!(submission.confidential, asked || *kind == Kind::Report, "{kind}");
            let state =
                Complaint::submit(id(1), &submission, Submitter::Anonymous, tuesday()).state;
            assert_eq!(state.confidential, submission.confidential);
        }
    }
}

#[test]
fn whom_a_unit_must_contact() {
    // confidential, account, phone → somebody to contact
    let matrix = [
        (false, false, false, false),
        (false, false, true, true),
        (false, true, false, true),
        (false, true, true, true),
        (true, false, false, false),
        (true, false, true, false),
        (true, true, false, true),
        (true, true, true, true),
    ];
    for (confidential, account, phone, due) in matrix {
        let complaint = submitted_by(confidential, account, phone);
        assert_eq!(complaint.contact_is_due(), due, "{confidential} {account} {phone}");
        assert_eq!(lead_of(&complaint).contact_by.is_some(), due);
    }
}

#[test]
fn a_dispatch_names_each_unit_once_and_never_the_reported_one() {
    let mut complaint = complaint_in(Status::Accepted);
    let twice = refused_dispatch(&complaint, &dispatch("water", &["heating", "water"]), &[]);
    assert_eq!(twice, Refused::UnitTwice("单位water".into()));
    let twice = refused_dispatch(&complaint, &dispatch("water", &["heating", "heating"]), &[]);
    assert_eq!(twice.code(), "unit_named_twice");

    complaint.reported_unit = Some(code("140213066"));
    for command in [dispatch("140213066", &[]), dispatch("water", &["140213066"])] {
        let refused = refused_dispatch(&complaint, &command, &[]);
        assert_eq!(refused.code(), "unit_is_reported");
        assert!(refused.to_string().contains("140213"), "names the superior: {refused}");
    }
    assert!(complaint.dispatch(&dispatch("140213", &[]), &[], terms(), tuesday()).is_ok());
}

#[test]
fn a_second_dispatch_waits_for_the_lead_and_leaves_open_lines_alone() {
    let complaint = complaint_in(Status::Handling);
    let lead = lead_of(&complaint);
    let again = dispatch("water", &["heating"]);
    assert_eq!(refused_dispatch(&complaint, &again, &[lead]), Refused::LeadOpen);

    let (_, tasks) =
        complaint.dispatch(&dispatch("gas", &["heating"]), &[], terms(), tuesday()).unwrap();
    let assist = tasks[1].state.clone();
    let open = [assist];
    assert_eq!(refused_dispatch(&complaint, &again, &open).code(), "unit_named_twice");
    let (decision, tasks) =
        complaint.dispatch(&dispatch("water", &["gas"]), &open, terms(), tuesday()).unwrap();
    let lines: Vec<_> = tasks.iter().map(|task| (task.state.role, task.state.line)).collect();
    assert_eq!(lines, [(task::Role::Lead, 0), (task::Role::Assist, 2)]);
    assert_eq!(decision.state.status, Status::Handling, "already being handled");
}

#[test]
fn a_dispatch_gives_tasks_their_clocks_from_now() {
    let mut complaint = complaint_in(Status::Accepted);
    complaint.urgency = Some(Urgency::Emergency);
    let mut command = dispatch("140213066", &["water"]);
    command.judged_by = Some(("item-7".into(), "2025.1".into()));
    command.approved_by = Some("leader".into());
    let now = at("2026-11-24 09:30");
    let (decision, tasks) = complaint.dispatch(&command, &[], terms(), now).unwrap();
    assert_eq!(decision.state.dispatched_at, Some(now));
    assert_eq!(decision.state.units, [code("140213066"), code("water")]);
    assert_eq!(decision.state.duty_list.as_deref(), Some("2025.1"));
    assert_eq!(decision.events[0].kind, EventKind::EmergencyApproved);
    let lead = &tasks[0].state;
    assert_eq!(lead.acknowledge_by, at("2026-11-24 09:45"));
    assert_eq!(lead.contact_by, Some(at("2026-11-24 10:00")));
    assert_eq!(lead.arrive_by, Some(at("2026-11-24 10:00")), "an emergency is always on site");
    assert_eq!(lead.reply_by, at("2026-11-25 09:30"));
    assert_eq!(tasks[1].state.contact_by, None, "the lead calls, not each unit");
    tasks.iter().for_each(check_events);
}

#[test]
fn a_suspended_case_is_not_dispatched_or_finished_and_not_suspended_again() {
    let mut complaint = complaint_in(Status::Handling);
    complaint.suspension = Some(suspension());
    let now = at("2026-11-24 11:00");
    let again = Suspend::parse(at("2026-12-01 09:00"), "等待材料").unwrap();
    assert_eq!(complaint.suspend(&again, now).unwrap_err(), Refused::Suspended);
    assert_eq!(refused_dispatch(&complaint, &dispatch("water", &[]), &[]), Refused::Suspended);
    assert_eq!(complaint.finish(now).unwrap_err(), Refused::Suspended);
    complaint.suspension = None;
    assert_eq!(complaint.resume(&[], now).unwrap_err(), Refused::NotSuspended);
}

#[test]
fn a_suspension_ends_in_the_future_within_180_days() {
    let (complaint, now) = (complaint_in(Status::Accepted), tuesday());
    let until = |by: TimeDelta| complaint.suspend(&Suspend::parse(now + by, "修路").unwrap(), now);
    for bad in [TimeDelta::zero(), TimeDelta::seconds(-1), TimeDelta::seconds(180 * 86400 + 1)] {
        let refused = until(bad).unwrap_err();
        assert_eq!(refused.code(), "suspension_out_of_range");
        assert_eq!(refused.fields()[0].field, "until");
    }
    for good in [TimeDelta::seconds(1), TimeDelta::days(180)] {
        assert_eq!(until(good).unwrap().state.suspension.unwrap().until, now + good);
    }
}

#[test]
fn what_ends_a_complaint_ends_its_suspension() {
    let mut complaint = complaint_in(Status::Accepted);
    complaint.suspension = Some(suspension());
    let mut into = complaint_in(Status::Handling);
    into.id = id(2);
    let answer = crate::complaint::Answer::parse("请到大厅办理").unwrap();
    let ended = [
        complaint.withdraw(&Default::default()).unwrap(),
        complaint.merge(&into).unwrap(),
        complaint.answer(&answer, tuesday()).unwrap(),
    ];
    for decision in ended {
        assert_eq!(decision.state.suspension, None);
        assert_eq!(decision.state.timers(terms()), []);
    }
}

#[test]
fn a_complaint_is_merged_only_into_another_open_one() {
    let complaint = complaint_in(Status::Accepted);
    assert_eq!(complaint.merge(&complaint).unwrap_err(), Refused::MergeTarget, "into itself");
    for status in Status::ALL {
        let mut into = complaint_in(*status);
        into.id = id(2);
        let open = matches!(
            status,
            Status::Submitted | Status::Accepted | Status::Dispatched | Status::Handling
        );
        match complaint.merge(&into) {
            Ok(decision) => {
                assert!(open, "{status}");
                assert_eq!(decision.state.merged_into, Some(into.id));
            }
            Err(refused) => assert_eq!((refused, open), (Refused::MergeTarget, false)),
        }
    }
}

#[test]
fn an_exclusion_is_decided_once() {
    let complaint = complaint_in(Status::Closed);
    let command = Exclude::parse("诉求不合理，附证据").unwrap();
    let decision = complaint.exclude(&command, tuesday()).unwrap();
    assert_eq!(decision.state.excluded_at, Some(tuesday()));
    let refused = decision.state.exclude(&command, tuesday()).unwrap_err();
    assert_eq!(refused, Refused::AlreadyExcluded);
}

#[test]
fn accepting_after_an_appeal_keeps_the_first_date() {
    let mut complaint = complaint_in(Status::Submitted);
    complaint.accepted_at = Some(tuesday());
    let accept =
        Accept::parse(Urgency::Hard, Some("41"), Some("城管/照明"), Some("water")).unwrap();
    let state = complaint.accept(&accept, at("2026-11-26 09:00")).unwrap().state;
    assert_eq!(state.accepted_at, Some(tuesday()));
    assert_eq!(state.urgency, Some(Urgency::Hard));
    assert_eq!(state.reported_unit, Some(code("water")));
    assert!(Accept::parse(Urgency::Hard, None, None, Some("自来水")).is_err());
}
