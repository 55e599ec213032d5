//! Runs jobs: claim, run, and commit the effect together with `done`; or give the job back.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use chrono::TimeDelta;
use futures::future::BoxFuture;
use infra::{
    postgres::{
        Connection,
        job::{self, Claimed},
    },
    random,
    redis::queue::{self, Consumer, Hint},
};
use serde::de::DeserializeOwned;
use serde_json::Value;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use uuid::Uuid;

use super::{
    announcement, attachment, audit, bulletin, calendar, delivery, export, fairness, grant, guide,
    household, identity, merchant, notification, pause, points, privacy, redemption, registration,
    schedule, score, screening, service, stopped, task,
};
use crate::{app, error::Error, state::State};

/// A kind of job. The implementing type is its payload: ids and codes only.
pub trait Job: DeserializeOwned + Send + 'static {
    /// The kind, as stored.
    const KIND: &'static str;

    /// Does the work inside `tx`, which commits together with the job's `done`. It may run again
    /// after a failure, a crash or a lost lease, but what it wrote then was rolled back.
    ///
    /// # Errors
    /// Any failure: the job is tried again later, or dead after its last attempt.
    fn run(
        self,
        state: &State,
        tx: &mut Connection,
    ) -> impl Future<Output = Result<(), Error>> + Send;
}

type Run = for<'c> fn(&'c State, &'c mut Connection, Value) -> BoxFuture<'c, Result<(), Error>>;

fn run<'c, J: Job>(
    state: &'c State,
    tx: &'c mut Connection,
    payload: Value,
) -> BoxFuture<'c, Result<(), Error>> {
    Box::pin(async move { serde_json::from_value::<J>(payload)?.run(state, tx).await })
}

/// Every kind of job. A new one is one line here.
const KINDS: &[(&str, Run)] = &[
    (announcement::EndAnnouncements::KIND, run::<announcement::EndAnnouncements>),
    (guide::RemindGuides::KIND, run::<guide::RemindGuides>),
    (attachment::MediaChecked::KIND, run::<attachment::MediaChecked>),
    (attachment::ScreenMedia::KIND, run::<attachment::ScreenMedia>),
    (attachment::SweepAttachments::KIND, run::<attachment::SweepAttachments>),
    (audit::MakeAuditMonths::KIND, run::<audit::MakeAuditMonths>),
    (audit::SealAudit::KIND, run::<audit::SealAudit>),
    (export::MakeExport::KIND, run::<export::MakeExport>),
    (export::SweepExports::KIND, run::<export::SweepExports>),
    (calendar::Recompute::KIND, run::<calendar::Recompute>),
    (calendar::WarnCalendar::KIND, run::<calendar::WarnCalendar>),
    (bulletin::FreezeMonths::KIND, run::<bulletin::FreezeMonths>),
    (household::RemindVisits::KIND, run::<household::RemindVisits>),
    (identity::SendPhoneCode::KIND, run::<identity::SendPhoneCode>),
    (delivery::Deliver::KIND, run::<delivery::Deliver>),
    (delivery::MakeDigest::KIND, run::<delivery::MakeDigest>),
    (delivery::MakeDigests::KIND, run::<delivery::MakeDigests>),
    (delivery::PlanDigests::KIND, run::<delivery::PlanDigests>),
    (merchant::ReleaseBudgets::KIND, run::<merchant::ReleaseBudgets>),
    (merchant::ReturnHolds::KIND, run::<merchant::ReturnHolds>),
    (merchant::SettleMonths::KIND, run::<merchant::SettleMonths>),
    (notification::Notify::KIND, run::<notification::Notify>),
    (points::AwardAppeal::KIND, run::<points::AwardAppeal>),
    (points::ExpirePoints::KIND, run::<points::ExpirePoints>),
    (points::ReconcileLedger::KIND, run::<points::ReconcileLedger>),
    (points::SetOff::KIND, run::<points::SetOff>),
    (points::PostNotice::KIND, run::<points::PostNotice>),
    (points::WarnExpiring::KIND, run::<points::WarnExpiring>),
    (grant::ExpireGrants::KIND, run::<grant::ExpireGrants>),
    (privacy::ErasePerson::KIND, run::<privacy::ErasePerson>),
    (privacy::FollowErasures::KIND, run::<privacy::FollowErasures>),
    (privacy::RemoveFiles::KIND, run::<privacy::RemoveFiles>),
    (privacy::SweepOld::KIND, run::<privacy::SweepOld>),
    (redemption::Expire::KIND, run::<redemption::Expire>),
    (fairness::Watch::KIND, run::<fairness::Watch>),
    (registration::FollowServiceYear::KIND, run::<registration::FollowServiceYear>),
    (schedule::SweepIdempotency::KIND, run::<schedule::SweepIdempotency>),
    (schedule::SweepJobs::KIND, run::<schedule::SweepJobs>),
    (schedule::SweepSessions::KIND, run::<schedule::SweepSessions>),
    (score::LockScores::KIND, run::<score::LockScores>),
    (screening::ReferUnscreened::KIND, run::<screening::ReferUnscreened>),
    (screening::ScreenText::KIND, run::<screening::ScreenText>),
    (service::SettleAttendance::KIND, run::<service::SettleAttendance>),
    (service::WatchAttendance::KIND, run::<service::WatchAttendance>),
    (task::TakeBack::KIND, run::<task::TakeBack>),
];

/// The longest delay before another attempt, in seconds.
const LONGEST_DELAY: u32 = 900;
/// How long Redis is left alone after it failed.
const RECONNECT: Duration = Duration::from_secs(1);
/// How often what dead workers left in the stream is removed.
const TIDY: Duration = Duration::from_secs(600);

/// Runs jobs, so many at a time.
#[derive(Clone)]
pub struct Runner {
    state: State,
    permits: Arc<Semaphore>,
    concurrency: u32,
}

impl Runner {
    /// A runner that leaves half of the connections to timers, leases and claims.
    pub fn new(state: State) -> Self {
        let connections = state.config.database.connections;
        let concurrency = state.config.worker.batch.min(connections / 2).max(1);
        let permits = usize::try_from(concurrency).unwrap_or(1);
        Self { state, permits: Arc::new(Semaphore::new(permits)), concurrency }
    }

    /// The state that jobs run with.
    pub const fn state(&self) -> &State {
        &self.state
    }

    /// Waits until no job runs.
    pub async fn idle(&self) {
        // The semaphore is never closed.
        let _ = self.permits.acquire_many(self.concurrency).await;
    }

    /// Follows the hints until told to stop. Without Redis it only tries to reach it: the scan
    /// finds every job.
    pub async fn listen(&self, stopping: watch::Receiver<bool>) {
        let name = format!("worker-{}", token().simple());
        let mut away = false;
        loop {
            match Consumer::connect(&self.state.redis, &name).await {
                Ok(consumer) => {
                    away = false;
                    self.follow(consumer, &name, &stopping).await;
                }
                Err(error) => {
                    if !std::mem::replace(&mut away, true) {
                        tracing::warn!(%error, "no hints from redis; scanning the database alone");
                    }
                }
            }
            if !pause(RECONNECT, &stopping).await {
                return;
            }
        }
    }

    async fn follow(&self, mut consumer: Consumer, name: &str, stopping: &watch::Receiver<bool>) {
        let count = usize::try_from(self.concurrency).unwrap_or(1);
        let mut tidied: Option<Instant> = None;
        loop {
            if tidied.is_none_or(|at| at.elapsed() > TIDY) {
                queue::tidy(&self.state.redis, name).await;
                tidied = Some(Instant::now());
            }
            let read = tokio::select! {
                read = consumer.read(count) => read,
                // What was delivered meanwhile stays pending, and is tidied away by another.
                () = stopped(stopping.clone()) => return,
            };
            match read {
                Ok(hints) if hints.is_empty() => {}
                Ok(hints) => self.take(hints).await,
                Err(error) => {
                    tracing::warn!(%error, "lost the connection to the queue");
                    return;
                }
            }
        }
    }

    /// Claims and starts what the hints name. A hint to a job that is done, or held by another
    /// worker, or not yet due, is only removed.
    async fn take(&self, hints: Vec<Hint>) {
        let wanted = u32::try_from(hints.len()).unwrap_or(u32::MAX).min(self.concurrency);
        let Ok(permits) = self.permits.clone().acquire_many_owned(wanted).await else { return };
        let ids: Vec<_> = hints.iter().filter_map(|hint| hint.job).collect();
        let token = token();
        let claimed = match self.claim_named(&ids, token).await {
            Ok(claimed) => claimed,
            Err(error) => return tracing::warn!(%error, "cannot claim jobs"),
        };
        let mut rest = hints;
        let started = claimed.into_iter().map(|job| {
            let (mine, others) = rest.drain(..).partition(|hint: &Hint| hint.job == Some(job.id));
            rest = others;
            (job, entries(mine))
        });
        let started: Vec<_> = started.collect();
        queue::ack(&self.state.redis, &entries(rest)).await;
        self.start(started, token, permits);
    }

    async fn claim_named(
        &self,
        ids: &[domain::id::JobId],
        token: Uuid,
    ) -> Result<Vec<Claimed>, sqlx::Error> {
        let state = &self.state;
        let mut conn = state.db.acquire().await?;
        job::claim(&mut conn, ids, token, state.config.worker.lease_seconds, state.clock.now())
            .await
    }

    /// Claims and starts what is due, straight from PostgreSQL, as much as can run; waits for room
    /// for at least one. Answers whether there may be more.
    ///
    /// Only the wait ends when the worker is told to stop: a claim that was sent must be known.
    ///
    /// # Errors
    /// The database is away.
    pub async fn scan(&self, stopping: &watch::Receiver<bool>) -> Result<bool, sqlx::Error> {
        let room = tokio::select! {
            room = self.permits.clone().acquire_owned() => room,
            () = stopped(stopping.clone()) => return Ok(false),
        };
        let Ok(mut permits) = room else { return Ok(false) };
        let free = u32::try_from(self.permits.available_permits()).unwrap_or(u32::MAX);
        if let Ok(more) = self.permits.clone().try_acquire_many_owned(free) {
            permits.merge(more);
        }
        let room = permits.num_permits();
        let token = token();
        let jobs = claim_due(&self.state, token, room).await?;
        let more = jobs.len() == room;
        self.start(jobs.into_iter().map(|job| (job, Vec::new())).collect(), token, permits);
        Ok(more)
    }

    fn start(
        &self,
        jobs: Vec<(Claimed, Vec<String>)>,
        token: Uuid,
        mut permits: OwnedSemaphorePermit,
    ) {
        for (job, entries) in jobs {
            let permit = permits.split(1);
            let state = self.state.clone();
            tokio::spawn(async move {
                execute(&state, job, token).await;
                queue::ack(&state.redis, &entries).await;
                drop(permit);
            });
        }
    }
}

fn entries(hints: Vec<Hint>) -> Vec<String> {
    hints.into_iter().map(|hint| hint.entry).collect()
}

/// A new fencing token. Each claim has its own, so that even a worker that lost a lease and took
/// the job again itself is fenced off from its first attempt.
fn token() -> Uuid {
    Uuid::from_bytes(random::bytes())
}

async fn claim_due(state: &State, token: Uuid, room: usize) -> Result<Vec<Claimed>, sqlx::Error> {
    let mut conn = state.db.acquire().await?;
    let limit = i64::try_from(room).unwrap_or(i64::MAX);
    let lease = state.config.worker.lease_seconds;
    job::claim_due(&mut conn, token, lease, limit, state.clock.now()).await
}

/// Claims and runs what is due, one job after the other; answers how many were done.
pub(super) async fn run_due(state: &State) -> usize {
    let mut done = 0;
    loop {
        let token = token();
        match claim_due(state, token, 1).await.map(|mut jobs| jobs.pop()) {
            Ok(Some(job)) => done += usize::from(execute(state, job, token).await),
            Ok(None) => return done,
            Err(error) => {
                tracing::error!(%error, "cannot claim jobs");
                return done;
            }
        }
    }
}

/// Runs a claimed job to its end; answers whether it is done.
async fn execute(state: &State, job: Claimed, token: Uuid) -> bool {
    let started = Instant::now();
    let outcome = hold(state, &job, token, attempt(state, &job, token)).await;
    let result = if outcome.is_ok() { "done" } else { "failed" };
    let labels = [("kind", job.kind.clone()), ("result", result.to_owned())];
    metrics::counter!("job_attempts_total", &labels).increment(1);
    metrics::histogram!("job_duration_seconds", &labels).record(started.elapsed());
    let waited = (state.clock.now() - job.run_at).to_std().unwrap_or_default();
    metrics::histogram!("job_lag_seconds", "kind" => job.kind.clone()).record(waited);
    match outcome {
        Ok(()) => {
            // It may have told somebody of something.
            state.redis.stir().await;
            true
        }
        Err(error) => {
            give_back(state, &job, token, &error).await;
            false
        }
    }
}

/// The effect and `done` in one transaction, in a task of its own: a panic is a failure.
async fn attempt(state: &State, job: &Claimed, token: Uuid) -> Result<(), Error> {
    if job.attempt > job.max_attempts {
        return Err(Error::Internal("its workers died with it".into()));
    }
    let Some((_, run)) = KINDS.iter().find(|(kind, _)| *kind == job.kind) else {
        return Err(Error::Internal(format!("this version knows no job {}", job.kind).into()));
    };
    let (state, id, payload) = (state.clone(), job.id, job.payload.clone());
    let db = state.db.clone();
    app::transact(&db, move |tx| {
        Box::pin(async move {
            run(&state, tx, payload).await?;
            if job::complete(tx, id, token, state.clock.now()).await? {
                Ok(())
            } else {
                Err(Error::Internal("its lease passed to another worker".into()))
            }
        })
    })
    .await
}

/// Renews the lease while the work lasts.
async fn hold<T>(state: &State, job: &Claimed, token: Uuid, work: impl Future<Output = T>) -> T {
    let lease = state.config.worker.lease_seconds;
    let period = Duration::from_secs(u64::from(lease)) / 3;
    tokio::pin!(work);
    loop {
        if let Ok(done) = tokio::time::timeout(period, &mut work).await {
            return done;
        }
        if let Err(error) = renew(state, job, token, lease).await {
            tracing::warn!(job = %job.id, %error, "lease not renewed");
        }
    }
}

async fn renew(state: &State, job: &Claimed, token: Uuid, lease: u32) -> Result<bool, sqlx::Error> {
    let mut conn = state.db.acquire().await?;
    job::renew(&mut conn, job.id, token, lease).await
}

async fn give_back(state: &State, job: &Claimed, token: Uuid, error: &Error) {
    let now = state.clock.now();
    let retry_at = (job.attempt < job.max_attempts)
        .then(|| now + backoff(job.attempt, u16::from_be_bytes(random::bytes())));
    let (id, kind, attempt) = (job.id, &job.kind, job.attempt);
    if retry_at.is_some() {
        tracing::warn!(job = %id, kind, attempt, %error, "job failed; it will be tried again");
    } else {
        tracing::error!(job = %id, kind, attempt, %error, "job is dead; an administrator may redrive it");
    }
    let given_back = async {
        let mut conn = state.db.acquire().await?;
        job::fail(&mut conn, id, token, &error.to_string(), retry_at, now).await
    };
    match given_back.await {
        Ok(true) => {}
        Ok(false) => tracing::warn!(job = %id, "another worker holds the job now"),
        Err(error) => {
            tracing::warn!(job = %id, %error, "job not given back; its lease will run out");
        }
    }
}

/// The delay after a failed attempt: doubled each time from one second up to fifteen minutes, and
/// spread over 50–100 % of that, so that jobs that failed together do not come back together.
fn backoff(attempt: i32, random: u16) -> TimeDelta {
    let doublings = u32::try_from(attempt.saturating_sub(1)).unwrap_or(0).min(20);
    let whole = 2_u32.saturating_pow(doublings).min(LONGEST_DELAY);
    let half_millis = i64::from(whole) * 500;
    TimeDelta::milliseconds(half_millis + half_millis * i64::from(random) / i64::from(u16::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn delays_double_up_to_a_limit_and_are_spread() {
        assert_eq!(backoff(1, u16::MAX), TimeDelta::seconds(1));
        assert_eq!(backoff(1, 0), TimeDelta::milliseconds(500));
        assert_eq!(backoff(4, u16::MAX), TimeDelta::seconds(8));
        assert_eq!(backoff(30, u16::MAX), TimeDelta::seconds(900));
        assert_eq!(backoff(0, u16::MAX), TimeDelta::seconds(1));
        assert_eq!(backoff(i32::MAX, u16::MAX), TimeDelta::seconds(900));
    }

    #[test]
    fn every_kind_has_one_line() {
        let mut kinds: Vec<_> = KINDS.iter().map(|(kind, _)| *kind).collect();
        kinds.sort_unstable();
        kinds.dedup();
        assert_eq!(kinds.len(), KINDS.len());
        for (kind, _) in schedule::CHORES {
            assert!(kinds.contains(kind), "{kind} is scheduled but nothing runs it");
        }
    }
}
