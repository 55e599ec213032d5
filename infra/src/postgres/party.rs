//! The register of party members (党员名册).

use domain::{
    id::{AccountId, MemberId},
    org::NodeCode,
    party::Member,
    time::Timestamp,
};
use uuid::Uuid;

use super::Connection;

/// A row to be added to the register.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewMember {
    /// Its id.
    pub id: MemberId,
    /// The name, sealed.
    pub name_sealed: Vec<u8>,
    /// The last six characters of the ID number, sealed.
    pub number_sealed: Vec<u8>,
    /// The blind index of both together.
    pub match_index: Vec<u8>,
    /// The branch.
    pub branch: Option<NodeCode>,
    /// The work unit.
    pub work_unit: Option<String>,
}

/// The members that agree with what somebody handed in, locked in the order of their ids.
///
/// # Errors
/// The database is away.
pub async fn lock_matching(
    conn: &mut Connection,
    match_index: &[u8],
) -> Result<Vec<Member>, sqlx::Error> {
    sqlx::query_as!(
        Member,
        r#"select id as "id: MemberId", account_id as "account: AccountId", work_unit
           from party_member
           where match_index = $1 and removed_at is null
           order by id
           for update"#,
        match_index,
    )
    .fetch_all(conn)
    .await
}

/// Writes beside a member which account a community signed as them.
///
/// # Errors
/// The database is away; `party_member_account` when the account is another member already.
pub async fn bind(
    conn: &mut Connection,
    member: MemberId,
    account: AccountId,
) -> Result<(), sqlx::Error> {
    sqlx::query!("update party_member set account_id = $2 where id = $1", member.0, account.0)
        .execute(conn)
        .await?;
    Ok(())
}

/// Adds those who do not stand on the register yet; says whom.
///
/// # Errors
/// The database is away.
#[expect(clippy::as_conversions, reason = "tells sqlx that elements may be null")]
pub async fn insert_missing(
    conn: &mut Connection,
    members: &[NewMember],
    now: Timestamp,
) -> Result<Vec<MemberId>, sqlx::Error> {
    let ids: Vec<Uuid> = members.iter().map(|member| member.id.0).collect();
    let names: Vec<Vec<u8>> = members.iter().map(|member| member.name_sealed.clone()).collect();
    let numbers: Vec<Vec<u8>> = members.iter().map(|member| member.number_sealed.clone()).collect();
    let indexes: Vec<Vec<u8>> = members.iter().map(|member| member.match_index.clone()).collect();
    let branches: Vec<Option<String>> =
        members.iter().map(|member| member.branch.as_ref().map(ToString::to_string)).collect();
    let units: Vec<Option<String>> =
        members.iter().map(|member| member.work_unit.clone()).collect();
    sqlx::query_scalar!(
        r#"insert into party_member
               (id, name_sealed, number_sealed, match_index, branch_code, work_unit, added_at)
           select id, name, number, match_index, branch, work_unit, $7
           from unnest($1::uuid[], $2::bytea[], $3::bytea[], $4::bytea[], $5::text[], $6::text[])
               as given (id, name, number, match_index, branch, work_unit)
           where not exists (
               select from party_member known
               where known.match_index = given.match_index and known.removed_at is null
           )
           returning id as "id: MemberId""#,
        &ids,
        &names,
        &numbers,
        &indexes,
        &branches as &[Option<String>],
        &units as &[Option<String>],
        now,
    )
    .fetch_all(conn)
    .await
}

/// Writes down for which work unit a member works now.
///
/// # Errors
/// The database is away.
pub async fn set_work_unit(
    conn: &mut Connection,
    member: MemberId,
    work_unit: &str,
) -> Result<(), sqlx::Error> {
    sqlx::query!("update party_member set work_unit = $2 where id = $1", member.0, work_unit)
        .execute(conn)
        .await?;
    Ok(())
}
