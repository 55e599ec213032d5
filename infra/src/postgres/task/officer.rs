//! The officers of a unit, to whom its tasks are handed over.

use domain::{
    id::{AccountId, TaskId},
    identity::Role,
    org::NodeCode,
};

use crate::postgres::Connection;

pub mod read;

/// The roles by which somebody works for a unit.
pub(super) fn roles() -> Vec<String> {
    let works = Role::ALL.iter().filter(|role| role.works_tasks());
    works.map(|role| role.code().to_owned()).collect()
}

/// The officer of a unit with this username; none where the account is another unit's or disabled.
/// The account stays as it is until the transaction ends, so that nobody gets a task while they
/// are being disabled.
///
/// # Errors
/// The database is away.
pub async fn find(
    conn: &mut Connection,
    unit: &NodeCode,
    username: &str,
) -> Result<Option<AccountId>, sqlx::Error> {
    sqlx::query_scalar!(
        r#"select a.id as "id: AccountId" from account a
           where a.username = $2 and a.disabled_at is null and exists (
               select from role_grant g where g.account_id = a.id and g.scope = $1
                   and g.role = any($3) and g.revoked_at is null)
           for share"#,
        unit.as_str(),
        username,
        &roles(),
    )
    .fetch_optional(conn)
    .await
}

/// The open tasks that an officer has, in ascending id.
///
/// # Errors
/// The database is away.
pub async fn held(conn: &mut Connection, officer: AccountId) -> Result<Vec<TaskId>, sqlx::Error> {
    sqlx::query_scalar!(
        r#"select id as "id: TaskId" from task
           where officer = $1 and ended_at is null order by id"#,
        officer.0,
    )
    .fetch_all(conn)
    .await
}

/// Whether an officer still works for a unit: the account is enabled, and the role is held.
///
/// # Errors
/// The database is away.
pub async fn works_for(
    conn: &mut Connection,
    officer: AccountId,
    unit: &NodeCode,
) -> Result<bool, sqlx::Error> {
    sqlx::query_scalar!(
        r#"select exists (
               select from account a join role_grant g on g.account_id = a.id
               where a.id = $1 and a.disabled_at is null and g.scope = $2
                   and g.role = any($3) and g.revoked_at is null
           ) as "exists!""#,
        officer.0,
        unit.as_str(),
        &roles(),
    )
    .fetch_one(conn)
    .await
}
