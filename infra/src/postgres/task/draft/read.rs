//! One's own draft.

use domain::{id::TaskId, scope::Scope, task::Outcome, time::Timestamp};
use serde::Serialize;
use utoipa::ToSchema;

use crate::postgres::Connection;

/// 没有写完的答复
#[derive(Debug, Clone, Default, Serialize, ToSchema)]
pub struct DraftView {
    /// 内容；没有草稿时为空
    pub text: Option<String>,
    /// 结果
    pub outcome: Option<Outcome>,
    /// 依据
    pub basis: Option<String>,
    /// 保存时间
    #[schema(value_type = Option<String>, format = DateTime)]
    pub saved_at: Option<Timestamp>,
}

/// The draft of the account itself; a reply that was sent has used it up.
///
/// # Errors
/// The database is away.
pub async fn find(
    conn: &mut Connection,
    scope: &Scope,
    task: TaskId,
) -> Result<Option<DraftView>, sqlx::Error> {
    sqlx::query_as!(
        DraftView,
        r#"select d.text as "text?", d.outcome as "outcome: Outcome", d.basis,
               d.saved_at as "saved_at?"
           from task_draft d join task t on t.id = d.task_id
           where d.task_id = $1 and d.account_id = $2
               and (t.replied_at is null or d.saved_at > t.replied_at)"#,
        task.0,
        scope.account().0,
    )
    .fetch_optional(conn)
    .await
}
