//! The guide as it is read: by people the edition that is shown, by the unit's people the latest;
//! and which items fit a text.

use chrono::NaiveDate;
use domain::{
    guide::hidden_before,
    id::GuideId,
    org::NodeCode,
    page::{Cursor, PageRequest},
    publication::Status,
    time::Timestamp,
};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::postgres::{Connection, publication::Desk};

/// An item in one of its editions.
#[derive(Debug, Clone)]
pub struct Row {
    /// Its id.
    pub id: GuideId,
    /// What `If-Match` compares.
    pub version: i64,
    /// Whose it is.
    pub unit: NodeCode,
    /// That unit's name.
    pub unit_name: String,
    /// Where it stands.
    pub status: Status,
    /// The latest edition.
    pub edition: i32,
    /// The edition that people read.
    pub shown: Option<i32>,
    /// The edition that somebody has to look at.
    pub waiting: Option<i32>,
    /// Why it was sent back or taken down.
    pub reason: Option<String>,
    /// When it was begun.
    pub created_at: Timestamp,
    /// When people could first read it.
    pub published_at: Option<Timestamp>,
    /// The edition that is here.
    pub number: i32,
    /// What it is called.
    pub title: String,
    /// Where it is looked for.
    pub category: String,
    /// Who may apply.
    pub eligible: String,
    /// What to bring.
    pub materials: Vec<String>,
    /// What to do.
    pub steps: Vec<String>,
    /// Where.
    pub place: Option<String>,
    /// When it is open.
    pub hours: Option<String>,
    /// Whom to ask.
    pub phone: Option<String>,
    /// What it costs.
    pub fee: Option<String>,
    /// Working days until it is done.
    pub term_days: Option<i16>,
    /// Where it is done online.
    pub link: Option<String>,
    /// By which rule.
    pub basis: Option<String>,
    /// The first day on which it holds.
    pub valid_from: NaiveDate,
    /// The last.
    pub valid_until: Option<NaiveDate>,
    /// When the owner looks through it again.
    pub next_review: Option<NaiveDate>,
    /// Who wrote this edition.
    pub made_by: String,
    /// When.
    pub made_at: Timestamp,
    /// How many found it useful.
    pub useful: i64,
    /// How many did not.
    pub useless: i64,
}

impl Row {
    /// Where the next page of the public list starts when this is the last row.
    pub fn public_cursor(&self) -> Cursor {
        Cursor { at: self.published_at.unwrap_or(self.created_at), id: self.id.0 }
    }

    /// Where the next page of the desk's list starts when this is the last row.
    pub fn desk_cursor(&self) -> Cursor {
        Cursor { at: self.created_at, id: self.id.0 }
    }
}

/// What people may read, narrowed.
#[derive(Debug, Clone, Default)]
pub struct Public {
    /// One alone.
    pub id: Option<GuideId>,
    /// Of this unit.
    pub unit: Option<NodeCode>,
    /// Of this category.
    pub category: Option<String>,
    /// With these words.
    pub words: Option<Vec<String>>,
}

/// What people may read, the latest first, one more than the page; what ran out stays for a while.
/// It has no scope: it is everybody's.
///
/// # Errors
/// The database is away.
pub async fn public(
    conn: &mut Connection,
    filter: &Public,
    page: PageRequest,
    today: NaiveDate,
) -> Result<Vec<Row>, sqlx::Error> {
    sqlx::query_as!(
        Row,
        r#"select g.id as "id: GuideId", g.version, g.unit as "unit: NodeCode", o.name as unit_name,
               g.status as "status: Status", g.edition, g.shown, g.waiting, g.reason, g.created_at,
               g.published_at, e.number, e.title, e.category, e.eligible, e.materials, e.steps, e.place,
               e.hours, e.phone, e.fee, e.term_days, e.link, e.basis, e.valid_from, e.valid_until,
               e.next_review, w.display_name as made_by, e.made_at, 0::bigint as "useful!",
               0::bigint as "useless!"
           from guide g
           join guide_edition e on e.guide_id = g.id and e.number = g.shown
           join org_node o on o.code = g.unit
           join account w on w.id = e.made_by
           where g.status = 'published' and e.valid_from <= $1
               and (e.valid_until is null or e.valid_until >= $2)
               and ($3::uuid is null or g.id = $3)
               and ($4::text is null or g.unit = $4)
               and ($5::text is null or e.category = $5)
               and ($6::text[] is null
                   or searched(e.title, e.category || ' ' || e.eligible, e.place) @> bigrams($6))
               and ($7::timestamptz is null or (g.published_at, g.id) < ($7, $8))
           order by g.published_at desc, g.id desc
           limit $9"#,
        today,
        hidden_before(today),
        filter.id.map(|id| id.0),
        filter.unit.as_ref().map(NodeCode::as_str),
        filter.category,
        filter.words.as_deref(),
        page.after.map(|cursor| cursor.at),
        page.after.map_or(Uuid::nil(), |cursor| cursor.id),
        page.probe(),
    )
    .fetch_all(conn)
    .await
}

/// What a unit's people see, the latest first, one more than the page.
///
/// # Errors
/// The database is away.
pub async fn desk(
    conn: &mut Connection,
    filter: &Desk,
    page: PageRequest,
) -> Result<Vec<Row>, sqlx::Error> {
    let bodies: Vec<String> = filter.bodies.iter().map(ToString::to_string).collect();
    sqlx::query_as!(
        Row,
        r#"select g.id as "id: GuideId", g.version, g.unit as "unit: NodeCode", o.name as unit_name,
               g.status as "status: Status", g.edition, g.shown, g.waiting, g.reason, g.created_at,
               g.published_at, e.number, e.title, e.category, e.eligible, e.materials, e.steps, e.place,
               e.hours, e.phone, e.fee, e.term_days, e.link, e.basis, e.valid_from, e.valid_until,
               e.next_review, w.display_name as made_by, e.made_at,
               (select count(*) from guide_vote v where v.guide_id = g.id and v.useful) as "useful!",
               (select count(*) from guide_vote v where v.guide_id = g.id and not v.useful) as "useless!"
           from guide g
           join guide_edition e on e.guide_id = g.id and e.number = coalesce($3, g.edition)
           join org_node o on o.code = g.unit
           join account w on w.id = e.made_by
           where g.unit = any($1)
               and ($2::uuid is null or g.id = $2)
               and ($4::text is null or g.status = $4)
               and ($5::bool is null or (g.waiting is not null) = $5)
               and ($6::timestamptz is null or (g.created_at, g.id) < ($6, $7))
           order by g.created_at desc, g.id desc
           limit $8"#,
        &bodies,
        filter.id,
        filter.edition,
        filter.status.map(Status::code),
        filter.waiting,
        page.after.map(|cursor| cursor.at),
        page.after.map_or(Uuid::nil(), |cursor| cursor.id),
        page.probe(),
    )
    .fetch_all(conn)
    .await
}

/// 一条可能用得上的办事指南
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct GuideProposal {
    /// 办事指南的 id
    pub id: GuideId,
    /// 名称
    #[schema(example = "高龄津贴申领")]
    pub title: String,
    /// 承办单位
    pub unit_name: String,
    /// 类别
    pub category: String,
}

/// The items whose titles fit a text best, at most `most`. A pair of letters that few titles have
/// weighs more than one that many have, such as 申请; a title fits when a fifth of its weight stands
/// in the text, in two pairs at least. What ran out is not proposed.
///
/// # Errors
/// The database is away.
pub async fn suggested(
    conn: &mut Connection,
    text: &str,
    most: usize,
    today: NaiveDate,
) -> Result<Vec<GuideProposal>, sqlx::Error> {
    sqlx::query_as!(
        GuideProposal,
        r#"with item as materialized (
               select g.id, e.title, g.unit, e.category, bigrams(e.title) as pairs
               from guide g join guide_edition e on e.guide_id = g.id and e.number = g.shown
               where g.status = 'published' and e.valid_from <= $3
                   and (e.valid_until is null or e.valid_until >= $3)
           ), pair as (
               select given.pair, ln(1 + (select count(*) from item)::float8 / count(*)) as weight
               from item cross join unnest(item.pairs) as given (pair)
               group by given.pair
           ), scored as (
               select item.id, sum(pair.weight) as whole,
                   sum(pair.weight) filter (where asked.pair is not null) as found,
                   count(asked.pair) as pairs
               from item cross join unnest(item.pairs) as own (pair)
               join pair on pair.pair = own.pair
               left join unnest(bigrams($1::text)) as asked (pair) on asked.pair = own.pair
               group by item.id
           )
           select item.id as "id!: GuideId", item.title as "title!", o.name as "unit_name!",
               item.category as "category!"
           from scored join item on item.id = scored.id join org_node o on o.code = item.unit
           where scored.pairs >= 2 and scored.found * 5 >= scored.whole
           order by scored.found * scored.found / scored.whole desc, item.title, item.id
           limit $2"#,
        text,
        i64::try_from(most).unwrap_or(i64::MAX),
        today,
    )
    .fetch_all(conn)
    .await
}

/// 认为没有用的一条意见
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct GuideComment {
    /// 意见
    #[schema(example = "没有写需不需要复印件")]
    pub comment: String,
    /// 时间
    #[schema(value_type = String, format = DateTime)]
    pub at: Timestamp,
}

/// What people found wanting of an item that its owner was let see, the latest first; nothing says
/// who.
///
/// # Errors
/// The database is away.
pub async fn comments(
    conn: &mut Connection,
    id: GuideId,
    most: i64,
) -> Result<Vec<GuideComment>, sqlx::Error> {
    sqlx::query_as!(
        GuideComment,
        r#"select comment as "comment!", voted_at as at from guide_vote
           where guide_id = $1 and not useful and comment is not null
           order by voted_at desc, voter_mac
           limit $2"#,
        id.0,
        most,
    )
    .fetch_all(conn)
    .await
}
