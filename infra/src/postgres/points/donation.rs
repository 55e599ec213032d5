//! Points given away. Accounts are locked in ascending id; a community has an account in the ledger
//! from its first gift on.

use domain::{
    id::{AccountId, DonationId, HouseholdId, LedgerTxId, LotId},
    org::NodeCode,
    points::Part,
    time::Timestamp,
};
use uuid::Uuid;

use super::super::Connection;

/// The account of a community in the ledger, opened with `id` where there is none.
///
/// # Errors
/// The database's.
pub async fn open_community(
    conn: &mut Connection,
    id: Uuid,
    community: &NodeCode,
    now: Timestamp,
) -> sqlx::Result<Uuid> {
    sqlx::query!(
        "insert into points_account (id, kind, community, posted, held, opened_at)
         values ($1, 'community', $2, 0, 0, $3) on conflict (community) do nothing",
        id,
        community.as_str(),
        now,
    )
    .execute(&mut *conn)
    .await?;
    sqlx::query_scalar!("select id from points_account where community = $1", community.as_str())
        .fetch_one(conn)
        .await
}

/// Locks two accounts in ascending id; true when the books of neither are out.
///
/// # Errors
/// The database's.
pub async fn lock_both(conn: &mut Connection, both: [Uuid; 2]) -> sqlx::Result<bool> {
    sqlx::query!(
        "select id from points_account where id = any($1) order by id for no key update",
        &both[..],
    )
    .fetch_all(&mut *conn)
    .await?;
    sqlx::query_scalar!(
        r#"select not exists (select from ledger_block where subject_id = any($1)) as "open!""#,
        &both[..],
    )
    .fetch_one(conn)
    .await
}

/// A household that a gift is meant for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Household {
    /// Its community.
    pub community: NodeCode,
    /// The account of its resident.
    pub account: Option<AccountId>,
    /// Who said that it is this account.
    pub account_by: Option<AccountId>,
}

/// A household that is looked after; with `by`, only one that this person looks after.
///
/// # Errors
/// The database's.
pub async fn household(
    conn: &mut Connection,
    id: HouseholdId,
    by: Option<AccountId>,
) -> sqlx::Result<Option<Household>> {
    sqlx::query_as!(
        Household,
        r#"select community_code as "community: NodeCode", account_id as "account: AccountId",
               account_by as "account_by: AccountId"
           from household
           where id = $1 and closed_at is null and ($2::uuid is null or exists (
               select from household_pairing as pairing
               where pairing.household_id = $1 and pairing.account_id = $2 and pairing.status = 'active'))
           for share of household"#,
        id.0,
        by.map(|by| by.0),
    )
    .fetch_optional(conn)
    .await
}

/// What a person has given away since an instant.
///
/// # Errors
/// The database's.
pub async fn given_since(
    conn: &mut Connection,
    account: AccountId,
    since: Timestamp,
) -> sqlx::Result<i64> {
    sqlx::query_scalar!(
        r#"select coalesce(sum(points), 0)::bigint as "points!" from donation
           where from_account = $1 and at >= $2"#,
        account.0,
        since,
    )
    .fetch_one(conn)
    .await
}

/// What a community's account has given to a household since an instant.
///
/// # Errors
/// The database's.
pub async fn passed_on_since(
    conn: &mut Connection,
    (from, household): (Uuid, HouseholdId),
    since: Timestamp,
) -> sqlx::Result<i64> {
    sqlx::query_scalar!(
        r#"select coalesce(sum(points), 0)::bigint as "points!" from donation
           where from_account = $1 and household = $2 and at >= $3"#,
        from,
        household.0,
        since,
    )
    .fetch_one(conn)
    .await
}

/// Whether a person has given to an account since an instant.
///
/// # Errors
/// The database's.
pub async fn gave_to(
    conn: &mut Connection,
    (person, to): (AccountId, Uuid),
    since: Timestamp,
) -> sqlx::Result<bool> {
    sqlx::query_scalar!(
        r#"select exists (
               select from donation where from_account = $1 and to_account = $2 and at >= $3
           ) as "gave!""#,
        person.0,
        to,
        since,
    )
    .fetch_one(conn)
    .await
}

/// When lots run out.
///
/// # Errors
/// The database's.
pub async fn ends(conn: &mut Connection, parts: &[Part]) -> sqlx::Result<Vec<(LotId, Timestamp)>> {
    let lots: Vec<Uuid> = parts.iter().map(|part| part.lot.0).collect();
    let rows = sqlx::query!(
        r#"select id as "id: LotId", expires_at from point_lot where id = any($1)"#,
        &lots,
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(|row| (row.id, row.expires_at)).collect())
}

/// A gift.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewDonation<'a> {
    /// Its id.
    pub id: DonationId,
    /// The movement.
    pub tx: LedgerTxId,
    /// The account that gives.
    pub from: Uuid,
    /// The account that gets.
    pub to: Uuid,
    /// The household, where it is for one.
    pub household: Option<HouseholdId>,
    /// How many points.
    pub points: i64,
    /// Why a community gives them.
    pub reason: Option<&'a str>,
    /// Who gives them, for themself or for a community.
    pub by: AccountId,
    /// Who said whose account a household's is; never the giver where a community gives.
    pub bound_by: Option<AccountId>,
}

/// Keeps a gift. The movement has been posted before it.
///
/// # Errors
/// The database's.
pub async fn insert(
    conn: &mut Connection,
    new: &NewDonation<'_>,
    now: Timestamp,
) -> sqlx::Result<()> {
    sqlx::query!(
        "insert into donation
             (id, tx, from_account, to_account, household, points, reason, given_by, at,
              bound_by)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
        new.id.0,
        new.tx.0,
        new.from,
        new.to,
        new.household.map(|household| household.0),
        new.points,
        new.reason,
        new.by.0,
        now,
        new.bound_by.map(|by| by.0),
    )
    .execute(conn)
    .await?;
    Ok(())
}
