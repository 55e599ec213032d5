//! Taking an award back (收回), correcting the hours of a service, and making good what is owed.

use domain::{
    event::{EventKind, NewEvent, Visibility},
    id::{AccountId, JobId, LedgerTxId},
    points::{EntryKind, Ground, NoticeStatus, NoticeStep, reversible, take_up_to},
    refusal::Basic,
    time::Timestamp,
};
use infra::{
    postgres::{
        Connection,
        audit::{self, AuditEntry},
        event,
        points::{
            self as store, Posting, notice,
            reversal::{self as back, By, Debt, Given, Left, Reason},
        },
    },
    random,
};
use serde_json::{Value, json};

use super::{Service, award_served, not_own};
use crate::{
    app::{case::Ask, notification::announce, transact},
    error::Error,
    state::State,
};

/// People whose debts are made good in one transaction.
const BATCH: i64 = 200;

/// Why an award is taken back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Why {
    /// The ground.
    pub ground: Ground,
    /// In words that the person reads: 2–200 characters. None where the ground says it all.
    pub words: Option<String>,
    /// Who takes it back; none where a rule does.
    pub by: Option<AccountId>,
}

/// What a reversal came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reversal {
    /// The new movement.
    pub id: LedgerTxId,
    /// How many points the award was.
    pub points: i64,
    /// Of these, how many are still owed.
    pub owed: i64,
    /// The job that tells the person, to wake workers for after the commit.
    pub job: Option<JobId>,
}

/// Takes an award back: a new movement that names it, in full. Of the points the person gives what
/// they have (of the award's own lot first); what has run out comes back from there, and what is
/// spent is owed and made good out of later points (`domain::points::take_back` says why).
///
/// # Errors
/// No such movement of a person; [`domain::points::Refused`].
pub async fn take_back(
    tx: &mut Connection,
    award: LedgerTxId,
    why: &Why,
    now: Timestamp,
) -> Result<Reversal, Error> {
    let first = back::find(tx, By::Id(award)).await?.ok_or(Basic::NotFound)?;
    store::lock(tx, first.account).await?;
    // Only what is read under the lock counts: somebody may have been faster.
    let given = back::find(tx, By::Id(award)).await?.ok_or(Basic::NotFound)?;
    reversible(given.kind, given.reversed, given.account, why.by)?;
    if let Some(by) = why.by {
        not_own(tx, by, given.account).await?;
    }
    let Left { own, expired, others } = back::left(tx, given.account, award, now).await?;
    let taken = domain::points::take_back(&own, expired, &others, given.points);
    let id: LedgerTxId = random::id(now);
    let posting = Posting {
        id,
        kind: EntryKind::Reverse,
        cause: &award.to_string(),
        amount: given.points,
        from: given.account.0,
        to: store::ISSUANCE,
        data: &json!({
            "ground": why.ground, "points": given.points, "expired": taken.expired, "owed": taken.owed,
        }),
        award: None,
        reverses: Some(award),
    };
    let entries = [
        (given.account.0, -taken.given()),
        (store::EXPIRY, -taken.expired),
        (store::RECEIVABLE, -taken.owed),
        (store::ISSUANCE, given.points),
    ];
    store::post_entries(tx, &posting, &entries, now).await?;
    store::take_parts(tx, given.account.0, &taken.parts).await?;
    if let Some(words) = &why.words {
        let reason = Reason { words, document: None, by: why.by };
        back::explain(tx, id, &reason, now).await?;
    }
    if taken.owed > 0 {
        back::owe(tx, given.account, Debt { reversal: id, award, points: taken.owed }).await?;
    }
    let told = NewEvent::new(EventKind::PointsTakenBack, Visibility::Reporter)
        .with(json!({
            "account": given.account, "movement": id, "ground": why.ground,
            "source": given.source, "points": given.points, "owed": taken.owed,
        }))
        .note(why.words.clone());
    let job = tell(tx, given.account, &[told], why.by, now).await?;
    Ok(Reversal { id, points: given.points, owed: taken.owed, job })
}

/// Tells a person of what happened to their points. Under the lock of their account in the ledger.
///
/// # Errors
/// The database's.
pub(super) async fn tell(
    tx: &mut Connection,
    account: AccountId,
    events: &[NewEvent],
    by: Option<AccountId>,
    now: Timestamp,
) -> Result<Option<JobId>, Error> {
    let last = event::append_next(tx, account.0, events, by, now).await?;
    announce(tx, account.0, last, events.len(), now).await
}

/// Takes an award back by hand (冲正).
///
/// # Errors
/// As [`take_back`].
pub async fn reverse(
    state: &State,
    ask: Ask,
    award: LedgerTxId,
    ground: Ground,
    words: String,
) -> Result<(), Error> {
    let now = state.clock.now();
    let job = transact(&state.db, move |tx| {
        Box::pin(async move {
            let by = ask.account().ok_or(Basic::Unauthenticated)?;
            let why = Why { ground, words: Some(words), by: Some(by) };
            let done = take_back(tx, award, &why, now).await?;
            let entry = AuditEntry::new("points.reverse", "ledger_tx", award, &ask.origin)
                .by(ask.actor.as_ref())
                .with(json!({ "reversal": done.id, "ground": ground, "owed": done.owed }));
            audit::append(tx, &entry, now).await?;
            Ok(done.job)
        })
    })
    .await?;
    state.redis.wake(&job.into_iter().collect::<Vec<_>>()).await;
    Ok(())
}

/// What a claim was given so far.
struct Before {
    /// The award that stands, in the ledger.
    posted: Option<Given>,
    /// The award that stands, in public notice.
    noticed: Option<notice::Held>,
    /// The cause that the next award would have: a service that was corrected is awarded under
    /// `service:<claim>:2` and so on.
    cause: String,
    /// The last award was taken back by hand, or kept out of the ledger by an objection: whatever its
    /// hours are corrected to, it is not given again.
    denied: bool,
}

impl Before {
    async fn of(tx: &mut Connection, claim: uuid::Uuid) -> Result<Self, Error> {
        let first = format!("service:{claim}");
        let cause = first.clone();
        let mut before = Self { posted: None, noticed: None, cause, denied: false };
        for next in 2_u32.. {
            let posted = back::find(tx, By::Cause(&before.cause)).await?;
            let noticed = notice::lock(tx, notice::By::Cause(&before.cause)).await?;
            if posted.is_none() && noticed.is_none() {
                break;
            }
            let by_hand =
                |given: &Given| given.reversed && given.ground != Some(Ground::Correction);
            let refused = |held: &notice::Held| held.notice.status == NoticeStatus::Refused;
            before.denied =
                posted.as_ref().is_some_and(by_hand) || noticed.as_ref().is_some_and(refused);
            before.posted = posted.filter(|given| !given.reversed);
            let waits = |held: &notice::Held| {
                matches!(held.notice.status, NoticeStatus::Open | NoticeStatus::Objected)
            };
            before.noticed = noticed.filter(waits);
            before.cause = format!("{first}:{next}");
        }
        Ok(before)
    }

    /// The minutes, points and end of what stands.
    fn standing(&self) -> Option<(Option<i64>, i64, Option<Timestamp>)> {
        let minutes = |data: &Value| data.get("minutes").and_then(Value::as_i64);
        let posted = self.posted.as_ref().map(|it| (minutes(&it.data), it.points, it.expires_at));
        let noticed = self.noticed.as_ref();
        posted.or_else(|| noticed.map(|it| (minutes(&it.data), it.points, Some(it.expires_at))))
    }
}

/// Corrects the award of a service to what it gives by the minutes that are told now: what was
/// awarded before is taken back (or out of public notice), and the service is awarded anew by the
/// rule of its day, with points that run out when the first ones would have. Answers how many points
/// it gives now. The same minutes a second time change nothing, and what an organiser took back or an
/// objection kept out stays so.
///
/// # Errors
/// The database's.
pub async fn correct_service(
    tx: &mut Connection,
    state: &State,
    service: &Service,
    now: Timestamp,
) -> Result<i64, Error> {
    store::open(tx, service.account, now).await?;
    store::lock(tx, service.account).await?;
    let before = Before::of(tx, service.claim).await?;
    if before.denied {
        return Ok(0);
    }
    let standing = before.standing();
    if let Some((Some(minutes), points, _)) = standing
        && minutes == service.minutes
    {
        return Ok(points);
    }
    if let Some(given) = &before.posted {
        let why = Why { ground: Ground::Correction, words: None, by: None };
        take_back(tx, given.id, &why, now).await?;
    }
    if let Some(held) = &before.noticed {
        let status = held.notice.step(NoticeStep::Withdraw, None, now)?;
        let step = notice::Step { status, by: None, note: None, tx: None };
        notice::save(tx, held.id, &step, now).await?;
    }
    let expires_at = standing.and_then(|(_, _, at)| at).filter(|at| *at > now);
    award_served(tx, state, service, (before.cause, expires_at), now).await
}

/// Makes good what a person owes, out of what they have free: first what is left of the award that was
/// taken back, also where it ran out while it was held, for what ran out of it is not asked again; then
/// what they can spend. Under the lock of their account.
///
/// # Errors
/// The database's.
pub(super) async fn set_off(
    tx: &mut Connection,
    account: AccountId,
    now: Timestamp,
) -> Result<(), Error> {
    for debt in back::debts(tx, account).await? {
        let Left { own, others, .. } = back::left(tx, account, debt.award, now).await?;
        let lots: Vec<_> = own.into_iter().chain(others).collect();
        let (parts, rest) = take_up_to(&lots, debt.points);
        let points = debt.points - rest;
        if points == 0 {
            continue;
        }
        let id: LedgerTxId = random::id(now);
        let posting = Posting {
            id,
            kind: EntryKind::Offset,
            // A debt is made good in pieces; the lock of the account keeps one from being doubled.
            cause: &format!("{}:{id}", debt.reversal),
            amount: points,
            from: account.0,
            to: store::RECEIVABLE,
            data: &json!({ "reversal": debt.reversal }),
            award: None,
            reverses: None,
        };
        store::post(tx, &posting, now).await?;
        store::take_parts(tx, account.0, &parts).await?;
        back::make_good(tx, Debt { points, ..debt }).await?;
    }
    Ok(())
}

/// The chore that makes debts good out of what came free otherwise than by an award: a redemption
/// that was cancelled, ran out or was refunded.
#[derive(Debug, Clone, Copy, serde::Serialize, serde::Deserialize)]
pub struct SetOff {}

impl SetOff {
    /// The kind of the job.
    pub const KIND: &'static str = "set_off_points";
}

/// Makes good what people owe who have something free, so many at once: the rest a minute later.
///
/// # Errors
/// The database's.
pub async fn set_off_all(tx: &mut Connection, now: Timestamp) -> Result<(), Error> {
    for account in back::solvent(tx, BATCH, now).await? {
        let account = AccountId(account);
        store::lock(tx, account).await?;
        set_off(tx, account, now).await?;
    }
    Ok(())
}
