//! Who looks after a household (包联) over HTTP: asked by the community, answered by the person,
//! who then visits.

use actix_web::{
    HttpResponse, get,
    http::header::ETAG,
    post,
    web::{Data, Json},
};
use chrono::NaiveDate;
use domain::{
    household::{Category, Status, Visit, VisitKind},
    id::{AccountId, ComplaintId, HouseholdId, PairingId, RegistrationId, VisitId},
    page::{Limit, Page, PageRequest},
    refusal::{Basic, Invalid},
    time::Timestamp,
};
use infra::postgres::household::read::{self, PairingFilter, PairingRow};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::HouseholdReasonBody;
use crate::{
    app::{
        household::{self as households, Answered, Chosen, VisitView},
        idempotent::Once,
    },
    error::Error,
    http::extract::{
        Addressed, Body, Caller, Empty, IdempotencyKey, IfMatch, On, Paging,
        caller::needs::{LookAfter, ManageHouseholds, ReadHousehold},
        kept,
    },
    state::State,
};

routes![pair, pairings, mine, read_pairing, accept, decline, end, visit];

/// 包联
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = HouseholdPairingView)]
pub struct PairingView {
    /// 编号
    pub id: PairingId,
    /// 版本号，用于 If-Match
    pub version: i64,
    /// 哪一户
    pub household_id: HouseholdId,
    /// 户主的姓
    #[schema(example = "王*")]
    pub household_name: String,
    /// 困难类别
    pub category: Category,
    /// 困难类别的中文
    pub category_text: &'static str,
    /// 社区名称
    pub community_name: String,
    /// 包联人
    pub person: String,
    /// 状态
    pub status: Status,
    /// 状态的中文
    pub status_text: &'static str,
    /// 期限的最后一天
    pub until: NaiveDate,
    /// 社区提出的时间
    #[schema(value_type = String, format = DateTime)]
    pub proposed_at: Timestamp,
    /// 本人答复的时间
    #[schema(value_type = Option<String>, format = DateTime)]
    pub answered_at: Option<Timestamp>,
    /// 结束的时间
    #[schema(value_type = Option<String>, format = DateTime)]
    pub ended_at: Option<Timestamp>,
    /// 不接受或结束的原因；期限届满的为 null
    pub reason: Option<String>,
    /// 本人最近一次走访
    #[schema(value_type = Option<String>, format = DateTime)]
    pub visited_at: Option<Timestamp>,
    /// 约定的下次走访
    pub next_visit_on: Option<NaiveDate>,
}

impl PairingView {
    fn of(state: &State, row: PairingRow) -> Result<Self, Error> {
        Ok(Self {
            household_name: households::pairing_name(&state.crypto, &row)?,
            id: row.id,
            version: row.version,
            household_id: row.household,
            category: row.category,
            category_text: row.category.label(),
            community_name: row.community_name,
            person: row.person,
            status: row.status,
            status_text: row.status.label(),
            until: row.until,
            proposed_at: row.proposed_at,
            answered_at: row.answered_at,
            ended_at: row.ended_at,
            reason: row.reason,
            visited_at: row.visited_at,
            next_visit_on: row.next_visit_on,
        })
    }

    fn page(state: &State, rows: Vec<PairingRow>, limit: Limit) -> Result<Page<Self>, Error> {
        let page = Page::of(rows, limit, PairingRow::cursor);
        let views = page.items.into_iter().map(|row| Self::of(state, row));
        Ok(Page { items: views.collect::<Result<_, _>>()?, next_cursor: page.next_cursor })
    }
}

async fn found<P>(state: &State, caller: &Caller<P>, id: PairingId) -> Result<PairingView, Error> {
    let filter = PairingFilter { id: Some(id), ..PairingFilter::default() };
    let one = PageRequest { after: None, limit: Limit::DEFAULT };
    let mut connection = state.db.acquire().await?;
    let row = read::pairings(&mut connection, &caller.scope(), filter, one).await?.pop();
    PairingView::of(state, row.ok_or(Basic::NotFound)?)
}

impl<P> Addressed for On<P, PairingId> {
    async fn visible(&self) -> Result<(), Error> {
        found(&self.state, &self.caller, self.id).await.map(drop)
    }

    async fn shown(&self) -> Result<HttpResponse, Error> {
        let view = found(&self.state, &self.caller, self.id).await?;
        let etag = format!("\"{}\"", view.version);
        Ok(HttpResponse::Ok().insert_header((ETAG, etag)).json(view))
    }
}

/// 请人包联
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = HouseholdPairBody)]
pub struct PairBody {
    /// 请谁：本社区签署的报到的编号；与 account 填一项
    pub registration_id: Option<RegistrationId>,
    /// 请谁：居民出示的账号编号；与 registration_id 填一项
    pub account: Option<AccountId>,
    /// 期限的最后一天
    #[schema(example = "2027-11-30")]
    pub until: NaiveDate,
}

impl PairBody {
    fn read(&self) -> Result<(Chosen, NaiveDate), Invalid> {
        let chosen = match (self.registration_id, self.account) {
            (Some(registration), None) => Chosen::Registration(registration),
            (None, Some(account)) => Chosen::Account(account),
            _ => {
                let reason = "请哪位包联：registration_id（报到）和 account（账号）填且只填一项";
                return Err(Invalid::field("account", reason));
            }
        };
        Ok((chosen, self.until))
    }
}

/// 请人包联
///
/// 社区请一位报到的党员或一位居民包联一户；本人接受以后才能看到这一户的住址和电话。
#[utoipa::path(
    operation_id = "household.pair",
    tag = "household",
    params(IfMatch),
    request_body(content = PairBody, example = json!({"registration_id": "019ab0c1-d2e3-7f00-8a1b-2c3d4e5f6071", "until": "2027-11-30"})),
    responses((status = 201, description = "等待本人答复", body = PairingView)),
    security(("bearer" = [])),
    extensions(("x-problems" = json!(["household_closed", "household_paired", "own_household", "own_pairing", "pairing_term"]))),
)]
#[post("/households/{id}/pairings")]
async fn pair(
    on: On<ManageHouseholds, HouseholdId>,
    body: Body<PairBody>,
) -> Result<HttpResponse, Error> {
    let (chosen, until) = on.read(body, |body| body.read()).await?;
    let id = households::pair(&on.state, on.ask(), on.id, chosen, until).await?;
    let view = found(&on.state, &on.caller, id).await?;
    Ok(HttpResponse::Created().json(view))
}

/// 一户的包联
///
/// 社区看到这一户历来的包联，包联人看到自己的；新的在前。
#[utoipa::path(
    operation_id = "household.pairings",
    tag = "household",
    params(Paging),
    responses((status = 200, description = "一页包联", body = Page<PairingView>)),
    security(("bearer" = [])),
)]
#[get("/households/{id}/pairings")]
async fn pairings(
    on: On<ReadHousehold, HouseholdId>,
    page: Paging,
) -> Result<Json<Page<PairingView>>, Error> {
    on.visible().await?;
    let filter = PairingFilter { household: Some(on.id), ..PairingFilter::default() };
    let mut connection = on.state.db.acquire().await?;
    let rows = read::pairings(&mut connection, &on.caller.scope(), filter, page.0).await?;
    Ok(Json(PairingView::page(&on.state, rows, page.0.limit)?))
}

/// 我的包联
///
/// 请我包联的和我正在包联、包联过的；新的在前。
#[utoipa::path(
    operation_id = "household.mine",
    tag = "household",
    params(Paging),
    responses((status = 200, description = "一页包联", body = Page<PairingView>)),
    security(("bearer" = [])),
)]
#[get("/me/pairings")]
async fn mine(
    caller: Caller<LookAfter>,
    state: Data<State>,
    page: Paging,
) -> Result<Json<Page<PairingView>>, Error> {
    let filter = PairingFilter { own_only: true, ..PairingFilter::default() };
    let mut connection = state.db.acquire().await?;
    let rows = read::pairings(&mut connection, &caller.scope(), filter, page.0).await?;
    Ok(Json(PairingView::page(&state, rows, page.0.limit)?))
}

/// 查看一个包联
///
/// 谁包联哪一户、从什么时候起、走访情况；住址和电话隐去。
#[utoipa::path(
    operation_id = "household.read_pairing",
    tag = "household",
    responses((status = 200, description = "包联", body = PairingView,
        headers(("ETag" = String, description = "版本号，用于 If-Match")))),
    security(("bearer" = [])),
)]
#[get("/pairings/{id}")]
async fn read_pairing(on: On<ReadHousehold, PairingId>) -> Result<HttpResponse, Error> {
    on.shown().await
}

/// 接受包联
///
/// 接受以后可以看到这一户的住址、电话和情况，每次查看都留有记录。每人包联的户数有上限。
#[utoipa::path(
    operation_id = "household.accept",
    tag = "household",
    params(IfMatch),
    request_body(content = Empty, example = json!({})),
    responses((status = 200, description = "包联现在的样子", body = PairingView)),
    security(("bearer" = [])),
    extensions(("x-problems" = json!(["pairing_step_refused", "pairing_limit"]))),
)]
#[post("/pairings/{id}/accept")]
async fn accept(on: On<LookAfter, PairingId>, body: Body<Empty>) -> Result<HttpResponse, Error> {
    on.read(body, |_| Ok(())).await?;
    households::answer(&on.state, on.ask(), on.id, Answered::Accept).await?;
    on.shown().await
}

/// 不接受包联
///
/// 写明原因，社区会收到通知并另行安排；不影响本人的积分和手册。
#[utoipa::path(
    operation_id = "household.decline",
    tag = "household",
    params(IfMatch),
    request_body(content = HouseholdReasonBody, example = json!({"reason": "近期外出学习，顾不过来"})),
    responses((status = 200, description = "包联现在的样子", body = PairingView)),
    security(("bearer" = [])),
    extensions(("x-problems" = json!(["pairing_step_refused"]))),
)]
#[post("/pairings/{id}/decline")]
async fn decline(
    on: On<LookAfter, PairingId>,
    body: Body<HouseholdReasonBody>,
) -> Result<HttpResponse, Error> {
    let reason = on.read(body, HouseholdReasonBody::read).await?;
    households::answer(&on.state, on.ask(), on.id, Answered::Decline(reason)).await?;
    on.shown().await
}

/// 结束包联
///
/// 由包联人或社区结束，写明原因；对方会收到通知。
#[utoipa::path(
    operation_id = "household.end",
    tag = "household",
    params(IfMatch),
    request_body(content = HouseholdReasonBody, example = json!({"reason": "工作调动，不能继续走访"})),
    responses((status = 200, description = "包联现在的样子", body = PairingView)),
    security(("bearer" = [])),
    extensions(("x-problems" = json!(["pairing_step_refused"]))),
)]
#[post("/pairings/{id}/end")]
async fn end(
    on: On<ReadHousehold, PairingId>,
    body: Body<HouseholdReasonBody>,
) -> Result<HttpResponse, Error> {
    let reason = on.read(body, HouseholdReasonBody::read).await?;
    households::answer(&on.state, on.ask(), on.id, Answered::End(reason)).await?;
    on.shown().await
}

/// 走访
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct VisitBody {
    /// 方式
    pub kind: VisitKind,
    /// 走访时间
    #[schema(value_type = String, format = DateTime)]
    pub visited_at: Timestamp,
    /// 需要什么，最多 1000 个字
    pub needed: Option<String>,
    /// 做了什么，2–1000 个字
    pub done: String,
    /// 约定的下次走访
    pub next_visit_on: Option<NaiveDate>,
    /// 由此提交的诉求的编号；只能是本人提交的
    pub complaint_id: Option<ComplaintId>,
    /// 更正哪一条走访；只能更正本次包联里还没有更正过的
    pub corrects: Option<VisitId>,
}

/// What a key is compared with.
#[derive(Serialize)]
struct Command<'a> {
    pairing: PairingId,
    visit: &'a Visit,
}

/// 登记走访
///
/// 由包联人登记上门或电话走访：需要什么、做了什么、下次什么时候去。登记以后不能改，写错的再写一条更正它。
#[utoipa::path(
    operation_id = "household.visit",
    tag = "household",
    params(IdempotencyKey, IfMatch),
    request_body(content = VisitBody, example = json!({
        "kind": "visit", "visited_at": "2026-11-23T02:00:00Z", "needed": "暖气不热，想请人看看",
        "done": "送去米面，联系了物业查看暖气", "next_visit_on": "2026-12-10"
    })),
    responses((status = 201, description = "已登记；重复提交同一个键得到同样的答复", body = VisitView)),
    security(("bearer" = [])),
    extensions(("x-problems" = json!(["pairing_step_refused", "visit_missing", "visit_complaint"]))),
)]
#[post("/pairings/{id}/visits")]
async fn visit(
    on: On<LookAfter, PairingId>,
    key: Result<IdempotencyKey, Error>,
    body: Body<VisitBody>,
) -> Result<HttpResponse, Error> {
    let now = on.state.clock.now();
    let parse = |body: VisitBody| {
        let visit = Visit {
            kind: body.kind,
            visited_at: body.visited_at,
            needed: body.needed,
            done: body.done,
            next_visit_on: body.next_visit_on,
            complaint: body.complaint_id,
            corrects: body.corrects,
        };
        visit.check(now)
    };
    let visit = on.read(body, parse).await?;
    let IdempotencyKey(key) = match key {
        Ok(key) => key,
        // A missing pairing is missing, whatever else is wrong.
        Err(error) => {
            on.visible().await?;
            return Err(error);
        }
    };
    let account = Some(on.caller.actor.account);
    let command = Command { pairing: on.id, visit: &visit };
    let once = Once::new(&on.state.crypto, account, "household.visit", key, &command)?;
    let answer = households::visit(&on.state, on.ask(), once, on.id, visit).await?;
    Ok(kept(answer))
}
