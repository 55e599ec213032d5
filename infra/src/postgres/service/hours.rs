//! Hours from other volunteer platforms (外部平台时长).

use std::collections::HashMap;

use domain::{
    id::{AccountId, ImportedId},
    org::NodeCode,
    service::{
        Status,
        hours::{Accepted, Known, Standing},
    },
    time::{self, Timestamp},
};
use uuid::Uuid;

use crate::{postgres::Connection, random};

pub mod read;

/// A member that agrees with a row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Match {
    /// The blind index of name and number.
    pub index: Vec<u8>,
    /// The member's account.
    pub account: Option<AccountId>,
    /// The community that signed the account's registration.
    pub community: Option<NodeCode>,
}

/// The members that agree with any of the blind indexes.
///
/// # Errors
/// The database is away.
pub async fn matches(
    conn: &mut Connection,
    indexes: &[Vec<u8>],
) -> Result<Vec<Match>, sqlx::Error> {
    sqlx::query_as!(
        Match,
        r#"select m.match_index as index, m.account_id as "account: AccountId",
               r.community_code as "community?: NodeCode"
           from party_member m
           left join registration r on r.account_id = m.account_id and r.status = 'signed'
           where m.match_index = any($1) and m.removed_at is null"#,
        indexes,
    )
    .fetch_all(conn)
    .await
}

/// Locks accounts in the order of their ids, so that what is done for several of them at once comes
/// one after the other.
///
/// # Errors
/// The database is away.
pub async fn lock(conn: &mut Connection, accounts: &[AccountId]) -> Result<(), sqlx::Error> {
    let ids: Vec<Uuid> = accounts.iter().map(|account| account.0).collect();
    sqlx::query!("select id from account where id = any($1) order by id for no key update", &ids,)
        .fetch_all(conn)
        .await?;
    Ok(())
}

/// What stands of a platform's records.
///
/// # Errors
/// The database is away.
pub async fn known(
    conn: &mut Connection,
    platform: &str,
    records: &[String],
) -> Result<HashMap<String, Known>, sqlx::Error> {
    let rows = sqlx::query!(
        r#"select record_no, account_id as "account: AccountId", lower(during) as "started_at!", minutes
           from imported_service
           where platform = $1 and record_no = any($2) and withdrawn_at is null"#,
        platform,
        records,
    )
    .fetch_all(conn)
    .await?;
    let known = rows.into_iter().map(|row| {
        let known =
            Known { account: row.account, started_at: row.started_at, minutes: row.minutes };
        (row.record_no, known)
    });
    Ok(known.collect())
}

/// What stands of people's time around a span. Call it under the accounts' locks.
///
/// # Errors
/// The database is away.
pub async fn standing(
    conn: &mut Connection,
    accounts: &[AccountId],
    (from, to): (Timestamp, Timestamp),
) -> Result<HashMap<AccountId, Standing>, sqlx::Error> {
    let ids: Vec<Uuid> = accounts.iter().map(|account| account.0).collect();
    let rows = sqlx::query!(
        r#"select account_id as "account!: AccountId", lower(during) as "begins!",
               upper(during) as "ends!", minutes as "minutes!"
           from (
               select account_id, during, coalesce(minutes, 0) as minutes from claim
               where account_id = any($1) and status = any($2) and during && tstzrange($3, $4)
               union all
               select account_id, during, counted from imported_service
               where account_id = any($1) and withdrawn_at is null and during && tstzrange($3, $4)
           ) as taken"#,
        &ids,
        &super::codes(Status::holds_place),
        from,
        to,
    )
    .fetch_all(conn)
    .await?;
    let mut all: HashMap<AccountId, Standing> = HashMap::new();
    for row in rows {
        let standing = all.entry(row.account).or_default();
        standing.busy.push((row.begins, row.ends));
        *standing.days.entry(time::date(row.begins)).or_default() += i64::from(row.minutes);
    }
    Ok(all)
}

/// Stores rows that count.
///
/// # Errors
/// The database is away; `imported_service_record`, `imported_service_no_overlap`.
pub async fn insert(
    conn: &mut Connection,
    platform: &str,
    rows: &[Accepted],
    (by, now): (AccountId, Timestamp),
) -> Result<(), sqlx::Error> {
    let ids: Vec<Uuid> = rows.iter().map(|_| random::id::<ImportedId>(now).0).collect();
    let records: Vec<String> = rows.iter().map(|one| one.row.record.clone()).collect();
    let accounts: Vec<Uuid> = rows.iter().map(|one| one.account.0).collect();
    let begins: Vec<Timestamp> = rows.iter().map(|one| one.row.started_at).collect();
    let ends: Vec<Timestamp> = rows.iter().map(|one| one.row.ended_at()).collect();
    let minutes: Vec<i32> = rows.iter().map(|one| one.row.minutes).collect();
    let counted: Vec<i32> = rows.iter().map(|one| one.counted).collect();
    let titles: Vec<String> = rows.iter().map(|one| one.row.title.clone()).collect();
    sqlx::query!(
        "insert into imported_service (id, platform, record_no, account_id, during, minutes, counted,
             title, imported_by, imported_at)
         select id, $9, record, account, tstzrange(begins, ends), minutes, counted, title, $10, $11
         from unnest($1::uuid[], $2::text[], $3::uuid[], $4::timestamptz[], $5::timestamptz[],
             $6::int[], $7::int[], $8::text[])
             as given (id, record, account, begins, ends, minutes, counted, title)",
        &ids,
        &records,
        &accounts,
        &begins,
        &ends,
        &minutes,
        &counted,
        &titles,
        platform,
        by.0,
        now,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// An imported record whose withdrawal is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Held {
    /// When it was withdrawn.
    pub withdrawn_at: Option<Timestamp>,
    /// The community that the person is registered with.
    pub community: Option<NodeCode>,
}

/// An imported record, locked.
///
/// # Errors
/// The database is away.
pub async fn lock_record(
    conn: &mut Connection,
    id: ImportedId,
) -> Result<Option<Held>, sqlx::Error> {
    sqlx::query_as!(
        Held,
        r#"select i.withdrawn_at, (select r.community_code from registration r
                   where r.account_id = i.account_id and r.status = 'signed') as "community: NodeCode"
           from imported_service i where i.id = $1
           for no key update of i"#,
        id.0,
    )
    .fetch_optional(conn)
    .await
}

/// Withdraws an imported record: it counts no more, and stays to be seen.
///
/// # Errors
/// The database is away.
pub async fn withdraw(
    conn: &mut Connection,
    id: ImportedId,
    reason: &str,
    (by, now): (AccountId, Timestamp),
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "update imported_service set withdrawn_at = $2, withdrawn_by = $3, withdrawn_reason = $4
         where id = $1",
        id.0,
        now,
        by.0,
        reason,
    )
    .execute(conn)
    .await?;
    Ok(())
}
