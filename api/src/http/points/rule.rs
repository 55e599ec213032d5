//! Versions of the rules of points over HTTP.

use actix_web::{
    HttpResponse, get,
    http::header::ETAG,
    post,
    web::{Data, Json},
};
use chrono::NaiveDate;
use domain::{
    id::PointsRuleId,
    page::Page,
    points::{NewRule, ProposalStep, Terms},
    time::{self, Month},
};
use infra::postgres::points::read::rule::{self, PointsRuleView};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::adjustment::{DecideBody, step};
use crate::{
    app::{case::Ask, points::rules},
    error::Error,
    http::extract::{
        Addressed, Body, Caller, Empty, IfMatch, On, Paging, RequestMeta,
        caller::needs::{KeepPoints, ReadPoints, ReadSelf},
    },
    state::State,
};

// The trial stands before the versions, one of which `preview` is not.
routes![list, propose, preview, read_one, decide, withdraw];

impl<P> Addressed for On<P, PointsRuleId> {
    async fn visible(&self) -> Result<(), Error> {
        let mut conn = self.state.db.acquire().await?;
        rules::shown(&mut conn, self.id).await.map(drop)
    }

    async fn shown(&self) -> Result<HttpResponse, Error> {
        let mut conn = self.state.db.acquire().await?;
        Ok(answer(HttpResponse::Ok(), &rules::shown(&mut conn, self.id).await?))
    }
}

fn answer(mut response: actix_web::HttpResponseBuilder, view: &PointsRuleView) -> HttpResponse {
    response.insert_header((ETAG, format!("\"{}\"", view.version))).json(view)
}

/// 积分规则
///
/// 什么得积分、得多少，人人可以看：各个版本从哪一天起有效，提出、核准的经过；新的在前。
/// `configured` 是配置文件里的第一个版本。
#[utoipa::path(
    operation_id = "points.rules", tag = "points",
    params(Paging),
    responses((status = 200, description = "一页规则", body = Page<PointsRuleView>)),
    security(("bearer" = [])),
)]
#[get("/points-rules")]
async fn list(
    _: Caller<ReadSelf>,
    state: Data<State>,
    page: Paging,
) -> Result<Json<Page<PointsRuleView>>, Error> {
    let mut conn = state.db.acquire().await?;
    let rows = rule::list(&mut conn, None, page.0).await?;
    Ok(Json(Page::of(rows, page.0.limit, PointsRuleView::cursor)))
}

/// 查看一版积分规则
///
/// 种类、系数、每日每次每年的上限和生效时间；已经生效的版本不能改，只能另立新版。
#[utoipa::path(
    operation_id = "points.rule", tag = "points",
    responses((status = 200, description = "这一版", body = PointsRuleView,
        headers(("ETag" = String, description = "版本号，用于 If-Match")))),
    security(("bearer" = [])),
)]
#[get("/points-rules/{id}")]
async fn read_one(on: On<ReadSelf, PointsRuleId>) -> Result<HttpResponse, Error> {
    on.shown().await
}

/// 新的一版积分规则
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = ProposeRuleBody)]
pub struct ProposeBody {
    /// 名称，2–40 位小写字母、数字、点或连字符，不与以前的重复
    #[schema(example = "2027-1")]
    pub name: String,
    /// 从哪一天的服务、诉求起算；最早明天
    #[schema(example = "2027-01-01")]
    pub valid_from: NaiveDate,
    /// 内容；没有写的项目取默认值
    pub terms: Terms,
    /// 为什么，2–200 个字
    #[schema(example = "2027 年起助老服务加倍")]
    pub reason: String,
}

/// 提出一版积分规则
///
/// 组织员提出，另一位组织员核准以后，从写明的那一天起有效。已经记下的积分不变，各记着当时的版本。
#[utoipa::path(
    operation_id = "points.propose_rule", tag = "points",
    request_body(content = ProposeBody, example = json!({
        "name": "2027-1", "valid_from": "2027-01-01", "reason": "2027 年起助老服务加两成，走访先公示",
        "terms": {"service_per_hour": 1, "kind_percent": {"elderly": 120}, "notice": ["visit"]},
    })),
    responses((status = 201, description = "提出的一版，待核准", body = PointsRuleView)),
    security(("bearer" = [])),
    extensions(("x-problems" = json!(["points_rule_name_taken"]))),
)]
#[post("/points-rules")]
async fn propose(
    caller: Caller<KeepPoints>,
    state: Data<State>,
    meta: RequestMeta,
    body: Body<ProposeBody>,
) -> Result<HttpResponse, Error> {
    let ProposeBody { name, valid_from, terms, reason } = body.read()?;
    let today = time::date(state.clock.now());
    let new = NewRule::parse(&name, valid_from, terms, &reason, today)?;
    let ask = Ask::new(Some(caller.actor.clone()), meta);
    let view = rules::propose(&state, ask, new).await?;
    Ok(answer(HttpResponse::Created(), &view))
}

/// 核准一版积分规则
///
/// 由提出人以外的组织员办理；不予核准的写明原因。最晚在生效的前一天核准。
#[utoipa::path(
    operation_id = "points.decide_rule", tag = "points",
    params(IfMatch),
    request_body(content = DecideBody, example = json!({"approve": true})),
    responses((status = 200, description = "这一版现在的样子", body = PointsRuleView)),
    security(("bearer" = [])),
    extensions(("x-problems" = json!([
        "points_proposal_step_refused", "own_points_proposal", "points_rule_day_taken", "points_rule_too_late"
    ]))),
)]
#[post("/points-rules/{id}/decide")]
async fn decide(
    on: On<KeepPoints, PointsRuleId>,
    body: Body<DecideBody>,
) -> Result<HttpResponse, Error> {
    let step = on.read(body, |body| step(&body)).await?;
    rules::decide(&on.state, on.ask(), on.id, step).await?;
    on.shown().await
}

/// 撤回一版积分规则
///
/// 只有提出人可以撤回，并且还没有核准。
#[utoipa::path(
    operation_id = "points.withdraw_rule", tag = "points",
    params(IfMatch),
    request_body(content = Empty, example = json!({})),
    responses((status = 200, description = "这一版现在的样子", body = PointsRuleView)),
    security(("bearer" = [])),
    extensions(("x-problems" = json!(["points_proposal_step_refused", "not_own_points_proposal"]))),
)]
#[post("/points-rules/{id}/withdraw")]
async fn withdraw(
    on: On<KeepPoints, PointsRuleId>,
    body: Body<Empty>,
) -> Result<HttpResponse, Error> {
    on.read(body, |_| Ok(())).await?;
    rules::decide(&on.state, on.ask(), on.id, (ProposalStep::Withdraw, None)).await?;
    on.shown().await
}

/// 试算
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = PreviewRuleBody)]
pub struct PreviewBody {
    /// 内容；没有写的项目取默认值
    pub terms: Terms,
    /// 用哪个月的服务试算；不填为上个月
    #[schema(example = "2026-10")]
    pub month: Option<String>,
}

/// 试算的结果
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = PreviewRuleView)]
pub struct PreviewView {
    /// 哪个月
    #[schema(example = "2026-10")]
    pub month: String,
    /// 确认了几次服务
    #[schema(example = 320)]
    pub services: i64,
    /// 多少人
    #[schema(example = 118)]
    pub people: i64,
    /// 按现行规则得多少分
    #[schema(example = 860)]
    pub points_now: i64,
    /// 按这一版得多少分
    #[schema(example = 940)]
    pub points_then: i64,
    /// 多少人会多得
    #[schema(example = 40)]
    pub more: i64,
    /// 多少人会少得
    #[schema(example = 2)]
    pub fewer: i64,
}

/// 试算一版积分规则
///
/// 用一个月里确认的服务，分别按现行规则和这一版计算，什么也不记。只看这一个月：以前各周、全年已得的不计入上限。
#[utoipa::path(
    operation_id = "points.preview_rule", tag = "points",
    request_body(content = PreviewBody, example = json!({"terms": {"service_per_hour": 2}})),
    responses((status = 200, description = "试算的结果", body = PreviewView)),
    security(("bearer" = [])),
)]
#[post("/points-rules/preview")]
async fn preview(
    _: Caller<ReadPoints>,
    state: Data<State>,
    body: Body<PreviewBody>,
) -> Result<Json<PreviewView>, Error> {
    let PreviewBody { terms, month } = body.read()?;
    terms.check()?;
    let month = match month {
        Some(month) => Month::parse(&month)
            .map_err(|fault| domain::refusal::FieldError::new("month", fault.reason))?,
        None => Month::of(state.clock.now()).before(1),
    };
    let outcome = rules::preview(&state, &terms, month).await?;
    Ok(Json(PreviewView {
        month: month.to_string(),
        services: outcome.services,
        people: outcome.people,
        points_now: outcome.now,
        points_then: outcome.then,
        more: outcome.more,
        fewer: outcome.fewer,
    }))
}
