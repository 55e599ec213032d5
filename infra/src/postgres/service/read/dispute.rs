//! Disputes as they are read.

use domain::{
    id::{ClaimId, DisputeId, PostId},
    org::NodeCode,
    page::{Cursor, PageRequest},
    scope::Scope,
    service::{Status as ClaimStatus, dispute::Status},
    time::Timestamp,
};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::postgres::Connection;

/// 服务异议
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct DisputeView {
    /// 编号
    pub id: DisputeId,
    /// 版本号，用于 If-Match
    pub version: i64,
    /// 认领的编号
    pub claim_id: ClaimId,
    /// 岗位的编号
    pub post_id: PostId,
    /// 岗位名称
    #[schema(example = "陪独居老人就医")]
    pub title: String,
    /// 社区的区划代码
    pub community_code: NodeCode,
    /// 服务的人显示的名字
    pub person: String,
    /// 是否由被服务的居民提出
    pub by_served: bool,
    /// 原因
    pub reason: String,
    /// 提出的时间
    #[schema(value_type = String, format = DateTime)]
    pub raised_at: Timestamp,
    /// 原来的结论
    pub status_before: ClaimStatus,
    /// 原来的时长（分钟）
    pub minutes_before: Option<i32>,
    /// 状态
    pub status: Status,
    /// 状态的中文
    pub status_text: &'static str,
    /// 复核或撤回的时间
    #[schema(value_type = Option<String>, format = DateTime)]
    pub decided_at: Option<Timestamp>,
    /// 复核的理由
    pub decision: Option<String>,
    /// 更正后的时长（分钟），0 为不计
    pub minutes_after: Option<i32>,
    /// 能否由您复核：原来的结论不是您作出的
    pub may_decide: bool,
}

impl DisputeView {
    /// Where the next page starts when this is the last row.
    pub fn cursor(&self) -> Cursor {
        Cursor { at: self.raised_at, id: self.id.0 }
    }
}

/// Which disputes are wanted.
#[derive(Debug, Clone, Copy, Default)]
pub struct DisputeFilter {
    /// One alone.
    pub id: Option<DisputeId>,
    /// The caller's own alone.
    pub own_only: bool,
    /// In this state.
    pub status: Option<Status>,
}

/// Disputes within the scope — those that the caller raised, and those on posts that the caller
/// may organise — the latest first, one more than the page.
///
/// # Errors
/// The database is away.
pub async fn list(
    conn: &mut Connection,
    scope: &Scope,
    filter: DisputeFilter,
    page: PageRequest,
) -> Result<Vec<DisputeView>, sqlx::Error> {
    let rows = sqlx::query!(
        r#"select d.id as "id: DisputeId", d.version, d.claim_id as "claim: ClaimId",
               p.id as "post: PostId", p.title, p.community_code as "community: NodeCode",
               a.display_name as person, d.raised_by <> c.account_id as "by_served!", d.reason,
               d.raised_at, d.status_before as "status_before: ClaimStatus", d.minutes_before,
               d.status as "status: Status", d.decided_at, d.decision, d.minutes_after,
               d.status = 'open' and d.first_decider is distinct from $1 and d.raised_by <> $1
                   and c.account_id <> $1 and ($3 or p.community_code = any($4)) as "may_decide!"
           from claim_dispute d
           join claim c on c.id = d.claim_id
           join post p on p.id = c.post_id
           join account a on a.id = c.account_id
           where (d.raised_by = $1 or not $2 and ($3 or p.community_code = any($4)))
               and ($5::uuid is null or d.id = $5)
               and ($6::text is null or d.status = $6)
               and ($7::timestamptz is null or (d.raised_at, d.id) < ($7, $8::uuid))
           order by d.raised_at desc, d.id desc
           limit $9"#,
        scope.account().0,
        filter.own_only,
        scope.organises(),
        scope.units(),
        filter.id.map(|id| id.0),
        filter.status.map(Status::code),
        page.after.map(|cursor| cursor.at),
        page.after.map_or(Uuid::nil(), |cursor| cursor.id),
        page.probe(),
    )
    .fetch_all(conn)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| DisputeView {
            id: row.id,
            version: row.version,
            claim_id: row.claim,
            post_id: row.post,
            title: row.title,
            community_code: row.community,
            person: row.person,
            by_served: row.by_served,
            reason: row.reason,
            raised_at: row.raised_at,
            status_before: row.status_before,
            minutes_before: row.minutes_before,
            status: row.status,
            status_text: row.status.label(),
            decided_at: row.decided_at,
            decision: row.decision,
            minutes_after: row.minutes_after,
            may_decide: row.may_decide,
        })
        .collect())
}

/// Whether a claim is the caller's, or on a post that they asked for.
///
/// # Errors
/// The database is away.
pub async fn concerned(
    conn: &mut Connection,
    scope: &Scope,
    claim: ClaimId,
) -> Result<bool, sqlx::Error> {
    sqlx::query_scalar!(
        r#"select exists (
               select from claim c
               join post p on p.id = c.post_id
               left join service_request r on r.id = p.request_id
               where c.id = $1 and (c.account_id = $2 or r.account_id = $2)
           ) as "concerned!""#,
        claim.0,
        scope.account().0,
    )
    .fetch_one(conn)
    .await
}
