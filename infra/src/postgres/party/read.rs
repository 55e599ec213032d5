//! The register as it is read, within one's scope. What is sealed is opened by the use cases.

use chrono::NaiveDate;
use domain::{
    id::{AccountId, MemberChangeId, MemberId, TransferId},
    org::{NodeCode, NodeKind},
    page::{Cursor, PageRequest},
    party::{
        ChangeKind, Health, Ledger, Rank, RemovedAs, Sex, Standing, colour::Narrowed,
        floating::Direction, transfer::Status,
    },
    scope::Scope,
    time::Timestamp,
};
use uuid::Uuid;

use super::Kept;
use crate::postgres::Connection;

/// What a list is narrowed to.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    /// One member alone, also one who was removed.
    pub id: Option<MemberId>,
    /// The member that an account is.
    pub account: Option<AccountId>,
    /// At this party body or below it.
    pub branch: Option<NodeCode>,
    /// Of the branches that cover this estate.
    pub estate: Option<NodeCode>,
    /// In this ledger.
    pub ledger: Option<Ledger>,
    /// Of this colour's group.
    pub group: Option<Narrowed>,
    /// Who can do this.
    pub skill: Option<String>,
    /// With one of these blind indexes of name, number, telephone, or name and last six.
    pub indexes: Option<Vec<Vec<u8>>>,
    /// Those who were removed instead.
    pub removed: bool,
}

/// The other end of a floating member.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OtherEnd {
    /// Which end the register's branch is.
    pub direction: Direction,
    /// The other end, where it is a branch of ours.
    pub branch: Option<NodeCode>,
    /// Its name.
    pub name: String,
    /// Where to, or from where.
    pub place: String,
    /// Since when.
    pub since: NaiveDate,
    /// The telephone of the other end, sealed.
    pub contact: Option<Vec<u8>>,
}

/// A member as the register has them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed {
    /// The row.
    pub id: MemberId,
    /// Its version.
    pub version: i64,
    /// What is sealed of it.
    pub kept: Kept,
    /// The sex, where known.
    pub sex: Option<Sex>,
    /// The date of birth, where known.
    pub born_on: Option<NaiveDate>,
    /// The day of joining, where known.
    pub joined_on: Option<NaiveDate>,
    /// How far the membership is.
    pub standing: Standing,
    /// The branch.
    pub branch: Option<NodeCode>,
    /// Its name.
    pub branch_name: Option<String>,
    /// The group or household below it.
    pub group: Option<NodeCode>,
    /// Its name.
    pub group_name: Option<String>,
    /// The ledger.
    pub ledger: Ledger,
    /// The rank.
    pub rank: Rank,
    /// The work unit.
    pub work_unit: Option<String>,
    /// The skills.
    pub skills: Vec<String>,
    /// The health.
    pub health: Health,
    /// Whether a community signed an account as this member.
    pub registered: bool,
    /// When the row came.
    pub added_at: Timestamp,
    /// When it was taken off, and why.
    pub removed: Option<(Timestamp, Option<RemovedAs>)>,
    /// The other end of a floating member.
    pub floating: Option<OtherEnd>,
    /// Whether the row is the reader's by its own branch, not only as the other end.
    pub own: bool,
}

/// The members within the caller's part of the register, and those whose other end lies in it, the
/// latest first, `limit` at most.
///
/// # Errors
/// The database is away.
#[expect(clippy::too_many_lines, reason = "one statement, and the rows that it answers")]
pub async fn members(
    conn: &mut Connection,
    scope: &Scope,
    filter: &Filter,
    after: Option<Cursor>,
    limit: i64,
) -> Result<Vec<Listed>, sqlx::Error> {
    let register = scope.register();
    let group = filter.group.as_ref();
    let ledgers: Option<Vec<String>> =
        group.map(|group| group.ledgers.iter().map(ToString::to_string).collect());
    let own = filter.account == Some(scope.account());
    let rows = sqlx::query!(
        r#"with reach as materialized (select party_reach($2, $3) as code)
           select m.id as "id: MemberId", m.version, m.name_sealed, m.number_sealed,
               m.id_number_sealed, m.phone_sealed, m.sex as "sex: Sex", m.born_on, m.joined_on,
               m.standing as "standing: Standing", m.branch_code as "branch: NodeCode",
               b.name as "branch_name?", m.group_code as "group: NodeCode",
               g.name as "group_name?", m.ledger as "ledger: Ledger", m.rank as "rank: Rank",
               m.work_unit, m.skills, m.health as "health: Health",
               m.account_id is not null as "registered!", m.added_at, m.removed_at,
               m.removed_as as "removed_as: RemovedAs",
               f.direction as "direction?: Direction", f.other_branch as "other_branch?: NodeCode",
               coalesce(o.name, f.other_name) as other_name, f.place as "place?",
               f.since as "since?", f.contact_sealed as "contact_sealed?",
               ($20 or coalesce(m.branch_code in (select code from reach), false)) as "own!"
           from party_member m
           left join org_node b on b.code = m.branch_code
           left join org_node g on g.code = m.group_code
           left join party_floating f on f.member_id = m.id and f.ended_on is null
           left join org_node o on o.code = f.other_branch
           where ($1 or $4 or m.branch_code in (select code from reach)
                   or f.other_branch in (select code from reach))
               and ($5::uuid is null or m.id = $5)
               and ($6::uuid is null or m.account_id = $6)
               and ($5::uuid is not null or (m.removed_at is not null) = $7)
               and ($8::text is null
                   or m.branch_code in (select party_reach(array[$8], '{}'))
                   or m.group_code in (select party_reach(array[$8], '{}')))
               and ($9::text is null or exists (
                   select from party_branch_estate e
                   where e.branch_code = m.branch_code and e.estate_code = $9))
               and ($10::text is null or m.ledger = $10)
               and ($11::text[] is null or m.ledger = any($11))
               and ($12::text is null or m.health = $12)
               and ($13::date is null or coalesce(m.born_on <= $13, false) = $14)
               and ($15::text is null or $15 = any(m.skills))
               and ($16::bytea[] is null or m.name_index = any($16)
                   or m.id_number_index = any($16) or m.phone_index = any($16)
                   or m.match_index = any($16))
               and ($17::timestamptz is null or (m.added_at, m.id) < ($17, $18::uuid))
           order by m.added_at desc, m.id desc
           limit $19"#,
        register.everything,
        &register.roots,
        &register.communities,
        own,
        filter.id.map(|id| id.0),
        filter.account.map(|account| account.0),
        filter.removed,
        filter.branch.as_ref().map(NodeCode::as_str),
        filter.estate.as_ref().map(NodeCode::as_str),
        filter.ledger.map(Ledger::code),
        ledgers.as_deref(),
        group.and_then(|group| group.health).map(Health::code),
        group.and_then(|group| group.born).map(|(day, _)| day),
        group.and_then(|group| group.born).is_some_and(|(_, earlier)| earlier),
        filter.skill,
        filter.indexes.as_deref(),
        after.map(|cursor| cursor.at),
        after.map_or(Uuid::nil(), |cursor| cursor.id),
        limit,
        register.keeps_everything,
    )
    .fetch_all(conn)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| Listed {
            id: row.id,
            version: row.version,
            kept: Kept {
                name: row.name_sealed,
                tail: row.number_sealed,
                id_number: row.id_number_sealed,
                phone: row.phone_sealed,
            },
            sex: row.sex,
            born_on: row.born_on,
            joined_on: row.joined_on,
            standing: row.standing,
            branch: row.branch,
            branch_name: row.branch_name,
            group: row.group,
            group_name: row.group_name,
            ledger: row.ledger,
            rank: row.rank,
            work_unit: row.work_unit,
            skills: row.skills,
            health: row.health,
            registered: row.registered,
            added_at: row.added_at,
            removed: row.removed_at.map(|at| (at, row.removed_as)),
            floating: row.direction.map(|direction| OtherEnd {
                direction,
                branch: row.other_branch,
                name: row.other_name.unwrap_or_default(),
                place: row.place.unwrap_or_default(),
                since: row.since.unwrap_or_default(),
                contact: row.contact_sealed,
            }),
            own: row.own,
        })
        .collect())
}

/// What happened to a row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// The entry.
    pub id: MemberChangeId,
    /// What.
    pub kind: ChangeKind,
    /// When.
    pub at: Timestamp,
    /// Who did it, as colleagues know them.
    pub by: Option<String>,
    /// In codes.
    pub data: serde_json::Value,
}

/// What happened to a member within the caller's part of the register, the latest first, one more
/// than the page.
///
/// # Errors
/// The database is away.
pub async fn changes(
    conn: &mut Connection,
    scope: &Scope,
    member: MemberId,
    page: PageRequest,
) -> Result<Vec<Change>, sqlx::Error> {
    let register = scope.register();
    sqlx::query_as!(
        Change,
        r#"select c.id as "id: MemberChangeId", c.kind as "kind: ChangeKind", c.at,
               a.display_name as "by?", c.data
           from party_member_change c
           join party_member m on m.id = c.member_id
           left join account a on a.id = c.by_id
           where c.member_id = $4
               and ($1 or m.branch_code in (select party_reach($2, $3)))
               and ($5::timestamptz is null or (c.at, c.id) < ($5, $6::uuid))
           order by c.at desc, c.id desc
           limit $7"#,
        register.everything,
        &register.roots,
        &register.communities,
        member.0,
        page.after.map(|cursor| cursor.at),
        page.after.map_or(Uuid::nil(), |cursor| cursor.id),
        page.probe(),
    )
    .fetch_all(conn)
    .await
}

/// A transfer as its two ends see it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Transferred {
    /// Its id.
    pub id: TransferId,
    /// Its version.
    pub version: i64,
    /// Who is transferred.
    pub member: MemberId,
    /// The name, sealed.
    pub name: Vec<u8>,
    /// From which branch.
    pub from: NodeCode,
    /// Its name.
    pub from_name: String,
    /// To which branch.
    pub to: NodeCode,
    /// Its name.
    pub to_name: String,
    /// To which group below it.
    pub to_group: Option<NodeCode>,
    /// Where it stands.
    pub status: Status,
    /// Why.
    pub reason: String,
    /// What the last one who decided said.
    pub note: Option<String>,
    /// When it was proposed.
    pub proposed_at: Timestamp,
    /// When the one branch agreed.
    pub released_at: Option<Timestamp>,
    /// When it ended.
    pub decided_at: Option<Timestamp>,
}

/// The transfers of which one end lies in the caller's part of the register, the latest first, one
/// more than the page.
///
/// # Errors
/// The database is away.
pub async fn transfers(
    conn: &mut Connection,
    scope: &Scope,
    (id, member, status): (Option<TransferId>, Option<MemberId>, Option<Status>),
    page: PageRequest,
) -> Result<Vec<Transferred>, sqlx::Error> {
    let register = scope.register();
    sqlx::query_as!(
        Transferred,
        r#"with reach as materialized (select party_reach($2, $3) as code)
           select t.id as "id: TransferId", t.version, t.member_id as "member: MemberId",
               m.name_sealed as name, t.from_branch as "from: NodeCode", f.name as from_name,
               t.to_branch as "to: NodeCode", g.name as to_name,
               t.to_group as "to_group: NodeCode", t.status as "status: Status", t.reason, t.note,
               t.proposed_at, t.released_at, t.decided_at
           from party_transfer t
           join party_member m on m.id = t.member_id
           join org_node f on f.code = t.from_branch
           join org_node g on g.code = t.to_branch
           where ($1 or t.from_branch in (select code from reach)
                   or t.to_branch in (select code from reach))
               and ($4::uuid is null or t.id = $4)
               and ($5::uuid is null or t.member_id = $5)
               and ($6::text is null or t.status = $6)
               and ($7::timestamptz is null or (t.proposed_at, t.id) < ($7, $8::uuid))
           order by t.proposed_at desc, t.id desc
           limit $9"#,
        register.everything,
        &register.roots,
        &register.communities,
        id.map(|id| id.0),
        member.map(|id| id.0),
        status.map(Status::code),
        page.after.map(|cursor| cursor.at),
        page.after.map_or(Uuid::nil(), |cursor| cursor.id),
        page.probe(),
    )
    .fetch_all(conn)
    .await
}

/// A party body with what stands at it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Node {
    /// Its code.
    pub code: NodeCode,
    /// What it is.
    pub kind: NodeKind,
    /// Its name.
    pub name: String,
    /// The body above it.
    pub parent: Option<NodeCode>,
    /// The division that it belongs to.
    pub division: Option<NodeCode>,
    /// Whether it is in use.
    pub active: bool,
    /// The estates that a branch covers.
    pub estates: Vec<String>,
    /// Members of 直管.
    pub direct: i64,
    /// Members of 离退.
    pub retired: i64,
    /// Members of 在职.
    pub employed: i64,
    /// Members of 流动.
    pub floating: i64,
}

/// The party bodies within the caller's part of the register, or of these `below` one and that one
/// itself, in the order of their codes, each with the members of its own: a branch's with those of
/// its groups, a group's its own.
///
/// # Errors
/// The database is away.
pub async fn tree(
    conn: &mut Connection,
    scope: &Scope,
    below: Option<&NodeCode>,
) -> Result<Vec<Node>, sqlx::Error> {
    let register = scope.register();
    sqlx::query_as!(
        Node,
        r#"with shown as materialized (
               select code from org_node
               where tree = 'party' and ($1 or code in (select party_reach($2, $3)))
                   and ($4::text is null or code in (select party_reach(array[$4], '{}')))
           ), counted as (
               select at.code, count(*) filter (where m.ledger = 'direct') as direct,
                   count(*) filter (where m.ledger = 'retired') as retired,
                   count(*) filter (where m.ledger = 'employed') as employed,
                   count(*) filter (where m.ledger = 'floating') as floating
               from party_member m
               cross join lateral (values (m.branch_code), (m.group_code)) as at (code)
               where m.removed_at is null and at.code in (select code from shown)
               group by at.code
           )
           select n.code as "code: NodeCode", n.kind as "kind: NodeKind", n.name,
               n.parent_code as "parent: NodeCode", n.division_code as "division: NodeCode",
               n.active,
               array(select e.estate_code from party_branch_estate e
                     where e.branch_code = n.code order by 1) as "estates!",
               coalesce(c.direct, 0) as "direct!", coalesce(c.retired, 0) as "retired!",
               coalesce(c.employed, 0) as "employed!", coalesce(c.floating, 0) as "floating!"
           from org_node n
           join shown on shown.code = n.code
           left join counted c on c.code = n.code
           order by n.code"#,
        register.everything,
        &register.roots,
        &register.communities,
        below.map(NodeCode::as_str),
    )
    .fetch_all(conn)
    .await
}
