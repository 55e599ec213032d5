//! Pauses of new claims (暂停认领).

use crate::postgres::Connection;
use domain::{
    id::{AccountId, ClaimId, ServicePauseId},
    service::{Missed, Pause},
    time::Timestamp,
};

/// Until when an account's new claims pause.
///
/// # Errors
/// The database is away.
pub async fn until(
    conn: &mut Connection,
    account: AccountId,
    now: Timestamp,
) -> Result<Option<Timestamp>, sqlx::Error> {
    sqlx::query_scalar!(
        "select max(until_at) from service_pause
         where account_id = $1 and lifted_at is null and until_at > $2",
        account.0,
        now,
    )
    .fetch_one(conn)
    .await
}

/// When an account's last pause began, lifted or not.
///
/// # Errors
/// The database is away.
pub async fn last(
    conn: &mut Connection,
    account: AccountId,
) -> Result<Option<Timestamp>, sqlx::Error> {
    sqlx::query_scalar!("select max(began_at) from service_pause where account_id = $1", account.0,)
        .fetch_one(conn)
        .await
}

/// What an account missed after an instant: posts that began later, and late cancellations that came
/// later, however far ahead their post was.
///
/// # Errors
/// The database is away.
pub async fn missed(
    conn: &mut Connection,
    account: AccountId,
    since: Timestamp,
) -> Result<Missed, sqlx::Error> {
    sqlx::query_as!(
        Missed,
        r#"select count(*) filter (where status = 'no_show' and not short_notice) as "no_shows!",
               count(*) filter (where cancelled_late and (
                   select max(at) from event e
                   where e.subject_id = claim.id and e.kind = 'claim_cancelled') > $2) as "lates!"
           from claim
           where account_id = $1 and lower(during) > $2"#,
        account.0,
        since,
    )
    .fetch_one(conn)
    .await
}

/// Begins a pause. A claim is one too many once; `false` where it was already.
///
/// # Errors
/// The database is away.
pub async fn begin(
    conn: &mut Connection,
    id: ServicePauseId,
    (account, claim): (AccountId, ClaimId),
    missed: Missed,
    (now, until): (Timestamp, Timestamp),
) -> Result<bool, sqlx::Error> {
    let done = sqlx::query!(
        "insert into service_pause (id, account_id, claim_id, no_shows, lates, began_at, until_at)
         values ($1, $2, $3, $4, $5, $6, $7)
         on conflict on constraint service_pause_once do nothing",
        id.0,
        account.0,
        claim.0,
        i32::try_from(missed.no_shows).unwrap_or(i32::MAX),
        i32::try_from(missed.lates).unwrap_or(i32::MAX),
        now,
        until,
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// The claim that caused a pause.
///
/// # Errors
/// The database is away.
pub async fn cause(
    conn: &mut Connection,
    id: ServicePauseId,
) -> Result<Option<ClaimId>, sqlx::Error> {
    sqlx::query_scalar!(
        r#"select claim_id as "claim: ClaimId" from service_pause where id = $1"#,
        id.0
    )
    .fetch_optional(conn)
    .await
}

/// A pause, locked. Lock the post of the claim that caused it first.
///
/// # Errors
/// The database is away.
pub async fn lock(conn: &mut Connection, id: ServicePauseId) -> Result<Option<Pause>, sqlx::Error> {
    let row = sqlx::query!(
        r#"select account_id as "account: AccountId", until_at, lifted_at
           from service_pause where id = $1 for no key update"#,
        id.0,
    )
    .fetch_optional(conn)
    .await?;
    let pause = |account, until, lifted_at| Pause { account, until, lifted_at };
    Ok(row.map(|row| pause(row.account, row.until_at, row.lifted_at)))
}

/// Lifts a pause.
///
/// # Errors
/// The database is away; `service_pause_not_by_oneself`.
pub async fn lift(
    conn: &mut Connection,
    id: ServicePauseId,
    by: AccountId,
    reason: &str,
    now: Timestamp,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "update service_pause set lifted_at = $2, lifted_by = $3, lift_reason = $4 where id = $1",
        id.0,
        now,
        by.0,
        reason,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Lifts what pauses of an account began since an instant, because the cause was corrected.
///
/// # Errors
/// The database is away.
pub async fn lift_since(
    conn: &mut Connection,
    account: AccountId,
    since: Timestamp,
    now: Timestamp,
) -> Result<bool, sqlx::Error> {
    let done = sqlx::query!(
        "update service_pause set lifted_at = $3
         where account_id = $1 and began_at >= $2 and lifted_at is null and until_at > $3",
        account.0,
        since,
        now,
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected() > 0)
}
