//! A merchant's offers: drafted, reviewed, changed, stocked, paused and ended.

use actix_web::{HttpResponse, get, post, put, web::Json};
use domain::{
    attachment::Chosen,
    id::OfferId,
    offer::{Batch, MerchantCode, Status, Step},
    page::Page,
    refusal::{Basic, Faults, Invalid},
    text,
};
use infra::postgres::{
    attachment::read::Of,
    offer::read::{self, BatchView, OfferView},
};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::{OfferBody, shown, tagged, viewer, views};
use crate::{
    app::{
        idempotent::Once,
        offer::{self as offers, Made},
    },
    error::Error,
    http::{
        attachment::{AttachmentView, PicturesBody, attached},
        extract::{
            Addressed, Body, Caller, Empty, IdempotencyKey, IfMatch, On, Paging, Query,
            RequestMeta,
            caller::needs::{KeepShop, ManageMerchants, ReadSettlement},
            kept,
        },
    },
    state::State,
};

impl<P> Addressed for On<P, OfferId> {
    /// An offer of a shop that is not the caller's is missing.
    async fn visible(&self) -> Result<(), Error> {
        let view = shown(&self.state, &self.caller, self.id).await?;
        let kept = self.caller.scope().reads_shop(&view.merchant);
        if kept { Ok(()) } else { Err(Basic::NotFound.into()) }
    }

    async fn shown(&self) -> Result<HttpResponse, Error> {
        Ok(tagged(shown(&self.state, &self.caller, self.id).await?))
    }
}

/// What a key is compared with.
#[derive(Serialize)]
struct Command<'a, T> {
    offer: Option<OfferId>,
    body: &'a T,
}

/// 起草优惠
///
/// 商户负责人为自己的商户起草，提交后由组织员审核发布。
#[utoipa::path(
    operation_id = "offer.draft", tag = "offer",
    params(IdempotencyKey),
    request_body(content = OfferBody, example = json!({
        "title": "幸福餐厅工作日午餐一份", "category": "dining", "points": 30, "stock": 100,
        "per_person": 2, "valid_until": "2026-12-31T15:59:59Z", "merchant": "wenxing",
        "weekdays": [1, 2, 3, 4, 5], "from_time": "11:00", "to_time": "13:30"
    })),
    responses((status = 201, description = "草稿；重复提交同一个键得到同样的答复", body = Made)),
    security(("bearer" = [])),
    extensions(("x-problems" = json!(["merchant_suspended", "not_found"]))),
)]
#[post("/offer-drafts")]
async fn draft(
    caller: Caller<KeepShop>,
    state: actix_web::web::Data<State>,
    meta: RequestMeta,
    key: Result<IdempotencyKey, Error>,
    body: Body<OfferBody>,
) -> Result<HttpResponse, Error> {
    let body = body.read()?;
    let offer = body.parse(state.clock.now())?;
    let IdempotencyKey(key) = key?;
    let account = Some(caller.actor.account);
    let said = format!("{offer:?}");
    let command = Command { offer: None, body: &said };
    let once = Once::new(&state.crypto, account, "offer.draft", key, &command)?;
    let ask = crate::app::case::Ask::new(Some(caller.actor.clone()), meta);
    Ok(kept(offers::draft(&state, ask, once, offer).await?))
}

/// 修改优惠
///
/// 整份重写。草稿什么都能改；发布以后，商户、种类、积分、份数、结算价、自付金额和预算不变，只改文字和条件；
/// 已经截止的不能再改。
#[utoipa::path(
    operation_id = "offer.change", tag = "offer",
    params(IfMatch),
    request_body(content = OfferBody, example = json!({
        "title": "幸福餐厅午餐一份", "category": "dining", "points": 50, "stock": 100,
        "per_person": 1, "valid_until": "2026-12-31T15:59:59Z", "merchant": "wenxing"
    })),
    responses((status = 200, description = "优惠现在的样子", body = OfferView)),
    security(("bearer" = [])),
    extensions(("x-problems" = json!(["offer_step_refused", "offer_lapsed", "offer_price_kept"]))),
)]
#[put("/offers/{id}")]
async fn change(on: On<KeepShop, OfferId>, body: Body<OfferBody>) -> Result<HttpResponse, Error> {
    let now = on.state.clock.now();
    let new = on.read(body, |body| body.parse(now)).await?;
    offers::change(&on.state, on.ask(), on.id, new).await?;
    on.shown().await
}

/// 选定优惠的照片
///
/// 先上传（`POST /attachments`），再按显示的先后列出，第一张是封面；整份提交，没有列出的不再显示。草稿、已发布和
/// 已暂停的可以更换。
#[utoipa::path(
    operation_id = "offer.show", tag = "offer",
    params(IfMatch),
    request_body(content = PicturesBody, example = json!({"attachment_ids": []})),
    responses((status = 200, description = "照片现在的样子", body = Page<AttachmentView>)),
    security(("bearer" = [])),
    extensions(("x-problems" = json!(["offer_step_refused"]))),
)]
#[put("/offers/{id}/pictures")]
async fn show(
    on: On<KeepShop, OfferId>,
    body: Body<PicturesBody>,
) -> Result<Json<Page<AttachmentView>>, Error> {
    let pictures = on.read(body, |body| Chosen::parse(&body.attachment_ids)).await?;
    offers::show(&on.state, on.ask(), on.id, pictures).await?;
    attached(&on.state, &on.caller, Of { target: Some(on.id.0), ..Of::default() }).await
}

/// 提交审核
///
/// 交给组织部审核，审核期间不能修改；通过后按写明的时间上架。
#[utoipa::path(
    operation_id = "offer.submit", tag = "offer",
    params(IfMatch),
    request_body(content = Empty, example = json!({})),
    responses((status = 200, description = "优惠现在的样子", body = OfferView)),
    security(("bearer" = [])),
    extensions(("x-problems" = json!(["offer_step_refused"]))),
)]
#[post("/offers/{id}/submit")]
async fn submit(on: On<KeepShop, OfferId>, body: Body<Empty>) -> Result<HttpResponse, Error> {
    on.read(body, Ok).await?;
    offers::step(&on.state, on.ask(), on.id, Step::Submit, None).await?;
    on.shown().await
}

/// 审核
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = OfferReviewBody)]
pub struct ReviewBody {
    /// 是否通过
    pub approve: bool,
    /// 退回的原因，退回时必填，2–200 个字
    pub reason: Option<String>,
}

impl ReviewBody {
    fn read(self) -> Result<(Step, Option<String>), Invalid> {
        if self.approve {
            return Ok((Step::Approve, None));
        }
        let reason = text::line("reason", self.reason.as_deref().unwrap_or_default(), 2, 200)?;
        Ok((Step::SendBack, Some(reason)))
    }
}

/// 审核优惠
///
/// 通过即发布，占用预算；退回的由商户修改后再提交。不能审核自己起草的。
#[utoipa::path(
    operation_id = "offer.review", tag = "offer",
    params(IfMatch),
    request_body(content = ReviewBody, example = json!({"approve": true})),
    responses((status = 200, description = "优惠现在的样子", body = OfferView)),
    security(("bearer" = [])),
    extensions(("x-problems" = json!([
        "offer_step_refused", "own_offer", "merchant_suspended", "offer_lapsed", "budget_exceeded"
    ]))),
)]
#[post("/offers/{id}/review")]
async fn review(
    on: On<ManageMerchants, OfferId>,
    body: Body<ReviewBody>,
) -> Result<HttpResponse, Error> {
    let (step, reason) = on.read(body, ReviewBody::read).await?;
    offers::step(&on.state, on.ask(), on.id, step, reason).await?;
    on.shown().await
}

/// 暂停、恢复或结束
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SwitchBody {
    /// pause 暂停 · resume 恢复 · end 结束
    pub step: Step,
    /// 原因，2–200 个字
    pub reason: String,
}

impl SwitchBody {
    fn read(self) -> Result<(Step, Option<String>), Invalid> {
        let mut faults = Faults::default();
        if !matches!(self.step, Step::Pause | Step::Resume | Step::End) {
            faults.add("step", "只能是 pause（暂停）、resume（恢复）或 end（结束）");
        }
        let reason = faults.take(text::line("reason", &self.reason, 2, 200));
        faults.check()?;
        Ok((self.step, reason))
    }
}

/// 暂停、恢复或结束优惠
///
/// 已经发出的兑换码照样有效。结束以后不能恢复，没有兑换的份数不再占用预算。
#[utoipa::path(
    operation_id = "offer.switch", tag = "offer",
    params(IfMatch),
    request_body(content = SwitchBody, example = json!({"step": "pause", "reason": "食材不足"})),
    responses((status = 200, description = "优惠现在的样子", body = OfferView)),
    security(("bearer" = [])),
    extensions(("x-problems" = json!(["offer_step_refused", "merchant_suspended", "offer_lapsed"]))),
)]
#[post("/offers/{id}/switch")]
async fn switch(on: On<KeepShop, OfferId>, body: Body<SwitchBody>) -> Result<HttpResponse, Error> {
    let (step, reason) = on.read(body, SwitchBody::read).await?;
    offers::step(&on.state, on.ask(), on.id, step, reason).await?;
    on.shown().await
}

/// 增减份数
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct BatchBody {
    /// 份数；减少写负数，只能减没有被兑换的
    #[schema(example = 50)]
    pub pieces: i64,
    /// 说明，最多 200 个字
    pub note: Option<String>,
}

/// 增减份数
///
/// 组织员办理，每批留有记录；增加的份数同样占用预算。
#[utoipa::path(
    operation_id = "offer.stock", tag = "offer",
    params(IdempotencyKey, IfMatch),
    request_body(content = BatchBody, example = json!({"pieces": 50, "note": "第二批"})),
    responses((status = 201, description = "已增减；重复提交同一个键得到同样的答复", body = Made)),
    security(("bearer" = [])),
    extensions(("x-problems" = json!([
        "offer_step_refused", "offer_lapsed", "offer_stock_range", "offer_stock_taken",
        "budget_exceeded"
    ]))),
)]
#[post("/offers/{id}/batches")]
async fn stock(
    on: On<ManageMerchants, OfferId>,
    key: Result<IdempotencyKey, Error>,
    body: Body<BatchBody>,
) -> Result<HttpResponse, Error> {
    let parse = |body: BatchBody| Batch::parse(body.pieces, body.note.as_deref());
    let batch = on.read(body, parse).await?;
    let IdempotencyKey(key) = match key {
        Ok(key) => key,
        Err(error) => {
            on.visible().await?;
            return Err(error);
        }
    };
    let account = Some(on.caller.actor.account);
    let command = Command { offer: Some(on.id), body: &batch };
    let once = Once::new(&on.state.crypto, account, "offer.stock", key, &command)?;
    Ok(kept(offers::stock(&on.state, on.ask(), once, on.id, batch).await?))
}

/// 优惠的各批份数
#[derive(Debug, Serialize, ToSchema)]
pub struct Batches {
    /// 先增加的在前；合计等于总份数
    pub items: Vec<BatchView>,
}

/// 优惠的各批份数
///
/// 本商户负责人、组织员和审计员可看。
#[utoipa::path(
    operation_id = "offer.batches", tag = "offer",
    responses((status = 200, description = "各批份数", body = Batches)),
    security(("bearer" = [])),
)]
#[get("/offers/{id}/batches")]
async fn batches(on: On<ReadSettlement, OfferId>) -> Result<Json<Batches>, Error> {
    on.visible().await?;
    let mut conn = on.state.db.acquire().await?;
    Ok(Json(Batches { items: read::batches(&mut conn, on.id).await? }))
}

/// Which offers of a shop.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ShopFilter {
    /// 状态
    #[param(required = false)]
    status: Option<Status>,
}

/// 商户的优惠
///
/// 各种状态的都列出，新的在前；本商户负责人、组织员和审计员可看。
#[utoipa::path(
    operation_id = "offer.of_shop", tag = "offer",
    params(ShopFilter, Paging),
    responses((status = 200, description = "一页优惠", body = Page<OfferView>)),
    security(("bearer" = [])),
)]
#[get("/merchants/{id}/offers")]
async fn of_shop(
    on: On<ReadSettlement, MerchantCode>,
    filter: Query<ShopFilter>,
    Paging(page): Paging,
) -> Result<Json<Page<OfferView>>, Error> {
    on.visible().await?;
    let mut conn = on.state.db.acquire().await?;
    let keys = read::of_shop(&mut conn, on.id.as_str(), filter.0.status, page).await?;
    listed(&mut conn, &on.state, &on.caller, keys, page).await
}

/// 待审核的优惠
///
/// 先提交的在前。
#[utoipa::path(
    operation_id = "offer.in_review", tag = "offer",
    params(Paging),
    responses((status = 200, description = "一页优惠", body = Page<OfferView>)),
    security(("bearer" = [])),
)]
#[get("/offer-reviews")]
async fn in_review(
    caller: Caller<ManageMerchants>,
    state: actix_web::web::Data<State>,
    Paging(page): Paging,
) -> Result<Json<Page<OfferView>>, Error> {
    let mut conn = state.db.acquire().await?;
    let keys = read::in_review(&mut conn, page).await?;
    listed(&mut conn, &state, &caller, keys, page).await
}

async fn listed<P>(
    conn: &mut infra::postgres::Connection,
    state: &State,
    caller: &Caller<P>,
    keys: Vec<(OfferId, domain::page::Cursor)>,
    page: domain::page::PageRequest,
) -> Result<Json<Page<OfferView>>, Error> {
    let Page { items, next_cursor } = Page::of(keys, page.limit, |(_, cursor)| *cursor);
    let ids: Vec<OfferId> = items.into_iter().map(|(id, _)| id).collect();
    let viewer = viewer(conn, caller).await?;
    let items = views(conn, state, &ids, &viewer).await?;
    Ok(Json(Page { items, next_cursor }))
}

routes![draft, change, show, submit, review, switch, stock, batches, of_shop, in_review];
