//! How complaints stand for whoever asks again: what an answer would be made from, without making it.

use domain::{
    id::{AccountId, ComplaintId},
    scope::{Audience, Scope},
    time::Timestamp,
};
use serde::Serialize;

use crate::postgres::Connection;

/// What decides how the stream of a complaint reads.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct Standing {
    /// The number of its last event.
    pub last_seq: i32,
    /// For whom this reader's view is made.
    pub audience: Audience,
    /// Nobody outside the centre learns who reported.
    pub confidential: bool,
    /// When the reporter's own words were erased, which no event tells.
    pub erased_at: Option<Timestamp>,
}

/// How the stream of a complaint stands, if it is within the scope: by primary keys alone, cheap enough to
/// be asked again and again.
///
/// # Errors
/// The database is away.
pub async fn of_stream(
    conn: &mut Connection,
    scope: &Scope,
    id: ComplaintId,
) -> Result<Option<Standing>, sqlx::Error> {
    let row = sqlx::query!(
        r#"select c.last_seq, c.confidential, c.reporter_id as "reporter_id: AccountId",
               (select e.erased_at from erasure e where e.account_id = c.reporter_id) as erased_at
           from complaint c
           where c.id = $1
               and ($2 or c.community_code like any($3) or c.units && $4 or c.reporter_id = $5)
               -- Whoever is reported does not read the report, nor do those under them.
               and ($2 or c.reporter_id = $5 or c.reported_unit is null or not exists (
                   select from unnest($4::text[]) as own (code)
                   where own.code like c.reported_unit || '%'))"#,
        id.0,
        scope.everything(),
        &scope.area_patterns(),
        scope.units(),
        scope.account().0,
    )
    .fetch_optional(conn)
    .await?;
    Ok(row.map(|row| Standing {
        last_seq: row.last_seq,
        audience: if row.reporter_id == Some(scope.account()) {
            Audience::Reporter
        } else {
            scope.audience()
        },
        confidential: row.confidential,
        erased_at: row.erased_at,
    }))
}

/// The version of a complaint that the account itself reported and that follows no other: with it stands all that
/// its reporter is shown, since every step of the case and of its tasks counts it up. Nothing for
/// anybody else, whose view holds more than the case: contacts, marks, what their roles let them read.
///
/// # Errors
/// The database is away.
pub async fn own_version(
    conn: &mut Connection,
    scope: &Scope,
    id: ComplaintId,
) -> Result<Option<i64>, sqlx::Error> {
    sqlx::query_scalar!(
        "select version from complaint where id = $1 and reporter_id = $2 and merged_into is null",
        id.0,
        scope.account().0,
    )
    .fetch_optional(conn)
    .await
}

/// How the complaints that an account reported stand, as a digest of all that [`super::Summary`] shows and that can
/// change.
///
/// # Errors
/// The database is away.
pub async fn of_own(conn: &mut Connection, scope: &Scope) -> Result<String, sqlx::Error> {
    sqlx::query_scalar!(
        r#"select md5(coalesce(string_agg(
               c.id || ':' || c.version || place.name
                   || exists (select from complaint_hot h where h.complaint_id = c.id)::text,
               ',' order by c.id), '')) as "digest!"
           from complaint c join org_node place on place.code = c.community_code
           where c.reporter_id = $1"#,
        scope.account().0,
    )
    .fetch_one(conn)
    .await
}
