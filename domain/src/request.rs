//! What residents ask for (点单): a resident says what is needed, for themself or for another; the
//! community makes posts of it (下单) or says why not; people take them (接单); whoever was served
//! confirms it.
//!
//! [`TRANSITIONS`] is the table of every step.

use serde_json::{Value, json};

use crate::{
    decision::Decision,
    event::{EventKind, NewEvent, Visibility},
    id::{AccountId, PostId, ServiceRequestId},
    org::NodeCode,
    personal::{PersonName, Phone},
    refusal::{self, Faults, FieldError, Invalid},
    service::Kind,
    text,
    time::Timestamp,
};

#[cfg(test)]
mod tests;

codes! {
    /// Where a request stands.
    pub enum Status {
        /// Waits for the community.
        Submitted = "submitted", "待社区处理";
        /// The community made a post of it, or several.
        Ordered = "ordered", "已下单";
        /// The community cannot do it.
        Declined = "declined", "未能安排";
        /// The resident took it back.
        Cancelled = "cancelled", "已取消";
        /// The resident was served.
        Done = "done", "已完成";
    }
}

codes! {
    /// The steps in a request's life.
    pub enum Step {
        /// The community makes a post of it.
        Order = "order", "下单";
        /// The community cannot do it, and says why.
        Decline = "decline", "说明不能安排";
        /// The resident takes it back.
        Cancel = "cancel", "取消点单";
        /// The resident was served.
        Confirm = "confirm", "确认完成";
        /// Nobody came, and the days have passed: it is the community's again.
        Return = "return", "退回待处理";
        /// Somebody served, and the resident said nothing: it is taken for done.
        Settle = "settle", "按已完成处理";
    }
}

/// Every step that is allowed. What is not listed is refused with `request_step_refused`.
pub const TRANSITIONS: &[(Step, &[Status], &[Status])] = {
    use Status::{Cancelled, Declined, Done, Ordered, Submitted};
    &[
        (Step::Order, &[Submitted, Ordered], &[Ordered]),
        (Step::Decline, &[Submitted], &[Declined]),
        (Step::Cancel, &[Submitted, Ordered], &[Cancelled]),
        (Step::Confirm, &[Ordered], &[Done]),
        (Step::Return, &[Ordered], &[Submitted]),
        (Step::Settle, &[Ordered], &[Done]),
    ]
};

/// The fields as they came.
#[derive(Debug, Clone)]
pub struct RequestForm<'a> {
    /// The community that is asked.
    pub community_code: &'a str,
    /// What it is about.
    pub kind: Kind,
    /// 2–200 characters.
    pub title: &'a str,
    /// What is needed, 5–5,000 characters.
    pub content: &'a str,
    /// Whom it is for, where that is another.
    pub name: Option<&'a str>,
    /// How to reach them.
    pub phone: Option<&'a str>,
    /// Where, at most 200 characters.
    pub address: Option<&'a str>,
    /// When it would suit.
    pub wished: (Option<Timestamp>, Option<Timestamp>),
}

/// What is asked for, sound in form.
#[derive(Debug, Clone, PartialEq)]
pub struct Wish {
    /// The community that is asked.
    pub community: NodeCode,
    /// What it is about.
    pub kind: Kind,
    /// What it is called.
    pub title: String,
    /// What is needed.
    pub content: String,
    /// Whom it is for, where that is another.
    pub name: Option<PersonName>,
    /// How to reach them.
    pub phone: Option<Phone>,
    /// Where.
    pub address: Option<String>,
    /// When it would suit.
    pub wished: Option<(Timestamp, Timestamp)>,
}

impl RequestForm<'_> {
    /// # Errors
    /// Every field that breaks a rule.
    pub fn parse(&self, now: Timestamp) -> Result<Wish, Invalid> {
        let mut faults = Faults::default();
        let community = faults.take(NodeCode::parse("community_code", self.community_code));
        let title = faults.take(text::line("title", self.title, 2, 200));
        let content = faults.take(text::text("content", self.content, 5, 5000));
        let name = self.name.map(|name| faults.take(PersonName::parse("name", name)));
        let phone = self.phone.map(|phone| faults.take(Phone::parse("phone", phone)));
        let address = faults.take(text::optional("address", self.address, 200));
        let wished = match self.wished {
            (None, None) => None,
            (Some(from), Some(until)) => {
                if from >= until {
                    faults.add("wished_until", "希望的结束时间要在开始时间之后");
                } else if until <= now {
                    faults.add("wished_until", "希望的时间已经过去，请另选时间");
                }
                Some((from, until))
            }
            _ => {
                faults.add("wished_from", "希望的开始和结束时间要一起填写，或都不填");
                None
            }
        };
        faults.check()?;
        let (Some(community), Some(title), Some(content)) = (community, title, content) else {
            return Err(Invalid(Vec::new()));
        };
        let (name, phone) = (name.flatten(), phone.flatten());
        let (kind, address) = (self.kind, address.flatten());
        Ok(Wish { community, kind, title, content, name, phone, address, wished })
    }
}

/// A request as its rules see it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// Its id.
    pub id: ServiceRequestId,
    /// Grows by one with each save.
    pub version: i64,
    /// Who asks, and is served.
    pub account: AccountId,
    /// The community that is asked.
    pub community: NodeCode,
    /// What it is about.
    pub kind: Kind,
    /// Where it stands.
    pub status: Status,
}

/// Why a community cannot do it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decline {
    /// For the resident.
    pub reason: String,
}

impl Decline {
    /// # Errors
    /// The reason is missing or too long.
    pub fn parse(reason: &str) -> Result<Self, Invalid> {
        Ok(Self { reason: text::text("reason", reason, 5, 1000)? })
    }
}

/// What the resident says of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Served {
    /// 1 (非常不满意) to 5 (非常满意).
    pub satisfaction: i16,
    /// In their words.
    pub comment: Option<String>,
}

impl Served {
    /// # Errors
    /// No satisfaction from 1 to 5; a comment that is too long.
    pub fn parse(satisfaction: i64, comment: Option<&str>) -> Result<Self, Invalid> {
        let comment = text::optional("comment", comment, 500)?;
        match i16::try_from(satisfaction) {
            Ok(satisfaction @ 1..=5) => Ok(Self { satisfaction, comment }),
            _ => {
                let reason = "满意度应为 1–5（5 非常满意，1 非常不满意）";
                Err(FieldError::new("satisfaction", reason).into())
            }
        }
    }
}

impl Request {
    /// A resident asks.
    pub fn submit(id: ServiceRequestId, account: AccountId, wish: &Wish) -> Decision<Self> {
        let state = Self {
            id,
            version: 1,
            account,
            community: wish.community.clone(),
            kind: wish.kind,
            status: Status::Submitted,
        };
        let data = json!({ "kind": wish.kind, "on_behalf": wish.name.is_some() });
        let event = state.event(EventKind::RequestSubmitted, data);
        Decision::one(state, event)
    }

    /// Whether the table allows a step from where the request stands.
    ///
    /// # Errors
    /// It does not.
    pub fn permit(&self, step: Step) -> Result<(), Refused> {
        let allowed = TRANSITIONS
            .iter()
            .any(|(listed, from, _)| *listed == step && from.contains(&self.status));
        if allowed { Ok(()) } else { Err(Refused::Step { step, status: self.status }) }
    }

    /// The community makes a post of it; more may follow.
    ///
    /// # Errors
    /// An illegal step.
    pub fn order(&self, post: PostId, starts_at: Timestamp) -> Result<Decision<Self>, Refused> {
        let data = json!({ "post": post, "starts_at": starts_at });
        self.step(Step::Order, Status::Ordered, EventKind::RequestOrdered, data, None)
    }

    /// The community cannot do it.
    ///
    /// # Errors
    /// An illegal step.
    pub fn decline(&self, decline: &Decline) -> Result<Decision<Self>, Refused> {
        let words = Some(decline.reason.clone());
        self.step(Step::Decline, Status::Declined, EventKind::RequestDeclined, json!({}), words)
    }

    /// The resident takes it back; posts that have not begun are called off with it.
    ///
    /// # Errors
    /// An illegal step.
    pub fn cancel(&self) -> Result<Decision<Self>, Refused> {
        self.step(Step::Cancel, Status::Cancelled, EventKind::RequestCancelled, json!({}), None)
    }

    /// The resident was served: one of the posts at least has begun.
    ///
    /// # Errors
    /// An illegal step; none has begun.
    pub fn confirm(&self, served: &Served, begun: bool) -> Result<Decision<Self>, Refused> {
        self.permit(Step::Confirm)?;
        if !begun {
            return Err(Refused::NotServed);
        }
        let data = json!({ "satisfaction": served.satisfaction });
        let words = served.comment.clone();
        self.step(Step::Confirm, Status::Done, EventKind::RequestDone, data, words)
    }

    /// Days after the last of its posts the resident has not said anything: what nobody served is
    /// the community's again, what somebody `served` is done. Both are told.
    ///
    /// # Errors
    /// An illegal step.
    pub fn lapse(&self, served: bool) -> Result<Decision<Self>, Refused> {
        let (step, status, kind) = if served {
            (Step::Settle, Status::Done, EventKind::RequestSettled)
        } else {
            (Step::Return, Status::Submitted, EventKind::RequestReturned)
        };
        self.step(step, status, kind, json!({}), None)
    }

    fn step(
        &self,
        step: Step,
        status: Status,
        kind: EventKind,
        data: Value,
        words: Option<String>,
    ) -> Result<Decision<Self>, Refused> {
        self.permit(step)?;
        let state = Self { status, ..self.clone() };
        let event = state.event(kind, data).note(words);
        Ok(Decision::one(state, event))
    }

    fn event(&self, kind: EventKind, mut data: Value) -> NewEvent {
        if let Value::Object(data) = &mut data {
            data.insert("account".to_owned(), json!(self.account));
        }
        let mut event = NewEvent::new(kind, Visibility::Everyone);
        event.unit = Some(self.community.clone());
        event.with(data)
    }
}

/// A refused step.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// The table has no such step from here.
    #[error("点单现在是“{}”，不能“{}”", .status.label(), .step.label())]
    Step {
        /// What was asked.
        step: Step,
        /// Where the request stands.
        status: Status,
    },
    /// Nothing of it has begun.
    #[error("安排的服务还没有开始，开始以后才能确认完成；不需要了请取消点单")]
    NotServed,
    /// Whoever asks does not say what becomes of it.
    #[error("不能办理自己的点单，请由社区其他工作人员或组织员办理")]
    OwnRequest,
}

impl refusal::Refusal for Refused {
    fn code(&self) -> &'static str {
        match self {
            Self::Step { .. } => "request_step_refused",
            Self::NotServed => "request_not_served",
            Self::OwnRequest => "own_request",
        }
    }

    fn kind(&self) -> refusal::Kind {
        refusal::Kind::Conflict
    }

    fn fields(&self) -> Vec<FieldError> {
        Vec::new()
    }
}
