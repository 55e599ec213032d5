//! Idempotency keys: the first answer of each, kept sealed, in the transaction of its effect.

use domain::time::Timestamp;

use super::Connection;

/// Which request of whom.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Key<'a> {
    /// The account's id, or `anonymous`.
    pub caller: &'a str,
    /// The operation, such as `complaint.submit`.
    pub operation: &'a str,
    /// What the client sent.
    pub key: &'a str,
}

/// A kept answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kept {
    /// A MAC over the command it answered.
    pub command_hash: Vec<u8>,
    /// The HTTP status.
    pub status: i16,
    /// The body, sealed.
    pub answer_sealed: Vec<u8>,
}

/// Keeps an answer; `false` when the key has one that is younger than `expired`. Of two
/// transactions with the same key the second waits here until the first has ended.
///
/// # Errors
/// The database's.
pub async fn keep(
    conn: &mut Connection,
    key: Key<'_>,
    kept: &Kept,
    expired: Timestamp,
    now: Timestamp,
) -> sqlx::Result<bool> {
    let stored = sqlx::query!(
        "insert into idempotency
            (caller, operation, key, command_hash, status, answer_sealed, created_at)
        values ($1, $2, $3, $4, $5, $6, $7)
        on conflict (caller, operation, key) do update
        set command_hash = excluded.command_hash, status = excluded.status,
            answer_sealed = excluded.answer_sealed, created_at = excluded.created_at
        where idempotency.created_at <= $8",
        key.caller,
        key.operation,
        key.key,
        kept.command_hash,
        kept.status,
        kept.answer_sealed,
        now,
        expired,
    )
    .execute(conn)
    .await?;
    Ok(stored.rows_affected() == 1)
}

/// The answer kept under a key, unless it is older than `expired`.
///
/// # Errors
/// The database's.
pub async fn find(
    conn: &mut Connection,
    key: Key<'_>,
    expired: Timestamp,
) -> sqlx::Result<Option<Kept>> {
    sqlx::query_as!(
        Kept,
        "select command_hash, status, answer_sealed from idempotency
        where caller = $1 and operation = $2 and key = $3 and created_at > $4",
        key.caller,
        key.operation,
        key.key,
        expired,
    )
    .fetch_optional(conn)
    .await
}

/// Deletes the answers that are older than `expired`, at most 10,000 at once; says how many.
///
/// # Errors
/// The database's.
pub async fn sweep(conn: &mut Connection, expired: Timestamp) -> sqlx::Result<u64> {
    let gone = sqlx::query!(
        "delete from idempotency where ctid in (
            select ctid from idempotency where created_at <= $1 limit 10000 for update skip locked
        )",
        expired,
    )
    .execute(conn)
    .await?;
    Ok(gone.rows_affected())
}
