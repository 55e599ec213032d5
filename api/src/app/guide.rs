//! Use cases of the guide of services (办事指南): written by a unit's people, signed by whoever signs
//! for the unit, read and voted on by everybody; its owner is told when it runs out.

use domain::{
    event::EventKind,
    guide::{self, Item, Refused, Vote, expired, keeps},
    id::{AccountId, GuideId, JobId},
    identity::{Permission, Role},
    org::NodeCode,
    page::PageRequest,
    publication::{Publication, Verdict},
    refusal::{Basic, Invalid},
    time::{self, Timestamp},
};
use infra::{
    postgres::{
        Connection,
        guide::{self as store, Locked, read},
        identity as accounts, violated,
    },
    random,
};
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::{
    announcement::tell,
    case::{Ask, carry_out},
    idempotent::{self, Answer, Once},
    transact,
};
use crate::{error::Error, state::State};

pub mod import;

/// Tells owners of items that run out, ran out, or are to be looked through.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub struct RemindGuides {}

impl RemindGuides {
    /// The kind of the job.
    pub const KIND: &'static str = "remind_guides";

    /// Tells each owner once of each.
    ///
    /// # Errors
    /// The database's.
    pub async fn remind(tx: &mut Connection, now: Timestamp) -> Result<(), Error> {
        let today = time::date(now);
        for item in store::due(tx, today, guide::warned_until(today)).await? {
            let over = expired(item.valid_until, today);
            let near = item.valid_until.is_some_and(|day| day <= guide::warned_until(today));
            let warned = if over { 2 } else { i16::from(near) };
            let kinds = [
                (over && item.warned < 2, EventKind::GuideExpired),
                (near && !over && item.warned < 1, EventKind::GuideExpiring),
                (item.review, EventKind::GuideReviewDue),
            ];
            for (_, kind) in kinds.into_iter().filter(|(due, _)| *due) {
                let data = json!({ "until": item.valid_until });
                tell(tx, item.id.0, (kind, &item.unit, None), data, (None, now)).await?;
            }
            store::told(tx, item.id, warned.max(item.warned), item.review).await?;
        }
        Ok(())
    }
}

/// Whose a new item is: of the unit that is named, or else of the only one that there can be.
///
/// # Errors
/// Another unit's; several to choose from.
pub fn owner(ask: &Ask, named: Option<NodeCode>) -> Result<NodeCode, Error> {
    let actor = ask.actor.as_ref().ok_or(Basic::Unauthenticated)?;
    match named {
        Some(unit) if keeps(actor, &unit) => Ok(unit),
        Some(_) => Err(Invalid::field("unit", "只能为本单位编写办事指南").into()),
        None => match actor.nodes(Permission::KeepGuide).as_slice() {
            [only] => Ok(only.clone()),
            _ => Err(Invalid::field("unit", "请写明是哪个单位的办事指南").into()),
        },
    }
}

fn titled_once(error: sqlx::Error) -> Error {
    match violated(&error) {
        Some("guide_title") => Refused::TitleTaken.into(),
        _ => error.into(),
    }
}

/// Begins an item: nobody but the unit's people sees it yet. `view` is what is answered.
///
/// # Errors
/// `guide_title_taken`; the key was used for another command.
pub async fn draft<T: Serialize + Send + 'static>(
    state: &State,
    ask: Ask,
    once: Once,
    (unit, item): (NodeCode, Item),
    view: fn(&State, read::Row) -> T,
) -> Result<Answer<()>, Error> {
    let now = state.clock.now();
    let here = state.clone();
    idempotent::run(state, once, 201, move |tx| {
        Box::pin(async move {
            let by = ask.account().ok_or(Basic::Unauthenticated)?;
            let id = begun(tx, &ask, (&unit, &item), (by, now)).await?;
            let filter = read::Desk { units: vec![unit], id: Some(id), ..read::Desk::default() };
            let rows = read::desk(tx, &filter, PageRequest::FIRST).await?;
            let row = rows.into_iter().next().ok_or(Basic::NotFound)?;
            Ok((view(&here, row), ()))
        })
    })
    .await
}

async fn begun(
    tx: &mut Connection,
    ask: &Ask,
    (unit, item): (&NodeCode, &Item),
    (by, now): (AccountId, Timestamp),
) -> Result<GuideId, Error> {
    let id: GuideId = random::id(now);
    store::insert(tx, id, unit, item, (by, now)).await.map_err(titled_once)?;
    ask.record(tx, ("guide.draft", "guide", id), json!({ "unit": unit }), now).await?;
    Ok(id)
}

/// An item in whose unit's name the actor writes, locked; another is missing.
async fn kept(tx: &mut Connection, ask: &Ask, id: GuideId) -> Result<(Locked, AccountId), Error> {
    let actor = ask.actor.as_ref().ok_or(Basic::Unauthenticated)?;
    let locked = store::lock(tx, id).await?.filter(|locked| keeps(actor, &locked.unit));
    let locked = locked.ok_or(Basic::NotFound)?;
    ask.check_version(locked.version)?;
    Ok((locked, actor.account))
}

async fn record(
    tx: &mut Connection,
    ask: &Ask,
    (action, id): (&'static str, GuideId),
    publication: &Publication,
    now: Timestamp,
) -> Result<(), Error> {
    let Publication { status, edition, shown, .. } = publication;
    let data = json!({ "status": status, "edition": edition, "shown": shown });
    ask.record(tx, (action, "guide", id), data, now).await
}

/// Writes a new edition. What people read stays until it is handed in and let through. The same
/// again is no edition.
///
/// # Errors
/// Another unit's; stale; an illegal step; `guide_title_taken`.
pub async fn revise(state: &State, ask: Ask, id: GuideId, item: Item) -> Result<(), Error> {
    let now = state.clock.now();
    transact(&state.db, move |tx| {
        Box::pin(async move { revised(tx, &ask, id, &item, now).await.map(drop) })
    })
    .await
}

/// Whether there is a new edition.
async fn revised(
    tx: &mut Connection,
    ask: &Ask,
    id: GuideId,
    item: &Item,
    now: Timestamp,
) -> Result<bool, Error> {
    let (locked, by) = kept(tx, ask, id).await?;
    let publication = locked.publication.revise()?;
    if store::latest(tx, id).await?.as_ref() == Some(item) {
        return Ok(false);
    }
    let next = (id, publication.edition);
    store::revise(tx, next, item, (by, now)).await.map_err(titled_once)?;
    store::save(tx, id, &publication, None, now).await?;
    record(tx, ask, ("guide.revise", id), &publication, now).await?;
    Ok(true)
}

/// Hands in the latest edition: whoever signs for the unit has to look at it.
///
/// # Errors
/// Another unit's; stale; an illegal step; nothing new, or it waits already.
pub async fn submit(state: &State, ask: Ask, id: GuideId) -> Result<(), Error> {
    carry_out(state, move |tx, _, now| Box::pin(async move { handed_in(tx, &ask, id, now).await }))
        .await
}

async fn handed_in(
    tx: &mut Connection,
    ask: &Ask,
    id: GuideId,
    now: Timestamp,
) -> Result<Vec<JobId>, Error> {
    let (locked, by) = kept(tx, ask, id).await?;
    let signs = ask.actor.as_ref().is_some_and(|actor| actor.signs_for(&locked.unit));
    let others = accounts::another_holds(tx, by, Role::APPROVERS, &locked.unit).await?;
    let publication = locked.publication.submit(guide::review(signs, others))?;
    store::save(tx, id, &publication, None, now).await?;
    record(tx, ask, ("guide.submit", id), &publication, now).await?;
    if publication.waiting.is_none() {
        return Ok(Vec::new());
    }
    let told = (EventKind::PublicationSubmitted, &locked.unit, None);
    tell(tx, id.0, told, json!({}), (Some(by), now)).await
}

/// Whoever signs for the unit looked at it; who wrote it is told.
///
/// # Errors
/// Another unit's; stale; the actor does not sign for the unit; an illegal step; nothing waits; one's
/// own.
pub async fn review(state: &State, ask: Ask, id: GuideId, verdict: Verdict) -> Result<(), Error> {
    carry_out(state, move |tx, _, now| {
        Box::pin(async move {
            let (locked, by) = kept(tx, &ask, id).await?;
            if !ask.actor.as_ref().is_some_and(|actor| actor.signs_for(&locked.unit)) {
                return Err(Basic::NotFound.into());
            }
            let own = accounts::same_person(tx, by, &[locked.author]).await?;
            let publication = locked.publication.review(verdict.approve, own)?;
            let reason = verdict.note.as_deref().filter(|_| !verdict.approve);
            store::save(tx, id, &publication, reason, now).await?;
            record(tx, &ask, ("guide.review", id), &publication, now).await?;
            let data = json!({ "approved": verdict.approve, "account": locked.author });
            let told = (EventKind::PublicationReviewed, &locked.unit, verdict.note.clone());
            tell(tx, id.0, told, data, (Some(by), now)).await
        })
    })
    .await
}

/// Takes an item down, with a reason.
///
/// # Errors
/// Another unit's; stale; an illegal step.
pub async fn withdraw(state: &State, ask: Ask, id: GuideId, reason: String) -> Result<(), Error> {
    let now = state.clock.now();
    transact(&state.db, move |tx| {
        Box::pin(async move {
            let (locked, _) = kept(tx, &ask, id).await?;
            let publication = locked.publication.withdraw()?;
            store::save(tx, id, &publication, Some(&reason), now).await?;
            record(tx, &ask, ("guide.withdraw", id), &publication, now).await
        })
    })
    .await
}

/// # Errors
/// People cannot read the item.
pub async fn readable(state: &State, id: GuideId) -> Result<(), Error> {
    let mut connection = state.db.acquire().await?;
    shown(&mut connection, id, state.clock.now()).await
}

async fn shown(conn: &mut Connection, id: GuideId, now: Timestamp) -> Result<(), Error> {
    let filter = read::Public { id: Some(id), ..read::Public::default() };
    let rows = read::public(conn, &filter, PageRequest::FIRST, time::date(now)).await?;
    if rows.is_empty() { Err(Basic::NotFound.into()) } else { Ok(()) }
}

/// Keeps whether an item was useful: one word of each account, or of each address and day. What is
/// kept of an address is a MAC.
///
/// # Errors
/// People cannot read it.
pub async fn vote(state: &State, ask: Ask, id: GuideId, vote: Vote) -> Result<(), Error> {
    let now = state.clock.now();
    let voter = match ask.account() {
        Some(account) => account.to_string(),
        None => {
            let address = ask.origin.address.as_deref().unwrap_or_default();
            format!("{address}/{}", time::date(now))
        }
    };
    let mac = state.crypto.mac("guide-vote", format!("{id}/{voter}").as_bytes());
    transact(&state.db, move |tx| {
        Box::pin(async move {
            shown(tx, id, now).await?;
            Ok(store::vote(tx, id, (&mac, ask.account()), &vote, now).await?)
        })
    })
    .await
}
