//! Duty lists (事项清单) as staff look them up: versions, items, and the units that a list suggests.

use actix_web::{
    HttpResponse, get,
    http::header::CONTENT_DISPOSITION,
    web::{Data, Json},
};
use chrono::NaiveDate;
use domain::{
    duty::{Duty, ListKind},
    id::ComplaintId,
    org::NodeCode,
    page::{KeyRequest, Limit, Page},
    refusal::{Basic, Invalid},
    text, time,
};
use infra::postgres::{complaint, duty::read};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::extract::{
    Caller, KeyPaging, Query, Target,
    caller::needs::{CentreDesk, Staff},
};
use crate::{
    app::duty::{
        sheet,
        units::{self, Named, Suggested},
    },
    error::Error,
    sheet::{Sheet, write_csv, write_workbook},
    state::State,
};

pub mod import;
pub mod proposal;

routes![versions, read_one, list_items, export, look_up, suggest_for_place, suggest_for_case];

/// The media type of a workbook.
const WORKBOOK: &str = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet";

/// 清单的一个版本
#[derive(Debug, Serialize, ToSchema)]
pub struct DutyListView {
    /// 编号
    #[schema(example = 1)]
    pub id: i64,
    /// 清单种类
    pub kind: ListKind,
    /// 版本名，全部清单中唯一
    #[schema(example = "territorial-2024.1")]
    pub version: String,
    /// 标题
    #[schema(example = "平城区属地管理责任清单")]
    pub title: String,
    /// 哪个街道或社区的；全区的清单为 null
    pub division: Option<NodeCode>,
    /// 街道或社区的名称
    pub division_name: Option<String>,
    /// 从哪一天起有效
    #[schema(example = "2024-01-01")]
    pub valid_from: NaiveDate,
    /// 从哪一天起不再有效；现行且没有定下截止的为 null
    pub valid_to: Option<NaiveDate>,
    /// 有多少事项
    #[schema(example = 81)]
    pub items: i64,
}

impl From<read::List> for DutyListView {
    fn from(list: read::List) -> Self {
        Self {
            id: list.id,
            kind: list.kind,
            version: list.version,
            title: list.title,
            division: list.division,
            division_name: list.division_name,
            valid_from: list.valid_from,
            valid_to: list.valid_to,
            items: list.items,
        }
    }
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

impl From<read::Entry> for DutyItemView {
    fn from(entry: read::Entry) -> Self {
        Self {
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
        }
    }
}

/// Which versions.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct ListsFilter {
    /// 清单种类
    #[param(required = false)]
    kind: Option<ListKind>,
    /// 哪个街道或社区的
    #[param(required = false, example = "140213066")]
    division: Option<String>,
    /// 只要这一天有效的
    #[param(required = false, example = "2026-11-24")]
    valid_on: Option<NaiveDate>,
}

/// 清单的各个版本
///
/// 按版本名排列。版本一经导入不再改动，只会被新版接替。
#[utoipa::path(
    operation_id = "duty.lists", tag = "duty", params(ListsFilter, KeyPaging),
    security(("bearer" = [])),
    responses((status = 200, description = "一页版本", body = Page<DutyListView>)),
)]
#[get("/duty-lists")]
async fn versions(
    _caller: Caller<Staff>,
    state: Data<State>,
    filter: Query<ListsFilter>,
    KeyPaging(page): KeyPaging,
) -> Result<Json<Page<DutyListView>>, Error> {
    let filter = read::Filter {
        id: None,
        kind: filter.0.kind,
        division: code("division", filter.0.division.as_deref())?,
        valid_on: filter.0.valid_on,
    };
    let mut conn = state.db.acquire().await?;
    let rows = read::lists(&mut conn, &filter, page.after.as_deref(), page.probe()).await?;
    let shown = rows.into_iter().map(DutyListView::from).collect();
    Ok(Json(Page::by_key(shown, page.limit, |list: &DutyListView| &list.version)))
}

async fn found(state: &State, id: i64) -> Result<read::List, Error> {
    let filter = read::Filter { id: Some(id), ..read::Filter::default() };
    let mut conn = state.db.acquire().await?;
    read::lists(&mut conn, &filter, None, 1).await?.pop().ok_or_else(|| Basic::NotFound.into())
}

/// 一个版本和它的事项
#[derive(Debug, Serialize, ToSchema)]
pub struct DutyListDetail {
    /// 版本
    #[serde(flatten)]
    pub list: DutyListView,
    /// 事项的第一页；其余的看 `GET /duty-lists/{id}/items`
    pub entries: Page<DutyItemView>,
}

/// 查看一个版本
///
/// 这一版的来源、有效期和前 20 个事项；其余事项另行翻页。
#[utoipa::path(
    operation_id = "duty.read", tag = "duty",
    params(("id" = i64, Path, description = "版本的编号", example = 1)),
    security(("bearer" = [])),
    responses((status = 200, description = "版本和第一页事项", body = DutyListDetail)),
)]
#[get("/duty-lists/{id}")]
async fn read_one(
    _caller: Caller<Staff>,
    state: Data<State>,
    id: Target<i64>,
) -> Result<Json<DutyListDetail>, Error> {
    let list = found(&state, id.0).await?;
    let first = KeyRequest { after: None, limit: Limit::DEFAULT };
    Ok(Json(DutyListDetail { entries: items_page(&state, id.0, first).await?, list: list.into() }))
}

async fn items_page(
    state: &State,
    list: i64,
    page: KeyRequest,
) -> Result<Page<DutyItemView>, Error> {
    let mut conn = state.db.acquire().await?;
    let rows = read::items_of(&mut conn, list, page.after.as_deref(), page.probe()).await?;
    let shown = rows.into_iter().map(DutyItemView::from).collect();
    Ok(Page::by_key(shown, page.limit, |item: &DutyItemView| &item.code))
}

/// 一个版本的事项
///
/// 按代码排列。
#[utoipa::path(
    operation_id = "duty.list_items", tag = "duty",
    params(("id" = i64, Path, description = "版本的编号", example = 1), KeyPaging),
    security(("bearer" = [])),
    responses((status = 200, description = "一页事项", body = Page<DutyItemView>)),
)]
#[get("/duty-lists/{id}/items")]
async fn list_items(
    _caller: Caller<Staff>,
    state: Data<State>,
    id: Target<i64>,
    page: Result<KeyPaging, Error>,
) -> Result<Json<Page<DutyItemView>>, Error> {
    found(&state, id.0).await?;
    Ok(Json(items_page(&state, id.0, page?.0).await?))
}

/// As what a list is exported.
#[derive(Debug, Clone, Copy, Default, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum SheetFormat {
    /// Excel 工作簿
    #[default]
    Xlsx,
    /// CSV（UTF-8，带 BOM）
    Csv,
}

/// As what.
#[derive(Debug, Clone, Copy, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct ExportFilter {
    /// 文件格式，默认 xlsx
    #[param(required = false, inline)]
    format: Option<SheetFormat>,
}

/// 导出一个版本
///
/// 列与导入所读的完全一样：导出、修改、再导入，不必改表头。
#[utoipa::path(
    operation_id = "duty.export", tag = "duty",
    params(("id" = i64, Path, description = "版本的编号", example = 1), ExportFilter),
    security(("bearer" = [])),
    responses((status = 200, description = "文件", content(
        (Value = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
        (Value = "text/csv")))),
)]
#[get("/duty-lists/{id}/export")]
async fn export(
    _caller: Caller<Staff>,
    state: Data<State>,
    id: Target<i64>,
    filter: Result<Query<ExportFilter>, Error>,
) -> Result<HttpResponse, Error> {
    let list = found(&state, id.0).await?;
    let filter = filter?.0;
    let mut conn = state.db.acquire().await?;
    let items = read::whole(&mut conn, id.0).await?;
    let sheet = sheet::of(&items);
    as_file(&list.version, sheet, filter)
}

/// A workbook to be kept under a name.
pub(super) fn as_workbook(name: &str, bytes: Vec<u8>) -> HttpResponse {
    let file = format!("attachment; filename=\"{name}.xlsx\"");
    HttpResponse::Ok().content_type(WORKBOOK).insert_header((CONTENT_DISPOSITION, file)).body(bytes)
}

/// A sheet as a file to be kept, named after its version.
///
/// # Errors
/// It cannot be written.
pub(super) fn as_file(
    version: &str,
    sheet: Sheet,
    filter: ExportFilter,
) -> Result<HttpResponse, Error> {
    let internal = |why: Box<dyn std::error::Error + Send + Sync>| Error::Internal(why);
    match filter.format.unwrap_or_default() {
        SheetFormat::Xlsx => {
            let bytes = write_workbook(&[sheet]).map_err(|error| internal(error.into()))?;
            Ok(as_workbook(version, bytes))
        }
        SheetFormat::Csv => {
            let bytes = write_csv(&sheet).map_err(|error| internal(error.into()))?;
            let file = format!("attachment; filename=\"{version}.csv\"");
            Ok(HttpResponse::Ok()
                .content_type("text/csv; charset=utf-8")
                .insert_header((CONTENT_DISPOSITION, file))
                .body(bytes))
        }
    }
}

/// Which items.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct DutyFilter {
    /// 在代码、事项和类别中查找的字词
    #[param(required = false, example = "井盖")]
    q: Option<String>,
    /// 街道或社区的代码；不填则查全区的属地管理责任清单
    #[param(required = false, example = "140213066")]
    division: Option<String>,
    /// 部门的代码：只看它主管的事项；也可以写街道或社区，与 division 相同
    #[param(required = false, example = "urban-management")]
    unit: Option<String>,
    /// 哪一天有效的；不填为今天
    #[param(required = false, example = "2026-11-24")]
    at: Option<NaiveDate>,
}

/// 查找事项
///
/// 某一天有效的事项及其清单版本。查街道时，同一事项按“上级收回、基本履职、配合履职、属地清单”的
/// 先后取一份；查社区时是它自己的清单；查部门时是它主管的事项。按代码排列，一次给全。
#[utoipa::path(
    operation_id = "duty.items", tag = "duty", params(DutyFilter), security(("bearer" = [])),
    responses((status = 200, description = "事项", body = Page<DutyItemView>)),
)]
#[get("/duty-items")]
async fn look_up(
    _caller: Caller<Staff>,
    state: Data<State>,
    filter: Query<DutyFilter>,
) -> Result<Json<Page<DutyItemView>>, Error> {
    let words = text::optional("q", filter.0.q.as_deref(), 50)?;
    let division = code("division", filter.0.division.as_deref())?;
    let unit = division.or(code("unit", filter.0.unit.as_deref())?);
    let on = filter.0.at.unwrap_or_else(|| time::date(state.clock.now()));
    let mut conn = state.db.acquire().await?;
    let found = read::items(&mut conn, words.as_deref(), unit.as_ref(), on).await?;
    let items = found.into_iter().map(DutyItemView::from).collect();
    Ok(Json(Page { items, next_cursor: None }))
}

fn code(field: &str, given: Option<&str>) -> Result<Option<NodeCode>, Error> {
    Ok(given.map(|text| NodeCode::parse(field, text)).transpose()?)
}

/// 建议的单位
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = DutySuggestedUnit)]
pub struct UnitName {
    /// 单位代码
    pub code: NodeCode,
    /// 名称
    #[schema(example = "区城市管理局")]
    pub name: String,
}

impl From<Named> for UnitName {
    fn from(named: Named) -> Self {
        Self { code: named.code, name: named.name }
    }
}

/// 按清单建议的主办、协办单位
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = DutySuggestion)]
pub struct SuggestionView {
    /// 事项代码
    #[schema(example = "city-05")]
    pub duty_item: String,
    /// 事项
    pub name: String,
    /// 由哪一种清单定
    pub list: ListKind,
    /// 清单版本
    pub version: String,
    /// 主办；清单没有写主管部门时为 null
    pub lead: Option<UnitName>,
    /// 协办
    pub assist: Vec<UnitName>,
    /// 答复是否必须附照片
    pub photos_required: bool,
    /// 为什么是这些单位
    #[schema(
        example = "按《水泊寺街道配合履职事项清单》（版本 cooperate-2025.1-140213066），“井盖缺失和道路破损”由区城市管理局牵头，水泊寺街道配合"
    )]
    pub why: String,
}

impl From<Suggested> for SuggestionView {
    fn from(suggested: Suggested) -> Self {
        let Suggested { found, lead, assist, why } = suggested;
        Self {
            duty_item: found.item.code,
            name: found.item.name,
            list: found.kind,
            version: found.version,
            lead: lead.map(UnitName::from),
            assist: assist.into_iter().map(UnitName::from).collect(),
            photos_required: found.item.photos_required,
            why,
        }
    }
}

/// Where.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct PlaceFilter {
    /// 在哪个社区或村
    #[param(required = true, example = "140213066004")]
    community_code: Option<String>,
}

/// 某地某事项的建议单位
///
/// 吹哨前查：这一事项在这个社区应由谁牵头、谁配合，依据哪一版清单。
#[utoipa::path(
    operation_id = "duty.suggest_for_place", tag = "duty",
    params(("id" = String, Path, description = "事项代码", example = "city-05"), PlaceFilter),
    security(("bearer" = [])),
    responses((status = 200, description = "建议", body = SuggestionView)),
)]
#[get("/duty-items/{id}/proposal")]
async fn suggest_for_place(
    _caller: Caller<Staff>,
    state: Data<State>,
    item: Target<String>,
    filter: Result<Query<PlaceFilter>, Error>,
) -> Result<Json<SuggestionView>, Error> {
    let now = state.clock.now();
    let mut conn = state.db.acquire().await?;
    // An item that is nowhere is missing, whatever else is wrong.
    read::anywhere(&mut conn, &item.0, time::date(now))
        .await?
        .then_some(())
        .ok_or(Basic::NotFound)?;
    let community = units::community(&mut conn, filter?.0.community_code.as_deref()).await?;
    Ok(Json(units::suggest(&mut conn, &item.0, &community, now).await?.into()))
}

/// By which item.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct CaseFilter {
    /// 事项代码；不填则用受理时写的
    #[param(required = false, example = "city-05")]
    duty_item: Option<String>,
}

/// 一件诉求的建议单位
///
/// 派单前查：按清单应由谁主办、谁协办，依据哪一版清单。
#[utoipa::path(
    operation_id = "duty.suggest_for_case", tag = "duty",
    params(CaseFilter),
    security(("bearer" = [])),
    responses((status = 200, description = "建议", body = SuggestionView)),
)]
#[get("/complaints/{id}/proposal")]
async fn suggest_for_case(
    caller: Caller<CentreDesk>,
    state: Data<State>,
    id: Target<ComplaintId>,
    filter: Result<Query<CaseFilter>, Error>,
) -> Result<Json<SuggestionView>, Error> {
    let mut conn = state.db.acquire().await?;
    let detail = complaint::read::detail(&mut conn, &caller.scope(), id.0).await?;
    let facts = detail.ok_or(Basic::NotFound)?.facts;
    let item = filter?.0.duty_item.or(facts.duty_item);
    let unnamed = || Invalid::field("duty_item", "受理时没有写清单事项，请写明要查哪一项");
    let item = item.ok_or_else(unnamed)?;
    let now = state.clock.now();
    let suggested = units::suggest(&mut conn, &item, &facts.community_code, now).await;
    match suggested {
        Err(error) if error.code() == Some("not_found") => {
            let reason = format!("这个社区适用的现行清单里没有事项 {item}，请从清单中选择");
            Err(Invalid::field("duty_item", reason).into())
        }
        suggested => Ok(Json(suggested?.into())),
    }
}
