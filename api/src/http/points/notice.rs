//! Public notice of awards over HTTP.

use actix_web::{
    HttpResponse, get,
    http::header::ETAG,
    post,
    web::{Data, Json},
};
use domain::{
    id::PointsNoticeId,
    identity::Permission,
    org::NodeCode,
    page::{Limit, Page, PageRequest},
    personal::PersonName,
    points::{NoticeStatus, Source},
    refusal::{Basic, Faults},
    text,
    time::Timestamp,
};
use infra::postgres::points::read::notice::{self as store, Filter, ObjectionView, Shown};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::{
    app::points::notice,
    error::Error,
    http::extract::{
        Addressed, Body, Caller, IfMatch, On, Paging, Query,
        caller::needs::{KeepPoints, ObjectAward, ReadPoints, ReadSelf},
    },
    state::State,
};

routes![list, read_one, raise, objections, decide];

/// 公示中的一笔积分
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = PointsNoticeView)]
pub struct NoticeView {
    /// 编号
    pub id: PointsNoticeId,
    /// 版本号，用于 If-Match
    #[schema(example = 1)]
    pub version: i64,
    /// 谁；只显示姓
    #[schema(example = "张**")]
    pub name: String,
    /// 因什么得的
    pub source: Source,
    /// 多少分
    #[schema(example = 2)]
    pub points: i64,
    /// 在哪个社区公示；不知道社区的为 null
    pub community_code: Option<NodeCode>,
    /// 社区的名称
    #[schema(example = "文兴社区")]
    pub community_name: Option<String>,
    /// 状态
    pub status: NoticeStatus,
    /// 公示开始
    #[schema(value_type = String, format = DateTime)]
    pub noticed_at: Timestamp,
    /// 公示结束；没有异议即入账
    #[schema(value_type = String, format = DateTime)]
    pub ends_at: Timestamp,
    /// 对异议的决定
    pub note: Option<String>,
}

impl From<Shown> for NoticeView {
    fn from(shown: Shown) -> Self {
        Self {
            id: shown.id,
            version: shown.version,
            name: PersonName::trusted(shown.name).masked(),
            source: shown.source,
            points: shown.points,
            community_code: shown.community,
            community_name: shown.community_name,
            status: shown.status,
            noticed_at: shown.noticed_at,
            ends_at: shown.ends_at,
            note: shown.note,
        }
    }
}

/// Whether somebody sees what has ended: those who keep points and those who audit them. A person's own
/// awards stand among their points.
fn sees_ended<P>(caller: &Caller<P>) -> bool {
    caller.actor.may(Permission::ReadPoints)
}

impl<P> On<P, PointsNoticeId> {
    async fn found(&self) -> Result<NoticeView, Error> {
        let running = !sees_ended(&self.caller);
        let filter = Filter { id: Some(self.id), running, ..Filter::default() };
        let one = PageRequest { after: None, limit: Limit::DEFAULT };
        let mut conn = self.state.db.acquire().await?;
        let shown = store::list(&mut conn, filter, one).await?.pop();
        shown.map(NoticeView::from).ok_or_else(|| Basic::NotFound.into())
    }
}

impl<P> Addressed for On<P, PointsNoticeId> {
    async fn visible(&self) -> Result<(), Error> {
        self.found().await.map(drop)
    }

    async fn shown(&self) -> Result<HttpResponse, Error> {
        let view = self.found().await?;
        let etag = format!("\"{}\"", view.version);
        Ok(HttpResponse::Ok().insert_header((ETAG, etag)).json(view))
    }
}

/// 列表的筛选条件
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct NoticeFilter {
    /// 社区或村的区划代码；不填为全区
    #[param(required = false, example = "140213066004")]
    community_code: Option<String>,
    /// 状态
    #[param(required = false, inline)]
    status: Option<NoticeStatus>,
}

/// 积分公示
///
/// 规则写明要公示的积分，先公示、后入账；姓名只显示姓。新的在前。公示结束以后只有组织员和审计员能看。
#[utoipa::path(
    operation_id = "points.notices", tag = "points",
    params(NoticeFilter, Paging),
    responses((status = 200, description = "一页公示", body = Page<NoticeView>)),
    security(("bearer" = [])),
)]
#[get("/points-notices")]
async fn list(
    caller: Caller<ReadSelf>,
    state: Data<State>,
    filter: Query<NoticeFilter>,
    page: Paging,
) -> Result<Json<Page<NoticeView>>, Error> {
    let NoticeFilter { community_code, status } = filter.0;
    let community = NodeCode::optional("community_code", community_code.as_deref())?;
    let running = !sees_ended(&caller);
    let filter = Filter { community: community.as_ref(), status, running, ..Filter::default() };
    let mut conn = state.db.acquire().await?;
    let rows = store::list(&mut conn, filter, page.0).await?;
    let Page { items, next_cursor } = Page::of(rows, page.0.limit, Shown::cursor);
    Ok(Json(Page { items: items.into_iter().map(NoticeView::from).collect(), next_cursor }))
}

/// 查看一笔公示
///
/// 公示的是什么、到哪一天、有没有异议；姓名隐去。
#[utoipa::path(
    operation_id = "points.notice", tag = "points",
    responses((status = 200, description = "这一笔", body = NoticeView,
        headers(("ETag" = String, description = "版本号，用于 If-Match")))),
    security(("bearer" = [])),
)]
#[get("/points-notices/{id}")]
async fn read_one(on: On<ReadSelf, PointsNoticeId>) -> Result<HttpResponse, Error> {
    on.shown().await
}

/// 异议
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = ObjectPointsBody)]
pub struct ObjectBody {
    /// 理由，5–500 个字；只有处理异议的人看得到，不显示是谁提的
    #[schema(example = "这一天我在场，没有见到他参加")]
    pub reason: String,
}

/// 对公示提出异议
///
/// 公示期内，居民、党员和社区工作者可以提，每人一次，不能对本人的提。有异议的暂不入账，由组织员决定。
#[utoipa::path(
    operation_id = "points.object", tag = "points",
    params(IfMatch),
    request_body(content = ObjectBody, example = json!({"reason": "这一天我在场，没有见到他参加"})),
    responses((status = 200, description = "公示现在的样子", body = NoticeView)),
    security(("bearer" = [])),
    extensions(("x-problems" = json!([
        "points_notice_step_refused", "points_notice_ended", "own_points", "points_objected_before"
    ]))),
)]
#[post("/points-notices/{id}/object")]
async fn raise(
    on: On<ObjectAward, PointsNoticeId>,
    body: Body<ObjectBody>,
) -> Result<HttpResponse, Error> {
    let reason = on.read(body, |body| Ok(text::text("reason", &body.reason, 5, 500)?)).await?;
    notice::object(&on.state, on.ask(), on.id, reason).await?;
    on.shown().await
}

/// 一笔公示的异议
///
/// 先提的在前；不显示是谁提的。
#[utoipa::path(
    operation_id = "points.objections", tag = "points",
    responses((status = 200, description = "各人的理由", body = Vec<ObjectionView>)),
    security(("bearer" = [])),
)]
#[get("/points-notices/{id}/objections")]
async fn objections(on: On<ReadPoints, PointsNoticeId>) -> Result<Json<Vec<ObjectionView>>, Error> {
    on.visible().await?;
    let mut conn = on.state.db.acquire().await?;
    Ok(Json(store::objections(&mut conn, on.id).await?))
}

/// 对异议的决定
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = DecideObjectionBody)]
pub struct DecideObjectionBody {
    /// 异议是否成立
    pub uphold: bool,
    /// 理由，2–200 个字；公示里看得到
    #[schema(example = "已向三位参加者核实，确有服务")]
    pub reason: String,
}

/// 处理异议
///
/// 组织员决定，不能是本人的积分。成立的，这笔积分不入账，并告知本人；不成立的，公示继续，已到期的马上入账。
#[utoipa::path(
    operation_id = "points.decide_objection", tag = "points",
    params(IfMatch),
    request_body(content = DecideObjectionBody, example = json!({"uphold": false, "reason": "已向三位参加者核实，确有服务"})),
    responses((status = 200, description = "公示现在的样子", body = NoticeView)),
    security(("bearer" = [])),
    extensions(("x-problems" = json!(["points_notice_step_refused", "own_points"]))),
)]
#[post("/points-notices/{id}/decide")]
async fn decide(
    on: On<KeepPoints, PointsNoticeId>,
    body: Body<DecideObjectionBody>,
) -> Result<HttpResponse, Error> {
    let decision = on
        .read(body, |body| {
            let mut faults = Faults::default();
            let reason = faults.take(text::line("reason", &body.reason, 2, 200));
            faults.check()?;
            Ok((body.uphold, reason.unwrap_or_default()))
        })
        .await?;
    notice::decide(&on.state, on.ask(), on.id, decision).await?;
    on.shown().await
}
