//! Use cases of requests (点单): a resident asks, the community makes posts of it, the resident
//! confirms. A request is locked before its posts, a post before its claims.

use domain::{
    decision::Decision,
    id::{AccountId, JobId, ServiceRequestId},
    identity::Permission,
    personal::{PersonName, Phone},
    refusal::{Basic, Invalid},
    request::{Decline, Refused, Request, Served, Wish},
    scope::Scope,
    service::PostForm,
    time::Timestamp,
};
use infra::{
    postgres::{
        Connection, identity as accounts,
        request::{self as store, Left, Sealed},
        service,
    },
    random,
};
use serde_json::json;

use self::view::RequestDetail;
use super::{
    case::{Ask, carry_out},
    check_community,
    idempotent::{self, Answer, Once},
    notification::announce,
    service as services, transact,
};
use crate::{error::Error, state::State};

pub mod view;

/// What each sealed field is sealed for.
const NAME: &str = "service_request.name";
const PHONE: &str = "service_request.phone";
const ADDRESS: &str = "service_request.address";

/// What of a request is opened for whoever asked, and for the community under its own command.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Opened {
    /// Whom it is for, where that is another.
    pub name: Option<String>,
    /// How to reach them.
    pub phone: Option<String>,
    /// Where.
    pub address: Option<String>,
}

/// Opens what is sealed of a request.
///
/// # Errors
/// It cannot be opened.
pub fn open(state: &State, sealed: &Sealed) -> Result<Opened, Error> {
    let open = |context, bytes: &Option<Vec<u8>>| {
        bytes.as_ref().map(|bytes| state.crypto.open_text(context, bytes)).transpose()
    };
    Ok(Opened {
        name: open(NAME, &sealed.name)?,
        phone: open(PHONE, &sealed.phone)?,
        address: open(ADDRESS, &sealed.address)?,
    })
}

fn seal(state: &State, wish: &Wish) -> Sealed {
    let seal = |context, plain: Option<&str>| {
        plain.map(|plain| state.crypto.seal(context, plain.as_bytes()))
    };
    Sealed {
        name: seal(NAME, wish.name.as_ref().map(PersonName::plain)),
        phone: seal(PHONE, wish.phone.as_ref().map(Phone::plain)),
        address: seal(ADDRESS, wish.address.as_deref()),
    }
}

/// A resident asks. What the first answer showed is shown again under the same key.
///
/// # Errors
/// No such community; the key was used for another command.
pub async fn submit(
    state: &State,
    ask: Ask,
    once: Once,
    wish: Wish,
) -> Result<Answer<Vec<JobId>>, Error> {
    let now = state.clock.now();
    let here = state.clone();
    idempotent::run(state, once, 201, move |tx| {
        Box::pin(async move {
            let account = ask.account().ok_or(Basic::Unauthenticated)?;
            check_community(tx, "community_code", &wish.community).await?;
            let Decision { state, events } = Request::submit(random::id(now), account, &wish);
            let sealed = seal(&here, &wish);
            let last = store::insert(tx, &state, (&wish, &sealed), &events, now).await?;
            let data = json!({ "community": wish.community, "kind": wish.kind });
            ask.record(tx, ("request.submit", "service_request", state.id), data, now).await?;
            let job = announce(tx, state.id.0, last, events.len(), now).await?;
            Ok((shown(tx, &here, &ask, (state.id, true)).await?, job.into_iter().collect()))
        })
    })
    .await
}

/// The request as it is answered with.
async fn shown(
    tx: &mut Connection,
    state: &State,
    ask: &Ask,
    which: (ServiceRequestId, bool),
) -> Result<RequestDetail, Error> {
    let actor = ask.actor.as_ref().ok_or(Basic::Unauthenticated)?;
    let found = view::find(tx, state, &Scope::of(actor), which).await?;
    found.ok_or_else(|| Basic::NotFound.into())
}

fn organises(ask: &Ask, request: &Request) -> bool {
    let actor = ask.actor.as_ref();
    actor.is_some_and(|actor| actor.covers(Permission::OrganisePost, &request.community))
}

/// The request of the caller's community, locked; another's is missing.
async fn asked(tx: &mut Connection, ask: &Ask, id: ServiceRequestId) -> Result<Request, Error> {
    let request = store::lock(tx, id).await?.ok_or(Basic::NotFound)?;
    if !organises(ask, &request) {
        return Err(Basic::NotFound.into());
    }
    ask.check_version(request.version)?;
    Ok(request)
}

/// Whoever asked, by whichever account, does not say what becomes of it.
async fn check_other(tx: &mut Connection, by: AccountId, request: &Request) -> Result<(), Error> {
    if accounts::same_person(tx, by, &[request.account]).await? {
        return Err(Refused::OwnRequest.into());
    }
    Ok(())
}

/// The caller's own request, locked; another's is missing.
async fn own(tx: &mut Connection, ask: &Ask, id: ServiceRequestId) -> Result<Request, Error> {
    let request = store::lock(tx, id).await?.ok_or(Basic::NotFound)?;
    if ask.account() != Some(request.account) {
        return Err(Basic::NotFound.into());
    }
    ask.check_version(request.version)?;
    Ok(request)
}

async fn save(
    tx: &mut Connection,
    ask: &Ask,
    (action, decision): (&'static str, &Decision<Request>),
    left: Left<'_>,
    now: Timestamp,
) -> Result<Vec<JobId>, Error> {
    let Decision { state, events } = decision;
    let last = store::save(tx, state, left, events, (ask.account(), now)).await?;
    ask.record(tx, (action, "service_request", state.id), json!({ "status": state.status }), now)
        .await?;
    Ok(announce(tx, state.id.0, last, events.len(), now).await?.into_iter().collect())
}

/// The community makes a post of it (下单); several may follow.
///
/// # Errors
/// Not one's own to organise; one's own request; an illegal step; a field of the post that breaks a rule.
pub async fn order(
    state: &State,
    ask: Ask,
    once: Once,
    id: ServiceRequestId,
    form: &PostForm<'_>,
) -> Result<Answer<Vec<JobId>>, Error> {
    let now = state.clock.now();
    let by = ask.account().ok_or(Basic::Unauthenticated)?;
    let published = form.publish(random::id(now), &state.config.service, by, now)?;
    let here = state.clone();
    idempotent::run(state, once, 201, move |tx| {
        Box::pin(async move {
            let request = asked(tx, &ask, id).await?;
            check_other(tx, by, &request).await?;
            let post = &published.post;
            if post.community != request.community {
                let reason = "岗位要发布在被点单的社区";
                return Err(Invalid::field("community_code", reason).into());
            }
            let decision = request.order(post.id, post.starts_at)?;
            service::insert_post(tx, &published, now).await?;
            store::bind(tx, id, post.id).await?;
            let left = Left { officer: ask.account(), ..Left::default() };
            let jobs = save(tx, &ask, ("request.order", &decision), left, now).await?;
            Ok((shown(tx, &here, &ask, (id, false)).await?, jobs))
        })
    })
    .await
}

/// The community cannot do it, and says why.
///
/// # Errors
/// Not one's own to organise; one's own request; an illegal step.
pub async fn decline(
    state: &State,
    ask: Ask,
    id: ServiceRequestId,
    command: Decline,
) -> Result<(), Error> {
    carry_out(state, move |tx, _, now| {
        Box::pin(async move {
            let by = ask.account().ok_or(Basic::Unauthenticated)?;
            let request = asked(tx, &ask, id).await?;
            check_other(tx, by, &request).await?;
            let decision = request.decline(&command)?;
            let reason = Some(command.reason.as_str());
            let left = Left { officer: ask.account(), reason, ..Left::default() };
            save(tx, &ask, ("request.decline", &decision), left, now).await
        })
    })
    .await
}

/// The resident takes it back; what has not begun of it is called off, and whoever took it is told.
///
/// # Errors
/// Another's; an illegal step.
pub async fn cancel(state: &State, ask: Ask, id: ServiceRequestId) -> Result<(), Error> {
    carry_out(state, move |tx, _, now| {
        Box::pin(async move {
            let decision = own(tx, &ask, id).await?.cancel()?;
            let mut jobs = Vec::new();
            for (post, begun) in store::posts(tx, id, now).await? {
                if !begun {
                    let post = service::lock_post(tx, post).await?.ok_or(Basic::NotFound)?;
                    jobs.extend(services::take_off(tx, &ask, &post, now).await?);
                }
            }
            let left = Left::default();
            jobs.extend(save(tx, &ask, ("request.cancel", &decision), left, now).await?);
            Ok(jobs)
        })
    })
    .await
}

/// The resident was served, and says how it was.
///
/// # Errors
/// Another's; an illegal step; nothing of it has begun.
pub async fn confirm(
    state: &State,
    ask: Ask,
    id: ServiceRequestId,
    served: Served,
) -> Result<(), Error> {
    carry_out(state, move |tx, _, now| {
        Box::pin(async move {
            let request = own(tx, &ask, id).await?;
            let begun = store::posts(tx, id, now).await?.iter().any(|(_, begun)| *begun);
            let decision = request.confirm(&served, begun)?;
            let left = Left { served: Some(&served), ..Left::default() };
            save(tx, &ask, ("request.confirm", &decision), left, now).await
        })
    })
    .await
}

/// Requests that are looked at in one go.
const BATCH: i64 = 500;

/// What became of the requests whose posts are over and of which the resident has said nothing, once
/// the days have passed after which the clock notes who did not come: what nobody served is the
/// community's again, what somebody served is done.
///
/// # Errors
/// The database's.
pub async fn settle_due(tx: &mut Connection, state: &State, now: Timestamp) -> Result<(), Error> {
    let ask = Ask::worker();
    let mut after = None;
    loop {
        let batch = store::over(tx, now, after, BATCH).await?;
        let Some(last) = batch.last() else { return Ok(()) };
        after = Some(last.id);
        for one in &batch {
            let due =
                one.ended_at.is_none_or(|at| now >= services::attendance::absent_at(state, at));
            if !due {
                continue;
            }
            // The resident may have said something just now, or the community ordered once more.
            let request = store::lock(tx, one.id).await?;
            let Some(request) = request.filter(|request| request.version == one.version) else {
                continue;
            };
            let decision = request.lapse(one.served)?;
            save(tx, &ask, ("request.lapse", &decision), Left::default(), now).await?;
        }
    }
}

/// Somebody of the community looks at whom a request is for, how to reach them and where; the reason
/// stands in the audit trail.
///
/// # Errors
/// Not one's own to organise.
pub async fn unmask(
    state: &State,
    ask: Ask,
    id: ServiceRequestId,
    reason: String,
) -> Result<Opened, Error> {
    let here = state.clone();
    let now = state.clock.now();
    transact(&state.db, move |tx| {
        Box::pin(async move {
            asked(tx, &ask, id).await?;
            let sealed = store::sealed(tx, id).await?;
            ask.record(
                tx,
                ("request.unmask", "service_request", id),
                json!({ "reason": reason }),
                now,
            )
            .await?;
            open(&here, &sealed)
        })
    })
    .await
}
