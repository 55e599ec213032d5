//! Imported history: many closed complaints with what happened to them, in few statements. There
//! are no timers, no jobs and no tasks.

use std::collections::HashSet;

use domain::{
    complaint::{ClosedAs, Complaint},
    event::NewEvent,
    import::{PastOrder, Place},
    org::{NodeCode, NodeKind},
    time::{self, Timestamp},
};
use serde_json::Value;
use uuid::Uuid;

use super::Connection;
use crate::random;

#[cfg(test)]
mod tests;

/// A past work order with the case that it makes and what happened to it when.
#[derive(Debug, Clone)]
pub struct PastCase<'a> {
    /// The work order.
    pub order: &'a PastOrder,
    /// The case.
    pub case: Complaint,
    /// Its events in order.
    pub events: Vec<(Timestamp, NewEvent)>,
}

/// The active communities and villages, which rows may name.
///
/// # Errors
/// The database is away.
pub async fn places(conn: &mut Connection) -> Result<Vec<Place>, sqlx::Error> {
    let kinds = [NodeKind::Community, NodeKind::Village].map(|kind| kind.code().to_owned());
    sqlx::query_as!(
        Place,
        r#"select code as "code: NodeCode", name from org_node
           where kind = any($1) and active order by code"#,
        &kinds,
    )
    .fetch_all(conn)
    .await
}

/// Those of the numbers that were imported from this source before.
///
/// # Errors
/// The database is away.
pub async fn known(
    conn: &mut Connection,
    source: &str,
    numbers: &[String],
) -> Result<HashSet<String>, sqlx::Error> {
    let known = sqlx::query_scalar!(
        r#"select source_number as "number!" from complaint
           where source = $1 and source_number = any($2)"#,
        source,
        numbers,
    )
    .fetch_all(conn)
    .await?;
    Ok(known.into_iter().collect())
}

/// Stores cases with their events in one statement, leaving out those that are there already, also
/// by a concurrent import. Answers how many were new.
///
/// # Errors
/// The database is away, or a community is none.
#[expect(clippy::as_conversions, reason = "tells sqlx that elements may be null")]
pub async fn insert(
    conn: &mut Connection,
    source: &str,
    cases: &[PastCase<'_>],
) -> Result<u64, sqlx::Error> {
    let (rows, told) = (Rows::of(cases), Told::of(cases));
    let new = sqlx::query_scalar!(
        r#"with given as (
               select * from unnest(
                   $2::uuid[], $3::text[], $4::text[], $5::bytea[], $6::text[], $7::int[],
                   $8::text[], $9::text[], $10::text[], $11::text[], $12::text[], $13::bool[],
                   $14::timestamptz[], $15::text[], $16::timestamptz[], $17::timestamptz[]
               ) with ordinality as given (
                   id, source_number, day, query_code_mac, status, last_seq, kind, title, content,
                   community_code, channel, confidential, submitted_at, category, replied_at,
                   closed_at, place)
           ), taken as (
               insert into complaint (
                   id, number, query_code_mac, status, last_seq, kind, title, content,
                   community_code, channel, confidential, reachable, submitted_at, category,
                   replied_at, closed_at, closed_as, clock_from, source, source_number)
               select id, 'PC' || day || lpad(nextval('complaint_number')::text, 6, '0'),
                   query_code_mac, status, last_seq, kind, title, content, community_code, channel,
                   confidential, false, submitted_at, category, replied_at, closed_at, $18,
                   closed_at, $1, source_number
               from given order by place
               on conflict (source, source_number) where source is not null do nothing
               returning id
           ), told as (
               insert into event (subject_id, seq, at, kind, visibility, data, note)
               select subject_id, seq, at, kind, visibility, data, note
               from taken join unnest(
                   $19::uuid[], $20::int[], $21::timestamptz[], $22::text[], $23::text[],
                   $24::jsonb[], $25::text[]
               ) as told (subject_id, seq, at, kind, visibility, data, note)
                   on told.subject_id = taken.id
           )
           select count(*) as "count!" from taken"#,
        source,
        &rows.ids,
        &rows.numbers,
        &rows.days,
        &rows.macs,
        &rows.statuses,
        &rows.last_seqs,
        &rows.kinds,
        &rows.titles,
        &rows.contents,
        &rows.communities,
        &rows.channels,
        &rows.confidential,
        &rows.submitted_at,
        &rows.categories as &[Option<String>],
        &rows.replied_at as &[Option<Timestamp>],
        &rows.closed_at as &[Option<Timestamp>],
        ClosedAs::Imported.code(),
        &told.subjects,
        &told.seqs,
        &told.instants,
        &told.kinds,
        &told.visibilities,
        &told.data,
        &told.notes as &[Option<String>],
    )
    .fetch_one(conn)
    .await?;
    Ok(new.unsigned_abs())
}

/// Complaints as columns, to be given to `unnest`.
#[derive(Default)]
struct Rows {
    ids: Vec<Uuid>,
    numbers: Vec<String>,
    days: Vec<String>,
    macs: Vec<Vec<u8>>,
    statuses: Vec<String>,
    last_seqs: Vec<i32>,
    kinds: Vec<String>,
    titles: Vec<String>,
    contents: Vec<String>,
    communities: Vec<String>,
    channels: Vec<String>,
    confidential: Vec<bool>,
    submitted_at: Vec<Timestamp>,
    categories: Vec<Option<String>>,
    replied_at: Vec<Option<Timestamp>>,
    closed_at: Vec<Option<Timestamp>>,
}

impl Rows {
    fn of(cases: &[PastCase<'_>]) -> Self {
        let mut rows = Self::default();
        for PastCase { order, case, .. } in cases {
            let submission = &order.submission;
            rows.ids.push(case.id.0);
            rows.numbers.push(order.number.clone());
            rows.days.push(time::date(case.submitted_at).format("%Y%m%d").to_string());
            // Nobody was given a query code: no code has this MAC.
            rows.macs.push(random::bytes::<32>().to_vec());
            rows.statuses.push(case.status.code().to_owned());
            rows.last_seqs.push(case.last_seq);
            rows.kinds.push(case.kind.code().to_owned());
            rows.titles.push(submission.title.clone());
            rows.contents.push(submission.content.clone());
            rows.communities.push(case.community.to_string());
            rows.channels.push(submission.channel.code().to_owned());
            rows.confidential.push(case.confidential);
            rows.submitted_at.push(case.submitted_at);
            rows.categories.push(case.category.clone());
            rows.replied_at.push(case.replied_at);
            rows.closed_at.push(case.closed_at);
        }
        rows
    }
}

/// Events as columns.
#[derive(Default)]
struct Told {
    subjects: Vec<Uuid>,
    seqs: Vec<i32>,
    instants: Vec<Timestamp>,
    kinds: Vec<String>,
    visibilities: Vec<String>,
    data: Vec<Value>,
    notes: Vec<Option<String>>,
}

impl Told {
    fn of(cases: &[PastCase<'_>]) -> Self {
        let mut told = Self::default();
        for PastCase { case, events, .. } in cases {
            for ((at, event), seq) in events.iter().zip(1..) {
                told.subjects.push(case.id.0);
                told.seqs.push(seq);
                told.instants.push(*at);
                told.kinds.push(event.kind.code().to_owned());
                told.visibilities.push(event.visibility.code().to_owned());
                told.data.push(event.data.clone());
                told.notes.push(event.note.clone());
            }
        }
        told
    }
}
