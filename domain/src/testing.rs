//! What the tests of several words build on: instants, units, and cases in any state.

use std::sync::LazyLock;

use crate::{
    calendar::WorkingCalendar,
    complaint::{self, Assignment, Channel, Complaint, Kind, Submission, Submitter, Suspension},
    decision::Decision,
    event::{NewEvent, Visibility},
    id::{AccountId, ComplaintId, Id},
    org::{NodeCode, NodeKind, Unit},
    personal::Phone,
    sla::{Rules, Terms, Urgency},
    task::{self, Order, Outcome, Reply, ReturnGround, ReturnRequest, Task},
    time::Timestamp,
};

static CALENDAR: LazyLock<WorkingCalendar> = LazyLock::new(WorkingCalendar::embedded);
static RULES: LazyLock<Rules> = LazyLock::new(Rules::default);

/// The embedded calendar and the default numbers.
pub(crate) fn terms() -> Terms<'static> {
    Terms { calendar: &CALENDAR, rules: &RULES }
}

/// An instant from Beijing wall-clock time, `2026-11-24 09:00`.
pub(crate) fn at(text: &str) -> Timestamp {
    format!("{text}:00+08:00").parse::<chrono::DateTime<chrono::FixedOffset>>().unwrap().to_utc()
}

/// Tuesday morning, 24 November 2026.
pub(crate) fn tuesday() -> Timestamp {
    at("2026-11-24 09:00")
}

pub(crate) fn id<T: Id>(n: u8) -> T {
    T::from_parts(tuesday(), &[n; 10])
}

pub(crate) fn code(text: &str) -> NodeCode {
    NodeCode::parse("code", text).unwrap()
}

pub(crate) fn assign(n: u8, unit: &str) -> Assignment {
    let kind = if code(unit).is_division() { NodeKind::Subdistrict } else { NodeKind::Department };
    let name = format!("单位{unit}");
    let superior = code(unit).superior().or(Some(code("140213")));
    Assignment { task: id(n), unit: Unit { code: code(unit), kind, name, superior } }
}

/// Who hands in: (confidential, by an account, with a phone).
pub(crate) fn submitted_by(confidential: bool, account: bool, phone: bool) -> Complaint {
    let contact = phone
        .then(|| complaint::Contact { name: None, phone: Phone::trusted("13800001234".into()) });
    let submission = Submission {
        kind: Kind::Help,
        title: "路灯不亮".into(),
        content: "三号楼前的路灯不亮".into(),
        community: code("140213066004"),
        address: None,
        location: None,
        confidential,
        channel: Channel::MiniProgram,
        contact,
        on_behalf: false,
    };
    let by = if account { Submitter::Resident(id::<AccountId>(1)) } else { Submitter::Anonymous };
    Complaint::submit(id(1), &submission, by, tuesday()).state
}

/// A complaint of a reachable resident in a state, with what the state demands.
pub(crate) fn complaint_in(status: complaint::Status) -> Complaint {
    use complaint::Status::{Archived, Closed, FollowUp, Merged, Rejected, Submitted, Withdrawn};
    let mut complaint = submitted_by(false, true, true);
    complaint.status = status;
    if !matches!(status, Submitted | Rejected | Withdrawn) {
        complaint.urgency = Some(Urgency::Ordinary);
        complaint.accepted_at = Some(tuesday());
    }
    if matches!(status, Closed | Archived) {
        complaint.closed_at = Some(tuesday());
        complaint.closed_as = Some(complaint::ClosedAs::Evaluated);
    }
    if status == FollowUp {
        complaint.follow_up_round = 1;
    }
    complaint.merged_into = (status == Merged).then(|| id::<ComplaintId>(2));
    complaint
}

/// A suspension from Tuesday 10:00 to Friday 10:00.
pub(crate) fn suspension() -> Suspension {
    Suspension { since: at("2026-11-24 10:00"), until: at("2026-11-27 10:00") }
}

/// A lead task of `complaint` for the department `urban-management`, dispatched on Tuesday.
pub(crate) fn lead_of(complaint: &Complaint) -> Task {
    let order = Order { line: 0, site: true, note: None };
    let to = assign(10, "urban-management");
    Task::dispatch(&to, complaint, &order, terms(), tuesday()).state
}

/// A lead task in a state, with what the state demands.
pub(crate) fn task_in(status: task::Status) -> Task {
    use task::Status::{Arrived, Confirmed, Pending, Replied, ReturnRequested, SentBack};
    let mut task = lead_of(&complaint_in(complaint::Status::Handling));
    task.status = status;
    if status != Pending {
        task.acknowledged_at = Some(tuesday());
    }
    if status == Arrived {
        task.arrived_at = Some(tuesday());
    }
    if matches!(status, Replied | Confirmed | SentBack) {
        task.replied_at = Some(tuesday());
        task.reply = Some(reply());
    }
    if status == ReturnRequested {
        task.return_request = Some(ReturnRequest {
            ground: ReturnGround::Duty,
            to: code("water"),
            asked_at: at("2026-11-24 10:00"),
            before: task::Status::Acknowledged,
        });
    }
    task.ended_at = status.is_ended().then(tuesday);
    task
}

pub(crate) fn reply() -> Reply {
    Reply::parse("已于今日上午更换灯泡，路灯恢复照明。", Outcome::Solved, None).unwrap()
}

/// What every event must keep to: no prose and no personal data beside the note, a unit's event
/// names its unit, and each kind has its audience.
pub(crate) fn check_events<S>(decision: &Decision<S>) {
    for event in &decision.events {
        check_event(event);
    }
}

fn check_event(event: &NewEvent) {
    use crate::event::EventKind as K;
    let data = event.data.to_string();
    assert!(data.is_ascii(), "prose in the data of {:?}: {data}", event.kind);
    assert!(!data.contains("1380000"), "a phone number in the data of {:?}", event.kind);
    // The two-way appraisal and a consultation are about a unit, not about its task.
    let of_unit = matches!(
        event.kind,
        K::UnitAppraised
            | K::WhistleRated
            | K::ConsultationInvited
            | K::ConsultationStated
            | K::ConsultationClimbed
            | K::ConsultationLapsed
    );
    assert_eq!(event.task.is_some(), event.unit.is_some() && !of_unit, "{:?}", event.kind);
    if event.visibility == Visibility::Unit {
        assert!(event.unit.is_some(), "{:?} is for a unit and names none", event.kind);
    }
    let expected: &[Visibility] = match event.kind {
        K::TaskReplied
        | K::AssistsWaived
        | K::TaskSentBack
        | K::TaskHandedOver
        | K::FinalReplyProposed
        | K::FinalReplySigned
        | K::FinalReplyRefused
        | K::TaskTakenBack
        | K::ReplySubmitted
        | K::ReplyApproved
        | K::ReplyDisapproved
        | K::ReplyWithdrawn
        | K::ReturnRequested
        | K::ReturnDeclined
        | K::ExtensionRequested
        | K::ExtensionDeclined
        | K::ExclusionRequested
        | K::ExclusionDecided
        | K::TaskCancelled
        | K::TaskBound
        | K::EnforcementActed
        | K::EnforcementWithdrawn
        | K::ConsultationInvited
        | K::ConsultationStated
        | K::ConsultationClimbed
        | K::ConsultationLapsed
        | K::Reminder
        | K::Overdue
        | K::OverdueNotice
        | K::WrittenBulletin
        | K::SupervisionOpened
        | K::SupervisionClimbed
        | K::SupervisionReferred
        | K::LeaderInstructed
        | K::SupervisionAnswered
        | K::SupervisionSentBack
        | K::SupervisionAccepted
        | K::SupervisionLapsed
        | K::SupervisionListed
        | K::SupervisionUnlisted
        | K::CoordinationAsked
        | K::UnitAppraised
        | K::WhistleRated => &[Visibility::Unit],
        K::TaskConfirmed => &[Visibility::Everyone, Visibility::Unit],
        K::EmergencyApproved | K::FollowUpMissed | K::Excluded | K::CentreOverdue => {
            &[Visibility::Centre]
        }
        _ => &[Visibility::Everyone],
    };
    assert!(expected.contains(&event.visibility), "{:?} for {:?}", event.kind, event.visibility);
    let reporter_reads = matches!(event.visibility, Visibility::Everyone | Visibility::Reporter);
    if reporter_reads && event.kind != K::Rejected {
        assert!(event.data.get("ground").is_none(), "{:?} tells a return's ground", event.kind);
    }
}
