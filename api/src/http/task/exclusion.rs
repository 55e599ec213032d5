//! Exclusion (剔除): asked by the lead with evidence, decided by a supervisor.

use actix_web::{
    HttpResponse, get, post,
    web::{Data, Json},
};
use domain::{
    complaint::{AskExclusion, DecideExclusion, ExclusionGround},
    id::TaskId,
    page::Page,
};
use infra::postgres::{
    complaint::exclusion::{self as store, ExclusionView},
    task::read::TaskView,
};
use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};

use crate::{
    app::task as tasks,
    error::Error,
    http::extract::{
        Addressed, Body, Caller, IfMatch, On, Paging, Query,
        caller::needs::{ExcludeComplaint, ReadTask, WorkTask},
    },
    state::State,
};

routes![ask_exclusion, decide_exclusion, exclusions];

/// 申请剔除
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AskExclusionBody {
    /// 理由：诉求不合理、超出职责范围
    pub ground: ExclusionGround,
    /// 证据，10–2000 个字
    pub evidence: String,
}

/// 申请剔除
///
/// 主办单位认为诉求不合理或超出职责范围的，可以附证据申请不计入三率；每件诉求只能申请一次，次月第 5 个工作日
/// 结束前有效。
#[utoipa::path(
    operation_id = "task.ask_exclusion",
    tag = "task",
    params(IfMatch),
    request_body(content = AskExclusionBody, example = json!({"ground": "unreasonable", "evidence": "施工已依法取得夜间许可（平住建许〔2026〕18号），现场核查噪声达标"})),
    responses((status = 200, description = "任务现在的样子", body = TaskView)),
    security(("bearer" = [])),
    extensions(("x-problems" = json!(["complaint_step_refused", "already_excluded", "exclusion_asked", "exclusion_closed", "exclusion_not_lead", "unit_answers"]))),
)]
#[post("/tasks/{id}/exclusion")]
async fn ask_exclusion(
    on: On<WorkTask, TaskId>,
    body: Body<AskExclusionBody>,
) -> Result<HttpResponse, Error> {
    let command = on.read(body, |body| AskExclusion::parse(body.ground, &body.evidence)).await?;
    tasks::ask_exclusion(&on.state, on.ask(), on.id, command).await?;
    on.shown().await
}

/// 决定剔除
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct DecideExclusionBody {
    /// 是否同意
    pub approve: bool,
    /// 理由，5–2000 个字
    pub reason: String,
}

/// 决定剔除
///
/// 由督查人员决定一次；同意的不计入三率。
#[utoipa::path(
    operation_id = "task.decide_exclusion",
    tag = "task",
    params(IfMatch),
    request_body(content = DecideExclusionBody, example = json!({"approve": true, "reason": "许可和监测记录齐全，同意剔除"})),
    responses((status = 200, description = "任务现在的样子", body = TaskView)),
    security(("bearer" = [])),
    extensions(("x-problems" = json!(["complaint_step_refused", "already_excluded", "no_exclusion_asked", "exclusion_decided", "exclusion_closed", "exclusion_not_lead"]))),
)]
#[post("/tasks/{id}/exclusion/decide")]
async fn decide_exclusion(
    on: On<ExcludeComplaint, TaskId>,
    body: Body<DecideExclusionBody>,
) -> Result<HttpResponse, Error> {
    let command = on.read(body, |body| DecideExclusion::parse(body.approve, &body.reason)).await?;
    tasks::decide_exclusion(&on.state, on.ask(), on.id, command).await?;
    on.shown().await
}

/// 列表的筛选条件
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct Asked {
    /// 是否已经决定；不填为全部
    #[param(required = false, example = false)]
    decided: Option<bool>,
}

/// 剔除申请
///
/// 新的在前；各单位看到自己的申请，区中心、督查、区领导和审计看到全部。
#[utoipa::path(
    operation_id = "task.exclusions", tag = "task", params(Asked, Paging),
    responses((status = 200, description = "一页剔除申请", body = Page<ExclusionView>)),
    security(("bearer" = [])),
)]
#[get("/exclusions")]
async fn exclusions(
    caller: Caller<ReadTask>,
    state: Data<State>,
    Query(asked): Query<Asked>,
    Paging(page): Paging,
) -> Result<Json<Page<ExclusionView>>, Error> {
    let mut conn = state.db.acquire().await?;
    let rows = store::list(&mut conn, &caller.scope(), asked.decided, page).await?;
    Ok(Json(Page::of(rows, page.limit, ExclusionView::cursor)))
}
