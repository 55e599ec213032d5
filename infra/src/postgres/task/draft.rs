//! Replies that are not finished: one for each account and task.

use domain::{
    id::{AccountId, TaskId},
    task::{Draft, Outcome},
    time::Timestamp,
};

use crate::postgres::Connection;

pub mod read;

/// Keeps a draft; what was kept before gives way, unless it was kept after `unless_after`.
///
/// # Errors
/// The database is away.
pub async fn save(
    conn: &mut Connection,
    (task, account): (TaskId, AccountId),
    draft: &Draft,
    unless_after: Option<Timestamp>,
    now: Timestamp,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "insert into task_draft (task_id, account_id, text, outcome, basis, saved_at)
         values ($1, $2, $3, $4, $5, $6)
         on conflict (task_id, account_id) do update
             set text = $3, outcome = $4, basis = $5, saved_at = $6
             where $7::timestamptz is null or task_draft.saved_at <= $7",
        task.0,
        account.0,
        draft.text,
        draft.outcome.map(Outcome::code),
        draft.basis,
        now,
        unless_after,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Throws a draft away; where there is none nothing happens.
///
/// # Errors
/// The database is away.
pub async fn discard(
    conn: &mut Connection,
    (task, account): (TaskId, AccountId),
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "delete from task_draft where task_id = $1 and account_id = $2",
        task.0,
        account.0
    )
    .execute(conn)
    .await?;
    Ok(())
}
