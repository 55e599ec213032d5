//! Awards in public notice, and who objects. A notice is locked after the account that it is about.

use chrono::NaiveDate;
use domain::{
    id::{AccountId, LedgerTxId, PointsNoticeId},
    points::{Notice, NoticeStatus, Source},
    time::Timestamp,
};
use serde_json::Value;
use uuid::Uuid;

use super::super::Connection;

/// An award that is put up for notice.
#[derive(Debug, Clone, PartialEq)]
pub struct NewNotice<'a> {
    /// Its id.
    pub id: PointsNoticeId,
    /// To whom.
    pub account: AccountId,
    /// What for.
    pub source: Source,
    /// How many points.
    pub points: i64,
    /// The cause, unique for ever.
    pub cause: &'a str,
    /// The day that caps count it on.
    pub on: NaiveDate,
    /// The rule it was computed by.
    pub rule: &'a str,
    /// Codes and figures of it.
    pub data: &'a Value,
    /// When the points run out.
    pub expires_at: Timestamp,
    /// When the notice ends.
    pub ends_at: Timestamp,
}

/// Puts an award up for notice, in the community of its post, appeal or household.
///
/// # Errors
/// The database's; `points_notice_cause` when the cause was put up before.
pub async fn insert(
    conn: &mut Connection,
    new: &NewNotice<'_>,
    now: Timestamp,
) -> sqlx::Result<()> {
    sqlx::query!(
        "insert into points_notice (id, account, source, points, cause, counted_on, rule_version, data,
             expires_at, community_code, noticed_at, ends_at, status)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, coalesce(
             (select post.community_code from claim join post on post.id = claim.post_id
              where claim.id = ($8::jsonb ->> 'claim')::uuid),
             (select community_code from complaint where id = ($8::jsonb ->> 'complaint')::uuid),
             (select household.community_code from household_visit as visit
              join household on household.id = visit.household_id
              where visit.id = ($8::jsonb ->> 'visit')::uuid)
         ), $10, $11, 'open')",
        new.id.0,
        new.account.0,
        new.source.code(),
        new.points,
        new.cause,
        new.on,
        new.rule,
        new.data,
        new.expires_at,
        now,
        new.ends_at,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// An award in notice.
#[derive(Debug, Clone, PartialEq)]
pub struct Held {
    /// Its id.
    pub id: PointsNoticeId,
    /// Which state of it.
    pub version: i64,
    /// As its rules see it.
    pub notice: Notice,
    /// What for.
    pub source: Source,
    /// How many points.
    pub points: i64,
    /// The cause.
    pub cause: String,
    /// The day that caps count it on.
    pub on: NaiveDate,
    /// The rule it was computed by.
    pub rule: String,
    /// Codes and figures of it.
    pub data: Value,
    /// When the points run out.
    pub expires_at: Timestamp,
}

/// By what an award in notice is found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum By<'a> {
    /// Its id.
    Id(PointsNoticeId),
    /// Its cause.
    Cause(&'a str),
}

/// Whose award in notice it is, without locking it.
///
/// # Errors
/// The database's.
pub async fn whose(conn: &mut Connection, id: PointsNoticeId) -> sqlx::Result<Option<AccountId>> {
    sqlx::query_scalar!(
        r#"select account as "account: AccountId" from points_notice where id = $1"#,
        id.0,
    )
    .fetch_optional(conn)
    .await
}

/// Locks an award in notice, after its account.
///
/// # Errors
/// The database's.
pub async fn lock(conn: &mut Connection, by: By<'_>) -> sqlx::Result<Option<Held>> {
    let (id, cause) = match by {
        By::Id(id) => (Some(id.0), None),
        By::Cause(cause) => (None, Some(cause)),
    };
    let row = sqlx::query!(
        r#"select id as "id: PointsNoticeId", version, account as "account: AccountId",
               status as "status: NoticeStatus", ends_at, source as "source: Source", points, cause,
               counted_on, rule_version, data, expires_at
           from points_notice where id = $1 or cause = $2 for no key update"#,
        id,
        cause,
    )
    .fetch_optional(conn)
    .await?;
    Ok(row.map(|row| Held {
        id: row.id,
        version: row.version,
        notice: Notice { status: row.status, account: row.account, ends_at: row.ends_at },
        source: row.source,
        points: row.points,
        cause: row.cause,
        on: row.counted_on,
        rule: row.rule_version,
        data: row.data,
        expires_at: row.expires_at,
    }))
}

/// What becomes of an award in notice.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Step<'a> {
    /// Where it stands now.
    pub status: NoticeStatus,
    /// Who decided on an objection.
    pub by: Option<AccountId>,
    /// Why.
    pub note: Option<&'a str>,
    /// The movement, where it was posted.
    pub tx: Option<LedgerTxId>,
}

/// Stores a step of a locked award in notice.
///
/// # Errors
/// The database's.
pub async fn save(
    conn: &mut Connection,
    id: PointsNoticeId,
    step: &Step<'_>,
    now: Timestamp,
) -> sqlx::Result<()> {
    sqlx::query!(
        "update points_notice
         set version = version + 1, status = $2, tx = $3, decided_by = coalesce($4, decided_by),
             decided_at = case when $4::uuid is null then decided_at else $6 end,
             note = coalesce($5, note)
         where id = $1",
        id.0,
        step.status.code(),
        step.tx.map(|tx| tx.0),
        step.by.map(|by| by.0),
        step.note,
        now,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Keeps an objection.
///
/// # Errors
/// The database's; `points_objection_once` when the person objected before.
pub async fn object(
    conn: &mut Connection,
    id: Uuid,
    (notice, by): (PointsNoticeId, AccountId),
    reason: &str,
    now: Timestamp,
) -> sqlx::Result<()> {
    sqlx::query!(
        "insert into points_objection (id, notice, account_id, reason, at) values ($1, $2, $3, $4, $5)",
        id,
        notice.0,
        by.0,
        reason,
        now,
    )
    .execute(conn)
    .await?;
    Ok(())
}
