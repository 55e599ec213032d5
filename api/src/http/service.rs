//! Service (双服务) over HTTP: posts here, claims and hours in [`claim`].

use actix_web::{
    HttpResponse, HttpResponseBuilder, get,
    http::header::ETAG,
    post,
    web::{Data, Json},
};
use domain::{
    id::PostId,
    org::NodeCode,
    page::{Limit, Page, PageRequest},
    refusal::Basic,
    service::{Kind, PostForm},
    time::Timestamp,
};
use infra::postgres::service::read::{self, ClaimFilter, ClaimView, PostFilter, PostView};
use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};

use super::{
    complaint::LocationBody,
    extract::{
        Body, Caller, IfMatch, Paging, Query, RequestMeta, Target,
        body::Empty,
        caller::needs::{OrganisePost, ReadSelf},
    },
};
use crate::{
    app::{case::Ask, service as services},
    error::Error,
    state::State,
};

pub mod claim;
pub mod hours;

routes![publish, list, read_one, call_off, claims];

/// 服务岗位
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PostBody {
    /// 社区或村的区划代码
    #[schema(example = "140213066004")]
    pub community_code: String,
    /// 类别
    pub kind: Kind,
    /// 名称，2–200 个字
    pub title: String,
    /// 做什么
    pub description: Option<String>,
    /// 集合地点
    pub place: Option<String>,
    /// 地图位置（GCJ-02）；填写后可以定位签到
    pub location: Option<LocationBody>,
    /// 开始时间；最多补录 7 天之内的
    #[schema(value_type = String, format = DateTime)]
    pub starts_at: Timestamp,
    /// 结束时间；最长 24 小时
    #[schema(value_type = String, format = DateTime)]
    pub ends_at: Timestamp,
    /// 需要几人，1–1000
    #[schema(minimum = 1, maximum = 1000)]
    pub capacity: i64,
    /// 需要的技能，最多十项
    #[serde(default)]
    pub skills: Vec<String>,
    /// 积分系数，50–300，默认 100 即每小时 1 分
    #[schema(minimum = 50, maximum = 300)]
    pub factor_percent: Option<i64>,
}

/// 发布岗位
///
/// 社区工作者发布本社区的岗位，组织员可发布任一社区的。
#[utoipa::path(
    operation_id = "service.publish",
    tag = "service",
    request_body(content = PostBody, example = json!({
        "community_code": "140213066004", "kind": "elderly", "title": "陪独居老人就医",
        "place": "文兴社区党群服务站", "starts_at": "2026-11-28T01:00:00Z",
        "ends_at": "2026-11-28T03:00:00Z", "capacity": 3
    })),
    responses((status = 201, description = "已发布", body = PostView)),
    security(("bearer" = [])),
)]
#[post("/posts")]
async fn publish(
    caller: Caller<OrganisePost>,
    state: Data<State>,
    meta: RequestMeta,
    body: Body<PostBody>,
) -> Result<HttpResponse, Error> {
    let body = body.read()?;
    let form = PostForm {
        community_code: &body.community_code,
        kind: body.kind,
        title: &body.title,
        description: body.description.as_deref(),
        place: body.place.as_deref(),
        location: body.location.map(LocationBody::pair),
        starts_at: body.starts_at,
        ends_at: body.ends_at,
        capacity: body.capacity,
        skills: &body.skills,
        factor_percent: body.factor_percent,
    };
    let id = services::publish(&state, Ask::new(Some(caller.actor.clone()), meta), &form).await?;
    shown(&state, &caller, id, HttpResponse::Created()).await
}

/// 列表的筛选条件
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct ListFilter {
    /// 区划代码，包含其下级
    #[param(required = false, example = "140213066")]
    community_code: Option<String>,
    /// 类别
    #[param(required = false)]
    kind: Option<Kind>,
    /// 只看能认领的（true），或只看已结束和已取消的（false）
    #[param(required = false)]
    open: Option<bool>,
}

/// 岗位列表
///
/// 登录即可查看，开始时间晚的在前。
#[utoipa::path(
    operation_id = "service.posts",
    tag = "service",
    params(ListFilter, Paging),
    responses((status = 200, description = "一页岗位", body = Page<PostView>)),
    security(("bearer" = [])),
)]
#[get("/posts")]
async fn list(
    caller: Caller<ReadSelf>,
    state: Data<State>,
    filter: Query<ListFilter>,
    page: Paging,
) -> Result<Json<Page<PostView>>, Error> {
    let ListFilter { community_code, kind, open } = filter.0;
    let community =
        community_code.map(|code| NodeCode::parse("community_code", &code)).transpose()?;
    let filter = PostFilter { id: None, community, kind, open };
    let (now, scope) = (state.clock.now(), caller.scope());
    let mut connection = state.db.acquire().await?;
    let rows = read::posts(&mut connection, &scope, &filter, page.0, now).await?;
    Ok(Json(Page::of(rows, page.0.limit, PostView::cursor)))
}

/// Answers with a post as it stands.
async fn shown<P>(
    state: &State,
    caller: &Caller<P>,
    id: PostId,
    mut answer: HttpResponseBuilder,
) -> Result<HttpResponse, Error> {
    let filter = PostFilter { id: Some(id), ..PostFilter::default() };
    let one = PageRequest { after: None, limit: Limit::DEFAULT };
    let mut connection = state.db.acquire().await?;
    let now = state.clock.now();
    let found = read::posts(&mut connection, &caller.scope(), &filter, one, now).await?.pop();
    let view = found.ok_or(Basic::NotFound)?;
    let etag = format!("\"{}\"", view.version);
    Ok(answer.insert_header((ETAG, etag)).json(view))
}

/// Refuses a post that the caller does not organise, before anything else.
async fn organised<P>(state: &State, caller: &Caller<P>, id: PostId) -> Result<(), Error> {
    let mut connection = state.db.acquire().await?;
    let organised = read::organised(&mut connection, &caller.scope(), id).await?;
    if organised { Ok(()) } else { Err(Basic::NotFound.into()) }
}

/// 查看岗位
///
/// 组织者还能看到签到码。
#[utoipa::path(
    operation_id = "service.read_post",
    tag = "service",
    responses((status = 200, description = "岗位", body = PostView,
        headers(("ETag" = String, description = "版本号，用于 If-Match")))),
    security(("bearer" = [])),
)]
#[get("/posts/{id}")]
async fn read_one(
    caller: Caller<ReadSelf>,
    state: Data<State>,
    id: Target<PostId>,
) -> Result<HttpResponse, Error> {
    shown(&state, &caller, id.0, HttpResponse::Ok()).await
}

/// 取消岗位
///
/// 没有结束的认领一并取消并通知本人；已确认的时长不变。
#[utoipa::path(
    operation_id = "service.call_off",
    tag = "service",
    params(IfMatch),
    request_body(content = Empty, example = json!({})),
    responses((status = 200, description = "岗位现在的样子", body = PostView)),
    security(("bearer" = [])),
    extensions(("x-problems" = json!(["post_cancelled"]))),
)]
#[post("/posts/{id}/cancel")]
async fn call_off(
    caller: Caller<OrganisePost>,
    state: Data<State>,
    meta: RequestMeta,
    id: Target<PostId>,
    version: IfMatch,
    body: Body<Empty>,
) -> Result<HttpResponse, Error> {
    body.read_or(organised(&state, &caller, id.0)).await?;
    services::call_off(
        &state,
        Ask { expected: version.0, ..Ask::new(Some(caller.actor.clone()), meta) },
        id.0,
    )
    .await?;
    shown(&state, &caller, id.0, HttpResponse::Ok()).await
}

/// 岗位的认领
///
/// 组织者查看谁认领了岗位，新的在前；候补的带有位次。
#[utoipa::path(
    operation_id = "service.claims",
    tag = "service",
    params(Paging),
    responses((status = 200, description = "一页认领", body = Page<ClaimView>)),
    security(("bearer" = [])),
)]
#[get("/posts/{id}/claims")]
async fn claims(
    caller: Caller<OrganisePost>,
    state: Data<State>,
    id: Target<PostId>,
    page: Paging,
) -> Result<Json<Page<ClaimView>>, Error> {
    organised(&state, &caller, id.0).await?;
    let filter = ClaimFilter { post: Some(id.0), ..ClaimFilter::default() };
    let mut connection = state.db.acquire().await?;
    let rows = read::claims(&mut connection, &caller.scope(), filter, page.0).await?;
    Ok(Json(Page::of(rows, page.0.limit, ClaimView::cursor)))
}
