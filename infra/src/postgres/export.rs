//! Exports (导出): what was asked for, how far it is, and the workbook.

use domain::{
    export::Status,
    id::{AccountId, ComplaintId, ExportId},
    time::Timestamp,
    view::List,
};
use serde_json::Value;
use uuid::Uuid;

use super::{Connection, complaint::SealedContact};

pub mod read;

/// An export as its job sees it.
#[derive(Debug, Clone)]
pub struct Export {
    /// Its id.
    pub id: ExportId,
    /// Who asked.
    pub account: AccountId,
    /// For what.
    pub list: List,
    /// The list's filter.
    pub filter: Value,
    /// Telephone numbers in full.
    pub unmask: bool,
    /// Why in full.
    pub reason: Option<String>,
    /// It is deleted then.
    pub expires_at: Timestamp,
}

/// How many of an account's exports wait or run, since `since`. Its row is locked, so that two at
/// once are counted one after the other.
///
/// # Errors
/// The database is away.
pub async fn unfinished(
    conn: &mut Connection,
    account: AccountId,
    since: Timestamp,
) -> Result<i64, sqlx::Error> {
    sqlx::query!("select from account where id = $1 for no key update", account.0)
        .execute(&mut *conn)
        .await?;
    sqlx::query_scalar!(
        r#"select count(*) as "count!" from export
           where account_id = $1 and status in ('queued', 'running') and created_at > $2"#,
        account.0,
        since,
    )
    .fetch_one(conn)
    .await
}

/// Stores what was asked for.
///
/// # Errors
/// The database is away.
pub async fn insert(
    conn: &mut Connection,
    export: &Export,
    now: Timestamp,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "insert into export
             (id, account_id, list, filter, unmask, reason, status, created_at, expires_at)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
        export.id.0,
        export.account.0,
        export.list.code(),
        export.filter,
        export.unmask,
        export.reason,
        Status::Queued.code(),
        now,
        export.expires_at,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// What is to be made, unless it has ended.
///
/// # Errors
/// The database is away.
pub async fn open(conn: &mut Connection, id: ExportId) -> Result<Option<Export>, sqlx::Error> {
    sqlx::query_as!(
        Export,
        r#"select id as "id: ExportId", account_id as "account: AccountId", list as "list: List",
               filter, unmask, reason, expires_at
           from export where id = $1 and status in ('queued', 'running')"#,
        id.0
    )
    .fetch_optional(conn)
    .await
}

/// Tells how far it is. Said on a connection of its own: it is seen before the job commits.
///
/// # Errors
/// The database is away.
pub async fn progress(conn: &mut Connection, id: ExportId, done: usize) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "update export set status = 'running', done = $2
         where id = $1 and status in ('queued', 'running')",
        id.0,
        i32::try_from(done).unwrap_or(i32::MAX),
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Keeps the workbook.
///
/// # Errors
/// The database is away.
pub async fn finish(
    conn: &mut Connection,
    id: ExportId,
    rows: usize,
    cut: bool,
    workbook: &[u8],
    now: Timestamp,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "with ended as (
             update export set status = 'done', done = $2, total = $2, cut = $3, finished_at = $5
             where id = $1 returning id)
         insert into export_file (export_id, workbook) select id, $4 from ended",
        id.0,
        i32::try_from(rows).unwrap_or(i32::MAX),
        cut,
        workbook,
        now,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Notes that there will be no workbook.
///
/// # Errors
/// The database is away.
pub async fn fail(conn: &mut Connection, id: ExportId, now: Timestamp) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "update export set status = 'failed', finished_at = $2
         where id = $1 and status in ('queued', 'running')",
        id.0,
        now
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Deletes what has expired with its file, and gives up what has been open since `stuck`.
///
/// # Errors
/// The database is away.
pub async fn sweep(
    conn: &mut Connection,
    stuck: Timestamp,
    now: Timestamp,
) -> Result<(), sqlx::Error> {
    sqlx::query!("delete from export where expires_at <= $1", now).execute(&mut *conn).await?;
    sqlx::query!(
        "update export set status = 'failed', finished_at = $2
         where status in ('queued', 'running') and created_at <= $1",
        stuck,
        now
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// The sealed contacts of complaints that may be taken away: those of confidential reporters never
/// are, whoever asks.
///
/// # Errors
/// The database is away.
pub async fn contacts(
    conn: &mut Connection,
    complaints: &[ComplaintId],
) -> Result<Vec<(ComplaintId, SealedContact)>, sqlx::Error> {
    let ids: Vec<Uuid> = complaints.iter().map(|id| id.0).collect();
    let rows = sqlx::query!(
        r#"select complaint_id as "id: ComplaintId", name_sealed, phone_sealed, phone_index
           from complaint_contact join complaint on complaint.id = complaint_id
           where complaint_id = any($1) and not confidential and kind <> 'report'"#,
        &ids
    )
    .fetch_all(conn)
    .await?;
    let contact = |name, phone, index| SealedContact { name, phone, index };
    Ok(rows
        .into_iter()
        .map(|row| (row.id, contact(row.name_sealed, row.phone_sealed, row.phone_index)))
        .collect())
}
