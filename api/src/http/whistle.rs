//! Whistles (吹哨报到) over HTTP. What the units called do with their tasks is in [`super::task`].

use actix_web::{
    HttpResponse, get,
    http::header::ETAG,
    post,
    web::{Data, Json},
};
use domain::{
    id::{ComplaintId, WhistleId},
    identity::Permission,
    notification,
    org::NodeCode,
    page::{Limit, Page, PageRequest},
    refusal::Basic,
    text,
    whistle::{Appraisal, Draft, DraftForm, Kind, Level, Rating, Review, Status},
};
use infra::postgres::{
    event,
    whistle::read::{self, Filter, WhistleView},
};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::{
    complaint::{EventView, EventsFilter, events_page, seq_after},
    extract::{
        Addressed, Body, Caller, Empty, IdempotencyKey, IfMatch, On, Paging, Query, RequestMeta,
        caller::{
            Needs,
            needs::{BlowWhistle, RateWhistle, ReadWhistle, ReviewWhistle},
        },
        kept,
    },
};
use crate::{
    app::{case::Ask, idempotent::Once, whistle as whistles, whistle::Drafted},
    error::Error,
    state::State,
};

pub mod watch;

routes![draft, list, read_one, events, review, withdraw, appraise, rate, stand_down];

/// 吹哨
#[derive(Debug, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct DraftBody {
    /// 来自哪件诉求
    pub complaint_id: Option<ComplaintId>,
    /// 种类：日常 · 攻坚 · 应急
    pub kind: Kind,
    /// 级别：蓝、黄、红
    pub level: Level,
    /// 标题，2–200 个字
    pub title: String,
    /// 内容：什么事，为什么本级解决不了，5–10000 个字
    pub content: String,
    /// 社区或村的区划代码，须在本辖区
    #[schema(example = "140213066004")]
    pub community_code: String,
    /// 主办单位
    #[schema(example = "urban-management")]
    pub lead: String,
    /// 协办单位
    #[serde(default)]
    #[schema(example = json!(["market-supervision", "fire-rescue"]))]
    pub assist: Vec<String>,
}

/// 吹哨
///
/// 社区、街道在本辖区吹哨。日常哨、攻坚哨先由上级审核；应急哨立即吹出，事后审核。
#[utoipa::path(
    operation_id = "whistle.draft",
    tag = "whistle",
    params(IdempotencyKey),
    request_body(content = DraftBody, example = json!({
        "kind": "hard", "level": "yellow", "title": "夜市占道和油烟扰民", "content": "文兴路夜市三十余家摊点占道经营，油烟直排居民楼，社区多次劝导无效，需要联合执法。",
        "community_code": "140213066004", "lead": "urban-management", "assist": ["market-supervision", "ecology"]
    })),
    responses((status = 201, description = "已起草；应急哨已吹出", body = Drafted)),
    security(("bearer" = [])),
    extensions(("x-problems" = json!(["complaint_not_open", "whistle_unit_twice", "unit_is_reported"]))),
)]
#[post("/whistles")]
async fn draft(
    caller: Caller<BlowWhistle>,
    state: Data<State>,
    meta: RequestMeta,
    key: IdempotencyKey,
    body: Body<DraftBody>,
) -> Result<HttpResponse, Error> {
    let body = body.read()?;
    let form = DraftForm {
        title: &body.title,
        content: &body.content,
        community_code: &body.community_code,
        lead: &body.lead,
        assist: &body.assist,
    };
    let draft = Draft::parse(body.complaint_id, body.kind, body.level, form)?;
    let account = Some(caller.actor.account);
    let once = Once::new(&state.crypto, account, "whistle.draft", key.0, &draft)?;
    let answer =
        whistles::draft(&state, Ask::new(Some(caller.actor.clone()), meta), once, draft).await?;
    Ok(kept(answer))
}

/// 列表的筛选条件
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct ListFilter {
    /// 状态
    #[param(required = false)]
    status: Option<Status>,
    /// 区划代码，包含其下级
    #[param(required = false, example = "140213066")]
    community_code: Option<String>,
    /// 属于哪件诉求
    #[param(required = false)]
    complaint_id: Option<ComplaintId>,
}

/// 吹哨列表
///
/// 吹哨单位看本辖区的，被叫单位看叫到自己的，区中心看全部；新的在前。
#[utoipa::path(
    operation_id = "whistle.list",
    tag = "whistle",
    params(ListFilter, Paging),
    responses((status = 200, description = "一页吹哨", body = Page<WhistleView>)),
    security(("bearer" = [])),
)]
#[get("/whistles")]
async fn list(
    caller: Caller<ReadWhistle>,
    state: Data<State>,
    filter: Query<ListFilter>,
    page: Paging,
) -> Result<Json<Page<WhistleView>>, Error> {
    let community = filter.0.community_code;
    let community = community.map(|code| NodeCode::parse("community_code", &code)).transpose()?;
    let filter =
        Filter { id: None, status: filter.0.status, community, complaint: filter.0.complaint_id };
    let mut connection = state.db.acquire().await?;
    let rows = read::list(&mut connection, &caller.scope(), &filter, page.0).await?;
    Ok(Json(Page::of(rows, page.0.limit, WhistleView::cursor)))
}

impl<P> On<P, WhistleId> {
    async fn found(&self) -> Result<WhistleView, Error> {
        let filter = Filter { id: Some(self.id), ..Filter::default() };
        let one = PageRequest { after: None, limit: Limit::DEFAULT };
        let mut connection = self.state.db.acquire().await?;
        let mut rows = read::list(&mut connection, &self.caller.scope(), &filter, one).await?;
        rows.pop().ok_or_else(|| Basic::NotFound.into())
    }
}

impl<P: Needs> Addressed for On<P, WhistleId> {
    /// Also a whistle that others than the caller command is missing for a command.
    async fn visible(&self) -> Result<(), Error> {
        let view = self.found().await?;
        let actor = &self.caller.actor;
        let own = match P::PERMISSION {
            Permission::BlowWhistle => actor.works_for(&view.blower),
            Permission::ReviewWhistle => whistles::reviews(actor, &view.blower),
            Permission::RateWhistle => view.tasks.iter().any(|task| actor.works_for(&task.unit)),
            _ => true,
        };
        if own { Ok(()) } else { Err(Basic::NotFound.into()) }
    }

    async fn shown(&self) -> Result<HttpResponse, Error> {
        let view = self.found().await?;
        let etag = format!("\"{}\"", view.version);
        Ok(HttpResponse::Ok().insert_header((ETAG, etag)).json(view))
    }
}

/// 查看吹哨
///
/// 吹哨的内容、各单位的任务和评哨；吹哨单位、审核单位、被吹哨的部门和区中心能看。
#[utoipa::path(
    operation_id = "whistle.read",
    tag = "whistle",
    responses((status = 200, description = "吹哨", body = WhistleView,
        headers(("ETag" = String, description = "版本号，用于 If-Match")))),
    security(("bearer" = [])),
)]
#[get("/whistles/{id}")]
async fn read_one(on: On<ReadWhistle, WhistleId>) -> Result<HttpResponse, Error> {
    on.shown().await
}

/// 办理记录
///
/// 按时间先后；只含本人可以看到的记录。
#[utoipa::path(
    operation_id = "whistle.events",
    tag = "whistle",
    params(EventsFilter, Paging),
    responses((status = 200, description = "一页记录", body = Page<EventView>)),
    security(("bearer" = [])),
)]
#[get("/whistles/{id}/events")]
async fn events(
    on: On<ReadWhistle, WhistleId>,
    filter: Query<EventsFilter>,
    page: Paging,
) -> Result<Json<Page<EventView>>, Error> {
    on.visible().await?;
    let scope = on.caller.scope();
    let audience = scope.audience();
    let after = seq_after(&filter.0, page.0);
    let mut connection = on.state.db.acquire().await?;
    let rows =
        event::timeline(&mut connection, &scope, audience, on.id.0, after, page.0.limit).await?;
    let viewer = notification::Viewer { audience, own: false, confidential: false };
    Ok(Json(events_page(rows, page.0.limit, viewer)))
}

/// 审核
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ReviewBody {
    /// 是否同意
    pub approve: bool,
    /// 意见；不同意时必填
    pub note: Option<String>,
}

/// 审核吹哨
///
/// 社区的由所属街道审核，街道的由督查审核，不能审核自己起草的。应急哨事后审核，不同意只作记录。
#[utoipa::path(
    operation_id = "whistle.review",
    tag = "whistle",
    params(IfMatch),
    request_body(content = ReviewBody, example = json!({"approve": true})),
    responses((status = 200, description = "吹哨现在的样子", body = WhistleView)),
    security(("bearer" = [])),
    extensions(("x-problems" = json!(["whistle_step_refused", "own_review", "already_reviewed", "complaint_not_open", "unit_is_reported"]))),
)]
#[post("/whistles/{id}/review")]
async fn review(
    on: On<ReviewWhistle, WhistleId>,
    body: Body<ReviewBody>,
) -> Result<HttpResponse, Error> {
    let command = on.read(body, |body| Review::parse(body.approve, body.note.as_deref())).await?;
    whistles::review(&on.state, on.ask(), on.id, command).await?;
    on.shown().await
}

/// 撤回
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = WhistleWithdrawBody)]
pub struct WithdrawBody {
    /// 原因
    pub reason: String,
}

/// 撤回吹哨
///
/// 未完成的任务取消并通知各单位；等待它的诉求继续办理。
#[utoipa::path(
    operation_id = "whistle.withdraw",
    tag = "whistle",
    params(IfMatch),
    request_body(content = WithdrawBody, example = json!({"reason": "摊主已自行撤离"})),
    responses((status = 200, description = "吹哨现在的样子", body = WhistleView)),
    security(("bearer" = [])),
    extensions(("x-problems" = json!(["whistle_step_refused"]))),
)]
#[post("/whistles/{id}/withdraw")]
async fn withdraw(
    on: On<BlowWhistle, WhistleId>,
    body: Body<WithdrawBody>,
) -> Result<HttpResponse, Error> {
    let parse = |body: WithdrawBody| Ok(text::text("reason", &body.reason, 2, 2000)?);
    let reason = on.read(body, parse).await?;
    whistles::withdraw(&on.state, on.ask(), on.id, reason).await?;
    on.shown().await
}

/// 评哨
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AppraiseBody {
    /// 单位代码
    #[schema(example = "urban-management")]
    pub unit: String,
    /// 报到效率，1–5
    #[schema(minimum = 1, maximum = 5)]
    pub speed: i64,
    /// 办理情况，1–5
    #[schema(minimum = 1, maximum = 5)]
    pub handling: i64,
    /// 结果满意度，1–5
    #[schema(minimum = 1, maximum = 5)]
    pub result: i64,
    /// 评语
    pub comment: Option<String>,
}

/// 评哨
///
/// 吹哨单位给每个单位打分，从该单位的任务确认起到销哨完成止，每个单位一次。
#[utoipa::path(
    operation_id = "whistle.appraise",
    tag = "whistle",
    params(IfMatch),
    request_body(content = AppraiseBody, example = json!({"unit": "urban-management", "speed": 5, "handling": 4, "result": 5, "comment": "来得快"})),
    responses((status = 200, description = "吹哨现在的样子", body = WhistleView)),
    security(("bearer" = [])),
    extensions(("x-problems" = json!(["whistle_step_refused", "unit_not_called", "unit_not_confirmed", "already_appraised"]))),
)]
#[post("/whistles/{id}/appraise")]
async fn appraise(
    on: On<BlowWhistle, WhistleId>,
    body: Body<AppraiseBody>,
) -> Result<HttpResponse, Error> {
    let parse = |body: AppraiseBody| {
        let scores = [body.speed, body.handling, body.result];
        Appraisal::parse(&body.unit, scores, body.comment.as_deref())
    };
    let command = on.read(body, parse).await?;
    whistles::appraise(&on.state, on.ask(), on.id, command).await?;
    on.shown().await
}

/// 反向评价
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RateBody {
    /// 必要，1–5
    #[schema(minimum = 1, maximum = 5)]
    pub needed: i64,
    /// 清楚，1–5
    #[schema(minimum = 1, maximum = 5)]
    pub clear: i64,
    /// 评语
    pub comment: Option<String>,
}

/// 反向评价
///
/// 被叫单位评价这次吹哨是否必要、清楚，每个单位一次。
#[utoipa::path(
    operation_id = "whistle.rate",
    tag = "whistle",
    params(IfMatch),
    request_body(content = RateBody, example = json!({"needed": 4, "clear": 5})),
    responses((status = 200, description = "吹哨现在的样子", body = WhistleView)),
    security(("bearer" = [])),
    extensions(("x-problems" = json!(["whistle_step_refused", "already_rated"]))),
)]
#[post("/whistles/{id}/rate")]
async fn rate(on: On<RateWhistle, WhistleId>, body: Body<RateBody>) -> Result<HttpResponse, Error> {
    let command = on
        .read(body, |body| Rating::parse(body.needed, body.clear, body.comment.as_deref()))
        .await?;
    whistles::rate(&on.state, on.ask(), on.id, command).await?;
    on.shown().await
}

/// 销哨
///
/// 须各单位的任务都已确认。各单位都评过则立即销哨，否则五个工作日后销哨。
#[utoipa::path(
    operation_id = "whistle.stand_down",
    tag = "whistle",
    params(IfMatch),
    request_body(content = Empty, example = json!({})),
    responses((status = 200, description = "吹哨现在的样子", body = WhistleView)),
    security(("bearer" = [])),
    extensions(("x-problems" = json!(["whistle_step_refused", "tasks_open"]))),
)]
#[post("/whistles/{id}/stand-down")]
async fn stand_down(
    on: On<BlowWhistle, WhistleId>,
    body: Body<Empty>,
) -> Result<HttpResponse, Error> {
    on.read(body, |_| Ok(())).await?;
    whistles::stand_down(&on.state, on.ask(), on.id).await?;
    on.shown().await
}
