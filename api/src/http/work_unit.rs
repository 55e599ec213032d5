//! Work units (工作单位) over HTTP: the register, and a unit's registration with communities. What a
//! unit is told is in [`told`].

use actix_web::{
    HttpResponse, get,
    http::header::ETAG,
    post, put,
    web::{Data, Json},
};
use domain::{
    id::UnitRegistrationId,
    org::NodeCode,
    page::{KeyRequest, Limit, Page, PageRequest},
    refusal::{Basic, Faults, FieldError, Invalid},
    text,
    work_unit::{Status, WorkUnit},
};
use infra::postgres::work_unit::read::{self, Filter, UnitRegistrationView, WorkUnitView};
use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};

use super::extract::{
    Addressed, Body, Caller, IfMatch, KeyPaging, On, Paging, Query, RequestMeta,
    caller::needs::{
        ActForWorkUnit, EndUnitRegistration, KeepWorkUnit, ReadWorkUnit, SignRegistration,
    },
};
use crate::{
    app::{case::Ask, work_unit as units},
    error::Error,
    state::State,
};

pub mod told;

routes![add, list, read_one, change, register, registrations, read_registration, sign, end];

/// 新增工作单位
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct WorkUnitBody {
    /// 代码，2–40 位小写字母、数字和连字符；区直部门用部门代码
    #[schema(example = "education")]
    pub code: String,
    /// 名称
    #[schema(example = "区教育局")]
    pub name: String,
    /// 收回执的党组织，与党员名册上的写法一致
    #[schema(example = "区教育局机关党委")]
    pub party_body: String,
    /// 结对社区的区划代码，最多 20 个
    #[serde(default)]
    pub communities: Vec<String>,
}

/// 修改工作单位
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ChangeUnitBody {
    /// 名称
    pub name: String,
    /// 收回执的党组织，与党员名册上的写法一致
    pub party_body: String,
    /// 结对社区的区划代码，最多 20 个；以这次填的为准
    pub communities: Vec<String>,
}

async fn unit<P>(
    state: &State,
    caller: &Caller<P>,
    code: &NodeCode,
) -> Result<WorkUnitView, Error> {
    let one = KeyRequest { after: None, limit: Limit::DEFAULT };
    let mut conn = state.db.acquire().await?;
    let mut rows = read::units(&mut conn, &caller.scope(), Some(code), &one).await?;
    rows.pop().ok_or_else(|| Basic::NotFound.into())
}

/// 新增工作单位
///
/// 组织部登记工作单位、收回执的党组织和结对的社区；党员名册上写着同一党组织的，签署报到时自动送达回执。
#[utoipa::path(
    operation_id = "work_unit.add",
    tag = "work_unit",
    request_body(content = WorkUnitBody, example = json!({"code": "statistics", "name": "区统计局", "party_body": "区统计局党支部", "communities": ["140213066004"]})),
    responses((status = 201, description = "工作单位", body = WorkUnitView)),
    security(("bearer" = [])),
    extensions(("x-problems" = json!(["work_unit_taken"]))),
)]
#[post("/work-units")]
async fn add(
    caller: Caller<KeepWorkUnit>,
    state: Data<State>,
    meta: RequestMeta,
    body: Body<WorkUnitBody>,
) -> Result<HttpResponse, Error> {
    let body = body.read()?;
    let new = WorkUnit::parse(&body.code, &body.name, &body.party_body, &body.communities)?;
    let code = new.code.clone();
    units::add(&state, Ask::new(Some(caller.actor.clone()), meta), new).await?;
    Ok(HttpResponse::Created().json(unit(&state, &caller, &code).await?))
}

/// 工作单位名册
///
/// 按代码排列；联络员看自己的单位，社区看与本社区结对的，组织部和审计看全部。
#[utoipa::path(
    operation_id = "work_unit.list",
    tag = "work_unit",
    params(KeyPaging),
    responses((status = 200, description = "一页工作单位", body = Page<WorkUnitView>)),
    security(("bearer" = [])),
)]
#[get("/work-units")]
async fn list(
    caller: Caller<ReadWorkUnit>,
    state: Data<State>,
    KeyPaging(page): KeyPaging,
) -> Result<Json<Page<WorkUnitView>>, Error> {
    let mut conn = state.db.acquire().await?;
    let rows = read::units(&mut conn, &caller.scope(), None, &page).await?;
    Ok(Json(Page::by_key(rows, page.limit, WorkUnitView::key)))
}

/// The code of a work unit in a path; no node of the organisation trees.
#[derive(Debug, Clone)]
pub struct UnitCode(NodeCode);

impl std::str::FromStr for UnitCode {
    type Err = FieldError;

    fn from_str(given: &str) -> Result<Self, FieldError> {
        NodeCode::parse("code", given).map(Self)
    }
}

impl<P> Addressed for On<P, UnitCode> {
    async fn visible(&self) -> Result<(), Error> {
        unit(&self.state, &self.caller, &self.id.0).await.map(drop)
    }

    async fn shown(&self) -> Result<HttpResponse, Error> {
        let view = unit(&self.state, &self.caller, &self.id.0).await?;
        let etag = format!("\"{}\"", view.version);
        Ok(HttpResponse::Ok().insert_header((ETAG, etag)).json(view))
    }
}

/// 查看工作单位
///
/// 单位的名称、党组织和结对的社区；本单位的联络员、社区和组织部能看。
#[utoipa::path(
    operation_id = "work_unit.read",
    tag = "work_unit",
    responses((status = 200, description = "工作单位", body = WorkUnitView,
        headers(("ETag" = String, description = "版本号，用于 If-Match")))),
    security(("bearer" = [])),
)]
#[get("/work-units/{id}")]
async fn read_one(on: On<ReadWorkUnit, UnitCode>) -> Result<HttpResponse, Error> {
    on.shown().await
}

/// 修改工作单位
///
/// 名称、党组织和结对社区以这次填的为准；已有的单位报到和党员不变。
#[utoipa::path(
    operation_id = "work_unit.change",
    tag = "work_unit",
    params(IfMatch),
    request_body(content = ChangeUnitBody, example = json!({"name": "区教育局", "party_body": "区教育局机关党委", "communities": ["140213066004", "140213066001"]})),
    responses((status = 200, description = "工作单位现在的样子", body = WorkUnitView)),
    security(("bearer" = [])),
    extensions(("x-problems" = json!(["work_unit_taken"]))),
)]
#[put("/work-units/{id}")]
async fn change(
    on: On<KeepWorkUnit, UnitCode>,
    body: Body<ChangeUnitBody>,
) -> Result<HttpResponse, Error> {
    let code = on.id.0.as_str();
    let parse = |body: ChangeUnitBody| {
        WorkUnit::parse(code, &body.name, &body.party_body, &body.communities)
    };
    let unit = on.read(body, parse).await?;
    units::change(&on.state, on.ask(), unit).await?;
    on.shown().await
}

/// 单位报到
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RegisterUnitBody {
    /// 单位代码
    #[schema(example = "education")]
    pub unit: String,
    /// 结对社区的区划代码
    #[schema(example = "140213066004")]
    pub community_code: String,
    /// 单位能为社区做什么，5–1000 个字
    pub offers: String,
}

impl RegisterUnitBody {
    fn read(&self) -> Result<((NodeCode, NodeCode), String), Invalid> {
        let mut faults = Faults::default();
        let unit = faults.take(NodeCode::parse("unit", &self.unit));
        let community = faults.take(NodeCode::parse("community_code", &self.community_code));
        let offers = faults.take(text::text("offers", &self.offers, 5, 1000));
        faults.check()?;
        match (unit.zip(community), offers) {
            (Some(both), Some(offers)) => Ok((both, offers)),
            _ => Err(Invalid(Vec::new())),
        }
    }
}

async fn found<P>(
    state: &State,
    caller: &Caller<P>,
    id: UnitRegistrationId,
) -> Result<UnitRegistrationView, Error> {
    let filter = Filter { id: Some(id), ..Filter::default() };
    let one = PageRequest { after: None, limit: Limit::DEFAULT };
    let mut conn = state.db.acquire().await?;
    let mut rows = read::registrations(&mut conn, &caller.scope(), &filter, one).await?;
    rows.pop().ok_or_else(|| Basic::NotFound.into())
}

/// 单位向社区报到
///
/// 由单位联络员向结对的社区提交，社区签署后成立。
#[utoipa::path(
    operation_id = "work_unit.register",
    tag = "work_unit",
    request_body(content = RegisterUnitBody, example = json!({"unit": "education", "community_code": "140213066001", "offers": "每月一次课后托管和家庭教育讲座"})),
    responses((status = 201, description = "已提交，等待社区签署", body = UnitRegistrationView)),
    security(("bearer" = [])),
    extensions(("x-problems" = json!(["unit_not_paired", "unit_already_registered"]))),
)]
#[post("/unit-registrations")]
async fn register(
    caller: Caller<ActForWorkUnit>,
    state: Data<State>,
    meta: RequestMeta,
    body: Body<RegisterUnitBody>,
) -> Result<HttpResponse, Error> {
    let (both, offers) = body.read()?.read()?;
    let ask = Ask::new(Some(caller.actor.clone()), meta);
    let id = units::register(&state, ask, both, offers).await?;
    Ok(HttpResponse::Created().json(found(&state, &caller, id).await?))
}

/// 列表的筛选条件
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct UnitRegistrationFilter {
    /// 状态
    #[param(required = false)]
    status: Option<Status>,
    /// 哪个单位
    #[param(required = false, example = "education")]
    unit: Option<String>,
}

/// 单位报到列表
///
/// 联络员看自己单位的，社区看向本社区报到的，组织部和审计看全部；新的在前。
#[utoipa::path(
    operation_id = "work_unit.registrations",
    tag = "work_unit",
    params(UnitRegistrationFilter, Paging),
    responses((status = 200, description = "一页单位报到", body = Page<UnitRegistrationView>)),
    security(("bearer" = [])),
)]
#[get("/unit-registrations")]
async fn registrations(
    caller: Caller<ReadWorkUnit>,
    state: Data<State>,
    filter: Query<UnitRegistrationFilter>,
    page: Paging,
) -> Result<Json<Page<UnitRegistrationView>>, Error> {
    let unit = NodeCode::optional("unit", filter.0.unit.as_deref())?;
    let filter = Filter { id: None, status: filter.0.status, unit };
    let mut conn = state.db.acquire().await?;
    let rows = read::registrations(&mut conn, &caller.scope(), &filter, page.0).await?;
    Ok(Json(Page::of(rows, page.0.limit, UnitRegistrationView::cursor)))
}

impl<P> Addressed for On<P, UnitRegistrationId> {
    async fn visible(&self) -> Result<(), Error> {
        found(&self.state, &self.caller, self.id).await.map(drop)
    }

    async fn shown(&self) -> Result<HttpResponse, Error> {
        let view = found(&self.state, &self.caller, self.id).await?;
        let etag = format!("\"{}\"", view.version);
        Ok(HttpResponse::Ok().insert_header((ETAG, etag)).json(view))
    }
}

/// 查看单位报到
///
/// 单位向哪个社区报到、经过和结果；双方和组织部能看。
#[utoipa::path(
    operation_id = "work_unit.read_registration",
    tag = "work_unit",
    responses((status = 200, description = "单位报到", body = UnitRegistrationView,
        headers(("ETag" = String, description = "版本号，用于 If-Match")))),
    security(("bearer" = [])),
)]
#[get("/unit-registrations/{id}")]
async fn read_registration(
    on: On<ReadWorkUnit, UnitRegistrationId>,
) -> Result<HttpResponse, Error> {
    on.shown().await
}

/// 签署单位报到
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SignUnitBody {
    /// 是否签署
    pub accept: bool,
    /// 给单位的说明；不签署时必填
    pub note: Option<String>,
}

impl SignUnitBody {
    fn read(self) -> Result<(bool, Option<String>), Invalid> {
        let note = text::optional("note", self.note.as_deref(), 500)?;
        if !self.accept && note.is_none() {
            return Err(Invalid::field("note", "不签署时要写明原因，单位会看到"));
        }
        Ok((self.accept, note))
    }
}

/// 签署单位报到
///
/// 由单位报到的那个社区决定，写明是否同意；联络员会收到通知。经办单位报到的人不能自己签署。
#[utoipa::path(
    operation_id = "work_unit.sign",
    tag = "work_unit",
    params(IfMatch),
    request_body(content = SignUnitBody, example = json!({"accept": true, "note": "欢迎共建"})),
    responses((status = 200, description = "单位报到现在的样子", body = UnitRegistrationView)),
    security(("bearer" = [])),
    extensions(("x-problems" = json!(["unit_registration_step_refused", "own_unit_registration"]))),
)]
#[post("/unit-registrations/{id}/sign")]
async fn sign(
    on: On<SignRegistration, UnitRegistrationId>,
    body: Body<SignUnitBody>,
) -> Result<HttpResponse, Error> {
    let verdict = on.read(body, SignUnitBody::read).await?;
    units::sign(&on.state, on.ask(), on.id, verdict).await?;
    on.shown().await
}

/// 终止单位报到
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct EndUnitBody {
    /// 原因，2–500 个字；单位和社区都会看到
    pub reason: String,
}

/// 终止单位报到
///
/// 单位联络员可以撤回或终止，社区也可以终止；终止后可以重新报到。
#[utoipa::path(
    operation_id = "work_unit.end",
    tag = "work_unit",
    params(IfMatch),
    request_body(content = EndUnitBody, example = json!({"reason": "结对调整"})),
    responses((status = 200, description = "单位报到现在的样子", body = UnitRegistrationView)),
    security(("bearer" = [])),
    extensions(("x-problems" = json!(["unit_registration_step_refused"]))),
)]
#[post("/unit-registrations/{id}/end")]
async fn end(
    on: On<EndUnitRegistration, UnitRegistrationId>,
    body: Body<EndUnitBody>,
) -> Result<HttpResponse, Error> {
    let parse =
        |body: EndUnitBody| text::text("reason", &body.reason, 2, 500).map_err(Invalid::from);
    let reason = on.read(body, parse).await?;
    units::end(&on.state, on.ask(), on.id, reason).await?;
    on.shown().await
}
