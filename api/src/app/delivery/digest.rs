//! The daily summary of tasks (每日摘要): planned by a chore, made at its minute, and counted anew when it
//! is sent.

use chrono::{Days, NaiveDate};
use domain::{
    delivery::Counts,
    id::{AccountId, JobId},
    time::{self, Timestamp},
};
use infra::{
    postgres::{
        Connection,
        delivery::digest as store,
        event, identity as accounts,
        job::{self, NewJob},
    },
    random,
};
use serde::{Deserialize, Serialize};

use crate::{app::notification::announce, error::Error, state::State};

/// The chore that plans the summaries of a working day. It runs once a day, at 08:00 in
/// Asia/Shanghai.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub struct PlanDigests {}

impl PlanDigests {
    /// The kind of the job.
    pub const KIND: &'static str = "plan_digests";

    /// Enqueues the summaries of today, once, if it is worked.
    ///
    /// # Errors
    /// The database is away.
    pub async fn plan(state: &State, tx: &mut Connection) -> Result<Option<JobId>, Error> {
        let now = state.clock.now();
        let day = time::date(now);
        if !state.calendars.current().is_working_day(day) {
            return Ok(None);
        }
        let job = NewJob {
            id: random::id(now),
            kind: MakeDigests::KIND,
            dedupe: format!("{}:{day}", MakeDigests::KIND),
            payload: serde_json::to_value(MakeDigests { day })?,
            run_at: state.config.digest.on(day),
            max_attempts: 10,
        };
        Ok(job::enqueue(tx, &job, now).await?)
    }
}

/// Has the summaries of a day made, each by a job of its own: a short transaction for a person, under
/// the lock of what else is told of their account, and streams hear on meanwhile.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub struct MakeDigests {
    /// The day, in Asia/Shanghai.
    pub day: NaiveDate,
}

impl MakeDigests {
    /// The kind of the job.
    pub const KIND: &'static str = "make_digests";

    /// Enqueues one for everybody who wants it. What was held up into the next day is left: that day
    /// has its own.
    ///
    /// # Errors
    /// The database is away.
    pub async fn make(self, state: &State, tx: &mut Connection) -> Result<(), Error> {
        let now = state.clock.now();
        if time::date(now) != self.day {
            return Ok(());
        }
        let job = |account| -> Result<NewJob, Error> {
            Ok(NewJob {
                id: random::id(now),
                kind: MakeDigest::KIND,
                dedupe: format!("{}:{}:{account}", MakeDigest::KIND, self.day),
                payload: serde_json::to_value(MakeDigest { day: self.day, account })?,
                run_at: now,
                max_attempts: 10,
            })
        };
        let jobs = store::readers(tx).await?.into_iter().map(job).collect::<Result<Vec<_>, _>>()?;
        job::enqueue_all(tx, &jobs, now).await?;
        Ok(())
    }
}

/// Makes the summary of one person.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub struct MakeDigest {
    /// The day, in Asia/Shanghai.
    pub day: NaiveDate,
    /// Whose tasks.
    pub account: AccountId,
}

impl MakeDigest {
    /// The kind of the job.
    pub const KIND: &'static str = "make_digest";

    /// Tells a person for whom something waits, once a day (`event_digest_once`).
    ///
    /// # Errors
    /// The database is away.
    pub async fn make(self, state: &State, tx: &mut Connection) -> Result<(), Error> {
        let now = state.clock.now();
        if time::date(now) != self.day {
            return Ok(());
        }
        // Nobody else appends to the account's events meanwhile.
        accounts::lock(tx, self.account).await?;
        let counts = counts(tx, self.account, now).await?;
        if !counts.is_empty() {
            let told = [counts.event(self.account, self.day)];
            let last = event::append_next(tx, self.account.0, &told, None, now).await?;
            announce(tx, self.account.0, last, told.len(), now).await?;
        }
        Ok(())
    }
}

/// How much waits for somebody now.
pub(super) async fn counts(
    tx: &mut Connection,
    account: AccountId,
    now: Timestamp,
) -> Result<Counts, Error> {
    let tomorrow = time::date(now).checked_add_days(Days::new(1));
    let day_ends = tomorrow.map_or(now, time::start_of);
    Ok(store::counts(tx, account, now, day_ends).await?)
}
