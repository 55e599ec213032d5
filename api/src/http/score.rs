//! The score book (积分管理手册) over HTTP: entries, their acceptance, the catalogue.

use actix_web::{
    HttpResponse, get,
    http::header::ETAG,
    post,
    web::{Data, Json},
};
use chrono::NaiveDate;
use domain::{
    id::{MemberId, ScoreEntryId},
    org::NodeCode,
    page::{Limit, Page, PageRequest},
    personal::PersonName,
    refusal::{Basic, Faults, Invalid},
    score::{self as rules, Inlet, Quarter, Status, Words, catalogue::Item},
    text,
    time::Timestamp,
};
use infra::postgres::score::read::{self, By, Filter};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::extract::{
    Addressed, Body, Caller, IdempotencyKey, IfMatch, On, Paging, Query, RequestMeta,
    caller::needs::{DeclareScore, KeepScore, ManageScore},
    kept,
};
use crate::{
    app::{
        case::Ask,
        idempotent::Once,
        score::{self as scores, Declared, EntryView, Ruling, Worth},
    },
    error::Error,
    state::State,
};

pub mod book;
pub mod settlement;

routes![declare, submitted, enter, entries, read_entry, accept, refuse, catalogues, revise];

/// 申报、互评或建议
#[derive(Debug, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct DeclareBody {
    /// 入口：declaration 本人申报、review 党员互评、suggestion 群众建议
    pub inlet: Inlet,
    /// 互评、建议时写说的是谁（姓名）；本人申报不填
    pub named: Option<String>,
    /// 群众建议时写这名党员所在的社区
    #[schema(example = "140213066004")]
    pub community_code: Option<String>,
    /// 哪一天的事，一年以内
    pub happened_on: NaiveDate,
    /// 事由，2–1000 个字
    pub words: String,
}

impl DeclareBody {
    fn read(&self, now: Timestamp) -> Result<(Declared, Words), Invalid> {
        let mut faults = Faults::default();
        let named = self.named.as_deref().filter(|name| !name.trim().is_empty());
        let name = |faults: &mut Faults| match named {
            Some(named) => {
                faults.take(PersonName::parse("named", named)).map(|name| name.plain().to_owned())
            }
            None => {
                faults.add("named", "请写明说的是谁");
                None
            }
        };
        let declared = match self.inlet {
            Inlet::Declaration => {
                if named.is_some() {
                    faults.add("named", "本人申报不用填姓名");
                }
                Some(Declared::Own)
            }
            Inlet::Review => name(&mut faults).map(Declared::Review),
            Inlet::Suggestion => {
                let given = self.community_code.as_deref().unwrap_or_default();
                let community = faults.take(NodeCode::parse("community_code", given));
                let name = name(&mut faults);
                community.zip(name).map(|(code, name)| Declared::Suggestion(code, name))
            }
            Inlet::BranchRecord | Inlet::Organisation => {
                faults.add("inlet", "这里只能本人申报、党员互评或群众建议");
                None
            }
        };
        let words = faults.take_all(Words::parse(self.happened_on, &self.words, now));
        faults.check()?;
        declared.zip(words).ok_or_else(|| Invalid(Vec::new()))
    }
}

/// 申报、互评或建议
///
/// 党员本人申报自己做的事、评议本支部其他党员，居民建议表扬或批评一名党员；由支部或社区核对认定。写什么姓名都得到
/// 同样的答复，不透露谁是党员。积分管理手册与可以兑换的积分无关。
#[utoipa::path(
    operation_id = "score.declare",
    tag = "score",
    params(IdempotencyKey),
    request_body(content = DeclareBody, example = json!({
        "inlet": "suggestion", "named": "演示党员1", "community_code": "140213066004",
        "happened_on": "2026-11-20", "words": "连续三天帮邻居清扫积雪"
    })),
    responses((status = 201, description = "已提交；重复提交同一个键得到同样的答复", body = EntryView)),
    security(("bearer" = [])),
    extensions(("x-problems" = json!(["score_not_member", "score_quarter_closed"]))),
)]
#[post("/me/score-entries")]
async fn declare(
    caller: Caller<DeclareScore>,
    state: Data<State>,
    meta: RequestMeta,
    key: IdempotencyKey,
    body: Body<DeclareBody>,
) -> Result<HttpResponse, Error> {
    let body = body.read()?;
    let (declared, words) = body.read(state.clock.now())?;
    let account = Some(caller.actor.account);
    let once = Once::new(&state.crypto, account, "score.declare", key.0, &body)?;
    let ask = Ask::new(Some(caller.actor.clone()), meta);
    Ok(kept(scores::declare(&state, ask, once, declared, words).await?))
}

async fn page(
    state: &State,
    scope: &domain::scope::Scope,
    filter: &Filter,
    page: PageRequest,
) -> Result<Json<Page<EntryView>>, Error> {
    let mut connection = state.db.acquire().await?;
    let rows = read::entries(&mut connection, scope, filter, page).await?;
    let views = rows.into_iter().map(|row| EntryView::of(&state.crypto, row, filter.by));
    let views = views.collect::<Result<Vec<_>, _>>()?;
    Ok(Json(Page::of(views, page.limit, EntryView::cursor)))
}

/// 我提交的记录
///
/// 本人申报、互评和建议的，以及认定的结果；新的在前。
#[utoipa::path(
    operation_id = "score.submitted",
    tag = "score",
    params(Paging),
    responses((status = 200, description = "一页记录", body = Page<EntryView>)),
    security(("bearer" = [])),
)]
#[get("/me/score-entries")]
async fn submitted(
    caller: Caller<DeclareScore>,
    state: Data<State>,
    paging: Paging,
) -> Result<Json<Page<EntryView>>, Error> {
    let filter = Filter { by: By::Submitter, ..Filter::default() };
    page(&state, &caller.scope(), &filter, paging.0).await
}

/// 登记一条记录
#[derive(Debug, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct EnterBody {
    /// 哪名党员（名册编号）
    pub member_id: MemberId,
    /// 积分项目；更正时不填
    #[schema(example = "meeting")]
    pub item: Option<String>,
    /// 更正哪一条已结算的记录
    pub corrects: Option<ScoreEntryId>,
    /// 更正的分值，-100 到 100；只在更正时填
    #[schema(example = -2)]
    pub points: Option<i32>,
    /// 哪一天的事，一年以内；更正写在以后的季度
    pub happened_on: NaiveDate,
    /// 事由，2–1000 个字
    pub words: String,
}

impl EnterBody {
    fn read(&self, now: Timestamp) -> Result<(Worth, Words), Invalid> {
        let mut faults = Faults::default();
        let worth = match (self.item.as_deref(), self.corrects, self.points) {
            (Some(item), None, None) => Some(Worth::Item(item.to_owned())),
            (None, Some(corrects), Some(points)) => faults
                .take(rules::correction(points))
                .map(|points| Worth::Correction(corrects, points)),
            _ => {
                faults.add("item", "新记录只填 item；更正只填 corrects 和 points");
                None
            }
        };
        let words = faults.take_all(Words::parse(self.happened_on, &self.words, now));
        faults.check()?;
        worth.zip(words).ok_or_else(|| Invalid(Vec::new()))
    }
}

/// 登记一条记录
///
/// 支部书记登记为支部记录，社区和组织部登记为组织认定；由另一个人认定后计分。已结算的季度不能改，更正是在以后的季度
/// 写一条新的记录，写明更正哪一条。
#[utoipa::path(
    operation_id = "score.enter",
    tag = "score",
    params(IdempotencyKey),
    request_body(content = EnterBody, example = json!({
        "member_id": "019ab0c1-d2e3-7f00-8a1b-2c3d4e5f6071", "item": "meeting",
        "happened_on": "2026-11-20", "words": "参加十一月组织生活会"
    })),
    responses((status = 201, description = "已登记；重复提交同一个键得到同样的答复", body = EntryView)),
    security(("bearer" = [])),
    extensions(("x-problems" = json!([
        "score_no_subject", "score_no_item", "score_not_settled", "score_same_quarter", "score_corrected",
        "score_quarter_closed"
    ]))),
)]
#[post("/score-entries")]
async fn enter(
    caller: Caller<KeepScore>,
    state: Data<State>,
    meta: RequestMeta,
    key: IdempotencyKey,
    body: Body<EnterBody>,
) -> Result<HttpResponse, Error> {
    let body = body.read()?;
    let (worth, words) = body.read(state.clock.now())?;
    let account = Some(caller.actor.account);
    let once = Once::new(&state.crypto, account, "score.enter", key.0, &body)?;
    let ask = Ask::new(Some(caller.actor.clone()), meta);
    Ok(kept(scores::enter(&state, ask, once, (body.member_id, worth), words).await?))
}

/// 列表的筛选条件
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct ListFilter {
    /// 党支部
    #[param(required = false, example = "party-140213066004-01")]
    branch: Option<String>,
    /// 季度
    #[param(required = false, example = "2026Q4")]
    quarter: Option<String>,
    /// 哪名党员（名册编号）
    #[param(required = false)]
    member_id: Option<MemberId>,
    /// 状态
    #[param(required = false)]
    status: Option<Status>,
}

/// 积分管理手册的记录
///
/// 支部书记看本支部的，社区看本社区各支部的和群众建议，组织部看全部；新的在前。
#[utoipa::path(
    operation_id = "score.entries",
    tag = "score",
    params(ListFilter, Paging),
    responses((status = 200, description = "一页记录", body = Page<EntryView>)),
    security(("bearer" = [])),
)]
#[get("/score-entries")]
async fn entries(
    caller: Caller<KeepScore>,
    state: Data<State>,
    filter: Query<ListFilter>,
    paging: Paging,
) -> Result<Json<Page<EntryView>>, Error> {
    let quarter = filter.0.quarter.as_deref();
    let filter = Filter {
        by: By::Desk,
        id: None,
        member: filter.0.member_id,
        branch: NodeCode::optional("branch", filter.0.branch.as_deref())?,
        quarter: quarter.map(|text| Quarter::parse("quarter", text)).transpose()?,
        status: filter.0.status,
    };
    page(&state, &caller.scope(), &filter, paging.0).await
}

impl<P> On<P, ScoreEntryId> {
    async fn found(&self) -> Result<EntryView, Error> {
        let filter = Filter { by: By::Desk, id: Some(self.id), ..Filter::default() };
        let one = PageRequest { after: None, limit: Limit::DEFAULT };
        let mut connection = self.state.db.acquire().await?;
        let rows = read::entries(&mut connection, &self.caller.scope(), &filter, one).await?;
        let row = rows.into_iter().next().ok_or(Basic::NotFound)?;
        EntryView::of(&self.state.crypto, row, By::Desk)
    }
}

impl<P> Addressed for On<P, ScoreEntryId> {
    async fn visible(&self) -> Result<(), Error> {
        self.found().await.map(drop)
    }

    async fn shown(&self) -> Result<HttpResponse, Error> {
        let view = self.found().await?;
        let etag = format!("\"{}\"", view.version);
        Ok(HttpResponse::Ok().insert_header((ETAG, etag)).json(view))
    }
}

/// 查看一条记录
///
/// 从哪个入口来、说了什么、认定了没有；只在支部和它的上级能看。
#[utoipa::path(
    operation_id = "score.read",
    tag = "score",
    responses((status = 200, description = "记录", body = EntryView,
        headers(("ETag" = String, description = "版本号，用于 If-Match")))),
    security(("bearer" = [])),
)]
#[get("/score-entries/{id}")]
async fn read_entry(on: On<KeepScore, ScoreEntryId>) -> Result<HttpResponse, Error> {
    on.shown().await
}

/// 认定
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AcceptScoreBody {
    /// 哪名党员（名册编号）；只写了姓名的建议和互评必填
    pub member_id: Option<MemberId>,
    /// 按哪个积分项目；记录里没有写的必填
    #[schema(example = "service")]
    pub item: Option<String>,
}

/// 认定一条记录
///
/// 认定的人不能是提交的人，也不能是记录所说的党员。只写了姓名的，先在名册里核对。
#[utoipa::path(
    operation_id = "score.accept",
    tag = "score",
    params(IfMatch),
    request_body(content = AcceptScoreBody, example = json!({"item": "service"})),
    responses((status = 200, description = "记录现在的样子", body = EntryView)),
    security(("bearer" = [])),
    extensions(("x-problems" = json!([
        "score_step_refused", "score_own_entry", "score_other_member", "score_no_subject", "score_no_item",
        "score_quarter_closed"
    ]))),
)]
#[post("/score-entries/{id}/accept")]
async fn accept(
    on: On<KeepScore, ScoreEntryId>,
    body: Body<AcceptScoreBody>,
) -> Result<HttpResponse, Error> {
    let body = on.read(body, Ok).await?;
    scores::rule(&on.state, on.ask(), on.id, Ruling::Accept(body.member_id, body.item)).await?;
    on.shown().await
}

/// 不予认定或退回
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ScoreReasonBody {
    /// 原因，2–500 个字
    pub reason: String,
}

impl ScoreReasonBody {
    fn read(self) -> Result<String, Invalid> {
        Ok(text::text("reason", &self.reason, 2, 500)?)
    }
}

/// 不予认定一条记录
///
/// 写明原因，提交人会收到通知。
#[utoipa::path(
    operation_id = "score.refuse",
    tag = "score",
    params(IfMatch),
    request_body(content = ScoreReasonBody, example = json!({"reason": "经核对当天没有参加"})),
    responses((status = 200, description = "记录现在的样子", body = EntryView)),
    security(("bearer" = [])),
    extensions(("x-problems" = json!(["score_step_refused", "score_own_entry"]))),
)]
#[post("/score-entries/{id}/refuse")]
async fn refuse(
    on: On<KeepScore, ScoreEntryId>,
    body: Body<ScoreReasonBody>,
) -> Result<HttpResponse, Error> {
    let reason = on.read(body, ScoreReasonBody::read).await?;
    scores::rule(&on.state, on.ask(), on.id, Ruling::Refuse(reason)).await?;
    on.shown().await
}

/// 一版积分项目
#[derive(Debug, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ScoreCatalogue {
    /// 版本名，2–40 位小写字母、数字、点或连字符
    #[schema(example = "score-2027.1")]
    pub version: String,
    /// 标题
    #[schema(example = "党员积分管理手册（2027 年版）")]
    pub title: String,
    /// 从哪个季度起用
    #[schema(example = "2027Q1")]
    pub valid_from: String,
    /// 项目
    pub items: Vec<Item>,
}

async fn every(state: &State) -> Result<Json<Vec<ScoreCatalogue>>, Error> {
    let mut connection = state.db.acquire().await?;
    let mut all = Vec::new();
    for row in read::catalogues(&mut connection).await? {
        all.push(ScoreCatalogue {
            items: read::items(&mut connection, &row.version).await?,
            version: row.version,
            title: row.title,
            valid_from: Quarter::containing(row.valid_from).to_string(),
        });
    }
    Ok(Json(all))
}

/// 积分项目
///
/// 各版积分项目，新的在前；一个季度按起用不晚于它的最新一版计分。
#[utoipa::path(
    operation_id = "score.catalogues",
    tag = "score",
    responses((status = 200, description = "各版积分项目", body = [ScoreCatalogue])),
    security(("bearer" = [])),
)]
#[get("/score-catalogues")]
async fn catalogues(
    _: Caller<KeepScore>,
    state: Data<State>,
) -> Result<Json<Vec<ScoreCatalogue>>, Error> {
    every(&state).await
}

/// 新增一版积分项目
///
/// 由组织部新增，从还没有开始的季度起用；已有的版本不能改，已结算的季度不受影响。
#[utoipa::path(
    operation_id = "score.revise",
    tag = "score",
    request_body(content = ScoreCatalogue, example = json!({
        "version": "score-2027.1", "title": "党员积分管理手册（2027 年版）", "valid_from": "2027Q1",
        "items": [{"code": "meeting", "name": "参加支部组织生活", "points": 2, "cap": 12}]
    })),
    responses((status = 201, description = "各版积分项目", body = [ScoreCatalogue])),
    security(("bearer" = [])),
    extensions(("x-problems" = json!(["score_catalogue_taken", "score_catalogue_too_early"]))),
)]
#[post("/score-catalogues")]
async fn revise(
    caller: Caller<ManageScore>,
    state: Data<State>,
    meta: RequestMeta,
    body: Body<ScoreCatalogue>,
) -> Result<HttpResponse, Error> {
    let ScoreCatalogue { version, title, valid_from, items } = body.read()?;
    let catalogue = rules::catalogue::Catalogue::parse(&version, &title, &valid_from, &items)?;
    let ask = Ask::new(Some(caller.actor.clone()), meta);
    scores::revise(&state, ask, catalogue).await?;
    Ok(HttpResponse::Created().json(every(&state).await?.0))
}
