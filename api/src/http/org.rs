//! The directory: divisions, for everybody who has to name a community; departments and duty
//! lists, for staff. Each list is short and comes whole, so `next_cursor` is always null.

use actix_web::{
    get,
    web::{Data, Json},
};
use domain::{
    duty::{Duty, ListKind},
    org::{NodeCode, NodeKind},
    page::Page,
    text, time,
};
use infra::postgres::{duty, org};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::extract::{
    Query,
    caller::{Caller, needs::Staff},
};
use crate::{error::Error, state::State};

routes![divisions, departments, duty_items];

/// 区划
#[derive(Debug, Serialize, ToSchema)]
pub struct DivisionView {
    /// 区划代码
    pub code: NodeCode,
    /// 种类
    pub kind: NodeKind,
    /// 名称
    #[schema(example = "文兴社区")]
    pub name: String,
    /// 下面是否还有区划
    pub has_children: bool,
}

/// 部门或公用企业
#[derive(Debug, Serialize, ToSchema)]
pub struct DepartmentView {
    /// 部门代码，派单时用
    pub code: NodeCode,
    /// 参加哪一组排名：department 部门 · utility 公用企业
    pub group: NodeKind,
    /// 名称
    #[schema(example = "区住房和城乡建设局")]
    pub name: String,
}

/// 事项清单中的一项
#[derive(Debug, Serialize, ToSchema)]
pub struct DutyItemView {
    /// 事项代码，派单时填入 duty_item
    #[schema(example = "city-05")]
    pub code: String,
    /// 类别
    #[schema(example = "城市管理")]
    pub category: String,
    /// 事项
    #[schema(example = "井盖缺失和道路破损")]
    pub name: String,
    /// 主管部门的代码
    pub lead_unit: Option<NodeCode>,
    /// 主管部门的名称
    pub lead_name: Option<String>,
    /// 部门做什么
    pub department_duty: String,
    /// 街道（社区清单上是社区）承担什么
    pub duty: Duty,
    /// 街道或社区做什么
    pub grassroots_duty: String,
    /// 答复是否必须附照片
    pub photos_required: bool,
    /// 依据的法律法规
    #[schema(example = "《城市道路管理条例》")]
    pub basis: String,
    /// 在哪一种清单上
    pub list: ListKind,
    /// 清单版本
    #[schema(example = "territorial-2024.1")]
    pub version: String,
}

/// Which divisions.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct DivisionFilter {
    /// 上级区划的代码，例如 140213066；不填则从市开始
    #[param(required = false, example = "140213066")]
    parent: Option<String>,
}

/// Which items.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct DutyFilter {
    /// 在代码、事项和类别中查找的字词
    #[param(required = false, example = "井盖")]
    q: Option<String>,
    /// 街道、社区或部门的代码；不填则查全区的属地管理责任清单
    #[param(required = false, example = "140213066")]
    unit: Option<String>,
}

/// 下级区划
///
/// 不需要登录：居民提交诉求时要选社区。按代码排列，一次给全。
#[utoipa::path(
    operation_id = "org.divisions", tag = "org", params(DivisionFilter), security(()),
    responses((status = 200, description = "下级区划", body = Page<DivisionView>,
        example = json!({"items": [{"code": "140213066004", "kind": "community",
            "name": "文兴社区", "has_children": true}], "next_cursor": null}))),
)]
#[get("/divisions")]
pub async fn divisions(
    state: Data<State>,
    filter: Query<DivisionFilter>,
) -> Result<Json<Page<DivisionView>>, Error> {
    let parent = code("parent", filter.0.parent.as_deref())?;
    let mut conn = state.db.acquire().await?;
    let found = org::read::divisions(&mut conn, parent.as_ref()).await?;
    Ok(whole(found, |entry| DivisionView {
        code: entry.code,
        kind: entry.kind,
        name: entry.name,
        has_children: entry.has_children,
    }))
}

/// 部门和公用企业
///
/// 按代码排列，一次给全。
#[utoipa::path(
    operation_id = "org.departments", tag = "org", security(("bearer" = [])),
    responses((status = 200, description = "部门", body = Page<DepartmentView>,
        example = json!({"items": [{"code": "housing", "group": "department",
            "name": "区住房和城乡建设局"}], "next_cursor": null}))),
)]
#[get("/departments")]
pub async fn departments(
    _caller: Caller<Staff>,
    state: Data<State>,
) -> Result<Json<Page<DepartmentView>>, Error> {
    let mut conn = state.db.acquire().await?;
    let found = org::read::departments(&mut conn).await?;
    Ok(whole(found, |entry| DepartmentView {
        code: entry.code,
        group: entry.kind,
        name: entry.name,
    }))
}

/// 事项清单
///
/// 今天有效的事项及其清单版本。查街道时，同一事项按“上级收回、基本履职、配合履职、属地清单”的
/// 先后取一份；查社区时是它自己的清单；查部门时是它主管的事项。按代码排列，一次给全。
#[utoipa::path(
    operation_id = "org.duty_items", tag = "org", params(DutyFilter), security(("bearer" = [])),
    responses((status = 200, description = "事项", body = Page<DutyItemView>)),
)]
#[get("/duty-items")]
pub async fn duty_items(
    _caller: Caller<Staff>,
    state: Data<State>,
    filter: Query<DutyFilter>,
) -> Result<Json<Page<DutyItemView>>, Error> {
    let words = text::optional("q", filter.0.q.as_deref(), 50)?;
    let unit = code("unit", filter.0.unit.as_deref())?;
    let today = time::date(state.clock.now());
    let mut conn = state.db.acquire().await?;
    let found = duty::read::items(&mut conn, words.as_deref(), unit.as_ref(), today).await?;
    Ok(whole(found, |entry| DutyItemView {
        code: entry.code,
        category: entry.category,
        name: entry.name,
        lead_unit: entry.lead_unit,
        lead_name: entry.lead_name,
        department_duty: entry.department_duty,
        duty: entry.duty,
        grassroots_duty: entry.grassroots_duty,
        photos_required: entry.photos_required,
        basis: entry.basis,
        list: entry.list,
        version: entry.version,
    }))
}

fn code(field: &str, given: Option<&str>) -> Result<Option<NodeCode>, Error> {
    Ok(given.map(|text| NodeCode::parse(field, text)).transpose()?)
}

fn whole<E, V>(found: Vec<E>, view: impl Fn(E) -> V) -> Json<Page<V>> {
    Json(Page { items: found.into_iter().map(view).collect(), next_cursor: None })
}
