//! Merchants (商户) over HTTP: the list for residents, the shop, who works for it, suspension.

use actix_web::{
    HttpResponse, get,
    http::header::ETAG,
    post, put,
    web::{Data, Json},
};
use domain::{
    id::AccountId,
    identity::Role,
    merchant::{Shop, ShopForm},
    offer::MerchantCode,
    page::Page,
    refusal::{Basic, Invalid},
    text,
};
use infra::postgres::merchant::read::{self, Filter, MerchantView, PersonView};
use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};

use super::extract::{
    Addressed, Body, Caller, IfMatch, KeyPaging, On, Paging, Query, Target,
    caller::needs::{KeepShop, ManageMerchants, ReadSelf},
};
use crate::{
    app::{
        identity::confirmation,
        invitation::InvitationView,
        merchant::{self as merchants, ContactView, suspension},
    },
    error::Error,
    state::State,
};

pub mod application;
pub mod settlement;

async fn found(state: &State, code: &MerchantCode) -> Result<MerchantView, Error> {
    let mut conn = state.db.acquire().await?;
    let view = read::merchant(&mut conn, code, state.clock.now()).await?;
    view.ok_or_else(|| Basic::NotFound.into())
}

fn tagged(view: MerchantView) -> HttpResponse {
    let etag = format!("\"{}\"", view.version);
    HttpResponse::Ok().insert_header((ETAG, etag)).json(view)
}

impl<P> Addressed for On<P, MerchantCode> {
    /// A shop that is not the caller's is missing.
    async fn visible(&self) -> Result<(), Error> {
        if !self.caller.scope().reads_shop(self.id.as_str()) {
            return Err(Basic::NotFound.into());
        }
        found(&self.state, &self.id).await.map(drop)
    }

    async fn shown(&self) -> Result<HttpResponse, Error> {
        Ok(tagged(found(&self.state, &self.id).await?))
    }
}

/// Which merchants.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct MerchantFilter {
    /// 名称或地址里的词
    #[param(required = false, example = "餐厅")]
    q: Option<String>,
}

/// 商户列表
///
/// 按商户代码排列；暂停合作的也列出，写明从什么时候起。
#[utoipa::path(
    operation_id = "merchant.list", tag = "merchant",
    params(MerchantFilter, KeyPaging),
    responses((status = 200, description = "一页商户", body = Page<MerchantView>)),
    security(("bearer" = [])),
)]
#[get("/merchants")]
async fn list(
    _: Caller<ReadSelf>,
    state: Data<State>,
    filter: Query<MerchantFilter>,
    page: KeyPaging,
) -> Result<Json<Page<MerchantView>>, Error> {
    let words = text::optional("q", filter.0.q.as_deref(), 50)?;
    let filter = Filter { code: None, words: words.map(|words| words.to_lowercase()) };
    let mut conn = state.db.acquire().await?;
    let rows = read::merchants(&mut conn, &filter, &page.0, state.clock.now()).await?;
    Ok(Json(Page::by_key(rows, page.0.limit, |view| &view.code)))
}

/// 查看商户
///
/// 名称、地址、电话、营业时间和能用的优惠；执照和联系人只有组织部看得到。
#[utoipa::path(
    operation_id = "merchant.read", tag = "merchant",
    responses((status = 200, description = "商户", body = MerchantView,
        headers(("ETag" = String, description = "版本号，用于 If-Match")))),
    security(("bearer" = [])),
)]
#[get("/merchants/{id}")]
async fn read_one(
    _: Caller<ReadSelf>,
    target: Target<MerchantCode>,
    state: Data<State>,
) -> Result<HttpResponse, Error> {
    Ok(tagged(found(&state, &target.0).await?))
}

/// 店铺资料
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ShopBody {
    /// 名称，2–100 个字
    pub name: String,
    /// 地址，2–200 个字
    pub address: String,
    /// 介绍，最多 2000 个字
    pub intro: Option<String>,
    /// 营业时间，最多 200 个字
    pub opening: Option<String>,
    /// 店铺电话，所有人可见
    pub shop_phone: Option<String>,
    /// 位置
    pub location: Option<PlaceBody>,
}

/// 位置（GCJ-02）
#[derive(Debug, Clone, Copy, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = ShopPlace)]
pub struct PlaceBody {
    /// 经度
    #[schema(example = 113.35)]
    pub lng: f64,
    /// 纬度
    #[schema(example = 40.09)]
    pub lat: f64,
}

impl ShopBody {
    fn read(self) -> Result<Shop, Invalid> {
        Shop::parse(ShopForm {
            name: &self.name,
            address: &self.address,
            intro: self.intro.as_deref(),
            opening: self.opening.as_deref(),
            shop_phone: self.shop_phone.as_deref(),
            location: self.location.map(|place| (place.lng, place.lat)),
        })
    }
}

/// 修改店铺资料
///
/// 本商户负责人或组织员；整份重写。
#[utoipa::path(
    operation_id = "merchant.change", tag = "merchant",
    params(IfMatch),
    request_body(content = ShopBody, example = json!({
        "name": "文兴示范商户", "address": "水泊寺街道文兴路 8 号", "opening": "每天 7:00–21:00",
        "shop_phone": "0352-5012345", "location": {"lng": 113.35, "lat": 40.09}
    })),
    responses((status = 200, description = "商户现在的样子", body = MerchantView)),
    security(("bearer" = [])),
)]
#[put("/merchants/{id}")]
async fn change(
    on: On<KeepShop, MerchantCode>,
    body: Body<ShopBody>,
) -> Result<HttpResponse, Error> {
    let shop = on.read(body, ShopBody::read).await?;
    merchants::change(&on.state, on.ask(), on.id.clone(), shop).await?;
    on.shown().await
}

/// 原因
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = MerchantReasonBody)]
pub struct ReasonBody {
    /// 原因，2–500 个字
    pub reason: String,
}

impl ReasonBody {
    fn read(self) -> Result<String, Invalid> {
        Ok(text::text("reason", &self.reason, 2, 500)?)
    }
}

/// 查看商户的执照和联系人
///
/// 组织员写明原因后可见全部，每次都留有记录。
#[utoipa::path(
    operation_id = "merchant.unmask", tag = "merchant",
    params(IfMatch),
    request_body(content = ReasonBody, example = json!({"reason": "核对结算账户"})),
    responses((status = 200, description = "执照和联系人；演示商户没有登记的为空", body = ContactView)),
    security(("bearer" = [])),
)]
#[post("/merchants/{id}/unmask")]
async fn unmask(
    on: On<ManageMerchants, MerchantCode>,
    body: Body<ReasonBody>,
) -> Result<Json<ContactView>, Error> {
    let reason = on.read(body, ReasonBody::read).await?;
    Ok(Json(merchants::unmask(&on.state, on.ask(), on.id.clone(), reason).await?))
}

/// 暂停合作
///
/// 马上不能再兑换；已经发出还没核销的兑换码逐批取消，积分和份数退回，并通知本人。
#[utoipa::path(
    operation_id = "merchant.suspend", tag = "merchant",
    params(IfMatch),
    request_body(content = ReasonBody, example = json!({"reason": "食品安全检查不合格，整改期间暂停"})),
    responses((status = 200, description = "商户现在的样子", body = MerchantView)),
    security(("bearer" = [])),
    extensions(("x-problems" = json!(["merchant_suspended_already"]))),
)]
#[post("/merchants/{id}/suspend")]
async fn suspend(
    on: On<ManageMerchants, MerchantCode>,
    body: Body<ReasonBody>,
) -> Result<HttpResponse, Error> {
    let reason = on.read(body, ReasonBody::read).await?;
    suspension::suspend(&on.state, on.ask(), on.id.clone(), reason).await?;
    on.shown().await
}

/// 恢复合作
///
/// 可以重新发布和核销；停用时退回的兑换码不会恢复，持有人要另行兑换。
#[utoipa::path(
    operation_id = "merchant.lift", tag = "merchant",
    params(IfMatch),
    request_body(content = ReasonBody, example = json!({"reason": "整改复查合格"})),
    responses((status = 200, description = "商户现在的样子", body = MerchantView)),
    security(("bearer" = [])),
    extensions(("x-problems" = json!(["merchant_not_suspended"]))),
)]
#[post("/merchants/{id}/lift")]
async fn lift(
    on: On<ManageMerchants, MerchantCode>,
    body: Body<ReasonBody>,
) -> Result<HttpResponse, Error> {
    let reason = on.read(body, ReasonBody::read).await?;
    suspension::lift(&on.state, on.ask(), on.id.clone(), reason).await?;
    on.shown().await
}

/// 邀请
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct InviteBody {
    /// 身份：merchant_clerk 店员（默认）或 merchant_manager 负责人
    pub role: Option<Role>,
}

impl InviteBody {
    fn read(self) -> Result<Role, Invalid> {
        match self.role.unwrap_or(Role::MerchantClerk) {
            role @ (Role::MerchantClerk | Role::MerchantManager) => Ok(role),
            _ => Err(Invalid::field(
                "role",
                "只能邀请店员（merchant_clerk）或负责人（merchant_manager）",
            )),
        }
    }
}

/// 邀请店员
///
/// 得到一个邀请码，半小时内有效，只能用一次；对方用微信登录后输入即绑定。
#[utoipa::path(
    operation_id = "merchant.invite", tag = "merchant",
    params(IfMatch),
    request_body(content = InviteBody, example = json!({"role": "merchant_clerk"})),
    responses((status = 201, description = "邀请码，只显示这一次", body = InvitationView)),
    security(("bearer" = [])),
    extensions(("x-problems" = json!(["confirmation_required"]))),
)]
#[post("/merchants/{id}/invitations")]
async fn invite(
    on: On<KeepShop, MerchantCode>,
    body: Body<InviteBody>,
) -> Result<HttpResponse, Error> {
    let role = on.read(body, InviteBody::read).await?;
    on.visible().await?;
    confirmation::demand(&on.state, &on.caller).await?;
    let invitation = merchants::invite(&on.state, on.ask(), on.id.clone(), role).await?;
    Ok(HttpResponse::Created().json(invitation))
}

/// 商户的店员和负责人
///
/// 新的在前。
#[utoipa::path(
    operation_id = "merchant.people", tag = "merchant",
    params(Paging),
    responses((status = 200, description = "一页店员和负责人", body = Page<PersonView>)),
    security(("bearer" = [])),
)]
#[get("/merchants/{id}/people")]
async fn people(
    on: On<KeepShop, MerchantCode>,
    Paging(page): Paging,
) -> Result<Json<Page<PersonView>>, Error> {
    on.visible().await?;
    let mut conn = on.state.db.acquire().await?;
    let rows = read::people(&mut conn, &on.id, page).await?;
    Ok(Json(Page::of(rows, page.limit, PersonView::cursor)))
}

/// 解除绑定
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct UnbindBody {
    /// 账号编号，取自店员列表
    pub account_id: AccountId,
}

/// 解除店员绑定
///
/// 马上不能再核销。负责人不能解除最后一位负责人。
#[utoipa::path(
    operation_id = "merchant.unbind", tag = "merchant",
    params(IfMatch),
    request_body(content = UnbindBody, example = json!({"account_id": "019ab0c1-d2e3-7f00-8a1b-2c3d4e5f6071"})),
    responses((status = 200, description = "商户现在的样子", body = MerchantView)),
    security(("bearer" = [])),
    extensions(("x-problems" = json!(["clerk_not_bound", "last_manager"]))),
)]
#[post("/merchants/{id}/unbind")]
async fn unbind(
    on: On<KeepShop, MerchantCode>,
    body: Body<UnbindBody>,
) -> Result<HttpResponse, Error> {
    let account = on.read(body, |body| Ok(body.account_id)).await?;
    merchants::unbind(&on.state, on.ask(), on.id.clone(), account).await?;
    on.shown().await
}

routes![list, read_one, change, unmask, suspend, lift, invite, people, unbind];
