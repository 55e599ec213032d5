//! Exclusions (剔除) that units asked for.

use domain::{
    complaint::{AskExclusion, DecideExclusion, ExclusionGround},
    id::{AccountId, ComplaintId, TaskId},
    org::NodeCode,
    page::{Cursor, PageRequest},
    scope::Scope,
    task::Task,
    time::Timestamp,
};
use serde::Serialize;
use utoipa::ToSchema;

use crate::postgres::Connection;

/// Keeps what a unit asked; `false` when somebody asked for this case before.
///
/// # Errors
/// The database's.
pub async fn ask(
    conn: &mut Connection,
    complaint: ComplaintId,
    task: &Task,
    command: &AskExclusion,
    by: AccountId,
    now: Timestamp,
) -> Result<bool, sqlx::Error> {
    let kept = sqlx::query!(
        "insert into exclusion (complaint_id, task_id, unit, ground, evidence, asked_by, asked_at)
         values ($1, $2, $3, $4, $5, $6, $7)
         on conflict (complaint_id) do nothing",
        complaint.0,
        task.id.0,
        task.unit.as_str(),
        command.ground.code(),
        command.evidence,
        by.0,
        now,
    )
    .execute(conn)
    .await?;
    Ok(kept.rows_affected() == 1)
}

/// Whether the exclusion asked by this task is decided; none where it asked for none.
///
/// # Errors
/// The database's.
pub async fn is_decided(conn: &mut Connection, task: TaskId) -> Result<Option<bool>, sqlx::Error> {
    sqlx::query_scalar!(
        r#"select decided_at is not null as "decided!" from exclusion where task_id = $1"#,
        task.0
    )
    .fetch_optional(conn)
    .await
}

/// Keeps the decision.
///
/// # Errors
/// The database's.
pub async fn decide(
    conn: &mut Connection,
    task: TaskId,
    command: &DecideExclusion,
    by: AccountId,
    now: Timestamp,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "update exclusion set approved = $2, reason = $3, decided_by = $4, decided_at = $5
         where task_id = $1 and decided_at is null",
        task.0,
        command.approve,
        command.reason,
        by.0,
        now,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// An exclusion that a unit asked for.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct ExclusionView {
    /// The complaint.
    pub complaint_id: ComplaintId,
    /// Its number.
    #[schema(example = "PC20261124000123")]
    pub number: String,
    /// The task by which it was asked.
    pub task_id: TaskId,
    /// Who asked.
    pub unit: NodeCode,
    /// The unit's name.
    pub unit_name: String,
    /// Why.
    pub ground: ExclusionGround,
    /// What shows it.
    pub evidence: String,
    /// When it was asked.
    #[schema(value_type = String, format = DateTime)]
    pub asked_at: Timestamp,
    /// What was decided; null until then.
    pub approved: Option<bool>,
    /// Why.
    pub reason: Option<String>,
    /// When it was decided.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub decided_at: Option<Timestamp>,
}

impl ExclusionView {
    /// Where the next page starts when this is the last row.
    pub fn cursor(&self) -> Cursor {
        Cursor { at: self.asked_at, id: self.complaint_id.0 }
    }
}

/// What was asked by the scope's units, or by all for the centre; newest first, one more than the
/// page.
///
/// # Errors
/// The database is away.
pub async fn list(
    conn: &mut Connection,
    scope: &Scope,
    decided: Option<bool>,
    page: PageRequest,
) -> Result<Vec<ExclusionView>, sqlx::Error> {
    sqlx::query_as!(
        ExclusionView,
        r#"select x.complaint_id as "complaint_id: ComplaintId", c.number, x.task_id as "task_id: TaskId",
               x.unit as "unit: NodeCode", n.name as unit_name, x.ground as "ground: ExclusionGround",
               x.evidence, x.asked_at, x.approved, x.reason, x.decided_at
           from exclusion x
           join complaint c on c.id = x.complaint_id
           join org_node n on n.code = x.unit
           where ($1 or x.unit = any($2))
               and ($3::bool is null or (x.decided_at is not null) = $3)
               and ($4::timestamptz is null or (x.asked_at, x.complaint_id) < ($4, $5))
           order by x.asked_at desc, x.complaint_id desc
           limit $6"#,
        scope.everything(),
        scope.units(),
        decided,
        page.after.map(|cursor| cursor.at),
        page.after.map_or(uuid::Uuid::nil(), |cursor| cursor.id),
        page.probe(),
    )
    .fetch_all(conn)
    .await
}
