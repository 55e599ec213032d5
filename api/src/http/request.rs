//! What residents ask for (点单) over HTTP.

use actix_web::{
    HttpResponse, get,
    http::header::ETAG,
    post,
    web::{Data, Json},
};
use domain::{
    id::{JobId, ServiceRequestId},
    identity::Permission,
    page::Page,
    refusal::Basic,
    request::{Decline, RequestForm, Served, Status},
    service::Kind,
    text,
    time::Timestamp,
};
use infra::postgres::request::read::{self, Filter, Row};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::{
    extract::{
        Addressed, Body, Caller, IdempotencyKey, On, Paging, Query, RequestMeta, Target,
        body::Empty,
        caller::{
            Needs,
            needs::{ClaimPost, OrganisePost},
        },
        kept,
    },
    service::PostBody,
};
use crate::{
    app::{
        case::Ask,
        idempotent::{Answer, Once},
        request::{
            self as requests,
            view::{self, RequestDetail, RequestView},
        },
    },
    error::Error,
    state::State,
};

routes![submit, mine, read_own, cancel, confirm, list, read_one, order, decline, unmask];

/// The request as the caller may command it: a resident their own, an organiser those of their
/// communities.
async fn found<P: Needs>(
    state: &State,
    caller: &Caller<P>,
    id: ServiceRequestId,
) -> Result<RequestDetail, Error> {
    let own = P::PERMISSION == Permission::ClaimPost;
    let mut connection = state.db.acquire().await?;
    let found = view::find(&mut connection, state, &caller.scope(), (id, own)).await?;
    found.ok_or_else(|| Basic::NotFound.into())
}

impl<P: Needs> Addressed for On<P, ServiceRequestId> {
    async fn visible(&self) -> Result<(), Error> {
        found(&self.state, &self.caller, self.id).await.map(|_| ())
    }

    async fn shown(&self) -> Result<HttpResponse, Error> {
        answered(&found(&self.state, &self.caller, self.id).await?)
    }
}

fn answered(detail: &RequestDetail) -> Result<HttpResponse, Error> {
    let etag = format!("\"{}\"", detail.request.version);
    Ok(HttpResponse::Ok().insert_header((ETAG, etag)).json(detail))
}

async fn woken(state: &State, answer: Answer<Vec<JobId>>) -> HttpResponse {
    state.redis.wake(answer.fresh.as_deref().unwrap_or_default()).await;
    kept(answer)
}

/// 点单
#[derive(Debug, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RequestBody {
    /// 社区或村的区划代码
    #[schema(example = "140213066004")]
    pub community_code: String,
    /// 类别
    pub kind: Kind,
    /// 标题，2–200 个字
    #[schema(min_length = 2, max_length = 200)]
    pub title: String,
    /// 需要什么，5–5000 个字；姓名、电话、地址请填在下面各栏，不要写在这里
    #[schema(min_length = 5, max_length = 5000)]
    pub content: String,
    /// 替谁点的单；为自己点的不填
    pub name: Option<String>,
    /// 联系电话
    pub phone: Option<String>,
    /// 服务地址
    pub address: Option<String>,
    /// 希望从什么时候
    #[schema(value_type = Option<String>, format = DateTime)]
    pub wished_from: Option<Timestamp>,
    /// 希望到什么时候
    #[schema(value_type = Option<String>, format = DateTime)]
    pub wished_until: Option<Timestamp>,
}

/// 点单
///
/// 居民为自己或替别人提出需要的服务，由社区下单、党员和居民接单。姓名、电话、地址只有本人和说明用途的社区
/// 工作者能看到全文，每次查看都有记录。
#[utoipa::path(
    operation_id = "request.submit",
    tag = "request",
    params(IdempotencyKey),
    request_body(content = RequestBody, example = json!({
        "community_code": "140213066004", "kind": "elderly", "title": "陪母亲去医院复查",
        "content": "母亲腿脚不便，周三上午要去三医院复查，需要有人陪同。",
        "name": "王秀英", "phone": "13800000001", "address": "文兴小区 3 号楼"
    })),
    responses((status = 201, description = "已提交", body = RequestDetail)),
    security(("bearer" = [])),
)]
#[post("/service-requests")]
async fn submit(
    caller: Caller<ClaimPost>,
    state: Data<State>,
    meta: RequestMeta,
    key: IdempotencyKey,
    body: Body<RequestBody>,
) -> Result<HttpResponse, Error> {
    let body = body.read()?;
    let form = RequestForm {
        community_code: &body.community_code,
        kind: body.kind,
        title: &body.title,
        content: &body.content,
        name: body.name.as_deref(),
        phone: body.phone.as_deref(),
        address: body.address.as_deref(),
        wished: (body.wished_from, body.wished_until),
    };
    let wish = form.parse(state.clock.now())?;
    let account = Some(caller.actor.account);
    let once = Once::new(&state.crypto, account, "request.submit", key.0, &body)?;
    let ask = Ask::new(Some(caller.actor.clone()), meta);
    let answer = requests::submit(&state, ask, once, wish).await?;
    Ok(woken(&state, answer).await)
}

/// 我的点单
///
/// 新的在前。
#[utoipa::path(
    operation_id = "request.mine",
    tag = "request",
    params(Paging),
    responses((status = 200, description = "一页点单", body = Page<RequestView>)),
    security(("bearer" = [])),
)]
#[get("/me/service-requests")]
async fn mine(
    caller: Caller<ClaimPost>,
    state: Data<State>,
    page: Paging,
) -> Result<Json<Page<RequestView>>, Error> {
    paged(&state, &caller, Filter { own: true, ..Filter::default() }, page).await
}

async fn paged<P>(
    state: &State,
    caller: &Caller<P>,
    filter: Filter,
    page: Paging,
) -> Result<Json<Page<RequestView>>, Error> {
    let mut connection = state.db.acquire().await?;
    let rows = read::list(&mut connection, &caller.scope(), filter, page.0).await?;
    let page = Page::of(rows, page.0.limit, Row::cursor);
    let Page { items, next_cursor } = page;
    let items =
        items.into_iter().map(|row| RequestView::of(state, row)).collect::<Result<_, _>>()?;
    Ok(Json(Page { items, next_cursor }))
}

/// 查看我的点单
///
/// 带有下单的岗位和接单的人。
#[utoipa::path(
    operation_id = "request.read_own",
    tag = "request",
    responses((status = 200, description = "点单", body = RequestDetail,
        headers(("ETag" = String, description = "版本号，用于 If-Match")))),
    security(("bearer" = [])),
)]
#[get("/me/service-requests/{id}")]
async fn read_own(
    caller: Caller<ClaimPost>,
    state: Data<State>,
    id: Target<ServiceRequestId>,
) -> Result<HttpResponse, Error> {
    answered(&found(&state, &caller, id.0).await?)
}

/// 取消点单
///
/// 还没有开始的岗位一并取消，接单的人会收到通知。
#[utoipa::path(
    operation_id = "request.cancel",
    tag = "request",
    params(super::extract::IfMatch),
    request_body(content = Empty, example = json!({})),
    responses((status = 200, description = "点单现在的样子", body = RequestDetail)),
    security(("bearer" = [])),
    extensions(("x-problems" = json!(["request_step_refused"]))),
)]
#[post("/service-requests/{id}/cancel")]
async fn cancel(
    on: On<ClaimPost, ServiceRequestId>,
    body: Body<Empty>,
) -> Result<HttpResponse, Error> {
    on.read(body, |_| Ok(())).await?;
    requests::cancel(&on.state, on.ask(), on.id).await?;
    on.shown().await
}

/// 确认完成
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ServedBody {
    /// 满意度：5 非常满意，1 非常不满意
    #[schema(minimum = 1, maximum = 5, example = 5)]
    pub satisfaction: i64,
    /// 想说的话，至多 500 个字
    pub comment: Option<String>,
}

/// 确认完成
///
/// 服务开始以后，由点单的居民确认并评价。对确认的时长有异议的，用 `POST /claims/{id}/disputes`。
#[utoipa::path(
    operation_id = "request.confirm",
    tag = "request",
    params(super::extract::IfMatch),
    request_body(content = ServedBody, example = json!({"satisfaction": 5, "comment": "很耐心，谢谢"})),
    responses((status = 200, description = "点单现在的样子", body = RequestDetail)),
    security(("bearer" = [])),
    extensions(("x-problems" = json!(["request_step_refused", "request_not_served"]))),
)]
#[post("/service-requests/{id}/confirm")]
async fn confirm(
    on: On<ClaimPost, ServiceRequestId>,
    body: Body<ServedBody>,
) -> Result<HttpResponse, Error> {
    let served =
        on.read(body, |body| Served::parse(body.satisfaction, body.comment.as_deref())).await?;
    requests::confirm(&on.state, on.ask(), on.id, served).await?;
    on.shown().await
}

/// 列表的筛选条件
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct RequestFilter {
    /// 状态
    #[param(required = false)]
    status: Option<Status>,
}

/// 点单列表
///
/// 社区查看本社区的点单，组织员查看全区的；新的在前，姓名电话遮盖。
#[utoipa::path(
    operation_id = "request.list",
    tag = "request",
    params(RequestFilter, Paging),
    responses((status = 200, description = "一页点单", body = Page<RequestView>)),
    security(("bearer" = [])),
)]
#[get("/service-requests")]
async fn list(
    caller: Caller<OrganisePost>,
    state: Data<State>,
    filter: Query<RequestFilter>,
    page: Paging,
) -> Result<Json<Page<RequestView>>, Error> {
    let filter = Filter { status: filter.0.status, ..Filter::default() };
    paged(&state, &caller, filter, page).await
}

/// 查看点单
///
/// 社区查看本社区的一件点单，姓名电话遮盖。
#[utoipa::path(
    operation_id = "request.read",
    tag = "request",
    responses((status = 200, description = "点单", body = RequestDetail,
        headers(("ETag" = String, description = "版本号，用于 If-Match")))),
    security(("bearer" = [])),
)]
#[get("/service-requests/{id}")]
async fn read_one(
    caller: Caller<OrganisePost>,
    state: Data<State>,
    id: Target<ServiceRequestId>,
) -> Result<HttpResponse, Error> {
    answered(&found(&state, &caller, id.0).await?)
}

/// What a key is compared with.
#[derive(Serialize)]
struct Order<'a> {
    request: ServiceRequestId,
    post: &'a PostBody,
}

/// 下单
///
/// 把点单做成一个岗位，供党员和居民接单；一件点单可以下几次单。点单的居民自己不能接。岗位的说明里不要写居民的
/// 姓名、电话和门牌。
#[utoipa::path(
    operation_id = "request.order",
    tag = "request",
    params(IdempotencyKey, super::extract::IfMatch),
    request_body(content = PostBody, example = json!({
        "community_code": "140213066004", "kind": "elderly", "title": "陪独居老人就医",
        "place": "文兴社区党群服务站", "starts_at": "2026-11-28T01:00:00Z",
        "ends_at": "2026-11-28T03:00:00Z", "capacity": 1
    })),
    responses((status = 201, description = "点单现在的样子", body = RequestDetail)),
    security(("bearer" = [])),
    extensions(("x-problems" = json!(["request_step_refused", "own_request"]))),
)]
#[post("/service-requests/{id}/orders")]
async fn order(
    on: On<OrganisePost, ServiceRequestId>,
    key: Result<IdempotencyKey, Error>,
    body: Body<PostBody>,
) -> Result<HttpResponse, Error> {
    let body = on.read(body, Ok).await?;
    // What is wrong with key or post is told only to whoever may see the request.
    on.visible().await?;
    let by = Some(on.caller.actor.account);
    let command = Order { request: on.id, post: &body };
    let once = Once::new(&on.state.crypto, by, "request.order", key?.0, &command)?;
    let answer = requests::order(&on.state, on.ask(), once, on.id, &body.form()).await?;
    Ok(woken(&on.state, answer).await)
}

/// 说明不能安排
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RequestDeclineBody {
    /// 原因，居民会看到，5–1000 个字
    #[schema(min_length = 5, max_length = 1000)]
    pub reason: String,
}

/// 说明不能安排
///
/// 社区写明原因；居民会收到通知。
#[utoipa::path(
    operation_id = "request.decline",
    tag = "request",
    params(super::extract::IfMatch),
    request_body(content = RequestDeclineBody, example = json!({
        "reason": "需要持证的护理人员，已转介街道养老服务中心，电话 0352-5550000"
    })),
    responses((status = 200, description = "点单现在的样子", body = RequestDetail)),
    security(("bearer" = [])),
    extensions(("x-problems" = json!(["request_step_refused", "own_request"]))),
)]
#[post("/service-requests/{id}/decline")]
async fn decline(
    on: On<OrganisePost, ServiceRequestId>,
    body: Body<RequestDeclineBody>,
) -> Result<HttpResponse, Error> {
    let command = on.read(body, |body| Decline::parse(&body.reason)).await?;
    requests::decline(&on.state, on.ask(), on.id, command).await?;
    on.shown().await
}

/// 查看联系方式
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RequestUnmaskBody {
    /// 用途，记入审计，2–200 个字
    #[schema(min_length = 2, max_length = 200)]
    pub reason: String,
}

/// 为谁、怎么联系、在哪里
#[derive(Debug, Serialize, ToSchema)]
pub struct RequestContact {
    /// 替谁点的单；为自己点的为空
    pub name: Option<String>,
    /// 联系电话
    pub phone: Option<String>,
    /// 服务地址
    pub address: Option<String>,
}

/// 查看联系方式
///
/// 社区工作者安排服务时查看全文，每次都记下用途。
#[utoipa::path(
    operation_id = "request.unmask",
    tag = "request",
    request_body(content = RequestUnmaskBody, example = json!({"reason": "安排接单的人上门"})),
    responses((status = 200, description = "联系方式", body = RequestContact)),
    security(("bearer" = [])),
)]
#[post("/service-requests/{id}/unmask")]
async fn unmask(
    on: On<OrganisePost, ServiceRequestId>,
    body: Body<RequestUnmaskBody>,
) -> Result<Json<RequestContact>, Error> {
    let parse = |body: RequestUnmaskBody| Ok(text::text("reason", &body.reason, 2, 200)?);
    let reason = on.read(body, parse).await?;
    let opened = requests::unmask(&on.state, on.ask(), on.id, reason).await?;
    let requests::Opened { name, phone, address } = opened;
    Ok(Json(RequestContact { name, phone, address }))
}
