//! The hot mark (热点标记) beside a complaint.

use domain::{
    id::{AccountId, ComplaintId},
    time::Timestamp,
};

use crate::postgres::Connection;

/// Marks a complaint; says whether it was not marked before.
///
/// # Errors
/// The database is away.
pub async fn mark(
    conn: &mut Connection,
    id: ComplaintId,
    by: AccountId,
    reason: Option<&str>,
    now: Timestamp,
) -> Result<bool, sqlx::Error> {
    let marked = sqlx::query!(
        "insert into complaint_hot (complaint_id, marked_at, marked_by, reason)
         values ($1, $2, $3, $4) on conflict do nothing",
        id.0,
        now,
        by.0,
        reason,
    )
    .execute(conn)
    .await?;
    Ok(marked.rows_affected() == 1)
}

/// Takes the mark away; says whether there was one.
///
/// # Errors
/// The database is away.
pub async fn unmark(conn: &mut Connection, id: ComplaintId) -> Result<bool, sqlx::Error> {
    let gone = sqlx::query!("delete from complaint_hot where complaint_id = $1", id.0)
        .execute(conn)
        .await?;
    Ok(gone.rows_affected() == 1)
}
