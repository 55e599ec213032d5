//! Redemptions: the hold on points and on a piece, its code, and its one end. Lock order: account →
//! hold → lot → offer.

use domain::{
    id::{AccountId, OfferId, RedemptionId},
    points::Part,
    redemption::{Redemption, Status},
    time::Timestamp,
};
use uuid::Uuid;

use super::Connection;

pub mod read;
pub mod till;
pub mod voucher;

/// A code, and eight digits, as they are found and as they are shown again.
#[derive(Debug, Clone)]
pub struct Sealed {
    /// The blind index.
    pub index: Vec<u8>,
    /// The text, sealed.
    pub sealed: Vec<u8>,
}

/// A hold to be made.
#[derive(Debug, Clone)]
pub struct NewHold<'a> {
    /// Its id.
    pub id: RedemptionId,
    /// Whose points.
    pub account: AccountId,
    /// Of which offer.
    pub offer: OfferId,
    /// What the client called the request.
    pub client_key: &'a str,
    /// Which of the person's pieces it is.
    pub slot: i16,
    /// How many points.
    pub points: i64,
    /// From which lots.
    pub parts: &'a [Part],
    /// The code is good before this instant.
    pub expires_at: Timestamp,
    /// The code.
    pub code: &'a Sealed,
    /// The merchant of the offer.
    pub merchant: &'a str,
    /// Digits to choose from: the first that nobody has at the merchant now are taken.
    pub digits: &'a [Sealed],
}

/// Sets points aside: hold, its parts, lots and account in one statement, under the account's
/// lock. The piece of the offer is claimed after it. Answers which of the digits were taken.
///
/// # Errors
/// The database's; `hold_client_key` when the client has used the key before;
/// `redemption_digits_open` when somebody takes the same digits in the same moment.
pub async fn hold(
    conn: &mut Connection,
    new: &NewHold<'_>,
    now: Timestamp,
) -> sqlx::Result<Option<usize>> {
    let lots: Vec<Uuid> = new.parts.iter().map(|part| part.lot.0).collect();
    let amounts: Vec<i64> = new.parts.iter().map(|part| part.amount).collect();
    let (indexes, sealed) = columns(new.digits);
    let taken = sqlx::query_scalar!(
        r#"with made as (
             insert into hold (id, account, offer, client_key, slot, points, created_at, expires_at)
             values ($1, $2, $3, $4, $5, $6, $7, $8)
         ), free as (
             select digits.index, digits.sealed, digits.n
             from unnest($13::bytea[], $14::bytea[]) with ordinality as digits (index, sealed, n)
             where not exists (
                 select from redemption where digits_index = digits.index and digits_open
             )
             order by n limit 1
         ), shown as (
             insert into redemption
                 (id, merchant, code_index, code_sealed, digits_index, digits_sealed, digits_open)
             select $1, $15, $9, $10, free.index, free.sealed, free.n is not null
             from (select) as one left join free on true
         ), part as (
             insert into hold_lot (hold, lot, amount)
             select $1, lot, amount from unnest($11::uuid[], $12::bigint[]) as given (lot, amount)
             returning lot, amount
         ), lots as (
             update point_lot set held = held + part.amount from part where point_lot.id = part.lot
         )
         update points_account set held = held + $6 where id = $2
         returning (select n from free)"#,
        new.id.0,
        new.account.0,
        new.offer.0,
        new.client_key,
        new.slot,
        new.points,
        now,
        new.expires_at,
        &new.code.index,
        &new.code.sealed,
        &lots,
        &amounts,
        &indexes,
        &sealed,
        new.merchant,
    )
    .fetch_one(conn)
    .await?;
    Ok(place(taken))
}

fn columns(digits: &[Sealed]) -> (Vec<Vec<u8>>, Vec<Vec<u8>>) {
    digits.iter().map(|one| (one.index.clone(), one.sealed.clone())).unzip()
}

/// The database counts from one.
fn place(taken: Option<i64>) -> Option<usize> {
    taken.and_then(|n| usize::try_from(n - 1).ok())
}

/// Gives a waiting redemption another code and other digits: what was shown or printed before is
/// nothing any more. Answers which of the digits were taken.
///
/// # Errors
/// The database's; `redemption_digits_open` when somebody takes the same digits in the same moment.
pub async fn recode(
    conn: &mut Connection,
    id: RedemptionId,
    code: &Sealed,
    digits: &[Sealed],
) -> sqlx::Result<Option<usize>> {
    let (indexes, sealed) = columns(digits);
    let taken = sqlx::query_scalar!(
        "with free as (
             select digits.index, digits.sealed, digits.n
             from unnest($4::bytea[], $5::bytea[]) with ordinality as digits (index, sealed, n)
             where not exists (
                 select from redemption where digits_index = digits.index and digits_open
             )
             order by n limit 1
         )
         update redemption set code_index = $2, code_sealed = $3,
             digits_index = free.index, digits_sealed = free.sealed, digits_open = free.n is not null
         from (select) as one left join free on true
         where id = $1
         returning free.n",
        id.0,
        &code.index,
        &code.sealed,
        &indexes,
        &sealed,
    )
    .fetch_one(conn)
    .await?;
    Ok(place(taken))
}

/// Where a redemption belongs; none of it ever changes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// The redemption.
    pub id: RedemptionId,
    /// Whose points.
    pub account: AccountId,
    /// How many.
    pub points: i64,
    /// The code of the merchant whose offer it is.
    pub merchant: String,
    /// The merchant's account in the ledger.
    pub payee: Uuid,
    /// The blind index of its code; a picture of the code is bound to it.
    pub code_index: Vec<u8>,
}

/// By what a redemption is found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum By<'a> {
    /// Its id.
    Id(RedemptionId),
    /// The blind index of its code.
    Code(&'a [u8]),
    /// The blind index of its digits: of those that have ended the last.
    Digits(&'a [u8]),
}

/// Finds a redemption, without locking it.
///
/// # Errors
/// The database's.
pub async fn find(conn: &mut Connection, by: By<'_>) -> sqlx::Result<Option<Place>> {
    let (id, code, digits) = match by {
        By::Id(id) => (Some(id.0), None, None),
        By::Code(index) => (None, Some(index), None),
        By::Digits(index) => (None, None, Some(index)),
    };
    sqlx::query_as!(
        Place,
        r#"select hold.id as "id: RedemptionId", hold.account as "account: AccountId", hold.points,
               redemption.merchant, payee.id as payee, code_index
           from redemption
           join hold on hold.id = redemption.id
           join points_account as payee on payee.merchant = redemption.merchant
           where redemption.id = $1 or redemption.code_index = $2 or redemption.digits_index = $3
           order by digits_open desc, redemption.id desc
           limit 1"#,
        id,
        code,
        digits,
    )
    .fetch_optional(conn)
    .await
}

/// A redemption that is locked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Locked {
    /// As its rules see it.
    pub redemption: Redemption,
    /// The blind index of its code as it is now: a voucher may have been printed anew since it was found.
    pub code_index: Vec<u8>,
}

/// Locks a redemption, after its account.
///
/// # Errors
/// The database's; there is none.
pub async fn lock(conn: &mut Connection, id: RedemptionId) -> sqlx::Result<Locked> {
    let row = sqlx::query!(
        r#"select state, refunded_at is not null as "refunded!", expires_at,
               verified_by as "verified_by: AccountId", verified_at, code_index,
               exists (select from merchant_suspension
                   where merchant_suspension.merchant = redemption.merchant and lifted_at is null) as "suspended!"
           from hold join redemption on redemption.id = hold.id
           where hold.id = $1 for no key update of hold"#,
        id.0,
    )
    .fetch_one(conn)
    .await?;
    let redemption = Redemption {
        status: status(&row.state, row.refunded),
        expires_at: row.expires_at,
        verified: row.verified_by.zip(row.verified_at),
        suspended: row.suspended,
    };
    Ok(Locked { redemption, code_index: row.code_index })
}

fn status(state: &str, refunded: bool) -> Status {
    match (state, refunded) {
        ("confirmed", false) => Status::Verified,
        ("confirmed", true) => Status::Refunded,
        ("cancelled", _) => Status::Cancelled,
        ("expired", _) => Status::Expired,
        // The constraint hold_state leaves only this.
        _ => Status::Held,
    }
}

/// Confirms a hold: its points leave the lots and the account. The movement is posted beside it.
///
/// # Errors
/// The database's.
pub async fn confirm(
    conn: &mut Connection,
    id: RedemptionId,
    by: AccountId,
    now: Timestamp,
) -> sqlx::Result<()> {
    sqlx::query!(
        "with ended as (
             update hold set state = 'confirmed', ended_at = $3 where id = $1 returning account, points
         ), shown as (
             update redemption set verified_by = $2, verified_at = $3, digits_open = false
             where id = $1
         ), lots as (
             update point_lot set held = held - amount, remaining = remaining - amount
             from hold_lot where hold_lot.hold = $1 and point_lot.id = hold_lot.lot
         )
         update points_account set posted = posted - ended.points, held = held - ended.points
         from ended where points_account.id = ended.account",
        id.0,
        by.0,
        now,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Lets a hold go, cancelled or expired: points, slot and piece come back.
///
/// # Errors
/// The database's.
pub async fn release(
    conn: &mut Connection,
    id: RedemptionId,
    to: Status,
    now: Timestamp,
) -> sqlx::Result<()> {
    sqlx::query!(
        "with ended as (
             update hold set state = $2, slot = null, ended_at = $3 where id = $1
             returning account, points
         ), shown as (
             update redemption set digits_open = false where id = $1
         ), lots as (
             update point_lot set held = held - amount
             from hold_lot where hold_lot.hold = $1 and point_lot.id = hold_lot.lot
         )
         update points_account set held = held - ended.points
         from ended where points_account.id = ended.account",
        id.0,
        to.code(),
        now,
    )
    .execute(&mut *conn)
    .await?;
    super::offer::free_unit(conn, id).await
}

/// Undoes a confirmed hold: the points go back into the lots they came from, slot and piece come
/// back. The reversing movement is posted beside it.
///
/// # Errors
/// The database's.
pub async fn refund(conn: &mut Connection, id: RedemptionId, now: Timestamp) -> sqlx::Result<()> {
    sqlx::query!(
        "with ended as (
             update hold set slot = null where id = $1 returning account, points
         ), shown as (
             update redemption set refunded_at = $2 where id = $1
         ), lots as (
             update point_lot set remaining = remaining + amount
             from hold_lot where hold_lot.hold = $1 and point_lot.id = hold_lot.lot
         )
         update points_account set posted = posted + ended.points
         from ended where points_account.id = ended.account",
        id.0,
        now,
    )
    .execute(&mut *conn)
    .await?;
    super::offer::free_unit(conn, id).await
}
