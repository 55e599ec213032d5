//! Whom a directory knows as which account, and the log-ins by it that were used. Names of a directory
//! are kept as blind indexes alone.

use domain::{id::AccountId, time::Timestamp};

use super::super::Connection;

/// The blind index of what a directory calls somebody.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Index {
    /// Of the name that never changes.
    Subject([u8; 32]),
    /// Of what they log in with there.
    Name([u8; 32]),
}

impl Index {
    fn parts(&self) -> (Option<&[u8]>, Option<&[u8]>) {
        match self {
            Self::Subject(index) => (Some(index), None),
            Self::Name(index) => (None, Some(index)),
        }
    }
}

/// Binds an account, in place of what it was bound to.
///
/// # Errors
/// The database is away; `oidc_binding_subject` or `oidc_binding_name` when another account is bound to
/// the person.
pub async fn bind(
    conn: &mut Connection,
    account: AccountId,
    index: Index,
    by: AccountId,
    now: Timestamp,
) -> Result<(), sqlx::Error> {
    let (subject, name) = index.parts();
    sqlx::query!(
        "insert into oidc_binding (account_id, subject_index, name_index, bound_by, bound_at)
         values ($1, $2, $3, $4, $5)
         on conflict (account_id) do update set subject_index = $2, name_index = $3, bound_by = $4,
             bound_at = $5",
        account.0,
        subject,
        name,
        by.0,
        now,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Takes an account's binding away; `false` where it has none.
///
/// # Errors
/// The database is away.
pub async fn unbind(conn: &mut Connection, account: AccountId) -> Result<bool, sqlx::Error> {
    let done = sqlx::query!("delete from oidc_binding where account_id = $1", account.0);
    Ok(done.execute(conn).await?.rows_affected() == 1)
}

/// The account that is bound to a person: by the subject, or else by the name, which from now on is
/// that subject's alone.
///
/// # Errors
/// The database is away.
pub async fn account(
    conn: &mut Connection,
    subject: [u8; 32],
    name: Option<[u8; 32]>,
) -> Result<Option<AccountId>, sqlx::Error> {
    let known = sqlx::query_scalar!(
        r#"select account_id as "id: AccountId" from oidc_binding where subject_index = $1"#,
        &subject[..],
    )
    .fetch_optional(&mut *conn)
    .await?;
    if known.is_some() {
        return Ok(known);
    }
    let Some(name) = name else { return Ok(None) };
    sqlx::query_scalar!(
        r#"update oidc_binding set subject_index = $1, name_index = null where name_index = $2
           returning account_id as "id: AccountId""#,
        &subject[..],
        &name[..],
    )
    .fetch_optional(conn)
    .await
}

/// Notes that a log-in was used; `false` where it was before. What is too old to be used is forgotten.
///
/// # Errors
/// The database is away.
pub async fn spend(
    conn: &mut Connection,
    hash: &[u8],
    expires_at: Timestamp,
    now: Timestamp,
) -> Result<bool, sqlx::Error> {
    sqlx::query!("delete from oidc_used where expires_at < $1", now).execute(&mut *conn).await?;
    let spent = sqlx::query!(
        "insert into oidc_used (hash, expires_at) values ($1, $2) on conflict do nothing",
        hash,
        expires_at,
    );
    Ok(spent.execute(conn).await?.rows_affected() == 1)
}
