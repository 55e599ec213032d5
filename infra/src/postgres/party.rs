//! The register of party members (党员名册), written under the row's lock. Transfers are in
//! [`transfer`], the tree of party bodies in [`tree`], lists and details in [`read`].

use domain::{
    id::{AccountId, FloatingId, MemberChangeId, MemberId},
    org::NodeCode,
    party::{
        ChangeKind, Health, Ledger, Member, Rank, Sex, Standing,
        entry::{Entry, Remove, Row},
        floating::{Direction, Float, OtherEnd},
    },
    scope::Register,
    time::Timestamp,
};
use serde_json::Value;

use super::Connection;
use crate::random;

pub mod read;
pub mod transfer;
pub mod tree;

/// A text with its blind index.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Indexed {
    /// The text, sealed.
    pub sealed: Vec<u8>,
    /// What it is found by.
    pub index: Vec<u8>,
}

/// What points to a member, sealed, with what it is found by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sealed {
    /// The name.
    pub name: Indexed,
    /// The last six characters of the ID number, with the blind index of name and characters.
    pub tail: Indexed,
    /// The full ID number.
    pub id_number: Option<Indexed>,
    /// The telephone.
    pub phone: Option<Indexed>,
}

/// What is kept of a member's personal data, to be opened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kept {
    /// The name.
    pub name: Vec<u8>,
    /// The last six characters of the ID number.
    pub tail: Vec<u8>,
    /// The full ID number.
    pub id_number: Option<Vec<u8>>,
    /// The telephone.
    pub phone: Option<Vec<u8>>,
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

/// Somebody on the register who may be the one that is to be added.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Alike {
    /// The row.
    pub id: MemberId,
    /// Its branch.
    pub branch: Option<NodeCode>,
    /// Whether it has this very full number.
    pub same_number: bool,
    /// Whether it has a full number at all.
    pub has_number: bool,
}

/// Lets nobody else add to the register, or put its rows into other places, until the transaction
/// ends: of two who add one person at once the second finds the first, and nobody enters a group
/// that is just moved. Call it before any row is locked.
///
/// # Errors
/// The database is away.
pub async fn hold(conn: &mut Connection) -> Result<(), sqlx::Error> {
    sqlx::query!("select pg_advisory_xact_lock(hashtextextended('party_member', 0))")
        .execute(conn)
        .await?;
    Ok(())
}

/// Locks whoever stands in a group or household, or in one below it, in the order of their ids. Call
/// it after [`hold`].
///
/// # Errors
/// The database is away.
pub async fn lock_group(
    conn: &mut Connection,
    group: &NodeCode,
) -> Result<Vec<(MemberId, Option<NodeCode>)>, sqlx::Error> {
    let rows = sqlx::query!(
        r#"select id as "id: MemberId", branch_code as "branch: NodeCode" from party_member
           where removed_at is null and group_code in (select party_reach(array[$1], '{}'))
           order by id
           for update"#,
        group.as_str(),
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(|row| (row.id, row.branch)).collect())
}

/// Carries a locked member over to the branch to which the group went.
///
/// # Errors
/// The database is away.
pub async fn carry(
    conn: &mut Connection,
    member: MemberId,
    branch: &NodeCode,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "update party_member set version = version + 1, branch_code = $2 where id = $1",
        member.0,
        branch.as_str(),
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Whoever stands on the register with the same full number, or the same name and last six
/// characters. Call it after [`hold`].
///
/// # Errors
/// The database is away.
pub async fn alike(conn: &mut Connection, sealed: &Sealed) -> Result<Vec<Alike>, sqlx::Error> {
    sqlx::query_as!(
        Alike,
        r#"select id as "id: MemberId", branch_code as "branch: NodeCode",
               id_number_index is not null as "has_number!",
               coalesce(id_number_index = $2, false) as "same_number!"
           from party_member
           where removed_at is null and (match_index = $1 or id_number_index = $2)
           order by id"#,
        sealed.tail.index,
        sealed.id_number.as_ref().map(|number| number.index.as_slice()),
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
    sqlx::query!(
        "update party_member set version = version + 1, work_unit = $2 where id = $1",
        member.0,
        work_unit,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Adds somebody to the register.
///
/// # Errors
/// The database is away; `party_member_id_number` or `party_member_match_once` when the person
/// stands there already; a foreign key when the branch does not exist.
pub async fn insert(
    conn: &mut Connection,
    id: MemberId,
    entry: &Entry,
    sealed: &Sealed,
    now: Timestamp,
) -> Result<(), sqlx::Error> {
    let (number, phone) = (sealed.id_number.as_ref(), sealed.phone.as_ref());
    sqlx::query!(
        "insert into party_member
             (id, name_sealed, name_index, number_sealed, match_index, id_number_sealed,
              id_number_index, phone_sealed, phone_index, sex, born_on, joined_on, standing,
              branch_code, group_code, ledger, rank, work_unit, skills, health, added_at)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18,
              $19, $20, $21)",
        id.0,
        sealed.name.sealed,
        sealed.name.index,
        sealed.tail.sealed,
        sealed.tail.index,
        number.map(|it| it.sealed.as_slice()),
        number.map(|it| it.index.as_slice()),
        phone.map(|it| it.sealed.as_slice()),
        phone.map(|it| it.index.as_slice()),
        entry.sex.map(Sex::code),
        entry.born_on,
        entry.joined_on,
        entry.standing.code(),
        entry.branch.as_str(),
        entry.group.as_ref().map(NodeCode::as_str),
        entry.ledger.code(),
        entry.rank.code(),
        entry.work_unit,
        &entry.skills,
        entry.health.code(),
        now,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// A row of the register, locked, with what is sealed of it.
///
/// # Errors
/// The database is away.
pub async fn lock(conn: &mut Connection, id: MemberId) -> Result<Option<(Row, Kept)>, sqlx::Error> {
    let row = sqlx::query!(
        r#"select id as "id: MemberId", version, branch_code as "branch: NodeCode",
               group_code as "group: NodeCode", ledger as "ledger: Ledger", rank as "rank: Rank",
               standing as "standing: Standing", health as "health: Health", sex as "sex: Sex",
               born_on, joined_on, work_unit, skills, account_id as "account: AccountId",
               removed_at is not null as "removed!", name_sealed, number_sealed, id_number_sealed,
               phone_sealed
           from party_member
           where id = $1
           for update"#,
        id.0,
    )
    .fetch_optional(conn)
    .await?;
    Ok(row.map(|row| {
        let kept = Kept {
            name: row.name_sealed,
            tail: row.number_sealed,
            phone: row.phone_sealed,
            id_number: row.id_number_sealed,
        };
        let row = Row {
            id: row.id,
            version: row.version,
            branch: row.branch,
            group: row.group,
            ledger: row.ledger,
            rank: row.rank,
            standing: row.standing,
            health: row.health,
            sex: row.sex,
            born_on: row.born_on,
            joined_on: row.joined_on,
            work_unit: row.work_unit,
            skills: row.skills,
            has_number: kept.id_number.is_some(),
            account: row.account,
            removed: row.removed,
        };
        (row, kept)
    }))
}

/// Saves what a rule decided of a locked row; what is sealed stays.
///
/// # Errors
/// The database is away.
pub async fn save(conn: &mut Connection, row: &Row) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "update party_member set version = version + 1, branch_code = $2, group_code = $3,
             ledger = $4, rank = $5, standing = $6, health = $7, sex = $8, born_on = $9,
             joined_on = $10, work_unit = $11, skills = $12
         where id = $1",
        row.id.0,
        row.branch.as_ref().map(NodeCode::as_str),
        row.group.as_ref().map(NodeCode::as_str),
        row.ledger.code(),
        row.rank.code(),
        row.standing.code(),
        row.health.code(),
        row.sex.map(Sex::code),
        row.born_on,
        row.joined_on,
        row.work_unit,
        &row.skills,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Seals a locked row's personal data anew.
///
/// # Errors
/// The database is away; `party_member_id_number` or `party_member_match_once` when it is another
/// row's.
pub async fn reseal(
    conn: &mut Connection,
    id: MemberId,
    sealed: &Sealed,
) -> Result<(), sqlx::Error> {
    let (number, phone) = (sealed.id_number.as_ref(), sealed.phone.as_ref());
    sqlx::query!(
        "update party_member set name_sealed = $2, name_index = $3, number_sealed = $4,
             match_index = $5, id_number_sealed = $6, id_number_index = $7, phone_sealed = $8,
             phone_index = $9
         where id = $1",
        id.0,
        sealed.name.sealed,
        sealed.name.index,
        sealed.tail.sealed,
        sealed.tail.index,
        number.map(|it| it.sealed.as_slice()),
        number.map(|it| it.index.as_slice()),
        phone.map(|it| it.sealed.as_slice()),
        phone.map(|it| it.index.as_slice()),
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Takes a locked row off the register, and the account off it. A transfer that was under way ends
/// with it, and so does a stay elsewhere.
///
/// # Errors
/// The database is away.
pub async fn remove(
    conn: &mut Connection,
    id: MemberId,
    remove: &Remove,
    by: AccountId,
    now: Timestamp,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "update party_member set version = version + 1, removed_at = $2, removed_as = $3,
             removed_note = $4, removed_by = $5, account_id = null
         where id = $1",
        id.0,
        now,
        remove.reason.code(),
        remove.note,
        by.0,
    )
    .execute(&mut *conn)
    .await?;
    transfer::withdraw_open(conn, id, by, now).await?;
    sqlx::query!(
        "update party_floating set ended_on = greatest(since, $3), ended_by = $2
         where member_id = $1 and ended_on is null",
        id.0,
        by.0,
        domain::time::date(now),
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Notes what happened to a row; `data` holds codes only.
///
/// # Errors
/// The database is away.
pub async fn note(
    conn: &mut Connection,
    member: MemberId,
    kind: ChangeKind,
    by: Option<AccountId>,
    data: &Value,
    now: Timestamp,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "insert into party_member_change (id, member_id, kind, at, by_id, data)
         values ($1, $2, $3, $4, $5, $6)",
        random::id::<MemberChangeId>(now).0,
        member.0,
        kind.code(),
        now,
        by.map(|by| by.0),
        data,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Notes that a member floats, with the telephone of the other end sealed.
///
/// # Errors
/// The database is away; `party_floating_open` when the member floats already.
pub async fn float(
    conn: &mut Connection,
    member: MemberId,
    float: &Float,
    contact: Option<&[u8]>,
    by: Option<AccountId>,
    now: Timestamp,
) -> Result<(), sqlx::Error> {
    let (branch, name) = match &float.other {
        OtherEnd::Branch(code) => (Some(code.as_str()), None),
        OtherEnd::Named(name) => (None, Some(name.as_str())),
    };
    sqlx::query!(
        "insert into party_floating (id, member_id, direction, other_branch, other_name, place,
             since, contact_sealed, ledger, recorded_by, recorded_at)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
        random::id::<FloatingId>(now).0,
        member.0,
        float.direction.code(),
        branch,
        name,
        float.place,
        float.since,
        contact,
        float.ledger.code(),
        by.map(|by| by.0),
        now,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// A stay elsewhere that has not ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stay {
    /// Its id.
    pub id: FloatingId,
    /// Which end the register's branch is.
    pub direction: Direction,
    /// Since when.
    pub since: chrono::NaiveDate,
    /// The ledger to which the member comes back.
    pub ledger: Ledger,
}

/// The open stay of a locked member.
///
/// # Errors
/// The database is away.
pub async fn stay(conn: &mut Connection, member: MemberId) -> Result<Option<Stay>, sqlx::Error> {
    sqlx::query_as!(
        Stay,
        r#"select id as "id: FloatingId", direction as "direction: Direction", since,
               ledger as "ledger: Ledger"
           from party_floating where member_id = $1 and ended_on is null"#,
        member.0,
    )
    .fetch_optional(conn)
    .await
}

/// Ends a stay.
///
/// # Errors
/// The database is away.
pub async fn end_stay(
    conn: &mut Connection,
    id: FloatingId,
    on: chrono::NaiveDate,
    by: AccountId,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "update party_floating set ended_on = $2, ended_by = $3 where id = $1",
        id.0,
        on,
        by.0,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Whether a party body lies within the part of the register that is kept, not only read.
///
/// # Errors
/// The database is away.
pub async fn within(
    conn: &mut Connection,
    register: &Register,
    code: Option<&NodeCode>,
) -> Result<bool, sqlx::Error> {
    if register.keeps_everything {
        return Ok(true);
    }
    let Some(code) = code else { return Ok(false) };
    sqlx::query_scalar!(
        r#"select exists (
               select from party_reach($1, $2) as reach (code) where reach.code = $3
           ) as "within!""#,
        &register.roots,
        &register.communities,
        code.as_str(),
    )
    .fetch_one(conn)
    .await
}
