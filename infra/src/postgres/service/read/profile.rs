//! Who fits which post, as it is read.

use domain::{
    complaint::Location,
    id::{AccountId, PostId},
    org::NodeCode,
    scope::Scope,
    service::{Kind, Status, matching::Helper},
    time::Timestamp,
};

use crate::postgres::{Connection, service::codes};

/// What the caller says they know, and whether organisers may be told of them.
///
/// # Errors
/// The database is away.
pub async fn own(conn: &mut Connection, scope: &Scope) -> Result<(Vec<String>, bool), sqlx::Error> {
    let row = sqlx::query!(
        "select skills, suggest from service_profile where account_id = $1",
        scope.account().0,
    )
    .fetch_optional(conn)
    .await?;
    Ok(row.map(|row| (row.skills, row.suggest)).unwrap_or_default())
}

/// The caller as posts are matched with them. Where they are is told each time and never kept.
///
/// # Errors
/// The database is away.
pub async fn helper(conn: &mut Connection, scope: &Scope) -> Result<Helper, sqlx::Error> {
    let row = sqlx::query!(
        r#"select coalesce(s.skills, '{}') as "skills!",
               (select community_code from registration r
                   where r.account_id = $1 and r.status = 'signed') as "community: NodeCode",
               array(select distinct p.kind from claim c join post p on p.id = c.post_id
                   where c.account_id = $1 and c.status = 'confirmed') as "kinds!: Vec<Kind>"
           from (select) as one
           left join service_profile s on s.account_id = $1"#,
        scope.account().0,
    )
    .fetch_one(conn)
    .await?;
    let (skills, kinds) = (row.skills, row.kinds);
    Ok(Helper { skills, community: row.community, location: None, kinds })
}

/// A post that may be suggested to somebody.
#[derive(Debug, Clone)]
pub struct Offered {
    /// The post.
    pub id: PostId,
    /// What it is about.
    pub kind: Kind,
    /// What helps to know.
    pub skills: Vec<String>,
    /// The community that offers it.
    pub community: NodeCode,
    /// Where it is.
    pub location: Option<Location>,
    /// When it begins.
    pub starts_at: Timestamp,
}

/// The posts that begin within a span and may be suggested to the caller, the soonest first, at most
/// so many: none of their own, none that they claimed, none at a time that something else of theirs
/// holds.
///
/// # Errors
/// The database is away.
pub async fn offered(
    conn: &mut Connection,
    scope: &Scope,
    (from, until): (Timestamp, Timestamp),
    limit: i64,
) -> Result<Vec<Offered>, sqlx::Error> {
    let rows = sqlx::query!(
        r#"select p.id as "id: PostId", p.kind as "kind: Kind", p.skills,
               p.community_code as "community: NodeCode", p.lng, p.lat, p.starts_at
           from post p
           where p.cancelled_at is null and p.starts_at >= $2 and p.starts_at < $3
               and p.created_by <> $1
               and not exists (select from service_request r
                   where r.id = p.request_id and r.account_id = $1)
               and not exists (select from claim c
                   where c.account_id = $1 and (
                       c.post_id = p.id and c.status <> 'cancelled'
                       or c.during && p.during and c.status = any($4)))
               and not exists (select from imported_service i
                   where i.account_id = $1 and i.withdrawn_at is null and i.during && p.during)
           order by p.starts_at, p.id
           limit $5"#,
        scope.account().0,
        from,
        until,
        &codes(Status::holds_time),
        limit,
    )
    .fetch_all(conn)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| Offered {
            id: row.id,
            kind: row.kind,
            skills: row.skills,
            community: row.community,
            location: row.lng.zip(row.lat).map(|(lng, lat)| Location { lng, lat }),
            starts_at: row.starts_at,
        })
        .collect())
}

/// Somebody who may be suggested for a post.
#[derive(Debug, Clone)]
pub struct Candidate {
    /// Who.
    pub account: AccountId,
    /// As they show.
    pub person: String,
    /// What is matched.
    pub helper: Helper,
    /// Whether they were invited.
    pub invited: bool,
}

/// People who agreed to be suggested, have nothing else at the time of a post, have not claimed it
/// and may claim; at most so many. Call it for a post that the caller organises.
///
/// # Errors
/// The database is away.
pub async fn candidates(
    conn: &mut Connection,
    _scope: &Scope,
    post: PostId,
    limit: i64,
    now: Timestamp,
) -> Result<Vec<Candidate>, sqlx::Error> {
    let rows = sqlx::query!(
        r#"select s.account_id as "account: AccountId", a.display_name as person, s.skills,
               (select community_code from registration r
                   where r.account_id = s.account_id and r.status = 'signed')
                   as "community: NodeCode",
               array(select distinct q.kind from claim c join post q on q.id = c.post_id
                   where c.account_id = s.account_id and c.status = 'confirmed')
                   as "kinds!: Vec<Kind>",
               exists (select from post_invitation i
                   where i.post_id = p.id and i.account_id = s.account_id) as "invited!"
           from post p
           cross join service_profile s
           join account a on a.id = s.account_id and a.disabled_at is null
           where p.id = $1 and s.suggest and s.account_id <> p.created_by
               and not exists (select from service_request r
                   where r.id = p.request_id and r.account_id = s.account_id)
               and not exists (select from claim c
                   where c.account_id = s.account_id and (
                       c.post_id = p.id and c.status <> 'cancelled'
                       or c.during && p.during and c.status = any($4)))
               and not exists (select from imported_service i
                   where i.account_id = s.account_id and i.withdrawn_at is null
                       and i.during && p.during)
               and not exists (select from service_pause u
                   where u.account_id = s.account_id and u.lifted_at is null and u.until_at > $3)
           order by s.changed_at desc
           limit $2"#,
        post.0,
        limit,
        now,
        &codes(Status::holds_time),
    )
    .fetch_all(conn)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| Candidate {
            account: row.account,
            person: row.person,
            helper: Helper {
                skills: row.skills,
                community: row.community,
                location: None,
                kinds: row.kinds,
            },
            invited: row.invited,
        })
        .collect())
}
