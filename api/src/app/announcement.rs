//! Use cases of announcements (公告): written by a body's officers, looked at by another of them,
//! shown to the people of its area, ended by the clock or taken down.

use domain::{
    announcement::{Edition, EditionForm},
    id::{AccountId, AnnouncementId},
    identity::Permission,
    org::NodeCode,
    page::PageRequest,
    publication::Step,
    refusal::{Basic, Invalid},
    time::Timestamp,
};
use infra::{
    postgres::{
        Connection,
        announcement::{self as store, Head, read},
        attachment::Target,
        org,
        publication::{self, Desk},
    },
    random,
};
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::{
    attachment::attach,
    case::Ask,
    idempotent::{self, Answer, Once},
    publication::{kept, moved},
    transact,
};
use crate::{error::Error, state::State};

/// Ends announcements whose time is over.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub struct EndAnnouncements {}

impl EndAnnouncements {
    /// The kind of the job.
    pub const KIND: &'static str = "end_announcements";

    /// Ends them, each on record.
    ///
    /// # Errors
    /// The database's.
    pub async fn end(tx: &mut Connection, now: Timestamp) -> Result<(), Error> {
        for id in store::over(tx, now).await? {
            let Some(locked) = publication::lock(tx, id.into()).await? else { continue };
            let ended = locked.publication().end()?;
            moved(tx, &Ask::worker(), (id.into(), Step::End), (&ended, None), now).await?;
        }
        Ok(())
    }
}

async fn check_areas(tx: &mut Connection, edition: &Edition) -> Result<(), Error> {
    let known = org::names(tx, &edition.areas).await?;
    match edition.areas.iter().position(|area| !known.contains_key(area)) {
        None => Ok(()),
        Some(place) => {
            Err(Invalid::field(format!("areas[{place}]"), "没有这个区划，请从列表中选择").into())
        }
    }
}

/// Begins an announcement: nobody but the body's officers sees it yet. `view` is what is answered.
///
/// # Errors
/// No such area; a picture that is not the caller's to attach; the key was used for another command.
pub async fn draft<T: Serialize + Send + 'static>(
    state: &State,
    ask: Ask,
    once: Once,
    (head, edition): (Head, Edition),
    view: fn(&State, read::Row) -> T,
) -> Result<Answer<()>, Error> {
    let now = state.clock.now();
    let here = state.clone();
    idempotent::run(state, once, 201, move |tx| {
        Box::pin(async move {
            let by = ask.account().ok_or(Basic::Unauthenticated)?;
            check_areas(tx, &edition).await?;
            let id: AnnouncementId = random::id(now);
            store::insert(tx, id, &head, &edition, (by, now)).await?;
            attach(tx, &edition.pictures, Target::Announcement(id), Some(by), now).await?;
            let data = json!({ "body": head.body, "kind": head.kind });
            ask.record(tx, ("announcement.draft", "announcement", id), data, now).await?;
            let filter = Desk { bodies: vec![head.body], id: Some(id.0), ..Desk::default() };
            let row =
                read::desk(tx, &filter, PageRequest::FIRST).await?.pop().ok_or(Basic::NotFound)?;
            Ok((view(&here, row), ()))
        })
    })
    .await
}

/// Writes a new edition. What people read stays until it is handed in and let through.
///
/// # Errors
/// Another body's; stale; an illegal step; what [`draft`] refuses of an edition.
pub async fn revise(
    state: &State,
    ask: Ask,
    id: AnnouncementId,
    form: &EditionForm<'_>,
) -> Result<(), Error> {
    let now = state.clock.now();
    let body = lock_free_body(state, &ask, id).await?;
    let edition = form.parse(&body, now)?;
    transact(&state.db, move |tx| {
        Box::pin(async move {
            let (locked, by) = kept(tx, &ask, id.into()).await?;
            let publication = locked.publication().revise()?;
            check_areas(tx, &edition).await?;
            store::add_edition(tx, (id, publication.edition), &edition, (by, now)).await?;
            attach(tx, &edition.pictures, Target::Announcement(id), Some(by), now).await?;
            moved(tx, &ask, (id.into(), Step::Revise), (&publication, None), now).await
        })
    })
    .await
}

/// The body of one's own announcement; it never changes, so that nothing is locked.
async fn lock_free_body(state: &State, ask: &Ask, id: AnnouncementId) -> Result<NodeCode, Error> {
    let actor = ask.actor.as_ref().ok_or(Basic::Unauthenticated)?;
    let bodies = actor.nodes(Permission::KeepAnnouncement);
    let filter = Desk { bodies, id: Some(id.0), ..Desk::default() };
    let mut connection = state.db.acquire().await?;
    let row = read::desk(&mut connection, &filter, PageRequest::FIRST).await?.pop();
    Ok(row.ok_or(Basic::NotFound)?.body)
}

/// Notes that somebody read it: it is counted, and nobody can say who it was.
///
/// # Errors
/// The database is away.
pub async fn mark_read(state: &State, by: AccountId, id: AnnouncementId) -> Result<(), Error> {
    let mac = state.crypto.mac("announcement-read", format!("{id}/{by}").as_bytes());
    transact(&state.db, move |tx| {
        Box::pin(async move { Ok(store::mark_read(tx, id, &mac).await?) })
    })
    .await
}
