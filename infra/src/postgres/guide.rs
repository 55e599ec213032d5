//! The guide of services (办事指南): items, their editions, and what people say of them. Where an item
//! stands is a [`super::publication`]'s. Lists and details are in [`read`].

use chrono::NaiveDate;
use domain::{
    guide::{Item, Vote},
    id::{AccountId, GuideId},
    org::NodeCode,
    publication::Publication,
    time::Timestamp,
};

use super::Connection;

pub mod read;

/// The unit's item of a title, if it has one that is not withdrawn.
///
/// # Errors
/// The database is away.
pub async fn titled(
    conn: &mut Connection,
    unit: &NodeCode,
    title: &str,
) -> Result<Option<GuideId>, sqlx::Error> {
    sqlx::query_scalar!(
        r#"select id as "id: GuideId" from guide
           where unit = $1 and title = $2 and status <> 'withdrawn'"#,
        unit.as_str(),
        title,
    )
    .fetch_optional(conn)
    .await
}

/// What the latest edition of an item says.
///
/// # Errors
/// The database is away.
pub async fn latest(conn: &mut Connection, id: GuideId) -> Result<Option<Item>, sqlx::Error> {
    sqlx::query_as!(
        Item,
        "select e.title, e.category, e.eligible, e.materials, e.steps, e.place, e.hours, e.phone, e.fee,
             e.term_days, e.link, e.basis, e.valid_from, e.valid_until, e.next_review
         from guide g join guide_edition e on e.guide_id = g.id and e.number = g.edition
         where g.id = $1",
        id.0,
    )
    .fetch_optional(conn)
    .await
}

/// Stores a draft with its first edition.
///
/// # Errors
/// The database is away; `guide_title` when the unit has one of this title.
pub async fn insert(
    conn: &mut Connection,
    id: GuideId,
    unit: &NodeCode,
    item: &Item,
    (by, now): (AccountId, Timestamp),
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "insert into guide (id, unit, title, status, created_at) values ($1, $2, $3, $4, $5)",
        id.0,
        unit.as_str(),
        item.title,
        Publication::draft().status.code(),
        now,
    )
    .execute(&mut *conn)
    .await?;
    add_edition(conn, (id, 1), item, (by, now)).await
}

/// Stores a later edition of a locked item; [`super::publication::save`] says that it is the latest.
///
/// # Errors
/// The database is away; `guide_title` when the unit has one of this title.
pub async fn revise(
    conn: &mut Connection,
    (id, number): (GuideId, i32),
    item: &Item,
    (by, now): (AccountId, Timestamp),
) -> Result<(), sqlx::Error> {
    sqlx::query!("update guide set title = $2 where id = $1", id.0, item.title)
        .execute(&mut *conn)
        .await?;
    add_edition(conn, (id, number), item, (by, now)).await
}

async fn add_edition(
    conn: &mut Connection,
    (id, number): (GuideId, i32),
    item: &Item,
    (by, now): (AccountId, Timestamp),
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "insert into guide_edition (guide_id, number, title, category, eligible, materials, steps, place,
             hours, phone, fee, term_days, link, basis, valid_from, valid_until, next_review, made_by,
             made_at)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19)",
        id.0,
        number,
        item.title,
        item.category,
        item.eligible,
        &item.materials,
        &item.steps,
        item.place,
        item.hours,
        item.phone,
        item.fee,
        item.term_days,
        item.link,
        item.basis,
        item.valid_from,
        item.valid_until,
        item.next_review,
        by.0,
        now,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// An item of which its owner is to be told something.
#[derive(Debug, Clone)]
pub struct Due {
    /// Which.
    pub id: GuideId,
    /// Whose.
    pub unit: NodeCode,
    /// Its last day.
    pub valid_until: Option<NaiveDate>,
    /// What its owner was told: 1 that it will run out, 2 that it did.
    pub warned: i16,
    /// It is time to look through it, and its owner was not told.
    pub review: bool,
}

/// Items that run out up to `warned_until`, ran out before `today`, or are to be looked through, and
/// whose owner was not told; locked, in ascending id.
///
/// # Errors
/// The database is away.
pub async fn due(
    conn: &mut Connection,
    today: NaiveDate,
    warned_until: NaiveDate,
) -> Result<Vec<Due>, sqlx::Error> {
    sqlx::query_as!(
        Due,
        r#"select g.id as "id: GuideId", g.unit as "unit: NodeCode", e.valid_until, g.warned,
               coalesce(e.next_review <= $1 and not g.review_told, false) as "review!"
           from guide g join guide_edition e on e.guide_id = g.id and e.number = g.shown
           where g.status = 'published'
               and (e.valid_until <= $2 and g.warned = 0 or e.valid_until < $1 and g.warned < 2
                   or e.next_review <= $1 and not g.review_told)
           order by g.id for no key update of g skip locked"#,
        today,
        warned_until,
    )
    .fetch_all(conn)
    .await
}

/// Notes what the owner of a locked item was told. It is no change of the item: its version stays.
///
/// # Errors
/// The database is away.
pub async fn told(
    conn: &mut Connection,
    id: GuideId,
    warned: i16,
    review: bool,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "update guide set warned = $2, review_told = review_told or $3 where id = $1",
        id.0,
        warned,
        review,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Keeps what somebody says of an item; the latest word of each counts.
///
/// # Errors
/// The database is away.
pub async fn vote(
    conn: &mut Connection,
    id: GuideId,
    (voter_mac, account): (&[u8], Option<AccountId>),
    vote: &Vote,
    now: Timestamp,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "insert into guide_vote (guide_id, voter_mac, account_id, useful, comment, voted_at)
         values ($1, $2, $3, $4, $5, $6)
         on conflict (guide_id, voter_mac) do update
         set useful = excluded.useful, comment = excluded.comment, voted_at = excluded.voted_at",
        id.0,
        voter_mac,
        account.map(|account| account.0),
        vote.useful,
        vote.comment,
        now,
    )
    .execute(conn)
    .await?;
    Ok(())
}
