//! The guide as a file: the template, and what is brought.

use actix_web::{HttpResponse, get, post, web::Data};
use domain::sheet::RefusedCell;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::{
    app::{
        case::Ask,
        guide::import::{self as files, Imported},
    },
    error::Error,
    http::{
        duty::as_workbook,
        extract::{Caller, Query, RequestMeta, SheetBody, caller::needs::KeepGuide},
    },
    sheet::write_workbook,
    state::State,
};

routes![template, import];

/// 导入模板
///
/// 一个工作簿：第一张表是空的办事指南，第二张说明每一列怎么填。
#[utoipa::path(
    operation_id = "guide.template",
    tag = "guide",
    responses((status = 200, description = "文件", content(
        (Value = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet")))),
    security(("bearer" = [])),
)]
#[get("/guides/template")]
async fn template(_caller: Caller<KeepGuide>) -> Result<HttpResponse, Error> {
    let bytes =
        write_workbook(&files::template()).map_err(|error| Error::Internal(error.into()))?;
    Ok(as_workbook("guides", bytes))
}

/// How the file is taken.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct GuideImportFilter {
    /// 只看会有什么结果，不写入
    #[param(required = false, example = true)]
    dry_run: Option<bool>,
}

/// 导入的结果
#[derive(Debug, Serialize, ToSchema)]
pub struct GuideImportView {
    /// 是否只是试运行
    pub dry_run: bool,
    /// 文件里有多少行
    pub rows: usize,
    /// 新的有多少条
    pub added: usize,
    /// 有改动、写成新一版的有多少条
    pub changed: usize,
    /// 没有改动的有多少条
    pub known: usize,
    /// 不能导入的单元格；只在试运行时有，正式导入遇到就一行也不写入
    pub refused: Vec<RefusedCell>,
}

/// 导入办事指南
///
/// 正文是 xlsx 或 CSV（UTF-8 或 GBK）文件的内容，不超过 5 MB、2000 行，只能导入本单位的；列名见导入模板。先用
/// `dry_run=true` 看结果和不能导入的单元格；正式导入要么全部写入并提交审核，要么一行不写。没有改动的不重复写入。
#[utoipa::path(
    operation_id = "guide.import",
    tag = "guide",
    params(GuideImportFilter),
    request_body(content((String = "text/csv", example = "事项名称,类别,申请条件,所需材料\n占道经营备案,城市管理,本区个体工商户,身份证；营业执照\n")),
        description = "CSV 或 xlsx 文件"),
    responses(
        (status = 200, description = "试运行的结果，没有写入", body = GuideImportView),
        (status = 201, description = "已写入", body = GuideImportView)),
    security(("bearer" = [])),
    extensions(("x-problems" = json!([
        "sheet_too_large", "sheet_type", "sheet_broken_off", "sheet_encoding", "sheet_workbook", "sheet_unpacked",
        "sheet_empty", "guide_sheet_refused", "guide_cells_refused", "guide_title_taken", "publication_step_refused"
    ]))),
)]
#[post("/guides/import")]
async fn import(
    caller: Caller<KeepGuide>,
    state: Data<State>,
    meta: RequestMeta,
    filter: Query<GuideImportFilter>,
    body: SheetBody,
) -> Result<HttpResponse, Error> {
    let dry_run = filter.0.dry_run.unwrap_or(false);
    let ask = Ask::new(Some(caller.actor.clone()), meta);
    let imported = files::import(&state, ask, dry_run, body.read()?).await?;
    let Imported { rows, added, changed, known, refused } = imported;
    let view = GuideImportView { dry_run, rows, added, changed, known, refused };
    Ok(if dry_run { HttpResponse::Ok().json(view) } else { HttpResponse::Created().json(view) })
}
