//! The score book as it is read: by the branch and above, by a member their own. What is sealed
//! stays sealed here.

use std::collections::BTreeMap;

use chrono::NaiveDate;
use domain::{
    id::{MemberId, ObjectionId, ScoreEntryId, ScoreSettlementId},
    org::NodeCode,
    page::{Cursor, PageRequest},
    scope::Scope,
    score::{
        Inlet, Quarter, Status,
        catalogue::{Item, Total},
        quarterly as settlement,
    },
    time::Timestamp,
};
use uuid::Uuid;

use crate::postgres::Connection;

/// An entry with what stands sealed of it.
#[derive(Debug, Clone)]
pub struct EntryRow {
    /// Its id.
    pub id: ScoreEntryId,
    /// Grows with each change.
    pub version: i64,
    /// Whose book.
    pub member: Option<MemberId>,
    /// The member's name, sealed.
    pub member_name: Option<Vec<u8>>,
    /// Whom it names in words, sealed.
    pub named: Option<Vec<u8>>,
    /// The branch.
    pub branch: Option<NodeCode>,
    /// The branch's name.
    pub branch_name: Option<String>,
    /// The community.
    pub community: NodeCode,
    /// The first day of the quarter.
    pub quarter: NaiveDate,
    /// When it happened.
    pub happened_on: NaiveDate,
    /// From where it comes.
    pub inlet: Inlet,
    /// The item.
    pub item: Option<String>,
    /// The item's name.
    pub item_name: Option<String>,
    /// What it gives or takes.
    pub points: Option<i32>,
    /// What the item counts at most in a quarter.
    pub cap: Option<i32>,
    /// What happened, sealed.
    pub words: Vec<u8>,
    /// Where it stands.
    pub status: Status,
    /// When it was brought.
    pub submitted_at: Timestamp,
    /// Who brought it, as colleagues see them.
    pub submitted_by: String,
    /// When it was decided.
    pub decided_at: Option<Timestamp>,
    /// Why it does not count.
    pub reason: Option<String>,
    /// The entry that it corrects.
    pub corrects: Option<ScoreEntryId>,
    /// The entry that corrects it.
    pub corrected_by: Option<ScoreEntryId>,
    /// Whether it is about the caller.
    pub mine: bool,
}

impl EntryRow {
    /// Where the next page starts when this is the last row.
    pub fn cursor(&self) -> Cursor {
        Cursor { at: self.submitted_at, id: self.id.0 }
    }
}

/// By which right entries are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum By {
    /// As one of the register's desks: the branch and above.
    #[default]
    Desk,
    /// As who brought them.
    Submitter,
    /// As whom they are about: what counts.
    Member,
}

impl By {
    const fn code(self) -> &'static str {
        match self {
            Self::Desk => "desk",
            Self::Submitter => "submitter",
            Self::Member => "member",
        }
    }
}

/// What a list is narrowed to.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    /// By which right.
    pub by: By,
    /// One entry alone.
    pub id: Option<ScoreEntryId>,
    /// One member's.
    pub member: Option<MemberId>,
    /// One branch's.
    pub branch: Option<NodeCode>,
    /// One quarter's.
    pub quarter: Option<Quarter>,
    /// Where they stand.
    pub status: Option<Status>,
}

/// Entries that the caller may see by a right, the latest first, one more than the page.
///
/// # Errors
/// The database is away.
pub async fn entries(
    conn: &mut Connection,
    scope: &Scope,
    filter: &Filter,
    page: PageRequest,
) -> Result<Vec<EntryRow>, sqlx::Error> {
    let register = scope.register();
    sqlx::query_as!(
        EntryRow,
        r#"select e.id as "id: ScoreEntryId", e.version, e.member_id as "member: MemberId",
               m.name_sealed as "member_name?", e.named_sealed as named,
               e.branch_code as "branch: NodeCode", b.name as "branch_name?",
               e.community_code as "community: NodeCode", e.quarter, e.happened_on,
               e.inlet as "inlet: Inlet", e.item, i.name as "item_name?", e.points,
               i.cap as "cap?", e.words_sealed as words, e.status as "status: Status", e.submitted_at,
               a.display_name as submitted_by, e.decided_at, e.reason,
               e.corrects as "corrects: ScoreEntryId", later.id as "corrected_by?: ScoreEntryId",
               coalesce(m.account_id = $5, false) as "mine!"
           from score_entry e
           join account a on a.id = e.submitted_by
           left join party_member m on m.id = e.member_id
           left join org_node b on b.code = e.branch_code
           left join score_item i on i.version = e.catalogue and i.code = e.item
           left join score_entry later on later.corrects = e.id and later.status <> 'refused'
           where case $1
                   when 'desk' then $2 or e.branch_code in (select party_reach($3, $4))
                       or e.branch_code is null and e.community_code = any($4)
                   when 'submitter' then e.submitted_by = $5
                   else m.account_id = $5 and e.status in ('accepted', 'settled') end
               and ($6::uuid is null or e.id = $6)
               and ($7::uuid is null or e.member_id = $7)
               and ($8::text is null or e.branch_code = $8)
               and ($9::date is null or e.quarter = $9)
               and ($10::text is null or e.status = $10)
               and ($11::timestamptz is null or (e.submitted_at, e.id) < ($11, $12::uuid))
           order by e.submitted_at desc, e.id desc
           limit $13"#,
        filter.by.code(),
        register.everything,
        &register.roots,
        &register.communities,
        scope.account().0,
        filter.id.map(|id| id.0),
        filter.member.map(|id| id.0),
        filter.branch.as_ref().map(NodeCode::as_str),
        filter.quarter.map(Quarter::first),
        filter.status.map(Status::code),
        page.after.map(|cursor| cursor.at),
        page.after.map_or(Uuid::nil(), |cursor| cursor.id),
        page.probe(),
    )
    .fetch_all(conn)
    .await
}

/// A member of a branch with the sealed name.
#[derive(Debug, Clone)]
pub struct MemberRow {
    /// The row of the register.
    pub id: MemberId,
    /// The name, sealed.
    pub name: Vec<u8>,
    /// Whether it is the caller.
    pub mine: bool,
}

/// The members of a branch and those who were in a quarter, in the order of the register; the caller
/// has been let in to the branch.
///
/// # Errors
/// The database is away.
pub async fn members(
    conn: &mut Connection,
    scope: &Scope,
    branch: &NodeCode,
    quarter: Quarter,
) -> Result<Vec<MemberRow>, sqlx::Error> {
    sqlx::query_as!(
        MemberRow,
        r#"select id as "id: MemberId", name_sealed as name,
               coalesce(account_id = $2, false) as "mine!"
           from party_member
           where branch_code = $1 and removed_at is null
               or id in (select member_id from score_entry where branch_code = $1 and quarter = $3)
           order by added_at, id"#,
        branch.as_str(),
        scope.account().0,
        quarter.first(),
    )
    .fetch_all(conn)
    .await
}

/// A branch's quarter.
#[derive(Debug, Clone)]
pub struct SettlementRow {
    /// Its id.
    pub id: ScoreSettlementId,
    /// Grows with each change.
    pub version: i64,
    /// The branch.
    pub branch: NodeCode,
    /// The branch's name.
    pub branch_name: String,
    /// The first day of the quarter.
    pub quarter: NaiveDate,
    /// Where it stands.
    pub status: settlement::Status,
    /// When it was proposed.
    pub proposed_at: Timestamp,
    /// When it was published or sent back.
    pub decided_at: Option<Timestamp>,
    /// Why it was sent back.
    pub reason: Option<String>,
    /// When the public notice is over.
    pub notice_until: Option<Timestamp>,
    /// When it was locked.
    pub locked_at: Option<Timestamp>,
    /// Objections that are not decided.
    pub open_objections: i64,
    /// Whether the caller keeps the branch's book; else they are of the branch.
    pub desk: bool,
}

impl SettlementRow {
    /// Where the next page starts when this is the last row.
    pub fn cursor(&self) -> Cursor {
        Cursor { at: self.proposed_at, id: self.id.0 }
    }
}

/// What a list of quarters is narrowed to.
#[derive(Debug, Clone, Default)]
pub struct SettlementFilter {
    /// One alone.
    pub id: Option<ScoreSettlementId>,
    /// One branch's.
    pub branch: Option<NodeCode>,
    /// One quarter.
    pub quarter: Option<Quarter>,
    /// Where they stand.
    pub status: Option<settlement::Status>,
}

/// The quarters of the branches whose book the caller keeps, and, once in public notice, of the
/// caller's own branch; the latest first, one more than the page.
///
/// # Errors
/// The database is away.
pub async fn settlements(
    conn: &mut Connection,
    scope: &Scope,
    filter: &SettlementFilter,
    page: PageRequest,
) -> Result<Vec<SettlementRow>, sqlx::Error> {
    let register = scope.register();
    sqlx::query_as!(
        SettlementRow,
        r#"select s.id as "id: ScoreSettlementId", s.version, s.branch_code as "branch: NodeCode",
               b.name as branch_name, s.quarter, s.status as "status: settlement::Status",
               s.proposed_at, s.decided_at, s.reason, s.notice_until, s.locked_at,
               (select count(*) from score_objection o
                   where o.settlement_id = s.id and o.decided_at is null) as "open_objections!",
               ($1 or s.branch_code in (select party_reach($2, $3))) as "desk!"
           from score_settlement s join org_node b on b.code = s.branch_code
           where ($1 or s.branch_code in (select party_reach($2, $3))
                   or s.status in ('notice', 'locked') and exists (
                       select from party_member own where own.branch_code = s.branch_code
                           and own.account_id = $4 and own.removed_at is null))
               and ($5::uuid is null or s.id = $5)
               and ($6::text is null or s.branch_code = $6)
               and ($7::date is null or s.quarter = $7)
               and ($8::text is null or s.status = $8)
               and ($9::timestamptz is null or (s.proposed_at, s.id) < ($9, $10::uuid))
           order by s.proposed_at desc, s.id desc
           limit $11"#,
        register.everything,
        &register.roots,
        &register.communities,
        scope.account().0,
        filter.id.map(|id| id.0),
        filter.branch.as_ref().map(NodeCode::as_str),
        filter.quarter.map(Quarter::first),
        filter.status.map(settlement::Status::code),
        page.after.map(|cursor| cursor.at),
        page.after.map_or(Uuid::nil(), |cursor| cursor.id),
        page.probe(),
    )
    .fetch_all(conn)
    .await
}

/// An entry as the public notice shows it.
#[derive(Debug, Clone)]
pub struct NoticeRow {
    /// Its id.
    pub id: ScoreEntryId,
    /// Whose book.
    pub member: MemberId,
    /// The item's name.
    pub item_name: String,
    /// What it gives or takes.
    pub points: i32,
    /// When it happened.
    pub happened_on: NaiveDate,
    /// The entry that it corrects.
    pub corrects: Option<ScoreEntryId>,
}

/// What counts of a quarter that [`settlements`] let the caller see, by the day.
///
/// # Errors
/// The database is away.
pub async fn notice(
    conn: &mut Connection,
    row: &SettlementRow,
) -> Result<Vec<NoticeRow>, sqlx::Error> {
    sqlx::query_as!(
        NoticeRow,
        r#"select e.id as "id: ScoreEntryId", e.member_id as "member!: MemberId",
               i.name as item_name, e.points as "points!", e.happened_on,
               e.corrects as "corrects: ScoreEntryId"
           from score_entry e join score_item i on i.version = e.catalogue and i.code = e.item
           where e.branch_code = $1 and e.quarter = $2 and e.status in ('accepted', 'settled')
           order by e.happened_on, e.id"#,
        row.branch.as_str(),
        row.quarter,
    )
    .fetch_all(conn)
    .await
}

/// An objection with what stands sealed of it.
#[derive(Debug, Clone)]
pub struct ObjectionRow {
    /// Its id.
    pub id: ObjectionId,
    /// To which entry.
    pub entry: Option<ScoreEntryId>,
    /// What somebody says, sealed.
    pub words: Vec<u8>,
    /// When.
    pub made_at: Timestamp,
    /// When it was decided.
    pub decided_at: Option<Timestamp>,
    /// Whether it was upheld.
    pub upheld: Option<bool>,
    /// Why.
    pub reason: Option<String>,
}

/// The objections to a quarter: all for who keeps the book, else the caller's own.
///
/// # Errors
/// The database is away.
pub async fn objections(
    conn: &mut Connection,
    scope: &Scope,
    row: &SettlementRow,
) -> Result<Vec<ObjectionRow>, sqlx::Error> {
    sqlx::query_as!(
        ObjectionRow,
        r#"select id as "id: ObjectionId", entry_id as "entry: ScoreEntryId", words_sealed as words,
               made_at, decided_at, upheld, reason
           from score_objection
           where settlement_id = $1 and ($2 or account_id = $3)
           order by made_at, id"#,
        row.id.0,
        row.desk,
        scope.account().0,
    )
    .fetch_all(conn)
    .await
}

/// The quarter of an objection that the caller may decide on.
///
/// # Errors
/// The database is away.
pub async fn settlement_of(
    conn: &mut Connection,
    scope: &Scope,
    objection: ObjectionId,
) -> Result<Option<ScoreSettlementId>, sqlx::Error> {
    let register = scope.register();
    sqlx::query_scalar!(
        r#"select s.id as "id: ScoreSettlementId"
           from score_objection o join score_settlement s on s.id = o.settlement_id
           where o.id = $1 and ($2 or s.branch_code in (select party_reach($3, $4)))"#,
        objection.0,
        register.everything,
        &register.roots,
        &register.communities,
    )
    .fetch_optional(conn)
    .await
}

/// A version of the catalogue.
#[derive(Debug, Clone)]
pub struct CatalogueRow {
    /// Its name.
    pub version: String,
    /// Its title.
    pub title: String,
    /// The first day of its first quarter.
    pub valid_from: NaiveDate,
}

/// Every version of the catalogue, the newest first. It belongs to nobody.
///
/// # Errors
/// The database is away.
pub async fn catalogues(conn: &mut Connection) -> Result<Vec<CatalogueRow>, sqlx::Error> {
    sqlx::query_as!(
        CatalogueRow,
        "select version, title, valid_from from score_catalogue order by valid_from desc",
    )
    .fetch_all(conn)
    .await
}

/// The items of a version, by code.
///
/// # Errors
/// The database is away.
pub async fn items(conn: &mut Connection, version: &str) -> Result<Vec<Item>, sqlx::Error> {
    sqlx::query_as!(
        Item,
        "select code, name, points, cap from score_item where version = $1 order by code",
        version,
    )
    .fetch_all(conn)
    .await
}

/// How far a branch's quarter is.
#[derive(Debug, Clone)]
pub struct Standing {
    /// The branch's name.
    pub branch_name: String,
    /// Where the settlement stands; none while there is none, or it was sent back.
    pub status: Option<settlement::Status>,
}

/// How far the quarter of a branch is; the caller has been let in to the branch.
///
/// # Errors
/// The database is away.
pub async fn standing(
    conn: &mut Connection,
    branch: &NodeCode,
    quarter: Quarter,
) -> Result<Standing, sqlx::Error> {
    sqlx::query_as!(
        Standing,
        r#"select b.name as branch_name, s.status as "status?: settlement::Status"
           from org_node b
           left join score_settlement s
               on s.branch_code = b.code and s.quarter = $2 and s.status <> 'sent_back'
           where b.code = $1"#,
        branch.as_str(),
        quarter.first(),
    )
    .fetch_one(conn)
    .await
}

/// What a locked quarter came to for each member, as it was locked.
///
/// # Errors
/// The database is away.
pub async fn lines(
    conn: &mut Connection,
    id: ScoreSettlementId,
) -> Result<BTreeMap<MemberId, Total>, sqlx::Error> {
    let rows = sqlx::query!(
        r#"select member_id as "member: MemberId", points, entries from score_line
           where settlement_id = $1"#,
        id.0,
    )
    .fetch_all(conn)
    .await?;
    let line = |member, points, entries| (member, Total { points, entries });
    Ok(rows.into_iter().map(|row| line(row.member, row.points, row.entries)).collect())
}
