//! The field workers of a community.

use domain::{
    id::AccountId,
    identity::Role,
    org::NodeCode,
    page::{Cursor, PageRequest},
    time::Timestamp,
};
use serde::Serialize;
use utoipa::ToSchema;

use crate::postgres::Connection;

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
