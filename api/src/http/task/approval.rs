//! The head's approval of replies (领导审签), and which replies of a unit need it.

use actix_web::{HttpResponse, get, post, put, web::Json};
use domain::{
    id::TaskId,
    org::NodeCode,
    refusal::Basic,
    task::{ApprovalRule, DecideReply, Outcome},
};
use infra::postgres::task::{
    approval::read::{self, ApprovalRuleView},
    read::TaskView,
};
use serde::Deserialize;
use utoipa::ToSchema;

use crate::{
    app::task as tasks,
    error::Error,
    http::extract::{
        Addressed, Body, IfMatch, On,
        body::Empty,
        caller::needs::{ReadTask, SignForUnit, WorkTask},
    },
    http::supervision::roster::UnitPath,
};

routes![decide_reply, withdraw_reply, set_approval, approval];

/// 审签
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct DecideReplyBody {
    /// 是否同意发出
    pub approve: bool,
    /// 退回修改的原因，不同意时必填，最多 2000 个字
    pub reason: Option<String>,
}

/// 审签答复
///
/// 由本单位负责人（街道、社区为另一位工作者）决定，不能审签自己起草的答复。同意的，答复即时发出，以此时为答复时间；
/// 不同意的退回起草人修改。
#[utoipa::path(
    operation_id = "task.decide_reply",
    tag = "task",
    params(IfMatch),
    request_body(content = DecideReplyBody, example = json!({"approve": true})),
    responses((status = 200, description = "任务现在的样子", body = TaskView)),
    security(("bearer" = [])),
    extensions(("x-problems" = json!(["task_step_refused", "no_reply_waits", "own_reply", "unit_answers", "case_suspended"]))),
)]
#[post("/tasks/{id}/reply/decide")]
async fn decide_reply(
    on: On<SignForUnit, TaskId>,
    body: Body<DecideReplyBody>,
) -> Result<HttpResponse, Error> {
    let parse = |body: DecideReplyBody| DecideReply::parse(body.approve, body.reason.as_deref());
    let command = on.read(body, parse).await?;
    tasks::decide_reply(&on.state, on.ask(), on.id, command).await?;
    on.shown().await
}

/// 撤回送审
///
/// 撤回等待审签的答复，修改后重新提交。
#[utoipa::path(
    operation_id = "task.withdraw_reply",
    tag = "task",
    params(IfMatch),
    request_body(content = Empty, example = json!({})),
    responses((status = 200, description = "任务现在的样子", body = TaskView)),
    security(("bearer" = [])),
    extensions(("x-problems" = json!(["task_step_refused", "no_reply_waits"]))),
)]
#[post("/tasks/{id}/reply/withdraw")]
async fn withdraw_reply(
    on: On<WorkTask, TaskId>,
    body: Body<Empty>,
) -> Result<HttpResponse, Error> {
    on.read(body, |_| Ok(())).await?;
    tasks::withdraw_reply(&on.state, on.ask(), on.id).await?;
    on.shown().await
}

/// 答复审签的设置
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ApprovalRuleBody {
    /// 哪些结果的答复须经本单位负责人审签；空为都不需要
    pub outcomes: Vec<Outcome>,
}

/// 设置答复审签
///
/// 由本单位负责人（街道、社区为其工作者）设置，默认都不需要；已经送审的答复不受影响。
#[utoipa::path(
    operation_id = "task.set_approval",
    tag = "task",
    params(UnitPath),
    request_body(content = ApprovalRuleBody, example = json!({"outcomes": ["refused", "explained"]})),
    responses((status = 200, description = "现在的设置", body = ApprovalRuleView)),
    security(("bearer" = [])),
)]
#[put("/units/{id}/reply-approval")]
async fn set_approval(
    on: On<SignForUnit, NodeCode>,
    body: Body<ApprovalRuleBody>,
) -> Result<Json<ApprovalRuleView>, Error> {
    let rule = on.read(body, |body| Ok(ApprovalRule::new(body.outcomes))).await?;
    tasks::set_approval(&on.state, on.ask(), on.id.clone(), rule).await?;
    shown(&on).await
}

/// 查看答复审签的设置
///
/// 本单位的答复要不要负责人审签，由谁在什么时候设置。
#[utoipa::path(
    operation_id = "task.approval",
    tag = "task",
    params(UnitPath),
    responses((status = 200, description = "现在的设置", body = ApprovalRuleView)),
    security(("bearer" = [])),
)]
#[get("/units/{id}/reply-approval")]
async fn approval(on: On<ReadTask, NodeCode>) -> Result<Json<ApprovalRuleView>, Error> {
    shown(&on).await
}

async fn shown<P>(on: &On<P, NodeCode>) -> Result<Json<ApprovalRuleView>, Error> {
    let mut connection = on.state.db.acquire().await?;
    let found = read::find(&mut connection, &on.caller.scope(), &on.id).await?;
    Ok(Json(found.ok_or(Basic::NotFound)?))
}
