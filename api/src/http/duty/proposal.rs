//! Proposals for the next version of a duty list.

use actix_web::{
    HttpResponse, get,
    http::header::ETAG,
    post,
    web::{Data, Json},
};
use domain::{
    duty::{
        ListKind,
        proposal::{Decide, Proposal, Status},
    },
    id::{DutyProposalId, TaskId},
    org::NodeCode,
    page::{Limit, Page, PageRequest},
    refusal::Basic,
    time::Timestamp,
};
use infra::postgres::duty::proposal::read::{self, Filter, Shown};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::{
    app::{case::Ask, duty::proposal as proposals},
    error::Error,
    http::extract::{
        Addressed, Body, Caller, IfMatch, On, Paging, Query, RequestMeta,
        caller::needs::{DecideDuty, ProposeDuty, Staff},
    },
    state::State,
};

routes![propose, list, decide];

/// 对清单下一版的建议
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = DutyProposalView)]
pub struct ProposalView {
    /// 编号
    pub id: DutyProposalId,
    /// 版本号，用于 If-Match
    pub version: i64,
    /// 状态
    pub status: Status,
    /// 状态的中文
    #[schema(example = "待定")]
    pub status_text: &'static str,
    /// 事项代码
    #[schema(example = "city-05")]
    pub item: String,
    /// 事项
    pub item_name: String,
    /// 清单种类
    pub list_kind: ListKind,
    /// 针对哪一版
    #[schema(example = "territorial-2024.1")]
    pub list_version: String,
    /// 建议怎么写、为什么
    pub text: String,
    /// 建议由谁牵头
    pub lead_unit: Option<NodeCode>,
    /// 由哪张任务单的退单引起
    pub from_task: Option<TaskId>,
    /// 提出的单位；区中心自己提的为 null
    pub unit: Option<NodeCode>,
    /// 提出的单位的名称
    pub unit_name: Option<String>,
    /// 提出时间
    #[schema(value_type = String, format = DateTime)]
    pub made_at: Timestamp,
    /// 决定时间
    #[schema(value_type = Option<String>, format = DateTime)]
    pub decided_at: Option<Timestamp>,
    /// 决定的理由
    pub note: Option<String>,
    /// 写进了哪一版
    pub settled_in: Option<String>,
}

impl From<Shown> for ProposalView {
    fn from(shown: Shown) -> Self {
        Self {
            id: shown.id,
            version: shown.version,
            status: shown.status,
            status_text: shown.status.label(),
            item: shown.item,
            item_name: shown.item_name,
            list_kind: shown.kind,
            list_version: shown.list,
            text: shown.text,
            lead_unit: shown.lead_unit,
            from_task: shown.from_task,
            unit: shown.unit,
            unit_name: shown.unit_name,
            made_at: shown.made_at,
            decided_at: shown.decided_at,
            note: shown.note,
            settled_in: shown.settled_in,
        }
    }
}

async fn found(state: &State, id: DutyProposalId) -> Result<ProposalView, Error> {
    let filter = Filter { id: Some(id), ..Filter::default() };
    let one = PageRequest { after: None, limit: Limit::DEFAULT };
    let mut conn = state.db.acquire().await?;
    let shown = read::list(&mut conn, &filter, one).await?.pop();
    Ok(shown.ok_or(Basic::NotFound)?.into())
}

impl<P> Addressed for On<P, DutyProposalId> {
    async fn visible(&self) -> Result<(), Error> {
        found(&self.state, self.id).await.map(|_| ())
    }

    async fn shown(&self) -> Result<HttpResponse, Error> {
        let view = found(&self.state, self.id).await?;
        let etag = format!("\"{}\"", view.version);
        Ok(HttpResponse::Ok().insert_header((ETAG, etag)).json(view))
    }
}

/// 建议
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = DutyProposeBody)]
pub struct ProposeBody {
    /// 事项代码
    pub item: String,
    /// 建议怎么写、为什么，5–2000 个字
    pub text: String,
    /// 由哪张任务单的退单引起（理由是“不属于本单位职责”或“职责交叉”）
    pub from_task: Option<TaskId>,
    /// 建议由谁牵头
    pub lead_unit: Option<String>,
}

/// 对清单提出建议
///
/// 按清单办事的单位可以提异议；区中心裁定退单后，也可以由那张任务单记下来，算退单单位提的。
/// 同一单位对同一事项，前一条没有结果之前不能再提。
#[utoipa::path(
    operation_id = "duty.propose", tag = "duty",
    request_body(content = ProposeBody, example = json!({"item": "city-05", "text": "道路井盖按权属由水务局牵头更合适，城管局配合围挡。", "lead_unit": "water"})),
    security(("bearer" = [])),
    responses((status = 201, description = "已提出", body = ProposalView)),
    extensions(("x-problems" = json!(["duty_proposal_open", "duty_no_such_return"]))),
)]
#[post("/duty-proposals")]
async fn propose(
    caller: Caller<ProposeDuty>,
    state: Data<State>,
    meta: RequestMeta,
    body: Body<ProposeBody>,
) -> Result<HttpResponse, Error> {
    let body = body.read()?;
    let lead = body.lead_unit.as_deref();
    let proposal = Proposal::parse(&body.item, &body.text, body.from_task, lead)?;
    let actor = caller.actor.clone();
    let ask = Ask::new(Some(actor.clone()), meta);
    let id = proposals::make(&state, ask, actor, proposal).await?;
    Ok(HttpResponse::Created().json(found(&state, id).await?))
}

/// Which proposals.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct ProposalFilter {
    /// 状态
    #[param(required = false)]
    status: Option<Status>,
    /// 事项代码
    #[param(required = false, example = "city-05")]
    item: Option<String>,
}

/// 对清单的建议
///
/// 新的在前；工作人员都可以看。
#[utoipa::path(
    operation_id = "duty.proposals", tag = "duty", params(ProposalFilter, Paging),
    security(("bearer" = [])),
    responses((status = 200, description = "一页建议", body = Page<ProposalView>)),
)]
#[get("/duty-proposals")]
async fn list(
    _caller: Caller<Staff>,
    state: Data<State>,
    filter: Query<ProposalFilter>,
    Paging(page): Paging,
) -> Result<Json<Page<ProposalView>>, Error> {
    let filter = Filter { id: None, status: filter.0.status, item: filter.0.item };
    let mut conn = state.db.acquire().await?;
    let page = Page::of(read::list(&mut conn, &filter, page).await?, page.limit, Shown::cursor);
    let items = page.items.into_iter().map(ProposalView::from).collect();
    Ok(Json(Page { items, next_cursor: page.next_cursor }))
}

/// 决定
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = DutyDecideBody)]
pub struct DecideBody {
    /// 是否采纳
    pub adopt: bool,
    /// 理由
    pub note: String,
}

/// 决定一条建议
///
/// 采纳的在下一次导入试运行时列出，直到有新版改动了这一事项。
#[utoipa::path(
    operation_id = "duty.decide", tag = "duty", params(IfMatch),
    request_body(content = DecideBody, example = json!({"adopt": true, "note": "权属清楚，下一版调整"})),
    security(("bearer" = [])),
    responses((status = 200, description = "建议现在的样子", body = ProposalView)),
    extensions(("x-problems" = json!(["duty_proposal_decided", "duty_own_proposal"]))),
)]
#[post("/duty-proposals/{id}/decide")]
async fn decide(
    on: On<DecideDuty, DutyProposalId>,
    body: Body<DecideBody>,
) -> Result<HttpResponse, Error> {
    let command = on.read(body, |body| Decide::parse(body.adopt, &body.note)).await?;
    let actor = on.caller.actor.clone();
    proposals::decide(&on.state, on.ask(), actor, on.id, command).await?;
    on.shown().await
}
