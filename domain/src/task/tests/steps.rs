//! Every state × every step, by the methods themselves.

use std::collections::BTreeSet;

use crate::{
    complaint,
    decision::Decision,
    refusal::Refusal,
    task::{
        Assignee, Contact, DecideExtension, DecideReply, DecideReturn, Extend, ExtensionRequest,
        HandOver, Receiver, Refused, ReportIn, Return, ReturnGround, SendBack, Status, Step,
        TRANSITIONS, Task, WaitingReply,
    },
    testing::*,
    time::Timestamp,
};

fn now() -> Timestamp {
    at("2026-11-24 11:00")
}

fn take(step: Step, task: &Task) -> Vec<Result<Decision<Task>, Refused>> {
    let complaint = complaint_in(complaint::Status::Handling);
    let one = match step {
        Step::Acknowledge => task.acknowledge(now()),
        Step::Contact => {
            task.contact(&Contact::parse("约好下午查看", None, None).unwrap(), &complaint, now())
        }
        Step::ReportIn => {
            let here = ReportIn::parse(&[("王强", "科长")], Some("已到现场"), Some((113.3, 40.1)));
            task.report_in(&here.unwrap(), now())
        }
        Step::Reply => {
            let contacted = Task { contacts: 1, ..task.clone() };
            contacted.reply(&reply(), false, false, now())
        }
        Step::HandOver => {
            let to = Receiver::Officer(id(7));
            task.hand_over(&HandOver { to, note: None })
        }
        Step::TakeBack => {
            let handed = Task { assignee: Some(Assignee::Officer(id(7))), ..task.clone() };
            handed.take_back(None)
        }
        Step::SubmitReply => {
            Task { contacts: 1, ..task.clone() }.submit_reply(&reply(), id(7), now())
        }
        Step::DecideReply => return decide_reply(task),
        Step::WithdrawReply => waiting(task).withdraw_reply(),
        Step::Return => {
            let command = Return::parse(ReturnGround::Duty, "责任清单第七项", "water").unwrap();
            task.ask_return(&command, terms(), now())
        }
        Step::Extend => {
            let command = Extend::parse(at("2026-12-03 00:00"), "等待配件").unwrap();
            task.ask_extension(&command, terms(), now())
        }
        Step::DecideReturn => return decide_return(task),
        Step::DecideExtension => return decide_extension(task),
        Step::Confirm => task.confirm(now()),
        Step::SendBack => task.send_back(&SendBack::parse("请补充", None).unwrap(), terms(), now()),
        Step::Bind => return bind(task),
        Step::Cancel => task.cancel(now()),
    };
    vec![one]
}

fn waiting(task: &Task) -> Task {
    let waiting = WaitingReply { reply: reply(), by: id(7), since: now() };
    Task { contacts: 1, waiting_reply: Some(waiting), ..task.clone() }
}

fn decide_reply(task: &Task) -> Vec<Result<Decision<Task>, Refused>> {
    let ways = [DecideReply::Approve, DecideReply::Refuse("请补充数据".to_owned())];
    ways.iter().map(|command| waiting(task).decide_reply(command, id(8), now())).collect()
}

fn decide_return(task: &Task) -> Vec<Result<Decision<Task>, Refused>> {
    let complaint = complaint_in(complaint::Status::Handling);
    let ways =
        [(true, Status::Acknowledged), (false, Status::Acknowledged), (false, Status::Pending)];
    let decide = |(approve, before)| {
        let mut task = task.clone();
        if let Some(request) = &mut task.return_request {
            request.before = before;
        }
        let next = Some(assign(20, "water"));
        let reason = "按责任清单改派".to_owned();
        let command = DecideReturn { approve, next, is_final: false, reply_by: None, reason };
        let (decision, successor) =
            task.decide_return(&command, complaint.contact_is_due(), terms(), now())?;
        assert_eq!(successor.is_some(), approve);
        successor.iter().for_each(check_events);
        Ok(decision)
    };
    ways.into_iter().map(decide).collect()
}

fn bind(task: &Task) -> Vec<Result<Decision<Task>, Refused>> {
    let ways = [(Status::Acknowledged, None), (Status::Pending, Some(at("2026-12-03 00:00")))];
    let bind = |(before, reply_by)| {
        let mut task = task.clone();
        if let Some(request) = &mut task.return_request {
            request.before = before;
        }
        task.bind(reply_by, now())
    };
    ways.into_iter().map(bind).collect()
}

fn decide_extension(task: &Task) -> Vec<Result<Decision<Task>, Refused>> {
    let mut task = task.clone();
    let until = at("2026-12-03 00:00");
    task.extension_request = Some(ExtensionRequest { until, asked_at: now() });
    [true, false]
        .into_iter()
        .map(|approve| {
            let command = DecideExtension::parse(approve, None, "情况属实").unwrap();
            task.decide_extension(&command, terms())
        })
        .collect()
}

#[test]
fn exactly_the_listed_steps_are_allowed_and_lead_where_the_table_says() {
    for (step, sources, targets) in TRANSITIONS {
        let mut reached = BTreeSet::new();
        for status in Status::ALL {
            let before = task_in(*status);
            let case = format!("{step} from {status}");
            assert_eq!(before.permit(*step).is_ok(), sources.contains(status), "{case}");
            for result in take(*step, &before) {
                match result {
                    Ok(decision) => {
                        assert!(sources.contains(status), "{case} must be refused");
                        let after = &decision.state;
                        assert!(targets.contains(&after.status), "{case}");
                        assert_eq!(after.version, before.version, "{case}: the store counts");
                        assert_eq!(after.ended_at.is_some(), after.status.is_ended(), "{case}");
                        reached.insert(after.status);
                        check_events(&decision);
                        if sources == targets {
                            assert_eq!(after.status, *status, "{case} stays");
                        }
                    }
                    Err(refused) => {
                        assert!(!sources.contains(status), "{case}: {refused}");
                        assert_eq!(refused.code(), "task_step_refused", "{case}");
                        assert!(refused.to_string().contains(status.label()), "{refused}");
                    }
                }
            }
        }
        assert_eq!(reached, targets.iter().copied().collect(), "{step} reaches its targets");
    }
}

#[test]
fn what_ended_allows_nothing() {
    for status in Status::ALL.iter().filter(|status| status.is_ended()) {
        let steps: Vec<_> =
            TRANSITIONS.iter().filter(|(_, from, _)| from.contains(status)).collect();
        assert!(steps.is_empty(), "{status}");
    }
}
