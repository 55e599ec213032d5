//! The working calendar: versions of each year's notice that are added and never change.

use chrono::NaiveDate;
use domain::{
    calendar::{Day, Notice},
    id::{AccountId, TaskId},
    org::NodeCode,
    sla::Urgency,
    task::{Clocks, Met},
    time::Timestamp,
};
use uuid::Uuid;

use super::Connection;

#[cfg(test)]
mod tests;

/// A version of a year's notice as it is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Version {
    /// Its place among all versions of all years.
    pub id: i64,
    /// Its number within the year, from 1.
    pub version: i32,
    /// When it was imported.
    pub imported_at: Timestamp,
    /// What it says.
    pub notice: Notice,
}

/// Keeps other imports waiting until the transaction ends, so that versions follow one another.
///
/// # Errors
/// The database is away.
pub async fn lock(conn: &mut Connection) -> Result<(), sqlx::Error> {
    sqlx::query!("lock table calendar_year in share row exclusive mode").execute(conn).await?;
    Ok(())
}

/// The name of the calendar as it stands: it grows with each import of whatever year.
///
/// # Errors
/// The database is away.
pub async fn stamp(conn: &mut Connection) -> Result<i64, sqlx::Error> {
    sqlx::query_scalar!(r#"select coalesce(max(id), 0) as "stamp!" from calendar_year"#)
        .fetch_one(conn)
        .await
}

/// Every version of every year, or of one, the newest of a year first.
///
/// # Errors
/// The database is away.
pub async fn versions(
    conn: &mut Connection,
    year: Option<i32>,
) -> Result<Vec<Version>, sqlx::Error> {
    let rows = sqlx::query!(
        r#"select y.id, y.year, y.version, y.source, y.published_at, y.provisional, y.imported_at,
               coalesce(array_agg(d.date order by d.date) filter (where d.date is not null), '{}')
                   as "dates!: Vec<NaiveDate>",
               coalesce(array_agg(d.name order by d.date) filter (where d.date is not null), '{}')
                   as "names!: Vec<String>",
               coalesce(array_agg(d.working order by d.date) filter (where d.date is not null), '{}')
                   as "working!: Vec<bool>"
           from calendar_year y left join calendar_day d on d.calendar_id = y.id
           where $1::int is null or y.year = $1
           group by y.id
           order by y.year, y.version desc"#,
        year,
    )
    .fetch_all(conn)
    .await?;
    let versions = rows.into_iter().map(|row| {
        let days = row.dates.into_iter().zip(row.names).zip(row.working);
        let days = days.map(|((date, name), working)| Day { date, name, working }).collect();
        Version {
            id: row.id,
            version: row.version,
            imported_at: row.imported_at,
            notice: Notice {
                year: row.year,
                source: row.source,
                published_at: row.published_at,
                provisional: row.provisional,
                days,
            },
        }
    });
    Ok(versions.collect())
}

/// Adds a version; call it under [`lock`]. `by` is none for the command line.
///
/// # Errors
/// The database is away.
pub async fn insert(
    conn: &mut Connection,
    notice: &Notice,
    by: Option<AccountId>,
    now: Timestamp,
) -> Result<(), sqlx::Error> {
    let dates: Vec<NaiveDate> = notice.days.iter().map(|day| day.date).collect();
    let names: Vec<String> = notice.days.iter().map(|day| day.name.clone()).collect();
    let working: Vec<bool> = notice.days.iter().map(|day| day.working).collect();
    sqlx::query!(
        "with added as (
             insert into calendar_year
                 (year, version, source, published_at, provisional, imported_at, imported_by)
             select $1, coalesce(max(version), 0) + 1, $2, $3, $4, $5, $6
             from calendar_year where year = $1
             returning id
         )
         insert into calendar_day (calendar_id, date, name, working)
         select added.id, date, name, working
         from added, unnest($7::date[], $8::text[], $9::boolean[]) as given (date, name, working)",
        notice.year,
        notice.source,
        notice.published_at,
        notice.provisional,
        now,
        by.map(|account| account.0),
        &dates,
        &names,
        &working,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Notes that the administrator is warned of a year without a notice; whether it is the first time.
///
/// # Errors
/// The database is away.
pub async fn warn(conn: &mut Connection, year: i32, now: Timestamp) -> Result<bool, sqlx::Error> {
    let done = sqlx::query!(
        "insert into calendar_warning (year, warned_at) values ($1, $2) on conflict do nothing",
        year,
        now,
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// When the administrator was warned of a year.
///
/// # Errors
/// The database is away.
pub async fn warned(conn: &mut Connection, year: i32) -> Result<Option<Timestamp>, sqlx::Error> {
    sqlx::query_scalar!("select warned_at from calendar_warning where year = $1", year)
        .fetch_optional(conn)
        .await
}

/// The clocks of an open task, read without a lock: what a recomputation would have to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Running {
    /// The task.
    pub task: TaskId,
    /// Its complaint or whistle.
    pub case: Uuid,
    /// Who has it.
    pub unit: NodeCode,
    /// Its clocks.
    pub clocks: Clocks,
}

/// The open tasks that were dispatched before an instant, the oldest first.
///
/// # Errors
/// The database is away.
pub async fn running(
    conn: &mut Connection,
    before: Timestamp,
) -> Result<Vec<Running>, sqlx::Error> {
    let rows = sqlx::query!(
        r#"select id as "id: TaskId", coalesce(complaint_id, whistle_id) as "case_id!",
               unit as "unit: NodeCode", urgency as "urgency: Urgency", dispatched_at,
               acknowledge_by, contact_by, arrive_by, reply_by, return_by,
               acknowledged_at is not null as "acknowledged!",
               contacted_at is not null as "contacted!", arrived_at is not null as "arrived!",
               status = 'replied' as "replied!"
           from task
           where ended_at is null and dispatched_at < $1
           order by dispatched_at, id"#,
        before,
    )
    .fetch_all(conn)
    .await?;
    let running = rows.into_iter().map(|row| Running {
        task: row.id,
        case: row.case_id,
        unit: row.unit,
        clocks: Clocks {
            urgency: row.urgency,
            dispatched_at: row.dispatched_at,
            acknowledge_by: row.acknowledge_by,
            contact_by: row.contact_by,
            arrive_by: row.arrive_by,
            reply_by: row.reply_by,
            return_by: row.return_by,
            met: Met {
                acknowledge: row.acknowledged,
                contact: row.contacted,
                arrive: row.arrived,
                reply: row.replied,
            },
        },
    });
    Ok(running.collect())
}

/// The cases that wait for an instant at or after `from`: their timers may follow the calendar
/// though no task's deadline does (the centre's own clock, follow-up, confirmation).
///
/// # Errors
/// The database is away.
pub async fn waiting(conn: &mut Connection, from: Timestamp) -> Result<Vec<Uuid>, sqlx::Error> {
    sqlx::query_scalar!(
        r#"select distinct coalesce(task.complaint_id, task.whistle_id, timer.subject_id) as "id!"
           from sla_timer timer left join task on task.id = timer.subject_id
           where timer.state = 'armed' and timer.due_at >= $1
           order by 1"#,
        from,
    )
    .fetch_all(conn)
    .await
}
