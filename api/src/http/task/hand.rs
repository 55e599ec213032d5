//! Hand-over (转交) inside the unit: who works on a task for it.

use actix_web::{HttpResponse, get, post, web::Json};
use domain::{
    id::TaskId,
    refusal::{Basic, Invalid},
    task::Named,
    text,
};
use infra::postgres::task::officer::read::{self, HandOverView, ReceiversView};
use serde::Deserialize;
use utoipa::ToSchema;

use crate::{
    app::task as tasks,
    error::Error,
    http::extract::{
        Addressed, Body, IfMatch, On,
        caller::needs::{ReadTask, WorkTask},
    },
};

routes![hand_over, take_back, receivers, hand_overs];

/// 转交
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct HandOverBody {
    /// 本单位经办人的用户名；与 body 只填一个
    #[schema(example = "dept.urban-management")]
    pub officer: Option<String>,
    /// 下级单位的代码；与 officer 只填一个
    #[schema(example = "140213066004")]
    pub body: Option<String>,
    /// 交办说明，最多 500 个字；反映人看不到
    pub note: Option<String>,
}

/// 转交任务
///
/// 在本单位内部指明由谁办理：本单位的一位经办人，或一个下级单位。承办单位、时限和首接负责都不变；下级单位可以
/// 签收、联系、到场、答复，退单、延期等仍由承办单位办理。再次转交即改交他人。
#[utoipa::path(
    operation_id = "task.hand_over",
    tag = "task",
    params(IfMatch),
    request_body(content = HandOverBody, example = json!({"officer": "dept.urban-management", "note": "请今天到现场查看"})),
    responses((status = 200, description = "任务现在的样子", body = infra::postgres::task::read::TaskView)),
    security(("bearer" = [])),
    extensions(("x-problems" = json!(["task_step_refused", "task_handed_already", "body_not_below", "body_blew_whistle", "unit_answers", "unit_is_reported"]))),
)]
#[post("/tasks/{id}/hand-over")]
async fn hand_over(
    on: On<WorkTask, TaskId>,
    body: Body<HandOverBody>,
) -> Result<HttpResponse, Error> {
    let parse = |body: HandOverBody| {
        Named::parse(body.officer.as_deref(), body.body.as_deref(), body.note.as_deref())
    };
    let named = on.read(body, parse).await?;
    tasks::hand_over(&on.state, on.ask(), on.id, named).await?;
    on.shown().await
}

/// 收回
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TakeBackBody {
    /// 原因，最多 500 个字
    pub reason: Option<String>,
}

/// 收回转交的任务
///
/// 收回后由本单位办理，原来的下级单位不能再操作。
#[utoipa::path(
    operation_id = "task.take_back",
    tag = "task",
    params(IfMatch),
    request_body(content = TakeBackBody, example = json!({"reason": "改由本单位直接办理"})),
    responses((status = 200, description = "任务现在的样子", body = infra::postgres::task::read::TaskView)),
    security(("bearer" = [])),
    extensions(("x-problems" = json!(["task_step_refused", "task_not_handed", "unit_answers"]))),
)]
#[post("/tasks/{id}/take-back")]
async fn take_back(
    on: On<WorkTask, TaskId>,
    body: Body<TakeBackBody>,
) -> Result<HttpResponse, Error> {
    let parse = |body: TakeBackBody| {
        text::optional("reason", body.reason.as_deref(), 500).map_err(Invalid::from)
    };
    let reason = on.read(body, parse).await?;
    tasks::take_back(&on.state, on.ask(), on.id, reason).await?;
    on.shown().await
}

/// 可以转交给谁
///
/// 承办单位在用账号的经办人（附手上未结束的任务数）和下级单位。
#[utoipa::path(
    operation_id = "task.receivers",
    tag = "task",
    responses((status = 200, description = "经办人和下级单位", body = ReceiversView)),
    security(("bearer" = [])),
    extensions(("x-problems" = json!(["unit_answers"]))),
)]
#[get("/tasks/{id}/receivers")]
async fn receivers(on: On<WorkTask, TaskId>) -> Result<Json<ReceiversView>, Error> {
    let unit = on.own_unit().await?;
    let mut connection = on.state.db.acquire().await?;
    Ok(Json(read::receivers(&mut connection, &on.caller.scope(), &unit).await?))
}

/// 转交记录
///
/// 这件任务历次转交和收回，按时间先后；承办单位、办理的下级单位和区中心可以看到。
#[utoipa::path(
    operation_id = "task.hand_overs",
    tag = "task",
    responses((status = 200, description = "转交和收回", body = Vec<HandOverView>)),
    security(("bearer" = [])),
)]
#[get("/tasks/{id}/hand-overs")]
async fn hand_overs(on: On<ReadTask, TaskId>) -> Result<Json<Vec<HandOverView>>, Error> {
    let view = on.found().await?;
    let (actor, scope) = (&on.caller.actor, on.caller.scope());
    let body = view.assignee.as_ref().and_then(|assignee| assignee.body.as_ref());
    let works = actor.works_for(&view.unit) || body.is_some_and(|body| actor.works_for(body));
    // Whoever blew a whistle reads its tasks, but not what goes on inside a unit.
    if !works && !scope.everything() {
        return Err(Basic::NotFound.into());
    }
    let mut connection = on.state.db.acquire().await?;
    Ok(Json(read::history(&mut connection, &scope, on.id).await?))
}
