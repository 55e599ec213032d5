//! Statements as the merchant, the organisers and the auditor see them.

use chrono::NaiveDate;
use domain::{
    id::{BudgetId, OfferId, RedemptionId, SettlementId},
    merchant::settlement::{LineKind, Status},
    page::{Cursor, PageRequest},
    scope::Scope,
    time::{self, Timestamp},
};
use serde::Serialize;
use utoipa::ToSchema;

use super::super::super::Connection;

/// 月结算单
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct SettlementView {
    /// 结算单编号
    pub id: SettlementId,
    /// 商户代码
    #[schema(example = "wenxing")]
    pub merchant: String,
    /// 商户名称
    #[schema(example = "文兴示范商户")]
    pub merchant_name: String,
    /// 月份的第一天
    #[schema(value_type = String, example = "2026-11-01")]
    pub month: NaiveDate,
    /// 状态
    pub status: Status,
    /// 出具时间
    #[schema(value_type = String, format = DateTime)]
    pub frozen_at: Timestamp,
    /// 可以提出异议到这一刻之前
    #[schema(value_type = String, format = DateTime)]
    pub dispute_until: Timestamp,
    /// 核销几次
    #[schema(example = 120)]
    pub redemptions: i64,
    /// 退回几次
    #[schema(example = 2)]
    pub refunds: i64,
    /// 积分合计
    #[schema(example = 3600)]
    pub points: i64,
    /// 应付合计，分
    #[schema(example = 60_000)]
    pub fen: i64,
    /// 居民到店另付合计，分
    #[schema(example = 12_000)]
    pub cash_fen: i64,
    /// 待处理的异议
    #[schema(example = 0)]
    pub open_disputes: i64,
    /// 商户确认时间
    #[schema(value_type = Option<String>, format = DateTime)]
    pub confirmed_at: Option<Timestamp>,
    /// 付款时间
    #[schema(value_type = Option<String>, format = DateTime)]
    pub paid_at: Option<Timestamp>,
    /// 付款凭证号
    #[schema(example = "2026-12-0031")]
    pub document_no: Option<String>,
    /// 版本
    pub version: i64,
}

impl SettlementView {
    /// Where it stands in the list.
    pub fn cursor(&self) -> Cursor {
        Cursor { at: time::start_of(self.month), id: self.id.0 }
    }
}

/// Which statements.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    /// The one with this id.
    pub id: Option<SettlementId>,
    /// Of one merchant.
    pub merchant: Option<String>,
    /// Of one month, by its first day.
    pub month: Option<NaiveDate>,
    /// That stand so.
    pub status: Option<Status>,
}

/// Statements that may be read, the latest month first, with one row more than the page.
///
/// # Errors
/// The database's.
pub async fn list(
    conn: &mut Connection,
    scope: &Scope,
    filter: &Filter,
    page: PageRequest,
) -> sqlx::Result<Vec<SettlementView>> {
    let after = page.after.map(|Cursor { at, id }| (time::date(at), id)).unzip();
    sqlx::query_as!(
        SettlementView,
        r#"select settlement.id as "id: SettlementId", merchant, merchant.name as merchant_name,
               settlement.month, status as "status: Status", frozen_at, dispute_until,
               total.redemptions as "redemptions!", total.refunds as "refunds!", total.points as "points!",
               total.fen as "fen!", total.cash_fen as "cash_fen!",
               (select count(*) from settlement_dispute as dispute
                   where dispute.settlement = settlement.id and decided_at is null) as "open_disputes!",
               confirmed_at, paid_at, document_no, settlement.version
           from settlement
           join settlement_month on settlement_month.month = settlement.month
           join merchant on merchant.code = settlement.merchant
           cross join lateral (
               select count(*) filter (where kind = 'redemption') as redemptions,
                   count(*) filter (where kind = 'refund') as refunds,
                   coalesce(sum(points), 0)::bigint as points, coalesce(sum(fen), 0)::bigint as fen,
                   coalesce(sum(cash_fen), 0)::bigint as cash_fen
               from settlement_line as line where line.settlement = settlement.id
           ) as total
           where ($1 or merchant = any($2))
               and ($3::uuid is null or settlement.id = $3)
               and ($4::text is null or merchant = $4)
               and ($5::date is null or settlement.month = $5)
               and ($6::text is null or status = $6)
               and ($7::date is null or (settlement.month, settlement.id) < ($7, $8::uuid))
           order by settlement.month desc, settlement.id desc limit $9"#,
        scope.reads_shops(),
        scope.shops(),
        filter.id.map(|id| id.0),
        filter.merchant.as_deref(),
        filter.month,
        filter.status.map(Status::code),
        after.0,
        after.1,
        page.probe(),
    )
    .fetch_all(conn)
    .await
}

/// 各付款方应付
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct PayerTotal {
    /// 预算编号；商户自己承担的为空
    pub budget: Option<BudgetId>,
    /// 预算名称
    #[schema(example = "2026 年文兴社区惠民资金")]
    pub name: Option<String>,
    /// 行数
    #[schema(example = 118)]
    pub lines: i64,
    /// 应付，分
    #[schema(example = 60_000)]
    pub fen: i64,
}

/// What each payer owes by a statement. The caller has made sure that it may be read.
///
/// # Errors
/// The database's.
pub async fn payers(conn: &mut Connection, id: SettlementId) -> sqlx::Result<Vec<PayerTotal>> {
    sqlx::query_as!(
        PayerTotal,
        r#"select budget as "budget: BudgetId", budget.name as "name?", count(*) as "lines!",
               sum(fen)::bigint as "fen!"
           from settlement_line left join budget on budget.id = settlement_line.budget
           where settlement = $1 group by budget, budget.name order by budget.name nulls last"#,
        id.0,
    )
    .fetch_all(conn)
    .await
}

/// 结算单的一行
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct LineView {
    /// 行号
    #[schema(example = 1)]
    pub n: i32,
    /// 是什么
    pub kind: LineKind,
    /// 兑换编号；更正的是有异议的那一次
    pub redemption_id: RedemptionId,
    /// 优惠编号
    pub offer_id: OfferId,
    /// 优惠
    #[schema(example = "幸福餐厅午餐一份")]
    pub title: String,
    /// 核销、退回或更正的时间
    #[schema(value_type = String, format = DateTime)]
    pub at: Timestamp,
    /// 积分；退回为负
    #[schema(example = 30)]
    pub points: i64,
    /// 应付，分；退回为负
    #[schema(example = 500)]
    pub fen: i64,
    /// 居民到店另付，分
    #[schema(example = 100)]
    pub cash_fen: i64,
    /// 付款预算；商户自己承担的为空
    pub payer: Option<String>,
    /// 商户提出的异议
    pub dispute_reason: Option<String>,
    /// 异议是否成立；没有异议或还没有处理为空
    pub upheld: Option<bool>,
    /// 异议成立的，下一张结算单补付或扣回，分
    pub correction_fen: Option<i64>,
    /// 对异议的答复
    pub answer: Option<String>,
}

impl LineView {
    /// Where it stands in the list.
    pub fn cursor(&self) -> Cursor {
        let at = Timestamp::from_timestamp(self.n.into(), 0).unwrap_or(Timestamp::UNIX_EPOCH);
        Cursor { at, id: self.redemption_id.0 }
    }
}

/// Lines of a statement after one, at most so many. The caller has made sure that it may be read.
///
/// # Errors
/// The database's.
pub async fn lines(
    conn: &mut Connection,
    id: SettlementId,
    after: i64,
    limit: i64,
) -> sqlx::Result<Vec<LineView>> {
    sqlx::query_as!(
        LineView,
        r#"select n, line.kind as "kind: LineKind", line.redemption as "redemption_id: RedemptionId",
               line.offer as "offer_id: OfferId", offer.title, line.at, line.points, line.fen, line.cash_fen,
               budget.name as "payer?", told.reason as "dispute_reason?", told.upheld as "upheld?",
               told.fen as "correction_fen?", told.answer as "answer?"
           from settlement_line as line
           join offer on offer.id = line.offer
           left join budget on budget.id = line.budget
           left join settlement_dispute as told on told.settlement = line.settlement and told.line = line.n
           where line.settlement = $1 and n > $2
           order by n limit $3"#,
        id.0,
        i32::try_from(after).unwrap_or(i32::MAX),
        limit,
    )
    .fetch_all(conn)
    .await
}
