//! Use cases of the guide of services (办事指南): written by a unit's people, signed by whoever signs
//! for the unit, read and voted on by everybody; its owner is told when it runs out.

use domain::{
    event::EventKind,
    guide::{self, Item, Refused, Vote, expired},
    id::{AccountId, GuideId},
    org::NodeCode,
    page::PageRequest,
    publication::Step,
    refusal::Basic,
    time::{self, Timestamp},
};
use infra::{
    postgres::{
        Connection,
        guide::{self as store, read},
        publication::Desk,
        violated,
    },
    random,
};
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::{
    case::Ask,
    idempotent::{self, Answer, Once},
    publication::{kept, moved, tell},
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
                tell(tx, item.id.into(), (kind, &item.unit, None), data, (None, now)).await?;
            }
            store::told(tx, item.id, warned.max(item.warned), item.review).await?;
        }
        Ok(())
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
            let filter = Desk { bodies: vec![unit], id: Some(id.0), ..Desk::default() };
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
    let (locked, by) = kept(tx, ask, id.into()).await?;
    let publication = locked.publication().revise()?;
    if store::latest(tx, id).await?.as_ref() == Some(item) {
        return Ok(false);
    }
    let next = (id, publication.edition);
    store::revise(tx, next, item, (by, now)).await.map_err(titled_once)?;
    moved(tx, ask, (id.into(), Step::Revise), (&publication, None), now).await?;
    Ok(true)
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
