//! Households in difficulty (困难家庭) over HTTP: the community's list.

use actix_web::{
    HttpResponse, get,
    http::header::ETAG,
    post, put,
    web::{Data, Json},
};
use chrono::{NaiveDate, TimeDelta};
use domain::{
    household::{self as rules, Category, Details, Form},
    id::{AccountId, HouseholdId},
    org::NodeCode,
    page::{Limit, Page, PageRequest},
    refusal::{Basic, Invalid},
    time,
};
use infra::postgres::household::read::{self, Filter};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::extract::{
    Addressed, Body, Caller, IdempotencyKey, IfMatch, On, Paging, Query, RequestMeta,
    caller::needs::{CountHouseholds, ManageHouseholds, ReadHousehold},
    kept,
};
use crate::{
    app::{
        case::Ask,
        household::{self as households, HouseholdView, VisitView},
        idempotent::Once,
    },
    error::Error,
    state::State,
};

pub mod pairing;

routes![register, list, counts, read_one, change, close, visits];

/// 困难家庭
#[derive(Debug, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct HouseholdBody {
    /// 社区的区划代码
    #[schema(example = "140213066004")]
    pub community_code: String,
    /// 困难类别
    pub category: Category,
    /// 户主姓名
    pub name: String,
    /// 住址
    pub address: String,
    /// 电话
    pub phone: Option<String>,
    /// 走访时需要知道的情况，最多 1000 个字；类别是“其他”时必填
    pub situation: Option<String>,
    /// 家里人的账号编号（没有账号不填）
    pub account: Option<AccountId>,
    /// 本人或家属同意登记和走访的日期
    pub consented_on: NaiveDate,
}

impl HouseholdBody {
    fn read(&self, today: NaiveDate) -> Result<Details, Invalid> {
        let form = Form {
            community_code: &self.community_code,
            category: self.category,
            name: &self.name,
            address: &self.address,
            phone: self.phone.as_deref(),
            situation: self.situation.as_deref(),
            account: self.account,
            consented_on: self.consented_on,
        };
        form.parse(today)
    }
}

/// 登记困难家庭
///
/// 由社区工作者登记，须先征得本人或家属同意。姓名、住址、电话和情况加密保存，只有本社区和包联人看得到。
#[utoipa::path(
    operation_id = "household.register",
    tag = "household",
    params(IdempotencyKey),
    request_body(content = HouseholdBody, example = json!({
        "community_code": "140213066004", "category": "elderly_alone", "name": "演示老人1",
        "address": "文兴家园 3 号楼 2 单元 201", "phone": "13800009001",
        "situation": "行动不便，子女在外地", "consented_on": "2026-11-20"
    })),
    responses((status = 201, description = "已登记；重复提交同一个键得到同样的答复", body = HouseholdView)),
    security(("bearer" = [])),
    extensions(("x-problems" = json!(["household_registered", "household_account_taken"]))),
)]
#[post("/households")]
async fn register(
    caller: Caller<ManageHouseholds>,
    state: Data<State>,
    meta: RequestMeta,
    key: IdempotencyKey,
    body: Body<HouseholdBody>,
) -> Result<HttpResponse, Error> {
    let body = body.read()?;
    let details = body.read(time::date(state.clock.now()))?;
    let account = Some(caller.actor.account);
    let once = Once::new(&state.crypto, account, "household.register", key.0, &body)?;
    let ask = Ask::new(Some(caller.actor.clone()), meta);
    let answer = households::register(&state, ask, once, details).await?;
    Ok(kept(answer))
}

/// 列表的筛选条件
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct ListFilter {
    /// 困难类别
    #[param(required = false)]
    category: Option<Category>,
    /// 只看多少天内没有走访过的（1–365）
    #[param(required = false, value_type = Option<i64>, minimum = 1, maximum = 365, example = 30)]
    unvisited_days: Option<i64>,
    /// 看已经退出的
    #[param(required = false)]
    closed: Option<bool>,
}

/// 困难家庭列表
///
/// 社区工作者看本社区的，包联人看自己包联的；新登记的在前。姓名、电话遮盖，住址和情况不显示。
#[utoipa::path(
    operation_id = "household.list",
    tag = "household",
    params(ListFilter, Paging),
    responses((status = 200, description = "一页家庭", body = Page<HouseholdView>)),
    security(("bearer" = [])),
)]
#[get("/households")]
async fn list(
    caller: Caller<ReadHousehold>,
    state: Data<State>,
    filter: Query<ListFilter>,
    page: Paging,
) -> Result<Json<Page<HouseholdView>>, Error> {
    let ListFilter { category, unvisited_days, closed } = filter.0;
    if unvisited_days.is_some_and(|days| !(1..=365).contains(&days)) {
        return Err(Invalid::field("unvisited_days", "天数只能是 1–365").into());
    }
    let unvisited_since = unvisited_days.map(|days| state.clock.now() - TimeDelta::days(days));
    let closed = closed.unwrap_or(false);
    let filter = Filter { id: None, category, unvisited_since, closed };
    let mut connection = state.db.acquire().await?;
    let rows = read::list(&mut connection, &caller.scope(), filter, page.0).await?;
    let views = rows.into_iter().map(|row| HouseholdView::masked(&state.crypto, row));
    let views = views.collect::<Result<Vec<_>, _>>()?;
    Ok(Json(Page::of(views, page.0.limit, HouseholdView::cursor)))
}

/// 社区的户数
#[derive(Debug, Serialize, ToSchema)]
pub struct HouseholdCount {
    /// 社区的区划代码
    pub community_code: NodeCode,
    /// 社区名称
    pub community_name: String,
    /// 登记的户数
    pub households: i64,
    /// 有人包联的户数
    pub paired: i64,
    /// 最近走访过的户数
    pub visited: i64,
}

/// 包联走访的户数
///
/// 组织部看各社区的户数，社区看自己的，都不显示任何一户。“最近”按走访提醒的天数计算。
#[utoipa::path(
    operation_id = "household.counts",
    tag = "household",
    responses((status = 200, description = "各社区的户数", body = [HouseholdCount])),
    security(("bearer" = [])),
)]
#[get("/household-counts")]
async fn counts(
    caller: Caller<CountHouseholds>,
    state: Data<State>,
) -> Result<Json<Vec<HouseholdCount>>, Error> {
    let days = TimeDelta::days(state.config.household.visit_days.into());
    let mut connection = state.db.acquire().await?;
    let since = state.clock.now() - days;
    let rows = read::counts(&mut connection, &caller.scope(), since).await?;
    let view = |row: read::Count| HouseholdCount {
        community_code: row.community,
        community_name: row.community_name,
        households: row.households,
        paired: row.paired,
        visited: row.visited,
    };
    Ok(Json(rows.into_iter().map(view).collect()))
}

impl<P> Addressed for On<P, HouseholdId> {
    /// Another community's, or one that the caller does not look after, is missing.
    async fn visible(&self) -> Result<(), Error> {
        let filter = Filter { id: Some(self.id), ..Filter::default() };
        let one = PageRequest { after: None, limit: Limit::DEFAULT };
        let mut connection = self.state.db.acquire().await?;
        let rows = read::list(&mut connection, &self.caller.scope(), filter, one).await?;
        rows.first().map(|_| ()).ok_or_else(|| Basic::NotFound.into())
    }

    async fn shown(&self) -> Result<HttpResponse, Error> {
        let ask = Ask { expected: None, ..self.ask() };
        let view = households::read_one(&self.state, ask, self.id).await?;
        let etag = format!("\"{}\"", view.version);
        Ok(HttpResponse::Ok().insert_header((ETAG, etag)).json(view))
    }
}

/// 查看一户
///
/// 本社区的工作者和接受了包联的人看到全部内容，每次查看都留有记录；还没有接受的只看到遮盖后的。
#[utoipa::path(
    operation_id = "household.read",
    tag = "household",
    responses((status = 200, description = "家庭", body = HouseholdView,
        headers(("ETag" = String, description = "版本号，用于 If-Match")))),
    security(("bearer" = [])),
)]
#[get("/households/{id}")]
async fn read_one(on: On<ReadHousehold, HouseholdId>) -> Result<HttpResponse, Error> {
    on.shown().await
}

/// 修改登记内容
///
/// 全部重新填写；社区不能改，搬家的先退出、由新的社区登记。
#[utoipa::path(
    operation_id = "household.change",
    tag = "household",
    params(IfMatch),
    request_body(content = HouseholdBody, example = json!({
        "community_code": "140213066004", "category": "serious_illness", "name": "演示老人1",
        "address": "文兴家园 3 号楼 2 单元 201", "phone": "13800009001",
        "situation": "术后休养，需要陪同复查", "consented_on": "2026-11-20"
    })),
    responses((status = 200, description = "家庭现在的样子", body = HouseholdView)),
    security(("bearer" = [])),
    extensions(("x-problems" = json!(["household_closed", "household_registered", "household_account_taken", "own_household"]))),
)]
#[put("/households/{id}")]
async fn change(
    on: On<ManageHouseholds, HouseholdId>,
    body: Body<HouseholdBody>,
) -> Result<HttpResponse, Error> {
    let today = time::date(on.state.clock.now());
    let details = on.read(body, |body| body.read(today)).await?;
    households::change(&on.state, on.ask(), on.id, details).await?;
    on.shown().await
}

/// 退出包联或结束包联
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct HouseholdReasonBody {
    /// 原因，2–200 个字
    pub reason: String,
}

impl HouseholdReasonBody {
    fn read(self) -> Result<String, Invalid> {
        Ok(rules::reason(&self.reason)?)
    }
}

/// 退出包联
///
/// 家庭不再困难、搬走或不愿意继续的，退出；正在进行的包联一并结束，并告知包联人。
#[utoipa::path(
    operation_id = "household.close",
    tag = "household",
    params(IfMatch),
    request_body(content = HouseholdReasonBody, example = json!({"reason": "已随子女搬到外地居住"})),
    responses((status = 200, description = "家庭现在的样子", body = HouseholdView)),
    security(("bearer" = [])),
    extensions(("x-problems" = json!(["household_closed"]))),
)]
#[post("/households/{id}/close")]
async fn close(
    on: On<ManageHouseholds, HouseholdId>,
    body: Body<HouseholdReasonBody>,
) -> Result<HttpResponse, Error> {
    let reason = on.read(body, HouseholdReasonBody::read).await?;
    households::close(&on.state, on.ask(), on.id, reason).await?;
    on.shown().await
}

/// 走访记录
///
/// 社区看到这一户的全部走访，包联人看到自己的；近的在前。走访记录不能改，写错的由本人再写一条更正。
#[utoipa::path(
    operation_id = "household.visits",
    tag = "household",
    params(Paging),
    responses((status = 200, description = "一页走访", body = Page<VisitView>)),
    security(("bearer" = [])),
)]
#[get("/households/{id}/visits")]
async fn visits(
    on: On<ReadHousehold, HouseholdId>,
    page: Paging,
) -> Result<Json<Page<VisitView>>, Error> {
    on.visible().await?;
    let mut connection = on.state.db.acquire().await?;
    let rows = read::visits(&mut connection, &on.caller.scope(), (on.id, None), page.0).await?;
    let views = rows.into_iter().map(|row| VisitView::of(&on.state.crypto, row));
    let views = views.collect::<Result<Vec<_>, _>>()?;
    Ok(Json(Page::of(views, page.0.limit, VisitView::cursor)))
}
