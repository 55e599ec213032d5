//! Evaluation by short link (短链评价): whoever holds the link judges one reply, without log-in. It
//! shows what is needed for that and nothing of a person.

use actix_web::{
    get, post,
    web::{Data, Json},
};
use domain::{
    complaint::{Kind, Status},
    id::ComplaintId,
    refusal::Basic,
    time::Timestamp,
};
use infra::postgres::complaint::read::tracked;
use serde::Serialize;
use utoipa::ToSchema;

use super::{
    BASE,
    complaint::reporter::EvaluateBody,
    extract::{Body, IfMatch, On, RequestMeta, Target, body::Empty, caller::needs::CentreDesk},
};
use crate::{
    app::{
        case::Ask,
        complaint::{self as complaints, Voice},
        evaluation,
        identity::admit_tracking,
    },
    error::Error,
    state::State,
};

routes![read, evaluate, link];

/// The path of a link.
pub(super) fn path(token: &str) -> String {
    format!("{BASE}/e/{token}")
}

/// 等待评价的答复
#[derive(Debug, Serialize, ToSchema)]
pub struct Judged {
    /// 诉求编号
    #[schema(example = "PC20261124000123")]
    pub number: String,
    /// 诉求类型
    pub kind: Kind,
    /// 诉求类型的名称
    #[schema(example = "求助")]
    pub kind_text: &'static str,
    /// 答复
    pub answer: Option<String>,
    /// 在什么时候之前评价
    #[schema(value_type = String, format = DateTime)]
    pub evaluate_by: Timestamp,
}

/// 打开评价链接
///
/// 不需要登录；只显示编号、类型、答复和截止时间。无效、用过和过期的链接与没有的一样。
#[utoipa::path(
    operation_id = "evaluation.read", tag = "evaluation",
    params(("id" = String, Path, description = "链接里的一段", example = "Jr0m1cH7Q2yT9sZfWlq3vA")),
    responses((status = 200, description = "等待评价的答复", body = Judged)),
    security(()),
)]
#[get("/e/{id}")]
pub async fn read(
    state: Data<State>,
    meta: RequestMeta,
    token: Target<String>,
) -> Result<Json<Judged>, Error> {
    admit_tracking(&state, &meta.address).await?;
    let found = evaluation::by_token(&state, &token.0).await?;
    Ok(Json(Judged {
        number: found.number,
        kind: found.kind,
        kind_text: found.kind.label(),
        answer: found.answer,
        evaluate_by: found.link.open_until(state.terms()),
    }))
}

/// 收到的评价
#[derive(Debug, Serialize, ToSchema)]
pub struct Received {
    /// 诉求编号
    #[schema(example = "PC20261124000123")]
    pub number: String,
    /// 评价之后的状态
    pub status: Status,
    /// 状态的名称
    #[schema(example = "已办结")]
    pub status_text: &'static str,
}

/// 凭链接评价
///
/// 效果与登录后评价相同；每个链接只能评价一次，用过即失效。
#[utoipa::path(
    operation_id = "evaluation.evaluate", tag = "evaluation",
    params(("id" = String, Path, description = "链接里的一段", example = "Jr0m1cH7Q2yT9sZfWlq3vA")),
    request_body(content = EvaluateBody, example = json!({"solved": true, "satisfaction": 5, "contacted": true})),
    responses((status = 200, description = "评价已收到", body = Received)),
    security(()),
)]
#[post("/e/{id}")]
pub async fn evaluate(
    state: Data<State>,
    meta: RequestMeta,
    token: Target<String>,
    body: Body<EvaluateBody>,
) -> Result<Json<Received>, Error> {
    admit_tracking(&state, &meta.address).await?;
    let found = evaluation::by_token(&state, &token.0).await?;
    let given = body.read()?.parse()?;
    let id = found.link.complaint;
    complaints::evaluate(&state, Ask::new(None, meta), Voice::Link(found.id), id, given).await?;
    let mut conn = state.db.acquire().await?;
    let now = tracked(&mut conn, id).await?.ok_or(Basic::NotFound)?;
    let (status, status_text) = (now.status, now.status_text);
    Ok(Json(Received { number: now.number, status, status_text }))
}

/// 评价链接
#[derive(Debug, Serialize, ToSchema)]
pub struct LinkView {
    /// 链接的路径
    #[schema(example = "/api/v1/e/Jr0m1cH7Q2yT9sZfWlq3vA")]
    pub path: String,
    /// 在什么时候之前评价
    #[schema(value_type = String, format = DateTime)]
    pub evaluate_by: Timestamp,
}

/// 取评价链接
///
/// 供区中心转给没有账号的反映人（例如电话反映的）；承办单位的人不能取自己承办的诉求的链接，每次取用留痕。
#[utoipa::path(
    operation_id = "evaluation.link", tag = "evaluation",
    params(IfMatch),
    request_body(content = Empty, example = json!({})),
    responses((status = 200, description = "评价链接", body = LinkView)),
    security(("bearer" = [])),
    extensions(("x-problems" = json!(["follow_up_taken", "follow_up_own_work", "evaluation_link_none"]))),
)]
#[post("/complaints/{id}/evaluation-link")]
pub async fn link(
    on: On<CentreDesk, ComplaintId>,
    body: Body<Empty>,
) -> Result<Json<LinkView>, Error> {
    on.read(body, |_| Ok(())).await?;
    let (token, evaluate_by) = evaluation::hand_over(&on.state, on.ask(), on.id).await?;
    Ok(Json(LinkView { path: path(&token), evaluate_by }))
}
