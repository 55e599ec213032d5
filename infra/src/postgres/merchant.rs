//! Merchants, who applied to be one, who works for them, and their suspensions.

use domain::{
    event::NewEvent,
    id::{AccountId, ApplicationId},
    identity::Role,
    merchant::{Application, Shop, Status},
    offer::MerchantCode,
    time::Timestamp,
};
use uuid::Uuid;

use super::{Connection, event};

pub mod read;
pub mod settlement;
pub mod suspension;

/// Who is behind a merchant, as it is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sealed {
    /// The blind index of the licence.
    pub licence_index: Vec<u8>,
    /// The licence, sealed.
    pub licence: Vec<u8>,
    /// Whom to call, sealed.
    pub contact_name: Vec<u8>,
    /// By which number, sealed.
    pub contact_phone: Vec<u8>,
}

/// Whether a merchant has this licence already.
///
/// # Errors
/// The database's.
pub async fn licensed(conn: &mut Connection, licence_index: &[u8]) -> sqlx::Result<bool> {
    sqlx::query_scalar!(
        r#"select exists (select from merchant where licence_index = $1) as "known!""#,
        licence_index,
    )
    .fetch_one(conn)
    .await
}

/// Stores what was handed in: a new row, or what one that waits was put right to.
///
/// # Errors
/// The database's; `merchant_application_open` when another with the licence waits.
pub async fn hand_in(
    conn: &mut Connection,
    application: &Application,
    shop: &Shop,
    sealed: &Sealed,
    now: Timestamp,
) -> sqlx::Result<()> {
    sqlx::query!(
        "insert into merchant_application (id, applicant, status, name, address, intro, lng, lat,
             licence_index, licence_sealed, contact_name_sealed, contact_phone_sealed, submitted_at)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)
         on conflict (id) do update set version = merchant_application.version + 1, status = $3, name = $4,
             address = $5, intro = $6, lng = $7, lat = $8, licence_index = $9, licence_sealed = $10,
             contact_name_sealed = $11, contact_phone_sealed = $12, submitted_at = $13,
             decided_by = null, decided_at = null, reason = null",
        application.id.0,
        application.applicant.0,
        application.status.code(),
        shop.name,
        shop.address,
        shop.intro.as_deref(),
        shop.place.map(|place| place.lng),
        shop.place.map(|place| place.lat),
        sealed.licence_index,
        sealed.licence,
        sealed.contact_name,
        sealed.contact_phone,
        now,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// An application, locked.
///
/// # Errors
/// The database's.
pub async fn lock(conn: &mut Connection, id: ApplicationId) -> sqlx::Result<Option<Application>> {
    let row = sqlx::query!(
        r#"select version, applicant as "applicant: AccountId", status as "status: Status",
               decided_by as "decided_by: AccountId", decided_at, reason, merchant
           from merchant_application where id = $1 for update"#,
        id.0,
    )
    .fetch_optional(conn)
    .await?;
    Ok(row.map(|row| Application {
        id,
        version: row.version,
        applicant: row.applicant,
        status: row.status,
        decided: row.decided_by.zip(row.decided_at),
        reason: row.reason,
        merchant: row.merchant.map(MerchantCode::trusted),
    }))
}

/// Saves where an application stands. Answers the number of its last event.
///
/// # Errors
/// The database's.
pub async fn save(
    conn: &mut Connection,
    application: &Application,
    events: &[NewEvent],
    by: Option<AccountId>,
    now: Timestamp,
) -> sqlx::Result<i32> {
    let last = sqlx::query_scalar!(
        "update merchant_application set version = version + 1, last_seq = last_seq + $2, status = $3,
             decided_by = $4, decided_at = $5, reason = $6, merchant = $7
         where id = $1 returning last_seq",
        application.id.0,
        i32::try_from(events.len()).unwrap_or(i32::MAX),
        application.status.code(),
        application.decided.map(|(by, _)| by.0),
        application.decided.map(|(_, at)| at),
        application.reason.as_deref(),
        application.merchant.as_ref().map(MerchantCode::as_str),
    )
    .fetch_one(&mut *conn)
    .await?;
    event::append(conn, application.id.0, last, events, by, now).await?;
    Ok(last)
}

/// Opens the merchant of an application, with its account in the ledger.
///
/// # Errors
/// The database's; `merchant_pkey` when another has the code, `merchant_licence` the licence.
pub async fn open(
    conn: &mut Connection,
    code: &MerchantCode,
    application: ApplicationId,
    ledger: Uuid,
    now: Timestamp,
) -> sqlx::Result<()> {
    sqlx::query!(
        "with opened as (
             insert into merchant (code, name, address, created_at, intro, lng, lat, licence_index,
                 licence_sealed, contact_name_sealed, contact_phone_sealed)
             select $1, name, address, $4, intro, lng, lat, licence_index, licence_sealed,
                 contact_name_sealed, contact_phone_sealed
             from merchant_application where id = $2
             returning code
         )
         insert into points_account (id, kind, merchant, opened_at)
         select $3, 'merchant', code, $4 from opened",
        code.as_str(),
        application.0,
        ledger,
        now,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Locks a merchant; answers its version.
///
/// # Errors
/// The database's.
pub async fn lock_shop(conn: &mut Connection, code: &MerchantCode) -> sqlx::Result<Option<i64>> {
    sqlx::query_scalar!(
        "select version from merchant where code = $1 for no key update",
        code.as_str()
    )
    .fetch_optional(conn)
    .await
}

/// Writes what residents see of a shop.
///
/// # Errors
/// The database's.
pub async fn change(conn: &mut Connection, code: &MerchantCode, shop: &Shop) -> sqlx::Result<()> {
    sqlx::query!(
        "update merchant set version = version + 1, name = $2, address = $3, intro = $4, opening = $5,
             shop_phone = $6, lng = $7, lat = $8
         where code = $1",
        code.as_str(),
        shop.name,
        shop.address,
        shop.intro.as_deref(),
        shop.opening.as_deref(),
        shop.shop_phone.as_deref(),
        shop.place.map(|place| place.lng),
        shop.place.map(|place| place.lat),
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Writes what residents see of a shop that says nothing of itself yet; one that does keeps it.
///
/// # Errors
/// The database's.
pub async fn describe(conn: &mut Connection, code: &MerchantCode, shop: &Shop) -> sqlx::Result<()> {
    let silent = sqlx::query_scalar!(
        r#"select exists (select from merchant where code = $1 and version = 1 and intro is null) as "silent!""#,
        code.as_str(),
    )
    .fetch_one(&mut *conn)
    .await?;
    if silent { change(conn, code, shop).await } else { Ok(()) }
}

/// Takes every role on a merchant from an account; answers which it held.
///
/// # Errors
/// The database's.
pub async fn unbind(
    conn: &mut Connection,
    code: &MerchantCode,
    account: AccountId,
    now: Timestamp,
) -> sqlx::Result<Vec<Role>> {
    sqlx::query_scalar!(
        r#"update role_grant set revoked_at = $3
           where scope = $1 and account_id = $2 and revoked_at is null
               and role in ('merchant_clerk', 'merchant_manager')
           returning role as "role: Role""#,
        code.as_str(),
        account.0,
        now,
    )
    .fetch_all(conn)
    .await
}

/// How many managers a merchant has.
///
/// # Errors
/// The database's.
pub async fn managers(conn: &mut Connection, code: &MerchantCode) -> sqlx::Result<i64> {
    sqlx::query_scalar!(
        r#"select count(*) as "managers!" from role_grant
           where scope = $1 and role = 'merchant_manager' and revoked_at is null"#,
        code.as_str(),
    )
    .fetch_one(conn)
    .await
}
