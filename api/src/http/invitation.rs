//! Invitations to field roles over HTTP, and the field workers of a community.

use actix_web::{
    HttpResponse, get, post,
    web::{Data, Json},
};
use domain::{
    id::AccountId,
    identity::{Actor, Role},
    invitation::BY_COMMUNITY,
    org::NodeCode,
    page::Page,
    refusal::Basic,
    text,
};
use infra::postgres::invitation::read::{self, FieldWorkerView};
use serde::Deserialize;
use utoipa::ToSchema;

use crate::{
    app::{
        case::Ask,
        invitation::{self, BoundView, InvitationView},
    },
    error::Error,
    http::extract::{
        Body, Caller, Paging, RequestMeta, Target,
        caller::needs::{AcceptInvitation, KeepFieldWorkers},
    },
    state::State,
};

routes![invite, accept, workers, unbind];

/// The caller's community; another's is missing.
fn kept(actor: &Actor, community: NodeCode) -> Result<NodeCode, Error> {
    let mut own = actor.grants.iter().filter(|grant| grant.role == Role::CommunityOfficer);
    let found = own.any(|grant| grant.scope == community.as_str());
    if found { Ok(community) } else { Err(Basic::NotFound.into()) }
}

/// 邀请外勤人员
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = FieldInvitationBody)]
pub struct InviteBody {
    /// 身份：grid_officer 网格员或 property_clerk 物业人员
    pub role: Role,
    /// 范围：本社区或其中的网格、小区；不填是整个社区
    #[schema(example = "140213066004")]
    pub scope: Option<String>,
}

/// 邀请网格员或物业人员
///
/// 社区工作者为本社区办理：得到一个邀请码，半小时内有效，只能用一次；对方用微信登录小程序后输入，绑定本人的微信。
#[utoipa::path(
    operation_id = "invitation.invite", tag = "invitation",
    params(("id" = String, Path, description = "社区或村的区划代码", example = "140213066004")),
    request_body(content = InviteBody, example = json!({"role": "grid_officer"})),
    responses((status = 201, description = "邀请码，只显示这一次", body = InvitationView)),
    security(("bearer" = [])),
    extensions(("x-problems" = json!(["not_found"]))),
)]
#[post("/communities/{id}/invitations")]
async fn invite(
    caller: Caller<KeepFieldWorkers>,
    target: Target<NodeCode>,
    state: Data<State>,
    meta: RequestMeta,
    body: Body<InviteBody>,
) -> Result<HttpResponse, Error> {
    let community = kept(&caller.actor, target.0)?;
    let body = body.read()?;
    let scope = NodeCode::optional("scope", body.scope.as_deref())?;
    let ask = Ask::new(Some(caller.actor.clone()), meta);
    let made = invitation::invite(&state, ask, community, body.role, scope).await?;
    Ok(HttpResponse::Created().json(made))
}

/// 接受邀请
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = InvitationAcceptBody)]
pub struct AcceptBody {
    /// 邀请码；大小写和短横线不计
    #[schema(example = "K7QW-3MZP-9TRA-X4HD")]
    pub code: String,
}

/// 接受外勤邀请
///
/// 用微信登录的居民输入邀请码，马上成为商户的店员、负责人，或社区的网格员、物业人员，绑定本人的微信。一个微信只能有一种外勤身份。
#[utoipa::path(
    operation_id = "invitation.accept", tag = "invitation",
    request_body(content = AcceptBody, example = json!({"code": "K7QW-3MZP-9TRA-X4HD"})),
    responses((status = 200, description = "已绑定", body = BoundView)),
    security(("bearer" = [])),
    extensions(("x-problems" = json!([
        "invitation_invalid", "own_invitation", "invitation_needs_wechat", "other_field_role",
        "administrators_not_separate", "role_suspended", "rate_limited"
    ]))),
)]
#[post("/invitations/accept")]
async fn accept(
    caller: Caller<AcceptInvitation>,
    state: Data<State>,
    meta: RequestMeta,
    body: Body<AcceptBody>,
) -> Result<Json<BoundView>, Error> {
    let code = text::line("code", &body.read()?.code, 1, 100)?;
    let ask = Ask::new(Some(caller.actor.clone()), meta);
    Ok(Json(invitation::accept(&state, ask, caller.session, &code).await?))
}

/// 社区的外勤人员
///
/// 本社区和其中网格、小区的网格员和物业人员，新的在前。
#[utoipa::path(
    operation_id = "invitation.workers", tag = "invitation",
    params(("id" = String, Path, description = "社区或村的区划代码", example = "140213066004"), Paging),
    responses((status = 200, description = "一页外勤人员", body = Page<FieldWorkerView>)),
    security(("bearer" = [])),
    extensions(("x-problems" = json!(["not_found"]))),
)]
#[get("/communities/{id}/field-workers")]
async fn workers(
    caller: Caller<KeepFieldWorkers>,
    target: Target<NodeCode>,
    state: Data<State>,
    page: Result<Paging, Error>,
) -> Result<Json<Page<FieldWorkerView>>, Error> {
    let community = kept(&caller.actor, target.0)?;
    let Paging(page) = page?;
    let mut conn = state.db.acquire().await?;
    let rows = read::workers(&mut conn, &community, BY_COMMUNITY, page).await?;
    Ok(Json(Page::of(rows, page.limit, FieldWorkerView::cursor)))
}

/// 解除外勤人员
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = FieldUnbindBody)]
pub struct UnbindBody {
    /// 账号编号，取自外勤人员列表
    pub account_id: AccountId,
}

/// 解除外勤人员
///
/// 在本社区的外勤身份全部解除，一秒内起作用。
#[utoipa::path(
    operation_id = "invitation.unbind", tag = "invitation",
    params(("id" = String, Path, description = "社区或村的区划代码", example = "140213066004")),
    request_body(content = UnbindBody, example = json!({"account_id": "019ab0c1-d2e3-7f00-8a1b-2c3d4e5f6071"})),
    responses((status = 204, description = "已解除")),
    security(("bearer" = [])),
    extensions(("x-problems" = json!(["not_found", "field_worker_not_bound"]))),
)]
#[post("/communities/{id}/field-workers/unbind")]
async fn unbind(
    caller: Caller<KeepFieldWorkers>,
    target: Target<NodeCode>,
    state: Data<State>,
    meta: RequestMeta,
    body: Body<UnbindBody>,
) -> Result<HttpResponse, Error> {
    let community = kept(&caller.actor, target.0)?;
    let account = body.read()?.account_id;
    let ask = Ask::new(Some(caller.actor.clone()), meta);
    invitation::unbind(&state, ask, community, account).await?;
    Ok(HttpResponse::NoContent().finish())
}
