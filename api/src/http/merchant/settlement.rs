//! Statements (结算单) over HTTP: read, taken away as a workbook or a page, agreed to, disputed, paid.

use actix_web::{
    HttpResponse, get,
    http::header::ETAG,
    post,
    web::{Data, Json},
};
use domain::{
    id::SettlementId,
    merchant::settlement::{Answer, Status, document_no},
    offer::MerchantCode,
    page::{Limit, Page, PageRequest},
    refusal::{Basic, Faults, Invalid},
    text,
    time::Month,
};
use infra::postgres::merchant::settlement::read::{
    self, Filter, LineView, PayerTotal, SettlementView,
};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::{
    app::{identity::confirmation, merchant::settlement as statements},
    error::Error,
    http::{
        duty::as_workbook,
        extract::{
            Addressed, Body, Caller, Empty, IfMatch, On, Paging, Query,
            caller::needs::{AgreeSettlement, ManageMerchants, ReadSettlement},
        },
        printed,
    },
    state::State,
};

mod sheet;

/// 月结算单
#[derive(Debug, Serialize, ToSchema)]
pub struct SettlementDetail {
    /// 结算单
    #[serde(flatten)]
    pub settlement: SettlementView,
    /// 各付款方应付；合计等于应付合计
    pub payers: Vec<PayerTotal>,
}

async fn found<P>(
    state: &State,
    caller: &Caller<P>,
    id: SettlementId,
) -> Result<SettlementDetail, Error> {
    let filter = Filter { id: Some(id), ..Filter::default() };
    let one = PageRequest { after: None, limit: Limit::DEFAULT };
    let mut conn = state.db.acquire().await?;
    let mut rows = read::list(&mut conn, &caller.scope(), &filter, one).await?;
    let settlement = rows.pop().ok_or(Basic::NotFound)?;
    Ok(SettlementDetail { settlement, payers: read::payers(&mut conn, id).await? })
}

impl<P> Addressed for On<P, SettlementId> {
    async fn visible(&self) -> Result<(), Error> {
        found(&self.state, &self.caller, self.id).await.map(drop)
    }

    async fn shown(&self) -> Result<HttpResponse, Error> {
        let detail = found(&self.state, &self.caller, self.id).await?;
        let etag = format!("\"{}\"", detail.settlement.version);
        Ok(HttpResponse::Ok().insert_header((ETAG, etag)).json(detail))
    }
}

/// Which statements.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct SettlementFilter {
    /// 商户代码
    #[param(required = false, example = "wenxing")]
    merchant: Option<String>,
    /// 月份
    #[param(required = false, example = "2026-11")]
    period: Option<String>,
    /// 状态
    #[param(required = false)]
    status: Option<Status>,
}

impl SettlementFilter {
    fn read(self) -> Result<Filter, Invalid> {
        let mut faults = Faults::default();
        let merchant = self.merchant.map(|code| MerchantCode::parse("merchant", &code));
        let merchant = merchant.and_then(|code| faults.take(code));
        let month = self.period.and_then(|period| faults.take(Month::parse(&period)));
        faults.check()?;
        let merchant = merchant.map(|code| code.as_str().to_owned());
        Ok(Filter { id: None, merchant, month: month.map(Month::first), status: self.status })
    }
}

/// 月结算单列表
///
/// 商户负责人看本商户的，组织员和审计员看全部；近的月份在前。
#[utoipa::path(
    operation_id = "merchant.settlements", tag = "merchant",
    params(SettlementFilter, Paging),
    responses((status = 200, description = "一页结算单", body = Page<SettlementView>)),
    security(("bearer" = [])),
)]
#[get("/settlements")]
async fn list(
    caller: Caller<ReadSettlement>,
    state: Data<State>,
    filter: Query<SettlementFilter>,
    Paging(page): Paging,
) -> Result<Json<Page<SettlementView>>, Error> {
    let filter = filter.0.read()?;
    let mut conn = state.db.acquire().await?;
    let rows = read::list(&mut conn, &caller.scope(), &filter, page).await?;
    Ok(Json(Page::of(rows, page.limit, SettlementView::cursor)))
}

/// 查看月结算单
///
/// 出具后逐行不再改变；有误的由商户提出异议，更正写在下一张结算单。
#[utoipa::path(
    operation_id = "merchant.settlement", tag = "merchant",
    responses((status = 200, description = "结算单", body = SettlementDetail,
        headers(("ETag" = String, description = "版本号，用于 If-Match")))),
    security(("bearer" = [])),
)]
#[get("/settlements/{id}")]
async fn read_one(on: On<ReadSettlement, SettlementId>) -> Result<HttpResponse, Error> {
    on.shown().await
}

/// 月结算单的各行
///
/// 按行号排列。
#[utoipa::path(
    operation_id = "merchant.settlement_lines", tag = "merchant",
    params(Paging),
    responses((status = 200, description = "一页", body = Page<LineView>)),
    security(("bearer" = [])),
)]
#[get("/settlements/{id}/lines")]
async fn settlement_lines(
    on: On<ReadSettlement, SettlementId>,
    Paging(page): Paging,
) -> Result<Json<Page<LineView>>, Error> {
    on.visible().await?;
    let after = page.after.map_or(0, |cursor| cursor.at.timestamp());
    let mut conn = on.state.db.acquire().await?;
    let rows = read::lines(&mut conn, on.id, after, page.probe()).await?;
    Ok(Json(Page::of(rows, page.limit, LineView::cursor)))
}

/// Every line of a statement.
async fn whole(
    on: &On<ReadSettlement, SettlementId>,
) -> Result<(SettlementDetail, Vec<LineView>), Error> {
    let detail = found(&on.state, &on.caller, on.id).await?;
    let mut conn = on.state.db.acquire().await?;
    let lines = read::lines(&mut conn, on.id, 0, i64::from(i32::MAX)).await?;
    Ok((detail, lines))
}

/// 月结算单的表格
///
/// xlsx，一页合计、一页逐行。
#[utoipa::path(
    operation_id = "merchant.settlement_workbook", tag = "merchant",
    responses((status = 200, description = "表格", body = serde_json::Value,
        content_type = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet")),
    security(("bearer" = [])),
)]
#[get("/settlements/{id}/workbook")]
async fn workbook(on: On<ReadSettlement, SettlementId>) -> Result<HttpResponse, Error> {
    let (detail, lines) = whole(&on).await?;
    let (merchant, month) = (&detail.settlement.merchant, detail.settlement.month.format("%Y-%m"));
    let name = format!("settlement-{merchant}-{month}");
    Ok(as_workbook(&name, sheet::workbook(&detail, &lines)?))
}

/// 可打印的月结算单
///
/// 没有脚本的网页，有合计、各付款方应付、逐行和签章处。
#[utoipa::path(
    operation_id = "merchant.settlement_page", tag = "merchant",
    responses((status = 200, description = "网页", body = String, content_type = "text/html")),
    security(("bearer" = [])),
)]
#[get("/settlements/{id}/page")]
async fn printable(on: On<ReadSettlement, SettlementId>) -> Result<HttpResponse, Error> {
    let (detail, lines) = whole(&on).await?;
    Ok(printed::answer(sheet::html(&detail, &lines)))
}

/// 确认月结算单
///
/// 商户负责人核对无误后确认；有异议没有处理的不能确认。
#[utoipa::path(
    operation_id = "merchant.confirm", tag = "merchant",
    params(IfMatch),
    request_body(content = Empty, example = json!({})),
    responses((status = 200, description = "结算单现在的样子", body = SettlementDetail)),
    security(("bearer" = [])),
    extensions(("x-problems" = json!(["settlement_step_refused", "disputes_open", "confirmation_required"]))),
)]
#[post("/settlements/{id}/confirm")]
async fn confirm(
    on: On<AgreeSettlement, SettlementId>,
    body: Body<Empty>,
) -> Result<HttpResponse, Error> {
    on.read(body, Ok).await?;
    confirmation::demand(&on.state, &on.caller).await?;
    statements::confirm(&on.state, on.ask(), on.id).await?;
    on.shown().await
}

/// 提出异议
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct DisputeBody {
    /// 行号
    #[schema(example = 3)]
    pub line: i32,
    /// 哪里不对，2–500 个字
    pub reason: String,
}

/// 对一行提出异议
///
/// 商户负责人在异议期内提出，一行一次。
#[utoipa::path(
    operation_id = "merchant.dispute", tag = "merchant",
    params(IfMatch),
    request_body(content = DisputeBody, example = json!({"line": 1, "reason": "当天这位顾客领了两份，只记了一份"})),
    responses((status = 200, description = "结算单现在的样子", body = SettlementDetail)),
    security(("bearer" = [])),
    extensions(("x-problems" = json!(["settlement_step_refused", "settlement_dispute_closed", "line_disputed"]))),
)]
#[post("/settlements/{id}/disputes")]
async fn dispute(
    on: On<AgreeSettlement, SettlementId>,
    body: Body<DisputeBody>,
) -> Result<HttpResponse, Error> {
    let parse = |body: DisputeBody| Ok((body.line, text::text("reason", &body.reason, 2, 500)?));
    let (line, reason) = on.read(body, parse).await?;
    statements::dispute(&on.state, on.ask(), on.id, line, reason).await?;
    on.shown().await
}

/// 处理异议
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = SettlementAnswerBody)]
pub struct AnswerBody {
    /// 行号
    #[schema(example = 3)]
    pub line: i32,
    /// 异议是否成立
    pub uphold: bool,
    /// 成立的，补付（正数）或扣回（负数）多少分钱
    pub fen: Option<i64>,
    /// 答复，2–500 个字
    pub reason: String,
}

/// 处理一行的异议
///
/// 组织员答复；成立的金额写进下一张结算单，这一张不改。
#[utoipa::path(
    operation_id = "merchant.answer", tag = "merchant",
    params(IfMatch),
    request_body(content = AnswerBody, example = json!({"line": 1, "uphold": true, "fen": 500, "reason": "核对小票，补付一份"})),
    responses((status = 200, description = "结算单现在的样子", body = SettlementDetail)),
    security(("bearer" = [])),
    extensions(("x-problems" = json!([
        "settlement_step_refused", "no_dispute", "own_dispute", "budget_exceeded"
    ]))),
)]
#[post("/settlements/{id}/answer")]
async fn answer(
    on: On<ManageMerchants, SettlementId>,
    body: Body<AnswerBody>,
) -> Result<HttpResponse, Error> {
    let parse = |body: AnswerBody| {
        Answer::parse(body.uphold, body.fen, &body.reason).map(|answer| (body.line, answer))
    };
    let (line, answer) = on.read(body, parse).await?;
    statements::answer(&on.state, on.ask(), on.id, line, answer).await?;
    on.shown().await
}

/// 付款
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PayBody {
    /// 付款凭证号，2–60 个字
    #[schema(example = "2026-12-0031")]
    pub document_no: String,
}

/// 标记已付款
///
/// 商户确认以后，或者异议期结束、没有待处理的异议以后。
#[utoipa::path(
    operation_id = "merchant.pay", tag = "merchant",
    params(IfMatch),
    request_body(content = PayBody, example = json!({"document_no": "2026-12-0031"})),
    responses((status = 200, description = "结算单现在的样子", body = SettlementDetail)),
    security(("bearer" = [])),
    extensions(("x-problems" = json!([
        "settlement_step_refused", "settlement_not_confirmed", "disputes_open"
    ]))),
)]
#[post("/settlements/{id}/pay")]
async fn pay(
    on: On<ManageMerchants, SettlementId>,
    body: Body<PayBody>,
) -> Result<HttpResponse, Error> {
    let parse = |body: PayBody| document_no(&body.document_no).map_err(Invalid::from);
    let document_no = on.read(body, parse).await?;
    statements::pay(&on.state, on.ask(), on.id, document_no).await?;
    on.shown().await
}

routes![list, read_one, settlement_lines, workbook, printable, confirm, dispute, answer, pay];
