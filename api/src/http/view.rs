//! Saved views (常用筛选) over HTTP.

use actix_web::{
    HttpResponse, delete, get, post,
    web::{Data, Json},
};
use domain::{
    id::ViewId,
    page::Page,
    time::Timestamp,
    view::{self, List},
};
use infra::postgres::view::read::{self, SavedView};
use serde::Deserialize;
use serde_json::Value;
use utoipa::ToSchema;

use super::{
    complaint,
    extract::{Body, Caller, Paging, Target, caller::needs::ReadTask, query},
    task,
};
use crate::{app::view as views, error::Error, state::State};

routes![list, save, remove];

/// The filter that a query string means for a list, by the list's own parser, as its store takes it.
///
/// # Errors
/// `invalid_field`, by the filter's name.
pub fn filter(of: List, query: &str, now: Timestamp) -> Result<Value, Error> {
    Ok(match of {
        List::Complaints => {
            let asked: complaint::ListFilter = query::stored(query)?;
            serde_json::to_value(asked.read(now)?)?
        }
        List::Tasks => {
            let asked: task::ListFilter = query::stored(query)?;
            serde_json::to_value(asked.read(now)?)?
        }
    })
}

/// 常用筛选
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ViewBody {
    /// 名称，1–40 个字，本人的不重名
    pub name: String,
    /// 哪个列表
    pub list: List,
    /// 该列表的查询串，不含翻页
    pub query: String,
}

/// 我的常用筛选
///
/// 先保存的在前。
#[utoipa::path(
    operation_id = "view.list",
    tag = "view",
    params(Paging),
    responses((status = 200, description = "一页常用筛选", body = Page<SavedView>)),
    security(("bearer" = [])),
)]
#[get("/me/views")]
async fn list(
    caller: Caller<ReadTask>,
    state: Data<State>,
    page: Paging,
) -> Result<Json<Page<SavedView>>, Error> {
    let mut connection = state.db.acquire().await?;
    let rows = read::list(&mut connection, &caller.scope(), page.0).await?;
    Ok(Json(Page::of(rows, page.0.limit, SavedView::cursor)))
}

/// 保存常用筛选
///
/// 查询串按该列表自己的规则检查；每个账号最多 50 个。
#[utoipa::path(
    operation_id = "view.save",
    tag = "view",
    request_body(content = ViewBody, example = json!({"name": "文兴社区未办结的路灯", "list": "complaints", "query": "q=路灯&community_code=140213066004&status=dispatched,handling"})),
    responses((status = 201, description = "已保存", body = SavedView)),
    security(("bearer" = [])),
    extensions(("x-problems" = json!(["view_limit_reached", "view_name_taken"]))),
)]
#[post("/me/views")]
async fn save(
    caller: Caller<ReadTask>,
    state: Data<State>,
    body: Body<ViewBody>,
) -> Result<HttpResponse, Error> {
    let body = body.read()?;
    let (name, query) = (view::name(&body.name)?, view::query(&body.query)?);
    filter(body.list, &query, state.clock.now())?;
    let saved = views::save(&state, caller.actor.account, name, body.list, query).await?;
    Ok(HttpResponse::Created().json(saved))
}

/// 删去常用筛选
///
/// 只能删去自己的；没有这个筛选时答复 404。
#[utoipa::path(
    operation_id = "view.remove",
    tag = "view",
    responses((status = 204, description = "已删去")),
    security(("bearer" = [])),
)]
#[delete("/me/views/{id}")]
async fn remove(
    caller: Caller<ReadTask>,
    state: Data<State>,
    id: Target<ViewId>,
) -> Result<HttpResponse, Error> {
    views::remove(&state, caller.actor.account, id.0).await?;
    Ok(HttpResponse::NoContent().finish())
}
