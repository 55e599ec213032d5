//! Registrations as they are read: a person's own, and those with an officer's own community.
//! Only the officer's view looks at the register.

use domain::{
    id::RegistrationId,
    org::NodeCode,
    page::{Cursor, PageRequest},
    registration::Status,
    scope::Scope,
    time::Timestamp,
};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::postgres::Connection;

/// 报到，给本人看的
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct RegistrationView {
    /// 编号
    pub id: RegistrationId,
    /// 社区的区划代码
    pub community_code: NodeCode,
    /// 社区名称
    #[schema(example = "文兴社区")]
    pub community_name: String,
    /// 状态
    pub status: Status,
    /// 状态的中文
    pub status_text: &'static str,
    /// 版本号，用于 If-Match
    pub version: i64,
    /// 提交时间
    #[schema(value_type = String, format = DateTime)]
    pub submitted_at: Timestamp,
    /// 社区签署或不予签署的时间
    #[schema(value_type = Option<String>, format = DateTime)]
    pub decided_at: Option<Timestamp>,
    /// 社区的说明
    pub note: Option<String>,
    /// 回执送达的单位党组织；签署后才有
    pub work_unit: Option<String>,
}

impl RegistrationView {
    /// Where the next page starts when this is the last row.
    pub fn cursor(&self) -> Cursor {
        Cursor { at: self.submitted_at, id: self.id.0 }
    }
}

/// What the officer sees beside it.
#[derive(Debug, Clone)]
pub struct Desk {
    /// The registration.
    pub view: RegistrationView,
    /// The name that was handed in, sealed.
    pub name_sealed: Vec<u8>,
    /// How many on the register agree with it.
    pub members: i64,
    /// Of these, held by another account.
    pub taken: i64,
    /// The branch of the member who agrees.
    pub branch: Option<String>,
}

/// The caller's own registrations, the latest first, one more than the page.
///
/// # Errors
/// The database is away.
pub async fn mine(
    conn: &mut Connection,
    scope: &Scope,
    page: PageRequest,
) -> Result<Vec<RegistrationView>, sqlx::Error> {
    let rows = sqlx::query!(
        r#"select r.id as "id: RegistrationId", r.community_code as "community: NodeCode",
               o.name as community_name, r.status as "status: Status", r.version, r.submitted_at,
               r.decided_at, r.note, r.work_unit
           from registration r join org_node o on o.code = r.community_code
           where r.account_id = $1
               and ($2::timestamptz is null or (r.submitted_at, r.id) < ($2, $3::uuid))
           order by r.submitted_at desc, r.id desc
           limit $4"#,
        scope.account().0,
        page.after.map(|cursor| cursor.at),
        page.after.map_or(Uuid::nil(), |cursor| cursor.id),
        page.probe(),
    )
    .fetch_all(conn)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| RegistrationView {
            id: row.id,
            community_code: row.community,
            community_name: row.community_name,
            status: row.status,
            status_text: row.status.label(),
            version: row.version,
            submitted_at: row.submitted_at,
            decided_at: row.decided_at,
            note: row.note,
            work_unit: row.work_unit,
        })
        .collect())
}

/// What an officer's list is narrowed to.
#[derive(Debug, Clone, Copy, Default)]
pub struct Filter {
    /// One registration alone.
    pub id: Option<RegistrationId>,
    /// Where they stand.
    pub status: Option<Status>,
}

/// The registrations with the caller's own communities, the latest first, one more than the page,
/// with what the register says of each.
///
/// # Errors
/// The database is away.
pub async fn desk(
    conn: &mut Connection,
    scope: &Scope,
    filter: Filter,
    page: PageRequest,
) -> Result<Vec<Desk>, sqlx::Error> {
    let rows = sqlx::query!(
        r#"select r.id as "id: RegistrationId", r.community_code as "community: NodeCode",
               o.name as community_name, r.status as "status: Status", r.version, r.submitted_at,
               r.decided_at, r.note, r.work_unit, r.name_sealed, register.members as "members!",
               register.taken as "taken!", register.branch
           from registration r
           join org_node o on o.code = r.community_code
           cross join lateral (
               select count(*) as members,
                   count(*) filter (where m.account_id <> r.account_id) as taken,
                   min(b.name) as branch
               from party_member m left join org_node b on b.code = m.branch_code
               where m.match_index = r.match_index and m.removed_at is null
           ) as register
           where r.community_code = any($1)
               and ($2::uuid is null or r.id = $2)
               and ($3::text is null or r.status = $3)
               and ($4::timestamptz is null or (r.submitted_at, r.id) < ($4, $5::uuid))
           order by r.submitted_at desc, r.id desc
           limit $6"#,
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
        .map(|row| Desk {
            view: RegistrationView {
                id: row.id,
                community_code: row.community,
                community_name: row.community_name,
                status: row.status,
                status_text: row.status.label(),
                version: row.version,
                submitted_at: row.submitted_at,
                decided_at: row.decided_at,
                note: row.note,
                work_unit: row.work_unit,
            },
            name_sealed: row.name_sealed,
            members: row.members,
            taken: row.taken,
            branch: row.branch,
        })
        .collect())
}
