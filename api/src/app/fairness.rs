//! Use cases of fairness (公平核查): what was just done is looked at by a job of its own transaction, and
//! what was found is reviewed by a person.

use domain::{
    decision::Decision,
    fairness::{Flag, Refused, Review, Reviewer, detect},
    id::{AccountId, ClaimId, FlagId, RedemptionId},
    refusal::Basic,
    time::Timestamp,
};
use infra::{
    postgres::{
        Connection,
        audit::{self, AuditEntry},
        fairness as store, identity as accounts,
        job::{self, NewJob},
    },
    random,
};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{case::Ask, notification::announce, transact};
use crate::{error::Error, state::State};

/// The job that looks at what was just done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "what", rename_all = "snake_case")]
pub enum Watch {
    /// A code was verified.
    Verified {
        /// Whose.
        redemption: RedemptionId,
    },
    /// Somebody checked in.
    CheckedIn {
        /// At which claim.
        claim: ClaimId,
    },
    /// Hours were confirmed.
    Confirmed {
        /// Of which claim.
        claim: ClaimId,
    },
}

impl Watch {
    /// The kind of the job.
    pub const KIND: &'static str = "watch_fairness";

    /// Each time that something is done is looked at by itself: hours that are corrected are looked at
    /// again.
    fn dedupe(self, now: Timestamp) -> String {
        let what = match self {
            Self::Verified { redemption } => format!("{}:verified:{redemption}", Self::KIND),
            Self::CheckedIn { claim } => format!("{}:checked_in:{claim}", Self::KIND),
            Self::Confirmed { claim } => format!("{}:confirmed:{claim}", Self::KIND),
        };
        format!("{what}:{}", now.timestamp_micros())
    }

    /// Runs the detectors that concern it. What they find is flagged once for each cause; nothing is
    /// refused and nobody is told.
    ///
    /// # Errors
    /// The database's.
    pub async fn look(
        self,
        tx: &mut Connection,
        state: &State,
        now: Timestamp,
    ) -> Result<(), Error> {
        let rules = &state.config.fairness;
        let found = match self {
            Self::Verified { redemption } => {
                let Some(last) = store::verified(tx, redemption).await? else { return Ok(()) };
                let of_clerk = store::by_clerk(tx, &last, rules).await?;
                let of_buyer = store::by_buyer(tx, &last, rules).await?;
                let workers = store::workers(tx, &last.merchant).await?;
                let works_there = accounts::same_person(tx, last.buyer, &workers).await?;
                vec![
                    detect::fast_verification(rules, &of_clerk, &last),
                    detect::same_buyer(rules, &of_buyer, &last),
                    detect::instant_verification(rules, &of_buyer, &last),
                    detect::own_shop(&last, works_there),
                ]
            }
            Self::CheckedIn { claim } => match store::check_ins(tx, claim).await?.as_slice() {
                [after, before] => vec![detect::impossible_travel(rules, before, after)],
                _ => Vec::new(),
            },
            Self::Confirmed { claim } => {
                let Some(last) = store::confirmed(tx, claim).await? else { return Ok(()) };
                let served = store::served(tx, &last, rules).await?;
                let organised = store::organised(tx, &last, rules).await?;
                vec![detect::always_maximum(rules, &served), detect::few_people(rules, &organised)]
            }
        };
        for one in found.into_iter().flatten() {
            store::raise(tx, random::id(now), &one, now).await?;
        }
        Ok(())
    }
}

/// Has what was just done looked at, once this transaction is committed.
///
/// # Errors
/// The database's.
pub(super) async fn watch(tx: &mut Connection, what: Watch, now: Timestamp) -> Result<(), Error> {
    let job = NewJob {
        id: random::id(now),
        kind: Watch::KIND,
        dedupe: what.dedupe(now),
        payload: serde_json::to_value(what)?,
        run_at: now,
        max_attempts: 5,
    };
    job::enqueue(tx, &job, now).await?;
    Ok(())
}

/// A flag that is locked, with who would take a step.
async fn locked(tx: &mut Connection, id: FlagId, ask: &Ask) -> Result<(Flag, AccountId), Error> {
    let by = ask.account().ok_or(Basic::Unauthenticated)?;
    let flag = store::lock(tx, id).await?.ok_or(Basic::NotFound)?;
    Ok((flag, by))
}

async fn stored(
    tx: &mut Connection,
    ask: &Ask,
    (action, by): (&'static str, AccountId),
    decision: Decision<Flag>,
    now: Timestamp,
) -> Result<Option<domain::id::JobId>, Error> {
    let Decision { state: flag, events } = decision;
    let last = store::save(tx, &flag, &events, by, now).await?;
    let data: Value = json!({ "kind": flag.kind, "status": flag.status });
    let entry = AuditEntry::new(action, "fairness_flag", flag.id, &ask.origin);
    audit::append(tx, &entry.by(ask.actor.as_ref()).with(data), now).await?;
    announce(tx, flag.id.0, last, events.len(), now).await
}

/// A reviewer's step: on a flag that nobody looked at, or on an appeal.
async fn judged(
    state: &State,
    ask: Ask,
    id: FlagId,
    action: &'static str,
    decide: impl FnOnce(&Flag, Reviewer, Timestamp) -> Result<Decision<Flag>, Refused> + Send + 'static,
) -> Result<(), Error> {
    let now = state.clock.now();
    let job = transact(&state.db, move |tx| {
        Box::pin(async move {
            let (flag, account) = locked(tx, id, &ask).await?;
            ask.check_version(flag.version)?;
            let is_party = accounts::same_person(tx, account, &flag.parties).await?;
            let first: Vec<AccountId> = flag.review.iter().map(|review| review.by).collect();
            let is_first = accounts::same_person(tx, account, &first).await?;
            let decision = decide(&flag, Reviewer { account, is_party, is_first }, now)?;
            stored(tx, &ask, (action, account), decision, now).await
        })
    })
    .await?;
    state.redis.wake(job.as_slice()).await;
    Ok(())
}

/// A reviewer upholds a flag, or clears it.
///
/// # Errors
/// There is none; it was reviewed; the reviewer is a party to it.
pub async fn review(state: &State, ask: Ask, id: FlagId, review: Review) -> Result<(), Error> {
    judged(state, ask, id, "fairness.review", move |flag, by, now| flag.review(&review, by, now))
        .await
}

/// Another reviewer decides on an appeal, for good.
///
/// # Errors
/// There is none; the same reviewer; a party.
pub async fn decide(state: &State, ask: Ask, id: FlagId, review: Review) -> Result<(), Error> {
    judged(state, ask, id, "fairness.decide_appeal", move |flag, by, now| {
        flag.decide(&review, by, now)
    })
    .await
}

/// Whom a flag concerns asks another reviewer to look, once.
///
/// # Errors
/// Not theirs, or not told to them; appealed before; too late.
pub async fn appeal(state: &State, ask: Ask, id: FlagId, text: String) -> Result<(), Error> {
    let now = state.clock.now();
    let rules = state.config.fairness.clone();
    let job = transact(&state.db, move |tx| {
        Box::pin(async move {
            let (flag, account) = locked(tx, id, &ask).await?;
            if flag.account != account || !flag.status.is_told() {
                return Err(Basic::NotFound.into());
            }
            ask.check_version(flag.version)?;
            let decision = flag.appeal(text, &rules, now)?;
            stored(tx, &ask, ("fairness.appeal", account), decision, now).await
        })
    })
    .await?;
    state.redis.wake(job.as_slice()).await;
    Ok(())
}
