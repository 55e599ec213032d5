//! Manual adjustments of points: proposed by one person, decided by another.

use domain::{
    id::{AccountId, AdjustmentId, LedgerTxId},
    page::{Cursor, PageRequest},
    points::{NewAdjustment, Proposal, ProposalStatus},
    time::Timestamp,
};
use serde::Serialize;
use utoipa::ToSchema;

use super::super::Connection;

/// Stores an adjustment that is proposed.
///
/// # Errors
/// The database's.
pub async fn insert(
    conn: &mut Connection,
    id: AdjustmentId,
    new: &NewAdjustment,
    by: AccountId,
    now: Timestamp,
) -> sqlx::Result<()> {
    sqlx::query!(
        "insert into points_adjustment
             (id, account, points, reason, document, status, proposed_by, proposed_at)
         values ($1, $2, $3, $4, $5, 'proposed', $6, $7)",
        id.0,
        new.account.0,
        new.points,
        new.reason,
        new.document,
        by.0,
        now,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Whether an account is a resident's or member's, who can have points.
///
/// # Errors
/// The database's.
pub async fn can_have_points(conn: &mut Connection, account: AccountId) -> sqlx::Result<bool> {
    sqlx::query_scalar!(
        r#"select exists (
               select from role_grant
               where account_id = $1 and role in ('resident', 'party_member') and revoked_at is null
           ) as "can!""#,
        account.0,
    )
    .fetch_one(conn)
    .await
}

/// A locked adjustment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Held {
    /// Where it stands.
    pub proposal: Proposal,
    /// Which state of it.
    pub version: i64,
    /// What it is.
    pub adjustment: NewAdjustment,
}

/// Locks an adjustment, before the account that it is about.
///
/// # Errors
/// The database's.
pub async fn lock(conn: &mut Connection, id: AdjustmentId) -> sqlx::Result<Option<Held>> {
    let row = sqlx::query!(
        r#"select version, status as "status: ProposalStatus", proposed_by as "proposed_by: AccountId",
               account as "account: AccountId", points, reason, document
           from points_adjustment where id = $1 for no key update"#,
        id.0,
    )
    .fetch_optional(conn)
    .await?;
    Ok(row.map(|row| Held {
        proposal: Proposal {
            status: row.status,
            by: Some(row.proposed_by),
            about: Some(row.account),
        },
        version: row.version,
        adjustment: NewAdjustment {
            account: row.account,
            points: row.points,
            reason: row.reason,
            document: row.document,
        },
    }))
}

/// What was decided on an adjustment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Decided<'a> {
    /// Where it stands now.
    pub status: ProposalStatus,
    /// Why not.
    pub note: Option<&'a str>,
    /// The movement, where it was approved.
    pub tx: Option<LedgerTxId>,
}

/// Stores what was decided on a locked adjustment.
///
/// # Errors
/// The database's.
pub async fn decide(
    conn: &mut Connection,
    id: AdjustmentId,
    decided: &Decided<'_>,
    by: AccountId,
    now: Timestamp,
) -> sqlx::Result<()> {
    sqlx::query!(
        "update points_adjustment
         set version = version + 1, status = $2, note = $3, tx = $4, decided_by = $5, decided_at = $6
         where id = $1",
        id.0,
        decided.status.code(),
        decided.note,
        decided.tx.map(|tx| tx.0),
        by.0,
        now,
    )
    .execute(conn)
    .await?;
    Ok(())
}

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
