//! A merchant that is suspended redeems nothing, and whoever holds a code of its offers has points and
//! piece back.

use domain::{
    id::{AccountId, RedemptionId, SuspensionId},
    offer::MerchantCode,
    time::Timestamp,
};

use super::super::Connection;

/// Suspends a locked merchant. Its offers are locked first, so that whoever is just redeeming one is
/// waited for, and whoever comes later sees it.
///
/// # Errors
/// The database's; `merchant_suspension_open` when it is suspended already.
pub async fn begin(
    conn: &mut Connection,
    id: SuspensionId,
    merchant: &MerchantCode,
    reason: &str,
    by: AccountId,
    now: Timestamp,
) -> sqlx::Result<()> {
    sqlx::query!(
        "insert into merchant_suspension (id, merchant, reason, suspended_by, suspended_at)
         values ($1, $2, $3, $4, $5)",
        id.0,
        merchant.as_str(),
        reason,
        by.0,
        now,
    )
    .execute(&mut *conn)
    .await?;
    mark(conn, merchant, true).await
}

/// Lifts the suspension of a locked merchant; `false` when there is none.
///
/// # Errors
/// The database's.
pub async fn lift(
    conn: &mut Connection,
    merchant: &MerchantCode,
    reason: &str,
    by: AccountId,
    now: Timestamp,
) -> sqlx::Result<bool> {
    let lifted = sqlx::query!(
        "update merchant_suspension set lifted_by = $2, lifted_at = $3, lift_reason = $4
         where merchant = $1 and lifted_at is null",
        merchant.as_str(),
        by.0,
        now,
        reason,
    )
    .execute(&mut *conn)
    .await?;
    mark(conn, merchant, false).await?;
    Ok(lifted.rows_affected() > 0)
}

async fn mark(conn: &mut Connection, merchant: &MerchantCode, suspended: bool) -> sqlx::Result<()> {
    sqlx::query!(
        "select id from offer where merchant = $1 order by id for update",
        merchant.as_str()
    )
    .fetch_all(&mut *conn)
    .await?;
    sqlx::query!(
        "with known as (update merchant set version = version + 1 where code = $1)
         update offer set suspended = $2, version = version + 1
         where merchant = $1 and suspended is distinct from $2",
        merchant.as_str(),
        suspended,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// The merchant of a suspension that is not lifted.
///
/// # Errors
/// The database's.
pub async fn open(conn: &mut Connection, id: SuspensionId) -> sqlx::Result<Option<MerchantCode>> {
    let merchant = sqlx::query_scalar!(
        "select merchant from merchant_suspension where id = $1 and lifted_at is null",
        id.0,
    )
    .fetch_optional(conn)
    .await?;
    Ok(merchant.map(MerchantCode::trusted))
}

/// Codes of a merchant's offers that are good, in ascending account, at most so many.
///
/// # Errors
/// The database's.
pub async fn holders(
    conn: &mut Connection,
    merchant: &MerchantCode,
    limit: i64,
    now: Timestamp,
) -> sqlx::Result<Vec<RedemptionId>> {
    sqlx::query_scalar!(
        r#"select hold.id as "id: RedemptionId"
           from hold join offer on offer.id = hold.offer
           where offer.merchant = $1 and state = 'pending' and expires_at > $2
           order by hold.account, hold.id limit $3"#,
        merchant.as_str(),
        now,
        limit,
    )
    .fetch_all(conn)
    .await
}
