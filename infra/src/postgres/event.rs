//! The stream of a case: events as columns for one insert, and the timeline as each audience may
//! read it.

use domain::{
    event::{Event, EventKind, NewEvent, Visibility},
    id::{AccountId, TaskId},
    org::NodeCode,
    page::Limit,
    scope::{Audience, Scope},
    time::Timestamp,
};
use serde_json::Value;
use uuid::Uuid;

use super::Connection;

/// Events as columns, to be given to `unnest`.
pub(super) struct Rows {
    pub(super) kinds: Vec<String>,
    pub(super) visibilities: Vec<String>,
    pub(super) units: Vec<Option<String>>,
    pub(super) tasks: Vec<Option<Uuid>>,
    pub(super) data: Vec<Value>,
    pub(super) notes: Vec<Option<String>>,
}

impl Rows {
    pub(super) fn of(events: &[NewEvent]) -> Self {
        Self {
            kinds: events.iter().map(|event| event.kind.code().to_owned()).collect(),
            visibilities: events.iter().map(|event| event.visibility.code().to_owned()).collect(),
            units: events
                .iter()
                .map(|event| event.unit.as_ref().map(ToString::to_string))
                .collect(),
            tasks: events.iter().map(|event| event.task.map(|task| task.0)).collect(),
            data: events.iter().map(|event| event.data.clone()).collect(),
            notes: events.iter().map(|event| event.note.clone()).collect(),
        }
    }
}

/// Appends events to a subject's stream; `last` is the number of the last of them, which the
/// subject's own save counted under its lock.
///
/// # Errors
/// The database is away; a number that stands already.
#[expect(clippy::as_conversions, reason = "tells sqlx that elements may be null")]
pub(super) async fn append(
    conn: &mut Connection,
    subject: Uuid,
    last: i32,
    events: &[NewEvent],
    actor: Option<AccountId>,
    now: Timestamp,
) -> Result<(), sqlx::Error> {
    let rows = Rows::of(events);
    sqlx::query!(
        "insert into event (subject_id, seq, at, kind, visibility, unit, task_id, data, note, actor_id)
         select $1, $2::int - cardinality($3::text[]) + ord, $9, kind, visibility, unit, task_id, data,
             note, $10
         from unnest($3::text[], $4::text[], $5::text[], $6::uuid[], $7::jsonb[], $8::text[])
             with ordinality as given (kind, visibility, unit, task_id, data, note, ord)",
        subject,
        last,
        &rows.kinds,
        &rows.visibilities,
        &rows.units as &[Option<String>],
        &rows.tasks as &[Option<Uuid>],
        &rows.data,
        &rows.notes as &[Option<String>],
        now,
        actor.map(|account| account.0),
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Appends events to the stream of what has no row of its own to count them; answers the number of
/// the last. Whoever calls holds a lock that lets nobody else append to it.
///
/// # Errors
/// The database is away.
pub async fn append_next(
    conn: &mut Connection,
    subject: Uuid,
    events: &[NewEvent],
    actor: Option<AccountId>,
    now: Timestamp,
) -> Result<i32, sqlx::Error> {
    let before = sqlx::query_scalar!(
        r#"select coalesce(max(seq), 0) as "seq!" from event where subject_id = $1"#,
        subject,
    )
    .fetch_one(&mut *conn)
    .await?;
    let last = before + i32::try_from(events.len()).unwrap_or(i32::MAX);
    append(conn, subject, last, events, actor, now).await?;
    Ok(last)
}

/// The events of a case that an audience may read, ascending, after `after`. The caller has
/// made sure that the case itself is within the scope; units see their own units' events, and
/// whoever blew a whistle those of every unit that it called.
///
/// # Errors
/// The database is away.
pub async fn timeline(
    conn: &mut Connection,
    scope: &Scope,
    audience: Audience,
    subject: Uuid,
    after: i32,
    limit: Limit,
) -> Result<Vec<Event>, sqlx::Error> {
    let readable: Vec<String> = [
        (Visibility::Everyone, true),
        (Visibility::Reporter, audience != Audience::Unit),
        (Visibility::Unit, audience == Audience::Centre),
        (Visibility::Centre, audience == Audience::Centre),
    ]
    .into_iter()
    .filter(|(_, may)| *may)
    .map(|(visibility, _)| visibility.code().to_owned())
    .collect();
    let own_units: &[String] = if audience == Audience::Unit { scope.units() } else { &[] };
    sqlx::query_as!(
        Event,
        r#"select event.seq, event.kind as "kind: EventKind", event.at,
               event.visibility as "visibility: Visibility", event.unit as "unit: NodeCode",
               org_node.name as "unit_name?", event.task_id as "task: TaskId", event.data,
               event.note
           from event left join org_node on org_node.code = event.unit
           where subject_id = $1 and seq > $2
               and (visibility = any($3) or (visibility = 'unit' and (event.unit = any($4)
                   -- The body to which a task is or was handed reads what concerns it.
                   or event.data ->> 'body' = any($4)
                   or exists (select from task t where t.id = event.task_id and t.body = any($4))
                   -- What officers did to somebody is between their unit and the centre.
                   or (event.kind not in ('enforcement_acted', 'enforcement_withdrawn') and exists (
                       select from whistle w where w.id = $1 and w.blower = any($4))))))
           order by seq
           limit $5"#,
        subject,
        after,
        &readable,
        own_units,
        limit.rows() + 1,
    )
    .fetch_all(conn)
    .await
}
