//! Saved views as their account reads them.

use domain::{
    id::ViewId,
    page::{Cursor, PageRequest},
    scope::Scope,
    time::Timestamp,
    view::List,
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::postgres::Connection;

/// A saved view.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct SavedView {
    /// Its id.
    pub id: ViewId,
    /// Its name.
    #[schema(example = "明天到期的路灯")]
    pub name: String,
    /// The list it narrows.
    pub list: List,
    /// The query string for that list.
    #[schema(example = "q=路灯&due_before=2026-11-25T16:00:00Z")]
    pub query: String,
    /// Since when it is kept.
    #[schema(value_type = String, format = DateTime)]
    pub created_at: Timestamp,
}

impl SavedView {
    /// Where the next page starts when this is the last row.
    pub fn cursor(&self) -> Cursor {
        Cursor { at: self.created_at, id: self.id.0 }
    }
}

/// The account's own views, the oldest first, one more than the page.
///
/// # Errors
/// The database is away.
pub async fn list(
    conn: &mut Connection,
    scope: &Scope,
    page: PageRequest,
) -> Result<Vec<SavedView>, sqlx::Error> {
    sqlx::query_as!(
        SavedView,
        r#"select id as "id: ViewId", name, list as "list: List", query, created_at
           from saved_view
           where account_id = $1
               and ($2::timestamptz is null or (created_at, id) > ($2, $3))
           order by created_at, id
           limit $4"#,
        scope.account().0,
        page.after.map(|cursor| cursor.at),
        page.after.map_or(Uuid::nil(), |cursor| cursor.id),
        page.probe(),
    )
    .fetch_all(conn)
    .await
}
