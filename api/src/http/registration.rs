//! Registration (双报到) over HTTP: members hand in, the community's officer signs.

use actix_web::{
    HttpResponse, get,
    http::header::ETAG,
    post,
    web::{Data, Json},
};
use domain::{
    id::RegistrationId,
    org::NodeCode,
    page::{Limit, Page, PageRequest},
    party::Identity,
    privacy::Purpose,
    refusal::{Basic, Faults, Invalid},
    registration::{Finding, Sign, Status},
};
use infra::postgres::registration::read::{self, Desk, Filter, RegistrationView};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::extract::{
    Addressed, Body, Caller, IfMatch, On, Paging, Query, RequestMeta,
    caller::needs::{Register, SignRegistration},
};
use crate::{
    app::{case::Ask, privacy, registration as registrations},
    error::Error,
    state::State,
};

pub mod change;
pub mod result;

routes![submit, mine, list, read_one, sign];

/// 党员身份
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PartyMemberBody {
    /// 姓名，与身份证一致
    #[schema(example = "演示党员11")]
    pub name: String,
    /// 身份证号码的最后六位
    #[schema(example = "100011")]
    pub id_number_last6: String,
}

/// 报到
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = RegistrationBody)]
pub struct SubmitBody {
    /// 居住地社区或村的区划代码
    #[schema(example = "140213066004")]
    pub community_code: String,
    /// 党员身份
    pub party_member: PartyMemberBody,
}

impl SubmitBody {
    fn read(&self) -> Result<(NodeCode, Identity), Invalid> {
        let mut faults = Faults::default();
        let community = faults.take(NodeCode::parse("community_code", &self.community_code));
        let member = &self.party_member;
        let identity = Identity::parse("party_member", &member.name, &member.id_number_last6);
        let identity = faults.take_all(identity);
        faults.check()?;
        community.zip(identity).ok_or_else(|| Invalid(Vec::new()))
    }
}

/// 向社区报到
///
/// 填什么都得到同样的答复：等待社区签署。是否与党员名册相符，只有社区签署时才核对。等待期间可以
/// 再次提交来更正；已报到的不能重复报到。
#[utoipa::path(
    operation_id = "registration.submit",
    tag = "registration",
    request_body(content = SubmitBody, example = json!({
        "community_code": "140213066004",
        "party_member": {"name": "演示党员11", "id_number_last6": "100011"}
    })),
    responses((status = 201, description = "已提交，等待社区签署", body = RegistrationView)),
    security(("bearer" = [])),
    extensions(("x-problems" = json!(["already_registered", "consent_required"]))),
)]
#[post("/registrations")]
async fn submit(
    caller: Caller<Register>,
    state: Data<State>,
    meta: RequestMeta,
    body: Body<SubmitBody>,
) -> Result<HttpResponse, Error> {
    let (community, identity) = body.read()?.read()?;
    let actor = Some(&caller.actor);
    privacy::consented(&state, actor, "registration.submit", Purpose::Party).await?;
    let ask = Ask::new(Some(caller.actor.clone()), meta);
    let id = registrations::submit(&state, ask, community, identity).await?;
    let mut connection = state.db.acquire().await?;
    let page = PageRequest { after: None, limit: Limit::DEFAULT };
    let rows = read::mine(&mut connection, &caller.scope(), page).await?;
    let view = rows.into_iter().find(|row| row.id == id).ok_or(Basic::NotFound)?;
    let etag = format!("\"{}\"", view.version);
    Ok(HttpResponse::Created().insert_header((ETAG, etag)).json(view))
}

/// 我的报到
///
/// 新的在前；签署后带有回执。
#[utoipa::path(
    operation_id = "registration.mine",
    tag = "registration",
    params(Paging),
    responses((status = 200, description = "一页报到", body = Page<RegistrationView>)),
    security(("bearer" = [])),
)]
#[get("/me/registrations")]
async fn mine(
    caller: Caller<Register>,
    state: Data<State>,
    page: Paging,
) -> Result<Json<Page<RegistrationView>>, Error> {
    let mut connection = state.db.acquire().await?;
    let rows = read::mine(&mut connection, &caller.scope(), page.0).await?;
    Ok(Json(Page::of(rows, page.0.limit, RegistrationView::cursor)))
}

/// 报到，给社区看的
#[derive(Debug, Serialize, ToSchema)]
pub struct DeskView {
    /// 报到本身
    #[serde(flatten)]
    pub registration: RegistrationView,
    /// 填报的姓名；列表里只显示姓
    #[schema(example = "演*****")]
    pub name: String,
    /// 与党员名册核对的结果
    pub register: Finding,
    /// 核对结果的中文
    pub register_text: &'static str,
    /// 名册上的党支部
    pub branch: Option<String>,
}

impl DeskView {
    fn of(desk: Desk, name: String) -> Self {
        let register = Finding::of(desk.members, desk.taken);
        Self {
            name,
            register,
            register_text: register.label(),
            branch: desk.branch,
            registration: desk.view,
        }
    }
}

/// 列表的筛选条件
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct ListFilter {
    /// 状态
    #[param(required = false)]
    status: Option<Status>,
}

/// 本社区的报到
///
/// 社区工作者看本社区的报到及与名册核对的结果，新的在前。
#[utoipa::path(
    operation_id = "registration.list",
    tag = "registration",
    params(ListFilter, Paging),
    responses((status = 200, description = "一页报到", body = Page<DeskView>)),
    security(("bearer" = [])),
)]
#[get("/registrations")]
async fn list(
    caller: Caller<SignRegistration>,
    state: Data<State>,
    filter: Query<ListFilter>,
    page: Paging,
) -> Result<Json<Page<DeskView>>, Error> {
    let filter = Filter { id: None, status: filter.0.status };
    let mut connection = state.db.acquire().await?;
    let rows = read::desk(&mut connection, &caller.scope(), filter, page.0).await?;
    let mut views = Vec::with_capacity(rows.len());
    for row in rows {
        let name = registrations::masked_name(&state, &row.name_sealed)?;
        views.push(DeskView::of(row, name));
    }
    Ok(Json(Page::of(views, page.0.limit, |view| view.registration.cursor())))
}

impl<P> Addressed for On<P, RegistrationId> {
    /// A registration that is not with the caller's community is missing.
    async fn visible(&self) -> Result<(), Error> {
        let filter = Filter { id: Some(self.id), status: None };
        let one = PageRequest { after: None, limit: Limit::DEFAULT };
        let mut connection = self.state.db.acquire().await?;
        let rows = read::desk(&mut connection, &self.caller.scope(), filter, one).await?;
        rows.first().map(|_| ()).ok_or_else(|| Basic::NotFound.into())
    }

    async fn shown(&self) -> Result<HttpResponse, Error> {
        let ask = Ask { expected: None, ..self.ask() };
        let (desk, name) = registrations::read(&self.state, ask, self.id).await?;
        let view = DeskView::of(desk, name);
        let etag = format!("\"{}\"", view.registration.version);
        Ok(HttpResponse::Ok().insert_header((ETAG, etag)).json(view))
    }
}

/// 查看一份报到
///
/// 本社区的工作者可看到填报的全名，每次查看都留有记录。
#[utoipa::path(
    operation_id = "registration.read",
    tag = "registration",
    responses((status = 200, description = "报到", body = DeskView,
        headers(("ETag" = String, description = "版本号，用于 If-Match")))),
    security(("bearer" = [])),
)]
#[get("/registrations/{id}")]
async fn read_one(on: On<SignRegistration, RegistrationId>) -> Result<HttpResponse, Error> {
    on.shown().await
}

/// 签署
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SignBody {
    /// 是否签署
    pub accept: bool,
    /// 给本人的说明
    pub note: Option<String>,
}

/// 签署报到
///
/// 签署后本人成为党员身份，回执留存。与名册不符的不能签署，可以不予签署并说明原因。
#[utoipa::path(
    operation_id = "registration.sign",
    tag = "registration",
    params(IfMatch),
    request_body(content = SignBody, example = json!({"accept": true, "note": "欢迎回家，期待您参与服务"})),
    responses((status = 200, description = "报到现在的样子", body = DeskView)),
    security(("bearer" = [])),
    extensions(("x-problems" = json!([
        "registration_step_refused", "not_on_register", "member_taken", "own_registration"
    ]))),
)]
#[post("/registrations/{id}/sign")]
async fn sign(
    on: On<SignRegistration, RegistrationId>,
    body: Body<SignBody>,
) -> Result<HttpResponse, Error> {
    let command = on.read(body, |body| Sign::parse(body.accept, body.note.as_deref())).await?;
    registrations::sign(&on.state, on.ask(), on.id, command).await?;
    on.shown().await
}
