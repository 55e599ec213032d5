//! Use cases of objections to a quarter in public notice (公示异议).

use domain::{
    id::{ObjectionId, ScoreEntryId, ScoreSettlementId},
    refusal::Basic,
    scope::Scope,
    score::{Refused, quarterly as settlement},
};
use infra::{postgres::score as store, random};
use serde_json::json;

use super::{
    super::{
        case::{Ask, carry_out},
        notification::announce,
        transact,
    },
    actor, held, lock, save, view,
};
use crate::{error::Error, state::State};

/// Somebody of the branch objects to what is in public notice.
///
/// # Errors
/// Not of the branch; not in public notice; no such entry in it; an objection of theirs is open.
pub async fn object(
    state: &State,
    ask: Ask,
    id: ScoreSettlementId,
    (entry, words): (Option<ScoreEntryId>, String),
) -> Result<(), Error> {
    carry_out(state, move |tx, state, now| {
        Box::pin(async move {
            let by = actor(&ask)?;
            let settlement = lock(tx, id).await?;
            let own = store::subject(tx, &Scope::of(by), None).await?;
            // Only who may see the notice knows that there is one.
            let shown = matches!(
                settlement.status,
                settlement::Status::Notice | settlement::Status::Locked
            );
            if !shown || own.is_none_or(|own| own.branch != settlement.branch) {
                let kept = store::branch(tx, &Scope::of(by), &settlement.branch).await?;
                let refused = kept.map(|_| Error::from(Refused::NotMember));
                return Err(refused.unwrap_or_else(|| Basic::NotFound.into()));
            }
            let decision = settlement.object(by.account, now)?;
            if let Some(entry) = entry
                && !store::objection::is_part(tx, &settlement, entry).await?
            {
                return Err(Refused::NoEntry.into());
            }
            let words = state.crypto.seal(view::OBJECTION, words.as_bytes());
            let made: ObjectionId = random::id(now);
            let stored =
                store::objection::insert(tx, made, (id, entry), &words, (by.account, now)).await;
            stored.map_err(|error| held(error, settlement.quarter))?;
            let data = json!({ "objection": made, "entry": entry });
            ask.record(tx, ("score.object", "score_settlement", id.0), data, now).await?;
            save(tx, decision, Some(by.account), now).await
        })
    })
    .await
}

/// The organisation decides an objection: an upheld one strikes the entry that it names.
///
/// # Errors
/// Not of one's part of the register; decided already; one's own objection or entry.
pub async fn decide(
    state: &State,
    ask: Ask,
    id: ObjectionId,
    (upheld, reason): (bool, String),
) -> Result<ScoreSettlementId, Error> {
    let now = state.clock.now();
    let (settlement, jobs) = transact(&state.db, move |tx| {
        Box::pin(async move {
            let by = actor(&ask)?;
            let scope = Scope::of(by);
            let quarter = store::read::settlement_of(tx, &scope, id).await?;
            let settlement = lock(tx, quarter.ok_or(Basic::NotFound)?).await?;
            let objection = store::objection::lock(tx, id).await?.ok_or(Basic::NotFound)?;
            if objection.decided_at.is_some() {
                return Err(Refused::ObjectionDecided.into());
            }
            let decision = settlement.decide(objection.account, (upheld, &reason), by.account)?;
            let mut jobs = Vec::new();
            if let Some(entry) = objection.entry.filter(|_| upheld) {
                let entry = store::lock_entry(tx, &scope, entry).await?.ok_or(Basic::NotFound)?;
                let struck = entry.strike(reason.clone(), by.account, now)?;
                let last =
                    store::save_entry(tx, &struck.state, &struck.events, by.account, now).await?;
                jobs.extend(announce(tx, entry.id.0, last, struck.events.len(), now).await?);
            }
            store::objection::decide(tx, id, (upheld, &reason), (by.account, now)).await?;
            let data = json!({ "upheld": upheld, "settlement": settlement.id });
            ask.record(tx, ("score.decide", "score_objection", id.0), data, now).await?;
            jobs.extend(save(tx, decision, Some(by.account), now).await?);
            Ok((settlement.id, jobs))
        })
    })
    .await?;
    state.redis.wake(&jobs).await;
    Ok(settlement)
}
