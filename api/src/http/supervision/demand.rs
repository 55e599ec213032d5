//! How supervisions are opened by hand: by the supervisor, and by a leader's word (批示).

use actix_web::{HttpResponse, post};
use domain::{
    id::ComplaintId,
    supervision::{Demand, Level, instruction},
};
use infra::postgres::supervision::read::SupervisionView;
use serde::Deserialize;
use utoipa::ToSchema;

use super::found;
use crate::{
    app::supervision as supervisions,
    error::Error,
    http::extract::{
        Body, IfMatch, On,
        caller::needs::{Instruct, Supervise},
    },
};

routes![supervise, instruct];

/// 督办
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SuperviseBody {
    /// 级别
    pub level: Level,
    /// 被督办单位，须正在办理此件；不填为主办单位
    #[schema(example = "urban-management")]
    pub unit: Option<String>,
    /// 督办要求，5–2000 个字
    pub demand: String,
}

/// 督办诉求
///
/// 督查立件，被督办单位须在本级时限内书面答复；逾期未答复的逐级上升。同一单位在同一件事上同时只有
/// 一件督办件。
#[utoipa::path(
    operation_id = "supervision.supervise",
    tag = "supervision",
    params(IfMatch),
    request_body(content = SuperviseBody, example = json!({"level": "letter", "demand": "请说明路灯迟迟未修的原因和完成时间。"})),
    responses((status = 201, description = "督办件", body = SupervisionView)),
    security(("bearer" = [])),
    extensions(("x-problems" = json!(["nobody_to_supervise", "supervision_open"]))),
)]
#[post("/complaints/{id}/supervise")]
async fn supervise(
    on: On<Supervise, ComplaintId>,
    body: Body<SuperviseBody>,
) -> Result<HttpResponse, Error> {
    let parse = |body: SuperviseBody| Demand::parse(body.level, body.unit.as_deref(), &body.demand);
    let demand = on.read(body, parse).await?;
    let opened = supervisions::open(&on.state, on.ask(), on.id, demand).await?;
    Ok(HttpResponse::Created().json(found(&on.state, &on.caller, opened).await?))
}

/// 批示
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct InstructBody {
    /// 批示内容，2–2000 个字
    pub text: String,
}

/// 区领导批示
///
/// 直接立三级督办，由主办单位书面答复；主办单位在此件上已有督办件的，升为三级并重新答复。
#[utoipa::path(
    operation_id = "supervision.instruct",
    tag = "supervision",
    params(IfMatch),
    request_body(content = InstructBody, example = json!({"text": "请城管局今日拿出办法，确保老人出行安全。"})),
    responses((status = 201, description = "督办件", body = SupervisionView)),
    security(("bearer" = [])),
    extensions(("x-problems" = json!(["nobody_to_supervise", "supervision_step_refused"]))),
)]
#[post("/complaints/{id}/instruct")]
async fn instruct(
    on: On<Instruct, ComplaintId>,
    body: Body<InstructBody>,
) -> Result<HttpResponse, Error> {
    let text = on.read(body, |body| Ok(instruction(&body.text)?)).await?;
    let demand = Demand::instruction(text);
    let opened = supervisions::open(&on.state, on.ask(), on.id, demand).await?;
    Ok(HttpResponse::Created().json(found(&on.state, &on.caller, opened).await?))
}
