//! Attachments (附件): a row for each file that lies in the store.

use domain::{
    attachment::{Candidate, Check, Kind, MediaType, Place, Quota},
    id::{
        AccountId, AnnouncementId, AttachmentId, ClaimId, ComplaintId, FeedbackId, OfferId, TaskId,
    },
    time::Timestamp,
};
use uuid::Uuid;

use super::Connection;

pub mod read;
pub mod trace;

/// A file that was kept.
#[derive(Debug, Clone, Copy)]
pub struct NewAttachment {
    /// Its id, from which its name is made.
    pub id: AttachmentId,
    /// Whose it is.
    pub owner: AccountId,
    /// How it is kept.
    pub media_type: MediaType,
    /// Its length in bytes, as it is kept.
    pub bytes: i32,
    /// The same, as it was sent.
    pub sent_bytes: i32,
    /// Width and height of a picture.
    pub size: Option<(i32, i32)>,
    /// The length of a voice.
    pub milliseconds: Option<i32>,
}

/// The thing that files are attached to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Target {
    /// A complaint, as it is submitted.
    Complaint(ComplaintId),
    /// A unit's report of its arrival.
    ReportIn(TaskId),
    /// A unit's reply.
    Reply(TaskId),
    /// An offer.
    Offer(OfferId),
    /// Somebody's claim.
    Claim(ClaimId),
    /// An opinion on the application.
    Feedback(FeedbackId),
    /// An announcement.
    Announcement(AnnouncementId),
}

impl Target {
    /// What it is.
    pub const fn place(self) -> Place {
        match self {
            Self::Complaint(_) => Place::Complaint,
            Self::ReportIn(_) => Place::ReportIn,
            Self::Reply(_) => Place::Reply,
            Self::Offer(_) => Place::Offer,
            Self::Claim(_) => Place::Claim,
            Self::Feedback(_) => Place::Feedback,
            Self::Announcement(_) => Place::Announcement,
        }
    }

    /// Its id.
    pub const fn id(self) -> Uuid {
        match self {
            Self::Complaint(id) => id.0,
            Self::ReportIn(id) | Self::Reply(id) => id.0,
            Self::Offer(id) => id.0,
            Self::Claim(id) => id.0,
            Self::Feedback(id) => id.0,
            Self::Announcement(id) => id.0,
        }
    }
}

/// What an account has uploaded since `since`. Its row is locked, so that two uploads at once are
/// counted one after the other.
///
/// # Errors
/// The database is away.
pub async fn used(
    conn: &mut Connection,
    account: AccountId,
    since: Timestamp,
) -> Result<Quota, sqlx::Error> {
    sqlx::query!("select from account where id = $1 for no key update", account.0)
        .execute(&mut *conn)
        .await?;
    sqlx::query_as!(
        Quota,
        r#"select count(*) as "files!", coalesce(sum(sent_bytes), 0)::bigint as "bytes!"
           from attachment where owner_id = $1 and uploaded_at > $2"#,
        account.0,
        since,
    )
    .fetch_one(conn)
    .await
}

/// Adds a file's row.
///
/// # Errors
/// The database is away.
pub async fn insert(
    conn: &mut Connection,
    file: &NewAttachment,
    now: Timestamp,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "insert into attachment
             (id, owner_id, media_type, bytes, sent_bytes, width, height, milliseconds, uploaded_at)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
        file.id.0,
        file.owner.0,
        file.media_type.code(),
        file.bytes,
        file.sent_bytes,
        file.size.map(|(width, _)| width),
        file.size.map(|(_, height)| height),
        file.milliseconds,
        now,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// The ids of the files after `after`, in ascending order, at most `limit`.
///
/// # Errors
/// The database is away.
pub async fn ids(
    conn: &mut Connection,
    after: Option<AttachmentId>,
    limit: i64,
) -> Result<Vec<AttachmentId>, sqlx::Error> {
    sqlx::query_scalar!(
        r#"select id as "id: AttachmentId" from attachment
           where $1::uuid is null or id > $1 order by id limit $2"#,
        after.map(|id| id.0),
        limit,
    )
    .fetch_all(conn)
    .await
}

/// Whether a file has its row.
///
/// # Errors
/// The database is away.
pub async fn exists(conn: &mut Connection, id: AttachmentId) -> Result<bool, sqlx::Error> {
    sqlx::query_scalar!(
        r#"select exists (select from attachment where id = $1) as "there!""#,
        id.0,
    )
    .fetch_one(conn)
    .await
}

/// Locks files that are to be attached to `target`, in ascending id.
///
/// # Errors
/// The database is away.
pub async fn lock(
    conn: &mut Connection,
    ids: &[AttachmentId],
    target: Target,
) -> Result<Vec<(AttachmentId, Candidate)>, sqlx::Error> {
    let ids: Vec<Uuid> = ids.iter().map(|id| id.0).collect();
    let rows = sqlx::query!(
        r#"select id as "id: AttachmentId", owner_id as "owner: AccountId", kind as "kind!: Kind",
               place is not null as "attached!",
               coalesce(place = $2 and target_id = $3, false) as "here!"
           from attachment where id = any($1) order by id
           for update"#,
        &ids,
        target.place().code(),
        target.id(),
    )
    .fetch_all(conn)
    .await?;
    let candidate = |owner, attached, here, kind| Candidate { owner, attached, here, kind };
    Ok(rows
        .into_iter()
        .map(|row| (row.id, candidate(row.owner, row.attached, row.here, row.kind)))
        .collect())
}

/// Attaches locked files, in the order in which they are named. What a thing had before whose files
/// are chosen again, and does not name any more, is superseded.
///
/// # Errors
/// The database is away.
pub async fn attach(
    conn: &mut Connection,
    ids: &[AttachmentId],
    target: Target,
    now: Timestamp,
) -> Result<(), sqlx::Error> {
    let ids: Vec<Uuid> = ids.iter().map(|id| id.0).collect();
    let place = target.place();
    if place.is_rewritten() {
        sqlx::query!(
            "update attachment set superseded = not id = any($3)
             where target_id = $1 and place = $2 and superseded = (id = any($3))",
            target.id(),
            place.code(),
            &ids,
        )
        .execute(&mut *conn)
        .await?;
    }
    sqlx::query!(
        "update attachment
         set place = $2, attached_at = $4, position = array_position($1::uuid[], id),
             complaint_id = case when $2 = 'complaint' then $3::uuid end,
             task_id = case when $2 in ('report_in', 'reply') then $3::uuid end,
             offer_id = case when $2 = 'offer' then $3::uuid end,
             claim_id = case when $2 = 'claim' then $3::uuid end,
             feedback_id = case when $2 = 'feedback' then $3::uuid end,
             announcement_id = case when $2 = 'announcement' then $3::uuid end
         where id = any($1)",
        &ids,
        place.code(),
        target.id(),
        now,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Where a file's check stands; its row is locked. Only what is attached is judged.
///
/// # Errors
/// The database is away.
pub async fn lock_check(
    conn: &mut Connection,
    id: AttachmentId,
) -> Result<Option<Check>, sqlx::Error> {
    sqlx::query_scalar!(
        r#"select check_state as "check: Check" from attachment
           where id = $1 and place is not null
           for update"#,
        id.0
    )
    .fetch_optional(conn)
    .await
}

/// Saves where it stands now: by whom, and why it is hidden.
///
/// # Errors
/// The database is away.
pub async fn save_check(
    conn: &mut Connection,
    (id, check): (AttachmentId, Check),
    hidden_reason: Option<&str>,
    by: Option<AccountId>,
    now: Timestamp,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "update attachment
         set check_state = $2, hidden_reason = $3, judged_by = $4, judged_at = $5
         where id = $1",
        id.0,
        check.code(),
        hidden_reason,
        by.map(|account| account.0),
        now,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Which of these files have a row.
///
/// # Errors
/// The database is away.
pub async fn known(
    conn: &mut Connection,
    ids: &[AttachmentId],
) -> Result<Vec<AttachmentId>, sqlx::Error> {
    let ids: Vec<Uuid> = ids.iter().map(|id| id.0).collect();
    sqlx::query_scalar!(
        r#"select id as "id: AttachmentId" from attachment where id = any($1)"#,
        &ids
    )
    .fetch_all(conn)
    .await
}

/// Forgets the files that were uploaded before `before` and are attached to nothing. One that is
/// being attached now is left to whoever attaches it.
///
/// # Errors
/// The database is away.
pub async fn forget_unattached(
    conn: &mut Connection,
    before: Timestamp,
) -> Result<u64, sqlx::Error> {
    let done = sqlx::query!(
        "delete from attachment where id = any(array(
             select id from attachment where place is null and uploaded_at <= $1
             order by id for update skip locked))",
        before,
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected())
}
