//! What the assists of a case replied, as its lead reads it.

use domain::{
    id::TaskId,
    org::NodeCode,
    scope::Scope,
    task::{Outcome, Role, Status},
    time::Timestamp,
};
use serde::Serialize;
use utoipa::ToSchema;

use crate::postgres::{Connection, task::read::ReplyView};

/// 一个协办单位的答复
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct AssistView {
    /// 协办任务
    pub task_id: TaskId,
    /// 协办单位
    pub unit: NodeCode,
    /// 协办单位的名称
    pub unit_name: String,
    /// 状态
    pub status: Status,
    /// 状态，给人看
    #[schema(example = "已答复")]
    pub status_text: &'static str,
    /// 答复时限
    #[schema(value_type = String, format = DateTime)]
    pub reply_by: Timestamp,
    /// 答复的时间
    #[schema(value_type = Option<String>, format = DateTime)]
    pub replied_at: Option<Timestamp>,
    /// 答复；还没有答复或者被退回的为 null
    pub reply: Option<ReplyView>,
}

/// 协办单位的答复
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct AssistsView {
    /// 区中心要求牵头单位综合答复：协办单位都答复以后主办单位才答复
    pub summary: bool,
    /// 还有几个协办单位没有答复
    pub out: usize,
    /// 各协办单位，按派单的次序
    pub items: Vec<AssistView>,
}

/// The replies of the assists beside a task within the scope. The outer `None` is a task that is
/// missing, the inner one a task that is no lead's.
///
/// # Errors
/// The database is away.
pub async fn list(
    conn: &mut Connection,
    scope: &Scope,
    task: TaskId,
) -> Result<Option<Option<AssistsView>>, sqlx::Error> {
    let lead = sqlx::query!(
        r#"select t.role as "role: Role", coalesce(t.complaint_id, t.whistle_id) as "case!",
               exists (select from lead_summary s where s.complaint_id = t.complaint_id) as "summary!"
           from task t where t.id = $1 and ($2 or t.unit = any($3) or t.body = any($3))"#,
        task.0,
        scope.everything(),
        scope.units(),
    )
    .fetch_optional(&mut *conn)
    .await?;
    let Some(lead) = lead else { return Ok(None) };
    if lead.role != Role::Lead {
        return Ok(Some(None));
    }
    let rows = sqlx::query!(
        r#"select t.id as "id: TaskId", t.unit as "unit: NodeCode", u.name as unit_name,
               t.status as "status: Status", t.reply_by, t.replied_at, t.reply_text,
               t.reply_outcome as "reply_outcome: Outcome", t.reply_basis
           from task t join org_node u on u.code = t.unit
           where (t.complaint_id = $1 or t.whistle_id = $1) and t.role = 'assist'
               and t.status not in ('returned', 'cancelled')
           order by t.line, t.dispatched_at, t.id"#,
        lead.case,
    )
    .fetch_all(conn)
    .await?;
    let items: Vec<AssistView> = rows
        .into_iter()
        .map(|row| {
            let stands = row.status.is_answered();
            let reply = row.reply_text.zip(row.reply_outcome).filter(|_| stands);
            let basis = row.reply_basis;
            AssistView {
                task_id: row.id,
                unit: row.unit,
                unit_name: row.unit_name,
                status: row.status,
                status_text: row.status.label(),
                reply_by: row.reply_by,
                replied_at: row.replied_at.filter(|_| stands),
                // What its officers did is between the assist and the centre.
                reply: reply.map(|(text, outcome)| ReplyView {
                    text,
                    outcome,
                    basis,
                    acts: Vec::new(),
                }),
            }
        })
        .collect();
    let out = items.iter().filter(|item| item.reply.is_none()).count();
    Ok(Some(Some(AssistsView { summary: lead.summary, out, items })))
}
