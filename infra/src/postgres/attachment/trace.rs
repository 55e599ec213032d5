//! Which answer of WeChat's check belongs to which file.

use domain::{attachment::Kind, id::AttachmentId, time::Timestamp};

use crate::postgres::Connection;

/// A file that waits for its check.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unchecked {
    /// A photo or a voice.
    pub kind: Kind,
    /// The openid of who uploaded it, sealed; none when WeChat does not know them.
    pub open_id_sealed: Option<Vec<u8>>,
}

/// An attached file that nobody and nothing has judged, and that was not asked about. Nothing is
/// locked: asking takes its time.
///
/// # Errors
/// The database is away.
pub async fn unchecked(
    conn: &mut Connection,
    id: AttachmentId,
) -> Result<Option<Unchecked>, sqlx::Error> {
    sqlx::query_as!(
        Unchecked,
        r#"select a.kind as "kind!: Kind", p.open_id_sealed as "open_id_sealed?"
           from attachment a left join person p on p.account_id = a.owner_id
           where a.id = $1 and a.place is not null and a.check_state = 'pending'
               and not exists (select from media_trace t where t.attachment_id = a.id)"#,
        id.0,
    )
    .fetch_optional(conn)
    .await
}

/// Notes that WeChat was asked about a file.
///
/// # Errors
/// The database is away.
pub async fn asked(
    conn: &mut Connection,
    trace_id: &str,
    id: AttachmentId,
    now: Timestamp,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "insert into media_trace (trace_id, attachment_id, asked_at) values ($1, $2, $3)
         on conflict (trace_id) do nothing",
        trace_id,
        id.0,
        now,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Which file an answer is about; none when nobody asked. The first answer notes its instant.
///
/// # Errors
/// The database is away.
pub async fn answered(
    conn: &mut Connection,
    trace_id: &str,
    now: Timestamp,
) -> Result<Option<AttachmentId>, sqlx::Error> {
    sqlx::query_scalar!(
        r#"update media_trace set answered_at = coalesce(answered_at, $2) where trace_id = $1
           returning attachment_id as "id: AttachmentId""#,
        trace_id,
        now,
    )
    .fetch_optional(conn)
    .await
}
