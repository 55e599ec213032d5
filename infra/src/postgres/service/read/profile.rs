//! Who fits which post, as it is read.

use domain::{
    id::{AccountId, PostId},
    org::NodeCode,
    scope::Scope,
    service::{Kind, matching::Helper},
    time::Timestamp,
};

use crate::postgres::Connection;

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

/// When the caller has claimed something already.
///
/// # Errors
/// The database is away.
pub async fn busy(
    conn: &mut Connection,
    scope: &Scope,
    now: Timestamp,
) -> Result<Vec<(Timestamp, Timestamp)>, sqlx::Error> {
    let rows = sqlx::query!(
        r#"select lower(during) as "from!", upper(during) as "to!" from claim
           where account_id = $1 and upper(during) > $2
               and status in ('claimed', 'waitlisted', 'checked_in', 'checked_out', 'confirmed')"#,
        scope.account().0,
        now,
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(|row| (row.from, row.to)).collect())
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
                       or c.during && p.during and c.status in (
                           'claimed', 'waitlisted', 'checked_in', 'checked_out', 'confirmed')))
               and not exists (select from service_pause u
                   where u.account_id = s.account_id and u.lifted_at is null and u.until_at > $3)
           order by s.changed_at desc
           limit $2"#,
        post.0,
        limit,
        now,
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
