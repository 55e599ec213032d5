//! Exports as they are read: one's own, and a workbook by a link that was checked.

use domain::{export::Status, id::ExportId, scope::Scope, time::Timestamp, view::List};

use crate::postgres::Connection;

/// How an export stands.
#[derive(Debug, Clone)]
pub struct Standing {
    /// Its id.
    pub id: ExportId,
    /// The list.
    pub list: List,
    /// Where it stands.
    pub status: Status,
    /// Rows so far.
    pub done: i32,
    /// Rows in all, once known.
    pub total: Option<i32>,
    /// There were more rows than a workbook may have.
    pub cut: bool,
    /// When it was asked for.
    pub created_at: Timestamp,
    /// When it is deleted.
    pub expires_at: Timestamp,
}

/// The account's own export, as long as it is kept.
///
/// # Errors
/// The database is away.
pub async fn standing(
    conn: &mut Connection,
    scope: &Scope,
    id: ExportId,
    now: Timestamp,
) -> Result<Option<Standing>, sqlx::Error> {
    sqlx::query_as!(
        Standing,
        r#"select id as "id: ExportId", list as "list: List", status as "status: Status", done,
               total, cut, created_at, expires_at
           from export where id = $1 and account_id = $2 and expires_at > $3"#,
        id.0,
        scope.account().0,
        now,
    )
    .fetch_optional(conn)
    .await
}

/// A workbook, as long as it is kept. Whoever calls has checked the link's signature, which stands
/// for the scope of whom it was handed to.
///
/// # Errors
/// The database is away.
pub async fn workbook(
    conn: &mut Connection,
    id: ExportId,
    now: Timestamp,
) -> Result<Option<Vec<u8>>, sqlx::Error> {
    sqlx::query_scalar!(
        "select workbook from export_file join export on export.id = export_id
         where export_id = $1 and expires_at > $2",
        id.0,
        now,
    )
    .fetch_optional(conn)
    .await
}
