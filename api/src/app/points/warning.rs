//! Warning people of points that are about to run out, once for each date and each of the days that
//! are configured.

use domain::{
    event::{EventKind, NewEvent, Visibility},
    id::JobId,
    time::Timestamp,
};
use infra::{
    postgres::{
        Connection,
        job::{self, NewJob},
        points::{self as store, warning},
    },
    random,
};
use serde_json::json;

use super::reversal::tell;
use crate::{error::Error, state::State};

/// People who are warned in one transaction.
const BATCH: i64 = 200;

/// The chore that warns people. It runs once a day, at 08:00 in Asia/Shanghai.
#[derive(Debug, Clone, Copy, serde::Serialize, serde::Deserialize)]
pub struct WarnExpiring {}

impl WarnExpiring {
    /// The kind of the job.
    pub const KIND: &'static str = "warn_expiring_points";
}

/// Warns so many people of one date; while there may be more, of it or of a later one, another job
/// follows. Accounts are locked in ascending order, and those of the next date by another transaction:
/// begun again from the first in this one, they could close a circle with whoever locks in order.
///
/// # Errors
/// The database's.
pub async fn warn(tx: &mut Connection, state: &State, now: Timestamp) -> Result<(), Error> {
    let rules = &state.config.points;
    for at in warning::dates(tx, now, rules.warned_until(now)).await? {
        let Some(days) = rules.warning_due(at, now).and_then(|days| i32::try_from(days).ok())
        else {
            continue;
        };
        let unwarned = warning::unwarned(tx, (at, days), BATCH).await?;
        if unwarned.is_empty() {
            continue;
        }
        for due in unwarned {
            store::lock(tx, due.account).await?;
            if !warning::warned(tx, &due, days, now).await? {
                continue;
            }
            let told = NewEvent::new(EventKind::PointsExpiring, Visibility::Reporter)
                .with(json!({ "account": due.account, "points": due.points, "at": at }));
            tell(tx, due.account, &[told], None, now).await?;
        }
        let id: JobId = random::id(now);
        let job = NewJob {
            id,
            kind: WarnExpiring::KIND,
            dedupe: format!("{}:{id}", WarnExpiring::KIND),
            payload: json!({}),
            run_at: now,
            max_attempts: 10,
        };
        job::enqueue(tx, &job, now).await?;
        break;
    }
    Ok(())
}
