//! The score book (积分管理手册). Whoever changes anything of a branch's quarter locks the branch
//! first, so that nothing is added while a quarter is published or locked. Lists are in [`read`].

use std::collections::BTreeMap;

use chrono::NaiveDate;
use domain::{
    event::NewEvent,
    id::{AccountId, MemberId, ScoreEntryId, ScoreSettlementId},
    org::NodeCode,
    scope::Scope,
    score::{
        Entry, Inlet, Quarter, Status, Subject,
        catalogue::{Catalogue, Counted, Item, Total},
        quarterly::{self as settlement, Settlement},
    },
    time::Timestamp,
};
use uuid::Uuid;

use super::{Connection, event};

pub mod objection;
pub mod read;

/// Locks a branch: quarters of it are entered, published and locked one after the other.
///
/// # Errors
/// The database is away.
pub async fn lock_branch(conn: &mut Connection, branch: &NodeCode) -> Result<(), sqlx::Error> {
    sqlx::query!("select code from org_node where code = $1 for no key update", branch.as_str(),)
        .fetch_optional(conn)
        .await?;
    Ok(())
}

/// A member of a branch, as whom an entry counts: within the part of the register that the scope
/// reads, or the caller's own row where `member` is none.
///
/// # Errors
/// The database is away.
pub async fn subject(
    conn: &mut Connection,
    scope: &Scope,
    member: Option<MemberId>,
) -> Result<Option<Subject>, sqlx::Error> {
    let register = scope.register();
    let row = sqlx::query!(
        r#"select m.id as "id: MemberId", m.account_id as "account: AccountId",
               b.code as "branch: NodeCode", b.division_code as "division: NodeCode"
           from party_member m join org_node b on b.code = m.branch_code
           where m.removed_at is null
               and (case when $1::uuid is null then m.account_id = $2
                   else m.id = $1 and ($3 or m.branch_code in (select party_reach($4, $5))) end)"#,
        member.map(|id| id.0),
        scope.account().0,
        register.keeps_everything,
        &register.roots,
        &register.communities,
    )
    .fetch_optional(conn)
    .await?;
    Ok(row.and_then(|row| {
        let community = row.division?.community();
        Some(Subject { member: row.id, account: row.account, branch: row.branch, community })
    }))
}

/// A branch that the scope keeps the score book of, with its community.
///
/// # Errors
/// The database is away.
pub async fn branch(
    conn: &mut Connection,
    scope: &Scope,
    code: &NodeCode,
) -> Result<Option<NodeCode>, sqlx::Error> {
    let register = scope.register();
    let division = sqlx::query_scalar!(
        r#"select division_code as "division: NodeCode" from org_node
           where code = $1 and kind = 'party_branch'
               and ($2 or code in (select party_reach($3, $4)))"#,
        code.as_str(),
        register.keeps_everything,
        &register.roots,
        &register.communities,
    )
    .fetch_optional(conn)
    .await?;
    Ok(division.flatten().map(|division| division.community()))
}

/// Whether a branch's quarter is in public notice or locked. Call it under the branch's lock.
///
/// # Errors
/// The database is away.
pub async fn closed(
    conn: &mut Connection,
    branch: &NodeCode,
    quarter: Quarter,
) -> Result<bool, sqlx::Error> {
    sqlx::query_scalar!(
        r#"select exists (
               select from score_settlement
               where branch_code = $1 and quarter = $2 and status in ('notice', 'locked')
           ) as "closed!""#,
        branch.as_str(),
        quarter.first(),
    )
    .fetch_one(conn)
    .await
}

/// An item of the catalogue that is for a quarter, with its version.
///
/// # Errors
/// The database is away.
pub async fn item(
    conn: &mut Connection,
    quarter: Quarter,
    code: &str,
) -> Result<Option<(String, i32)>, sqlx::Error> {
    let row = sqlx::query!(
        "select i.version, i.points from score_item i
         where i.code = $2 and i.version = (
             select version from score_catalogue where valid_from <= $1
             order by valid_from desc limit 1)",
        quarter.first(),
        code,
    )
    .fetch_optional(conn)
    .await?;
    Ok(row.map(|row| (row.version, row.points)))
}

/// The first quarter of the newest catalogue, locked, so that of two new versions one waits.
///
/// # Errors
/// The database is away.
pub async fn newest_catalogue(conn: &mut Connection) -> Result<Option<Quarter>, sqlx::Error> {
    let day = sqlx::query_scalar!(
        "select valid_from from score_catalogue order by valid_from desc limit 1 for update",
    )
    .fetch_optional(conn)
    .await?;
    Ok(day.map(Quarter::containing))
}

/// Adds a version of the catalogue; `false` where its name is taken.
///
/// # Errors
/// The database is away; `score_catalogue_begins`.
pub async fn insert_catalogue(
    conn: &mut Connection,
    catalogue: &Catalogue,
    (by, now): (AccountId, Timestamp),
) -> Result<bool, sqlx::Error> {
    let added = sqlx::query!(
        "insert into score_catalogue (version, title, valid_from, added_by, added_at)
         values ($1, $2, $3, $4, $5)
         on conflict (version) do nothing",
        catalogue.version,
        catalogue.title,
        catalogue.valid_from.first(),
        by.0,
        now,
    )
    .execute(&mut *conn)
    .await?;
    if added.rows_affected() == 0 {
        return Ok(false);
    }
    let items = &catalogue.items;
    let text = |pick: fn(&Item) -> &str| {
        items.iter().map(|item| pick(item).to_owned()).collect::<Vec<String>>()
    };
    let points: Vec<i32> = items.iter().map(|item| item.points).collect();
    let caps: Vec<i32> = items.iter().map(|item| item.cap.unwrap_or_default()).collect();
    sqlx::query!(
        "insert into score_item (version, code, name, points, cap)
         select $1, code, name, points, nullif(cap, 0)
         from unnest($2::text[], $3::text[], $4::int[], $5::int[]) as given (code, name, points, cap)",
        catalogue.version,
        &text(|item| &item.code),
        &text(|item| &item.name),
        &points,
        &caps,
    )
    .execute(conn)
    .await?;
    Ok(true)
}

/// Stores a new entry with its events. Answers the number of the last.
///
/// # Errors
/// The database is away; `score_entry_corrected_once`, `score_entry_quarter_locked`.
pub async fn insert_entry(
    conn: &mut Connection,
    entry: &Entry,
    (named, words): (Option<Vec<u8>>, Vec<u8>),
    events: &[NewEvent],
    now: Timestamp,
) -> Result<i32, sqlx::Error> {
    let last = i32::try_from(events.len()).unwrap_or(i32::MAX);
    sqlx::query!(
        "insert into score_entry (id, last_seq, member_id, named_sealed, branch_code, community_code,
             quarter, inlet, catalogue, item, points, happened_on, words_sealed, status, submitted_by,
             submitted_at, corrects)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17)",
        entry.id.0,
        last,
        entry.member.map(|id| id.0),
        named,
        entry.branch.as_ref().map(NodeCode::as_str),
        entry.community.as_str(),
        entry.quarter.first(),
        entry.inlet.code(),
        entry.item.as_ref().map(|(version, _)| version),
        entry.item.as_ref().map(|(_, code)| code),
        entry.points,
        entry.happened_on,
        words,
        entry.status.code(),
        entry.submitted_by.0,
        now,
        entry.corrects.map(|id| id.0),
    )
    .execute(&mut *conn)
    .await?;
    event::append(conn, entry.id.0, last, events, Some(entry.submitted_by), now).await?;
    Ok(last)
}

struct EntryRow {
    id: ScoreEntryId,
    version: i64,
    member: Option<MemberId>,
    account: Option<AccountId>,
    branch: Option<NodeCode>,
    community: NodeCode,
    quarter: NaiveDate,
    happened_on: NaiveDate,
    inlet: Inlet,
    catalogue: Option<String>,
    item: Option<String>,
    points: Option<i32>,
    corrects: Option<ScoreEntryId>,
    status: Status,
    submitted_by: AccountId,
    decided_at: Option<Timestamp>,
    decided_by: Option<AccountId>,
    reason: Option<String>,
}

impl From<EntryRow> for Entry {
    fn from(row: EntryRow) -> Self {
        Self {
            id: row.id,
            version: row.version,
            member: row.member,
            account: row.account,
            branch: row.branch,
            community: row.community,
            quarter: Quarter::containing(row.quarter),
            happened_on: row.happened_on,
            inlet: row.inlet,
            item: row.catalogue.zip(row.item),
            points: row.points,
            corrects: row.corrects,
            status: row.status,
            submitted_by: row.submitted_by,
            decided: row.decided_at.zip(row.decided_by),
            reason: row.reason,
        }
    }
}

/// An entry, locked, within the part of the register that the scope keeps; one that names nobody of
/// a branch yet is its community's.
///
/// # Errors
/// The database is away.
pub async fn lock_entry(
    conn: &mut Connection,
    scope: &Scope,
    id: ScoreEntryId,
) -> Result<Option<Entry>, sqlx::Error> {
    let register = scope.register();
    let row = sqlx::query_as!(
        EntryRow,
        r#"select e.id as "id: ScoreEntryId", e.version, e.member_id as "member: MemberId",
               m.account_id as "account?: AccountId", e.branch_code as "branch: NodeCode",
               e.community_code as "community: NodeCode", e.quarter, e.happened_on,
               e.inlet as "inlet: Inlet", e.catalogue, e.item, e.points,
               e.corrects as "corrects: ScoreEntryId", e.status as "status: Status",
               e.submitted_by as "submitted_by: AccountId", e.decided_at,
               e.decided_by as "decided_by: AccountId", e.reason
           from score_entry e left join party_member m on m.id = e.member_id
           where e.id = $1 and ($2 or e.branch_code in (select party_reach($3, $4))
               or e.branch_code is null and e.community_code = any($4))
           for no key update of e"#,
        id.0,
        register.keeps_everything,
        &register.roots,
        &register.communities,
    )
    .fetch_optional(conn)
    .await?;
    Ok(row.map(Entry::from))
}

/// Whom an entry is about, where it says so.
///
/// # Errors
/// The database is away.
pub async fn member_of(
    conn: &mut Connection,
    id: ScoreEntryId,
) -> Result<Option<MemberId>, sqlx::Error> {
    let row = sqlx::query_scalar!(
        r#"select member_id as "id: MemberId" from score_entry where id = $1"#,
        id.0,
    )
    .fetch_optional(conn)
    .await?;
    Ok(row.flatten())
}

/// Saves a decision on an entry. Answers the number of its last event.
///
/// # Errors
/// The database is away, or refuses what is final.
pub async fn save_entry(
    conn: &mut Connection,
    entry: &Entry,
    events: &[NewEvent],
    by: AccountId,
    now: Timestamp,
) -> Result<i32, sqlx::Error> {
    let last = sqlx::query_scalar!(
        "update score_entry set version = version + 1, last_seq = last_seq + $2, member_id = $3,
             branch_code = $4, community_code = $5, catalogue = $6, item = $7, points = $8,
             status = $9, decided_at = $10, decided_by = $11, reason = $12
         where id = $1
         returning last_seq",
        entry.id.0,
        i32::try_from(events.len()).unwrap_or(i32::MAX),
        entry.member.map(|id| id.0),
        entry.branch.as_ref().map(NodeCode::as_str),
        entry.community.as_str(),
        entry.item.as_ref().map(|(version, _)| version),
        entry.item.as_ref().map(|(_, code)| code),
        entry.points,
        entry.status.code(),
        entry.decided.map(|(at, _)| at),
        entry.decided.map(|(_, by)| by.0),
        entry.reason,
    )
    .fetch_one(&mut *conn)
    .await?;
    event::append(conn, entry.id.0, last, events, Some(by), now).await?;
    Ok(last)
}

/// Stores a proposed quarter with its events. Answers the number of the last.
///
/// # Errors
/// The database is away; `score_settlement_once`.
pub async fn insert_settlement(
    conn: &mut Connection,
    settlement: &Settlement,
    events: &[NewEvent],
    now: Timestamp,
) -> Result<i32, sqlx::Error> {
    let last = i32::try_from(events.len()).unwrap_or(i32::MAX);
    sqlx::query!(
        "insert into score_settlement (id, last_seq, branch_code, community_code, quarter, status,
             proposed_by, proposed_at)
         values ($1, $2, $3, $4, $5, $6, $7, $8)",
        settlement.id.0,
        last,
        settlement.branch.as_str(),
        settlement.community.as_str(),
        settlement.quarter.first(),
        settlement.status.code(),
        settlement.proposed_by.0,
        now,
    )
    .execute(&mut *conn)
    .await?;
    event::append(conn, settlement.id.0, last, events, Some(settlement.proposed_by), now).await?;
    Ok(last)
}

/// The branch of a quarter, to be locked first.
///
/// # Errors
/// The database is away.
pub async fn branch_of(
    conn: &mut Connection,
    id: ScoreSettlementId,
) -> Result<Option<NodeCode>, sqlx::Error> {
    sqlx::query_scalar!(
        r#"select branch_code as "code: NodeCode" from score_settlement where id = $1"#,
        id.0,
    )
    .fetch_optional(conn)
    .await
}

/// A quarter, locked.
///
/// # Errors
/// The database is away.
pub async fn lock_settlement(
    conn: &mut Connection,
    id: ScoreSettlementId,
) -> Result<Option<Settlement>, sqlx::Error> {
    let row = sqlx::query!(
        r#"select version, branch_code as "branch: NodeCode", community_code as "community: NodeCode",
               quarter, status as "status: settlement::Status",
               proposed_by as "proposed_by: AccountId", decided_at,
               decided_by as "decided_by: AccountId", reason, notice_until, locked_at
           from score_settlement where id = $1
           for no key update"#,
        id.0,
    )
    .fetch_optional(conn)
    .await?;
    Ok(row.map(|row| Settlement {
        id,
        version: row.version,
        branch: row.branch,
        community: row.community,
        quarter: Quarter::containing(row.quarter),
        status: row.status,
        proposed_by: row.proposed_by,
        decided: row.decided_at.zip(row.decided_by),
        reason: row.reason,
        notice_until: row.notice_until,
        locked_at: row.locked_at,
    }))
}

/// Saves a quarter with its events. Answers the number of the last.
///
/// # Errors
/// The database is away, or refuses what is final.
pub async fn save_settlement(
    conn: &mut Connection,
    settlement: &Settlement,
    events: &[NewEvent],
    by: Option<AccountId>,
    now: Timestamp,
) -> Result<i32, sqlx::Error> {
    let last = sqlx::query_scalar!(
        "update score_settlement set version = version + 1, last_seq = last_seq + $2, status = $3,
             decided_at = $4, decided_by = $5, reason = $6, notice_until = $7, locked_at = $8
         where id = $1
         returning last_seq",
        settlement.id.0,
        i32::try_from(events.len()).unwrap_or(i32::MAX),
        settlement.status.code(),
        settlement.decided.map(|(at, _)| at),
        settlement.decided.map(|(_, by)| by.0),
        settlement.reason,
        settlement.notice_until,
        settlement.locked_at,
    )
    .fetch_one(&mut *conn)
    .await?;
    event::append(conn, settlement.id.0, last, events, by, now).await?;
    Ok(last)
}

/// How many entries of a branch's quarter wait for a decision.
///
/// # Errors
/// The database is away.
pub async fn waiting(
    conn: &mut Connection,
    branch: &NodeCode,
    quarter: Quarter,
) -> Result<i64, sqlx::Error> {
    sqlx::query_scalar!(
        r#"select count(*) as "count!" from score_entry
           where branch_code = $1 and quarter = $2 and status = 'submitted'"#,
        branch.as_str(),
        quarter.first(),
    )
    .fetch_one(conn)
    .await
}

/// The accounts of a branch's members.
///
/// # Errors
/// The database is away.
pub async fn accounts(
    conn: &mut Connection,
    branch: &NodeCode,
) -> Result<Vec<AccountId>, sqlx::Error> {
    sqlx::query_scalar!(
        r#"select account_id as "account!: AccountId" from party_member
           where branch_code = $1 and removed_at is null and account_id is not null
           order by account_id"#,
        branch.as_str(),
    )
    .fetch_all(conn)
    .await
}

/// What counts of a branch's quarter; corrections without a cap.
///
/// # Errors
/// The database is away.
pub async fn counted(
    conn: &mut Connection,
    branch: &NodeCode,
    quarter: Quarter,
) -> Result<Vec<Counted>, sqlx::Error> {
    sqlx::query_as!(
        Counted,
        r#"select e.member_id as "member!: MemberId", e.item as "item!", e.points as "points!",
               case when e.corrects is null then i.cap end as cap
           from score_entry e join score_item i on i.version = e.catalogue and i.code = e.item
           where e.branch_code = $1 and e.quarter = $2 and e.status in ('accepted', 'settled')"#,
        branch.as_str(),
        quarter.first(),
    )
    .fetch_all(conn)
    .await
}

/// Settles every entry of a branch's quarter that counts, and keeps what it came to.
///
/// # Errors
/// The database is away.
pub async fn settle(
    conn: &mut Connection,
    settlement: &Settlement,
    totals: &BTreeMap<MemberId, Total>,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "update score_entry set version = version + 1, status = 'settled', settlement_id = $3
         where branch_code = $1 and quarter = $2 and status = 'accepted'",
        settlement.branch.as_str(),
        settlement.quarter.first(),
        settlement.id.0,
    )
    .execute(&mut *conn)
    .await?;
    let members: Vec<Uuid> = totals.keys().map(|member| member.0).collect();
    let points: Vec<i32> = totals.values().map(|total| total.points).collect();
    let entries: Vec<i32> = totals.values().map(|total| total.entries).collect();
    sqlx::query!(
        "insert into score_line (settlement_id, member_id, points, entries)
         select $1, member, points, entries
         from unnest($2::uuid[], $3::int[], $4::int[]) as given (member, points, entries)",
        settlement.id.0,
        &members,
        &points,
        &entries,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// The quarters whose public notice is over, the earliest first.
///
/// # Errors
/// The database is away.
pub async fn due(
    conn: &mut Connection,
    now: Timestamp,
) -> Result<Vec<ScoreSettlementId>, sqlx::Error> {
    sqlx::query_scalar!(
        r#"select id as "id: ScoreSettlementId" from score_settlement s
           where status = 'notice' and notice_until <= $1 and not exists (
               select from score_objection o where o.settlement_id = s.id and o.decided_at is null)
           order by notice_until, id limit 500"#,
        now,
    )
    .fetch_all(conn)
    .await
}
