//! Log-in by a code sent to the phone, outside WeChat.

use actix_web::{
    HttpResponse, post, put,
    web::{Data, Json},
};
use domain::identity::phone_code::{APART, LIFE};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{Session, tokens};
use crate::{
    app::identity::{phone::OwnPhone, phone_code},
    error::Error,
    http::extract::{Body, Caller, RequestMeta, caller::needs::ReadSelf},
    state::State,
};

routes![ask_phone_code, login_phone, prove_phone];

/// 获取手机验证码
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AskPhoneCode {
    /// 11 位的手机号码
    #[schema(example = "13800001234", max_length = 32)]
    pub phone: String,
}

/// 验证码已受理
#[derive(Debug, Serialize, ToSchema)]
pub struct PhoneCodeAsked {
    /// 验证码的有效秒数
    #[schema(example = 300)]
    pub expires_in: i64,
    /// 多少秒以后可以再要一个
    #[schema(example = 60)]
    pub retry_after: i64,
}

/// 手机号码和收到的验证码
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PhoneLogin {
    /// 11 位的手机号码
    #[schema(example = "13800001234", max_length = 32)]
    pub phone: String,
    /// 最近一条短信里的 6 位验证码；演示环境固定为 123456
    #[schema(example = "123456", max_length = 16)]
    pub code: String,
}

/// 给手机发送登录验证码，5 分钟内有效。
///
/// 不论这个号码有没有账号，答复都一样。一分钟内重复请求不会再发，以前收到的仍然有效；同一号码 24 小时内最多 10 条。
/// 演示环境不发短信，验证码固定为 123456。
#[utoipa::path(
    operation_id = "identity.ask_phone_code", tag = "identity",
    request_body(content = AskPhoneCode, example = json!({"phone": "13800001234"})),
    responses((status = 202, description = "已受理，短信稍后送达", body = PhoneCodeAsked)),
    security(()),
    extensions(("x-problems" = json!(["phone_login_off"]))),
)]
#[post("/auth/phone/code")]
pub async fn ask_phone_code(
    state: Data<State>,
    meta: RequestMeta,
    body: Body<AskPhoneCode>,
) -> Result<HttpResponse, Error> {
    let AskPhoneCode { phone } = body.read()?;
    phone_code::ask(&state, &phone, &meta.into()).await?;
    Ok(HttpResponse::Accepted()
        .json(PhoneCodeAsked { expires_in: LIFE.num_seconds(), retry_after: APART.num_seconds() }))
}

/// 居民用手机验证码登录，供微信以外的网页使用；第一次登录自动建立账号。
///
/// 这个号码在微信里绑定过、而且只绑定在一个账号上的，登录的就是那个账号；只有最近一条短信里的验证码有效，用一次，最多试 5 次。
#[utoipa::path(
    operation_id = "identity.login_phone", tag = "identity",
    request_body(
        content = PhoneLogin,
        example = json!({"phone": "13800001234", "code": "123456"})
    ),
    responses((status = 200, description = "登录成功", body = Session)),
    security(()),
    extensions(("x-problems" = json!([
        "phone_code_wrong", "phone_login_off", "account_disabled", "network_not_allowed"
    ]))),
)]
#[post("/auth/phone")]
pub async fn login_phone(
    state: Data<State>,
    meta: RequestMeta,
    body: Body<PhoneLogin>,
) -> Result<HttpResponse, Error> {
    let PhoneLogin { phone, code } = body.read()?;
    phone_code::log_in(&state, &phone, &code, &meta.into()).await.map(tokens)
}

/// 用短信验证码验证本人的手机号码，取代以前绑定的。
///
/// 先用 `POST /auth/phone/code` 获取验证码。工作人员绑定后，紧急派单、超时、吹哨会发短信；号码已是本人绑定的，不再核对验证码，
/// 直接答复，重复点按不报错。
#[utoipa::path(
    operation_id = "identity.prove_phone", tag = "identity",
    request_body(
        content = PhoneLogin,
        example = json!({"phone": "13800001234", "code": "123456"})
    ),
    responses((status = 200, description = "绑定的号码", body = OwnPhone)),
    security(("bearer" = [])),
    extensions(("x-problems" = json!([
        "phone_code_wrong", "phone_login_off", "rate_limited", "administrators_not_separate"
    ]))),
)]
#[put("/me/phone")]
pub async fn prove_phone(
    caller: Caller<ReadSelf>,
    state: Data<State>,
    meta: RequestMeta,
    body: Body<PhoneLogin>,
) -> Result<Json<OwnPhone>, Error> {
    let PhoneLogin { phone, code } = body.read()?;
    phone_code::keep_own(&state, &caller.actor, &phone, &code, &meta.into()).await.map(Json)
}
