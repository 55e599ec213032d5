//! New versions of a unit's powers, from a sheet.

use actix_web::{HttpResponse, post, web::Data};
use chrono::NaiveDate;
use domain::{
    edition::RefusedRow,
    enforcement::power::{Column, Deviation, Power},
    org::NodeCode,
};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::PowerView;
use crate::{
    app::{
        case::Ask,
        enforcement::import::{self as powers, Import, Imported},
    },
    error::Error,
    http::extract::{Caller, Query, RequestMeta, SheetBody, caller::needs::ManageDutyLists},
    state::State,
};

routes![import];

/// What the version is.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct PowerImportFilter {
    /// 哪个街道或部门的
    #[param(example = "140213066")]
    unit: String,
    /// 版本名，全部执法事项清单中唯一
    #[param(example = "powers-2027.1-140213066")]
    version: String,
    /// 标题
    #[param(example = "水泊寺街道执法事项清单（2027 年版）")]
    title: String,
    /// 从哪一天起有效；旧版在这一天的前一天结束
    #[param(example = "2027-01-01")]
    valid_from: NaiveDate,
    /// 只看会有什么变化，不写入
    #[param(required = false, example = true)]
    dry_run: Option<bool>,
}

/// 改动的一项
#[derive(Debug, Serialize, ToSchema)]
pub struct PowerChange {
    /// 事项代码
    pub code: String,
    /// 执法事项（新版的写法）
    pub name: String,
    /// 变了哪些列
    pub fields: Vec<PowerFieldChange>,
}

/// 一列的前后
#[derive(Debug, Serialize, ToSchema)]
pub struct PowerFieldChange {
    /// 哪一列
    pub field: Column,
    /// 现行版本
    pub before: String,
    /// 新版
    pub after: String,
}

impl From<(Power, Power)> for PowerChange {
    fn from((before, after): (Power, Power)) -> Self {
        let both = Column::ALL.iter().map(|it| (*it, before.cell(*it), after.cell(*it)));
        let fields = both
            .filter(|(_, before, after)| before != after)
            .map(|(field, before, after)| PowerFieldChange { field, before, after })
            .collect();
        Self { code: after.code, name: after.name, fields }
    }
}

/// 导入的结果
#[derive(Debug, Serialize, ToSchema)]
pub struct PowerImportView {
    /// 是否只是试运行
    pub dry_run: bool,
    /// 写入的版本的编号；试运行为 null
    pub id: Option<i64>,
    /// 版本名
    pub version: String,
    /// 被接替的版本；第一次导入为 null
    pub replaces: Option<String>,
    /// 新增的事项
    pub added: Vec<PowerView>,
    /// 去掉的事项
    pub removed: Vec<PowerView>,
    /// 改动的事项，逐列写明前后
    pub changed: Vec<PowerChange>,
    /// 没有变化的事项有多少
    pub unchanged: usize,
    /// 不能导入的行；只在试运行时有，正式导入遇到就全部不写入
    pub refused: Vec<RefusedRow>,
    /// 与完整清单（自有 27 项、下放 55 项）数目不符的；只提示，不妨碍导入
    pub deviations: Vec<Deviation>,
}

impl PowerImportView {
    fn of(imported: Imported, dry_run: bool) -> Self {
        let shown = |powers: Vec<Power>| powers.into_iter().map(PowerView::from).collect();
        let difference = imported.difference;
        Self {
            dry_run,
            id: imported.list,
            version: imported.edition.version,
            replaces: imported.replaces.map(|standing| standing.version),
            added: shown(difference.added),
            removed: shown(difference.removed),
            changed: difference.changed.into_iter().map(PowerChange::from).collect(),
            unchanged: difference.unchanged,
            refused: imported.refused,
            deviations: imported.deviations,
        }
    }
}

/// 导入执法事项清单的新版本
///
/// 正文是 CSV（UTF-8 或 GBK）或 xlsx 文件的内容，不超过 5 MB；第一行是列名：事项代码、来源（自有或
/// 下放）、执法事项、下放部门、依据。先用 `dry_run=true` 看变化和不能导入的行；正式导入要么全部写入，
/// 要么一行不写。旧版在新版生效的前一天结束，已按旧版登记的执法行为不变。
#[utoipa::path(
    operation_id = "enforcement.import", tag = "enforcement", params(PowerImportFilter),
    request_body(content((String = "text/csv", example = "事项代码,来源,执法事项,下放部门,依据\nstreet-vending,下放,对占道经营的处罚,urban-management,《城市市容和环境卫生管理条例》\n")),
        description = "CSV 或 xlsx 文件"),
    security(("bearer" = [])),
    responses(
        (status = 200, description = "试运行的结果，没有写入", body = PowerImportView),
        (status = 201, description = "已写入新版本", body = PowerImportView)),
    extensions(("x-problems" = json!([
        "sheet_too_large", "sheet_type", "sheet_broken_off", "sheet_encoding", "sheet_workbook", "sheet_unpacked",
        "sheet_empty", "power_sheet_refused", "power_rows_refused", "power_version_taken",
        "power_version_too_early"
    ]))),
)]
#[post("/power-lists/import")]
async fn import(
    caller: Caller<ManageDutyLists>,
    state: Data<State>,
    meta: RequestMeta,
    filter: Query<PowerImportFilter>,
    body: SheetBody,
) -> Result<HttpResponse, Error> {
    let PowerImportFilter { unit, version, title, valid_from, dry_run } = filter.0;
    let unit = NodeCode::parse("unit", &unit)?;
    let dry_run = dry_run.unwrap_or(false);
    let given = Import { unit, version, title, valid_from, dry_run };
    let ask = Ask::new(Some(caller.actor.clone()), meta);
    let imported = powers::import(&state, ask, given, body.read()?).await?;
    let view = PowerImportView::of(imported, dry_run);
    Ok(if dry_run { HttpResponse::Ok().json(view) } else { HttpResponse::Created().json(view) })
}
