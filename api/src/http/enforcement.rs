//! Enforcement (执法) over HTTP: the powers of units as staff look them up. Imports are in
//! [`import`], officers in [`certificate`], and what they did in [`act`].

use actix_web::{
    HttpResponse, get,
    web::{Data, Json},
};
use chrono::NaiveDate;
use domain::{
    enforcement::power::{Deviation, Power, PowerKind, deviations},
    org::NodeCode,
    page::Page,
    refusal::Basic,
};
use infra::postgres::enforcement::read;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::{
    duty::{ExportFilter, as_file},
    extract::{Caller, KeyPaging, Query, Target, caller::needs::Staff},
};
use crate::{app::enforcement::sheet, error::Error, state::State};

pub mod act;
pub mod certificate;
pub mod import;

routes![versions, read_one, export];

/// 执法事项清单的一个版本
#[derive(Debug, Serialize, ToSchema)]
pub struct PowerListView {
    /// 编号
    #[schema(example = 1)]
    pub id: i64,
    /// 版本名，全部执法事项清单中唯一
    #[schema(example = "powers-2026.1-140213066")]
    pub version: String,
    /// 标题
    pub title: String,
    /// 哪个单位的
    pub unit: NodeCode,
    /// 单位名称
    #[schema(example = "水泊寺街道")]
    pub unit_name: String,
    /// 从哪一天起有效
    pub valid_from: NaiveDate,
    /// 从哪一天起不再有效；现行且没有定下截止的为 null
    pub valid_to: Option<NaiveDate>,
    /// 自有的有多少项
    #[schema(example = 27)]
    pub own: i64,
    /// 下放的有多少项
    #[schema(example = 55)]
    pub devolved: i64,
    /// 与完整清单（自有 27 项、下放 55 项）数目不符的；街道才有这一要求
    pub deviations: Vec<Deviation>,
}

impl From<read::List> for PowerListView {
    fn from(list: read::List) -> Self {
        let count = |found: i64| usize::try_from(found).unwrap_or_default();
        let deviations = deviations(list.unit_kind, count(list.own), count(list.devolved));
        Self {
            id: list.id,
            version: list.version,
            title: list.title,
            unit: list.unit,
            unit_name: list.unit_name,
            valid_from: list.valid_from,
            valid_to: list.valid_to,
            own: list.own,
            devolved: list.devolved,
            deviations,
        }
    }
}

/// 一项执法事项
#[derive(Debug, Serialize, ToSchema)]
pub struct PowerView {
    /// 事项代码，登记执法行为时填入 power
    #[schema(example = "street-vending")]
    pub code: String,
    /// 来源
    pub kind: PowerKind,
    /// 执法事项
    pub name: String,
    /// 下放部门的代码；自有的为 null
    pub devolved_by: Option<NodeCode>,
    /// 依据的法律法规
    pub basis: String,
}

impl From<Power> for PowerView {
    fn from(power: Power) -> Self {
        let Power { code, kind, name, devolved_by, basis } = power;
        Self { code, kind, name, devolved_by, basis }
    }
}

/// Which versions.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct PowersFilter {
    /// 哪个单位的
    #[param(required = false, example = "140213066")]
    unit: Option<String>,
    /// 只要这一天有效的
    #[param(required = false, example = "2026-11-24")]
    valid_on: Option<NaiveDate>,
}

/// 执法事项清单的各个版本
///
/// 按版本名排列。版本一经导入不再改动，只会被新版接替。
#[utoipa::path(
    operation_id = "enforcement.lists", tag = "enforcement", params(PowersFilter, KeyPaging),
    security(("bearer" = [])),
    responses((status = 200, description = "一页版本", body = Page<PowerListView>)),
)]
#[get("/power-lists")]
async fn versions(
    _caller: Caller<Staff>,
    state: Data<State>,
    filter: Query<PowersFilter>,
    KeyPaging(page): KeyPaging,
) -> Result<Json<Page<PowerListView>>, Error> {
    let unit = NodeCode::optional("unit", filter.0.unit.as_deref())?;
    let filter = read::ListFilter { id: None, unit, valid_on: filter.0.valid_on };
    let mut conn = state.db.acquire().await?;
    let rows = read::lists(&mut conn, &filter, page.after.as_deref(), page.probe()).await?;
    let shown = rows.into_iter().map(PowerListView::from).collect();
    Ok(Json(Page::by_key(shown, page.limit, |list: &PowerListView| &list.version)))
}

async fn found(state: &State, id: i64) -> Result<(read::List, Vec<Power>), Error> {
    let filter = read::ListFilter { id: Some(id), ..read::ListFilter::default() };
    let mut conn = state.db.acquire().await?;
    let list = read::lists(&mut conn, &filter, None, 1).await?.pop().ok_or(Basic::NotFound)?;
    let powers = read::powers(&mut conn, id).await?;
    Ok((list, powers))
}

/// 一个版本和它的事项
#[derive(Debug, Serialize, ToSchema)]
pub struct PowerListDetail {
    /// 版本
    #[serde(flatten)]
    pub list: PowerListView,
    /// 全部事项，按代码排列
    pub powers: Vec<PowerView>,
}

/// 查看执法事项清单的一个版本
///
/// 这一版的来源、有效期和全部事项。
#[utoipa::path(
    operation_id = "enforcement.read", tag = "enforcement",
    params(("id" = i64, Path, description = "版本的编号", example = 1)),
    security(("bearer" = [])),
    responses((status = 200, description = "版本和全部事项", body = PowerListDetail)),
)]
#[get("/power-lists/{id}")]
async fn read_one(
    _caller: Caller<Staff>,
    state: Data<State>,
    id: Target<i64>,
) -> Result<Json<PowerListDetail>, Error> {
    let (list, powers) = found(&state, id.0).await?;
    let powers = powers.into_iter().map(PowerView::from).collect();
    Ok(Json(PowerListDetail { list: list.into(), powers }))
}

/// 导出执法事项清单的一个版本
///
/// 列与导入所读的完全一样：导出、修改、再导入，不必改表头。
#[utoipa::path(
    operation_id = "enforcement.export", tag = "enforcement",
    params(("id" = i64, Path, description = "版本的编号", example = 1), ExportFilter),
    security(("bearer" = [])),
    responses((status = 200, description = "文件", content(
        (Value = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
        (Value = "text/csv")))),
)]
#[get("/power-lists/{id}/export")]
async fn export(
    _caller: Caller<Staff>,
    state: Data<State>,
    id: Target<i64>,
    filter: Result<Query<ExportFilter>, Error>,
) -> Result<HttpResponse, Error> {
    let (list, powers) = found(&state, id.0).await?;
    as_file(&list.version, sheet::of(&powers), filter?.0)
}
