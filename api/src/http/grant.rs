//! Grants over HTTP: proposals of roles, and what an account holds.

use actix_web::{
    HttpResponse, get,
    http::header::ETAG,
    post,
    web::{Data, Json},
};
use domain::{
    grant::{Form, Kind, Propose, Status, Step},
    id::{AccountId, GrantProposalId},
    identity::Role,
    page::Page,
    text,
};
use infra::postgres::grant::read::{self, Filter, HeldView, ProposalView};
use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};

use crate::{
    app::{case::Ask, grant, idempotent::Once, identity::accounts},
    error::Error,
    http::extract::{
        Addressed, Body, Caller, Empty, IdempotencyKey, IfMatch, On, Paging, Query, RequestMeta,
        Target,
        caller::needs::{ManageAccounts, ReadGrants},
        kept,
    },
    state::State,
};

routes![list, propose, read_one, approve, refuse, withdraw, history];

impl<P> Addressed for On<P, GrantProposalId> {
    async fn visible(&self) -> Result<(), Error> {
        grant::shown(&mut *self.state.db.acquire().await?, self.id).await.map(drop)
    }

    async fn shown(&self) -> Result<HttpResponse, Error> {
        let view = grant::shown(&mut *self.state.db.acquire().await?, self.id).await?;
        let etag = format!("\"{}\"", view.version);
        Ok(HttpResponse::Ok().insert_header((ETAG, etag)).json(view))
    }
}

/// 列表的筛选条件
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct GrantFilter {
    /// 状态
    #[param(required = false, inline)]
    status: Option<Status>,
    /// 谁的角色（账号编号）
    #[param(required = false)]
    account: Option<AccountId>,
    /// 角色
    #[param(required = false, inline)]
    role: Option<Role>,
    /// 范围代码
    #[param(required = false, example = "140213")]
    scope: Option<String>,
}

/// 授权申请列表
///
/// 新的在前。安全管理员和审计员可以查看。
#[utoipa::path(
    operation_id = "grant.list", tag = "grant",
    params(GrantFilter, Paging),
    responses((status = 200, description = "一页申请", body = Page<ProposalView>)),
    security(("bearer" = [])),
)]
#[get("/grant-proposals")]
async fn list(
    _: Caller<ReadGrants>,
    state: Data<State>,
    filter: Query<GrantFilter>,
    page: Paging,
) -> Result<Json<Page<ProposalView>>, Error> {
    let GrantFilter { status, account, role, scope } = filter.0;
    let filter = Filter { id: None, status, account, role, scope };
    let mut conn = state.db.acquire().await?;
    let rows = read::list(&mut conn, &filter, page.0).await?;
    Ok(Json(Page::of(rows, page.0.limit, ProposalView::cursor)))
}

/// 查看一件授权申请
///
/// 谁提出、谁批准、原因和结果。
#[utoipa::path(
    operation_id = "grant.read", tag = "grant",
    responses((status = 200, description = "这一件", body = ProposalView,
        headers(("ETag" = String, description = "版本号，用于 If-Match")))),
    security(("bearer" = [])),
)]
#[get("/grant-proposals/{id}")]
async fn read_one(on: On<ReadGrants, GrantProposalId>) -> Result<HttpResponse, Error> {
    on.shown().await
}

/// 提出授权申请
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = ProposeGrantBody)]
pub struct ProposeBody {
    /// 授予角色、收回角色，还是新建账号
    pub kind: Kind,
    /// 谁的角色（账号编号）；新建账号时不填
    pub account: Option<AccountId>,
    /// 新账号的用户名：2–64 位小写字母、数字、点或连字符
    pub username: Option<String>,
    /// 新账号显示的名称，2–40 个字
    pub display_name: Option<String>,
    /// 角色；居民和党员身份不由人工授予
    pub role: Role,
    /// 范围：区划、部门、党组织、商户或单位的代码，要与角色相符
    #[schema(example = "140213")]
    pub scope: String,
    /// 原因，2–200 个字
    #[schema(example = "支部换届")]
    pub reason: String,
    /// 先行停权：立即收回，另一位安全管理员在下一个工作日内确认，否则恢复；只用于收回
    #[serde(default)]
    pub urgent: bool,
}

/// 提出授权申请
///
/// 安全管理员提出，另一位安全管理员批准后一秒内生效；不能办理自己的角色。七天内没有批准的自动过期。
/// 收回角色可以先行停权（urgent）：提出即生效，到下一个工作日结束还没有确认、或没有批准、撤回的，恢复原来的角色。
/// 新建的账号没有人知道密码，批准以后由安全管理员设置一次性密码。
#[utoipa::path(
    operation_id = "grant.propose", tag = "grant",
    params(IdempotencyKey),
    request_body(content = ProposeBody, example = json!({
        "kind": "account", "username": "leader.2", "display_name": "区领导二", "role": "leader",
        "scope": "140213", "reason": "新到任",
    })),
    responses((status = 201, description = "提出的申请，待批准；同一个键再提交一次，得到第一次的答复", body = ProposalView)),
    security(("bearer" = [])),
    extensions(("x-problems" = json!([
        "own_role", "administrators_not_separate", "role_held", "role_not_held", "grant_waiting",
        "last_administrators", "username_taken"
    ]))),
)]
#[post("/grant-proposals")]
async fn propose(
    caller: Caller<ManageAccounts>,
    state: Data<State>,
    meta: RequestMeta,
    key: Result<IdempotencyKey, Error>,
    body: Body<ProposeBody>,
) -> Result<HttpResponse, Error> {
    let IdempotencyKey(key) = key?;
    let body = body.read()?;
    let new = Propose::parse(Form {
        kind: body.kind,
        account: body.account,
        username: body.username.as_deref(),
        display_name: body.display_name.as_deref(),
        role: body.role,
        scope: &body.scope,
        reason: &body.reason,
        urgent: body.urgent,
    })?;
    let by = Some(caller.actor.account);
    let once = Once::new(&state.crypto, by, "grant.propose", key, &new)?;
    let ask = Ask::new(Some(caller.actor.clone()), meta);
    let answer = grant::propose(&state, ask, once, new).await?;
    Ok(kept(answer))
}

/// 批准授权申请
///
/// 由提出人以外的另一位安全管理员办理（同一手机号按同一人对待），也不能是自己的角色。批准即生效，一秒内起作用。
#[utoipa::path(
    operation_id = "grant.approve", tag = "grant",
    params(IfMatch),
    request_body(content = Empty, example = json!({})),
    responses((status = 200, description = "申请现在的样子", body = ProposalView)),
    security(("bearer" = [])),
    extensions(("x-problems" = json!([
        "grant_step_refused", "own_grant_proposal", "own_role", "administrators_not_separate",
        "role_held", "role_not_held", "last_administrators", "username_taken"
    ]))),
)]
#[post("/grant-proposals/{id}/approve")]
async fn approve(
    on: On<ManageAccounts, GrantProposalId>,
    body: Body<Empty>,
) -> Result<HttpResponse, Error> {
    on.read(body, |_| Ok(())).await?;
    grant::decide(&on.state, on.ask(), on.id, (Step::Approve, None)).await?;
    on.shown().await
}

/// 不批准
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = RefuseGrantBody)]
pub struct RefuseBody {
    /// 原因，2–200 个字
    #[schema(example = "范围不对，请按新的分工提出")]
    pub reason: String,
}

/// 不批准授权申请
///
/// 由提出人以外的另一位安全管理员办理，写明原因；先行停权的随即恢复。
#[utoipa::path(
    operation_id = "grant.refuse", tag = "grant",
    params(IfMatch),
    request_body(content = RefuseBody, example = json!({"reason": "范围不对，请按新的分工提出"})),
    responses((status = 200, description = "申请现在的样子", body = ProposalView)),
    security(("bearer" = [])),
    extensions(("x-problems" = json!(["grant_step_refused", "own_grant_proposal", "own_role"]))),
)]
#[post("/grant-proposals/{id}/refuse")]
async fn refuse(
    on: On<ManageAccounts, GrantProposalId>,
    body: Body<RefuseBody>,
) -> Result<HttpResponse, Error> {
    let reason = on.read(body, |body| Ok(text::line("reason", &body.reason, 2, 200)?)).await?;
    grant::decide(&on.state, on.ask(), on.id, (Step::Refuse, Some(reason))).await?;
    on.shown().await
}

/// 撤回授权申请
///
/// 只有提出人可以撤回，并且还没有决定；先行停权的随即恢复。
#[utoipa::path(
    operation_id = "grant.withdraw", tag = "grant",
    params(IfMatch),
    request_body(content = Empty, example = json!({})),
    responses((status = 200, description = "申请现在的样子", body = ProposalView)),
    security(("bearer" = [])),
    extensions(("x-problems" = json!(["grant_step_refused", "not_own_grant_proposal"]))),
)]
#[post("/grant-proposals/{id}/withdraw")]
async fn withdraw(
    on: On<ManageAccounts, GrantProposalId>,
    body: Body<Empty>,
) -> Result<HttpResponse, Error> {
    on.read(body, |_| Ok(())).await?;
    grant::decide(&on.state, on.ask(), on.id, (Step::Withdraw, None)).await?;
    on.shown().await
}

/// 账号的角色和历史
///
/// 现在有效的和以前收回的，新的在前。
#[utoipa::path(
    operation_id = "grant.history", tag = "grant",
    params(Paging),
    responses((status = 200, description = "一页角色", body = Page<HeldView>)),
    security(("bearer" = [])),
)]
#[get("/accounts/{id}/grants")]
async fn history(
    _: Caller<ReadGrants>,
    target: Target<AccountId>,
    state: Data<State>,
    page: Paging,
) -> Result<Json<Page<HeldView>>, Error> {
    accounts::exists(&state, target.0).await?;
    let mut conn = state.db.acquire().await?;
    let rows = read::history(&mut conn, target.0, page.0).await?;
    Ok(Json(Page::of(rows, page.0.limit, HeldView::cursor)))
}
