//! Hours from other volunteer platforms (外部平台时长) over HTTP, and with them a member's own year.

use actix_web::{
    HttpResponse, get, post,
    web::{Data, Json},
};
use domain::{
    edition::RefusedRow,
    id::ImportedId,
    page::{Limit, Page, PageRequest},
    refusal::Basic,
    service::{
        Year,
        hours::{self, Judged},
    },
};
use infra::postgres::service::hours::read::{self, HoursView, ImportedView};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::{
    app::{
        case::Ask,
        service::hours::{self as imports, Import},
    },
    error::Error,
    http::extract::{
        Addressed, Body, Caller, On, Paging, Query, RequestMeta, SheetBody,
        caller::needs::{ClaimPost, OrganisePost},
    },
    state::State,
};

routes![import, list, withdraw, mine];

/// Where the hours come from.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct HoursImportFilter {
    /// 平台名称
    #[param(example = "志愿山西")]
    platform: String,
    /// 只看能导入什么，不写入
    #[param(required = false, example = true)]
    dry_run: Option<bool>,
}

/// 导入时长的结果
#[derive(Debug, Serialize, ToSchema)]
pub struct HoursImportView {
    /// 是否只是试运行
    pub dry_run: bool,
    /// 平台名称
    pub platform: String,
    /// 计入的记录数
    pub imported: usize,
    /// 计入的时长（分钟），超过每天上限的部分不计
    pub minutes: i64,
    /// 以前已经导入、内容相同的记录数
    pub unchanged: usize,
    /// 不能导入的行，逐格写明原因；只在试运行时有，正式导入遇到就一行不写
    pub refused: Vec<RefusedRow>,
}

impl HoursImportView {
    fn of(judged: Judged, platform: String, dry_run: bool) -> Self {
        Self {
            dry_run,
            platform,
            imported: judged.accepted.len(),
            minutes: judged.accepted.iter().map(|one| i64::from(one.counted)).sum(),
            unchanged: judged.unchanged,
            refused: judged.refused,
        }
    }
}

/// 导入外部平台的时长
///
/// 正文是 CSV（UTF-8 或 GBK）或 xlsx 文件的内容；第一行是列名：记录编号、姓名、证件号码后六位、开始时间、时长（分钟）、
/// 服务内容。按姓名和后六位与名册核对，只计入已报到的党员；与本人其他服务重叠的不计，每天计到上限，不产生积分。
/// 先用 `dry_run=true` 试运行；正式导入要么全部写入，要么一行不写，重复导入不会重复计。
#[utoipa::path(
    operation_id = "service.import_hours", tag = "service", params(HoursImportFilter),
    request_body(content((String = "text/csv", example = "记录编号,姓名,证件号码后六位,开始时间,时长（分钟）,服务内容\nSX-0001,演示党员1,100001,2026-11-20 14:00,90,清洁家园\n")),
        description = "CSV 或 xlsx 文件"),
    security(("bearer" = [])),
    responses(
        (status = 200, description = "试运行的结果，没有写入", body = HoursImportView),
        (status = 201, description = "已写入", body = HoursImportView)),
    extensions(("x-problems" = json!([
        "sheet_too_large", "sheet_type", "sheet_broken_off", "sheet_encoding", "sheet_workbook", "sheet_unpacked",
        "sheet_empty", "hours_sheet_refused", "hours_rows_refused", "hours_at_once"
    ]))),
)]
#[post("/imported-hours")]
async fn import(
    caller: Caller<OrganisePost>,
    state: Data<State>,
    meta: RequestMeta,
    filter: Query<HoursImportFilter>,
    body: SheetBody,
) -> Result<HttpResponse, Error> {
    let platform = hours::platform(&filter.0.platform)?;
    let dry_run = filter.0.dry_run.unwrap_or(false);
    let given = Import { platform: platform.clone(), dry_run };
    let ask = Ask::new(Some(caller.actor.clone()), meta);
    let judged = imports::import(&state, ask, given, body.read()?).await?;
    let view = HoursImportView::of(judged, platform, dry_run);
    Ok(if dry_run { HttpResponse::Ok().json(view) } else { HttpResponse::Created().json(view) })
}

/// 导入的时长
///
/// 社区看在本社区报到的党员的，组织部看全部；新导入的在前，撤销的仍在。
#[utoipa::path(
    operation_id = "service.imported_hours", tag = "service", params(Paging),
    security(("bearer" = [])),
    responses((status = 200, description = "一页记录", body = Page<ImportedView>)),
)]
#[get("/imported-hours")]
async fn list(
    caller: Caller<OrganisePost>,
    state: Data<State>,
    page: Paging,
) -> Result<Json<Page<ImportedView>>, Error> {
    let mut connection = state.db.acquire().await?;
    let rows = read::list(&mut connection, &caller.scope(), None, page.0).await?;
    Ok(Json(Page::of(rows, page.0.limit, ImportedView::cursor)))
}

impl<P> On<P, ImportedId> {
    async fn found(&self) -> Result<ImportedView, Error> {
        let one = PageRequest { after: None, limit: Limit::DEFAULT };
        let mut connection = self.state.db.acquire().await?;
        let scope = self.caller.scope();
        let rows = read::list(&mut connection, &scope, Some(self.id), one).await?;
        rows.into_iter().next().ok_or_else(|| Basic::NotFound.into())
    }
}

impl<P> Addressed for On<P, ImportedId> {
    async fn visible(&self) -> Result<(), Error> {
        self.found().await.map(drop)
    }

    async fn shown(&self) -> Result<HttpResponse, Error> {
        Ok(HttpResponse::Ok().json(self.found().await?))
    }
}

/// 撤销一条时长
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct WithdrawHoursBody {
    /// 原因，2–200 个字
    pub reason: String,
}

/// 撤销一条导入的时长
///
/// 平台更正或导错的，撤销后不再计入，记录仍在；更正后的可以重新导入。
#[utoipa::path(
    operation_id = "service.withdraw_hours", tag = "service",
    request_body(content = WithdrawHoursBody, example = json!({"reason": "平台已更正时长"})),
    security(("bearer" = [])),
    responses((status = 200, description = "记录现在的样子", body = ImportedView)),
    extensions(("x-problems" = json!(["hours_withdrawn"]))),
)]
#[post("/imported-hours/{id}/withdraw")]
async fn withdraw(
    on: On<OrganisePost, ImportedId>,
    body: Body<WithdrawHoursBody>,
) -> Result<HttpResponse, Error> {
    let reason = on.read(body, |body| hours::reason(&body.reason)).await?;
    imports::withdraw(&on.state, on.ask(), on.id, reason).await?;
    on.shown().await
}

/// Which year.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct HoursFilter {
    /// 年份；不填为今年
    #[param(required = false, example = 2026)]
    year: Option<i32>,
}

/// 我的服务时长
///
/// 计入一年的每一次服务和它的来源：本平台的岗位，或导入的外部平台记录；近的在前。
#[utoipa::path(
    operation_id = "service.hours", tag = "service", params(HoursFilter, Paging),
    security(("bearer" = [])),
    responses((status = 200, description = "一页服务", body = Page<HoursView>)),
)]
#[get("/me/service-hours")]
async fn mine(
    caller: Caller<ClaimPost>,
    state: Data<State>,
    asked: Query<HoursFilter>,
    page: Paging,
) -> Result<Json<Page<HoursView>>, Error> {
    let year = match asked.0.year {
        Some(year) => Year::new(year)?,
        None => Year::of(state.clock.now()),
    };
    let mut connection = state.db.acquire().await?;
    let rows = read::mine(&mut connection, &caller.scope(), year, page.0).await?;
    Ok(Json(Page::of(rows, page.0.limit, HoursView::cursor)))
}
