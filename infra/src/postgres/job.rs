//! Jobs (后台作业): work that outlives its request. PostgreSQL owns it; Redis only wakes workers.
//!
//! `ready` → `running` (a lease and a fencing token) → `done`, or back to `ready` with a delay, or
//! `dead`. Leases are judged by the database's own clock, so that all hosts agree; when a job may
//! run (`run_at`) is business time and is compared with the `now` that is passed.

use domain::{
    id::JobId,
    page::{Cursor, PageRequest},
    time::Timestamp,
};
use serde_json::Value;
use uuid::Uuid;

use super::Connection;

/// Most characters of an error that are kept with a job.
const ERROR_LENGTH: usize = 500;

/// A job to be enqueued in the transaction of what causes it.
#[derive(Debug, Clone, PartialEq)]
pub struct NewJob {
    /// Its id.
    pub id: JobId,
    /// Which code runs it.
    pub kind: &'static str,
    /// One effect, one key: a second job with the same key is not taken.
    pub dedupe: String,
    /// Ids and codes only, no personal data.
    pub payload: Value,
    /// Not before.
    pub run_at: Timestamp,
    /// After so many failed attempts it is dead.
    pub max_attempts: i32,
}

/// A job that a worker holds.
#[derive(Debug, Clone, PartialEq)]
pub struct Claimed {
    /// Its id.
    pub id: JobId,
    /// Which code runs it.
    pub kind: String,
    /// What for.
    pub payload: Value,
    /// Since when it could have run.
    pub run_at: Timestamp,
    /// The number of this attempt, from 1; above `max_attempts` when its workers died with it.
    pub attempt: i32,
    /// How many attempts it has.
    pub max_attempts: i32,
}

/// A dead job, as an administrator sees it.
#[derive(Debug, Clone, PartialEq)]
pub struct Dead {
    /// Its id.
    pub id: JobId,
    /// Which code ran it.
    pub kind: String,
    /// How often it was tried.
    pub attempt: i32,
    /// Why the last attempt failed.
    pub last_error: Option<String>,
    /// When it was enqueued.
    pub created_at: Timestamp,
    /// When it was given up.
    pub finished_at: Timestamp,
}

/// How much work lies there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Backlog {
    /// Waiting, delayed ones included.
    pub ready: i64,
    /// Held by a worker.
    pub running: i64,
    /// Given up.
    pub dead: i64,
    /// Since when the oldest job that could run has waited.
    pub waiting_since: Option<Timestamp>,
}

/// Enqueues a job; `None` when its key is known already.
///
/// # Errors
/// The database is away.
pub async fn enqueue(
    conn: &mut Connection,
    job: &NewJob,
    now: Timestamp,
) -> Result<Option<JobId>, sqlx::Error> {
    let taken = enqueue_all(conn, std::slice::from_ref(job), now).await?;
    Ok(taken.first().copied())
}

/// Enqueues jobs in one statement; answers the ids of those whose key was new.
///
/// # Errors
/// The database is away.
pub async fn enqueue_all(
    conn: &mut Connection,
    jobs: &[NewJob],
    now: Timestamp,
) -> Result<Vec<JobId>, sqlx::Error> {
    let ids: Vec<Uuid> = jobs.iter().map(|job| job.id.0).collect();
    let kinds: Vec<String> = jobs.iter().map(|job| job.kind.to_owned()).collect();
    let keys: Vec<String> = jobs.iter().map(|job| job.dedupe.clone()).collect();
    let payloads: Vec<Value> = jobs.iter().map(|job| job.payload.clone()).collect();
    let run_at: Vec<Timestamp> = jobs.iter().map(|job| job.run_at).collect();
    let attempts: Vec<i32> = jobs.iter().map(|job| job.max_attempts).collect();
    sqlx::query_scalar!(
        r#"insert into job (id, kind, dedupe, payload, run_at, max_attempts, created_at)
           select id, kind, dedupe, payload, run_at, max_attempts, $7
           from unnest($1::uuid[], $2::text[], $3::text[], $4::jsonb[], $5::timestamptz[], $6::int[])
               as given (id, kind, dedupe, payload, run_at, max_attempts)
           on conflict (dedupe) do nothing
           returning id as "id: JobId""#,
        &ids,
        &kinds,
        &keys,
        &payloads,
        &run_at,
        &attempts,
        now,
    )
    .fetch_all(conn)
    .await
}

/// Takes jobs that are due, or whose lease ran out, whatever Redis says: oldest first, at most
/// `limit`. Rows that another worker is taking are passed over.
///
/// # Errors
/// The database is away.
pub async fn claim_due(
    conn: &mut Connection,
    token: Uuid,
    lease_seconds: u32,
    limit: i64,
    now: Timestamp,
) -> Result<Vec<Claimed>, sqlx::Error> {
    sqlx::query_as!(
        Claimed,
        r#"with waiting as (
               select id from job where state = 'ready' and run_at <= $4
               order by run_at, id limit $3 for update skip locked
           ), expired as (
               select id from job where state = 'running' and lease_until < clock_timestamp()
               order by lease_until limit $3 for update skip locked
           ), due as (
               select id from expired union all select id from waiting limit $3
           )
           update job set
               state = 'running', attempt = job.attempt + 1, token = $1,
               lease_until = clock_timestamp() + make_interval(secs => $2)
           from due where job.id = due.id
           returning job.id as "id: JobId", kind, payload, run_at, attempt, max_attempts"#,
        token,
        f64::from(lease_seconds),
        limit,
        now,
    )
    .fetch_all(conn)
    .await
}

/// Takes those of the named jobs that are due, or whose lease ran out.
///
/// # Errors
/// The database is away.
pub async fn claim(
    conn: &mut Connection,
    ids: &[JobId],
    token: Uuid,
    lease_seconds: u32,
    now: Timestamp,
) -> Result<Vec<Claimed>, sqlx::Error> {
    let ids: Vec<Uuid> = ids.iter().map(|id| id.0).collect();
    sqlx::query_as!(
        Claimed,
        r#"with due as (
               select id from job
               where id = any($1)
                   and (state = 'ready' and run_at <= $4
                       or state = 'running' and lease_until < clock_timestamp())
               order by id for update skip locked
           )
           update job set
               state = 'running', attempt = job.attempt + 1, token = $2,
               lease_until = clock_timestamp() + make_interval(secs => $3)
           from due where job.id = due.id
           returning job.id as "id: JobId", kind, payload, run_at, attempt, max_attempts"#,
        &ids,
        token,
        f64::from(lease_seconds),
        now,
    )
    .fetch_all(conn)
    .await
}

/// Marks a job done, in the transaction of its effect. `false` means that the lease passed to
/// another worker: the effect must be rolled back.
///
/// # Errors
/// The database is away.
pub async fn complete(
    conn: &mut Connection,
    id: JobId,
    token: Uuid,
    now: Timestamp,
) -> Result<bool, sqlx::Error> {
    let done = sqlx::query!(
        "update job set state = 'done', token = null, lease_until = null, finished_at = $3
         where id = $1 and token = $2",
        id.0,
        token,
        now,
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Gives a failed job back, to run again at `retry_at`, or for good (`None`: dead). `false` means
/// that the lease passed to another worker, which decides for itself.
///
/// # Errors
/// The database is away.
pub async fn fail(
    conn: &mut Connection,
    id: JobId,
    token: Uuid,
    error: &str,
    retry_at: Option<Timestamp>,
    now: Timestamp,
) -> Result<bool, sqlx::Error> {
    let kept: String = error.chars().filter(|c| *c != '\0').take(ERROR_LENGTH).collect();
    let failed = sqlx::query!(
        "update job set
             state = case when $4::timestamptz is null then 'dead' else 'ready' end,
             run_at = coalesce($4, run_at),
             finished_at = case when $4::timestamptz is null then $5::timestamptz end,
             token = null, lease_until = null, last_error = $3
         where id = $1 and token = $2",
        id.0,
        token,
        kept,
        retry_at,
        now,
    )
    .execute(conn)
    .await?;
    Ok(failed.rows_affected() == 1)
}

/// Lengthens a lease that is still held.
///
/// # Errors
/// The database is away.
pub async fn renew(
    conn: &mut Connection,
    id: JobId,
    token: Uuid,
    lease_seconds: u32,
) -> Result<bool, sqlx::Error> {
    let renewed = sqlx::query!(
        "update job set lease_until = clock_timestamp() + make_interval(secs => $3)
         where id = $1 and token = $2",
        id.0,
        token,
        f64::from(lease_seconds),
    )
    .execute(conn)
    .await?;
    Ok(renewed.rows_affected() == 1)
}

/// A page of dead jobs, the latest first, with one row more than the page.
///
/// # Errors
/// The database is away.
pub async fn dead(conn: &mut Connection, page: PageRequest) -> Result<Vec<Dead>, sqlx::Error> {
    let after = page.after.map(|Cursor { at, id }| (at, id)).unzip();
    sqlx::query_as!(
        Dead,
        r#"select id as "id: JobId", kind, attempt, last_error, created_at,
               finished_at as "finished_at!"
           from job
           where state = 'dead'
               and ($1::timestamptz is null or (finished_at, id) < ($1, $2::uuid))
           order by finished_at desc, id desc
           limit $3"#,
        after.0,
        after.1,
        page.probe(),
    )
    .fetch_all(conn)
    .await
}

/// A job's kind and state (`ready`, `running`, `done`, `dead`), if there is such a job.
///
/// # Errors
/// The database is away.
pub async fn find(
    conn: &mut Connection,
    id: JobId,
) -> Result<Option<(String, String)>, sqlx::Error> {
    let row = sqlx::query!("select kind, state from job where id = $1", id.0)
        .fetch_optional(conn)
        .await?;
    Ok(row.map(|row| (row.kind, row.state)))
}

/// Lets a dead job run again with all its attempts. `false` when it is not dead.
///
/// # Errors
/// The database is away.
pub async fn redrive(
    conn: &mut Connection,
    id: JobId,
    now: Timestamp,
) -> Result<bool, sqlx::Error> {
    let redriven = sqlx::query!(
        "update job set state = 'ready', attempt = 0, run_at = $2, finished_at = null
         where id = $1 and state = 'dead'",
        id.0,
        now,
    )
    .execute(conn)
    .await?;
    Ok(redriven.rows_affected() == 1)
}

/// Removes jobs that were done before an instant. Their keys are free again, so the instant must
/// lie further back than any cause can repeat.
///
/// # Errors
/// The database is away.
pub async fn sweep_done(conn: &mut Connection, before: Timestamp) -> Result<u64, sqlx::Error> {
    let swept = sqlx::query!("delete from job where state = 'done' and finished_at < $1", before)
        .execute(conn)
        .await?;
    Ok(swept.rows_affected())
}

/// Counts what is not done, by partial indexes alone.
///
/// # Errors
/// The database is away.
pub async fn backlog(conn: &mut Connection, now: Timestamp) -> Result<Backlog, sqlx::Error> {
    sqlx::query_as!(
        Backlog,
        r#"select
               (select count(*) from job where state = 'ready') as "ready!",
               (select count(*) from job where state = 'running') as "running!",
               (select count(*) from job where state = 'dead') as "dead!",
               (select min(run_at) from job where state = 'ready' and run_at <= $1) as waiting_since"#,
        now,
    )
    .fetch_one(conn)
    .await
}

#[cfg(test)]
mod tests;
