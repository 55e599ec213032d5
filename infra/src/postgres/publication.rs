//! What announcements (公告) and items of the guide (办事指南) share: where one stands. Whoever changes
//! one locks it first. What their editions say, and what people read of them, is each word's own: the
//! columns differ, and a query names its table.

use domain::{
    announcement::Kind,
    id::AccountId,
    org::NodeCode,
    publication::{Publication, Status, Subject},
    time::Timestamp,
};
use uuid::Uuid;

use super::Connection;

/// A publication as it is locked.
#[derive(Debug, Clone)]
pub struct Locked {
    /// Grows by one with each save.
    pub version: i64,
    /// In whose name it is.
    pub body: NodeCode,
    /// Who wrote the edition that waits, or else the latest.
    pub author: AccountId,
    kind: Option<Kind>,
    status: Status,
    edition: i32,
    shown: Option<i32>,
    waiting: Option<i32>,
    approved: Option<i32>,
}

impl Locked {
    /// Where it stands.
    pub const fn publication(&self) -> Publication {
        let Self { status, edition, shown, waiting, approved, .. } = *self;
        Publication { status, edition, shown, waiting, approved }
    }

    /// Whether people read it before another looked at it.
    pub fn is_urgent(&self) -> bool {
        self.kind.is_some_and(Kind::is_urgent)
    }
}

/// A publication, locked until the transaction ends.
///
/// # Errors
/// The database is away.
pub async fn lock(conn: &mut Connection, subject: Subject) -> Result<Option<Locked>, sqlx::Error> {
    // The edition is read once the row is locked: one that changed while this waited would not join.
    match subject {
        Subject::Announcement(id) => {
            sqlx::query!("select id from announcement where id = $1 for no key update", id.0)
                .fetch_optional(&mut *conn)
                .await?;
            sqlx::query_as!(
                Locked,
                r#"select a.version, a.body as "body: NodeCode", a.kind as "kind?: Kind",
                       a.status as "status: Status", a.edition, a.shown, a.waiting, a.approved,
                       e.made_by as "author: AccountId"
                   from announcement a
                   join announcement_edition e
                       on e.announcement_id = a.id and e.number = coalesce(a.waiting, a.edition)
                   where a.id = $1"#,
                id.0,
            )
            .fetch_optional(conn)
            .await
        }
        Subject::Guide(id) => {
            sqlx::query!("select id from guide where id = $1 for no key update", id.0)
                .fetch_optional(&mut *conn)
                .await?;
            // Nobody reads an item that was not let through.
            sqlx::query_as!(
                Locked,
                r#"select g.version, g.unit as "body: NodeCode", null::text as "kind?: Kind",
                       g.status as "status: Status", g.edition, g.shown, g.waiting,
                       g.shown as approved, e.made_by as "author: AccountId"
                   from guide g
                   join guide_edition e
                       on e.guide_id = g.id and e.number = coalesce(g.waiting, g.edition)
                   where g.id = $1"#,
                id.0,
            )
            .fetch_optional(conn)
            .await
        }
    }
}

/// Saves where a locked one stands now, and why. Of an item of the guide of which another edition is
/// shown nobody was told anything yet.
///
/// # Errors
/// The database is away.
pub async fn save(
    conn: &mut Connection,
    subject: Subject,
    publication: &Publication,
    reason: Option<&str>,
    now: Timestamp,
) -> Result<(), sqlx::Error> {
    let Publication { status, edition, shown, waiting, approved } = *publication;
    match subject {
        Subject::Announcement(id) => sqlx::query!(
            "update announcement
             set version = version + 1, status = $2, edition = $3, shown = $4, waiting = $5,
                 reason = $6, approved = $8,
                 published_at = case when $4::int is not null then coalesce(published_at, $7) end
             where id = $1",
            id.0,
            status.code(),
            edition,
            shown,
            waiting,
            reason,
            now,
            approved,
        ),
        Subject::Guide(id) => sqlx::query!(
            "update guide
             set version = version + 1, status = $2, edition = $3, shown = $4, waiting = $5,
                 reason = $6, warned = case when shown is distinct from $4 then 0 else warned end,
                 published_at = case when $4::int is not null then coalesce(published_at, $7) end,
                 review_told = shown is not distinct from $4 and review_told
             where id = $1",
            id.0,
            status.code(),
            edition,
            shown,
            waiting,
            reason,
            now,
        ),
    }
    .execute(conn)
    .await?;
    Ok(())
}

/// What the people of some bodies may read of what they publish, narrowed.
#[derive(Debug, Clone, Default)]
pub struct Desk {
    /// The bodies in whose name the reader writes.
    pub bodies: Vec<NodeCode>,
    /// One alone.
    pub id: Option<Uuid>,
    /// In that edition; the latest when left out.
    pub edition: Option<i32>,
    /// Standing there.
    pub status: Option<Status>,
    /// Those that somebody has to look at, or those that nobody has.
    pub waiting: Option<bool>,
}
