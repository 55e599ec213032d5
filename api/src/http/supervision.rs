//! Supervisions (督办件) over HTTP. How they are opened is in [`demand`], duty rosters are in
//! [`roster`].

use actix_web::{
    HttpResponse, get,
    http::header::ETAG,
    post,
    web::{Data, Json},
};
use domain::{
    id::SupervisionId,
    identity::Permission,
    org::NodeCode,
    page::{Limit, Page, PageRequest},
    refusal::Basic,
    supervision::{Level, SendBack, Status, Written, reason},
    time::Timestamp,
};
use infra::postgres::supervision::read::{self, Filter, SupervisionView};
use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};

use super::extract::{
    Addressed, Body, Caller, Empty, IfMatch, On, Paging, Query,
    caller::{
        Needs,
        needs::{ReadTask, Supervise, WorkTask},
    },
};
use crate::{app::supervision as supervisions, error::Error, state::State};

pub mod demand;
pub mod roster;

routes![list, read_one, answer, accept, send_back, put_on_list, take_off_list];

/// 列表的筛选条件
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct SupervisionFilter {
    /// 状态；coordination 为已提请协调机制的
    #[param(required = false)]
    status: Option<Status>,
    /// 级别
    #[param(required = false)]
    level: Option<Level>,
    /// 是否挂牌
    #[param(required = false)]
    listed: Option<bool>,
    /// 被督办单位的代码
    #[param(required = false, example = "urban-management")]
    unit: Option<String>,
}

/// 督办件列表
///
/// 各单位看本单位的，区中心、督查、区领导和审计看全部；新的在前。
#[utoipa::path(
    operation_id = "supervision.list",
    tag = "supervision",
    params(SupervisionFilter, Paging),
    responses((status = 200, description = "一页督办件", body = Page<SupervisionView>)),
    security(("bearer" = [])),
)]
#[get("/supervisions")]
async fn list(
    caller: Caller<ReadTask>,
    state: Data<State>,
    filter: Query<SupervisionFilter>,
    page: Paging,
) -> Result<Json<Page<SupervisionView>>, Error> {
    let given = filter.0;
    let unit = given.unit.map(|code| NodeCode::parse("unit", &code)).transpose()?;
    let filter =
        Filter { id: None, status: given.status, level: given.level, listed: given.listed, unit };
    let mut conn = state.db.acquire().await?;
    let rows = read::list(&mut conn, &caller.scope(), &filter, page.0).await?;
    Ok(Json(Page::of(rows, page.0.limit, SupervisionView::cursor)))
}

impl<P> On<P, SupervisionId> {
    async fn found(&self) -> Result<SupervisionView, Error> {
        found(&self.state, &self.caller, self.id).await
    }
}

/// One supervision within the caller's scope.
///
/// # Errors
/// `not_found`.
async fn found<P>(
    state: &State,
    caller: &Caller<P>,
    id: SupervisionId,
) -> Result<SupervisionView, Error> {
    let filter = Filter { id: Some(id), ..Filter::default() };
    let one = PageRequest { after: None, limit: Limit::DEFAULT };
    let mut conn = state.db.acquire().await?;
    let mut rows = read::list(&mut conn, &caller.scope(), &filter, one).await?;
    rows.pop().ok_or_else(|| Basic::NotFound.into())
}

impl<P: Needs> Addressed for On<P, SupervisionId> {
    async fn visible(&self) -> Result<(), Error> {
        let view = self.found().await?;
        let own = P::PERMISSION != Permission::WorkTask || self.caller.actor.works_for(&view.unit);
        if own { Ok(()) } else { Err(Basic::NotFound.into()) }
    }

    async fn shown(&self) -> Result<HttpResponse, Error> {
        let view = self.found().await?;
        let etag = format!("\"{}\"", view.version);
        Ok(HttpResponse::Ok().insert_header((ETAG, etag)).json(view))
    }
}

/// 查看督办件
///
/// 级别、期限、各次书面答复；被督办的单位、区中心、督查员和区领导能看。
#[utoipa::path(
    operation_id = "supervision.read",
    tag = "supervision",
    responses((status = 200, description = "督办件", body = SupervisionView,
        headers(("ETag" = String, description = "版本号，用于 If-Match")))),
    security(("bearer" = [])),
)]
#[get("/supervisions/{id}")]
async fn read_one(on: On<ReadTask, SupervisionId>) -> Result<HttpResponse, Error> {
    on.shown().await
}

/// 书面答复
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct WrittenBody {
    /// 查明的情况、采取的措施和结果，10–5000 个字
    pub text: String,
    /// 尚未办完的，承诺的完成时间
    #[schema(value_type = Option<String>, format = DateTime)]
    pub until: Option<Timestamp>,
}

/// 书面答复督办件
///
/// 由被督办单位的经办人或负责人答复；已提请协调机制的也须答复。
#[utoipa::path(
    operation_id = "supervision.answer",
    tag = "supervision",
    params(IfMatch),
    request_body(content = WrittenBody, example = json!({"text": "已约谈施工单位，电缆已到货，明日完成更换。", "until": "2030-01-08T10:00:00Z"})),
    responses((status = 200, description = "督办件现在的样子", body = SupervisionView)),
    security(("bearer" = [])),
    extensions(("x-problems" = json!(["supervision_step_refused", "supervision_until_past"]))),
)]
#[post("/supervisions/{id}/answer")]
async fn answer(
    on: On<WorkTask, SupervisionId>,
    body: Body<WrittenBody>,
) -> Result<HttpResponse, Error> {
    let written = on.read(body, |body| Written::parse(&body.text, body.until)).await?;
    supervisions::answer(&on.state, on.ask(), on.id, written).await?;
    on.shown().await
}

/// 办结督办件
///
/// 督查认可书面答复；已挂牌的同时摘牌。
#[utoipa::path(
    operation_id = "supervision.accept",
    tag = "supervision",
    params(IfMatch),
    request_body(content = Empty, example = json!({})),
    responses((status = 200, description = "督办件现在的样子", body = SupervisionView)),
    security(("bearer" = [])),
    extensions(("x-problems" = json!(["supervision_step_refused"]))),
)]
#[post("/supervisions/{id}/accept")]
async fn accept(
    on: On<Supervise, SupervisionId>,
    body: Body<Empty>,
) -> Result<HttpResponse, Error> {
    on.read(body, |_| Ok(())).await?;
    supervisions::accept(&on.state, on.ask(), on.id).await?;
    on.shown().await
}

/// 理由
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = SupervisionReasonBody)]
pub struct ReasonBody {
    /// 理由，5–2000 个字
    pub reason: String,
}

/// 退回书面答复
///
/// 按本级时限重新答复，级别不变。
#[utoipa::path(
    operation_id = "supervision.send_back",
    tag = "supervision",
    params(IfMatch),
    request_body(content = ReasonBody, example = json!({"reason": "没有说明何时修好"})),
    responses((status = 200, description = "督办件现在的样子", body = SupervisionView)),
    security(("bearer" = [])),
    extensions(("x-problems" = json!(["supervision_step_refused"]))),
)]
#[post("/supervisions/{id}/send-back")]
async fn send_back(
    on: On<Supervise, SupervisionId>,
    body: Body<ReasonBody>,
) -> Result<HttpResponse, Error> {
    let back = on.read(body, |body| SendBack::parse(&body.reason)).await?;
    supervisions::send_back(&on.state, on.ask(), on.id, back).await?;
    on.shown().await
}

/// 挂牌督办
///
/// 写明原因；单位、负责人、区中心和区领导都会收到通知。
#[utoipa::path(
    operation_id = "supervision.put_on_list",
    tag = "supervision",
    params(IfMatch),
    request_body(content = ReasonBody, example = json!({"reason": "涉及三栋楼供暖，久拖未决"})),
    responses((status = 200, description = "督办件现在的样子", body = SupervisionView)),
    security(("bearer" = [])),
    extensions(("x-problems" = json!(["supervision_step_refused", "supervision_listed"]))),
)]
#[post("/supervisions/{id}/list")]
async fn put_on_list(
    on: On<Supervise, SupervisionId>,
    body: Body<ReasonBody>,
) -> Result<HttpResponse, Error> {
    let why = on.read(body, |body| Ok(reason(&body.reason)?)).await?;
    supervisions::list(&on.state, on.ask(), on.id, why).await?;
    on.shown().await
}

/// 摘牌
///
/// 写明原因；单位、负责人、区中心和区领导都会收到通知。
#[utoipa::path(
    operation_id = "supervision.take_off_list",
    tag = "supervision",
    params(IfMatch),
    request_body(content = ReasonBody, example = json!({"reason": "已恢复供暖，居民确认"})),
    responses((status = 200, description = "督办件现在的样子", body = SupervisionView)),
    security(("bearer" = [])),
    extensions(("x-problems" = json!(["supervision_step_refused", "supervision_not_listed"]))),
)]
#[post("/supervisions/{id}/unlist")]
async fn take_off_list(
    on: On<Supervise, SupervisionId>,
    body: Body<ReasonBody>,
) -> Result<HttpResponse, Error> {
    let why = on.read(body, |body| Ok(reason(&body.reason)?)).await?;
    supervisions::unlist(&on.state, on.ask(), on.id, why).await?;
    on.shown().await
}
