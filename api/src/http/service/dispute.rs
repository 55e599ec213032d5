//! Disputes of what was decided on a claim (服务异议): raised by whom it concerns, decided by another
//! officer than the first.

use actix_web::{
    HttpResponse, HttpResponseBuilder, get,
    http::header::ETAG,
    post,
    web::{Data, Json},
};
use domain::{
    id::{ClaimId, DisputeId},
    identity::Permission,
    page::{Limit, Page, PageRequest},
    refusal::Basic,
    service::dispute::{Objection, Status, Verdict},
};
use infra::postgres::service::read::dispute::{self as read, DisputeFilter, DisputeView};
use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};

use crate::{
    app::{case::Ask, service::dispute as disputes},
    error::Error,
    http::extract::{
        Addressed, Body, Caller, IfMatch, On, Paging, Query, RequestMeta, Target,
        body::Empty,
        caller::{
            Needs,
            needs::{ClaimPost, OrganisePost},
        },
    },
    state::State,
};

routes![raise, mine, list, read_one, decide, withdraw];

/// The dispute as the caller may command it: who raised it their own, an organiser those of their
/// posts.
async fn found<P: Needs>(
    state: &State,
    caller: &Caller<P>,
    id: DisputeId,
) -> Result<DisputeView, Error> {
    let own_only = P::PERMISSION == Permission::ClaimPost;
    let filter = DisputeFilter { id: Some(id), own_only, status: None };
    let one = PageRequest { after: None, limit: Limit::DEFAULT };
    let mut connection = state.db.acquire().await?;
    let mut rows = read::list(&mut connection, &caller.scope(), filter, one).await?;
    rows.pop().ok_or_else(|| Basic::NotFound.into())
}

fn answered(mut answer: HttpResponseBuilder, view: &DisputeView) -> HttpResponse {
    answer.insert_header((ETAG, format!("\"{}\"", view.version))).json(view)
}

impl<P: Needs> Addressed for On<P, DisputeId> {
    async fn visible(&self) -> Result<(), Error> {
        found(&self.state, &self.caller, self.id).await.map(|_| ())
    }

    async fn shown(&self) -> Result<HttpResponse, Error> {
        let view = found(&self.state, &self.caller, self.id).await?;
        Ok(answered(HttpResponse::Ok(), &view))
    }
}

/// 提出异议
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = ServiceDisputeBody)]
pub struct DisputeBody {
    /// 原因，5–1000 个字
    #[schema(min_length = 5, max_length = 1000)]
    pub reason: String,
}

/// 提出异议
///
/// 服务的人，或点单被服务的居民，对确认的时长、登记未到、不予认可有异议的，在结论后 5 个工作日内提出，每人
/// 一次；由原经办人以外的工作人员复核，复核前原结论有效。
#[utoipa::path(
    operation_id = "service.dispute",
    tag = "service",
    params(IfMatch),
    request_body(content = DisputeBody, example = json!({"reason": "当天实际服务了两个小时，有签到记录"})),
    responses((status = 201, description = "已提出", body = DisputeView)),
    security(("bearer" = [])),
    extensions(("x-problems" = json!([
        "nothing_to_dispute", "dispute_closed", "already_disputed"
    ]))),
)]
#[post("/claims/{id}/disputes")]
async fn raise(
    caller: Caller<ClaimPost>,
    state: Data<State>,
    meta: RequestMeta,
    id: Target<ClaimId>,
    version: IfMatch,
    body: Body<DisputeBody>,
) -> Result<HttpResponse, Error> {
    let read = body.read().and_then(|body| Ok(Objection::parse(&body.reason)?));
    if read.is_err() {
        concerned(&state, &caller, id.0).await?;
    }
    let objection = read?;
    let ask = Ask { expected: version.0, ..Ask::new(Some(caller.actor.clone()), meta) };
    let id = disputes::raise(&state, ask, id.0, objection).await?;
    Ok(answered(HttpResponse::Created(), &found(&state, &caller, id).await?))
}

/// Refuses a claim that does not concern the caller, before anything else.
async fn concerned(state: &State, caller: &Caller<ClaimPost>, id: ClaimId) -> Result<(), Error> {
    let mut connection = state.db.acquire().await?;
    let concerned = read::concerned(&mut connection, &caller.scope(), id).await?;
    if concerned { Ok(()) } else { Err(Basic::NotFound.into()) }
}

/// 我的异议
///
/// 新的在前。
#[utoipa::path(
    operation_id = "service.my_disputes",
    tag = "service",
    params(Paging),
    responses((status = 200, description = "一页异议", body = Page<DisputeView>)),
    security(("bearer" = [])),
)]
#[get("/me/service-disputes")]
async fn mine(
    caller: Caller<ClaimPost>,
    state: Data<State>,
    page: Paging,
) -> Result<Json<Page<DisputeView>>, Error> {
    let filter = DisputeFilter { own_only: true, ..DisputeFilter::default() };
    let mut connection = state.db.acquire().await?;
    let rows = read::list(&mut connection, &caller.scope(), filter, page.0).await?;
    Ok(Json(Page::of(rows, page.0.limit, DisputeView::cursor)))
}

/// 列表的筛选条件
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct DisputesFilter {
    /// 状态
    #[param(required = false)]
    status: Option<Status>,
}

/// 异议列表
///
/// 组织者查看自己岗位上的异议，新的在前。
#[utoipa::path(
    operation_id = "service.disputes",
    tag = "service",
    params(DisputesFilter, Paging),
    responses((status = 200, description = "一页异议", body = Page<DisputeView>)),
    security(("bearer" = [])),
)]
#[get("/service-disputes")]
async fn list(
    caller: Caller<OrganisePost>,
    state: Data<State>,
    filter: Query<DisputesFilter>,
    page: Paging,
) -> Result<Json<Page<DisputeView>>, Error> {
    let filter = DisputeFilter { status: filter.0.status, ..DisputeFilter::default() };
    let mut connection = state.db.acquire().await?;
    let rows = read::list(&mut connection, &caller.scope(), filter, page.0).await?;
    Ok(Json(Page::of(rows, page.0.limit, DisputeView::cursor)))
}

/// 查看异议
///
/// 组织者查看自己岗位上的一件异议。
#[utoipa::path(
    operation_id = "service.read_dispute",
    tag = "service",
    responses((status = 200, description = "异议", body = DisputeView,
        headers(("ETag" = String, description = "版本号，用于 If-Match")))),
    security(("bearer" = [])),
)]
#[get("/service-disputes/{id}")]
async fn read_one(
    caller: Caller<OrganisePost>,
    state: Data<State>,
    id: Target<DisputeId>,
) -> Result<HttpResponse, Error> {
    Ok(answered(HttpResponse::Ok(), &found(&state, &caller, id.0).await?))
}

/// 复核异议
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct DisputeVerdictBody {
    /// 是否更正；否为维持原结论
    pub correct: bool,
    /// 更正后的时长（分钟），不超过岗位的时长；0 为不计这次服务
    #[schema(minimum = 0, maximum = 1440, example = 120)]
    pub minutes: Option<i64>,
    /// 理由，双方都会看到
    #[schema(min_length = 2, max_length = 1000)]
    pub reason: String,
}

/// 复核异议
///
/// 由原经办人以外的社区工作者，或组织员复核。更正的时长与积分在同一笔事务中改过来，原来的记录不改动。
#[utoipa::path(
    operation_id = "service.decide_dispute",
    tag = "service",
    params(IfMatch),
    request_body(content = DisputeVerdictBody, example = json!({
        "correct": true, "minutes": 120, "reason": "核对签到签退记录，实际服务两个小时"
    })),
    responses((status = 200, description = "异议现在的样子", body = DisputeView)),
    security(("bearer" = [])),
    extensions(("x-problems" = json!([
        "dispute_step_refused", "same_decider", "own_service", "minutes_beyond_post",
        "nothing_corrected", "claim_overlap"
    ]))),
)]
#[post("/service-disputes/{id}/decide")]
async fn decide(
    on: On<OrganisePost, DisputeId>,
    body: Body<DisputeVerdictBody>,
) -> Result<HttpResponse, Error> {
    let verdict =
        on.read(body, |body| Verdict::parse(body.correct, body.minutes, &body.reason)).await?;
    disputes::decide(&on.state, on.ask(), on.id, verdict).await?;
    on.shown().await
}

/// 撤回异议
///
/// 复核以前，提出的人可以撤回；撤回后不能再提。
#[utoipa::path(
    operation_id = "service.withdraw_dispute",
    tag = "service",
    params(IfMatch),
    request_body(content = Empty, example = json!({})),
    responses((status = 200, description = "异议现在的样子", body = DisputeView)),
    security(("bearer" = [])),
    extensions(("x-problems" = json!(["dispute_step_refused"]))),
)]
#[post("/service-disputes/{id}/withdraw")]
async fn withdraw(on: On<ClaimPost, DisputeId>, body: Body<Empty>) -> Result<HttpResponse, Error> {
    on.read(body, |_| Ok(())).await?;
    disputes::withdraw(&on.state, on.ask(), on.id).await?;
    on.shown().await
}
