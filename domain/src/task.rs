//! A task (任务单): one unit's duty on one complaint or whistle, as lead (主办) or assist (协办).
//!
//! [`TRANSITIONS`] is the table of every step; the methods in `task/` decide what a step does.
//! A contact with the reporter is a record beside the state, and so is a request for more time.

use uuid::Uuid;

use crate::{
    event::{EventKind, NewEvent, Visibility},
    id::{ComplaintId, TaskId, WhistleId},
    org::NodeCode,
    sla::Urgency,
    time::Timestamp,
};

mod approval;
mod charge;
mod clock;
mod hand;
mod recompute;
mod refused;
mod ruling;
mod summary;
#[cfg(test)]
mod tests;
mod unit;

pub use approval::{ApprovalRule, Approved, DecideReply, WaitingReply};
pub use charge::{Cause, Charge, Move, charges, lost};
pub use clock::{Needed, Order};
pub use hand::{Assignee, HandOver, Named, Receiver};
pub use recompute::{Clocks, Met};
pub use refused::Refused;
pub use ruling::{DecideExtension, DecideReturn, SendBack};
pub use summary::waiver;
pub use unit::{Contact, Draft, Extend, Presence, Reply, ReportIn, Return, is_substantive};

codes! {
    /// Where a task stands.
    pub enum Status {
        /// Waits to be acknowledged.
        Pending = "pending", "待签收";
        /// The unit has it.
        Acknowledged = "acknowledged", "已签收";
        /// The unit is on the spot.
        Arrived = "arrived", "已到场";
        /// The unit replied.
        Replied = "replied", "已答复";
        /// The reply stands.
        Confirmed = "confirmed", "已确认";
        /// The reply must be done again.
        SentBack = "sent_back", "被退回";
        /// The unit asks to return it.
        ReturnRequested = "return_requested", "申请退单中";
        /// Another unit has it now.
        Returned = "returned", "已退单";
        /// Ended with the case.
        Cancelled = "cancelled", "已取消";
    }
}

impl Status {
    /// Whether the task is over.
    pub const fn is_ended(self) -> bool {
        matches!(self, Self::Confirmed | Self::Returned | Self::Cancelled)
    }

    /// Whether the unit's reply stands: one that was sent back is no answer.
    pub const fn is_answered(self) -> bool {
        matches!(self, Self::Replied | Self::Confirmed)
    }
}

codes! {
    /// What a unit is on a case.
    pub enum Role {
        /// Answers for all of it (牵头负全责).
        Lead = "lead", "主办";
        /// Must do its part (协办为必办).
        Assist = "assist", "协办";
    }
}

codes! {
    /// How a unit spoke with the reporter.
    pub enum ContactChannel {
        /// By telephone.
        Phone = "phone", "电话";
        /// At the door.
        Visit = "visit", "上门";
        /// By a message of their own.
        Message = "message", "短信或微信";
        /// By a message that the platform relays, which shows nobody's name or number.
        Relay = "relay", "平台转达";
    }
}

codes! {
    /// Whether a contact found the reporter.
    pub enum ContactOutcome {
        /// Spoken with.
        Reached = "reached", "已联系上";
        /// Tried in vain.
        NotReached = "not_reached", "未联系上";
    }
}

codes! {
    /// What a unit's reply comes to.
    pub enum Outcome {
        /// Solved.
        Solved = "solved", "已解决";
        /// Solved in part.
        Partly = "partly", "部分解决";
        /// Cannot be done now, and why.
        Explained = "explained", "解释说明";
        /// Will not be done, by law.
        Refused = "refused", "依法不予办理";
    }
}

codes! {
    /// Why a unit says a task is not its own.
    pub enum ReturnGround {
        /// 不在本辖区.
        Area = "area", "不在本单位辖区";
        /// 不属于本单位职责.
        Duty = "duty", "不属于本单位职责";
        /// 职责交叉.
        Overlap = "overlap", "职责交叉";
        /// 事实不清.
        Unclear = "unclear", "事实不清";
    }
}

codes! {
    /// The steps in a task's life.
    pub enum Step {
        /// The unit acknowledges.
        Acknowledge = "acknowledge", "签收";
        /// The unit contacts the reporter.
        Contact = "contact", "先行联系";
        /// The unit reports in from the spot.
        ReportIn = "report_in", "报到";
        /// The unit replies.
        Reply = "reply", "答复";
        /// The unit names who works on it.
        HandOver = "hand_over", "转交";
        /// The unit takes it back from whoever works on it.
        TakeBack = "take_back", "收回";
        /// The unit's reply waits for its head.
        SubmitReply = "submit_reply", "送审";
        /// The head approves the reply, or has it written again.
        DecideReply = "decide_reply", "审签";
        /// The unit takes back the reply that waits.
        WithdrawReply = "withdraw_reply", "撤回送审";
        /// The unit asks to return it.
        Return = "return", "申请退单";
        /// The unit asks for more time.
        Extend = "extend", "申请延期";
        /// The centre rules on a return.
        DecideReturn = "decide_return", "裁定退单";
        /// The centre rules on an extension.
        DecideExtension = "decide_extension", "裁定延期";
        /// The reply stands.
        Confirm = "confirm", "确认";
        /// The reply must be done again.
        SendBack = "send_back", "退回";
        /// The ruling of a consultation leaves it with its unit.
        Bind = "bind", "会商裁定承办";
        /// The case ended.
        Cancel = "cancel", "取消";
    }
}

/// Every step that is allowed: from where, and to where it can lead. What is not listed is
/// refused with `task_step_refused`.
pub const TRANSITIONS: &[(Step, &[Status], &[Status])] = {
    use Status::{
        Acknowledged, Arrived, Cancelled, Confirmed, Pending, Replied, ReturnRequested, Returned,
        SentBack,
    };
    &[
        (Step::Acknowledge, &[Pending, SentBack], &[Acknowledged]),
        (
            Step::Contact,
            &[Acknowledged, Arrived, SentBack, ReturnRequested],
            &[Acknowledged, Arrived, SentBack, ReturnRequested],
        ),
        (Step::ReportIn, &[Acknowledged, Arrived], &[Arrived]),
        (Step::Reply, &[Acknowledged, Arrived], &[Replied]),
        (
            Step::HandOver,
            &[Pending, Acknowledged, Arrived, SentBack],
            &[Pending, Acknowledged, Arrived, SentBack],
        ),
        (
            Step::TakeBack,
            &[Pending, Acknowledged, Arrived, Replied, SentBack, ReturnRequested],
            &[Pending, Acknowledged, Arrived, Replied, SentBack, ReturnRequested],
        ),
        (Step::SubmitReply, &[Acknowledged, Arrived], &[Acknowledged, Arrived]),
        (Step::DecideReply, &[Acknowledged, Arrived], &[Acknowledged, Arrived, Replied]),
        (Step::WithdrawReply, &[Acknowledged, Arrived], &[Acknowledged, Arrived]),
        (Step::Return, &[Pending, Acknowledged], &[ReturnRequested]),
        (
            Step::Extend,
            &[Pending, Acknowledged, Arrived, SentBack],
            &[Pending, Acknowledged, Arrived, SentBack],
        ),
        (Step::DecideReturn, &[ReturnRequested], &[Returned, Pending, Acknowledged]),
        (
            Step::DecideExtension,
            &[Pending, Acknowledged, Arrived, SentBack, ReturnRequested],
            &[Pending, Acknowledged, Arrived, SentBack, ReturnRequested],
        ),
        (Step::Confirm, &[Replied], &[Confirmed]),
        (Step::SendBack, &[Replied], &[SentBack]),
        (
            Step::Bind,
            &[Pending, Acknowledged, Arrived, Replied, SentBack, ReturnRequested],
            &[Pending, Acknowledged, Arrived, Replied, SentBack],
        ),
        (
            Step::Cancel,
            &[Pending, Acknowledged, Arrived, Replied, SentBack, ReturnRequested],
            &[Cancelled],
        ),
    ]
};

/// The case that a task belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Case {
    /// A complaint.
    Complaint(ComplaintId),
    /// A whistle.
    Whistle(WhistleId),
}

impl Case {
    /// Its id, whichever it is.
    pub const fn id(self) -> Uuid {
        match self {
            Self::Complaint(id) => id.0,
            Self::Whistle(id) => id.0,
        }
    }

    /// Its id as a complaint's or as a whistle's.
    pub const fn keys(self) -> (Option<Uuid>, Option<Uuid>) {
        match self {
            Self::Complaint(id) => (Some(id.0), None),
            Self::Whistle(id) => (None, Some(id.0)),
        }
    }
}

/// A task as its rules see it.
#[derive(Debug, Clone, PartialEq)]
pub struct Task {
    /// Its id.
    pub id: TaskId,
    /// What it is part of.
    pub case: Case,
    /// Who has it.
    pub unit: NodeCode,
    /// As what.
    pub role: Role,
    /// 0 for the lead's line, 1… for assist lines; a returned task's successor keeps its line.
    pub line: i16,
    /// Where it stands.
    pub status: Status,
    /// Grows by one with each save.
    pub version: i64,
    /// The urgency its deadlines were computed by.
    pub urgency: Urgency,
    /// Since when its clocks run.
    pub dispatched_at: Timestamp,
    /// Acknowledge until.
    pub acknowledge_by: Timestamp,
    /// Contact the reporter until; none where nobody can be contacted, or by an assist unit.
    pub contact_by: Option<Timestamp>,
    /// Be on the spot until; none where nobody must come.
    pub arrive_by: Option<Timestamp>,
    /// Reply until.
    pub reply_by: Timestamp,
    /// Return it until; who misses that keeps it (首接负责).
    pub return_by: Timestamp,
    /// When it was acknowledged first.
    pub acknowledged_at: Option<Timestamp>,
    /// How many contacts were tried.
    pub contacts: i16,
    /// The first contact that reached the reporter, or was relayed.
    pub contacted_at: Option<Timestamp>,
    /// When the unit first reported in.
    pub arrived_at: Option<Timestamp>,
    /// When it replied last.
    pub replied_at: Option<Timestamp>,
    /// The reply as it stands.
    pub reply: Option<Reply>,
    /// When the reply was confirmed.
    pub confirmed_at: Option<Timestamp>,
    /// When it ended, however.
    pub ended_at: Option<Timestamp>,
    /// Returns on this line so far.
    pub returns: i16,
    /// The centre ruled finally: it cannot be returned.
    pub is_final: bool,
    /// The return that waits for a ruling.
    pub return_request: Option<ReturnRequest>,
    /// Extensions granted.
    pub extensions: i16,
    /// The extension that waits for a ruling.
    pub extension_request: Option<ExtensionRequest>,
    /// How often the reply was sent back.
    pub send_backs: i16,
    /// The task that this one does again.
    pub rework_of: Option<TaskId>,
    /// Who works on it for the unit; the unit itself, where nobody is named.
    pub assignee: Option<Assignee>,
    /// The reply that waits for the unit's head.
    pub waiting_reply: Option<WaitingReply>,
    /// Who stands behind the reply, where it went out with the head's approval.
    pub approved: Option<Approved>,
}

/// A return that waits for a ruling.
#[derive(Debug, Clone, PartialEq)]
pub struct ReturnRequest {
    /// Why.
    pub ground: ReturnGround,
    /// Where it should go instead.
    pub to: NodeCode,
    /// Since when the centre's clock runs.
    pub asked_at: Timestamp,
    /// Where the task goes back to if the centre declines.
    pub before: Status,
}

/// An extension that waits for a ruling.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ExtensionRequest {
    /// Until when.
    pub until: Timestamp,
    /// Since when the centre's clock runs.
    pub asked_at: Timestamp,
}

impl Task {
    /// Whether the table allows a step from where the task stands.
    ///
    /// # Errors
    /// It does not.
    pub fn permit(&self, step: Step) -> Result<(), Refused> {
        let allowed = TRANSITIONS
            .iter()
            .any(|(listed, from, _)| *listed == step && from.contains(&self.status));
        if allowed { Ok(()) } else { Err(Refused::Step { step, status: self.status }) }
    }

    fn event(&self, kind: EventKind, visibility: Visibility) -> NewEvent {
        NewEvent::new(kind, visibility).about(self.id, &self.unit)
    }
}
