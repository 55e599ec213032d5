//! What the centre had to do in a month, read from the streams of the cases.

use chrono::TimeDelta;
use domain::{
    complaint::{Kind, Status},
    id::ComplaintId,
    org::NodeCode,
    page::PageRequest,
    rates::{CentreDuty, CentreFigure, CentreWork},
    scope::Scope,
    sla::{Terms, Urgency},
    time::{Month, Timestamp},
};

use super::RateCase;
use crate::postgres::Connection;

/// What the centre had to do in a month, as it was frozen or as it stands. A clock begins with a
/// submission, an appeal, a separated case, a request for a return or an extension, and a reply;
/// it ends with the step that settles it. What the reporter took back, or what ended with its case,
/// was not the centre's to settle.
///
/// # Errors
/// The database is away.
pub async fn work(
    conn: &mut Connection,
    month: Month,
    terms: Terms<'_>,
    now: Timestamp,
) -> Result<Vec<CentreWork>, sqlx::Error> {
    let frozen =
        sqlx::query_scalar!("select frozen_at from rate_snapshot where period = $1", month.first());
    match frozen.fetch_optional(&mut *conn).await? {
        Some(_) => kept(conn, month).await,
        None => live(conn, month, terms, now).await,
    }
}

async fn kept(conn: &mut Connection, month: Month) -> Result<Vec<CentreWork>, sqlx::Error> {
    sqlx::query_as!(
        CentreWork,
        r#"select complaint_id as "complaint: ComplaintId", seq, duty as "duty: CentreDuty",
               asked_at, due_at, done_at, answered, appealed
           from rate_snapshot_centre where period = $1"#,
        month.first(),
    )
    .fetch_all(conn)
    .await
}

async fn live(
    conn: &mut Connection,
    month: Month,
    terms: Terms<'_>,
    now: Timestamp,
) -> Result<Vec<CentreWork>, sqlx::Error> {
    let (from, to) = month.bounds();
    let rows = sqlx::query!(
        r#"with start as (
               select e.subject_id, e.seq, e.at, e.task_id, c.urgency, case e.kind
                   when 'task_replied' then 'confirm'
                   when 'return_requested' then 'ruling'
                   when 'extension_requested' then 'ruling'
                   else 'dispatch' end as duty,
                   case e.kind
                   when 'task_replied' then array['task_confirmed', 'task_sent_back', 'task_cancelled']
                   when 'return_requested' then array['task_returned', 'return_declined', 'task_cancelled']
                   when 'extension_requested' then
                       array['extension_granted', 'extension_declined', 'task_returned', 'task_cancelled']
                   else array['task_dispatched', 'rejected', 'answered', 'merged', 'withdrawn'] end as ends
               from event e
               join complaint c on c.id = e.subject_id
               where e.at >= $1 and e.at < $2 and e.kind in ('submitted', 'appealed', 'unmerged',
                   'return_requested', 'extension_requested', 'task_replied')
           )
           select start.subject_id as "complaint: ComplaintId", start.seq, start.at,
               start.duty as "duty!: CentreDuty", start.urgency as "urgency: Urgency",
               done.at as "done_at?", coalesce(done.kind = 'answered', false) as "answered!",
               exists (select from event later where later.subject_id = start.subject_id
                   and done.kind = 'answered' and later.seq > done.seq and later.kind = 'appealed'
               ) as "appealed!",
               coalesce(still.seconds, 0)::bigint as "still!"
           from start
           left join lateral (
               select next.at, next.seq, next.kind from event next
               where next.subject_id = start.subject_id and next.seq > start.seq
                   and next.kind = any(start.ends)
                   and (start.duty = 'dispatch' or next.task_id = start.task_id)
               order by next.seq limit 1
           ) as done on true
           left join lateral (
               -- While a complaint is suspended the centre's clocks stand still as well.
               select sum(extract(epoch from least(resumed.at, done.at, $3,
                   (stopped.data ->> 'until')::timestamptz) - stopped.at)) as seconds
               from event stopped
               left join lateral (
                   select min(next.at) as at from event next where next.subject_id = stopped.subject_id
                       and next.seq > stopped.seq and next.kind = 'resumed'
               ) as resumed on true
               where stopped.subject_id = start.subject_id and stopped.seq > start.seq
                   and stopped.kind = 'suspended' and (done.seq is null or stopped.seq < done.seq)
           ) as still on true
           where done.kind is null or done.kind not in ('withdrawn', 'task_cancelled')"#,
        from,
        to,
        now,
    )
    .fetch_all(conn)
    .await?;
    let work = rows.into_iter().map(|row| CentreWork {
        complaint: row.complaint,
        seq: row.seq,
        duty: row.duty,
        asked_at: row.at,
        due_at: row.duty.due_at(row.urgency, row.at, TimeDelta::seconds(row.still), terms),
        done_at: row.done_at,
        answered: row.answered,
        appealed: row.appealed,
    });
    Ok(work.collect())
}

/// The cases behind one figure of the centre, newest first, one more than the page; for those alone
/// who read everything. The deadlines come from the calendar, which the database does not know: the
/// month's work is judged here, and its page is cut from it.
///
/// # Errors
/// The database is away.
pub async fn cases(
    conn: &mut Connection,
    scope: &Scope,
    (work, figure): (&[CentreWork], CentreFigure),
    page: PageRequest,
    as_of: Timestamp,
) -> Result<Vec<RateCase>, sqlx::Error> {
    if !scope.everything() {
        return Ok(Vec::new());
    }
    let counted = work.iter().filter(|one| one.counts(figure, as_of));
    let mut counted: Vec<_> = counted.map(|one| (one.asked_at, one.complaint)).collect();
    counted.sort_unstable_by(|one, other| other.cmp(one));
    // One row for each case and instant: both a return and an extension may be asked at once.
    let mut chosen: Vec<(Timestamp, ComplaintId, i32)> = Vec::new();
    for (at, id) in counted {
        match chosen.last_mut() {
            Some((last_at, last_id, count)) if (*last_at, *last_id) == (at, id) => *count += 1,
            _ => chosen.push((at, id, 1)),
        }
    }
    chosen.retain(|(at, id, _)| page.after.is_none_or(|last| (*at, id.0) < (last.at, last.id)));
    chosen.truncate(usize::try_from(page.probe()).unwrap_or(usize::MAX));
    let ids: Vec<uuid::Uuid> = chosen.iter().map(|(_, id, _)| id.0).collect();
    let (instants, counts): (Vec<Timestamp>, Vec<i32>) =
        chosen.iter().map(|(at, _, count)| (*at, *count)).unzip();
    sqlx::query_as!(
        RateCase,
        r#"select c.id as "complaint_id: ComplaintId", c.number, c.title, c.kind as "kind: Kind",
               c.status as "status: Status", c.community_code as "community_code: NodeCode",
               null::uuid as "task_id: domain::id::TaskId", null::text as "unit: NodeCode",
               null::text as "task_status: domain::task::Status", chosen.at as "at!",
               chosen.count as "count!"
           from unnest($1::uuid[], $2::timestamptz[], $3::int[]) as chosen (id, at, count)
           join complaint c on c.id = chosen.id
           order by chosen.at desc, chosen.id desc"#,
        &ids,
        &instants,
        &counts,
    )
    .fetch_all(conn)
    .await
}
