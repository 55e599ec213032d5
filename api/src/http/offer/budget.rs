//! Budgets that pay for offers (预算).

use actix_web::{
    HttpResponse, get, post,
    web::{Data, Json},
};
use domain::{
    id::BudgetId,
    offer::{self, Payer},
    page::{Limit, Page, PageRequest},
    refusal::{Basic, Faults, Invalid},
    text,
};
use infra::postgres::offer::budget::read::{self, BudgetView};
use serde::Deserialize;
use utoipa::ToSchema;

use crate::{
    app::{
        case::Ask,
        offer::{self as offers, NewBudget},
    },
    error::Error,
    http::extract::{
        Addressed, Body, Caller, IfMatch, On, Paging, RequestMeta,
        caller::needs::{ManageMerchants, ReadBudget},
    },
    state::State,
};

/// 建立预算
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct BudgetBody {
    /// 名称，2–100 个字，不能重复
    pub name: String,
    /// 由谁付款
    pub payer: Payer,
    /// 最多多少分钱
    #[schema(example = 1_000_000)]
    pub cap_fen: i64,
}

impl BudgetBody {
    fn read(self) -> Result<NewBudget, Invalid> {
        let mut faults = Faults::default();
        let name = faults.take(text::line("name", &self.name, 2, 100));
        let cap_fen = faults.take(offer::cap(self.cap_fen));
        faults.check()?;
        let (name, cap_fen) = (name.unwrap_or_default(), cap_fen.unwrap_or_default());
        Ok(NewBudget { name, payer: self.payer, cap_fen })
    }
}

async fn found(state: &State, id: BudgetId) -> Result<BudgetView, Error> {
    let one = PageRequest { after: None, limit: Limit::DEFAULT };
    let mut conn = state.db.acquire().await?;
    read::list(&mut conn, Some(id), one).await?.pop().ok_or_else(|| Basic::NotFound.into())
}

impl<P> Addressed for On<P, BudgetId> {
    async fn visible(&self) -> Result<(), Error> {
        found(&self.state, self.id).await.map(drop)
    }

    async fn shown(&self) -> Result<HttpResponse, Error> {
        Ok(HttpResponse::Ok().json(found(&self.state, self.id).await?))
    }
}

/// 建立预算
///
/// 优惠的结算价从预算里占用；占用永远不会超过上限。
#[utoipa::path(
    operation_id = "offer.add_budget", tag = "offer",
    request_body(content = BudgetBody, example = json!({
        "name": "2026 年文兴社区惠民资金", "payer": "community", "cap_fen": 1_000_000
    })),
    responses((status = 201, description = "预算", body = BudgetView)),
    security(("bearer" = [])),
    extensions(("x-problems" = json!(["budget_name_taken"]))),
)]
#[post("/budgets")]
async fn add(
    caller: Caller<ManageMerchants>,
    state: Data<State>,
    meta: RequestMeta,
    body: Body<BudgetBody>,
) -> Result<HttpResponse, Error> {
    let new = body.read()?.read()?;
    let ask = Ask::new(Some(caller.actor.clone()), meta);
    let id = offers::add_budget(&state, ask, new).await?;
    Ok(HttpResponse::Created().json(found(&state, id).await?))
}

/// 预算列表
///
/// 上限、占用和已结算，新的在前。
#[utoipa::path(
    operation_id = "offer.budgets", tag = "offer",
    params(Paging),
    responses((status = 200, description = "一页预算", body = Page<BudgetView>)),
    security(("bearer" = [])),
)]
#[get("/budgets")]
async fn list(
    _: Caller<ReadBudget>,
    state: Data<State>,
    Paging(page): Paging,
) -> Result<Json<Page<BudgetView>>, Error> {
    let mut conn = state.db.acquire().await?;
    let rows = read::list(&mut conn, None, page).await?;
    Ok(Json(Page::of(rows, page.limit, BudgetView::cursor)))
}

/// 调整预算上限
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CapBody {
    /// 最多多少分钱，不能低于已占用的
    #[schema(example = 2_000_000)]
    pub cap_fen: i64,
}

/// 调整预算上限
///
/// 以分为单位，不能低于已经占用的数额；只影响以后的占用。
#[utoipa::path(
    operation_id = "offer.set_cap", tag = "offer",
    params(IfMatch),
    request_body(content = CapBody, example = json!({"cap_fen": 2_000_000})),
    responses((status = 200, description = "预算现在的样子", body = BudgetView)),
    security(("bearer" = [])),
    extensions(("x-problems" = json!(["budget_committed"]))),
)]
#[post("/budgets/{id}/cap")]
async fn set_cap(
    on: On<ManageMerchants, BudgetId>,
    body: Body<CapBody>,
) -> Result<HttpResponse, Error> {
    let parse = |body: CapBody| offer::cap(body.cap_fen).map_err(Invalid::from);
    let cap_fen = on.read(body, parse).await?;
    offers::set_cap(&on.state, on.ask(), on.id, cap_fen).await?;
    on.shown().await
}

routes![add, list, set_cap];
