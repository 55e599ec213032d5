//! One's own points, and whether the books add up.

use actix_web::{
    get,
    web::{Data, Json},
};
use domain::{id::LedgerTxId, page::Page, points::EntryKind, time::Timestamp};
use infra::postgres::points::{
    Violation,
    read::{self, Entry},
};
use serde::Serialize;
use utoipa::ToSchema;

use super::extract::{
    Caller, Paging,
    caller::needs::{ReadLedger, ReadSelf},
};
use crate::{app, error::Error, state::State};

/// 积分余额
#[derive(Debug, Serialize, ToSchema)]
pub struct PointsView {
    /// 可用积分
    #[schema(example = 150)]
    pub available: i64,
    /// 兑换码占用、等待核销的积分
    #[schema(example = 50)]
    pub held: i64,
    /// 即将到期的积分，先到期的在前
    pub expiring: Vec<ExpiringView>,
}

/// 即将到期的积分
#[derive(Debug, Serialize, ToSchema)]
pub struct ExpiringView {
    /// 积分
    #[schema(example = 20)]
    pub points: i64,
    /// 到期时间
    #[schema(value_type = String, format = DateTime)]
    pub at: Timestamp,
}

/// 我的积分
///
/// 可用与占用之和等于积分明细之和。`expiring` 是提醒期内（默认 30 天）要到期的积分。
#[utoipa::path(
    operation_id = "points.mine", tag = "points",
    responses((status = 200, description = "积分余额", body = PointsView)),
    security(("bearer" = [])),
)]
#[get("/me/points")]
pub async fn mine(caller: Caller<ReadSelf>, state: Data<State>) -> Result<Json<PointsView>, Error> {
    let scope = caller.scope();
    let until = state.config.points.warned_until(state.clock.now());
    let mut conn = state.db.acquire().await?;
    let balance = read::balance(&mut conn, &scope).await?;
    let expiring = read::expiring(&mut conn, &scope, until).await?;
    Ok(Json(PointsView {
        available: balance.posted - balance.held,
        held: balance.held,
        expiring: expiring
            .into_iter()
            .map(|lot| ExpiringView { points: lot.points, at: lot.at })
            .collect(),
    }))
}

/// 一笔积分
#[derive(Debug, Serialize, ToSchema)]
pub struct EntryView {
    /// 流水编号
    pub id: LedgerTxId,
    /// 种类
    pub kind: EntryKind,
    /// 积分；用去为负
    #[schema(example = 2)]
    pub points: i64,
    /// 一句话说明这笔积分的来龙去脉
    #[schema(example = "志愿服务（助老服务） 2 小时已确认，得 2 分")]
    pub text: String,
    /// 时间
    #[schema(value_type = String, format = DateTime)]
    pub at: Timestamp,
}

impl From<Entry> for EntryView {
    fn from(entry: Entry) -> Self {
        let text = entry.movement().sentence();
        Self { id: entry.id, kind: entry.kind, points: entry.points, text, at: entry.at }
    }
}

/// 积分明细
///
/// 只含已入账的变动，新的在前；占用中的积分不在其中。
#[utoipa::path(
    operation_id = "points.entries", tag = "points",
    params(Paging),
    responses((status = 200, description = "一页积分明细", body = Page<EntryView>)),
    security(("bearer" = [])),
)]
#[get("/me/points/entries")]
pub async fn entries(
    caller: Caller<ReadSelf>,
    state: Data<State>,
    Paging(page): Paging,
) -> Result<Json<Page<EntryView>>, Error> {
    let mut conn = state.db.acquire().await?;
    let rows = read::entries(&mut conn, &caller.scope(), page).await?;
    let Page { items, next_cursor } = Page::of(rows, page.limit, Entry::cursor);
    Ok(Json(Page { items: items.into_iter().map(EntryView::from).collect(), next_cursor }))
}

/// 对账结果
#[derive(Debug, Serialize, ToSchema)]
pub struct ReconciliationView {
    /// 对账时间
    #[schema(value_type = String, format = DateTime)]
    pub checked_at: Timestamp,
    /// 对不上的账；正常为空
    pub violations: Vec<ViolationView>,
}

/// 一处对不上的账
#[derive(Debug, Serialize, ToSchema)]
pub struct ViolationView {
    /// 违反的规则
    #[schema(example = "posted_is_entries")]
    pub rule: &'static str,
    /// 这条规则说什么
    #[schema(example = "账户余额等于分录合计")]
    pub meaning: &'static str,
    /// 涉及的流水、占用、批次、账户或优惠
    pub subject: Option<uuid::Uuid>,
    /// 暂停兑换的账户
    pub account: Option<uuid::Uuid>,
    /// 暂停兑换的优惠
    pub offer: Option<uuid::Uuid>,
    /// 按其他账应有的数
    #[schema(example = 200)]
    pub expected: i64,
    /// 实际的数
    #[schema(example = 201)]
    pub found: i64,
}

impl From<Violation> for ViolationView {
    fn from(from: Violation) -> Self {
        let Violation { rule, subject, account, offer, expected, found } = from;
        let (rule, meaning) = (rule.code(), rule.label());
        Self { rule, meaning, subject, account, offer, expected, found }
    }
}

/// 积分对账
///
/// 当场核对九条规则：每笔平衡、总和为零、余额等于明细、批次等于余额、占用等于待核销、占用等于批次占用、
/// 优惠份数等于兑换数、已核销等于已入账、批次占用等于待核销。每分钟也自动核对，对不上的账户或优惠暂停兑换。
#[utoipa::path(
    operation_id = "points.reconciliation", tag = "points",
    responses((status = 200, description = "对账结果", body = ReconciliationView)),
    security(("bearer" = [])),
)]
#[get("/ledger/reconciliation")]
pub async fn reconciliation(
    _: Caller<ReadLedger>,
    state: Data<State>,
) -> Result<Json<ReconciliationView>, Error> {
    let violations = app::points::violations(&state).await?;
    Ok(Json(ReconciliationView {
        checked_at: state.clock.now(),
        violations: violations.into_iter().map(ViolationView::from).collect(),
    }))
}

routes![mine, entries, reconciliation];
