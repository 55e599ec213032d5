//! Series of posts (重复岗位).

use domain::{
    id::{AccountId, PostId, PostSeriesId},
    org::NodeCode,
    service::series::Rhythm,
    time::Timestamp,
};

use crate::postgres::Connection;

/// Stores a new series; its posts are stored one by one and bound to it.
///
/// # Errors
/// The database is away.
pub async fn insert(
    conn: &mut Connection,
    (id, community, by): (PostSeriesId, &NodeCode, AccountId),
    rhythm: &Rhythm,
    now: Timestamp,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "insert into post_series (id, community_code, weekdays, until, skip_holidays, created_by,
             created_at)
         values ($1, $2, $3, $4, $5, $6, $7)",
        id.0,
        community.as_str(),
        &rhythm.numbers(),
        rhythm.until(),
        rhythm.skips_holidays(),
        by.0,
        now,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Says of new posts that they are of a series.
///
/// # Errors
/// The database is away.
pub async fn bind(
    conn: &mut Connection,
    series: PostSeriesId,
    posts: &[PostId],
) -> Result<(), sqlx::Error> {
    let ids: Vec<uuid::Uuid> = posts.iter().map(|post| post.0).collect();
    sqlx::query!("update post set series_id = $1 where id = any($2)", series.0, &ids)
        .execute(conn)
        .await?;
    Ok(())
}

/// The community of a series.
///
/// # Errors
/// The database is away.
pub async fn community(
    conn: &mut Connection,
    series: PostSeriesId,
) -> Result<Option<NodeCode>, sqlx::Error> {
    sqlx::query_scalar!(
        r#"select community_code as "community: NodeCode" from post_series where id = $1"#,
        series.0
    )
    .fetch_optional(conn)
    .await
}

/// The posts of a series in ascending id, which is the order of their times.
///
/// # Errors
/// The database is away.
pub async fn posts(
    conn: &mut Connection,
    series: PostSeriesId,
) -> Result<Vec<PostId>, sqlx::Error> {
    sqlx::query_scalar!(
        r#"select id as "id: PostId" from post where series_id = $1 order by id"#,
        series.0
    )
    .fetch_all(conn)
    .await
}
