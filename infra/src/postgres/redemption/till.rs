//! What happens at a till: wrong digits counted, a verification undone, who is who, what is told of it.

use domain::{
    event::NewEvent,
    id::{AccountId, RedemptionId},
    redemption::Attempts,
    time::Timestamp,
};

use super::super::{Connection, event};

/// The attempts of these subjects (`clerk:…`, `merchant:…`), locked in the order of their names. Each
/// has a row from now on, so that attempts at once wait for each other.
///
/// # Errors
/// The database's.
pub async fn lock_attempts(
    conn: &mut Connection,
    subjects: &[String],
    now: Timestamp,
) -> sqlx::Result<Vec<(String, Attempts)>> {
    sqlx::query!(
        "insert into till_attempt (subject, since)
         select subject, $2 from unnest($1::text[]) as subject order by subject
         on conflict (subject) do nothing",
        subjects,
        now,
    )
    .execute(&mut *conn)
    .await?;
    let rows = sqlx::query!(
        "select subject, misses, since, locked_until from till_attempt
         where subject = any($1) order by subject for no key update",
        subjects,
    )
    .fetch_all(conn)
    .await?;
    let rows = rows.into_iter().map(|row| {
        let attempts =
            Attempts { misses: row.misses, since: row.since, locked_until: row.locked_until };
        (row.subject, attempts)
    });
    Ok(rows.collect())
}

/// Saves the locked attempts of a subject.
///
/// # Errors
/// The database's.
pub async fn save_attempts(
    conn: &mut Connection,
    subject: &str,
    attempts: Attempts,
) -> sqlx::Result<()> {
    sqlx::query!(
        "update till_attempt set misses = $2, since = $3, locked_until = $4 where subject = $1",
        subject,
        attempts.misses,
        attempts.since,
        attempts.locked_until,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Writes beside a refunded redemption which clerk took his verification back, and why.
///
/// # Errors
/// The database's; `redemption_undone` when another clerk verified it.
pub async fn undone(
    conn: &mut Connection,
    id: RedemptionId,
    by: AccountId,
    reason: &str,
) -> sqlx::Result<()> {
    sqlx::query!(
        "update redemption set undone_by = $2, undone_reason = $3 where id = $1",
        id.0,
        by.0,
        reason,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Appends events to a redemption's stream, `by` nobody when the system did it; answers the number of
/// the last.
///
/// # Errors
/// The database's.
pub async fn tell(
    conn: &mut Connection,
    id: RedemptionId,
    events: &[NewEvent],
    by: Option<AccountId>,
    now: Timestamp,
) -> sqlx::Result<i32> {
    let last = sqlx::query_scalar!(
        "update redemption set last_seq = last_seq + $2 where id = $1 returning last_seq",
        id.0,
        i32::try_from(events.len()).unwrap_or(i32::MAX),
    )
    .fetch_one(&mut *conn)
    .await?;
    event::append(conn, id.0, last, events, by, now).await?;
    Ok(last)
}
