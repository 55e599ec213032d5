//! Sessions and their refresh tokens.

use domain::{
    id::{AccountId, SessionId},
    identity::{Actor, Grant, Means, Presented, Role, SessionEnd},
    page::{Cursor, PageRequest},
    time::Timestamp,
};
use uuid::Uuid;

use crate::postgres::{Connection, audit::Origin};

/// The session that a refresh token belongs to, locked.
#[derive(Debug)]
pub struct LockedSession {
    /// The session.
    pub id: SessionId,
    /// Whose it is.
    pub account: AccountId,
    /// It must end then.
    pub expires_at: Timestamp,
    /// It was ended.
    pub ended: bool,
    /// The account is disabled.
    pub disabled: bool,
    /// A staff account, which has a shorter life.
    pub staff: bool,
}

/// A refresh token as it is stored.
#[derive(Debug, Clone, Copy)]
pub struct StoredToken<'a> {
    /// Its SHA-256.
    pub hash: &'a [u8],
    /// It is good before this instant.
    pub expires_at: Timestamp,
}

/// A session to be opened.
#[derive(Debug, Clone, Copy)]
pub struct NewSession<'a> {
    /// Its id.
    pub id: SessionId,
    /// Whose it is.
    pub account: AccountId,
    /// By what they logged in.
    pub means: Means,
    /// It must end then.
    pub expires_at: Timestamp,
    /// The first refresh token of its family.
    pub token: StoredToken<'a>,
}

/// Opens a session.
///
/// # Errors
/// The database's.
pub async fn open(
    conn: &mut Connection,
    new: NewSession<'_>,
    origin: &Origin,
    now: Timestamp,
) -> sqlx::Result<()> {
    sqlx::query!(
        "with opened as (
            insert into session
                (id, account_id, created_at, expires_at, user_agent, address, means)
            values ($1, $2, $3, $4, $7, $8, $9)
            returning id
        )
        insert into refresh_token (hash, session_id, issued_at, expires_at)
        select $5, id, $3, $6 from opened",
        new.id.0,
        new.account.0,
        now,
        new.expires_at,
        new.token.hash,
        new.token.expires_at,
        origin.user_agent,
        origin.address,
        new.means.code(),
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// By what an account's session was opened, and when its person last showed who they are: then, or
/// when they confirmed it.
///
/// # Errors
/// The database's.
pub async fn shown(
    conn: &mut Connection,
    session: SessionId,
) -> sqlx::Result<Option<(Option<Means>, Timestamp)>> {
    let row = sqlx::query!(
        r#"select means as "means: Means", coalesce(confirmed_at, created_at) as "at!"
        from session where id = $1"#,
        session.0,
    )
    .fetch_optional(conn)
    .await?;
    Ok(row.map(|row| (row.means, row.at)))
}

/// Notes that the person of a session showed once more who they are.
///
/// # Errors
/// The database's.
pub async fn confirm(
    conn: &mut Connection,
    session: SessionId,
    now: Timestamp,
) -> sqlx::Result<()> {
    sqlx::query!("update session set confirmed_at = $2 where id = $1", session.0, now)
        .execute(conn)
        .await?;
    Ok(())
}

/// What the devices of an account call themselves, those of its last log-ins.
///
/// # Errors
/// The database's.
pub async fn devices(
    conn: &mut Connection,
    account: AccountId,
) -> sqlx::Result<Vec<Option<String>>> {
    sqlx::query_scalar!(
        "select user_agent from session where account_id = $1 order by created_at desc limit 100",
        account.0,
    )
    .fetch_all(conn)
    .await
}

/// Notes the device and the place from which a session was renewed.
///
/// # Errors
/// The database's.
pub async fn seen(conn: &mut Connection, session: SessionId, origin: &Origin) -> sqlx::Result<()> {
    sqlx::query!(
        "update session set user_agent = $2, address = $3
        where id = $1 and (user_agent, address) is distinct from ($2, $3)",
        session.0,
        origin.user_agent,
        origin.address,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Who a session belongs to and what they hold, if it is alive: neither ended nor run out, and the
/// account not disabled.
///
/// # Errors
/// The database's, or a stored role that the program does not know.
pub async fn alive(
    conn: &mut Connection,
    session: SessionId,
    now: Timestamp,
) -> sqlx::Result<Option<Actor>> {
    Ok(alive_of(conn, &[session], now).await?.pop().map(|(_, actor)| actor))
}

/// The same of many sessions at once: those that are alive.
///
/// # Errors
/// The database's, or a stored role that the program does not know.
pub async fn alive_of(
    conn: &mut Connection,
    sessions: &[SessionId],
    now: Timestamp,
) -> sqlx::Result<Vec<(SessionId, Actor)>> {
    let sessions: Vec<Uuid> = sessions.iter().map(|session| session.0).collect();
    let rows = sqlx::query!(
        r#"select s.id as "id: SessionId", s.account_id as "account: AccountId",
            array(select role from role_grant
                where account_id = s.account_id and revoked_at is null
                order by granted_at, id) as "roles!: Vec<Role>",
            array(select scope from role_grant
                where account_id = s.account_id and revoked_at is null
                order by granted_at, id) as "scopes!"
        from session s join account a on a.id = s.account_id
        where s.id = any($1) and s.ended_at is null and s.expires_at > $2
            and a.disabled_at is null"#,
        &sessions,
        now,
    )
    .fetch_all(conn)
    .await?;
    let actor = |account, roles: Vec<Role>, scopes: Vec<String>| {
        let grants = roles.into_iter().zip(scopes).map(|(role, scope)| Grant { role, scope });
        Actor { account, grants: grants.collect() }
    };
    Ok(rows.into_iter().map(|row| (row.id, actor(row.account, row.roles, row.scopes))).collect())
}

/// Finds the session of a refresh token and locks it: of several requests with tokens of one
/// family, one at a time goes on.
///
/// # Errors
/// The database's.
pub async fn lock_of(
    conn: &mut Connection,
    token_hash: &[u8],
) -> sqlx::Result<Option<LockedSession>> {
    sqlx::query_as!(
        LockedSession,
        r#"select s.id as "id: SessionId", s.account_id as "account: AccountId", s.expires_at,
            s.ended_at is not null as "ended!", a.disabled_at is not null as "disabled!",
            a.username is not null as "staff!"
        from session s join account a on a.id = s.account_id
        where s.id = (select session_id from refresh_token where hash = $1)
        for update of s"#,
        token_hash,
    )
    .fetch_optional(conn)
    .await
}

/// What is known of a presented token and its successor. Read it after the session is locked, in
/// a statement of its own: it must see what the request before it committed.
///
/// # Errors
/// The database's.
pub async fn presented(
    conn: &mut Connection,
    token_hash: &[u8],
    successor_hash: &[u8],
    session_over: bool,
) -> sqlx::Result<Presented> {
    sqlx::query_as!(
        Presented,
        r#"select t.expires_at, t.used_at,
            exists (select from refresh_token where hash = $2 and used_at is not null)
                as "successor_used!",
            $3::boolean as "session_over!"
        from refresh_token t where t.hash = $1"#,
        token_hash,
        successor_hash,
        session_over,
    )
    .fetch_one(conn)
    .await
}

/// Exchanges a token for its successor.
///
/// # Errors
/// The database's.
pub async fn rotate(
    conn: &mut Connection,
    token_hash: &[u8],
    successor: StoredToken<'_>,
    now: Timestamp,
) -> sqlx::Result<()> {
    sqlx::query!(
        "with used as (
            update refresh_token set used_at = $2 where hash = $1 and used_at is null
            returning session_id
        )
        insert into refresh_token (hash, session_id, issued_at, expires_at)
        select $3, session_id, $2, $4 from used",
        token_hash,
        now,
        successor.hash,
        successor.expires_at,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Ends a session; ending one that is over changes nothing.
///
/// # Errors
/// The database's.
pub async fn end(
    conn: &mut Connection,
    session: SessionId,
    reason: SessionEnd,
    now: Timestamp,
) -> sqlx::Result<()> {
    sqlx::query!(
        "update session set ended_at = $2, end_reason = $3 where id = $1 and ended_at is null",
        session.0,
        now,
        reason.code(),
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// A log-in that goes on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpenSession {
    /// Its id.
    pub id: SessionId,
    /// When the person logged in.
    pub created_at: Timestamp,
    /// When its tokens were renewed last.
    pub renewed_at: Timestamp,
    /// It must end then.
    pub expires_at: Timestamp,
    /// What the device calls itself.
    pub user_agent: Option<String>,
    /// The address it was opened or last renewed from.
    pub address: Option<String>,
    /// By what the person logged in.
    pub means: Option<Means>,
}

/// The log-ins of an account that go on: neither ended, run out, nor idle for too long. Newest first.
///
/// # Errors
/// The database's.
pub async fn list(
    conn: &mut Connection,
    account: AccountId,
    page: PageRequest,
    now: Timestamp,
) -> sqlx::Result<Vec<OpenSession>> {
    sqlx::query_as!(
        OpenSession,
        r#"select s.id as "id: SessionId", s.created_at, s.expires_at, s.user_agent, s.address,
            s.means as "means: Means",
            (select max(issued_at) from refresh_token t where t.session_id = s.id)
                as "renewed_at!"
        from session s
        where s.account_id = $1 and s.ended_at is null and s.expires_at > $2
            and exists (
                select from refresh_token t
                where t.session_id = s.id and t.used_at is null and t.expires_at > $2)
            and ($3::timestamptz is null or (s.created_at, s.id) < ($3, $4))
        order by s.created_at desc, s.id desc
        limit $5"#,
        account.0,
        now,
        page.after.map(|Cursor { at, .. }| at),
        page.after.map(|Cursor { id, .. }| id),
        page.probe(),
    )
    .fetch_all(conn)
    .await
}

/// Whether a session, over or not, is an account's.
///
/// # Errors
/// The database's.
pub async fn is_of(
    conn: &mut Connection,
    session: SessionId,
    account: AccountId,
) -> sqlx::Result<bool> {
    sqlx::query_scalar!(
        r#"select exists (select from session where id = $1 and account_id = $2) as "is!""#,
        session.0,
        account.0,
    )
    .fetch_one(conn)
    .await
}

/// Notes that a session came from where it may not be used; says whether it is the first time.
///
/// # Errors
/// The database's.
pub async fn refuse_network(
    conn: &mut Connection,
    session: SessionId,
    now: Timestamp,
) -> sqlx::Result<bool> {
    let first = sqlx::query!(
        "update session set network_refused_at = $2 where id = $1 and network_refused_at is null",
        session.0,
        now,
    )
    .execute(conn)
    .await?;
    Ok(first.rows_affected() == 1)
}

/// Ends every session of an account but one, and names them.
///
/// # Errors
/// The database's.
pub async fn end_others(
    conn: &mut Connection,
    account: AccountId,
    kept: SessionId,
    reason: SessionEnd,
    now: Timestamp,
) -> sqlx::Result<Vec<SessionId>> {
    let ended: Vec<Uuid> = sqlx::query_scalar!(
        "update session set ended_at = $3, end_reason = $4
        where account_id = $1 and id <> $2 and ended_at is null
        returning id",
        account.0,
        kept.0,
        now,
        reason.code(),
    )
    .fetch_all(conn)
    .await?;
    Ok(ended.into_iter().map(SessionId).collect())
}

/// Ends every session of an account and names them.
///
/// # Errors
/// The database's.
pub async fn end_all(
    conn: &mut Connection,
    account: AccountId,
    reason: SessionEnd,
    now: Timestamp,
) -> sqlx::Result<Vec<SessionId>> {
    let ended: Vec<Uuid> = sqlx::query_scalar!(
        "update session set ended_at = $2, end_reason = $3
        where account_id = $1 and ended_at is null
        returning id",
        account.0,
        now,
        reason.code(),
    )
    .fetch_all(conn)
    .await?;
    Ok(ended.into_iter().map(SessionId).collect())
}

/// The open log-ins of an account: their copies are to be forgotten.
///
/// # Errors
/// The database's.
pub async fn open_of(conn: &mut Connection, account: AccountId) -> sqlx::Result<Vec<SessionId>> {
    sqlx::query_scalar!(
        r#"select id as "id: SessionId" from session where account_id = $1 and ended_at is null"#,
        account.0,
    )
    .fetch_all(conn)
    .await
}

/// Ends the log-ins of an account that were by a code sent to its phone.
///
/// # Errors
/// The database's.
pub async fn end_phone(
    conn: &mut Connection,
    account: AccountId,
    now: Timestamp,
) -> sqlx::Result<()> {
    sqlx::query!(
        "update session set ended_at = $2, end_reason = $3
        where account_id = $1 and ended_at is null and means = 'phone'",
        account.0,
        now,
        SessionEnd::Credentials.code(),
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Marks the sessions that ran out as ended, and forgets the refresh tokens of sessions that
/// ended before `forget`; at most 10,000 of each.
///
/// # Errors
/// The database's.
pub async fn sweep(conn: &mut Connection, forget: Timestamp, now: Timestamp) -> sqlx::Result<()> {
    sqlx::query!(
        "update session set ended_at = expires_at, end_reason = $2
        where id in (
            select id from session where ended_at is null and expires_at <= $1
            limit 10000 for update skip locked
        )",
        now,
        SessionEnd::Expired.code(),
    )
    .execute(&mut *conn)
    .await?;
    sqlx::query!(
        "delete from refresh_token where hash in (
            select t.hash from refresh_token t join session s on s.id = t.session_id
            where s.ended_at < $1 limit 10000
        )",
        forget,
    )
    .execute(conn)
    .await?;
    Ok(())
}
