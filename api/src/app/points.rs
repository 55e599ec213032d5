//! Points (积分): what gives them, when they run out, and whether the books add up.

use std::collections::BTreeSet;

use chrono::{Days, NaiveDate};
use domain::{
    complaint::{self, Complaint},
    id::{AccountId, ComplaintId, JobId, LedgerTxId},
    points::{EntryKind, Refused, Served, Source, source_of, verified, week, year},
    time::{self, Timestamp},
};
use infra::{
    postgres::{
        Connection, identity as accounts,
        job::{self, NewJob},
        points::{
            self as store, Appeal, Expired, NewLot, Posting, Violation,
            rule::{self, Rule},
        },
        privacy,
    },
    random,
};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::{error::Error, state::State};

pub mod adjustment;
pub mod donation;
pub mod notice;
pub mod reversal;
pub mod rules;
pub mod statement;
pub mod warning;

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

/// Refuses what somebody does with their own points, by this account or another of theirs.
async fn not_own(tx: &mut Connection, by: AccountId, whose: AccountId) -> Result<(), Error> {
    if accounts::same_person(tx, by, &[whose]).await? {
        return Err(Refused::OwnPoints.into());
    }
    Ok(())
}

/// The version of the rules that counts for a day: the last one that was approved to begin by then,
/// or else the configuration's.
///
/// # Errors
/// The database's.
pub async fn rule_on(tx: &mut Connection, state: &State, day: NaiveDate) -> Result<Rule, Error> {
    Ok(rule::valid_on(tx, day).await?.unwrap_or_else(|| configured(state)))
}

fn configured(state: &State) -> Rule {
    let rules = &state.config.points;
    Rule { name: rules.version.clone(), terms: rules.award.clone() }
}

/// Posts an award as it is told, without looking at caps or public notice: movement, lot and balance.
/// What the person owes is made good out of it.
///
/// # Errors
/// The database's; the same cause a second time is one of them (`ledger_tx_cause`).
pub async fn award(
    tx: &mut Connection,
    state: &State,
    award: &Award,
    now: Timestamp,
) -> Result<(), Error> {
    let rule = rule_on(tx, state, award.on).await?;
    store::open(tx, award.account, now).await?;
    store::lock(tx, award.account).await?;
    post(tx, award, (&rule.name, rule.terms.expiry(now)), now).await.map(drop)
}

/// Posts an award by a rule, with points that run out at a given instant, under the account's lock.
async fn post(
    tx: &mut Connection,
    award: &Award,
    (rule, expires_at): (&str, Timestamp),
    now: Timestamp,
) -> Result<LedgerTxId, Error> {
    let posting = Posting {
        id: random::id(now),
        kind: EntryKind::Earn,
        cause: &award.cause,
        amount: award.points,
        from: store::ISSUANCE,
        to: award.account.0,
        data: &award.data,
        award: Some((award.source, award.on, rule)),
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
    reversal::set_off(tx, award.account, now).await?;
    Ok(posting.id)
}

/// Gives an award that was computed by a rule: at once, or after a public notice where the rule says
/// so. Under the account's lock.
async fn give(
    tx: &mut Connection,
    state: &State,
    award: &Award,
    (rule, expires_at): (&Rule, Timestamp),
    now: Timestamp,
) -> Result<(), Error> {
    if rule.terms.needs_notice(award.source) {
        notice::open(tx, state, award, (rule, expires_at), now).await
    } else {
        post(tx, award, (&rule.name, expires_at), now).await.map(drop)
    }
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

/// Awards a service by the rule of its day, and answers how many points that came to: none for less
/// than a whole point, and none once the day, the week or the year is full.
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
    award_served(tx, state, service, (cause, None), now).await
}

/// Awards a service under a cause of its own, with points that run out at a given instant or when the
/// rule says.
async fn award_served(
    tx: &mut Connection,
    state: &State,
    service: &Service,
    (cause, expires_at): (String, Option<Timestamp>),
    now: Timestamp,
) -> Result<i64, Error> {
    let Service { account, claim, post_kind, minutes, factor_percent, on } = *service;
    let rule = rule_on(tx, state, on).await?;
    store::open(tx, account, now).await?;
    store::lock(tx, account).await?;
    let terms = [(on, on + Days::new(1)), week(on), year(on)];
    let [day, week, year] = store::served(tx, account, terms).await?;
    let kind = post_kind.parse().ok();
    let served = Served { kind, minutes, factor_percent, day, week, year };
    let points = rule.terms.service(&served);
    if points > 0 {
        let data = with(served.figures(), "claim", json!(claim));
        let given = Award { account, points, source: Source::Service, cause, on, data };
        let expires_at = expires_at.unwrap_or_else(|| rule.terms.expiry(now));
        give(tx, state, &given, (&rule, expires_at), now).await?;
    }
    Ok(points)
}

/// Figures with one more among them.
fn with(mut figures: Value, key: &str, value: Value) -> Value {
    if let Value::Object(fields) = &mut figures {
        fields.insert(key.to_owned(), value);
    }
    figures
}

/// Awards something that gives a fixed number of points so many times a week, once for each cause.
/// Answers how many points it came to.
async fn award_once(
    tx: &mut Connection,
    state: &State,
    (account, source): (AccountId, Source),
    (cause, on, data): (String, NaiveDate, Value),
    now: Timestamp,
) -> Result<i64, Error> {
    let rule = rule_on(tx, state, on).await?;
    store::open(tx, account, now).await?;
    store::lock(tx, account).await?;
    if store::awarded_before(tx, &cause).await? {
        return Ok(0);
    }
    // Verified appeals and adopted suggestions share the week.
    let counted: &[Source] = match source {
        Source::Appeal | Source::Suggestion => &[Source::Appeal, Source::Suggestion],
        Source::Visit => &[Source::Visit],
        Source::Service => &[Source::Service],
    };
    let (_, before) = store::awarded(tx, account, counted, week(on)).await?;
    let points = rule.terms.once(source, before);
    if points > 0 {
        let data = with(data, "before", json!(before));
        let given = Award { account, points, source, cause, on, data };
        give(tx, state, &given, (&rule, rule.terms.expiry(now)), now).await?;
    }
    Ok(points)
}

/// Awards a visit to a household in difficulty by the rule of its day, once; answers how many points
/// it came to: none once the week is full.
///
/// # Errors
/// The database's.
pub async fn award_visit(
    tx: &mut Connection,
    state: &State,
    account: AccountId,
    visit: Uuid,
    day: NaiveDate,
    now: Timestamp,
) -> Result<i64, Error> {
    let about = (format!("visit:{visit}"), day, json!({ "visit": visit }));
    award_once(tx, state, (account, Source::Visit), about, now).await
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
    let data = json!({ "complaint": appeal.complaint, "number": appeal.number });
    let about = (format!("appeal:{}", appeal.complaint), time::date(now), data);
    let who = (appeal.reporter, source_of(appeal.kind));
    award_once(tx, state, who, about, now).await.map(drop)
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
    let accounts = store::lock_expired(tx, BATCH, now).await?;
    for account in &accounts {
        // What came back too late of an award that was taken back is not lost and owed at once.
        reversal::set_off(tx, AccountId(*account), now).await?;
    }
    for lot in &store::expired(tx, &accounts, now).await? {
        take_expired(tx, lot, &json!({ "lot": lot.lot }), now).await?;
    }
    if !accounts.is_empty() {
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

/// Ends an account's points because its person is erased: what is free now, what is held when it
/// comes back.
///
/// # Errors
/// The database's.
pub async fn end_all(tx: &mut Connection, account: AccountId, now: Timestamp) -> Result<(), Error> {
    for lot in privacy::end_points(tx, account, now).await? {
        take_expired(tx, &lot, &json!({ "lot": lot.lot, "reason": "erased" }), now).await?;
    }
    Ok(())
}

async fn take_expired(
    tx: &mut Connection,
    lot: &Expired,
    data: &Value,
    now: Timestamp,
) -> Result<(), Error> {
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
        data,
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
