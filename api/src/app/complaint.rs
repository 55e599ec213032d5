//! Use cases of complaints (诉求), in the order of their life.

use domain::{
    attachment::Chosen,
    complaint::{Complaint, Contact, Submission, Submitter},
    id::{ComplaintId, JobId},
    personal::{PersonName, Phone},
    refusal::Invalid,
    sla::TimerKind,
    time::Timestamp,
};
use infra::{
    postgres::{
        Connection,
        attachment::Target,
        audit::{self, AuditEntry},
        complaint::{self as store, By, SealedContact, repeat},
        timer::{self, Subject},
    },
    random,
};
use serde::Serialize;
use serde_json::json;

use super::{
    attachment::attach,
    case::{Ask, Change, Locked, carry_out},
    idempotent::{self, Answer as Kept, Once},
    notification::announce,
    screening, transact,
};
use crate::{error::Error, state::State};

mod centre;
mod child;
mod hot;
mod merge;
mod reporter;
mod track;

pub use centre::{DispatchOrder, accept, answer, dispatch, exclude, miss, reject, resume, suspend};
pub use hot::mark_hot;
pub use merge::{merge, split};
pub use reporter::{Voice, evaluate, remind, reopen, withdraw};
pub use track::{Credentials, by_query_code};

pub(super) use centre::{judged, no_whistle_out, units};
pub(super) use child::permit_call;
pub(super) use track::spoken;

/// The characters of a query code: none that is taken for another.
pub(super) const QUERY_ALPHABET: &[char] = &[
    '2', '3', '4', '5', '6', '7', '8', '9', 'A', 'B', 'C', 'D', 'E', 'F', 'G', 'H', 'J', 'K', 'L',
    'M', 'N', 'P', 'Q', 'R', 'S', 'T', 'U', 'V', 'W', 'X', 'Y', 'Z',
];
/// 32 characters to the power of 10: 50 bits, behind a rate limit.
pub(super) const QUERY_CODE_LENGTH: usize = 10;

/// The answer to a submission: what the reporter keeps.
#[derive(Debug, Clone, Serialize, serde::Deserialize, utoipa::ToSchema)]
pub struct Receipt {
    /// The complaint's id.
    pub id: ComplaintId,
    /// The number that people read.
    #[schema(example = "PC20261124000123")]
    pub number: String,
    /// With the number it tracks the complaint without log-in; it is shown this once.
    #[schema(example = "7KQ2M8XW4T")]
    pub query_code: String,
    /// Where it stands.
    pub status: domain::complaint::Status,
    /// What `If-Match` compares.
    pub version: i64,
    /// When it came in.
    #[schema(value_type = String, format = DateTime)]
    pub created_at: Timestamp,
    /// Nobody outside the centre learns who reported.
    pub confidential: bool,
    /// By when the centre should have accepted and dispatched it.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub dispatch_by: Option<Timestamp>,
}

/// Takes a complaint in: complaint, contact, first event, timers, job and idempotency key in one
/// transaction.
///
/// # Errors
/// No such community; a file that is not the caller's to attach; the key was used for another command.
pub async fn submit(
    state: &State,
    ask: Ask,
    once: Once,
    submission: Submission,
    files: Chosen,
) -> Result<Kept<Vec<JobId>>, Error> {
    let now = state.clock.now();
    let here = state.clone();
    let answer = idempotent::run(state, once, 201, move |tx| {
        Box::pin(async move { take_in(&here, tx, &ask, (&submission, &files), now).await })
    })
    .await?;
    if let Some(jobs) = &answer.fresh {
        state.redis.wake(jobs).await;
    }
    Ok(answer)
}

async fn take_in(
    state: &State,
    tx: &mut Connection,
    ask: &Ask,
    (submission, files): (&Submission, &Chosen),
    now: Timestamp,
) -> Result<(Receipt, Vec<JobId>), Error> {
    let by = Submitter::of(ask.actor.as_ref());
    let id = random::id(now);
    let decision = Complaint::submit(id, submission, by, now);
    let query_code = random::code(QUERY_ALPHABET, QUERY_CODE_LENGTH);
    let mac = query_code_mac(state, id, &query_code);
    let contact = submission.contact.as_ref().map(|contact| sealed(state, id, contact));
    let complaint = &decision.state;
    let number =
        store::insert(tx, complaint, submission, by, &mac, contact.as_ref(), &decision.events)
            .await?
            .ok_or_else(|| Invalid::field("community_code", "没有这个社区或村，请从列表中选择"))?;
    attach(tx, files, Target::Complaint(id), ask.account(), now).await?;
    repeat::mark(tx, id, submission, (by.reporter(), contact.as_ref()), now).await?;
    let timers = complaint.timers(state.terms());
    timer::sync(tx, Subject::Complaint(id), &timers).await?;
    let audited =
        AuditEntry::new("complaint.submit", "complaint", id, &ask.origin).by(ask.actor.as_ref());
    audit::append(tx, &audited, now).await?;
    let announced = announce(tx, id.0, 1, decision.events.len(), now).await?;
    let screened = screening::begin(state, tx, id, submission, by, now).await?;
    let jobs = announced.into_iter().chain(screened).collect();
    let receipt = Receipt {
        id,
        number,
        query_code,
        status: complaint.status,
        version: complaint.version,
        created_at: now,
        confidential: complaint.confidential,
        dispatch_by: timers.first().map(|timer| timer.due_at),
    };
    Ok((receipt, jobs))
}

fn query_code_mac(state: &State, id: ComplaintId, code: &str) -> [u8; 32] {
    state.crypto.mac("query-code", format!("{id}/{code}").as_bytes())
}

/// A contact opens only as the contact of its own complaint.
fn contact_context(id: ComplaintId) -> String {
    format!("complaint_contact/{id}")
}

/// Seals whom to call about a complaint.
pub(super) fn sealed(state: &State, id: ComplaintId, contact: &Contact) -> SealedContact {
    let context = contact_context(id);
    let name = contact.name.as_ref();
    SealedContact {
        name: name.map(|name| state.crypto.seal(&context, name.plain().as_bytes())),
        phone: state.crypto.seal(&context, contact.phone.plain().as_bytes()),
        index: contact_index(state, &contact.phone).to_vec(),
    }
}

/// How a contact's number is found.
pub(super) fn contact_index(state: &State, phone: &Phone) -> [u8; 32] {
    state.crypto.index("phone", phone.plain().as_bytes())
}

/// Whom to call about a complaint, opened. Whoever shows it unmasked keeps a record of that.
///
/// # Errors
/// The database's; a key is missing.
pub async fn contact_of(
    state: &State,
    conn: &mut Connection,
    id: ComplaintId,
) -> Result<Option<(Option<PersonName>, Phone)>, Error> {
    let sealed = store::contact(conn, id).await?;
    sealed.map(|sealed| opened(state, id, &sealed)).transpose()
}

/// Opens a contact that was read with others.
pub(super) fn opened(
    state: &State,
    id: ComplaintId,
    sealed: &SealedContact,
) -> Result<(Option<PersonName>, Phone), Error> {
    let context = contact_context(id);
    let name = match &sealed.name {
        Some(name) => Some(PersonName::trusted(state.crypto.open_text(&context, name)?)),
        None => None,
    };
    Ok((name, Phone::trusted(state.crypto.open_text(&context, &sealed.phone)?)))
}

/// Opens the contact for somebody who says why, and keeps a record of both.
///
/// # Errors
/// `no_contact`.
pub async fn unmask(
    state: &State,
    ask: Ask,
    id: ComplaintId,
    reason: String,
) -> Result<(Option<PersonName>, Phone), Error> {
    let now = state.clock.now();
    let here = state.clone();
    transact(&state.db, move |tx| {
        Box::pin(async move {
            let contact =
                contact_of(&here, tx, id).await?.ok_or(domain::complaint::Refused::NoContact)?;
            let seen = AuditEntry::new("complaint.unmask", "complaint", id, &ask.origin)
                .by(ask.actor.as_ref())
                .with(json!({ "reason": reason }));
            audit::append(tx, &seen, now).await?;
            Ok(contact)
        })
    })
    .await
}

/// Locks the case, lets `decide` say what changes, and stores it.
async fn command<D>(
    state: &State,
    ask: Ask,
    id: ComplaintId,
    action: &'static str,
    decide: D,
) -> Result<(), Error>
where
    D: FnOnce(&State, &Locked, Timestamp) -> Result<Change, Error> + Send + 'static,
{
    carry_out(state, move |tx, here, now| {
        Box::pin(async move {
            let case = Locked::seen(tx, id, &ask).await?;
            decide(here, &case, now)?.store(tx, here, &ask, action, now).await
        })
    })
    .await
}

/// A change that ends the case's open tasks with it.
fn cancelling(
    case: &Locked,
    decision: domain::decision::Decision<Complaint>,
    now: Timestamp,
) -> Result<Change, Error> {
    let cancelled: Result<Vec<_>, _> = case.open().iter().map(|task| task.cancel(now)).collect();
    Ok(Change::of(decision).saving(cancelled?))
}

/// Lets a due instant of a complaint have its effect, exactly once.
///
/// # Errors
/// The database's.
pub async fn fire(
    state: &State,
    id: ComplaintId,
    kind: TimerKind,
    due_at: Timestamp,
) -> Result<(), Error> {
    carry_out(state, move |tx, here, now| {
        Box::pin(async move {
            if kind == TimerKind::FollowUp {
                merge::lock_family(tx, id, &[]).await?;
            }
            let case = Locked::take(tx, By::Id(id)).await?;
            if !timer::fire(tx, Subject::Complaint(id), kind, due_at, now).await? {
                return Ok(Vec::new());
            }
            if let Some(leading) = case.complaint.merged_into {
                let change = child::fire(tx, &case, leading, kind, now).await?;
                return change.store(tx, here, &Ask::worker(), "complaint.timer", now).await;
            }
            let fired = case.complaint.fire(kind, &case.open(), now)?;
            let change = centre::going_on(tx, &case, fired, now).await?;
            let mut jobs = change.store(tx, here, &Ask::worker(), "complaint.timer", now).await?;
            if kind == TimerKind::FollowUp {
                jobs.extend(child::ask_all(tx, here, id, now).await?);
            }
            Ok(jobs)
        })
    })
    .await
}
