//! New versions of duty lists, from a sheet.

use actix_web::{HttpResponse, post, web::Data};
use chrono::NaiveDate;
use domain::{
    duty::{
        Item, ListKind,
        edition::{Changed, Column},
    },
    edition::RefusedRow,
    id::DutyProposalId,
    org::NodeCode,
};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::{
    app::{
        case::Ask,
        duty::{self, Import, Imported},
    },
    error::Error,
    http::extract::{Caller, Query, RequestMeta, SheetBody, caller::needs::ManageDutyLists},
    state::State,
};

routes![import];

/// What the version is.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct ImportFilter {
    /// 清单种类
    kind: ListKind,
    /// 版本名，全部清单中唯一
    #[param(example = "territorial-2027.1")]
    version: String,
    /// 标题
    #[param(example = "平城区属地管理责任清单（2027 年版）")]
    title: String,
    /// 哪个街道或社区的；全区的属地管理责任清单不填
    #[param(required = false, example = "140213066")]
    division: Option<String>,
    /// 从哪一天起有效；旧版在这一天的前一天结束
    #[param(example = "2027-01-01")]
    valid_from: NaiveDate,
    /// 只看会有什么变化，不写入
    #[param(required = false, example = true)]
    dry_run: Option<bool>,
}

/// 一个事项，逐列
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = DutyImportItem)]
pub struct ItemView {
    /// 事项代码
    #[schema(example = "city-05")]
    pub code: String,
    /// 类别
    pub category: String,
    /// 事项
    pub name: String,
    /// 主管部门的代码
    pub lead_unit: Option<NodeCode>,
    /// 基层承担什么
    pub duty: String,
}

impl From<&Item> for ItemView {
    fn from(item: &Item) -> Self {
        Self {
            code: item.code.clone(),
            category: item.category.clone(),
            name: item.name.clone(),
            lead_unit: item.lead_unit.clone(),
            duty: item.cell(Column::Duty),
        }
    }
}

/// 已采纳、还没有进新版的建议
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = DutyOpenProposal)]
pub struct OpenView {
    /// 建议的编号
    pub id: DutyProposalId,
    /// 事项代码
    pub item: String,
    /// 建议怎么写
    pub text: String,
    /// 建议由谁牵头
    pub lead_unit: Option<NodeCode>,
    /// 这次导入是否改动了这一事项
    pub touched: bool,
}

/// 导入的结果
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = DutyImportView)]
pub struct ImportView {
    /// 是否只是试运行
    pub dry_run: bool,
    /// 写入的版本的编号；试运行为 null
    pub id: Option<i64>,
    /// 版本名
    pub version: String,
    /// 被接替的版本；第一次导入为 null
    #[schema(example = "territorial-2024.1")]
    pub replaces: Option<String>,
    /// 新增的事项
    pub added: Vec<ItemView>,
    /// 去掉的事项
    pub removed: Vec<ItemView>,
    /// 改动的事项，逐列写明前后
    pub changed: Vec<Changed>,
    /// 没有变化的事项有多少
    pub unchanged: usize,
    /// 不能导入的行；只在试运行时有，正式导入遇到就全部不写入
    pub refused: Vec<RefusedRow>,
    /// 已采纳、还没有进新版的建议
    pub open_proposals: Vec<OpenView>,
}

impl ImportView {
    fn of(imported: Imported, dry_run: bool) -> Self {
        let touched = imported.difference.touched();
        let open = imported.open_proposals.into_iter().map(|open| OpenView {
            touched: touched.contains(&open.item),
            id: open.id,
            item: open.item,
            text: open.text,
            lead_unit: open.lead_unit,
        });
        Self {
            dry_run,
            id: imported.list,
            version: imported.edition.version,
            replaces: imported.replaces.map(|standing| standing.version),
            added: imported.difference.added.iter().map(ItemView::from).collect(),
            removed: imported.difference.removed.iter().map(ItemView::from).collect(),
            changed: imported.difference.changed,
            unchanged: imported.difference.unchanged,
            refused: imported.refused,
            open_proposals: open.collect(),
        }
    }
}

/// 导入清单的新版本
///
/// 正文是 CSV（UTF-8 或 GBK）或 xlsx 文件的内容，不超过 5 MB；第一行是列名：事项代码、类别、事项、
/// 主管部门、部门职责、基层承担、基层职责、须附照片、依据。先用 `dry_run=true` 看变化和不能导入的行；
/// 正式导入要么全部写入，要么一行不写。旧版在新版生效的前一天结束，已按旧版判定的诉求不变。
#[utoipa::path(
    operation_id = "duty.import", tag = "duty", params(ImportFilter),
    request_body(content((String = "text/csv", example = "事项代码,类别,事项,主管部门,部门职责,基层承担,基层职责,须附照片,依据\ncity-05,城市管理,井盖缺失和道路破损,urban-management,维修更换,配合,巡查上报,否,《城市道路管理条例》\n")),
        description = "CSV 或 xlsx 文件"),
    security(("bearer" = [])),
    responses(
        (status = 200, description = "试运行的结果，没有写入", body = ImportView),
        (status = 201, description = "已写入新版本", body = ImportView)),
    extensions(("x-problems" = json!([
        "sheet_too_large", "sheet_type", "sheet_broken_off", "sheet_encoding", "sheet_workbook",
        "sheet_unpacked", "sheet_empty", "duty_sheet_refused", "duty_rows_refused", "duty_version_taken",
        "duty_version_too_early"
    ]))),
)]
#[post("/duty-lists/import")]
async fn import(
    caller: Caller<ManageDutyLists>,
    state: Data<State>,
    meta: RequestMeta,
    filter: Query<ImportFilter>,
    body: SheetBody,
) -> Result<HttpResponse, Error> {
    let ImportFilter { kind, version, title, division, valid_from, dry_run } = filter.0;
    let division = division.map(|code| NodeCode::parse("division", &code)).transpose()?;
    let dry_run = dry_run.unwrap_or(false);
    let given = Import { kind, version, title, division, valid_from, dry_run };
    let ask = Ask::new(Some(caller.actor.clone()), meta);
    let imported = duty::import(&state, ask, given, body.read()?).await?;
    let view = ImportView::of(imported, dry_run);
    Ok(if dry_run { HttpResponse::Ok().json(view) } else { HttpResponse::Created().json(view) })
}
