//! Points (积分): what gives them, when they run out, and whether the books add up.

use std::collections::BTreeSet;

use chrono::{Days, NaiveDate};
use domain::{
    complaint::{self, Complaint},
    id::{AccountId, ComplaintId, JobId, LedgerTxId},
    points::{EntryKind, Source, verified, week},
    time::{self, Timestamp},
};
use infra::{
    postgres::{
        Connection,
        job::{self, NewJob},
        points::{self as store, Appeal, Expired, NewLot, Posting, Violation},
    },
    random,
};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::{error::Error, state::State};

pub mod reversal;
pub mod statement;

pub use reversal::{Why, correct_service, take_back};

/// Accounts whose expired points are taken in one transaction.
const BATCH: i64 = 200;

/// An award: so many points for a cause, once.
#[derive(Debug, Clone, PartialEq)]
pub struct Award {
    /// To whom.
    pub account: AccountId,
    /// How many; positive.
    pub points: i64,
    /// What for.
    pub source: Source,
    /// The cause, unique for ever, such as `service:<claim>`.
    pub cause: String,
    /// The day that caps count it on.
    pub on: NaiveDate,
    /// Codes and figures for the sentence that explains it.
    pub data: Value,
}

/// Posts an award as it is told, without looking at caps: movement, lot and balance. What the person
/// owes is made good out of it.
///
/// # Errors
/// The database's; the same cause a second time is one of them (`ledger_tx_cause`).
pub async fn award(
    tx: &mut Connection,
    state: &State,
    award: &Award,
    now: Timestamp,
) -> Result<(), Error> {
    let expires_at = state.config.points.expiry(now);
    award_until(tx, state, award, expires_at, now).await
}

/// The same with points that run out at a given instant.
async fn award_until(
    tx: &mut Connection,
    state: &State,
    award: &Award,
    expires_at: Timestamp,
    now: Timestamp,
) -> Result<(), Error> {
    let rules = &state.config.points;
    store::open(tx, award.account, now).await?;
    store::lock(tx, award.account).await?;
    let posting = Posting {
        id: random::id(now),
        kind: EntryKind::Earn,
        cause: &award.cause,
        amount: award.points,
        from: store::ISSUANCE,
        to: award.account.0,
        data: &award.data,
        award: Some((award.source, award.on, &rules.version)),
        reverses: None,
    };
    store::post(tx, &posting, now).await?;
    let lot = NewLot {
        id: random::id(now),
        account: award.account.0,
        points: award.points,
        expires_at,
        given_by: posting.id,
    };
    store::add_lot(tx, &lot).await?;
    reversal::set_off(tx, award.account, now).await
}

/// Whether a cause was awarded before.
///
/// # Errors
/// The database's.
pub async fn awarded(tx: &mut Connection, cause: &str) -> Result<bool, Error> {
    Ok(store::caused(tx, EntryKind::Earn, cause).await?)
}

/// A service whose minutes were confirmed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Service {
    /// Who served.
    pub account: AccountId,
    /// The claim: the cause, which gives points once.
    pub claim: Uuid,
    /// What kind of post.
    pub post_kind: &'static str,
    /// The confirmed minutes.
    pub minutes: i64,
    /// The post's factor in percent; 100 is 1.
    pub factor_percent: i64,
    /// The day of the service, on which its points count.
    pub on: NaiveDate,
}

/// Awards a service by the rule, and answers how many points that came to: none for less than a
/// whole point, and none once the day is full.
///
/// # Errors
/// The database's; the same claim a second time is one of them.
pub async fn award_service(
    tx: &mut Connection,
    state: &State,
    service: &Service,
    now: Timestamp,
) -> Result<i64, Error> {
    let cause = format!("service:{}", service.claim);
    award_served(tx, state, service, cause, state.config.points.expiry(now), now).await
}

/// Awards a service under a cause of its own, with points that run out at a given instant.
async fn award_served(
    tx: &mut Connection,
    state: &State,
    service: &Service,
    cause: String,
    expires_at: Timestamp,
    now: Timestamp,
) -> Result<i64, Error> {
    let Service { account, claim, post_kind, minutes, factor_percent, on } = *service;
    store::open(tx, account, now).await?;
    store::lock(tx, account).await?;
    let (earned, _) = store::awarded(tx, account, Source::Service, on, on + Days::new(1)).await?;
    let points = state.config.points.service(minutes, factor_percent, earned);
    if points > 0 {
        let data = json!({ "claim": claim, "post_kind": post_kind, "minutes": minutes });
        let given = Award { account, points, source: Source::Service, cause, on, data };
        award_until(tx, state, &given, expires_at, now).await?;
    }
    Ok(points)
}

/// The job that awards the reporters of a verified appeal, once its case is closed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct AwardAppeal {
    /// The case.
    pub complaint: ComplaintId,
}

impl AwardAppeal {
    /// The kind of the job.
    pub const KIND: &'static str = "award_appeal";

    /// Awards each reporter of the case, those of merged complaints included, if the appeal was
    /// verified and the week has room. A case that is reopened and closed again is not awarded again:
    /// the ledger knows its cause.
    ///
    /// # Errors
    /// The database's.
    pub async fn award(
        self,
        tx: &mut Connection,
        state: &State,
        now: Timestamp,
    ) -> Result<(), Error> {
        let mut awarded = BTreeSet::new();
        for appeal in store::appeals(tx, self.complaint).await? {
            let eligible = !appeal.excluded && verified(appeal.kind, appeal.outcome);
            // Who reported the matter twice is awarded for it once.
            if eligible && awarded.insert(appeal.reporter) {
                award_appeal(tx, state, &appeal, now).await?;
            }
        }
        Ok(())
    }
}

async fn award_appeal(
    tx: &mut Connection,
    state: &State,
    appeal: &Appeal,
    now: Timestamp,
) -> Result<(), Error> {
    let account = appeal.reporter;
    let cause = format!("appeal:{}", appeal.complaint);
    store::open(tx, account, now).await?;
    store::lock(tx, account).await?;
    if awarded(tx, &cause).await? {
        return Ok(());
    }
    let on = time::date(now);
    let (monday, next) = week(on);
    let (_, times) = store::awarded(tx, account, Source::Appeal, monday, next).await?;
    let points = state.config.points.appeal(times);
    if points == 0 {
        return Ok(());
    }
    let data = json!({ "complaint": appeal.complaint, "number": appeal.number });
    let given = Award { account, points, source: Source::Appeal, cause, on, data };
    award(tx, state, &given, now).await
}

/// Enqueues the award of a case that has just been closed. Closing is the one moment at which the
/// lead's reply has been confirmed and the reporter had the last word, or was not reached.
///
/// # Errors
/// The database's.
pub async fn closed(
    tx: &mut Connection,
    case: &Complaint,
    now: Timestamp,
) -> Result<Option<JobId>, Error> {
    if case.status != complaint::Status::Closed {
        return Ok(None);
    }
    if case.reporter.is_none() && !store::follows_with_account(tx, case.id).await? {
        return Ok(None);
    }
    let job = NewJob {
        id: random::id(now),
        kind: AwardAppeal::KIND,
        // Each closing asks again: an earlier one may have had nothing to award. The ledger's own
        // cause lets it be awarded once.
        dedupe: format!("{}:{}:{}", AwardAppeal::KIND, case.id, case.last_seq),
        payload: serde_json::to_value(AwardAppeal { complaint: case.id })?,
        run_at: now,
        max_attempts: 10,
    };
    Ok(job::enqueue(tx, &job, now).await?)
}

/// The chore that takes expired points.
#[derive(Debug, Clone, Copy, serde::Serialize, serde::Deserialize)]
pub struct ExpirePoints {}

impl ExpirePoints {
    /// The kind of the job.
    pub const KIND: &'static str = "expire_points";
}

/// Takes what has expired, for so many accounts at once; when there are more, another job follows.
///
/// # Errors
/// The database's.
pub async fn expire(tx: &mut Connection, now: Timestamp) -> Result<(), Error> {
    let expired = store::expired(tx, BATCH, now).await?;
    for lot in &expired {
        take_expired(tx, lot, now).await?;
    }
    if !expired.is_empty() {
        let id: JobId = random::id(now);
        let job = NewJob {
            id,
            kind: ExpirePoints::KIND,
            dedupe: format!("{}:{id}", ExpirePoints::KIND),
            payload: json!({}),
            run_at: now,
            max_attempts: 10,
        };
        job::enqueue(tx, &job, now).await?;
    }
    Ok(())
}

async fn take_expired(tx: &mut Connection, lot: &Expired, now: Timestamp) -> Result<(), Error> {
    let id: LedgerTxId = random::id(now);
    let posting = Posting {
        id,
        kind: EntryKind::Expire,
        // Points that were held or refunded after their lot expired come back and expire again, so
        // that each taking has a cause of its own; the account's lock keeps it from being doubled.
        cause: &format!("{}:{id}", lot.lot),
        amount: lot.points,
        from: lot.account.0,
        to: store::EXPIRY,
        data: &json!({ "lot": lot.lot }),
        award: None,
        reverses: None,
    };
    store::post(tx, &posting, now).await?;
    store::take_expired(tx, lot).await?;
    Ok(())
}

/// The chore that compares the books.
#[derive(Debug, Clone, Copy, serde::Serialize, serde::Deserialize)]
pub struct ReconcileLedger {}

impl ReconcileLedger {
    /// The kind of the job.
    pub const KIND: &'static str = "reconcile_ledger";
}

/// Compares the books: whoever's do not add up cannot redeem until they do, and somebody is called.
///
/// # Errors
/// The database's.
pub async fn reconcile(tx: &mut Connection, now: Timestamp) -> Result<Vec<Violation>, Error> {
    let violations = store::violations(tx).await?;
    store::block(tx, &violations, now).await?;
    for one in &violations {
        let Violation { rule, subject, account, offer, expected, found } = one;
        tracing::error!(%rule, ?subject, ?account, ?offer, expected, found, "the ledger does not add up");
    }
    let count = u32::try_from(violations.len()).unwrap_or(u32::MAX);
    metrics::gauge!("ledger_violations").set(f64::from(count));
    Ok(violations)
}

/// Compares the books without blocking anybody, for whoever asks.
///
/// # Errors
/// The database's.
pub async fn violations(state: &State) -> Result<Vec<Violation>, Error> {
    let mut conn = state.db.acquire().await?;
    Ok(store::violations(&mut conn).await?)
}

#[cfg(test)]
mod tests;
