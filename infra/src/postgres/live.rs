//! What has happened since a place, for streams: notifications of an account, in an order in which
//! nothing appears later behind what was read.
//!
//! The order is that of the transactions' numbers, read only below the oldest one that still runs. Whoever
//! commits late keeps back what others committed meanwhile; nothing is ever passed over.

use domain::{event::EventKind, id::AccountId};
use uuid::Uuid;

use super::Connection;

/// A place in that order: everything up to it was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// The number of the transaction (PostgreSQL's `xid8`).
    pub transaction: i64,
    /// The subject of the event, within the transaction.
    pub subject: Uuid,
    /// The event's number, within the subject.
    pub seq: i32,
}

/// What a stream tells: that there is something, never what it says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Told {
    /// Where it stands.
    pub place: Place,
    /// What happened.
    pub kind: EventKind,
}

/// The place from which a stream begins that has no other: behind all that has surely ended.
///
/// # Errors
/// The database is away.
pub async fn now(conn: &mut Connection) -> Result<Place, sqlx::Error> {
    // Below the oldest one that runs, so that nothing which is being written is passed over.
    let below = sqlx::query_scalar!(
        r#"select pg_snapshot_xmin(pg_current_snapshot())::text::bigint as "below!""#,
    )
    .fetch_one(conn)
    .await?;
    Ok(Place { transaction: below - 1, subject: Uuid::max(), seq: i32::MAX })
}

/// What an account was notified of after a place, at most `limit` of them.
///
/// # Errors
/// The database is away.
pub async fn notified(
    conn: &mut Connection,
    account: AccountId,
    after: Place,
    limit: i64,
) -> Result<Vec<Told>, sqlx::Error> {
    let rows = sqlx::query!(
        r#"select n.xact::text::bigint as "transaction!", n.subject_id, n.seq,
               e.kind as "kind: EventKind"
           from notification n join event e on e.subject_id = n.subject_id and e.seq = n.seq
           where n.account_id = $1
               and (n.xact, n.subject_id, n.seq) > ($2::text::xid8, $3, $4)
               and n.xact < pg_snapshot_xmin(pg_current_snapshot())
           order by n.xact, n.subject_id, n.seq
           limit $5"#,
        account.0,
        after.transaction.to_string(),
        after.subject,
        after.seq,
        limit,
    )
    .fetch_all(conn)
    .await?;
    let told = rows.into_iter().map(|row| Told {
        place: Place { transaction: row.transaction, subject: row.subject_id, seq: row.seq },
        kind: row.kind,
    });
    Ok(told.collect())
}

#[cfg(test)]
mod tests;
