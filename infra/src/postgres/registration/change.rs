//! Changes of registrations (报到变更), written under the lock of their registration, and as they
//! are read by whoever asked and by the communities that decide.

use domain::{
    id::{AccountId, ChangeId, RegistrationId},
    org::NodeCode,
    page::{Cursor, PageRequest},
    registration::change::{Change, Ground, Kind, Status, Wish},
    scope::Scope,
    time::Timestamp,
};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::postgres::Connection;

/// Of which registration a change is, if there is such a change.
///
/// # Errors
/// The database is away.
pub async fn registration_of(
    conn: &mut Connection,
    id: ChangeId,
) -> Result<Option<RegistrationId>, sqlx::Error> {
    sqlx::query_scalar!(
        r#"select registration_id as "id: RegistrationId" from registration_change where id = $1"#,
        id.0,
    )
    .fetch_optional(conn)
    .await
}

/// A change, locked; its registration was locked before.
///
/// # Errors
/// The database is away; a row that its constraints forbid.
pub async fn lock(conn: &mut Connection, id: ChangeId) -> Result<Option<Change>, sqlx::Error> {
    let row = sqlx::query!(
        r#"select version, registration_id as "registration: RegistrationId",
               community_code as "community: NodeCode", kind as "kind: Kind",
               to_community as "to_community: NodeCode", to_unit as "to_unit: NodeCode", year,
               ground as "ground: Ground", status as "status: Status",
               asked_by as "asked_by: AccountId", released_at,
               released_by as "released_by: AccountId", decided_at,
               decided_by as "decided_by: AccountId", note
           from registration_change where id = $1
           for update"#,
        id.0,
    )
    .fetch_optional(conn)
    .await?;
    let Some(row) = row else { return Ok(None) };
    let wish = match row.kind {
        Kind::Move => row.to_community.map(Wish::Move),
        Kind::Unit => row.to_unit.map(Wish::Unit),
        Kind::Retire => Some(Wish::Retire),
        Kind::Exempt => row.year.zip(row.ground).map(|(year, ground)| Wish::Exempt(year, ground)),
        Kind::Withdraw => Some(Wish::Withdraw),
    };
    // `registration_change_move` and its sisters hold what belongs to each kind.
    let wish = wish.ok_or_else(|| sqlx::Error::Decode("a change without its facts".into()))?;
    Ok(Some(Change {
        id,
        version: row.version,
        registration: row.registration,
        community: row.community,
        wish,
        status: row.status,
        asked_by: row.asked_by,
        released: row.released_at.zip(row.released_by),
        decided: row.decided_at.zip(row.decided_by),
        note: row.note,
    }))
}

/// Writes down what is asked for.
///
/// # Errors
/// The database is away; `registration_change_open` when another is open.
pub async fn insert(
    conn: &mut Connection,
    change: &Change,
    reason_sealed: &[u8],
    now: Timestamp,
) -> Result<(), sqlx::Error> {
    let (to_community, to_unit, year, ground) = match &change.wish {
        Wish::Move(to) => (Some(to.as_str()), None, None, None),
        Wish::Unit(to) => (None, Some(to.as_str()), None, None),
        Wish::Exempt(year, ground) => (None, None, Some(*year), Some(ground.code())),
        Wish::Retire | Wish::Withdraw => (None, None, None, None),
    };
    sqlx::query!(
        "insert into registration_change (id, registration_id, kind, status, community_code,
             to_community, to_unit, year, ground, reason_sealed, asked_by, asked_at)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)",
        change.id.0,
        change.registration.0,
        change.wish.kind().code(),
        change.status.code(),
        change.community.as_str(),
        to_community,
        to_unit,
        year,
        ground,
        reason_sealed,
        change.asked_by.0,
        now,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Saves a step.
///
/// # Errors
/// The database is away; `registration_change_exempt_once` when the year is waived already.
pub async fn save(conn: &mut Connection, change: &Change) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "update registration_change set version = version + 1, status = $2, released_at = $3,
             released_by = $4, decided_at = $5, decided_by = $6, note = $7
         where id = $1",
        change.id.0,
        change.status.code(),
        change.released.map(|(at, _)| at),
        change.released.map(|(_, by)| by.0),
        change.decided.map(|(at, _)| at),
        change.decided.map(|(_, by)| by.0),
        change.note,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Closes what is still asked for of a registration that ended: nobody is left to decide for.
///
/// # Errors
/// The database is away.
pub async fn close_open(
    conn: &mut Connection,
    registration: RegistrationId,
    note: &str,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "update registration_change set version = version + 1, status = 'taken_back', note = $2
         where registration_id = $1 and status in ('asked', 'released')",
        registration.0,
        note,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// 报到变更
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct ChangeView {
    /// 编号
    pub id: ChangeId,
    /// 哪一份报到
    pub registration_id: RegistrationId,
    /// 变更什么
    pub kind: Kind,
    /// 变更什么的中文
    pub kind_text: &'static str,
    /// 状态
    pub status: Status,
    /// 状态的中文
    pub status_text: &'static str,
    /// 版本号，用于 If-Match
    pub version: i64,
    /// 申请时所在的社区
    pub community_code: NodeCode,
    /// 申请时所在社区的名称
    #[schema(example = "文兴社区")]
    pub community_name: String,
    /// 转到哪个社区
    pub to_community: Option<NodeCode>,
    /// 转到的社区的名称
    pub to_community_name: Option<String>,
    /// 变更到哪个工作单位
    pub to_unit: Option<NodeCode>,
    /// 变更到的工作单位的名称
    pub to_unit_name: Option<String>,
    /// 免除哪一年的要求
    pub year: Option<i32>,
    /// 免除的理由
    pub ground: Option<Ground>,
    /// 申请时间
    #[schema(value_type = String, format = DateTime)]
    pub asked_at: Timestamp,
    /// 原社区同意转出的时间
    #[schema(value_type = Option<String>, format = DateTime)]
    pub released_at: Option<Timestamp>,
    /// 办理或不同意的时间
    #[schema(value_type = Option<String>, format = DateTime)]
    pub decided_at: Option<Timestamp>,
    /// 社区的说明
    pub note: Option<String>,
    #[serde(skip)]
    /// The member's name, sealed.
    pub name_sealed: Vec<u8>,
    #[serde(skip)]
    /// The member's words, sealed.
    pub reason_sealed: Vec<u8>,
}

impl ChangeView {
    /// Where the next page starts when this is the last row.
    pub fn cursor(&self) -> Cursor {
        Cursor { at: self.asked_at, id: self.id.0 }
    }
}

/// Whose changes are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Whose {
    /// The caller's own.
    Mine,
    /// Those that the caller's communities decide or decided; a new community sees one that moves
    /// to it once the old one let go.
    Desk,
}

/// What a list is narrowed to.
#[derive(Debug, Clone, Copy)]
pub struct Filter {
    /// Whose.
    pub whose: Whose,
    /// One change alone.
    pub id: Option<ChangeId>,
    /// Where they stand.
    pub status: Option<Status>,
}

/// Changes, the latest first, one more than the page.
///
/// # Errors
/// The database is away.
pub async fn list(
    conn: &mut Connection,
    scope: &Scope,
    filter: Filter,
    page: PageRequest,
) -> Result<Vec<ChangeView>, sqlx::Error> {
    let rows = sqlx::query!(
        r#"select c.id as "id: ChangeId", c.registration_id as "registration_id: RegistrationId",
               c.kind as "kind: Kind", c.status as "status: Status", c.version,
               c.community_code as "community: NodeCode", o.name as community_name,
               c.to_community as "to_community: NodeCode", t.name as "to_community_name?",
               c.to_unit as "to_unit: NodeCode", u.name as "to_unit_name?", c.year,
               c.ground as "ground: Ground", c.asked_at, c.released_at, c.decided_at, c.note,
               r.name_sealed, c.reason_sealed
           from registration_change c
           join registration r on r.id = c.registration_id
           join org_node o on o.code = c.community_code
           left join org_node t on t.code = c.to_community
           left join work_unit u on u.code = c.to_unit
           where case when $1 then c.asked_by = $2
                   else c.community_code = any($3)
                       or (c.to_community = any($3) and c.released_at is not null) end
               and ($4::uuid is null or c.id = $4)
               and ($5::text is null or c.status = $5)
               and ($6::timestamptz is null or (c.asked_at, c.id) < ($6, $7::uuid))
           order by c.asked_at desc, c.id desc
           limit $8"#,
        filter.whose == Whose::Mine,
        scope.account().0,
        scope.units(),
        filter.id.map(|id| id.0),
        filter.status.map(Status::code),
        page.after.map(|cursor| cursor.at),
        page.after.map_or(Uuid::nil(), |cursor| cursor.id),
        page.probe(),
    )
    .fetch_all(conn)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| ChangeView {
            id: row.id,
            registration_id: row.registration_id,
            kind: row.kind,
            kind_text: row.kind.label(),
            status: row.status,
            status_text: row.status.label(),
            version: row.version,
            community_code: row.community,
            community_name: row.community_name,
            to_community: row.to_community,
            to_community_name: row.to_community_name,
            to_unit: row.to_unit,
            to_unit_name: row.to_unit_name,
            year: row.year,
            ground: row.ground,
            asked_at: row.asked_at,
            released_at: row.released_at,
            decided_at: row.decided_at,
            note: row.note,
            name_sealed: row.name_sealed,
            reason_sealed: row.reason_sealed,
        })
        .collect())
}
