//! Whether an item of the guide was useful (有用没用): said by anybody, counted for its owner.

use actix_web::{
    HttpResponse, get, post,
    web::{Data, Json},
};
use domain::{guide::Vote, id::GuideId, refusal::Basic};
use infra::postgres::guide::read::{self, GuideComment};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{
    app::{case::Ask, guide as guides, identity::admit_vote},
    error::Error,
    http::{
        extract::{
            Body, Caller, MaybeCaller, RequestMeta, Target,
            caller::needs::{KeepGuide, ReadSelf},
        },
        publication::Published,
    },
    state::State,
};

routes![vote, votes];

/// Comments that are shown at most.
const MOST: i64 = 100;

/// 有用没用
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct VoteBody {
    /// 有没有用
    pub useful: bool,
    /// 缺什么、哪里不对，至多 500 个字；没有用的，承办单位会看到，不显示是谁写的
    pub comment: Option<String>,
}

/// 说说有没有用
///
/// 一个账号一票；不登录的，一个地址一天一票。再说一次以后一次为准。
#[utoipa::path(
    operation_id = "guide.vote",
    tag = "guide",
    request_body(content = VoteBody, example = json!({"useful": false, "comment": "没有写需不需要复印件"})),
    responses((status = 204, description = "已记下")),
    security((), ("bearer" = [])),
    extensions(("x-problems" = json!(["unauthenticated", "rate_limited"]))),
)]
#[post("/guides/{id}/votes")]
async fn vote(
    caller: MaybeCaller<ReadSelf>,
    state: Data<State>,
    meta: RequestMeta,
    id: Target<GuideId>,
    body: Body<VoteBody>,
) -> Result<HttpResponse, Error> {
    let body = body.read_or(guides::readable(&state, id.0)).await?;
    let said = Vote::parse(body.useful, body.comment.as_deref());
    if said.is_err() {
        guides::readable(&state, id.0).await?;
    }
    let said = said?;
    if caller.0.is_none() {
        admit_vote(&state, &meta.address).await?;
    }
    let ask = Ask::new(caller.0.map(|caller| caller.actor.clone()), meta);
    guides::vote(&state, ask, id.0, said).await?;
    Ok(HttpResponse::NoContent().finish())
}

/// 一条办事指南得到的评价
#[derive(Debug, Serialize, ToSchema)]
pub struct GuideVotes {
    /// 多少人认为有用
    pub useful: i64,
    /// 多少人认为没有用
    pub useless: i64,
    /// 认为没有用的人写的意见，新的在前，最多 100 条；不显示是谁写的
    pub comments: Vec<GuideComment>,
}

/// 有用没用的结果
///
/// 承办单位看本单位的。
#[utoipa::path(
    operation_id = "guide.votes",
    tag = "guide",
    responses((status = 200, description = "评价", body = GuideVotes)),
    security(("bearer" = [])),
)]
#[get("/guides/{id}/votes")]
async fn votes(
    caller: Caller<KeepGuide>,
    state: Data<State>,
    id: Target<GuideId>,
) -> Result<Json<GuideVotes>, Error> {
    let own = id.0.own(&state, &caller.actor, None).await?;
    let desk = own.and_then(|view| view.desk).ok_or(Basic::NotFound)?;
    let comments = read::comments(&mut *state.db.acquire().await?, id.0, MOST).await?;
    Ok(Json(GuideVotes { useful: desk.useful, useless: desk.useless, comments }))
}
