//! Proposals of roles (授权申请), and what stands in the way of a role.

use domain::{
    grant::{Holder, Kind, Place, Proposal, Propose, Status},
    id::{AccountId, GrantProposalId},
    identity::{Grant, Role},
    time::Timestamp,
};

use super::Connection;

pub mod read;

/// Stores a proposal.
///
/// # Errors
/// The database's, among them `grant_proposal_open` and `grant_proposal_open_username` when the same
/// waits already.
pub async fn insert(
    conn: &mut Connection,
    id: GrantProposalId,
    new: &Propose,
    (by, expires_at): (AccountId, Timestamp),
    now: Timestamp,
) -> sqlx::Result<()> {
    let (account, username, display_name) = match &new.holder {
        Holder::Account(account) => (Some(account.0), None, None),
        Holder::New { username, display_name } => {
            (None, Some(username.as_str()), Some(display_name.as_str()))
        }
    };
    sqlx::query!(
        "insert into grant_proposal (id, status, kind, account, username, display_name, role, scope,
             reason, urgent, proposed_by, proposed_at, expires_at)
         values ($1, 'proposed', $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)",
        id.0,
        new.kind.code(),
        account,
        username,
        display_name,
        new.grant.role.code(),
        new.grant.scope,
        new.reason,
        new.urgent,
        by.0,
        now,
        expires_at,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Locks a proposal, before the account that it is about.
///
/// # Errors
/// The database's.
pub async fn lock(conn: &mut Connection, id: GrantProposalId) -> sqlx::Result<Option<Proposal>> {
    let row = sqlx::query!(
        r#"select version, status as "status: Status", kind as "kind: Kind",
               account as "account: AccountId", username, display_name, role as "role: Role", scope,
               urgent, proposed_by as "by: AccountId", expires_at
           from grant_proposal where id = $1 for no key update"#,
        id.0,
    )
    .fetch_optional(conn)
    .await?;
    Ok(row.map(|row| Proposal {
        version: row.version,
        status: row.status,
        kind: row.kind,
        holder: match row.account {
            Some(account) => Holder::Account(account),
            None => Holder::New {
                username: row.username.unwrap_or_default(),
                display_name: row.display_name.unwrap_or_default(),
            },
        },
        grant: Grant { role: row.role, scope: row.scope },
        urgent: row.urgent,
        by: row.by,
        expires_at: row.expires_at,
    }))
}

/// What became of a proposal.
#[derive(Debug, Clone, Copy)]
pub struct Decided<'a> {
    /// Where it stands now.
    pub status: Status,
    /// By whom; none where its time ran out.
    pub by: Option<AccountId>,
    /// Why not.
    pub note: Option<&'a str>,
    /// The account that was made.
    pub made: Option<AccountId>,
}

/// Stores what became of a locked proposal.
///
/// # Errors
/// The database's.
pub async fn decide(
    conn: &mut Connection,
    id: GrantProposalId,
    decided: Decided<'_>,
    now: Timestamp,
) -> sqlx::Result<()> {
    sqlx::query!(
        "update grant_proposal
         set version = version + 1, status = $2, decided_by = $3, decided_at = $4, note = $5,
             account = coalesce(account, $6)
         where id = $1",
        id.0,
        decided.status.code(),
        decided.by.map(|by| by.0),
        now,
        decided.note,
        decided.made.map(|made| made.0),
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// The accounts from which a role was taken at once, and that is not decided yet.
///
/// # Errors
/// The database's.
pub async fn suspended(conn: &mut Connection, grant: &Grant) -> sqlx::Result<Vec<AccountId>> {
    sqlx::query_scalar!(
        r#"select account as "account!: AccountId" from grant_proposal
           where role = $1 and scope = $2 and urgent and status = 'proposed'"#,
        grant.role.code(),
        grant.scope,
    )
    .fetch_all(conn)
    .await
}

/// Proposals whose time is over, the longest first.
///
/// # Errors
/// The database's.
pub async fn due(
    conn: &mut Connection,
    now: Timestamp,
    limit: i64,
) -> sqlx::Result<Vec<GrantProposalId>> {
    sqlx::query_scalar!(
        r#"select id as "id: GrantProposalId" from grant_proposal
           where status = 'proposed' and expires_at <= $1 order by expires_at, id limit $2"#,
        now,
        limit,
    )
    .fetch_all(conn)
    .await
}

/// The roles of whoever an account belongs to: its own, and those of accounts with the same phone.
///
/// # Errors
/// The database's, or a stored role that the program does not know.
pub async fn roles_of_person(conn: &mut Connection, account: AccountId) -> sqlx::Result<Vec<Role>> {
    sqlx::query_scalar!(
        r#"select distinct role as "role: Role" from role_grant
           where revoked_at is null and (account_id = $1 or account_id in (
               select other.account_id from person own
               join person other on other.phone_index = own.phone_index
               where own.account_id = $1))"#,
        account.0,
    )
    .fetch_all(conn)
    .await
}

/// Whether there is an account, and nobody asked to erase it.
///
/// # Errors
/// The database's.
pub async fn can_hold(conn: &mut Connection, account: AccountId) -> sqlx::Result<bool> {
    sqlx::query_scalar!(
        r#"select exists (
               select from account
               where id = $1 and not exists (select from erasure where account_id = $1)
           ) as "can!""#,
        account.0,
    )
    .fetch_one(conn)
    .await
}

/// Whether a scope is one of these places, and in use.
///
/// # Errors
/// The database's.
pub async fn is_place(conn: &mut Connection, places: &[Place], scope: &str) -> sqlx::Result<bool> {
    let kinds: Vec<String> = places
        .iter()
        .filter_map(|place| match place {
            Place::Node(kind) => Some(kind.code().to_owned()),
            Place::Merchant | Place::WorkUnit => None,
        })
        .collect();
    sqlx::query_scalar!(
        r#"select exists (select from org_node where code = $1 and active and kind = any($2))
               or ($3 and exists (select from merchant where code = $1))
               or ($4 and exists (select from work_unit where code = $1)) as "is!""#,
        scope,
        &kinds,
        places.contains(&Place::Merchant),
        places.contains(&Place::WorkUnit),
    )
    .fetch_one(conn)
    .await
}

/// The enabled accounts of security administrators, locked in order: while they are, none of them
/// goes, and none comes that another proposal counts. Who went while we waited is counted no more: they
/// are read by a second statement, which sees what was committed until then.
///
/// # Errors
/// The database's.
pub async fn lock_administrators(conn: &mut Connection) -> sqlx::Result<Vec<AccountId>> {
    administrators(&mut *conn).await?;
    administrators(conn).await
}

async fn administrators(conn: &mut Connection) -> sqlx::Result<Vec<AccountId>> {
    sqlx::query_scalar!(
        r#"select id as "id: AccountId" from account
           where disabled_at is null and exists (
               select from role_grant
               where account_id = account.id and role = 'security_admin' and revoked_at is null)
           order by id for no key update"#,
    )
    .fetch_all(conn)
    .await
}
