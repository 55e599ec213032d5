//! Posts that ended though nobody said who came: the community is reminded, and days later whoever
//! never checked in is noted as not come, and told.

use chrono::TimeDelta;
use domain::{
    decision::Decision,
    event::{EventKind, Visibility},
    id::{AccountId, JobId, PostId},
    refusal::Basic,
    service::Status,
    time::Timestamp,
};
use infra::{
    postgres::{
        Connection,
        job::{self, NewJob},
        service::{self as store, Which, attendance, hours},
    },
    random,
};
use serde_json::json;

use super::{Held, save};
use crate::{app::case::Ask, error::Error, state::State};

/// How far back is looked: long after the last working day on which something happens by itself.
const BACK: TimeDelta = TimeDelta::days(120);
/// How long after the end a community is reminded.
const REMIND: TimeDelta = TimeDelta::hours(12);
/// Posts that are looked at in one go.
const BATCH: i64 = 500;

/// The chore that looks for posts whose hours nobody confirmed.
#[derive(Debug, Clone, Copy, serde::Serialize, serde::Deserialize)]
pub struct WatchAttendance {}

impl WatchAttendance {
    /// The kind of the job.
    pub const KIND: &'static str = "watch_attendance";

    /// Enqueues what is due at each post: a job of its own, which locks that post alone.
    ///
    /// # Errors
    /// The database's.
    pub async fn watch(
        self,
        tx: &mut Connection,
        state: &State,
        now: Timestamp,
    ) -> Result<(), Error> {
        // All of them, batch by batch: those that only wait for their day must not stand before the
        // newer ones for ever.
        let mut after = None;
        loop {
            let batch = attendance::unsettled(tx, now - BACK, now - REMIND, after, BATCH).await?;
            let mut jobs = Vec::new();
            for one in &batch {
                let absent = now >= absent_at(state, one.ended_at);
                if absent || !one.reminded {
                    jobs.push(settle(one.post, absent, now)?);
                }
            }
            job::enqueue_all(tx, &jobs, now).await?;
            let Some(last) = batch.last() else { return Ok(()) };
            after = Some((last.ended_at, last.post));
        }
    }
}

/// From when on whoever never checked in at a post is noted as not come.
pub(in crate::app) fn absent_at(state: &State, ended_at: Timestamp) -> Timestamp {
    state.terms().calendar.add_working_days(ended_at, state.config.service.absent_days)
}

fn settle(post: PostId, absent: bool, now: Timestamp) -> Result<NewJob, Error> {
    Ok(NewJob {
        id: random::id(now),
        kind: SettleAttendance::KIND,
        dedupe: format!("{}:{post}:{absent}", SettleAttendance::KIND),
        payload: serde_json::to_value(SettleAttendance { post })?,
        run_at: now,
        max_attempts: 10,
    })
}

/// The job that does what is due at one post.
#[derive(Debug, Clone, Copy, serde::Serialize, serde::Deserialize)]
pub struct SettleAttendance {
    /// The post.
    pub post: PostId,
}

impl SettleAttendance {
    /// The kind of the job.
    pub const KIND: &'static str = "settle_attendance";

    /// Reminds the community once; notes who never checked in when the days have passed.
    ///
    /// # Errors
    /// The database's.
    pub async fn settle(
        self,
        tx: &mut Connection,
        state: &State,
        now: Timestamp,
    ) -> Result<(), Error> {
        let ask = Ask::worker();
        let post = store::lock_post(tx, self.post).await?.ok_or(Basic::NotFound)?;
        if post.cancelled_at.is_some() || now < post.ends_at {
            return Ok(());
        }
        let mut open = store::lock_claims(tx, post.id, Which::Open).await?;
        open.retain(|claim| claim.status.holds_place());
        let absent_at = absent_at(state, post.ends_at);
        if now >= absent_at {
            // Who misses one too many pauses: all of them in the order in which accounts are locked.
            let absent = open.iter().filter(|claim| claim.status == Status::Claimed);
            let absent: Vec<AccountId> = absent.map(|claim| claim.account).collect();
            hours::lock(tx, &absent).await?;
            for claim in open.iter().filter(|claim| claim.status == Status::Claimed) {
                let held = Held { post: post.clone(), claim: claim.clone() };
                let decision = claim.absent(&post, now)?;
                let _: Vec<JobId> =
                    held.store(tx, state, &ask, ("claim.absent", &decision), now).await?;
            }
            open.retain(|claim| claim.status != Status::Claimed);
        }
        let count = open.len();
        if let Some(first) = open.into_iter().next()
            && attendance::reminded(tx, post.id, now).await?
        {
            let data = json!({ "open": count, "absent_at": absent_at });
            let mut told = first.event(EventKind::AttendanceDue, &post, data);
            told.visibility = Visibility::Unit;
            save(tx, &ask, &Decision::one(first, told), now).await?;
        }
        Ok(())
    }
}
