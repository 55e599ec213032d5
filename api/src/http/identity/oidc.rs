//! Log-in by a directory (统一身份认证) over HTTP, and the bindings that the security administrator makes.

use actix_web::{
    HttpResponse, delete, get, post,
    web::{Data, Json},
};
use domain::{
    id::AccountId,
    identity::{Password, oidc::Known},
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{Session, tokens};
use crate::{
    app::identity::{accounts, oidc},
    error::Error,
    http::extract::{Body, Caller, RequestMeta, Target, caller::needs::ManageAccounts},
    state::State,
};

routes![start, login, bind, unbind];

/// 开始统一身份认证登录
#[derive(Debug, Serialize, ToSchema)]
pub struct OidcStart {
    /// 打开这个地址，到统一身份认证登录
    #[schema(example = "https://id.example.gov.cn/authorize?response_type=code")]
    pub url: String,
    /// 由发起登录的页面自己保存，登录回来时连同 code 一起提交；不要从回来的地址里取
    #[schema(example = "q8Zr0m3nT2yVb7KcXw5PdA")]
    pub state: String,
}

/// 开始统一身份认证登录
///
/// 只在配置了 `[oidc]` 时可用，十分钟内有效。`url` 里的 state 只是所答 `state` 的摘要，`state` 本身不离开发起登录的页面。
#[utoipa::path(
    operation_id = "identity.start_oidc", tag = "identity",
    responses((status = 200, description = "到哪里登录", body = OidcStart)),
    security(()),
    extensions(("x-problems" = json!(["oidc_off", "oidc_unavailable", "rate_limited"]))),
)]
#[get("/auth/oidc/start")]
pub async fn start(state: Data<State>, meta: RequestMeta) -> Result<HttpResponse, Error> {
    let oidc::Begun { url, state } = oidc::start(&state, &meta.into()).await?;
    let begun = OidcStart { url, state };
    Ok(HttpResponse::Ok().insert_header(("cache-control", "no-store")).json(begun))
}

/// 统一身份认证登录
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct OidcLogin {
    /// 统一身份认证带回来的 code
    #[schema(example = "SplxlOBeZQQYbYS6WxSbIA", max_length = 4096)]
    pub code: String,
    /// 开始登录时得到的 state；只能用一次
    #[schema(example = "q8Zr0m3nT2yVb7KcXw5PdA")]
    pub state: String,
    /// 动态口令或恢复码；统一身份认证没有用认可的第二种方式、账号又开启了动态口令时要填
    #[schema(value_type = Option<String>, example = "123456")]
    pub totp: Option<Password>,
}

/// 工作人员用统一身份认证登录
///
/// 只认安全管理员绑定过的工作账号，从不自动建立账号；停用、锁定、角色与密码登录一样。要动态口令而没有填或填错的，code 和 state 已经用掉，请从头开始并一起提交动态口令。
#[utoipa::path(
    operation_id = "identity.login_oidc", tag = "identity",
    request_body(content = OidcLogin, example = json!({
        "code": "SplxlOBeZQQYbYS6WxSbIA", "state": "q8Zr0m3nT2yVb7KcXw5PdA",
    })),
    responses((status = 200, description = "登录成功", body = Session)),
    security(()),
    extensions(("x-problems" = json!([
        "oidc_off", "oidc_unavailable", "oidc_state_invalid", "oidc_rejected", "oidc_not_bound",
        "totp_required", "totp_invalid", "totp_enrolment_required", "network_not_allowed",
        "account_locked", "account_disabled", "rate_limited"
    ]))),
)]
#[post("/auth/oidc")]
pub async fn login(
    state: Data<State>,
    meta: RequestMeta,
    body: Body<OidcLogin>,
) -> Result<HttpResponse, Error> {
    let OidcLogin { code, state: begun, totp } = body.read()?;
    oidc::finish(&state, (&code, &begun), totp, &meta.into()).await.map(tokens)
}

/// 绑定统一身份
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct OidcBind {
    /// 统一身份认证里不变的编号（sub）；与 `preferred_username` 二选一
    #[schema(example = "248289761001", max_length = 255)]
    pub subject: Option<String>,
    /// 统一身份认证里的用户名；第一次登录时换成不变的编号
    #[schema(example = "zhangsan", max_length = 255)]
    pub preferred_username: Option<String>,
}

/// 一个账号的统一身份
#[derive(Debug, Serialize, ToSchema)]
pub struct OidcBinding {
    /// 账号编号
    pub account_id: AccountId,
    /// 是否绑定了统一身份
    #[schema(example = true)]
    pub bound: bool,
}

/// 绑定工作账号的统一身份，取代以前绑定的
///
/// 只有安全管理员办理，不能办理自己的，留痕并通知本人，原来的登录全部退出；只能绑定已有的工作账号，一个统一身份只绑定一个账号。编号和用户名加密保存，接口不能读出。
#[utoipa::path(
    operation_id = "account.bind_oidc", tag = "identity",
    request_body(content = OidcBind, example = json!({"preferred_username": "zhangsan"})),
    responses((status = 200, description = "已绑定", body = OidcBinding)),
    security(("bearer" = [])),
    extensions(("x-problems" = json!(["oidc_off", "oidc_taken", "oidc_not_staff", "own_credentials"]))),
)]
#[post("/accounts/{id}/oidc")]
pub async fn bind(
    caller: Caller<ManageAccounts>,
    target: Target<AccountId>,
    state: Data<State>,
    meta: RequestMeta,
    body: Body<OidcBind>,
) -> Result<Json<OidcBinding>, Error> {
    let Target(id) = target;
    let body = body.read_or(accounts::exists(&state, id)).await?;
    let known = match Known::parse(body.subject.as_deref(), body.preferred_username.as_deref()) {
        Ok(known) => known,
        Err(wrong) => {
            accounts::exists(&state, id).await?;
            return Err(wrong.into());
        }
    };
    oidc::bind(&state, &caller.actor, id, &known, &meta.into()).await?;
    Ok(Json(OidcBinding { account_id: id, bound: true }))
}

/// 解除工作账号的统一身份
///
/// 此后不能再用统一身份认证登录这个账号；已有的登录不受影响，要立即退出请停用账号。没有绑定过的不报错。
#[utoipa::path(
    operation_id = "account.unbind_oidc", tag = "identity",
    responses((status = 200, description = "已解除", body = OidcBinding)),
    security(("bearer" = [])),
)]
#[delete("/accounts/{id}/oidc")]
pub async fn unbind(
    caller: Caller<ManageAccounts>,
    target: Target<AccountId>,
    state: Data<State>,
    meta: RequestMeta,
) -> Result<Json<OidcBinding>, Error> {
    oidc::unbind(&state, &caller.actor, target.0, &meta.into()).await?;
    Ok(Json(OidcBinding { account_id: target.0, bound: false }))
}
