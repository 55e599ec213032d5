//! Posts that repeat (重复岗位).

use actix_web::{HttpResponse, post, put, web::Data};
use chrono::NaiveDate;
use domain::{
    id::PostSeriesId,
    page::{Limit, Page, PageRequest},
    refusal::Basic,
    service::{Kind, PostForm, series::Rhythm},
};
use infra::postgres::service::read::{self, PostFilter, PostView};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::PostBody;
use crate::{
    app::{
        case::Ask,
        idempotent::Once,
        service::series::{self, SeriesView},
    },
    error::Error,
    http::{
        complaint::LocationBody,
        extract::{
            Addressed, Body, Caller, IdempotencyKey, On, RequestMeta, caller::needs::OrganisePost,
            kept,
        },
    },
    state::State,
};

routes![publish, change, cancel];

/// 重复岗位
#[derive(Debug, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SeriesBody {
    /// 第一个岗位；以后各个的起止钟点与它相同
    pub post: PostBody,
    /// 每周哪几天：1 为周一，7 为周日
    #[schema(example = json!([6]))]
    pub weekdays: Vec<i64>,
    /// 到哪一天为止（含），一次最多 52 个岗位
    #[schema(example = "2026-12-26")]
    pub until: NaiveDate,
    /// 是否跳过法定节假日
    #[serde(default)]
    pub skip_holidays: bool,
}

/// 发布重复岗位
///
/// 每周固定几天、直到某一天，逐个发布成岗位；有一个不合规则就都不发布。其中一个要改、要取消的，按单个岗位办理。
#[utoipa::path(
    operation_id = "service.publish_series",
    tag = "service",
    params(IdempotencyKey),
    request_body(content = SeriesBody, example = json!({
        "post": {
            "community_code": "140213066004", "kind": "environment", "title": "周六清洁家园",
            "place": "文兴社区党群服务站", "starts_at": "2026-11-28T01:00:00Z",
            "ends_at": "2026-11-28T03:00:00Z", "capacity": 10
        },
        "weekdays": [6], "until": "2026-12-26", "skip_holidays": true
    })),
    responses((status = 201, description = "已发布", body = SeriesView)),
    security(("bearer" = [])),
)]
#[post("/post-series")]
async fn publish(
    caller: Caller<OrganisePost>,
    state: Data<State>,
    meta: RequestMeta,
    key: IdempotencyKey,
    body: Body<SeriesBody>,
) -> Result<HttpResponse, Error> {
    let body = body.read()?;
    let rhythm = Rhythm::parse(&body.weekdays, body.until, body.skip_holidays)?;
    let account = Some(caller.actor.account);
    let once = Once::new(&state.crypto, account, "service.publish_series", key.0, &body)?;
    let ask = Ask::new(Some(caller.actor.clone()), meta);
    let answer = series::publish(&state, ask, once, &body.post.form(), rhythm).await?;
    Ok(kept(answer))
}

/// The posts of a series that the caller organises, at most 52.
async fn found(
    state: &State,
    caller: &Caller<OrganisePost>,
    id: PostSeriesId,
) -> Result<Page<PostView>, Error> {
    let filter = PostFilter { series: Some(id), ..PostFilter::default() };
    let all = PageRequest { after: None, limit: Limit::new(100)? };
    let (scope, now) = (caller.scope(), state.clock.now());
    let mut connection = state.db.acquire().await?;
    let rows = read::posts(&mut connection, &scope, &filter, all, now).await?;
    let first = rows.first().ok_or(Basic::NotFound)?.id;
    if !read::organised(&mut connection, &scope, first).await? {
        return Err(Basic::NotFound.into());
    }
    Ok(Page::of(rows, all.limit, PostView::cursor))
}

impl Addressed for On<OrganisePost, PostSeriesId> {
    async fn visible(&self) -> Result<(), Error> {
        found(&self.state, &self.caller, self.id).await.map(|_| ())
    }

    async fn shown(&self) -> Result<HttpResponse, Error> {
        let page = found(&self.state, &self.caller, self.id).await?;
        Ok(HttpResponse::Ok().json(page))
    }
}

/// 更改其余的岗位
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SeriesChangeBody {
    /// 从哪一天起（含）；已开始、已取消的不更改
    #[schema(example = "2026-12-05")]
    pub from: NaiveDate,
    /// 类别
    pub kind: Kind,
    /// 名称，2–200 个字
    pub title: String,
    /// 做什么
    pub description: Option<String>,
    /// 集合地点
    pub place: Option<String>,
    /// 地图位置（GCJ-02）
    pub location: Option<LocationBody>,
    /// 定位签到要在多少米以内
    pub tolerance_metres: Option<i64>,
    /// 需要几人，1–1000
    #[schema(minimum = 1, maximum = 1000)]
    pub capacity: i64,
    /// 需要的技能，最多十项
    #[serde(default)]
    pub skills: Vec<String>,
    /// 积分系数，50–300
    #[schema(minimum = 50, maximum = 300)]
    pub factor_percent: Option<i64>,
}

/// 更改其余的岗位
///
/// 从某一天起的各个岗位一起更改，时间不变；有一个不能改就都不改。认领了的人会收到通知。
#[utoipa::path(
    operation_id = "service.change_series",
    tag = "service",
    request_body(content = SeriesChangeBody, example = json!({
        "from": "2026-12-05", "kind": "environment", "title": "周六清洁家园",
        "place": "文兴社区南门", "capacity": 12
    })),
    responses((status = 200, description = "这一组的全部岗位，开始晚的在前", body = Page<PostView>)),
    security(("bearer" = [])),
    extensions(("x-problems" = json!(["capacity_taken"]))),
)]
#[put("/post-series/{id}")]
async fn change(
    on: On<OrganisePost, PostSeriesId>,
    body: Body<SeriesChangeBody>,
) -> Result<HttpResponse, Error> {
    let body = on.read(body, Ok).await?;
    let (rules, by) = (on.state.config.service.clone(), on.caller.actor.account);
    series::change(&on.state, on.ask(), (on.id, body.from), move |post, now| {
        let form = PostForm {
            community_code: post.community.as_str(),
            kind: body.kind,
            title: &body.title,
            description: body.description.as_deref(),
            place: body.place.as_deref(),
            location: body.location.map(LocationBody::pair),
            tolerance_metres: body.tolerance_metres,
            starts_at: post.starts_at,
            ends_at: post.ends_at,
            capacity: body.capacity,
            skills: &body.skills,
            factor_percent: body.factor_percent,
        };
        form.publish(post.id, &rules, by, now)
    })
    .await?;
    on.shown().await
}

/// 取消其余的岗位
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SeriesCancelBody {
    /// 从哪一天起（含）；已开始的不取消
    #[schema(example = "2026-12-05")]
    pub from: NaiveDate,
}

/// 取消其余的岗位
///
/// 从某一天起的各个岗位一起取消，认领了的人会收到通知。
#[utoipa::path(
    operation_id = "service.cancel_series",
    tag = "service",
    request_body(content = SeriesCancelBody, example = json!({"from": "2026-12-05"})),
    responses((status = 200, description = "这一组的全部岗位，开始晚的在前", body = Page<PostView>)),
    security(("bearer" = [])),
)]
#[post("/post-series/{id}/cancel")]
async fn cancel(
    on: On<OrganisePost, PostSeriesId>,
    body: Body<SeriesCancelBody>,
) -> Result<HttpResponse, Error> {
    let body = on.read(body, Ok).await?;
    series::cancel(&on.state, on.ask(), on.id, body.from).await?;
    on.shown().await
}
