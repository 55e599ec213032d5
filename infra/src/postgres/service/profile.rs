//! What people say they know, and who is invited to which post.

use domain::{
    id::{AccountId, PostId},
    time::Timestamp,
};

use crate::postgres::Connection;

/// Keeps what a person says they know, and whether organisers may be told of them.
///
/// # Errors
/// The database is away.
pub async fn keep(
    conn: &mut Connection,
    account: AccountId,
    (skills, suggest): (&[String], bool),
    now: Timestamp,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "insert into service_profile (account_id, skills, suggest, changed_at)
         values ($1, $2, $3, $4)
         on conflict (account_id) do update set skills = $2, suggest = $3, changed_at = $4",
        account.0,
        skills,
        suggest,
        now,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Whether a person agreed to be suggested.
///
/// # Errors
/// The database is away.
pub async fn agrees(conn: &mut Connection, account: AccountId) -> Result<bool, sqlx::Error> {
    sqlx::query_scalar!(
        r#"select exists (
               select from service_profile s join account a on a.id = s.account_id
               where s.account_id = $1 and s.suggest and a.disabled_at is null
           ) as "agrees!""#,
        account.0,
    )
    .fetch_one(conn)
    .await
}

/// Keeps that a person is invited to a post.
///
/// # Errors
/// The database is away; `post_invitation_once` for a second time.
pub async fn invite(
    conn: &mut Connection,
    post: PostId,
    (account, by): (AccountId, AccountId),
    now: Timestamp,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "insert into post_invitation (post_id, account_id, invited_at, invited_by)
         values ($1, $2, $3, $4)",
        post.0,
        account.0,
        now,
        by.0,
    )
    .execute(conn)
    .await?;
    Ok(())
}
