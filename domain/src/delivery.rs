//! What leaves the house (对外发送): which notifications are also sent to a person's WeChat or phone, in
//! which template, when, and when not any more. The inbox always has everything; only what a person
//! needs without opening the app leaves it.
//!
//! [`OUTSIDE`] is the table of what is sent to the person concerned, [`ON_DUTY`] of what is sent to
//! staff, [`route`] says by what, and [`TRANSITIONS`] is the table of every step of a delivery.

use std::collections::BTreeMap;

use chrono::{Days, NaiveTime, TimeDelta};

use crate::{
    event::{Event, EventKind},
    notification::{Viewer, render},
    refusal::{Faults, Invalid, Kind, Refusal},
    time::{self, Timestamp},
};

mod digest;
mod draft;
pub mod example;
mod reach;

pub use digest::{Counts, Digest, Morning};
pub use draft::{Draft, text_fitted};
pub use reach::{ON_DUTY, Reach, TEXTED, check_muted, instead, route};

/// What stands for the title of a confidential case: WeChat's lists show it on a locked screen.
pub const WITHHELD_TITLE: &str = "您反映的事项";
/// What stands for the text of a confidential case.
pub const WITHHELD_TEXT: &str = "有新进展，请到小程序查看";
/// A delivery that surely was not sent is tried so often, then it has failed. Quiet hours do not
/// count, nor what was before a person had it sent again.
pub const ATTEMPTS: i32 = 8;
/// Most template ids that one answer of `wx.requestSubscribeMessage` holds.
pub const MOST_ASKED: usize = 5;

codes! {
    /// By what it is sent.
    #[derive(Default)]
    pub enum Channel {
        /// A WeChat subscribe message.
        #[default]
        Subscribe = "subscribe", "微信订阅消息";
        /// A text message.
        Sms = "sms", "短信";
    }
}

codes! {
    /// The template it is sent in, which is also the group that a person switches off.
    pub enum Template {
        /// What became of a complaint.
        Progress = "progress", "办理进度";
        /// A word is asked of the person.
        Asked = "asked", "评价提醒";
        /// Service posts and requests.
        Service = "service", "服务";
        /// Points and what they buy.
        Points = "points", "积分";
        /// What staff have to know wherever they are.
        Duty = "duty", "值守";
        /// What waits for staff, in the morning.
        Digest = "digest", "每日摘要";
    }
}

impl Template {
    /// By what it is sent.
    pub const fn channels(self) -> &'static [Channel] {
        match self {
            Self::Progress | Self::Asked => &[Channel::Subscribe, Channel::Sms],
            Self::Service | Self::Points => &[Channel::Subscribe],
            Self::Duty | Self::Digest => &[Channel::Sms],
        }
    }

    /// Whether whoever gets it may switch it off. What duty demands comes in any case.
    pub const fn is_optional(self) -> bool {
        !matches!(self, Self::Duty)
    }
}

codes! {
    /// Where a delivery stands.
    pub enum State {
        /// It is to be sent.
        Waiting = "waiting", "待发送";
        /// The call is being made; nobody knows its outcome yet.
        Sending = "sending", "发送中";
        /// WeChat or the provider took it.
        Sent = "sent", "已发送";
        /// It was surely not sent, and will not be by itself.
        Failed = "failed", "未能发送";
        /// It was not sent, because it should not be any more.
        Dropped = "dropped", "不再发送";
        /// It may or may not have been sent. It is never sent again by itself.
        Unknown = "unknown", "不知是否送达";
    }
}

codes! {
    /// What becomes of a delivery.
    pub enum Step {
        /// The call begins.
        Send = "send", "开始发送";
        /// It is looked at again later: a quiet hour.
        Wait = "wait", "延后";
        /// It should not be sent any more.
        Drop = "drop", "不再发送";
        /// WeChat or the provider took it.
        Done = "done", "送达";
        /// It was surely not sent, and may be later.
        Retry = "retry", "重试";
        /// It was surely not sent, and will not be.
        Fail = "fail", "失败";
        /// Nobody knows whether it was sent.
        Lose = "lose", "不明";
        /// An administrator has it sent again.
        Resend = "resend", "重新发送";
    }
}

codes! {
    /// Why it was not sent.
    pub enum Reason {
        /// Its owner has read it in the inbox.
        Read = "read", "已在收件箱读过";
        /// Its owner may not read it any more.
        Unreadable = "unreadable", "已无权查看";
        /// Its owner has switched the group off.
        Muted = "muted", "本人关闭了这一组";
        /// Something newer is told of the same matter.
        Superseded = "superseded", "已有更新的通知";
        /// What it says does not hold any more.
        Over = "over", "事情已过去";
        /// There is no consent left.
        NoConsent = "no_consent", "没有订阅次数";
        /// The person has no WeChat, or no phone.
        NoAddress = "no_address", "没有微信身份或手机";
        /// WeChat or the provider was away again and again.
        Unavailable = "unavailable", "微信或短信一直无法使用";
        /// A field does not fit the template.
        FieldRefused = "field_refused", "模板字段不符合要求";
        /// WeChat or the provider refuses for another reason.
        Refused = "refused", "微信或短信平台拒绝";
    }
}

/// What is sent to a reporter or to the person whom an event names, in which template, with which
/// phrase (at most five characters, as WeChat's field has it), and whether it is so pressing that it
/// does not wait for the morning. Who works on the case has the inbox, and [`ON_DUTY`].
pub const OUTSIDE: &[(EventKind, Template, &str, bool)] = {
    use Template::{Asked, Points, Progress, Service};
    &[
        (EventKind::Accepted, Progress, "已受理", false),
        (EventKind::Rejected, Progress, "不予受理", false),
        (EventKind::Answered, Progress, "已答复", false),
        (EventKind::TaskDispatched, Progress, "已派单", false),
        (EventKind::ExtensionGranted, Progress, "已延期", false),
        (EventKind::ReworkOrdered, Progress, "重新办理", false),
        (EventKind::Closed, Progress, "已办结", false),
        // The follow-up that starts within a second of it would only say the same again.
        (EventKind::Replied, Asked, "待评价", false),
        // Whoever moves up to a post that begins soon has to know at once.
        (EventKind::ClaimPromoted, Service, "已递补", true),
        (EventKind::PostCancelled, Service, "已取消", true),
        (EventKind::PostChanged, Service, "有变动", true),
        (EventKind::RegistrationSigned, Service, "报到成功", false),
        (EventKind::RegistrationRefused, Service, "未通过", false),
        (EventKind::RequestOrdered, Service, "已接单", false),
        (EventKind::RequestDeclined, Service, "未接单", false),
        (EventKind::PointsExpiring, Points, "将到期", false),
        (EventKind::RedemptionReturned, Points, "已退回", false),
        (EventKind::RedemptionUndone, Points, "已撤销", false),
        (EventKind::DailyDigest, Template::Digest, "今日任务", false),
    ]
};

/// After which later events of the same subject a message does not hold any more, although nothing
/// newer is told to its owner, as what people do themselves is not told to them.
const OVER: &[(EventKind, &[EventKind])] = {
    use EventKind::{
        ClaimCancelled, Closed, Evaluated, PostCancelled, Reopened, Replied, RequestCancelled,
        RequestOrdered, TaskDispatched, Withdrawn,
    };
    &[
        (Replied, &[Evaluated, Closed, Reopened, Withdrawn]),
        (EventKind::Accepted, &[Withdrawn, Replied, Closed]),
        (TaskDispatched, &[Withdrawn, Replied, Closed, EventKind::TaskReturned]),
        (EventKind::ExtensionGranted, &[Withdrawn, Replied, Closed]),
        (EventKind::ReworkOrdered, &[Replied, Closed]),
        (EventKind::Rejected, &[Reopened]),
        (EventKind::Answered, &[Reopened]),
        (Closed, &[Reopened]),
        (EventKind::ClaimPromoted, &[ClaimCancelled, PostCancelled]),
        (EventKind::PostChanged, &[ClaimCancelled]),
        (
            RequestOrdered,
            &[
                RequestCancelled,
                EventKind::RequestReturned,
                EventKind::RequestDone,
                EventKind::RequestSettled,
            ],
        ),
        (EventKind::RegistrationSigned, &[EventKind::RegistrationEnded]),
    ]
};

/// After which later events a message to staff does not hold any more.
const OVER_ON_DUTY: &[(EventKind, &[EventKind])] = {
    use EventKind::{
        ExtensionGranted, StoodDown, Suspended, TaskAcknowledged, TaskCancelled, TaskReplied,
        TaskReturned, WhistleWithdrawn, Withdrawn,
    };
    &[
        (EventKind::TaskDispatched, &[TaskAcknowledged, TaskReturned, TaskCancelled, Withdrawn]),
        (
            EventKind::OverdueNotice,
            &[TaskReplied, TaskReturned, TaskCancelled, ExtensionGranted, Suspended, Withdrawn],
        ),
        (EventKind::WhistleBlown, &[WhistleWithdrawn, StoodDown]),
    ]
};

/// Every step that is allowed: from where, and to where it leads. What is not listed is refused
/// with `delivery_step_refused`.
pub const TRANSITIONS: &[(Step, &[State], State)] = {
    use State::{Dropped, Failed, Sending, Sent, Unknown, Waiting};
    &[
        (Step::Send, &[Waiting], Sending),
        (Step::Wait, &[Waiting], Waiting),
        (Step::Drop, &[Waiting], Dropped),
        (Step::Done, &[Sending], Sent),
        (Step::Retry, &[Sending], Waiting),
        (Step::Fail, &[Sending], Failed),
        (Step::Lose, &[Sending], Unknown),
        (Step::Resend, &[Failed, Unknown], Waiting),
    ]
};

impl State {
    /// Where a step leads.
    ///
    /// # Errors
    /// The table has no such step from here.
    pub fn step(self, step: Step) -> Result<Self, Refused> {
        TRANSITIONS
            .iter()
            .find(|(one, from, _)| *one == step && from.contains(&self))
            .map(|(.., to)| *to)
            .ok_or(Refused::Step { step, state: self })
    }
}

/// The phrase and the haste of a kind of event in a template; none for what stays in the house. For
/// staff the haste is that of the matter.
pub fn rule(kind: EventKind, template: Template) -> Option<(&'static str, bool)> {
    if template == Template::Duty {
        let line = ON_DUTY.iter().find(|(one, ..)| *one == kind);
        return line.map(|(_, _, phrase, _)| (*phrase, false));
    }
    OUTSIDE
        .iter()
        .find(|(one, of, ..)| (*one, *of) == (kind, template))
        .map(|(.., phrase, urgent)| (*phrase, *urgent))
}

/// From when to when nothing is sent that can wait, in hours of Asia/Shanghai; the same hour twice
/// is never.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Quiet {
    /// The hour it begins, 0–23.
    pub from: u32,
    /// The hour it ends, 0–23.
    pub until: u32,
}

impl Quiet {
    /// Hours of the day.
    ///
    /// # Errors
    /// A number above 23.
    pub fn parse(from: u32, until: u32) -> Result<Self, Invalid> {
        let mut faults = Faults::default();
        for (field, hour) in [("quiet.from", from), ("quiet.until", until)] {
            if hour > 23 {
                faults.add(field, format!("请填 0–23 的整点，现在是 {hour}"));
            }
        }
        faults.check()?;
        Ok(Self { from, until })
    }

    /// When the quiet that `now` is in ends; none when it is not quiet.
    pub fn ends(self, now: Timestamp) -> Option<Timestamp> {
        let Self { from, until } = self;
        let local = time::civil(now);
        let hour = chrono::Timelike::hour(&local);
        let quiet = if from <= until {
            (from..until).contains(&hour)
        } else {
            hour >= from || hour < until
        };
        let day = if hour < until {
            Some(local.date())
        } else {
            local.date().checked_add_days(Days::new(1))
        };
        quiet
            .then(|| Some(time::instant(day?.and_time(NaiveTime::from_hms_opt(until, 0, 0)?))))
            .flatten()
    }
}

/// What a delivery is judged by, at the moment it would be sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Facts<'a> {
    /// The kind of event.
    pub kind: EventKind,
    /// In which template it is sent.
    pub template: Template,
    /// The matter is counted in hours: emergency and utility.
    pub pressing: bool,
    /// Its owner has read it in the inbox.
    pub read: bool,
    /// Its owner may still read it.
    pub readable: bool,
    /// The groups that its owner switched off.
    pub muted: &'a [Template],
    /// Something newer is told to the same person of the same subject.
    pub superseded: bool,
    /// What happened to the subject since.
    pub later: &'a [EventKind],
    /// What it tells of holds by itself: points that were to run out are still there.
    pub holds: bool,
    /// The person has an address of this channel.
    pub addressed: bool,
    /// How often it may still be sent; none for as often as one likes.
    pub consents: Option<i32>,
    /// The quiet hours that count for the person.
    pub quiet: Quiet,
}

/// What is to be done with a delivery now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// Send it.
    Send,
    /// Look at it again then.
    Wait(Timestamp),
    /// Send it no more.
    Drop(Reason),
}

/// Judges whether a notification is sent now. What has become needless is dropped before anything
/// waits, and consent is looked at last: it may be given until then.
pub fn judge(facts: &Facts<'_>, now: Timestamp) -> Verdict {
    let template = facts.template;
    let Some((_, urgent)) = rule(facts.kind, template) else {
        return Verdict::Drop(Reason::Over);
    };
    let (urgent, over) = match template {
        Template::Duty => (facts.pressing, OVER_ON_DUTY),
        _ => (urgent, OVER),
    };
    let over = over.iter().find(|(kind, _)| *kind == facts.kind);
    let dropped = [
        (!facts.readable, Reason::Unreadable),
        (facts.read && !urgent, Reason::Read),
        (
            !facts.holds
                || over.is_some_and(|(_, ends)| ends.iter().any(|end| facts.later.contains(end))),
            Reason::Over,
        ),
        (facts.superseded, Reason::Superseded),
        (template.is_optional() && facts.muted.contains(&template), Reason::Muted),
        (!facts.addressed, Reason::NoAddress),
    ];
    if let Some((_, reason)) = dropped.into_iter().find(|(holds, _)| *holds) {
        return Verdict::Drop(reason);
    }
    if let Some(until) = facts.quiet.ends(now).filter(|_| !urgent) {
        return Verdict::Wait(until);
    }
    if facts.consents.is_some_and(|left| left < 1) {
        return Verdict::Drop(Reason::NoConsent);
    }
    Verdict::Send
}

/// The placeholders that a template's fields may hold.
pub const PLACEHOLDERS: &[&str] =
    &["{title}", "{number}", "{phrase}", "{text}", "{time}", "{summary}"];

/// A template's fields (`thing1` → `{title}`) filled with an event, as its owner reads it. Of a
/// confidential case neither title nor text leaves the house, and its number not to a provider of
/// texts, who with the phone would know who reported whom. A field is one placeholder or fixed words:
/// what people wrote is never read for placeholders.
pub fn fields(
    patterns: &BTreeMap<String, String>,
    (event, template, channel): (&Event, Template, Channel),
    viewer: Viewer,
    title: &str,
    number: Option<&str>,
) -> Vec<(String, String)> {
    let (title, text) = if viewer.confidential {
        (WITHHELD_TITLE.to_owned(), WITHHELD_TEXT.to_owned())
    } else {
        (title.to_owned(), render(event, viewer))
    };
    let number = number.filter(|_| channel != Channel::Sms || !viewer.confidential);
    let phrase = rule(event.kind, template).map_or("有进展", |(phrase, _)| phrase);
    let at = time::civil(event.at).format("%Y年%m月%d日 %H:%M").to_string();
    let summary = Counts::of(&event.data).summary();
    let given = [
        ("{summary}", summary.as_str()),
        ("{number}", number.unwrap_or("-")),
        ("{phrase}", phrase),
        ("{time}", &at),
        ("{title}", &title),
        ("{text}", &text),
    ];
    let fill = |pattern: &String| match given.iter().find(|(name, _)| name == pattern) {
        Some((_, text)) => (*text).to_owned(),
        None => pattern.clone(),
    };
    patterns.iter().map(|(key, pattern)| (key.clone(), fill(pattern))).collect()
}

/// Why something surely was not sent, and may be later.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Setback {
    /// The other side is away or busy.
    Away,
    /// Too many to this person within a minute, an hour or a day: which of them is not said.
    Limit,
    /// The quota of the day is used up.
    Spent,
}

/// When what surely failed `failures` times, this one included, is tried again: after one minute,
/// doubled each time up to an hour; what waits for another day, at 00:05 of the next. None when it
/// has failed.
pub fn again(setback: Setback, failures: i32, now: Timestamp) -> Option<Timestamp> {
    let tomorrow = || {
        let day = time::date(now).checked_add_days(Days::new(1))?;
        Some(time::instant(day.and_time(NaiveTime::from_hms_opt(0, 5, 0)?)))
    };
    let doublings = u32::try_from(failures.saturating_sub(1)).unwrap_or(0).min(6);
    let seconds = 60_i64.saturating_mul(2_i64.saturating_pow(doublings)).min(3600);
    match setback {
        _ if failures >= ATTEMPTS => None,
        Setback::Spent => tomorrow(),
        // Pauses of an hour together: it is the day's.
        Setback::Limit if failures > 6 => tomorrow(),
        Setback::Limit | Setback::Away => Some(now + TimeDelta::seconds(seconds)),
    }
}

/// Why a step is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// The table has no such step.
    #[error("这条消息{}，不能{}", .state.label(), .step.label())]
    Step {
        /// What was asked for.
        step: Step,
        /// Where it stands.
        state: State,
    },
    /// The template has another version than the one that was changed.
    #[error("模板已由别人发布了新的一版，请重新读取后再修改")]
    TemplateChanged,
}

impl Refusal for Refused {
    fn code(&self) -> &'static str {
        match self {
            Self::Step { .. } => "delivery_step_refused",
            Self::TemplateChanged => "delivery_template_changed",
        }
    }

    fn kind(&self) -> Kind {
        Kind::Conflict
    }
}

#[cfg(test)]
mod tests;
