//! Rulings on tasks: the centre's for complaints, the blower's for whistles.

use actix_web::{HttpResponse, post};
use domain::{
    id::TaskId,
    org::NodeCode,
    refusal::{Faults, Invalid},
    task::{DecideExtension, SendBack},
    text,
    time::Timestamp,
};
use infra::postgres::task::read::TaskView;
use serde::Deserialize;
use utoipa::ToSchema;

use crate::{
    app::task::{self as tasks, ReturnRuling},
    error::Error,
    http::extract::{
        Addressed, Body, IfMatch, On,
        body::Empty,
        caller::needs::{CentreDesk, JudgeTask},
    },
};

routes![decide_return, decide_extension, confirm, send_back];

/// 裁定退单
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct DecideReturnBody {
    /// 是否同意
    pub approve: bool,
    /// 改派的单位；不填则为申请中建议的单位
    #[schema(example = "power-grid")]
    pub to_unit: Option<String>,
    /// 最终裁定：改派的单位不能再退
    #[serde(default, rename = "final")]
    pub is_final: bool,
    /// 给反映人的新时限；不填则沿用原时限
    #[schema(value_type = Option<String>, format = DateTime)]
    pub reply_by: Option<Timestamp>,
    /// 理由
    pub reason: String,
}

impl DecideReturnBody {
    fn read(self) -> Result<ReturnRuling, Invalid> {
        let mut faults = Faults::default();
        let to_unit = match &self.to_unit {
            Some(code) => faults.take(NodeCode::parse("to_unit", code)),
            None => None,
        };
        let reason = faults.take(text::text("reason", &self.reason, 2, 2000));
        faults.check()?;
        Ok(ReturnRuling {
            approve: self.approve,
            to_unit,
            is_final: self.is_final,
            reply_by: self.reply_by,
            reason: reason.unwrap_or_default(),
        })
    }
}

/// 裁定退单
///
/// 不同意则任务回到原状态；同意则改派，重新计算签收和联系时限，给反映人的时限沿用，除非写明新的。
#[utoipa::path(
    operation_id = "task.decide_return",
    tag = "task",
    params(IfMatch),
    request_body(content = DecideReturnBody, example = json!({"approve": true, "to_unit": "power-grid", "reason": "产权属供电公司，由其办理"})),
    responses((status = 200, description = "任务现在的样子", body = TaskView)),
    security(("bearer" = [])),
    extensions(("x-problems" = json!(["task_step_refused", "next_unit_missing", "return_to_self", "reply_by_past", "unit_named_twice", "unit_is_reported", "not_on_duty_list"]))),
)]
#[post("/tasks/{id}/return/decide")]
async fn decide_return(
    on: On<CentreDesk, TaskId>,
    body: Body<DecideReturnBody>,
) -> Result<HttpResponse, Error> {
    let ruling = on.read(body, DecideReturnBody::read).await?;
    tasks::decide_return(&on.state, on.ask(), on.id, ruling).await?;
    on.shown().await
}

/// 裁定延期
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct DecideExtensionBody {
    /// 是否同意
    pub approve: bool,
    /// 延到什么时候；不填则为申请的时间
    #[schema(value_type = Option<String>, format = DateTime)]
    pub until: Option<Timestamp>,
    /// 理由，反映人也会看到
    pub reason: String,
}

/// 裁定延期
///
/// 同意可以另定日期；反映人会收到新的日期和原因。紧急事项不能延期，次数和天数有上限。
#[utoipa::path(
    operation_id = "task.decide_extension",
    tag = "task",
    params(IfMatch),
    request_body(content = DecideExtensionBody, example = json!({"approve": true, "reason": "配件运输需要时间，同意延期"})),
    responses((status = 200, description = "任务现在的样子", body = TaskView)),
    security(("bearer" = [])),
    extensions(("x-problems" = json!(["task_step_refused", "no_extension_asked", "extension_not_for_emergency", "extension_limit_reached", "extension_window_closed", "extension_until_out_of_range"]))),
)]
#[post("/tasks/{id}/extend/decide")]
async fn decide_extension(
    on: On<CentreDesk, TaskId>,
    body: Body<DecideExtensionBody>,
) -> Result<HttpResponse, Error> {
    let command = on
        .read(body, |body| DecideExtension::parse(body.approve, body.until, &body.reason))
        .await?;
    tasks::decide_extension(&on.state, on.ask(), on.id, command).await?;
    on.shown().await
}

/// 确认答复
///
/// 最后一个单位的答复确认后，诉求即为已答复，进入回访。
#[utoipa::path(
    operation_id = "task.confirm",
    tag = "task",
    params(IfMatch),
    request_body(content = Empty, example = json!({})),
    responses((status = 200, description = "任务现在的样子", body = TaskView)),
    security(("bearer" = [])),
    extensions(("x-problems" = json!(["task_step_refused", "awaiting_blower", "complaint_suspended"]))),
)]
#[post("/tasks/{id}/confirm")]
async fn confirm(on: On<JudgeTask, TaskId>, body: Body<Empty>) -> Result<HttpResponse, Error> {
    on.read(body, |_| Ok(())).await?;
    tasks::confirm(&on.state, on.ask(), on.id).await?;
    on.shown().await
}

/// 退回重新答复
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SendBackBody {
    /// 为什么退回
    pub reason: String,
    /// 新的答复时限；不填则至少留一个工作日
    #[schema(value_type = Option<String>, format = DateTime)]
    pub reply_by: Option<Timestamp>,
}

/// 退回重新答复
///
/// 写明哪里不合要求，可以另定答复时限；单位和负责人会收到通知。诉求的任务由区中心退回，吹哨的任务由吹哨单位退回。
#[utoipa::path(
    operation_id = "task.send_back",
    tag = "task",
    params(IfMatch),
    request_body(content = SendBackBody, example = json!({"reason": "没有说明东侧两盏灯的情况"})),
    responses((status = 200, description = "任务现在的样子", body = TaskView)),
    security(("bearer" = [])),
    extensions(("x-problems" = json!(["task_step_refused", "reply_by_past", "awaiting_blower"]))),
)]
#[post("/tasks/{id}/send-back")]
async fn send_back(
    on: On<JudgeTask, TaskId>,
    body: Body<SendBackBody>,
) -> Result<HttpResponse, Error> {
    let command = on.read(body, |body| SendBack::parse(&body.reason, body.reply_by)).await?;
    tasks::send_back(&on.state, on.ask(), on.id, command).await?;
    on.shown().await
}
