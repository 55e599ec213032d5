//! What paired cadres took on (包联事项).

use actix_web::{HttpResponse, get, http::header::ETAG, post, web::Json};
use chrono::NaiveDate;
use domain::{
    id::{CadrePairingId, ComplaintId, MatterId, WhistleId},
    page::{Limit, Page, PageRequest},
    pairing::Log,
    refusal::{Basic, Invalid},
    text,
};
use infra::postgres::pairing::read::{self, MatterView};
use serde::Deserialize;
use utoipa::ToSchema;

use crate::{
    app::pairing as pairings,
    error::Error,
    http::extract::{
        Addressed, Body, Caller, IfMatch, On, Paging,
        caller::needs::{LogMatter, ReadPairing, SignRegistration},
    },
    state::State,
};

routes![log_matter, list, solve, judge];

/// 登记包联事项
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct LogMatterBody {
    /// 什么事，2–200 个字；不写居民的姓名和电话
    pub title: String,
    /// 发现的日期
    #[schema(value_type = String, format = Date)]
    pub found_on: NaiveDate,
    /// 对应的诉求；须是这个社区的
    pub complaint_id: Option<ComplaintId>,
    /// 对应的哨单；须是这个社区的
    pub whistle_id: Option<WhistleId>,
}

async fn found<P>(state: &State, caller: &Caller<P>, id: MatterId) -> Result<MatterView, Error> {
    let one = PageRequest { after: None, limit: Limit::DEFAULT };
    let mut conn = state.db.acquire().await?;
    let mut rows = read::matters(&mut conn, &caller.scope(), (None, Some(id)), one).await?;
    rows.pop().ok_or_else(|| Basic::NotFound.into())
}

/// 登记包联事项
///
/// 由社区或领导干部所在单位的联络员登记，可以关联本社区的诉求或哨单。
#[utoipa::path(
    operation_id = "pairing.log_matter",
    tag = "pairing",
    request_body(content = LogMatterBody, example = json!({"title": "三号楼路灯长期不亮", "found_on": "2026-11-20"})),
    responses((status = 201, description = "包联事项", body = MatterView)),
    security(("bearer" = [])),
    extensions(("x-problems" = json!(["pairing_over", "matter_logged"]))),
)]
#[post("/cadre-pairings/{id}/matters")]
async fn log_matter(
    on: On<LogMatter, CadrePairingId>,
    body: Body<LogMatterBody>,
) -> Result<HttpResponse, Error> {
    let now = on.state.clock.now();
    let parse = |body: LogMatterBody| {
        Log::parse(&body.title, body.found_on, (body.complaint_id, body.whistle_id), now)
    };
    let log = on.read(body, parse).await?;
    let id = pairings::log(&on.state, on.ask(), on.id, log).await?;
    Ok(HttpResponse::Created().json(found(&on.state, &on.caller, id).await?))
}

/// 包联事项列表
///
/// 一项包联下登记的事项，新的在前。
#[utoipa::path(
    operation_id = "pairing.matters",
    tag = "pairing",
    params(Paging),
    responses((status = 200, description = "一页事项", body = Page<MatterView>)),
    security(("bearer" = [])),
)]
#[get("/cadre-pairings/{id}/matters")]
async fn list(
    on: On<ReadPairing, CadrePairingId>,
    page: Paging,
) -> Result<Json<Page<MatterView>>, Error> {
    on.visible().await?;
    let mut conn = on.state.db.acquire().await?;
    let which = (Some(on.id), None);
    let rows = read::matters(&mut conn, &on.caller.scope(), which, page.0).await?;
    Ok(Json(Page::of(rows, page.0.limit, MatterView::cursor)))
}

impl<P> Addressed for On<P, MatterId> {
    async fn visible(&self) -> Result<(), Error> {
        found(&self.state, &self.caller, self.id).await.map(drop)
    }

    async fn shown(&self) -> Result<HttpResponse, Error> {
        let view = found(&self.state, &self.caller, self.id).await?;
        let etag = format!("\"{}\"", view.version);
        Ok(HttpResponse::Ok().insert_header((ETAG, etag)).json(view))
    }
}

/// 报告解决
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SolveBody {
    /// 怎样解决的，5–1000 个字
    pub solution: String,
}

/// 报告包联事项已解决
///
/// 社区确认后才计入已解决。
#[utoipa::path(
    operation_id = "pairing.solve_matter",
    tag = "pairing",
    params(IfMatch),
    request_body(content = SolveBody, example = json!({"solution": "协调城管局更换灯具，十一月二十二日恢复照明"})),
    responses((status = 200, description = "事项现在的样子", body = MatterView)),
    security(("bearer" = [])),
    extensions(("x-problems" = json!(["matter_step_refused"]))),
)]
#[post("/pairing-matters/{id}/solve")]
async fn solve(on: On<LogMatter, MatterId>, body: Body<SolveBody>) -> Result<HttpResponse, Error> {
    let parse =
        |body: SolveBody| text::text("solution", &body.solution, 5, 1000).map_err(Invalid::from);
    let solution = on.read(body, parse).await?;
    pairings::solve(&on.state, on.ask(), on.id, solution).await?;
    on.shown().await
}

/// 确认或退回
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct JudgeMatterBody {
    /// 是否确认已解决
    pub approve: bool,
    /// 说明；退回时必填
    pub note: Option<String>,
}

impl JudgeMatterBody {
    fn read(self) -> Result<(bool, Option<String>), Invalid> {
        let note = text::optional("note", self.note.as_deref(), 500)?;
        if !self.approve && note.is_none() {
            return Err(Invalid::field("note", "退回时要写明还差什么"));
        }
        Ok((self.approve, note))
    }
}

/// 确认包联事项
///
/// 由社区工作者确认或退回，不能确认自己报告的。
#[utoipa::path(
    operation_id = "pairing.judge_matter",
    tag = "pairing",
    params(IfMatch),
    request_body(content = JudgeMatterBody, example = json!({"approve": true})),
    responses((status = 200, description = "事项现在的样子", body = MatterView)),
    security(("bearer" = [])),
    extensions(("x-problems" = json!(["matter_step_refused", "own_matter"]))),
)]
#[post("/pairing-matters/{id}/judge")]
async fn judge(
    on: On<SignRegistration, MatterId>,
    body: Body<JudgeMatterBody>,
) -> Result<HttpResponse, Error> {
    let verdict = on.read(body, JudgeMatterBody::read).await?;
    pairings::judge(&on.state, on.ask(), on.id, verdict).await?;
    on.shown().await
}
