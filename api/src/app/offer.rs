//! Offers (优惠): publishing them, or drafting and reviewing; more pieces; pausing and ending; and the
//! budgets that pay for them. Locks: merchant → offer → budget.

use domain::{
    attachment::Chosen,
    id::{BudgetId, OfferId},
    identity::{Actor, Role},
    merchant::settlement::yuan,
    offer::{Batch, MerchantCode, NewOffer, Offer, Refused, Status, Step},
    refusal::{Basic, Invalid},
    time::Timestamp,
};
use infra::{
    postgres::{
        Connection,
        attachment::Target,
        audit::{self, AuditEntry, Origin},
        offer::{self as store, Written, budget},
        violated,
    },
    random,
};
use serde::Serialize;
use serde_json::{Value, json};

use super::{
    attachment::attach,
    case::Ask,
    idempotent::{self, Answer, Once},
    transact,
};
use crate::{error::Error, state::State};

/// What was made under a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[schema(as = OfferMade)]
pub struct Made {
    /// 优惠编号
    pub id: OfferId,
    /// 状态
    pub status: Status,
    /// 版本
    #[schema(example = 2)]
    pub version: i64,
}

/// Whether an actor keeps a merchant's shop: its manager, or an organiser.
pub(super) fn keeps(actor: Option<&Actor>, merchant: &str) -> bool {
    actor.is_some_and(|actor| {
        actor.grants.iter().any(|grant| match grant.role {
            Role::Organiser => true,
            Role::MerchantManager => grant.scope == merchant,
            _ => false,
        })
    })
}

/// Publishes an offer at once.
///
/// # Errors
/// There is no such merchant, or it is suspended; no such budget, or it would be exceeded.
pub async fn publish(
    state: &State,
    actor: &Actor,
    origin: Origin,
    offer: NewOffer,
) -> Result<OfferId, Error> {
    let (now, by) = (state.clock.now(), actor.clone());
    transact(&state.db, move |tx| {
        Box::pin(async move {
            active(tx, &offer.merchant).await?;
            let id = random::id(now);
            store::publish(tx, id, &offer, Some(by.account), now).await.map_err(no_budget)?;
            commit(tx, id, offer.details.funding.budget, offer.details.funding.of(offer.stock))
                .await?;
            let published = json!({ "points": offer.points, "stock": offer.stock });
            let entry = AuditEntry::new("offer.publish", "offer", id, &origin);
            audit::append(tx, &entry.by(&by).with(published), now).await?;
            Ok(id)
        })
    })
    .await
}

/// Refuses a merchant that is missing or suspended, and keeps it from being suspended meanwhile.
async fn active(tx: &mut Connection, merchant: &MerchantCode) -> Result<(), Error> {
    match store::suspended(tx, merchant).await? {
        None => Err(Invalid::field("merchant", "没有这个商户，请核对商户代码").into()),
        Some(true) => Err(Refused::Suspended.into()),
        Some(false) => Ok(()),
    }
}

fn no_budget(error: sqlx::Error) -> Error {
    match violated(&error) {
        Some("offer_budget_fkey") => {
            Invalid::field("budget", "没有这笔预算，请从列表中选择").into()
        }
        _ => error.into(),
    }
}

/// Commits so much of a budget for a locked offer, under the budget's lock; less than nothing frees it.
pub(super) async fn commit(
    tx: &mut Connection,
    offer: OfferId,
    id: Option<BudgetId>,
    fen: i64,
) -> Result<(), Error> {
    let Some(id) = id else { return Ok(()) };
    let found = budget::lock(tx, id).await?.ok_or(Basic::NotFound)?;
    let left = found.cap_fen - found.committed_fen;
    if fen > left {
        let (left, wanted) = (yuan(left), yuan(fen));
        return Err(Refused::BudgetExceeded { name: found.name, left, wanted }.into());
    }
    budget::commit(tx, offer, id, fen).await.map_err(|error| match violated(&error) {
        // Beyond the cap was refused above: this is more than there is to take back.
        Some("offer_committed" | "budget_not_exceeded") => {
            Invalid::field("fen", "扣回的不能超过这项优惠占用的预算，请核对金额").into()
        }
        _ => error.into(),
    })
}

/// Writes a draft for a merchant, once for each key.
///
/// # Errors
/// Not the caller's merchant (missing); it is suspended; the key was used for another.
pub async fn draft(
    state: &State,
    ask: Ask,
    once: Once,
    offer: NewOffer,
) -> Result<Answer<()>, Error> {
    let now = state.clock.now();
    idempotent::run(state, once, 201, move |tx| {
        Box::pin(async move {
            if !keeps(ask.actor.as_ref(), offer.merchant.as_str()) {
                return Err(Basic::NotFound.into());
            }
            active(tx, &offer.merchant).await?;
            let (id, status) = (random::id(now), Status::Draft);
            let written = Written { id, status, by: ask.account(), at: now };
            store::insert(tx, written, &offer).await.map_err(no_budget)?;
            record(tx, &ask, "offer.draft", id, Value::Null, now).await?;
            Ok((Made { id, status, version: 1 }, ()))
        })
    })
    .await
}

async fn record(
    tx: &mut Connection,
    ask: &Ask,
    action: &'static str,
    id: OfferId,
    data: Value,
    now: Timestamp,
) -> Result<(), Error> {
    let entry = AuditEntry::new(action, "offer", id, &ask.origin);
    Ok(audit::append(tx, &entry.by(ask.actor.as_ref()).with(data), now).await?)
}

/// An offer of a shop that the caller keeps, locked; another's is missing.
async fn lock_kept(tx: &mut Connection, ask: &Ask, id: OfferId) -> Result<Offer, Error> {
    let offer = store::lock(tx, id).await?.ok_or(Basic::NotFound)?;
    if !keeps(ask.actor.as_ref(), offer.merchant.as_str()) {
        return Err(Basic::NotFound.into());
    }
    ask.check_version(offer.version)?;
    Ok(offer)
}

/// Changes an offer's words and conditions; of a draft everything.
///
/// # Errors
/// Not the caller's; stale; it waits, is over or has lapsed; its price was agreed on.
pub async fn change(state: &State, ask: Ask, id: OfferId, new: NewOffer) -> Result<(), Error> {
    let now = state.clock.now();
    transact(&state.db, move |tx| {
        Box::pin(async move {
            let offer = lock_kept(tx, &ask, id).await?;
            offer.change(&new, now)?;
            let pieces = new.stock - i64::from(offer.stock);
            if pieces != 0 {
                store::restock(tx, id, i32::try_from(pieces).unwrap_or_default()).await?;
            }
            store::change(tx, &offer, &new, now).await.map_err(no_budget)?;
            record(tx, &ask, "offer.change", id, Value::Null, now).await
        })
    })
    .await
}

/// Chooses an offer's pictures, in order: what it had and is not named goes.
///
/// # Errors
/// Not the caller's; stale; it waits or is over; a file that is not the caller's to attach.
pub async fn show(state: &State, ask: Ask, id: OfferId, pictures: Chosen) -> Result<(), Error> {
    let now = state.clock.now();
    transact(&state.db, move |tx| {
        Box::pin(async move {
            lock_kept(tx, &ask, id).await?.permit(Step::Change)?;
            attach(tx, &pictures, Target::Offer(id), ask.account(), now).await?;
            let data = json!({ "pictures": pictures });
            record(tx, &ask, "offer.show", id, data, now).await
        })
    })
    .await
}

/// Takes an offer to another state: handed in, published, sent back, paused, resumed, ended. What is
/// published is committed; what ends frees what nobody has taken.
///
/// # Errors
/// Not the caller's; stale; not from where it stands; its own author's approval; suspended; lapsed; the
/// budget would be exceeded.
pub async fn step(
    state: &State,
    ask: Ask,
    id: OfferId,
    step: Step,
    reason: Option<String>,
) -> Result<(), Error> {
    let now = state.clock.now();
    transact(&state.db, move |tx| {
        Box::pin(async move {
            let offer = lock_kept(tx, &ask, id).await?;
            let by = ask.account().ok_or(Basic::Unauthenticated)?;
            let status = offer.step(step, by, now)?;
            store::save(tx, id, status, reason.as_deref(), (by, now)).await?;
            match step {
                Step::Approve => {
                    let fen = offer.funding.of(offer.stock.into());
                    commit(tx, id, offer.funding.budget, fen).await?;
                }
                Step::End => budget::release(tx, &[id]).await?,
                _ => {}
            }
            record(tx, &ask, "offer.step", id, json!({ "step": step }), now).await
        })
    })
    .await
}

/// Adds pieces or takes free ones away, once for each key.
///
/// # Errors
/// Not the caller's; stale; over or lapsed; fewer are free than are to go; the budget would be exceeded.
pub async fn stock(
    state: &State,
    ask: Ask,
    once: Once,
    id: OfferId,
    batch: Batch,
) -> Result<Answer<()>, Error> {
    let now = state.clock.now();
    idempotent::run(state, once, 201, move |tx| {
        Box::pin(async move {
            let offer = lock_kept(tx, &ask, id).await?;
            let by = ask.account().ok_or(Basic::Unauthenticated)?;
            offer.batch(&batch, now)?;
            // Nobody takes a piece meanwhile: whoever redeems waits for the offer's lock.
            let free = store::free(tx, id).await?;
            if free + i64::from(batch.pieces.min(0)) < 0 {
                return Err(Refused::StockTaken { free }.into());
            }
            store::restock(tx, id, batch.pieces).await?;
            store::batch(tx, id, &batch, by, now).await?;
            commit(tx, id, offer.funding.budget, offer.funding.of(batch.pieces.into())).await?;
            record(tx, &ask, "offer.stock", id, json!({ "pieces": batch.pieces }), now).await?;
            Ok((Made { id, status: offer.status, version: offer.version + 1 }, ()))
        })
    })
    .await
}

/// The chore that frees what offers that are over commit beyond the pieces that are taken: what was
/// held when they ended may have come back since.
#[derive(Debug, Clone, Copy, serde::Serialize, serde::Deserialize)]
pub struct ReleaseBudgets {}

impl ReleaseBudgets {
    /// The kind of the job.
    pub const KIND: &'static str = "release_budgets";
}

/// Frees what may be freed.
///
/// # Errors
/// The database's.
pub async fn release(tx: &mut Connection, now: Timestamp) -> Result<(), Error> {
    let over = budget::lock_over(tx, now).await?;
    Ok(budget::release(tx, &over).await?)
}

/// A budget as it is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewBudget {
    /// Its name.
    pub name: String,
    /// Who pays.
    pub payer: domain::offer::Payer,
    /// How much at most, in fen.
    pub cap_fen: i64,
}

/// Makes a budget.
///
/// # Errors
/// Another has the name.
pub async fn add_budget(state: &State, ask: Ask, new: NewBudget) -> Result<BudgetId, Error> {
    let now = state.clock.now();
    transact(&state.db, move |tx| {
        Box::pin(async move {
            let by = ask.account().ok_or(Basic::Unauthenticated)?;
            let id: BudgetId = random::id(now);
            let NewBudget { name, payer, cap_fen } = &new;
            let row = budget::NewBudget { id, name, payer: payer.code(), cap_fen: *cap_fen };
            budget::insert(tx, &row, by, now).await.map_err(|error| match violated(&error) {
                Some("budget_name") => Refused::BudgetTaken.into(),
                _ => Error::from(error),
            })?;
            let entry = AuditEntry::new("budget.add", "budget", id, &ask.origin);
            let data = json!({ "payer": payer, "cap_fen": cap_fen });
            audit::append(tx, &entry.by(ask.actor.as_ref()).with(data), now).await?;
            Ok(id)
        })
    })
    .await
}

/// Sets a budget's cap, never below what is committed.
///
/// # Errors
/// There is none; stale; below what is committed.
pub async fn set_cap(state: &State, ask: Ask, id: BudgetId, cap_fen: i64) -> Result<(), Error> {
    let now = state.clock.now();
    transact(&state.db, move |tx| {
        Box::pin(async move {
            let found = budget::lock(tx, id).await?.ok_or(Basic::NotFound)?;
            ask.check_version(found.version)?;
            if cap_fen < found.committed_fen {
                let committed = yuan(found.committed_fen);
                return Err(Refused::BudgetCommitted { committed }.into());
            }
            budget::set_cap(tx, id, cap_fen).await?;
            let entry = AuditEntry::new("budget.set_cap", "budget", id, &ask.origin);
            let data = json!({ "from": found.cap_fen, "to": cap_fen });
            Ok(audit::append(tx, &entry.by(ask.actor.as_ref()).with(data), now).await?)
        })
    })
    .await
}
