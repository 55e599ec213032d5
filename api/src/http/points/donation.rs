//! Giving points away over HTTP, and what a community has of them.

use actix_web::{
    HttpResponse, get, post,
    web::{Data, Json},
};
use domain::{
    id::{HouseholdId, LedgerTxId},
    identity::{Actor, Role},
    org::NodeCode,
    page::Page,
    points::{EntryKind, donation as rules},
    refusal::{Basic, Invalid},
    time::Timestamp,
};
use infra::postgres::points::read::community::{self, Line};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::ExpiringView;
use crate::{
    app::{
        case::Ask,
        idempotent::Once,
        points::donation::{self, DonationView, Receiver},
    },
    error::Error,
    http::extract::{
        Body, Caller, IdempotencyKey, Paging, RequestMeta, Target,
        caller::needs::{GivePoints, ReadCommunityPoints, UsePoints},
        kept,
    },
    state::State,
};

routes![give, pass_on, balance, entries];

/// 转赠
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct DonateBody {
    /// 多少分；每人每天至多 200 分
    #[schema(example = 20)]
    pub points: i64,
    /// 捐给哪个社区或村（区划代码）；与 `household_id` 二选一
    #[schema(example = "140213066004")]
    pub community_code: Option<String>,
    /// 转给哪一户您结对帮扶的家庭；与 `community_code` 二选一
    pub household_id: Option<HouseholdId>,
}

fn receiver(body: &DonateBody) -> Result<Receiver, Invalid> {
    match (&body.community_code, body.household_id) {
        (Some(code), None) => Ok(Receiver::Community(NodeCode::parse("community_code", code)?)),
        (None, Some(household)) => Ok(Receiver::Household(household)),
        _ => Err(Invalid::field("community_code", "社区和家庭请选填一个")),
    }
}

/// 转赠积分
///
/// 捐给社区，或转给本人结对帮扶的家庭（家庭要登记了居民账号）。用先到期的分；对方收到的分到期日不变。转赠以后不能收回。
#[utoipa::path(
    operation_id = "points.donate", tag = "points",
    params(IdempotencyKey),
    request_body(content = DonateBody, example = json!({"points": 1, "community_code": "140213066004"})),
    responses((status = 201, description = "已转赠；同一个键再提交一次，得到第一次的答复", body = DonationView)),
    security(("bearer" = [])),
    extensions(("x-problems" = json!([
        "points_insufficient", "donation_limit_reached", "donation_returns", "household_without_account",
        "ledger_blocked"
    ]))),
)]
#[post("/me/donations")]
async fn give(
    caller: Caller<UsePoints>,
    state: Data<State>,
    meta: RequestMeta,
    key: Result<IdempotencyKey, Error>,
    body: Body<DonateBody>,
) -> Result<HttpResponse, Error> {
    let IdempotencyKey(key) = key?;
    let body = body.read()?;
    let (points, _) = rules::gift(body.points, None)?;
    let to = receiver(&body)?;
    let account = Some(caller.actor.account);
    let once = Once::new(&state.crypto, account, "points.donate", key, &(points, &to))?;
    let ask = Ask::new(Some(caller.actor.clone()), meta);
    Ok(kept(donation::give(&state, ask, once, (points, to)).await?))
}

/// The community of the path, for those who may see its points: its own officers, and the district's
/// organisers and auditors.
fn seen(actor: &Actor, code: NodeCode) -> Result<NodeCode, Basic> {
    let district = [Role::Organiser, Role::Auditor].into_iter().any(|role| actor.has(role));
    let own = actor
        .grants
        .iter()
        .any(|grant| grant.role == Role::CommunityOfficer && grant.scope == code.as_str());
    if district || own { Ok(code) } else { Err(Basic::NotFound) }
}

/// 社区转赠
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PassOnBody {
    /// 多少分
    #[schema(example = 20)]
    pub points: i64,
    /// 转给本社区的哪一户
    pub household_id: HouseholdId,
    /// 原因，2–200 个字；对方看得到
    #[schema(example = "过冬慰问")]
    pub reason: String,
}

/// 社区转赠积分给困难家庭
///
/// 用居民捐给本社区的积分，转给本社区登记的困难家庭（要登记了居民账号）。去年以来捐给过本社区的人，其家庭不能再从社区接收。
/// 要有两个人：登记这户家庭居民账号的工作人员，由另一名办理转赠；每户每月有上限。
#[utoipa::path(
    operation_id = "points.pass_on", tag = "points",
    params(("id" = String, Path, description = "社区或村的区划代码", example = "140213066004"), IdempotencyKey),
    request_body(content = PassOnBody, example = json!({
        "points": 1, "household_id": "019ab0c1-d2e3-7f00-8a1b-2c3d4e5f6071", "reason": "过冬慰问",
    })),
    responses((status = 201, description = "已转赠；同一个键再提交一次，得到第一次的答复", body = DonationView)),
    security(("bearer" = [])),
    extensions(("x-problems" = json!([
        "not_found", "points_insufficient", "donation_returns", "household_without_account", "household_by_oneself",
        "household_limit_reached", "ledger_blocked"
    ]))),
)]
#[post("/communities/{id}/donations")]
async fn pass_on(
    caller: Caller<GivePoints>,
    target: Target<NodeCode>,
    state: Data<State>,
    meta: RequestMeta,
    key: Result<IdempotencyKey, Error>,
    body: Body<PassOnBody>,
) -> Result<HttpResponse, Error> {
    let community = seen(&caller.actor, target.0)?;
    let IdempotencyKey(key) = key?;
    let body = body.read()?;
    let (points, reason) = rules::gift(body.points, Some(&body.reason))?;
    let reason = reason.unwrap_or_default();
    let account = Some(caller.actor.account);
    let command = (&community, points, body.household_id, &reason);
    let once = Once::new(&state.crypto, account, "points.pass_on", key, &command)?;
    let ask = Ask::new(Some(caller.actor.clone()), meta);
    let gift = (points, body.household_id, reason);
    Ok(kept(donation::pass_on(&state, ask, once, community, gift).await?))
}

/// 社区的积分
#[derive(Debug, Serialize, ToSchema)]
pub struct CommunityPointsView {
    /// 可以转赠的积分
    #[schema(example = 120)]
    pub available: i64,
    /// 各到期日的积分，先到期的在前
    pub expiring: Vec<ExpiringView>,
}

/// 社区的积分
///
/// 居民捐给社区、还没有转赠出去的积分。本社区的工作者、组织员和审计员查看。
#[utoipa::path(
    operation_id = "points.community", tag = "points",
    params(("id" = String, Path, description = "社区或村的区划代码", example = "140213066004")),
    responses((status = 200, description = "余额", body = CommunityPointsView)),
    security(("bearer" = [])),
)]
#[get("/communities/{id}/points")]
async fn balance(
    caller: Caller<ReadCommunityPoints>,
    target: Target<NodeCode>,
    state: Data<State>,
) -> Result<Json<CommunityPointsView>, Error> {
    let community = seen(&caller.actor, target.0)?;
    let mut conn = state.db.acquire().await?;
    known(&mut conn, &community).await?;
    let lots = community::lots(&mut conn, &community, state.clock.now()).await?;
    Ok(Json(CommunityPointsView {
        available: lots.iter().map(|lot| lot.points).sum(),
        expiring: lots
            .into_iter()
            .map(|lot| ExpiringView { points: lot.points, at: lot.at })
            .collect(),
    }))
}

async fn known(conn: &mut infra::postgres::Connection, code: &NodeCode) -> Result<(), Error> {
    let found = community::exists(conn, code).await?;
    if found { Ok(()) } else { Err(Basic::NotFound.into()) }
}

/// 社区积分的一笔
#[derive(Debug, Serialize, ToSchema)]
pub struct CommunityEntryView {
    /// 流水编号
    pub id: LedgerTxId,
    /// 种类
    pub kind: EntryKind,
    /// 积分；转赠出去为负
    #[schema(example = 20)]
    pub points: i64,
    /// 一句话说明
    #[schema(example = "居民捐来 20 分")]
    pub text: String,
    /// 时间
    #[schema(value_type = String, format = DateTime)]
    pub at: Timestamp,
}

impl From<Line> for CommunityEntryView {
    fn from(line: Line) -> Self {
        let points = line.points.abs();
        let said = match line.kind {
            EntryKind::Donate if line.points > 0 => format!("居民捐来 {points} 分"),
            EntryKind::Donate => format!("转赠困难家庭 {points} 分"),
            kind => format!("{} {points} 分", kind.label()),
        };
        let text = line.reason.map_or(said.clone(), |reason| format!("{said}。说明：{reason}"));
        Self { id: line.id, kind: line.kind, points: line.points, text, at: line.at }
    }
}

/// 社区积分明细
///
/// 新的在前；不显示是谁捐的、转给了谁。
#[utoipa::path(
    operation_id = "points.community_entries", tag = "points",
    params(("id" = String, Path, description = "社区或村的区划代码", example = "140213066004"), Paging),
    responses((status = 200, description = "一页明细", body = Page<CommunityEntryView>)),
    security(("bearer" = [])),
)]
#[get("/communities/{id}/points/entries")]
async fn entries(
    caller: Caller<ReadCommunityPoints>,
    target: Target<NodeCode>,
    state: Data<State>,
    page: Result<Paging, Error>,
) -> Result<Json<Page<CommunityEntryView>>, Error> {
    let community = seen(&caller.actor, target.0)?;
    let mut conn = state.db.acquire().await?;
    known(&mut conn, &community).await?;
    let Paging(page) = page?;
    let rows = community::lines(&mut conn, &community, page).await?;
    let Page { items, next_cursor } = Page::of(rows, page.limit, Line::cursor);
    Ok(Json(Page { items: items.into_iter().map(CommunityEntryView::from).collect(), next_cursor }))
}
