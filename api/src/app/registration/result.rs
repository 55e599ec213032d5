//! The year's results: read as they stand or as they were settled; reminders, quarterly feedback
//! and settlement, which a chore brings about when their time has come.

use std::collections::BTreeMap;

use chrono::{NaiveDate, TimeDelta};
use domain::{
    id::{AccountId, JobId},
    org::NodeCode,
    page::{Cursor, PageRequest},
    refusal::Invalid,
    scope::Scope,
    service::{
        Year,
        year::{Facts, Requirement, Rules, Short, Standing},
    },
    time::{self, Timestamp},
    work_unit::ReportKind,
};
use infra::{
    postgres::{
        Connection,
        audit::{self, AuditEntry, Origin},
        job,
        registration::result::{self as store, Basis, Filter, Line, Reader},
        work_unit::{self, NewReport},
    },
    random,
};
use serde_json::json;

use crate::{app::notification::Notify, error::Error, state::State};

/// Lines that are read at once.
const PAGE: i64 = 1000;
/// For how many days after its time a reminder or feedback still goes out: one that the worker
/// missed by more would only confuse.
const LATE_DAYS: i64 = 28;

/// A member's year, judged.
#[derive(Debug, Clone)]
pub struct Judged {
    /// What was done, where.
    pub line: Line,
    /// Whether the year binds the member.
    pub standing: Standing,
    /// What it requires.
    pub required: Requirement,
    /// What is missing.
    pub short: Short,
}

impl Judged {
    fn of(rules: &Rules, year: Year, line: Line) -> Self {
        let (standing, required) = match line.basis {
            Basis::Settled(standing, required) => (standing, required),
            Basis::Live { rank, employed, exempt } => {
                let signed_on = time::date(line.signed_at);
                let retired_on = line.retired_on;
                let facts = Facts { rank, employed, signed_on, retired_on, exempt };
                rules.of_member(year, &facts)
            }
        };
        let short = line.served.missing(required);
        Self { line, standing, required, short }
    }
}

/// A page of results for whoever may read them, and when the year was settled.
///
/// # Errors
/// No such community or unit; the database is away.
pub async fn page(
    state: &State,
    scope: &Scope,
    year: Year,
    filter: &Filter,
    page: PageRequest,
) -> Result<(Option<Timestamp>, Vec<Judged>), Error> {
    let mut conn = state.db.acquire().await?;
    let at = (page.after, page.probe());
    let until = year.bounds().1;
    read(&mut conn, state, Reader::Scope(scope), (year, until), filter, at).await
}

async fn read(
    conn: &mut Connection,
    state: &State,
    reader: Reader<'_>,
    (year, until): (Year, Timestamp),
    filter: &Filter,
    page: (Option<Cursor>, i64),
) -> Result<(Option<Timestamp>, Vec<Judged>), Error> {
    // A quarter's figures are what they were: they end before the year does.
    let settled = match until == year.bounds().1 {
        true => store::settled_at(conn, year).await?,
        false => None,
    };
    let lines = match settled {
        Some(_) => store::settled(conn, reader, year, filter, page).await?,
        None => store::live(conn, reader, (year, until), filter, page).await?,
    };
    let rules = &state.config.service_year;
    Ok((settled, lines.into_iter().map(|line| Judged::of(rules, year, line)).collect()))
}

/// All results that a filter names, with everything a report says of them.
///
/// # Errors
/// The database is away.
pub(in crate::app) async fn all(
    conn: &mut Connection,
    state: &State,
    period: (Year, Timestamp),
    filter: &Filter,
) -> Result<Vec<Judged>, Error> {
    let mut found: Vec<Judged> = Vec::new();
    loop {
        let after = found.last().map(|last| last.line.cursor());
        let page = (after, PAGE);
        let (_, more) = read(conn, state, Reader::Worker, period, filter, page).await?;
        let last = more.len() < usize::try_from(PAGE).unwrap_or(usize::MAX);
        found.extend(more);
        if last {
            return Ok(found);
        }
    }
}

/// What a year requires of an account, and how it was settled: a registered member's own requirement,
/// and nothing of everybody else.
///
/// # Errors
/// The database is away.
pub async fn of_account(
    state: &State,
    account: AccountId,
    year: Year,
) -> Result<(Requirement, Option<(Timestamp, Judged)>), Error> {
    let filter = Filter { account: Some(account), ..Filter::default() };
    let mut conn = state.db.acquire().await?;
    let period = (year, year.bounds().1);
    let (settled, mut found) =
        read(&mut conn, state, Reader::Worker, period, &filter, (None, 1)).await?;
    let own = found.pop();
    let required = own.as_ref().map(|own| own.required).unwrap_or_default();
    Ok((required, settled.zip(own)))
}

/// The chore of the service year.
#[derive(Debug, Clone, Copy, serde::Serialize, serde::Deserialize)]
pub struct FollowServiceYear {}

impl FollowServiceYear {
    /// The kind of the job.
    pub const KIND: &'static str = "follow_service_year";
}

/// Sends what is due: reminders, a quarter's feedback, the settlement of past years; each once.
///
/// # Errors
/// The database is away.
pub async fn follow(tx: &mut Connection, state: &State, now: Timestamp) -> Result<(), Error> {
    settle(tx, state, now).await?;
    let year = Year::of(now);
    for round in due(state, year, now) {
        if store::mark_round(tx, round.kind, (year, round.number), now).await? {
            send(tx, state, year, round, now).await?;
        }
    }
    Ok(())
}

/// A reminder or a quarter's feedback.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Round {
    kind: ReportKind,
    /// The month, or the quarter.
    number: i32,
    /// Up to when services count.
    until: Timestamp,
}

/// The rounds that go out now: nobody is written to outside working hours.
fn due(state: &State, year: Year, now: Timestamp) -> Vec<Round> {
    let minute = TimeDelta::minutes(1);
    if state.calendars.current().add_working_time(now, 1) != now + minute {
        return Vec::new();
    }
    let today = time::date(now);
    let fresh = |day: NaiveDate| (0..LATE_DAYS).contains(&(today - day).num_days());
    let month_of = |day: NaiveDate| i32::try_from(chrono::Datelike::month(&day)).unwrap_or(1);
    let reminders = &state.config.service_year.reminders;
    let reminders = reminders.iter().map(|day| day.in_year(year.number())).filter(|d| fresh(*d));
    let reminders = reminders.map(|day| Round {
        kind: ReportKind::Reminder,
        number: month_of(day),
        until: year.bounds().1,
    });
    // The fourth quarter's feedback is the year's certificate.
    let quarters = [(1, 4), (2, 7), (3, 10)].into_iter().filter_map(|(number, month)| {
        let end = NaiveDate::from_ymd_opt(year.number(), month, 1)?;
        let round = Round { kind: ReportKind::Quarter, number, until: time::start_of(end) };
        fresh(end).then_some(round)
    });
    reminders.chain(quarters).collect()
}

async fn send(
    tx: &mut Connection,
    state: &State,
    year: Year,
    round: Round,
    now: Timestamp,
) -> Result<(), Error> {
    let found = all(tx, state, (year, round.until), &Filter::default()).await?;
    if round.kind == ReportKind::Reminder {
        let short: Vec<_> = found
            .iter()
            .filter(|one| !one.short.is_none())
            .map(|one| (one.line.registration, one.short))
            .collect();
        let told = store::remind(tx, year, &short, now).await?;
        let told =
            told.into_iter().map(|(id, seq)| Notify { subject: id.0, from_seq: seq, to_seq: seq });
        enqueue(tx, told, now).await?;
    }
    report(tx, (year, round), &found, now).await?;
    tracing::info!(kind = %round.kind, year = year.number(), number = round.number, members = found.len(), "told members and units of their year of service");
    Ok(())
}

/// Tells each unit of all its members.
async fn report(
    tx: &mut Connection,
    (year, round): (Year, Round),
    found: &[Judged],
    now: Timestamp,
) -> Result<(), Error> {
    let mut units: BTreeMap<&NodeCode, (i64, i64)> = BTreeMap::new();
    for one in found {
        if let Some(unit) = &one.line.unit {
            let (members, missing) = units.entry(unit).or_default();
            *members += 1;
            *missing += i64::from(!one.short.is_none());
        }
    }
    let mut told = Vec::new();
    for (unit, (members, missing)) in units {
        let new = NewReport {
            id: random::id(now),
            unit: unit.clone(),
            kind: round.kind,
            year: year.number(),
            number: round.number,
            until: round.until,
            members,
            missing,
        };
        if work_unit::report(tx, &new, now).await? {
            told.push(Notify { subject: new.id.0, from_seq: 1, to_seq: 1 });
        }
    }
    enqueue(tx, told.into_iter(), now).await.map(drop)
}

async fn enqueue(
    tx: &mut Connection,
    told: impl Iterator<Item = Notify>,
    now: Timestamp,
) -> Result<Vec<JobId>, Error> {
    let jobs: Vec<_> = told.map(|one| one.job(now)).collect();
    Ok(job::enqueue_all(tx, &jobs, now).await?)
}

/// Settles each past year that is due, the earliest first, each once, and tells the units.
async fn settle(tx: &mut Connection, state: &State, now: Timestamp) -> Result<(), Error> {
    let rules = &state.config.service_year;
    let Some(first) = store::first_signed(tx).await? else { return Ok(()) };
    for number in Year::of(first).number()..Year::of(now).number() {
        let year = Year::new(number).map_err(Invalid::from)?;
        if now < rules.settles_at(year) || store::settled_at(tx, year).await?.is_some() {
            continue;
        }
        let until = year.bounds().1;
        let found = all(tx, state, (year, until), &Filter::default()).await?;
        // A second worker waits for the first here, and then finds the year settled.
        if !store::open(tx, year, &rules.version, now).await? {
            continue;
        }
        let lines: Vec<_> =
            found.iter().map(|one| (&one.line, one.standing, one.required)).collect();
        store::settle(tx, year, &lines).await?;
        report(tx, (year, Round { kind: ReportKind::Year, number: 0, until }), &found, now).await?;
        let origin = Origin::default();
        let entry = AuditEntry::new("service_year.settle", "service_year", number, &origin);
        let data = json!({ "version": rules.version, "members": found.len() });
        audit::append(tx, &entry.with(data), now).await?;
        tracing::info!(year = number, members = found.len(), "settled the year's results");
    }
    Ok(())
}

/// A community or unit as it was asked for in a query.
///
/// # Errors
/// Not a code.
pub fn filter(community: Option<&str>, unit: Option<&str>) -> Result<Filter, Error> {
    let community = NodeCode::optional("community", community)?;
    let unit = NodeCode::optional("unit", unit)?;
    Ok(Filter { community, unit, account: None })
}

/// The year that is asked for, or the one it is.
///
/// # Errors
/// Not a year.
pub fn year(asked: Option<i32>, now: Timestamp) -> Result<Year, Error> {
    Ok(match asked {
        Some(year) => Year::new(year)?,
        None => Year::of(now),
    })
}
