//! Pauses of new claims (暂停认领), and how somebody stands.

use actix_web::{
    HttpResponse, get, post,
    web::{Data, Json},
};
use domain::{
    id::ServicePauseId,
    page::{Limit, Page, PageRequest},
    refusal::Basic,
    service::Lift,
    time::Timestamp,
};
use infra::postgres::service::read::pause::{self as read, PauseView};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::{
    app::service::pause as pauses,
    error::Error,
    http::extract::{
        Addressed, Body, Caller, On, Paging, Query,
        caller::needs::{ClaimPost, LiftPause},
    },
    state::State,
};

routes![standing, list, lift];

/// 本人近来的认领情况
#[derive(Debug, Serialize, ToSchema)]
pub struct ServiceStanding {
    /// 近来认领后未到的次数
    #[schema(example = 1)]
    pub no_shows: i64,
    /// 近来临时取消的次数
    #[schema(example = 0)]
    pub late_cancellations: i64,
    /// 暂停认领到什么时候；没有暂停的为空
    #[schema(value_type = Option<String>, format = DateTime)]
    pub paused_until: Option<Timestamp>,
    /// 一句话
    pub text: String,
}

/// 我的认领情况
///
/// 近来未到和临时取消的次数，以及是否暂停认领。只给本人看，不与别人比较。
#[utoipa::path(
    operation_id = "service.standing",
    tag = "service",
    responses((status = 200, description = "认领情况", body = ServiceStanding)),
    security(("bearer" = [])),
)]
#[get("/me/service-standing")]
async fn standing(
    caller: Caller<ClaimPost>,
    state: Data<State>,
) -> Result<Json<ServiceStanding>, Error> {
    let (rules, now) = (&state.config.service, state.clock.now());
    let mut connection = state.db.acquire().await?;
    let (missed, paused_until) =
        read::standing(&mut connection, &caller.scope(), rules, now).await?;
    Ok(Json(ServiceStanding {
        no_shows: missed.no_shows,
        late_cancellations: missed.lates,
        paused_until,
        text: missed.text(rules, paused_until),
    }))
}

/// 列表的筛选条件
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct PauseFilter {
    /// 只看仍在暂停的（true），或只看已结束的（false）
    #[param(required = false)]
    active: Option<bool>,
}

/// 暂停认领的名单
///
/// 组织员查看，新的在前。
#[utoipa::path(
    operation_id = "service.pauses",
    tag = "service",
    params(PauseFilter, Paging),
    responses((status = 200, description = "一页暂停", body = Page<PauseView>)),
    security(("bearer" = [])),
)]
#[get("/service-pauses")]
async fn list(
    caller: Caller<LiftPause>,
    state: Data<State>,
    filter: Query<PauseFilter>,
    page: Paging,
) -> Result<Json<Page<PauseView>>, Error> {
    let (scope, now) = (caller.scope(), state.clock.now());
    let mut connection = state.db.acquire().await?;
    let rows = read::list(&mut connection, &scope, (None, filter.0.active), page.0, now).await?;
    Ok(Json(Page::of(rows, page.0.limit, PauseView::cursor)))
}

async fn found(
    state: &State,
    caller: &Caller<LiftPause>,
    id: ServicePauseId,
) -> Result<PauseView, Error> {
    let one = PageRequest { after: None, limit: Limit::DEFAULT };
    let (scope, now) = (caller.scope(), state.clock.now());
    let mut connection = state.db.acquire().await?;
    let found = read::list(&mut connection, &scope, (Some(id), None), one, now).await?.pop();
    found.ok_or_else(|| Basic::NotFound.into())
}

impl Addressed for On<LiftPause, ServicePauseId> {
    async fn visible(&self) -> Result<(), Error> {
        found(&self.state, &self.caller, self.id).await.map(|_| ())
    }

    async fn shown(&self) -> Result<HttpResponse, Error> {
        let view = found(&self.state, &self.caller, self.id).await?;
        Ok(HttpResponse::Ok().json(view))
    }
}

/// 恢复认领
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct LiftBody {
    /// 原因，本人会看到
    pub reason: String,
}

/// 恢复认领
///
/// 组织员提前结束一次暂停，写明原因；本人会收到通知。
#[utoipa::path(
    operation_id = "service.lift_pause",
    tag = "service",
    request_body(content = LiftBody, example = json!({"reason": "家中老人住院，情况属实"})),
    responses((status = 200, description = "暂停现在的样子", body = PauseView)),
    security(("bearer" = [])),
    extensions(("x-problems" = json!(["pause_over", "own_pause"]))),
)]
#[post("/service-pauses/{id}/lift")]
async fn lift(
    on: On<LiftPause, ServicePauseId>,
    body: Body<LiftBody>,
) -> Result<HttpResponse, Error> {
    let command = on.read(body, |body| Lift::parse(&body.reason)).await?;
    pauses::lift(&on.state, on.ask(), on.id, command).await?;
    on.shown().await
}
