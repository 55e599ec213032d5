//! Manual adjustments of points: proposed by one person, decided by another.

use super::super::Connection;
use domain::{
    id::{AccountId, AdjustmentId, LedgerTxId},
    points::{NewAdjustment, Proposal, ProposalStatus},
    time::Timestamp,
};

/// Stores an adjustment that is proposed.
///
/// # Errors
/// The database's.
pub async fn insert(
    conn: &mut Connection,
    id: AdjustmentId,
    new: &NewAdjustment,
    by: AccountId,
    now: Timestamp,
) -> sqlx::Result<()> {
    sqlx::query!(
        "insert into points_adjustment
             (id, account, points, reason, document, status, proposed_by, proposed_at)
         values ($1, $2, $3, $4, $5, 'proposed', $6, $7)",
        id.0,
        new.account.0,
        new.points,
        new.reason,
        new.document,
        by.0,
        now,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Whether an account is a resident's or member's, who can have points.
///
/// # Errors
/// The database's.
pub async fn can_have_points(conn: &mut Connection, account: AccountId) -> sqlx::Result<bool> {
    sqlx::query_scalar!(
        r#"select exists (
               select from role_grant
               where account_id = $1 and role in ('resident', 'party_member') and revoked_at is null
           ) as "can!""#,
        account.0,
    )
    .fetch_one(conn)
    .await
}

/// A locked adjustment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Held {
    /// Where it stands.
    pub proposal: Proposal,
    /// Which state of it.
    pub version: i64,
    /// What it is.
    pub adjustment: NewAdjustment,
}

/// Locks an adjustment, before the account that it is about.
///
/// # Errors
/// The database's.
pub async fn lock(conn: &mut Connection, id: AdjustmentId) -> sqlx::Result<Option<Held>> {
    let row = sqlx::query!(
        r#"select version, status as "status: ProposalStatus", proposed_by as "proposed_by: AccountId",
               account as "account: AccountId", points, reason, document
           from points_adjustment where id = $1 for no key update"#,
        id.0,
    )
    .fetch_optional(conn)
    .await?;
    Ok(row.map(|row| Held {
        proposal: Proposal {
            status: row.status,
            by: Some(row.proposed_by),
            about: Some(row.account),
        },
        version: row.version,
        adjustment: NewAdjustment {
            account: row.account,
            points: row.points,
            reason: row.reason,
            document: row.document,
        },
    }))
}

/// What was decided on an adjustment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Decided<'a> {
    /// Where it stands now.
    pub status: ProposalStatus,
    /// Why not.
    pub note: Option<&'a str>,
    /// The movement, where it was approved.
    pub tx: Option<LedgerTxId>,
}

/// Stores what was decided on a locked adjustment.
///
/// # Errors
/// The database's.
pub async fn decide(
    conn: &mut Connection,
    id: AdjustmentId,
    decided: &Decided<'_>,
    by: AccountId,
    now: Timestamp,
) -> sqlx::Result<()> {
    sqlx::query!(
        "update points_adjustment
         set version = version + 1, status = $2, note = $3, tx = $4, decided_by = $5, decided_at = $6
         where id = $1",
        id.0,
        decided.status.code(),
        decided.note,
        decided.tx.map(|tx| tx.0),
        by.0,
        now,
    )
    .execute(conn)
    .await?;
    Ok(())
}
