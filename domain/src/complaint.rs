//! A complaint (诉求): its states, who may take it from one to the next, and what follows.
//!
//! [`TRANSITIONS`] is the table of every step; the methods in `complaint/` decide what a step
//! does. `docs/TRANSITIONS.md` is generated from the same table.

use crate::{
    id::{AccountId, ComplaintId},
    org::NodeCode,
    sla::Urgency,
    time::Timestamp,
};

mod case;
mod centre;
mod child;
mod consult;
mod exclusion;
mod likeness;
mod refused;
mod reporter;
mod split;
mod submission;
#[cfg(test)]
mod tests;

pub use centre::{Accept, Answer, Assignment, Dispatch, Exclude, Reject, Suspend};
pub use exclusion::{AskExclusion, DecideExclusion, ExclusionGround};
pub use likeness::{
    DUPLICATE_METRES, DUPLICATE_SCORE, DUPLICATE_WITHIN, Likeness, Pair, Reason, normalised,
    repeats_since,
};
pub use refused::Refused;
pub use reporter::{Reopen, Rework, Withdraw};
pub use split::Split;
pub use submission::{Contact, Location, Submission, SubmissionForm, Submitter};

codes! {
    /// Where a complaint stands.
    pub enum Status {
        /// Waits for the centre.
        Submitted = "submitted", "待受理";
        /// Taken on; waits to be dispatched.
        Accepted = "accepted", "已受理";
        /// Not taken on, with a ground.
        Rejected = "rejected", "不予受理";
        /// Answered by the centre itself.
        Answered = "answered", "已直接答复";
        /// Follows another complaint.
        Merged = "merged", "已并案";
        /// Taken back by the reporter.
        Withdrawn = "withdrawn", "已撤回";
        /// With its units; nobody acknowledged yet.
        Dispatched = "dispatched", "已派单";
        /// A unit works on it.
        Handling = "handling", "办理中";
        /// Every unit's reply is confirmed.
        Replied = "replied", "已答复";
        /// The reporter is asked for an evaluation.
        FollowUp = "follow_up", "回访中";
        /// Evaluated, or not reached.
        Closed = "closed", "已办结";
        /// No longer open to anything.
        Archived = "archived", "已归档";
    }
}

codes! {
    /// What a complaint is about.
    pub enum Kind {
        /// A question.
        Inquiry = "inquiry", "咨询";
        /// A call for help.
        Help = "help", "求助";
        /// A grievance.
        Grievance = "grievance", "投诉";
        /// A report of a breach; always confidential.
        Report = "report", "举报";
        /// A suggestion.
        Suggestion = "suggestion", "建议";
        /// Praise.
        Praise = "praise", "表扬";
    }
}

codes! {
    /// By which way a complaint or an answer came.
    pub enum Channel {
        /// The WeChat mini-program.
        MiniProgram = "mini_program", "小程序";
        /// A web page.
        H5 = "h5", "网页";
        /// A service terminal.
        Terminal = "terminal", "服务终端";
        /// By telephone.
        Phone = "phone", "电话";
        /// At the door or the counter.
        Visit = "visit", "走访";
        /// On a grid patrol.
        Patrol = "patrol", "巡查";
        /// A photo report (随手拍).
        Photo = "photo", "随手拍";
    }
}

codes! {
    /// Why a complaint is not taken on. There is no other ground.
    pub enum Ground {
        /// 不属于本区管辖.
        OutOfArea = "out_of_area", "不属于本区管辖范围";
        /// 诉讼、仲裁、纪检监察、信访途径.
        OtherChannel = "other_channel", "应通过诉讼、仲裁、纪检监察或信访等法定途径解决";
        /// 110、119、120、122: handed over, never just rejected.
        EmergencyLine = "emergency_line", "属于110、119、120、122等紧急服务事项";
        /// 国家秘密、商业秘密.
        Secret = "secret", "涉及国家秘密或商业秘密";
        /// 违反法律法规.
        Unlawful = "unlawful", "违反法律法规或公序良俗";
        /// 正在办理或已办结且无新事实.
        Repeated = "repeated", "同一事项正在办理，或已办结且没有新的事实";
        /// 内容过于笼统.
        TooVague = "too_vague", "内容不清，无法办理";
    }
}

codes! {
    /// How a case was closed.
    pub enum ClosedAs {
        /// The reporter evaluated.
        Evaluated = "evaluated", "反映人已评价";
        /// Two rounds of follow-up found nobody.
        NotReached = "not_reached", "两次回访均未联系上";
        /// Closed in the system it was imported from.
        Imported = "imported", "历史工单";
    }
}

codes! {
    /// The steps in a complaint's life.
    pub enum Step {
        /// The centre takes it on.
        Accept = "accept", "受理";
        /// The centre does not take it on.
        Reject = "reject", "不予受理";
        /// The centre answers at once.
        Answer = "answer", "直接答复";
        /// The centre lets it follow another.
        Merge = "merge", "并案";
        /// The case it followed was taken back.
        Unmerge = "unmerge", "恢复单独办理";
        /// The centre takes a wrong merge back.
        Split = "split", "撤销并案";
        /// The centre gives it to units.
        Dispatch = "dispatch", "派单";
        /// The centre stops the clocks.
        Suspend = "suspend", "挂起";
        /// The clocks go on.
        Resume = "resume", "恢复";
        /// The centre lets units confer on it.
        Consult = "consult", "转入会商";
        /// The ruling of a consultation names who has it.
        Rule = "rule", "会商裁定";
        /// A supervisor takes it out of the rates.
        Exclude = "exclude", "剔除";
        /// The reporter takes it back.
        Withdraw = "withdraw", "撤回";
        /// The reporter urges.
        Urge = "urge", "催办";
        /// The reporter evaluates.
        Evaluate = "evaluate", "评价";
        /// The reporter reopens, or appeals against a rejection or answer.
        Reopen = "reopen", "重新办理";
        /// A unit acknowledged.
        Begin = "begin", "开始办理";
        /// Every reply is confirmed.
        Finish = "finish", "答复完成";
        /// A caller found nobody.
        Miss = "miss", "回访未联系上";
        /// The worker starts follow-up.
        StartFollowUp = "start_follow_up", "发起回访";
        /// The worker starts the second round.
        FollowUpAgain = "follow_up_again", "再次回访";
        /// The worker closes what nobody answered.
        CloseUnreached = "close_unreached", "未联系上办结";
        /// The worker archives.
        Archive = "archive", "归档";
    }
}

/// Every step that is allowed: from where, and to where it can lead. What is not listed is
/// refused with `complaint_step_refused`.
pub const TRANSITIONS: &[(Step, &[Status], &[Status])] = {
    use Status::{
        Accepted, Answered, Archived, Closed, Dispatched, FollowUp, Handling, Merged, Rejected,
        Replied, Submitted, Withdrawn,
    };
    &[
        (Step::Accept, &[Submitted], &[Accepted]),
        (Step::Reject, &[Submitted], &[Rejected]),
        (Step::Answer, &[Submitted, Accepted], &[Answered]),
        (Step::Merge, &[Submitted, Accepted, Dispatched, Handling], &[Merged]),
        (Step::Unmerge, &[Merged], &[Submitted]),
        (Step::Split, &[Merged], &[Submitted, Accepted]),
        (Step::Dispatch, &[Accepted, Handling], &[Dispatched, Handling]),
        (Step::Suspend, &[Accepted, Dispatched, Handling], &[Accepted, Dispatched, Handling]),
        (Step::Resume, &[Accepted, Dispatched, Handling], &[Accepted, Dispatched, Handling]),
        (Step::Consult, &[Accepted, Dispatched, Handling], &[Accepted, Dispatched, Handling]),
        (Step::Rule, &[Accepted, Dispatched, Handling], &[Dispatched, Handling]),
        (
            Step::Exclude,
            &[Dispatched, Handling, Replied, FollowUp, Closed],
            &[Dispatched, Handling, Replied, FollowUp, Closed],
        ),
        (Step::Withdraw, &[Submitted, Accepted, Dispatched, Handling], &[Withdrawn]),
        (
            Step::Urge,
            &[Submitted, Accepted, Dispatched, Handling],
            &[Submitted, Accepted, Dispatched, Handling],
        ),
        (Step::Evaluate, &[Replied, FollowUp], &[Closed, Handling]),
        (Step::Reopen, &[Closed, Rejected, Answered], &[Handling, Submitted]),
        (Step::Begin, &[Dispatched, Handling], &[Handling]),
        (Step::Finish, &[Handling], &[Replied]),
        (Step::Miss, &[Replied, FollowUp], &[Replied, FollowUp]),
        (Step::StartFollowUp, &[Replied], &[FollowUp]),
        (Step::FollowUpAgain, &[FollowUp], &[FollowUp]),
        (Step::CloseUnreached, &[FollowUp], &[Closed]),
        (Step::Archive, &[Closed], &[Archived]),
    ]
};

/// A complaint as its rules see it.
#[derive(Debug, Clone, PartialEq)]
pub struct Complaint {
    /// Its id.
    pub id: ComplaintId,
    /// Grows by one with each save.
    pub version: i64,
    /// The number of its last event.
    pub last_seq: i32,
    /// Where it stands.
    pub status: Status,
    /// What it is about.
    pub kind: Kind,
    /// The community it is about.
    pub community: NodeCode,
    /// Nobody outside the centre may learn who reported.
    pub confidential: bool,
    /// A person to contact is known: by account or by phone.
    pub reachable: bool,
    /// The account that reported, if any.
    pub reporter: Option<AccountId>,
    /// When it came in.
    pub submitted_at: Timestamp,
    /// Set when it is accepted.
    pub urgency: Option<Urgency>,
    /// The duty-list item it was judged by.
    pub duty_item: Option<String>,
    /// The version of the duty list it was judged by.
    pub duty_list: Option<String>,
    /// The category the centre gave it.
    pub category: Option<String>,
    /// The unit that a 举报 is about; it never handles it.
    pub reported_unit: Option<NodeCode>,
    /// When it was first accepted.
    pub accepted_at: Option<Timestamp>,
    /// When it was first dispatched.
    pub dispatched_at: Option<Timestamp>,
    /// When every reply was confirmed last.
    pub replied_at: Option<Timestamp>,
    /// When it was closed.
    pub closed_at: Option<Timestamp>,
    /// How it was closed.
    pub closed_as: Option<ClosedAs>,
    /// Since when the clock of the state runs: submission, reply, the follow-up round, closing.
    pub clock_from: Timestamp,
    /// 0 before follow-up, then 1 or 2.
    pub follow_up_round: i16,
    /// How often the lead had to do it again.
    pub reworks: i16,
    /// The one appeal against a rejection or answer is used.
    pub appealed: bool,
    /// How often it was reopened.
    pub reopened: i16,
    /// How often the reporter urged.
    pub urges: i16,
    /// When the reporter urged last.
    pub urged_at: Option<Timestamp>,
    /// Since when, and until when at the latest, the clocks stand still.
    pub suspension: Option<Suspension>,
    /// The complaint it follows.
    pub merged_into: Option<ComplaintId>,
    /// When it was taken out of the rates.
    pub excluded_at: Option<Timestamp>,
    /// The units that have or had a task, or were invited to confer.
    pub units: Vec<NodeCode>,
}

/// Stopped clocks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Suspension {
    /// Since when.
    pub since: Timestamp,
    /// Until when at the latest.
    pub until: Timestamp,
}

impl Complaint {
    /// Whether the table allows a step from where the complaint stands.
    ///
    /// # Errors
    /// It does not.
    pub fn permit(&self, step: Step) -> Result<(), Refused> {
        let allowed = TRANSITIONS
            .iter()
            .any(|(listed, from, _)| *listed == step && from.contains(&self.status));
        if allowed { Ok(()) } else { Err(Refused::Step { step, status: self.status }) }
    }

    /// Whether a lead unit has somebody to contact. A confidential reporter is reached by a
    /// relayed message alone, which needs an account.
    pub const fn contact_is_due(&self) -> bool {
        if self.confidential { self.reporter.is_some() } else { self.reachable }
    }
}
