//! What residents ask for (点单). Whoever changes a request locks it first, then its posts. Lists and
//! details are in [`read`].

use domain::{
    event::NewEvent,
    id::{AccountId, PostId, ServiceRequestId},
    org::NodeCode,
    request::{Request, Served, Status, Wish},
    service::Kind,
    time::Timestamp,
};

use super::{Connection, event};

pub mod read;

/// What of a wish is sealed.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Sealed {
    /// Whom it is for, where that is another.
    pub name: Option<Vec<u8>>,
    /// How to reach them.
    pub phone: Option<Vec<u8>>,
    /// Where.
    pub address: Option<Vec<u8>>,
}

/// Stores a new request with its events; answers the number of the last one.
///
/// # Errors
/// The database is away.
pub async fn insert(
    conn: &mut Connection,
    request: &Request,
    (wish, sealed): (&Wish, &Sealed),
    events: &[NewEvent],
    now: Timestamp,
) -> Result<i32, sqlx::Error> {
    let last = i32::try_from(events.len()).unwrap_or(i32::MAX);
    sqlx::query!(
        "insert into service_request (id, last_seq, account_id, community_code, kind, title, content,
             on_behalf, name_sealed, phone_sealed, address_sealed, wished_from, wished_until, status,
             submitted_at)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)",
        request.id.0,
        last,
        request.account.0,
        request.community.as_str(),
        request.kind.code(),
        wish.title,
        wish.content,
        sealed.name.is_some(),
        sealed.name,
        sealed.phone,
        sealed.address,
        wish.wished.map(|(from, _)| from),
        wish.wished.map(|(_, until)| until),
        request.status.code(),
        now,
    )
    .execute(&mut *conn)
    .await?;
    event::append(conn, request.id.0, last, events, Some(request.account), now).await?;
    Ok(last)
}

/// A request, locked until the transaction ends.
///
/// # Errors
/// The database is away.
pub async fn lock(
    conn: &mut Connection,
    id: ServiceRequestId,
) -> Result<Option<Request>, sqlx::Error> {
    sqlx::query_as!(
        Request,
        r#"select id as "id: ServiceRequestId", version, account_id as "account: AccountId",
               community_code as "community: NodeCode", kind as "kind: Kind",
               status as "status: Status"
           from service_request where id = $1 for no key update"#,
        id.0,
    )
    .fetch_optional(conn)
    .await
}

/// What of a request is sealed.
///
/// # Errors
/// The database is away.
pub async fn sealed(conn: &mut Connection, id: ServiceRequestId) -> Result<Sealed, sqlx::Error> {
    sqlx::query_as!(
        Sealed,
        "select name_sealed as name, phone_sealed as phone, address_sealed as address
         from service_request where id = $1",
        id.0,
    )
    .fetch_one(conn)
    .await
}

/// What else a step leaves in the row.
#[derive(Debug, Clone, Copy, Default)]
pub struct Left<'a> {
    /// Which officer ordered or declined it.
    pub officer: Option<AccountId>,
    /// Why it was declined.
    pub reason: Option<&'a str>,
    /// What the resident says of it.
    pub served: Option<&'a Served>,
}

/// Saves a request with its events; answers the number of the last one.
///
/// # Errors
/// The database is away, or refuses what breaks an invariant.
pub async fn save(
    conn: &mut Connection,
    request: &Request,
    left: Left<'_>,
    events: &[NewEvent],
    (by, now): (Option<AccountId>, Timestamp),
) -> Result<i32, sqlx::Error> {
    let ended = matches!(request.status, Status::Declined | Status::Cancelled | Status::Done);
    let last = sqlx::query_scalar!(
        "update service_request set version = version + 1, last_seq = last_seq + $2, status = $3,
             decided_by = coalesce($4, decided_by), reason = coalesce($5, reason), ended_at = $6,
             satisfaction = $7, comment = $8
         where id = $1
         returning last_seq",
        request.id.0,
        i32::try_from(events.len()).unwrap_or(i32::MAX),
        request.status.code(),
        left.officer.map(|officer| officer.0),
        left.reason,
        ended.then_some(now),
        left.served.map(|served| served.satisfaction),
        left.served.and_then(|served| served.comment.as_deref()),
    )
    .fetch_one(&mut *conn)
    .await?;
    event::append(conn, request.id.0, last, events, by, now).await?;
    Ok(last)
}

/// A request whose posts are all over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Over {
    /// The request.
    pub id: ServiceRequestId,
    /// Its version.
    pub version: i64,
    /// When the last of its posts ended; none where all were called off.
    pub ended_at: Option<Timestamp>,
    /// Whether somebody served at one of them.
    pub served: bool,
}

/// The ordered requests whose posts all ended before an instant, with nobody of whom the organiser
/// has still to say whether they came; in the order of their ids, `limit` at most, after one.
///
/// # Errors
/// The database is away.
pub async fn over(
    conn: &mut Connection,
    before: Timestamp,
    after: Option<ServiceRequestId>,
    limit: i64,
) -> Result<Vec<Over>, sqlx::Error> {
    sqlx::query_as!(
        Over,
        r#"select r.id as "id: ServiceRequestId", r.version,
               max(p.ends_at) filter (where p.cancelled_at is null) as ended_at,
               coalesce(bool_or(exists (select from claim c
                   where c.post_id = p.id and c.status = 'confirmed')), false) as "served!"
           from service_request r join post p on p.request_id = r.id
           where r.status = 'ordered' and ($2::uuid is null or r.id > $2)
           group by r.id
           having not bool_or(p.cancelled_at is null and p.ends_at > $1)
               and not bool_or(exists (select from claim c
                   where c.post_id = p.id and c.status in ('claimed', 'checked_in', 'checked_out')))
           order by r.id
           limit $3"#,
        before,
        after.map(|id| id.0),
        limit,
    )
    .fetch_all(conn)
    .await
}

/// Says of a new post that it was made of a request.
///
/// # Errors
/// The database is away.
pub async fn bind(
    conn: &mut Connection,
    request: ServiceRequestId,
    post: PostId,
) -> Result<(), sqlx::Error> {
    sqlx::query!("update post set request_id = $2 where id = $1", post.0, request.0)
        .execute(conn)
        .await?;
    Ok(())
}

/// The posts of a request that are not called off, in ascending id, and whether each has begun.
///
/// # Errors
/// The database is away.
pub async fn posts(
    conn: &mut Connection,
    request: ServiceRequestId,
    now: Timestamp,
) -> Result<Vec<(PostId, bool)>, sqlx::Error> {
    let rows = sqlx::query!(
        r#"select id as "id: PostId", starts_at <= $2 as "begun!"
           from post where request_id = $1 and cancelled_at is null
           order by id"#,
        request.0,
        now,
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(|row| (row.id, row.begun)).collect())
}
