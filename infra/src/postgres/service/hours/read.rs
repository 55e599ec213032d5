//! Imported hours as they are read: by the community, and by a member among their own.

use domain::{
    id::ImportedId,
    page::{Cursor, PageRequest},
    scope::Scope,
    service::Year,
    time::Timestamp,
};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::postgres::Connection;

/// 外部平台的一条时长
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct ImportedView {
    /// 编号
    pub id: ImportedId,
    /// 平台
    #[schema(example = "志愿山西")]
    pub platform: String,
    /// 在平台上的记录编号
    pub record_no: String,
    /// 党员
    pub person: String,
    /// 开始时间
    #[schema(value_type = String, format = DateTime)]
    pub started_at: Timestamp,
    /// 平台记录的时长（分钟）
    pub minutes: i32,
    /// 计入的时长（分钟）：当天到上限时可能少于平台记录的
    pub counted: i32,
    /// 服务内容
    pub title: String,
    /// 导入时间
    #[schema(value_type = String, format = DateTime)]
    pub imported_at: Timestamp,
    /// 撤销时间
    #[schema(value_type = Option<String>, format = DateTime)]
    pub withdrawn_at: Option<Timestamp>,
    /// 撤销的原因
    pub withdrawn_reason: Option<String>,
}

impl ImportedView {
    /// Where the next page starts when this is the last row.
    pub fn cursor(&self) -> Cursor {
        Cursor { at: self.imported_at, id: self.id.0 }
    }
}

/// What was imported for members registered with the caller's communities; all for the organisers.
/// The latest first, one more than the page.
///
/// # Errors
/// The database is away.
pub async fn list(
    conn: &mut Connection,
    scope: &Scope,
    only: Option<ImportedId>,
    page: PageRequest,
) -> Result<Vec<ImportedView>, sqlx::Error> {
    sqlx::query_as!(
        ImportedView,
        r#"select i.id as "id: ImportedId", i.platform, i.record_no, a.display_name as person,
               lower(i.during) as "started_at!", i.minutes, i.counted, i.title, i.imported_at,
               i.withdrawn_at, i.withdrawn_reason
           from imported_service i join account a on a.id = i.account_id
           where ($1 or exists (select from registration r
                   where r.account_id = i.account_id and r.status = 'signed'
                       and r.community_code = any($2)))
               and ($3::uuid is null or i.id = $3)
               and ($4::timestamptz is null or (i.imported_at, i.id) < ($4, $5::uuid))
           order by i.imported_at desc, i.id desc
           limit $6"#,
        scope.organises(),
        scope.units(),
        only.map(|id| id.0),
        page.after.map(|cursor| cursor.at),
        page.after.map_or(Uuid::nil(), |cursor| cursor.id),
        page.probe(),
    )
    .fetch_all(conn)
    .await
}

/// 计入一年的一次服务
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct HoursView {
    /// 编号：认领的编号，或导入记录的编号
    #[schema(value_type = String, format = Uuid)]
    pub id: Uuid,
    /// 来自哪个平台；本平台的为 null
    #[schema(example = "志愿山西")]
    pub platform: Option<String>,
    /// 在外部平台上的记录编号
    pub record_no: Option<String>,
    /// 服务内容
    pub title: String,
    /// 开始时间
    #[schema(value_type = String, format = DateTime)]
    pub started_at: Timestamp,
    /// 计入的时长（分钟）
    pub minutes: i32,
}

impl HoursView {
    /// Where the next page starts when this is the last row.
    pub fn cursor(&self) -> Cursor {
        Cursor { at: self.started_at, id: self.id }
    }
}

/// What counts of the caller's year, with where it comes from; the latest first, one more than the
/// page.
///
/// # Errors
/// The database is away.
pub async fn mine(
    conn: &mut Connection,
    scope: &Scope,
    year: Year,
    page: PageRequest,
) -> Result<Vec<HoursView>, sqlx::Error> {
    let (from, to) = year.bounds();
    sqlx::query_as!(
        HoursView,
        r#"select id as "id!", platform, record_no, title as "title!", started_at as "started_at!",
               minutes as "minutes!"
           from (
               select c.id, null as platform, null as record_no, p.title, lower(c.during) as started_at,
                   c.minutes
               from claim c join post p on p.id = c.post_id
               where c.account_id = $1 and c.status = 'confirmed'
               union all
               select id, platform, record_no, title, lower(during), counted
               from imported_service where account_id = $1 and withdrawn_at is null
           ) as done
           where started_at >= $2 and started_at < $3
               and ($4::timestamptz is null or (started_at, id) < ($4, $5::uuid))
           order by started_at desc, id desc
           limit $6"#,
        scope.account().0,
        from,
        to,
        page.after.map(|cursor| cursor.at),
        page.after.map_or(Uuid::nil(), |cursor| cursor.id),
        page.probe(),
    )
    .fetch_all(conn)
    .await
}
