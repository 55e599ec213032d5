//! Redemptions (兑换): holding points and a piece for a code, and the one end of each.

use domain::{
    id::{AccountId, LedgerTxId, OfferId, RedemptionId},
    identity::{Actor, Role},
    offer::Offer,
    points::{EntryKind, take},
    redemption::{Presented, Refused, Status, Step, slot},
    refusal::Basic,
    scope::Scope,
    time::Timestamp,
};
use infra::{
    crypto::{self, Broken, Crypto},
    postgres::{
        Connection,
        audit::{self, AuditEntry, Origin},
        identity as accounts,
        job::{self, NewJob},
        offer,
        points::{self, Posting, reversal::Reason},
        redemption::{self as store, By, NewHold, Place, Sealed, read::Shown},
        violated,
    },
    random,
};
use serde::Serialize;
use serde_json::{Value, json};

use super::{
    fairness,
    idempotent::{self, Answer, Once},
    transact,
};
use crate::{clock::SETTLING, error::Error, state::State};

pub mod till;
pub mod voucher;

/// Random bytes of a code: 128 bits, which nobody guesses at a till or anywhere else.
const CODE_BYTES: usize = 16;
/// A code is found by this blind index.
const CODE_INDEX: &str = "redemption.code";
/// Eight digits are found by this blind index, together with their merchant.
const DIGITS_INDEX: &str = "redemption.digits";
/// Digits are drawn so often at once: that all are in use has no chance worth a name.
const DRAWS: usize = 4;

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
    /// 八位数字码，扫不了二维码时报给店员，只在这家商户有用；只给本人看，待核销时才有
    #[schema(example = "40718256")]
    pub digits: Option<String>,
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
    /// 核销后，店员可以在这一刻之前撤销；只在店里看
    #[schema(value_type = Option<String>, format = DateTime)]
    pub undo_until: Option<Timestamp>,
}

impl Ticket {
    /// As the person who made it sees it.
    ///
    /// # Errors
    /// The code cannot be opened: its key is missing.
    pub fn own(crypto: &Crypto, shown: Shown) -> Result<Self, Broken> {
        let (mut code, mut digits) = (None, None);
        if shown.status == Status::Held {
            code = Some(crypto.open_text(&context(shown.id), &shown.code_sealed)?);
            let sealed = shown.digits_sealed.as_deref();
            digits = sealed.map(|sealed| crypto.open_text(&DigitsOf(shown.id).context(), sealed));
        }
        Ok(Self { code, digits: digits.transpose()?, ..Self::at_the_till(shown) })
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
            digits: None,
            points: shown.points,
            created_at: shown.created_at,
            expires_at: shown.expires_at,
            ended_at: shown.ended_at,
            undo_until: None,
        }
    }
}

/// A code opens only as the code of its own redemption.
fn context(id: RedemptionId) -> String {
    format!("redemption/{id}")
}

/// Digits open only as those of their own redemption.
struct DigitsOf(RedemptionId);

impl DigitsOf {
    fn context(&self) -> String {
        format!("redemption.digits/{}", self.0)
    }
}

/// What is shown to the person once: the code and the digits to choose from, with both as they are
/// kept.
struct Secrets {
    code: String,
    sealed: Sealed,
    digits: Vec<String>,
    digits_sealed: Vec<Sealed>,
}

impl Secrets {
    fn draw(crypto: &Crypto, id: RedemptionId, merchant: &str) -> Self {
        let code = crypto::base64url(&random::bytes::<CODE_BYTES>());
        let sealed = Sealed {
            index: crypto.index(CODE_INDEX, code.as_bytes()).to_vec(),
            sealed: crypto.seal(&context(id), code.as_bytes()),
        };
        let numerals = ['0', '1', '2', '3', '4', '5', '6', '7', '8', '9'];
        let digits: Vec<String> =
            (0..DRAWS).map(|_| random::code(&numerals, Presented::DIGITS)).collect();
        let digits_sealed = digits.iter().map(|digits| Sealed {
            index: digits_index(crypto, merchant, digits),
            sealed: crypto.seal(&DigitsOf(id).context(), digits.as_bytes()),
        });
        let digits_sealed = digits_sealed.collect();
        Self { code, sealed, digits, digits_sealed }
    }

    /// The digits that were free.
    fn taken(&self, place: Option<usize>) -> Option<String> {
        place.and_then(|place| self.digits.get(place)).cloned()
    }
}

/// Digits are found together with their merchant: at another one they are nothing.
fn digits_index(crypto: &Crypto, merchant: &str, digits: &str) -> Vec<u8> {
    crypto.index(DIGITS_INDEX, format!("{merchant}/{digits}").as_bytes()).to_vec()
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
        Box::pin(async move {
            let rules = &here.config.points;
            let order = Order {
                account: by.actor.account,
                offer: id,
                key: &key,
                expires_at: |offer: &Offer| rules.code_expiry(now, offer.valid_until),
            };
            let ticket = reserve(tx, &here, order, now).await?;
            let data = json!({ "offer": id });
            record(tx, &by, "redemption.redeem", ticket.id, data, now).await?;
            claim(tx, &ticket).await?;
            Ok((ticket, ()))
        })
    })
    .await
}

/// Whose points an offer is redeemed for, and until when the code is good.
struct Order<'a, E> {
    account: AccountId,
    offer: OfferId,
    /// The client's own name for it, good for one hold ever.
    key: &'a str,
    expires_at: E,
}

/// Holds the points for a code. The piece comes last, by [`claim`]: nobody waits for it longer than
/// the commit takes.
async fn reserve<E: FnOnce(&Offer) -> Timestamp>(
    tx: &mut Connection,
    state: &State,
    order: Order<'_, E>,
    now: Timestamp,
) -> Result<Ticket, Error> {
    let Order { account, offer: offer_id, key, expires_at } = order;
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
    let secrets = Secrets::draw(&state.crypto, id, &terms.merchant);
    let hold = NewHold {
        id,
        account,
        offer: offer_id,
        client_key: key,
        slot,
        points: offered.points,
        parts: &parts,
        expires_at: expires_at(offered),
        code: &secrets.sealed,
        merchant: &terms.merchant,
        digits: &secrets.digits_sealed,
    };
    let digits = store::hold(tx, &hold, now).await.map_err(held)?;
    job::enqueue(tx, &Expire { redemption: id }.job(hold.expires_at, now), now).await?;
    let (points, expires_at) = (hold.points, hold.expires_at);
    Ok(Ticket {
        id,
        offer_id,
        title: terms.title,
        merchant: terms.merchant_name,
        status: Status::Held,
        digits: secrets.taken(digits),
        code: Some(secrets.code),
        points,
        created_at: now,
        expires_at,
        ended_at: None,
        undo_until: None,
    })
}

/// Takes the piece of an offer for which the points are held.
async fn claim(tx: &mut Connection, ticket: &Ticket) -> Result<(), Error> {
    if offer::claim_unit(tx, ticket.offer_id, ticket.id).await? {
        Ok(())
    } else {
        Err(Refused::SoldOut.into())
    }
}

/// A client's key is good for one hold ever, also after the first answer is forgotten. Who draws the
/// same digits as somebody else in the same moment tries again.
fn held(error: sqlx::Error) -> Error {
    match violated(&error) {
        Some("hold_client_key") => Basic::IdempotencyKeyReused.into(),
        Some("redemption_digits_open") => Basic::Unavailable.into(),
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
    Ok(store::lock(tx, place.id).await?.redemption.step(step, now)?)
}

/// Verifies what is shown at the till (核销): the points are spent, once.
///
/// # Errors
/// Not a code of an offer of the clerk's merchant; verified before; ended; the merchant is suspended;
/// the picture is old; too many wrong digits; the clerk's own.
pub async fn verify(state: &State, by: Asking, shown: &str) -> Result<Ticket, Error> {
    let now = state.clock.now();
    let (here, shown) = (state.clone(), Presented::of(shown));
    let verified = transact(&state.db, move |tx| {
        Box::pin(async move {
            let place = match till::found(tx, &here, &by, &shown, now).await? {
                Ok(place) => place,
                // What was counted stays counted.
                Err(refused) => return Ok(Err(refused)),
            };
            if accounts::same_person(tx, by.actor.account, &[place.account]).await? {
                return Err(Refused::OwnRedemption.into());
            }
            points::lock(tx, place.account).await?;
            let locked = store::lock(tx, place.id).await?;
            if locked.code_index != place.code_index {
                return Err(Basic::NotFound.into());
            }
            locked.redemption.step(Step::Verify, now)?;
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
            fairness::watch(tx, fairness::Watch::Verified { redemption: place.id }, now).await?;
            let ticket = at_the_till(tx, place.id).await?;
            let undo_until = Some(here.config.till.undo_until(now));
            Ok(Ok(Ticket { undo_until, ..ticket }))
        })
    })
    .await?;
    Ok(verified?)
}

fn is_clerk(actor: &Actor, place: &Place) -> bool {
    clerk_of(actor).any(|merchant| merchant == place.merchant)
}

/// The merchants at whose tills somebody works.
fn clerk_of(actor: &Actor) -> impl Iterator<Item = &str> {
    let grants = actor.grants.iter().filter(|grant| grant.role == Role::MerchantClerk);
    grants.map(|grant| grant.scope.as_str())
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
) -> Result<(), Error> {
    let now = state.clock.now();
    transact(&state.db, move |tx| {
        Box::pin(async move {
            let place = store::find(tx, By::Id(id)).await?.ok_or(Basic::NotFound)?;
            step(tx, &place, Step::Refund, now).await?;
            let movement = give_back(tx, &place, now).await?;
            // The person reads it in the statement; the trail says only that there is one.
            let by_whom = Some(by.actor.account);
            let reason = Reason { words: &reason, document: None, by: by_whom };
            points::reversal::explain(tx, movement, &reason, now).await?;
            record(tx, &by, "redemption.refund", id, json!({ "movement": movement }), now).await
        })
    })
    .await
}

/// Reverses the movement of a verified redemption, and gives points, slot and piece back. Answers the
/// new movement.
async fn give_back(
    tx: &mut Connection,
    place: &Place,
    now: Timestamp,
) -> Result<LedgerTxId, Error> {
    let id: LedgerTxId = random::id(now);
    let posting = Posting {
        id,
        kind: EntryKind::Reverse,
        cause: &place.id.to_string(),
        amount: place.points,
        from: place.payee,
        to: place.account.0,
        data: &json!({}),
        award: None,
        reverses: Some(LedgerTxId(place.id.0)),
    };
    points::post(tx, &posting, now).await?;
    store::refund(tx, place.id, now).await?;
    Ok(id)
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
        match store::lock(tx, place.id).await?.redemption.step(Step::Expire, now) {
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

#[cfg(test)]
mod tests;
