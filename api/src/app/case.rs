//! What every command on a case shares: lock it, check who asks, and store what was decided.

use domain::{
    complaint::Complaint,
    decision::Decision,
    event::NewEvent,
    id::{AccountId, ComplaintId, JobId},
    identity::Actor,
    refusal::Basic,
    scope::Scope,
    sla::{Terms, Timer},
    task::Task,
    time::Timestamp,
    whistle::Whistle,
};
use futures::future::BoxFuture;
use infra::postgres::{
    Connection,
    audit::{self, AuditEntry, Origin},
    complaint::{self, By},
    task,
    timer::{self, Subject},
    whistle,
};
use serde_json::json;

use super::{notification::announce, transact};
use crate::{error::Error, state::State};

/// Who gives a command, from where, and on which version.
#[derive(Debug, Clone)]
pub struct Ask {
    /// Who asks; none for the worker, and for people who track by number and query code.
    pub actor: Option<Actor>,
    /// From where.
    pub origin: Origin,
    /// The version the command was decided on, from `If-Match`.
    pub expected: Option<i64>,
}

impl Ask {
    /// A command that is bound to no version.
    pub fn new(actor: Option<Actor>, origin: impl Into<Origin>) -> Self {
        Self { actor, origin: origin.into(), expected: None }
    }

    /// The worker, when an instant has come.
    pub fn worker() -> Self {
        Self::new(None, Origin::default())
    }

    pub(super) fn account(&self) -> Option<AccountId> {
        self.actor.as_ref().map(|actor| actor.account)
    }

    /// Writes into the audit trail what was done with which object, by whoever asks.
    ///
    /// # Errors
    /// The database's.
    pub(super) async fn record(
        &self,
        tx: &mut Connection,
        (action, object, id): (&'static str, &'static str, impl std::fmt::Display + Copy),
        data: serde_json::Value,
        now: Timestamp,
    ) -> Result<(), Error> {
        let entry = AuditEntry::new(action, object, id, &self.origin);
        let entry = entry.with(data).by(self.actor.as_ref());
        Ok(audit::append(tx, &entry, now).await?)
    }

    /// # Errors
    /// The object has another version than the command names.
    pub(super) fn check_version(&self, current: i64) -> Result<(), Error> {
        match self.expected {
            Some(expected) if expected != current => Err(Basic::VersionMismatch { current }.into()),
            _ => Ok(()),
        }
    }
}

/// A locked case: nothing of it changes until the transaction ends.
pub(super) struct Locked {
    pub complaint: Complaint,
    /// Every task it ever had, by line and age.
    pub tasks: Vec<Task>,
}

impl Locked {
    /// Locks a case, if there is one.
    pub async fn take(conn: &mut Connection, by: By) -> Result<Self, Error> {
        let complaint = complaint::lock(conn, by).await?.ok_or(Basic::NotFound)?;
        let tasks = task::of_case(conn, complaint.id.0).await?;
        Ok(Self { complaint, tasks })
    }

    /// Locks a case that the actor may read; a foreign one is missing.
    pub async fn seen(conn: &mut Connection, id: ComplaintId, ask: &Ask) -> Result<Self, Error> {
        let case = Self::take(conn, By::Id(id)).await?;
        let visible =
            ask.actor.as_ref().is_some_and(|actor| Scope::of(actor).reads(&case.complaint));
        if !visible {
            return Err(Basic::NotFound.into());
        }
        ask.check_version(case.complaint.version)?;
        Ok(case)
    }

    /// The tasks that have not ended.
    pub fn open(&self) -> Vec<Task> {
        self.tasks.iter().filter(|task| !task.status.is_ended()).cloned().collect()
    }

    /// Whether every reply is confirmed though the reporter has not the answer: the case waited for
    /// a whistle. One in consultation is not: it was answered, and waits for the centre.
    pub fn is_confirmed(&self) -> bool {
        let lead = self.last_lead().filter(|task| task.status == domain::task::Status::Confirmed);
        self.complaint.status == domain::complaint::Status::Handling
            && self.open().is_empty()
            && lead.is_some_and(|lead| lead.confirmed_at > self.complaint.replied_at)
    }

    /// The lead's last task, the one that would be done again.
    pub fn last_lead(&self) -> Option<&Task> {
        self.tasks
            .iter()
            .rfind(|task| task.line == 0 && task.status != domain::task::Status::Returned)
    }
}

/// Runs a command on a case in one transaction, and wakes workers for the jobs that it answers
/// with once it is committed. Within it time stands still.
///
/// # Errors
/// Whatever `work` refuses; nothing of it is left then.
pub(super) async fn carry_out<W>(state: &State, work: W) -> Result<(), Error>
where
    W: for<'c> FnOnce(
            &'c mut Connection,
            &'c State,
            Timestamp,
        ) -> BoxFuture<'c, Result<Vec<JobId>, Error>>
        + Send
        + 'static,
{
    let now = state.clock.now();
    let here = state.clone();
    let jobs =
        transact(&state.db, move |tx| Box::pin(async move { work(tx, &here, now).await })).await?;
    if jobs.is_empty() {
        // Nobody is told of it, but a queue may show it.
        state.redis.stir().await;
    } else {
        state.redis.wake(&jobs).await;
    }
    Ok(())
}

/// The aggregate whose lock and stream a case has: a complaint or a whistle.
pub(super) enum Root {
    Complaint(Complaint),
    Whistle(Whistle),
}

impl From<Complaint> for Root {
    fn from(complaint: Complaint) -> Self {
        Self::Complaint(complaint)
    }
}

impl From<Whistle> for Root {
    fn from(whistle: Whistle) -> Self {
        Self::Whistle(whistle)
    }
}

impl Root {
    const fn subject(&self) -> Subject {
        match self {
            Self::Complaint(complaint) => Subject::Complaint(complaint.id),
            Self::Whistle(whistle) => Subject::Whistle(whistle.id),
        }
    }

    const fn object(&self) -> &'static str {
        match self {
            Self::Complaint(_) => "complaint",
            Self::Whistle(_) => "whistle",
        }
    }

    /// While a complaint is suspended no unit's clock runs.
    pub const fn is_suspended(&self) -> bool {
        match self {
            Self::Complaint(complaint) => complaint.suspension.is_some(),
            Self::Whistle(_) => false,
        }
    }

    fn timers(&self, terms: Terms<'_>) -> Vec<Timer> {
        match self {
            Self::Complaint(complaint) => complaint.timers(terms),
            Self::Whistle(whistle) => whistle.timers(terms),
        }
    }

    /// Where it stands, for the audit trail.
    fn standing(&self) -> serde_json::Value {
        match self {
            Self::Complaint(one) => json!({ "status": one.status, "version": one.version + 1 }),
            Self::Whistle(one) => json!({ "status": one.status, "version": one.version + 1 }),
        }
    }

    async fn save(
        &self,
        conn: &mut Connection,
        events: &[NewEvent],
        actor: Option<AccountId>,
        now: Timestamp,
    ) -> Result<i32, sqlx::Error> {
        match self {
            Self::Complaint(one) => complaint::save(conn, one, events, actor, now).await,
            Self::Whistle(one) => whistle::save(conn, one, events, actor, now).await,
        }
    }
}

/// What a command changes in one case.
pub(super) struct Change {
    root: Root,
    events: Vec<NewEvent>,
    saved: Vec<Task>,
    created: Vec<Task>,
    /// Tasks that stay as they are, but whose clocks stop or go on with the case.
    waiting: Vec<Task>,
}

impl Change {
    pub fn of<S: Into<Root>>(decision: Decision<S>) -> Self {
        Self {
            root: decision.state.into(),
            events: decision.events,
            saved: Vec::new(),
            created: Vec::new(),
            waiting: Vec::new(),
        }
    }

    pub fn saving(mut self, tasks: impl IntoIterator<Item = Decision<Task>>) -> Self {
        for decision in tasks {
            self.events.extend(decision.events);
            self.saved.push(decision.state);
        }
        self
    }

    pub fn creating(mut self, tasks: impl IntoIterator<Item = Decision<Task>>) -> Self {
        for decision in tasks {
            if let Root::Complaint(complaint) = &mut self.root {
                complaint.take_on(&decision.state.unit);
            }
            self.events.extend(decision.events);
            self.created.push(decision.state);
        }
        self
    }

    /// What is to be told, in order.
    pub fn events(&self) -> &[NewEvent] {
        &self.events
    }

    /// The tasks that are to be stored anew.
    pub fn created(&self) -> &[Task] {
        &self.created
    }

    /// With more to be told.
    pub fn telling(mut self, events: impl IntoIterator<Item = NewEvent>) -> Self {
        self.events.extend(events);
        self
    }

    pub fn waiting(mut self, tasks: Vec<Task>) -> Self {
        self.waiting = tasks;
        self
    }

    /// Whether nothing is to be stored.
    pub const fn is_empty(&self) -> bool {
        self.events.is_empty() && self.saved.is_empty() && self.created.is_empty()
    }

    /// Whether it ends the handling of a complaint.
    pub fn closes(&self) -> bool {
        matches!(&self.root, Root::Complaint(complaint)
            if complaint.status == domain::complaint::Status::Closed)
    }

    /// Lets the timers follow the calendar, where nothing else of the case changes.
    ///
    /// # Errors
    /// The database's.
    pub async fn resync(
        &self,
        conn: &mut Connection,
        terms: Terms<'_>,
        now: Timestamp,
    ) -> Result<(), Error> {
        timer::sync_all(conn, &self.wanted(terms, now)).await.map_err(Error::from)
    }

    /// Lets the case take a further step that follows from its tasks'.
    pub fn then<S: Into<Root>>(mut self, decision: Decision<S>) -> Self {
        self.root = decision.state.into();
        self.events.extend(decision.events);
        self
    }

    /// Stores it all: tasks, complaint or whistle with events, timers, the job that tells people,
    /// the audit entry. Answers the jobs to wake workers for after the commit.
    ///
    /// # Errors
    /// The database's.
    pub async fn store(
        mut self,
        conn: &mut Connection,
        state: &State,
        ask: &Ask,
        action: &'static str,
        now: Timestamp,
    ) -> Result<Vec<JobId>, Error> {
        if self.is_empty() {
            return Ok(Vec::new());
        }
        if let Root::Complaint(complaint) = &self.root {
            let told = super::consultation::lapsing(conn, complaint.id, &self.events).await?;
            self.events.extend(told);
        }
        for saved in &self.saved {
            task::save(conn, saved).await?;
        }
        for created in &self.created {
            task::insert(conn, created).await?;
        }
        let last = self.root.save(conn, &self.events, ask.account(), now).await?;
        self.recorded(conn, state, ask, action, last, now).await
    }

    /// The same for a case that was stored by an insert of its own, with its events.
    pub async fn recorded(
        &self,
        conn: &mut Connection,
        state: &State,
        ask: &Ask,
        action: &'static str,
        last: i32,
        now: Timestamp,
    ) -> Result<Vec<JobId>, Error> {
        timer::sync_all(conn, &self.wanted(state.terms(), now)).await?;
        let id = self.root.subject().id();
        let audited = AuditEntry::new(action, self.root.object(), id, &ask.origin)
            .by(ask.actor.as_ref())
            .with(self.root.standing());
        audit::append(conn, &audited, now).await?;
        let told = announce(conn, id, last, self.events.len(), now).await?;
        let mut jobs: Vec<JobId> = told.into_iter().collect();
        if let Root::Complaint(complaint) = &self.root {
            super::evaluation::replied(conn, state, complaint, &self.events, now).await?;
            jobs.extend(super::points::closed(conn, complaint, now).await?);
        }
        Ok(jobs)
    }

    /// What the case waits for from now on.
    fn wanted(&self, terms: Terms<'_>, now: Timestamp) -> Vec<(Subject, Vec<Timer>)> {
        let running = !self.root.is_suspended();
        let tasks = self.saved.iter().chain(&self.created).chain(&self.waiting).map(|task| {
            let mut timers = if running { task.timers(terms) } else { Vec::new() };
            // A new date moves the reminders too; one that came to lie in the past is dropped.
            timers.retain(|timer| !timer.kind.is_reminder() || timer.due_at > now);
            (Subject::Task(task.id), timers)
        });
        std::iter::once((self.root.subject(), self.root.timers(terms))).chain(tasks).collect()
    }
}
