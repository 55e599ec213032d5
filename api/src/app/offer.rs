//! Offers (优惠): publishing them.

use domain::{id::OfferId, identity::Actor, offer::NewOffer, refusal::Invalid};
use infra::{
    postgres::{
        audit::{self, AuditEntry, Origin},
        offer as store,
    },
    random,
};
use serde_json::json;

use super::transact;
use crate::{error::Error, state::State};

/// Publishes an offer at once.
///
/// # Errors
/// There is no such merchant.
pub async fn publish(
    state: &State,
    actor: &Actor,
    origin: Origin,
    offer: NewOffer,
) -> Result<OfferId, Error> {
    let (now, by) = (state.clock.now(), actor.clone());
    transact(&state.db, move |tx| {
        Box::pin(async move {
            if !store::has_merchant(tx, &offer.merchant).await? {
                let reason = "没有这个商户，请核对商户代码";
                return Err(Invalid::field("merchant", reason).into());
            }
            let id = random::id(now);
            store::publish(tx, id, &offer, Some(by.account), now).await?;
            let published = json!({ "points": offer.points, "stock": offer.stock });
            let entry = AuditEntry::new("offer.publish", "offer", id, &origin);
            audit::append(tx, &entry.by(&by).with(published), now).await?;
            Ok(id)
        })
    })
    .await
}
