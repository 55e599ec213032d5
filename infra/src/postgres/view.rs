//! Saved views (常用筛选), each account's own.

use domain::{
    id::{AccountId, ViewId},
    time::Timestamp,
    view::List,
};

use super::Connection;

pub mod read;

/// A view to be kept.
#[derive(Debug, Clone)]
pub struct NewView {
    /// Its id.
    pub id: ViewId,
    /// Whose it is.
    pub account: AccountId,
    /// Its name.
    pub name: String,
    /// The list it narrows.
    pub list: List,
    /// How.
    pub query: String,
}

/// How many an account keeps. Its row is locked, so that two at once are counted one after the
/// other.
///
/// # Errors
/// The database is away.
pub async fn counted(conn: &mut Connection, account: AccountId) -> Result<i64, sqlx::Error> {
    sqlx::query!("select from account where id = $1 for no key update", account.0)
        .execute(&mut *conn)
        .await?;
    sqlx::query_scalar!(
        r#"select count(*) as "count!" from saved_view where account_id = $1"#,
        account.0
    )
    .fetch_one(conn)
    .await
}

/// Keeps a view.
///
/// # Errors
/// The database is away; `saved_view_name` when the account has one of this name.
pub async fn insert(
    conn: &mut Connection,
    view: &NewView,
    now: Timestamp,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "insert into saved_view (id, account_id, name, list, query, created_at)
         values ($1, $2, $3, $4, $5, $6)",
        view.id.0,
        view.account.0,
        view.name,
        view.list.code(),
        view.query,
        now,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Removes an account's own view; says whether there was one.
///
/// # Errors
/// The database is away.
pub async fn delete(
    conn: &mut Connection,
    account: AccountId,
    id: ViewId,
) -> Result<bool, sqlx::Error> {
    let gone =
        sqlx::query!("delete from saved_view where id = $1 and account_id = $2", id.0, account.0)
            .execute(conn)
            .await?;
    Ok(gone.rows_affected() == 1)
}
