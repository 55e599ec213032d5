//! Passwords and second factors of staff: one's own, and those that the security desk resets.

use actix_web::{HttpResponse, post, web::Data};
use domain::{
    id::AccountId,
    identity::{Password, disabling_reason},
    time::Timestamp,
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{Session, tokens};
use crate::{
    app::identity::{
        accounts, password,
        staff::Proof,
        totp::{self, Codes},
    },
    error::Error,
    http::extract::{
        Body, Caller, Empty, RequestMeta, Target,
        caller::needs::{ManageAccounts, Staff},
    },
    state::State,
};

/// 修改密码
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PasswordChange {
    /// 原密码
    #[schema(value_type = String, format = Password, example = "Old-2026-pass")]
    pub old: Password,
    /// 新密码：12–128 个字符，同时有字母和数字，不含用户名，不是常见或有规律的，与最近 5 次的不同
    #[schema(value_type = String, format = Password, example = "Lamp-post-2027")]
    pub new: Password,
}

/// 修改本人的密码
///
/// 工作人员用原密码换新密码；这个账号其他地方的登录随即退出。原密码输错与登录输错合并计数，连续 5 次锁定 15 分钟。
#[utoipa::path(
    operation_id = "identity.change_password", tag = "identity",
    request_body(
        content = PasswordChange,
        example = json!({"old": "Old-2026-pass", "new": "Lamp-post-2027"})
    ),
    responses((status = 204, description = "已修改")),
    security(("bearer" = [])),
    extensions(("x-problems" = json!(["account_locked", "password_unused"]))),
)]
#[post("/me/password")]
pub async fn change_password(
    caller: Caller<Staff>,
    state: Data<State>,
    meta: RequestMeta,
    body: Body<PasswordChange>,
) -> Result<HttpResponse, Error> {
    let PasswordChange { old, new } = body.read()?;
    password::change(&state, &caller, &old, &new, meta.into()).await?;
    Ok(HttpResponse::NoContent().finish())
}

/// 更换密码并登录
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PasswordRenewal {
    /// 用户名
    #[schema(example = "dept.new-colleague")]
    pub username: String,
    /// 现在的密码，可以是一次性密码
    #[schema(value_type = String, format = Password, example = "ACDE-FGHJ-KMNP-QRTU")]
    pub password: Password,
    /// 新密码，要求同 `POST /me/password`
    #[schema(value_type = String, format = Password, example = "Lamp-post-2027")]
    pub new: Password,
    /// 已绑定动态口令的账号：验证器上的 6 位数字，或者一个恢复码
    #[schema(value_type = Option<String>, example = "123456")]
    pub totp: Option<Password>,
}

/// 更换密码，然后登录
///
/// 登录时答复 `password_change_required`（一次性密码，或者密码用得太久）时用它。以前的登录全部退出。
/// 岗位要求动态口令而还没有绑定时，密码照样换好，答复 `totp_enrolment_required`，接着用新密码绑定。
#[utoipa::path(
    operation_id = "identity.renew_password", tag = "identity",
    request_body(
        content = PasswordRenewal,
        example = json!({
            "username": "dept.new-colleague", "password": "ACDE-FGHJ-KMNP-QRTU",
            "new": "Lamp-post-2027"
        })
    ),
    responses((status = 200, description = "已更换并登录", body = Session)),
    security(()),
    extensions(("x-problems" = json!([
        "bad_credentials", "account_locked", "account_disabled", "password_lapsed",
        "totp_required", "totp_invalid", "totp_enrolment_required",
        "network_not_allowed"
    ]))),
)]
#[post("/auth/password")]
pub async fn renew_password(
    state: Data<State>,
    meta: RequestMeta,
    body: Body<PasswordRenewal>,
) -> Result<HttpResponse, Error> {
    let PasswordRenewal { username, password, new, totp } = body.read()?;
    let proof = Proof { username, password, totp };
    password::change_and_log_in(&state, proof, &new, &meta.into()).await.map(tokens)
}

/// 一次性密码
#[derive(Serialize, ToSchema)]
pub struct OneTimePassword {
    /// 密码，只显示这一次，请当面或电话告诉本人
    #[schema(example = "ACDE-FGHJ-KMNP-QRTU")]
    pub password: String,
    /// 在这一刻之前有效，首次登录必须更换
    #[schema(value_type = chrono::DateTime<chrono::Utc>)]
    pub expires_at: Timestamp,
}

/// 为账号设置一次性密码，同时解除锁定
///
/// 只显示这一次，24 小时内有效，本人首次登录时必须更换；这个账号的登录全部退出。再次设置时，前一个随即作废。
/// 安全管理员不能为自己设置。
#[utoipa::path(
    operation_id = "account.set_password", tag = "identity",
    request_body(content = Empty, example = json!({})),
    responses((status = 200, description = "一次性密码", body = OneTimePassword)),
    security(("bearer" = [])),
    extensions(("x-problems" = json!(["own_credentials", "password_unused"]))),
)]
#[post("/accounts/{id}/password")]
pub async fn set_password(
    caller: Caller<ManageAccounts>,
    target: Target<AccountId>,
    state: Data<State>,
    meta: RequestMeta,
    body: Body<Empty>,
) -> Result<HttpResponse, Error> {
    let Target(id) = target;
    body.read_or(accounts::exists(&state, id)).await?;
    let once = password::set_once(&state, &caller.actor, id, meta.into()).await?;
    Ok(secret(&OneTimePassword {
        password: once.password.plain().to_owned(),
        expires_at: once.until,
    }))
}

/// What is shown once must not lie in any cache on the way.
fn secret(shown: &impl Serialize) -> HttpResponse {
    HttpResponse::Ok().insert_header(("cache-control", "no-store")).json(shown)
}

/// 开始绑定动态口令
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TotpStart {
    /// 用户名
    #[schema(example = "dispatcher")]
    pub username: String,
    /// 密码
    #[schema(value_type = String, format = Password, example = "Demo-2026-pass")]
    pub password: Password,
}

/// 验证器的密钥
#[derive(Serialize, ToSchema)]
pub struct TotpSecret {
    /// 密钥（base32），手工输入验证器时用
    #[schema(example = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ")]
    pub secret: String,
    /// 同一个密钥的 otpauth 地址，显示成二维码给验证器扫描
    #[schema(
        example = "otpauth://totp/%E6%99%BA%E4%BA%AB%E5%B9%B3%E5%9F%8E:dispatcher?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"
    )]
    pub uri: String,
}

/// 开始绑定动态口令：取得密钥
///
/// 把密钥加入验证器，再用它显示的 6 位数字确认；确认以前不生效，重新开始会换一个密钥。
#[utoipa::path(
    operation_id = "identity.start_totp", tag = "identity",
    request_body(
        content = TotpStart,
        example = json!({"username": "dispatcher", "password": "Demo-2026-pass"})
    ),
    responses((status = 200, description = "密钥", body = TotpSecret)),
    security(()),
    extensions(("x-problems" = json!([
        "bad_credentials", "account_locked", "account_disabled", "password_change_required",
        "password_lapsed", "totp_on", "network_not_allowed"
    ]))),
)]
#[post("/auth/totp/start")]
pub async fn start_totp(
    state: Data<State>,
    meta: RequestMeta,
    body: Body<TotpStart>,
) -> Result<HttpResponse, Error> {
    let TotpStart { username, password } = body.read()?;
    let totp::Started { secret: base32, uri } =
        totp::start(&state, &username, &password, &meta.into()).await?;
    Ok(secret(&TotpSecret { secret: base32, uri }))
}

/// 确认绑定动态口令
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TotpConfirm {
    /// 用户名
    #[schema(example = "auditor")]
    pub username: String,
    /// 密码
    #[schema(value_type = String, format = Password, example = "Demo-2026-pass")]
    pub password: Password,
    /// 验证器显示的 6 位数字
    #[schema(value_type = String, example = "123456")]
    pub code: Password,
}

/// 登录结果与恢复码
#[derive(Serialize, ToSchema)]
pub struct TotpConfirmed {
    /// 登录结果
    #[serde(flatten)]
    pub session: Session,
    /// 十个恢复码，只显示这一次，每个只能用一次；手机不在身边时代替动态口令
    #[schema(example = json!(["ACDEF-GHJKM"]))]
    pub recovery_codes: Vec<String>,
}

/// 确认绑定动态口令，然后登录
///
/// 从此登录需要密码和动态口令。答复里有十个恢复码，请抄下来收好。
#[utoipa::path(
    operation_id = "identity.confirm_totp", tag = "identity",
    request_body(
        content = TotpConfirm,
        example = json!({"username": "auditor", "password": "Demo-2026-pass", "code": "123456"})
    ),
    responses((status = 200, description = "已绑定并登录", body = TotpConfirmed)),
    security(()),
    extensions(("x-problems" = json!([
        "bad_credentials", "account_locked", "account_disabled", "password_change_required",
        "password_lapsed", "totp_required", "totp_invalid", "totp_not_started", "totp_on",
        "network_not_allowed"
    ]))),
)]
#[post("/auth/totp/confirm")]
pub async fn confirm_totp(
    state: Data<State>,
    meta: RequestMeta,
    body: Body<TotpConfirm>,
) -> Result<HttpResponse, Error> {
    let TotpConfirm { username, password, code } = body.read()?;
    let proof = Proof { username, password, totp: Some(code) };
    let (logged_in, Codes(recovery_codes)) = totp::confirm(&state, proof, &meta.into()).await?;
    Ok(secret(&TotpConfirmed { session: logged_in.into(), recovery_codes }))
}

/// 再次证明是本人
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ProofAgain {
    /// 密码
    #[schema(value_type = String, format = Password, example = "Demo-2026-pass")]
    pub password: Password,
    /// 验证器上的 6 位数字，或者一个恢复码
    #[schema(value_type = String, example = "123456")]
    pub totp: Password,
}

/// 恢复码
#[derive(Serialize, ToSchema)]
pub struct RecoveryCodes {
    /// 十个恢复码，只显示这一次，每个只能用一次
    #[schema(example = json!(["ACDEF-GHJKM"]))]
    pub recovery_codes: Vec<String>,
}

/// 重新生成十个恢复码
///
/// 以前的恢复码随即作废。密码和动态口令输错与登录输错合并计数。
#[utoipa::path(
    operation_id = "identity.renew_recovery_codes", tag = "identity",
    request_body(
        content = ProofAgain,
        example = json!({"password": "Demo-2026-pass", "totp": "123456"})
    ),
    responses((status = 200, description = "新的恢复码", body = RecoveryCodes)),
    security(("bearer" = [])),
    extensions(("x-problems" = json!(["account_locked", "password_unused", "totp_off"]))),
)]
#[post("/me/totp/recovery-codes")]
pub async fn renew_recovery_codes(
    caller: Caller<Staff>,
    state: Data<State>,
    meta: RequestMeta,
    body: Body<ProofAgain>,
) -> Result<HttpResponse, Error> {
    let ProofAgain { password, totp } = body.read()?;
    let by = &caller.actor;
    let Codes(recovery_codes) = totp::renew_codes(&state, by, &password, totp, meta.into()).await?;
    Ok(secret(&RecoveryCodes { recovery_codes }))
}

/// 解除本人的动态口令
///
/// 岗位要求动态口令的不能解除。恢复码一并作废。
#[utoipa::path(
    operation_id = "identity.remove_totp", tag = "identity",
    request_body(
        content = ProofAgain,
        example = json!({"password": "Demo-2026-pass", "totp": "123456"})
    ),
    responses((status = 204, description = "已解除")),
    security(("bearer" = [])),
    extensions(("x-problems" = json!([
        "account_locked", "password_unused", "totp_off", "totp_demanded"
    ]))),
)]
#[post("/me/totp/remove")]
pub async fn remove_totp(
    caller: Caller<Staff>,
    state: Data<State>,
    meta: RequestMeta,
    body: Body<ProofAgain>,
) -> Result<HttpResponse, Error> {
    let ProofAgain { password, totp } = body.read()?;
    totp::remove(&state, &caller.actor, &password, totp, meta.into()).await?;
    Ok(HttpResponse::NoContent().finish())
}

/// 重置动态口令
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TotpReset {
    /// 重置的原因，2–200 个字，留在审计记录里
    #[schema(example = "手机遗失，已当面核对本人", min_length = 2, max_length = 200)]
    pub reason: String,
}

/// 重置账号的动态口令，例如手机遗失
///
/// 恢复码一并作废，登录全部退出；岗位要求动态口令的，下次登录先绑定新的。安全管理员不能重置自己的。
#[utoipa::path(
    operation_id = "account.reset_totp", tag = "identity",
    request_body(content = TotpReset, example = json!({"reason": "手机遗失，已当面核对本人"})),
    responses((status = 204, description = "已重置")),
    security(("bearer" = [])),
    extensions(("x-problems" = json!(["own_credentials", "totp_off"]))),
)]
#[post("/accounts/{id}/totp/reset")]
pub async fn reset_totp(
    caller: Caller<ManageAccounts>,
    target: Target<AccountId>,
    state: Data<State>,
    meta: RequestMeta,
    body: Body<TotpReset>,
) -> Result<HttpResponse, Error> {
    let Target(id) = target;
    let TotpReset { reason } = body.read_or(accounts::exists(&state, id)).await?;
    accounts::exists(&state, id).await?;
    let reason = disabling_reason(&reason)?;
    totp::reset(&state, Some(&caller.actor), id, reason, meta.into()).await?;
    Ok(HttpResponse::NoContent().finish())
}

routes![
    change_password,
    renew_password,
    set_password,
    start_totp,
    confirm_totp,
    renew_recovery_codes,
    remove_totp,
    reset_totp,
];
