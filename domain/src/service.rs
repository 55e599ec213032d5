//! Service (双服务): posts (服务岗位) that a community offers, who claims them (认领), and the hours
//! that the organiser confirms.
//!
//! [`TRANSITIONS`] is the table of every step of a claim; the methods in `service/claim.rs`
//! decide what a step does. How points follow from hours is `domain::points`' matter: hours are
//! recorded in full, whatever the points are capped at.

mod check_in;
mod claim;
pub mod code;
pub mod dispute;
pub mod hours;
pub mod matching;
mod pause;
mod post;
mod refused;
mod rules;
pub mod series;
#[cfg(test)]
mod tests;
pub mod year;

pub use check_in::{Arrival, CheckIn};
pub use claim::{Claim, Confirm, Reject, Settled, Standing};
pub use pause::{Lift, Missed, Pause};
pub use post::{Post, PostForm, Published, skills as post_skills};
pub use refused::Refused;
pub use rules::Rules;
pub use year::{Served, Tally, Year};

use crate::time::Timestamp;
use chrono::TimeDelta;

/// How far back a post may start, so that a service that was done yesterday can still be put down.
pub const BACKDATED: TimeDelta = TimeDelta::days(7);
/// How far ahead a post may be planned.
pub const AHEAD: TimeDelta = TimeDelta::days(366);
/// The longest post.
pub const LONGEST: TimeDelta = TimeDelta::hours(24);
/// How long before its start one can check in at a post **\[default\]**.
pub const EARLY: TimeDelta = TimeDelta::minutes(60);

codes! {
    /// What a post is about.
    pub enum Kind {
        /// 政策宣传.
        Policy = "policy", "政策宣传";
        /// 就业帮扶.
        Employment = "employment", "就业帮扶";
        /// 综治平安.
        Security = "security", "综治平安";
        /// 法律咨询.
        Legal = "legal", "法律咨询";
        /// 医疗健康.
        Medical = "medical", "医疗健康";
        /// 文明实践.
        Civility = "civility", "文明实践";
        /// 助老.
        Elderly = "elderly", "助老服务";
        /// 环境整治.
        Environment = "environment", "环境整治";
        /// 其他.
        Other = "other", "其他服务";
    }
}

codes! {
    /// Where a claim stands.
    pub enum Status {
        /// Has a place.
        Claimed = "claimed", "已认领";
        /// Waits for a place.
        Waitlisted = "waitlisted", "候补中";
        /// Is there.
        CheckedIn = "checked_in", "已签到";
        /// Has left.
        CheckedOut = "checked_out", "已签退";
        /// The organiser confirmed the hours.
        Confirmed = "confirmed", "已确认";
        /// The person, or the post, was called off.
        Cancelled = "cancelled", "已取消";
        /// Did not come.
        NoShow = "no_show", "未到";
        /// The organiser does not count it.
        Rejected = "rejected", "未认可";
    }
}

impl Status {
    /// Whether the claim holds one of the post's places.
    pub const fn holds_place(self) -> bool {
        matches!(self, Self::Claimed | Self::CheckedIn | Self::CheckedOut | Self::Confirmed)
    }

    /// Whether the claim keeps its person from claiming anything else at the time.
    pub const fn holds_time(self) -> bool {
        self.holds_place() || matches!(self, Self::Waitlisted)
    }

    /// Whether the claim is over, unless a dispute corrects it.
    pub const fn is_ended(self) -> bool {
        matches!(self, Self::Confirmed | Self::Cancelled | Self::NoShow | Self::Rejected)
    }
}

codes! {
    /// How somebody checked in.
    pub enum Proof {
        /// By the code that is shown at the place.
        Code = "code", "签到码";
        /// By being near the place.
        Location = "location", "定位";
        /// By the time alone, where the post has no place to hold against.
        Time = "time", "时间";
    }
}

codes! {
    /// What stands beside a check-in for a person to look at. None of it refuses anything.
    pub enum Oddity {
        /// Within the tolerance only because the phone said how inaccurate it is.
        Inaccurate = "inaccurate", "定位精度不足，按误差放宽";
        /// The code was right, the phone far away.
        CodeFromAfar = "code_from_afar", "签到码正确，但手机不在岗位附近";
    }
}

codes! {
    /// The steps in a claim's life after it was made.
    pub enum Step {
        /// The person is there.
        CheckIn = "check_in", "签到";
        /// The person leaves.
        CheckOut = "check_out", "签退";
        /// The person shows pictures of what was done.
        Show = "show", "上传照片";
        /// The person calls it off.
        Cancel = "cancel", "取消认领";
        /// A place came free.
        Promote = "promote", "候补转正";
        /// The organiser confirms the hours.
        Confirm = "confirm", "确认时长";
        /// The organiser notes that nobody came.
        NoShow = "no_show", "登记未到";
        /// Nobody said anything about it for days after the end.
        Absent = "absent", "逾期记为未到";
        /// The organiser does not count it.
        Reject = "reject", "不予认可";
        /// Another officer looked at it again and corrected the hours.
        Correct = "correct", "复核更正";
        /// The post was called off.
        CallOff = "call_off", "岗位取消";
    }
}

/// Every step that is allowed: from where, and to where it leads. What is not listed is refused
/// with `claim_step_refused`. The organiser's word replaces check-in and check-out, which nobody
/// is made to do.
pub const TRANSITIONS: &[(Step, &[Status], &[Status])] = {
    use Status::{
        Cancelled, CheckedIn, CheckedOut, Claimed, Confirmed, NoShow, Rejected, Waitlisted,
    };
    &[
        (Step::CheckIn, &[Claimed], &[CheckedIn]),
        (Step::CheckOut, &[CheckedIn], &[CheckedOut]),
        (Step::Show, &[Claimed, CheckedIn, CheckedOut], &[Claimed, CheckedIn, CheckedOut]),
        (Step::Cancel, &[Claimed, Waitlisted], &[Cancelled]),
        (Step::Promote, &[Waitlisted], &[Claimed]),
        (Step::Confirm, &[Claimed, CheckedIn, CheckedOut], &[Confirmed]),
        (Step::NoShow, &[Claimed], &[NoShow]),
        (Step::Absent, &[Claimed], &[NoShow]),
        (Step::Reject, &[Claimed, Waitlisted, CheckedIn, CheckedOut], &[Rejected]),
        (Step::Correct, &[Confirmed, NoShow, Rejected], &[Confirmed, Rejected]),
        (Step::CallOff, &[Claimed, Waitlisted, CheckedIn, CheckedOut], &[Cancelled]),
    ]
};

/// Whether two spans of time share an instant; one may begin when the other ends.
pub fn overlap(one: (Timestamp, Timestamp), other: (Timestamp, Timestamp)) -> bool {
    one.0 < other.1 && other.0 < one.1
}
