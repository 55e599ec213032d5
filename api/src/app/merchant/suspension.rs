//! Suspending a merchant (暂停合作): nothing of its offers is redeemed, and whoever holds a code has
//! points and piece back, in batches, each once.

use domain::{
    event::EventKind,
    id::{JobId, SuspensionId},
    merchant::Refused,
    offer::MerchantCode,
    redemption::Step,
    time::Timestamp,
};
use infra::{
    postgres::{
        Connection,
        job::{self, NewJob},
        merchant::suspension as store,
        points,
        redemption::{self, By, till as tills},
        violated,
    },
    random,
};
use serde_json::{Value, json};

use super::{lock_kept, record};
use crate::{
    app::{case::Ask, notification::announce, redemption::till::told, transact},
    error::Error,
    state::State,
};

/// Codes that are taken back in one transaction.
const BATCH: i64 = 100;

/// Suspends a merchant.
///
/// # Errors
/// There is none; stale; it is suspended already.
pub async fn suspend(
    state: &State,
    ask: Ask,
    merchant: MerchantCode,
    reason: String,
) -> Result<(), Error> {
    let now = state.clock.now();
    let job = transact(&state.db, move |tx| {
        Box::pin(async move {
            lock_kept(tx, &ask, &merchant).await?;
            let by = ask.account().ok_or(domain::refusal::Basic::Unauthenticated)?;
            let id = random::id(now);
            store::begin(tx, id, &merchant, &reason, by, now).await.map_err(
                |error| match violated(&error) {
                    Some("merchant_suspension_open") => Refused::Suspended.into(),
                    _ => Error::from(error),
                },
            )?;
            let object = ("merchant", merchant.as_str());
            record(tx, &ask, "merchant.suspend", object, Value::Null, now).await?;
            Ok(job::enqueue(tx, &ReturnHolds { suspension: id }.job(now), now).await?)
        })
    })
    .await?;
    state.redis.wake(job.as_slice()).await;
    Ok(())
}

/// Lifts a suspension; the merchant's offers can be redeemed again.
///
/// # Errors
/// There is no such merchant; stale; it is not suspended.
pub async fn lift(
    state: &State,
    ask: Ask,
    merchant: MerchantCode,
    reason: String,
) -> Result<(), Error> {
    let now = state.clock.now();
    transact(&state.db, move |tx| {
        Box::pin(async move {
            lock_kept(tx, &ask, &merchant).await?;
            let by = ask.account().ok_or(domain::refusal::Basic::Unauthenticated)?;
            if !store::lift(tx, &merchant, &reason, by, now).await? {
                return Err(Refused::NotSuspended.into());
            }
            let object = ("merchant", merchant.as_str());
            record(tx, &ask, "merchant.lift", object, Value::Null, now).await
        })
    })
    .await
}

/// The job that takes back the codes of a suspended merchant's offers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct ReturnHolds {
    /// The suspension.
    pub suspension: SuspensionId,
}

impl ReturnHolds {
    /// The kind of the job.
    pub const KIND: &'static str = "return_holds";

    fn job(self, now: Timestamp) -> NewJob {
        let id: JobId = random::id(now);
        NewJob {
            id,
            kind: Self::KIND,
            dedupe: format!("{}:{}:{id}", Self::KIND, self.suspension),
            payload: json!({ "suspension": self.suspension }),
            run_at: now,
            max_attempts: 20,
        }
    }

    /// Takes a batch back and asks for the next while there are more. Each code ends once: one that
    /// is verified or cancelled meanwhile stays so, and one that has run out comes back by itself.
    ///
    /// # Errors
    /// The database's.
    pub async fn give_back(self, tx: &mut Connection, now: Timestamp) -> Result<(), Error> {
        let Some(merchant) = store::open(tx, self.suspension).await? else { return Ok(()) };
        let holders = store::holders(tx, &merchant, BATCH, now).await?;
        for id in &holders {
            let Some(place) = redemption::find(tx, By::Id(*id)).await? else { continue };
            points::lock(tx, place.account).await?;
            let locked = redemption::lock(tx, *id).await?.redemption;
            let Ok(status) = locked.step(Step::Cancel, now) else { continue };
            redemption::release(tx, *id, status, now).await?;
            let event = told(EventKind::RedemptionReturned, &place);
            let last = tills::tell(tx, *id, &[event], None, now).await?;
            announce(tx, id.0, last, 1, now).await?;
        }
        if !holders.is_empty() {
            job::enqueue(tx, &self.job(now), now).await?;
        }
        Ok(())
    }
}
