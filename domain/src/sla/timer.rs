//! Deadlines as rows: which instants a case waits for. What is wanted follows from the state
//! alone; the store arms what is wanted and cancels the rest.

use super::Rules;
use crate::{calendar::WorkingCalendar, time::Timestamp};

codes! {
    /// What an instant stands for.
    pub enum TimerKind {
        /// The centre must have dispatched, answered or rejected.
        DispatchDue = "dispatch_due", "受理派单时限";
        /// Follow-up round 1 starts.
        FollowUp = "follow_up", "首次回访";
        /// Follow-up round 2 starts, by another channel.
        FollowUpAgain = "follow_up_again", "再次回访";
        /// Nobody answered: close as not reached.
        CloseUnreached = "close_unreached", "未联系上办结";
        /// Archive the closed case.
        Archive = "archive", "归档";
        /// A suspension ends.
        Resume = "resume", "恢复办理";
        /// A unit must have acknowledged.
        AcknowledgeDue = "acknowledge_due", "签收时限";
        /// A unit must have contacted the reporter.
        ContactDue = "contact_due", "先行联系时限";
        /// A unit must be on the spot.
        ArriveDue = "arrive_due", "到场时限";
        /// The first reminder before the reply is due (50 %).
        ReplyHalf = "reply_half", "答复时限过半";
        /// The second reminder before the reply is due (80 %).
        ReplyMost = "reply_most", "答复时限将至";
        /// A unit must have replied.
        ReplyDue = "reply_due", "答复时限";
        /// The head of the unit is told that a deadline was missed.
        NoticeDue = "notice_due", "催办通知";
        /// A missed deadline is told in writing.
        BulletinDue = "bulletin_due", "书面通报";
        /// The written bulletin brought nothing: supervision begins.
        SuperviseDue = "supervise_due", "转入督办";
        /// A supervision must have been answered.
        AnswerDue = "answer_due", "督办答复时限";
        /// The centre must have ruled on a return or an extension.
        RulingDue = "ruling_due", "裁定时限";
        /// A consultation must have been decided.
        ConsultationDue = "consultation_due", "会商裁定时限";
        /// The centre must have confirmed a reply or sent it back.
        ConfirmDue = "confirm_due", "确认时限";
        /// A whistle must have been reviewed.
        ReviewDue = "review_due", "审核时限";
        /// The blower of a whistle has not judged a reply: the centre may.
        BlowerSilent = "blower_silent", "吹哨单位确认时限";
        /// The blower has not stood its whistle down though every task is confirmed.
        StandDownDue = "stand_down_due", "销哨时限";
        /// The time to appraise a whistle is over.
        AppraisalEnds = "appraisal_ends", "评哨时限";
    }
}

impl TimerKind {
    /// Whether it only reminds of a later instant: once past, it is not worth firing.
    pub const fn is_reminder(self) -> bool {
        matches!(self, Self::ReplyHalf | Self::ReplyMost)
    }

    /// Whether it follows a missed deadline: notice, bulletin, supervision.
    pub const fn follows_overdue(self) -> bool {
        matches!(self, Self::NoticeDue | Self::BulletinDue | Self::SuperviseDue)
    }

    /// Whether firing cannot be taken back by a later step, so that it waits while clocks disagree.
    pub const fn is_irreversible(self) -> bool {
        matches!(
            self,
            Self::CloseUnreached
                | Self::Archive
                | Self::AnswerDue
                | Self::StandDownDue
                | Self::AppraisalEnds
        )
    }
}

/// An instant that a case waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timer {
    /// What it stands for.
    pub kind: TimerKind,
    /// When.
    pub due_at: Timestamp,
}

impl Timer {
    /// A timer.
    pub const fn new(kind: TimerKind, due_at: Timestamp) -> Self {
        Self { kind, due_at }
    }
}

/// What rules reckon time by: the working calendar and the numbers in force.
#[derive(Debug, Clone, Copy)]
pub struct Terms<'a> {
    /// Working days and hours.
    pub calendar: &'a WorkingCalendar,
    /// Deadlines and limits.
    pub rules: &'a Rules,
}
