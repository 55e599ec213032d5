//! Deadlines as rows (时限): which instants a case waits for. Nothing waits in memory, so a restart,
//! a stopped clock or a wiped Redis changes nothing but delay.

use domain::{
    id::{ComplaintId, ConsultationId, SupervisionId, TaskId, WhistleId},
    sla::{Timer, TimerKind},
    time::Timestamp,
};
use uuid::Uuid;

use super::Connection;

/// Whose rule decides what the firing of a timer means.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Subject {
    /// A complaint's.
    Complaint(ComplaintId),
    /// A task's.
    Task(TaskId),
    /// A whistle's.
    Whistle(WhistleId),
    /// A supervision's.
    Supervision(SupervisionId),
    /// A consultation's.
    Consultation(ConsultationId),
}

impl Subject {
    /// The code in `sla_timer.subject`.
    pub(super) const fn code(self) -> &'static str {
        match self {
            Self::Complaint(_) => "complaint",
            Self::Task(_) => "task",
            Self::Whistle(_) => "whistle",
            Self::Supervision(_) => "supervision",
            Self::Consultation(_) => "consultation",
        }
    }

    /// The id in `sla_timer.subject_id`.
    pub const fn id(self) -> Uuid {
        match self {
            Self::Complaint(id) => id.0,
            Self::Task(id) => id.0,
            Self::Whistle(id) => id.0,
            Self::Supervision(id) => id.0,
            Self::Consultation(id) => id.0,
        }
    }
}

/// A timer whose instant has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Due {
    /// When it was due; the first key of the order in which timers fire.
    pub due_at: Timestamp,
    /// Whose it is.
    pub subject: Subject,
    /// What it stands for.
    pub kind: TimerKind,
}

/// Arms what a subject waits for and cancels what it no longer waits for.
///
/// # Errors
/// The database is away.
pub async fn sync(
    conn: &mut Connection,
    subject: Subject,
    wanted: &[Timer],
) -> Result<(), sqlx::Error> {
    sync_all(conn, &[(subject, wanted.to_vec())]).await
}

/// The same for several subjects (a complaint and its tasks) in one statement. What has fired
/// stays fired: an instant that is wanted again after it fired is not armed a second time.
///
/// # Errors
/// The database is away.
pub async fn sync_all(
    conn: &mut Connection,
    wanted: &[(Subject, Vec<Timer>)],
) -> Result<(), sqlx::Error> {
    let subjects: Vec<Uuid> = wanted.iter().map(|(subject, _)| subject.id()).collect();
    let rows = wanted.iter().flat_map(|(subject, timers)| timers.iter().map(move |t| (subject, t)));
    let (mut ids, mut codes, mut kinds, mut instants) = (vec![], vec![], vec![], vec![]);
    for (subject, timer) in rows {
        ids.push(subject.id());
        codes.push(subject.code().to_owned());
        kinds.push(timer.kind.code().to_owned());
        instants.push(timer.due_at);
    }
    sqlx::query!(
        r#"with wanted as (
               select distinct subject_id, subject, kind, due_at
               from unnest($2::uuid[], $3::text[], $4::text[], $5::timestamptz[])
                   as given (subject_id, subject, kind, due_at)
           ), dropped as (
               update sla_timer set state = 'cancelled'
               where subject_id = any($1) and state = 'armed'
                   and (subject_id, kind, due_at) not in (select subject_id, kind, due_at from wanted)
           )
           insert into sla_timer (subject_id, subject, kind, due_at)
           select subject_id, subject, kind, due_at from wanted
           on conflict (subject_id, kind, due_at) do update set state = 'armed'
               where sla_timer.state = 'cancelled'"#,
        &subjects,
        &ids,
        &codes,
        &kinds,
        &instants,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// The timers whose instant has come, in the order of their instants, from `after` on.
///
/// # Errors
/// The database is away.
pub async fn due(
    conn: &mut Connection,
    after: Option<Due>,
    limit: i64,
    now: Timestamp,
) -> Result<Vec<Due>, sqlx::Error> {
    let (at, id, kind) = match after {
        Some(due) => (Some(due.due_at), Some(due.subject.id()), Some(due.kind.code())),
        None => (None, None, None),
    };
    let rows = sqlx::query!(
        r#"select subject, subject_id, kind as "kind: TimerKind", due_at
           from sla_timer
           where state = 'armed' and due_at <= $1
               and subject in ('complaint', 'task', 'whistle', 'consultation', 'supervision')
               and ($2::timestamptz is null or (due_at, subject_id, kind) > ($2, $3::uuid, $4::text))
           order by due_at, subject_id, kind
           limit $5"#,
        now,
        at,
        id,
        kind,
        limit,
    )
    .fetch_all(conn)
    .await?;
    let subject = |code: &str, id| match code {
        "complaint" => Subject::Complaint(ComplaintId(id)),
        "whistle" => Subject::Whistle(WhistleId(id)),
        "supervision" => Subject::Supervision(SupervisionId(id)),
        "consultation" => Subject::Consultation(ConsultationId(id)),
        _ => Subject::Task(TaskId(id)),
    };
    Ok(rows
        .into_iter()
        .map(|row| Due {
            due_at: row.due_at,
            subject: subject(&row.subject, row.subject_id),
            kind: row.kind,
        })
        .collect())
}

/// Marks a timer fired, in the transaction of what its firing does. `false` means that it was
/// cancelled, or that another worker fired it: nothing is to be done.
///
/// # Errors
/// The database is away.
pub async fn fire(
    conn: &mut Connection,
    subject: Subject,
    kind: TimerKind,
    due_at: Timestamp,
    now: Timestamp,
) -> Result<bool, sqlx::Error> {
    let fired = sqlx::query!(
        "update sla_timer set state = 'fired', fired_at = $4
         where subject_id = $1 and kind = $2 and due_at = $3 and state = 'armed'",
        subject.id(),
        kind.code(),
        due_at,
        now,
    )
    .execute(conn)
    .await?;
    Ok(fired.rows_affected() == 1)
}

#[cfg(test)]
mod tests;
