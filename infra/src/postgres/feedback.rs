//! Opinions on the application (意见). What was answered stands in the stream of events. Lists and
//! details are in [`read`].

use domain::{
    feedback::{Feedback, Kind, Opinion, Status},
    id::{AccountId, FeedbackId},
    time::{self, Timestamp},
};

use super::Connection;

pub mod read;

/// What of an opinion is not as it was written.
#[derive(Debug, Clone)]
pub struct Kept {
    /// The MAC of its query code.
    pub query_code_mac: [u8; 32],
    /// How to reach the writer, sealed.
    pub contact: Option<Vec<u8>>,
    /// A forbidden word stands in it.
    pub flagged: bool,
}

/// Stores a new opinion; answers its number.
///
/// # Errors
/// The database is away.
pub async fn insert(
    conn: &mut Connection,
    feedback: &Feedback,
    opinion: &Opinion,
    kept: &Kept,
    now: Timestamp,
) -> Result<String, sqlx::Error> {
    let day = time::date(now).format("%Y%m%d").to_string();
    sqlx::query_scalar!(
        "insert into feedback (id, number, query_code_mac, kind, status, account_id, text, page,
             app_version, contact_sealed, flagged, submitted_at)
         values ($1, 'YJ' || $2::text || lpad(nextval('feedback_number')::text, 6, '0'), $3, $4, $5, $6,
             $7, $8, $9, $10, $11, $12)
         returning number",
        feedback.id.0,
        day,
        kept.query_code_mac.as_slice(),
        feedback.kind.code(),
        feedback.status.code(),
        feedback.account.map(|account| account.0),
        opinion.text,
        opinion.page,
        opinion.app_version,
        kept.contact,
        kept.flagged,
        now,
    )
    .fetch_one(conn)
    .await
}

/// An opinion, locked until the transaction ends.
///
/// # Errors
/// The database is away.
pub async fn lock(conn: &mut Connection, id: FeedbackId) -> Result<Option<Feedback>, sqlx::Error> {
    sqlx::query_as!(
        Feedback,
        r#"select id as "id: FeedbackId", version, kind as "kind: Kind", status as "status: Status",
               account_id as "account: AccountId"
           from feedback where id = $1 for no key update"#,
        id.0,
    )
    .fetch_optional(conn)
    .await
}

/// Saves where a locked one stands now.
///
/// # Errors
/// The database is away.
pub async fn save(
    conn: &mut Connection,
    feedback: &Feedback,
    now: Timestamp,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "update feedback
         set status = $2, version = version + 1, answered_at = coalesce(answered_at, $3)
         where id = $1",
        feedback.id.0,
        feedback.status.code(),
        now,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// The opinion with a number, and the MAC of its query code.
///
/// # Errors
/// The database is away.
pub async fn by_number(
    conn: &mut Connection,
    number: &str,
) -> Result<Option<(FeedbackId, Vec<u8>)>, sqlx::Error> {
    let row = sqlx::query!(
        r#"select id as "id: FeedbackId", query_code_mac from feedback where number = $1"#,
        number,
    )
    .fetch_optional(conn)
    .await?;
    Ok(row.map(|row| (row.id, row.query_code_mac)))
}
