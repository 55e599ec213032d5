//! Announcements as they are read: by people the edition that is shown, by the body's officers the
//! latest.

use domain::{
    announcement::{Audience, Kind},
    id::{AnnouncementId, AttachmentId},
    org::NodeCode,
    page::{Cursor, PageRequest},
    publication::Status,
    time::Timestamp,
};
use uuid::Uuid;

use crate::postgres::{Connection, publication::Desk};

/// An announcement in one of its editions.
#[derive(Debug, Clone)]
pub struct Row {
    /// Its id.
    pub id: AnnouncementId,
    /// What `If-Match` compares.
    pub version: i64,
    /// In whose name it is.
    pub body: NodeCode,
    /// That body's name.
    pub body_name: String,
    /// What it is.
    pub kind: Kind,
    /// Who reads it.
    pub audience: Audience,
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
    /// Its title.
    pub title: String,
    /// Its text.
    pub text: String,
    /// Whom it concerns.
    pub areas: Vec<String>,
    /// It stands first.
    pub pinned: bool,
    /// From when people read it.
    pub starts_at: Timestamp,
    /// Until when.
    pub ends_at: Timestamp,
    /// Who wrote this edition.
    pub made_by: String,
    /// When.
    pub made_at: Timestamp,
    /// Its pictures that are not hidden, in order.
    pub pictures: Vec<AttachmentId>,
    /// How many have read it.
    pub reads: i64,
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
    /// One alone; also one that is over.
    pub id: Option<AnnouncementId>,
    /// Of this community or village, or of what it lies in.
    pub community: Option<NodeCode>,
    /// Of this sort.
    pub kind: Option<Kind>,
    /// Those that stand first, or those that do not.
    pub pinned: Option<bool>,
    /// With these words.
    pub words: Option<Vec<String>>,
    /// Also what is for the staff.
    pub staff: bool,
}

/// What people may read now, the latest first, one more than the page. It has no scope: it is
/// everybody's.
///
/// # Errors
/// The database is away.
pub async fn public(
    conn: &mut Connection,
    filter: &Public,
    page: PageRequest,
    now: Timestamp,
) -> Result<Vec<Row>, sqlx::Error> {
    sqlx::query_as!(
        Row,
        r#"select a.id as "id: AnnouncementId", a.version, a.body as "body: NodeCode",
               o.name as body_name, a.kind as "kind: Kind", a.audience as "audience: Audience",
               a.status as "status: Status", a.edition, a.shown, a.waiting, a.reason, a.created_at,
               a.published_at, e.number, e.title, e.text, e.areas, e.pinned, e.starts_at, e.ends_at,
               w.display_name as made_by, e.made_at,
               array(select p.id from unnest(e.pictures) with ordinality as chosen (id, place)
                   join attachment p on p.id = chosen.id
                   where p.check_state <> 'hidden' order by chosen.place)
                   as "pictures!: Vec<AttachmentId>",
               0::bigint as "reads!"
           from announcement a
           join announcement_edition e on e.announcement_id = a.id and e.number = a.shown
           join org_node o on o.code = a.body
           join account w on w.id = e.made_by
           where a.status in ('published', 'ended') and e.starts_at <= $1
               and ($2::uuid is not null or a.status = 'published' and e.ends_at > $1)
               and ($2::uuid is null or a.id = $2)
               and ($3::text is null or exists (
                   select from unnest(e.areas) as area (code)
                   where $3 like area.code || '%' or area.code like $3 || '%'))
               and ($4::text is null or a.kind = $4)
               and ($5::bool is null or e.pinned = $5)
               and ($6::text[] is null or searched(e.title, e.text, null) @> bigrams($6))
               and ($7 or a.audience = 'residents')
               and ($8::timestamptz is null or (a.published_at, a.id) < ($8, $9))
           order by a.published_at desc, a.id desc
           limit $10"#,
        now,
        filter.id.map(|id| id.0),
        filter.community.as_ref().map(NodeCode::as_str),
        filter.kind.map(Kind::code),
        filter.pinned,
        filter.words.as_deref(),
        filter.staff,
        page.after.map(|cursor| cursor.at),
        page.after.map_or(Uuid::nil(), |cursor| cursor.id),
        page.probe(),
    )
    .fetch_all(conn)
    .await
}

/// What a body's officers see, the latest first, one more than the page.
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
        r#"select a.id as "id: AnnouncementId", a.version, a.body as "body: NodeCode",
               o.name as body_name, a.kind as "kind: Kind", a.audience as "audience: Audience",
               a.status as "status: Status", a.edition, a.shown, a.waiting, a.reason, a.created_at,
               a.published_at, e.number, e.title, e.text, e.areas, e.pinned, e.starts_at, e.ends_at,
               w.display_name as made_by, e.made_at,
               array(select p.id from unnest(e.pictures) with ordinality as chosen (id, place)
                   join attachment p on p.id = chosen.id
                   where p.check_state <> 'hidden' order by chosen.place)
                   as "pictures!: Vec<AttachmentId>",
               (select count(*) from announcement_read r where r.announcement_id = a.id) as "reads!"
           from announcement a
           join announcement_edition e
               on e.announcement_id = a.id and e.number = coalesce($3, a.edition)
           join org_node o on o.code = a.body
           join account w on w.id = e.made_by
           where a.body = any($1)
               and ($2::uuid is null or a.id = $2)
               and ($4::text is null or a.status = $4)
               and ($5::bool is null or (a.waiting is not null) = $5)
               and ($6::timestamptz is null or (a.created_at, a.id) < ($6, $7))
           order by a.created_at desc, a.id desc
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
