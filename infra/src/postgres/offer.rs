//! Offers and the merchants that give them. A piece of an offer is a row of `offer_unit`.

use domain::{
    id::{AccountId, OfferId, RedemptionId},
    offer::{MerchantCode, NewOffer, Offer},
    time::Timestamp,
};
use uuid::Uuid;

use super::Connection;

pub mod read;
#[cfg(test)]
mod tests;

/// A merchant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Merchant {
    /// Its code.
    pub code: MerchantCode,
    /// Its name.
    pub name: String,
    /// Where it is.
    pub address: Option<String>,
}

/// Adds merchants, or brings them up to date, and opens the account of each that is new. Answers
/// how many are new.
///
/// # Errors
/// The database's.
pub async fn upsert_merchants(
    conn: &mut Connection,
    merchants: &[Merchant],
    now: Timestamp,
) -> sqlx::Result<u64> {
    let codes: Vec<String> = merchants.iter().map(|one| one.code.as_str().to_owned()).collect();
    let names: Vec<String> = merchants.iter().map(|one| one.name.clone()).collect();
    let addresses: Vec<String> =
        merchants.iter().map(|one| one.address.clone().unwrap_or_default()).collect();
    let ids: Vec<Uuid> =
        merchants.iter().map(|_| crate::random::id::<domain::id::LedgerTxId>(now).0).collect();
    sqlx::query!(
        "insert into merchant (code, name, address, created_at)
         select code, name, nullif(address, ''), $4
         from unnest($1::text[], $2::text[], $3::text[]) as given (code, name, address)
         on conflict (code) do update set name = excluded.name, address = excluded.address",
        &codes,
        &names,
        &addresses,
        now,
    )
    .execute(&mut *conn)
    .await?;
    let opened = sqlx::query!(
        "insert into points_account (id, kind, merchant, opened_at)
         select id, 'merchant', code, $3 from unnest($1::uuid[], $2::text[]) as given (id, code)
         on conflict on constraint points_account_merchant do nothing",
        &ids,
        &codes,
        now,
    )
    .execute(conn)
    .await?;
    Ok(opened.rows_affected())
}

/// Whether there is such a merchant.
///
/// # Errors
/// The database's.
pub async fn has_merchant(conn: &mut Connection, code: &MerchantCode) -> sqlx::Result<bool> {
    sqlx::query_scalar!(
        r#"select exists (select from merchant where code = $1) as "known!""#,
        code.as_str(),
    )
    .fetch_one(conn)
    .await
}

/// Publishes an offer with a row for each piece. `false` when there is one with this id.
///
/// # Errors
/// The database's.
pub async fn publish(
    conn: &mut Connection,
    id: OfferId,
    offer: &NewOffer,
    by: Option<AccountId>,
    now: Timestamp,
) -> sqlx::Result<bool> {
    let units = sqlx::query!(
        "with published as (
             insert into offer
                 (id, merchant, title, category, points, stock, per_person, valid_until,
                  published_at, published_by)
             values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
             on conflict (id) do nothing
             returning id, stock
         )
         insert into offer_unit (offer, n) select id, generate_series(1, stock) from published",
        id.0,
        offer.merchant.as_str(),
        offer.title,
        offer.category.code(),
        offer.points,
        i32::try_from(offer.stock).unwrap_or(i32::MAX),
        offer.per_person,
        offer.valid_until,
        now,
        by.map(|account| account.0),
    )
    .execute(conn)
    .await?;
    Ok(units.rows_affected() > 0)
}

/// What redeeming an offer depends on, for one person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Terms {
    /// The offer.
    pub offer: Offer,
    /// What one gets.
    pub title: String,
    /// The merchant's code.
    pub merchant: String,
    /// The merchant's name.
    pub merchant_name: String,
    /// The person's slots in use.
    pub slots: Vec<i16>,
    /// The books of the person or of the offer do not add up.
    pub blocked: bool,
    /// Every piece is taken for good. While somebody is just taking the last one, this is false.
    pub sold_out: bool,
}

/// Reads an offer for one person. Under the person's account lock the slots stand still.
///
/// # Errors
/// The database's.
pub async fn terms(
    conn: &mut Connection,
    id: OfferId,
    account: AccountId,
) -> sqlx::Result<Option<Terms>> {
    let row = sqlx::query!(
        r#"select points, per_person, valid_until, title, offer.merchant,
               merchant.name as merchant_name,
               array(select slot from hold
                     where hold.offer = offer.id and hold.account = $2 and slot is not null) as "slots!",
               exists (select from ledger_block where subject_id in ($1, $2)) as "blocked!",
               not exists (select from offer_unit where offer_unit.offer = offer.id and hold is null)
                   as "sold_out!"
           from offer join merchant on merchant.code = offer.merchant
           where id = $1"#,
        id.0,
        account.0,
    )
    .fetch_optional(conn)
    .await?;
    Ok(row.map(|row| Terms {
        offer: Offer {
            id,
            points: row.points,
            per_person: row.per_person,
            valid_until: row.valid_until,
        },
        title: row.title,
        merchant: row.merchant,
        merchant_name: row.merchant_name,
        slots: row.slots,
        blocked: row.blocked,
        sold_out: row.sold_out,
    }))
}

/// Takes a free piece for a hold; `false` when every piece is taken for good or by others who have
/// it now. Pieces that somebody is just taking are passed over first; when there are no others,
/// their outcome is waited for, so that "sold out" is never said too early.
///
/// # Errors
/// The database's.
pub async fn claim_unit(
    conn: &mut Connection,
    offer: OfferId,
    hold: RedemptionId,
) -> sqlx::Result<bool> {
    loop {
        let claimed = sqlx::query!(
            "update offer_unit set hold = $2
             where offer = $1 and n = (
                 select n from offer_unit where offer = $1 and hold is null
                 order by n limit 1 for update skip locked
             )",
            offer.0,
            hold.0,
        )
        .execute(&mut *conn)
        .await?;
        if claimed.rows_affected() > 0 {
            return Ok(true);
        }
        let waiting = sqlx::query_scalar!(
            "select n from offer_unit where offer = $1 and hold is null limit 1",
            offer.0,
        )
        .fetch_optional(&mut *conn)
        .await?;
        let Some(n) = waiting else { return Ok(false) };
        sqlx::query!("select n from offer_unit where offer = $1 and n = $2 for update", offer.0, n)
            .fetch_optional(&mut *conn)
            .await?;
    }
}

/// Gives the piece of a hold back.
///
/// # Errors
/// The database's.
pub async fn free_unit(conn: &mut Connection, hold: RedemptionId) -> sqlx::Result<()> {
    sqlx::query!("update offer_unit set hold = null where hold = $1", hold.0).execute(conn).await?;
    Ok(())
}
