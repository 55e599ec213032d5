//! Complaints: taking one in, locking one, saving one. Lists and details are in
//! [`read`].
//!
//! The complaint's row lock is the lock of the whole case: every change of one of its tasks takes
//! it first, so that tasks need no lock of their own.

use domain::{
    complaint::{ClosedAs, Complaint, Kind, Status, Submission, Submitter, Suspension},
    event::NewEvent,
    id::{AccountId, ComplaintId, EvaluationId, TaskId},
    org::NodeCode,
    sla::Urgency,
    time::{self, Timestamp},
};

use super::{Connection, event::Rows};

pub mod exclusion;
pub mod hot;
pub mod read;
pub mod repeat;

/// Whom to call, sealed.
#[derive(Debug, Clone)]
pub struct SealedContact {
    /// The name, if one was given.
    pub name: Option<Vec<u8>>,
    /// The number.
    pub phone: Vec<u8>,
    /// The number's blind index.
    pub index: Vec<u8>,
}

/// Stores a new complaint with its first events and its contact in one statement. Answers its
/// number, or `None` when there is no such community.
///
/// # Errors
/// The database is away.
#[expect(clippy::as_conversions, reason = "tells sqlx that elements may be null")]
pub async fn insert(
    conn: &mut Connection,
    complaint: &Complaint,
    submission: &Submission,
    by: Submitter<'_>,
    query_code_mac: &[u8],
    contact: Option<&SealedContact>,
    events: &[NewEvent],
) -> Result<Option<String>, sqlx::Error> {
    let rows = Rows::of(events);
    let actor = by.reporter().or(by.taken_in_by());
    let day = time::date(complaint.submitted_at).format("%Y%m%d").to_string();
    sqlx::query_scalar!(
        r#"with place as (
               select code from org_node
               where code = $1 and kind in ('community', 'village') and active
           ), taken as (
               insert into complaint (
                   id, number, query_code_mac, status, last_seq, kind, title, content,
                   community_code, address, lng, lat, channel, confidential, reachable,
                   reporter_id, taken_in_by, on_behalf, submitted_at, clock_from)
               select $2, 'PC' || $3::text || lpad(nextval('complaint_number')::text, 6, '0'), $4,
                   $5, cardinality($19::text[]), $6, $7, $8, code, $9, $10, $11, $12, $13, $14,
                   $15, $16, $17, $18, $18
               from place
               returning number
           ), told as (
               insert into event (subject_id, seq, at, kind, visibility, data, note, actor_id)
               select $2, ord, $18, given.kind, given.visibility, given.data, given.note, $22
               from place, unnest($19::text[], $20::text[], $21::jsonb[], $26::text[])
                   with ordinality as given (kind, visibility, data, note, ord)
           ), reached as (
               insert into complaint_contact (complaint_id, name_sealed, phone_sealed, phone_index)
               select $2, $23, $24, $25 from place where $24::bytea is not null
           )
           select number from taken"#,
        complaint.community.as_str(),
        complaint.id.0,
        day,
        query_code_mac,
        complaint.status.code(),
        complaint.kind.code(),
        submission.title,
        submission.content,
        submission.address,
        submission.location.map(|place| place.lng),
        submission.location.map(|place| place.lat),
        submission.channel.code(),
        complaint.confidential,
        complaint.reachable,
        complaint.reporter.map(|account| account.0),
        by.taken_in_by().map(|account| account.0),
        submission.on_behalf,
        complaint.submitted_at,
        &rows.kinds,
        &rows.visibilities,
        &rows.data,
        actor.map(|account| account.0),
        contact.and_then(|contact| contact.name.as_deref()),
        contact.map(|contact| contact.phone.as_slice()),
        contact.map(|contact| contact.index.as_slice()),
        &rows.notes as &[Option<String>],
    )
    .fetch_optional(conn)
    .await
}

/// How a case is named when it is locked.
#[derive(Debug, Clone, Copy)]
pub enum By {
    /// By its own id.
    Id(ComplaintId),
    /// By one of its tasks.
    Task(TaskId),
}

struct Row {
    id: ComplaintId,
    version: i64,
    last_seq: i32,
    status: Status,
    kind: Kind,
    community_code: NodeCode,
    confidential: bool,
    reachable: bool,
    reporter_id: Option<AccountId>,
    submitted_at: Timestamp,
    urgency: Option<Urgency>,
    duty_item: Option<String>,
    duty_list: Option<String>,
    category: Option<String>,
    reported_unit: Option<NodeCode>,
    accepted_at: Option<Timestamp>,
    dispatched_at: Option<Timestamp>,
    replied_at: Option<Timestamp>,
    closed_at: Option<Timestamp>,
    closed_as: Option<ClosedAs>,
    clock_from: Timestamp,
    follow_up_round: i16,
    reworks: i16,
    appealed: bool,
    reopened: i16,
    urges: i16,
    urged_at: Option<Timestamp>,
    suspended_at: Option<Timestamp>,
    suspended_until: Option<Timestamp>,
    merged_into: Option<ComplaintId>,
    excluded_at: Option<Timestamp>,
    units: Vec<NodeCode>,
}

impl From<Row> for Complaint {
    fn from(row: Row) -> Self {
        let suspension = row.suspended_at.zip(row.suspended_until);
        Self {
            id: row.id,
            version: row.version,
            last_seq: row.last_seq,
            status: row.status,
            kind: row.kind,
            community: row.community_code,
            confidential: row.confidential,
            reachable: row.reachable,
            reporter: row.reporter_id,
            submitted_at: row.submitted_at,
            urgency: row.urgency,
            duty_item: row.duty_item,
            duty_list: row.duty_list,
            category: row.category,
            reported_unit: row.reported_unit,
            accepted_at: row.accepted_at,
            dispatched_at: row.dispatched_at,
            replied_at: row.replied_at,
            closed_at: row.closed_at,
            closed_as: row.closed_as,
            clock_from: row.clock_from,
            follow_up_round: row.follow_up_round,
            reworks: row.reworks,
            appealed: row.appealed,
            reopened: row.reopened,
            urges: row.urges,
            urged_at: row.urged_at,
            suspension: suspension.map(|(since, until)| Suspension { since, until }),
            merged_into: row.merged_into,
            excluded_at: row.excluded_at,
            units: row.units,
        }
    }
}

/// Locks a case until the transaction ends and reads it.
///
/// # Errors
/// The database is away.
pub async fn lock(conn: &mut Connection, by: By) -> Result<Option<Complaint>, sqlx::Error> {
    let (id, task) = match by {
        By::Id(id) => (Some(id.0), None),
        By::Task(task) => (None, Some(task.0)),
    };
    let row = sqlx::query_as!(
        Row,
        r#"select id as "id: ComplaintId", version, last_seq, status as "status: Status",
               kind as "kind: Kind", community_code as "community_code: NodeCode", confidential,
               reachable, reporter_id as "reporter_id: AccountId", submitted_at,
               urgency as "urgency: Urgency", duty_item, duty_list, category,
               reported_unit as "reported_unit: NodeCode", accepted_at, dispatched_at, replied_at,
               closed_at, closed_as as "closed_as: ClosedAs", clock_from, follow_up_round, reworks,
               appealed, reopened, urges, urged_at, suspended_at, suspended_until,
               merged_into as "merged_into: ComplaintId", excluded_at,
               units as "units: Vec<NodeCode>"
           from complaint
           where id = coalesce($1, (select complaint_id from task where task.id = $2))
           for update"#,
        id,
        task,
    )
    .fetch_optional(conn)
    .await?;
    Ok(row.map(Complaint::from))
}

/// Where a complaint stands at this moment, without locking it.
///
/// # Errors
/// The database is away.
pub async fn status(conn: &mut Connection, id: ComplaintId) -> Result<Option<Status>, sqlx::Error> {
    sqlx::query_scalar!(r#"select status as "status: Status" from complaint where id = $1"#, id.0)
        .fetch_optional(conn)
        .await
}

/// The number that people read.
///
/// # Errors
/// The database is away.
pub async fn number(conn: &mut Connection, id: ComplaintId) -> Result<Option<String>, sqlx::Error> {
    sqlx::query_scalar!("select number from complaint where id = $1", id.0)
        .fetch_optional(conn)
        .await
}

/// Saves a locked complaint and appends events of its case, its tasks' included. Answers the
/// number of its last event.
///
/// # Errors
/// The database is away, or refuses what breaks an invariant.
#[expect(clippy::as_conversions, reason = "tells sqlx that elements may be null")]
pub async fn save(
    conn: &mut Connection,
    complaint: &Complaint,
    events: &[NewEvent],
    actor: Option<AccountId>,
    now: Timestamp,
) -> Result<i32, sqlx::Error> {
    let rows = Rows::of(events);
    sqlx::query_scalar!(
        r#"with saved as (
               update complaint set version = version + 1,
                   last_seq = last_seq + cardinality($2::text[]),
                   status = $8, urgency = $9, duty_item = $10, duty_list = $11, category = $12,
                   reported_unit = $13, accepted_at = $14, dispatched_at = $15, replied_at = $16,
                   closed_at = $17, closed_as = $18, clock_from = $19, follow_up_round = $20,
                   reworks = $21, appealed = $22, reopened = $23, urges = $24, urged_at = $25,
                   suspended_at = $26, suspended_until = $27, merged_into = $28,
                   excluded_at = $29, units = $30
               where id = $1
               returning last_seq
           ), told as (
               insert into event
                   (subject_id, seq, at, kind, visibility, unit, task_id, data, note, actor_id)
               select $1, last_seq - cardinality($2::text[]) + ord, $31, given.kind, given.visibility,
                   given.unit, given.task_id, given.data, given.note, $32
               from saved, unnest($2::text[], $3::text[], $4::text[], $5::uuid[], $6::jsonb[], $7::text[])
                   with ordinality as given (kind, visibility, unit, task_id, data, note, ord)
           )
           select last_seq from saved"#,
        complaint.id.0,
        &rows.kinds,
        &rows.visibilities,
        &rows.units as &[Option<String>],
        &rows.tasks as &[Option<uuid::Uuid>],
        &rows.data,
        &rows.notes as &[Option<String>],
        complaint.status.code(),
        complaint.urgency.map(Urgency::code),
        complaint.duty_item,
        complaint.duty_list,
        complaint.category,
        complaint.reported_unit.as_ref().map(NodeCode::as_str),
        complaint.accepted_at,
        complaint.dispatched_at,
        complaint.replied_at,
        complaint.closed_at,
        complaint.closed_as.map(ClosedAs::code),
        complaint.clock_from,
        complaint.follow_up_round,
        complaint.reworks,
        complaint.appealed,
        complaint.reopened,
        complaint.urges,
        complaint.urged_at,
        complaint.suspension.map(|suspension| suspension.since),
        complaint.suspension.map(|suspension| suspension.until),
        complaint.merged_into.map(|id| id.0),
        complaint.excluded_at,
        &complaint.units as &[NodeCode],
        now,
        actor.map(|account| account.0),
    )
    .fetch_one(conn)
    .await
}

/// Lets the children of a case that is merged itself follow the same case.
///
/// # Errors
/// The database is away.
pub async fn repoint_children(
    conn: &mut Connection,
    from: ComplaintId,
    to: ComplaintId,
) -> Result<(), sqlx::Error> {
    sqlx::query!("update complaint set merged_into = $2 where merged_into = $1", from.0, to.0)
        .execute(conn)
        .await?;
    Ok(())
}

/// The complaints that follow a case, in ascending id, in which they are locked.
///
/// # Errors
/// The database is away.
pub async fn children(
    conn: &mut Connection,
    of: ComplaintId,
) -> Result<Vec<ComplaintId>, sqlx::Error> {
    sqlx::query_scalar!(
        r#"select id as "id: ComplaintId" from complaint where merged_into = $1 order by id"#,
        of.0
    )
    .fetch_all(conn)
    .await
}

/// Locks several complaints at once, in ascending id, so that no two who need some of the same wait
/// for each other. Whoever needs a case and its children takes them here first.
///
/// # Errors
/// The database is away.
pub async fn lock_all(conn: &mut Connection, ids: &[ComplaintId]) -> Result<(), sqlx::Error> {
    let ids: Vec<uuid::Uuid> = ids.iter().map(|id| id.0).collect();
    sqlx::query!(
        r#"select id from complaint where id = any($1) order by id for no key update"#,
        &ids
    )
    .fetch_all(conn)
    .await?;
    Ok(())
}

/// The complaint that one follows at this moment, without locking either.
///
/// # Errors
/// The database is away.
pub async fn leading(
    conn: &mut Connection,
    of: ComplaintId,
) -> Result<Option<ComplaintId>, sqlx::Error> {
    let found = sqlx::query_scalar!(
        r#"select merged_into as "id: ComplaintId" from complaint where id = $1"#,
        of.0
    );
    Ok(found.fetch_optional(conn).await?.flatten())
}

/// An evaluation to be kept.
#[derive(Debug, Clone)]
pub struct NewEvaluation<'a> {
    /// Its id.
    pub id: EvaluationId,
    /// The complaint whose reporter speaks.
    pub complaint: ComplaintId,
    /// What they say.
    pub given: &'a domain::evaluation::Evaluation,
    /// The round it belongs to, 0 before follow-up.
    pub round: i16,
    /// By which way: mini_program, track, phone …
    pub channel: &'a str,
    /// Who wrote it down, if the reporter did not.
    pub recorded_by: Option<AccountId>,
}

/// Keeps an evaluation.
///
/// # Errors
/// The database is away.
pub async fn insert_evaluation(
    conn: &mut Connection,
    evaluation: &NewEvaluation<'_>,
    now: Timestamp,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "insert into evaluation
             (id, complaint_id, at, round, channel, solved, satisfaction, contacted, comment, recorded_by)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
        evaluation.id.0,
        evaluation.complaint.0,
        now,
        evaluation.round,
        evaluation.channel,
        evaluation.given.solved,
        evaluation.given.satisfaction.value(),
        evaluation.given.contacted,
        evaluation.given.comment,
        evaluation.recorded_by.map(|account| account.0),
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Whether the reporter of a complaint has evaluated; of one that follows another, since it does.
///
/// # Errors
/// The database is away.
pub async fn has_evaluation(
    conn: &mut Connection,
    complaint: ComplaintId,
) -> Result<bool, sqlx::Error> {
    sqlx::query_scalar!(
        r#"select exists (
               select from evaluation where complaint_id = $1 and at >= coalesce((
                   select max(at) from event where subject_id = $1 and kind = 'merged'), at)
           ) as "exists!""#,
        complaint.0
    )
    .fetch_one(conn)
    .await
}

/// What a person without an account shows to track a complaint.
#[derive(Debug, Clone)]
pub struct Tracked {
    /// The complaint.
    pub id: ComplaintId,
    /// The MAC of its query code.
    pub query_code_mac: Vec<u8>,
}

/// Finds a complaint by the number that people read.
///
/// # Errors
/// The database is away.
pub async fn by_number(
    conn: &mut Connection,
    number: &str,
) -> Result<Option<Tracked>, sqlx::Error> {
    sqlx::query_as!(
        Tracked,
        r#"select id as "id: ComplaintId", query_code_mac from complaint where number = $1"#,
        number
    )
    .fetch_optional(conn)
    .await
}

/// The sealed contact that was given with a complaint.
///
/// # Errors
/// The database is away.
pub async fn contact(
    conn: &mut Connection,
    complaint: ComplaintId,
) -> Result<Option<SealedContact>, sqlx::Error> {
    sqlx::query_as!(
        SealedContact,
        "select name_sealed as name, phone_sealed as phone, phone_index as index
         from complaint_contact where complaint_id = $1",
        complaint.0
    )
    .fetch_optional(conn)
    .await
}
