//! Chores (定期清理): periodic jobs. The key of each is its kind and its period's number, so that of
//! all workers one enqueues it, and one runs it.

use domain::time::Timestamp;
use infra::{
    postgres::{
        Connection, idempotency,
        identity::{phone_code, session},
        job::{self, NewJob},
    },
    random,
};
use serde::Deserialize;

use super::{
    announcement::EndAnnouncements,
    attachment::SweepAttachments,
    audit::{MakeAuditMonths, SealAudit},
    bulletin::FreezeMonths,
    calendar::WarnCalendar,
    delivery::PlanDigests,
    export::SweepExports,
    grant::ExpireGrants,
    guide::RemindGuides,
    household::RemindVisits,
    merchant::{ReleaseBudgets, SettleMonths},
    points::{ExpirePoints, ReconcileLedger, SetOff, WarnExpiring},
    privacy::{FollowErasures, SweepOld},
    registration::FollowServiceYear,
    runner::Job,
    score::LockScores,
    screening::ReferUnscreened,
    service::WatchAttendance,
};
use crate::{error::Error, state::State};

/// Seconds in a minute.
const MINUTE: i64 = 60;
/// Seconds in an hour.
const HOUR: i64 = 3600;
/// Seconds in a day.
const DAY: i64 = 24 * HOUR;
/// How long a done job and the tokens of an ended session are kept, in days. A job's key stays
/// taken so long, and nothing repeats later.
const KEPT_DAYS: i64 = 7;
/// How long codes sent to phones are kept, in days; those of one day are counted.
const CODES_DAYS: i64 = 2;

/// The chores and how often each runs, in seconds.
pub(super) const CHORES: &[(&str, i64)] = &[
    (SweepIdempotency::KIND, HOUR),
    (SweepJobs::KIND, HOUR),
    (SweepSessions::KIND, HOUR),
    (SweepAttachments::KIND, HOUR),
    (SweepExports::KIND, HOUR),
    (ExpirePoints::KIND, HOUR),
    (FreezeMonths::KIND, HOUR),
    (ReleaseBudgets::KIND, HOUR),
    (SettleMonths::KIND, HOUR),
    (LockScores::KIND, HOUR),
    (ExpireGrants::KIND, MINUTE),
    (WatchAttendance::KIND, HOUR),
    (FollowServiceYear::KIND, HOUR),
    (SealAudit::KIND, MINUTE),
    (ReferUnscreened::KIND, 5 * MINUTE),
    (EndAnnouncements::KIND, HOUR),
    (FollowErasures::KIND, HOUR),
    (ReconcileLedger::KIND, MINUTE),
    (SetOff::KIND, MINUTE),
    (MakeAuditMonths::KIND, DAY),
    (WarnCalendar::KIND, DAY),
    (WarnExpiring::KIND, DAY),
    (SweepOld::KIND, DAY),
    // The day of this clock begins at 08:00 in 平城区, when people may be told something.
    (RemindVisits::KIND, DAY),
    (RemindGuides::KIND, DAY),
    (PlanDigests::KIND, DAY),
];

/// What no later run takes back.
const IRREVERSIBLE: &[&str] = &[
    EndAnnouncements::KIND,
    ExpireGrants::KIND,
    ExpirePoints::KIND,
    FollowErasures::KIND,
    FollowServiceYear::KIND,
    FreezeMonths::KIND,
    LockScores::KIND,
    PlanDigests::KIND,
    RemindGuides::KIND,
    RemindVisits::KIND,
    SettleMonths::KIND,
    SweepOld::KIND,
    WarnExpiring::KIND,
    WatchAttendance::KIND,
];

/// What this worker has enqueued: the last period's number of each chore.
#[derive(Debug, Default)]
pub struct Schedule {
    enqueued: std::collections::HashMap<&'static str, i64>,
}

impl Schedule {
    /// Enqueues the chores whose period has begun. Without `agreed` clocks nothing is done that no
    /// later run takes back.
    pub async fn enqueue_due(&mut self, state: &State, agreed: bool) {
        let now = state.clock.now();
        let mut due = self.due(now);
        due.retain(|(kind, _)| agreed || !IRREVERSIBLE.contains(kind));
        if due.is_empty() {
            return;
        }
        let jobs: Vec<NewJob> =
            due.iter().map(|(kind, period)| chore(kind, *period, now)).collect();
        let enqueued = async {
            let mut conn = state.db.acquire().await?;
            job::enqueue_all(&mut conn, &jobs, now).await
        };
        match enqueued.await {
            Ok(_) => self.enqueued.extend(due),
            Err(error) => tracing::warn!(%error, "chores not enqueued"),
        }
    }

    fn due(&self, now: Timestamp) -> Vec<(&'static str, i64)> {
        CHORES
            .iter()
            .map(|(kind, seconds)| (*kind, now.timestamp().div_euclid(*seconds)))
            .filter(|(kind, period)| self.enqueued.get(kind) != Some(period))
            .collect()
    }
}

fn chore(kind: &'static str, period: i64, now: Timestamp) -> NewJob {
    NewJob {
        id: random::id(now),
        kind,
        dedupe: format!("{kind}:{period}"),
        payload: serde_json::json!({}),
        run_at: now,
        max_attempts: 5,
    }
}

/// Removes answers kept for idempotency keys that are older than a day.
#[derive(Debug, Deserialize)]
pub struct SweepIdempotency {}

impl Job for SweepIdempotency {
    const KIND: &'static str = "sweep_idempotency";

    async fn run(self, state: &State, tx: &mut Connection) -> Result<(), Error> {
        let expired = state.clock.now() - chrono::TimeDelta::days(1);
        while idempotency::sweep(tx, expired).await? > 0 {}
        Ok(())
    }
}

/// Removes jobs that were done a week ago.
#[derive(Debug, Deserialize)]
pub struct SweepJobs {}

impl Job for SweepJobs {
    const KIND: &'static str = "sweep_jobs";

    async fn run(self, state: &State, tx: &mut Connection) -> Result<(), Error> {
        let before = state.clock.now() - chrono::TimeDelta::days(KEPT_DAYS);
        job::sweep_done(tx, before).await?;
        Ok(())
    }
}

/// Ends the sessions that ran out, and forgets the refresh tokens of those that ended a while ago:
/// until then the reuse of one is recognised. Forgets the codes sent to phones.
#[derive(Debug, Deserialize)]
pub struct SweepSessions {}

impl Job for SweepSessions {
    const KIND: &'static str = "sweep_sessions";

    async fn run(self, state: &State, tx: &mut Connection) -> Result<(), Error> {
        let now = state.clock.now();
        session::sweep(tx, now - chrono::TimeDelta::days(KEPT_DAYS), now).await?;
        phone_code::sweep(tx, now - chrono::TimeDelta::days(CODES_DAYS)).await?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_chore_is_due_once_in_each_period_and_has_one_key_for_all_workers() {
        let at = |text: &str| text.parse::<Timestamp>().unwrap();
        let mut schedule = Schedule::default();
        let due = schedule.due(at("2026-11-24T08:59:59Z"));
        assert_eq!(due.len(), CHORES.len());
        schedule.enqueued.extend(due.clone());
        assert!(schedule.due(at("2026-11-24T08:59:00Z")).is_empty());
        let minutely: Vec<_> =
            schedule.due(at("2026-11-24T08:00:00Z")).into_iter().map(|(kind, _)| kind).collect();
        assert_eq!(
            minutely,
            [
                ExpireGrants::KIND,
                SealAudit::KIND,
                ReferUnscreened::KIND,
                ReconcileLedger::KIND,
                SetOff::KIND
            ],
            "another minute of the same hour"
        );

        let next = schedule.due(at("2026-11-24T09:00:00Z"));
        let hourly = CHORES.iter().filter(|(_, period)| *period <= HOUR);
        assert_eq!(next.len(), hourly.count(), "a daily one waits for its day");
        let key = |(kind, period): (&'static str, i64)| {
            chore(kind, period, at("2026-11-24T09:00:00Z")).dedupe
        };
        assert_ne!(key(due[0]), key(next[0]));
        assert_eq!(key(next[0]), key(Schedule::default().due(at("2026-11-24T09:30:00Z"))[0]));
    }
}
