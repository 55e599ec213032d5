//! Attachments as whoever may see them sees them. Nothing here says whose they are.

use domain::{
    attachment::{Check, Kind, MediaType, Place},
    id::{AttachmentId, ClaimId, ComplaintId, OfferId, TaskId},
    page::{Cursor, PageRequest},
    scope::Scope,
    time::Timestamp,
};
use uuid::Uuid;

use crate::postgres::Connection;

/// A file's row.
#[derive(Debug, Clone)]
pub struct Row {
    /// Its id.
    pub id: AttachmentId,
    /// How it is kept.
    pub media_type: MediaType,
    /// What sort of file it is.
    pub kind: Kind,
    /// Its length in bytes.
    pub bytes: i32,
    /// Pixels from left to right.
    pub width: Option<i32>,
    /// Pixels from top to bottom.
    pub height: Option<i32>,
    /// The length of a voice.
    pub milliseconds: Option<i32>,
    /// When it was uploaded.
    pub uploaded_at: Timestamp,
    /// What it belongs to.
    pub place: Option<Place>,
    /// The complaint, where it is one.
    pub complaint: Option<ComplaintId>,
    /// The task, where it is one's reply or report.
    pub task: Option<TaskId>,
    /// The offer, where it is one's picture.
    pub offer: Option<OfferId>,
    /// The claim, where it is one's picture.
    pub claim: Option<ClaimId>,
    /// Whether it may be shown.
    pub check: Check,
    /// Why not.
    pub hidden_reason: Option<String>,
    /// Whether the reader uploaded it.
    pub own: bool,
}

impl Row {
    /// Where the next page starts when this is the last row.
    pub fn cursor(&self) -> Cursor {
        Cursor { at: self.uploaded_at, id: self.id.0 }
    }
}

/// Whose files.
#[derive(Debug, Clone, Copy, Default)]
pub struct Of {
    /// One file.
    pub id: Option<AttachmentId>,
    /// Those of a complaint, a task, an offer or a claim.
    pub target: Option<Uuid>,
    /// Those of a complaint's answer: the lead's confirmed reply, of the case that it follows when
    /// it was merged.
    pub answer_to: Option<ComplaintId>,
}

/// The files of a thing that its reader was let see, in order: by what they belong to, then as they
/// were named. Those that a later reply left out are not among them.
///
/// # Errors
/// The database is away.
pub async fn of(conn: &mut Connection, scope: &Scope, of: Of) -> Result<Vec<Row>, sqlx::Error> {
    sqlx::query_as!(
        Row,
        r#"select id as "id: AttachmentId", media_type as "media_type: MediaType",
               kind as "kind!: Kind", bytes, width, height, milliseconds, uploaded_at,
               place as "place: Place", complaint_id as "complaint: ComplaintId",
               task_id as "task: TaskId",
               offer_id as "offer: OfferId", claim_id as "claim: ClaimId",
               check_state as "check: Check", hidden_reason, owner_id = $1 as "own!"
           from attachment a
           where (a.id = $2 or a.target_id = $3
                   or a.place = 'reply' and a.target_id = (
                       select t.id from task t
                       where t.complaint_id = (
                               select coalesce(merged_into, id) from complaint where id = $4)
                           and t.role = 'lead' and t.status = 'confirmed'
                       order by t.confirmed_at desc limit 1))
               and (not a.superseded or $2 is not null)
               -- What waits for the head is read by those who work on the task alone.
               and not (a.place = 'reply' and exists (
                   select from task t where t.id = a.task_id and t.waiting_since <= a.attached_at
                       and not (t.unit = any($5) or coalesce(t.body = any($5), false))))
           order by a.attached_at, a.position, a.id"#,
        scope.account().0,
        of.id.map(|id| id.0),
        of.target,
        of.answer_to.map(|id| id.0),
        scope.units(),
    )
    .fetch_all(conn)
    .await
}

/// Everything that was attached, for those who judge it, newest first, one more than the page.
///
/// # Errors
/// The database is away.
pub async fn judged(
    conn: &mut Connection,
    scope: &Scope,
    check: Option<Check>,
    page: PageRequest,
) -> Result<Vec<Row>, sqlx::Error> {
    sqlx::query_as!(
        Row,
        r#"select id as "id: AttachmentId", media_type as "media_type: MediaType",
               kind as "kind!: Kind", bytes, width, height, milliseconds, uploaded_at,
               place as "place: Place", complaint_id as "complaint: ComplaintId",
               task_id as "task: TaskId",
               offer_id as "offer: OfferId", claim_id as "claim: ClaimId",
               check_state as "check: Check", hidden_reason, owner_id = $1 as "own!"
           from attachment
           where place is not null and $2 and ($3::text is null or check_state = $3)
               and ($4::timestamptz is null or (uploaded_at, id) < ($4, $5))
           order by uploaded_at desc, id desc
           limit $6"#,
        scope.account().0,
        scope.everything(),
        check.map(Check::code),
        page.after.map(|cursor| cursor.at),
        page.after.map_or(Uuid::nil(), |cursor| cursor.id),
        page.probe(),
    )
    .fetch_all(conn)
    .await
}

/// What a link leads to: how the file is kept, and whether it may be shown.
///
/// # Errors
/// The database is away.
pub async fn behind_link(
    conn: &mut Connection,
    id: AttachmentId,
) -> Result<Option<(MediaType, Check)>, sqlx::Error> {
    let row = sqlx::query!(
        r#"select media_type as "media_type: MediaType", check_state as "check: Check"
           from attachment where id = $1"#,
        id.0
    )
    .fetch_optional(conn)
    .await?;
    Ok(row.map(|row| (row.media_type, row.check)))
}
