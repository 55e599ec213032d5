//! Redemptions (兑换) over HTTP.

use actix_web::{
    HttpResponse, get, post,
    web::{Data, Json},
};
use domain::{
    id::{OfferId, RedemptionId},
    page::Page,
    refusal::{Basic, Invalid},
    text,
    time::Timestamp,
};
use infra::postgres::{
    offer,
    redemption::read::{self, Shown},
};
use qrcode::{EcLevel, QrCode, render::svg};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::extract::{
    Addressed, Body, Caller, Empty, IdempotencyKey, On, Paging, RequestMeta, Target,
    caller::needs::{ManageOffers, ReadSelf, UsePoints, VerifyRedemption},
    kept,
};
use crate::{
    app::{
        self,
        idempotent::Once,
        redemption::{Asking, Ticket},
    },
    error::Error,
    state::State,
};

pub mod till;
pub mod voucher;

/// The narrowest QR code, in pixels.
const QR_WIDTH: u32 = 240;

fn asking<P>(caller: &Caller<P>, meta: RequestMeta) -> Asking {
    Asking { actor: caller.actor.clone(), origin: meta.into() }
}

/// A text as a QR code, an SVG image.
fn drawn(text: &str) -> Result<String, Error> {
    let symbol = QrCode::with_error_correction_level(text, EcLevel::M)
        .map_err(|flaw| Error::Internal(Box::new(flaw)))?;
    Ok(symbol.render::<svg::Color<'_>>().min_dimensions(QR_WIDTH, QR_WIDTH).build())
}

/// What a redemption asks for: the key is compared with it.
#[derive(Serialize)]
struct Redeem {
    offer: OfferId,
}

/// 兑换优惠
///
/// 同时占用积分和一份优惠，得到一个兑换码；到商户核销后积分才用去。到期未核销，积分和份数自动退回。
#[utoipa::path(
    operation_id = "redemption.redeem", tag = "redemption",
    params(IdempotencyKey),
    request_body(content = Empty, example = json!({})),
    responses((status = 201, description = "已兑换；重复提交同一个键得到同样的答复", body = Ticket)),
    security(("bearer" = [])),
    extensions(("x-problems" = json!([
        "offer_sold_out", "points_insufficient", "redemption_limit_reached", "offer_ended", "ledger_blocked",
        "merchant_suspended", "offer_not_published", "offer_not_yet", "offer_not_today", "offer_audience",
        "offer_age",
        "offer_period_limit"
    ]))),
)]
#[post("/offers/{id}/redemptions")]
pub async fn redeem(
    caller: Caller<UsePoints>,
    target: Target<OfferId>,
    state: Data<State>,
    meta: RequestMeta,
    key: Result<IdempotencyKey, Error>,
    body: Body<Empty>,
) -> Result<HttpResponse, Error> {
    let Target(id) = target;
    // A missing offer is missing, whatever else is wrong.
    let readable = key.and_then(|key| body.read().map(|_| key));
    let IdempotencyKey(key) = match readable {
        Ok(key) => key,
        Err(error) => {
            let mut conn = state.db.acquire().await?;
            offer::read::find(&mut conn, id).await?.ok_or(Basic::NotFound)?;
            return Err(error);
        }
    };
    let account = Some(caller.actor.account);
    let command = Redeem { offer: id };
    let once = Once::new(&state.crypto, account, "redemption.redeem", key.clone(), &command)?;
    let by = asking(&caller, meta);
    let answer = app::redemption::redeem(&state, by, once, key, id).await?;
    Ok(kept(answer))
}

/// 取消兑换
///
/// 本人在核销之前取消；积分和份数马上退回。
#[utoipa::path(
    operation_id = "redemption.cancel", tag = "redemption",
    request_body(content = Empty, example = json!({})),
    responses((status = 200, description = "已取消", body = Ticket)),
    security(("bearer" = [])),
    extensions(("x-problems" = json!(["redemption_already_verified", "redemption_ended"]))),
)]
#[post("/redemptions/{id}/cancel")]
pub async fn cancel(
    caller: Caller<UsePoints>,
    target: Target<RedemptionId>,
    state: Data<State>,
    meta: RequestMeta,
    body: Body<Empty>,
) -> Result<Json<Ticket>, Error> {
    let Target(id) = target;
    body.read_or(app::redemption::exists(&state, &caller.scope(), id)).await?;
    Ok(Json(app::redemption::cancel(&state, asking(&caller, meta), id).await?))
}

/// 核销
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct VerifyBody {
    /// 居民出示的二维码的内容、兑换码，或者八位数字码
    #[schema(example = "q8Zr0m3nT2yVb7KcXw5PdA")]
    pub code: String,
}

/// 核销兑换码
///
/// 只能由该优惠所属商户的店员核销，并且只能核销一次。动态二维码过期（默认 60 秒）的请对方刷新；八位数字码只在本店有用，输错
/// 几次后暂停使用。不能核销自己的。
#[utoipa::path(
    operation_id = "redemption.verify", tag = "redemption",
    request_body(content = VerifyBody, example = json!({"code": "q8Zr0m3nT2yVb7KcXw5PdA"})),
    responses((status = 200, description = "已核销", body = Ticket)),
    security(("bearer" = [])),
    extensions(("x-problems" = json!([
        "not_found", "redemption_already_verified", "redemption_ended", "qr_expired", "digits_unknown",
        "digits_locked", "own_redemption", "redemption_suspended"
    ]))),
)]
#[post("/redemptions/verify")]
pub async fn verify(
    caller: Caller<VerifyRedemption>,
    state: Data<State>,
    meta: RequestMeta,
    body: Body<VerifyBody>,
) -> Result<Json<Ticket>, Error> {
    let code = text::line("code", &body.read()?.code, 1, 100)?;
    Ok(Json(app::redemption::verify(&state, asking(&caller, meta), &code).await?))
}

/// 退回兑换
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RefundBody {
    /// 原因，2–200 个字；本人在积分明细里看得到
    #[schema(example = "商户停业，未能提供")]
    pub reason: String,
}

/// 退回已核销的兑换
///
/// 组织员办理：另记一笔冲正，积分退回原来的批次，份数退回。
#[utoipa::path(
    operation_id = "redemption.refund", tag = "redemption",
    request_body(content = RefundBody, example = json!({"reason": "商户停业，未能提供"})),
    responses((status = 200, description = "已退回", body = Ticket)),
    security(("bearer" = [])),
    extensions(("x-problems" = json!(["redemption_not_verified", "redemption_ended"]))),
)]
#[post("/redemptions/{id}/refund")]
pub async fn refund(
    on: On<ManageOffers, RedemptionId>,
    body: Body<RefundBody>,
) -> Result<HttpResponse, Error> {
    let reason = on
        .read(body, |body| text::line("reason", &body.reason, 2, 200).map_err(Invalid::from))
        .await?;
    app::redemption::refund(&on.state, asking(&on.caller, on.meta.clone()), on.id, reason).await?;
    on.shown().await
}

impl Addressed for On<ManageOffers, RedemptionId> {
    async fn visible(&self) -> Result<(), Error> {
        let mut conn = self.state.db.acquire().await?;
        read::one(&mut conn, self.id).await?.map(drop).ok_or_else(|| Basic::NotFound.into())
    }

    async fn shown(&self) -> Result<HttpResponse, Error> {
        let mut conn = self.state.db.acquire().await?;
        let shown = read::one(&mut conn, self.id).await?.ok_or(Basic::NotFound)?;
        Ok(HttpResponse::Ok().json(Ticket::at_the_till(shown)))
    }
}

/// 我的兑换
///
/// 本人的兑换，新的在前；待核销的带兑换码。
#[utoipa::path(
    operation_id = "redemption.mine", tag = "redemption",
    params(Paging),
    responses((status = 200, description = "一页兑换", body = Page<Ticket>)),
    security(("bearer" = [])),
)]
#[get("/me/redemptions")]
pub async fn mine(
    caller: Caller<ReadSelf>,
    state: Data<State>,
    Paging(page): Paging,
) -> Result<Json<Page<Ticket>>, Error> {
    let mut conn = state.db.acquire().await?;
    let rows = read::mine(&mut conn, &caller.scope(), page).await?;
    let Page { items, next_cursor } = Page::of(rows, page.limit, Shown::cursor);
    let items: Result<Vec<_>, _> =
        items.into_iter().map(|shown| Ticket::own(&state.crypto, shown)).collect();
    Ok(Json(Page { items: items?, next_cursor }))
}

/// 兑换码的动态二维码
///
/// 待核销时可以取得，SVG 图片。每次取得都是新的，默认 60 秒有效，过期的截图不能核销；不要缓存或转发。
#[utoipa::path(
    operation_id = "redemption.qr", tag = "redemption",
    responses((status = 200, description = "二维码", body = String, content_type = "image/svg+xml")),
    security(("bearer" = [])),
    extensions(("x-problems" = json!(["redemption_already_verified", "redemption_ended"]))),
)]
#[get("/redemptions/{id}/qr")]
pub async fn qr(
    caller: Caller<UsePoints>,
    target: Target<RedemptionId>,
    state: Data<State>,
) -> Result<HttpResponse, Error> {
    let Target(id) = target;
    let picture = app::redemption::till::picture(&state, &caller.scope(), id).await?;
    Ok(HttpResponse::Ok()
        .content_type("image/svg+xml")
        .insert_header(("cache-control", "no-store"))
        .body(drawn(&picture.token)?))
}

/// 动态二维码的内容
#[derive(Debug, Serialize, ToSchema)]
pub struct QrView {
    /// 画进二维码的文字
    #[schema(example = "Q1.AZ1n0xk3cJ2Yp7QvB4mE6gAAAZqxN1KA7dGv8sW2kQ")]
    pub token: String,
    /// 到这一刻为止有效；在此之前重新取得
    #[schema(value_type = String, format = DateTime)]
    pub valid_until: Timestamp,
}

/// 动态二维码的内容
///
/// 与 SVG 图片相同的内容，由客户端自己画；按 `valid_until` 定时重新取得。
#[utoipa::path(
    operation_id = "redemption.qr_token", tag = "redemption",
    responses((status = 200, description = "内容和有效期", body = QrView)),
    security(("bearer" = [])),
    extensions(("x-problems" = json!(["redemption_already_verified", "redemption_ended"]))),
)]
#[get("/redemptions/{id}/qr-token")]
pub async fn qr_token(
    caller: Caller<UsePoints>,
    target: Target<RedemptionId>,
    state: Data<State>,
) -> Result<Json<QrView>, Error> {
    let Target(id) = target;
    let picture = app::redemption::till::picture(&state, &caller.scope(), id).await?;
    Ok(Json(QrView { token: picture.token, valid_until: picture.valid_until }))
}

routes![redeem, cancel, verify, refund, mine, qr, qr_token];
