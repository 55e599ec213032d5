//! The lead's summary (牵头单位综合答复): on which cases the centre asked for it.

use domain::{
    id::{AccountId, ComplaintId},
    time::Timestamp,
};

use crate::postgres::Connection;

pub mod read;

/// Keeps whether the lead of a case sums up for the reporter; the last dispatch counts.
///
/// # Errors
/// The database is away.
pub async fn order_summary(
    conn: &mut Connection,
    complaint: ComplaintId,
    by: Option<AccountId>,
    now: Timestamp,
) -> Result<(), sqlx::Error> {
    sqlx::query!("delete from lead_summary where complaint_id = $1", complaint.0)
        .execute(&mut *conn)
        .await?;
    let Some(by) = by else { return Ok(()) };
    sqlx::query!(
        "insert into lead_summary (complaint_id, ordered_by, ordered_at) values ($1, $2, $3)",
        complaint.0,
        by.0,
        now,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Whether the lead of a case sums up for the reporter.
///
/// # Errors
/// The database is away.
pub async fn summary_ordered(
    conn: &mut Connection,
    complaint: ComplaintId,
) -> Result<bool, sqlx::Error> {
    sqlx::query_scalar!(
        r#"select exists (select from lead_summary where complaint_id = $1) as "ordered!""#,
        complaint.0
    )
    .fetch_one(conn)
    .await
}
