//! Manual adjustments, for those who keep points and those who audit them.

use domain::{
    id::{AccountId, AdjustmentId, LedgerTxId},
    page::{Cursor, PageRequest},
    points::ProposalStatus,
    time::Timestamp,
};
use serde::Serialize;
use utoipa::ToSchema;

use crate::postgres::Connection;

/// 人工调整
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct AdjustmentView {
    /// 编号
    pub id: AdjustmentId,
    /// 版本号，用于 If-Match
    #[schema(example = 1)]
    pub version: i64,
    /// 谁的积分（账号编号）
    pub account: AccountId,
    /// 调增（正）或调减（负）多少分
    #[schema(example = 20)]
    pub points: i64,
    /// 原因；本人在积分明细里看得到
    #[schema(example = "社区活动漏记")]
    pub reason: String,
    /// 依据的文件或记录
    #[schema(example = "组发〔2026〕8 号")]
    pub document: String,
    /// 状态
    pub status: ProposalStatus,
    /// 谁提出的
    #[schema(example = "组织员")]
    pub proposed_by: String,
    /// 提出的时间
    #[schema(value_type = String, format = DateTime)]
    pub proposed_at: Timestamp,
    /// 谁决定的
    pub decided_by: Option<String>,
    /// 决定的时间
    #[schema(value_type = Option<String>, format = DateTime)]
    pub decided_at: Option<Timestamp>,
    /// 不予核准的原因
    pub note: Option<String>,
    /// 核准后的流水
    pub tx: Option<LedgerTxId>,
}

impl AdjustmentView {
    /// Where the next page starts when this is the last row.
    pub const fn cursor(&self) -> Cursor {
        Cursor { at: self.proposed_at, id: self.id.0 }
    }
}

/// What adjustments are narrowed to.
#[derive(Debug, Clone, Copy, Default)]
pub struct Filter {
    /// One alone.
    pub id: Option<AdjustmentId>,
    /// Where they stand.
    pub status: Option<ProposalStatus>,
    /// Whose points.
    pub account: Option<AccountId>,
}

/// Adjustments, the latest first, one more than the page: for those who keep points and those who
/// audit them.
///
/// # Errors
/// The database's.
pub async fn list(
    conn: &mut Connection,
    filter: Filter,
    page: PageRequest,
) -> sqlx::Result<Vec<AdjustmentView>> {
    let after = page.after.map(|Cursor { at, id }| (at, id)).unzip();
    sqlx::query_as!(
        AdjustmentView,
        r#"select one.id as "id: AdjustmentId", one.version, account as "account: AccountId", points,
               reason, document, status as "status: ProposalStatus",
               proposer.display_name as proposed_by, proposed_at,
               decider.display_name as "decided_by?", decided_at, note, tx as "tx: LedgerTxId"
           from points_adjustment as one
           join account as proposer on proposer.id = one.proposed_by
           left join account as decider on decider.id = one.decided_by
           where ($1::uuid is null or one.id = $1) and ($2::text is null or status = $2)
               and ($3::uuid is null or account = $3)
               and ($4::timestamptz is null or (proposed_at, one.id) < ($4, $5::uuid))
           order by proposed_at desc, one.id desc limit $6"#,
        filter.id.map(|id| id.0),
        filter.status.map(ProposalStatus::code),
        filter.account.map(|account| account.0),
        after.0,
        after.1,
        page.probe(),
    )
    .fetch_all(conn)
    .await
}
