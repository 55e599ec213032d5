//! The points ledger: accounts, movements, lots. Every change of a person's points happens under
//! the lock of their account, which therefore guards their lots as well.

use chrono::NaiveDate;
use domain::{
    complaint,
    id::{AccountId, ComplaintId, LedgerTxId, LotId},
    points::{BookRule, EntryKind, Lot, Part, Source},
    task,
    time::Timestamp,
};
use serde_json::Value;
use uuid::Uuid;

use super::Connection;

pub mod adjustment;
pub mod donation;
pub mod notice;
pub mod read;
pub mod reversal;
pub mod rule;
pub mod statement;
#[cfg(test)]
mod tests;
pub mod warning;

/// Where awarded points come from.
pub const ISSUANCE: Uuid = Uuid::from_u128(0x0000_0000_0000_7000_8000_0000_0000_0001);
/// Where expired points go to.
pub const EXPIRY: Uuid = Uuid::from_u128(0x0000_0000_0000_7000_8000_0000_0000_0002);

/// The other side of manual adjustments.
pub const ADJUSTMENT: Uuid = Uuid::from_u128(0x0000_0000_0000_7000_8000_0000_0000_0003);
/// What people owe after spent points were taken back.
pub const RECEIVABLE: Uuid = Uuid::from_u128(0x0000_0000_0000_7000_8000_0000_0000_0004);

/// What a person has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Balance {
    /// The sum of their entries.
    pub posted: i64,
    /// Of these, set aside for redemption codes.
    pub held: i64,
}

/// A movement to be posted: `amount` points from one account to another.
#[derive(Debug, Clone, PartialEq)]
pub struct Posting<'a> {
    /// Its id.
    pub id: LedgerTxId,
    /// What moves.
    pub kind: EntryKind,
    /// Why; with the kind it is unique for ever.
    pub cause: &'a str,
    /// How many points; positive.
    pub amount: i64,
    /// Who gives.
    pub from: Uuid,
    /// Who gets.
    pub to: Uuid,
    /// Codes and ids for its sentence.
    pub data: &'a Value,
    /// Of an award: what for, on which day it counts, by which rule.
    pub award: Option<(Source, NaiveDate, &'a str)>,
    /// The movement that it takes back.
    pub reverses: Option<LedgerTxId>,
}

/// Posts a movement with its two entries.
///
/// # Errors
/// The database's; `ledger_tx_cause` when the same cause has moved points before.
pub async fn post(
    conn: &mut Connection,
    posting: &Posting<'_>,
    now: Timestamp,
) -> sqlx::Result<()> {
    let entries = [(posting.from, -posting.amount), (posting.to, posting.amount)];
    post_entries(conn, posting, &entries, now).await
}

/// Posts a movement with entries of its own, which come to zero; what `posting` says of two accounts
/// and an amount is not looked at. An entry of nothing is left out.
///
/// # Errors
/// As [`post`].
pub async fn post_entries(
    conn: &mut Connection,
    posting: &Posting<'_>,
    entries: &[(Uuid, i64)],
    now: Timestamp,
) -> sqlx::Result<()> {
    let (source, day, version) = match posting.award {
        Some((source, day, version)) => (Some(source.code()), Some(day), Some(version)),
        None => (None, None, None),
    };
    let entries = entries.iter().filter(|(_, amount)| *amount != 0).copied();
    let (accounts, amounts): (Vec<Uuid>, Vec<i64>) = entries.unzip();
    sqlx::query!(
        "with posted as (
             insert into ledger_tx
                 (id, kind, cause, source, at, counted_on, rule_version, data, reverses)
             values ($1, $2, $3, $4, $5, $6, $7, $8, $9)
             returning id, at
         )
         insert into ledger_entry (tx, seq, account, amount, at)
         select id, seq, account, amount, at
         from posted, unnest($10::uuid[], $11::bigint[]) with ordinality as entry (account, amount, seq)",
        posting.id.0,
        posting.kind.code(),
        posting.cause,
        source,
        now,
        day,
        version,
        posting.data,
        posting.reverses.map(|id| id.0),
        &accounts,
        &amounts,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Opens a person's account, if it is not open.
///
/// # Errors
/// The database's.
pub async fn open(conn: &mut Connection, account: AccountId, now: Timestamp) -> sqlx::Result<()> {
    sqlx::query!(
        "insert into points_account (id, kind, account_id, posted, held, opened_at)
         values ($1, 'user', $1, 0, 0, $2) on conflict do nothing",
        account.0,
        now,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Locks a person's account; `None` when they never had points.
///
/// # Errors
/// The database's.
pub async fn lock(conn: &mut Connection, account: AccountId) -> sqlx::Result<Option<Balance>> {
    sqlx::query_as!(
        Balance,
        r#"select posted as "posted!", held as "held!" from points_account
           where account_id = $1 for no key update"#,
        account.0,
    )
    .fetch_optional(conn)
    .await
}

/// Points that come to an account together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NewLot {
    /// The lot.
    pub id: LotId,
    /// The account in the ledger; a person's has the person's id.
    pub account: Uuid,
    /// How many points; positive.
    pub points: i64,
    /// When they run out.
    pub expires_at: Timestamp,
    /// The movement that gives them.
    pub given_by: LedgerTxId,
}

/// Adds a lot to an account and to its total. The movement has been posted before it.
///
/// # Errors
/// The database's.
pub async fn add_lot(conn: &mut Connection, lot: &NewLot) -> sqlx::Result<()> {
    sqlx::query!(
        "with added as (
             insert into point_lot (id, account, granted, remaining, expires_at, given_by)
             values ($1, $2, $3, $3, $4, $5)
         )
         update points_account set posted = posted + $3 where id = $2",
        lot.id.0,
        lot.account,
        lot.points,
        lot.expires_at,
        lot.given_by.0,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Takes parts out of the lots of an account and out of its total. The movement is posted beside it.
///
/// # Errors
/// The database's; `point_lot_balance` when a lot has not as many.
pub async fn take_parts(conn: &mut Connection, account: Uuid, parts: &[Part]) -> sqlx::Result<()> {
    let lots: Vec<Uuid> = parts.iter().map(|part| part.lot.0).collect();
    let amounts: Vec<i64> = parts.iter().map(|part| part.amount).collect();
    sqlx::query!(
        "with taken as (
             update point_lot set remaining = remaining - part.amount
             from unnest($2::uuid[], $3::bigint[]) as part (lot, amount)
             where id = part.lot and account = $1
         )
         update points_account
         set posted = posted - (select coalesce(sum(amount), 0) from unnest($3::bigint[]) as given (amount))
         where id = $1",
        account,
        &lots,
        &amounts,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// The lots that a person can spend from, first expiring first. Under the account's lock.
///
/// # Errors
/// The database's.
pub async fn spendable(
    conn: &mut Connection,
    account: AccountId,
    now: Timestamp,
) -> sqlx::Result<Vec<Lot>> {
    sqlx::query_as!(
        Lot,
        r#"select id as "id: LotId", remaining - held as "free!" from point_lot
           where account = $1 and remaining > 0 and remaining > held and expires_at > $2
           order by expires_at, id"#,
        account.0,
        now,
    )
    .fetch_all(conn)
    .await
}

/// What a person was awarded for some sources on the days `from..to`: points and how often. What was
/// taken back counts no more; what is still in public notice counts.
///
/// # Errors
/// The database's.
pub async fn awarded(
    conn: &mut Connection,
    account: AccountId,
    sources: &[Source],
    (from, to): (NaiveDate, NaiveDate),
) -> sqlx::Result<(i64, i64)> {
    let sources: Vec<String> = sources.iter().map(|source| source.code().to_owned()).collect();
    let row = sqlx::query!(
        r#"select coalesce(sum(points), 0)::bigint as "points!", count(*) as "times!"
           from (
               select entry.amount as points
               from ledger_entry as entry join ledger_tx as tx on tx.id = entry.tx
               where entry.account = $1 and tx.source = any($2)
                   and tx.counted_on >= $3 and tx.counted_on < $4
                   and not exists (select from ledger_tx as back where back.reverses = tx.id)
               union all
               select points from points_notice
               where account = $1 and source = any($2) and counted_on >= $3 and counted_on < $4
                   and status in ('open', 'objected')
           ) as given"#,
        account.0,
        &sources,
        from,
        to,
    )
    .fetch_one(conn)
    .await?;
    Ok((row.points, row.times))
}

/// The points that services counted on these three terms gave somebody, awards in public notice
/// included; what was taken back is not counted.
///
/// # Errors
/// The database's.
pub async fn served(
    conn: &mut Connection,
    account: AccountId,
    [day, week, year]: [(NaiveDate, NaiveDate); 3],
) -> sqlx::Result<[i64; 3]> {
    let row = sqlx::query!(
        r#"select coalesce(sum(points) filter (where day >= $2 and day < $3), 0)::bigint as "day!",
               coalesce(sum(points) filter (where day >= $4 and day < $5), 0)::bigint as "week!",
               coalesce(sum(points) filter (where day >= $6 and day < $7), 0)::bigint as "year!"
           from (
               select entry.amount as points, tx.counted_on as day
               from ledger_entry as entry join ledger_tx as tx on tx.id = entry.tx
               where entry.account = $1 and tx.source = 'service'
                   and tx.counted_on >= least($4::date, $6::date)
                   and tx.counted_on < greatest($5::date, $7::date)
                   and not exists (select from ledger_tx as back where back.reverses = tx.id)
               union all
               select points, counted_on from points_notice
               where account = $1 and source = 'service' and status in ('open', 'objected')
                   and counted_on >= least($4::date, $6::date)
                   and counted_on < greatest($5::date, $7::date)
           ) as given"#,
        account.0,
        day.0,
        day.1,
        week.0,
        week.1,
        year.0,
        year.1,
    )
    .fetch_one(conn)
    .await?;
    Ok([row.day, row.week, row.year])
}

/// Whether a cause was awarded before, or is or was up for notice.
///
/// # Errors
/// The database's.
pub async fn awarded_before(conn: &mut Connection, cause: &str) -> sqlx::Result<bool> {
    sqlx::query_scalar!(
        r#"select exists (select from ledger_tx where kind = 'earn' and cause = $1)
               or exists (select from points_notice where cause = $1) as "known!""#,
        cause,
    )
    .fetch_one(conn)
    .await
}

/// Whether a cause has moved points already.
///
/// # Errors
/// The database's.
pub async fn caused(conn: &mut Connection, kind: EntryKind, cause: &str) -> sqlx::Result<bool> {
    sqlx::query_scalar!(
        r#"select exists (select from ledger_tx where kind = $1 and cause = $2) as "known!""#,
        kind.code(),
        cause,
    )
    .fetch_one(conn)
    .await
}

/// What decides whether an appeal is awarded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Appeal {
    /// The complaint.
    pub complaint: ComplaintId,
    /// Who reported it.
    pub reporter: AccountId,
    /// Its number.
    pub number: String,
    /// What kind of appeal.
    pub kind: complaint::Kind,
    /// What the lead unit's reply came to, once it was confirmed.
    pub outcome: Option<task::Outcome>,
    /// A supervisor took it, or the case it follows, out of the rates: unreasonable, or out of scope.
    pub excluded: bool,
}

/// What the awards for a case are decided by: its own reporter, and those of the complaints that
/// follow it and share its outcome. Of each person the leading complaint first, or else the earliest
/// of their own; in ascending account, in which they are locked.
///
/// # Errors
/// The database's.
pub async fn appeals(conn: &mut Connection, id: ComplaintId) -> sqlx::Result<Vec<Appeal>> {
    sqlx::query_as!(
        Appeal,
        r#"select c.id as "complaint: ComplaintId",
               c.reporter_id as "reporter!: AccountId", c.number, c.kind as "kind: complaint::Kind",
               (select reply_outcome from task
                where task.complaint_id = $1 and line = 0 and task.status = 'confirmed'
                order by confirmed_at desc, id desc limit 1) as "outcome: task::Outcome",
               c.excluded_at is not null or l.excluded_at is not null as "excluded!"
           from complaint c left join complaint l on l.id = c.merged_into
           where (c.id = $1 or c.merged_into = $1) and c.reporter_id is not null
           order by c.reporter_id, c.id <> $1, c.id"#,
        id.0,
    )
    .fetch_all(conn)
    .await
}

/// Whether anybody with an account reported what follows a case.
///
/// # Errors
/// The database's.
pub async fn follows_with_account(conn: &mut Connection, id: ComplaintId) -> sqlx::Result<bool> {
    sqlx::query_scalar!(
        r#"select exists (
               select from complaint where merged_into = $1 and reporter_id is not null
           ) as "exists!""#,
        id.0,
    )
    .fetch_one(conn)
    .await
}

/// Points that ran out: what is left of a lot and not held.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Expired {
    /// The lot.
    pub lot: LotId,
    /// Whose.
    pub account: AccountId,
    /// How many points.
    pub points: i64,
    /// The lot's points before, held ones included.
    pub remaining: i64,
}

/// Locks up to `limit` accounts that have expired points, in order.
///
/// # Errors
/// The database's.
pub async fn lock_expired(
    conn: &mut Connection,
    limit: i64,
    now: Timestamp,
) -> sqlx::Result<Vec<Uuid>> {
    sqlx::query_scalar!(
        "select id from points_account
         where id in (
             select account from point_lot
             where remaining > 0 and remaining > held and expires_at <= $1
             order by account limit $2
         )
         order by id for no key update",
        now,
        limit,
    )
    .fetch_all(conn)
    .await
}

/// What has expired of locked accounts.
///
/// # Errors
/// The database's.
pub async fn expired(
    conn: &mut Connection,
    accounts: &[Uuid],
    now: Timestamp,
) -> sqlx::Result<Vec<Expired>> {
    sqlx::query_as!(
        Expired,
        r#"select id as "lot: LotId", account as "account: AccountId",
               remaining - held as "points!", remaining
           from point_lot
           where account = any($2) and remaining > 0 and remaining > held and expires_at <= $1
           order by account, expires_at, id"#,
        now,
        accounts,
    )
    .fetch_all(conn)
    .await
}

/// Takes expired points out of their lot and their account. The movement is posted beside it.
///
/// # Errors
/// The database's.
pub async fn take_expired(conn: &mut Connection, expired: &Expired) -> sqlx::Result<()> {
    sqlx::query!(
        "with taken as (update point_lot set remaining = remaining - $3 where id = $1)
         update points_account set posted = posted - $3 where id = $2",
        expired.lot.0,
        expired.account.0,
        expired.points,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// A figure that breaks a rule of the books.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation {
    /// Which rule.
    pub rule: BookRule,
    /// The movement, hold, lot, account or offer.
    pub subject: Option<Uuid>,
    /// Whose redemptions it blocks.
    pub account: Option<Uuid>,
    /// Which offer it blocks.
    pub offer: Option<Uuid>,
    /// The figure that the other books give.
    pub expected: i64,
    /// The figure that stands there.
    pub found: i64,
}

/// Every violation, at most 1,000. There is none.
///
/// # Errors
/// The database's.
pub async fn violations(conn: &mut Connection) -> sqlx::Result<Vec<Violation>> {
    sqlx::query_as!(
        Violation,
        r#"select rule as "rule!: BookRule", subject, account, offer, expected as "expected!", found as "found!"
           from ledger_violation order by rule, subject limit 1000"#,
    )
    .fetch_all(conn)
    .await
}

/// Blocks redemption for the accounts and offers of these violations, and for no other.
///
/// # Errors
/// The database's.
pub async fn block(
    conn: &mut Connection,
    violations: &[Violation],
    now: Timestamp,
) -> sqlx::Result<()> {
    let subject = |one: &Violation| {
        let account = one.account.map(|id| (id, "account".to_owned(), one.rule.code().to_owned()));
        let offer = one.offer.map(|id| (id, "offer".to_owned(), one.rule.code().to_owned()));
        account.into_iter().chain(offer)
    };
    let mut ids = Vec::new();
    let mut subjects = Vec::new();
    let mut rules = Vec::new();
    for (id, subject, rule) in violations.iter().flat_map(subject) {
        ids.push(id);
        subjects.push(subject);
        rules.push(rule);
    }
    sqlx::query!("delete from ledger_block where subject_id <> all($1)", &ids)
        .execute(&mut *conn)
        .await?;
    sqlx::query!(
        "insert into ledger_block (subject_id, subject, rule, since)
         select id, subject, rule, $4
         from unnest($1::uuid[], $2::text[], $3::text[]) as found (id, subject, rule)
         on conflict (subject_id) do nothing",
        &ids,
        &subjects,
        &rules,
        now,
    )
    .execute(conn)
    .await?;
    Ok(())
}
