//! Leading cadres paired with communities (包联) and the matters they took on, written under the
//! pairing's or the matter's lock. Lists are in [`read`].

use domain::{
    id::{AccountId, CadrePairingId, ComplaintId, MatterId, WhistleId},
    org::NodeCode,
    pairing::{Log, Matter, Pair, Pairing, Status},
    time::Timestamp,
};

use super::Connection;

pub mod read;

/// Writes a pairing.
///
/// # Errors
/// The database is away; `pairing_active` when the post is paired there already; a unit, estate or
/// community that is not there.
pub async fn insert(
    conn: &mut Connection,
    (id, pair): (CadrePairingId, &Pair),
    cadre: Option<AccountId>,
    by: AccountId,
    now: Timestamp,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "insert into pairing (id, post, unit_code, account_id, community_code, estate_code,
             from_day, until_day, made_by, made_at)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
        id.0,
        pair.post,
        pair.unit.as_str(),
        cadre.map(|id| id.0),
        pair.community.as_str(),
        pair.estate.as_ref().map(NodeCode::as_str),
        pair.term.0,
        pair.term.1,
        by.0,
        now,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Whether there is such an estate.
///
/// # Errors
/// The database is away.
pub async fn estate_exists(conn: &mut Connection, code: &NodeCode) -> Result<bool, sqlx::Error> {
    sqlx::query_scalar!(
        r#"select exists (select from org_node
               where code = $1 and kind = 'estate' and active) as "there!""#,
        code.as_str(),
    )
    .fetch_one(conn)
    .await
}

/// A pairing, locked.
///
/// # Errors
/// The database is away.
pub async fn lock(
    conn: &mut Connection,
    id: CadrePairingId,
) -> Result<Option<Pairing>, sqlx::Error> {
    let row = sqlx::query!(
        r#"select version, unit_code as "unit: NodeCode", community_code as "community: NodeCode",
               from_day, until_day, ended_at, account_id as "cadre: AccountId"
           from pairing where id = $1
           for update"#,
        id.0,
    )
    .fetch_optional(conn)
    .await?;
    Ok(row.map(|row| Pairing {
        id,
        version: row.version,
        unit: row.unit,
        cadre: row.cadre,
        community: row.community,
        term: (row.from_day, row.until_day),
        ended_at: row.ended_at,
    }))
}

/// Ends a locked pairing.
///
/// # Errors
/// The database is away.
pub async fn end(
    conn: &mut Connection,
    id: CadrePairingId,
    reason: &str,
    by: AccountId,
    now: Timestamp,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "update pairing set version = version + 1, ended_at = $2, ended_by = $3, end_reason = $4
         where id = $1",
        id.0,
        now,
        by.0,
        reason,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Whether what a matter is linked to lies in a community.
///
/// # Errors
/// The database is away.
pub async fn linked(
    conn: &mut Connection,
    (complaint, whistle): (Option<ComplaintId>, Option<WhistleId>),
    community: &NodeCode,
) -> Result<(bool, bool), sqlx::Error> {
    let row = sqlx::query!(
        r#"select
               $1::uuid is null or exists (select from complaint
                   where id = $1 and community_code = $3) as "complaint!",
               $2::uuid is null or exists (select from whistle
                   where id = $2 and community_code = $3) as "whistle!""#,
        complaint.map(|id| id.0),
        whistle.map(|id| id.0),
        community.as_str(),
    )
    .fetch_one(conn)
    .await?;
    Ok((row.complaint, row.whistle))
}

/// Writes a matter.
///
/// # Errors
/// The database is away; `pairing_matter_once`, `pairing_matter_complaint` or `pairing_matter_whistle` when it was logged
/// before.
pub async fn log(
    conn: &mut Connection,
    (id, pairing): (MatterId, CadrePairingId),
    log: &Log,
    by: AccountId,
    now: Timestamp,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "insert into pairing_matter (id, pairing_id, status, title, found_on, complaint_id,
             whistle_id, logged_by, logged_at)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
        id.0,
        pairing.0,
        Status::Logged.code(),
        log.title,
        log.found_on,
        log.complaint.map(|id| id.0),
        log.whistle.map(|id| id.0),
        by.0,
        now,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// A matter, locked.
///
/// # Errors
/// The database is away.
pub async fn lock_matter(
    conn: &mut Connection,
    id: MatterId,
) -> Result<Option<Matter>, sqlx::Error> {
    let row = sqlx::query!(
        r#"select version, pairing_id as "pairing: CadrePairingId", status as "status: Status",
               solution, solved_at, solved_by as "solved_by: AccountId", judged_at,
               judged_by as "judged_by: AccountId", note
           from pairing_matter where id = $1
           for update"#,
        id.0,
    )
    .fetch_optional(conn)
    .await?;
    Ok(row.map(|row| Matter {
        id,
        version: row.version,
        pairing: row.pairing,
        status: row.status,
        solution: row.solution,
        solved: row.solved_at.zip(row.solved_by),
        judged: row.judged_at.zip(row.judged_by),
        note: row.note,
    }))
}

/// Saves a step of a matter.
///
/// # Errors
/// The database is away.
pub async fn save_matter(conn: &mut Connection, matter: &Matter) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "update pairing_matter set version = version + 1, status = $2, solution = $3,
             solved_at = $4, solved_by = $5, judged_at = $6, judged_by = $7, note = $8
         where id = $1",
        matter.id.0,
        matter.status.code(),
        matter.solution,
        matter.solved.map(|(at, _)| at),
        matter.solved.map(|(_, by)| by.0),
        matter.judged.map(|(at, _)| at),
        matter.judged.map(|(_, by)| by.0),
        matter.note,
    )
    .execute(conn)
    .await?;
    Ok(())
}
