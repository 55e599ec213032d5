//! Internal notes, as whoever may read them sees them.

use domain::{
    id::NoteId,
    org::NodeCode,
    page::{Cursor, PageRequest},
    scope::Scope,
    task::Case,
    time::Timestamp,
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::postgres::Connection;

/// 一条内部备注
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct NoteView {
    /// 备注的 id
    pub id: NoteId,
    /// 内容
    pub text: String,
    /// 以哪个单位的名义；区中心的为 null
    pub unit: Option<NodeCode>,
    /// 该单位的名称；区中心的写“区中心”
    #[schema(example = "区城市管理局")]
    pub unit_name: String,
    /// 谁写的
    pub author: String,
    /// 什么时候写的
    #[schema(value_type = String, format = DateTime)]
    pub written_at: Timestamp,
    /// 更正的是哪一条
    pub corrects: Option<NoteId>,
    /// 被哪一条更正；以那一条为准
    pub corrected_by: Option<NoteId>,
}

impl NoteView {
    /// Where the next page starts when this is the last row.
    pub fn cursor(&self) -> Cursor {
        Cursor { at: self.written_at, id: self.id.0 }
    }
}

/// Whose notes a reader writes and reads on a case.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Access {
    /// The reader's own unit on this case; none for the centre.
    pub unit: Option<NodeCode>,
}

/// Whether the notes of a case may be read: by the centre, by a unit that holds a task of it or a
/// body that was handed one, and by whoever blew the whistle. Never by a reporter of the case,
/// whatever else they are; never by whom the
/// complaint reports, nor by those under them. A case that is missing looks the same.
///
/// # Errors
/// The database is away.
pub async fn access(
    conn: &mut Connection,
    scope: &Scope,
    case: Case,
) -> Result<Option<Access>, sqlx::Error> {
    let id = case.id();
    let units = scope.units();
    let row = match case {
        Case::Complaint(_) => {
            sqlx::query_scalar!(
                r#"select holder.unit as "unit: NodeCode"
                   from complaint c
                   left join lateral (
                       select case when t.unit = any($3) then t.unit else t.body end as unit
                       from task t
                       where t.complaint_id = c.id and (t.unit = any($3) or t.body = any($3))
                           and t.status not in ('returned', 'cancelled')
                       order by t.line, t.dispatched_at desc limit 1) holder on true
                   where c.id = $1 and not exists (
                           select from complaint own
                           where own.reporter_id = $4 and (own.id = c.id or own.merged_into = c.id))
                       and ($2 or holder.unit is not null and (c.reported_unit is null or not exists (
                           select from unnest($3::text[]) as own (code)
                           where own.code like c.reported_unit || '%')))"#,
                id,
                scope.everything(),
                units,
                scope.account().0,
            )
            .fetch_optional(conn)
            .await?
        }
        Case::Whistle(_) => {
            sqlx::query_scalar!(
                r#"select coalesce(holder.unit, case when w.blower = any($3) then w.blower end) as "unit: NodeCode"
                   from whistle w
                   left join lateral (
                       select case when t.unit = any($3) then t.unit else t.body end as unit
                       from task t
                       where t.whistle_id = w.id and (t.unit = any($3) or t.body = any($3))
                           and t.status not in ('returned', 'cancelled')
                       order by t.line, t.dispatched_at desc limit 1) holder on true
                   where w.id = $1 and ($2 or holder.unit is not null or w.blower = any($3))
                       and not exists (
                           select from complaint own
                           where own.reporter_id = $4
                               and (own.id = w.complaint_id or own.merged_into = w.complaint_id))"#,
                id,
                scope.everything(),
                units,
                scope.account().0,
            )
            .fetch_optional(conn)
            .await?
        }
    };
    // Who holds a role of the centre writes in its name, whatever else they hold.
    Ok(row.map(|unit| Access { unit: unit.filter(|_| !scope.everything()) }))
}

/// The notes of a case whose reader [`access`] let in, the oldest first, one more than the page.
///
/// # Errors
/// The database is away.
pub async fn list(
    conn: &mut Connection,
    _: &Access,
    case: Case,
    page: PageRequest,
) -> Result<Vec<NoteView>, sqlx::Error> {
    selected(conn, case, None, page).await
}

/// One note of a case whose reader [`access`] let in.
///
/// # Errors
/// The database is away.
pub async fn one(
    conn: &mut Connection,
    _: &Access,
    case: Case,
    id: NoteId,
) -> Result<Option<NoteView>, sqlx::Error> {
    let page = PageRequest { after: None, limit: domain::page::Limit::DEFAULT };
    Ok(selected(conn, case, Some(id), page).await?.pop())
}

async fn selected(
    conn: &mut Connection,
    case: Case,
    id: Option<NoteId>,
    page: PageRequest,
) -> Result<Vec<NoteView>, sqlx::Error> {
    sqlx::query_as!(
        NoteView,
        r#"select n.id as "id: NoteId", n.text, n.unit as "unit: NodeCode",
               coalesce(u.name, '区中心') as "unit_name!", author.display_name as author, n.written_at,
               n.corrects as "corrects: NoteId", later.id as "corrected_by?: NoteId"
           from internal_note n
           join account author on author.id = n.author_id
           left join org_node u on u.code = n.unit
           left join internal_note later on later.corrects = n.id
           where n.case_id = $1 and ($2::uuid is null or n.id = $2)
               and ($3::timestamptz is null or (n.written_at, n.id) > ($3, $4))
           order by n.written_at, n.id
           limit $5"#,
        case.id(),
        id.map(|id| id.0),
        page.after.map(|cursor| cursor.at),
        page.after.map_or(Uuid::nil(), |cursor| cursor.id),
        page.probe(),
    )
    .fetch_all(conn)
    .await
}
