//! Changes of a registration (报到变更) over HTTP.

use actix_web::{
    HttpResponse, get,
    http::header::ETAG,
    post,
    web::{Data, Json},
};
use domain::{
    id::ChangeId,
    page::Page,
    refusal::Invalid,
    registration::change::{Asking, Form, Ground, Kind, Status, Verdict},
};
use infra::postgres::registration::change::{ChangeView, Filter, Whose};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::{
    app::{
        case::Ask,
        registration::{self, change as changes},
    },
    error::Error,
    http::extract::{
        Addressed, Body, Caller, IfMatch, On, Paging, Query, RequestMeta,
        body::Empty,
        caller::needs::{Register, SignRegistration},
    },
    state::State,
};

routes![ask_change, mine, take_back, list, read_one, decide];

/// 申请变更报到
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ChangeBody {
    /// 变更什么
    pub kind: Kind,
    /// 转到哪个社区；只在转社区时填
    pub community_code: Option<String>,
    /// 变更到哪个工作单位的代码；只在变更单位时填
    pub work_unit: Option<String>,
    /// 免除哪一年的要求；只在免除时填
    pub year: Option<i32>,
    /// 免除的理由；只在免除时填
    pub ground: Option<Ground>,
    /// 原因，2–500 个字；只有本人和办理的社区看得到
    pub reason: String,
}

impl ChangeBody {
    fn read(&self) -> Result<Asking, Invalid> {
        let form = Form {
            community_code: self.community_code.as_deref(),
            work_unit: self.work_unit.as_deref(),
            year: self.year,
            ground: self.ground,
            reason: &self.reason,
        };
        Asking::parse(self.kind, form)
    }
}

/// 报到变更及原因
#[derive(Debug, Serialize, ToSchema)]
pub struct ChangeDetail {
    /// 变更本身
    #[serde(flatten)]
    pub change: ChangeView,
    /// 党员的姓名；列表里只显示姓，本人看自己的为空
    #[schema(example = "演*****")]
    pub name: Option<String>,
    /// 本人写的原因；社区的列表里为空，打开一件时才有
    pub reason: Option<String>,
}

/// 申请变更报到
///
/// 已报到的党员搬家（转社区）、换工作单位、退休、因病或外派免除一年的要求、退出报到。由社区办理；转社区先由原社区同意转出，
/// 再由新社区接收，服务次数和时长都带过去。同一时间只能有一项在办。
#[utoipa::path(
    operation_id = "registration.ask_change",
    tag = "registration",
    request_body(content = ChangeBody, example = json!({"kind": "move", "community_code": "140213066005", "reason": "已搬到新社区居住"})),
    responses((status = 201, description = "已提交，等待社区办理", body = ChangeDetail)),
    security(("bearer" = [])),
    extensions(("x-problems" = json!([
        "not_registered", "registration_change_open", "already_in_community", "already_in_unit",
        "already_retired", "exemption_year", "service_year_settled"
    ]))),
)]
#[post("/me/registration-changes")]
async fn ask_change(
    caller: Caller<Register>,
    state: Data<State>,
    meta: RequestMeta,
    body: Body<ChangeBody>,
) -> Result<HttpResponse, Error> {
    let asking = body.read()?.read()?;
    let ask = Ask::new(Some(caller.actor.clone()), meta);
    let id = changes::ask(&state, ask.clone(), asking).await?;
    let seen = changes::read(&state, ask, id).await?;
    let detail = ChangeDetail { change: seen.view, name: None, reason: Some(seen.reason) };
    Ok(HttpResponse::Created().json(detail))
}

/// 我的报到变更
///
/// 新的在前，办完的也在，是变更的历史。
#[utoipa::path(
    operation_id = "registration.my_changes",
    tag = "registration",
    params(Paging),
    responses((status = 200, description = "一页变更", body = Page<ChangeDetail>)),
    security(("bearer" = [])),
)]
#[get("/me/registration-changes")]
async fn mine(
    caller: Caller<Register>,
    state: Data<State>,
    page: Paging,
) -> Result<Json<Page<ChangeDetail>>, Error> {
    let filter = Filter { whose: Whose::Mine, id: None, status: None };
    let rows = changes::list(&state, &caller.scope(), filter, page.0).await?;
    let mut views = Vec::with_capacity(rows.len());
    for change in rows {
        let reason = Some(changes::own_reason(&state, &change)?);
        views.push(ChangeDetail { change, name: None, reason });
    }
    Ok(Json(Page::of(views, page.0.limit, |view| view.change.cursor())))
}

/// 列表的筛选条件
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct ChangeFilter {
    /// 状态
    #[param(required = false)]
    status: Option<Status>,
}

/// 本社区办理的报到变更
///
/// 新的在前；转到本社区的，原社区同意转出后才出现。
#[utoipa::path(
    operation_id = "registration.changes",
    tag = "registration",
    params(ChangeFilter, Paging),
    responses((status = 200, description = "一页变更", body = Page<ChangeDetail>)),
    security(("bearer" = [])),
)]
#[get("/registration-changes")]
async fn list(
    caller: Caller<SignRegistration>,
    state: Data<State>,
    filter: Query<ChangeFilter>,
    page: Paging,
) -> Result<Json<Page<ChangeDetail>>, Error> {
    let filter = Filter { whose: Whose::Desk, id: None, status: filter.0.status };
    let rows = changes::list(&state, &caller.scope(), filter, page.0).await?;
    let mut views = Vec::with_capacity(rows.len());
    for change in rows {
        let name = Some(registration::masked_name(&state, &change.name_sealed)?);
        views.push(ChangeDetail { change, name, reason: None });
    }
    Ok(Json(Page::of(views, page.0.limit, |view| view.change.cursor())))
}

impl<P> Addressed for On<P, ChangeId> {
    async fn visible(&self) -> Result<(), Error> {
        changes::visible(&self.state, &self.caller.scope(), self.id).await
    }

    async fn shown(&self) -> Result<HttpResponse, Error> {
        let ask = Ask { expected: None, ..self.ask() };
        let seen = changes::read(&self.state, ask, self.id).await?;
        let detail = ChangeDetail { change: seen.view, name: seen.name, reason: Some(seen.reason) };
        let etag = format!("\"{}\"", detail.change.version);
        Ok(HttpResponse::Ok().insert_header((ETAG, etag)).json(detail))
    }
}

/// 查看一件报到变更
///
/// 办理的社区可看到全名和原因，每次查看都留有记录。
#[utoipa::path(
    operation_id = "registration.read_change",
    tag = "registration",
    responses((status = 200, description = "报到变更", body = ChangeDetail,
        headers(("ETag" = String, description = "版本号，用于 If-Match")))),
    security(("bearer" = [])),
)]
#[get("/registration-changes/{id}")]
async fn read_one(on: On<SignRegistration, ChangeId>) -> Result<HttpResponse, Error> {
    on.shown().await
}

/// 办理报到变更
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct DecideChangeBody {
    /// 是否同意
    pub approve: bool,
    /// 给本人的说明；不同意时必填
    pub note: Option<String>,
}

/// 办理报到变更
///
/// 轮到哪个社区由哪个社区办理：转社区先由原社区同意转出，再由新社区接收；其余由所在社区办理。办理后告知本人和工作单位。
#[utoipa::path(
    operation_id = "registration.decide_change",
    tag = "registration",
    params(IfMatch),
    request_body(content = DecideChangeBody, example = json!({"approve": true, "note": "已核实，欢迎常回来"})),
    responses((status = 200, description = "变更现在的样子", body = ChangeDetail)),
    security(("bearer" = [])),
    extensions(("x-problems" = json!([
        "registration_change_step_refused", "registration_change_not_your_turn",
        "own_registration_change", "already_exempt", "service_year_settled"
    ]))),
)]
#[post("/registration-changes/{id}/decide")]
async fn decide(
    on: On<SignRegistration, ChangeId>,
    body: Body<DecideChangeBody>,
) -> Result<HttpResponse, Error> {
    let parse = |body: DecideChangeBody| Verdict::parse(body.approve, body.note.as_deref());
    let verdict = on.read(body, parse).await?;
    changes::decide(&on.state, on.ask(), on.id, verdict).await?;
    on.shown().await
}

/// 撤回报到变更
///
/// 社区办完之前本人可以撤回。
#[utoipa::path(
    operation_id = "registration.take_back_change",
    tag = "registration",
    params(IfMatch),
    request_body(content = Empty, example = json!({})),
    responses((status = 200, description = "变更现在的样子", body = ChangeDetail)),
    security(("bearer" = [])),
    extensions(("x-problems" = json!(["registration_change_step_refused"]))),
)]
#[post("/registration-changes/{id}/take-back")]
async fn take_back(on: On<Register, ChangeId>, body: Body<Empty>) -> Result<HttpResponse, Error> {
    on.read(body, |_| Ok(())).await?;
    changes::take_back(&on.state, on.ask(), on.id).await?;
    on.shown().await
}
