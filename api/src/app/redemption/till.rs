//! At the till (到店核销): the changing picture of a code, eight digits for a till without a camera, and
//! taking back what was verified by mistake.

use chrono::{Days, NaiveDate};
use domain::{
    event::{EventKind, NewEvent, Visibility},
    id::RedemptionId,
    identity::Actor,
    redemption::{Attempts, Presented, Redemption, Refused, Step},
    refusal::Basic,
    scope::Scope,
    time::{self, Timestamp},
};
use infra::{
    crypto::{self, Crypto},
    postgres::{
        Connection,
        audit::{self, AuditEntry},
        points,
        redemption::{
            self as store, By, Place,
            read::{
                Shown,
                till::{self as read, Day, TillLine, TillOffer},
            },
            till as tills,
        },
    },
};
use serde_json::{Value, json};
use uuid::Uuid;

use super::{
    Asking, CODE_INDEX, Ticket, at_the_till, clerk_of, digits_index, give_back, is_clerk, record,
};
use crate::{
    app::{notification::announce, transact},
    error::Error,
    state::State,
};

/// For what the MAC of a picture is.
const QR_MAC: &str = "redemption.qr";

/// What a changing picture holds: which redemption, when it was made, and a MAC that binds both to the
/// code as it is now. The code itself is not in it, so that a screenshot gives nothing away.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Token {
    id: RedemptionId,
    /// Milliseconds since the epoch.
    at: i64,
    mac: Vec<u8>,
}

/// Bytes of the redemption's id and of the instant.
const HEAD: usize = 24;

impl Token {
    fn head(id: RedemptionId, at: i64) -> Vec<u8> {
        [id.0.as_bytes().as_slice(), &at.to_be_bytes()].concat()
    }

    fn message(id: RedemptionId, at: i64, code_index: &[u8]) -> Vec<u8> {
        [&Self::head(id, at), code_index].concat()
    }

    /// The text of a picture that is made now.
    fn text(crypto: &Crypto, id: RedemptionId, code_index: &[u8], now: Timestamp) -> String {
        let at = now.timestamp_millis();
        let mac = crypto.mac(QR_MAC, &Self::message(id, at, code_index));
        let bytes = [Self::head(id, at).as_slice(), &mac].concat();
        format!("{}{}", Presented::TOKEN, crypto::base64url(&bytes))
    }

    fn read(text: &str) -> Option<Self> {
        let bytes = crypto::from_base64url(text)?;
        let (head, mac) = bytes.split_at_checked(HEAD)?;
        let (id, at) = head.split_first_chunk::<16>()?;
        let at = i64::from_be_bytes(at.try_into().ok()?);
        Some(Self { id: RedemptionId(Uuid::from_bytes(*id)), at, mac: mac.to_vec() })
    }

    fn is_of(&self, crypto: &Crypto, place: &Place) -> bool {
        let message = Self::message(self.id, self.at, &place.code_index);
        crypto.mac_matches(QR_MAC, &message, &self.mac)
    }
}

/// A picture's text and until when it is good.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Picture {
    /// What is drawn.
    pub token: String,
    /// Good until this instant, and never beyond the code's own.
    pub valid_until: Timestamp,
}

/// The changing picture of a code of the caller's that is held.
///
/// # Errors
/// Not the caller's; it has ended.
pub async fn picture(state: &State, scope: &Scope, id: RedemptionId) -> Result<Picture, Error> {
    let now = state.clock.now();
    let mut conn = state.db.acquire().await?;
    let shown = store::read::own(&mut conn, scope, id).await?.ok_or(Basic::NotFound)?;
    let Shown { status, expires_at, .. } = shown;
    Redemption { status, expires_at, verified: None, suspended: false }.step(Step::Verify, now)?;
    let ticket = Ticket::own(&state.crypto, shown)?;
    let code = ticket.code.ok_or(Basic::NotFound)?;
    let index = state.crypto.index(CODE_INDEX, code.as_bytes());
    let token = Token::text(&state.crypto, id, &index, now);
    let valid_until = state.config.till.qr_until(now).min(ticket.expires_at);
    Ok(Picture { token, valid_until })
}

/// What a clerk was shown, found at a merchant of his. The inner refusal is one that is counted: it
/// commits.
pub(super) async fn found(
    tx: &mut Connection,
    state: &State,
    by: &Asking,
    shown: &Presented,
    now: Timestamp,
) -> Result<Result<Place, Refused>, Error> {
    let (crypto, clerk) = (&state.crypto, &by.actor);
    match shown {
        Presented::Code(code) => {
            let index = crypto.index(CODE_INDEX, code.as_bytes());
            Ok(Ok(at_his(tx, clerk, By::Code(&index)).await?.ok_or(Basic::NotFound)?))
        }
        Presented::Token(text) => {
            let token = Token::read(text).ok_or(Basic::NotFound)?;
            let place = at_his(tx, clerk, By::Id(token.id)).await?;
            let place = place.filter(|place| token.is_of(crypto, place)).ok_or(Basic::NotFound)?;
            let made = Timestamp::from_timestamp_millis(token.at).ok_or(Basic::NotFound)?;
            if state.config.till.qr_is_fresh(made, now) {
                Ok(Ok(place))
            } else {
                Err(Refused::QrExpired.into())
            }
        }
        Presented::Digits(digits) => by_digits(tx, state, by, digits, now).await,
    }
}

async fn at_his(tx: &mut Connection, clerk: &Actor, by: By<'_>) -> Result<Option<Place>, Error> {
    Ok(store::find(tx, by).await?.filter(|place| is_clerk(clerk, place)))
}

/// Digits are few enough to be guessed, so that wrong ones are counted: for the clerk, and for each
/// merchant of his. Attempts at once wait for each other.
async fn by_digits(
    tx: &mut Connection,
    state: &State,
    by: &Asking,
    digits: &str,
    now: Timestamp,
) -> Result<Result<Place, Refused>, Error> {
    let (rules, clerk) = (&state.config.till, &by.actor);
    let merchants: Vec<&str> = clerk_of(clerk).collect();
    let mut subjects: Vec<String> =
        merchants.iter().map(|merchant| format!("merchant:{merchant}")).collect();
    subjects.push(format!("clerk:{}", clerk.account));
    let attempts = tills::lock_attempts(tx, &subjects, now).await?;
    for (_, one) in &attempts {
        one.check(now)?;
    }
    for merchant in merchants {
        let index = digits_index(&state.crypto, merchant, digits);
        if let Some(place) = at_his(tx, clerk, By::Digits(&index)).await? {
            return Ok(Ok(place));
        }
    }
    let (mut left, mut locked) = (i32::MAX, None);
    for (subject, before) in attempts {
        let of_clerk = subject.starts_with("clerk:");
        let most = if of_clerk { rules.clerk_misses } else { rules.merchant_misses };
        let after: Attempts = before.missed(most, rules, now);
        tills::save_attempts(tx, &subject, after).await?;
        if after.locked_until.is_some() {
            let entry = AuditEntry::new("till.lock", "till", subject.as_str(), &by.origin);
            audit::append(tx, &entry.by(&by.actor), now).await?;
        }
        left = left.min(after.left(most));
        locked = locked.max(after.locked_until);
    }
    Ok(Err(match locked {
        Some(until) => Refused::DigitsLocked { until },
        None => Refused::DigitsUnknown { left },
    }))
}

/// The clerk takes a verification back (撤销核销): the points and the piece come back by a reversal, as
/// with a refund. The hold stays ended; who still wants the offer redeems anew.
///
/// # Errors
/// Not of the clerk's merchant; not verified; by another clerk, or too long ago.
pub async fn undo(
    state: &State,
    by: Asking,
    id: RedemptionId,
    reason: String,
) -> Result<(), Error> {
    let now = state.clock.now();
    let rules = state.config.till.clone();
    let job = transact(&state.db, move |tx| {
        Box::pin(async move {
            let place = at_his(tx, &by.actor, By::Id(id)).await?.ok_or(Basic::NotFound)?;
            points::lock(tx, place.account).await?;
            store::lock(tx, id).await?.redemption.undo(by.actor.account, &rules, now)?;
            give_back(tx, &place, now).await?;
            tills::undone(tx, id, by.actor.account, &reason).await?;
            record(tx, &by, "redemption.undo", id, Value::Null, now).await?;
            let event = told(EventKind::RedemptionUndone, &place).note(reason);
            let last = tills::tell(tx, id, &[event], Some(by.actor.account), now).await?;
            announce(tx, id.0, last, 1, now).await
        })
    })
    .await?;
    state.redis.wake(job.as_slice()).await;
    Ok(())
}

/// An event for the person whose points it is about.
pub(in crate::app) fn told(kind: EventKind, place: &Place) -> NewEvent {
    let data = json!({ "account": place.account, "points": place.points });
    NewEvent::new(kind, Visibility::Reporter).with(data)
}

/// A redemption as a clerk of its merchant sees it.
///
/// # Errors
/// The redemption is of no merchant of the clerk's.
pub async fn known(state: &State, clerk: &Actor, id: RedemptionId) -> Result<Ticket, Error> {
    let mut conn = state.db.acquire().await?;
    at_his(&mut conn, clerk, By::Id(id)).await?.ok_or(Basic::NotFound)?;
    at_the_till(&mut conn, id).await
}

/// A day of a till as it is taken away.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sheeted {
    /// By offer.
    pub offers: Vec<TillOffer>,
    /// Line by line, the latest first.
    pub lines: Vec<TillLine>,
}

/// Takes a day of a till away as a sheet, on record; `mine` is the caller's own share of it. The caller
/// has made sure that the till may be seen.
///
/// # Errors
/// The database's.
pub async fn sheet(
    state: &State,
    by: Asking,
    (merchant, day): (&str, NaiveDate),
    mine: bool,
) -> Result<Sheeted, Error> {
    let now = state.clock.now();
    let merchant = merchant.to_owned();
    transact(&state.db, move |tx| {
        Box::pin(async move {
            let scope = Scope::of(&by.actor);
            let of = Day {
                merchant: &merchant,
                from: time::start_of(day),
                to: time::start_of(day + Days::new(1)),
                clerk: mine.then_some(by.actor.account),
            };
            let offers = read::offers(tx, &scope, of).await?;
            let lines = read::lines(tx, &scope, of, None).await?;
            let data = json!({ "day": day, "lines": lines.len(), "mine": mine });
            let entry = AuditEntry::new("till.export", "merchant", merchant.as_str(), &by.origin);
            audit::append(tx, &entry.by(&by.actor).with(data), now).await?;
            Ok(Sheeted { offers, lines })
        })
    })
    .await
}
