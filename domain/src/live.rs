//! Streams (实时推送): a member of staff hears that something happened in a case, or that a notification
//! came, as it happens: which one, and what kind of thing, never what it says. What may be heard is
//! what the lists and timelines would show.

use uuid::Uuid;

use crate::{
    event::{EventKind, Visibility},
    id::{AccountId, NotificationId, TaskId},
    org::NodeCode,
    refusal::{Kind, Refusal},
    scope::{Audience, CaseReaders, Scope},
    task::Case,
    time::Timestamp,
};

/// The longest text of a [`Place`]: a number of 18 digits, an id, a number within it.
const LONGEST: usize = 18 + 1 + 32 + 1 + 10;

/// A place in the order in which everything is told: everything up to it was heard. Written as the
/// number of a transaction, which means its end, or with what was told last of it behind it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// The number of the transaction.
    pub transaction: i64,
    /// What it is about, within the transaction: a case or a notification.
    pub subject: Uuid,
    /// The event's number, within the case; 0 for a notification.
    pub nth: i32,
}

impl Place {
    /// Behind all that a transaction did.
    pub const fn end_of(transaction: i64) -> Self {
        Self { transaction, subject: Uuid::max(), nth: i32::MAX }
    }

    /// Whether it lies behind a whole transaction, and so names nothing that somebody else wrote.
    pub fn is_end(&self) -> bool {
        *self == Self::end_of(self.transaction)
    }

    /// Reads what [`Display`](std::fmt::Display) wrote; nothing else is a place.
    pub fn parse(text: &str) -> Option<Self> {
        if text.len() > LONGEST {
            return None;
        }
        let number = |text: &str| {
            let digits = (1..=18).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit());
            text.parse::<i64>().ok().filter(|_| digits)
        };
        let mut parts = text.split('-');
        let transaction = number(parts.next()?)?;
        let place = match (parts.next(), parts.next(), parts.next()) {
            (None, ..) => Self::end_of(transaction),
            (Some(subject), Some(nth), None) => Self {
                transaction,
                subject: Uuid::try_parse(subject).ok()?,
                nth: i32::try_from(number(nth)?).ok()?,
            },
            _ => return None,
        };
        (place.to_string() == text).then_some(place)
    }
}

impl std::fmt::Display for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if self.is_end() {
            write!(f, "{}", self.transaction)
        } else {
            write!(f, "{}-{}-{}", self.transaction, self.subject.simple(), self.nth)
        }
    }
}

codes! {
    /// What a message of a stream is about.
    pub enum Topic {
        /// A task that the hearer may read.
        Task = "task", "任务";
        /// A complaint.
        Complaint = "complaint", "诉求";
        /// A whistle.
        Whistle = "whistle", "吹哨";
        /// A notification in the hearer's inbox.
        Notification = "notification", "通知";
    }
}

/// What happened, with all that decides who hears of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Happening {
    /// Where it stands in the order.
    pub place: Place,
    /// What kind of thing.
    pub kind: EventKind,
    /// The event's number within its case.
    pub seq: i32,
    /// When it happened.
    pub at: Timestamp,
    /// Who hears of it.
    pub hearers: Hearers,
}

/// Who hears of something.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Hearers {
    /// The owner of a notification.
    Account(AccountId, NotificationId),
    /// Whoever reads the case and this event of it.
    Readers(Box<Readers>),
}

/// Who reads an event of a case, as the case now stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Readers {
    /// The case.
    pub case: Case,
    /// Who reads the case.
    pub readers: CaseReaders,
    /// Who blew it, where it is a whistle.
    pub blower: Option<NodeCode>,
    /// Who reads the event.
    pub visibility: Visibility,
    /// The unit it is about.
    pub unit: Option<NodeCode>,
    /// The body it names.
    pub body: Option<String>,
    /// The task it is about.
    pub task: Option<TaskPart>,
}

/// A task, with who reads it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TaskPart {
    /// The task.
    pub id: TaskId,
    /// Whose it is.
    pub unit: NodeCode,
    /// The body that it was handed to.
    pub body: Option<NodeCode>,
}

/// What somebody hears.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Told {
    /// Where it stands in the order.
    pub place: Place,
    /// What it is about.
    pub topic: Topic,
    /// What kind of thing happened.
    pub kind: EventKind,
    /// The event's number within its case.
    pub seq: i32,
    /// When it happened.
    pub at: Timestamp,
    /// The case.
    pub case: Option<Case>,
    /// The task, where the hearer may read it.
    pub task: Option<TaskId>,
    /// The notification.
    pub notification: Option<NotificationId>,
}

impl Happening {
    /// What somebody with this scope hears of it; nothing, where the lists would not show it either.
    pub fn told(&self, scope: &Scope) -> Option<Told> {
        let Self { place, kind, seq, at, .. } = *self;
        let told = |topic| Told {
            place,
            topic,
            kind,
            seq,
            at,
            case: None,
            task: None,
            notification: None,
        };
        match &self.hearers {
            Hearers::Account(account, id) => (*account == scope.account())
                .then(|| Told { notification: Some(*id), ..told(Topic::Notification) }),
            Hearers::Readers(of) => {
                if !scope.reads_case(&of.readers) || !of.shows(scope, kind) {
                    return None;
                }
                let task = of.task.as_ref().filter(|task| of.shows_task(task, scope));
                let topic = match of.case {
                    _ if task.is_some() => Topic::Task,
                    Case::Complaint(_) => Topic::Complaint,
                    Case::Whistle(_) => Topic::Whistle,
                };
                Some(Told { case: Some(of.case), task: task.map(|task| task.id), ..told(topic) })
            }
        }
    }
}

impl Readers {
    /// The rule of the timeline (`infra::postgres::event::timeline`); `tests/it/live.rs` holds the two
    /// together.
    fn shows(&self, scope: &Scope, kind: EventKind) -> bool {
        let own = self.readers.reporter == Some(scope.account());
        let audience = if own { Audience::Reporter } else { scope.audience() };
        match self.visibility {
            Visibility::Everyone => true,
            Visibility::Reporter => audience != Audience::Unit,
            Visibility::Centre => audience == Audience::Centre,
            Visibility::Unit if audience == Audience::Unit => self.concerns_unit(scope, kind),
            Visibility::Unit => audience == Audience::Centre,
        }
    }

    fn concerns_unit(&self, scope: &Scope, kind: EventKind) -> bool {
        let held = |code: &str| scope.units().iter().any(|own| own == code);
        let blew = self.blower.as_ref().is_some_and(|blower| held(blower.as_str()));
        let enforces =
            matches!(kind, EventKind::EnforcementActed | EventKind::EnforcementWithdrawn);
        let handed = self.task.as_ref().and_then(|task| task.body.as_ref());
        self.unit.as_ref().is_some_and(|unit| held(unit.as_str()))
            || self.body.as_deref().is_some_and(held)
            || handed.is_some_and(|body| held(body.as_str()))
            || blew && !enforces
    }

    /// The rule of a task that is read by its id (`infra::postgres::task::read::list`).
    fn shows_task(&self, task: &TaskPart, scope: &Scope) -> bool {
        let held = |code: &NodeCode| scope.units().iter().any(|own| own == code.as_str());
        scope.everything()
            || held(&task.unit)
            || task.body.as_ref().is_some_and(held)
            || self.blower.as_ref().is_some_and(held)
    }
}

/// Why no stream is opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// The person has as many as one may have.
    #[error("您已经打开了 {most} 个实时推送，请关闭不用的页面后再打开")]
    Limit {
        /// So many a person may have.
        most: u32,
    },
    /// The server carries as many as it can.
    #[error("实时推送的人太多，请稍后再连；期间请手动刷新列表")]
    Full,
}

impl Refusal for Refused {
    fn code(&self) -> &'static str {
        match self {
            Self::Limit { .. } => "stream_limit_reached",
            Self::Full => "streams_full",
        }
    }

    fn kind(&self) -> Kind {
        match self {
            Self::Limit { .. } => Kind::TooMany,
            Self::Full => Kind::Unavailable,
        }
    }
}

#[cfg(test)]
mod tests;
