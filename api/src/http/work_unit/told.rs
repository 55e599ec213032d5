//! What a unit is told: receipts for its members, and reports on all of them.

use actix_web::{
    HttpResponse, get, post,
    web::{Data, Json},
};
use domain::{
    id::{ReceiptId, UnitReportId},
    org::NodeCode,
    page::{Limit, Page, PageRequest},
    refusal::Basic,
};
use infra::postgres::work_unit::{
    Told,
    read::{self, ReceiptView, ToldFilter, UnitReportView},
};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::{
    app::{
        case::Ask,
        registration,
        work_unit::{self as units, file::Form},
    },
    error::Error,
    http::extract::{
        Addressed, Body, Caller, On, Paging, Query,
        body::Empty,
        caller::needs::{ActForWorkUnit, ReadReceipt},
    },
    state::State,
};

routes![
    receipts,
    read_receipt,
    acknowledge_receipt,
    reports,
    read_report,
    file,
    acknowledge_report
];

/// 筛选条件
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct ToldQuery {
    /// 已签收的，或未签收的
    #[param(required = false)]
    acknowledged: Option<bool>,
    /// 哪个单位
    #[param(required = false, example = "education")]
    unit: Option<String>,
}

impl ToldQuery {
    fn read(&self) -> Result<ToldFilter, Error> {
        let unit = NodeCode::optional("unit", self.unit.as_deref())?;
        Ok(ToldFilter { id: None, acknowledged: self.acknowledged, unit })
    }
}

/// 报到回执及姓名
#[derive(Debug, Serialize, ToSchema)]
pub struct ReceiptDetail {
    /// 回执本身
    #[serde(flatten)]
    pub receipt: ReceiptView,
    /// 党员的姓名；列表里只显示姓
    #[schema(example = "演*****")]
    pub name: String,
}

/// 报到回执
///
/// 本单位党员报到、转社区、换单位、退休、免除、退出，各有一份；新的在前。
#[utoipa::path(
    operation_id = "work_unit.receipts",
    tag = "work_unit",
    params(ToldQuery, Paging),
    responses((status = 200, description = "一页回执", body = Page<ReceiptDetail>)),
    security(("bearer" = [])),
)]
#[get("/receipts")]
async fn receipts(
    caller: Caller<ReadReceipt>,
    state: Data<State>,
    asked: Query<ToldQuery>,
    page: Paging,
) -> Result<Json<Page<ReceiptDetail>>, Error> {
    let filter = asked.0.read()?;
    let mut conn = state.db.acquire().await?;
    let rows = read::receipts(&mut conn, &caller.scope(), &filter, page.0).await?;
    let mut views = Vec::with_capacity(rows.len());
    for receipt in rows {
        let name = registration::masked_name(&state, &receipt.name_sealed)?;
        views.push(ReceiptDetail { receipt, name });
    }
    Ok(Json(Page::of(views, page.0.limit, |view| view.receipt.cursor())))
}

impl<P> Addressed for On<P, ReceiptId> {
    async fn visible(&self) -> Result<(), Error> {
        let filter = ToldFilter { id: Some(self.id.0), ..ToldFilter::default() };
        let one = PageRequest { after: None, limit: Limit::DEFAULT };
        let mut conn = self.state.db.acquire().await?;
        let rows = read::receipts(&mut conn, &self.caller.scope(), &filter, one).await?;
        rows.first().map(|_| ()).ok_or_else(|| Basic::NotFound.into())
    }

    async fn shown(&self) -> Result<HttpResponse, Error> {
        let ask = Ask { expected: None, ..self.ask() };
        let (receipt, name) = units::receipt(&self.state, ask, self.id).await?;
        Ok(HttpResponse::Ok().json(ReceiptDetail { receipt, name }))
    }
}

/// 查看一份回执
///
/// 单位可看到本单位党员的全名，每次查看都留有记录。
#[utoipa::path(
    operation_id = "work_unit.read_receipt",
    tag = "work_unit",
    responses((status = 200, description = "回执", body = ReceiptDetail)),
    security(("bearer" = [])),
)]
#[get("/receipts/{id}")]
async fn read_receipt(on: On<ReadReceipt, ReceiptId>) -> Result<HttpResponse, Error> {
    on.shown().await
}

/// 签收回执
///
/// 由本单位的联络员签收，只能签收一次。
#[utoipa::path(
    operation_id = "work_unit.acknowledge_receipt",
    tag = "work_unit",
    request_body(content = Empty, example = json!({})),
    responses((status = 200, description = "回执现在的样子", body = ReceiptDetail)),
    security(("bearer" = [])),
    extensions(("x-problems" = json!(["already_acknowledged"]))),
)]
#[post("/receipts/{id}/acknowledge")]
async fn acknowledge_receipt(
    on: On<ActForWorkUnit, ReceiptId>,
    body: Body<Empty>,
) -> Result<HttpResponse, Error> {
    on.read(body, |_| Ok(())).await?;
    units::acknowledge(&on.state, on.ask(), Told::Receipt(on.id)).await?;
    on.shown().await
}

/// 年度服务反馈
///
/// 随提醒送达的汇总、每季度的反馈、年度结算后的证明；新的在前。
#[utoipa::path(
    operation_id = "work_unit.reports",
    tag = "work_unit",
    params(ToldQuery, Paging),
    responses((status = 200, description = "一页反馈", body = Page<UnitReportView>)),
    security(("bearer" = [])),
)]
#[get("/unit-reports")]
async fn reports(
    caller: Caller<ReadReceipt>,
    state: Data<State>,
    asked: Query<ToldQuery>,
    page: Paging,
) -> Result<Json<Page<UnitReportView>>, Error> {
    let filter = asked.0.read()?;
    let mut conn = state.db.acquire().await?;
    let rows = read::reports(&mut conn, &caller.scope(), &filter, page.0).await?;
    Ok(Json(Page::of(rows, page.0.limit, UnitReportView::cursor)))
}

impl<P> Addressed for On<P, UnitReportId> {
    async fn visible(&self) -> Result<(), Error> {
        self.view().await.map(drop)
    }

    async fn shown(&self) -> Result<HttpResponse, Error> {
        Ok(HttpResponse::Ok().json(self.view().await?))
    }
}

impl<P> On<P, UnitReportId> {
    async fn view(&self) -> Result<UnitReportView, Error> {
        let filter = ToldFilter { id: Some(self.id.0), ..ToldFilter::default() };
        let one = PageRequest { after: None, limit: Limit::DEFAULT };
        let mut conn = self.state.db.acquire().await?;
        let mut rows = read::reports(&mut conn, &self.caller.scope(), &filter, one).await?;
        rows.pop().ok_or_else(|| Basic::NotFound.into())
    }
}

/// 查看一份反馈
///
/// 季度反馈或年度证明的内容；文件另行下载。
#[utoipa::path(
    operation_id = "work_unit.read_report",
    tag = "work_unit",
    responses((status = 200, description = "反馈", body = UnitReportView)),
    security(("bearer" = [])),
)]
#[get("/unit-reports/{id}")]
async fn read_report(on: On<ReadReceipt, UnitReportId>) -> Result<HttpResponse, Error> {
    on.shown().await
}

/// 签收反馈
///
/// 由本单位的联络员签收，只能签收一次。
#[utoipa::path(
    operation_id = "work_unit.acknowledge_report",
    tag = "work_unit",
    request_body(content = Empty, example = json!({})),
    responses((status = 200, description = "反馈现在的样子", body = UnitReportView)),
    security(("bearer" = [])),
    extensions(("x-problems" = json!(["already_acknowledged"]))),
)]
#[post("/unit-reports/{id}/acknowledge")]
async fn acknowledge_report(
    on: On<ActForWorkUnit, UnitReportId>,
    body: Body<Empty>,
) -> Result<HttpResponse, Error> {
    on.read(body, |_| Ok(())).await?;
    units::acknowledge(&on.state, on.ask(), Told::Report(on.id)).await?;
    on.shown().await
}

/// 文件的形式
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct FileQuery {
    /// 形式：xlsx 或 pdf；不填为 xlsx
    #[param(required = false, value_type = Option<String>, example = "xlsx")]
    format: Option<FileFormat>,
}

/// 形式
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum FileFormat {
    /// 表格
    Xlsx,
    /// PDF
    Pdf,
}

/// 下载反馈或证明
///
/// 列出本单位每名报到党员（全名）的要求、次数、小时和还差多少；年度证明以结算为准。每次下载都留有记录。
#[utoipa::path(
    operation_id = "work_unit.file",
    tag = "work_unit",
    params(FileQuery),
    responses((status = 200, description = "文件", content(
        (Value = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
        (Value = "application/pdf"),
    ))),
    security(("bearer" = [])),
    extensions(("x-problems" = json!(["pdf_font_missing", "invalid_field"]))),
)]
#[get("/unit-reports/{id}/file")]
async fn file(
    on: On<ReadReceipt, UnitReportId>,
    Query(asked): Query<FileQuery>,
) -> Result<HttpResponse, Error> {
    let (form, media_type, ending) = match asked.format {
        Some(FileFormat::Pdf) => (Form::Pdf, "application/pdf", "pdf"),
        _ => {
            let media_type = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet";
            (Form::Workbook, media_type, "xlsx")
        }
    };
    let ask = Ask { expected: None, ..on.ask() };
    let bytes = units::file::make(&on.state, ask, on.id, form).await?;
    let name = format!("attachment; filename=\"unit-report-{}.{ending}\"", on.id);
    Ok(HttpResponse::Ok()
        .content_type(media_type)
        .insert_header(("content-disposition", name))
        .body(bytes))
}
