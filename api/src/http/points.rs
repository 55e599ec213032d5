//! One's own points, and whether the books add up.

use actix_web::{
    HttpResponse, get,
    web::{Data, Json},
};
use domain::{
    id::{LedgerTxId, PointsNoticeId},
    page::{Limit, Page, PageRequest},
    points::{EntryKind, NoticeStatus, Source},
    service::Year,
    time::Timestamp,
};
use infra::postgres::points::{
    Violation,
    read::{
        self, Entry,
        notice::{self as notices, Filter, Shown},
    },
};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::{
    duty::{ExportFilter, as_file},
    extract::{
        Caller, Paging, Query,
        caller::needs::{ReadLedger, ReadSelf},
    },
};
use crate::{app, error::Error, state::State};

pub mod adjustment;
pub mod book;
pub mod donation;
pub mod notice;
pub mod rule;

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
    /// 公示中、还没有入账的积分；不在可用积分里
    #[schema(example = 2)]
    pub pending: i64,
    /// 待抵还的积分：此前收回时已经用掉的，从以后所得中抵还
    #[schema(example = 0)]
    pub owed: i64,
    /// 公示中的各笔
    pub notices: Vec<PendingView>,
}

/// 公示中的一笔积分
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = PendingPointsView)]
pub struct PendingView {
    /// 公示编号
    pub id: PointsNoticeId,
    /// 因什么得的
    pub source: Source,
    /// 多少分
    #[schema(example = 2)]
    pub points: i64,
    /// 状态
    pub status: NoticeStatus,
    /// 公示结束的时间；没有异议即入账
    #[schema(value_type = String, format = DateTime)]
    pub until: Timestamp,
    /// 一句话
    #[schema(example = "志愿服务所得 2 分公示中")]
    pub text: String,
}

impl From<Shown> for PendingView {
    fn from(shown: Shown) -> Self {
        let Shown { id, source, points, status, ends_at, .. } = shown;
        let text = format!("{}所得 {points} 分{}", source.label(), status.label());
        Self { id, source, points, status, until: ends_at, text }
    }
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
    let owed = read::owed(&mut conn, &scope).await?;
    let waiting = Filter { waiting_for: Some(scope.account()), ..Filter::default() };
    let first = PageRequest { after: None, limit: Limit::new(100)? };
    let waiting = notices::list(&mut conn, waiting, first).await?;
    Ok(Json(PointsView {
        pending: waiting.iter().map(|notice| notice.points).sum(),
        owed,
        notices: waiting.into_iter().map(PendingView::from).collect(),
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
    /// 来源；冲正的，是被冲的那一笔的来源
    pub source: Option<Source>,
    /// 一句话说明这笔积分的来龙去脉
    #[schema(example = "志愿服务（助老服务） 2 小时已确认，得 2 分")]
    pub text: String,
    /// 时间
    #[schema(value_type = String, format = DateTime)]
    pub at: Timestamp,
    /// 按哪个版本的规则计算
    #[schema(example = "2026-1")]
    pub rule_version: Option<String>,
    /// 冲的是哪一笔
    pub reverses: Option<LedgerTxId>,
    /// 人工办理的原因
    pub reason: Option<String>,
    /// 依据的文件或记录
    pub document: Option<String>,
    /// 从哪里来的：可以打开查看
    pub link: Option<LinkView>,
}

/// 一笔积分从哪里来
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = PointsLinkView)]
pub struct LinkView {
    /// 是什么：`claim` 岗位认领 · `complaint` 诉求 · `visit` 走访 · `redemption` 兑换 · `adjustment` 人工调整 · `donation` 转赠
    #[schema(example = "claim")]
    pub kind: &'static str,
    /// 它的编号
    pub id: uuid::Uuid,
}

impl LinkView {
    /// What stands behind a movement: what its data names, or the redemption whose id it has.
    fn of(entry: &Entry) -> Option<Self> {
        const KINDS: [&str; 5] = ["claim", "complaint", "visit", "adjustment", "donation"];
        let named = |kind: &'static str| {
            let id = entry.data.get(kind)?.as_str()?.parse().ok()?;
            Some(Self { kind, id })
        };
        let redeemed = || {
            let id = entry.reverses.unwrap_or(entry.id).0;
            entry.offer.as_ref().map(|_| Self { kind: "redemption", id })
        };
        KINDS.into_iter().find_map(named).or_else(redeemed)
    }
}

impl From<Entry> for EntryView {
    fn from(entry: Entry) -> Self {
        let (text, link) = (entry.movement().sentence(), LinkView::of(&entry));
        Self {
            id: entry.id,
            kind: entry.kind,
            points: entry.points,
            source: entry.source,
            text,
            at: entry.at,
            rule_version: entry.rule_version,
            reverses: entry.reverses,
            reason: entry.reason,
            document: entry.document,
            link,
        }
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

/// 哪一年
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct StatementFilter {
    /// 年份（2000–2100）；不填为今年
    #[param(required = false, example = 2026)]
    year: Option<i32>,
}

/// 我的年度积分明细账
///
/// 一年的每一笔：时间、类别、说明、积分、余额、流水号、冲正的流水、规则版本，前后有期初和期末余额。Excel 工作簿。
#[utoipa::path(
    operation_id = "points.statement", tag = "points",
    params(StatementFilter),
    responses((status = 200, description = "工作簿", content(
        (Value = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet")))),
    security(("bearer" = [])),
)]
#[get("/me/points/statement")]
pub async fn statement(
    caller: Caller<ReadSelf>,
    state: Data<State>,
    asked: Query<StatementFilter>,
) -> Result<HttpResponse, Error> {
    let year = match asked.0.year {
        Some(year) => Year::new(year)?,
        None => Year::of(state.clock.now()),
    };
    let statement = app::points::statement::own(&state, caller.actor.account, year).await?;
    as_file(&format!("points-{}", year.number()), statement.sheet(), ExportFilter::default())
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
/// 当场核对各条规则：每笔平衡、总和为零、余额等于明细、批次等于余额、占用等于待核销、占用等于批次占用、
/// 优惠份数等于兑换数、已核销等于已入账、批次占用等于待核销、待抵还等于应收。每分钟也自动核对，对不上的账户或优惠暂停兑换。
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

routes![mine, entries, statement, reconciliation];
