//! Accounts, persons and roles.

use domain::{
    id::{AccountId, RoleGrantId},
    identity::{Grant, Lockout, Role, password::PasswordAge},
    org::NodeCode,
    page::{Cursor, PageRequest},
    time::Timestamp,
};
use uuid::Uuid;

use super::Connection;

pub mod credential;
pub mod oidc;
pub mod phone_code;
pub mod session;
pub mod staff;

/// An account as colleagues and the person see it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account {
    /// Its id.
    pub id: AccountId,
    /// The name it logs in by; none for a resident.
    pub username: Option<String>,
    /// What people see.
    pub display_name: String,
    /// When it came to be.
    pub created_at: Timestamp,
    /// Since when it is disabled.
    pub disabled_at: Option<Timestamp>,
    /// Why, in an administrator's words.
    pub disabled_reason: Option<String>,
    /// After too many wrong passwords it is locked until then.
    pub locked_until: Option<Timestamp>,
}

/// A staff account to be made.
#[derive(Debug)]
pub struct NewStaff<'a> {
    /// Its id.
    pub id: AccountId,
    /// The name it logs in by.
    pub username: &'a str,
    /// A PHC string.
    pub password_hash: &'a str,
    /// What people see.
    pub display_name: &'a str,
}

/// A resident's account to be made at the first log-in.
#[derive(Debug)]
pub struct NewResident<'a> {
    /// Its id.
    pub id: AccountId,
    /// The id of the role `resident` on `self`.
    pub grant: RoleGrantId,
    /// What people see; never a full name.
    pub display_name: &'a str,
    /// The blind index of the openid.
    pub open_id_index: &'a [u8],
    /// The openid, sealed.
    pub open_id_sealed: &'a [u8],
}

/// A staff account at the moment of log-in.
#[derive(Debug)]
pub struct Credentials {
    /// The account.
    pub id: AccountId,
    /// A PHC string.
    pub password_hash: String,
    /// Wrong passwords so far.
    pub lockout: Lockout,
    /// It is disabled.
    pub disabled: bool,
    /// How old the password is.
    pub age: PasswordAge,
}

/// Makes a staff account, without roles.
///
/// # Errors
/// The database's, among them `account_username_key` when the name is taken.
pub async fn insert_staff(
    conn: &mut Connection,
    staff: &NewStaff<'_>,
    now: Timestamp,
) -> sqlx::Result<()> {
    sqlx::query!(
        "insert into account (id, username, password_hash, display_name, created_at)
        values ($1, $2, $3, $4, $5)",
        staff.id.0,
        staff.username,
        staff.password_hash,
        staff.display_name,
        now,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Makes a resident's account with its person and its role, unless the openid has one already;
/// says whether it did. A concurrent first log-in of the same person waits and then makes none.
///
/// # Errors
/// The database's.
pub async fn insert_resident(
    conn: &mut Connection,
    resident: &NewResident<'_>,
    now: Timestamp,
) -> sqlx::Result<bool> {
    // The foreign keys are checked at the statement's end, when all three rows are there.
    let made = sqlx::query!(
        "with owner as (
            insert into person (account_id, open_id_index, open_id_sealed) values ($1, $2, $3)
            on conflict (open_id_index) do nothing
            returning account_id
        ), made as (
            insert into account (id, display_name, created_at)
            select account_id, $4, $5 from owner
            returning id
        )
        insert into role_grant (id, account_id, role, scope, granted_at)
        select $6, id, 'resident', 'self', $5 from made",
        resident.id.0,
        resident.open_id_index,
        resident.open_id_sealed,
        resident.display_name,
        now,
        resident.grant.0,
    )
    .execute(conn)
    .await?;
    Ok(made.rows_affected() == 1)
}

/// Keeps a phone number that was verified, in place of an earlier one. The same number may stand
/// with another account: that both are one person's is what [`same_person`] tells.
///
/// # Errors
/// The database's.
pub async fn set_phone(
    conn: &mut Connection,
    account: AccountId,
    index: &[u8],
    sealed: &[u8],
) -> sqlx::Result<()> {
    sqlx::query!(
        "insert into person (account_id, phone_index, phone_sealed) values ($1, $2, $3)
         on conflict (account_id) do update
         set phone_index = excluded.phone_index, phone_sealed = excluded.phone_sealed",
        account.0,
        index,
        sealed,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// The phone number of an account, sealed.
///
/// # Errors
/// The database's.
pub async fn phone(conn: &mut Connection, account: AccountId) -> sqlx::Result<Option<Vec<u8>>> {
    let row =
        sqlx::query_scalar!("select phone_sealed from person where account_id = $1", account.0)
            .fetch_optional(conn)
            .await?;
    Ok(row.flatten())
}

/// Whether an account is certainly the same person's as one of others: the same account, or the same
/// phone.
///
/// # Errors
/// The database's.
pub async fn same_person(
    conn: &mut Connection,
    one: AccountId,
    others: &[AccountId],
) -> sqlx::Result<bool> {
    let others: Vec<Uuid> = others.iter().map(|other| other.0).collect();
    sqlx::query_scalar!(
        r#"select $1::uuid = any($2::uuid[]) or exists (
               select from person a join person b on b.phone_index = a.phone_index
               where a.account_id = $1 and b.account_id = any($2)
           ) as "same!""#,
        one.0,
        &others,
    )
    .fetch_one(conn)
    .await
}

/// Whether somebody else, who is another person, holds one of the roles on a scope.
///
/// # Errors
/// The database's.
pub async fn another_holds(
    conn: &mut Connection,
    account: AccountId,
    roles: &[Role],
    scope: &NodeCode,
) -> sqlx::Result<bool> {
    let roles: Vec<String> = roles.iter().map(|role| role.code().to_owned()).collect();
    sqlx::query_scalar!(
        r#"select exists (
               select from role_grant g
               join account a on a.id = g.account_id and a.disabled_at is null
               where g.scope = $3 and g.role = any($2) and g.revoked_at is null
                   and g.account_id <> $1
                   and not exists (
                       select from person one join person other on other.phone_index = one.phone_index
                       where one.account_id = g.account_id and other.account_id = $1)
           ) as "another!""#,
        account.0,
        &roles,
        scope.as_str(),
    )
    .fetch_one(conn)
    .await
}

/// Grants a role on a scope; granting what is held changes nothing.
///
/// # Errors
/// The database's.
pub async fn grant(
    conn: &mut Connection,
    id: RoleGrantId,
    account: AccountId,
    grant: &Grant,
    now: Timestamp,
) -> sqlx::Result<()> {
    sqlx::query!(
        "insert into role_grant (id, account_id, role, scope, granted_at)
        values ($1, $2, $3, $4, $5)
        on conflict (account_id, role, scope) where revoked_at is null do nothing",
        id.0,
        account.0,
        grant.role.code(),
        grant.scope,
        now,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Takes a role on a scope back; one that is not held changes nothing.
///
/// # Errors
/// The database's.
pub async fn revoke(
    conn: &mut Connection,
    account: AccountId,
    grant: &Grant,
    now: Timestamp,
) -> sqlx::Result<()> {
    sqlx::query!(
        "update role_grant set revoked_at = $4
         where account_id = $1 and role = $2 and scope = $3 and revoked_at is null",
        account.0,
        grant.role.code(),
        grant.scope,
        now,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// The account that WeChat knows by this openid.
///
/// # Errors
/// The database's.
pub async fn find_by_open_id(
    conn: &mut Connection,
    open_id_index: &[u8],
) -> sqlx::Result<Option<Account>> {
    sqlx::query_as!(
        Account,
        r#"select a.id as "id: AccountId", a.username, a.display_name, a.created_at,
            a.disabled_at, a.disabled_reason, a.locked_until
        from person p join account a on a.id = p.account_id
        where p.open_id_index = $1"#,
        open_id_index,
    )
    .fetch_optional(conn)
    .await
}

/// An account by its id.
///
/// # Errors
/// The database's.
pub async fn find(conn: &mut Connection, id: AccountId) -> sqlx::Result<Option<Account>> {
    sqlx::query_as!(
        Account,
        r#"select id as "id: AccountId", username, display_name, created_at, disabled_at,
            disabled_reason, locked_until
        from account where id = $1"#,
        id.0,
    )
    .fetch_optional(conn)
    .await
}

/// A staff account's id by the name it logs in by.
///
/// # Errors
/// The database's.
pub async fn find_by_username(
    conn: &mut Connection,
    username: &str,
) -> sqlx::Result<Option<AccountId>> {
    sqlx::query_scalar!(
        r#"select id as "id: AccountId" from account where username = $1"#,
        username
    )
    .fetch_optional(conn)
    .await
}

/// The roles an account holds, in the order they were granted.
///
/// # Errors
/// The database's, or a stored role that the program does not know.
pub async fn grants(conn: &mut Connection, account: AccountId) -> sqlx::Result<Vec<Grant>> {
    sqlx::query_as!(
        Grant,
        r#"select role as "role: Role", scope from role_grant
        where account_id = $1 and revoked_at is null
        order by granted_at, id"#,
        account.0,
    )
    .fetch_all(conn)
    .await
}

/// What accounts are narrowed to; a role and a scope together mean that role on that scope.
#[derive(Debug, Clone, Copy, Default)]
pub struct AccountFilter<'a> {
    /// How the username or the display name begins.
    pub prefix: Option<&'a str>,
    /// A role held now.
    pub role: Option<Role>,
    /// A scope on which a role is held now.
    pub scope: Option<&'a str>,
}

/// Accounts, newest first, with one row more than the page.
///
/// # Errors
/// The database's.
pub async fn list(
    conn: &mut Connection,
    filter: AccountFilter<'_>,
    page: PageRequest,
) -> sqlx::Result<Vec<Account>> {
    sqlx::query_as!(
        Account,
        r#"select id as "id: AccountId", username, display_name, created_at, disabled_at,
            disabled_reason, locked_until
        from account
        where ($1::text is null or starts_with(username, $1) or starts_with(display_name, $1))
            and ($2::timestamptz is null or (created_at, id) < ($2, $3))
            and (coalesce($5::text, $6::text) is null or exists (
                select from role_grant
                where account_id = account.id and revoked_at is null
                    and ($5 is null or role = $5) and ($6 is null or scope = $6)))
        order by created_at desc, id desc
        limit $4"#,
        filter.prefix,
        page.after.map(|Cursor { at, .. }| at),
        page.after.map(|Cursor { id, .. }| id),
        page.probe(),
        filter.role.map(Role::code),
        filter.scope,
    )
    .fetch_all(conn)
    .await
}

/// What a log-in by password needs to know of the account.
///
/// # Errors
/// The database's.
pub async fn credentials(
    conn: &mut Connection,
    username: &str,
) -> sqlx::Result<Option<Credentials>> {
    let row = sqlx::query!(
        r#"select id as "id: AccountId", password_hash as "password_hash!", failed_logins,
            locked_until, disabled_at is not null as "disabled!",
            coalesce(password_set_at, created_at) as "set_at!", password_once_until
        from account where username = $1"#,
        username,
    )
    .fetch_optional(conn)
    .await?;
    Ok(row.map(|row| Credentials {
        id: row.id,
        password_hash: row.password_hash,
        lockout: Lockout { failures: row.failed_logins, until: row.locked_until },
        disabled: row.disabled,
        age: PasswordAge { set_at: row.set_at, once_until: row.password_once_until },
    }))
}

/// Puts a password's new hash in the place of its old one, unless that changed meanwhile; says whether
/// it did.
///
/// # Errors
/// The database's.
pub async fn renew_hash(
    conn: &mut Connection,
    id: AccountId,
    old: &str,
    new: &str,
) -> sqlx::Result<bool> {
    let done = sqlx::query!(
        "update account set password_hash = $3 where id = $1 and password_hash = $2",
        id.0,
        old,
        new,
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Locks an account until the transaction ends, so that what one person does at once happens one
/// after the other.
///
/// # Errors
/// The database's.
pub async fn lock(conn: &mut Connection, id: AccountId) -> sqlx::Result<()> {
    sqlx::query!("select id from account where id = $1 for no key update", id.0)
        .fetch_one(conn)
        .await?;
    Ok(())
}

/// The failures of an account, locked until the transaction ends.
///
/// # Errors
/// The database's.
pub async fn lock_lockout(conn: &mut Connection, id: AccountId) -> sqlx::Result<Lockout> {
    let row = sqlx::query!(
        "select failed_logins, locked_until from account where id = $1 for no key update",
        id.0,
    )
    .fetch_one(conn)
    .await?;
    Ok(Lockout { failures: row.failed_logins, until: row.locked_until })
}

/// Stores the failures of an account.
///
/// # Errors
/// The database's.
pub async fn save_lockout(
    conn: &mut Connection,
    id: AccountId,
    lockout: Lockout,
) -> sqlx::Result<()> {
    sqlx::query!(
        "update account set failed_logins = $2, locked_until = $3 where id = $1",
        id.0,
        lockout.failures,
        lockout.until,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Disables an account; says whether it was enabled before.
///
/// # Errors
/// The database's.
pub async fn disable(
    conn: &mut Connection,
    id: AccountId,
    reason: &str,
    now: Timestamp,
) -> sqlx::Result<bool> {
    let changed = sqlx::query!(
        "update account set disabled_at = $2, disabled_reason = $3
        where id = $1 and disabled_at is null",
        id.0,
        now,
        reason,
    )
    .execute(conn)
    .await?;
    Ok(changed.rows_affected() == 1)
}

/// Enables an account and lifts a lock; says whether it was disabled before, and nothing when it
/// was neither disabled nor had failed log-ins.
///
/// # Errors
/// The database's.
pub async fn enable(conn: &mut Connection, id: AccountId) -> sqlx::Result<Option<bool>> {
    sqlx::query_scalar!(
        r#"update account
        set disabled_at = null, disabled_reason = null, failed_logins = 0, locked_until = null
        from (
            select id, disabled_at is not null as disabled from account where id = $1 for update
        ) as before
        where account.id = before.id
            and (before.disabled or account.locked_until is not null or account.failed_logins > 0)
        returning before.disabled as "disabled!""#,
        id.0,
    )
    .fetch_optional(conn)
    .await
}
