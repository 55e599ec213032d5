//! Routing over HTTP: proposals for a complaint, the rules, and the grid of a place.

use actix_web::{
    HttpResponse, get, post,
    web::{Data, Json},
};
use chrono::NaiveDate;
use domain::{
    complaint::Location,
    id::{ComplaintId, RoutingRuleId},
    org::{ManagementMode, NodeCode, Unit},
    page::{Cursor, Page},
    refusal::Invalid,
    routing::{Proposal, Routes, RoutesForm, Source},
    sla::Urgency,
    text,
    time::Timestamp,
};
use infra::postgres::routing::{self, Kept, Spot};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::extract::{
    Body, Caller, Empty, Paging, Query, RequestMeta, Target,
    caller::needs::{CentreDesk, ManageRouting, Staff},
};
use crate::{app, error::Error, state::State};

routes![propose, list, add, end, locate];

/// 建议中的一个单位
#[derive(Debug, Serialize, ToSchema)]
pub struct ProposedUnit {
    /// 代码
    code: NodeCode,
    /// 名称
    #[schema(example = "区城市管理(综合执法)局")]
    name: String,
}

impl From<Unit> for ProposedUnit {
    fn from(unit: Unit) -> Self {
        Self { code: unit.code, name: unit.name }
    }
}

/// 一条派单建议
#[derive(Debug, Serialize, ToSchema)]
pub struct RoutingProposal {
    /// 依据：duty 责任清单 · rule 路由规则 · grid 所在网格
    source: Source,
    /// 主办
    lead: ProposedUnit,
    /// 协办
    assist: Vec<ProposedUnit>,
    /// 为什么是这个单位
    #[schema(example = "路由规则：类别“城乡建设”，由区城市管理(综合执法)局主办")]
    why: String,
    /// 依据的规则
    rule: Option<RoutingRuleId>,
    /// 核对过的清单版本
    duty_list: Option<String>,
}

impl From<Proposal> for RoutingProposal {
    fn from(from: Proposal) -> Self {
        Self {
            source: from.source,
            lead: from.lead.into(),
            assist: from.assist.into_iter().map(ProposedUnit::from).collect(),
            why: from.why,
            rule: from.rule,
            duty_list: from.duty_list,
        }
    }
}

/// 派单建议
#[derive(Debug, Serialize, ToSchema)]
pub struct RoutingView {
    /// 建议，最合适的在前；每个主办单位只出现一次
    proposals: Vec<RoutingProposal>,
    /// 有依据指向、但不能建议的单位及原因
    left_out: Vec<String>,
}

/// 派单建议
///
/// 先看受理时写明的清单事项，再看路由规则（类别、区划、管理模式、紧急程度写得越具体越靠前），最后是所在网格的
/// 社区。清单没有给街道或社区的事项不会建议给它；举报件不会建议给被举报单位。建议不代替派单。
#[utoipa::path(
    operation_id = "routing.propose", tag = "routing", security(("bearer" = [])),
    responses((status = 200, description = "派单建议", body = RoutingView)),
)]
#[get("/complaints/{id}/routing")]
pub async fn propose(
    caller: Caller<CentreDesk>,
    target: Target<ComplaintId>,
    state: Data<State>,
) -> Result<Json<RoutingView>, Error> {
    let found = app::routing::propose(&state, &caller.scope(), target.0).await?;
    Ok(Json(RoutingView {
        proposals: found.proposals.into_iter().map(RoutingProposal::from).collect(),
        left_out: found.left_out,
    }))
}

/// 一条路由规则
#[derive(Debug, Serialize, ToSchema)]
pub struct RoutingRuleView {
    /// 编号
    id: RoutingRuleId,
    /// 类别：一级、一级/二级或一级/二级/三级；没有写则不限
    category: Option<String>,
    /// 紧急程度；没有写则不限
    urgency: Option<Urgency>,
    /// 区划；没有写则不限
    division: Option<NodeCode>,
    /// 小区的管理模式；没有写则不限
    management_mode: Option<ManagementMode>,
    /// 主办单位
    lead: NodeCode,
    /// 协办单位
    assist: Vec<NodeCode>,
    /// 同样具体的规则，大的在前
    #[schema(example = 0)]
    priority: i16,
    /// 从哪天起有效
    valid_from: NaiveDate,
    /// 到哪天不再有效（不含）
    valid_to: Option<NaiveDate>,
    /// 说明
    note: String,
    /// 加入的时间
    #[schema(value_type = chrono::DateTime<chrono::Utc>)]
    created_at: Timestamp,
}

impl From<Kept> for RoutingRuleView {
    fn from(Kept { rule, created_at }: Kept) -> Self {
        let says = rule.says;
        Self {
            id: rule.id,
            category: says.category,
            urgency: says.urgency,
            division: says.division,
            management_mode: says.management_mode,
            lead: says.lead,
            assist: says.assist,
            priority: says.priority,
            valid_from: rule.valid_from,
            valid_to: rule.valid_to,
            note: says.note,
            created_at,
        }
    }
}

/// 路由规则
///
/// 全部规则，停用的也在内，新的在前。
#[utoipa::path(
    operation_id = "routing.list", tag = "routing", params(Paging), security(("bearer" = [])),
    responses((status = 200, description = "一页规则", body = Page<RoutingRuleView>)),
)]
#[get("/routing-rules")]
pub async fn list(
    _: Caller<ManageRouting>,
    state: Data<State>,
    Paging(page): Paging,
) -> Result<Json<Page<RoutingRuleView>>, Error> {
    let mut conn = state.db.acquire().await?;
    let rows = routing::rules(&mut conn, None, None, Some(page)).await?;
    let rows = rows.into_iter().map(RoutingRuleView::from).collect();
    let key = |row: &RoutingRuleView| Cursor { at: row.created_at, id: row.id.0 };
    Ok(Json(Page::of(rows, page.limit, key)))
}

/// 要加的规则
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewRoutingRule {
    /// 类别：一级、一级/二级或一级/二级/三级
    #[serde(default)]
    category: Option<String>,
    /// 紧急程度
    #[serde(default)]
    urgency: Option<Urgency>,
    /// 区划代码
    #[serde(default)]
    division: Option<String>,
    /// 小区的管理模式
    #[serde(default)]
    management_mode: Option<ManagementMode>,
    /// 主办单位的代码
    lead: String,
    /// 协办单位的代码，最多 20 个
    #[serde(default)]
    assist: Vec<String>,
    /// 0–100，同样具体的规则大的在前
    #[serde(default)]
    priority: i16,
    /// 从哪天起有效；不填为今天
    #[serde(default)]
    valid_from: Option<NaiveDate>,
    /// 说明，最多 200 字
    #[serde(default)]
    note: Option<String>,
}

/// 加一条路由规则
///
/// 没有写的条件不限。规则加了不改，要改就停用后另加一条。
#[utoipa::path(
    operation_id = "routing.add", tag = "routing", security(("bearer" = [])),
    request_body(content = NewRoutingRule, example = json!({
        "category": "城乡建设/城市建设和市政管理", "division": "140213066",
        "lead": "urban-management", "assist": ["housing"], "note": "市政设施由城管主办"})),
    responses((status = 201, description = "已加的规则", body = RoutingRuleView)),
    extensions(("x-problems" = json!(["routing_rule_exists"]))),
)]
#[post("/routing-rules")]
pub async fn add(
    caller: Caller<ManageRouting>,
    state: Data<State>,
    meta: RequestMeta,
    body: Body<NewRoutingRule>,
) -> Result<HttpResponse, Error> {
    let new = body.read()?;
    let says = Routes::parse(RoutesForm {
        category: new.category.as_deref(),
        urgency: new.urgency,
        division: new.division.as_deref(),
        management_mode: new.management_mode,
        lead: &new.lead,
        assist: &new.assist,
        priority: new.priority,
        note: new.note.as_deref(),
    })?;
    let kept =
        app::routing::add(&state, caller.actor.clone(), meta.into(), says, new.valid_from).await?;
    Ok(HttpResponse::Created().json(RoutingRuleView::from(kept)))
}

/// 停用一条路由规则
///
/// 从今天起不再有效；规则本身还能查到。
#[utoipa::path(
    operation_id = "routing.end", tag = "routing", security(("bearer" = [])),
    request_body(content = Empty, example = json!({})),
    responses((status = 200, description = "停用的规则", body = RoutingRuleView)),
    extensions(("x-problems" = json!(["routing_rule_ended"]))),
)]
#[post("/routing-rules/{id}/end")]
pub async fn end(
    caller: Caller<ManageRouting>,
    target: Target<RoutingRuleId>,
    state: Data<State>,
    meta: RequestMeta,
    body: Body<Empty>,
) -> Result<Json<RoutingRuleView>, Error> {
    let Target(id) = target;
    body.read_or(app::routing::exists(&state, id)).await?;
    let kept = app::routing::end(&state, caller.actor.clone(), meta.into(), id).await?;
    Ok(Json(kept.into()))
}

/// Which place.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct PlaceFilter {
    /// 经度（GCJ-02）
    #[param(required = false, example = 113.342)]
    lng: Option<f64>,
    /// 纬度（GCJ-02）
    #[param(required = false, example = 40.078)]
    lat: Option<f64>,
    /// 社区代码；按地址查时必填
    #[param(required = false, example = "140213066001")]
    community_code: Option<String>,
    /// 地址，写明小区名
    #[param(required = false, example = "永安花园3号楼")]
    address: Option<String>,
}

/// 网格或小区
#[derive(Debug, Serialize, ToSchema)]
pub struct SpotView {
    /// 代码
    code: NodeCode,
    /// 名称
    #[schema(example = "永安第一网格")]
    name: String,
}

impl From<&Spot> for SpotView {
    fn from(spot: &Spot) -> Self {
        Self { code: spot.code.clone(), name: spot.name.clone() }
    }
}

/// 所在的网格
#[derive(Debug, Serialize, ToSchema)]
pub struct LocatedView {
    /// 网格；找不到为 null
    grid: Option<SpotView>,
    /// 网格所在的社区
    community_code: Option<NodeCode>,
    /// 地址里写到的小区
    estate: Option<SpotView>,
    /// 小区的管理模式
    management_mode: Option<ManagementMode>,
}

/// 查所在网格
///
/// 按位置（lng、lat，GCJ-02，与微信地图一致）或按社区和地址（地址里写明小区名）查。手机 GPS 直接给出的
/// WGS-84 坐标在平城区会偏约 620 米，要先转换。在两个网格的边界上时取代码在前的一个。
#[utoipa::path(
    operation_id = "routing.locate", tag = "routing", params(PlaceFilter),
    security(("bearer" = [])),
    responses((status = 200, description = "所在的网格", body = LocatedView)),
)]
#[get("/grids/locate")]
pub async fn locate(
    _: Caller<Staff>,
    state: Data<State>,
    Query(place): Query<PlaceFilter>,
) -> Result<Json<LocatedView>, Error> {
    let point = match (place.lng, place.lat) {
        (Some(lng), Some(lat)) => Some(Location::new(lng, lat)?).map(|at| [at.lng, at.lat]),
        (None, None) => None,
        _ => return Err(Invalid::field("location", "经度 lng 和纬度 lat 要一起写").into()),
    };
    let community = place.community_code.as_deref();
    let community = community.map(|code| NodeCode::parse("community_code", code)).transpose()?;
    let address = text::optional("address", place.address.as_deref(), 200)?;
    if point.is_none() && community.is_none() {
        let reason = "请写位置 lng、lat，或社区 community_code 和地址 address";
        return Err(Invalid::field("location", reason).into());
    }
    let mut conn = state.db.acquire().await?;
    let (community, address) = (community.as_ref(), address.as_deref());
    let located = app::routing::locate(&mut conn, point, community, address).await?;
    let (grid, estate) = (located.grid.as_ref(), located.estate.as_ref());
    Ok(Json(LocatedView {
        grid: grid.map(SpotView::from),
        community_code: grid.and_then(|grid| grid.parent.clone()),
        management_mode: estate.and_then(|estate| estate.management_mode),
        estate: estate.map(SpotView::from),
    }))
}
