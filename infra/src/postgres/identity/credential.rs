//! What staff prove who they are with: passwords with their age, and the second factor.

use domain::{id::AccountId, identity::password::REMEMBERED, time::Timestamp};

use crate::postgres::Connection;

/// The hashes of the passwords before the present one that must not come again, newest first.
///
/// # Errors
/// The database's.
pub async fn past_passwords(
    conn: &mut Connection,
    account: AccountId,
) -> sqlx::Result<Vec<String>> {
    sqlx::query_scalar!(
        "select hash from password_past where account_id = $1 order by id desc limit $2",
        account.0,
        REMEMBERED - 1,
    )
    .fetch_all(conn)
    .await
}

/// A password that takes the place of another.
#[derive(Debug, Clone, Copy)]
pub struct NewPassword<'a> {
    /// A PHC string.
    pub hash: &'a str,
    /// It is a one-time password, good until then.
    pub once_until: Option<Timestamp>,
}

/// Replaces a password, if it is still the one with this hash; says whether it was. The old one is
/// remembered unless it was a one-time password; failures and a lock are forgotten.
///
/// # Errors
/// The database's.
pub async fn replace_password(
    conn: &mut Connection,
    account: AccountId,
    before: &str,
    new: NewPassword<'_>,
    now: Timestamp,
) -> sqlx::Result<bool> {
    sqlx::query!(
        "insert into password_past (account_id, hash, replaced_at)
        select id, password_hash, $3 from account
        where id = $1 and password_hash = $2 and password_once_until is null",
        account.0,
        before,
        now,
    )
    .execute(&mut *conn)
    .await?;
    let changed = sqlx::query!(
        "update account set password_hash = $3, password_set_at = $4, password_once_until = $5,
            failed_logins = 0, locked_until = null
        where id = $1 and password_hash = $2",
        account.0,
        before,
        new.hash,
        now,
        new.once_until,
    )
    .execute(&mut *conn)
    .await?;
    sqlx::query!(
        "delete from password_past where account_id = $1 and id not in (
            select id from password_past where account_id = $1 order by id desc limit $2
        )",
        account.0,
        REMEMBERED - 1,
    )
    .execute(conn)
    .await?;
    Ok(changed.rows_affected() == 1)
}

/// The present hash of an account's password, which is locked until the transaction ends; none for
/// an account without one.
///
/// # Errors
/// The database's, among them that there is no such account.
pub async fn lock_password(
    conn: &mut Connection,
    account: AccountId,
) -> sqlx::Result<Option<String>> {
    sqlx::query_scalar!(
        "select password_hash from account where id = $1 for no key update",
        account.0
    )
    .fetch_one(conn)
    .await
}

/// The second factor of an account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Totp {
    /// Its secret, sealed.
    pub secret_sealed: Vec<u8>,
    /// A code of it was shown: it counts.
    pub confirmed: bool,
}

/// The second factor of an account, pending or confirmed.
///
/// # Errors
/// The database's.
pub async fn totp(conn: &mut Connection, account: AccountId) -> sqlx::Result<Option<Totp>> {
    sqlx::query_as!(
        Totp,
        r#"select secret_sealed, confirmed_at is not null as "confirmed!"
        from totp where account_id = $1"#,
        account.0,
    )
    .fetch_optional(conn)
    .await
}

/// Begins a second factor, in place of one that was begun; says whether it did: a confirmed one
/// stays.
///
/// # Errors
/// The database's.
pub async fn start_totp(
    conn: &mut Connection,
    account: AccountId,
    secret_sealed: &[u8],
    now: Timestamp,
) -> sqlx::Result<bool> {
    let begun = sqlx::query!(
        "insert into totp (account_id, secret_sealed, started_at) values ($1, $2, $3)
        on conflict (account_id) do update
        set secret_sealed = excluded.secret_sealed, started_at = excluded.started_at
        where totp.confirmed_at is null",
        account.0,
        secret_sealed,
        now,
    )
    .execute(conn)
    .await?;
    Ok(begun.rows_affected() == 1)
}

/// Confirms a second factor that was begun, by the step whose code was shown.
///
/// # Errors
/// The database's.
pub async fn confirm_totp(
    conn: &mut Connection,
    account: AccountId,
    step: i64,
    now: Timestamp,
) -> sqlx::Result<()> {
    sqlx::query!(
        "update totp set confirmed_at = $3, last_step = $2
        where account_id = $1 and confirmed_at is null",
        account.0,
        step,
        now,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Takes the code of a step, if neither it nor a later one was taken; says whether it did.
///
/// # Errors
/// The database's.
pub async fn use_step(conn: &mut Connection, account: AccountId, step: i64) -> sqlx::Result<bool> {
    let used = sqlx::query!(
        "update totp set last_step = $2 where account_id = $1 and last_step < $2",
        account.0,
        step,
    )
    .execute(conn)
    .await?;
    Ok(used.rows_affected() == 1)
}

/// Removes the second factor with its recovery codes; says whether there was a confirmed one.
///
/// # Errors
/// The database's.
pub async fn remove_totp(conn: &mut Connection, account: AccountId) -> sqlx::Result<bool> {
    let confirmed = sqlx::query_scalar!(
        r#"delete from totp where account_id = $1 returning confirmed_at is not null as "was!""#,
        account.0,
    )
    .fetch_optional(conn)
    .await?;
    Ok(confirmed.unwrap_or_default())
}

/// Puts recovery codes, as MACs, in place of those before.
///
/// # Errors
/// The database's.
pub async fn set_recovery(
    conn: &mut Connection,
    account: AccountId,
    macs: &[Vec<u8>],
    now: Timestamp,
) -> sqlx::Result<()> {
    sqlx::query!("delete from totp_recovery where account_id = $1", account.0)
        .execute(&mut *conn)
        .await?;
    sqlx::query!(
        "insert into totp_recovery (account_id, mac, made_at)
        select $1, mac, $3 from unnest($2::bytea[]) as made (mac)",
        account.0,
        macs,
        now,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// The MACs of an account's recovery codes that were not used.
///
/// # Errors
/// The database's.
pub async fn unused_recovery(
    conn: &mut Connection,
    account: AccountId,
) -> sqlx::Result<Vec<Vec<u8>>> {
    sqlx::query_scalar!(
        "select mac from totp_recovery where account_id = $1 and used_at is null",
        account.0,
    )
    .fetch_all(conn)
    .await
}

/// Takes a recovery code, once; says whether it did.
///
/// # Errors
/// The database's.
pub async fn use_recovery(
    conn: &mut Connection,
    account: AccountId,
    mac: &[u8],
    now: Timestamp,
) -> sqlx::Result<bool> {
    let used = sqlx::query!(
        "update totp_recovery set used_at = $3
        where account_id = $1 and mac = $2 and used_at is null",
        account.0,
        mac,
        now,
    )
    .execute(conn)
    .await?;
    Ok(used.rows_affected() == 1)
}

/// Recovery codes of a confirmed second factor that are left; none without such a factor.
///
/// # Errors
/// The database's.
pub async fn recovery_left(conn: &mut Connection, account: AccountId) -> sqlx::Result<Option<i64>> {
    sqlx::query_scalar!(
        r#"select (
            select count(*) from totp_recovery r
            where r.account_id = t.account_id and r.used_at is null
        ) as "left!"
        from totp t where t.account_id = $1 and t.confirmed_at is not null"#,
        account.0,
    )
    .fetch_optional(conn)
    .await
}
