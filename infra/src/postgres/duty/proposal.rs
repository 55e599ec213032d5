//! What is proposed for the next version of a list.

use domain::{
    duty::{
        ListKind,
        proposal::{Decide, Proposal, Status},
    },
    id::{AccountId, DutyProposalId, TaskId},
    org::NodeCode,
    page::{Cursor, PageRequest},
    time::Timestamp,
};
use uuid::Uuid;

use super::Connection;

pub mod read;

/// Who proposes, and to which version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Made<'a> {
    /// The row of the list.
    pub list: i64,
    /// In whose name; `None` for the centre.
    pub unit: Option<&'a NodeCode>,
    /// Who.
    pub by: AccountId,
}

/// Adds a proposal. `duty_proposal_open` is violated by the unit's second open one to an item.
///
/// # Errors
/// The database failed.
pub async fn insert(
    conn: &mut Connection,
    id: DutyProposalId,
    made: &Made<'_>,
    proposal: &Proposal,
    now: Timestamp,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "insert into duty_proposal
            (id, list_id, item, text, lead_unit, from_task, unit, made_by, made_at)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
        id.0,
        made.list,
        proposal.item,
        proposal.text,
        proposal.lead_unit.as_ref().map(NodeCode::as_str),
        proposal.from_task.map(|task| task.0),
        made.unit.map(NodeCode::as_str),
        made.by.0,
        now,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Whether the unit of a task ever asked to return it since its duties are others or overlap.
///
/// # Errors
/// The database failed.
pub async fn was_returned(conn: &mut Connection, task: TaskId) -> Result<bool, sqlx::Error> {
    sqlx::query_scalar!(
        r#"select exists (
            select from event join task on task.id = $1
                and event.subject_id = coalesce(task.complaint_id, task.whistle_id)
            where event.task_id = $1 and event.kind = 'return_requested'
                and event.data ->> 'ground' in ('duty', 'overlap')
        ) as "there!""#,
        task.0
    )
    .fetch_one(conn)
    .await
}

/// A locked proposal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Locked {
    /// Where it stands.
    pub status: Status,
    /// Who made it.
    pub made_by: AccountId,
    /// Grows with each change.
    pub version: i64,
}

/// Locks a proposal.
///
/// # Errors
/// The database failed.
pub async fn lock(
    conn: &mut Connection,
    id: DutyProposalId,
) -> Result<Option<Locked>, sqlx::Error> {
    sqlx::query_as!(
        Locked,
        r#"select status as "status: Status", made_by as "made_by: AccountId", version
           from duty_proposal where id = $1 for update"#,
        id.0
    )
    .fetch_optional(conn)
    .await
}

/// Stores the decision on a locked proposal.
///
/// # Errors
/// The database failed.
pub async fn decide(
    conn: &mut Connection,
    id: DutyProposalId,
    status: Status,
    decide: &Decide,
    by: AccountId,
    now: Timestamp,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "update duty_proposal set status = $2, note = $3, decided_by = $4, decided_at = $5,
            version = version + 1
         where id = $1",
        id.0,
        status.code(),
        decide.note,
        by.0,
        now,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// An adopted proposal that no version has taken up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Open {
    /// The proposal.
    pub id: DutyProposalId,
    /// The item.
    pub item: String,
    /// What should stand there.
    pub text: String,
    /// Who should lead.
    pub lead_unit: Option<NodeCode>,
}

/// What was adopted for the next version of a list and waits, the oldest first.
///
/// # Errors
/// The database failed.
pub async fn adopted(
    conn: &mut Connection,
    kind: ListKind,
    division: Option<&NodeCode>,
) -> Result<Vec<Open>, sqlx::Error> {
    sqlx::query_as!(
        Open,
        r#"
        select proposal.id as "id: DutyProposalId", item, text, lead_unit as "lead_unit: NodeCode"
        from duty_proposal as proposal join duty_list as list on list.id = list_id
        where status = 'adopted' and list.kind = $1
            and list.division_code is not distinct from $2
        order by made_at, proposal.id
        "#,
        kind.code(),
        division.map(NodeCode::as_str)
    )
    .fetch_all(conn)
    .await
}

/// Marks the adopted proposals to items that a new version of their list has touched.
///
/// # Errors
/// The database failed.
pub async fn settle(
    conn: &mut Connection,
    list: i64,
    touched: &[String],
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "update duty_proposal as proposal
         set status = 'settled', settled_in = $1, version = proposal.version + 1
         from duty_list as old, duty_list as new
         where proposal.status = 'adopted' and proposal.item = any($2)
            and old.id = proposal.list_id and new.id = $1 and new.kind = old.kind
            and new.division_code is not distinct from old.division_code",
        list,
        touched,
    )
    .execute(conn)
    .await?;
    Ok(())
}
