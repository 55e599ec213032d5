//! Who fits which post, and why (技能与就近匹配).

use actix_web::{
    get, post, put,
    web::{Data, Json},
};
use domain::{
    complaint::Location,
    id::{AccountId, PostId},
    refusal::Invalid,
    service::post_skills,
};
use infra::postgres::service::read::{PostView, profile::own};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::organised;
use crate::{
    app::{case::Ask, service::matching},
    error::Error,
    http::extract::{
        Body, Caller, IfMatch, Query, RequestMeta, Target,
        caller::needs::{ClaimPost, OrganisePost},
    },
    state::State,
};

routes![my_skills, keep_skills, matches, candidates, invite];

/// 我的技能
#[derive(Debug, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SkillsBody {
    /// 会什么，最多十项，每项 1–20 个字
    #[schema(example = json!(["急救", "理发"]))]
    pub skills: Vec<String>,
    /// 是否同意把自己推荐给发布岗位的社区；随时可以改
    #[serde(default)]
    pub suggest: bool,
}

/// 我的技能
///
/// 没有填写过的为空，且不会被推荐。
#[utoipa::path(
    operation_id = "service.skills",
    tag = "service",
    responses((status = 200, description = "我的技能", body = SkillsBody)),
    security(("bearer" = [])),
)]
#[get("/me/skills")]
async fn my_skills(
    caller: Caller<ClaimPost>,
    state: Data<State>,
) -> Result<Json<SkillsBody>, Error> {
    let mut connection = state.db.acquire().await?;
    let (skills, suggest) = own(&mut connection, &caller.scope()).await?;
    Ok(Json(SkillsBody { skills, suggest }))
}

/// 填写我的技能
///
/// 用来推荐合适的岗位；同意以后，社区找人时才看得到。
#[utoipa::path(
    operation_id = "service.keep_skills",
    tag = "service",
    request_body(content = SkillsBody, example = json!({"skills": ["急救", "理发"], "suggest": true})),
    responses((status = 200, description = "我的技能", body = SkillsBody)),
    security(("bearer" = [])),
)]
#[put("/me/skills")]
async fn keep_skills(
    caller: Caller<ClaimPost>,
    state: Data<State>,
    meta: RequestMeta,
    body: Body<SkillsBody>,
) -> Result<Json<SkillsBody>, Error> {
    let body = body.read()?;
    let skills = post_skills(&body.skills).map_err(Invalid::from)?;
    let ask = Ask::new(Some(caller.actor.clone()), meta);
    matching::keep(&state, ask, skills.clone(), body.suggest).await?;
    Ok(Json(SkillsBody { skills, suggest: body.suggest }))
}

/// 现在的位置，只用于这一次，不保存
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct Here {
    /// 经度（GCJ-02）
    #[param(required = false, example = 113.3402)]
    lng: Option<f64>,
    /// 纬度
    #[param(required = false, example = 40.0911)]
    lat: Option<f64>,
}

/// 推荐的岗位
#[derive(Debug, Serialize, ToSchema)]
pub struct PostMatch {
    /// 岗位
    pub post: PostView,
    /// 匹配程度，0–100
    #[schema(example = 90)]
    pub score: i32,
    /// 为什么推荐
    #[schema(example = "会急救；离您约 350 米")]
    pub text: String,
}

/// 推荐的岗位，至多 20 个
#[derive(Debug, Serialize, ToSchema)]
pub struct PostMatches {
    /// 合适的在前
    pub items: Vec<PostMatch>,
}

/// 适合我的岗位
///
/// 按会的技能、远近和做过的服务推荐，并说明为什么；不影响认领任何岗位。时间冲突的不推荐。
#[utoipa::path(
    operation_id = "service.post_matches",
    tag = "service",
    params(Here),
    responses((status = 200, description = "推荐的岗位", body = PostMatches)),
    security(("bearer" = [])),
)]
#[get("/me/post-matches")]
async fn matches(
    caller: Caller<ClaimPost>,
    state: Data<State>,
    here: Query<Here>,
) -> Result<Json<PostMatches>, Error> {
    let here = match (here.0.lng, here.0.lat) {
        (None, None) => None,
        (Some(lng), Some(lat)) => Some(Location::new(lng, lat).map_err(Invalid::from)?),
        _ => return Err(Invalid::field("lng", "经度和纬度要一起填写，或都不填").into()),
    };
    let found = matching::posts(&state, &caller.scope(), here).await?;
    let items = found.into_iter().map(|(post, matched)| PostMatch {
        post,
        score: matched.score,
        text: matched.text(),
    });
    Ok(Json(PostMatches { items: items.collect() }))
}

/// 可以邀请的人
#[derive(Debug, Serialize, ToSchema)]
pub struct CandidateView {
    /// 邀请时填写
    pub candidate: AccountId,
    /// 显示的名字
    pub person: String,
    /// 匹配程度，0–100，只用于排列
    #[schema(example = 90)]
    pub score: i32,
    /// 为什么推荐
    #[schema(example = "会急救；在报到的社区")]
    pub text: String,
    /// 是否已邀请
    pub invited: bool,
}

/// 可以邀请的人，至多 20 个
#[derive(Debug, Serialize, ToSchema)]
pub struct Candidates {
    /// 合适的在前
    pub items: Vec<CandidateView>,
}

/// 可以邀请的人
///
/// 只有同意被推荐、时间不冲突的人。
#[utoipa::path(
    operation_id = "service.candidates",
    tag = "service",
    responses((status = 200, description = "可以邀请的人", body = Candidates)),
    security(("bearer" = [])),
)]
#[get("/posts/{id}/candidates")]
async fn candidates(
    caller: Caller<OrganisePost>,
    state: Data<State>,
    id: Target<PostId>,
) -> Result<Json<Candidates>, Error> {
    organised(&state, &caller, id.0).await?;
    Ok(Json(found(&state, &caller, id.0).await?))
}

/// 邀请
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct InvitationBody {
    /// 候选人名单中的 candidate
    pub candidate: AccountId,
}

/// 邀请认领
///
/// 本人会收到通知，认不认领由本人决定；每人每个岗位只邀请一次。
#[utoipa::path(
    operation_id = "service.invite",
    tag = "service",
    params(IfMatch),
    request_body(content = InvitationBody, example = json!({
        "candidate": "019ab0c1-d2e3-7f00-8a1b-2c3d4e5f6071"
    })),
    responses((status = 200, description = "可以邀请的人", body = Candidates)),
    security(("bearer" = [])),
    extensions(("x-problems" = json!(["post_cancelled", "post_ended", "already_invited"]))),
)]
#[post("/posts/{id}/invitations")]
async fn invite(
    caller: Caller<OrganisePost>,
    state: Data<State>,
    meta: RequestMeta,
    id: Target<PostId>,
    version: IfMatch,
    body: Body<InvitationBody>,
) -> Result<Json<Candidates>, Error> {
    let body = body.read_or(organised(&state, &caller, id.0)).await?;
    let ask = Ask { expected: version.0, ..Ask::new(Some(caller.actor.clone()), meta) };
    matching::invite(&state, ask, id.0, body.candidate).await?;
    Ok(Json(found(&state, &caller, id.0).await?))
}

/// Who can be invited now. Call it for a post that the caller organises.
async fn found(
    state: &State,
    caller: &Caller<OrganisePost>,
    id: PostId,
) -> Result<Candidates, Error> {
    let found = matching::people(state, &caller.scope(), id).await?;
    let items = found.into_iter().map(|(one, matched)| CandidateView {
        candidate: one.account,
        person: one.person,
        score: matched.score,
        text: matched.text(),
        invited: one.invited,
    });
    Ok(Candidates { items: items.collect() })
}
