//! What the reporter does with a complaint of their own, logged in. Without log-in the same is
//! done by number and query code, in [`crate::http::track`].

use actix_web::{HttpResponse, post};
use domain::{
    complaint::{Reopen, Withdraw},
    evaluation::Evaluation,
    id::ComplaintId,
};
use serde::Deserialize;
use utoipa::ToSchema;

use super::ComplaintView;
use crate::{
    app::complaint::{self as complaints, Voice},
    error::Error,
    http::extract::{Addressed, Body, IfMatch, On, body::Empty, caller::needs::OwnComplaint},
};

routes![withdraw, remind, evaluate, reopen];

/// 撤回
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct WithdrawBody {
    /// 原因，可以不填
    pub reason: Option<String>,
}

/// 撤回诉求
///
/// 答复之前可以撤回；未完成的任务取消并通知单位。
#[utoipa::path(
    operation_id = "complaint.withdraw",
    tag = "complaint",
    params(IfMatch),
    request_body(content = WithdrawBody, example = json!({"reason": "问题已经自己解决了"})),
    responses((status = 200, description = "诉求现在的样子", body = ComplaintView)),
    security(("bearer" = [])),
    extensions(("x-problems" = json!(["complaint_step_refused"]))),
)]
#[post("/complaints/{id}/withdraw")]
async fn withdraw(
    on: On<OwnComplaint, ComplaintId>,
    body: Body<WithdrawBody>,
) -> Result<HttpResponse, Error> {
    let command = on.read(body, |body| Withdraw::parse(body.reason.as_deref())).await?;
    complaints::withdraw(&on.state, on.ask(), Voice::Account, on.id, command).await?;
    on.shown().await
}

/// 催办
///
/// 十分钟内重复催办只算一次。
#[utoipa::path(
    operation_id = "complaint.remind",
    tag = "complaint",
    params(IfMatch),
    request_body(content = Empty, example = json!({})),
    responses((status = 200, description = "诉求现在的样子", body = ComplaintView)),
    security(("bearer" = [])),
    extensions(("x-problems" = json!(["complaint_step_refused"]))),
)]
#[post("/complaints/{id}/remind")]
async fn remind(
    on: On<OwnComplaint, ComplaintId>,
    body: Body<Empty>,
) -> Result<HttpResponse, Error> {
    on.read(body, |_| Ok(())).await?;
    complaints::remind(&on.state, on.ask(), Voice::Account, on.id).await?;
    on.shown().await
}

/// 评价
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct EvaluateBody {
    /// 是否解决
    pub solved: bool,
    /// 满意度：5 非常满意 · 4 满意 · 3 基本满意 · 2 不满意 · 1 非常不满意
    #[schema(minimum = 1, maximum = 5)]
    pub satisfaction: i64,
    /// 承办单位是否联系过您
    pub contacted: Option<bool>,
    /// 想说的话
    pub comment: Option<String>,
}

impl EvaluateBody {
    pub(in crate::http) fn parse(&self) -> Result<Evaluation, domain::refusal::Invalid> {
        let comment = self.comment.as_deref();
        Evaluation::new(self.solved, self.satisfaction, self.contacted, comment)
    }
}

/// 评价
///
/// 已解决且基本满意以上即办结；否则由主办单位重办，重办两次后转入会商。
#[utoipa::path(
    operation_id = "complaint.evaluate",
    tag = "complaint",
    params(IfMatch),
    request_body(content = EvaluateBody, example = json!({"solved": true, "satisfaction": 5, "contacted": true, "comment": "路灯当晚就亮了"})),
    responses((status = 200, description = "诉求现在的样子", body = ComplaintView)),
    security(("bearer" = [])),
    extensions(("x-problems" = json!(["complaint_step_refused", "leading_case_open", "already_evaluated"]))),
)]
#[post("/complaints/{id}/evaluate")]
async fn evaluate(
    on: On<OwnComplaint, ComplaintId>,
    body: Body<EvaluateBody>,
) -> Result<HttpResponse, Error> {
    let command = on.read(body, |body| body.parse()).await?;
    complaints::evaluate(&on.state, on.ask(), Voice::Account, on.id, command).await?;
    on.shown().await
}

/// 重新办理或申请复核
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ReopenBody {
    /// 原因：还有什么没有解决
    pub reason: String,
}

/// 重新办理或申请复核
///
/// 办结后十五日内可以要求重新办理；对不予受理或直接答复可以申请复核一次。
#[utoipa::path(
    operation_id = "complaint.reopen",
    tag = "complaint",
    params(IfMatch),
    request_body(content = ReopenBody, example = json!({"reason": "路灯亮了两天又灭了"})),
    responses((status = 200, description = "诉求现在的样子", body = ComplaintView)),
    security(("bearer" = [])),
    extensions(("x-problems" = json!(["complaint_step_refused", "appeal_used"]))),
)]
#[post("/complaints/{id}/reopen")]
async fn reopen(
    on: On<OwnComplaint, ComplaintId>,
    body: Body<ReopenBody>,
) -> Result<HttpResponse, Error> {
    let command = on.read(body, |body| Reopen::parse(&body.reason)).await?;
    complaints::reopen(&on.state, on.ask(), Voice::Account, on.id, command).await?;
    on.shown().await
}
