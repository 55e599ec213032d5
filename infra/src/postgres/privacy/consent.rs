//! Notices and consents (告知与同意).

use domain::{
    id::{AccountId, ConsentId},
    privacy::Purpose,
    time::Timestamp,
};

use super::super::Connection;

/// A notice in effect.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notice {
    /// What for.
    pub purpose: Purpose,
    /// Its version, from 1.
    pub version: i32,
    /// Its title.
    pub title: String,
    /// What it says.
    pub text: String,
    /// Since when it counts.
    pub effective_from: Timestamp,
}

/// A person's consent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Consent {
    /// Its id.
    pub id: ConsentId,
    /// What for.
    pub purpose: Purpose,
    /// To which version of the notice.
    pub version: i32,
    /// When it was given.
    pub given_at: Timestamp,
    /// When it was withdrawn.
    pub withdrawn_at: Option<Timestamp>,
}

/// The notice of each purpose that is in effect.
///
/// # Errors
/// The database's.
pub async fn notices(conn: &mut Connection, now: Timestamp) -> sqlx::Result<Vec<Notice>> {
    sqlx::query_as!(
        Notice,
        r#"select distinct on (purpose) purpose as "purpose: Purpose", version, title, text,
               effective_from
           from privacy_notice where effective_from <= $1
           order by purpose, version desc"#,
        now,
    )
    .fetch_all(conn)
    .await
}

/// Whether there is such a version, in effect.
///
/// # Errors
/// The database's.
pub async fn exists(
    conn: &mut Connection,
    purpose: Purpose,
    version: i32,
    now: Timestamp,
) -> sqlx::Result<bool> {
    sqlx::query_scalar!(
        r#"select exists (
               select from privacy_notice
               where purpose = $1 and version = $2 and effective_from <= $3
           ) as "exists!""#,
        purpose.code(),
        version,
        now,
    )
    .fetch_one(conn)
    .await
}

/// Keeps a consent; says whether it is new.
///
/// # Errors
/// The database's.
pub async fn give(
    conn: &mut Connection,
    id: ConsentId,
    account: AccountId,
    (purpose, version): (Purpose, i32),
    now: Timestamp,
) -> sqlx::Result<bool> {
    let given = sqlx::query!(
        "insert into consent (id, account_id, purpose, version, given_at) values ($1, $2, $3, $4, $5)
         on conflict (account_id, purpose, version) where withdrawn_at is null do nothing",
        id.0,
        account.0,
        purpose.code(),
        version,
        now,
    )
    .execute(conn)
    .await?;
    Ok(given.rows_affected() == 1)
}

/// Withdraws every consent to a purpose; says how many there were.
///
/// # Errors
/// The database's.
pub async fn withdraw(
    conn: &mut Connection,
    account: AccountId,
    purpose: Purpose,
    now: Timestamp,
) -> sqlx::Result<u64> {
    let withdrawn = sqlx::query!(
        "update consent set withdrawn_at = greatest($3, given_at)
         where account_id = $1 and purpose = $2 and withdrawn_at is null",
        account.0,
        purpose.code(),
        now,
    )
    .execute(conn)
    .await?;
    Ok(withdrawn.rows_affected())
}

/// A person's consents, the latest first, at most 200.
///
/// # Errors
/// The database's.
pub async fn of(conn: &mut Connection, account: AccountId) -> sqlx::Result<Vec<Consent>> {
    sqlx::query_as!(
        Consent,
        r#"select id as "id: ConsentId", purpose as "purpose: Purpose", version, given_at,
               withdrawn_at
           from consent where account_id = $1 order by given_at desc, id desc limit 200"#,
        account.0,
    )
    .fetch_all(conn)
    .await
}

/// Whether the person consents to the notice of a purpose that is in effect.
///
/// # Errors
/// The database's.
pub async fn holds(
    conn: &mut Connection,
    account: AccountId,
    purpose: Purpose,
    now: Timestamp,
) -> sqlx::Result<bool> {
    sqlx::query_scalar!(
        r#"select exists (
               select from consent
               where account_id = $1 and purpose = $2 and withdrawn_at is null
                   and version = (
                       select max(version) from privacy_notice
                       where purpose = $2 and effective_from <= $3
                   )
           ) as "holds!""#,
        account.0,
        purpose.code(),
        now,
    )
    .fetch_one(conn)
    .await
}
