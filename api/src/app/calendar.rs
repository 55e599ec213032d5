//! The working calendar (工作日历): a year's notice is imported as a new version, every process
//! follows within a second, and deadlines are computed anew only when somebody says so.

use std::{collections::BTreeSet, time::Duration};

use chrono::{Datelike, NaiveDate};
use domain::{
    calendar::{Notice, WorkingCalendar, Year},
    decision::Decision,
    id::{ComplaintId, JobId, TaskId, WhistleId},
    identity::Actor,
    org::NodeCode,
    refusal::{Basic, Kind, Refusal},
    sla::Terms,
    task::{Clocks, Task},
    time::{self, Timestamp},
};
use infra::{
    postgres::{
        Connection,
        audit::{self, AuditEntry, Origin},
        calendar::{self, Version},
        complaint,
        job::{self, NewJob},
        task, whistle,
    },
    random,
};
use serde_json::json;
use uuid::Uuid;

use super::{
    case::{Ask, Change, Root},
    transact,
};
use crate::{error::Error, state::State};

pub mod file;

/// How often a process asks whether the calendar is still the one it holds.
const FOLLOWED: Duration = Duration::from_secs(1);

/// Why deadlines are not computed anew.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// There is nothing to compute by.
    #[error("{0} 年的放假安排还没有导入，先导入再重算时限")]
    YearMissing(i32),
}

impl Refusal for Refused {
    fn code(&self) -> &'static str {
        match self {
            Self::YearMissing(_) => "calendar_year_missing",
        }
    }

    fn kind(&self) -> Kind {
        Kind::Conflict
    }
}

impl From<Refused> for Error {
    fn from(refused: Refused) -> Self {
        Self::Refused(Box::new(refused))
    }
}

/// Takes over a calendar that was imported meanwhile, by this process or another.
///
/// # Errors
/// The database is away: the calendar held so far stays in force.
pub async fn follow(state: &State, conn: &mut Connection) -> Result<(), sqlx::Error> {
    let stamp = calendar::stamp(conn).await?;
    if stamp > state.calendars.stamp() {
        let kept = calendar::versions(conn, None).await?;
        state.calendars.replace(stamp, of(&kept, state, |_, newest| newest));
        tracing::info!(stamp, "working calendar taken over");
    }
    Ok(())
}

/// Takes over a later calendar, where the database answers.
pub async fn follow_once(state: &State) {
    let followed = async {
        let mut conn = state.db.acquire().await?;
        follow(state, &mut conn).await
    };
    if let Err(error) = followed.await {
        tracing::debug!(%error, "the calendar is not known to be the latest");
    }
}

/// Follows the calendar for as long as the process has a database.
pub async fn keep_following(state: State) {
    let mut tick = tokio::time::interval(FOLLOWED);
    loop {
        tick.tick().await;
        if state.db.is_closed() {
            return;
        }
        follow_once(&state).await;
    }
}

/// The calendar of those versions, newest first within their year, that `counts` says: it is asked
/// of each with whether it is its year's newest.
fn of(kept: &[Version], state: &State, counts: impl Fn(&Version, bool) -> bool) -> WorkingCalendar {
    let mut years = BTreeSet::new();
    let notices: Vec<&Notice> = kept
        .iter()
        .filter(|version| counts(version, years.insert(version.notice.year)))
        .map(|version| &version.notice)
        .collect();
    WorkingCalendar::of(&notices, state.calendars.current().hours().clone())
}

/// The calendars by which deadlines may have been computed before the year's newest version: with
/// each earlier one, and without any. None when the year has no version at all.
fn earlier(kept: &[Version], state: &State, year: i32) -> Vec<WorkingCalendar> {
    let of_year = |version: &Version| version.notice.year == year;
    let older = kept.iter().filter(|version| of_year(version)).skip(1).map(|version| version.id);
    let tried: Vec<Option<i64>> = older.map(Some).chain([None]).collect();
    tried
        .into_iter()
        .map(|id| {
            of(
                kept,
                state,
                |version, newest| {
                    if of_year(version) { Some(version.id) == id } else { newest }
                },
            )
        })
        .collect()
}

/// What an import did, or would do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Imported {
    /// The version in force then.
    pub version: i32,
    /// Whether it is a new one: a notice that says what the newest says adds nothing.
    pub added: bool,
    /// Days whose work differs from what was in force.
    pub changed: Vec<NaiveDate>,
}

/// Imports a year's notice as its next version. `by` is none for the command line. With `dry_run`
/// nothing is written.
///
/// # Errors
/// The database's.
pub async fn import(
    state: &State,
    by: Option<&Actor>,
    origin: Origin,
    notice: Notice,
    dry_run: bool,
) -> Result<Imported, Error> {
    let (now, by, here) = (state.clock.now(), by.cloned(), state.clone());
    let imported = transact(&state.db, move |tx| {
        Box::pin(async move {
            calendar::lock(tx).await?;
            follow(&here, tx).await?;
            let kept = calendar::versions(tx, Some(notice.year)).await?;
            let newest = kept.first();
            let last = newest.map_or(0, |version| version.version);
            let added = newest.is_none_or(|newest| !newest.notice.says_the_same(&notice));
            let imported = Imported {
                version: last + i32::from(added),
                added,
                changed: changed(here.calendars.current(), &notice),
            };
            if added && !dry_run {
                calendar::insert(tx, &notice, by.as_ref().map(|by| by.account), now).await?;
                let entry = AuditEntry::new("calendar.import", "calendar", notice.year, &origin)
                    .with(json!({
                        "version": imported.version, "days": notice.days.len(),
                        "changed": imported.changed, "provisional": notice.provisional,
                    }));
                audit::append(tx, &entry.by(by.as_ref()), now).await?;
            }
            Ok(imported)
        })
    })
    .await?;
    // Whoever imported reckons by it at once; all others within a second.
    let mut conn = state.db.acquire().await?;
    follow(state, &mut conn).await?;
    Ok(imported)
}

/// The days of a notice's year, and of the December before, whose work differs.
fn changed(current: &WorkingCalendar, notice: &Notice) -> Vec<NaiveDate> {
    let proposed = WorkingCalendar::of(&[notice], current.hours().clone());
    let from = NaiveDate::from_ymd_opt(notice.year, 1, 1).unwrap_or_default();
    let listed = notice.days.iter().map(|day| day.date).filter(|date| *date < from);
    let year = from.iter_days().take_while(|date| date.year() == notice.year);
    let mut days: Vec<NaiveDate> = listed.chain(year).collect();
    days.retain(|date| current.is_working_day(*date) != proposed.is_working_day(*date));
    days
}

/// A task whose deadlines a recomputation changes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Moved {
    /// The task.
    pub task: TaskId,
    /// Who has it.
    pub unit: NodeCode,
    /// Its clocks as they stand.
    pub before: Clocks,
    /// Its clocks as they will.
    pub after: Clocks,
}

/// What a recomputation does, or would do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recomputation {
    /// The version it goes by.
    pub version: i32,
    /// The tasks whose deadlines change.
    pub moved: Vec<Moved>,
}

/// Computes the open tasks' deadlines anew by a year's newest version (时限重算). The command is
/// recorded and enqueues one job for each case, which decides again under the case's lock: whatever
/// changed meanwhile counts, and a second command finds nothing left to do.
///
/// # Errors
/// The year has no version.
pub async fn recompute(
    state: &State,
    by: Actor,
    origin: Origin,
    year: Year,
    dry_run: bool,
) -> Result<Recomputation, Error> {
    let (now, year, here) = (state.clock.now(), year.get(), state.clone());
    let (done, jobs) = transact(&state.db, move |tx| {
        Box::pin(async move {
            let found = plan(&here, tx, year, now).await?;
            if dry_run {
                return Ok((found, Vec::new()));
            }
            let jobs = enqueue(tx, year, &found, now).await?;
            let entry = AuditEntry::new("calendar.recompute", "calendar", year, &origin)
                .with(json!({ "version": found.0.version, "tasks": found.0.moved.len() }));
            audit::append(tx, &entry.by(&by), now).await?;
            Ok((found, jobs))
        })
    })
    .await?;
    state.redis.wake(&jobs).await;
    Ok(done.0)
}

/// What would change, and in which cases; read without locks.
async fn plan(
    state: &State,
    tx: &mut Connection,
    year: i32,
    now: Timestamp,
) -> Result<(Recomputation, BTreeSet<Uuid>), Error> {
    follow(state, tx).await?;
    let kept = calendar::versions(tx, None).await?;
    let newest = kept.iter().find(|version| version.notice.year == year);
    let version = newest.ok_or(Refused::YearMissing(year))?.version;
    let (earlier, terms) = (earlier(&kept, state, year), state.terms());
    let first = |year| NaiveDate::from_ymd_opt(year, 1, 1).unwrap_or_default();
    let (mut moved, mut cases) = (Vec::new(), BTreeSet::new());
    for running in calendar::running(tx, time::start_of(first(year + 1))).await? {
        let after = running.clocks.recomputed(&earlier, terms, now);
        if after != running.clocks {
            cases.insert(running.case);
            let (task, unit, before) = (running.task, running.unit, running.clocks);
            moved.push(Moved { task, unit, before, after });
        }
    }
    // A notice may make up days in the December before.
    let from = NaiveDate::from_ymd_opt(year - 1, 12, 1).unwrap_or_default();
    cases.extend(calendar::waiting(tx, time::start_of(from)).await?);
    Ok((Recomputation { version, moved }, cases))
}

async fn enqueue(
    tx: &mut Connection,
    year: i32,
    (found, cases): &(Recomputation, BTreeSet<Uuid>),
    now: Timestamp,
) -> Result<Vec<JobId>, Error> {
    let (version, at) = (found.version, now.timestamp_millis());
    let jobs: Vec<NewJob> = cases
        .iter()
        .map(|case| NewJob {
            id: random::id(now),
            kind: Recompute::KIND,
            dedupe: format!("{}:{year}:{version}:{at}:{case}", Recompute::KIND),
            payload: json!({ "case": case, "year": year }),
            run_at: now,
            max_attempts: 10,
        })
        .collect();
    Ok(job::enqueue_all(tx, &jobs, now).await?)
}

/// The job that computes one case's deadlines anew.
#[derive(Debug, Clone, Copy, serde::Deserialize)]
pub struct Recompute {
    /// The complaint or whistle.
    pub case: Uuid,
    /// The year whose notice came.
    pub year: i32,
}

impl Recompute {
    /// The kind of the job.
    pub const KIND: &'static str = "recompute_deadlines";

    /// Decides under the case's lock, stores what changed with an event for each task, and lets the
    /// timers follow, also where no task's deadline changed.
    ///
    /// # Errors
    /// The database's.
    pub async fn run(
        self,
        tx: &mut Connection,
        state: &State,
        now: Timestamp,
    ) -> Result<(), Error> {
        follow(state, tx).await?;
        let kept = calendar::versions(tx, None).await?;
        let (earlier, terms) = (earlier(&kept, state, self.year), state.terms());
        let Some((root, tasks)) = locked(tx, self.case).await? else { return Ok(()) };
        let change = self.decide(root, &tasks, &earlier, terms, now);
        if change.is_empty() {
            return change.resync(tx, terms, now).await;
        }
        change.store(tx, state, &Ask::worker(), "task.recompute", now).await.map(drop)
    }

    fn decide(
        self,
        root: Root,
        tasks: &[Task],
        earlier: &[WorkingCalendar],
        terms: Terms<'_>,
        now: Timestamp,
    ) -> Change {
        let (mut saved, mut waiting) = (Vec::new(), Vec::new());
        for task in tasks.iter().filter(|task| !task.status.is_ended()) {
            match task.recomputed(self.year, earlier, terms, now) {
                Some(decision) => saved.push(decision),
                None => waiting.push(task.clone()),
            }
        }
        Change::of(Decision { state: root, events: Vec::new() }).saving(saved).waiting(waiting)
    }
}

/// Locks a case by its id alone; none where it is gone.
async fn locked(tx: &mut Connection, case: Uuid) -> Result<Option<(Root, Vec<Task>)>, Error> {
    if let Some(complaint) = complaint::lock(tx, complaint::By::Id(ComplaintId(case))).await? {
        let tasks = task::of_case(tx, case).await?;
        return Ok(Some((Root::Complaint(complaint), tasks)));
    }
    match super::whistle::locked(tx, whistle::By::Id(WhistleId(case))).await {
        Ok((whistle, tasks)) => Ok(Some((Root::Whistle(whistle), tasks))),
        Err(Error::Refused(refused)) if refused.code() == Basic::NotFound.code() => Ok(None),
        Err(error) => Err(error),
    }
}

/// The daily chore: warns loudly and once of a year that is about to begin, or has begun, without
/// its notice.
///
/// # Errors
/// The database's.
pub async fn warn(state: &State, tx: &mut Connection, now: Timestamp) -> Result<(), Error> {
    follow(state, tx).await?;
    let Some(year) = state.calendars.current().missing(time::date(now)) else { return Ok(()) };
    if calendar::warn(tx, year, now).await? {
        tracing::warn!(
            year,
            "no holiday notice; its deadlines are provisional until it is imported"
        );
        let origin = Origin::default();
        let entry = AuditEntry::new("calendar.warn", "calendar", year, &origin);
        audit::append(tx, &entry, now).await?;
    }
    Ok(())
}
