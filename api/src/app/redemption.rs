//! Redemptions (兑换): holding points and a piece for a code, and the one end of each.

use domain::{
    id::{AccountId, LedgerTxId, OfferId, RedemptionId},
    identity::{Actor, Role},
    points::{EntryKind, take},
    redemption::{Refused, Status, Step, slot},
    refusal::Basic,
    scope::Scope,
    time::Timestamp,
};
use infra::{
    crypto::{self, Broken, Crypto},
    postgres::{
        Connection,
        audit::{self, AuditEntry, Origin},
        job::{self, NewJob},
        offer,
        points::{self, Posting},
        redemption::{self as store, By, NewHold, Place, read::Shown},
        violated,
    },
    random,
};
use serde::Serialize;
use serde_json::{Value, json};

use super::{
    idempotent::{self, Answer, Once},
    transact,
};
use crate::{clock::SETTLING, error::Error, state::State};

/// Random bytes of a code: 128 bits, which nobody guesses at a till or anywhere else.
const CODE_BYTES: usize = 16;
/// A code is found by this blind index.
const CODE_INDEX: &str = "redemption.code";

/// A redemption as it is shown to the person who made it, and without the code to the till.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct Ticket {
    /// 兑换编号
    pub id: RedemptionId,
    /// 优惠编号
    pub offer_id: OfferId,
    /// 优惠
    #[schema(example = "幸福餐厅午餐一份")]
    pub title: String,
    /// 商户名称
    #[schema(example = "文兴幸福餐厅")]
    pub merchant: String,
    /// 状态
    pub status: Status,
    /// 兑换码；只给本人看，待核销时才有
    #[schema(example = "q8Zr0m3nT2yVb7KcXw5PdA")]
    pub code: Option<String>,
    /// 积分
    #[schema(example = 50)]
    pub points: i64,
    /// 兑换时间
    #[schema(value_type = String, format = DateTime)]
    pub created_at: Timestamp,
    /// 兑换码有效到这一刻之前
    #[schema(value_type = String, format = DateTime)]
    pub expires_at: Timestamp,
    /// 核销、取消、过期或退回的时间
    #[schema(value_type = Option<String>, format = DateTime)]
    pub ended_at: Option<Timestamp>,
}

impl Ticket {
    /// As the person who made it sees it.
    ///
    /// # Errors
    /// The code cannot be opened: its key is missing.
    pub fn own(crypto: &Crypto, shown: Shown) -> Result<Self, Broken> {
        let code = match shown.status {
            Status::Held => Some(crypto.open_text(&context(shown.id), &shown.code_sealed)?),
            _ => None,
        };
        Ok(Self { code, ..Self::at_the_till(shown) })
    }

    /// Without the code.
    pub fn at_the_till(shown: Shown) -> Self {
        Self {
            id: shown.id,
            offer_id: shown.offer,
            title: shown.title,
            merchant: shown.merchant_name,
            status: shown.status,
            code: None,
            points: shown.points,
            created_at: shown.created_at,
            expires_at: shown.expires_at,
            ended_at: shown.ended_at,
        }
    }
}

/// A code opens only as the code of its own redemption.
fn context(id: RedemptionId) -> String {
    format!("redemption/{id}")
}

/// Who asks, and from where.
#[derive(Debug, Clone)]
pub struct Asking {
    /// Who.
    pub actor: Actor,
    /// From where.
    pub origin: Origin,
}

/// Redeems an offer: points and one piece are held for a code. `key` is the client's own, good for
/// one hold ever.
///
/// # Errors
/// No such offer; [`Refused`]; the key was used for another command.
pub async fn redeem(
    state: &State,
    by: Asking,
    once: Once,
    key: String,
    id: OfferId,
) -> Result<Answer<()>, Error> {
    let now = state.clock.now();
    let here = state.clone();
    idempotent::run(state, once, 201, move |tx| {
        Box::pin(async move { Ok((reserve(tx, &here, &by, &key, id, now).await?, ())) })
    })
    .await
}

async fn reserve(
    tx: &mut Connection,
    state: &State,
    by: &Asking,
    key: &str,
    offer_id: OfferId,
    now: Timestamp,
) -> Result<Ticket, Error> {
    let account = by.actor.account;
    points::lock(tx, account).await?;
    let terms = offer::terms(tx, offer_id, account, now).await?;
    let terms = terms.filter(|terms| terms.offer.is_out()).ok_or(Basic::NotFound)?;
    let offered = &terms.offer;
    if offered.valid_until <= now {
        return Err(Refused::OfferEnded { at: offered.valid_until }.into());
    }
    offered.judge(&terms.person, terms.taken, now)?;
    if terms.blocked {
        return Err(Refused::LedgerBlocked.into());
    }
    let slot = slot(&terms.slots, offered.per_person)?;
    let lots = points::spendable(tx, account, now).await?;
    let parts = take(&lots, offered.points).ok_or_else(|| Refused::PointsInsufficient {
        needed: offered.points,
        available: lots.iter().map(|lot| lot.free).sum(),
    })?;
    if terms.sold_out {
        return Err(Refused::SoldOut.into());
    }
    let id = random::id(now);
    let code = crypto::base64url(&random::bytes::<CODE_BYTES>());
    let hold = NewHold {
        id,
        account,
        offer: offer_id,
        client_key: key,
        slot,
        points: offered.points,
        parts: &parts,
        expires_at: state.config.points.code_expiry(now, offered.valid_until),
        code_index: &state.crypto.index(CODE_INDEX, code.as_bytes()),
        code_sealed: &state.crypto.seal(&context(id), code.as_bytes()),
    };
    store::hold(tx, &hold, now).await.map_err(spent_key)?;
    job::enqueue(tx, &Expire { redemption: id }.job(hold.expires_at, now), now).await?;
    record(tx, by, "redemption.redeem", id, json!({ "offer": offer_id }), now).await?;
    // The piece comes last: nobody waits for it longer than the commit takes.
    if !offer::claim_unit(tx, offer_id, id).await? {
        return Err(Refused::SoldOut.into());
    }
    Ok(Ticket {
        id,
        offer_id,
        title: terms.title,
        merchant: terms.merchant_name,
        status: Status::Held,
        code: Some(code),
        points: hold.points,
        created_at: now,
        expires_at: hold.expires_at,
        ended_at: None,
    })
}

/// A client's key is good for one hold ever, also after the first answer is forgotten.
fn spent_key(error: sqlx::Error) -> Error {
    match violated(&error) {
        Some("hold_client_key") => Basic::IdempotencyKeyReused.into(),
        _ => error.into(),
    }
}

async fn record(
    tx: &mut Connection,
    by: &Asking,
    action: &'static str,
    id: RedemptionId,
    data: Value,
    now: Timestamp,
) -> Result<(), Error> {
    let entry = AuditEntry::new(action, "redemption", id, &by.origin).by(&by.actor).with(data);
    Ok(audit::append(tx, &entry, now).await?)
}

/// Locks a redemption with its account and lets it take a step.
async fn step(
    tx: &mut Connection,
    place: &Place,
    step: Step,
    now: Timestamp,
) -> Result<Status, Error> {
    points::lock(tx, place.account).await?;
    Ok(store::lock(tx, place.id).await?.step(step, now)?)
}

/// Verifies a code at the till (核销): the points are spent, once.
///
/// # Errors
/// Not a code of an offer of the clerk's merchant; verified before; ended.
pub async fn verify(state: &State, by: Asking, code: &str) -> Result<Ticket, Error> {
    let now = state.clock.now();
    let index = state.crypto.index(CODE_INDEX, code.as_bytes());
    transact(&state.db, move |tx| {
        Box::pin(async move {
            let place = store::find(tx, By::Code(&index)).await?;
            let place = place.filter(|place| is_clerk(&by.actor, place)).ok_or(Basic::NotFound)?;
            step(tx, &place, Step::Verify, now).await?;
            let posting = Posting {
                // The movement has the hold's id: a second one is a key violation.
                id: LedgerTxId(place.id.0),
                kind: EntryKind::Redeem,
                cause: &place.id.to_string(),
                amount: place.points,
                from: place.account.0,
                to: place.payee,
                data: &json!({}),
                award: None,
                reverses: None,
            };
            points::post(tx, &posting, now).await?;
            store::confirm(tx, place.id, by.actor.account, now).await?;
            record(tx, &by, "redemption.verify", place.id, Value::Null, now).await?;
            at_the_till(tx, place.id).await
        })
    })
    .await
}

fn is_clerk(actor: &Actor, place: &Place) -> bool {
    actor
        .grants
        .iter()
        .any(|grant| grant.role == Role::MerchantClerk && grant.scope == place.merchant)
}

async fn at_the_till(tx: &mut Connection, id: RedemptionId) -> Result<Ticket, Error> {
    let shown = store::read::one(tx, id).await?.ok_or(Basic::NotFound)?;
    Ok(Ticket::at_the_till(shown))
}

/// Takes a redemption back before it is verified (取消): points and piece come back.
///
/// # Errors
/// Not the caller's; verified or ended.
pub async fn cancel(state: &State, by: Asking, id: RedemptionId) -> Result<Ticket, Error> {
    let now = state.clock.now();
    transact(&state.db, move |tx| {
        Box::pin(async move {
            let place = owned(tx, by.actor.account, id).await?;
            let status = step(tx, &place, Step::Cancel, now).await?;
            store::release(tx, id, status, now).await?;
            record(tx, &by, "redemption.cancel", id, Value::Null, now).await?;
            at_the_till(tx, id).await
        })
    })
    .await
}

async fn owned(tx: &mut Connection, account: AccountId, id: RedemptionId) -> Result<Place, Error> {
    let place = store::find(tx, By::Id(id)).await?;
    place.filter(|place| place.account == account).ok_or_else(|| Basic::NotFound.into())
}

/// Gives the points of a verified redemption back (退回), as a new movement that reverses the first.
///
/// # Errors
/// There is none; it is not verified, or refunded already.
pub async fn refund(
    state: &State,
    by: Asking,
    id: RedemptionId,
    reason: String,
) -> Result<Ticket, Error> {
    let now = state.clock.now();
    transact(&state.db, move |tx| {
        Box::pin(async move {
            let place = store::find(tx, By::Id(id)).await?.ok_or(Basic::NotFound)?;
            step(tx, &place, Step::Refund, now).await?;
            let posting = Posting {
                id: random::id(now),
                kind: EntryKind::Reverse,
                cause: &id.to_string(),
                amount: place.points,
                from: place.payee,
                to: place.account.0,
                data: &json!({}),
                award: None,
                reverses: Some(LedgerTxId(id.0)),
            };
            points::post(tx, &posting, now).await?;
            store::refund(tx, id, now).await?;
            record(tx, &by, "redemption.refund", id, json!({ "reason": reason }), now).await?;
            at_the_till(tx, id).await
        })
    })
    .await
}

/// The job that ends a redemption whose code was not used in time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, serde::Deserialize)]
pub struct Expire {
    /// The redemption.
    pub redemption: RedemptionId,
}

impl Expire {
    /// The kind of the job.
    pub const KIND: &'static str = "redemption_expire";

    fn job(self, at: Timestamp, now: Timestamp) -> NewJob {
        NewJob {
            id: random::id(now),
            kind: Self::KIND,
            dedupe: format!("{}:{}", Self::KIND, self.redemption),
            payload: json!({ "redemption": self.redemption }),
            run_at: at,
            max_attempts: 20,
        }
    }

    /// Comes again when a clock that jumped has been steady for long enough: only then is it
    /// certain that the code's time is over.
    ///
    /// # Errors
    /// The database's.
    pub async fn postpone(self, tx: &mut Connection, now: Timestamp) -> Result<(), Error> {
        let job = self.job(now + SETTLING, now);
        let dedupe = format!("{}:{}", job.dedupe, job.id);
        job::enqueue(tx, &NewJob { dedupe, ..job }, now).await?;
        Ok(())
    }

    /// Gives points and piece back, unless the redemption has ended otherwise.
    ///
    /// # Errors
    /// The database's; it has not run out yet.
    pub async fn expire(self, tx: &mut Connection, now: Timestamp) -> Result<(), Error> {
        let Some(place) = store::find(tx, By::Id(self.redemption)).await? else { return Ok(()) };
        points::lock(tx, place.account).await?;
        match store::lock(tx, place.id).await?.step(Step::Expire, now) {
            Ok(status) => Ok(store::release(tx, place.id, status, now).await?),
            Err(refused @ Refused::NotYet) => Err(refused.into()),
            Err(_) => Ok(()),
        }
    }
}

/// # Errors
/// The caller has no such redemption.
pub async fn exists(state: &State, scope: &Scope, id: RedemptionId) -> Result<(), Error> {
    let mut conn = state.db.acquire().await?;
    store::read::own(&mut conn, scope, id).await?.map(drop).ok_or_else(|| Basic::NotFound.into())
}

/// The code of a redemption of the caller's that is held.
///
/// # Errors
/// Not the caller's; it has ended.
pub async fn code(state: &State, scope: &Scope, id: RedemptionId) -> Result<String, Error> {
    let mut conn = state.db.acquire().await?;
    let shown = store::read::own(&mut conn, scope, id).await?.ok_or(Basic::NotFound)?;
    let status = shown.status;
    let ticket = Ticket::own(&state.crypto, shown)?;
    ticket.code.ok_or_else(|| match status {
        Status::Verified => Refused::AlreadyVerified.into(),
        status => Refused::Ended { status }.into(),
    })
}

#[cfg(test)]
mod tests;
