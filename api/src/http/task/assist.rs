//! What the assists replied, for the lead to sum up.

use actix_web::{get, web::Json};
use domain::{id::TaskId, refusal::Basic, task::Refused};
use infra::postgres::task::assist::read::{self, AssistsView};

use crate::{
    error::Error,
    http::extract::{On, caller::needs::ReadTask},
};

routes![assists];

/// 协办单位的答复
///
/// 主办单位在一处看到各协办单位的答复，以便综合答复反映人；反映人只看到主办单位的答复。
#[utoipa::path(
    operation_id = "task.assists",
    tag = "task",
    responses((status = 200, description = "各协办单位的答复", body = AssistsView)),
    security(("bearer" = [])),
    extensions(("x-problems" = json!(["lead_only"]))),
)]
#[get("/tasks/{id}/assists")]
async fn assists(on: On<ReadTask, TaskId>) -> Result<Json<AssistsView>, Error> {
    let mut connection = on.state.db.acquire().await?;
    let found = read::list(&mut connection, &on.caller.scope(), on.id).await?;
    let assists = found.ok_or(Basic::NotFound)?.ok_or(Refused::LeadOnly)?;
    Ok(Json(assists))
}
