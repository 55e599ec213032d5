//! Final replies (最终答复) over HTTP: proposed by the lead, signed by its head, confirmed by the
//! centre, cited in answers to further appeals.

use actix_web::{
    HttpResponse, get,
    http::header::ETAG,
    post,
    web::{Data, Json},
};
use domain::{
    final_reply::{Propose, Status, Verdict},
    id::{ComplaintId, FinalReplyId},
    page::{Limit, Page, PageRequest},
    refusal::{Basic, Invalid},
    text,
};
use infra::postgres::final_reply::read::{self, Filter, FinalReplyView};
use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};

use super::{
    complaint::ComplaintView,
    extract::{
        Addressed, Body, Caller, IfMatch, On, Paging, Query,
        caller::needs::{CentreDesk, ReadTask, SignForUnit, Supervise, WorkTask},
    },
};
use crate::{
    app::final_reply::{self as finals, Citation},
    error::Error,
    state::State,
};

routes![propose, list, read_one, sign, confirm, revoke, cite];

/// 提出最终答复
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ProposeFinalBody {
    /// 答复内容，10–10000 个字，以后用它答复同一反映人的同一事项
    pub text: String,
    /// 依据的法律、法规或文件
    pub legal_basis: String,
    /// 证据，10–5000 个字：已经怎样办理、为什么只能如此；反映人看不到
    pub evidence: String,
    /// 有效天数，30–1095，默认 365，从区中心确认之日起算
    pub valid_days: Option<i32>,
}

/// 提出最终答复
///
/// 由主办单位对已经答复、又经重办、复核或重新办理的诉求提出，附依据和证据；本单位负责人签署、区中心确认后生效。
#[utoipa::path(
    operation_id = "final_reply.propose",
    tag = "final_reply",
    params(IfMatch),
    request_body(content = ProposeFinalBody, example = json!({"text": "该处为规划预留用地，经两次现场核查，近期不能增设停车位，已与反映人当面说明。", "legal_basis": "平城区停车设施专项规划", "evidence": "两次现场核查记录、规划批复和当面说明记录"})),
    responses((status = 201, description = "最终答复", body = FinalReplyView)),
    security(("bearer" = [])),
    extensions(("x-problems" = json!(["final_reply_not_answered", "final_reply_not_reviewed", "final_reply_not_lead", "final_reply_there"]))),
)]
#[post("/complaints/{id}/final-replies")]
async fn propose(
    on: On<WorkTask, ComplaintId>,
    body: Body<ProposeFinalBody>,
) -> Result<HttpResponse, Error> {
    let parse = |body: ProposeFinalBody| {
        Propose::parse(&body.text, &body.legal_basis, &body.evidence, body.valid_days)
    };
    let command = on.read(body, parse).await?;
    let id = finals::propose(&on.state, on.ask(), on.id, command).await?;
    let view = found(&on.state, &on.caller, id).await?;
    Ok(HttpResponse::Created().json(view))
}

/// 列表的筛选条件
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct ListFilter {
    /// 状态
    #[param(required = false)]
    status: Option<Status>,
    /// 属于哪件诉求
    #[param(required = false)]
    complaint_id: Option<ComplaintId>,
}

/// 最终答复列表
///
/// 主办单位看本单位的，区中心看全部；新的在前。
#[utoipa::path(
    operation_id = "final_reply.list",
    tag = "final_reply",
    params(ListFilter, Paging),
    responses((status = 200, description = "一页最终答复", body = Page<FinalReplyView>)),
    security(("bearer" = [])),
)]
#[get("/final-replies")]
async fn list(
    caller: Caller<ReadTask>,
    state: Data<State>,
    filter: Query<ListFilter>,
    page: Paging,
) -> Result<Json<Page<FinalReplyView>>, Error> {
    let filter = Filter { id: None, complaint: filter.0.complaint_id, status: filter.0.status };
    let mut connection = state.db.acquire().await?;
    let rows = read::list(&mut connection, &caller.scope(), filter, page.0).await?;
    Ok(Json(Page::of(rows, page.0.limit, FinalReplyView::cursor)))
}

/// The final reply as the caller may see it; a foreign one is missing.
async fn found<P>(
    state: &State,
    caller: &Caller<P>,
    id: FinalReplyId,
) -> Result<FinalReplyView, Error> {
    let filter = Filter { id: Some(id), ..Filter::default() };
    let one = PageRequest { after: None, limit: Limit::DEFAULT };
    let mut connection = state.db.acquire().await?;
    let mut rows = read::list(&mut connection, &caller.scope(), filter, one).await?;
    rows.pop().ok_or_else(|| Basic::NotFound.into())
}

impl<P> Addressed for On<P, FinalReplyId> {
    async fn visible(&self) -> Result<(), Error> {
        found(&self.state, &self.caller, self.id).await.map(drop)
    }

    async fn shown(&self) -> Result<HttpResponse, Error> {
        let view = found(&self.state, &self.caller, self.id).await?;
        let etag = format!("\"{}\"", view.version);
        Ok(HttpResponse::Ok().insert_header((ETAG, etag)).json(view))
    }
}

/// 查看最终答复
///
/// 提出、签署、确认的经过和全文；本单位和区中心能看。
#[utoipa::path(
    operation_id = "final_reply.read",
    tag = "final_reply",
    responses((status = 200, description = "最终答复", body = FinalReplyView,
        headers(("ETag" = String, description = "版本号，用于 If-Match")))),
    security(("bearer" = [])),
)]
#[get("/final-replies/{id}")]
async fn read_one(on: On<ReadTask, FinalReplyId>) -> Result<HttpResponse, Error> {
    on.shown().await
}

/// 签署或确认
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct VerdictBody {
    /// 是否同意
    pub approve: bool,
    /// 不同意的原因，不同意时必填
    pub reason: Option<String>,
}

impl VerdictBody {
    fn read(self) -> Result<Verdict, Invalid> {
        Verdict::parse(self.approve, self.reason.as_deref())
    }
}

/// 签署最终答复
///
/// 由主办单位负责人（街道、社区为另一位工作者）签署，不能签署自己提出的；不同意的，可以修改后重新提出。
#[utoipa::path(
    operation_id = "final_reply.sign",
    tag = "final_reply",
    params(IfMatch),
    request_body(content = VerdictBody, example = json!({"approve": true})),
    responses((status = 200, description = "最终答复现在的样子", body = FinalReplyView)),
    security(("bearer" = [])),
    extensions(("x-problems" = json!(["final_reply_step_refused", "final_reply_own_proposal"]))),
)]
#[post("/final-replies/{id}/sign")]
async fn sign(
    on: On<SignForUnit, FinalReplyId>,
    body: Body<VerdictBody>,
) -> Result<HttpResponse, Error> {
    let verdict = on.read(body, VerdictBody::read).await?;
    finals::sign(&on.state, on.ask(), on.id, verdict).await?;
    on.shown().await
}

/// 确认最终答复
///
/// 区中心核对程序和证据后确认，即时生效并告知反映人；不同意的写明原因。
#[utoipa::path(
    operation_id = "final_reply.confirm",
    tag = "final_reply",
    params(IfMatch),
    request_body(content = VerdictBody, example = json!({"approve": true})),
    responses((status = 200, description = "最终答复现在的样子", body = FinalReplyView)),
    security(("bearer" = [])),
    extensions(("x-problems" = json!(["final_reply_step_refused", "final_reply_not_answered", "final_reply_outdated"]))),
)]
#[post("/final-replies/{id}/confirm")]
async fn confirm(
    on: On<CentreDesk, FinalReplyId>,
    body: Body<VerdictBody>,
) -> Result<HttpResponse, Error> {
    let verdict = on.read(body, VerdictBody::read).await?;
    finals::confirm(&on.state, on.ask(), on.id, verdict).await?;
    on.shown().await
}

/// 撤销
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RevokeFinalBody {
    /// 原因，5–2000 个字；反映人也会看到
    pub reason: String,
}

/// 撤销最终答复
///
/// 出现新的事实或答复有误时，由督查撤销；此后的诉求照常受理办理。
#[utoipa::path(
    operation_id = "final_reply.revoke",
    tag = "final_reply",
    params(IfMatch),
    request_body(content = RevokeFinalBody, example = json!({"reason": "规划已经调整，可以重新研究"})),
    responses((status = 200, description = "最终答复现在的样子", body = FinalReplyView)),
    security(("bearer" = [])),
    extensions(("x-problems" = json!(["final_reply_step_refused"]))),
)]
#[post("/final-replies/{id}/revoke")]
async fn revoke(
    on: On<Supervise, FinalReplyId>,
    body: Body<RevokeFinalBody>,
) -> Result<HttpResponse, Error> {
    let parse =
        |body: RevokeFinalBody| text::text("reason", &body.reason, 5, 2000).map_err(Invalid::from);
    let reason = on.read(body, parse).await?;
    finals::revoke(&on.state, on.ask(), on.id, reason).await?;
    on.shown().await
}

/// 依据最终答复答复
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CiteBody {
    /// 最终答复的编号，取自诉求的 final_replies
    pub final_reply: FinalReplyId,
    /// 区中心的说明，写在最终答复之前，最多 1000 个字
    pub explanation: Option<String>,
}

/// 依据最终答复答复
///
/// 同一反映人就同一事项再次反映、没有新的事实的，区中心引用生效的最终答复答复，按直接答复计入区中心的数字。反映人仍
/// 可以申请复核一次；申请复核后、紧急事项、有效期届满或原诉求正在重新办理的，不能引用。
#[utoipa::path(
    operation_id = "final_reply.cite",
    tag = "final_reply",
    params(IfMatch),
    request_body(content = CiteBody, example = json!({"final_reply": "019ab0c1-d2e3-7f00-8a1b-2c3d4e5f6071", "explanation": "您这次反映的与上次为同一事项，没有新的情况。"})),
    responses((status = 200, description = "诉求现在的样子", body = ComplaintView)),
    security(("bearer" = [])),
    extensions(("x-problems" = json!(["complaint_step_refused", "whistle_open", "final_reply_step_refused", "final_reply_expired", "final_reply_own_case", "final_reply_not_answered", "final_reply_outdated", "final_reply_secret", "final_reply_other_reporter", "final_reply_new_facts", "final_reply_emergency"]))),
)]
#[post("/complaints/{id}/answer-with-final")]
async fn cite(
    on: On<CentreDesk, ComplaintId>,
    body: Body<CiteBody>,
) -> Result<HttpResponse, Error> {
    let parse = |body: CiteBody| Citation::parse(body.final_reply, body.explanation.as_deref());
    let citation = on.read(body, parse).await?;
    finals::cite(&on.state, on.ask(), on.id, citation).await?;
    on.shown().await
}
