//! Fairness (公平核查) over HTTP: what looks unfair, a reviewer's word on it, and an appeal.

use actix_web::{
    HttpResponse, get,
    http::header::ETAG,
    post,
    web::{Data, Json},
};
use domain::{
    fairness::{Kind, Review, Rules, Status, appeal_text, detect},
    id::{AccountId, ClaimId, FlagId, RedemptionId},
    page::{Limit, Page, PageRequest},
    refusal::{Basic, Invalid},
    time::Timestamp,
};
use infra::postgres::fairness::read::{self, Filter, Readers, Shown};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::extract::{
    Addressed, Body, Caller, IfMatch, On, Paging, Query,
    caller::needs::{ReadFlags, ReadSelf, ReviewFlags},
};
use crate::{app::fairness as flags, error::Error, state::State};

routes![counts, list, read_one, review, decide_appeal, mine, appeal];

/// 一条核查
#[derive(Debug, Serialize, ToSchema)]
pub struct FlagView {
    /// 编号
    pub id: FlagId,
    /// 版本
    #[schema(example = 1)]
    pub version: i64,
    /// 看到了什么
    pub kind: Kind,
    /// 用一句话说明
    #[schema(example = "同一店员在 60 秒内核销了 10 次")]
    pub text: String,
    /// 状态
    pub status: Status,
    /// 关系到谁
    pub account_id: AccountId,
    /// 关系到谁（系统里的称呼）
    #[schema(example = "文兴示范商户店员")]
    pub person: String,
    /// 还有谁参与（系统里的称呼）
    #[schema(example = json!(["演示党员1"]))]
    pub others: Vec<String>,
    /// 哪家商户
    #[schema(example = "wenxing")]
    pub merchant: Option<String>,
    /// 涉及的兑换；认定后需要退回的，逐件办理 `POST /redemptions/{id}/refund`
    pub redemptions: Vec<RedemptionId>,
    /// 涉及的认领
    pub claims: Vec<ClaimId>,
    /// 提示时间
    #[schema(value_type = String, format = DateTime)]
    pub raised_at: Timestamp,
    /// 核查人
    pub reviewer: Option<String>,
    /// 核查时间
    #[schema(value_type = Option<String>, format = DateTime)]
    pub reviewed_at: Option<Timestamp>,
    /// 核查理由
    pub reason: Option<String>,
    /// 申诉内容
    pub appeal: Option<String>,
    /// 申诉时间
    #[schema(value_type = Option<String>, format = DateTime)]
    pub appealed_at: Option<Timestamp>,
    /// 申诉由谁决定
    pub decider: Option<String>,
    /// 决定时间
    #[schema(value_type = Option<String>, format = DateTime)]
    pub decided_at: Option<Timestamp>,
    /// 决定理由
    pub decision: Option<String>,
}

impl From<Shown> for FlagView {
    fn from(shown: Shown) -> Self {
        Self {
            text: detect::sentence(shown.kind, &shown.facts),
            id: shown.id,
            version: shown.version,
            kind: shown.kind,
            status: shown.status,
            account_id: shown.account,
            person: shown.person,
            others: shown.others,
            merchant: shown.merchant,
            redemptions: shown.redemptions,
            claims: shown.claims,
            raised_at: shown.raised_at,
            reviewer: shown.reviewer,
            reviewed_at: shown.reviewed_at,
            reason: shown.reason,
            appeal: shown.appeal,
            appealed_at: shown.appealed_at,
            decider: shown.decider,
            decided_at: shown.decided_at,
            decision: shown.decision,
        }
    }
}

/// 关于本人的核查
#[derive(Debug, Serialize, ToSchema)]
pub struct OwnFlagView {
    /// 编号
    pub id: FlagId,
    /// 版本
    #[schema(example = 2)]
    pub version: i64,
    /// 看到了什么
    pub kind: Kind,
    /// 用一句话说明
    #[schema(example = "同一人 7 天内在同一商户核销了 6 次")]
    pub text: String,
    /// 状态
    pub status: Status,
    /// 认定理由
    pub reason: Option<String>,
    /// 认定时间
    #[schema(value_type = Option<String>, format = DateTime)]
    pub reviewed_at: Option<Timestamp>,
    /// 到这一刻为止可以申诉；已申诉或不能申诉时为空
    #[schema(value_type = Option<String>, format = DateTime)]
    pub appeal_until: Option<Timestamp>,
    /// 本人的申诉
    pub appeal: Option<String>,
    /// 对申诉的决定理由
    pub decision: Option<String>,
    /// 决定时间
    #[schema(value_type = Option<String>, format = DateTime)]
    pub decided_at: Option<Timestamp>,
}

impl OwnFlagView {
    fn of(shown: Shown, rules: &Rules) -> Self {
        let days = chrono::TimeDelta::days(rules.appeal_days.into());
        let open = shown.status == Status::Upheld;
        Self {
            text: detect::sentence(shown.kind, &shown.facts),
            id: shown.id,
            version: shown.version,
            kind: shown.kind,
            status: shown.status,
            reason: shown.reason,
            reviewed_at: shown.reviewed_at,
            appeal_until: shown.reviewed_at.filter(|_| open).map(|at| at + days),
            appeal: shown.appeal,
            decision: shown.decision,
            decided_at: shown.decided_at,
        }
    }
}

/// 列表的筛选条件
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct ListFilter {
    /// 状态
    #[param(required = false)]
    status: Option<Status>,
    /// 看到了什么
    #[param(required = false)]
    kind: Option<Kind>,
    /// 关系到谁
    #[param(required = false)]
    account_id: Option<AccountId>,
    /// 哪家商户
    #[param(required = false, example = "wenxing")]
    merchant: Option<String>,
}

/// 公平核查列表
///
/// 系统看到的异常，新的在前。只作提示，不影响任何人办事；认定与否由人决定。组织员、督查核查，审计员可以查看。
#[utoipa::path(
    operation_id = "fairness.list", tag = "fairness", params(ListFilter, Paging),
    responses((status = 200, description = "一页核查", body = Page<FlagView>)),
    security(("bearer" = [])),
)]
#[get("/flags")]
async fn list(
    caller: Caller<ReadFlags>,
    state: Data<State>,
    filter: Query<ListFilter>,
    page: Paging,
) -> Result<Json<Page<FlagView>>, Error> {
    let Query(ListFilter { status, kind, account_id, merchant }) = filter;
    let filter =
        Filter { id: None, status, kind, account: account_id, merchant: merchant.as_deref() };
    let scope = caller.scope();
    let mut conn = state.db.acquire().await?;
    let rows = read::list(&mut conn, Readers::Desk(&scope), filter, page.0).await?;
    let Page { items, next_cursor } = Page::of(rows, page.0.limit, Shown::cursor);
    Ok(Json(Page { items: items.into_iter().map(FlagView::from).collect(), next_cursor }))
}

/// 一类核查的件数
#[derive(Debug, Serialize, ToSchema)]
pub struct FlagCount {
    /// 看到了什么
    pub kind: Kind,
    /// 状态
    pub status: Status,
    /// 件数
    #[schema(example = 3)]
    pub count: i64,
}

/// 公平核查的件数
///
/// 按种类和状态计数；没有的不列。
#[utoipa::path(
    operation_id = "fairness.counts", tag = "fairness",
    responses((status = 200, description = "件数", body = Vec<FlagCount>)),
    security(("bearer" = [])),
)]
#[get("/flags/counts")]
async fn counts(
    caller: Caller<ReadFlags>,
    state: Data<State>,
) -> Result<Json<Vec<FlagCount>>, Error> {
    let mut conn = state.db.acquire().await?;
    let rows = read::counts(&mut conn, &caller.scope()).await?;
    let row = |one: read::Count| FlagCount { kind: one.kind, status: one.status, count: one.count };
    Ok(Json(rows.into_iter().map(row).collect()))
}

/// The one flag that is asked for.
async fn found(state: &State, readers: Readers<'_>, id: FlagId) -> Result<Shown, Error> {
    let filter = Filter { id: Some(id), ..Filter::default() };
    let one = PageRequest { after: None, limit: Limit::DEFAULT };
    let mut conn = state.db.acquire().await?;
    let mut rows = read::list(&mut conn, readers, filter, one).await?;
    rows.pop().ok_or_else(|| Basic::NotFound.into())
}

impl<P> Addressed for On<P, FlagId> {
    async fn visible(&self) -> Result<(), Error> {
        found(&self.state, Readers::Desk(&self.caller.scope()), self.id).await.map(drop)
    }

    async fn shown(&self) -> Result<HttpResponse, Error> {
        let shown = found(&self.state, Readers::Desk(&self.caller.scope()), self.id).await?;
        let etag = format!("\"{}\"", shown.version);
        Ok(HttpResponse::Ok().insert_header((ETAG, etag)).json(FlagView::from(shown)))
    }
}

/// A flag by the person whom it concerns: another's is missing, and so is one that nobody told of.
#[derive(Debug, Clone, Copy)]
struct Mine(FlagId);

impl std::str::FromStr for Mine {
    type Err = <FlagId as std::str::FromStr>::Err;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        text.parse().map(Self)
    }
}

impl<P> Addressed for On<P, Mine> {
    async fn visible(&self) -> Result<(), Error> {
        found(&self.state, Readers::Own(&self.caller.scope()), self.id.0).await.map(drop)
    }

    async fn shown(&self) -> Result<HttpResponse, Error> {
        let shown = found(&self.state, Readers::Own(&self.caller.scope()), self.id.0).await?;
        let etag = format!("\"{}\"", shown.version);
        let view = OwnFlagView::of(shown, &self.state.config.fairness);
        Ok(HttpResponse::Ok().insert_header((ETAG, etag)).json(view))
    }
}

/// 查看一条核查
///
/// 为什么标记、查看了什么、怎么决定；标记不影响当时的办理。
#[utoipa::path(
    operation_id = "fairness.read", tag = "fairness",
    responses((status = 200, description = "核查", body = FlagView,
        headers(("ETag" = String, description = "版本号，用于 If-Match")))),
    security(("bearer" = [])),
)]
#[get("/flags/{id}")]
async fn read_one(on: On<ReadFlags, FlagId>) -> Result<HttpResponse, Error> {
    on.shown().await
}

/// 核查的结论
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct FlagReviewBody {
    /// 是否认定（对申诉：是否维持原来的认定）
    pub uphold: bool,
    /// 理由，2–500 个字；认定的，本人会看到
    #[schema(example = "已向双方核实，确为一人多机操作")]
    pub reason: String,
}

impl FlagReviewBody {
    fn read(self) -> Result<Review, Invalid> {
        Review::parse(self.uphold, &self.reason)
    }
}

/// 核查
///
/// 认定或排除，写明理由。认定的告知本人，本人可以申诉一次；排除的不告知任何人。与自己有关的不能核查。需要退回或冲正的，另行办理。
#[utoipa::path(
    operation_id = "fairness.review", tag = "fairness", params(IfMatch),
    request_body(content = FlagReviewBody, example = json!({"uphold": true, "reason": "已向双方核实，确为一人多机操作"})),
    responses((status = 200, description = "核查现在的样子", body = FlagView)),
    security(("bearer" = [])),
    extensions(("x-problems" = json!(["fairness_step_refused", "fairness_own_matter"]))),
)]
#[post("/flags/{id}/review")]
async fn review(
    on: On<ReviewFlags, FlagId>,
    body: Body<FlagReviewBody>,
) -> Result<HttpResponse, Error> {
    let said = on.read(body, FlagReviewBody::read).await?;
    flags::review(&on.state, on.ask(), on.id, said).await?;
    on.shown().await
}

/// 决定申诉
///
/// 由另一位核查人维持或撤销原来的认定，即为最终决定，告知本人。
#[utoipa::path(
    operation_id = "fairness.decide_appeal", tag = "fairness", params(IfMatch),
    request_body(content = FlagReviewBody, example = json!({"uphold": false, "reason": "确为给同楼老人代领，撤销认定"})),
    responses((status = 200, description = "核查现在的样子", body = FlagView)),
    security(("bearer" = [])),
    extensions(("x-problems" = json!([
        "fairness_step_refused", "fairness_own_matter", "fairness_same_reviewer"
    ]))),
)]
#[post("/flags/{id}/decide-appeal")]
async fn decide_appeal(
    on: On<ReviewFlags, FlagId>,
    body: Body<FlagReviewBody>,
) -> Result<HttpResponse, Error> {
    let said = on.read(body, FlagReviewBody::read).await?;
    flags::decide(&on.state, on.ask(), on.id, said).await?;
    on.shown().await
}

/// 关于我的核查
///
/// 已经认定的，以及申诉的结果，新的在前；待核查和已排除的不在其中。
#[utoipa::path(
    operation_id = "fairness.mine", tag = "fairness", params(Paging),
    responses((status = 200, description = "一页核查", body = Page<OwnFlagView>)),
    security(("bearer" = [])),
)]
#[get("/me/flags")]
async fn mine(
    caller: Caller<ReadSelf>,
    state: Data<State>,
    page: Paging,
) -> Result<Json<Page<OwnFlagView>>, Error> {
    let scope = caller.scope();
    let mut conn = state.db.acquire().await?;
    let rows = read::list(&mut conn, Readers::Own(&scope), Filter::default(), page.0).await?;
    let Page { items, next_cursor } = Page::of(rows, page.0.limit, Shown::cursor);
    let rules = &state.config.fairness;
    let items = items.into_iter().map(|shown| OwnFlagView::of(shown, rules)).collect();
    Ok(Json(Page { items, next_cursor }))
}

/// 申诉
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct FlagAppealBody {
    /// 申诉内容，5–1000 个字
    #[schema(example = "我每天给同楼两位老人代领午餐，社区可以证明。")]
    pub text: String,
}

/// 申诉
///
/// 本人对认定有不同意见的，15 天内可以申诉一次，由另一位核查人决定。
#[utoipa::path(
    operation_id = "fairness.appeal", tag = "fairness", params(IfMatch),
    request_body(content = FlagAppealBody, example = json!({"text": "我每天给同楼两位老人代领午餐，社区可以证明。"})),
    responses((status = 200, description = "核查现在的样子", body = OwnFlagView)),
    security(("bearer" = [])),
    extensions(("x-problems" = json!(["fairness_step_refused", "fairness_appeal_late"]))),
)]
#[post("/flags/{id}/appeal")]
async fn appeal(on: On<ReadSelf, Mine>, body: Body<FlagAppealBody>) -> Result<HttpResponse, Error> {
    let parse = |body: FlagAppealBody| appeal_text(&body.text).map_err(Invalid::from);
    let text = on.read(body, parse).await?;
    flags::appeal(&on.state, on.ask(), on.id.0, text).await?;
    on.shown().await
}
