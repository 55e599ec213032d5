//! Objections to a quarter in public notice (公示异议).

use domain::{
    id::{AccountId, ObjectionId, ScoreEntryId, ScoreSettlementId},
    score::quarterly::Settlement,
    time::Timestamp,
};

use super::super::Connection;

/// How many objections to a quarter are open.
///
/// # Errors
/// The database is away.
pub async fn open(conn: &mut Connection, id: ScoreSettlementId) -> Result<i64, sqlx::Error> {
    sqlx::query_scalar!(
        r#"select count(*) as "count!" from score_objection
           where settlement_id = $1 and decided_at is null"#,
        id.0,
    )
    .fetch_one(conn)
    .await
}

/// Whether an entry is part of a quarter as it stands in public notice.
///
/// # Errors
/// The database is away.
pub async fn is_part(
    conn: &mut Connection,
    settlement: &Settlement,
    entry: ScoreEntryId,
) -> Result<bool, sqlx::Error> {
    sqlx::query_scalar!(
        r#"select exists (select from score_entry
               where id = $1 and branch_code = $2 and quarter = $3 and status = 'accepted') as "part!""#,
        entry.0,
        settlement.branch.as_str(),
        settlement.quarter.first(),
    )
    .fetch_one(conn)
    .await
}

/// Stores an objection.
///
/// # Errors
/// The database is away; `score_objection_open`.
pub async fn insert(
    conn: &mut Connection,
    id: ObjectionId,
    (settlement, entry): (ScoreSettlementId, Option<ScoreEntryId>),
    words: &[u8],
    (by, now): (AccountId, Timestamp),
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "insert into score_objection (id, settlement_id, entry_id, account_id, words_sealed, made_at)
         values ($1, $2, $3, $4, $5, $6)",
        id.0,
        settlement.0,
        entry.map(|id| id.0),
        by.0,
        words,
        now,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// An objection as its decision needs it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Objection {
    /// Its id.
    pub id: ObjectionId,
    /// To which quarter.
    pub settlement: ScoreSettlementId,
    /// To which entry.
    pub entry: Option<ScoreEntryId>,
    /// Who objects.
    pub account: AccountId,
    /// When it was decided.
    pub decided_at: Option<Timestamp>,
}

/// An objection, locked. Lock its quarter's branch first.
///
/// # Errors
/// The database is away.
pub async fn lock(
    conn: &mut Connection,
    id: ObjectionId,
) -> Result<Option<Objection>, sqlx::Error> {
    sqlx::query_as!(
        Objection,
        r#"select id as "id: ObjectionId", settlement_id as "settlement: ScoreSettlementId",
               entry_id as "entry: ScoreEntryId", account_id as "account: AccountId", decided_at
           from score_objection where id = $1
           for no key update"#,
        id.0,
    )
    .fetch_optional(conn)
    .await
}

/// Writes down how an objection was decided.
///
/// # Errors
/// The database is away.
pub async fn decide(
    conn: &mut Connection,
    id: ObjectionId,
    (upheld, reason): (bool, &str),
    (by, now): (AccountId, Timestamp),
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "update score_objection set upheld = $2, reason = $3, decided_by = $4, decided_at = $5
         where id = $1",
        id.0,
        upheld,
        reason,
        by.0,
        now,
    )
    .execute(conn)
    .await?;
    Ok(())
}
