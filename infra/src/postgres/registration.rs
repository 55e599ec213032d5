//! Registrations with communities (双报到), written under the person's or the row's lock. Lists and
//! details are in [`read`].

use chrono::NaiveDate;
use domain::{
    event::NewEvent,
    id::{AccountId, MemberId, RegistrationId},
    org::NodeCode,
    registration::{Registration, Status},
    time::Timestamp,
};

use super::{Connection, event};

pub mod change;
pub mod read;
pub mod result;

/// Who the person says they are, as it is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sealed {
    /// The name, sealed for the community's officer.
    pub name: Vec<u8>,
    /// The blind index of name and number together; the number itself is not kept.
    pub match_index: Vec<u8>,
}

struct Row {
    id: RegistrationId,
    version: i64,
    account: AccountId,
    community: NodeCode,
    status: Status,
    submitted_at: Timestamp,
    decided_at: Option<Timestamp>,
    decided_by: Option<AccountId>,
    note: Option<String>,
    member: Option<MemberId>,
    work_unit: Option<String>,
    unit: Option<NodeCode>,
    retired_on: Option<NaiveDate>,
    ended_at: Option<Timestamp>,
    match_index: Vec<u8>,
}

impl Row {
    fn parts(self) -> (Registration, Vec<u8>) {
        let registration = Registration {
            id: self.id,
            version: self.version,
            account: self.account,
            community: self.community,
            status: self.status,
            submitted_at: self.submitted_at,
            decided: self.decided_at.zip(self.decided_by),
            note: self.note,
            member: self.member,
            work_unit: self.work_unit,
            unit: self.unit,
            retired_on: self.retired_on,
            ended_at: self.ended_at,
        };
        (registration, self.match_index)
    }
}

/// The registration that an account has waiting or signed, locked.
///
/// # Errors
/// The database is away.
pub async fn lock_active(
    conn: &mut Connection,
    account: AccountId,
) -> Result<Option<Registration>, sqlx::Error> {
    let id = sqlx::query_scalar!(
        r#"select id as "id: RegistrationId" from registration
           where account_id = $1 and status in ('pending', 'signed')"#,
        account.0,
    )
    .fetch_optional(&mut *conn)
    .await?;
    match id {
        // It may have been refused since; only its lock tells.
        Some(id) => Ok(lock(conn, id).await?.map(|(registration, _)| registration)),
        None => Ok(None),
    }
}

/// A registration, locked, with the blind index of what was handed in.
///
/// # Errors
/// The database is away.
pub async fn lock(
    conn: &mut Connection,
    id: RegistrationId,
) -> Result<Option<(Registration, Vec<u8>)>, sqlx::Error> {
    let row = sqlx::query_as!(
        Row,
        r#"select id as "id: RegistrationId", version, account_id as "account: AccountId",
               community_code as "community: NodeCode", status as "status: Status", submitted_at,
               decided_at, decided_by as "decided_by: AccountId", note,
               member_id as "member: MemberId", work_unit, unit_code as "unit: NodeCode",
               retired_on, ended_at, match_index
           from registration
           where id = $1
           for update"#,
        id.0,
    )
    .fetch_optional(conn)
    .await?;
    Ok(row.map(Row::parts))
}

/// Which registration a community signed for a member.
///
/// # Errors
/// The database is away.
pub async fn signed_for(
    conn: &mut Connection,
    member: MemberId,
) -> Result<Option<RegistrationId>, sqlx::Error> {
    sqlx::query_scalar!(
        r#"select id as "id: RegistrationId" from registration
           where member_id = $1 and status = 'signed'"#,
        member.0,
    )
    .fetch_optional(conn)
    .await
}

/// The same, locked.
///
/// # Errors
/// The database is away.
pub async fn lock_signed(
    conn: &mut Connection,
    member: MemberId,
) -> Result<Option<Registration>, sqlx::Error> {
    let Some(id) = signed_for(conn, member).await? else { return Ok(None) };
    let held = lock(conn, id).await?.map(|(registration, _)| registration);
    // It may have ended since; only its lock tells.
    Ok(held.filter(|registration| registration.status == Status::Signed))
}

/// Stores what was handed in: a new row, or what a waiting one was put right to. Answers the
/// number of its last event.
///
/// # Errors
/// The database is away; `registration_active` when a row is active already.
pub async fn hand_in(
    conn: &mut Connection,
    registration: &Registration,
    sealed: &Sealed,
    events: &[NewEvent],
    now: Timestamp,
) -> Result<i32, sqlx::Error> {
    let last = sqlx::query_scalar!(
        "insert into registration (id, last_seq, account_id, community_code, name_sealed,
             match_index, status, submitted_at)
         values ($1, $2, $3, $4, $5, $6, $7, $8)
         on conflict (id) do update set version = registration.version + 1,
             last_seq = registration.last_seq + $2, community_code = $4, name_sealed = $5,
             match_index = $6, submitted_at = $8
         returning last_seq",
        registration.id.0,
        i32::try_from(events.len()).unwrap_or(i32::MAX),
        registration.account.0,
        registration.community.as_str(),
        sealed.name,
        sealed.match_index,
        registration.status.code(),
        registration.submitted_at,
    )
    .fetch_one(&mut *conn)
    .await?;
    event::append(conn, registration.id.0, last, events, Some(registration.account), now).await?;
    Ok(last)
}

/// Saves a decision. Answers the number of its last event.
///
/// # Errors
/// The database is away; `registration_member` when the member is signed for already.
pub async fn save(
    conn: &mut Connection,
    registration: &Registration,
    events: &[NewEvent],
    by: Option<AccountId>,
    now: Timestamp,
) -> Result<i32, sqlx::Error> {
    let last = sqlx::query_scalar!(
        "update registration set version = version + 1, last_seq = last_seq + $2, status = $3,
             decided_at = $4, decided_by = $5, note = $6, member_id = $7, work_unit = $8,
             community_code = $9, unit_code = $10, retired_on = $11, ended_at = $12
         where id = $1
         returning last_seq",
        registration.id.0,
        i32::try_from(events.len()).unwrap_or(i32::MAX),
        registration.status.code(),
        registration.decided.map(|(at, _)| at),
        registration.decided.map(|(_, by)| by.0),
        registration.note,
        registration.member.map(|id| id.0),
        registration.work_unit,
        registration.community.as_str(),
        registration.unit.as_ref().map(NodeCode::as_str),
        registration.retired_on,
        registration.ended_at,
    )
    .fetch_one(&mut *conn)
    .await?;
    event::append(conn, registration.id.0, last, events, by, now).await?;
    Ok(last)
}
