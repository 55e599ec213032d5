//! What every command on a case shares: lock it, check who asks, and store what was decided.

use domain::{
    complaint::Complaint,
    decision::Decision,
    event::NewEvent,
    id::{AccountId, ComplaintId},
    identity::Actor,
    refusal::Basic,
    scope::Scope,
    sla::Terms,
    task::Task,
    time::Timestamp,
};
use infra::{
    postgres::{
        Connection,
        audit::{self, AuditEntry, Origin},
        complaint::{self, By},
        job::{self, NewJob},
        task,
        timer::{self, Subject},
    },
    random,
};
use serde_json::json;

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
    /// The worker, when an instant has come.
    pub fn worker() -> Self {
        Self { actor: None, origin: Origin::default(), expected: None }
    }

    pub(super) fn account(&self) -> Option<AccountId> {
        self.actor.as_ref().map(|actor| actor.account)
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
        let tasks = task::of_complaint(conn, complaint.id).await?;
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

    /// The lead's last task, the one that would be done again.
    pub fn last_lead(&self) -> Option<&Task> {
        self.tasks
            .iter()
            .rfind(|task| task.line == 0 && task.status != domain::task::Status::Returned)
    }
}

/// What a command changes in one case.
pub(super) struct Change {
    complaint: Complaint,
    events: Vec<NewEvent>,
    saved: Vec<Task>,
    created: Vec<Task>,
    /// Tasks that stay as they are, but whose clocks stop or go on with the case.
    waiting: Vec<Task>,
}

impl Change {
    pub fn of(decision: Decision<Complaint>) -> Self {
        Self {
            complaint: decision.state,
            events: decision.events,
            saved: Vec::new(),
            created: Vec::new(),
            waiting: Vec::new(),
        }
    }

    /// The complaint stays as it is; only tasks and the stream change.
    pub fn beside(complaint: &Complaint) -> Self {
        Self::of(Decision { state: complaint.clone(), events: Vec::new() })
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
            self.complaint.take_on(&decision.state.unit);
            self.events.extend(decision.events);
            self.created.push(decision.state);
        }
        self
    }

    pub fn waiting(mut self, tasks: Vec<Task>) -> Self {
        self.waiting = tasks;
        self
    }

    /// Lets the complaint take a further step that follows from the tasks'.
    pub fn then(mut self, decision: Decision<Complaint>) -> Self {
        self.complaint = decision.state;
        self.events.extend(decision.events);
        self
    }

    /// The complaint as it stands so far.
    pub const fn complaint(&self) -> &Complaint {
        &self.complaint
    }

    /// Stores it all: tasks, complaint with events, timers, the job that tells people, the audit
    /// entry. Answers the jobs to wake workers for after the commit.
    ///
    /// # Errors
    /// The database's.
    pub async fn store(
        self,
        conn: &mut Connection,
        state: &State,
        ask: &Ask,
        action: &'static str,
        now: Timestamp,
    ) -> Result<Vec<domain::id::JobId>, Error> {
        for saved in &self.saved {
            task::save(conn, saved).await?;
        }
        for created in &self.created {
            task::insert(conn, created).await?;
        }
        let complaint = &self.complaint;
        let last = complaint::save(conn, complaint, &self.events, ask.account(), now).await?;
        timer::sync_all(conn, &self.wanted(state.terms(), now)).await?;
        let audited = AuditEntry::new(action, "complaint", complaint.id, &ask.origin);
        let audited = AuditEntry {
            account: ask.account(),
            role: ask.actor.as_ref().and_then(Actor::role),
            data: json!({ "status": complaint.status, "version": complaint.version + 1 }),
            ..audited
        };
        audit::append(conn, &audited, now).await?;
        let mut jobs = tell(conn, complaint.id, last, self.events.len(), now).await?;
        jobs.extend(super::points::closed(conn, complaint, now).await?);
        Ok(jobs)
    }

    /// What the case waits for from now on. While it is suspended no unit's clock runs.
    fn wanted(&self, terms: Terms<'_>, now: Timestamp) -> Vec<(Subject, Vec<domain::sla::Timer>)> {
        let running = self.complaint.suspension.is_none();
        let tasks = self.saved.iter().chain(&self.created).chain(&self.waiting).map(|task| {
            let mut timers = if running { task.timers(terms) } else { Vec::new() };
            // A new date moves the reminders too; one that came to lie in the past is dropped.
            timers.retain(|timer| !timer.kind.is_reminder() || timer.due_at > now);
            (Subject::Task(task.id), timers)
        });
        std::iter::once((Subject::Complaint(self.complaint.id), self.complaint.timers(terms)))
            .chain(tasks)
            .collect()
    }
}

/// Enqueues the job that tells people of the last `count` events of a case.
pub(super) async fn tell(
    conn: &mut Connection,
    case: ComplaintId,
    last: i32,
    count: usize,
    now: Timestamp,
) -> Result<Vec<domain::id::JobId>, Error> {
    let Some(before) = i32::try_from(count).ok().filter(|count| *count > 0) else {
        return Ok(Vec::new());
    };
    let job = NewJob {
        id: random::id(now),
        kind: crate::jobs::notification::KIND,
        dedupe: format!("notify:{case}:{last}"),
        payload: json!({ "subject": case, "from_seq": last - before + 1, "to_seq": last }),
        run_at: now,
        max_attempts: 10,
    };
    Ok(job::enqueue(conn, &job, now).await?.into_iter().collect())
}
