//! Every event in plain Chinese, for timelines and inboxes alike.

use std::str::FromStr;

use crate::{
    complaint::{ClosedAs, ExclusionGround, Ground},
    enforcement::ActKind,
    evaluation::Satisfaction,
    event::{Event, EventKind},
    scope::Audience,
    sla::{Mark, TimerKind, Urgency},
    task::{self, ContactChannel, ContactOutcome, Outcome, ReturnGround},
    time::{self, Timestamp},
    whistle,
};

mod around;
mod consultation;
mod notice;
mod points;
mod service;
mod supervision;
#[cfg(test)]
mod tests;
mod till;

/// What a unit that asks for something has to know meanwhile.
const UNTIL_RULED: &str = "等待区中心裁定，裁定前时限照常计算";

/// For whom an event is put into words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Viewer {
    /// As what the person reads the case.
    pub audience: Audience,
    /// The person reported this very complaint, not one merged into it.
    pub own: bool,
    /// Nobody outside the centre may learn who reported.
    pub confidential: bool,
}

/// Whether nobody is asked any more after this miss.
fn event_is_last(event: &Event) -> bool {
    event.data.get("last") == Some(&true.into())
}

impl Viewer {
    /// Whether the words of the reporter may be shown. In a confidential case they may point to the
    /// person, so no unit reads them; a merged complaint's reporter never reads another's.
    const fn reads_reporter(self) -> bool {
        match self.audience {
            Audience::Centre => true,
            Audience::Unit => !self.confidential,
            Audience::Reporter => self.own,
        }
    }
}

/// Whose words an event's note holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Author {
    /// The reporter's, or a caller's who wrote down what the reporter said.
    Reporter,
    /// Staff's, for everyone who may read the event.
    Staff,
    /// Staff's, about one reporter: for that one, not for those whose cases follow.
    Aside,
    /// Staff's, among staff.
    Internal,
}

/// Whose words the note of an event holds, and what they are called.
const fn note_of(kind: EventKind) -> (Author, &'static str) {
    match kind {
        EventKind::Withdrawn | EventKind::Reopened | EventKind::Appealed => {
            (Author::Reporter, "理由")
        }
        EventKind::Evaluated | EventKind::ReworkOrdered => (Author::Reporter, "意见"),
        EventKind::Submitted | EventKind::Urged => (Author::Reporter, "留言"),
        EventKind::Answered | EventKind::TaskReplied | EventKind::Replied => {
            (Author::Staff, "答复内容")
        }
        EventKind::Contacted => (Author::Aside, "联系情况"),
        EventKind::Arrived => (Author::Staff, "到场情况"),
        EventKind::TaskDispatched => (Author::Internal, "派单说明"),
        EventKind::ConsultationInvited => (Author::Internal, "会商事项"),
        EventKind::ConsultationStated => (Author::Internal, "陈述"),
        EventKind::ConsultationClimbed => (Author::Internal, "原因"),
        EventKind::ConsultationDecided => (Author::Staff, "裁定"),
        EventKind::FinalReplyRefused => (Author::Internal, "原因"),
        EventKind::FinalReplyInForce => (Author::Staff, "答复内容"),
        EventKind::FinalReplyRevoked => (Author::Staff, "原因"),
        EventKind::TaskHandedOver => (Author::Internal, "交办说明"),
        EventKind::TaskTakenBack | EventKind::ReplyDisapproved => (Author::Internal, "原因"),
        EventKind::ReturnRequested => (Author::Internal, "依据"),
        EventKind::AssistsWaived => (Author::Internal, "原因"),
        EventKind::FollowUpMissed => (Author::Internal, "情况"),
        EventKind::ExclusionRequested => (Author::Internal, "证据"),
        EventKind::ExclusionDecided | EventKind::EnforcementWithdrawn => (Author::Internal, "理由"),
        EventKind::Suspended | EventKind::ExtensionRequested | EventKind::ExtensionGranted => {
            (Author::Staff, "原因")
        }
        EventKind::FeedbackAnswered => (Author::Staff, "答复"),
        _ => (Author::Staff, "说明"),
    }
}

/// An event in plain words for a viewer who may read it (whether he may is the visibility's
/// matter). What the data lacks is left out of the sentence.
pub fn render(event: &Event, viewer: Viewer) -> String {
    let facts = Facts { event, viewer };
    let sentence = facts
        .case()
        .or_else(|| facts.task())
        .or_else(|| facts.whistle())
        .unwrap_or_else(|| facts.plain());
    let (author, label) = note_of(event.kind);
    let readable = match author {
        Author::Reporter => viewer.reads_reporter(),
        Author::Staff => true,
        Author::Aside => viewer.audience != Audience::Reporter || viewer.own,
        Author::Internal => viewer.audience != Audience::Reporter,
    };
    match &event.note {
        Some(note) if readable && !note.is_empty() => format!("{sentence}。{label}：{note}"),
        _ => format!("{sentence}。"),
    }
}

/// What the sentences are made of.
struct Facts<'e> {
    event: &'e Event,
    viewer: Viewer,
}

impl Facts<'_> {
    fn word(&self, key: &str) -> Option<&str> {
        self.event.data.get(key)?.as_str()
    }

    fn code<T: FromStr>(&self, key: &str) -> Option<T> {
        self.word(key)?.parse().ok()
    }

    fn number(&self, key: &str) -> Option<i64> {
        self.event.data.get(key)?.as_i64()
    }

    fn when(&self, key: &str) -> Option<String> {
        self.code::<Timestamp>(key).map(time::spoken)
    }

    /// A part of a sentence that is there only with its instant.
    fn by(&self, key: &str, part: impl Fn(&str) -> String) -> String {
        self.when(key).map(|at| part(&at)).unwrap_or_default()
    }

    fn unit(&self) -> &str {
        self.event.unit_name.as_deref().unwrap_or("承办单位")
    }

    fn to_reporter(&self) -> bool {
        self.viewer.audience == Audience::Reporter
    }

    /// A kind without a sentence of its own.
    fn plain(&self) -> String {
        match &self.event.unit_name {
            Some(unit) => format!("{unit}：{}", self.event.kind.label()),
            None => self.event.kind.label().to_owned(),
        }
    }

    /// What happened to the case as a whole.
    fn case(&self) -> Option<String> {
        let fixed = |text: &str| Some(text.to_owned());
        match self.event.kind {
            EventKind::Submitted => fixed("诉求已提交，等待区中心受理"),
            EventKind::Accepted => Some(match self.code::<Urgency>("urgency") {
                Some(urgency) => format!("区中心已受理，按“{}”事项办理", urgency.label()),
                None => "区中心已受理".to_owned(),
            }),
            EventKind::Rejected => Some(match self.code::<Ground>("ground") {
                Some(ground) => format!("区中心不予受理：{}", ground.label()),
                None => "区中心不予受理".to_owned(),
            }),
            EventKind::Answered => fixed(if self.event.data.get("final_reply").is_some() {
                "同一事项已有最终答复，区中心依据最终答复予以答复"
            } else {
                "区中心已直接答复"
            }),
            EventKind::Unmerged => fixed("主件已撤回，您的诉求重新交区中心受理"),
            EventKind::Split => fixed("经核对与主件不是同一问题，恢复单独办理"),
            EventKind::Merged => fixed("已并入同一问题的另一件诉求一起办理，结果会一并告知"),
            EventKind::Withdrawn => fixed("反映人已撤回诉求，不再办理"),
            EventKind::Replied => fixed("各承办单位都已答复并经确认，请评价办理结果"),
            EventKind::FollowUpStarted => Some(match self.number("round") {
                Some(2) => "再次回访：请评价问题是否解决、是否满意".to_owned(),
                _ => "回访：请评价问题是否解决、是否满意".to_owned(),
            }),
            EventKind::FollowUpMissed if event_is_last(self.event) => {
                fixed("两轮回访均未联系上并案的反映人，不再回访")
            }
            EventKind::FollowUpMissed => fixed("回访未联系上反映人"),
            EventKind::Evaluated => Some(self.evaluated()),
            EventKind::Closed => Some(match self.code::<ClosedAs>("as") {
                Some(how) => format!("诉求已办结（{}）", how.label()),
                None => "诉求已办结".to_owned(),
            }),
            EventKind::Archived => fixed("诉求已归档"),
            EventKind::Reopened => fixed("反映人要求重新办理，诉求回到办理中"),
            EventKind::Appealed => fixed("反映人申请复核，诉求重新交区中心受理"),
            EventKind::Urged => fixed("反映人催办，请尽快办理"),
            EventKind::Suspended => {
                let until = self.by("until", |at| format!("，最迟到 {at} 恢复"));
                Some(format!("诉求已挂起，各项时限暂停计算{until}"))
            }
            EventKind::Resumed => fixed("诉求恢复办理，各项时限继续计算，并按挂起的时长顺延"),
            EventKind::Excluded => fixed("督查已决定本件不计入考核"),
            EventKind::CentreOverdue => Some(match self.code::<TimerKind>("step") {
                Some(step) => format!("区中心自身超时：{}已过", step.label()),
                None => "区中心自身超时".to_owned(),
            }),
            _ => self
                .service()
                .or_else(|| self.supervision())
                .or_else(|| self.consultation())
                .or_else(|| self.points())
                .or_else(|| self.till())
                .or_else(|| self.notice())
                .or_else(|| self.around()),
        }
    }

    /// What happened to a whistle as a whole.
    fn whistle(&self) -> Option<String> {
        let unit = self.unit();
        let approved = self.event.data.get("approved").and_then(serde_json::Value::as_bool);
        let after = self.event.data.get("after").and_then(serde_json::Value::as_bool);
        Some(match self.event.kind {
            EventKind::WhistleDrafted => match self.code::<whistle::Kind>("kind") {
                Some(kind) => format!("已起草{}，等待审核", kind.label()),
                None => "已起草吹哨，等待审核".to_owned(),
            },
            EventKind::WhistleReviewed => match (approved, after) {
                (Some(false), Some(true)) => "事后审核未通过，已记录，不影响处置".to_owned(),
                (Some(false), _) => "审核未通过，没有吹哨".to_owned(),
                (_, Some(true)) => "事后审核通过".to_owned(),
                _ => "审核通过".to_owned(),
            },
            EventKind::WhistleBlown => match self.code::<whistle::Level>("level") {
                Some(level) => format!("已吹哨，{}", level.label()),
                None => "已吹哨，请各单位到场".to_owned(),
            },
            EventKind::WhistleWithdrawn => "吹哨已撤回，不再处置".to_owned(),
            EventKind::ReviewOverdue => "吹哨审核已超时，请尽快审核".to_owned(),
            EventKind::StandDownCalled => "吹哨单位已销哨，等待评哨".to_owned(),
            EventKind::StandDownSilent => {
                "各单位都已确认，吹哨单位逾期没有销哨，自动转入待评哨".to_owned()
            }
            EventKind::UnitAppraised => {
                let score = |key| self.number(key).unwrap_or_default();
                let (speed, handling, result) =
                    (score("speed"), score("handling"), score("result"));
                format!(
                    "评哨：{unit}报到效率 {speed} 分、办理情况 {handling} 分、结果满意度 {result} 分"
                )
            }
            EventKind::WhistleRated => {
                let score = |key| self.number(key).unwrap_or_default();
                format!(
                    "{unit}评价这次吹哨：必要 {} 分、清楚 {} 分",
                    score("needed"),
                    score("clear")
                )
            }
            EventKind::StoodDown => "销哨完成".to_owned(),
            EventKind::BlowerSilent => {
                format!("吹哨单位两个工作日没有确认{unit}的反馈，可由区中心确认")
            }
            _ => return None,
        })
    }

    fn evaluated(&self) -> String {
        let solved = match self.event.data.get("solved").and_then(serde_json::Value::as_bool) {
            Some(true) => "，问题已解决",
            Some(false) => "，问题未解决",
            None => "",
        };
        let satisfied = self
            .number("satisfaction")
            .and_then(|given| Satisfaction::try_from(given).ok())
            .map(|satisfaction| format!("，{}", satisfaction.label()))
            .unwrap_or_default();
        format!("反映人已评价{solved}{satisfied}")
    }

    /// What happened to a task inside its unit.
    fn inside(&self, unit: &str) -> String {
        let body = self.event.data.get("body").is_some_and(serde_json::Value::is_string);
        let to = if body { "下级单位" } else { "专人" };
        match self.event.kind {
            EventKind::TaskHandedOver => {
                format!("{unit}把任务转交{to}办理，仍由{unit}负责，时限不变")
            }
            EventKind::TaskTakenBack => format!("{unit}收回转交{to}的任务"),
            EventKind::ReplySubmitted => {
                format!("{unit}的答复等待本单位负责人审签，审签前答复时限照常计算")
            }
            EventKind::ReplyApproved => format!("{unit}负责人已审签答复"),
            EventKind::ReplyWithdrawn => format!("{unit}撤回送审的答复"),
            _ => format!("{unit}负责人把答复退回修改"),
        }
    }

    /// What happened to one unit's task.
    fn task(&self) -> Option<String> {
        let unit = self.unit();
        Some(match self.event.kind {
            EventKind::TaskDispatched => self.dispatched(),
            EventKind::TaskAcknowledged => format!("{unit}已签收，开始办理"),
            EventKind::Contacted => self.contacted(),
            EventKind::Arrived => match self.number("people") {
                Some(people) => format!("{unit}已到场（{people} 人）"),
                None => format!("{unit}已到场"),
            },
            EventKind::TaskReplied => match self.code::<Outcome>("outcome") {
                Some(outcome) => format!("{unit}已答复（{}），等待确认", outcome.label()),
                None => format!("{unit}已答复，等待确认"),
            },
            EventKind::AssistsWaived => format!("{unit}不等协办单位答复，先行答复反映人"),
            EventKind::TaskConfirmed => format!("{unit}的答复已确认"),
            EventKind::TaskSentBack => {
                let by = self.by("reply_by", |at| format!("，须在 {at} 前重新答复"));
                format!("{unit}的答复被退回{by}")
            }
            EventKind::TaskHandedOver
            | EventKind::TaskTakenBack
            | EventKind::ReplySubmitted
            | EventKind::ReplyApproved
            | EventKind::ReplyDisapproved
            | EventKind::ReplyWithdrawn => self.inside(unit),
            EventKind::ReturnRequested => match self.code::<ReturnGround>("ground") {
                Some(ground) => format!("{unit}申请退单（{}），{UNTIL_RULED}", ground.label()),
                None => format!("{unit}申请退单，{UNTIL_RULED}"),
            },
            EventKind::ReturnDeclined => format!("区中心未同意{unit}退单，由其继续办理"),
            EventKind::TaskReturned => format!("区中心同意{unit}退单，改派其他单位办理"),
            EventKind::ExtensionRequested => {
                let until = self.by("until", |at| format!("到 {at}"));
                format!("{unit}申请延期{until}，等待区中心裁定")
            }
            EventKind::ExtensionGranted => {
                let until = self.by("until", |at| format!("，新的答复时限为 {at}"));
                format!("区中心同意{unit}延期{until}")
            }
            EventKind::ExtensionDeclined => format!("区中心未同意{unit}延期，原时限不变"),
            EventKind::DeadlinesRecomputed => {
                format!("放假安排公布，{unit}的时限按工作日历重新计算{}", self.due())
            }
            EventKind::ExclusionRequested => match self.code::<ExclusionGround>("ground") {
                Some(ground) => format!("{unit}申请剔除（{}），等待督查决定", ground.label()),
                None => format!("{unit}申请剔除，等待督查决定"),
            },
            EventKind::ExclusionDecided => {
                match self.event.data.get("approve").and_then(serde_json::Value::as_bool) {
                    Some(true) => format!("督查同意{unit}的剔除申请，本件不计入三率"),
                    _ => format!("督查未同意{unit}的剔除申请，本件照常计入三率"),
                }
            }
            EventKind::FinalReplyProposed => format!("{unit}提出最终答复，等待本单位负责人签署"),
            EventKind::FinalReplySigned => {
                format!("{unit}负责人已签署最终答复，等待区中心确认")
            }
            EventKind::FinalReplyRefused => format!("{unit}的最终答复未通过"),
            EventKind::FinalReplyInForce => {
                // A year ahead: the day alone would be taken for this year's.
                let until = self.code::<Timestamp>("valid_until").map(time::written);
                let until = until.map(|at| format!("，有效期到 {at}")).unwrap_or_default();
                format!("{unit}对这一事项作出最终答复{until}；有新的事实，仍可以再次反映")
            }
            EventKind::FinalReplyRevoked => format!("{unit}的最终答复已撤销"),
            EventKind::TaskCancelled => format!("此件不再由{unit}办理，任务取消"),
            EventKind::ReworkOrdered => {
                let by = self.by("reply_by", |at| format!("，须在 {at} 前答复"));
                format!("反映人对结果不认可，由{unit}重新办理{by}")
            }
            EventKind::Reminder => self.reminded(),
            EventKind::Overdue => {
                let mark = self.code::<Mark>("mark").map_or("办理", Mark::label);
                let by = self.by("by", |at| format!("未在 {at} 前"));
                format!("{unit}{by}{mark}，已超时")
            }
            EventKind::OverdueNotice | EventKind::WrittenBulletin => self.missed(),
            EventKind::EnforcementActed => match self.code::<ActKind>("kind") {
                Some(kind) => format!("{unit}登记执法行为：{}", kind.label()),
                None => format!("{unit}登记了执法行为"),
            },
            EventKind::EnforcementWithdrawn => match self.code::<ActKind>("kind") {
                Some(kind) => format!("{unit}撤回执法行为：{}", kind.label()),
                None => format!("{unit}撤回了执法行为"),
            },
            EventKind::EmergencyApproved => "紧急事项经批准下派，不受责任清单限制".to_owned(),
            _ => return None,
        })
    }

    fn dispatched(&self) -> String {
        let role = self.code::<task::Role>("role").map_or("办理", task::Role::label);
        format!("已交{}{role}{}", self.unit(), self.due())
    }

    /// By when a unit has to do what, as far as it concerns the viewer.
    fn due(&self) -> String {
        let mut marks = String::new();
        if self.to_reporter() {
            marks += &self.by("contact_by", |at| format!("，{at} 前会与您联系"));
        } else {
            marks += &self.by("acknowledge_by", |at| format!("，{at} 前签收"));
            marks += &self.by("contact_by", |at| format!("，{at} 前联系反映人"));
            marks += &self.by("arrive_by", |at| format!("，{at} 前到场"));
        }
        marks + &self.by("reply_by", |at| format!("，{at} 前答复"))
    }

    fn contacted(&self) -> String {
        let channel = self
            .code::<ContactChannel>("channel")
            .map(|channel| format!("（{}）", channel.label()))
            .unwrap_or_default();
        let whom = if self.to_reporter() && self.viewer.own { "您" } else { "反映人" };
        let outcome = match self.code::<ContactOutcome>("outcome") {
            Some(ContactOutcome::NotReached) => "尝试联系，未联系上",
            _ => "已联系",
        };
        format!("{}{outcome}{whom}{channel}", self.unit())
    }

    fn reminded(&self) -> String {
        let used = match self.number("percent") {
            Some(percent) => format!("答复时限已用去 {percent}%"),
            None => "答复时限将至".to_owned(),
        };
        let by = self.by("by", |at| format!("，须在 {at} 前答复"));
        format!("催办{}：{used}{by}", self.unit())
    }
}
