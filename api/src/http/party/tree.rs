//! The tree of party bodies over HTTP, with the members that stand at each.

use std::collections::HashMap;

use actix_web::{
    HttpResponse, get, patch, post,
    web::{Data, Json},
};
use domain::{
    org::{NodeCode, NodeKind},
    page::Page,
    party::tree::{Found, Reshape},
    refusal::Basic,
    scope::Scope,
};
use infra::postgres::party::read::{self, Node};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::{
    app::{case::Ask, party::tree as bodies},
    error::Error,
    http::extract::{
        Addressed, Body, Caller, On, RequestMeta,
        body::Empty,
        caller::needs::{KeepPartyTree, ReadRegister},
    },
    state::State,
};

routes![read_all, found, reshape, deactivate];

/// 各台账的党员数
#[derive(Debug, Clone, Copy, Default, Serialize, ToSchema)]
#[schema(as = PartyLedgerCounts)]
pub struct LedgerCounts {
    /// 直管
    pub direct: i64,
    /// 离退
    pub retired: i64,
    /// 在职
    pub employed: i64,
    /// 流动
    pub floating: i64,
    /// 合计
    pub total: i64,
}

/// 一个党组织
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = PartyBodyView)]
pub struct BodyView {
    /// 代码
    #[schema(example = "party-140213066004-01")]
    pub code: NodeCode,
    /// 种类
    pub kind: NodeKind,
    /// 种类的中文
    pub kind_text: &'static str,
    /// 名称
    pub name: String,
    /// 上级党组织的代码
    pub parent: Option<NodeCode>,
    /// 所属区划的代码
    pub division: Option<NodeCode>,
    /// 是否在用
    pub active: bool,
    /// 党支部对应的小区
    pub estates: Vec<String>,
    /// 它和它下面的党员；党小组、中心户只算登记在小组的
    pub members: LedgerCounts,
}

/// Adds up what stands at branches for the committees above them. Groups are part of their branch.
fn counted(nodes: Vec<Node>) -> Vec<BodyView> {
    let own = |node: &Node| LedgerCounts {
        direct: node.direct,
        retired: node.retired,
        employed: node.employed,
        floating: node.floating,
        total: node.direct + node.retired + node.employed + node.floating,
    };
    let mut above: HashMap<NodeCode, LedgerCounts> = HashMap::new();
    for node in nodes.iter().filter(|node| node.kind == NodeKind::PartyBranch) {
        let (Some(parent), counts) = (node.parent.clone(), own(node)) else { continue };
        let sum = above.entry(parent).or_default();
        sum.direct += counts.direct;
        sum.retired += counts.retired;
        sum.employed += counts.employed;
        sum.floating += counts.floating;
        sum.total += counts.total;
    }
    let view = |node: Node| {
        let members = match node.kind {
            NodeKind::PartyCommittee => above.get(&node.code).copied().unwrap_or_default(),
            _ => own(&node),
        };
        BodyView {
            members,
            code: node.code,
            kind: node.kind,
            kind_text: node.kind.label(),
            name: node.name,
            parent: node.parent,
            division: node.division,
            active: node.active,
            estates: node.estates,
        }
    };
    nodes.into_iter().map(view).collect()
}

async fn shown(
    state: &State,
    scope: &Scope,
    below: Option<&NodeCode>,
) -> Result<Vec<BodyView>, Error> {
    let mut conn = state.db.acquire().await?;
    Ok(counted(read::tree(&mut conn, scope, below).await?))
}

/// 党组织
///
/// 社区党委、党支部、楼栋党小组、党员中心户四级，带四本台账的人数；支部书记看本支部以下，社区工作者看本社区的。按代码排列，
/// 一次给全。
#[utoipa::path(
    operation_id = "party.tree",
    tag = "party",
    responses((status = 200, description = "党组织", body = Page<BodyView>)),
    security(("bearer" = [])),
)]
#[get("/party-tree")]
async fn read_all(
    caller: Caller<ReadRegister>,
    state: Data<State>,
) -> Result<Json<Page<BodyView>>, Error> {
    Ok(Json(Page { items: shown(&state, &caller.scope(), None).await?, next_cursor: None }))
}

/// The code of a party body in the path.
#[derive(Debug, Clone)]
pub struct BodyCode(NodeCode);

impl std::str::FromStr for BodyCode {
    type Err = domain::refusal::FieldError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        text.parse().map(Self)
    }
}

#[derive(IntoParams)]
#[into_params(parameter_in = Path)]
#[expect(dead_code, reason = "only the documentation of {id} is derived from it")]
struct BodyPath {
    /// 党组织的代码
    #[param(example = "party-140213066004-01")]
    id: String,
}

async fn one(state: &State, scope: &Scope, code: &NodeCode) -> Result<BodyView, Error> {
    // The body with what hangs below it: their members are counted in.
    let below = shown(state, scope, Some(code)).await?;
    let body = below.into_iter().find(|body| body.code == *code);
    body.ok_or_else(|| Basic::NotFound.into())
}

impl<P> Addressed for On<P, BodyCode> {
    /// A party body outside the caller's part of the register, and any other node, is missing.
    async fn visible(&self) -> Result<(), Error> {
        one(&self.state, &self.caller.scope(), &self.id.0).await.map(|_| ())
    }

    async fn shown(&self) -> Result<HttpResponse, Error> {
        let view = one(&self.state, &self.caller.scope(), &self.id.0).await?;
        Ok(HttpResponse::Ok().json(view))
    }
}

/// 建立党组织
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = PartyBodyBody)]
pub struct BodyBody {
    /// 代码，以 party- 开头，以后不改
    pub code: String,
    /// 种类
    pub kind: NodeKind,
    /// 名称，2–60 个字
    pub name: String,
    /// 上级党组织的代码；社区党委没有
    pub parent: Option<String>,
    /// 所属区划的代码；不填与上级相同
    pub division: Option<String>,
    /// 党支部对应的小区
    #[serde(default)]
    pub estates: Vec<String>,
}

/// 建立党组织
///
/// 上级只能是高一级的在用党组织；党支部可以对应一个或几个小区。
#[utoipa::path(
    operation_id = "party.found",
    tag = "party",
    request_body(content = BodyBody, example = json!({
        "code": "party-140213066004-09", "kind": "party_branch", "name": "文兴里小区联合党支部",
        "parent": "party-140213066004", "estates": ["140213066004001"]
    })),
    responses((status = 201, description = "党组织", body = BodyView)),
    security(("bearer" = [])),
    extensions(("x-problems" = json!(["party_body_there"]))),
)]
#[post("/party-branches")]
async fn found(
    caller: Caller<KeepPartyTree>,
    state: Data<State>,
    meta: RequestMeta,
    body: Body<BodyBody>,
) -> Result<HttpResponse, Error> {
    let body = body.read()?;
    let what = (body.code.as_str(), body.kind, body.name.as_str());
    let (parent, division) = (body.parent.as_deref(), body.division.as_deref());
    let given = Found::parse(what, parent, division, &body.estates)?;
    let code = given.code.clone();
    bodies::found(&state, Ask::new(Some(caller.actor.clone()), meta), given).await?;
    Ok(HttpResponse::Created().json(one(&state, &caller.scope(), &code).await?))
}

/// 调整党组织
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = PartyBodyChangeBody)]
pub struct ReshapeBody {
    /// 名称
    pub name: Option<String>,
    /// 划转到哪个上级党组织
    pub parent: Option<String>,
    /// 党支部对应的全部小区
    pub estates: Option<Vec<String>>,
}

/// 调整党组织：改名、划转、对应的小区
///
/// 只改填写了的项目。划转时，下面的党组织和党员一起过去。
#[utoipa::path(
    operation_id = "party.reshape",
    tag = "party",
    params(BodyPath),
    request_body(content = ReshapeBody, example = json!({"name": "文兴花园小区第一党支部"})),
    responses((status = 200, description = "党组织现在的样子", body = BodyView)),
    security(("bearer" = [])),
    extensions(("x-problems" = json!(["party_body_inactive"]))),
)]
#[patch("/party-branches/{id}")]
async fn reshape(
    on: On<KeepPartyTree, BodyCode>,
    body: Body<ReshapeBody>,
) -> Result<HttpResponse, Error> {
    let parse = |body: ReshapeBody| {
        Reshape::parse(body.name.as_deref(), body.parent.as_deref(), body.estates.as_deref())
    };
    let given = on.read(body, parse).await?;
    bodies::reshape(&on.state, on.ask(), on.id.0.clone(), given).await?;
    on.shown().await
}

/// 停用党组织
///
/// 还有党员或下级党组织的不能停用；停用后历史仍可查。
#[utoipa::path(
    operation_id = "party.deactivate",
    tag = "party",
    params(BodyPath),
    request_body(content = Empty, example = json!({})),
    responses((status = 200, description = "党组织现在的样子", body = BodyView)),
    security(("bearer" = [])),
    extensions(("x-problems" = json!([
        "party_body_inactive", "party_body_has_members", "party_body_has_bodies"
    ]))),
)]
#[post("/party-branches/{id}/deactivate")]
async fn deactivate(
    on: On<KeepPartyTree, BodyCode>,
    body: Body<Empty>,
) -> Result<HttpResponse, Error> {
    on.read(body, |_| Ok(())).await?;
    bodies::deactivate(&on.state, on.ask(), on.id.0.clone()).await?;
    on.shown().await
}
