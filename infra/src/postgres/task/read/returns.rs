//! What returns cost: the moves of a case's tasks, and the cases that went to and fro.

use domain::{
    event::EventKind,
    id::{ComplaintId, TaskId},
    org::NodeCode,
    page::{Cursor, PageRequest},
    scope::Scope,
    task::Move,
    time::Timestamp,
};
use sqlx::types::Json;
use uuid::Uuid;

use crate::postgres::Connection;

/// What happened to the tasks of a case, in order. The caller has made sure that the case is
/// within the scope; a unit reads what happened to its own tasks.
///
/// # Errors
/// The database is away.
pub async fn moves(
    conn: &mut Connection,
    scope: &Scope,
    complaint: ComplaintId,
) -> Result<Vec<Move>, sqlx::Error> {
    sqlx::query_as!(
        Move,
        r#"select kind as "kind: EventKind", at, task_id as "task: TaskId",
               unit as "unit: NodeCode"
           from event
           where subject_id = $1
               and (task_id is not null or kind in ('suspended', 'resumed'))
               and ($2 or unit is null or unit = any($3))
           order by seq"#,
        complaint.0,
        scope.everything(),
        scope.units(),
    )
    .fetch_all(conn)
    .await
}

/// A case that went to and fro.
#[derive(Debug, Clone)]
pub struct ToAndFro {
    /// The complaint.
    pub complaint: ComplaintId,
    /// Its number.
    pub number: String,
    /// Its title.
    pub title: String,
    /// When the last return was granted.
    pub last_return_at: Timestamp,
    /// The tasks that were returned, in order.
    pub returned: Vec<TaskId>,
    /// The names of the units that had it, in order, the present ones last.
    pub units: Vec<String>,
    /// What happened to its tasks.
    pub moves: Vec<Move>,
}

impl ToAndFro {
    /// Where the next page starts when this is the last row.
    pub fn cursor(&self) -> Cursor {
        Cursor { at: self.last_return_at, id: self.complaint.0 }
    }
}

/// The complaints that were returned twice or more, the latest first, one more than the page.
///
/// # Errors
/// The database is away.
pub async fn ping_pong(
    conn: &mut Connection,
    scope: &Scope,
    page: PageRequest,
) -> Result<Vec<ToAndFro>, sqlx::Error> {
    let rows = sqlx::query!(
        r#"with gone as (
               select complaint_id, max(ended_at) as last,
                   array_agg(id order by ended_at) as returned
               from task
               where status = 'returned' and complaint_id is not null and ($1 or unit = any($2))
               group by complaint_id
               having count(*) >= 2
           )
           select gone.complaint_id as "complaint!: ComplaintId", c.number, c.title,
               gone.last as "last!", gone.returned as "returned!: Vec<TaskId>",
               array(select u.name from task t join org_node u on u.code = t.unit
                   where t.complaint_id = c.id and exists (
                       select from task r where r.id = any(gone.returned) and r.line = t.line)
                   order by t.line, t.dispatched_at, t.id) as "units!",
               (select json_agg(json_build_object('kind', e.kind, 'at', e.at, 'task', e.task_id,
                       'unit', e.unit) order by e.seq)
                   from event e
                   where e.subject_id = c.id
                       and (e.task_id is not null or e.kind in ('suspended', 'resumed'))
               ) as "moves!: Json<Vec<Move>>"
           from gone join complaint c on c.id = gone.complaint_id
           where $3::timestamptz is null or (gone.last, gone.complaint_id) < ($3, $4)
           order by gone.last desc, gone.complaint_id desc
           limit $5"#,
        scope.everything(),
        scope.units(),
        page.after.map(|cursor| cursor.at),
        page.after.map_or(Uuid::nil(), |cursor| cursor.id),
        page.probe(),
    )
    .fetch_all(conn)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| ToAndFro {
            complaint: row.complaint,
            number: row.number,
            title: row.title,
            last_return_at: row.last,
            returned: row.returned,
            units: row.units,
            moves: row.moves.0,
        })
        .collect())
}
