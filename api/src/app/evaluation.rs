//! Short links to evaluate by (评价短链). Whoever was told of a reply judges it without log-in, once.

use std::collections::HashMap;

use domain::{
    complaint::Complaint,
    event::{EventKind, NewEvent},
    follow_up::Refused,
    id::{ComplaintId, EvaluationId, EvaluationLinkId},
    refusal::Basic,
    time::Timestamp,
};
use infra::{
    crypto::base64url,
    postgres::{
        Connection,
        audit::{self, AuditEntry},
        evaluation::{self as store, By, Found, NewLink},
    },
    random,
};

use super::{
    case::{Ask, Locked},
    follow_up, transact,
};
use crate::{error::Error, state::State};

/// Bytes of a token: 128 bits.
const TOKEN_BYTES: usize = 16;
/// Longer than any token; what is longer is none, and is not even hashed.
const TOKEN_LONGEST: usize = 64;

fn mac(state: &State, token: &str) -> [u8; 32] {
    state.crypto.mac("evaluation-link", token.as_bytes())
}

/// A token opens only as the token of its own link.
fn context(id: EvaluationLinkId) -> String {
    format!("evaluation_link/{id}")
}

/// Makes the links of a reply, with it.
///
/// # Errors
/// The database's.
pub(super) async fn replied(
    tx: &mut Connection,
    state: &State,
    complaint: &Complaint,
    events: &[NewEvent],
    now: Timestamp,
) -> Result<(), Error> {
    let answered = events.iter().any(|event| event.kind == EventKind::Replied);
    let Some(replied_at) = complaint.replied_at.filter(|_| answered) else { return Ok(()) };
    let draw = |complaint| {
        let (id, token) = (random::id(now), base64url(&random::bytes::<TOKEN_BYTES>()));
        let sealed = state.crypto.seal(&context(id), token.as_bytes());
        NewLink { id, complaint, mac: mac(state, &token), sealed }
    };
    let links: Vec<NewLink> =
        store::awaited(tx, complaint.id).await?.into_iter().map(draw).collect();
    Ok(store::insert(tx, complaint.id, replied_at, &links, now).await?)
}

/// What somebody's token opens. One that is wrong, spent or over looks the same.
///
/// # Errors
/// `not_found`.
pub async fn by_token(state: &State, token: &str) -> Result<Found, Error> {
    if token.len() > TOKEN_LONGEST {
        return Err(Basic::NotFound.into());
    }
    let mut conn = state.db.acquire().await?;
    open(&mut conn, By::Token(&mac(state, token))).await
}

async fn open(conn: &mut Connection, by: By<'_>) -> Result<Found, Error> {
    let found = store::find(conn, by).await?.pop().filter(|found| found.link.is_open());
    found.ok_or_else(|| Basic::NotFound.into())
}

/// Checks again that a link is open, with its complaint locked.
///
/// # Errors
/// `not_found`.
pub(super) async fn still_open(tx: &mut Connection, id: EvaluationLinkId) -> Result<(), Error> {
    open(tx, By::Id(id)).await.map(drop)
}

/// Spends a link on the evaluation that came by it.
///
/// # Errors
/// `not_found`: a twin was first.
pub(super) async fn spend(
    tx: &mut Connection,
    id: EvaluationLinkId,
    evaluation: EvaluationId,
    now: Timestamp,
) -> Result<(), Error> {
    if store::spend(tx, id, evaluation, now).await? {
        return Ok(());
    }
    Err(Basic::NotFound.into())
}

/// The tokens by which the reporters of these complaints may evaluate now, and until when.
///
/// # Errors
/// The database's; a key is missing.
pub async fn tokens_of(
    state: &State,
    conn: &mut Connection,
    complaints: &[ComplaintId],
) -> Result<HashMap<ComplaintId, (String, Timestamp)>, Error> {
    if complaints.is_empty() {
        return Ok(HashMap::new());
    }
    let mut tokens = HashMap::new();
    for Found { id, link, sealed, .. } in store::find(conn, By::Complaints(complaints)).await? {
        let Some(sealed) = sealed.filter(|_| link.is_open()) else { continue };
        let token = state.crypto.open_text(&context(id), &sealed)?;
        tokens.insert(link.complaint, (token, link.open_until(state.terms())));
    }
    Ok(tokens)
}

/// Gives the link to the centre, which hands it to a reporter without an account. Kept on record:
/// whoever holds a link speaks for the reporter.
///
/// # Errors
/// Missing; one's own unit handles the case; no reply waits for a word.
pub async fn hand_over(
    state: &State,
    ask: Ask,
    id: ComplaintId,
) -> Result<(String, Timestamp), Error> {
    let (now, here) = (state.clock.now(), state.clone());
    transact(&state.db, move |tx| {
        Box::pin(async move {
            let case = Locked::seen(tx, id, &ask).await?;
            follow_up::may_call(tx, &case, &ask, now).await?;
            let given = tokens_of(&here, tx, &[id]).await?.remove(&id).ok_or(Refused::NoLink)?;
            let entry = AuditEntry::new("evaluation.link", "complaint", id, &ask.origin);
            audit::append(tx, &entry.by(ask.actor.as_ref()), now).await?;
            Ok(given)
        })
    })
    .await
}
