//! What a backup and a restore ask the server itself.

use domain::time::Timestamp;

use super::Connection;

/// Whether the server has ended its recovery and takes writes.
///
/// # Errors
/// The database's.
pub async fn takes_writes(conn: &mut Connection) -> sqlx::Result<bool> {
    sqlx::query_scalar!(r#"select not pg_is_in_recovery() as "takes!""#).fetch_one(conn).await
}

/// The server's version, such as `15.8`, and its clock.
///
/// # Errors
/// The database's.
pub async fn server(conn: &mut Connection) -> sqlx::Result<(String, Timestamp)> {
    let row = sqlx::query!(
        r#"select current_setting('server_version') as "version!",
               clock_timestamp() as "now!: Timestamp""#
    )
    .fetch_one(conn)
    .await?;
    Ok((row.version, row.now))
}
