//! Many staff accounts at once, for the demo district.

use std::collections::HashMap;

use domain::{
    id::{AccountId, RoleGrantId},
    identity::Grant,
    time::Timestamp,
};

use crate::{postgres::Connection, random};

#[cfg(test)]
mod tests;

/// A staff account to be made, with the one role it holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Staff {
    /// The name it logs in with.
    pub username: String,
    /// What colleagues see.
    pub display_name: String,
    /// Its role on its scope.
    pub grant: Grant,
}

/// Whether any of these accounts does not exist yet.
///
/// # Errors
/// The database failed.
pub async fn any_missing(conn: &mut Connection, staff: &[Staff]) -> Result<bool, sqlx::Error> {
    let usernames: Vec<String> = staff.iter().map(|one| one.username.clone()).collect();
    sqlx::query_scalar!(
        r#"
        select exists (
            select from unnest($1::text[]) as wanted (username)
            where not exists (select from account where account.username = wanted.username)
        ) as "missing!"
        "#,
        &usernames
    )
    .fetch_one(conn)
    .await
}

/// Makes those accounts that do not exist yet, with their roles and one shared password hash. An
/// account that exists keeps its password, roles and state. Returns how many were made.
///
/// # Errors
/// The database failed.
pub async fn insert(
    conn: &mut Connection,
    staff: &[Staff],
    password_hash: &str,
    now: Timestamp,
) -> Result<usize, sqlx::Error> {
    let ids: Vec<uuid::Uuid> = staff.iter().map(|_| random::id::<AccountId>(now).0).collect();
    let usernames: Vec<String> = staff.iter().map(|one| one.username.clone()).collect();
    let names: Vec<String> = staff.iter().map(|one| one.display_name.clone()).collect();
    let made = sqlx::query!(
        r#"
        insert into account (id, username, password_hash, display_name, created_at)
        select id, username, $4, display_name, $5
        from unnest($1::uuid[], $2::text[], $3::text[]) as new (id, username, display_name)
        on conflict (username) do nothing
        returning id, username as "username!"
        "#,
        &ids,
        &usernames,
        &names,
        password_hash,
        now
    )
    .fetch_all(&mut *conn)
    .await?;
    let grants: HashMap<&str, &Grant> =
        staff.iter().map(|one| (one.username.as_str(), &one.grant)).collect();
    let granted: Vec<(uuid::Uuid, &Grant)> = made
        .iter()
        .filter_map(|row| grants.get(row.username.as_str()).map(|grant| (row.id, *grant)))
        .collect();
    grant(conn, &granted, now).await?;
    Ok(made.len())
}

async fn grant(
    conn: &mut Connection,
    granted: &[(uuid::Uuid, &Grant)],
    now: Timestamp,
) -> Result<(), sqlx::Error> {
    let ids: Vec<uuid::Uuid> = granted.iter().map(|_| random::id::<RoleGrantId>(now).0).collect();
    let accounts: Vec<uuid::Uuid> = granted.iter().map(|(account, _)| *account).collect();
    let roles: Vec<String> = granted.iter().map(|(_, grant)| grant.role.to_string()).collect();
    let scopes: Vec<String> = granted.iter().map(|(_, grant)| grant.scope.clone()).collect();
    sqlx::query!(
        r#"
        insert into role_grant (id, account_id, role, scope, granted_at)
        select id, account_id, role, scope, $5
        from unnest($1::uuid[], $2::uuid[], $3::text[], $4::text[])
            as new (id, account_id, role, scope)
        "#,
        &ids,
        &accounts,
        &roles,
        &scopes,
        now
    )
    .execute(conn)
    .await?;
    Ok(())
}
