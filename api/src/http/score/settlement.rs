//! Quarters (季度结算) over HTTP: proposed, published, objected to, locked.

use actix_web::{
    HttpResponse, get,
    http::header::ETAG,
    post,
    web::{Data, Json},
};
use domain::{
    id::{ObjectionId, ScoreEntryId, ScoreSettlementId},
    org::NodeCode,
    page::Page,
    refusal::{Basic, Faults, Invalid},
    score::{Quarter, quarterly::Status},
    text,
};
use infra::postgres::score::read::{self, SettlementFilter, SettlementRow};
use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};

use super::ScoreReasonBody;
use crate::{
    app::{
        case::Ask,
        score::{self as scores, SettlementView},
    },
    error::Error,
    http::{
        duty::as_workbook,
        extract::{
            Addressed, Body, Caller, Empty, IfMatch, On, Paging, Query, RequestMeta,
            caller::needs::{KeepScore, ReadScore, SettleScore},
        },
    },
    sheet::{Cell, Sheet, write_workbook},
    state::State,
};

routes![propose, list, read_one, export, publish, send_back, object_to, decide];

/// 提交季度结算
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ProposeQuarterBody {
    /// 党支部
    #[schema(example = "party-140213066004-01")]
    pub branch: String,
    /// 已经结束的季度
    #[schema(example = "2026Q3")]
    pub quarter: String,
}

impl ProposeQuarterBody {
    fn read(&self) -> Result<(NodeCode, Quarter), Invalid> {
        let mut faults = Faults::default();
        let branch = faults.take(NodeCode::parse("branch", &self.branch));
        let quarter = faults.take(Quarter::parse("quarter", &self.quarter));
        faults.check()?;
        branch.zip(quarter).ok_or_else(|| Invalid(Vec::new()))
    }
}

/// 提交季度结算
///
/// 季度结束以后由支部书记（没有书记的由社区）提交，由社区或组织部的另一个人审定公示。
#[utoipa::path(
    operation_id = "score.propose",
    tag = "score",
    request_body(content = ProposeQuarterBody, example = json!({"branch": "party-140213066004-01", "quarter": "2026Q2"})),
    responses((status = 201, description = "等待审定", body = SettlementView)),
    security(("bearer" = [])),
    extensions(("x-problems" = json!(["score_quarter_runs", "score_settlement_proposed"]))),
)]
#[post("/score-settlements")]
async fn propose(
    caller: Caller<KeepScore>,
    state: Data<State>,
    meta: RequestMeta,
    body: Body<ProposeQuarterBody>,
) -> Result<HttpResponse, Error> {
    let (branch, quarter) = body.read()?.read()?;
    let ask = Ask::new(Some(caller.actor.clone()), meta);
    let id = scores::propose(&state, ask, branch, quarter).await?;
    let view = scores::detail(&state, &caller.scope(), id).await?;
    Ok(HttpResponse::Created().json(view))
}

/// 列表的筛选条件
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct ListFilter {
    /// 党支部
    #[param(required = false, example = "party-140213066004-01")]
    branch: Option<String>,
    /// 季度
    #[param(required = false, example = "2026Q3")]
    quarter: Option<String>,
    /// 状态
    #[param(required = false)]
    status: Option<Status>,
}

/// 季度结算列表
///
/// 支部及以上看自己范围内的，党员看本支部正在公示和已经锁定的；新的在前。
#[utoipa::path(
    operation_id = "score.settlements",
    tag = "score",
    params(ListFilter, Paging),
    responses((status = 200, description = "一页结算", body = Page<SettlementView>)),
    security(("bearer" = [])),
)]
#[get("/score-settlements")]
async fn list(
    caller: Caller<ReadScore>,
    state: Data<State>,
    filter: Query<ListFilter>,
    paging: Paging,
) -> Result<Json<Page<SettlementView>>, Error> {
    let quarter = filter.0.quarter.as_deref();
    let filter = SettlementFilter {
        id: None,
        branch: NodeCode::optional("branch", filter.0.branch.as_deref())?,
        quarter: quarter.map(|text| Quarter::parse("quarter", text)).transpose()?,
        status: filter.0.status,
    };
    let mut connection = state.db.acquire().await?;
    let rows = read::settlements(&mut connection, &caller.scope(), &filter, paging.0).await?;
    let page = Page::of(rows, paging.0.limit, SettlementRow::cursor);
    let items = page.items.iter().map(SettlementView::brief).collect();
    Ok(Json(Page { items, next_cursor: page.next_cursor }))
}

impl<P> Addressed for On<P, ScoreSettlementId> {
    async fn visible(&self) -> Result<(), Error> {
        scores::detail(&self.state, &self.caller.scope(), self.id).await.map(drop)
    }

    async fn shown(&self) -> Result<HttpResponse, Error> {
        let view = scores::detail(&self.state, &self.caller.scope(), self.id).await?;
        let etag = format!("\"{}\"", view.version);
        Ok(HttpResponse::Ok().insert_header((ETAG, etag)).json(view))
    }
}

/// 查看季度结算
///
/// 各党员的合计按名册的顺序，不排名。支部成员看到的姓名只显示姓，事由不显示；支部及以上看到全名。
#[utoipa::path(
    operation_id = "score.settlement",
    tag = "score",
    responses((status = 200, description = "结算", body = SettlementView,
        headers(("ETag" = String, description = "版本号，用于 If-Match")))),
    security(("bearer" = [])),
)]
#[get("/score-settlements/{id}")]
async fn read_one(on: On<ReadScore, ScoreSettlementId>) -> Result<HttpResponse, Error> {
    on.shown().await
}

/// 季度结算表格
///
/// 支部及以上导出本季度的合计和记录。
#[utoipa::path(
    operation_id = "score.export",
    tag = "score",
    responses((status = 200, description = "表格", content(
        (Value = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
    ))),
    security(("bearer" = [])),
)]
#[get("/score-settlements/{id}/sheet")]
async fn export(on: On<KeepScore, ScoreSettlementId>) -> Result<HttpResponse, Error> {
    let view = scores::detail(&on.state, &on.caller.scope(), on.id).await?;
    // Inside the branch the notice is read, not taken away.
    if view.lines.iter().any(|line| line.member_id.is_none()) {
        return Err(Basic::NotFound.into());
    }
    scores::exported(&on.state, on.ask(), on.id).await?;
    let name = format!("score-{}-{}", view.branch, view.quarter);
    Ok(as_workbook(&name, workbook(&view)?))
}

fn workbook(view: &SettlementView) -> Result<Vec<u8>, Error> {
    let number = |value: i32| Cell::Number(f64::from(value));
    let sheet = |name: &str, columns: &[&str], rows: Vec<Vec<Cell>>| Sheet {
        name: name.to_owned(),
        columns: columns.iter().map(|column| (*column).to_owned()).collect(),
        rows,
    };
    let totals = view
        .lines
        .iter()
        .map(|line| vec![line.name.clone().into(), number(line.points), number(line.entries)]);
    let entries = view.entries.iter().map(|entry| {
        vec![
            entry.happened_on.to_string().into(),
            entry.name.clone().into(),
            entry.item_name.clone().into(),
            number(entry.points),
            entry.corrects.map(|_| "更正").unwrap_or_default().into(),
        ]
    });
    let sheets = [
        sheet("合计", &["姓名", "合计", "记录数"], totals.collect()),
        sheet("记录", &["日期", "姓名", "项目", "分值", "更正"], entries.collect()),
    ];
    write_workbook(&sheets).map_err(|fault| Error::Internal(Box::new(fault)))
}

/// 公示季度结算
///
/// 公示五个工作日，支部成员会收到通知；期满且异议都已处理的自动锁定，锁定后不能再改。
#[utoipa::path(
    operation_id = "score.publish",
    tag = "score",
    params(IfMatch),
    request_body(content = Empty, example = json!({})),
    responses((status = 200, description = "结算现在的样子", body = SettlementView)),
    security(("bearer" = [])),
    extensions(("x-problems" = json!(["score_settlement_step_refused", "own_settlement", "score_settlement_entries_wait"]))),
)]
#[post("/score-settlements/{id}/publish")]
async fn publish(
    on: On<SettleScore, ScoreSettlementId>,
    body: Body<Empty>,
) -> Result<HttpResponse, Error> {
    on.read(body, |_| Ok(())).await?;
    scores::settle(&on.state, on.ask(), on.id, None).await?;
    on.shown().await
}

/// 退回季度结算
///
/// 写明原因；支部更正记录后重新提交。
#[utoipa::path(
    operation_id = "score.send_back",
    tag = "score",
    params(IfMatch),
    request_body(content = ScoreReasonBody, example = json!({"reason": "九月的组织生活没有登记"})),
    responses((status = 200, description = "结算现在的样子", body = SettlementView)),
    security(("bearer" = [])),
    extensions(("x-problems" = json!(["score_settlement_step_refused", "own_settlement"]))),
)]
#[post("/score-settlements/{id}/send-back")]
async fn send_back(
    on: On<SettleScore, ScoreSettlementId>,
    body: Body<ScoreReasonBody>,
) -> Result<HttpResponse, Error> {
    let reason = on.read(body, ScoreReasonBody::read).await?;
    scores::settle(&on.state, on.ask(), on.id, Some(reason)).await?;
    on.shown().await
}

/// 异议
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ObjectBody {
    /// 对公示里的哪一条记录；对整个公示的不填
    pub entry_id: Option<ScoreEntryId>,
    /// 意见，5–1000 个字
    pub words: String,
}

/// 提出异议
///
/// 本支部党员在公示期内提出，一次一条；处理以前不锁定。
#[utoipa::path(
    operation_id = "score.object",
    tag = "score",
    request_body(content = ObjectBody, example = json!({"words": "九月二十日的志愿服务没有计入"})),
    responses((status = 200, description = "结算现在的样子", body = SettlementView)),
    security(("bearer" = [])),
    extensions(("x-problems" = json!([
        "score_settlement_step_refused", "score_settlement_notice_over", "score_settlement_objected", "score_settlement_no_entry",
        "score_not_member"
    ]))),
)]
#[post("/score-settlements/{id}/objections")]
async fn object_to(
    on: On<ReadScore, ScoreSettlementId>,
    body: Body<ObjectBody>,
) -> Result<HttpResponse, Error> {
    let parse = |body: ObjectBody| Ok((body.entry_id, text::text("words", &body.words, 5, 1000)?));
    let given = on.read(body, parse).await?;
    scores::objection::object(&on.state, on.ask(), on.id, given).await?;
    on.shown().await
}

/// 处理异议
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = DecideScoreObjectionBody)]
pub struct DecideObjectionBody {
    /// 异议是否成立；成立的，所指的记录不再计分
    pub uphold: bool,
    /// 理由，2–500 个字
    pub reason: String,
}

impl<P> Addressed for On<P, ObjectionId> {
    async fn visible(&self) -> Result<(), Error> {
        let mut connection = self.state.db.acquire().await?;
        let found = read::settlement_of(&mut connection, &self.caller.scope(), self.id).await?;
        found.map(drop).ok_or_else(|| Basic::NotFound.into())
    }

    async fn shown(&self) -> Result<HttpResponse, Error> {
        let mut connection = self.state.db.acquire().await?;
        let found = read::settlement_of(&mut connection, &self.caller.scope(), self.id).await?;
        drop(connection);
        let id = found.ok_or(Basic::NotFound)?;
        Ok(HttpResponse::Ok().json(scores::detail(&self.state, &self.caller.scope(), id).await?))
    }
}

/// 处理异议
///
/// 锁定以前每条异议都要处理并写明理由，提出人会收到通知。漏记的在下一季度补记。
#[utoipa::path(
    operation_id = "score.decide",
    tag = "score",
    request_body(content = DecideObjectionBody, example = json!({"uphold": false, "reason": "当天的签到表上没有记录"})),
    responses((status = 200, description = "结算现在的样子", body = SettlementView)),
    security(("bearer" = [])),
    extensions(("x-problems" = json!([
        "score_settlement_step_refused", "own_objection", "objection_decided", "score_step_refused", "score_own_entry"
    ]))),
)]
#[post("/score-objections/{id}/decide")]
async fn decide(
    on: On<SettleScore, ObjectionId>,
    body: Body<DecideObjectionBody>,
) -> Result<HttpResponse, Error> {
    let parse =
        |body: DecideObjectionBody| Ok((body.uphold, text::text("reason", &body.reason, 2, 500)?));
    let given = on.read(body, parse).await?;
    scores::objection::decide(&on.state, on.ask(), on.id, given).await?;
    on.shown().await
}
