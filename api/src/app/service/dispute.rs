//! Use cases of disputes (服务异议): raise, decide, withdraw. What is told stands in the claim's stream.

use domain::{
    decision::Decision,
    event::EventKind,
    id::{AccountId, ClaimId, DisputeId},
    refusal::Basic,
    service::{
        Refused, Status as ClaimStatus,
        dispute::{Dispute, Objection, Verdict},
    },
    time::Timestamp,
};
use infra::{
    postgres::{
        Connection, identity as accounts,
        service::{self as store, dispute as disputes, pause as pauses},
        violated,
    },
    random,
};
use serde_json::json;

use super::{Held, certified_by_another, move_up, organises, save, served};
use crate::{
    app::{
        case::{Ask, carry_out},
        fairness::{self, Watch},
        points,
    },
    error::Error,
    state::State,
};

/// Who served, or who was served, does not agree with what was decided.
///
/// # Errors
/// Not theirs; nothing was decided yet; the days are over; `already_disputed`.
pub async fn raise(
    state: &State,
    ask: Ask,
    claim: ClaimId,
    objection: Objection,
) -> Result<DisputeId, Error> {
    let id: DisputeId = random::id(state.clock.now());
    carry_out(state, move |tx, here, now| {
        Box::pin(async move {
            let by = ask.account().ok_or(Basic::Unauthenticated)?;
            let Held { post, claim } = Held::take(tx, claim).await?;
            if by != claim.account && post.requested_by != Some(by) {
                return Err(Basic::NotFound.into());
            }
            ask.check_version(claim.version)?;
            let rules = (&here.config.service, here.terms());
            let decision = claim.dispute(&post, (id, by, &objection), rules, now)?;
            disputes::insert(tx, &decision.state, &claim, &objection, now).await.map_err(once)?;
            let told = Decision { state: claim.clone(), events: decision.events };
            let job = save(tx, &ask, &told, now).await?;
            let data = json!({ "claim": claim.id });
            ask.record(tx, ("dispute.raise", "dispute", id.0), data, now).await?;
            Ok(job.into_iter().collect())
        })
    })
    .await?;
    Ok(id)
}

fn once(error: sqlx::Error) -> Error {
    match violated(&error) {
        Some("claim_dispute_once" | "claim_dispute_open") => Refused::AlreadyDisputed.into(),
        _ => error.into(),
    }
}

/// A dispute with its claim and post, all locked in the order post, claim, dispute.
async fn take(tx: &mut Connection, id: DisputeId) -> Result<(Held, Dispute), Error> {
    let claim = disputes::claim_of(tx, id).await?.ok_or(Basic::NotFound)?;
    let held = Held::take(tx, claim).await?;
    let dispute = disputes::lock(tx, id).await?.ok_or(Basic::NotFound)?;
    Ok((held, dispute))
}

/// Another officer than the first decides. A correction changes hours and points together; what
/// the points' own rule makes of them is told with it.
///
/// # Errors
/// Not one's own to organise; an illegal step; the rules of `domain::service::dispute`.
pub async fn decide(state: &State, ask: Ask, id: DisputeId, verdict: Verdict) -> Result<(), Error> {
    carry_out(state, move |tx, here, now| {
        Box::pin(async move {
            let by = ask.account().ok_or(Basic::Unauthenticated)?;
            let (held, dispute) = take(tx, id).await?;
            if !organises(&ask, &held.post.community) {
                return Err(Basic::NotFound.into());
            }
            ask.check_version(dispute.version)?;
            let ruled = dispute.decide((&held.claim, &held.post), &verdict, by, now)?;
            decided_by_another(tx, &held, &dispute, by).await?;
            let Held { post, claim } = held;
            let mut after = ruled.claim.clone().unwrap_or_else(|| claim.clone());
            let mut points = None;
            if ruled.claim.is_some() {
                accounts::lock(tx, claim.account).await?;
                let standing = store::standing(tx, claim.account, &post, now).await?;
                after.fits(&standing, &post)?;
                let given = points::correct_service(tx, here, &served(&post, &after), now).await?;
                after.points = after.minutes.map(|_| given);
                if after.status == ClaimStatus::Confirmed {
                    fairness::watch(tx, Watch::Confirmed { claim: claim.id }, now).await?;
                }
                points = Some(given);
            }
            let mut events = ruled.told(&claim, &post, points, &verdict.reason);
            if claim.missed() && !after.missed() && resumed(tx, &claim, now).await? {
                events.push(claim.event(EventKind::ClaimsResumed, &post, json!({})));
            }
            let decided = disputes::Decided { by, reason: &verdict.reason, points };
            disputes::save(tx, &ruled.dispute, Some(decided), now).await?;
            let (before, status) = (claim.status.holds_place(), after.status);
            let told = Decision { state: after, events };
            let saved = save(tx, &ask, &told, now).await?;
            let mut jobs: Vec<_> = saved.into_iter().collect();
            if before != status.holds_place() {
                if status == ClaimStatus::Confirmed {
                    store::make_room(tx, &post).await?;
                }
                let post = store::recount(tx, &post).await?;
                jobs.extend(move_up(tx, here, &ask, post, now).await?);
            }
            let data = json!({ "outcome": ruled.dispute.status, "minutes": verdict.minutes });
            ask.record(tx, ("dispute.decide", "dispute", id.0), data, now).await?;
            Ok(jobs)
        })
    })
    .await
}

/// Whoever looks again is none of those whom it concerns, nor the first who decided, under another
/// account either.
async fn decided_by_another(
    tx: &mut Connection,
    held: &Held,
    dispute: &Dispute,
    by: AccountId,
) -> Result<(), Error> {
    certified_by_another(tx, held, by).await?;
    if accounts::same_person(tx, by, &[dispute.raised_by]).await? {
        return Err(Refused::OwnService.into());
    }
    if let Some(first) = dispute.first
        && accounts::same_person(tx, by, &[first]).await?
    {
        return Err(Refused::SameDecider.into());
    }
    Ok(())
}

/// Ends what pauses a claim that was no miss at all had a part in.
async fn resumed(
    tx: &mut Connection,
    claim: &domain::service::Claim,
    now: Timestamp,
) -> Result<bool, Error> {
    let since = claim.settled.as_ref().map_or(now, |settled| settled.at);
    Ok(pauses::lift_since(tx, claim.account, since, now).await?)
}

/// Whoever raised it takes it back.
///
/// # Errors
/// Another's; an illegal step.
pub async fn withdraw(state: &State, ask: Ask, id: DisputeId) -> Result<(), Error> {
    carry_out(state, move |tx, _, now| {
        Box::pin(async move {
            let (Held { post, claim }, dispute) = take(tx, id).await?;
            if ask.account() != Some(dispute.raised_by) {
                return Err(Basic::NotFound.into());
            }
            ask.check_version(dispute.version)?;
            let decision = dispute.withdraw(&claim, &post)?;
            disputes::save(tx, &decision.state, None, now).await?;
            let told = Decision { state: claim, events: decision.events };
            let job = save(tx, &ask, &told, now).await?;
            ask.record(tx, ("dispute.withdraw", "dispute", id.0), serde_json::Value::Null, now)
                .await?;
            Ok(job.into_iter().collect())
        })
    })
    .await
}
