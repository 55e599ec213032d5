//! Service (双服务) over HTTP: posts here, claims and hours in [`claim`].

use actix_web::{
    HttpResponse, HttpResponseBuilder, get,
    http::header::{CACHE_CONTROL, ETAG},
    post, put,
    web::{Data, Json},
};
use domain::{
    id::PostId,
    org::NodeCode,
    page::{Limit, Page, PageRequest},
    refusal::{Basic, Invalid},
    service::{Kind, PostForm},
    time::Timestamp,
};
use infra::postgres::service::read::{self, ClaimFilter, ClaimView, PostFilter, PostView};
use serde::{Deserialize, Serialize};
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
    app::{
        case::Ask,
        service::{self as services, code},
    },
    error::Error,
    state::State,
};

pub mod claim;
pub mod dispute;
pub mod hours;
pub mod matching;
pub mod page_code;
pub mod pause;
pub mod series;

routes![publish, list, read_one, check_in_code, change, call_off, claims];

/// 服务岗位
#[derive(Debug, Deserialize, Serialize, ToSchema)]
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
    /// 定位签到要在多少米以内，50–1000；不填为默认值
    #[schema(example = 300)]
    pub tolerance_metres: Option<i64>,
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

impl PostBody {
    /// The fields as they came.
    pub fn form(&self) -> PostForm<'_> {
        PostForm {
            community_code: &self.community_code,
            kind: self.kind,
            title: &self.title,
            description: self.description.as_deref(),
            place: self.place.as_deref(),
            location: self.location.map(LocationBody::pair),
            tolerance_metres: self.tolerance_metres,
            starts_at: self.starts_at,
            ends_at: self.ends_at,
            capacity: self.capacity,
            skills: &self.skills,
            factor_percent: self.factor_percent,
        }
    }
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
    let ask = Ask::new(Some(caller.actor.clone()), meta);
    let id = services::publish(&state, ask, &body.form()).await?;
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
    let filter = PostFilter { community, kind, open, ..PostFilter::default() };
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
/// 登录即可查看。
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

/// 现场的签到码
#[derive(Debug, Serialize, ToSchema)]
pub struct CheckInCode {
    /// 签到码；可以直接输入
    #[schema(example = "AC3D7K")]
    pub code: String,
    /// 二维码的内容；扫码得到的全文可以原样作为 code 提交
    #[schema(example = "zhixiang:check-in:019ab0c1-d2e3-7f00-8a1b-2c3d4e5f6071:AC3D7K")]
    pub payload: String,
    /// 到什么时候失效：出现后 60 秒
    #[schema(value_type = String, format = DateTime)]
    pub valid_until: Timestamp,
    /// 什么时候换下一个：到时再取，现场总有足够时间扫码
    #[schema(value_type = String, format = DateTime)]
    pub next_at: Timestamp,
}

/// 现场的签到码
///
/// 组织者在现场出示，每 20 秒换一个，每个 60 秒后失效：拍照转发没有用。
#[utoipa::path(
    operation_id = "service.check_in_code",
    tag = "service",
    responses((status = 200, description = "现在的签到码", body = CheckInCode)),
    security(("bearer" = [])),
)]
#[get("/posts/{id}/check-in-code")]
async fn check_in_code(
    caller: Caller<OrganisePost>,
    state: Data<State>,
    id: Target<PostId>,
) -> Result<HttpResponse, Error> {
    organised(&state, &caller, id.0).await?;
    let (slot, code, payload) = code::now(&state, id.0, state.clock.now());
    let shown =
        CheckInCode { code, payload, valid_until: slot.valid_until(), next_at: slot.next_at() };
    Ok(HttpResponse::Ok().insert_header((CACHE_CONTROL, "no-store")).json(shown))
}

/// 更改岗位
///
/// 整份提交，社区不能更改。认领了的人会收到通知；名额增加时候补的按先后转正；已有人认领过的不能再改时间。
#[utoipa::path(
    operation_id = "service.change",
    tag = "service",
    params(IfMatch),
    request_body(content = PostBody, example = json!({
        "community_code": "140213066004", "kind": "elderly", "title": "陪独居老人就医",
        "place": "文兴社区党群服务站", "starts_at": "2026-11-28T01:00:00Z",
        "ends_at": "2026-11-28T03:00:00Z", "capacity": 5
    })),
    responses((status = 200, description = "岗位现在的样子", body = PostView)),
    security(("bearer" = [])),
    extensions(("x-problems" = json!(["post_cancelled", "capacity_taken", "post_times_held"]))),
)]
#[put("/posts/{id}")]
async fn change(
    caller: Caller<OrganisePost>,
    state: Data<State>,
    meta: RequestMeta,
    id: Target<PostId>,
    version: IfMatch,
    body: Body<PostBody>,
) -> Result<HttpResponse, Error> {
    let body = body.read_or(organised(&state, &caller, id.0)).await?;
    let ask = Ask { expected: version.0, ..Ask::new(Some(caller.actor.clone()), meta) };
    let (rules, by) = (state.config.service.clone(), caller.actor.account);
    services::change(&state, ask, id.0, move |community, now| {
        if body.community_code != community.as_str() {
            return Err(Invalid::field("community_code", "岗位不能换到别的社区，请另行发布"));
        }
        body.form().publish(id.0, &rules, by, now)
    })
    .await?;
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
