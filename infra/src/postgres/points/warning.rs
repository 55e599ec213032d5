//! Points that are about to run out, and who was warned of them.

use domain::{id::AccountId, time::Timestamp};
use uuid::Uuid;

use super::super::Connection;

/// Points of a person that run out at one instant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Due {
    /// Whose.
    pub account: AccountId,
    /// When.
    pub expires_at: Timestamp,
    /// How many, held ones included.
    pub points: i64,
}

/// Up to `limit` persons and dates within `until`, in ascending account, whom nobody has warned for
/// the days that `due` gives for the date; the dates are few.
///
/// # Errors
/// The database's.
pub async fn unwarned(
    conn: &mut Connection,
    (expires_at, days): (Timestamp, i32),
    limit: i64,
) -> sqlx::Result<Vec<Due>> {
    sqlx::query_as!(
        Due,
        r#"select lot.account as "account: AccountId", lot.expires_at,
               sum(lot.remaining)::bigint as "points!"
           from point_lot as lot
           join points_account as owner on owner.id = lot.account and owner.kind = 'user'
           where lot.expires_at = $1 and lot.remaining > 0 and not exists (
               select from points_warning as told
               where told.account = lot.account and told.expires_at = $1 and told.days = $2)
           group by lot.account, lot.expires_at order by lot.account limit $3"#,
        expires_at,
        days,
        limit,
    )
    .fetch_all(conn)
    .await
}

/// The dates after `now` and until `until` on which something runs out.
///
/// # Errors
/// The database's.
pub async fn dates(
    conn: &mut Connection,
    now: Timestamp,
    until: Timestamp,
) -> sqlx::Result<Vec<Timestamp>> {
    sqlx::query_scalar!(
        "select distinct expires_at from point_lot
         where remaining > 0 and expires_at > $1 and expires_at <= $2 order by expires_at",
        now,
        until,
    )
    .fetch_all(conn)
    .await
}

/// How many points of a person run out at an instant, as things stand now; none when it is past.
///
/// # Errors
/// The database's.
pub async fn left(
    conn: &mut Connection,
    account: AccountId,
    expires_at: Timestamp,
    now: Timestamp,
) -> sqlx::Result<i64> {
    sqlx::query_scalar!(
        r#"select coalesce(sum(remaining), 0)::bigint as "points!" from point_lot
           where account = $1 and expires_at = $2 and expires_at > $3 and remaining > 0"#,
        account.0,
        expires_at,
        now,
    )
    .fetch_one(conn)
    .await
}

/// Notes that a person was warned; false when they have been before.
///
/// # Errors
/// The database's.
pub async fn warned(
    conn: &mut Connection,
    due: &Due,
    days: i32,
    now: Timestamp,
) -> sqlx::Result<bool> {
    let noted = sqlx::query_scalar!(
        r#"insert into points_warning (account, expires_at, days, points, warned_at)
           values ($1, $2, $3, $4, $5) on conflict do nothing returning account as "account: Uuid""#,
        due.account.0,
        due.expires_at,
        days,
        due.points,
        now,
    )
    .fetch_optional(conn)
    .await?;
    Ok(noted.is_some())
}
