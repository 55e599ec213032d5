//! The callers' queue.

use domain::{
    id::ComplaintId,
    page::{Cursor, PageRequest},
    scope::Scope,
    time::Timestamp,
};
use serde::Serialize;
use utoipa::ToSchema;

use crate::postgres::Connection;

/// A case whose reporter waits for a call. Whom to call is unmasked apart, with a reason.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Waiting {
    /// The complaint.
    pub complaint_id: ComplaintId,
    /// Its number.
    #[schema(example = "PC20261124000123")]
    pub number: String,
    /// Its title.
    pub title: String,
    /// The lead's name, or the last one's.
    pub lead_name: Option<String>,
    /// Nobody outside the centre learns who reported.
    pub confidential: bool,
    /// The number of the case that it follows; its reporter is asked about that case's answer.
    #[schema(example = "PC20261124000101")]
    pub merged_into: Option<String>,
    /// Which round.
    pub round: i16,
    /// Since when this round waits.
    #[schema(value_type = String, format = DateTime)]
    pub since: Timestamp,
    /// Calls of this round that reached nobody.
    pub misses: i64,
    /// Who has taken it, while the lease lasts.
    pub taken_by: Option<String>,
    /// Until when.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub taken_until: Option<Timestamp>,
}

impl Waiting {
    /// Where the next page starts when this is the last row.
    pub fn cursor(&self) -> Cursor {
        Cursor { at: self.since, id: self.complaint_id.0 }
    }
}

/// What the queue is narrowed to.
#[derive(Debug, Clone, Copy, Default)]
pub struct Filter {
    /// One round.
    pub round: Option<i16>,
    /// Those that wait since before this instant.
    pub since_before: Option<Timestamp>,
    /// Only those that nobody, or the caller alone, has taken.
    pub free: bool,
}

/// Cases in follow-up, and merged ones whose reporters are asked, with somebody to call, the longest waiting first, one more than the page.
/// For the centre alone.
///
/// # Errors
/// The database is away.
pub async fn queue(
    conn: &mut Connection,
    scope: &Scope,
    filter: Filter,
    page: PageRequest,
    now: Timestamp,
) -> Result<Vec<Waiting>, sqlx::Error> {
    sqlx::query_as!(
        Waiting,
        r#"select c.id as "complaint_id: ComplaintId", c.number, c.title,
               (select n.name from task t join org_node n on n.code = t.unit
                   where t.complaint_id = coalesce(c.merged_into, c.id) and t.line = 0 and t.status <> 'returned'
                   order by t.dispatched_at desc limit 1) as lead_name,
               c.confidential, l.number as "merged_into?", c.follow_up_round as round, c.clock_from as since,
               (select count(*) from event e where e.subject_id = c.id
                   and e.kind = 'follow_up_missed' and e.at >= c.clock_from) as "misses!",
               caller.display_name as "taken_by?", held.until as "taken_until?"
           from complaint c
           left join complaint l on l.id = c.merged_into
           left join follow_up_call held on held.complaint_id = c.id and held.until > $2
           left join account caller on caller.id = held.caller_id
           -- A child's round means something only while the answer that it shares stands.
           where $1 and c.reachable and (c.status = 'follow_up'
                   or c.status = 'merged' and c.follow_up_round > 0
                       and l.status in ('follow_up', 'closed'))
               and ($3::smallint is null or c.follow_up_round = $3)
               and ($4::timestamptz is null or c.clock_from <= $4)
               and (not $5 or held.caller_id is null or held.caller_id = $6)
               and ($7::timestamptz is null or (c.clock_from, c.id) > ($7, $8))
           order by c.clock_from, c.id
           limit $9"#,
        scope.everything(),
        now,
        filter.round,
        filter.since_before,
        filter.free,
        scope.account().0,
        page.after.map(|cursor| cursor.at),
        page.after.map_or(uuid::Uuid::nil(), |cursor| cursor.id),
        page.probe(),
    )
    .fetch_all(conn)
    .await
}
