//! Budgets as the organisers and the auditor see them.

use domain::{
    id::BudgetId,
    page::{Cursor, PageRequest},
    time::Timestamp,
};

use super::super::super::Connection;

/// 预算
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, utoipa::ToSchema)]
pub struct BudgetView {
    /// 预算编号
    pub id: BudgetId,
    /// 名称
    #[schema(example = "2026 年文兴社区惠民资金")]
    pub name: String,
    /// 由谁付款：unit 单位 · community 社区 · fund 资金
    #[schema(example = "community")]
    pub payer: String,
    /// 最多多少分钱
    #[schema(example = 1_000_000)]
    pub cap_fen: i64,
    /// 已发布的优惠占用多少分钱
    #[schema(example = 360_000)]
    pub committed_fen: i64,
    /// 已结算多少分钱
    #[schema(example = 120_000)]
    pub settled_fen: i64,
    /// 版本
    pub version: i64,
    /// 建立时间
    #[schema(value_type = String, format = DateTime)]
    pub created_at: Timestamp,
}

impl BudgetView {
    /// Where it stands in the list.
    pub const fn cursor(&self) -> Cursor {
        Cursor { at: self.created_at, id: self.id.0 }
    }
}

/// Budgets, the latest first, with one row more than the page; or the one with an id.
///
/// # Errors
/// The database's.
pub async fn list(
    conn: &mut Connection,
    only: Option<BudgetId>,
    page: PageRequest,
) -> sqlx::Result<Vec<BudgetView>> {
    let after = page.after.map(|Cursor { at, id }| (at, id)).unzip();
    sqlx::query_as!(
        BudgetView,
        r#"select id as "id: BudgetId", name, payer, cap_fen, committed_fen,
               coalesce((select sum(fen) from settlement_line where settlement_line.budget = budget.id), 0)::bigint
                   as "settled_fen!",
               version, created_at
           from budget
           where ($1::uuid is null or id = $1)
               and ($2::timestamptz is null or (created_at, id) < ($2, $3::uuid))
           order by created_at desc, id desc limit $4"#,
        only.map(|id| id.0),
        after.0,
        after.1,
        page.probe(),
    )
    .fetch_all(conn)
    .await
}
