//! Invitations to field roles (邀请), and the field workers of a community.

use domain::{
    id::{AccountId, InvitationId},
    identity::Role,
    org::NodeCode,
    page::{Cursor, PageRequest},
    time::Timestamp,
};
use serde::Serialize;
use utoipa::ToSchema;

use super::Connection;

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

/// Locks the invitation with a code, if it is good: neither used nor run out.
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
           for update"#,
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

/// 一位外勤人员
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct FieldWorkerView {
    /// 账号编号
    pub account_id: AccountId,
    /// 显示的名字
    #[schema(example = "演示居民 zhao")]
    pub display_name: String,
    /// 身份
    pub role: Role,
    /// 范围：网格、小区或本社区的代码
    #[schema(example = "140213066004-01")]
    pub scope: String,
    /// 范围的名称
    #[schema(example = "第一网格")]
    pub scope_name: String,
    /// 从什么时候起
    #[schema(value_type = String, format = DateTime)]
    pub since: Timestamp,
    #[serde(skip)]
    #[schema(ignore)]
    grant: uuid::Uuid,
}

impl FieldWorkerView {
    /// Where the next page starts when this is the last row.
    pub const fn cursor(&self) -> Cursor {
        Cursor { at: self.since, id: self.grant }
    }
}

/// Who does field work in a community, whose code begins those of what lies in it; the latest first, one more than the page.
///
/// # Errors
/// The database's, or a stored role that the program does not know.
pub async fn workers(
    conn: &mut Connection,
    community: &NodeCode,
    roles: &[Role],
    page: PageRequest,
) -> sqlx::Result<Vec<FieldWorkerView>> {
    let roles: Vec<String> = roles.iter().map(|role| role.code().to_owned()).collect();
    let after = page.after.map(|Cursor { at, id }| (at, id)).unzip();
    sqlx::query_as!(
        FieldWorkerView,
        r#"select account_id as "account_id: AccountId", display_name, role as "role: Role", scope,
               org_node.name as scope_name, granted_at as since, role_grant.id as "grant"
           from role_grant
           join org_node on org_node.code = scope
           join account on account.id = account_id
           where starts_with(scope, $1) and revoked_at is null and role = any($2)
               and ($3::timestamptz is null or (granted_at, role_grant.id) < ($3, $4::uuid))
           order by granted_at desc, role_grant.id desc limit $5"#,
        community.as_str(),
        &roles,
        after.0,
        after.1,
        page.probe(),
    )
    .fetch_all(conn)
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
