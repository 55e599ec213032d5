//! Disputes of what was decided on a claim (服务异议). Whoever changes one locks the claim's post and
//! the claim first.

use domain::{
    id::{AccountId, ClaimId, DisputeId},
    service::{
        Claim,
        dispute::{Dispute, Objection, Status},
    },
    time::Timestamp,
};

use crate::postgres::Connection;

/// Stores a new dispute, with what it is about as it stood.
///
/// # Errors
/// The database is away; `claim_dispute_once`, `claim_dispute_open`.
pub async fn insert(
    conn: &mut Connection,
    dispute: &Dispute,
    claim: &Claim,
    objection: &Objection,
    now: Timestamp,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "insert into claim_dispute (id, claim_id, raised_by, raised_at, reason, status_before,
             minutes_before, points_before, first_decider, status)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
        dispute.id.0,
        dispute.claim.0,
        dispute.raised_by.0,
        now,
        objection.reason,
        claim.status.code(),
        claim.minutes,
        claim.points,
        dispute.first.map(|first| first.0),
        dispute.status.code(),
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// The claim that a dispute is about.
///
/// # Errors
/// The database is away.
pub async fn claim_of(
    conn: &mut Connection,
    id: DisputeId,
) -> Result<Option<ClaimId>, sqlx::Error> {
    sqlx::query_scalar!(
        r#"select claim_id as "claim: ClaimId" from claim_dispute where id = $1"#,
        id.0
    )
    .fetch_optional(conn)
    .await
}

/// A dispute, locked.
///
/// # Errors
/// The database is away.
pub async fn lock(conn: &mut Connection, id: DisputeId) -> Result<Option<Dispute>, sqlx::Error> {
    sqlx::query_as!(
        Dispute,
        r#"select id as "id: DisputeId", version, claim_id as "claim: ClaimId",
               raised_by as "raised_by: AccountId", first_decider as "first: AccountId",
               status as "status: Status", minutes_after as minutes
           from claim_dispute where id = $1 for no key update"#,
        id.0,
    )
    .fetch_optional(conn)
    .await
}

/// Who decided, in which words, and what the service gives now.
#[derive(Debug, Clone, Copy)]
pub struct Decided<'a> {
    /// Who.
    pub by: AccountId,
    /// Why.
    pub reason: &'a str,
    /// The points of the service after a correction.
    pub points: Option<i64>,
}

/// Saves a dispute that ended; without a decision it was taken back.
///
/// # Errors
/// The database is away, or refuses what breaks an invariant.
pub async fn save(
    conn: &mut Connection,
    dispute: &Dispute,
    decided: Option<Decided<'_>>,
    now: Timestamp,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "update claim_dispute set version = version + 1, status = $2, decided_at = $3,
             decided_by = $4, decision = $5, minutes_after = $6, points_after = $7
         where id = $1",
        dispute.id.0,
        dispute.status.code(),
        now,
        decided.map(|decided| decided.by.0),
        decided.map(|decided| decided.reason),
        dispute.minutes,
        decided.and_then(|decided| decided.points),
    )
    .execute(conn)
    .await?;
    Ok(())
}
