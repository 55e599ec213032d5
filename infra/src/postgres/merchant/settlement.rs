//! Statements (结算单): frozen once a month, line by line; triggers refuse every change of a line.

use domain::{
    id::{AccountId, BudgetId, OfferId, SettlementDisputeId, SettlementId},
    merchant::settlement::{Answer, Statement, Status},
    time::{Month, Timestamp},
};
use uuid::Uuid;

use super::super::Connection;
use crate::random;

pub mod read;

/// Lets one worker settle at a time: who waited here finds the month settled.
///
/// # Errors
/// The database's.
pub async fn take_turns(conn: &mut Connection) -> sqlx::Result<()> {
    sqlx::query!("lock table settlement_month in share row exclusive mode").execute(conn).await?;
    Ok(())
}

/// The first month that is not settled: after the last that is, or, as long as none is, the month of
/// the first code that was ever verified.
///
/// # Errors
/// The database's.
pub async fn next(conn: &mut Connection) -> sqlx::Result<Option<Month>> {
    let last = sqlx::query_scalar!("select max(month) from settlement_month")
        .fetch_one(&mut *conn)
        .await?;
    if let Some(last) = last {
        return Ok(Some(Month::containing(last).next()));
    }
    // Looked for until the first month is settled, and never again.
    let first = sqlx::query_scalar!(
        "select min(verified_at) from redemption where verified_at is not null"
    )
    .fetch_one(conn)
    .await?;
    Ok(first.map(Month::of))
}

/// Settles a month: for each merchant whatever was verified or refunded before its end and stands in
/// no statement yet, and what disputes were decided to. Answers the statements, with whose they are.
///
/// # Errors
/// The database's; the month is settled already.
pub async fn freeze(
    conn: &mut Connection,
    month: Month,
    dispute_until: Timestamp,
    now: Timestamp,
) -> sqlx::Result<Vec<(SettlementId, String)>> {
    let end = month.bounds().1;
    sqlx::query!(
        "insert into settlement_month (month, frozen_at) values ($1, $2)",
        month.first(),
        now
    )
    .execute(&mut *conn)
    .await?;
    let merchants = sqlx::query_scalar!(
        r#"select distinct offer.merchant as "merchant!"
           from hold join redemption on redemption.id = hold.id join offer on offer.id = hold.offer
           where state = 'confirmed' and ended_at < $1
               and (not exists (select from settlement_line as line
                       where line.redemption = hold.id and line.kind = 'redemption')
                   or refunded_at < $1 and not exists (select from settlement_line as line
                       where line.redemption = hold.id and line.kind = 'refund'))
           union
           select settlement.merchant
           from settlement_dispute as dispute join settlement on settlement.id = dispute.settlement
           where upheld and decided_at < $1
               and not exists (select from settlement_line as line where line.dispute = dispute.id)
           order by 1"#,
        end,
    )
    .fetch_all(&mut *conn)
    .await?;
    let made: Vec<SettlementId> = merchants.iter().map(|_| random::id(now)).collect();
    let ids: Vec<Uuid> = made.iter().map(|id| id.0).collect();
    sqlx::query!(
        "insert into settlement (id, merchant, month, dispute_until)
         select id, merchant, $3, $4 from unnest($1::uuid[], $2::text[]) as made (id, merchant)",
        &ids,
        &merchants,
        month.first(),
        dispute_until,
    )
    .execute(&mut *conn)
    .await?;
    sqlx::query!(
        "with due as (
             select 'redemption' as kind, hold.id as redemption, hold.offer, hold.ended_at as at,
                 hold.points, settlement_fen as fen, cash_fen, budget, offer.merchant, null::uuid as dispute
             from hold join offer on offer.id = hold.offer
             where state = 'confirmed' and ended_at < $2 and not exists (
                 select from settlement_line as line where line.redemption = hold.id and line.kind = 'redemption')
             union all
             select 'refund', hold.id, hold.offer, refunded_at, -hold.points, -settlement_fen, -cash_fen,
                 budget, offer.merchant, null
             from redemption join hold on hold.id = redemption.id join offer on offer.id = hold.offer
             where refunded_at < $2 and not exists (
                 select from settlement_line as line where line.redemption = hold.id and line.kind = 'refund')
             union all
             select 'correction', line.redemption, line.offer, decided_at, 0, dispute.fen, 0,
                 line.budget, settlement.merchant, dispute.id
             from settlement_dispute as dispute
             join settlement on settlement.id = dispute.settlement
             join settlement_line as line on line.settlement = dispute.settlement and line.n = dispute.line
             where upheld and decided_at < $2
                 and not exists (select from settlement_line as known where known.dispute = dispute.id)
         )
         insert into settlement_line (settlement, n, kind, redemption, offer, budget, at, points, fen, cash_fen, dispute)
         select settlement.id,
             row_number() over (partition by settlement.id order by at, redemption, kind desc)::int,
             kind, redemption, offer, budget, at, points, fen, cash_fen, dispute
         from due join settlement on settlement.merchant = due.merchant and settlement.month = $1",
        month.first(),
        end,
    )
    .execute(conn)
    .await?;
    Ok(made.into_iter().zip(merchants).collect())
}

/// A statement with whose it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Held {
    /// Whose it is.
    pub merchant: String,
    /// The month that it settles.
    pub month: Month,
    /// Grows by one with each save.
    pub version: i64,
    /// As its rules see it.
    pub statement: Statement,
}

/// Locks a statement.
///
/// # Errors
/// The database's.
pub async fn lock(conn: &mut Connection, id: SettlementId) -> sqlx::Result<Option<Held>> {
    let row = sqlx::query!(
        r#"select merchant, month, version, status as "status: Status", dispute_until
           from settlement where id = $1 for update"#,
        id.0,
    )
    .fetch_optional(&mut *conn)
    .await?;
    let Some(row) = row else { return Ok(None) };
    let open = sqlx::query_scalar!(
        r#"select count(*) as "open!" from settlement_dispute where settlement = $1 and decided_at is null"#,
        id.0,
    )
    .fetch_one(conn)
    .await?;
    let statement = Statement { status: row.status, dispute_until: row.dispute_until, open };
    let month = Month::containing(row.month);
    Ok(Some(Held { merchant: row.merchant, month, version: row.version, statement }))
}

/// The merchant agrees to a locked statement.
///
/// # Errors
/// The database's.
pub async fn confirm(
    conn: &mut Connection,
    id: SettlementId,
    by: AccountId,
    now: Timestamp,
) -> sqlx::Result<()> {
    sqlx::query!(
        "update settlement set version = version + 1, status = 'confirmed', confirmed_by = $2,
             confirmed_at = $3
         where id = $1",
        id.0,
        by.0,
        now,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// A locked statement was paid.
///
/// # Errors
/// The database's.
pub async fn pay(
    conn: &mut Connection,
    id: SettlementId,
    document_no: &str,
    by: AccountId,
    now: Timestamp,
) -> sqlx::Result<()> {
    sqlx::query!(
        "update settlement set version = version + 1, status = 'paid', paid_by = $2, paid_at = $3,
             document_no = $4
         where id = $1",
        id.0,
        by.0,
        now,
        document_no,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// The merchant says that a line of a locked statement is wrong.
///
/// # Errors
/// The database's; `settlement_dispute_once` when it is disputed already, `settlement_dispute_line`
/// when there is no such line.
pub async fn dispute(
    conn: &mut Connection,
    id: SettlementId,
    line: i32,
    reason: &str,
    by: AccountId,
    now: Timestamp,
) -> sqlx::Result<()> {
    sqlx::query!(
        "with moved as (update settlement set version = version + 1 where id = $2)
         insert into settlement_dispute (id, settlement, line, reason, raised_by, raised_at)
         values ($1, $2, $3, $4, $5, $6)",
        random::id::<SettlementDisputeId>(now).0,
        id.0,
        line,
        reason,
        by.0,
        now,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// A line in dispute.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Disputed {
    /// Who says that it is wrong.
    pub raised_by: AccountId,
    /// What was redeemed.
    pub offer: OfferId,
    /// Who pays; the merchant itself where there is none.
    pub budget: Option<BudgetId>,
}

/// The dispute of a line of a locked statement that waits for an answer.
///
/// # Errors
/// The database's.
pub async fn waiting(
    conn: &mut Connection,
    id: SettlementId,
    line: i32,
) -> sqlx::Result<Option<Disputed>> {
    sqlx::query_as!(
        Disputed,
        r#"select raised_by as "raised_by: AccountId", offer as "offer: OfferId", budget as "budget: BudgetId"
           from settlement_dispute as dispute
           join settlement_line as line on line.settlement = dispute.settlement and n = dispute.line
           where dispute.settlement = $1 and line = $2 and decided_at is null"#,
        id.0,
        line,
    )
    .fetch_optional(conn)
    .await
}

/// The organiser answers the dispute of a line of a locked statement.
///
/// # Errors
/// The database's.
pub async fn answer(
    conn: &mut Connection,
    (id, line): (SettlementId, i32),
    answer: &Answer,
    by: AccountId,
    now: Timestamp,
) -> sqlx::Result<()> {
    sqlx::query!(
        "with moved as (update settlement set version = version + 1 where id = $1)
         update settlement_dispute set upheld = $3, fen = $4, answer = $5, decided_by = $6, decided_at = $7
         where settlement = $1 and line = $2",
        id.0,
        line,
        answer.fen.is_some(),
        answer.fen,
        answer.words,
        by.0,
        now,
    )
    .execute(conn)
    .await?;
    Ok(())
}
