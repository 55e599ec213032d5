//! Codes sent to phones, and the accounts that a phone opens.

use domain::{
    id::{AccountId, PhoneCodeId, RoleGrantId},
    identity::phone_code::{PER_DAY, Standing},
    time::Timestamp,
};

use super::Account;
use crate::postgres::Connection;

/// A code to be sent.
#[derive(Debug)]
pub struct NewCode<'a> {
    /// Its id, of which the code is a MAC.
    pub id: PhoneCodeId,
    /// The blind index of the phone.
    pub index: &'a [u8],
    /// The phone, sealed.
    pub sealed: &'a [u8],
}

/// A resident's account to be made for a phone.
#[derive(Debug)]
pub struct NewByPhone<'a> {
    /// Its id.
    pub id: AccountId,
    /// The id of the role `resident` on `self`.
    pub grant: RoleGrantId,
    /// What people see; never a full name.
    pub display_name: &'a str,
    /// The blind index of the phone.
    pub index: &'a [u8],
    /// The phone, sealed.
    pub sealed: &'a [u8],
}

/// An account of a phone.
#[derive(Debug)]
pub struct OfPhone {
    /// The account.
    pub account: Account,
    /// It was made for the phone, and WeChat does not know it.
    pub by_phone: bool,
}

/// When the last codes of a phone were made, the newest first, at most as many as a day allows. What
/// is asked for one phone at once happens one after the other from here on.
///
/// # Errors
/// The database's.
pub async fn lock_before(conn: &mut Connection, index: &[u8]) -> sqlx::Result<Vec<Timestamp>> {
    sqlx::query!(
        "select pg_advisory_xact_lock(hashtextextended('phone_code' || encode($1, 'hex'), 0))",
        index,
    )
    .execute(&mut *conn)
    .await?;
    sqlx::query_scalar!(
        "select created_at from phone_code where phone_index = $1
         order by created_at desc, id desc limit $2",
        index,
        i64::try_from(PER_DAY).unwrap_or(i64::MAX),
    )
    .fetch_all(conn)
    .await
}

/// Keeps a code that is to be sent.
///
/// # Errors
/// The database's.
pub async fn insert(conn: &mut Connection, new: &NewCode<'_>, now: Timestamp) -> sqlx::Result<()> {
    sqlx::query!(
        "insert into phone_code (id, phone_index, phone_sealed, created_at)
         values ($1, $2, $3, $4)",
        new.id.0,
        new.index,
        new.sealed,
        now,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Notes that a code is about to be sent, and answers where to and when it was made; nothing when it
/// was sent already, or may have been.
///
/// # Errors
/// The database's.
pub async fn begin_sending(
    conn: &mut Connection,
    id: PhoneCodeId,
    now: Timestamp,
) -> sqlx::Result<Option<(Vec<u8>, Timestamp)>> {
    let row = sqlx::query!(
        r#"update phone_code set sending_at = $2
           where id = $1 and sending_at is null and outcome is null
           returning phone_sealed as "sealed!", created_at"#,
        id.0,
        now,
    )
    .fetch_optional(conn)
    .await?;
    Ok(row.map(|row| (row.sealed, row.created_at)))
}

/// Takes back [`begin_sending`]: it surely was not sent.
///
/// # Errors
/// The database's.
pub async fn not_sent(conn: &mut Connection, id: PhoneCodeId) -> sqlx::Result<()> {
    sqlx::query!(
        "update phone_code set sending_at = null where id = $1 and outcome is null",
        id.0,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Notes what came of sending a code, and forgets where to; the first word stands.
///
/// # Errors
/// The database's.
pub async fn finish(conn: &mut Connection, id: PhoneCodeId, outcome: &str) -> sqlx::Result<()> {
    sqlx::query!(
        "update phone_code set outcome = $2, phone_sealed = null
         where id = $1 and outcome is null",
        id.0,
        outcome,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// The newest code of a phone, locked: of several that are tried at once, one after the other.
///
/// # Errors
/// The database's.
pub async fn lock_newest(
    conn: &mut Connection,
    index: &[u8],
) -> sqlx::Result<Option<(PhoneCodeId, Standing)>> {
    let row = sqlx::query!(
        r#"select id as "id: PhoneCodeId", created_at, tries, used_at is not null as "used!"
           from phone_code where phone_index = $1
           order by created_at desc, id desc limit 1
           for update"#,
        index,
    )
    .fetch_optional(conn)
    .await?;
    Ok(row.map(|row| {
        (row.id, Standing { created_at: row.created_at, tries: row.tries, used: row.used })
    }))
}

/// Counts a wrong try.
///
/// # Errors
/// The database's.
pub async fn missed(conn: &mut Connection, id: PhoneCodeId) -> sqlx::Result<()> {
    sqlx::query!("update phone_code set tries = tries + 1 where id = $1", id.0)
        .execute(conn)
        .await?;
    Ok(())
}

/// Uses a code up.
///
/// # Errors
/// The database's.
pub async fn use_up(conn: &mut Connection, id: PhoneCodeId, now: Timestamp) -> sqlx::Result<()> {
    sqlx::query!(
        "update phone_code set used_at = greatest($2, created_at) where id = $1",
        id.0,
        now,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// The residents' accounts of a phone: those made for it first, then in the order in which they came
/// to be; at most three. A staff account is never among them: it has a password.
///
/// # Errors
/// The database's.
pub async fn accounts(conn: &mut Connection, index: &[u8]) -> sqlx::Result<Vec<OfPhone>> {
    let rows = sqlx::query!(
        r#"select a.id as "id: AccountId", a.username, a.display_name, a.created_at,
               a.disabled_at, a.disabled_reason, a.locked_until, p.open_id_index is null as "by_phone!"
           from person p join account a on a.id = p.account_id
           where p.phone_index = $1 and a.username is null
               -- Not one that is being erased; and who works for a merchant works by WeChat: a
               -- number that went to somebody else opens no till.
               and not exists (select from erasure e where e.account_id = a.id)
               and (p.open_id_index is null or not exists (
                   select from role_grant g where g.account_id = a.id and g.revoked_at is null
                       and g.role not in ('resident', 'party_member')))
           order by p.open_id_index is null desc, a.created_at, a.id
           limit 3"#,
        index,
    )
    .fetch_all(conn)
    .await?;
    let rows = rows.into_iter().map(|row| OfPhone {
        account: Account {
            id: row.id,
            username: row.username,
            display_name: row.display_name,
            created_at: row.created_at,
            disabled_at: row.disabled_at,
            disabled_reason: row.disabled_reason,
            locked_until: row.locked_until,
        },
        by_phone: row.by_phone,
    });
    Ok(rows.collect())
}

/// Makes a resident's account for a phone, with its person and its role. The code's lock lets one
/// do so at a time.
///
/// # Errors
/// The database's.
pub async fn insert_resident(
    conn: &mut Connection,
    new: &NewByPhone<'_>,
    now: Timestamp,
) -> sqlx::Result<()> {
    // The foreign keys are checked at the statement's end, when all three rows are there.
    sqlx::query!(
        "with made as (
            insert into account (id, display_name, created_at) values ($1, $2, $3)
            returning id
        ), owner as (
            insert into person (account_id, phone_index, phone_sealed)
            select id, $4, $5 from made
        )
        insert into role_grant (id, account_id, role, scope, granted_at)
        select $6, id, 'resident', 'self', $3 from made",
        new.id.0,
        new.display_name,
        now,
        new.index,
        new.sealed,
        new.grant.0,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Forgets the codes that were made before an instant; at most 10,000.
///
/// # Errors
/// The database's.
pub async fn sweep(conn: &mut Connection, before: Timestamp) -> sqlx::Result<()> {
    sqlx::query!(
        "delete from phone_code where id in (
            select id from phone_code where created_at < $1 limit 10000
        )",
        before,
    )
    .execute(conn)
    .await?;
    Ok(())
}
