//! Budgets that pay for offers. What is published is committed: offer first, then its budget.

use domain::{
    id::{AccountId, BudgetId, OfferId},
    time::Timestamp,
};

use uuid::Uuid;

use super::super::Connection;

pub mod read;

/// A budget to be made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewBudget<'a> {
    /// Its id.
    pub id: BudgetId,
    /// Its name.
    pub name: &'a str,
    /// Who pays.
    pub payer: &'static str,
    /// How much at most, in fen.
    pub cap_fen: i64,
}

/// A budget as its rules see it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Budget {
    /// Its name.
    pub name: String,
    /// Grows by one with each change of the cap.
    pub version: i64,
    /// How much at most, in fen.
    pub cap_fen: i64,
    /// What is published against it, in fen.
    pub committed_fen: i64,
}

/// Makes a budget.
///
/// # Errors
/// The database's; `budget_name` when another has the name.
pub async fn insert(
    conn: &mut Connection,
    new: &NewBudget<'_>,
    by: AccountId,
    now: Timestamp,
) -> sqlx::Result<()> {
    sqlx::query!(
        "insert into budget (id, name, payer, cap_fen, created_by, created_at)
         values ($1, $2, $3, $4, $5, $6)",
        new.id.0,
        new.name,
        new.payer,
        new.cap_fen,
        by.0,
        now,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Locks a budget.
///
/// # Errors
/// The database's.
pub async fn lock(conn: &mut Connection, id: BudgetId) -> sqlx::Result<Option<Budget>> {
    sqlx::query_as!(
        Budget,
        "select name, version, cap_fen, committed_fen from budget where id = $1 for no key update",
        id.0,
    )
    .fetch_optional(conn)
    .await
}

/// Sets the cap.
///
/// # Errors
/// The database's; `budget_not_exceeded` below what is committed.
pub async fn set_cap(conn: &mut Connection, id: BudgetId, cap_fen: i64) -> sqlx::Result<()> {
    sqlx::query!(
        "update budget set version = version + 1, cap_fen = $2 where id = $1",
        id.0,
        cap_fen,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Commits so much of a budget for an offer; less than nothing frees it.
///
/// # Errors
/// The database's; `budget_not_exceeded`; `offer_committed` when it frees more than there is.
pub async fn commit(
    conn: &mut Connection,
    offer: OfferId,
    budget: BudgetId,
    fen: i64,
) -> sqlx::Result<()> {
    sqlx::query!(
        "with taken as (update budget set committed_fen = committed_fen + $3 where id = $2)
         update offer set committed_fen = committed_fen + $3 where id = $1",
        offer.0,
        budget.0,
        fen,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Frees what offers that are over, and locked, commit beyond what they owe (`offer_owed`).
///
/// # Errors
/// The database's.
pub async fn release(conn: &mut Connection, offers: &[OfferId]) -> sqlx::Result<()> {
    let ids: Vec<Uuid> = offers.iter().map(|id| id.0).collect();
    sqlx::query!(
        "with over as (
             select id, budget, committed_fen - offer_owed.fen as fen
             from offer join offer_owed on offer_owed.offer = offer.id
             where id = any($1) and committed_fen > offer_owed.fen
         ), freed as (
             update offer set committed_fen = committed_fen - over.fen from over where offer.id = over.id
         )
         update budget set committed_fen = committed_fen - freed.fen
         from (select budget, sum(fen)::bigint as fen from over group by budget) as freed
         where budget.id = freed.budget",
        &ids,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Locks the offers that are over and commit more than they owe, in ascending id: all of them before
/// any budget, as everybody does who holds both. One that is changed meanwhile is looked at anew.
///
/// # Errors
/// The database's.
pub async fn lock_over(conn: &mut Connection, now: Timestamp) -> sqlx::Result<Vec<OfferId>> {
    sqlx::query_scalar!(
        r#"select id as "id: OfferId" from offer join offer_owed on offer_owed.offer = offer.id
           where committed_fen > 0 and (status = 'ended' or valid_until <= $1)
               and committed_fen > offer_owed.fen
           order by id for update of offer"#,
        now,
    )
    .fetch_all(conn)
    .await
}
