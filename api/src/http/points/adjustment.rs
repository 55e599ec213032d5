//! Manual adjustments of points over HTTP.

use actix_web::{
    HttpResponse, get,
    http::header::ETAG,
    post,
    web::{Data, Json},
};
use domain::{
    id::{AccountId, AdjustmentId},
    page::Page,
    points::{NewAdjustment, ProposalStatus, ProposalStep},
    refusal::Invalid,
    text,
};
use infra::postgres::points::read::adjustment::{self as store, AdjustmentView, Filter};
use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};

use crate::{
    app::{case::Ask, idempotent::Once, points::adjustment},
    error::Error,
    http::{
        extract::{
            Addressed, Body, Caller, Empty, IdempotencyKey, IfMatch, On, Paging, Query,
            RequestMeta,
            caller::needs::{KeepPoints, ReadPoints},
            kept,
        },
        redemption::voucher::VoucherHolderBody,
    },
    state::State,
};

routes![list, propose, read_one, decide, withdraw];

impl<P> Addressed for On<P, AdjustmentId> {
    async fn visible(&self) -> Result<(), Error> {
        let mut conn = self.state.db.acquire().await?;
        adjustment::shown(&mut conn, self.id).await.map(drop)
    }

    async fn shown(&self) -> Result<HttpResponse, Error> {
        let mut conn = self.state.db.acquire().await?;
        let view = adjustment::shown(&mut conn, self.id).await?;
        let etag = format!("\"{}\"", view.version);
        Ok(HttpResponse::Ok().insert_header((ETAG, etag)).json(view))
    }
}

/// 列表的筛选条件
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct AdjustmentFilter {
    /// 状态
    #[param(required = false, inline)]
    status: Option<ProposalStatus>,
    /// 谁的积分（账号编号）
    #[param(required = false)]
    account: Option<AccountId>,
}

/// 人工调整列表
///
/// 新的在前。
#[utoipa::path(
    operation_id = "points.adjustments", tag = "points",
    params(AdjustmentFilter, Paging),
    responses((status = 200, description = "一页调整", body = Page<AdjustmentView>)),
    security(("bearer" = [])),
)]
#[get("/points-adjustments")]
async fn list(
    _: Caller<ReadPoints>,
    state: Data<State>,
    filter: Query<AdjustmentFilter>,
    page: Paging,
) -> Result<Json<Page<AdjustmentView>>, Error> {
    let AdjustmentFilter { status, account } = filter.0;
    let mut conn = state.db.acquire().await?;
    let rows = store::list(&mut conn, Filter { id: None, status, account }, page.0).await?;
    Ok(Json(Page::of(rows, page.0.limit, AdjustmentView::cursor)))
}

/// 查看一件人工调整
///
/// 谁提出、谁批准、原因和结果；提出的人不能批准。
#[utoipa::path(
    operation_id = "points.adjustment", tag = "points",
    responses((status = 200, description = "这一件", body = AdjustmentView,
        headers(("ETag" = String, description = "版本号，用于 If-Match")))),
    security(("bearer" = [])),
)]
#[get("/points-adjustments/{id}")]
async fn read_one(on: On<ReadPoints, AdjustmentId>) -> Result<HttpResponse, Error> {
    on.shown().await
}

/// 提出人工调整
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = ProposeAdjustmentBody)]
pub struct ProposeBody {
    /// 谁的积分（账号编号）；不能是本人。账号编号和 `holder` 填一项
    pub account: Option<AccountId>,
    /// 谁的积分，按党员名册上的姓名和号码，或绑定、登记的电话
    pub holder: Option<VoucherHolderBody>,
    /// 调增（正）或调减（负）多少分；一次至多 500 分
    #[schema(example = 20)]
    pub points: i64,
    /// 原因，2–200 个字；本人看得到
    #[schema(example = "社区活动漏记")]
    pub reason: String,
    /// 依据的文件或记录，2–100 个字
    #[schema(example = "组发〔2026〕8 号")]
    pub document: String,
}

/// 提出人工调整
///
/// 组织员提出，写明原因和依据；另一位组织员核准时才入账。是谁的积分，按党员身份、电话或账号编号填写。
#[utoipa::path(
    operation_id = "points.propose_adjustment", tag = "points",
    params(IdempotencyKey),
    request_body(content = ProposeBody, example = json!({
        "holder": {"party_member": {"name": "演示党员1", "id_number_last6": "100001"}}, "points": 20,
        "reason": "社区活动漏记", "document": "组发〔2026〕8 号",
    })),
    responses((status = 201, description = "提出的调整，待核准；同一个键再提交一次，得到第一次的答复", body = AdjustmentView)),
    security(("bearer" = [])),
    extensions(("x-problems" = json!(["points_account_missing", "own_points"]))),
)]
#[post("/points-adjustments")]
async fn propose(
    caller: Caller<KeepPoints>,
    state: Data<State>,
    meta: RequestMeta,
    key: Result<IdempotencyKey, Error>,
    body: Body<ProposeBody>,
) -> Result<HttpResponse, Error> {
    let IdempotencyKey(key) = key?;
    let ProposeBody { account, holder, points, reason, document } = body.read()?;
    let account = match (account, holder) {
        (Some(account), None) => account,
        (None, Some(holder)) => adjustment::account_of(&state, &holder.parse()?).await?,
        _ => {
            let said = "账号编号（account）和党员身份或电话（holder）填一项，并且只填一项";
            return Err(Invalid::field("account", said).into());
        }
    };
    let at_most = state.config.points.adjust_at_most;
    let new = NewAdjustment::parse(account, points, (&reason, &document), at_most)?;
    let by = Some(caller.actor.account);
    let once = Once::new(&state.crypto, by, "points.propose_adjustment", key, &new)?;
    let ask = Ask::new(Some(caller.actor.clone()), meta);
    let answer = adjustment::propose(&state, ask, once, new).await?;
    Ok(kept(answer))
}

/// 核准，或不予核准
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = DecidePointsBody)]
pub struct DecideBody {
    /// 是否核准
    pub approve: bool,
    /// 不予核准的原因，2–200 个字；核准的不填
    #[schema(example = "依据不足")]
    pub reason: Option<String>,
}

/// What a decision comes to; a no says why.
pub(super) fn step(body: &DecideBody) -> Result<(ProposalStep, Option<String>), Invalid> {
    if body.approve {
        return Ok((ProposalStep::Approve, None));
    }
    let reason = text::line("reason", body.reason.as_deref().unwrap_or_default(), 2, 200)?;
    Ok((ProposalStep::Refuse, Some(reason)))
}

/// 核准人工调整
///
/// 由提出人以外的组织员办理，不能是本人的积分。核准即入账，只入账一次；调减不能超过可用积分；不予核准的写明原因。
#[utoipa::path(
    operation_id = "points.decide_adjustment", tag = "points",
    params(IfMatch),
    request_body(content = DecideBody, example = json!({"approve": false, "reason": "依据不足"})),
    responses((status = 200, description = "调整现在的样子", body = AdjustmentView)),
    security(("bearer" = [])),
    extensions(("x-problems" = json!([
        "points_proposal_step_refused", "own_points_proposal", "own_points", "adjustment_exceeds_points"
    ]))),
)]
#[post("/points-adjustments/{id}/decide")]
async fn decide(
    on: On<KeepPoints, AdjustmentId>,
    body: Body<DecideBody>,
) -> Result<HttpResponse, Error> {
    let step = on.read(body, |body| step(&body)).await?;
    adjustment::decide(&on.state, on.ask(), on.id, step).await?;
    on.shown().await
}

/// 撤回人工调整
///
/// 只有提出人可以撤回，并且还没有核准。
#[utoipa::path(
    operation_id = "points.withdraw_adjustment", tag = "points",
    params(IfMatch),
    request_body(content = Empty, example = json!({})),
    responses((status = 200, description = "调整现在的样子", body = AdjustmentView)),
    security(("bearer" = [])),
    extensions(("x-problems" = json!(["points_proposal_step_refused", "not_own_points_proposal"]))),
)]
#[post("/points-adjustments/{id}/withdraw")]
async fn withdraw(
    on: On<KeepPoints, AdjustmentId>,
    body: Body<Empty>,
) -> Result<HttpResponse, Error> {
    on.read(body, |_| Ok(())).await?;
    adjustment::decide(&on.state, on.ask(), on.id, (ProposalStep::Withdraw, None)).await?;
    on.shown().await
}
