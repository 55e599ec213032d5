//! The register as files: the template, what is brought, what is taken away.

use actix_web::{HttpResponse, get, post, web::Data};
use domain::{
    party::{Ledger, colour::Colour},
    sheet::RefusedCell,
    text,
};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::MembersFilter;
use crate::{
    app::{
        case::Ask,
        party::{
            import::{self as files, Imported},
            sheet,
        },
    },
    error::Error,
    http::{
        duty::{ExportFilter, as_file, as_workbook},
        extract::{Body, Caller, Query, RequestMeta, SheetBody, caller::needs::KeepRegister},
    },
    sheet::write_workbook,
    state::State,
};

routes![template, import, export];

/// 导入模板
///
/// 一个工作簿：第一张表是空的名册，第二张说明每一列怎么填、可以写哪些党组织。
#[utoipa::path(
    operation_id = "party.template",
    tag = "party",
    responses((status = 200, description = "文件", content(
        (Value = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet")))),
    security(("bearer" = [])),
)]
#[get("/party-members/template")]
async fn template(
    caller: Caller<KeepRegister>,
    state: Data<State>,
    meta: RequestMeta,
) -> Result<HttpResponse, Error> {
    let ask = Ask::new(Some(caller.actor.clone()), meta);
    let sheets = sheet::template(&files::bodies(&state, &ask).await?);
    let bytes = write_workbook(&sheets).map_err(|error| Error::Internal(error.into()))?;
    Ok(as_workbook("party-members", bytes))
}

/// How the file is taken.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct PartyImportFilter {
    /// 只看会有什么结果，不写入
    #[param(required = false, example = true)]
    dry_run: Option<bool>,
}

/// 导入的结果
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = PartyImportView)]
pub struct ImportView {
    /// 是否只是试运行
    pub dry_run: bool,
    /// 文件里有多少行
    pub rows: usize,
    /// 新登记多少名
    pub added: usize,
    /// 为多少名只有后六位的党员补全身份证号码
    pub completed: usize,
    /// 已在名册上、没有改动的有多少名
    pub known: usize,
    /// 不能导入的单元格；只在试运行时有，正式导入遇到就一行也不写入
    pub refused: Vec<RefusedCell>,
}

/// 导入党员名册
///
/// 正文是 xlsx 或 CSV（UTF-8 或 GBK）文件的内容，不超过 5 MB、5000 行；列名见导入模板。先用 `dry_run=true`
/// 看结果和不能导入的单元格；正式导入要么全部写入，要么一行不写。已在名册上的不会重复登记，只有后六位的补全号码。
#[utoipa::path(
    operation_id = "party.import",
    tag = "party",
    params(PartyImportFilter),
    request_body(content((String = "text/csv", example = "姓名,身份证号码,党支部,台账\n王芳,11010519491231002X,party-140213066004-01,离退\n")),
        description = "CSV 或 xlsx 文件"),
    responses(
        (status = 200, description = "试运行的结果，没有写入", body = ImportView),
        (status = 201, description = "已写入", body = ImportView)),
    security(("bearer" = [])),
    extensions(("x-problems" = json!([
        "sheet_too_large", "sheet_type", "sheet_broken_off", "sheet_encoding", "sheet_workbook", "sheet_unpacked",
        "sheet_empty", "party_sheet_refused", "party_cells_refused", "party_number_there", "party_match_there"
    ]))),
)]
#[post("/party-members/import")]
async fn import(
    caller: Caller<KeepRegister>,
    state: Data<State>,
    meta: RequestMeta,
    filter: Query<PartyImportFilter>,
    body: SheetBody,
) -> Result<HttpResponse, Error> {
    let dry_run = filter.0.dry_run.unwrap_or(false);
    let ask = Ask::new(Some(caller.actor.clone()), meta);
    let imported = files::import(&state, ask, dry_run, body.read()?).await?;
    let Imported { rows, added, completed, known, refused } = imported;
    let view = ImportView { dry_run, rows, added, completed, known, refused };
    Ok(if dry_run { HttpResponse::Ok().json(view) } else { HttpResponse::Created().json(view) })
}

/// 导出名册
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = PartyExportBody)]
pub struct ExportBody {
    /// 原因，2–200 个字，进入审计记录
    pub reason: String,
    /// 党组织的代码：它和它下面的党员
    pub branch: Option<String>,
    /// 小区的代码
    pub estate: Option<String>,
    /// 台账
    pub ledger: Option<Ledger>,
    /// 五色管理的颜色
    pub colour: Option<Colour>,
}

/// 导出党员名册
///
/// 本人管理的党员，姓名写全，身份证号码和电话始终隐去；每次导出连同原因都留有审计记录。
#[utoipa::path(
    operation_id = "party.export",
    tag = "party",
    params(ExportFilter),
    request_body(content = ExportBody, example = json!({"reason": "七一走访慰问准备", "ledger": "retired"})),
    responses((status = 200, description = "文件", content(
        (Value = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
        (Value = "text/csv")))),
    security(("bearer" = [])),
)]
#[post("/party-members/export")]
async fn export(
    caller: Caller<KeepRegister>,
    state: Data<State>,
    meta: RequestMeta,
    format: Query<ExportFilter>,
    body: Body<ExportBody>,
) -> Result<HttpResponse, Error> {
    let ExportBody { reason, branch, estate, ledger, colour } = body.read()?;
    let reason = text::text("reason", &reason, 2, 200)?;
    let filter = MembersFilter { branch, estate, ledger, colour, ..MembersFilter::default() };
    let filter = filter.read(&state)?;
    let ask = Ask::new(Some(caller.actor.clone()), meta);
    let members = files::export(&state, ask, filter, reason).await?;
    as_file("party-members", sheet::of(&members), format.0)
}
