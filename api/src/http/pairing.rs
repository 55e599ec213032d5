//! Leading cadres paired with communities and estates (包联) over HTTP; their matters in [`matter`].

use actix_web::{
    HttpResponse, get,
    http::header::ETAG,
    post,
    web::{Data, Json},
};
use chrono::NaiveDate;
use domain::{
    id::CadrePairingId,
    org::NodeCode,
    page::{Limit, Page, PageRequest},
    pairing::{Pair, PairForm},
    refusal::{Basic, Invalid},
    text,
};
use infra::postgres::pairing::read::{self, Filter, PairingCount, PairingView};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::extract::{
    Addressed, Body, Caller, IfMatch, On, Paging, Query, RequestMeta,
    caller::needs::{KeepPairing, ReadPairing},
};
use crate::{
    app::{case::Ask, pairing as pairings},
    error::Error,
    state::State,
};

pub mod matter;

routes![pair, list, counts, read_one, end];

/// 确定包联
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PairBody {
    /// 领导干部的职务，2–60 个字
    pub post: String,
    /// 工作单位的代码
    pub unit: String,
    /// 领导干部的用户名；有账号的填
    pub username: Option<String>,
    /// 社区的区划代码
    pub community_code: String,
    /// 只包联一个小区的，小区的代码
    pub estate_code: Option<String>,
    /// 从哪一天起
    #[schema(value_type = String, format = Date)]
    pub from_day: NaiveDate,
    /// 到哪一天止（含），最长五年
    #[schema(value_type = String, format = Date)]
    pub until_day: NaiveDate,
}

impl PairBody {
    fn read(&self) -> Result<Pair, Invalid> {
        Pair::parse(PairForm {
            post: &self.post,
            unit: &self.unit,
            username: self.username.as_deref(),
            community_code: &self.community_code,
            estate_code: self.estate_code.as_deref(),
            from_day: self.from_day,
            until_day: self.until_day,
        })
    }
}

async fn found<P>(
    state: &State,
    caller: &Caller<P>,
    id: CadrePairingId,
) -> Result<PairingView, Error> {
    let filter = Filter { id: Some(id), ..Filter::default() };
    let one = PageRequest { after: None, limit: Limit::DEFAULT };
    let mut conn = state.db.acquire().await?;
    let mut rows = read::pairings(&mut conn, &caller.scope(), &filter, one).await?;
    rows.pop().ok_or_else(|| Basic::NotFound.into())
}

/// 确定包联
///
/// 组织部确定领导干部（以职务和单位计）包联哪个社区或小区、多长时间。
#[utoipa::path(
    operation_id = "pairing.pair",
    tag = "pairing",
    request_body(content = PairBody, example = json!({"post": "区教育局副局长", "unit": "education", "community_code": "140213066004", "estate_code": "140213066004001", "from_day": "2026-01-01", "until_day": "2027-12-31"})),
    responses((status = 201, description = "包联", body = PairingView)),
    security(("bearer" = [])),
    extensions(("x-problems" = json!(["already_paired"]))),
)]
#[post("/cadre-pairings")]
async fn pair(
    caller: Caller<KeepPairing>,
    state: Data<State>,
    meta: RequestMeta,
    body: Body<PairBody>,
) -> Result<HttpResponse, Error> {
    let given = body.read()?.read()?;
    let ask = Ask::new(Some(caller.actor.clone()), meta);
    let id = pairings::pair(&state, ask, given).await?;
    Ok(HttpResponse::Created().json(found(&state, &caller, id).await?))
}

/// 筛选条件
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct PairingFilter {
    /// 只看这个社区
    #[param(required = false, example = "140213066004")]
    community: Option<String>,
    /// 只看这个工作单位
    #[param(required = false, example = "education")]
    unit: Option<String>,
}

/// 包联列表
///
/// 每项包联带有接手和社区确认已解决的事项数；社区看包联本社区的，联络员看本单位的，组织部、区领导和审计看全部。
#[utoipa::path(
    operation_id = "pairing.list",
    tag = "pairing",
    params(PairingFilter, Paging),
    responses((status = 200, description = "一页包联", body = Page<PairingView>)),
    security(("bearer" = [])),
)]
#[get("/cadre-pairings")]
async fn list(
    caller: Caller<ReadPairing>,
    state: Data<State>,
    asked: Query<PairingFilter>,
    page: Paging,
) -> Result<Json<Page<PairingView>>, Error> {
    let community = NodeCode::optional("community", asked.0.community.as_deref())?;
    let unit = NodeCode::optional("unit", asked.0.unit.as_deref())?;
    let filter = Filter { id: None, community, unit };
    let mut conn = state.db.acquire().await?;
    let rows = read::pairings(&mut conn, &caller.scope(), &filter, page.0).await?;
    Ok(Json(Page::of(rows, page.0.limit, PairingView::cursor)))
}

/// 各社区的包联情况
#[derive(Debug, Serialize, ToSchema)]
pub struct PairingCounts {
    /// 每个社区一行，按区划代码排列
    pub items: Vec<PairingCount>,
}

/// 各社区的包联情况
///
/// 每个有包联的社区：包联数、接手的事项数、社区确认已解决的事项数。
#[utoipa::path(
    operation_id = "pairing.counts",
    tag = "pairing",
    responses((status = 200, description = "各社区的数字", body = PairingCounts)),
    security(("bearer" = [])),
)]
#[get("/cadre-pairings/counts")]
async fn counts(
    caller: Caller<ReadPairing>,
    state: Data<State>,
) -> Result<Json<PairingCounts>, Error> {
    let mut conn = state.db.acquire().await?;
    Ok(Json(PairingCounts { items: read::counts(&mut conn, &caller.scope()).await? }))
}

impl<P> Addressed for On<P, CadrePairingId> {
    async fn visible(&self) -> Result<(), Error> {
        found(&self.state, &self.caller, self.id).await.map(drop)
    }

    async fn shown(&self) -> Result<HttpResponse, Error> {
        let view = found(&self.state, &self.caller, self.id).await?;
        let etag = format!("\"{}\"", view.version);
        Ok(HttpResponse::Ok().insert_header((ETAG, etag)).json(view))
    }
}

/// 查看一项包联
///
/// 哪位领导包联哪个社区或小区，接手和解决的事项各多少。
#[utoipa::path(
    operation_id = "pairing.read",
    tag = "pairing",
    responses((status = 200, description = "包联", body = PairingView,
        headers(("ETag" = String, description = "版本号，用于 If-Match")))),
    security(("bearer" = [])),
)]
#[get("/cadre-pairings/{id}")]
async fn read_one(on: On<ReadPairing, CadrePairingId>) -> Result<HttpResponse, Error> {
    on.shown().await
}

/// 终止包联
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct EndPairingBody {
    /// 原因，2–500 个字
    pub reason: String,
}

/// 终止包联
///
/// 期满之前提前终止；已登记的事项仍可办完。
#[utoipa::path(
    operation_id = "pairing.end",
    tag = "pairing",
    params(IfMatch),
    request_body(content = EndPairingBody, example = json!({"reason": "岗位调整"})),
    responses((status = 200, description = "包联现在的样子", body = PairingView)),
    security(("bearer" = [])),
    extensions(("x-problems" = json!(["pairing_over"]))),
)]
#[post("/cadre-pairings/{id}/end")]
async fn end(
    on: On<KeepPairing, CadrePairingId>,
    body: Body<EndPairingBody>,
) -> Result<HttpResponse, Error> {
    let parse =
        |body: EndPairingBody| text::text("reason", &body.reason, 2, 500).map_err(Invalid::from);
    let reason = on.read(body, parse).await?;
    pairings::end(&on.state, on.ask(), on.id, reason).await?;
    on.shown().await
}
