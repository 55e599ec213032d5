//! The register of work units (工作单位), a unit's registrations with communities, and what a unit
//! is told: receipts and reports. Lists and details are in [`read`].

use domain::{
    event::{EventKind, NewEvent, Visibility},
    id::{AccountId, ChangeId, ReceiptId, RegistrationId, UnitRegistrationId, UnitReportId},
    org::NodeCode,
    time::Timestamp,
    work_unit::{ReceiptCause, ReportKind, Status, UnitRegistration, WorkUnit},
};
use serde_json::json;

use super::{Connection, event};
use crate::random;

pub mod read;

/// Adds a unit to the register.
///
/// # Errors
/// The database is away; `work_unit_pkey`, `work_unit_name` or `work_unit_party_body` when another
/// has the code, the name or the party body.
pub async fn insert(
    conn: &mut Connection,
    unit: &WorkUnit,
    by: Option<AccountId>,
    now: Timestamp,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "insert into work_unit (code, name, party_body, added_by, added_at)
         values ($1, $2, $3, $4, $5)",
        unit.code.as_str(),
        unit.name,
        unit.party_body,
        by.map(|by| by.0),
        now,
    )
    .execute(&mut *conn)
    .await?;
    pair(conn, unit).await
}

/// The version of a unit, locked.
///
/// # Errors
/// The database is away.
pub async fn lock(conn: &mut Connection, code: &NodeCode) -> Result<Option<i64>, sqlx::Error> {
    sqlx::query_scalar!("select version from work_unit where code = $1 for update", code.as_str())
        .fetch_optional(conn)
        .await
}

/// Brings a locked unit up to date, with its pairings.
///
/// # Errors
/// As [`insert`].
pub async fn save(conn: &mut Connection, unit: &WorkUnit) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "update work_unit set version = version + 1, name = $2, party_body = $3 where code = $1",
        unit.code.as_str(),
        unit.name,
        unit.party_body,
    )
    .execute(&mut *conn)
    .await?;
    sqlx::query!("delete from work_unit_community where unit_code = $1", unit.code.as_str())
        .execute(&mut *conn)
        .await?;
    pair(conn, unit).await
}

async fn pair(conn: &mut Connection, unit: &WorkUnit) -> Result<(), sqlx::Error> {
    let communities: Vec<String> = unit.communities.iter().map(ToString::to_string).collect();
    sqlx::query!(
        "insert into work_unit_community (unit_code, community_code)
         select $1, community from unnest($2::text[]) as community",
        unit.code.as_str(),
        &communities,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Whether there is such a unit.
///
/// # Errors
/// The database is away.
pub async fn exists(conn: &mut Connection, code: &NodeCode) -> Result<bool, sqlx::Error> {
    sqlx::query_scalar!(
        r#"select exists (select from work_unit where code = $1) as "there!""#,
        code.as_str(),
    )
    .fetch_one(conn)
    .await
}

/// Keeps the register of units as it is until the transaction ends, for who looks one up to put it
/// into a registration. Call it before any row is locked.
///
/// # Errors
/// The database is away.
pub async fn steady(conn: &mut Connection) -> Result<(), sqlx::Error> {
    sqlx::query!("select pg_advisory_xact_lock_shared(hashtextextended('work_unit', 0))")
        .execute(conn)
        .await?;
    Ok(())
}

/// Waits until nobody looks a unit up, and lets nobody until the transaction ends. Call it before
/// any row is locked.
///
/// # Errors
/// The database is away.
pub async fn hold(conn: &mut Connection) -> Result<(), sqlx::Error> {
    sqlx::query!("select pg_advisory_xact_lock(hashtextextended('work_unit', 0))")
        .execute(conn)
        .await?;
    Ok(())
}

/// The signed registrations whose unit the register did not know, and which name this one by its
/// party body or its name: in ascending id, as they are to be locked.
///
/// # Errors
/// The database is away.
pub async fn unlinked(
    conn: &mut Connection,
    unit: &WorkUnit,
) -> Result<Vec<RegistrationId>, sqlx::Error> {
    sqlx::query_scalar!(
        r#"select id as "id: RegistrationId" from registration
           where unit_code is null and status = 'signed' and work_unit in ($1, $2)
           order by id"#,
        unit.party_body,
        unit.name,
    )
    .fetch_all(conn)
    .await
}

/// Whether some unit has been told that a community signed for somebody.
///
/// # Errors
/// The database is away.
pub async fn told_signed(
    conn: &mut Connection,
    registration: RegistrationId,
) -> Result<bool, sqlx::Error> {
    sqlx::query_scalar!(
        r#"select exists (
               select from receipt where registration_id = $1 and cause = 'signed') as "told!""#,
        registration.0,
    )
    .fetch_one(conn)
    .await
}

/// The unit that the register of members calls so, by its party body or its name.
///
/// # Errors
/// The database is away.
pub async fn called(conn: &mut Connection, name: &str) -> Result<Option<NodeCode>, sqlx::Error> {
    sqlx::query_scalar!(
        r#"select code as "code: NodeCode" from work_unit
           where party_body = $1 or name = $1
           order by party_body = $1 desc
           limit 1"#,
        name,
    )
    .fetch_optional(conn)
    .await
}

/// The party body of a unit, as the register of members writes it.
///
/// # Errors
/// The database is away.
pub async fn party_body(
    conn: &mut Connection,
    code: &NodeCode,
) -> Result<Option<String>, sqlx::Error> {
    sqlx::query_scalar!("select party_body from work_unit where code = $1", code.as_str())
        .fetch_optional(conn)
        .await
}

/// Whether a unit is paired with a community. The unit's row is locked, so that this stays so.
///
/// # Errors
/// The database is away.
pub async fn paired(
    conn: &mut Connection,
    unit: &NodeCode,
    community: &NodeCode,
) -> Result<bool, sqlx::Error> {
    lock(conn, unit).await?;
    sqlx::query_scalar!(
        r#"select exists (select from work_unit_community
               where unit_code = $1 and community_code = $2) as "there!""#,
        unit.as_str(),
        community.as_str(),
    )
    .fetch_one(conn)
    .await
}

/// A unit's registration, locked.
///
/// # Errors
/// The database is away.
pub async fn lock_registration(
    conn: &mut Connection,
    id: UnitRegistrationId,
) -> Result<Option<UnitRegistration>, sqlx::Error> {
    let row = sqlx::query!(
        r#"select version, unit_code as "unit: NodeCode", community_code as "community: NodeCode",
               status as "status: Status", offers, submitted_at,
               submitted_by as "submitted_by: AccountId", decided_at,
               decided_by as "decided_by: AccountId", note, ended_at,
               ended_by as "ended_by: AccountId", end_reason
           from unit_registration where id = $1
           for update"#,
        id.0,
    )
    .fetch_optional(conn)
    .await?;
    Ok(row.map(|row| UnitRegistration {
        id,
        version: row.version,
        unit: row.unit,
        community: row.community,
        status: row.status,
        offers: row.offers,
        submitted: (row.submitted_at, row.submitted_by),
        decided: row.decided_at.zip(row.decided_by),
        note: row.note,
        ended: row
            .ended_at
            .zip(row.ended_by)
            .zip(row.end_reason)
            .map(|((at, by), reason)| (at, by, reason)),
    }))
}

/// Stores what was handed in. Answers the number of its last event.
///
/// # Errors
/// The database is away; `unit_registration_active` when one waits or stands already.
pub async fn hand_in(
    conn: &mut Connection,
    registration: &UnitRegistration,
    events: &[NewEvent],
    now: Timestamp,
) -> Result<i32, sqlx::Error> {
    let last = i32::try_from(events.len()).unwrap_or(i32::MAX);
    let (at, by) = registration.submitted;
    sqlx::query!(
        "insert into unit_registration (id, last_seq, unit_code, community_code, status, offers,
             submitted_by, submitted_at)
         values ($1, $2, $3, $4, $5, $6, $7, $8)",
        registration.id.0,
        last,
        registration.unit.as_str(),
        registration.community.as_str(),
        registration.status.code(),
        registration.offers,
        by.0,
        at,
    )
    .execute(&mut *conn)
    .await?;
    event::append(conn, registration.id.0, last, events, Some(by), now).await?;
    Ok(last)
}

/// Saves a decision. Answers the number of its last event.
///
/// # Errors
/// The database is away.
pub async fn save_registration(
    conn: &mut Connection,
    registration: &UnitRegistration,
    events: &[NewEvent],
    by: AccountId,
    now: Timestamp,
) -> Result<i32, sqlx::Error> {
    let ended = registration.ended.as_ref();
    let last = sqlx::query_scalar!(
        "update unit_registration set version = version + 1, last_seq = last_seq + $2, status = $3,
             decided_at = $4, decided_by = $5, note = $6, ended_at = $7, ended_by = $8,
             end_reason = $9
         where id = $1
         returning last_seq",
        registration.id.0,
        i32::try_from(events.len()).unwrap_or(i32::MAX),
        registration.status.code(),
        registration.decided.map(|(at, _)| at),
        registration.decided.map(|(_, by)| by.0),
        registration.note,
        ended.map(|(at, ..)| *at),
        ended.map(|(_, by, _)| by.0),
        ended.map(|(.., reason)| reason),
    )
    .fetch_one(&mut *conn)
    .await?;
    event::append(conn, registration.id.0, last, events, Some(by), now).await?;
    Ok(last)
}

/// Writes receipts for units that are told of a registration, in the transaction of what they
/// tell of.
///
/// # Errors
/// The database is away.
pub async fn receipts(
    conn: &mut Connection,
    (registration, community): (RegistrationId, &NodeCode),
    change: Option<ChangeId>,
    told: &[(NodeCode, ReceiptCause)],
    now: Timestamp,
) -> Result<(), sqlx::Error> {
    for (unit, cause) in told {
        sqlx::query!(
            "insert into receipt
                 (id, unit_code, registration_id, cause, community_code, change_id, made_at)
             values ($1, $2, $3, $4, $5, $6, $7)",
            random::id::<ReceiptId>(now).0,
            unit.as_str(),
            registration.0,
            cause.code(),
            community.as_str(),
            change.map(|id| id.0),
            now,
        )
        .execute(&mut *conn)
        .await?;
    }
    Ok(())
}

/// What a unit signs for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Told {
    /// A receipt for one of its members.
    Receipt(ReceiptId),
    /// A report on all of them.
    Report(UnitReportId),
}

/// The unit that was told.
///
/// # Errors
/// The database is away.
pub async fn told(conn: &mut Connection, told: Told) -> Result<Option<NodeCode>, sqlx::Error> {
    let (receipt, report) = match told {
        Told::Receipt(id) => (Some(id.0), None),
        Told::Report(id) => (None, Some(id.0)),
    };
    sqlx::query_scalar!(
        r#"select unit_code as "unit!: NodeCode" from receipt where id = $1
           union all
           select unit_code from unit_report where id = $2"#,
        receipt,
        report,
    )
    .fetch_optional(conn)
    .await
}

/// A unit signs for what it was told; `false` where it did before.
///
/// # Errors
/// The database is away.
pub async fn acknowledge(
    conn: &mut Connection,
    told: Told,
    by: AccountId,
    now: Timestamp,
) -> Result<bool, sqlx::Error> {
    let done = match told {
        Told::Receipt(id) => sqlx::query!(
            "update receipt set acknowledged_at = $2, acknowledged_by = $3
             where id = $1 and acknowledged_at is null",
            id.0,
            now,
            by.0,
        ),
        Told::Report(id) => sqlx::query!(
            "update unit_report set acknowledged_at = $2, acknowledged_by = $3
             where id = $1 and acknowledged_at is null",
            id.0,
            now,
            by.0,
        ),
    };
    Ok(done.execute(conn).await?.rows_affected() == 1)
}

/// What a unit is told of all its members.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewReport {
    /// Its id.
    pub id: UnitReportId,
    /// Which unit.
    pub unit: NodeCode,
    /// What it is.
    pub kind: ReportKind,
    /// Of which year.
    pub year: i32,
    /// The month of a reminder, the number of a quarter, 0 for the year.
    pub number: i32,
    /// Up to when services count.
    pub until: Timestamp,
    /// How many members it is about.
    pub members: i64,
    /// How many of them miss something.
    pub missing: i64,
}

/// Writes a report with its event, once: `false` where the unit has it already.
///
/// # Errors
/// The database is away.
pub async fn report(
    conn: &mut Connection,
    new: &NewReport,
    now: Timestamp,
) -> Result<bool, sqlx::Error> {
    let added = sqlx::query!(
        "insert into unit_report
             (id, last_seq, unit_code, kind, year, number, until, members, missing, made_at)
         values ($1, 1, $2, $3, $4, $5, $6, $7, $8, $9)
         on conflict on constraint unit_report_once do nothing",
        new.id.0,
        new.unit.as_str(),
        new.kind.code(),
        new.year,
        new.number,
        new.until,
        new.members,
        new.missing,
        now,
    )
    .execute(&mut *conn)
    .await?;
    if added.rows_affected() == 0 {
        return Ok(false);
    }
    let told = NewEvent::new(EventKind::UnitReported, Visibility::Unit).with(json!({
        "work_unit": new.unit, "report": new.kind, "year": new.year, "number": new.number,
        "members": new.members, "missing": new.missing,
    }));
    event::append(conn, new.id.0, 1, &[told], None, now).await?;
    Ok(true)
}
