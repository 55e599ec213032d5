//! Enforcement: certificates and acts as they are written. An act comes under the lock of its
//! task's case; versions of powers are in [`power`], what people read in [`read`].

use domain::{
    enforcement::{Act, ActKind, ActStatus, Certificate, CertificateStatus, Record, Register},
    id::{AccountId, ActId, CertificateId, TaskId},
    org::NodeCode,
    time::Timestamp,
};
use uuid::Uuid;

use super::Connection;

pub mod power;
pub mod read;

/// Stores a certificate.
///
/// # Errors
/// The database failed; `certificate_number_key` when the number is taken,
/// `certificate_no_overlap` when the holder has another in the time.
pub async fn register(
    conn: &mut Connection,
    (id, given): (CertificateId, &Register),
    holder: AccountId,
    by: AccountId,
    now: Timestamp,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "insert into certificate
             (id, number, holder, unit, valid_from, valid_until, registered_by, registered_at)
         values ($1, $2, $3, $4, $5, $6, $7, $8)",
        id.0,
        given.number,
        holder.0,
        given.unit.as_str(),
        given.valid_from,
        given.valid_until,
        by.0,
        now,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Certificates by their ids, locked against a revocation until the transaction ends.
///
/// # Errors
/// The database failed.
pub async fn certificates(
    conn: &mut Connection,
    ids: &[CertificateId],
) -> Result<Vec<Certificate>, sqlx::Error> {
    let ids: Vec<Uuid> = ids.iter().map(|id| id.0).collect();
    let rows = sqlx::query!(
        r#"select id as "id: CertificateId", number, holder as "holder: AccountId",
               unit as "unit: NodeCode", valid_from, valid_until,
               revoked_at is not null as "revoked!", version
           from certificate where id = any($1) order by id for update"#,
        &ids,
    )
    .fetch_all(conn)
    .await?;
    let status = |revoked: bool| {
        if revoked { CertificateStatus::Revoked } else { CertificateStatus::Registered }
    };
    let all = rows.into_iter().map(|row| Certificate {
        id: row.id,
        number: row.number,
        holder: row.holder,
        unit: row.unit,
        valid_from: row.valid_from,
        valid_until: row.valid_until,
        status: status(row.revoked),
        version: row.version,
    });
    Ok(all.collect())
}

/// Takes a locked certificate back.
///
/// # Errors
/// The database failed.
pub async fn revoke(
    conn: &mut Connection,
    id: CertificateId,
    reason: &str,
    by: AccountId,
    now: Timestamp,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "update certificate set revoked_at = $2, revoked_by = $3, revoked_reason = $4,
             version = version + 1
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

/// An act of a task as it is stored, sealed where it speaks of somebody.
#[derive(Debug)]
pub struct NewAct<'a> {
    /// Its id.
    pub id: ActId,
    /// The task.
    pub task: TaskId,
    /// Whose act it is.
    pub unit: &'a NodeCode,
    /// The list that has the power.
    pub list: i64,
    /// What was done.
    pub record: &'a Record,
    /// Against whom, sealed.
    pub party: Vec<u8>,
    /// What was found and ordered, sealed.
    pub content: Vec<u8>,
    /// Who puts it on record.
    pub by: AccountId,
}

/// Stores an act with its officers.
///
/// # Errors
/// The database failed; `enforcement_act_document_no` or `enforcement_act_once` when it stands
/// already.
pub async fn insert(
    conn: &mut Connection,
    act: &NewAct<'_>,
    now: Timestamp,
) -> Result<(), sqlx::Error> {
    let record = act.record;
    sqlx::query!(
        "insert into enforcement_act
             (id, task_id, unit, kind, power_list_id, power_code, party_kind, party_name_sealed,
              place, content_sealed, occurred_at, document_no, amount_fen, recorded_by, recorded_at)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)",
        act.id.0,
        act.task.0,
        act.unit.as_str(),
        record.kind.code(),
        act.list,
        record.power,
        record.party.kind.code(),
        act.party,
        record.place,
        act.content,
        record.occurred_at,
        record.document_no,
        record.amount_fen,
        act.by.0,
        now,
    )
    .execute(&mut *conn)
    .await?;
    officers(conn, act.id, act.unit, &record.certificates).await
}

async fn officers(
    conn: &mut Connection,
    act: ActId,
    unit: &NodeCode,
    certificates: &[CertificateId],
) -> Result<(), sqlx::Error> {
    let ids: Vec<Uuid> = certificates.iter().map(|id| id.0).collect();
    sqlx::query!(
        "insert into enforcement_act_officer (act_id, unit, certificate_id)
         select $1, $2, given.id from unnest($3::uuid[]) as given (id)",
        act.0,
        unit.as_str(),
        &ids,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// The task that an act is part of.
///
/// # Errors
/// The database failed.
pub async fn task_of(conn: &mut Connection, id: ActId) -> Result<Option<TaskId>, sqlx::Error> {
    sqlx::query_scalar!(
        r#"select task_id as "id: TaskId" from enforcement_act where id = $1"#,
        id.0
    )
    .fetch_optional(conn)
    .await
}

/// The acts of a task. Call it under the lock of the task's case.
///
/// # Errors
/// The database failed.
pub async fn acts(conn: &mut Connection, task: TaskId) -> Result<Vec<Act>, sqlx::Error> {
    let rows = sqlx::query!(
        r#"select id as "id: ActId", kind as "kind: ActKind",
               withdrawn_by is not null as "withdrawn!"
           from enforcement_act where task_id = $1 order by recorded_at, id"#,
        task.0,
    )
    .fetch_all(conn)
    .await?;
    let status =
        |withdrawn: bool| if withdrawn { ActStatus::Withdrawn } else { ActStatus::Standing };
    let acts = rows.into_iter().map(|row| Act {
        id: row.id,
        kind: row.kind,
        status: status(row.withdrawn),
    });
    Ok(acts.collect())
}

/// Stores the act that withdraws another.
///
/// # Errors
/// The database failed.
pub async fn withdraw(
    conn: &mut Connection,
    (by, withdrawn): (ActId, ActId),
    reason: &str,
    certificates: &[CertificateId],
    who: AccountId,
    now: Timestamp,
) -> Result<(), sqlx::Error> {
    let unit = sqlx::query_scalar!(
        r#"insert into enforcement_act (id, task_id, unit, kind, power_list_id, power_code,
               occurred_at, recorded_by, recorded_at, withdraws, reason)
           select $1, task_id, unit, 'withdrawal', power_list_id, power_code, $3, $4, $3, id, $5
           from enforcement_act where id = $2
           returning unit as "unit: NodeCode""#,
        by.0,
        withdrawn.0,
        now,
        who.0,
        reason,
    )
    .fetch_one(&mut *conn)
    .await?;
    sqlx::query!("update enforcement_act set withdrawn_by = $2 where id = $1", withdrawn.0, by.0)
        .execute(&mut *conn)
        .await?;
    officers(conn, by, &unit, certificates).await
}
