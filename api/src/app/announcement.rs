//! Use cases of announcements (公告): written by a body's officers, looked at by another of them,
//! shown to the people of its area, ended by the clock or taken down.

use domain::{
    announcement::{Edition, EditionForm, keeps},
    event::{EventKind, NewEvent, Visibility},
    id::{AccountId, AnnouncementId, JobId},
    identity::Permission,
    org::NodeCode,
    page::PageRequest,
    publication::{Publication, Verdict},
    refusal::{Basic, Invalid},
    time::Timestamp,
};
use infra::{
    postgres::{
        Connection,
        announcement::{self as store, Head, Locked, read},
        attachment::Target,
        event, identity as accounts, org,
    },
    random,
};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{
    attachment::attach,
    case::{Ask, carry_out},
    idempotent::{self, Answer, Once},
    notification::announce,
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
            let Some(locked) = store::lock(tx, id).await? else { continue };
            let ended = locked.publication.end()?;
            store::save(tx, id, &ended, None, now).await?;
            let data = json!({ "status": ended.status });
            Ask::worker().record(tx, ("announcement.end", "announcement", id), data, now).await?;
        }
        Ok(())
    }
}

/// In whose name a new one is: of the body that is named, or else of the only one that there can be.
///
/// # Errors
/// Another body's; several to choose from.
pub fn body(ask: &Ask, named: Option<NodeCode>) -> Result<NodeCode, Error> {
    let actor = ask.actor.as_ref().ok_or(Basic::Unauthenticated)?;
    match named {
        Some(body) if keeps(actor, &body) => Ok(body),
        Some(_) => Err(Invalid::field("body", "只能以本单位的名义发布公告").into()),
        None => match actor.nodes(Permission::KeepAnnouncement).as_slice() {
            [only] => Ok(only.clone()),
            _ => Err(Invalid::field("body", "请写明以哪个单位的名义发布").into()),
        },
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
            let filter =
                read::Desk { bodies: vec![head.body], id: Some(id), ..read::Desk::default() };
            let row =
                read::desk(tx, &filter, PageRequest::FIRST).await?.pop().ok_or(Basic::NotFound)?;
            Ok((view(&here, row), ()))
        })
    })
    .await
}

/// An announcement in whose body's name the actor writes, locked; another is missing.
async fn kept(
    tx: &mut Connection,
    ask: &Ask,
    id: AnnouncementId,
) -> Result<(Locked, AccountId), Error> {
    let actor = ask.actor.as_ref().ok_or(Basic::Unauthenticated)?;
    let locked = store::lock(tx, id).await?.filter(|locked| keeps(actor, &locked.body));
    let locked = locked.ok_or(Basic::NotFound)?;
    ask.check_version(locked.version)?;
    Ok((locked, actor.account))
}

async fn record(
    tx: &mut Connection,
    ask: &Ask,
    (action, id): (&'static str, AnnouncementId),
    publication: &Publication,
    now: Timestamp,
) -> Result<(), Error> {
    let Publication { status, edition, shown, .. } = publication;
    let data = json!({ "status": status, "edition": edition, "shown": shown });
    ask.record(tx, (action, "announcement", id), data, now).await
}

/// Tells those concerned of a step; also the guide does.
pub(super) async fn tell(
    tx: &mut Connection,
    subject: uuid::Uuid,
    (kind, unit, note): (EventKind, &NodeCode, Option<String>),
    data: Value,
    (by, now): (Option<AccountId>, Timestamp),
) -> Result<Vec<JobId>, Error> {
    let mut event = NewEvent::new(kind, Visibility::Everyone).with(data).note(note);
    event.unit = Some(unit.clone());
    let last = event::append_next(tx, subject, &[event], by, now).await?;
    Ok(announce(tx, subject, last, 1, now).await?.into_iter().collect())
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
            let (locked, by) = kept(tx, &ask, id).await?;
            let publication = locked.publication.revise()?;
            check_areas(tx, &edition).await?;
            store::add_edition(tx, (id, publication.edition), &edition, (by, now)).await?;
            attach(tx, &edition.pictures, Target::Announcement(id), Some(by), now).await?;
            store::save(tx, id, &publication, None, now).await?;
            record(tx, &ask, ("announcement.revise", id), &publication, now).await
        })
    })
    .await
}

/// The body of one's own announcement; it never changes, so that nothing is locked.
async fn lock_free_body(state: &State, ask: &Ask, id: AnnouncementId) -> Result<NodeCode, Error> {
    let actor = ask.actor.as_ref().ok_or(Basic::Unauthenticated)?;
    let bodies = actor.nodes(Permission::KeepAnnouncement);
    let filter = read::Desk { bodies, id: Some(id), ..read::Desk::default() };
    let mut connection = state.db.acquire().await?;
    let row = read::desk(&mut connection, &filter, PageRequest::FIRST).await?.pop();
    Ok(row.ok_or(Basic::NotFound)?.body)
}

/// Hands in the latest edition: another officer of the body has to look at it, where there is one.
/// What is cut off is shown at once and looked at after.
///
/// # Errors
/// Another body's; stale; an illegal step; nothing new, or it waits already.
pub async fn submit(state: &State, ask: Ask, id: AnnouncementId) -> Result<(), Error> {
    carry_out(state, move |tx, _, now| {
        Box::pin(async move {
            let (locked, by) = kept(tx, &ask, id).await?;
            let roles = Permission::KeepAnnouncement.roles();
            let others = accounts::another_holds(tx, by, &roles, &locked.body).await?;
            let publication = locked.publication.submit(locked.kind.review(others))?;
            store::save(tx, id, &publication, None, now).await?;
            record(tx, &ask, ("announcement.submit", id), &publication, now).await?;
            if publication.waiting.is_none() {
                return Ok(Vec::new());
            }
            let data = json!({ "after": publication.shown == publication.waiting });
            let told = (EventKind::PublicationSubmitted, &locked.body, None);
            tell(tx, id.0, told, data, (Some(by), now)).await
        })
    })
    .await
}

/// Another officer of the body looked at it; who wrote it is told.
///
/// # Errors
/// Another body's; stale; an illegal step; nothing waits; one's own.
pub async fn review(
    state: &State,
    ask: Ask,
    id: AnnouncementId,
    verdict: Verdict,
) -> Result<(), Error> {
    carry_out(state, move |tx, _, now| {
        Box::pin(async move {
            let (locked, by) = kept(tx, &ask, id).await?;
            let own = accounts::same_person(tx, by, &[locked.author]).await?;
            let publication = locked.publication.review(verdict.approve, own)?;
            let reason = verdict.note.as_deref().filter(|_| !verdict.approve);
            store::save(tx, id, &publication, reason, now).await?;
            record(tx, &ask, ("announcement.review", id), &publication, now).await?;
            let data = json!({ "approved": verdict.approve, "account": locked.author });
            let told = (EventKind::PublicationReviewed, &locked.body, verdict.note.clone());
            tell(tx, id.0, told, data, (Some(by), now)).await
        })
    })
    .await
}

/// Takes it down, with a reason.
///
/// # Errors
/// Another body's; stale; an illegal step.
pub async fn withdraw(
    state: &State,
    ask: Ask,
    id: AnnouncementId,
    reason: String,
) -> Result<(), Error> {
    let now = state.clock.now();
    transact(&state.db, move |tx| {
        Box::pin(async move {
            let (locked, _) = kept(tx, &ask, id).await?;
            let publication = locked.publication.withdraw()?;
            store::save(tx, id, &publication, Some(&reason), now).await?;
            record(tx, &ask, ("announcement.withdraw", id), &publication, now).await
        })
    })
    .await
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
