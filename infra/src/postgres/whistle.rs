//! Whistles: storing a draft, locking, saving, and the two-way appraisal. Lists and details are in
//! [`read`].
//!
//! The whistle's row lock is the lock of its whole case. Where a complaint waits for it, the
//! complaint is locked first.

use domain::{
    event::NewEvent,
    id::{AccountId, ComplaintId, TaskId, WhistleId},
    org::NodeCode,
    time::Timestamp,
    whistle::{Appraisal, Draft, Kind, Level, Rating, Reviewed, Status, Whistle},
};

use super::{Connection, event::Rows};

pub mod read;

/// Stores a new whistle with its first events in one statement. `false` when there is no such
/// community.
///
/// # Errors
/// The database is away.
#[expect(clippy::as_conversions, reason = "tells sqlx that elements may be null")]
pub async fn insert(
    conn: &mut Connection,
    whistle: &Whistle,
    draft: &Draft,
    events: &[NewEvent],
    now: Timestamp,
) -> Result<bool, sqlx::Error> {
    let rows = Rows::of(events);
    let stored = sqlx::query_scalar!(
        r#"with place as (
               select code from org_node
               where code = $1 and kind in ('community', 'village') and active
           ), drafted as (
               insert into whistle (id, last_seq, status, complaint_id, kind, level, title, content,
                   community_code, blower, drafted_by, drafted_at, lead, assist, blown_at)
               select $2, cardinality($3::text[]), $10, $11, $12, $13, $14, $15, code, $16, $17, $9,
                   $18, $19, $20
               from place
               returning id
           ), told as (
               insert into event
                   (subject_id, seq, at, kind, visibility, unit, task_id, data, note, actor_id)
               select $2, ord, $9, given.kind, given.visibility, given.unit, given.task_id,
                   given.data, given.note, $17
               from place, unnest($3::text[], $4::text[], $5::text[], $6::uuid[], $7::jsonb[], $8::text[])
                   with ordinality as given (kind, visibility, unit, task_id, data, note, ord)
           )
           select id as "id!" from drafted"#,
        whistle.community.as_str(),
        whistle.id.0,
        &rows.kinds,
        &rows.visibilities,
        &rows.units as &[Option<String>],
        &rows.tasks as &[Option<uuid::Uuid>],
        &rows.data,
        &rows.notes as &[Option<String>],
        now,
        whistle.status.code(),
        whistle.complaint.map(|id| id.0),
        whistle.kind.code(),
        whistle.level.code(),
        draft.title,
        draft.content,
        whistle.blower.as_str(),
        whistle.drafted_by.0,
        whistle.lead.as_str(),
        &whistle.assist as &[NodeCode],
        whistle.blown_at,
    )
    .fetch_optional(conn)
    .await?;
    Ok(stored.is_some())
}

struct Row {
    id: WhistleId,
    version: i64,
    last_seq: i32,
    status: Status,
    complaint_id: Option<ComplaintId>,
    kind: Kind,
    level: Level,
    community_code: NodeCode,
    blower: NodeCode,
    drafted_by: AccountId,
    drafted_at: Timestamp,
    lead: NodeCode,
    assist: Vec<NodeCode>,
    reviewed_by: Option<AccountId>,
    reviewed_at: Option<Timestamp>,
    approved: Option<bool>,
    blown_at: Option<Timestamp>,
    settled_at: Option<Timestamp>,
    standing_down_at: Option<Timestamp>,
    stood_down_at: Option<Timestamp>,
}

impl From<Row> for Whistle {
    fn from(row: Row) -> Self {
        let review = match (row.reviewed_by, row.reviewed_at, row.approved) {
            (Some(by), Some(at), Some(approved)) => Some(Reviewed { by, at, approved }),
            _ => None,
        };
        Self {
            id: row.id,
            version: row.version,
            last_seq: row.last_seq,
            status: row.status,
            complaint: row.complaint_id,
            kind: row.kind,
            level: row.level,
            community: row.community_code,
            blower: row.blower,
            drafted_by: row.drafted_by,
            drafted_at: row.drafted_at,
            lead: row.lead,
            assist: row.assist,
            review,
            blown_at: row.blown_at,
            settled_at: row.settled_at,
            standing_down_at: row.standing_down_at,
            stood_down_at: row.stood_down_at,
        }
    }
}

/// How a whistle is named when it is locked.
#[derive(Debug, Clone, Copy)]
pub enum By {
    /// By its own id.
    Id(WhistleId),
    /// By one of its tasks.
    Task(TaskId),
}

/// The complaint that waits for a whistle, to be locked before it.
///
/// # Errors
/// The database is away.
pub async fn waiting(conn: &mut Connection, by: By) -> Result<Option<ComplaintId>, sqlx::Error> {
    let (id, task) = keys(by);
    let found = sqlx::query_scalar!(
        r#"select complaint_id as "id: ComplaintId" from whistle
           where id = coalesce($1, (select whistle_id from task where task.id = $2))"#,
        id,
        task,
    )
    .fetch_optional(conn)
    .await?;
    Ok(found.flatten())
}

const fn keys(by: By) -> (Option<uuid::Uuid>, Option<uuid::Uuid>) {
    match by {
        By::Id(id) => (Some(id.0), None),
        By::Task(task) => (None, Some(task.0)),
    }
}

/// Locks a whistle until the transaction ends and reads it.
///
/// # Errors
/// The database is away.
pub async fn lock(conn: &mut Connection, by: By) -> Result<Option<Whistle>, sqlx::Error> {
    let (id, task) = keys(by);
    let row = sqlx::query_as!(
        Row,
        r#"select id as "id: WhistleId", version, last_seq, status as "status: Status",
               complaint_id as "complaint_id: ComplaintId", kind as "kind: Kind",
               level as "level: Level", community_code as "community_code: NodeCode",
               blower as "blower: NodeCode", drafted_by as "drafted_by: AccountId", drafted_at,
               lead as "lead: NodeCode", assist as "assist: Vec<NodeCode>",
               reviewed_by as "reviewed_by: AccountId", reviewed_at, approved, blown_at,
               settled_at, standing_down_at, stood_down_at
           from whistle
           where id = coalesce($1, (select whistle_id from task where task.id = $2))
           for update"#,
        id,
        task,
    )
    .fetch_optional(conn)
    .await?;
    Ok(row.map(Whistle::from))
}

/// Saves a locked whistle and appends events of its case, its tasks' included. Answers the number
/// of its last event.
///
/// # Errors
/// The database is away, or refuses what breaks an invariant.
#[expect(clippy::as_conversions, reason = "tells sqlx that elements may be null")]
pub async fn save(
    conn: &mut Connection,
    whistle: &Whistle,
    events: &[NewEvent],
    actor: Option<AccountId>,
    now: Timestamp,
) -> Result<i32, sqlx::Error> {
    let rows = Rows::of(events);
    sqlx::query_scalar!(
        r#"with saved as (
               update whistle set version = version + 1,
                   last_seq = last_seq + cardinality($2::text[]),
                   status = $8, reviewed_by = $9, reviewed_at = $10, approved = $11, blown_at = $12,
                   standing_down_at = $13, stood_down_at = $14, settled_at = $17
               where id = $1
               returning last_seq
           ), told as (
               insert into event
                   (subject_id, seq, at, kind, visibility, unit, task_id, data, note, actor_id)
               select $1, last_seq - cardinality($2::text[]) + ord, $15, given.kind,
                   given.visibility, given.unit, given.task_id, given.data, given.note, $16
               from saved, unnest($2::text[], $3::text[], $4::text[], $5::uuid[], $6::jsonb[], $7::text[])
                   with ordinality as given (kind, visibility, unit, task_id, data, note, ord)
           )
           select last_seq from saved"#,
        whistle.id.0,
        &rows.kinds,
        &rows.visibilities,
        &rows.units as &[Option<String>],
        &rows.tasks as &[Option<uuid::Uuid>],
        &rows.data,
        &rows.notes as &[Option<String>],
        whistle.status.code(),
        whistle.review.map(|review| review.by.0),
        whistle.review.map(|review| review.at),
        whistle.review.map(|review| review.approved),
        whistle.blown_at,
        whistle.standing_down_at,
        whistle.stood_down_at,
        now,
        actor.map(|account| account.0),
        whistle.settled_at,
    )
    .fetch_one(conn)
    .await
}

/// Whether a whistle is out for a complaint, so that it waits. Call it under the complaint's lock,
/// which every whistle takes before it is blown or ends.
///
/// # Errors
/// The database is away.
pub async fn is_out_for(
    conn: &mut Connection,
    complaint: ComplaintId,
) -> Result<bool, sqlx::Error> {
    let open: Vec<String> = Status::ALL
        .iter()
        .filter(|status| status.is_open())
        .map(|status| status.code().to_owned())
        .collect();
    sqlx::query_scalar!(
        r#"select exists (
               select from whistle where complaint_id = $1 and status = any($2)
           ) as "out!""#,
        complaint.0,
        &open,
    )
    .fetch_one(conn)
    .await
}

/// The units that were appraised.
///
/// # Errors
/// The database is away.
pub async fn appraised(
    conn: &mut Connection,
    whistle: WhistleId,
) -> Result<Vec<NodeCode>, sqlx::Error> {
    sqlx::query_scalar!(
        r#"select unit as "unit: NodeCode" from appraisal where whistle_id = $1"#,
        whistle.0
    )
    .fetch_all(conn)
    .await
}

/// The units that rated the whistle.
///
/// # Errors
/// The database is away.
pub async fn rated(
    conn: &mut Connection,
    whistle: WhistleId,
) -> Result<Vec<NodeCode>, sqlx::Error> {
    sqlx::query_scalar!(
        r#"select unit as "unit: NodeCode" from whistle_rating where whistle_id = $1"#,
        whistle.0
    )
    .fetch_all(conn)
    .await
}

/// Keeps an appraisal.
///
/// # Errors
/// The database is away.
pub async fn insert_appraisal(
    conn: &mut Connection,
    whistle: WhistleId,
    given: &Appraisal,
    by: AccountId,
    now: Timestamp,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "insert into appraisal (whistle_id, unit, speed, handling, result, comment, at, account_id)
         values ($1, $2, $3, $4, $5, $6, $7, $8)",
        whistle.0,
        given.unit.as_str(),
        given.speed,
        given.handling,
        given.result,
        given.comment,
        now,
        by.0,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Keeps a rating.
///
/// # Errors
/// The database is away.
pub async fn insert_rating(
    conn: &mut Connection,
    whistle: WhistleId,
    unit: &NodeCode,
    given: &Rating,
    by: AccountId,
    now: Timestamp,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "insert into whistle_rating (whistle_id, unit, needed, clear, comment, at, account_id)
         values ($1, $2, $3, $4, $5, $6, $7)",
        whistle.0,
        unit.as_str(),
        given.needed,
        given.clear,
        given.comment,
        now,
        by.0,
    )
    .execute(conn)
    .await?;
    Ok(())
}
