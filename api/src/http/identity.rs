//! Log-in, the caller's own account, and the security administrator's desk.

use actix_web::{
    HttpResponse, delete, get,
    http::header::ContentType,
    post,
    web::{Data, Json},
};
use domain::{
    id::{AccountId, SessionId},
    identity::{Grant, Means, Password, Role, device, disabling_reason},
    page::{Cursor, Page},
    time::Timestamp,
};
use infra::postgres::{
    audit::Origin,
    identity::{self as identity_store, Account},
};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::{
    app::{
        idempotent::Once,
        identity::{
            self, LoggedIn, accounts,
            phone::{self, OwnPhone},
            staff::{self, Proof},
            totp,
        },
    },
    error::Error,
    http::extract::{
        Body, Caller, Empty, IdempotencyKey, Paging, Query, RequestMeta, Target,
        caller::needs::{ManageAccounts, ReadSelf},
    },
    state::State,
};

pub mod credential;
pub mod oidc;
pub mod phone_code;

impl From<RequestMeta> for Origin {
    fn from(meta: RequestMeta) -> Self {
        let given = |text: String| (!text.is_empty()).then_some(text);
        Self {
            request_id: given(meta.request_id),
            address: given(meta.address),
            user_agent: given(meta.user_agent),
        }
    }
}

/// 微信登录
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct WechatLogin {
    /// wx.login 得到的 code；演示环境也可以写 demo:名字
    #[schema(example = "demo:li", max_length = 128)]
    pub code: String,
}

/// 工作人员登录
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct StaffLogin {
    /// 用户名
    #[schema(example = "dispatcher")]
    pub username: String,
    /// 密码
    #[schema(value_type = String, format = Password, example = "Demo-2026-pass")]
    pub password: Password,
    /// 已绑定动态口令的账号：验证器上的 6 位数字，或者一个恢复码；没有绑定的不核对
    #[schema(value_type = Option<String>, example = "123456")]
    pub totp: Option<Password>,
}

/// 刷新令牌
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Refresh {
    /// 上一次登录或刷新得到的 refresh_token；每个只能用一次
    #[schema(example = "1mXcb3d0b0S0bq0Wb0b3vS0c0V0b4n0m5y6Uq0Z7x8w")]
    pub refresh_token: String,
}

/// 登录结果
#[derive(Serialize, ToSchema)]
pub struct Session {
    /// 访问令牌，放在请求头 Authorization: Bearer 里
    #[schema(example = "eyJ0eXAiOiJKV1QiLCJhbGciOiJIUzI1NiJ9.e30.c2ln")]
    pub access_token: String,
    /// 访问令牌的有效秒数
    #[schema(example = 900)]
    pub expires_in: i64,
    /// 刷新令牌：访问令牌到期前用它换新的一对；请妥善保存
    #[schema(example = "1mXcb3d0b0S0bq0Wb0b3vS0c0V0b4n0m5y6Uq0Z7x8w")]
    pub refresh_token: String,
    /// 登录的账号
    pub account: Me,
}

/// 本人账号
#[derive(Debug, Serialize, ToSchema)]
pub struct Me {
    /// 账号编号
    pub id: AccountId,
    /// 显示的名称
    #[schema(example = "演示居民 li")]
    pub display_name: String,
    /// 持有的角色，各在一个范围上
    pub roles: Vec<Grant>,
    /// 动态口令；没有绑定时没有这一项
    #[serde(skip_serializing_if = "Option::is_none")]
    pub totp: Option<TotpOn>,
}

/// 已绑定的动态口令
#[derive(Debug, Serialize, ToSchema)]
pub struct TotpOn {
    /// 还能用的恢复码个数；用完以前请重新生成
    #[schema(example = 10)]
    pub recovery_codes_left: i64,
}

impl Me {
    /// Of an account with its roles, and the recovery codes that are left where a second factor is on.
    pub fn new(account: Account, roles: Vec<Grant>, recovery_left: Option<i64>) -> Self {
        let totp = recovery_left.map(|recovery_codes_left| TotpOn { recovery_codes_left });
        Self { id: account.id, display_name: account.display_name, roles, totp }
    }
}

impl From<LoggedIn> for Session {
    fn from(from: LoggedIn) -> Self {
        let LoggedIn { access, refresh_token, account, grants, recovery_left } = from;
        Self {
            access_token: access.token,
            expires_in: access.expires_in,
            refresh_token,
            account: Me::new(account, grants, recovery_left),
        }
    }
}

/// Tokens must not lie in any cache on the way.
fn tokens(logged_in: LoggedIn) -> HttpResponse {
    HttpResponse::Ok().insert_header(("cache-control", "no-store")).json(Session::from(logged_in))
}

/// 居民用微信登录；第一次登录自动建立账号。
///
/// `code` 来自小程序的 `wx.login`，五分钟内有效，只能用一次；演示环境写 `demo:` 加任意名字。
#[utoipa::path(
    operation_id = "identity.login_wechat", tag = "identity",
    request_body(content = WechatLogin, example = json!({"code": "demo:li"})),
    responses((status = 200, description = "登录成功", body = Session)),
    security(()),
    extensions(("x-problems" = json!([
        "wechat_code_invalid", "wechat_code_used", "wechat_blocked", "wechat_unavailable",
        "account_disabled", "network_not_allowed"
    ]))),
)]
#[post("/auth/wechat")]
pub async fn login_wechat(
    state: Data<State>,
    meta: RequestMeta,
    body: Body<WechatLogin>,
) -> Result<HttpResponse, Error> {
    let WechatLogin { code } = body.read()?;
    identity::login_wechat(&state, &code, &meta.into()).await.map(tokens)
}

/// 工作人员用用户名和密码登录，已绑定动态口令的再加 6 位数字或恢复码；连续输错 5 次，账号锁定 15 分钟。
///
/// 密码错误和没有这个用户名，答复相同。答复 `password_change_required` 时用 `POST /auth/password` 更换；
/// 答复 `totp_enrolment_required` 时用 `POST /auth/totp/start` 绑定。
#[utoipa::path(
    operation_id = "identity.login_staff", tag = "identity",
    request_body(
        content = StaffLogin,
        example = json!({"username": "dispatcher", "password": "Demo-2026-pass"})
    ),
    responses((status = 200, description = "登录成功", body = Session)),
    security(()),
    extensions(("x-problems" = json!([
        "bad_credentials", "account_locked", "account_disabled", "password_change_required",
        "password_lapsed", "totp_required", "totp_invalid", "totp_enrolment_required",
        "network_not_allowed"
    ]))),
)]
#[post("/auth/staff")]
pub async fn login_staff(
    state: Data<State>,
    meta: RequestMeta,
    body: Body<StaffLogin>,
) -> Result<HttpResponse, Error> {
    let StaffLogin { username, password, totp } = body.read()?;
    let proof = Proof { username, password, totp };
    staff::login(&state, proof, &meta.into()).await.map(tokens)
}

/// 用刷新令牌换一对新的令牌。网络中断没有收到回答时，10 秒内原样重发会得到同一个新的刷新令牌；
/// 之后再用旧的，视为令牌被盗，这次登录随即退出。
///
/// 刷新令牌每次都换新的，旧的随即作废。
#[utoipa::path(
    operation_id = "identity.refresh", tag = "identity",
    request_body(
        content = Refresh,
        example = json!({"refresh_token": "1mXcb3d0b0S0bq0Wb0b3vS0c0V0b4n0m5y6Uq0Z7x8w"})
    ),
    responses((status = 200, description = "新的一对令牌", body = Session)),
    security(()),
    extensions(("x-problems" = json!([
        "refresh_token_invalid", "refresh_token_reused", "network_not_allowed"
    ]))),
)]
#[post("/auth/refresh")]
pub async fn refresh(
    state: Data<State>,
    meta: RequestMeta,
    body: Body<Refresh>,
) -> Result<HttpResponse, Error> {
    let Refresh { refresh_token } = body.read()?;
    identity::refresh(&state, &refresh_token, &meta.into()).await.map(tokens)
}

/// 退出登录：这次登录的所有令牌一秒内全部失效。
///
/// 别处的登录不受影响；重复退出不报错。
#[utoipa::path(
    operation_id = "identity.logout", tag = "identity",
    request_body(content = Empty, example = json!({})),
    responses((status = 204, description = "已退出")),
    security(("bearer" = [])),
)]
#[post("/auth/logout")]
pub async fn logout(
    caller: Caller<ReadSelf>,
    state: Data<State>,
    body: Body<Empty>,
) -> Result<HttpResponse, Error> {
    body.read()?;
    identity::logout(&state, caller.session).await?;
    Ok(HttpResponse::NoContent().finish())
}

/// 本人账号与持有的角色。
///
/// 角色后面是它的范围：区划、部门、党组织、单位或商户的代码。
#[utoipa::path(
    operation_id = "identity.me", tag = "identity",
    responses((status = 200, description = "本人账号", body = Me)),
    security(("bearer" = [])),
)]
#[get("/me")]
pub async fn me(caller: Caller<ReadSelf>, state: Data<State>) -> Result<Json<Me>, Error> {
    let account = identity::me(&state, &caller.actor).await?;
    let left = totp::recovery_left(&state, &caller.actor).await?;
    Ok(Json(Me::new(account, caller.actor.grants.clone(), left)))
}

/// 一次登录
#[derive(Debug, Serialize, ToSchema)]
pub struct SessionView {
    /// 编号
    pub id: SessionId,
    /// 登录的时间
    #[schema(value_type = chrono::DateTime<chrono::Utc>)]
    pub created_at: Timestamp,
    /// 最近一次刷新令牌的时间
    #[schema(value_type = chrono::DateTime<chrono::Utc>)]
    pub renewed_at: Timestamp,
    /// 最迟到这一刻必须重新登录
    #[schema(value_type = chrono::DateTime<chrono::Utc>)]
    pub expires_at: Timestamp,
    /// 设备自称的程序和系统
    #[schema(example = "微信小程序 · iPhone")]
    pub device: String,
    /// 最近一次登录或刷新令牌的网络地址，末段隐去；不知道时为空
    #[schema(example = "192.0.2.*")]
    pub place: Option<String>,
    /// 怎样登录的；较早的登录没有记下
    pub means: Option<Means>,
    /// 是不是正在用的这一次
    pub current: bool,
}

/// 本人的登录
///
/// 还有效的登录，新的在前，各用什么设备、从哪里来；不认识的可以退出，工作人员随后请修改密码。
#[utoipa::path(
    operation_id = "identity.sessions", tag = "identity", params(Paging),
    responses((status = 200, description = "一页登录", body = Page<SessionView>)),
    security(("bearer" = [])),
)]
#[get("/me/sessions")]
pub async fn sessions(
    caller: Caller<ReadSelf>,
    state: Data<State>,
    Paging(page): Paging,
) -> Result<Json<Page<SessionView>>, Error> {
    let rows = identity::list_sessions(&state, &caller.actor, page).await?;
    let rows = rows.into_iter().map(|one| SessionView {
        id: one.id,
        created_at: one.created_at,
        renewed_at: one.renewed_at,
        expires_at: one.expires_at,
        device: device::words(one.user_agent.as_deref()),
        place: one.address.as_deref().and_then(device::place),
        means: one.means,
        current: one.id == caller.session,
    });
    let key = |row: &SessionView| Cursor { at: row.created_at, id: row.id.0 };
    Ok(Json(Page::of(rows.collect(), page.limit, key)))
}

/// 退出本人的一次登录
///
/// 在别处的登录也可以退出：它的令牌一秒内全部失效。已经退出的再退出不报错。
#[utoipa::path(
    operation_id = "identity.end_session", tag = "identity",
    responses((status = 204, description = "已退出")),
    security(("bearer" = [])),
)]
#[delete("/me/sessions/{id}")]
pub async fn end_session(
    caller: Caller<ReadSelf>,
    target: Target<SessionId>,
    state: Data<State>,
    meta: RequestMeta,
) -> Result<HttpResponse, Error> {
    identity::end_session(&state, &caller.actor, target.0, meta.into()).await?;
    Ok(HttpResponse::NoContent().finish())
}

/// 微信手机号授权
#[derive(Debug, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SetPhone {
    /// 手机号快速验证组件得到的 code，只能用一次；演示环境也可以写 demo:手机号
    #[schema(example = "demo:13800001234", max_length = 128)]
    pub code: String,
}

/// 绑定微信验证过的手机号，取代以前绑定的。
///
/// 重复点按请用同一个 Idempotency-Key，得到的是第一次的结果。同一个号码可以绑定在同一人的两个账号上，
/// 此后两个账号按同一人对待（不能为自己核销、确认服务）。
#[utoipa::path(
    operation_id = "identity.set_phone", tag = "identity",
    params(IdempotencyKey),
    request_body(content = SetPhone, example = json!({"code": "demo:13800001234"})),
    responses((status = 200, description = "绑定的号码", body = OwnPhone)),
    security(("bearer" = [])),
    extensions(("x-problems" = json!([
        "wechat_code_invalid", "wechat_code_used", "wechat_blocked", "wechat_unavailable",
        "phone_foreign", "rate_limited", "administrators_not_separate"
    ]))),
)]
#[post("/me/phone")]
pub async fn set_phone(
    caller: Caller<ReadSelf>,
    state: Data<State>,
    meta: RequestMeta,
    key: Result<IdempotencyKey, Error>,
    body: Body<SetPhone>,
) -> Result<HttpResponse, Error> {
    let body = body.read()?;
    let by = &caller.actor;
    let once = Once::new(&state.crypto, Some(by.account), "identity.set_phone", key?.0, &body)?;
    let answer = phone::set(&state, by, meta.into(), once, &body.code).await?;
    Ok(HttpResponse::Ok().content_type(ContentType::json()).body(answer.body))
}

/// 本人绑定的手机号
///
/// 中间四位隐去；没有绑定过时为空。
#[utoipa::path(
    operation_id = "identity.phone", tag = "identity",
    responses((status = 200, description = "绑定的号码", body = OwnPhone)),
    security(("bearer" = [])),
)]
#[get("/me/phone")]
pub async fn own_phone(
    caller: Caller<ReadSelf>,
    state: Data<State>,
) -> Result<Json<OwnPhone>, Error> {
    phone::shown(&state, caller.actor.account).await.map(Json)
}

/// 管理中的账号
#[derive(Debug, Serialize, ToSchema)]
pub struct AccountView {
    /// 账号编号
    pub id: AccountId,
    /// 用户名；居民没有
    #[schema(example = "dept.urban-management")]
    pub username: Option<String>,
    /// 显示的名称
    #[schema(example = "城市管理局经办人")]
    pub display_name: String,
    /// 建立的时间
    #[schema(value_type = chrono::DateTime<chrono::Utc>)]
    pub created_at: Timestamp,
    /// 停用的时间；没有停用时为空
    #[schema(value_type = Option<chrono::DateTime<chrono::Utc>>)]
    pub disabled_at: Option<Timestamp>,
    /// 停用的原因
    pub disabled_reason: Option<String>,
    /// 密码输错太多，锁定到这个时间；已经过去或为空就没有锁定。启用（enable）立即解除
    #[schema(value_type = Option<chrono::DateTime<chrono::Utc>>)]
    pub locked_until: Option<Timestamp>,
}

impl From<Account> for AccountView {
    fn from(from: Account) -> Self {
        Self {
            id: from.id,
            username: from.username,
            display_name: from.display_name,
            created_at: from.created_at,
            disabled_at: from.disabled_at,
            disabled_reason: from.disabled_reason,
            locked_until: from.locked_until,
        }
    }
}

/// 查找账号的条件
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct AccountFilter {
    /// 用户名或显示名称的开头
    #[param(example = "dept.")]
    q: Option<String>,
    /// 现在有这个角色；与范围一起填时，指在这个范围的这个角色
    #[param(required = false, inline)]
    role: Option<Role>,
    /// 现在在这个范围有角色（范围代码）
    #[param(required = false, example = "140213")]
    scope: Option<String>,
}

/// 停用账号
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Disable {
    /// 停用的原因，2–200 个字
    #[schema(example = "已调离岗位", min_length = 2, max_length = 200)]
    pub reason: String,
}

/// 账号列表，新建的在前。
///
/// 可按用户名或姓名查找；只有安全管理员能看，看不到密码和微信号。
#[utoipa::path(
    operation_id = "account.list", tag = "identity",
    params(AccountFilter, Paging),
    responses((status = 200, description = "一页账号", body = Page<AccountView>)),
    security(("bearer" = [])),
)]
#[get("/accounts")]
pub async fn list_accounts(
    _: Caller<ManageAccounts>,
    state: Data<State>,
    Query(filter): Query<AccountFilter>,
    Paging(page): Paging,
) -> Result<Json<Page<AccountView>>, Error> {
    let AccountFilter { q, role, scope } = &filter;
    let filter = identity_store::AccountFilter {
        prefix: q.as_deref(),
        role: *role,
        scope: scope.as_deref(),
    };
    let rows = accounts::list(&state, filter, page).await?;
    let rows = rows.into_iter().map(AccountView::from).collect();
    let key = |row: &AccountView| Cursor { at: row.created_at, id: row.id.0 };
    Ok(Json(Page::of(rows, page.limit, key)))
}

/// 停用账号：它的所有登录一秒内失效。重复停用不报错。
///
/// 安全管理员不能停用自己；正在办理的事项不受影响，由本单位其他人接着办。
#[utoipa::path(
    operation_id = "account.disable", tag = "identity",
    request_body(content = Disable, example = json!({"reason": "已调离岗位"})),
    responses((status = 200, description = "停用后的账号", body = AccountView)),
    security(("bearer" = [])),
    extensions(("x-problems" = json!(["last_administrators", "own_account"]))),
)]
#[post("/accounts/{id}/disable")]
pub async fn disable_account(
    caller: Caller<ManageAccounts>,
    target: Target<AccountId>,
    state: Data<State>,
    meta: RequestMeta,
    body: Body<Disable>,
) -> Result<Json<AccountView>, Error> {
    let Target(id) = target;
    let Disable { reason } = body.read_or(accounts::exists(&state, id)).await?;
    let reason = match disabling_reason(&reason) {
        Ok(reason) => reason,
        Err(wrong) => {
            accounts::exists(&state, id).await?;
            return Err(wrong.into());
        }
    };
    let by = Some(&caller.actor);
    let account = accounts::disable(&state, by, id, reason, &meta.into()).await?;
    Ok(Json(account.into()))
}

/// 重新启用账号，同时解除锁定；以前的登录不会恢复。重复启用不报错。
///
/// 安全管理员不能启用自己；密码不变。
#[utoipa::path(
    operation_id = "account.enable", tag = "identity",
    request_body(content = Empty, example = json!({})),
    responses((status = 200, description = "启用后的账号", body = AccountView)),
    security(("bearer" = [])),
)]
#[post("/accounts/{id}/enable")]
pub async fn enable_account(
    caller: Caller<ManageAccounts>,
    target: Target<AccountId>,
    state: Data<State>,
    meta: RequestMeta,
    body: Body<Empty>,
) -> Result<Json<AccountView>, Error> {
    let Target(id) = target;
    body.read_or(accounts::exists(&state, id)).await?;
    let by = Some(&caller.actor);
    let account = accounts::enable(&state, by, id, &meta.into()).await?;
    Ok(Json(account.into()))
}

routes![
    login_wechat,
    login_staff,
    refresh,
    logout,
    me,
    end_session,
    own_phone,
    sessions,
    set_phone,
    list_accounts,
    disable_account,
    enable_account,
];
