//! Households in difficulty (困难家庭), who looks after them, and the visits. Whoever changes a
//! pairing locks its household first, then the pairing, then the person. Lists are in [`read`].

use chrono::NaiveDate;
use domain::{
    event::NewEvent,
    household::{Category, Household, Pairing, Status, Visit},
    id::{AccountId, ComplaintId, HouseholdId, PairingId, RegistrationId, VisitId},
    org::NodeCode,
    time::Timestamp,
};
use uuid::Uuid;

use super::{Connection, event};

pub mod read;

/// What points to a household, sealed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sealed {
    /// The name.
    pub name: Vec<u8>,
    /// Where it lives.
    pub address: Vec<u8>,
    /// How it is called.
    pub phone: Option<Vec<u8>>,
    /// What whoever visits it should know.
    pub situation: Option<Vec<u8>>,
    /// The blind index of name and address.
    pub match_index: Vec<u8>,
}

/// What is stored of a household beside what is sealed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entered {
    /// Its community.
    pub community: NodeCode,
    /// What makes its life difficult.
    pub category: Category,
    /// The account of the resident.
    pub account: Option<AccountId>,
    /// When it agreed.
    pub consented_on: NaiveDate,
}

/// Stores a new household.
///
/// # Errors
/// The database is away; `household_once`, `household_account`.
pub async fn insert(
    conn: &mut Connection,
    id: HouseholdId,
    entered: &Entered,
    sealed: &Sealed,
    (by, now): (AccountId, Timestamp),
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "insert into household (id, community_code, category, name_sealed, address_sealed, phone_sealed,
             situation_sealed, match_index, account_id, consented_on, registered_by, registered_at,
             account_by)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12,
             case when $9::uuid is not null then $11::uuid end)",
        id.0,
        entered.community.as_str(),
        entered.category.code(),
        sealed.name,
        sealed.address,
        sealed.phone,
        sealed.situation,
        sealed.match_index,
        entered.account.map(|account| account.0),
        entered.consented_on,
        by.0,
        now,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Saves what was entered anew of a household; its community stays.
///
/// # Errors
/// The database is away; `household_once`, `household_account`.
pub async fn change(
    conn: &mut Connection,
    id: HouseholdId,
    entered: &Entered,
    sealed: &Sealed,
    by: AccountId,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "update household set version = version + 1, category = $2, name_sealed = $3,
             address_sealed = $4, phone_sealed = $5, situation_sealed = $6, match_index = $7,
             account_id = $8, consented_on = $9, account_by = case
                 when $8::uuid is null then null when account_id = $8 then account_by else $10 end
         where id = $1",
        id.0,
        entered.category.code(),
        sealed.name,
        sealed.address,
        sealed.phone,
        sealed.situation,
        sealed.match_index,
        entered.account.map(|account| account.0),
        entered.consented_on,
        by.0,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// A household, locked until the transaction ends.
///
/// # Errors
/// The database is away.
pub async fn lock(
    conn: &mut Connection,
    id: HouseholdId,
) -> Result<Option<Household>, sqlx::Error> {
    sqlx::query_as!(
        Household,
        r#"select id as "id: HouseholdId", version, community_code as "community: NodeCode",
               account_id as "account: AccountId", closed_at
           from household where id = $1
           for no key update"#,
        id.0,
    )
    .fetch_optional(conn)
    .await
}

/// Takes a household off the list.
///
/// # Errors
/// The database is away.
pub async fn close(
    conn: &mut Connection,
    id: HouseholdId,
    reason: &str,
    (by, now): (AccountId, Timestamp),
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "update household set version = version + 1, closed_by = $2, closed_at = $3, close_reason = $4
         where id = $1",
        id.0,
        by.0,
        now,
        reason,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// The account that a community signed for under a registration of its own.
///
/// # Errors
/// The database is away.
pub async fn registered_account(
    conn: &mut Connection,
    registration: RegistrationId,
    community: &NodeCode,
) -> Result<Option<AccountId>, sqlx::Error> {
    sqlx::query_scalar!(
        r#"select account_id as "account: AccountId" from registration
           where id = $1 and community_code = $2 and status = 'signed'"#,
        registration.0,
        community.as_str(),
    )
    .fetch_optional(conn)
    .await
}

/// Whether an account is a resident's or a member's, and not disabled.
///
/// # Errors
/// The database is away.
pub async fn is_resident(conn: &mut Connection, account: AccountId) -> Result<bool, sqlx::Error> {
    sqlx::query_scalar!(
        r#"select exists (
               select from account a join role_grant g on g.account_id = a.id and g.revoked_at is null
               where a.id = $1 and a.disabled_at is null and g.role in ('resident', 'party_member')
           ) as "there!""#,
        account.0,
    )
    .fetch_one(conn)
    .await
}

/// Stores a new pairing with its events. Answers the number of the last.
///
/// # Errors
/// The database is away; `household_pairing_open`.
pub async fn insert_pairing(
    conn: &mut Connection,
    pairing: &Pairing,
    events: &[NewEvent],
    now: Timestamp,
) -> Result<i32, sqlx::Error> {
    let last = i32::try_from(events.len()).unwrap_or(i32::MAX);
    sqlx::query!(
        "insert into household_pairing (id, last_seq, household_id, account_id, status, until,
             proposed_by, proposed_at)
         values ($1, $2, $3, $4, $5, $6, $7, $8)",
        pairing.id.0,
        last,
        pairing.household.0,
        pairing.account.0,
        pairing.status.code(),
        pairing.until,
        pairing.proposed_by.0,
        now,
    )
    .execute(&mut *conn)
    .await?;
    event::append(conn, pairing.id.0, last, events, Some(pairing.proposed_by), now).await?;
    Ok(last)
}

/// The household that a pairing is of.
///
/// # Errors
/// The database is away.
pub async fn household_of(
    conn: &mut Connection,
    pairing: PairingId,
) -> Result<Option<HouseholdId>, sqlx::Error> {
    sqlx::query_scalar!(
        r#"select household_id as "id: HouseholdId" from household_pairing where id = $1"#,
        pairing.0,
    )
    .fetch_optional(conn)
    .await
}

/// The pairings of a locked household that are not over, or one of any standing, locked in the
/// order of their ids.
///
/// # Errors
/// The database is away.
pub async fn lock_pairings(
    conn: &mut Connection,
    household: HouseholdId,
    only: Option<PairingId>,
) -> Result<Vec<Pairing>, sqlx::Error> {
    sqlx::query_as!(
        Pairing,
        r#"select p.id as "id: PairingId", p.version, p.household_id as "household: HouseholdId",
               h.community_code as "community: NodeCode", p.account_id as "account: AccountId",
               p.status as "status: Status", p.until, p.proposed_by as "proposed_by: AccountId",
               p.answered_at, p.ended_at, p.ended_by as "ended_by: AccountId", p.reason, p.reminded_for
           from household_pairing p join household h on h.id = p.household_id
           where p.household_id = $1 and (p.id = $2 or $2::uuid is null and p.status in ('proposed', 'active'))
           order by p.id
           for no key update of p"#,
        household.0,
        only.map(|id| id.0),
    )
    .fetch_all(conn)
    .await
}

/// Saves a pairing with its events. Answers the number of the last.
///
/// # Errors
/// The database is away, or refuses what breaks an invariant.
pub async fn save_pairing(
    conn: &mut Connection,
    pairing: &Pairing,
    events: &[NewEvent],
    by: Option<AccountId>,
    now: Timestamp,
) -> Result<i32, sqlx::Error> {
    let last = sqlx::query_scalar!(
        "update household_pairing set version = version + 1, last_seq = last_seq + $2, status = $3,
             answered_at = $4, ended_at = $5, ended_by = $6, reason = $7, reminded_for = $8
         where id = $1
         returning last_seq",
        pairing.id.0,
        i32::try_from(events.len()).unwrap_or(i32::MAX),
        pairing.status.code(),
        pairing.answered_at,
        pairing.ended_at,
        pairing.ended_by.map(|account| account.0),
        pairing.reason,
        pairing.reminded_for,
    )
    .fetch_one(&mut *conn)
    .await?;
    event::append(conn, pairing.id.0, last, events, by, now).await?;
    Ok(last)
}

/// How many households an account looks after. Call it under the account's lock.
///
/// # Errors
/// The database is away.
pub async fn active(conn: &mut Connection, account: AccountId) -> Result<i64, sqlx::Error> {
    sqlx::query_scalar!(
        r#"select count(*) as "count!" from household_pairing
           where account_id = $1 and status = 'active'"#,
        account.0,
    )
    .fetch_one(conn)
    .await
}

/// The pairings that are not over, in the order of their ids, after `after`: what the daily round
/// goes through.
///
/// # Errors
/// The database is away.
pub async fn open_pairings(
    conn: &mut Connection,
    after: Uuid,
) -> Result<Vec<(PairingId, HouseholdId)>, sqlx::Error> {
    let rows = sqlx::query!(
        r#"select id as "id: PairingId", household_id as "household: HouseholdId"
           from household_pairing
           where status in ('proposed', 'active') and id > $1
           order by id limit 500"#,
        after,
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(|row| (row.id, row.household)).collect())
}

/// When the person of a pairing visited last, and when they meant to come again: as the visits
/// stand that no later one puts right.
///
/// # Errors
/// The database is away.
pub async fn last_seen(
    conn: &mut Connection,
    pairing: PairingId,
) -> Result<(Option<Timestamp>, Option<NaiveDate>), sqlx::Error> {
    let row = sqlx::query!(
        "select visited_at, next_visit_on from household_visit v
         where pairing_id = $1
             and not exists (select from household_visit later where later.corrects = v.id)
         order by visited_at desc, id desc limit 1",
        pairing.0,
    )
    .fetch_optional(conn)
    .await?;
    Ok(row.map_or((None, None), |row| (Some(row.visited_at), row.next_visit_on)))
}

/// Whether an appeal is one that the account reported.
///
/// # Errors
/// The database is away.
pub async fn reported(
    conn: &mut Connection,
    complaint: ComplaintId,
    account: AccountId,
) -> Result<bool, sqlx::Error> {
    sqlx::query_scalar!(
        r#"select exists (select from complaint where id = $1 and reporter_id = $2) as "there!""#,
        complaint.0,
        account.0,
    )
    .fetch_one(conn)
    .await
}

/// Appends a visit; what was needed and done comes sealed.
///
/// # Errors
/// The database is away; `household_visit_corrects` or `household_visit_corrected_once` when the
/// one to put right is not there, or was put right already.
pub async fn insert_visit(
    conn: &mut Connection,
    (id, pairing): (VisitId, &Pairing),
    visit: &Visit,
    (needed, done): (Option<Vec<u8>>, Vec<u8>),
    now: Timestamp,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "insert into household_visit (id, household_id, pairing_id, kind, visited_at, needed_sealed,
             done_sealed, next_visit_on, complaint_id, corrects, recorded_by, recorded_at)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)",
        id.0,
        pairing.household.0,
        pairing.id.0,
        visit.kind.code(),
        visit.visited_at,
        needed,
        done,
        visit.next_visit_on,
        visit.complaint.map(|id| id.0),
        visit.corrects.map(|id| id.0),
        pairing.account.0,
        now,
    )
    .execute(conn)
    .await?;
    Ok(())
}
