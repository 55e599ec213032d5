//! To whom a task can be handed over, and to whom it was, with their names.

use domain::{
    event::EventKind,
    id::{AccountId, TaskId},
    org::{NodeCode, NodeKind},
    scope::Scope,
    time::Timestamp,
};
use serde::Serialize;
use utoipa::ToSchema;

use crate::postgres::Connection;

/// 本单位经办人
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct OfficerView {
    /// 账号
    pub account: AccountId,
    /// 用户名，转交时填写
    #[schema(example = "dept.urban-management")]
    pub username: String,
    /// 显示的名称
    pub name: String,
    /// 手上未结束的任务
    pub open_tasks: i64,
}

/// 下级单位
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct BodyView {
    /// 单位代码，转交时填写
    #[schema(example = "140213066004")]
    pub code: NodeCode,
    /// 名称
    pub name: String,
}

/// 可以转交给谁
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct ReceiversView {
    /// 本单位经办人
    pub officers: Vec<OfficerView>,
    /// 下级单位
    pub bodies: Vec<BodyView>,
}

/// To whom a unit can hand its tasks: its officers, and the units below it.
///
/// # Errors
/// The database is away.
pub async fn receivers(
    conn: &mut Connection,
    _: &Scope,
    unit: &NodeCode,
) -> Result<ReceiversView, sqlx::Error> {
    let officers = sqlx::query_as!(
        OfficerView,
        r#"select a.id as "account: AccountId", a.username as "username!", a.display_name as name,
               (select count(*) from task t where t.officer = a.id and t.ended_at is null)
                   as "open_tasks!"
           from account a
           where a.username is not null and a.disabled_at is null and exists (
               select from role_grant g where g.account_id = a.id and g.scope = $1
                   and g.role = any($2) and g.revoked_at is null)
           order by a.username"#,
        unit.as_str(),
        &super::roles(),
    )
    .fetch_all(&mut *conn)
    .await?;
    let kinds: Vec<String> = NodeKind::ALL
        .iter()
        .filter(|kind| kind.is_unit())
        .map(|kind| kind.code().to_owned())
        .collect();
    let bodies = sqlx::query_as!(
        BodyView,
        r#"select code as "code: NodeCode", name from org_node
           where active and kind = any($2) and parent_code = $1
           order by code"#,
        unit.as_str(),
        &kinds,
    )
    .fetch_all(conn)
    .await?;
    Ok(ReceiversView { officers, bodies })
}

/// 一次转交或收回
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct HandOverView {
    /// 时间
    #[schema(value_type = String, format = DateTime)]
    pub at: Timestamp,
    /// 转交（task_handed_over）或收回（task_taken_back）
    pub kind: EventKind,
    /// 转交给（或从其收回）的经办人
    pub officer: Option<String>,
    /// 转交给（或从其收回）的下级单位
    pub body: Option<String>,
    /// 谁办的；系统自动收回的为空
    pub by: Option<String>,
    /// 说明
    pub note: Option<String>,
}

/// Every hand-over of a task, in their order. The caller has made sure that the task is within the
/// scope and the reader works on it or is the centre's.
///
/// # Errors
/// The database is away.
pub async fn history(
    conn: &mut Connection,
    _: &Scope,
    task: TaskId,
) -> Result<Vec<HandOverView>, sqlx::Error> {
    let kinds = [EventKind::TaskHandedOver, EventKind::TaskTakenBack];
    let kinds: Vec<String> = kinds.iter().map(|kind| kind.code().to_owned()).collect();
    sqlx::query_as!(
        HandOverView,
        r#"select e.at, e.kind as "kind: EventKind", officer.display_name as "officer?",
               body.name as "body?", actor.display_name as "by?", e.note
           from task t
           join event e on e.subject_id = coalesce(t.complaint_id, t.whistle_id)
               and e.task_id = t.id and e.kind = any($2)
           left join account officer on officer.id = (e.data ->> 'officer')::uuid
           left join org_node body on body.code = e.data ->> 'body'
           left join account actor on actor.id = e.actor_id
           where t.id = $1
           order by e.seq"#,
        task.0,
        &kinds,
    )
    .fetch_all(conn)
    .await
}
