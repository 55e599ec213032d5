//! What a clerk does with many tasks at once. Each row is a command of its own: its own
//! transaction, its own refusal; one that fails holds up no other.

use actix_web::{
    post,
    web::{Data, Json},
};
use domain::{
    id::TaskId,
    refusal::{Basic, Invalid, Refusal},
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{
    app::{case::Ask, task as tasks},
    error::Error,
    http::extract::{Body, Caller, RequestMeta, caller::needs::WorkTask},
    state::State,
};

routes![acknowledge_all];

/// The most rows at once.
const MOST: usize = 100;

/// 批量签收
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AcknowledgeAllBody {
    /// 任务编号，1–100 个
    #[schema(example = json!(["019ab0c1-d2e3-7f00-8a1b-2c3d4e5f6071"]))]
    pub ids: Vec<TaskId>,
}

/// 批量签收的结果
#[derive(Debug, Serialize, ToSchema)]
pub struct AcknowledgedView {
    /// 签收了几件
    pub done: usize,
    /// 每件的结果，与提交的次序相同
    pub items: Vec<RowView>,
}

/// 一件的结果
#[derive(Debug, Serialize, ToSchema)]
pub struct RowView {
    /// 任务
    pub id: TaskId,
    /// 是否签收
    pub done: bool,
    /// 没有签收时的代码
    #[schema(example = "task_step_refused")]
    pub code: Option<&'static str>,
    /// 没有签收时给人看的一句话
    pub detail: Option<String>,
}

/// 批量签收
///
/// 逐件签收，各不相干：一件不能签收的，只在它那一行写明原因。
#[utoipa::path(
    operation_id = "task.acknowledge_all",
    tag = "task",
    request_body(content = AcknowledgeAllBody, example = json!({"ids": ["019ab0c1-d2e3-7f00-8a1b-2c3d4e5f6071"]})),
    responses((status = 200, description = "每件的结果", body = AcknowledgedView)),
    security(("bearer" = [])),
)]
#[post("/tasks/acknowledge")]
async fn acknowledge_all(
    caller: Caller<WorkTask>,
    state: Data<State>,
    meta: RequestMeta,
    body: Body<AcknowledgeAllBody>,
) -> Result<Json<AcknowledgedView>, Error> {
    let ids = body.read()?.ids;
    if ids.is_empty() || ids.len() > MOST {
        let words = format!("每次签收 1–{MOST} 件，现在是 {} 件", ids.len());
        return Err(Invalid::field("ids", words).into());
    }
    let mut items = Vec::with_capacity(ids.len());
    for id in ids {
        let ask = Ask::new(Some(caller.actor.clone()), meta.clone());
        let refused: Option<Box<dyn Refusal>> = match tasks::acknowledge(&state, ask, id).await {
            Ok(()) => None,
            Err(Error::Refused(refusal)) => Some(refusal),
            Err(Error::Internal(error)) => {
                tracing::error!(%error, task = %id, "a row of a bulk acknowledgement failed");
                Some(Box::new(Basic::Unavailable))
            }
        };
        items.push(RowView {
            id,
            done: refused.is_none(),
            code: refused.as_ref().map(|refusal| refusal.code()),
            detail: refused.map(|refusal| refusal.to_string()),
        });
    }
    let done = items.iter().filter(|row| row.done).count();
    Ok(Json(AcknowledgedView { done, items }))
}
