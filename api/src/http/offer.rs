//! Offers (优惠) over HTTP: the list for residents, and publishing at once.

use actix_web::{
    HttpResponse, get, post,
    web::{Data, Json},
};
use chrono::NaiveDate;
use domain::{
    complaint::Location,
    id::{BudgetId, OfferId},
    identity::Permission,
    offer::{
        Audience, Category, ConditionsForm, Funding, MerchantCode, NewOffer, OfferForm, Status,
    },
    page::Page,
    refusal::{Basic, Faults, FieldError, Invalid},
    text,
    time::Timestamp,
};
use infra::{
    postgres::{
        Connection,
        offer::read::{self, Filter, OfferView, Order, Viewer},
    },
    storage::{Name, Part},
};
use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};

use super::{
    attachment::address,
    extract::{
        Body, Caller, Paging, Query, RequestMeta, Target,
        caller::needs::{ManageOffers, ReadSelf},
    },
};
use crate::{
    app::{self, attachment::Viewed},
    error::Error,
    state::State,
};

pub mod budget;
pub mod shop;

/// 优惠的内容
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct OfferBody {
    /// 名称，2–200 个字
    pub title: String,
    /// 说明，最多 2000 个字
    pub description: Option<String>,
    /// 种类
    pub category: Category,
    /// 一份要多少积分
    pub points: i64,
    /// 份数，最多 100000
    pub stock: i64,
    /// 每人限兑几份
    pub per_person: i64,
    /// 开始时间；不填为马上
    #[schema(value_type = Option<String>, format = DateTime)]
    pub valid_from: Option<Timestamp>,
    /// 截止时间
    #[schema(value_type = String, format = DateTime)]
    pub valid_until: Timestamp,
    /// 商户代码
    #[schema(example = "wenxing")]
    pub merchant: String,
    /// 周几可以兑换，周一是 1；不填为每天
    #[serde(default)]
    pub weekdays: Vec<u8>,
    /// 每天从几点起，例如 11:00；与 to_time 一起填
    pub from_time: Option<String>,
    /// 到几点止，例如 13:30
    pub to_time: Option<String>,
    /// 不能兑换的日子，最多 60 天
    #[serde(default)]
    #[schema(value_type = Vec<String>)]
    pub blackout: Vec<NaiveDate>,
    /// 每人每天限兑几份
    pub per_day: Option<i64>,
    /// 每人每周（周一起）限兑几份
    pub per_week: Option<i64>,
    /// 面向谁；不填为所有居民
    pub audience: Option<Audience>,
    /// 面向已报到的人时，限定的社区代码
    #[serde(default)]
    pub communities: Vec<String>,
    /// 最小年龄（周岁）；年龄以党员名册登记的出生日期为准，没有登记的不能兑换
    pub min_age: Option<i64>,
    /// 最大年龄（周岁）
    pub max_age: Option<i64>,
    /// 由哪一笔预算付款；不填为商户自己承担
    pub budget: Option<BudgetId>,
    /// 每份结算价，分；不填为 0
    #[serde(default)]
    pub settlement_fen: i64,
    /// 到店另付，分；不填为 0
    #[serde(default)]
    pub cash_fen: i64,
}

impl OfferBody {
    /// # Errors
    /// Every field that is out of range, all at once.
    pub fn parse(&self, now: Timestamp) -> Result<NewOffer, Invalid> {
        let form = OfferForm {
            title: &self.title,
            description: self.description.as_deref(),
            category: self.category,
            points: self.points,
            stock: self.stock,
            per_person: self.per_person,
            valid_from: self.valid_from,
            valid_until: self.valid_until,
            merchant: &self.merchant,
            conditions: ConditionsForm {
                weekdays: &self.weekdays,
                from_time: self.from_time.as_deref(),
                to_time: self.to_time.as_deref(),
                blackout: &self.blackout,
                per_day: self.per_day,
                per_week: self.per_week,
                audience: self.audience,
                communities: &self.communities,
                min_age: self.min_age,
                max_age: self.max_age,
            },
            funding: Funding {
                budget: self.budget,
                settlement_fen: self.settlement_fen,
                cash_fen: self.cash_fen,
            },
        };
        NewOffer::parse(&form, now)
    }
}

/// Who looks: a person who uses points is told whether they can have it.
async fn viewer<P>(conn: &mut Connection, caller: &Caller<P>) -> Result<Viewer, Error> {
    let scope = caller.scope();
    let buyer = match caller.actor.may(Permission::UsePoints) {
        true => Some(read::buyer(conn, &scope).await?),
        false => None,
    };
    Ok(Viewer { buyer, near: None, scope: Some(scope) })
}

/// Offers as a viewer sees them, each with a link to its first picture.
async fn views(
    conn: &mut Connection,
    state: &State,
    ids: &[OfferId],
    viewer: &Viewer,
) -> Result<Vec<OfferView>, Error> {
    let mut views = read::views(conn, ids, viewer, state.clock.now()).await?;
    for view in &mut views {
        let name = view.cover.map(|id| Name { id, part: Part::Thumbnail });
        view.cover_url = name.map(|name| address(state, name, Viewed::Reader));
    }
    Ok(views)
}

/// One offer as the caller sees it.
async fn shown<P>(state: &State, caller: &Caller<P>, id: OfferId) -> Result<OfferView, Error> {
    let mut conn = state.db.acquire().await?;
    let viewer = viewer(&mut conn, caller).await?;
    let mut found = views(&mut conn, state, &[id], &viewer).await?;
    found.pop().ok_or_else(|| Basic::NotFound.into())
}

/// 发布优惠
///
/// 组织员发布，马上可以兑换。写了结算价的，从所选预算占用“份数 × 结算价”，预算不够的不能发布。
#[utoipa::path(
    operation_id = "offer.publish", tag = "offer",
    request_body(content = OfferBody, example = json!({
        "title": "幸福餐厅午餐一份", "category": "dining", "points": 50, "stock": 100,
        "per_person": 2, "valid_until": "2026-12-31T15:59:59Z", "merchant": "wenxing"
    })),
    responses((status = 201, description = "已发布", body = OfferView)),
    security(("bearer" = [])),
    extensions(("x-problems" = json!(["merchant_suspended", "budget_exceeded"]))),
)]
#[post("/offers")]
pub async fn publish(
    caller: Caller<ManageOffers>,
    state: Data<State>,
    meta: RequestMeta,
    body: Body<OfferBody>,
) -> Result<HttpResponse, Error> {
    let offer = body.read()?.parse(state.clock.now())?;
    let id = app::offer::publish(&state, &caller.actor, meta.into(), offer).await?;
    Ok(HttpResponse::Created().json(shown(&state, &caller, id).await?))
}

/// 排序
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Sort {
    /// 新的在前
    #[default]
    Newest,
    /// 积分少的在前
    Points,
    /// 先截止的在前
    Ending,
    /// 近的在前
    Near,
}

/// Which offers.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct OfferFilter {
    /// 种类
    #[param(required = false)]
    category: Option<Category>,
    /// 商户代码
    #[param(required = false, example = "wenxing")]
    merchant: Option<String>,
    /// 名称或商户名称里的词
    #[param(required = false, example = "午餐")]
    q: Option<String>,
    /// 排序：newest 新的在前（默认）· points 积分少的在前 · ending 先截止的在前 · near 近的在前
    #[param(required = false, value_type = Option<String>, example = "newest")]
    sort: Option<Sort>,
    /// 经度（GCJ-02），与 lat 一起填；按远近排序时必填
    #[param(required = false, example = 113.35)]
    lng: Option<f64>,
    /// 纬度（GCJ-02）
    #[param(required = false, example = 40.09)]
    lat: Option<f64>,
}

impl OfferFilter {
    fn read(self) -> Result<(Filter, Order, Option<Location>), Invalid> {
        let mut faults = Faults::default();
        let merchant = self.merchant.map(|code| MerchantCode::parse("merchant", &code));
        let merchant = merchant.and_then(|code| faults.take(code));
        let words = faults.take(text::optional("q", self.q.as_deref(), 50)).flatten();
        let near = match (self.lng, self.lat) {
            (None, None) => None,
            (Some(lng), Some(lat)) => {
                let place = Location::new(lng, lat);
                faults.take(place.map_err(|fault| FieldError::new("lng", fault.reason)))
            }
            _ => {
                faults.add("lng", "经度和纬度要一起填");
                None
            }
        };
        let order = match (self.sort.unwrap_or_default(), near) {
            (Sort::Newest, _) => Order::Newest,
            (Sort::Points, _) => Order::Points,
            (Sort::Ending, _) => Order::Ending,
            (Sort::Near, Some(place)) => Order::Near(place),
            (Sort::Near, None) => {
                faults.add("sort", "按远近排序要填位置 lng 和 lat");
                Order::Newest
            }
        };
        faults.check()?;
        let merchant = merchant.map(|code| code.as_str().to_owned());
        let words = words.map(|words| words.to_lowercase());
        Ok((Filter { category: self.category, merchant, words }, order, near))
    }
}

/// 优惠列表
///
/// 已发布、没有截止的优惠；兑完的也列出，剩余为 0。每项写明我现在能不能兑换、为什么不能。
#[utoipa::path(
    operation_id = "offer.list", tag = "offer",
    params(OfferFilter, Paging),
    responses((status = 200, description = "一页优惠", body = Page<OfferView>)),
    security(("bearer" = [])),
)]
#[get("/offers")]
pub async fn list(
    caller: Caller<ReadSelf>,
    state: Data<State>,
    filter: Query<OfferFilter>,
    Paging(page): Paging,
) -> Result<Json<Page<OfferView>>, Error> {
    let (filter, order, near) = filter.0.read()?;
    let now = state.clock.now();
    let mut conn = state.db.acquire().await?;
    let keys = read::page(&mut conn, &filter, order, page, now).await?;
    let Page { items, next_cursor } = Page::of(keys, page.limit, |(_, cursor)| *cursor);
    let ids: Vec<OfferId> = items.into_iter().map(|(id, _)| id).collect();
    let viewer = Viewer { near, ..viewer(&mut conn, &caller).await? };
    let items = views(&mut conn, &state, &ids, &viewer).await?;
    Ok(Json(Page { items, next_cursor }))
}

/// 查看优惠
///
/// 发布过的优惠每个人都能看；草稿和待审核的只有本商户负责人和组织员能看。
#[utoipa::path(
    operation_id = "offer.read", tag = "offer",
    responses((status = 200, description = "优惠", body = OfferView,
        headers(("ETag" = String, description = "版本号，用于 If-Match")))),
    security(("bearer" = [])),
)]
#[get("/offers/{id}")]
pub async fn read_one(
    caller: Caller<ReadSelf>,
    target: Target<OfferId>,
    state: Data<State>,
) -> Result<HttpResponse, Error> {
    Ok(tagged(readable(&state, &caller, target.0).await?))
}

/// An offer that the caller may read: one that is out, or one of their shop.
///
/// # Errors
/// `not_found`.
pub async fn readable<P>(
    state: &State,
    caller: &Caller<P>,
    id: OfferId,
) -> Result<OfferView, Error> {
    let view = shown(state, caller, id).await?;
    let out = !matches!(view.status, Status::Draft | Status::InReview);
    if !out && !caller.scope().reads_shop(&view.merchant) {
        return Err(Basic::NotFound.into());
    }
    Ok(view)
}

fn tagged(view: OfferView) -> HttpResponse {
    let etag = format!("\"{}\"", view.version);
    HttpResponse::Ok().insert_header((actix_web::http::header::ETAG, etag)).json(view)
}

routes![publish, list, read_one];
