//! Awards that are taken back, why, and what is owed of them. All under the account's lock.

use domain::{
    id::{AccountId, LedgerTxId},
    points::{EntryKind, Ground, Lot, Source},
    time::Timestamp,
};
use serde_json::Value;
use uuid::Uuid;

use super::super::Connection;

/// A movement that gave somebody points.
#[derive(Debug, Clone, PartialEq)]
pub struct Given {
    /// The movement.
    pub id: LedgerTxId,
    /// What moved.
    pub kind: EntryKind,
    /// What gave the points.
    pub source: Option<Source>,
    /// The person.
    pub account: AccountId,
    /// How many points came.
    pub points: i64,
    /// Codes and figures of it.
    pub data: Value,
    /// It was taken back already.
    pub reversed: bool,
    /// Why.
    pub ground: Option<Ground>,
    /// When what it gave runs out.
    pub expires_at: Option<Timestamp>,
}

/// By what a movement is found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum By<'a> {
    /// Its id.
    Id(LedgerTxId),
    /// The cause of an award.
    Cause(&'a str),
}

/// Finds a movement on a person's account; for one that concerns no person, or several, none.
///
/// # Errors
/// The database's.
pub async fn find(conn: &mut Connection, by: By<'_>) -> sqlx::Result<Option<Given>> {
    let (id, cause) = match by {
        By::Id(id) => (Some(id.0), None),
        By::Cause(cause) => (None, Some(cause)),
    };
    let rows = sqlx::query_as!(
        Given,
        r#"select tx.id as "id: LedgerTxId", tx.kind as "kind: EntryKind",
               tx.source as "source: Source", owner.account_id as "account!: AccountId",
               entry.amount as points, tx.data,
               exists (select from ledger_tx as back where back.reverses = tx.id) as "reversed!",
               (select back.data ->> 'ground' from ledger_tx as back where back.reverses = tx.id) as "ground: Ground",
               (select max(lot.expires_at) from point_lot as lot where lot.given_by = tx.id) as expires_at
           from ledger_tx as tx
           join ledger_entry as entry on entry.tx = tx.id
           join points_account as owner on owner.id = entry.account and owner.kind = 'user'
           where tx.id = $1 or (tx.kind = 'earn' and tx.cause = $2)
           limit 2"#,
        id,
        cause,
    )
    .fetch_all(conn)
    .await?;
    let mut rows = rows.into_iter();
    match (rows.next(), rows.next()) {
        (one, None) => Ok(one),
        _ => Ok(None),
    }
}

/// What can be taken back of an award: what its own lots still have free, also after they ran out,
/// how much of them ran out already, and the person's other lots that can be spent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Left {
    /// Of the award's own lots.
    pub own: Vec<Lot>,
    /// What of them ran out and was posted so.
    pub expired: i64,
    /// Of the others, the first expiring first.
    pub others: Vec<Lot>,
}

/// # Errors
/// The database's.
pub async fn left(
    conn: &mut Connection,
    account: AccountId,
    award: LedgerTxId,
    now: Timestamp,
) -> sqlx::Result<Left> {
    let own = sqlx::query_as!(
        Lot,
        r#"select id as "id: _", remaining - held as "free!" from point_lot
           where given_by = $1 and remaining > held order by expires_at, id"#,
        award.0,
    )
    .fetch_all(&mut *conn)
    .await?;
    let expired = sqlx::query_scalar!(
        r#"select coalesce(sum(amount), 0)::bigint as "points!"
           from ledger_tx as tx join ledger_entry as entry on entry.tx = tx.id and amount > 0
           where tx.kind = 'expire'
               and tx.data ->> 'lot' in (select id::text from point_lot where given_by = $1)"#,
        award.0,
    )
    .fetch_one(&mut *conn)
    .await?;
    let others = super::spendable(conn, account, now).await?;
    let others = others.into_iter().filter(|lot| own.iter().all(|one| one.id != lot.id)).collect();
    Ok(Left { own, expired, others })
}

/// Why somebody moved points by hand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reason<'a> {
    /// In words that the person reads.
    pub words: &'a str,
    /// The document that it rests on.
    pub document: Option<&'a str>,
    /// Who; none for a rule.
    pub by: Option<AccountId>,
}

/// Keeps why a movement was posted.
///
/// # Errors
/// The database's.
pub async fn explain(
    conn: &mut Connection,
    tx: LedgerTxId,
    reason: &Reason<'_>,
    now: Timestamp,
) -> sqlx::Result<()> {
    sqlx::query!(
        "insert into ledger_reason (tx, reason, document, given_by, given_at)
         values ($1, $2, $3, $4, $5)",
        tx.0,
        reason.words,
        reason.document,
        reason.by.map(|by| by.0),
        now,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// What is owed since a reversal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Debt {
    /// The reversal.
    pub reversal: LedgerTxId,
    /// The award that it took back.
    pub award: LedgerTxId,
    /// How many points.
    pub points: i64,
}

/// Notes what a person owes. The movement has been posted before it.
///
/// # Errors
/// The database's.
pub async fn owe(conn: &mut Connection, account: AccountId, debt: Debt) -> sqlx::Result<()> {
    sqlx::query!(
        "insert into points_debt (reversal, account, amount, remaining) values ($1, $2, $3, $3)",
        debt.reversal.0,
        account.0,
        debt.points,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// What a person owes, the oldest first.
///
/// # Errors
/// The database's.
pub async fn debts(conn: &mut Connection, account: AccountId) -> sqlx::Result<Vec<Debt>> {
    sqlx::query_as!(
        Debt,
        r#"select debt.reversal as "reversal: LedgerTxId", tx.reverses as "award!: LedgerTxId",
               debt.remaining as points
           from points_debt as debt join ledger_tx as tx on tx.id = debt.reversal
           where debt.account = $1 and debt.remaining > 0 order by debt.reversal"#,
        account.0,
    )
    .fetch_all(conn)
    .await
}

/// Makes part of a debt good. The movement is posted beside it.
///
/// # Errors
/// The database's.
pub async fn make_good(conn: &mut Connection, paid: Debt) -> sqlx::Result<()> {
    sqlx::query!(
        "update points_debt set remaining = remaining - $2 where reversal = $1",
        paid.reversal.0,
        paid.points,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Up to `limit` people who owe something and have something free, in ascending account: points that
/// they can spend, or points of the award that was taken back, also after those ran out.
///
/// # Errors
/// The database's.
pub async fn solvent(conn: &mut Connection, limit: i64, now: Timestamp) -> sqlx::Result<Vec<Uuid>> {
    sqlx::query_scalar!(
        "select distinct debt.account from points_debt as debt
         join ledger_tx as tx on tx.id = debt.reversal
         where debt.remaining > 0 and exists (
             select from point_lot as lot
             where lot.account = debt.account and lot.remaining > 0 and lot.remaining > lot.held
                 and (lot.expires_at > $1 or lot.given_by = tx.reverses))
         order by debt.account limit $2",
        now,
        limit,
    )
    .fetch_all(conn)
    .await
}
