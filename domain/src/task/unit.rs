//! What a unit does with its task.

use serde_json::json;

use super::{
    Case, ContactChannel, ContactOutcome, ExtensionRequest, Outcome, Refused, ReturnGround,
    ReturnRequest, Role, Status, Step, Task,
};
use crate::{
    complaint::{Complaint, Location},
    decision::Decision,
    event::{EventKind, NewEvent, Visibility},
    org::NodeCode,
    personal::PersonName,
    refusal::{Faults, Invalid},
    sla::{ExtensionAsk, Terms, Urgency},
    text,
    time::Timestamp,
};

/// A contact with the reporter.
#[derive(Debug, Clone, PartialEq)]
pub struct Contact {
    /// What was said.
    pub note: String,
    /// How.
    pub channel: ContactChannel,
    /// Whether they were found.
    pub outcome: ContactOutcome,
}

impl Contact {
    /// # Errors
    /// The note is missing or too long.
    pub fn parse(
        note: &str,
        channel: Option<ContactChannel>,
        outcome: Option<ContactOutcome>,
    ) -> Result<Self, Invalid> {
        Ok(Self {
            note: text::text("note", note, 2, 2000)?,
            channel: channel.unwrap_or(ContactChannel::Phone),
            outcome: outcome.unwrap_or(ContactOutcome::Reached),
        })
    }
}

/// Somebody who came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Presence {
    /// Who.
    pub name: PersonName,
    /// As what: 科长, 副局长 …
    pub post: String,
}

/// Reporting in from the spot (报到).
#[derive(Debug, Clone, PartialEq)]
pub struct ReportIn {
    /// Who came; at least one person.
    pub people: Vec<Presence>,
    /// What was found.
    pub note: Option<String>,
    /// Where.
    pub location: Option<Location>,
}

impl ReportIn {
    /// # Errors
    /// Nobody came, more than 50 did, or a field is at fault.
    pub fn parse(
        people: &[(&str, &str)],
        note: Option<&str>,
        location: Option<(f64, f64)>,
    ) -> Result<Self, Invalid> {
        let mut faults = Faults::default();
        if people.is_empty() || people.len() > 50 {
            faults.add("people", format!("请登记到场人员，1–50 人，现在是 {} 人", people.len()));
        }
        let mut present = Vec::new();
        for (index, (name, post)) in people.iter().enumerate() {
            let name = faults.take(PersonName::parse(&format!("people.{index}.name"), name));
            let post = faults.take(text::line(&format!("people.{index}.post"), post, 1, 50));
            present.extend(name.zip(post).map(|(name, post)| Presence { name, post }));
        }
        let note = faults.take(text::optional("note", note, 2000)).flatten();
        let location = location.and_then(|(lng, lat)| faults.take(Location::new(lng, lat)));
        faults.check()?;
        Ok(Self { people: present, note, location })
    }
}

/// A reply (答复).
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct Reply {
    /// What was done, for the reporter.
    pub text: String,
    /// What it comes to.
    pub outcome: Outcome,
    /// The law or document it rests on; required when it refuses.
    pub basis: Option<String>,
}

impl Reply {
    /// # Errors
    /// The text is missing or too long; a refusal names no basis.
    pub fn parse(text: &str, outcome: Outcome, basis: Option<&str>) -> Result<Self, Invalid> {
        let mut faults = Faults::default();
        let text = faults.take(text::text("text", text, 1, 10_000));
        let basis = faults.take(text::optional("basis", basis, 1000)).flatten();
        if outcome == Outcome::Refused && basis.is_none() {
            faults.add("basis", "依法不予办理时，请写明依据的法律、法规或文件");
        }
        faults.check()?;
        Ok(Self { text: text.unwrap_or_default(), outcome, basis })
    }
}

/// A reply that is not finished: nothing of it is checked but its form.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Draft {
    /// What was written so far.
    pub text: String,
    /// What it comes to, where that is known.
    pub outcome: Option<Outcome>,
    /// The law or document it rests on.
    pub basis: Option<String>,
}

impl Draft {
    /// # Errors
    /// The text is missing or too long; the basis is too long.
    pub fn parse(
        text: &str,
        outcome: Option<Outcome>,
        basis: Option<&str>,
    ) -> Result<Self, Invalid> {
        let mut faults = Faults::default();
        let text = faults.take(text::text("text", text, 1, 10_000));
        let basis = faults.take(text::optional("basis", basis, 1000)).flatten();
        faults.check()?;
        Ok(Self { text: text.unwrap_or_default(), outcome, basis })
    }
}

/// Phrases that pass a matter on or promise it, and courtesies around them. What is left of a
/// reply without them must say something.
const EMPTY_PHRASES: &str = "
    尊敬的 网友 网民 市民 居民 群众 用户 朋友 先生 女士 同志 您好 你好
    您所反映 你所反映 您反映 你反映 所反映 反映 反应 您提出 提出 来信 来电 来访 留言 信件 工单
    诉求 事项 问题 情况 意见 建议
    已经 已 均 收悉 收到 知悉 获悉 阅 悉
    转交 转办 移交 转达 交办 派发 派单 派人 派员 转给 转至 转送 反馈 转 交由 交 由 至
    相关 有关 责任 职能 主管 承办 对应 部门 单位 科室 人员 工作人员 领导
    正在 正 按照 按 流程 程序 规定
    受理 办理 处理 处置 调查 核查 核处 核实 落实 解决 跟进 跟踪 研究 协调 督促 督办 整改 咨询 致电 拨打
    办结 完毕 完成 中
    高度重视 重视 关注 认真 及时 积极 尽快 尽早 抓紧 加快 第一时间 立即 马上 稍后 后续 持续 进一步 一定
    我们 我局 我单位 我办 我街道 我社区 我区 我中心 本单位 我 将会 将 会 予以 给予 进行 做好 做出 作出
    安排 工作 记录 登记 了解 上报 上级 批复 批示 专人 专班 责成 属实 依法 依规 妥善 放心 直接
    前往 赶赴 现场 查看 城市管理 城市建设
    敬请 请您 请 耐心 等待 等候 静候 稍候 稍等 谅解 理解 支持 关心 监督 配合 信任 感谢 谢谢 祝您 生活
    愉快 身体 健康 工作顺利 再见 不便 之处 带来 造成 抱歉 歉意 深表 对此
    结果 回复 答复 告知 通知 联系 与您 向您 给您 对您
    同意 您 你 的 了 并 和 与 对 给 为 无 于 是 在 后 以 及 此 该 一 这 来
";

/// Whether a reply says something beyond a bare template such as 已转相关部门: beside courtesies
/// and hand-over phrases it has at least two more characters, which differ.
pub fn is_substantive(reply: &str) -> bool {
    let spoken: String = reply.chars().filter(|c| c.is_alphanumeric()).collect();
    let mut rest = spoken.as_str();
    let mut first = None;
    while let Some(c) = rest.chars().next() {
        let phrases = EMPTY_PHRASES.split_whitespace();
        let skipped =
            phrases.filter_map(|phrase| rest.strip_prefix(phrase)).min_by_key(|s| s.len());
        rest = match skipped {
            Some(after) => after,
            None if *first.get_or_insert(c) != c => return true,
            None => rest.get(c.len_utf8()..).unwrap_or_default(),
        };
    }
    false
}

/// Asking to return a task (退单).
#[derive(Debug, Clone, PartialEq)]
pub struct Return {
    /// Why.
    pub ground: ReturnGround,
    /// The law or duty-list item it rests on.
    pub basis: String,
    /// Where it should go instead.
    pub to: NodeCode,
}

impl Return {
    /// # Errors
    /// The basis is missing or too long, or the unit is no code.
    pub fn parse(ground: ReturnGround, basis: &str, to: &str) -> Result<Self, Invalid> {
        let mut faults = Faults::default();
        let basis = faults.take(text::text("basis", basis, 2, 2000));
        let to = faults.take(NodeCode::parse("suggested_unit", to));
        faults.check()?;
        match basis.zip(to) {
            Some((basis, to)) => Ok(Self { ground, basis, to }),
            None => unreachable!("a missing part has noted its fault"),
        }
    }
}

/// Asking for more time (延期).
#[derive(Debug, Clone, PartialEq)]
pub struct Extend {
    /// Until when.
    pub until: Timestamp,
    /// Why.
    pub reason: String,
}

impl Extend {
    /// # Errors
    /// The reason is missing or too long.
    pub fn parse(until: Timestamp, reason: &str) -> Result<Self, Invalid> {
        Ok(Self { until, reason: text::text("reason", reason, 2, 2000)? })
    }
}

impl Task {
    /// The unit has seen it and has it (签收).
    ///
    /// # Errors
    /// It was acknowledged already, or is over.
    pub fn acknowledge(&self, now: Timestamp) -> Result<Decision<Self>, Refused> {
        self.permit(Step::Acknowledge)?;
        let mut state = self.clone();
        state.status = Status::Acknowledged;
        state.acknowledged_at = Some(self.acknowledged_at.unwrap_or(now));
        let event = self.event(EventKind::TaskAcknowledged, Visibility::Everyone);
        Ok(Decision::one(state, event))
    }

    /// The unit spoke with the reporter, or tried to (先行联系). The first contact that reached
    /// them, or was relayed, stops the contact clock.
    ///
    /// # Errors
    /// Before acknowledging or after replying; nobody can be contacted; a secret reporter is
    /// contacted otherwise than by relay.
    pub fn contact(
        &self,
        command: &Contact,
        complaint: &Complaint,
        now: Timestamp,
    ) -> Result<Decision<Self>, Refused> {
        self.permit(Step::Contact)?;
        if !complaint.contact_is_due() {
            return Err(Refused::NobodyToContact);
        }
        if complaint.confidential && command.channel != ContactChannel::Relay {
            return Err(Refused::RelayOnly);
        }
        let mut state = self.clone();
        state.contacts = self.contacts.saturating_add(1);
        let counts =
            command.channel == ContactChannel::Relay || command.outcome == ContactOutcome::Reached;
        if counts && self.contacted_at.is_none() {
            state.contacted_at = Some(now);
        }
        let event = self
            .event(EventKind::Contacted, Visibility::Everyone)
            .with(json!({ "channel": command.channel, "outcome": command.outcome }))
            .note(command.note.clone());
        Ok(Decision::one(state, event))
    }

    /// The unit is on the spot (报到). Who came is recorded by name and post.
    ///
    /// # Errors
    /// Before acknowledging or after replying.
    pub fn report_in(&self, command: &ReportIn, now: Timestamp) -> Result<Decision<Self>, Refused> {
        self.permit(Step::ReportIn)?;
        let mut state = self.clone();
        state.status = Status::Arrived;
        state.arrived_at = Some(self.arrived_at.unwrap_or(now));
        let people = command
            .people
            .iter()
            .map(|person| format!("{}（{}）", person.name.plain(), person.post))
            .collect::<Vec<_>>()
            .join("、");
        let words = match &command.note {
            Some(note) => format!("{people}。{note}"),
            None => people,
        };
        let place = command.location.map(|place| [place.lng, place.lat]);
        let event = self
            .event(EventKind::Arrived, Visibility::Everyone)
            .with(json!({ "people": command.people.len(), "location": place }))
            .note(words);
        Ok(Decision::one(state, event))
    }

    /// The unit replies (答复). `photos` tells whether photos come with it, `photos_required`
    /// whether the duty item demands them.
    ///
    /// # Errors
    /// Before acknowledging or after replying; without the contact that is due; a bare template;
    /// without the photos that the duty item demands; another reply waits for the head.
    pub fn reply(
        &self,
        command: &Reply,
        photos: bool,
        photos_required: bool,
        now: Timestamp,
    ) -> Result<Decision<Self>, Refused> {
        self.permit(Step::Reply)?;
        if self.waiting_reply.is_some() {
            return Err(Refused::ReplyWaits);
        }
        if !is_substantive(&command.text) {
            let words = "答复只有套话。请逐项写明办理情况和结果，例如谁在何时做了什么".to_owned();
            return Err(Refused::ReplyNotSubstantive(words));
        }
        if self.contact_by.is_some() && self.contacts == 0 {
            return Err(Refused::ContactMissing);
        }
        if matches!(self.case, Case::Whistle(_)) && self.arrived_at.is_none() {
            return Err(Refused::NotArrived);
        }
        if photos_required && !photos {
            return Err(Refused::PhotosRequired);
        }
        let mut state = self.clone();
        state.status = Status::Replied;
        state.replied_at = Some(now);
        state.reply = Some(command.clone());
        state.approved = None;
        state.extension_request = None;
        // The lead's reply is the reporter's answer once it is confirmed; until then, and for
        // assist units, it is the units' and the centre's.
        let event = self
            .event(EventKind::TaskReplied, Visibility::Unit)
            .with(json!({ "outcome": command.outcome, "role": self.role }))
            .note(command.text.clone());
        Ok(Decision::one(state, event))
    }

    /// The unit says the task is not its own (申请退单).
    ///
    /// # Errors
    /// On the spot or later; the window is past; the limit is reached; the ruling was final; an
    /// emergency is not acknowledged yet; a reply waits for the head.
    pub fn ask_return(
        &self,
        command: &Return,
        terms: Terms<'_>,
        now: Timestamp,
    ) -> Result<Decision<Self>, Refused> {
        self.permit(Step::Return)?;
        if self.waiting_reply.is_some() {
            return Err(Refused::ReplyWaits);
        }
        let rules = &terms.rules.returns;
        let used_up = u32::try_from(self.returns).unwrap_or(u32::MAX) >= rules.limit;
        if used_up || self.is_final {
            return Err(Refused::ReturnLimitReached { limit: rules.limit });
        }
        if now >= self.return_by {
            return Err(Refused::ReturnWindowClosed { closed_at: self.return_by });
        }
        if command.to == self.unit {
            return Err(Refused::ReturnToSelf);
        }
        if self.urgency == Urgency::Emergency && self.status == Status::Pending {
            return Err(Refused::EmergencyActsFirst);
        }
        let mut state = self.clone();
        state.status = Status::ReturnRequested;
        state.return_request = Some(ReturnRequest {
            ground: command.ground,
            to: command.to.clone(),
            asked_at: now,
            before: self.status,
        });
        let event = self
            .event(EventKind::ReturnRequested, Visibility::Unit)
            .with(json!({ "ground": command.ground, "to": command.to }))
            .note(command.basis.clone());
        Ok(Decision::one(state, event))
    }

    /// The unit asks for more time (申请延期); its clock goes on meanwhile.
    ///
    /// # Errors
    /// It replied already; it asked already; the rule of extensions says no.
    pub fn ask_extension(
        &self,
        command: &Extend,
        terms: Terms<'_>,
        now: Timestamp,
    ) -> Result<Decision<Self>, Refused> {
        self.permit(Step::Extend)?;
        if self.extension_request.is_some() {
            return Err(Refused::ExtensionPending);
        }
        let ask = self.extension_ask(command.until);
        terms.rules.extension.check(ask, now, terms.calendar)?;
        let mut state = self.clone();
        state.extension_request = Some(ExtensionRequest { until: command.until, asked_at: now });
        let event = self
            .event(EventKind::ExtensionRequested, Visibility::Unit)
            .with(json!({ "until": command.until }))
            .note(command.reason.clone());
        Ok(Decision::one(state, event))
    }

    pub(super) fn extension_ask(&self, until: Timestamp) -> ExtensionAsk {
        ExtensionAsk {
            urgency: self.urgency,
            granted: u32::try_from(self.extensions).unwrap_or(u32::MAX),
            reply_by: self.reply_by,
            until,
        }
    }

    /// The event that tells the reporter what the lead replied, once it is confirmed.
    pub(super) fn answer_event(&self, kind: EventKind) -> NewEvent {
        let visibility =
            if self.role == Role::Lead { Visibility::Everyone } else { Visibility::Unit };
        self.event(kind, visibility)
    }
}
