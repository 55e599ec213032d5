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
        event,
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

/// Makes the summaries of a day.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub struct MakeDigests {
    /// The day, in Asia/Shanghai.
    pub day: NaiveDate,
}

impl MakeDigests {
    /// The kind of the job.
    pub const KIND: &'static str = "make_digests";

    /// Tells everyone for whom something waits, once a day (`event_digest_once`). What was held up into
    /// the next day is left: that day has its own.
    ///
    /// # Errors
    /// The database is away.
    pub async fn make(self, state: &State, tx: &mut Connection) -> Result<(), Error> {
        let now = state.clock.now();
        if time::date(now) != self.day {
            return Ok(());
        }
        for account in store::readers(tx).await? {
            let counts = counts(tx, account, now).await?;
            if !counts.is_empty() {
                let told = [counts.event(account, self.day)];
                let last = event::append_next(tx, account.0, &told, None, now).await?;
                announce(tx, account.0, last, told.len(), now).await?;
            }
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
