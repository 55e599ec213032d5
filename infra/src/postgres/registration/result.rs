//! The year's results of registered members: as they stand, or as they were settled; settling,
//! and reminding.

use chrono::NaiveDate;
use domain::{
    id::{AccountId, RegistrationId},
    org::NodeCode,
    page::Cursor,
    party::Rank,
    scope::Scope,
    service::{
        Served, Year,
        year::{Requirement, Short, Standing},
    },
    time::Timestamp,
    work_unit::ReportKind,
};
use uuid::Uuid;

use crate::postgres::Connection;

/// A member's year, before it is known what it requires.
#[derive(Debug, Clone)]
pub struct Line {
    /// The registration.
    pub registration: RegistrationId,
    /// The person.
    pub account: AccountId,
    /// The name, sealed.
    pub name_sealed: Vec<u8>,
    /// With which community the member is registered.
    pub community: NodeCode,
    /// Its name.
    pub community_name: String,
    /// The work unit, where the register of units knows it.
    pub unit: Option<NodeCode>,
    /// Its name.
    pub unit_name: Option<String>,
    /// When the community signed.
    pub signed_at: Timestamp,
    /// When the member retired.
    pub retired_on: Option<NaiveDate>,
    /// What was done.
    pub served: Served,
    /// What decides about the requirement, or what was settled.
    pub basis: Basis,
}

/// What a line's requirement rests on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Basis {
    /// The year is not settled: what decides about it.
    Live {
        /// The rank on the register.
        rank: Rank,
        /// On the ledger of those at work.
        employed: bool,
        /// Waived for the year.
        exempt: bool,
    },
    /// As it was settled.
    Settled(Standing, Requirement),
}

impl Line {
    /// Where the next page starts when this is the last row.
    pub fn cursor(&self) -> Cursor {
        Cursor { at: self.signed_at, id: self.registration.0 }
    }
}

/// Which lines are wanted.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    /// Of this community alone.
    pub community: Option<NodeCode>,
    /// Of this work unit alone.
    pub unit: Option<NodeCode>,
    /// Of this account alone.
    pub account: Option<AccountId>,
}

/// Whose lines are read.
#[derive(Debug, Clone, Copy)]
pub enum Reader<'s> {
    /// Somebody's, within the scope: a community its own, a liaison the unit's own.
    Scope(&'s Scope),
    /// The worker: all of them.
    Worker,
}

impl Reader<'_> {
    fn parts(&self) -> (bool, &[String], &[String]) {
        match self {
            Self::Scope(scope) => (scope.organises(), scope.units(), scope.liaises()),
            Self::Worker => (true, &[], &[]),
        }
    }
}

/// When a year was settled, if it was.
///
/// # Errors
/// The database is away.
pub async fn settled_at(
    conn: &mut Connection,
    year: Year,
) -> Result<Option<Timestamp>, sqlx::Error> {
    sqlx::query_scalar!("select settled_at from service_year where year = $1", year.number())
        .fetch_optional(conn)
        .await
}

/// The lines of a year that is not settled, with what was served from its beginning to before
/// `until`; one more than the page. A member stands with the community and unit of today.
///
/// # Errors
/// The database is away.
pub async fn live(
    conn: &mut Connection,
    reader: Reader<'_>,
    (year, until): (Year, Timestamp),
    filter: &Filter,
    page: (Option<Cursor>, i64),
) -> Result<Vec<Line>, sqlx::Error> {
    let (every, communities, units) = reader.parts();
    let rows = sqlx::query!(
        r#"select r.id as "registration: RegistrationId", r.account_id as "account: AccountId",
               r.name_sealed, r.community_code as "community: NodeCode", o.name as community_name,
               r.unit_code as "unit: NodeCode", u.name as "unit_name?", m.rank as "rank: Rank",
               m.ledger = 'employed' as "employed!",
               r.decided_at as "signed_at!", r.retired_on,
               exists (select from registration_change c
                   where c.registration_id = r.id and c.kind = 'exempt' and c.status = 'granted'
                       and c.year = $1) as "exempt!",
               done.services as "services!", done.minutes as "minutes!"
           from registration r
           join party_member m on m.id = r.member_id
           join org_node o on o.code = r.community_code
           left join work_unit u on u.code = r.unit_code
           cross join lateral (
               select count(*) as services, coalesce(sum(d.minutes), 0)::bigint as minutes
               from service_done d
               where d.account_id = r.account_id and d.began_at >= $2 and d.began_at < $3
           ) as done
           where r.member_id is not null and r.decided_at < $3
               and (m.removed_at is null or m.removed_at >= $3)
               and (r.ended_at is null or r.ended_at >= $3)
               and ($4 or r.community_code = any($5) or r.unit_code = any($6))
               and ($7::text is null or r.community_code = $7)
               and ($8::text is null or r.unit_code = $8)
               and ($9::uuid is null or r.account_id = $9)
               and ($10::timestamptz is null or (r.decided_at, r.id) < ($10, $11::uuid))
           order by r.decided_at desc, r.id desc
           limit $12"#,
        year.number(),
        year.bounds().0,
        until,
        every,
        communities,
        units,
        filter.community.as_ref().map(NodeCode::as_str),
        filter.unit.as_ref().map(NodeCode::as_str),
        filter.account.map(|account| account.0),
        page.0.map(|cursor| cursor.at),
        page.0.map_or(Uuid::nil(), |cursor| cursor.id),
        page.1,
    )
    .fetch_all(conn)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| Line {
            registration: row.registration,
            account: row.account,
            name_sealed: row.name_sealed,
            community: row.community,
            community_name: row.community_name,
            unit: row.unit,
            unit_name: row.unit_name,
            signed_at: row.signed_at,
            retired_on: row.retired_on,
            served: Served { services: row.services, minutes: row.minutes },
            basis: Basis::Live { rank: row.rank, employed: row.employed, exempt: row.exempt },
        })
        .collect())
}

/// The lines of a settled year, as they were settled; one more than the page.
///
/// # Errors
/// The database is away.
pub async fn settled(
    conn: &mut Connection,
    reader: Reader<'_>,
    year: Year,
    filter: &Filter,
    page: (Option<Cursor>, i64),
) -> Result<Vec<Line>, sqlx::Error> {
    let (every, communities, units) = reader.parts();
    let rows = sqlx::query!(
        r#"select s.registration_id as "registration: RegistrationId",
               s.account_id as "account: AccountId", r.name_sealed,
               s.community_code as "community: NodeCode", o.name as community_name,
               s.unit_code as "unit: NodeCode", u.name as "unit_name?", s.signed_at, r.retired_on,
               s.standing as "standing: Standing", s.services, s.minutes, s.required_services,
               s.required_minutes
           from service_result s
           join registration r on r.id = s.registration_id
           join org_node o on o.code = s.community_code
           left join work_unit u on u.code = s.unit_code
           where s.year = $1
               and ($2 or s.community_code = any($3) or s.unit_code = any($4))
               and ($5::text is null or s.community_code = $5)
               and ($6::text is null or s.unit_code = $6)
               and ($7::uuid is null or s.account_id = $7)
               and ($8::timestamptz is null or (s.signed_at, s.registration_id) < ($8, $9::uuid))
           order by s.signed_at desc, s.registration_id desc
           limit $10"#,
        year.number(),
        every,
        communities,
        units,
        filter.community.as_ref().map(NodeCode::as_str),
        filter.unit.as_ref().map(NodeCode::as_str),
        filter.account.map(|account| account.0),
        page.0.map(|cursor| cursor.at),
        page.0.map_or(Uuid::nil(), |cursor| cursor.id),
        page.1,
    )
    .fetch_all(conn)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| Line {
            registration: row.registration,
            account: row.account,
            name_sealed: row.name_sealed,
            community: row.community,
            community_name: row.community_name,
            unit: row.unit,
            unit_name: row.unit_name,
            signed_at: row.signed_at,
            retired_on: row.retired_on,
            served: Served { services: row.services, minutes: row.minutes },
            basis: Basis::Settled(
                row.standing,
                Requirement { services: row.required_services, minutes: row.required_minutes },
            ),
        })
        .collect())
}

/// When the first registration was signed.
///
/// # Errors
/// The database is away.
pub async fn first_signed(conn: &mut Connection) -> Result<Option<Timestamp>, sqlx::Error> {
    sqlx::query_scalar!("select min(decided_at) from registration where member_id is not null")
        .fetch_one(conn)
        .await
}

/// Opens a year's settled results; `false` where it was settled before.
///
/// # Errors
/// The database is away.
pub async fn open(
    conn: &mut Connection,
    year: Year,
    version: &str,
    now: Timestamp,
) -> Result<bool, sqlx::Error> {
    let added = sqlx::query!(
        "insert into service_year (year, rules_version, settled_at) values ($1, $2, $3)
         on conflict (year) do nothing",
        year.number(),
        version,
        now,
    )
    .execute(conn)
    .await?;
    Ok(added.rows_affected() == 1)
}

/// Adds lines to a year's settled results.
///
/// # Errors
/// The database is away.
#[expect(clippy::as_conversions, reason = "tells sqlx that elements may be null")]
pub async fn settle(
    conn: &mut Connection,
    year: Year,
    lines: &[(&Line, Standing, Requirement)],
) -> Result<(), sqlx::Error> {
    let ids: Vec<Uuid> = lines.iter().map(|(line, ..)| line.registration.0).collect();
    let accounts: Vec<Uuid> = lines.iter().map(|(line, ..)| line.account.0).collect();
    let communities: Vec<String> =
        lines.iter().map(|(line, ..)| line.community.to_string()).collect();
    let units: Vec<Option<String>> =
        lines.iter().map(|(line, ..)| line.unit.as_ref().map(ToString::to_string)).collect();
    let signed: Vec<Timestamp> = lines.iter().map(|(line, ..)| line.signed_at).collect();
    let standings: Vec<String> =
        lines.iter().map(|(_, standing, _)| standing.code().to_owned()).collect();
    let services: Vec<i64> = lines.iter().map(|(line, ..)| line.served.services).collect();
    let minutes: Vec<i64> = lines.iter().map(|(line, ..)| line.served.minutes).collect();
    let (wanted, hours): (Vec<i64>, Vec<i64>) =
        lines.iter().map(|(.., required)| (required.services, required.minutes)).unzip();
    sqlx::query!(
        "insert into service_result (year, registration_id, account_id, community_code, unit_code,
             signed_at, standing, services, minutes, required_services, required_minutes)
         select $1, line.* from unnest($2::uuid[], $3::uuid[], $4::text[], $5::text[],
             $6::timestamptz[], $7::text[], $8::bigint[], $9::bigint[], $10::bigint[],
             $11::bigint[]) as line",
        year.number(),
        &ids,
        &accounts,
        &communities,
        &units as &[Option<String>],
        &signed,
        &standings,
        &services,
        &minutes,
        &wanted,
        &hours,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Marks a round of reminders (by month) or of feedback (by quarter) as sent; `false` where it was
/// sent before.
///
/// # Errors
/// The database is away.
pub async fn mark_round(
    conn: &mut Connection,
    kind: ReportKind,
    (year, number): (Year, i32),
    now: Timestamp,
) -> Result<bool, sqlx::Error> {
    let added = sqlx::query!(
        "insert into service_round (kind, year, number, sent_at) values ($1, $2, $3, $4)
         on conflict do nothing",
        kind.code(),
        year.number(),
        number,
        now,
    )
    .execute(conn)
    .await?;
    Ok(added.rows_affected() == 1)
}

/// Writes into the stream of each registration what its member still misses of the year; answers
/// each with the number of its event. The rows are locked in the order of their ids.
///
/// # Errors
/// The database is away.
pub async fn remind(
    conn: &mut Connection,
    year: Year,
    short: &[(RegistrationId, Short)],
    now: Timestamp,
) -> Result<Vec<(RegistrationId, i32)>, sqlx::Error> {
    let ids: Vec<Uuid> = short.iter().map(|(id, _)| id.0).collect();
    let services: Vec<i64> = short.iter().map(|(_, short)| short.services).collect();
    let minutes: Vec<i64> = short.iter().map(|(_, short)| short.minutes).collect();
    let rows = sqlx::query!(
        r#"with locked as (
               select id from registration where id = any($1) order by id for update
           ), counted as (
               update registration r set version = version + 1, last_seq = last_seq + 1
               from locked where r.id = locked.id
               returning r.id, r.last_seq, r.community_code, r.account_id
           ), told as (
               insert into event (subject_id, seq, at, kind, visibility, unit, data)
               select counted.id, counted.last_seq, $4, 'service_reminded', 'reporter',
                   counted.community_code, jsonb_build_object('account', counted.account_id,
                       'year', $5::int, 'services', short.services, 'minutes', short.minutes)
               from counted
               join unnest($1::uuid[], $2::bigint[], $3::bigint[])
                   as short (id, services, minutes) on short.id = counted.id
           )
           select id as "id: RegistrationId", last_seq from counted order by id"#,
        &ids,
        &services,
        &minutes,
        now,
        year.number(),
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(|row| (row.id, row.last_seq)).collect())
}
