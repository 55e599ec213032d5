//! Use cases of opinions on the application (意见): given by anybody, answered by whoever handles them.

use domain::{
    attachment::Chosen,
    decision::Decision,
    feedback::{Feedback, Opinion, Refused, Status, Step, handles},
    id::{FeedbackId, JobId},
    refusal::{Basic, Invalid},
    time::Timestamp,
};
use infra::{
    postgres::{
        Connection,
        attachment::Target,
        event,
        feedback::{self as store, Kept, read},
    },
    random,
};
use serde::Serialize;
use serde_json::json;

use super::{
    attachment::attach,
    case::{Ask, carry_out},
    complaint::{Credentials, QUERY_ALPHABET, QUERY_CODE_LENGTH, spoken},
    idempotent::{self, Answer, Once},
    notification::announce,
    transact,
};
use crate::{error::Error, state::State};

/// 意见已收到
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub struct FeedbackReceipt {
    /// 编号
    pub id: FeedbackId,
    /// 给人看的编号
    #[schema(example = "YJ20261124000012")]
    pub number: String,
    /// 查询码：不登录时凭它和编号查看答复，只在这里出现一次
    #[schema(example = "7KQ2M8XW4T")]
    pub query_code: String,
    /// 状态
    pub status: Status,
    /// 提交时间
    #[schema(value_type = String, format = DateTime)]
    pub submitted_at: Timestamp,
}

/// What a contact is sealed for: it opens as that of its own opinion alone.
fn contact_context(id: FeedbackId) -> String {
    format!("feedback.contact/{id}")
}

/// How to reach the writer of an opinion, opened.
///
/// # Errors
/// It cannot be opened.
pub fn contact(
    state: &State,
    id: FeedbackId,
    sealed: Option<&Vec<u8>>,
) -> Result<Option<String>, Error> {
    let open = |sealed: &Vec<u8>| state.crypto.open_text(&contact_context(id), sealed);
    Ok(sealed.map(open).transpose()?)
}

fn mac_of(id: FeedbackId, code: &str) -> String {
    format!("{id}/{code}")
}

/// Takes an opinion in; photos only where somebody is logged in.
///
/// # Errors
/// A file that is not the caller's to attach; the key was used for another command.
pub async fn submit(
    state: &State,
    ask: Ask,
    once: Once,
    opinion: Opinion,
    files: Chosen,
) -> Result<Answer<Vec<JobId>>, Error> {
    if ask.actor.is_none() && !files.is_empty() {
        return Err(Invalid::field("attachment_ids", "登录以后才能附照片，请先登录").into());
    }
    let now = state.clock.now();
    let here = state.clone();
    idempotent::run(state, once, 201, move |tx| {
        Box::pin(async move {
            let id: FeedbackId = random::id(now);
            let Decision { state, events } = Feedback::submit(id, opinion.kind, ask.account());
            let query_code = random::code(QUERY_ALPHABET, QUERY_CODE_LENGTH);
            let contact = opinion.contact.as_ref();
            let kept = Kept {
                query_code_mac: here.crypto.mac("feedback", mac_of(id, &query_code).as_bytes()),
                contact: contact
                    .map(|text| here.crypto.seal(&contact_context(id), text.as_bytes())),
                flagged: here.config.screening.finds("", &opinion.text),
            };
            let number = store::insert(tx, &state, &opinion, &kept, now).await?;
            attach(tx, &files, Target::Feedback(id), ask.account(), now).await?;
            let last = event::append_next(tx, id.0, &events, ask.account(), now).await?;
            let data = json!({ "kind": opinion.kind });
            ask.record(tx, ("feedback.submit", "feedback", id), data, now).await?;
            let job = announce(tx, id.0, last, events.len(), now).await?;
            let receipt =
                FeedbackReceipt { id, number, query_code, status: state.status, submitted_at: now };
            Ok((receipt, job.into_iter().collect()))
        })
    })
    .await
}

/// Finds the opinion whose number and query code these are. A wrong number and a wrong code look the
/// same.
///
/// # Errors
/// `not_found`.
pub async fn tracked(state: &State, given: &Credentials) -> Result<read::Row, Error> {
    let mut connection = state.db.acquire().await?;
    let number = given.number.trim().to_ascii_uppercase();
    let found = store::by_number(&mut connection, &number).await?;
    let (id, mac) = found.ok_or(Basic::NotFound)?;
    let named = mac_of(id, &spoken(&given.query_code));
    if !state.crypto.mac_matches("feedback", named.as_bytes(), &mac) {
        return Err(Basic::NotFound.into());
    }
    Ok(read::tracked(&mut connection, id).await?.ok_or(Basic::NotFound)?)
}

/// An opinion that the actor handles, locked; another is missing.
async fn handled(tx: &mut Connection, ask: &Ask, id: FeedbackId) -> Result<Feedback, Error> {
    let feedback = store::lock(tx, id).await?.ok_or(Basic::NotFound)?;
    if !ask.actor.as_ref().is_some_and(|actor| handles(actor, feedback.kind)) {
        return Err(Basic::NotFound.into());
    }
    ask.check_version(feedback.version)?;
    Ok(feedback)
}

/// Says something on an opinion; its writer is told.
///
/// # Errors
/// Not the actor's to handle; a stale version; an illegal step.
pub async fn step(
    state: &State,
    ask: Ask,
    id: FeedbackId,
    (step, words): (Step, String),
) -> Result<(), Error> {
    carry_out(state, move |tx, _, now| {
        Box::pin(async move {
            let Decision { state, events } = handled(tx, &ask, id).await?.step(step, words)?;
            store::save(tx, &state, now).await?;
            let last = event::append_next(tx, id.0, &events, ask.account(), now).await?;
            let data = json!({ "status": state.status });
            ask.record(tx, ("feedback.answer", "feedback", id), data, now).await?;
            Ok(announce(tx, id.0, last, events.len(), now).await?.into_iter().collect())
        })
    })
    .await
}

/// Shows how to reach the writer, on record.
///
/// # Errors
/// Not the actor's to handle; the writer left nothing.
pub async fn unmask(
    state: &State,
    ask: Ask,
    id: FeedbackId,
    reason: String,
) -> Result<String, Error> {
    let now = state.clock.now();
    let here = state.clone();
    transact(&state.db, move |tx| {
        Box::pin(async move {
            handled(tx, &ask, id).await?;
            let row = read::tracked(tx, id).await?.ok_or(Basic::NotFound)?;
            let contact = contact(&here, id, row.contact_sealed.as_ref())?;
            let contact = contact.ok_or(Refused::NoContact)?;
            let data = json!({ "reason": reason });
            ask.record(tx, ("feedback.unmask", "feedback", id), data, now).await?;
            Ok(contact)
        })
    })
    .await
}
