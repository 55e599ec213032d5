//! What has happened since a place, for streams: events of cases, and notifications, in an order in
//! which nothing appears later behind what was read.
//!
//! The order is that of the transactions' numbers, read only below the oldest one that still runs. Whoever
//! commits late keeps back what others committed meanwhile; nothing is ever passed over.

use domain::{
    event::{EventKind, Visibility},
    id::{AccountId, ComplaintId, NotificationId, TaskId, WhistleId},
    live::{Happening, Hearers, Place, Readers, TaskPart},
    org::NodeCode,
    scope::CaseReaders,
    task::Case,
};

use super::Connection;

/// One reading, from a place to another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reading {
    /// Everything after this place …
    pub from: Place,
    /// … up to this one was read.
    pub until: Place,
    /// Whether there is nothing behind it yet.
    pub whole: bool,
    /// What somebody may hear of, in order.
    pub happenings: Vec<Happening>,
}

/// The place behind all that has surely ended: from here a stream begins that has no other. What is
/// being written now, and what is committed above it, lies after it.
///
/// # Errors
/// The database is away.
pub async fn now(conn: &mut Connection) -> Result<Place, sqlx::Error> {
    let below = sqlx::query_scalar!(
        r#"select pg_snapshot_xmin(pg_current_snapshot())::text::bigint as "below!""#,
    )
    .fetch_one(conn)
    .await?;
    Ok(Place::end_of(below - 1))
}

/// What happened after a place, the first `limit` rows of it. It is read for everybody; who hears of
/// it [`Happening::told`] says.
///
/// # Errors
/// The database is away.
pub async fn after(
    conn: &mut Connection,
    from: Place,
    limit: usize,
) -> Result<Reading, sqlx::Error> {
    // Asked first: all below has ended then, and a later statement sees the whole of it.
    let end = now(conn).await?;
    let rows = sqlx::query!(
        r#"with happened as (
               (select xact, subject_id as id, seq as nth, subject_id, seq,
                   null::uuid as account_id
               from event
               where (xact, subject_id, seq) > ($1::text::xid8, $2, $3) and xact <= $4::text::xid8
               order by xact, subject_id, seq
               limit $5)
               union all
               (select xact, id, 0, subject_id, seq, account_id
               from notification
               where (xact, id) > ($1::text::xid8, $2) and xact <= $4::text::xid8
               order by xact, id
               limit $5)
               order by xact, id, nth
               limit $5
           )
           select h.xact::text::bigint as "transaction!", h.id as "id!", h.nth as "nth!",
               h.account_id as "account: AccountId", e.seq, e.at, e.kind as "kind: EventKind",
               e.visibility as "visibility: Visibility", e.unit as "unit: NodeCode",
               e.data ->> 'body' as body, t.id as "task?: TaskId",
               t.unit as "task_unit?: NodeCode", t.body as "task_body?: NodeCode",
               c.id as "complaint?: ComplaintId", w.id as "whistle?: WhistleId",
               coalesce(c.community_code, w.community_code) as "community: NodeCode",
               c.reporter_id as "reporter?: AccountId",
               c.reported_unit as "reported_unit?: NodeCode", w.blower as "blower?: NodeCode",
               coalesce(c.units, array(
                   select unnest(array_remove(array[part.unit, part.body], null))
                   from task part where part.whistle_id = w.id)) as "units!: Vec<NodeCode>"
           from happened h
           join event e on e.subject_id = h.subject_id and e.seq = h.seq
           left join complaint c on c.id = e.subject_id
           left join whistle w on w.id = e.subject_id
           left join task t on t.id = e.task_id
           order by h.xact, h.id, h.nth"#,
        from.transaction.to_string(),
        from.subject,
        from.nth,
        end.transaction.to_string(),
        i64::try_from(limit).unwrap_or(i64::MAX),
    )
    .fetch_all(conn)
    .await?;
    let whole = rows.len() < limit;
    let last = rows.last().map(|row| Place {
        transaction: row.transaction,
        subject: row.id,
        nth: row.nth,
    });
    let until = last.filter(|_| !whole).unwrap_or(end).max(from);
    let happenings = rows.into_iter().filter_map(|row| {
        let place = Place { transaction: row.transaction, subject: row.id, nth: row.nth };
        let case = row.complaint.map(Case::Complaint).or(row.whistle.map(Case::Whistle));
        let hearers = match (row.account, case) {
            (Some(account), _) => Hearers::Account(account, NotificationId(row.id)),
            (None, Some(case)) => Hearers::Readers(Box::new(Readers {
                case,
                readers: CaseReaders {
                    reporter: row.reporter,
                    community: row.community,
                    units: row.units,
                    reported_unit: row.reported_unit,
                },
                blower: row.blower,
                visibility: row.visibility,
                unit: row.unit,
                body: row.body,
                task: row.task.zip(row.task_unit).map(|(id, unit)| TaskPart {
                    id,
                    unit,
                    body: row.task_body,
                }),
            })),
            // An event of a post, a redemption, a transfer: no queue shows it.
            (None, None) => return None,
        };
        Some(Happening { place, kind: row.kind, seq: row.seq, at: row.at, hearers })
    });
    Ok(Reading { from, until, whole, happenings: happenings.collect() })
}

#[cfg(test)]
mod tests;
