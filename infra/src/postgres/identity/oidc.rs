//! Whom a directory knows as which account, and the log-ins by it that were used. Names of a directory
//! are sealed, and found by their blind index.

use domain::{id::AccountId, time::Timestamp};

use super::super::Connection;

/// Whom a directory knows, as it is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Person {
    /// Whether it is named by its subject or by what it logs in with: `subject` or `name`.
    pub kind: &'static str,
    /// Its name with its issuer, sealed.
    pub sealed: Vec<u8>,
    /// The blind index of kind, issuer and name.
    pub index: [u8; 32],
}

/// Binds an account, in place of what it was bound to.
///
/// # Errors
/// The database is away; `oidc_binding_person` when another account is bound to the person.
pub async fn bind(
    conn: &mut Connection,
    account: AccountId,
    person: &Person,
    by: AccountId,
    now: Timestamp,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "insert into oidc_binding (account_id, kind, person_sealed, person_index, bound_by, bound_at)
         values ($1, $2, $3, $4, $5, $6)
         on conflict (account_id) do update set kind = $2, person_sealed = $3, person_index = $4,
             bound_by = $5, bound_at = $6",
        account.0,
        person.kind,
        person.sealed,
        &person.index[..],
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
    subject: &Person,
    name: Option<&Person>,
) -> Result<Option<AccountId>, sqlx::Error> {
    let known = sqlx::query_scalar!(
        r#"select account_id as "id: AccountId" from oidc_binding where person_index = $1"#,
        &subject.index[..],
    )
    .fetch_optional(&mut *conn)
    .await?;
    if known.is_some() {
        return Ok(known);
    }
    let Some(name) = name else { return Ok(None) };
    sqlx::query_scalar!(
        r#"update oidc_binding set kind = $1, person_sealed = $2, person_index = $3
           where person_index = $4 returning account_id as "id: AccountId""#,
        subject.kind,
        subject.sealed,
        &subject.index[..],
        &name.index[..],
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
