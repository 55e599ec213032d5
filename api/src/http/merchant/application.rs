//! Applications to become a merchant (入驻申请): handed in by anybody, decided by the organiser.

use actix_web::{
    HttpResponse, get,
    http::header::ETAG,
    post, put,
    web::{Data, Json},
};
use domain::{
    id::ApplicationId,
    merchant::{Apply, Ruling, ShopForm, Status, Step},
    page::{Cursor, Page, PageRequest},
    refusal::Invalid,
};
use infra::postgres::merchant::read::{self, Which};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::PlaceBody;
use crate::{
    app::{
        case::Ask,
        idempotent::Once,
        merchant::{self as merchants, ApplicationView},
    },
    error::Error,
    http::extract::{
        Addressed, Body, Caller, Empty, IdempotencyKey, IfMatch, On, Paging, Query, RequestMeta,
        caller::needs::{ApplyMerchant, ManageMerchants, ReadSelf},
        kept,
    },
    state::State,
};

/// 商户入驻申请
#[derive(Debug, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = ApplicationBody)]
pub struct ApplyBody {
    /// 商户名称，2–100 个字
    pub name: String,
    /// 地址，2–200 个字
    pub address: String,
    /// 介绍，最多 2000 个字
    pub intro: Option<String>,
    /// 位置
    #[serde(skip_serializing)]
    pub location: Option<PlaceBody>,
    /// 营业执照上的统一社会信用代码，18 位
    #[schema(example = "91350100M000100Y43")]
    pub licence: String,
    /// 联系人
    pub contact_name: String,
    /// 联系电话
    pub contact_phone: String,
}

impl ApplyBody {
    fn parse(&self) -> Result<Apply, Invalid> {
        let shop = ShopForm {
            name: &self.name,
            address: &self.address,
            intro: self.intro.as_deref(),
            opening: None,
            shop_phone: None,
            location: self.location.map(|place| (place.lng, place.lat)),
        };
        Apply::parse(shop, &self.licence, &self.contact_name, &self.contact_phone)
    }
}

impl<P> Addressed for On<P, ApplicationId> {
    async fn visible(&self) -> Result<(), Error> {
        merchants::exists(&self.state, &self.ask(), self.id).await
    }

    async fn shown(&self) -> Result<HttpResponse, Error> {
        let ask = Ask { expected: None, ..self.ask() };
        let view = merchants::read(&self.state, ask, self.id).await?;
        let etag = format!("\"{}\"", view.version);
        Ok(HttpResponse::Ok().insert_header((ETAG, etag)).json(view))
    }
}

/// 申请入驻
///
/// 营业执照和联系人加密保存，只有审核的组织员看得到全部。同一营业执照只能有一份在审的申请。
#[utoipa::path(
    operation_id = "merchant.apply", tag = "merchant",
    params(IdempotencyKey),
    request_body(content = ApplyBody, example = json!({
        "name": "幸福里便民早餐店", "address": "水泊寺街道文兴路 12 号",
        "licence": "91350100M000100Y43", "contact_name": "王芳", "contact_phone": "13800001234"
    })),
    responses((status = 201, description = "已提交；重复提交同一个键得到同样的答复", body = ApplicationView)),
    security(("bearer" = [])),
    extensions(("x-problems" = json!(["licence_taken"]))),
)]
#[post("/merchant-applications")]
async fn apply(
    caller: Caller<ApplyMerchant>,
    state: Data<State>,
    meta: RequestMeta,
    key: Result<IdempotencyKey, Error>,
    body: Body<ApplyBody>,
) -> Result<HttpResponse, Error> {
    let body = body.read()?;
    let command = body.parse()?;
    let IdempotencyKey(key) = key?;
    let account = Some(caller.actor.account);
    let once = Once::new(&state.crypto, account, "merchant.apply", key, &body)?;
    let ask = Ask::new(Some(caller.actor.clone()), meta);
    let answer = merchants::apply(&state, ask, once, command).await?;
    Ok(kept(answer))
}

async fn page(
    state: &State,
    which: Which,
    page: PageRequest,
) -> Result<Json<Page<ApplicationView>>, Error> {
    let mut conn = state.db.acquire().await?;
    let rows = read::applications(&mut conn, which, page).await?;
    let rows: Result<Vec<_>, Error> =
        rows.into_iter().map(|row| ApplicationView::of(&state.crypto, row, false)).collect();
    let cursor = |view: &ApplicationView| Cursor { at: view.submitted_at, id: view.id.0 };
    Ok(Json(Page::of(rows?, page.limit, cursor)))
}

/// 我的入驻申请
///
/// 新的在前。
#[utoipa::path(
    operation_id = "merchant.my_applications", tag = "merchant",
    params(Paging),
    responses((status = 200, description = "一页申请", body = Page<ApplicationView>)),
    security(("bearer" = [])),
)]
#[get("/me/merchant-applications")]
async fn mine(
    caller: Caller<ApplyMerchant>,
    state: Data<State>,
    Paging(asked): Paging,
) -> Result<Json<Page<ApplicationView>>, Error> {
    let which = Which { applicant: Some(caller.actor.account), ..Which::default() };
    page(&state, which, asked).await
}

/// Which applications.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ApplicationFilter {
    /// 状态
    #[param(required = false)]
    status: Option<Status>,
}

/// 入驻申请列表
///
/// 组织员看全部，新的在前；联系人遮盖。
#[utoipa::path(
    operation_id = "merchant.applications", tag = "merchant",
    params(ApplicationFilter, Paging),
    responses((status = 200, description = "一页申请", body = Page<ApplicationView>)),
    security(("bearer" = [])),
)]
#[get("/merchant-applications")]
async fn list(
    _: Caller<ManageMerchants>,
    state: Data<State>,
    filter: Query<ApplicationFilter>,
    Paging(asked): Paging,
) -> Result<Json<Page<ApplicationView>>, Error> {
    page(&state, Which { status: filter.0.status, ..Which::default() }, asked).await
}

/// 查看入驻申请
///
/// 本人看自己的；组织员看到执照和联系人的全部，每次都留有记录。
#[utoipa::path(
    operation_id = "merchant.read_application", tag = "merchant",
    responses((status = 200, description = "申请", body = ApplicationView,
        headers(("ETag" = String, description = "版本号，用于 If-Match")))),
    security(("bearer" = [])),
)]
#[get("/merchant-applications/{id}")]
async fn read_one(on: On<ReadSelf, ApplicationId>) -> Result<HttpResponse, Error> {
    on.shown().await
}

/// 补正入驻申请
///
/// 待审核或退回补正时，本人整份重写后再交。
#[utoipa::path(
    operation_id = "merchant.correct", tag = "merchant",
    params(IfMatch),
    request_body(content = ApplyBody, example = json!({
        "name": "幸福里便民早餐店", "address": "水泊寺街道文兴路 12 号一层",
        "licence": "91350100M000100Y43", "contact_name": "王芳", "contact_phone": "13800001234"
    })),
    responses((status = 200, description = "申请现在的样子", body = ApplicationView)),
    security(("bearer" = [])),
    extensions(("x-problems" = json!(["application_step_refused", "licence_taken"]))),
)]
#[put("/merchant-applications/{id}")]
async fn correct(
    on: On<ApplyMerchant, ApplicationId>,
    body: Body<ApplyBody>,
) -> Result<HttpResponse, Error> {
    let command = on.read(body, |body| body.parse()).await?;
    merchants::correct(&on.state, on.ask(), on.id, command).await?;
    on.shown().await
}

/// 撤回入驻申请
///
/// 审核完以前可以撤回，撤回后可以重新申请。
#[utoipa::path(
    operation_id = "merchant.withdraw", tag = "merchant",
    params(IfMatch),
    request_body(content = Empty, example = json!({})),
    responses((status = 200, description = "申请现在的样子", body = ApplicationView)),
    security(("bearer" = [])),
    extensions(("x-problems" = json!(["application_step_refused"]))),
)]
#[post("/merchant-applications/{id}/withdraw")]
async fn withdraw(
    on: On<ApplyMerchant, ApplicationId>,
    body: Body<Empty>,
) -> Result<HttpResponse, Error> {
    on.read(body, Ok).await?;
    merchants::withdraw(&on.state, on.ask(), on.id).await?;
    on.shown().await
}

/// 审核入驻申请
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RulingBody {
    /// approve 通过 · send_back 退回补正 · refuse 不通过
    pub decision: Step,
    /// 通过后的商户代码，2–40 位小写字母、数字或连字符
    pub code: Option<String>,
    /// 退回或不通过的原因，2–500 个字
    pub reason: Option<String>,
}

/// 审核入驻申请
///
/// 通过后申请人成为该商户的负责人；不能审核自己的申请。
#[utoipa::path(
    operation_id = "merchant.decide", tag = "merchant",
    params(IfMatch),
    request_body(content = RulingBody, example = json!({"decision": "approve", "code": "happy-breakfast"})),
    responses((status = 200, description = "申请现在的样子", body = ApplicationView)),
    security(("bearer" = [])),
    extensions(("x-problems" = json!([
        "application_step_refused", "own_application", "licence_taken", "merchant_code_taken"
    ]))),
)]
#[post("/merchant-applications/{id}/decide")]
async fn decide(
    on: On<ManageMerchants, ApplicationId>,
    body: Body<RulingBody>,
) -> Result<HttpResponse, Error> {
    let parse = |body: RulingBody| {
        Ruling::parse(body.decision, body.code.as_deref(), body.reason.as_deref())
    };
    let ruling = on.read(body, parse).await?;
    merchants::decide(&on.state, on.ask(), on.id, ruling).await?;
    on.shown().await
}

routes![apply, mine, list, read_one, correct, withdraw, decide];
