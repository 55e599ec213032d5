//! Final replies: proposing one, locking one, saving one, and the appeals answered with it. The
//! complaint's row is locked first.

use domain::{
    final_reply::{FinalReply, Propose, Status},
    id::{AccountId, ComplaintId, FinalReplyId, TaskId},
    org::NodeCode,
    time::Timestamp,
};

use super::Connection;

pub mod read;

/// Stores a new final reply.
///
/// # Errors
/// The database is away; `final_reply_live` when the complaint has one already.
pub async fn insert(
    conn: &mut Connection,
    one: &FinalReply,
    command: &Propose,
    now: Timestamp,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "insert into final_reply (id, complaint_id, task_id, unit, status, text, legal_basis,
             evidence, valid_days, proposed_by, proposed_at)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
        one.id.0,
        one.complaint.0,
        one.task.0,
        one.unit.as_str(),
        one.status.code(),
        command.text,
        command.legal_basis,
        command.evidence,
        command.valid_days,
        one.proposed_by.0,
        now,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// The complaint that a final reply belongs to.
///
/// # Errors
/// The database is away.
pub async fn complaint_of(
    conn: &mut Connection,
    id: FinalReplyId,
) -> Result<Option<ComplaintId>, sqlx::Error> {
    sqlx::query_scalar!(
        r#"select complaint_id as "id: ComplaintId" from final_reply where id = $1"#,
        id.0
    )
    .fetch_optional(conn)
    .await
}

/// Whether a complaint has one that waits, or that is in force and still valid.
///
/// # Errors
/// The database is away.
pub async fn is_there(
    conn: &mut Connection,
    of: ComplaintId,
    now: Timestamp,
) -> Result<bool, sqlx::Error> {
    sqlx::query_scalar!(
        r#"select exists (
               select from final_reply where complaint_id = $1
                   and (status in ('proposed', 'signed')
                       or status = 'in_force' and valid_until > $2)
           ) as "exists!""#,
        of.0,
        now,
    )
    .fetch_one(conn)
    .await
}

/// Locks a final reply until the transaction ends and reads it. Its complaint is locked already.
///
/// # Errors
/// The database is away.
pub async fn lock(
    conn: &mut Connection,
    id: FinalReplyId,
) -> Result<Option<FinalReply>, sqlx::Error> {
    sqlx::query_as!(
        FinalReply,
        r#"select id as "id: FinalReplyId", complaint_id as "complaint: ComplaintId",
               task_id as "task: TaskId", unit as "unit: NodeCode", version,
               status as "status: Status", text, valid_days,
               proposed_by as "proposed_by: AccountId", signed_by as "signed_by: AccountId",
               valid_until
           from final_reply where id = $1 for update"#,
        id.0
    )
    .fetch_optional(conn)
    .await
}

/// Saves where a locked final reply stands, and who took it there with which words.
///
/// # Errors
/// The database is away, or refuses what breaks an invariant.
pub async fn save(
    conn: &mut Connection,
    one: &FinalReply,
    (by, reason): (AccountId, Option<&str>),
    now: Timestamp,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "update final_reply set version = version + 1, status = $2,
             signed_by = $3,
             signed_at = case when $2 = 'signed' then $6 else signed_at end,
             valid_until = $4,
             confirmed_by = case when $2 = 'in_force' then $5 else confirmed_by end,
             confirmed_at = case when $2 = 'in_force' then $6 else confirmed_at end,
             ended_by = case when $2 in ('refused', 'revoked') then $5 end,
             ended_at = case when $2 in ('refused', 'revoked') then $6 end,
             reason = $7
         where id = $1",
        one.id.0,
        one.status.code(),
        one.signed_by.map(|account| account.0),
        one.valid_until,
        by.0,
        now,
        reason,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Whether somebody who reported `one`, or a complaint that follows it, reported `other` as well: by
/// the same account, or with the same number to call.
///
/// # Errors
/// The database is away.
pub async fn same_reporter(
    conn: &mut Connection,
    one: ComplaintId,
    other: ComplaintId,
) -> Result<bool, sqlx::Error> {
    sqlx::query_scalar!(
        r#"select exists (
               select from complaint a join complaint b on b.id = $2
               where (a.id = $1 or a.merged_into = $1) and (a.reporter_id = b.reporter_id or exists (
                   select from complaint_contact m join complaint_contact n
                       on n.phone_index = m.phone_index
                   where m.complaint_id = a.id and n.complaint_id = b.id))
           ) as "same!""#,
        one.0,
        other.0
    )
    .fetch_one(conn)
    .await
}

/// Keeps that an appeal was answered with a final reply.
///
/// # Errors
/// The database is away.
pub async fn cite(
    conn: &mut Connection,
    id: FinalReplyId,
    appeal: ComplaintId,
    by: AccountId,
    now: Timestamp,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "insert into final_reply_citation (complaint_id, final_reply_id, cited_by, cited_at)
         values ($1, $2, $3, $4)",
        appeal.0,
        id.0,
        by.0,
        now,
    )
    .execute(conn)
    .await?;
    Ok(())
}
