//! Frozen months (月度通报): case by case, with the figures and the rules they were counted by. A
//! frozen month is immutable; triggers refuse every change but its one publication.

use chrono::NaiveDate;
use domain::{
    bulletin::{Area, Contents, Figures, Topic, Unsolved},
    id::AccountId,
    rates::{RateRules, centre_rates, rates},
    sla::Terms,
    task::Outcome,
    time::{Month, Timestamp},
};
use sqlx::types::Json;

use super::{
    Connection,
    rates::read::{self as counted, centre},
};

pub mod read;

/// How many topics a bulletin names.
const TOPICS: usize = 10;

/// Lets one freezer work at a time: who waited here finds the month frozen.
///
/// # Errors
/// The database's.
pub async fn take_turns(conn: &mut Connection) -> Result<(), sqlx::Error> {
    sqlx::query!("lock table rate_snapshot in share row exclusive mode").execute(conn).await?;
    Ok(())
}

/// The first month that is not frozen: after the last that is, or the month of the first task that
/// was ever dispatched. None where nothing was dispatched yet.
///
/// # Errors
/// The database's.
pub async fn next_to_freeze(conn: &mut Connection) -> Result<Option<Month>, sqlx::Error> {
    let found = sqlx::query!(
        r#"select (select max(period) from rate_snapshot) as last,
               (select min(dispatched_at) from task where complaint_id is not null) as first"#
    )
    .fetch_one(conn)
    .await?;
    let last = found.last.map(|day| Month::containing(day).next());
    Ok(last.or_else(|| found.first.map(Month::of)))
}

/// Freezes a month as it stands at `now`: its cases first, then the figures that are counted from
/// what was just kept.
///
/// # Errors
/// The database's; the month is frozen already.
pub async fn freeze(
    conn: &mut Connection,
    month: Month,
    rules: &RateRules,
    terms: Terms<'_>,
    now: Timestamp,
) -> Result<(), sqlx::Error> {
    let (from, to) = month.bounds();
    sqlx::query!(
        "insert into rate_snapshot_case select * from rate_duty($1, $2, $3, $4)",
        month.first(),
        from,
        to,
        now,
    )
    .execute(&mut *conn)
    .await?;
    sqlx::query!(
        "insert into rate_snapshot_appraisal select * from rate_appraisal($1, $2, $3)",
        month.first(),
        from,
        to,
    )
    .execute(&mut *conn)
    .await?;
    let work = centre::work(conn, month, terms, now).await?;
    keep_work(conn, month, &work).await?;
    let figures = Figures {
        groups: rates(counted::count(conn, month, now).await?, rules),
        centre: centre_rates(&work, now),
    };
    let contents = Contents {
        areas: areas(conn, month, rules).await?,
        topics: topics(conn, month).await?,
        unsolved: unsolved(conn, month.first()).await?,
    };
    sqlx::query!(
        "insert into rate_snapshot (period, frozen_at, rules_version, rules, figures, contents)
         values ($1, $2, $3, $4, $5, $6)",
        month.first(),
        now,
        rules.version,
        Json(rules) as _,
        Json(&figures) as _,
        Json(&contents) as _,
    )
    .execute(conn)
    .await?;
    Ok(())
}

#[expect(clippy::as_conversions, reason = "tells sqlx that elements may be null")]
async fn keep_work(
    conn: &mut Connection,
    month: Month,
    work: &[domain::rates::CentreWork],
) -> Result<(), sqlx::Error> {
    let ids: Vec<_> = work.iter().map(|one| one.complaint.0).collect();
    let seqs: Vec<_> = work.iter().map(|one| one.seq).collect();
    let duties: Vec<_> = work.iter().map(|one| one.duty.code().to_owned()).collect();
    let asked: Vec<_> = work.iter().map(|one| one.asked_at).collect();
    let due: Vec<_> = work.iter().map(|one| one.due_at).collect();
    let done: Vec<_> = work.iter().map(|one| one.done_at).collect();
    let answered: Vec<_> = work.iter().map(|one| one.answered).collect();
    let appealed: Vec<_> = work.iter().map(|one| one.appealed).collect();
    sqlx::query!(
        "insert into rate_snapshot_centre
             (period, complaint_id, seq, duty, asked_at, due_at, done_at, answered, appealed)
         select $1, * from unnest($2::uuid[], $3::int[], $4::text[], $5::timestamptz[],
             $6::timestamptz[], $7::timestamptz[], $8::bool[], $9::bool[])",
        month.first(),
        &ids,
        &seqs,
        &duties,
        &asked,
        &due,
        &done as &[Option<Timestamp>],
        &answered,
        &appealed,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Complaints of the district and of each subdistrict; what was taken back is not one.
async fn areas(
    conn: &mut Connection,
    month: Month,
    rules: &RateRules,
) -> Result<Vec<Area>, sqlx::Error> {
    let (from, to) = month.bounds();
    let rows = sqlx::query!(
        r#"select node.code, node.name, count(c.id) as "complaints!"
           from org_node node
           left join complaint c on c.community_code like node.code || '%'
               and c.submitted_at >= $1 and c.submitted_at < $2 and c.status <> 'withdrawn'
           where node.tree = 'admin' and node.kind in ('district', 'subdistrict') and node.active
           group by node.code
           order by length(node.code), node.code"#,
        from,
        to,
    )
    .fetch_all(conn)
    .await?;
    let area = |row: (String, String, i64)| {
        Area::new(row.0, row.1, u32::try_from(row.2).unwrap_or(u32::MAX), &rules.residents)
    };
    Ok(rows.into_iter().map(|row| area((row.code, row.name, row.complaints))).collect())
}

async fn topics(conn: &mut Connection, month: Month) -> Result<Vec<Topic>, sqlx::Error> {
    let (from, to) = month.bounds();
    let rows = sqlx::query!(
        r#"select c.category, c.kind as "kind: domain::complaint::Kind", count(*) as "complaints!"
           from complaint c
           where c.submitted_at >= $1 and c.submitted_at < $2 and c.status <> 'withdrawn'
           group by c.category, c.kind"#,
        from,
        to,
    )
    .fetch_all(conn)
    .await?;
    let mut counted = std::collections::BTreeMap::<String, u32>::new();
    for row in rows {
        let name = row.category.unwrap_or_else(|| row.kind.label().to_owned());
        let sum = counted.entry(name).or_default();
        *sum = sum.saturating_add(u32::try_from(row.complaints).unwrap_or(u32::MAX));
    }
    let mut topics: Vec<Topic> =
        counted.into_iter().map(|(name, complaints)| Topic { name, complaints }).collect();
    topics.sort_by_key(|topic| std::cmp::Reverse(topic.complaints));
    topics.truncate(TOPICS);
    Ok(topics)
}

/// The frozen cases in which an answer says "not solved".
async fn unsolved(conn: &mut Connection, period: NaiveDate) -> Result<Vec<Unsolved>, sqlx::Error> {
    let rows = sqlx::query!(
        r#"select c.number, node.code as unit, node.name as unit_name, c.category,
               c.kind as "kind: domain::complaint::Kind",
               last.reply_outcome as "outcome?: Outcome", last.reply_basis as "basis?"
           from rate_snapshot_case kept
           join complaint c on c.id = kept.complaint_id
           join org_node node on node.code = kept.unit
           left join lateral (
               select t.reply_outcome, t.reply_basis from task t
               where t.complaint_id = kept.complaint_id and t.line = 0
               order by t.dispatched_at desc, t.id desc limit 1
           ) as last on true
           where kept.period = $1 and kept.answers > kept.solved
           order by node.code, c.number"#,
        period,
    )
    .fetch_all(conn)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| Unsolved {
            number: row.number,
            unit: row.unit,
            unit_name: row.unit_name,
            topic: row.category.unwrap_or_else(|| row.kind.label().to_owned()),
            reason: row.outcome.map_or("仍在办理", Outcome::label).to_owned(),
            basis: row.basis,
        })
        .collect())
}

/// Publishes a frozen month, once; `false` when it is published already or not frozen.
///
/// # Errors
/// The database's.
pub async fn publish(
    conn: &mut Connection,
    month: Month,
    by: AccountId,
    now: Timestamp,
) -> Result<bool, sqlx::Error> {
    let done = sqlx::query!(
        "update rate_snapshot set published_at = $2, published_by = $3
         where period = $1 and published_at is null",
        month.first(),
        now,
        by.0,
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected() == 1)
}
