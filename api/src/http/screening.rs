//! Screening (内容核验) over HTTP: what waits for a person, and their decision.

use actix_web::{
    HttpResponse, get, post,
    web::{Data, Json},
};
use domain::{
    id::ComplaintId,
    page::{Limit, Page, PageRequest},
    refusal::Basic,
    screening::{Decide, State as Standing},
};
use infra::postgres::screening::read::{self, Filter, ScreeningView};
use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};

use super::extract::{Addressed, Body, Caller, On, Paging, Query, caller::needs::CentreDesk};
use crate::{app::screening, error::Error, state::State};

routes![list, decide];

/// 内容核验的筛选
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct ScreeningFilter {
    /// 现在怎样；不写为待人工核验的
    #[param(required = false, inline)]
    state: Option<Standing>,
}

/// 内容核验列表
///
/// 居民所写的内容能不能向公众显示。机器无法核验（没有微信身份、两小时内没有使用小程序、微信没有回答）的由人核验，
/// 提交早的在前；机器判为有问题的（`state=hidden`）也可以由人改为公开。核验不影响受理和办理。
#[utoipa::path(
    operation_id = "screening.list",
    tag = "screening",
    params(ScreeningFilter, Paging),
    responses((status = 200, description = "一页内容核验", body = Page<ScreeningView>)),
    security(("bearer" = [])),
)]
#[get("/screenings")]
async fn list(
    caller: Caller<CentreDesk>,
    state: Data<State>,
    filter: Query<ScreeningFilter>,
    page: Paging,
) -> Result<Json<Page<ScreeningView>>, Error> {
    let wanted = filter.0.state.or(Some(Standing::Waiting));
    let filter = Filter { state: wanted, ..Filter::default() };
    let mut connection = state.db.acquire().await?;
    let rows = read::list(&mut connection, &caller.scope(), filter, page.0).await?;
    Ok(Json(Page::of(rows, page.0.limit, ScreeningView::cursor)))
}

/// A complaint by what its text's screening says.
#[derive(Debug, Clone, Copy)]
struct Screened(ComplaintId);

impl std::str::FromStr for Screened {
    type Err = <ComplaintId as std::str::FromStr>::Err;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        text.parse().map(Self)
    }
}

impl<P> On<P, Screened> {
    async fn view(&self) -> Result<ScreeningView, Error> {
        let filter = Filter { id: Some(self.id.0), ..Filter::default() };
        let one = PageRequest { after: None, limit: Limit::DEFAULT };
        let mut connection = self.state.db.acquire().await?;
        let mut rows = read::list(&mut connection, &self.caller.scope(), filter, one).await?;
        rows.pop().ok_or_else(|| Basic::NotFound.into())
    }
}

impl<P> Addressed for On<P, Screened> {
    async fn visible(&self) -> Result<(), Error> {
        self.view().await.map(drop)
    }

    async fn shown(&self) -> Result<HttpResponse, Error> {
        Ok(HttpResponse::Ok().json(self.view().await?))
    }
}

/// 核验的决定
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ScreeningDecision {
    /// 能不能向公众显示
    pub show: bool,
    /// 理由，2–200 个字
    #[schema(min_length = 2, max_length = 200)]
    pub reason: String,
}

/// 决定内容能不能公开
///
/// `id` 是诉求的 id。人的决定以后可以由人再改，机器迟到的结论不再改变它。
#[utoipa::path(
    operation_id = "screening.decide",
    tag = "screening",
    request_body(content = ScreeningDecision, example = json!({"show": true, "reason": "内容没有问题"})),
    responses((status = 200, description = "核验现在的样子", body = ScreeningView)),
    security(("bearer" = [])),
    extensions(("x-problems" = json!(["screening_step_refused"]))),
)]
#[post("/screenings/{id}/decide")]
async fn decide(
    on: On<CentreDesk, Screened>,
    body: Body<ScreeningDecision>,
) -> Result<HttpResponse, Error> {
    let parse = |body: ScreeningDecision| Decide::parse(body.show, &body.reason);
    let command = on.read(body, parse).await?;
    screening::decide(&on.state, on.ask(), on.id.0, command).await?;
    on.shown().await
}
