//! Services of the past, many at once, for the demo district. They come from the same rules as
//! every other claim; only the writing is in bulk.

use domain::{event::NewEvent, id::AccountId, service::Claim, time::Timestamp};
use serde_json::Value;
use uuid::Uuid;

use crate::postgres::Connection;

/// A claim as it stands, with everything that happened to it: what, when, by whom.
#[derive(Debug, Clone)]
pub struct History {
    /// The claim.
    pub claim: Claim,
    /// Its events in order.
    pub events: Vec<(NewEvent, Timestamp, AccountId)>,
}

/// Writes claims with their histories.
///
/// # Errors
/// The database is away, or refuses what breaks an invariant.
pub async fn insert(conn: &mut Connection, all: &[History]) -> Result<(), sqlx::Error> {
    claims(conn, all).await?;
    events(conn, all).await
}

async fn claims(conn: &mut Connection, all: &[History]) -> Result<(), sqlx::Error> {
    let claims = || all.iter().map(|history| &history.claim);
    let ids: Vec<Uuid> = claims().map(|claim| claim.id.0).collect();
    let lasts: Vec<i32> =
        all.iter().map(|one| i32::try_from(one.events.len()).unwrap_or(i32::MAX)).collect();
    let posts: Vec<Uuid> = claims().map(|claim| claim.post.0).collect();
    let accounts: Vec<Uuid> = claims().map(|claim| claim.account.0).collect();
    let statuses: Vec<String> = claims().map(|claim| claim.status.code().to_owned()).collect();
    let claimed: Vec<Timestamp> = claims().map(|claim| claim.claimed_at).collect();
    let minutes: Vec<i32> = claims().map(|claim| claim.minutes.unwrap_or_default()).collect();
    let points: Vec<i64> = claims().map(|claim| claim.points.unwrap_or_default()).collect();
    let settled = || all.iter().filter_map(|history| history.claim.settled.as_ref());
    let settled_at: Vec<Timestamp> = settled().map(|settled| settled.at).collect();
    let settled_by: Vec<Uuid> = settled().filter_map(|settled| settled.by).map(|by| by.0).collect();
    sqlx::query!(
        "insert into claim (id, last_seq, post_id, account_id, status, during, claimed_at, minutes,
             points, settled_at, settled_by)
         select given.id, last_seq, post.id, account_id, status, post.during, claimed_at, minutes,
             points, settled_at, settled_by
         from unnest($1::uuid[], $2::int[], $3::uuid[], $4::uuid[], $5::text[], $6::timestamptz[],
                 $7::int[], $8::bigint[], $9::timestamptz[], $10::uuid[])
             as given (id, last_seq, post_id, account_id, status, claimed_at, minutes, points,
                 settled_at, settled_by)
         join post on post.id = given.post_id",
        &ids,
        &lasts,
        &posts,
        &accounts,
        &statuses,
        &claimed,
        &minutes,
        &points,
        &settled_at,
        &settled_by,
    )
    .execute(conn)
    .await?;
    Ok(())
}

async fn events(conn: &mut Connection, all: &[History]) -> Result<(), sqlx::Error> {
    let rows: Vec<(Uuid, i32, &(NewEvent, Timestamp, AccountId))> = all
        .iter()
        .flat_map(|one| (1..).zip(&one.events).map(|(seq, event)| (one.claim.id.0, seq, event)))
        .collect();
    let subjects: Vec<Uuid> = rows.iter().map(|(subject, ..)| *subject).collect();
    let seqs: Vec<i32> = rows.iter().map(|(_, seq, _)| *seq).collect();
    let events = || rows.iter().map(|(_, _, (event, ..))| event);
    let kinds: Vec<String> = events().map(|event| event.kind.code().to_owned()).collect();
    let visibilities: Vec<String> =
        events().map(|event| event.visibility.code().to_owned()).collect();
    let unit = |event: &NewEvent| event.unit.as_ref().map(ToString::to_string).unwrap_or_default();
    let units: Vec<String> = events().map(unit).collect();
    let data: Vec<Value> = events().map(|event| event.data.clone()).collect();
    let at: Vec<Timestamp> = rows.iter().map(|(_, _, (_, at, _))| *at).collect();
    let actors: Vec<Uuid> = rows.iter().map(|(_, _, (_, _, by))| by.0).collect();
    sqlx::query!(
        "insert into event (subject_id, seq, at, kind, visibility, unit, data, actor_id)
         select subject, seq, at, kind, visibility, nullif(unit, ''), data, actor
         from unnest($1::uuid[], $2::int[], $3::timestamptz[], $4::text[], $5::text[], $6::text[],
                 $7::jsonb[], $8::uuid[])
             as given (subject, seq, at, kind, visibility, unit, data, actor)",
        &subjects,
        &seqs,
        &at,
        &kinds,
        &visibilities,
        &units,
        &data,
        &actors,
    )
    .execute(conn)
    .await?;
    Ok(())
}
