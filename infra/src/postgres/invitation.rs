//! Invitations to field roles (邀请), and the field workers of a community.

use domain::{
    id::{AccountId, InvitationId},
    identity::Role,
    org::NodeCode,
    time::Timestamp,
};

use super::Connection;

pub mod read;

/// An invitation to be made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewInvitation<'a> {
    /// Its id.
    pub id: InvitationId,
    /// On what the role will be held.
    pub scope: &'a str,
    /// As what.
    pub role: Role,
    /// The blind index of its code.
    pub code_index: &'a [u8],
    /// It is good before this instant.
    pub expires_at: Timestamp,
}

/// Makes an invitation.
///
/// # Errors
/// The database's.
pub async fn invite(
    conn: &mut Connection,
    new: &NewInvitation<'_>,
    by: AccountId,
    now: Timestamp,
) -> sqlx::Result<()> {
    sqlx::query!(
        "insert into invitation (id, scope, role, code_index, created_by, created_at, expires_at)
         values ($1, $2, $3, $4, $5, $6, $7)",
        new.id.0,
        new.scope,
        new.role.code(),
        new.code_index,
        by.0,
        now,
        new.expires_at,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// An invitation whose code somebody knows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Invitation {
    /// Its id.
    pub id: InvitationId,
    /// On what the role will be held.
    pub scope: String,
    /// As what.
    pub role: Role,
    /// Who invites.
    pub created_by: AccountId,
}

/// Locks the invitation with a code, if it is good: neither used nor run out, and whoever made it is
/// still in charge.
///
/// # Errors
/// The database's.
pub async fn lock(
    conn: &mut Connection,
    code_index: &[u8],
    now: Timestamp,
) -> sqlx::Result<Option<Invitation>> {
    sqlx::query_as!(
        Invitation,
        r#"select id as "id: InvitationId", scope, role as "role: Role",
               created_by as "created_by: AccountId"
           from invitation
           where code_index = $1 and used_at is null and expires_at > $2
               and exists (
                   select from role_grant g
                   join account a on a.id = g.account_id and a.disabled_at is null
                   where g.account_id = created_by and g.revoked_at is null
                       and case when invitation.role in ('merchant_clerk', 'merchant_manager')
                           then g.role = 'organiser'
                               or g.role = 'merchant_manager' and g.scope = invitation.scope
                           else g.role = 'community_officer'
                               and starts_with(invitation.scope, g.scope) end)
           for update of invitation"#,
        code_index,
        now,
    )
    .fetch_optional(conn)
    .await
}

/// Uses an invitation up.
///
/// # Errors
/// The database's.
pub async fn used(
    conn: &mut Connection,
    id: InvitationId,
    by: AccountId,
    now: Timestamp,
) -> sqlx::Result<()> {
    sqlx::query!("update invitation set used_by = $2, used_at = $3 where id = $1", id.0, by.0, now)
        .execute(conn)
        .await?;
    Ok(())
}

/// Whether an account is somebody's WeChat.
///
/// # Errors
/// The database's.
pub async fn has_wechat(conn: &mut Connection, account: AccountId) -> sqlx::Result<bool> {
    sqlx::query_scalar!(
        r#"select exists (select from person where account_id = $1 and open_id_index is not null)
               as "has!""#,
        account.0,
    )
    .fetch_one(conn)
    .await
}

/// Takes every field role in a community from an account; answers which it held.
///
/// # Errors
/// The database's.
pub async fn unbind(
    conn: &mut Connection,
    community: &NodeCode,
    roles: &[Role],
    account: AccountId,
    now: Timestamp,
) -> sqlx::Result<Vec<Role>> {
    let roles: Vec<String> = roles.iter().map(|role| role.code().to_owned()).collect();
    sqlx::query_scalar!(
        r#"update role_grant set revoked_at = $4
           where account_id = $3 and revoked_at is null and role = any($2) and starts_with(scope, $1)
           returning role as "role: Role""#,
        community.as_str(),
        &roles,
        account.0,
        now,
    )
    .fetch_all(conn)
    .await
}
