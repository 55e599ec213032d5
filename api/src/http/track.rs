//! Tracking without log-in (凭查询码办理): number and query code stand in for an account. A wrong
//! code and a wrong number look the same, and both are rate limited.

use actix_web::{
    post,
    web::{Data, Json},
};
use domain::{
    complaint::{Reopen, Withdraw},
    evaluation::Evaluation,
    id::ComplaintId,
    refusal::Basic,
};
use infra::postgres::complaint::read::{self, PublicView};
use serde::Deserialize;
use utoipa::ToSchema;

use super::extract::{Body, RequestMeta};
use crate::{
    app::{
        case::Ask,
        complaint::{self as complaints, Credentials, Voice, by_query_code},
        identity::admit_tracking,
    },
    error::Error,
    state::State,
};

routes![track, evaluate, withdraw, remind, reopen];

/// 编号和查询码
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TrackBody {
    /// 诉求编号
    #[schema(example = "PC20261124000123")]
    pub number: String,
    /// 查询码
    #[schema(example = "7KQ2M8XW4T")]
    pub query_code: String,
}

/// Checks number and code, and says who asks: nobody, from an address.
async fn checked(
    state: &State,
    meta: &RequestMeta,
    number: String,
    query_code: String,
) -> Result<(ComplaintId, Ask), Error> {
    admit_tracking(state, &meta.address).await?;
    let id = by_query_code(state, &Credentials { number, query_code }).await?;
    Ok((id, Ask::new(None, meta.clone())))
}

async fn shown(state: &State, id: ComplaintId) -> Result<Json<PublicView>, Error> {
    let mut connection = state.db.acquire().await?;
    let view = read::tracked(&mut connection, id).await?.ok_or(Basic::NotFound)?;
    Ok(Json(view))
}

/// 查询进度
///
/// 编号和查询码都对才答复；编号不对、查询码不对，答复相同。不需要登录，有次数限制。
#[utoipa::path(
    operation_id = "track.read",
    tag = "track",
    request_body(content = TrackBody, example = json!({"number": "PC20261124000123", "query_code": "7KQ2M8XW4T"})),
    responses((status = 200, description = "办理进度", body = PublicView)),
    security(()),
    extensions(("x-problems" = json!(["not_found"]))),
)]
#[post("/track")]
async fn track(
    state: Data<State>,
    meta: RequestMeta,
    body: Body<TrackBody>,
) -> Result<Json<PublicView>, Error> {
    let body = body.read()?;
    let (id, _) = checked(&state, &meta, body.number, body.query_code).await?;
    shown(&state, id).await
}

/// 凭查询码评价
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TrackEvaluateBody {
    /// 诉求编号
    pub number: String,
    /// 查询码
    pub query_code: String,
    /// 是否解决
    pub solved: bool,
    /// 满意度，1–5
    #[schema(minimum = 1, maximum = 5)]
    pub satisfaction: i64,
    /// 承办单位是否联系过您
    pub contacted: Option<bool>,
    /// 想说的话
    pub comment: Option<String>,
}

/// 凭查询码评价
///
/// 与登录后评价一样：是否解决、满意程度、有没有人联系过。并入别的诉求的，随主办的那件一起开放评价。
#[utoipa::path(
    operation_id = "track.evaluate",
    tag = "track",
    request_body(content = TrackEvaluateBody, example = json!({"number": "PC20261124000123", "query_code": "7KQ2M8XW4T", "solved": true, "satisfaction": 4})),
    responses((status = 200, description = "办理进度", body = PublicView)),
    security(()),
    extensions(("x-problems" = json!(["not_found", "complaint_step_refused", "leading_case_open", "already_evaluated"]))),
)]
#[post("/track/evaluate")]
async fn evaluate(
    state: Data<State>,
    meta: RequestMeta,
    body: Body<TrackEvaluateBody>,
) -> Result<Json<PublicView>, Error> {
    let body = body.read()?;
    let (id, ask) = checked(&state, &meta, body.number, body.query_code).await?;
    let comment = body.comment.as_deref();
    let given = Evaluation::new(body.solved, body.satisfaction, body.contacted, comment)?;
    complaints::evaluate(&state, ask, Voice::QueryCode, id, given).await?;
    shown(&state, id).await
}

/// 凭查询码办理，附原因
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TrackReasonBody {
    /// 诉求编号
    pub number: String,
    /// 查询码
    pub query_code: String,
    /// 原因；撤回时可以不填
    pub reason: Option<String>,
}

/// 凭查询码撤回
///
/// 已经派单的，在办单位会收到通知，任务随之取消。
#[utoipa::path(
    operation_id = "track.withdraw",
    tag = "track",
    request_body(content = TrackReasonBody, example = json!({"number": "PC20261124000123", "query_code": "7KQ2M8XW4T"})),
    responses((status = 200, description = "办理进度", body = PublicView)),
    security(()),
    extensions(("x-problems" = json!(["not_found", "complaint_step_refused"]))),
)]
#[post("/track/withdraw")]
async fn withdraw(
    state: Data<State>,
    meta: RequestMeta,
    body: Body<TrackReasonBody>,
) -> Result<Json<PublicView>, Error> {
    let body = body.read()?;
    let (id, ask) = checked(&state, &meta, body.number, body.query_code).await?;
    let command = Withdraw::parse(body.reason.as_deref())?;
    complaints::withdraw(&state, ask, Voice::QueryCode, id, command).await?;
    shown(&state, id).await
}

/// 凭查询码催办
///
/// 在办单位和区中心会收到催办；不改变时限。
#[utoipa::path(
    operation_id = "track.remind",
    tag = "track",
    request_body(content = TrackBody, example = json!({"number": "PC20261124000123", "query_code": "7KQ2M8XW4T"})),
    responses((status = 200, description = "办理进度", body = PublicView)),
    security(()),
    extensions(("x-problems" = json!(["not_found", "complaint_step_refused"]))),
)]
#[post("/track/remind")]
async fn remind(
    state: Data<State>,
    meta: RequestMeta,
    body: Body<TrackBody>,
) -> Result<Json<PublicView>, Error> {
    let body = body.read()?;
    let (id, ask) = checked(&state, &meta, body.number, body.query_code).await?;
    complaints::remind(&state, ask, Voice::QueryCode, id).await?;
    shown(&state, id).await
}

/// 凭查询码要求重新办理或复核
///
/// 办结后要求重新办理，或对不予受理、直接答复申请复核；写明原因。
#[utoipa::path(
    operation_id = "track.reopen",
    tag = "track",
    request_body(content = TrackReasonBody, example = json!({"number": "PC20261124000123", "query_code": "7KQ2M8XW4T", "reason": "问题又出现了"})),
    responses((status = 200, description = "办理进度", body = PublicView)),
    security(()),
    extensions(("x-problems" = json!(["not_found", "complaint_step_refused", "appeal_used"]))),
)]
#[post("/track/reopen")]
async fn reopen(
    state: Data<State>,
    meta: RequestMeta,
    body: Body<TrackReasonBody>,
) -> Result<Json<PublicView>, Error> {
    let body = body.read()?;
    let (id, ask) = checked(&state, &meta, body.number, body.query_code).await?;
    let command = Reopen::parse(body.reason.as_deref().unwrap_or_default())?;
    complaints::reopen(&state, ask, Voice::QueryCode, id, command).await?;
    shown(&state, id).await
}
