//! Monthly bulletins (月度通报): months are frozen by the worker and published by a supervisor.

use domain::{
    bulletin::{self, Refused},
    identity::Actor,
    refusal::Basic,
    time::{Month, Timestamp},
};
use infra::postgres::{
    Connection,
    audit::{self, AuditEntry, Origin},
    bulletin::{self as store, read},
};
use serde_json::json;

use super::transact;
use crate::{error::Error, state::State};

/// The job that freezes each month whose appeals are closed.
#[derive(Debug, Clone, Copy, serde::Serialize, serde::Deserialize)]
pub struct FreezeMonths {}

impl FreezeMonths {
    /// The kind of the job.
    pub const KIND: &'static str = "freeze_months";
}

/// Freezes every month that is due, the earliest first, each once: a second freezer waits for the
/// first and finds nothing left to do.
///
/// # Errors
/// The database's.
pub async fn freeze_due(tx: &mut Connection, state: &State, now: Timestamp) -> Result<(), Error> {
    let rules = &state.config.rates;
    store::take_turns(tx).await?;
    let Some(mut month) = store::next_to_freeze(tx).await? else { return Ok(()) };
    while bulletin::freezes_at(month, state.calendars.current(), rules) <= now {
        store::freeze(tx, month, rules, state.terms(), now).await?;
        let origin = Origin::default();
        let entry = AuditEntry::new("bulletin.freeze", "bulletin", month, &origin);
        audit::append(tx, &entry.with(json!({ "version": rules.version })), now).await?;
        tracing::info!(%month, "froze the month's figures");
        month = month.next();
    }
    Ok(())
}

/// Publishes the bulletin of a frozen month, once; from then on every member of the staff reads it.
///
/// # Errors
/// The month is not frozen; it is published already.
pub async fn publish(
    state: &State,
    actor: Actor,
    origin: Origin,
    month: Month,
) -> Result<(), Error> {
    let now = state.clock.now();
    transact(&state.db, move |tx| {
        Box::pin(async move {
            if read::frozen(tx, month).await?.is_none() {
                return Err(Basic::NotFound.into());
            }
            if !store::publish(tx, month, actor.account, now).await? {
                return Err(Refused::Published.into());
            }
            let entry = AuditEntry::new("bulletin.publish", "bulletin", month, &origin);
            audit::append(tx, &entry.by(&actor), now).await?;
            Ok(())
        })
    })
    .await
}
