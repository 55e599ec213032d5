//! Households, pairings and visits as they are read: by the community, and by who looks after one.
//! What is sealed stays sealed here.

use chrono::NaiveDate;
use domain::{
    household::{Category, Status, VisitKind},
    id::{AccountId, ComplaintId, HouseholdId, PairingId, VisitId},
    org::NodeCode,
    page::{Cursor, PageRequest},
    scope::Scope,
    time::Timestamp,
};
use uuid::Uuid;

use crate::postgres::Connection;

/// A household with what stands sealed of it.
#[derive(Debug, Clone)]
pub struct Row {
    /// Its id.
    pub id: HouseholdId,
    /// Grows with each change.
    pub version: i64,
    /// Its community.
    pub community: NodeCode,
    /// The community's name.
    pub community_name: String,
    /// What makes its life difficult.
    pub category: Category,
    /// The name, sealed.
    pub name: Vec<u8>,
    /// Where it lives, sealed.
    pub address: Vec<u8>,
    /// How it is called, sealed.
    pub phone: Option<Vec<u8>>,
    /// What whoever visits it should know, sealed.
    pub situation: Option<Vec<u8>>,
    /// Whether a resident's account belongs to it.
    pub account: Option<AccountId>,
    /// When it agreed.
    pub consented_on: NaiveDate,
    /// When it was registered.
    pub registered_at: Timestamp,
    /// When it was taken off the list.
    pub closed_at: Option<Timestamp>,
    /// Why.
    pub close_reason: Option<String>,
    /// How many look after it.
    pub paired: i64,
    /// When it was visited last.
    pub visited_at: Option<Timestamp>,
    /// When the next visit was planned for.
    pub next_visit_on: Option<NaiveDate>,
    /// Whether the caller may see it whole: an officer of its community, or who looks after it.
    pub whole: bool,
}

impl Row {
    /// Where the next page starts when this is the last row.
    pub fn cursor(&self) -> Cursor {
        Cursor { at: self.registered_at, id: self.id.0 }
    }
}

/// What a list is narrowed to.
#[derive(Debug, Clone, Copy, Default)]
pub struct Filter {
    /// One household alone.
    pub id: Option<HouseholdId>,
    /// What makes life difficult.
    pub category: Option<Category>,
    /// Those that nobody visited since; also those that were never visited.
    pub unvisited_since: Option<Timestamp>,
    /// Those that are off the list.
    pub closed: bool,
}

/// The households of the caller's own communities, and those that the caller looks after; the
/// latest first, one more than the page.
///
/// # Errors
/// The database is away.
pub async fn list(
    conn: &mut Connection,
    scope: &Scope,
    filter: Filter,
    page: PageRequest,
) -> Result<Vec<Row>, sqlx::Error> {
    sqlx::query_as!(
        Row,
        r#"select h.id as "id: HouseholdId", h.version, h.community_code as "community: NodeCode",
               o.name as community_name, h.category as "category: Category", h.name_sealed as name,
               h.address_sealed as address, h.phone_sealed as phone, h.situation_sealed as situation,
               h.account_id as "account: AccountId", h.consented_on, h.registered_at, h.closed_at,
               h.close_reason,
               (select count(*) from household_pairing p
                   where p.household_id = h.id and p.status = 'active') as "paired!",
               seen.visited_at as "visited_at?", seen.next_visit_on as "next_visit_on?",
               (h.community_code = any($1) or exists (
                   select from household_pairing own
                   where own.household_id = h.id and own.account_id = $2 and own.status = 'active'))
                   as "whole!"
           from household h
           join org_node o on o.code = h.community_code
           left join lateral (
               select v.visited_at, v.next_visit_on from household_visit v
               where v.household_id = h.id
                   and not exists (select from household_visit later where later.corrects = v.id)
               order by v.visited_at desc, v.id desc limit 1
           ) as seen on true
           where (h.community_code = any($1) or exists (
                   select from household_pairing own
                   where own.household_id = h.id and own.account_id = $2
                       and own.status in ('proposed', 'active')))
               and ($3::uuid is null or h.id = $3)
               and ($4::text is null or h.category = $4)
               and ($5::timestamptz is null or seen.visited_at is null or seen.visited_at < $5)
               and ($3::uuid is not null or (h.closed_at is not null) = $6)
               and ($7::timestamptz is null or (h.registered_at, h.id) < ($7, $8::uuid))
           order by h.registered_at desc, h.id desc
           limit $9"#,
        scope.units(),
        scope.account().0,
        filter.id.map(|id| id.0),
        filter.category.map(Category::code),
        filter.unvisited_since,
        filter.closed,
        page.after.map(|cursor| cursor.at),
        page.after.map_or(Uuid::nil(), |cursor| cursor.id),
        page.probe(),
    )
    .fetch_all(conn)
    .await
}

/// A pairing with the household that it is of.
#[derive(Debug, Clone)]
pub struct PairingRow {
    /// Its id.
    pub id: PairingId,
    /// Grows with each change.
    pub version: i64,
    /// Which household.
    pub household: HouseholdId,
    /// The household's name, sealed.
    pub name: Vec<u8>,
    /// What makes its life difficult.
    pub category: Category,
    /// The community's name.
    pub community_name: String,
    /// Who looks after it, as colleagues and the person see them.
    pub person: String,
    /// Where it stands.
    pub status: Status,
    /// The last day of the term.
    pub until: NaiveDate,
    /// When the community asked.
    pub proposed_at: Timestamp,
    /// When the person answered.
    pub answered_at: Option<Timestamp>,
    /// When it ended.
    pub ended_at: Option<Timestamp>,
    /// Why it was declined or ended.
    pub reason: Option<String>,
    /// When the person visited last.
    pub visited_at: Option<Timestamp>,
    /// When they meant to come again.
    pub next_visit_on: Option<NaiveDate>,
}

impl PairingRow {
    /// Where the next page starts when this is the last row.
    pub fn cursor(&self) -> Cursor {
        Cursor { at: self.proposed_at, id: self.id.0 }
    }
}

/// Which pairings are wanted.
#[derive(Debug, Clone, Copy, Default)]
pub struct PairingFilter {
    /// One pairing alone.
    pub id: Option<PairingId>,
    /// Of one household.
    pub household: Option<HouseholdId>,
    /// The caller's own alone.
    pub own_only: bool,
}

/// Pairings that are the caller's own, or of a household of the caller's community; the latest
/// first, one more than the page.
///
/// # Errors
/// The database is away.
pub async fn pairings(
    conn: &mut Connection,
    scope: &Scope,
    filter: PairingFilter,
    page: PageRequest,
) -> Result<Vec<PairingRow>, sqlx::Error> {
    sqlx::query_as!(
        PairingRow,
        r#"select p.id as "id: PairingId", p.version, p.household_id as "household: HouseholdId",
               h.name_sealed as name, h.category as "category: Category", o.name as community_name,
               a.display_name as person, p.status as "status: Status", p.until, p.proposed_at,
               p.answered_at, p.ended_at, p.reason, seen.visited_at as "visited_at?",
               seen.next_visit_on as "next_visit_on?"
           from household_pairing p
           join household h on h.id = p.household_id
           join org_node o on o.code = h.community_code
           join account a on a.id = p.account_id
           left join lateral (
               select v.visited_at, v.next_visit_on from household_visit v
               where v.pairing_id = p.id
                   and not exists (select from household_visit later where later.corrects = v.id)
               order by v.visited_at desc, v.id desc limit 1
           ) as seen on true
           where (p.account_id = $1 or not $2 and h.community_code = any($3))
               and ($4::uuid is null or p.id = $4)
               and ($5::uuid is null or p.household_id = $5)
               and ($6::timestamptz is null or (p.proposed_at, p.id) < ($6, $7::uuid))
           order by p.proposed_at desc, p.id desc
           limit $8"#,
        scope.account().0,
        filter.own_only,
        scope.units(),
        filter.id.map(|id| id.0),
        filter.household.map(|id| id.0),
        page.after.map(|cursor| cursor.at),
        page.after.map_or(Uuid::nil(), |cursor| cursor.id),
        page.probe(),
    )
    .fetch_all(conn)
    .await
}

/// A visit with what stands sealed of it.
#[derive(Debug, Clone)]
pub struct VisitRow {
    /// Its id.
    pub id: VisitId,
    /// The pairing.
    pub pairing: PairingId,
    /// Who visited.
    pub person: String,
    /// How.
    pub kind: VisitKind,
    /// When.
    pub visited_at: Timestamp,
    /// What was needed, sealed.
    pub needed: Option<Vec<u8>>,
    /// What was done, sealed.
    pub done: Vec<u8>,
    /// When the person means to come again.
    pub next_visit_on: Option<NaiveDate>,
    /// The appeal that a need became.
    pub complaint: Option<ComplaintId>,
    /// The visit that this puts right.
    pub corrects: Option<VisitId>,
    /// The visit that puts this right.
    pub corrected_by: Option<VisitId>,
    /// When it was written down.
    pub recorded_at: Timestamp,
}

impl VisitRow {
    /// Where the next page starts when this is the last row.
    pub fn cursor(&self) -> Cursor {
        Cursor { at: self.visited_at, id: self.id.0 }
    }
}

/// The visits to a household that the caller may see: the community all, who looks after it their
/// own. The latest first, one more than the page.
///
/// # Errors
/// The database is away.
pub async fn visits(
    conn: &mut Connection,
    scope: &Scope,
    (household, only): (HouseholdId, Option<VisitId>),
    page: PageRequest,
) -> Result<Vec<VisitRow>, sqlx::Error> {
    sqlx::query_as!(
        VisitRow,
        r#"select v.id as "id: VisitId", v.pairing_id as "pairing: PairingId",
               a.display_name as person, v.kind as "kind: VisitKind", v.visited_at,
               v.needed_sealed as needed, v.done_sealed as done, v.next_visit_on,
               v.complaint_id as "complaint: ComplaintId", v.corrects as "corrects: VisitId",
               later.id as "corrected_by?: VisitId", v.recorded_at
           from household_visit v
           join household h on h.id = v.household_id
           join account a on a.id = v.recorded_by
           left join household_visit later on later.corrects = v.id
           where v.household_id = $1 and (h.community_code = any($2) or v.recorded_by = $3)
               and ($4::uuid is null or v.id = $4)
               and ($5::timestamptz is null or (v.visited_at, v.id) < ($5, $6::uuid))
           order by v.visited_at desc, v.id desc
           limit $7"#,
        household.0,
        scope.units(),
        scope.account().0,
        only.map(|id| id.0),
        page.after.map(|cursor| cursor.at),
        page.after.map_or(Uuid::nil(), |cursor| cursor.id),
        page.probe(),
    )
    .fetch_all(conn)
    .await
}

/// A community's figures, without any household.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Count {
    /// The community.
    pub community: NodeCode,
    /// Its name.
    pub community_name: String,
    /// Households on the list.
    pub households: i64,
    /// Of these, those that somebody looks after.
    pub paired: i64,
    /// Of these, those that were visited since.
    pub visited: i64,
}

/// The figures of the caller's own communities; of all for the organisers. A household counts as
/// visited when its last visit is not before `since`.
///
/// # Errors
/// The database is away.
pub async fn counts(
    conn: &mut Connection,
    scope: &Scope,
    since: Timestamp,
) -> Result<Vec<Count>, sqlx::Error> {
    sqlx::query_as!(
        Count,
        r#"select h.community_code as "community: NodeCode", o.name as community_name,
               count(*) as "households!",
               count(*) filter (where exists (select from household_pairing p
                   where p.household_id = h.id and p.status = 'active')) as "paired!",
               count(*) filter (where exists (select from household_visit v
                   where v.household_id = h.id and v.visited_at >= $3
                       and not exists (select from household_visit later where later.corrects = v.id)))
                   as "visited!"
           from household h join org_node o on o.code = h.community_code
           where h.closed_at is null and ($1 or h.community_code = any($2))
           group by h.community_code, o.name
           order by h.community_code"#,
        scope.organises(),
        scope.units(),
        since,
    )
    .fetch_all(conn)
    .await
}
