//! Service posts and their claims (服务岗位、认领). Whoever changes a claim locks its post first,
//! then the claim, then the person. Lists and details are in [`read`].

use domain::{
    complaint::Location,
    event::NewEvent,
    id::{AccountId, ClaimId, PostId},
    org::NodeCode,
    service::{Arrival, Claim, Kind, Oddity, Post, Proof, Published, Settled, Standing, Status},
    time::Timestamp,
};

use super::{Connection, event};

pub mod attendance;
pub mod dispute;
pub mod hours;
pub mod pause;
pub mod profile;
pub mod read;
pub mod seed;
pub mod series;
#[cfg(test)]
mod tests;

/// The statuses for which `holds` is true, as the database writes them.
fn codes(holds: fn(Status) -> bool) -> Vec<String> {
    let held = Status::ALL.iter().filter(|status| holds(**status));
    held.map(|status| status.code().to_owned()).collect()
}

/// Stores a new post.
///
/// # Errors
/// The database is away.
pub async fn insert_post(
    conn: &mut Connection,
    published: &Published,
    now: Timestamp,
) -> Result<(), sqlx::Error> {
    let Published { description, place, skills, title, post } = published;
    sqlx::query!(
        "insert into post (id, community_code, kind, title, description, place, lng, lat, starts_at,
             ends_at, capacity, skills, factor_percent, tolerance_metres, created_by, created_at)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)",
        post.id.0,
        post.community.as_str(),
        post.kind.code(),
        title,
        description.as_deref(),
        place.as_deref(),
        post.location.map(|at| at.lng),
        post.location.map(|at| at.lat),
        post.starts_at,
        post.ends_at,
        post.capacity,
        skills,
        post.factor_percent,
        post.tolerance,
        post.created_by.0,
        now,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// A post, locked until the transaction ends: its places are given one after the other.
///
/// # Errors
/// The database is away.
pub async fn lock_post(conn: &mut Connection, id: PostId) -> Result<Option<Post>, sqlx::Error> {
    let row = sqlx::query!(
        r#"select version, community_code as "community: NodeCode", kind as "kind: Kind", starts_at,
               ends_at, capacity, taken, factor_percent, tolerance_metres, lng, lat,
               created_by as "created_by: AccountId", cancelled_at,
               -- Who asked for it is served.
               (select account_id from service_request r where r.id = post.request_id)
                   as "requested_by: AccountId"
           from post where id = $1
           for no key update"#,
        id.0,
    )
    .fetch_optional(conn)
    .await?;
    Ok(row.map(|row| Post {
        id,
        version: row.version,
        community: row.community,
        kind: row.kind,
        starts_at: row.starts_at,
        ends_at: row.ends_at,
        capacity: row.capacity,
        taken: row.taken,
        factor_percent: row.factor_percent,
        tolerance: row.tolerance_metres,
        location: row.lng.zip(row.lat).map(|(lng, lat)| Location { lng, lat }),
        created_by: row.created_by,
        requested_by: row.requested_by,
        cancelled_at: row.cancelled_at,
    }))
}

/// Saves what calling a post off changes.
///
/// # Errors
/// The database is away.
pub async fn save_post(conn: &mut Connection, post: &Post) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "update post set version = version + 1, cancelled_at = $2 where id = $1",
        post.id.0,
        post.cancelled_at,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Saves what a change made of a post.
///
/// # Errors
/// The database is away; `post_not_overbooked`.
pub async fn change_post(conn: &mut Connection, to: &Published) -> Result<(), sqlx::Error> {
    let Published { description, place, skills, title, post } = to;
    sqlx::query!(
        "update post set version = version + 1, kind = $2, title = $3, description = $4, place = $5,
             lng = $6, lat = $7, starts_at = $8, ends_at = $9, capacity = $10, skills = $11,
             factor_percent = $12, tolerance_metres = $13
         where id = $1",
        post.id.0,
        post.kind.code(),
        title,
        description.as_deref(),
        place.as_deref(),
        post.location.map(|at| at.lng),
        post.location.map(|at| at.lat),
        post.starts_at,
        post.ends_at,
        post.capacity,
        skills,
        post.factor_percent,
        post.tolerance,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Adds a place to a locked post that has none free: somebody was there after all.
///
/// # Errors
/// The database is away.
pub async fn make_room(conn: &mut Connection, post: &Post) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "update post set capacity = capacity + 1 where id = $1 and taken >= capacity",
        post.id.0,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Whether anybody ever claimed the post: a claim keeps the post's times.
///
/// # Errors
/// The database is away.
pub async fn is_claimed(conn: &mut Connection, post: PostId) -> Result<bool, sqlx::Error> {
    sqlx::query_scalar!(
        r#"select exists (select from claim where post_id = $1) as "claimed!""#,
        post.0
    )
    .fetch_one(conn)
    .await
}

/// Counts a locked post's places anew; answers the post with its count.
///
/// # Errors
/// The database is away; `post_not_overbooked`.
pub async fn recount(conn: &mut Connection, post: &Post) -> Result<Post, sqlx::Error> {
    let taken = sqlx::query_scalar!(
        "update post set taken = (
             select count(*)::int from claim where post_id = $1 and status = any($2)
         )
         where id = $1
         returning taken",
        post.id.0,
        &codes(Status::holds_place),
    )
    .fetch_one(conn)
    .await?;
    Ok(Post { taken, ..post.clone() })
}

/// The post that a claim is on.
///
/// # Errors
/// The database is away.
pub async fn post_of(conn: &mut Connection, claim: ClaimId) -> Result<Option<PostId>, sqlx::Error> {
    sqlx::query_scalar!(r#"select post_id as "id: PostId" from claim where id = $1"#, claim.0)
        .fetch_optional(conn)
        .await
}

/// What an account has claimed that touches a post, and whether it may claim. Call it under the
/// account's lock.
///
/// # Errors
/// The database is away.
pub async fn standing(
    conn: &mut Connection,
    account: AccountId,
    post: &Post,
    now: Timestamp,
) -> Result<Standing, sqlx::Error> {
    let paused_until = pause::until(conn, account, now).await?;
    let rows = sqlx::query!(
        r#"select post_id = $2 as "here!", status = any($4) as "holds!",
               lower(during) as "from!", upper(during) as "to!"
           from claim
           where account_id = $1
               and (post_id = $2 and status <> 'cancelled'
                   or post_id <> $2 and status = any($4) and upper(during) >= $3)
           union all
           -- What was served elsewhere holds the time as well.
           select false, true, lower(during), upper(during)
           from imported_service
           where account_id = $1 and withdrawn_at is null and upper(during) >= $3"#,
        account.0,
        post.id.0,
        post.starts_at,
        &codes(Status::holds_time),
    )
    .fetch_all(conn)
    .await?;
    Ok(Standing {
        claimed: rows.iter().any(|row| row.here),
        busy: rows
            .iter()
            .filter(|row| row.holds && !row.here)
            .map(|row| (row.from, row.to))
            .collect(),
        paused_until,
    })
}

/// Counts a wrong code. It is no step: the claim's version stays.
///
/// # Errors
/// The database is away.
pub async fn count_wrong_code(conn: &mut Connection, claim: ClaimId) -> Result<(), sqlx::Error> {
    sqlx::query!("update claim set wrong_codes = wrong_codes + 1 where id = $1", claim.0)
        .execute(conn)
        .await?;
    Ok(())
}

/// Stores a new claim with its events.
///
/// # Errors
/// The database is away; `claim_once`, `claim_no_overlap`.
pub async fn insert_claim(
    conn: &mut Connection,
    claim: &Claim,
    events: &[NewEvent],
    now: Timestamp,
) -> Result<i32, sqlx::Error> {
    let last = sqlx::query_scalar!(
        "insert into claim (id, last_seq, post_id, account_id, status, during, claimed_at)
         select $1, $2, id, $4, $5, during, $6 from post where id = $3
         returning last_seq",
        claim.id.0,
        i32::try_from(events.len()).unwrap_or(i32::MAX),
        claim.post.0,
        claim.account.0,
        claim.status.code(),
        claim.claimed_at,
    )
    .fetch_one(&mut *conn)
    .await?;
    event::append(conn, claim.id.0, last, events, Some(claim.account), now).await?;
    Ok(last)
}

struct Row {
    id: ClaimId,
    version: i64,
    post: PostId,
    account: AccountId,
    status: Status,
    claimed_at: Timestamp,
    wrong_codes: i16,
    short_notice: bool,
    cancelled_late: bool,
    checked_in_at: Option<Timestamp>,
    checked_in_by: Option<Proof>,
    checked_in_away: Option<i32>,
    check_in_oddities: Vec<Oddity>,
    checked_out_at: Option<Timestamp>,
    minutes: Option<i32>,
    points: Option<i64>,
    comment: Option<String>,
    settled_at: Option<Timestamp>,
    settled_by: Option<AccountId>,
}

impl From<Row> for Claim {
    fn from(row: Row) -> Self {
        let (comment, by) = (row.comment, row.settled_by);
        let (away, oddities) = (row.checked_in_away, row.check_in_oddities);
        let arrived = row.checked_in_at.zip(row.checked_in_by);
        Self {
            id: row.id,
            version: row.version,
            post: row.post,
            account: row.account,
            status: row.status,
            claimed_at: row.claimed_at,
            wrong_codes: row.wrong_codes.into(),
            short_notice: row.short_notice,
            cancelled_late: row.cancelled_late,
            checked_in: arrived.map(|(at, proof)| Arrival { at, proof, away, oddities }),
            checked_out_at: row.checked_out_at,
            minutes: row.minutes,
            points: row.points,
            settled: row.settled_at.map(|at| Settled { at, by, comment }),
        }
    }
}

/// Which claims of a locked post are wanted.
#[derive(Debug, Clone, Copy)]
pub enum Which {
    /// This one.
    One(ClaimId),
    /// The first who waits.
    FirstWaiting,
    /// Every one that is not over.
    Open,
}

/// Claims of a locked post, locked in the order in which they were made.
///
/// # Errors
/// The database is away.
pub async fn lock_claims(
    conn: &mut Connection,
    post: PostId,
    which: Which,
) -> Result<Vec<Claim>, sqlx::Error> {
    let (id, statuses, limit) = match which {
        Which::One(id) => (Some(id.0), codes(|_| true), 1),
        Which::FirstWaiting => (None, codes(|status| status == Status::Waitlisted), 1),
        Which::Open => (None, codes(|status| !status.is_ended()), i64::MAX),
    };
    let rows = sqlx::query_as!(
        Row,
        r#"select id as "id: ClaimId", version, post_id as "post: PostId",
               account_id as "account: AccountId", status as "status: Status", claimed_at,
               wrong_codes, short_notice, cancelled_late, checked_in_at,
               checked_in_by as "checked_in_by: Proof", checked_in_away,
               check_in_oddities as "check_in_oddities: Vec<Oddity>", checked_out_at, minutes, points, comment, settled_at, settled_by as "settled_by: AccountId"
           from claim
           where post_id = $1 and ($2::uuid is null or id = $2) and status = any($3)
           order by line
           limit $4
           for no key update"#,
        post.0,
        id,
        &statuses,
        limit,
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(Claim::from).collect())
}

/// Saves a claim with its events. Answers the number of its last event.
///
/// # Errors
/// The database is away, or refuses what breaks an invariant.
pub async fn save_claim(
    conn: &mut Connection,
    claim: &Claim,
    events: &[NewEvent],
    by: Option<AccountId>,
    now: Timestamp,
) -> Result<i32, sqlx::Error> {
    let (settled, arrived) = (claim.settled.as_ref(), claim.checked_in.as_ref());
    let oddities = arrived.map(|arrived| &arrived.oddities).into_iter().flatten();
    let oddities: Vec<String> = oddities.map(|oddity| oddity.code().to_owned()).collect();
    let last = sqlx::query_scalar!(
        "update claim set version = version + 1, last_seq = last_seq + $2, status = $3,
             checked_in_at = $4, checked_in_by = $5, checked_out_at = $6, minutes = $7, points = $8,
             comment = $9, settled_at = $10, settled_by = $11, short_notice = $12,
             cancelled_late = $13, checked_in_away = $14, check_in_oddities = $15
         where id = $1
         returning last_seq",
        claim.id.0,
        i32::try_from(events.len()).unwrap_or(i32::MAX),
        claim.status.code(),
        arrived.map(|arrived| arrived.at),
        arrived.map(|arrived| arrived.proof.code()),
        claim.checked_out_at,
        claim.minutes,
        claim.points,
        settled.and_then(|settled| settled.comment.as_deref()),
        settled.map(|settled| settled.at),
        settled.and_then(|settled| settled.by).map(|by| by.0),
        claim.short_notice,
        claim.cancelled_late,
        arrived.and_then(|arrived| arrived.away),
        &oddities,
    )
    .fetch_one(&mut *conn)
    .await?;
    event::append(conn, claim.id.0, last, events, by, now).await?;
    Ok(last)
}
