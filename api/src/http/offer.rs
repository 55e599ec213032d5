//! Offers (优惠) over HTTP.

use actix_web::{
    HttpResponse, get, post,
    web::{Data, Json},
};
use domain::{
    id::OfferId,
    offer::{Category, MerchantCode, NewOffer, OfferForm},
    page::Page,
    refusal::{Basic, FieldError},
    time::Timestamp,
};
use infra::postgres::offer::read::{self, Filter, Listed};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::extract::{
    Body, Caller, Paging, Query, RequestMeta,
    caller::needs::{ManageOffers, ReadSelf},
};
use crate::{app, error::Error, state::State};

/// 发布优惠
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct OfferBody {
    /// 名称，2–200 个字
    pub title: String,
    /// 种类
    pub category: Category,
    /// 一份要多少积分
    pub points: i64,
    /// 份数，最多 100000
    pub stock: i64,
    /// 每人限兑几份
    pub per_person: i64,
    /// 截止时间
    #[schema(value_type = String, format = DateTime)]
    pub valid_until: Timestamp,
    /// 商户代码
    #[schema(example = "wenxing")]
    pub merchant: String,
}

/// 优惠
#[derive(Debug, Serialize, ToSchema)]
pub struct OfferView {
    /// 优惠编号
    pub id: OfferId,
    /// 名称
    #[schema(example = "幸福餐厅午餐一份")]
    pub title: String,
    /// 种类
    pub category: Category,
    /// 一份要多少积分
    #[schema(example = 50)]
    pub points: i64,
    /// 总份数
    #[schema(example = 100)]
    pub stock: i32,
    /// 剩余份数
    #[schema(example = 37)]
    pub remaining: i64,
    /// 每人限兑几份
    #[schema(example = 2)]
    pub per_person: i16,
    /// 截止时间
    #[schema(value_type = String, format = DateTime)]
    pub valid_until: Timestamp,
    /// 商户代码
    #[schema(example = "wenxing")]
    pub merchant: String,
    /// 商户名称
    #[schema(example = "文兴幸福餐厅")]
    pub merchant_name: String,
    /// 商户地址
    pub address: Option<String>,
    /// 发布时间
    #[schema(value_type = String, format = DateTime)]
    pub published_at: Timestamp,
}

impl From<Listed> for OfferView {
    fn from(from: Listed) -> Self {
        let Listed {
            id, title, category, points, stock, remaining, per_person, valid_until, ..
        } = from;
        let Listed { merchant, merchant_name, address, published_at, .. } = from;
        Self {
            id,
            title,
            category,
            points,
            stock,
            remaining,
            per_person,
            valid_until,
            merchant,
            merchant_name,
            address,
            published_at,
        }
    }
}

/// 发布优惠
///
/// 组织员发布，马上可以兑换。
#[utoipa::path(
    operation_id = "offer.publish", tag = "offer",
    request_body(content = OfferBody, example = json!({
        "title": "幸福餐厅午餐一份", "category": "dining", "points": 50, "stock": 100,
        "per_person": 2, "valid_until": "2026-12-31T15:59:59Z", "merchant": "wenxing"
    })),
    responses((status = 201, description = "已发布", body = OfferView)),
    security(("bearer" = [])),
)]
#[post("/offers")]
pub async fn publish(
    caller: Caller<ManageOffers>,
    state: Data<State>,
    meta: RequestMeta,
    body: Body<OfferBody>,
) -> Result<HttpResponse, Error> {
    let body = body.read()?;
    let form = OfferForm {
        title: &body.title,
        category: body.category,
        points: body.points,
        stock: body.stock,
        per_person: body.per_person,
        valid_until: body.valid_until,
        merchant: &body.merchant,
    };
    let offer = NewOffer::parse(&form, state.clock.now())?;
    let id = app::offer::publish(&state, &caller.actor, meta.into(), offer).await?;
    let mut conn = state.db.acquire().await?;
    let published = read::find(&mut conn, id).await?.ok_or(Basic::NotFound)?;
    Ok(HttpResponse::Created().json(OfferView::from(published)))
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
}

impl OfferFilter {
    fn read(self) -> Result<Filter, FieldError> {
        let merchant = self.merchant.map(|code| MerchantCode::parse("merchant", &code));
        let merchant = merchant.transpose()?.map(|code| code.as_str().to_owned());
        Ok(Filter { category: self.category, merchant })
    }
}

/// 优惠列表
///
/// 现在可以兑换的优惠，新的在前；兑完的也列出，剩余为 0。
#[utoipa::path(
    operation_id = "offer.list", tag = "offer",
    params(OfferFilter, Paging),
    responses((status = 200, description = "一页优惠", body = Page<OfferView>)),
    security(("bearer" = [])),
)]
#[get("/offers")]
pub async fn list(
    _: Caller<ReadSelf>,
    state: Data<State>,
    filter: Query<OfferFilter>,
    Paging(page): Paging,
) -> Result<Json<Page<OfferView>>, Error> {
    let filter = filter.0.read()?;
    let mut conn = state.db.acquire().await?;
    let rows = read::list(&mut conn, &filter, page, state.clock.now()).await?;
    let Page { items, next_cursor } = Page::of(rows, page.limit, Listed::cursor);
    Ok(Json(Page { items: items.into_iter().map(OfferView::from).collect(), next_cursor }))
}

routes![publish, list];
