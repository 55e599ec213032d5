//! Who telephones whom (电话回访): leases on cases that wait for a call.

use domain::{
    id::{AccountId, ComplaintId},
    time::Timestamp,
};

use super::Connection;

pub mod read;

/// Takes a case for a caller, or keeps it longer for the one who has it; `None` while another has.
///
/// # Errors
/// The database's.
pub async fn take(
    conn: &mut Connection,
    complaint: ComplaintId,
    caller: AccountId,
    until: Timestamp,
    now: Timestamp,
) -> Result<Option<Timestamp>, sqlx::Error> {
    sqlx::query_scalar!(
        "insert into follow_up_call (complaint_id, caller_id, taken_at, until)
         values ($1, $2, $3, $4)
         on conflict (complaint_id) do update
             set caller_id = excluded.caller_id, taken_at = excluded.taken_at, until = excluded.until
             where follow_up_call.until <= $3 or follow_up_call.caller_id = $2
         returning until",
        complaint.0,
        caller.0,
        now,
        until,
    )
    .fetch_optional(conn)
    .await
}

/// Until when another caller has a case.
///
/// # Errors
/// The database's.
pub async fn taken_by_another(
    conn: &mut Connection,
    complaint: ComplaintId,
    caller: AccountId,
    now: Timestamp,
) -> Result<Option<Timestamp>, sqlx::Error> {
    sqlx::query_scalar!(
        "select until from follow_up_call
         where complaint_id = $1 and caller_id <> $2 and until > $3",
        complaint.0,
        caller.0,
        now,
    )
    .fetch_optional(conn)
    .await
}

/// Gives a case back: the call is over.
///
/// # Errors
/// The database's.
pub async fn give_back(conn: &mut Connection, complaint: ComplaintId) -> Result<(), sqlx::Error> {
    sqlx::query!("delete from follow_up_call where complaint_id = $1", complaint.0)
        .execute(conn)
        .await?;
    Ok(())
}
