//! Posts that ended though nobody said who came.

use domain::{id::PostId, time::Timestamp};

use uuid::Uuid;

use crate::postgres::Connection;

/// A post that ended with claims that nobody settled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Unsettled {
    /// The post.
    pub post: PostId,
    /// When it ended.
    pub ended_at: Timestamp,
    /// Whether its community was reminded.
    pub reminded: bool,
}

/// Posts that ended between two instants with claims that nobody settled and that still need
/// something: a reminder, or somebody who never checked in; the earliest first, `limit` at most,
/// after the last of those before.
///
/// # Errors
/// The database is away.
pub async fn unsettled(
    conn: &mut Connection,
    from: Timestamp,
    to: Timestamp,
    after: Option<(Timestamp, PostId)>,
    limit: i64,
) -> Result<Vec<Unsettled>, sqlx::Error> {
    let rows = sqlx::query!(
        r#"select p.id as "post: PostId", p.ends_at, p.reminded_at is not null as "reminded!"
           from post p
           where p.cancelled_at is null and p.ends_at >= $1 and p.ends_at <= $2
               and exists (
                   select from claim c
                   where c.post_id = p.id and c.status in ('claimed', 'checked_in', 'checked_out')
                       and (c.status = 'claimed' or p.reminded_at is null)
               )
               and ($4::timestamptz is null or (p.ends_at, p.id) > ($4, $5::uuid))
           order by p.ends_at, p.id
           limit $3"#,
        from,
        to,
        limit,
        after.map(|(at, _)| at),
        after.map_or(Uuid::nil(), |(_, id)| id.0),
    )
    .fetch_all(conn)
    .await?;
    let unsettled = |ended_at, post, reminded| Unsettled { post, ended_at, reminded };
    Ok(rows.into_iter().map(|row| unsettled(row.ends_at, row.post, row.reminded)).collect())
}

/// Notes that a locked post's community is reminded; `false` where it was before.
///
/// # Errors
/// The database is away.
pub async fn reminded(
    conn: &mut Connection,
    post: PostId,
    now: Timestamp,
) -> Result<bool, sqlx::Error> {
    let done = sqlx::query!(
        "update post set reminded_at = $2 where id = $1 and reminded_at is null",
        post.0,
        now,
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected() == 1)
}
