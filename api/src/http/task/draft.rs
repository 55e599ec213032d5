//! The draft of a reply: kept for each account and task, so that nothing typed is lost.

use actix_web::{HttpResponse, delete, get, put, web::Json};
use domain::{
    id::TaskId,
    task::{Draft, Outcome},
};
use infra::postgres::task::draft::read::{self, DraftView};
use serde::Deserialize;
use utoipa::ToSchema;

use crate::{
    app::task as tasks,
    error::Error,
    http::extract::{Addressed, Body, On, caller::needs::WorkTask},
};

routes![save, read_one, discard];

/// 草稿
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct DraftReplyBody {
    /// 内容，1–10000 个字；不检查是否只有套话
    pub text: String,
    /// 结果
    pub outcome: Option<Outcome>,
    /// 依据
    pub basis: Option<String>,
}

/// 保存草稿
///
/// 每人每件任务一份，只有本人看得到；再次保存以最后一次为准。
#[utoipa::path(
    operation_id = "task.save_draft",
    tag = "task",
    request_body(content = DraftReplyBody, example = json!({"text": "已到现场查看，电缆老化，", "outcome": "solved"})),
    responses((status = 200, description = "草稿", body = DraftView)),
    security(("bearer" = [])),
    extensions(("x-problems" = json!(["task_step_refused"]))),
)]
#[put("/tasks/{id}/draft")]
async fn save(
    on: On<WorkTask, TaskId>,
    body: Body<DraftReplyBody>,
) -> Result<Json<DraftView>, Error> {
    let parse =
        |body: DraftReplyBody| Draft::parse(&body.text, body.outcome, body.basis.as_deref());
    let draft = on.read(body, parse).await?;
    tasks::save_draft(&on.state, on.ask(), on.id, draft).await?;
    shown(&on).await
}

/// 查看草稿
///
/// 没有草稿时各项为空；答复发出后，先前的草稿不再显示。
#[utoipa::path(
    operation_id = "task.read_draft",
    tag = "task",
    responses((status = 200, description = "草稿", body = DraftView)),
    security(("bearer" = [])),
)]
#[get("/tasks/{id}/draft")]
async fn read_one(on: On<WorkTask, TaskId>) -> Result<Json<DraftView>, Error> {
    on.visible().await?;
    shown(&on).await
}

async fn shown(on: &On<WorkTask, TaskId>) -> Result<Json<DraftView>, Error> {
    let mut connection = on.state.db.acquire().await?;
    let found = read::find(&mut connection, &on.caller.scope(), on.id).await?;
    Ok(Json(found.unwrap_or_default()))
}

/// 删除草稿
///
/// 草稿属于写它的人，删去后不能恢复；没有草稿时也不报错，任务结束以后也能删。
#[utoipa::path(
    operation_id = "task.discard_draft",
    tag = "task",
    responses((status = 204, description = "已删除")),
    security(("bearer" = [])),
)]
#[delete("/tasks/{id}/draft")]
async fn discard(on: On<WorkTask, TaskId>) -> Result<HttpResponse, Error> {
    tasks::discard_draft(&on.state, on.ask(), on.id).await?;
    Ok(HttpResponse::NoContent().finish())
}
