//! Supervisions (督办件), inserted and saved under their case's lock. Lists and details are in
//! [`read`], duty rosters in [`roster`].

use domain::{
    id::{AccountId, ComplaintId, SupervisionId, TaskId, WhistleId},
    org::NodeCode,
    supervision::{Level, Status, Supervision, Written},
    task::Case,
    time::Timestamp,
};

use super::Connection;

pub mod read;
pub mod roster;

struct Row {
    id: SupervisionId,
    version: i64,
    status: Status,
    level: Level,
    complaint_id: Option<ComplaintId>,
    whistle_id: Option<WhistleId>,
    task_id: TaskId,
    unit: NodeCode,
    demand: Option<String>,
    opened_at: Timestamp,
    opened_by: Option<AccountId>,
    answer_by: Timestamp,
    answer: Option<String>,
    answered_at: Option<Timestamp>,
    promised_until: Option<Timestamp>,
    send_backs: i16,
    listed_at: Option<Timestamp>,
    ended_at: Option<Timestamp>,
}

impl Row {
    fn into_supervision(self) -> Result<Supervision, sqlx::Error> {
        let until = self.promised_until;
        Ok(Supervision {
            id: self.id,
            version: self.version,
            status: self.status,
            level: self.level,
            case: case(self.complaint_id, self.whistle_id)?,
            task: self.task_id,
            unit: self.unit,
            demand: self.demand,
            opened_at: self.opened_at,
            opened_by: self.opened_by,
            answer_by: self.answer_by,
            answer: self.answer.map(|text| Written { text, until }),
            answered_at: self.answered_at,
            send_backs: self.send_backs,
            listed_at: self.listed_at,
            ended_at: self.ended_at,
        })
    }
}

fn case(complaint: Option<ComplaintId>, whistle: Option<WhistleId>) -> Result<Case, sqlx::Error> {
    match (complaint, whistle) {
        (Some(id), _) => Ok(Case::Complaint(id)),
        (None, Some(id)) => Ok(Case::Whistle(id)),
        (None, None) => Err(sqlx::Error::Decode("a supervision without a case".into())),
    }
}

/// The case of a supervision, whose lock is to be taken first. It never changes.
///
/// # Errors
/// The database is away.
pub async fn case_of(
    conn: &mut Connection,
    id: SupervisionId,
) -> Result<Option<Case>, sqlx::Error> {
    let row = sqlx::query!(
        r#"select complaint_id as "complaint_id: ComplaintId",
               whistle_id as "whistle_id: WhistleId"
           from supervision where id = $1"#,
        id.0,
    )
    .fetch_optional(conn)
    .await?;
    row.map(|row| case(row.complaint_id, row.whistle_id)).transpose()
}

/// A supervision under its case's lock.
///
/// # Errors
/// The database is away.
pub async fn find(
    conn: &mut Connection,
    id: SupervisionId,
) -> Result<Option<Supervision>, sqlx::Error> {
    let row = sqlx::query_as!(
        Row,
        r#"select id as "id: SupervisionId", version, status as "status: Status",
               level as "level: Level", complaint_id as "complaint_id: ComplaintId",
               whistle_id as "whistle_id: WhistleId", task_id as "task_id: TaskId",
               unit as "unit: NodeCode", demand, opened_at, opened_by as "opened_by: AccountId",
               answer_by, answer, answered_at, promised_until, send_backs, listed_at, ended_at
           from supervision where id = $1"#,
        id.0,
    )
    .fetch_optional(conn)
    .await?;
    row.map(Row::into_supervision).transpose()
}

/// The supervision of a unit on a case that is not over. Call it under the case's lock.
///
/// # Errors
/// The database is away.
pub async fn open_for(
    conn: &mut Connection,
    case: Case,
    unit: &NodeCode,
) -> Result<Option<SupervisionId>, sqlx::Error> {
    let (complaint, whistle) = case.keys();
    sqlx::query_scalar!(
        r#"select id as "id: SupervisionId" from supervision
           where coalesce(complaint_id, whistle_id) = coalesce($1::uuid, $2) and unit = $3
               and ended_at is null"#,
        complaint,
        whistle,
        unit.as_str(),
    )
    .fetch_optional(conn)
    .await
}

/// Keeps a new supervision.
///
/// # Errors
/// The database is away; `supervision_open` when the unit has one on the case.
pub async fn insert(conn: &mut Connection, new: &Supervision) -> Result<(), sqlx::Error> {
    let (complaint, whistle) = new.case.keys();
    sqlx::query!(
        "insert into supervision (id, status, level, complaint_id, whistle_id, task_id, unit, demand,
             opened_at, opened_by, answer_by)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
        new.id.0,
        new.status.code(),
        new.level.code(),
        complaint,
        whistle,
        new.task.0,
        new.unit.as_str(),
        new.demand,
        new.opened_at,
        new.opened_by.map(|by| by.0),
        new.answer_by,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Saves a supervision under its case's lock.
///
/// # Errors
/// The database is away, or refuses what breaks an invariant.
pub async fn save(conn: &mut Connection, saved: &Supervision) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "update supervision set version = version + 1, status = $2, level = $3, demand = $4,
             answer_by = $5, answer = $6, answered_at = $7, promised_until = $8, send_backs = $9,
             listed_at = $10, ended_at = $11
         where id = $1",
        saved.id.0,
        saved.status.code(),
        saved.level.code(),
        saved.demand,
        saved.answer_by,
        saved.answer.as_ref().map(|answer| &answer.text),
        saved.answered_at,
        saved.answer.as_ref().and_then(|answer| answer.until),
        saved.send_backs,
        saved.listed_at,
        saved.ended_at,
    )
    .execute(conn)
    .await?;
    Ok(())
}
