//! Use cases that announcements (公告) and items of the guide (办事指南) share: handed in, looked at by
//! another of the body, taken down. What they say, and so how an edition is written, is each word's own.

use domain::{
    event::{EventKind, NewEvent, Visibility},
    id::{AccountId, JobId},
    org::NodeCode,
    publication::{Publication, Review, Step, Subject, Verdict, Word},
    refusal::{Basic, Invalid},
    time::Timestamp,
};
use infra::postgres::{
    Connection, event, identity as accounts,
    publication::{self as store, Locked},
};
use serde_json::{Value, json};

use super::{
    case::{Ask, carry_out},
    notification::announce,
};
use crate::{error::Error, state::State};

/// In whose name a new one is: of the body that is named, or else of the only one that there can be.
///
/// # Errors
/// Another body's; several to choose from.
pub fn body(ask: &Ask, word: &Word, named: Option<NodeCode>) -> Result<NodeCode, Error> {
    let actor = ask.actor.as_ref().ok_or(Basic::Unauthenticated)?;
    match named {
        Some(body) if actor.acts_for(word.keep, &body) => Ok(body),
        Some(_) => Err(Invalid::field(word.field, word.foreign).into()),
        None => match actor.nodes(word.keep).as_slice() {
            [only] => Ok(only.clone()),
            _ => Err(Invalid::field(word.field, word.unnamed).into()),
        },
    }
}

/// One in whose body's name the actor writes, locked; another is missing.
pub(super) async fn kept(
    tx: &mut Connection,
    ask: &Ask,
    subject: Subject,
) -> Result<(Locked, AccountId), Error> {
    let actor = ask.actor.as_ref().ok_or(Basic::Unauthenticated)?;
    let keep = subject.word().keep;
    let locked = store::lock(tx, subject).await?;
    let locked = locked.filter(|locked| actor.acts_for(keep, &locked.body));
    let locked = locked.ok_or(Basic::NotFound)?;
    ask.check_version(locked.version)?;
    Ok((locked, actor.account))
}

/// Saves where a locked one stands after a step, and why, and puts the step on record.
pub(super) async fn moved(
    tx: &mut Connection,
    ask: &Ask,
    (subject, step): (Subject, Step),
    (publication, reason): (&Publication, Option<&str>),
    now: Timestamp,
) -> Result<(), Error> {
    store::save(tx, subject, publication, reason, now).await?;
    let Publication { status, edition, shown, .. } = publication;
    let data = json!({ "status": status, "edition": edition, "shown": shown });
    ask.record(tx, (subject.action(step), subject.word().name, subject.id()), data, now).await
}

/// Tells those concerned of a step.
pub(super) async fn tell(
    tx: &mut Connection,
    subject: Subject,
    (kind, body, note): (EventKind, &NodeCode, Option<String>),
    data: Value,
    (by, now): (Option<AccountId>, Timestamp),
) -> Result<Vec<JobId>, Error> {
    let mut event = NewEvent::new(kind, Visibility::Everyone).with(data).note(note);
    event.unit = Some(body.clone());
    let last = event::append_next(tx, subject.id(), &[event], by, now).await?;
    Ok(announce(tx, subject.id(), last, 1, now).await?.into_iter().collect())
}

/// Hands in the latest edition: another who signs for the body has to look at it. What cannot wait is
/// shown at once and looked at after.
///
/// # Errors
/// Another body's; stale; an illegal step; nothing new, or it waits already.
pub async fn submit(state: &State, ask: Ask, subject: Subject) -> Result<(), Error> {
    carry_out(state, move |tx, _, now| {
        Box::pin(async move { handed_in(tx, &ask, subject, now).await })
    })
    .await
}

pub(super) async fn handed_in(
    tx: &mut Connection,
    ask: &Ask,
    subject: Subject,
    now: Timestamp,
) -> Result<Vec<JobId>, Error> {
    let (locked, by) = kept(tx, ask, subject).await?;
    let sign = subject.word().sign;
    let signs = ask.actor.as_ref().is_some_and(|actor| actor.acts_for(sign, &locked.body));
    let others = accounts::another_holds(tx, by, &sign.roles(), &locked.body).await?;
    let publication = locked.publication().submit(Review::of(signs, others, locked.is_urgent()))?;
    moved(tx, ask, (subject, Step::Submit), (&publication, None), now).await?;
    if publication.waiting.is_none() {
        return Ok(Vec::new());
    }
    let data = json!({ "after": publication.shown == publication.waiting });
    let told = (EventKind::PublicationSubmitted, &locked.body, None);
    tell(tx, subject, told, data, (Some(by), now)).await
}

/// Another who signs for the body looked at it; who wrote it is told.
///
/// # Errors
/// Another body's; stale; the actor does not sign for the body; an illegal step; nothing waits; one's
/// own.
pub async fn review(
    state: &State,
    ask: Ask,
    subject: Subject,
    verdict: Verdict,
) -> Result<(), Error> {
    carry_out(state, move |tx, _, now| {
        Box::pin(async move {
            let (locked, by) = kept(tx, &ask, subject).await?;
            let sign = subject.word().sign;
            if !ask.actor.as_ref().is_some_and(|actor| actor.acts_for(sign, &locked.body)) {
                return Err(Basic::NotFound.into());
            }
            let own = accounts::same_person(tx, by, &[locked.author]).await?;
            let publication = locked.publication().review(verdict.approve, own)?;
            let reason = verdict.note.as_deref().filter(|_| !verdict.approve);
            let step = if verdict.approve { Step::Approve } else { Step::SendBack };
            moved(tx, &ask, (subject, step), (&publication, reason), now).await?;
            let data = json!({ "approved": verdict.approve, "account": locked.author });
            let told = (EventKind::PublicationReviewed, &locked.body, verdict.note.clone());
            tell(tx, subject, told, data, (Some(by), now)).await
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
    subject: Subject,
    reason: String,
) -> Result<(), Error> {
    carry_out(state, move |tx, _, now| {
        Box::pin(async move {
            let (locked, _) = kept(tx, &ask, subject).await?;
            let publication = locked.publication().withdraw()?;
            let why = Some(reason.as_str());
            moved(tx, &ask, (subject, Step::Withdraw), (&publication, why), now).await?;
            Ok(Vec::new())
        })
    })
    .await
}
