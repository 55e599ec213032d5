//! Versions of what gives points, for whoever wants to know.

use chrono::NaiveDate;
use domain::{
    id::PointsRuleId,
    page::{Cursor, PageRequest},
    points::{ProposalStatus, Terms},
    time::Timestamp,
};
use serde::Serialize;
use sqlx::types::Json;
use utoipa::ToSchema;

use crate::postgres::Connection;

/// 积分规则的一个版本
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct PointsRuleView {
    /// 编号
    pub id: PointsRuleId,
    /// 第几稿，用于 If-Match
    #[schema(example = 1)]
    pub version: i64,
    /// 名称；每笔积分都记着按哪个版本计算
    #[schema(example = "2027-1")]
    pub name: String,
    /// 状态；`configured` 是配置文件里的，在第一个核准的版本生效以前有效
    pub status: ProposalStatus,
    /// 从哪一天的服务、诉求起算
    #[schema(example = "2027-01-01")]
    pub valid_from: Option<NaiveDate>,
    /// 从哪一天起不再有效（下一版生效）；没有下一版的为 null
    pub valid_to: Option<NaiveDate>,
    /// 内容
    pub terms: Terms,
    /// 为什么
    pub reason: Option<String>,
    /// 谁提出的
    pub proposed_by: Option<String>,
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
}

impl PointsRuleView {
    /// Where the next page starts when this is the last row.
    pub const fn cursor(&self) -> Cursor {
        Cursor { at: self.proposed_at, id: self.id.0 }
    }
}

/// Versions, the latest first, one more than the page; or one alone. They belong to nobody.
///
/// # Errors
/// The database's.
pub async fn list(
    conn: &mut Connection,
    only: Option<PointsRuleId>,
    page: PageRequest,
) -> sqlx::Result<Vec<PointsRuleView>> {
    let after = page.after.map(|Cursor { at, id }| (at, id)).unzip();
    let rows = sqlx::query!(
        r#"select rule.id as "id: PointsRuleId", rule.version, name,
               status as "status: ProposalStatus", valid_from,
               case when status = 'approved' then (
                   select min(next.valid_from) from points_rule as next
                   where next.status = 'approved' and next.valid_from > rule.valid_from) end as valid_to,
               terms as "terms: Json<Terms>", reason, proposer.display_name as "proposed_by?",
               proposed_at, decider.display_name as "decided_by?", decided_at, note
           from points_rule as rule
           left join account as proposer on proposer.id = rule.proposed_by
           left join account as decider on decider.id = rule.decided_by
           where ($1::uuid is null or rule.id = $1)
               and ($2::timestamptz is null or (proposed_at, rule.id) < ($2, $3::uuid))
           order by proposed_at desc, rule.id desc limit $4"#,
        only.map(|id| id.0),
        after.0,
        after.1,
        page.probe(),
    )
    .fetch_all(conn)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| PointsRuleView {
            id: row.id,
            version: row.version,
            name: row.name,
            status: row.status,
            valid_from: row.valid_from,
            valid_to: row.valid_to,
            terms: row.terms.0,
            reason: row.reason,
            proposed_by: row.proposed_by,
            proposed_at: row.proposed_at,
            decided_by: row.decided_by,
            decided_at: row.decided_at,
            note: row.note,
        })
        .collect())
}
