//! Consultations: opening one, locking one, saving one, and what each invited unit says. The
//! complaint's row is locked first.

use domain::{
    consultation::{Consultation, Decide, Level, Open, Status},
    id::{AccountId, ComplaintId, ConsultationId},
    org::NodeCode,
    time::Timestamp,
};

use super::Connection;

pub mod read;

/// Stores a new consultation with its seats.
///
/// # Errors
/// The database is away; `consultation_open` when the complaint is conferred on already.
#[expect(clippy::as_conversions, reason = "tells sqlx that codes are text")]
pub async fn insert(
    conn: &mut Connection,
    one: &Consultation,
    asked: &Open,
    by: Option<AccountId>,
    now: Timestamp,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "with opened as (
             insert into consultation
                 (id, complaint_id, status, level, cause, question, opened_by, opened_at, decide_by)
             values ($1, $2, $3, $4, $5, $6, $7, $8, $9)
             returning id
         )
         insert into consultation_seat (consultation_id, unit)
         select opened.id, unit from opened, unnest($10::text[]) as invited (unit)",
        one.id.0,
        one.complaint.0,
        one.status.code(),
        one.level.code(),
        asked.cause.code(),
        asked.question,
        by.map(|account| account.0),
        now,
        one.decide_by,
        &one.units as &[NodeCode],
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// The complaint that a consultation is about.
///
/// # Errors
/// The database is away.
pub async fn complaint_of(
    conn: &mut Connection,
    id: ConsultationId,
) -> Result<Option<ComplaintId>, sqlx::Error> {
    sqlx::query_scalar!(
        r#"select complaint_id as "id: ComplaintId" from consultation where id = $1"#,
        id.0
    )
    .fetch_optional(conn)
    .await
}

/// How a consultation is named when it is locked.
#[derive(Debug, Clone, Copy)]
pub enum By {
    /// By its own id.
    Id(ConsultationId),
    /// The open one of a complaint.
    Complaint(ComplaintId),
}

/// Locks a consultation until the transaction ends and reads it. The complaint is locked already.
///
/// # Errors
/// The database is away.
pub async fn lock(conn: &mut Connection, by: By) -> Result<Option<Consultation>, sqlx::Error> {
    let (id, complaint) = match by {
        By::Id(id) => (Some(id.0), None),
        By::Complaint(id) => (None, Some(id.0)),
    };
    let row = sqlx::query!(
        r#"select id as "id: ConsultationId", complaint_id as "complaint_id: ComplaintId", version,
               status as "status: Status", level as "level: Level", decide_by,
               array(select unit from consultation_seat seat where seat.consultation_id = c.id
                   order by unit) as "units!: Vec<NodeCode>"
           from consultation c
           where ($1::uuid is null or id = $1)
               and ($2::uuid is null or (complaint_id = $2 and status = 'open'))
           for update"#,
        id,
        complaint,
    )
    .fetch_optional(conn)
    .await?;
    Ok(row.map(|row| Consultation {
        id: row.id,
        complaint: row.complaint_id,
        version: row.version,
        status: row.status,
        level: row.level,
        decide_by: row.decide_by,
        units: row.units,
    }))
}

/// Saves where a locked consultation stands.
///
/// # Errors
/// The database is away, or refuses what breaks an invariant.
pub async fn save(conn: &mut Connection, one: &Consultation) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "update consultation set version = version + 1, status = $2, level = $3, decide_by = $4
         where id = $1",
        one.id.0,
        one.status.code(),
        one.level.code(),
        one.decide_by,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Keeps what an invited unit says; what it said before gives way.
///
/// # Errors
/// The database is away.
pub async fn state(
    conn: &mut Connection,
    id: ConsultationId,
    unit: &NodeCode,
    text: &str,
    by: Option<AccountId>,
    now: Timestamp,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "update consultation_seat set statement = $3, stated_at = $4, stated_by = $5
         where consultation_id = $1 and unit = $2",
        id.0,
        unit.as_str(),
        text,
        now,
        by.map(|account| account.0),
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// The ruling, with whom it names.
#[derive(Debug, Clone, Copy)]
pub struct Ruling<'a> {
    /// Its words.
    pub words: &'a Decide,
    /// Who leads.
    pub lead: &'a NodeCode,
    /// Who assists.
    pub assist: &'a [NodeCode],
}

/// Saves a decided consultation with its ruling.
///
/// # Errors
/// The database is away, or refuses what breaks an invariant.
#[expect(clippy::as_conversions, reason = "tells sqlx that codes are text")]
pub async fn decide(
    conn: &mut Connection,
    one: &Consultation,
    ruling: Ruling<'_>,
    by: Option<AccountId>,
    now: Timestamp,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "update consultation set version = version + 1, status = $2, decided_at = $3,
             decided_by = $4, decision = $5, legal_basis = $6, lead = $7, assist = $8, reply_by = $9
         where id = $1",
        one.id.0,
        one.status.code(),
        now,
        by.map(|account| account.0),
        ruling.words.text,
        ruling.words.legal_basis,
        ruling.lead.as_str(),
        ruling.assist as &[NodeCode],
        ruling.words.reply_by,
    )
    .execute(conn)
    .await?;
    Ok(())
}
