//! The ledger of people's points for those who keep it and those who audit it.

use actix_web::{
    HttpResponse, get, post,
    web::{Data, Json},
};
use domain::{
    id::{AccountId, LedgerTxId},
    page::{Limit, Page, PageRequest},
    points::{EntryKind, Ground, Source},
    refusal::{Basic, Faults},
    text,
    time::Timestamp,
};
use infra::postgres::points::read::book::{self, Filter, Line};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::{
    app::points::reversal,
    error::Error,
    http::extract::{
        Addressed, Body, Caller, On, Paging, Query,
        caller::needs::{KeepPoints, ReadPoints},
    },
    state::State,
};

routes![list, read_one, reverse];

/// 一笔流水
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = PointsMovementView)]
pub struct MovementView {
    /// 流水编号
    pub id: LedgerTxId,
    /// 谁的积分（账号编号）
    pub account: AccountId,
    /// 种类
    pub kind: EntryKind,
    /// 来源；冲正的，是被冲的那一笔的来源
    pub source: Option<Source>,
    /// 积分；用去为负
    #[schema(example = 2)]
    pub points: i64,
    /// 一句话说明；本人看到的就是这一句
    #[schema(example = "志愿服务（助老服务） 2 小时已确认，得 2 分")]
    pub text: String,
    /// 按哪个版本的规则计算
    #[schema(example = "2026-1")]
    pub rule_version: Option<String>,
    /// 按那个版本和当时记下的数重算的结果；记得不全的为 null
    #[schema(example = 2)]
    pub recomputed: Option<i64>,
    /// 冲的是哪一笔
    pub reverses: Option<LedgerTxId>,
    /// 被哪一笔收回或冲正
    pub reversed_by: Option<LedgerTxId>,
    /// 人工办理的原因
    pub reason: Option<String>,
    /// 依据的文件或记录
    pub document: Option<String>,
    /// 时间
    #[schema(value_type = String, format = DateTime)]
    pub at: Timestamp,
}

impl MovementView {
    fn of(state: &State, line: Line) -> Self {
        let rules = &state.config.points;
        let recomputed = line.again((&rules.version, &rules.award));
        let Line { account, entry, reversed_by, .. } = line;
        let text = entry.movement().sentence();
        Self {
            id: entry.id,
            account,
            kind: entry.kind,
            source: entry.source,
            points: entry.points,
            text,
            rule_version: entry.rule_version,
            recomputed,
            reverses: entry.reverses,
            reversed_by,
            reason: entry.reason,
            document: entry.document,
            at: entry.at,
        }
    }
}

impl<P> On<P, LedgerTxId> {
    async fn found(&self) -> Result<MovementView, Error> {
        let filter = Filter { id: Some(self.id), ..Filter::default() };
        let one = PageRequest { after: None, limit: Limit::DEFAULT };
        let mut conn = self.state.db.acquire().await?;
        let line = book::list(&mut conn, filter, one).await?.into_iter().next();
        line.map(|line| MovementView::of(&self.state, line)).ok_or_else(|| Basic::NotFound.into())
    }
}

impl<P> Addressed for On<P, LedgerTxId> {
    async fn visible(&self) -> Result<(), Error> {
        self.found().await.map(drop)
    }

    async fn shown(&self) -> Result<HttpResponse, Error> {
        Ok(HttpResponse::Ok().json(self.found().await?))
    }
}

/// 谁的积分
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct BookFilter {
    /// 账号编号
    #[param(example = "019ab0c1-d2e3-7f00-8a1b-2c3d4e5f6071")]
    account: AccountId,
    /// 只看一种
    #[param(required = false, inline)]
    kind: Option<EntryKind>,
    /// 只看一种来源
    #[param(required = false, inline)]
    source: Option<Source>,
}

/// 某人的积分流水
///
/// 组织员、审计员查看；新的在前。每笔获得都按当时的规则和记下的数重算一遍，供核对。
#[utoipa::path(
    operation_id = "points.movements", tag = "points",
    params(BookFilter, Paging),
    responses((status = 200, description = "一页流水", body = Page<MovementView>)),
    security(("bearer" = [])),
)]
#[get("/ledger/entries")]
async fn list(
    _: Caller<ReadPoints>,
    state: Data<State>,
    filter: Query<BookFilter>,
    page: Paging,
) -> Result<Json<Page<MovementView>>, Error> {
    let BookFilter { account, kind, source } = filter.0;
    let filter = Filter { id: None, account: Some(account), kind, source };
    let mut conn = state.db.acquire().await?;
    let rows = book::list(&mut conn, filter, page.0).await?;
    let Page { items, next_cursor } = Page::of(rows, page.0.limit, Line::cursor);
    Ok(Json(Page {
        items: items.into_iter().map(|line| MovementView::of(&state, line)).collect(),
        next_cursor,
    }))
}

/// 查看一笔流水
///
/// 借贷两方的每一笔和一句话说明；写的是账户，不是姓名。
#[utoipa::path(
    operation_id = "points.movement", tag = "points",
    responses((status = 200, description = "这一笔", body = MovementView)),
    security(("bearer" = [])),
)]
#[get("/ledger/entries/{id}")]
async fn read_one(on: On<ReadPoints, LedgerTxId>) -> Result<HttpResponse, Error> {
    on.shown().await
}

/// 收回一笔积分
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = ReverseAwardBody)]
pub struct ReverseBody {
    /// 理由；不填为登记有误
    #[serde(default = "mistake")]
    pub ground: Ground,
    /// 原因，2–200 个字；本人看得到
    #[schema(example = "同一次活动登记了两遍")]
    pub reason: String,
}

const fn mistake() -> Ground {
    Ground::Mistake
}

/// 收回一笔积分
///
/// 组织员办理，不能收回本人的：另记一笔冲正，写明冲的是哪一笔，全额收回。本人已经用掉的部分记为待抵还，
/// 从以后所得中抵还，不会变成负数；已经到期的不再向本人要。本人会收到通知，在明细里看到原因。
#[utoipa::path(
    operation_id = "points.reverse", tag = "points",
    request_body(content = ReverseBody, example = json!({"ground": "duplicate", "reason": "同一次活动登记了两遍"})),
    responses((status = 200, description = "被收回的那一笔", body = MovementView)),
    security(("bearer" = [])),
    extensions(("x-problems" = json!(["not_an_award", "award_already_reversed", "own_points"]))),
)]
#[post("/ledger/entries/{id}/reverse")]
async fn reverse(
    on: On<KeepPoints, LedgerTxId>,
    body: Body<ReverseBody>,
) -> Result<HttpResponse, Error> {
    let (ground, reason) = on
        .read(body, |body| {
            let mut faults = Faults::default();
            let reason = faults.take(text::line("reason", &body.reason, 2, 200));
            faults.check()?;
            Ok((body.ground, reason.unwrap_or_default()))
        })
        .await?;
    reversal::reverse(&on.state, on.ask(), on.id, ground, reason).await?;
    on.shown().await
}
