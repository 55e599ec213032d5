//! Announcements (公告) and their editions. Where one stands is a [`super::publication`]'s. Lists and
//! details are in [`read`].

use domain::{
    announcement::{Audience, Edition, Kind},
    attachment::Chosen,
    id::{AccountId, AnnouncementId},
    org::NodeCode,
    publication::Publication,
    time::Timestamp,
};
use uuid::Uuid;

use super::Connection;

pub mod read;

/// What does not change.
#[derive(Debug, Clone)]
pub struct Head {
    /// In whose name it is.
    pub body: NodeCode,
    /// What it is.
    pub kind: Kind,
    /// Who reads it.
    pub audience: Audience,
}

/// Stores a draft with its first edition.
///
/// # Errors
/// The database is away.
pub async fn insert(
    conn: &mut Connection,
    id: AnnouncementId,
    head: &Head,
    edition: &Edition,
    (by, now): (AccountId, Timestamp),
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "insert into announcement (id, body, kind, audience, status, created_at)
         values ($1, $2, $3, $4, $5, $6)",
        id.0,
        head.body.as_str(),
        head.kind.code(),
        head.audience.code(),
        Publication::draft().status.code(),
        now,
    )
    .execute(&mut *conn)
    .await?;
    add_edition(conn, (id, 1), edition, (by, now)).await
}

/// Stores a later edition of a locked one; [`super::publication::save`] says that it is the latest.
///
/// # Errors
/// The database is away.
pub async fn add_edition(
    conn: &mut Connection,
    (id, number): (AnnouncementId, i32),
    edition: &Edition,
    (by, now): (AccountId, Timestamp),
) -> Result<(), sqlx::Error> {
    let areas: Vec<String> = edition.areas.iter().map(ToString::to_string).collect();
    sqlx::query!(
        "insert into announcement_edition (announcement_id, number, title, text, areas, pinned, starts_at,
             ends_at, pictures, made_by, made_at)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
        id.0,
        number,
        edition.title,
        edition.text,
        &areas,
        edition.pinned,
        edition.starts_at,
        edition.ends_at,
        &pictures(&edition.pictures),
        by.0,
        now,
    )
    .execute(conn)
    .await?;
    Ok(())
}

fn pictures(chosen: &Chosen) -> Vec<Uuid> {
    chosen.ids().iter().map(|id| id.0).collect()
}

/// Those whose time is over, in ascending id, locked.
///
/// # Errors
/// The database is away.
pub async fn over(
    conn: &mut Connection,
    now: Timestamp,
) -> Result<Vec<AnnouncementId>, sqlx::Error> {
    sqlx::query_scalar!(
        r#"select a.id as "id: AnnouncementId" from announcement a
           join announcement_edition e on e.announcement_id = a.id and e.number = a.shown
           where a.status = 'published' and e.ends_at <= $1
           order by a.id for no key update of a skip locked"#,
        now,
    )
    .fetch_all(conn)
    .await
}

/// Notes that somebody read it; a second time changes nothing.
///
/// # Errors
/// The database is away.
pub async fn mark_read(
    conn: &mut Connection,
    id: AnnouncementId,
    reader_mac: &[u8],
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "insert into announcement_read (announcement_id, reader_mac) values ($1, $2)
         on conflict do nothing",
        id.0,
        reader_mac,
    )
    .execute(conn)
    .await?;
    Ok(())
}
