//! Transfers between branches, written under the lock of their member.

use domain::{
    id::{AccountId, MemberId, TransferId},
    org::NodeCode,
    party::transfer::{Status, Transfer},
    time::Timestamp,
};

use crate::postgres::Connection;

/// Stores a proposal.
///
/// # Errors
/// The database is away; `party_transfer_open` when the member has one under way.
pub async fn insert(
    conn: &mut Connection,
    transfer: &Transfer,
    reason: &str,
    now: Timestamp,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "insert into party_transfer (id, member_id, from_branch, to_branch, to_group, status,
             reason, proposed_by, proposed_at)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
        transfer.id.0,
        transfer.member.0,
        transfer.from.as_str(),
        transfer.to.as_str(),
        transfer.to_group.as_ref().map(NodeCode::as_str),
        transfer.status.code(),
        reason,
        transfer.proposed_by.0,
        now,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Whom a transfer is about.
///
/// # Errors
/// The database is away.
pub async fn member_of(
    conn: &mut Connection,
    id: TransferId,
) -> Result<Option<MemberId>, sqlx::Error> {
    sqlx::query_scalar!(
        r#"select member_id as "id: MemberId" from party_transfer where id = $1"#,
        id.0
    )
    .fetch_optional(conn)
    .await
}

/// A transfer, locked. Lock its member first.
///
/// # Errors
/// The database is away.
pub async fn lock(conn: &mut Connection, id: TransferId) -> Result<Option<Transfer>, sqlx::Error> {
    sqlx::query_as!(
        Transfer,
        r#"select id as "id: TransferId", version, member_id as "member: MemberId",
               from_branch as "from: NodeCode", to_branch as "to: NodeCode",
               to_group as "to_group: NodeCode", status as "status: Status",
               proposed_by as "proposed_by: AccountId", released_by as "released_by: AccountId"
           from party_transfer where id = $1 for update"#,
        id.0,
    )
    .fetch_optional(conn)
    .await
}

/// Saves what a step led to.
///
/// # Errors
/// The database is away.
pub async fn save(
    conn: &mut Connection,
    transfer: &Transfer,
    note: Option<&str>,
    by: AccountId,
    now: Timestamp,
) -> Result<(), sqlx::Error> {
    let decided = !matches!(transfer.status, Status::Proposed | Status::Released);
    sqlx::query!(
        "update party_transfer set version = version + 1, status = $2, released_by = $3,
             released_at = case when $3::uuid is null then null else coalesce(released_at, $6) end,
             decided_by = case when $4 then $5::uuid end,
             decided_at = case when $4 then $6::timestamptz end, note = coalesce($7, note)
         where id = $1",
        transfer.id.0,
        transfer.status.code(),
        transfer.released_by.map(|by| by.0),
        decided,
        by.0,
        now,
        note,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Whether a locked member has a transfer under way.
///
/// # Errors
/// The database is away.
pub async fn under_way(conn: &mut Connection, member: MemberId) -> Result<bool, sqlx::Error> {
    sqlx::query_scalar!(
        r#"select exists (
               select from party_transfer
               where member_id = $1 and status in ('proposed', 'released')
           ) as "open!""#,
        member.0,
    )
    .fetch_one(conn)
    .await
}

/// Takes back the transfer of a locked member that was under way: there is nothing more to transfer
/// from the branch that it names.
///
/// # Errors
/// The database is away.
pub async fn withdraw_open(
    conn: &mut Connection,
    member: MemberId,
    by: AccountId,
    now: Timestamp,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "update party_transfer set version = version + 1, status = 'withdrawn', decided_by = $2,
             decided_at = $3
         where member_id = $1 and status in ('proposed', 'released')",
        member.0,
        by.0,
        now,
    )
    .execute(conn)
    .await?;
    Ok(())
}
