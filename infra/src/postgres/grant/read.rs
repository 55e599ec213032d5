//! Proposals of roles and who holds which, for security administrators and the auditor.

use domain::{
    grant::{Kind, Status},
    id::{AccountId, GrantProposalId, RoleGrantId},
    identity::Role,
    page::{Cursor, PageRequest},
    time::Timestamp,
};
use serde::Serialize;
use utoipa::ToSchema;

use crate::postgres::Connection;

/// 授权申请
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(as = GrantProposalView)]
pub struct ProposalView {
    /// 申请编号
    pub id: GrantProposalId,
    /// 版本号，用于 If-Match
    #[schema(example = 1)]
    pub version: i64,
    /// 状态
    pub status: Status,
    /// 授予角色、收回角色，还是新建账号
    pub kind: Kind,
    /// 谁的角色（账号编号）；新建的账号批准以后才有
    pub account: Option<AccountId>,
    /// 账号的用户名；居民没有
    #[schema(example = "dept.urban-management")]
    pub username: Option<String>,
    /// 账号显示的名称
    #[schema(example = "城市管理局经办人")]
    pub display_name: Option<String>,
    /// 角色
    pub role: Role,
    /// 范围：区划、部门、党组织、商户或单位的代码
    #[schema(example = "party-140213066004-01")]
    pub scope: String,
    /// 原因
    #[schema(example = "支部换届")]
    pub reason: String,
    /// 先行停权：已经收回，等待另一位安全管理员确认
    pub urgent: bool,
    /// 谁提出的
    #[schema(example = "安全管理员")]
    pub proposed_by: String,
    /// 提出的时间
    #[schema(value_type = String, format = DateTime)]
    pub proposed_at: Timestamp,
    /// 到这一刻还没有决定就过期；先行停权的随即恢复
    #[schema(value_type = String, format = DateTime)]
    pub expires_at: Timestamp,
    /// 谁决定的
    pub decided_by: Option<String>,
    /// 决定、撤回或过期的时间
    #[schema(value_type = Option<String>, format = DateTime)]
    pub decided_at: Option<Timestamp>,
    /// 不批准的原因
    pub note: Option<String>,
}

impl ProposalView {
    /// Where the next page starts when this is the last row.
    pub const fn cursor(&self) -> Cursor {
        Cursor { at: self.proposed_at, id: self.id.0 }
    }
}

/// What proposals are narrowed to.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    /// One alone.
    pub id: Option<GrantProposalId>,
    /// Where they stand.
    pub status: Option<Status>,
    /// Whose role.
    pub account: Option<AccountId>,
    /// Which role.
    pub role: Option<Role>,
    /// On which scope.
    pub scope: Option<String>,
}

/// Proposals, the latest first, one more than the page.
///
/// # Errors
/// The database's.
pub async fn list(
    conn: &mut Connection,
    filter: &Filter,
    page: PageRequest,
) -> sqlx::Result<Vec<ProposalView>> {
    let after = page.after.map(|Cursor { at, id }| (at, id)).unzip();
    sqlx::query_as!(
        ProposalView,
        r#"select one.id as "id: GrantProposalId", one.version, one.status as "status: Status",
               one.kind as "kind: Kind", one.account as "account: AccountId",
               coalesce(one.username, holder.username) as "username?",
               coalesce(one.display_name, holder.display_name) as "display_name?",
               one.role as "role: Role", one.scope, one.reason, one.urgent,
               proposer.display_name as proposed_by, one.proposed_at, one.expires_at,
               decider.display_name as "decided_by?", one.decided_at, one.note
           from grant_proposal as one
           join account as proposer on proposer.id = one.proposed_by
           left join account as decider on decider.id = one.decided_by
           left join account as holder on holder.id = one.account
           where ($1::uuid is null or one.id = $1) and ($2::text is null or one.status = $2)
               and ($3::uuid is null or one.account = $3) and ($4::text is null or one.role = $4)
               and ($5::text is null or one.scope = $5)
               and ($6::timestamptz is null or (one.proposed_at, one.id) < ($6, $7::uuid))
           order by one.proposed_at desc, one.id desc limit $8"#,
        filter.id.map(|id| id.0),
        filter.status.map(Status::code),
        filter.account.map(|account| account.0),
        filter.role.map(Role::code),
        filter.scope,
        after.0,
        after.1,
        page.probe(),
    )
    .fetch_all(conn)
    .await
}

/// A role that somebody holds, for the yearly review.
#[derive(Debug, Clone, Serialize)]
pub struct Reviewed {
    /// The account.
    pub account: AccountId,
    /// What it logs in by; none for who logs in by WeChat.
    pub username: Option<String>,
    /// What colleagues see.
    pub display_name: String,
    /// The role.
    pub role: Role,
    /// Its scope.
    pub scope: String,
    /// Since when.
    pub granted_at: Timestamp,
    /// The last log-in; none if there was none.
    pub logged_in_at: Option<Timestamp>,
    /// The account may not log in.
    pub disabled: bool,
}

/// Who holds which role of staff now, by role and scope.
///
/// # Errors
/// The database's, or a stored role that the program does not know.
pub async fn review(conn: &mut Connection) -> sqlx::Result<Vec<Reviewed>> {
    sqlx::query_as!(
        Reviewed,
        r#"select account.id as "account: AccountId", username, display_name,
               role as "role: Role", scope, granted_at,
               (select max(created_at) from session where account_id = account.id) as logged_in_at,
               disabled_at is not null as "disabled!"
           from role_grant join account on account.id = account_id
           where revoked_at is null and role not in ('resident', 'party_member')
           order by role, scope, account.id"#,
    )
    .fetch_all(conn)
    .await
}

/// 账号的一项角色
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(as = HeldGrantView)]
pub struct HeldView {
    /// 授权编号
    pub id: RoleGrantId,
    /// 角色
    pub role: Role,
    /// 范围
    #[schema(example = "140213")]
    pub scope: String,
    /// 授予的时间
    #[schema(value_type = String, format = DateTime)]
    pub granted_at: Timestamp,
    /// 收回的时间；还有效的为空
    #[schema(value_type = Option<String>, format = DateTime)]
    pub revoked_at: Option<Timestamp>,
}

impl HeldView {
    /// Where the next page starts when this is the last row.
    pub const fn cursor(&self) -> Cursor {
        Cursor { at: self.granted_at, id: self.id.0 }
    }
}

/// What an account holds and ever held, the latest first, one more than the page.
///
/// # Errors
/// The database's, or a stored role that the program does not know.
pub async fn history(
    conn: &mut Connection,
    account: AccountId,
    page: PageRequest,
) -> sqlx::Result<Vec<HeldView>> {
    let after = page.after.map(|Cursor { at, id }| (at, id)).unzip();
    sqlx::query_as!(
        HeldView,
        r#"select id as "id: RoleGrantId", role as "role: Role", scope, granted_at, revoked_at
           from role_grant
           where account_id = $1
               and ($2::timestamptz is null or (granted_at, id) < ($2, $3::uuid))
           order by granted_at desc, id desc limit $4"#,
        account.0,
        after.0,
        after.1,
        page.probe(),
    )
    .fetch_all(conn)
    .await
}
