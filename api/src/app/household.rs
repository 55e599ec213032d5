//! Use cases of households in difficulty (困难家庭包联): registering, pairing, visiting.

use domain::{
    decision::Decision,
    household::{Details, Household, Pairing, Refused, Step, Visit, VisitKind},
    id::{AccountId, HouseholdId, JobId, PairingId, RegistrationId, VisitId},
    identity::Permission,
    org::NodeCode,
    page::{Limit, PageRequest},
    refusal::{Basic, Invalid},
    scope::Scope,
    time::{self, Timestamp},
};
use infra::{
    crypto::Crypto,
    postgres::{
        Connection,
        household::{
            self as store, Entered, Sealed,
            read::{self, Filter},
        },
        identity as accounts, org, violated,
    },
    random,
};
use serde_json::{Value, json};
use uuid::Uuid;

use super::{
    case::Ask,
    idempotent::{self, Answer, Once},
    notification::announce,
    points, transact,
};
use crate::{error::Error, state::State};

mod view;

pub use view::{HouseholdView, VisitView, masked_name, pairing_name};

/// The daily round over pairings: terms that ran out end, and visits that are due are called to
/// mind.
#[derive(Debug, Clone, Copy, serde::Serialize, serde::Deserialize)]
pub struct RemindVisits {}

impl RemindVisits {
    /// The kind of the job.
    pub const KIND: &'static str = "remind_visits";
}

/// One row, whatever the filter.
pub(super) const ONE: PageRequest = PageRequest { after: None, limit: Limit::DEFAULT };

fn sealed(crypto: &Crypto, details: &Details) -> (Entered, Sealed) {
    let seal = |context, text: &str| crypto.seal(context, text.as_bytes());
    let sealed = Sealed {
        name: seal(view::NAME, details.name.plain()),
        address: seal(view::ADDRESS, &details.address),
        phone: details.phone.as_ref().map(|phone| seal(view::PHONE, phone.plain())),
        situation: details.situation.as_deref().map(|text| seal(view::SITUATION, text)),
        match_index: crypto.index("household.match", details.key().as_bytes()).to_vec(),
    };
    let entered = Entered {
        community: details.community.clone(),
        category: details.category,
        account: details.account,
        consented_on: details.consented_on,
    };
    (entered, sealed)
}

/// What the database's own guards say.
fn held(error: sqlx::Error) -> Error {
    match violated(&error) {
        Some("household_once") => Refused::Registered.into(),
        Some("household_account") => Refused::AccountTaken.into(),
        Some("household_pairing_open") => Refused::Paired.into(),
        Some("household_visit_corrects" | "household_visit_corrected_once") => {
            Refused::NoVisit.into()
        }
        _ => error.into(),
    }
}

fn manages(ask: &Ask, community: &NodeCode) -> bool {
    let actor = ask.actor.as_ref();
    actor.is_some_and(|actor| actor.covers(Permission::ManageHouseholds, community))
}

async fn resident(tx: &mut Connection, account: Option<AccountId>) -> Result<(), Error> {
    let Some(account) = account else { return Ok(()) };
    if store::is_resident(tx, account).await? {
        return Ok(());
    }
    Err(Invalid::field("account", "没有这个居民账号，请本人出示账号编号后核对").into())
}

/// Registers a household with the officer's own community.
///
/// # Errors
/// No such community, or not one's own; no such resident; registered already; a reused key.
pub async fn register(
    state: &State,
    ask: Ask,
    once: Once,
    details: Details,
) -> Result<Answer<()>, Error> {
    let now = state.clock.now();
    let crypto = state.crypto.clone();
    idempotent::run(state, once, 201, move |tx| {
        Box::pin(async move {
            let by = ask.account().ok_or(Basic::Unauthenticated)?;
            if !org::community_exists(tx, &details.community).await?
                || !manages(&ask, &details.community)
            {
                return Err(Invalid::field("community_code", "只能登记本社区的家庭").into());
            }
            resident(tx, details.account).await?;
            let (entered, sealed) = sealed(&crypto, &details);
            let id: HouseholdId = random::id(now);
            store::insert(tx, id, &entered, &sealed, (by, now)).await.map_err(held)?;
            let data = json!({ "community": entered.community, "category": entered.category });
            ask.record(tx, ("household.register", "household", id.0), data, now).await?;
            Ok((one(tx, &crypto, &ask, id).await?, ()))
        })
    })
    .await
}

/// One household whole, where the caller may see it so.
async fn one(
    tx: &mut Connection,
    crypto: &Crypto,
    ask: &Ask,
    id: HouseholdId,
) -> Result<HouseholdView, Error> {
    let scope = ask.actor.as_ref().map(Scope::of).ok_or(Basic::Unauthenticated)?;
    let filter = Filter { id: Some(id), ..Filter::default() };
    let row = read::list(tx, &scope, filter, ONE).await?.pop().ok_or(Basic::NotFound)?;
    if row.whole { HouseholdView::whole(crypto, row) } else { HouseholdView::masked(crypto, row) }
}

/// One household for who may see it; each look at it whole is on record.
///
/// # Errors
/// Another community's, or one that the caller does not look after.
pub async fn read_one(state: &State, ask: Ask, id: HouseholdId) -> Result<HouseholdView, Error> {
    let now = state.clock.now();
    let crypto = state.crypto.clone();
    transact(&state.db, move |tx| {
        Box::pin(async move {
            let view = one(tx, &crypto, &ask, id).await?;
            if view.whole {
                let what = ("household.seen", "household", id.0);
                ask.record(tx, what, Value::Null, now).await?;
            }
            Ok(view)
        })
    })
    .await
}

/// A household of the officer's own community, locked; another's is missing.
async fn lock_own(tx: &mut Connection, ask: &Ask, id: HouseholdId) -> Result<Household, Error> {
    let household = store::lock(tx, id).await?.ok_or(Basic::NotFound)?;
    if !manages(ask, &household.community) {
        return Err(Basic::NotFound.into());
    }
    ask.check_version(household.version)?;
    Ok(household)
}

/// Enters a household's details anew; the community stays.
///
/// # Errors
/// Not of the officer's community; off the list; no such resident, or one who looks after it;
/// registered already.
pub async fn change(
    state: &State,
    ask: Ask,
    id: HouseholdId,
    details: Details,
) -> Result<(), Error> {
    let now = state.clock.now();
    let crypto = state.crypto.clone();
    transact(&state.db, move |tx| {
        Box::pin(async move {
            let household = lock_own(tx, &ask, id).await?;
            if household.closed_at.is_some() {
                return Err(Refused::Closed.into());
            }
            if details.community != household.community {
                let reason = "家庭不能改到别的社区；搬家的请先退出，由新的社区登记";
                return Err(Invalid::field("community_code", reason).into());
            }
            resident(tx, details.account).await?;
            household.belongs(details.account, &store::lock_pairings(tx, id, None).await?)?;
            let (entered, sealed) = sealed(&crypto, &details);
            let by = ask.account().ok_or(Basic::Unauthenticated)?;
            store::change(tx, id, &entered, &sealed, by).await.map_err(held)?;
            let data = json!({ "category": entered.category });
            ask.record(tx, ("household.change", "household", id.0), data, now).await
        })
    })
    .await
}

/// Takes a household off the list, and with it ends every pairing; everyone is told.
///
/// # Errors
/// Not of the officer's community; off the list already.
pub async fn close(state: &State, ask: Ask, id: HouseholdId, reason: String) -> Result<(), Error> {
    let now = state.clock.now();
    let jobs = transact(&state.db, move |tx| {
        Box::pin(async move {
            let by = ask.account().ok_or(Basic::Unauthenticated)?;
            if lock_own(tx, &ask, id).await?.closed_at.is_some() {
                return Err(Refused::Closed.into());
            }
            store::close(tx, id, &reason, (by, now)).await?;
            let mut jobs = Vec::new();
            for pairing in store::lock_pairings(tx, id, None).await? {
                let decision = pairing.end("家庭已退出包联".to_owned(), by, now)?;
                jobs.extend(save(tx, Some(by), decision, now).await?);
            }
            ask.record(tx, ("household.close", "household", id.0), Value::Null, now).await?;
            Ok(jobs)
        })
    })
    .await?;
    state.redis.wake(&jobs).await;
    Ok(())
}

async fn save(
    tx: &mut Connection,
    by: Option<AccountId>,
    decision: Decision<Pairing>,
    now: Timestamp,
) -> Result<Option<JobId>, Error> {
    let Decision { state: pairing, events } = decision;
    let last = store::save_pairing(tx, &pairing, &events, by, now).await?;
    announce(tx, pairing.id.0, last, events.len(), now).await
}

/// Whom the community asks: a resident by account, or a member by the registration that it signed.
#[derive(Debug, Clone, Copy)]
pub enum Chosen {
    /// By account.
    Account(AccountId),
    /// By registration.
    Registration(RegistrationId),
}

/// The community asks somebody to look after a household.
///
/// # Errors
/// Not of the officer's community; no such person; asked already; own household; a bad term.
pub async fn pair(
    state: &State,
    ask: Ask,
    id: HouseholdId,
    chosen: Chosen,
    until: chrono::NaiveDate,
) -> Result<PairingId, Error> {
    let now = state.clock.now();
    let rules = state.config.household;
    let (pairing, job) = transact(&state.db, move |tx| {
        Box::pin(async move {
            let by = ask.account().ok_or(Basic::Unauthenticated)?;
            let household = lock_own(tx, &ask, id).await?;
            let account = match chosen {
                Chosen::Account(account) => account,
                Chosen::Registration(registration) => {
                    store::registered_account(tx, registration, &household.community)
                        .await?
                        .ok_or_else(|| {
                            Invalid::field("registration_id", "没有这份由本社区签署的报到")
                        })?
                }
            };
            resident(tx, Some(account)).await?;
            let made = household.pair(random::id(now), account, until, by, (&rules, now))?;
            let (pairing, events) = (&made.state, &made.events);
            let last = store::insert_pairing(tx, pairing, events, now).await.map_err(held)?;
            let data = json!({ "household": id, "account": account });
            ask.record(tx, ("household.pair", "household_pairing", pairing.id.0), data, now)
                .await?;
            Ok((pairing.id, announce(tx, pairing.id.0, last, events.len(), now).await?))
        })
    })
    .await?;
    state.redis.wake(job.as_slice()).await;
    Ok(pairing)
}

/// What is done with a pairing.
#[derive(Debug, Clone)]
pub enum Answered {
    /// The person agrees.
    Accept,
    /// The person does not agree.
    Decline(String),
    /// The person or the community ends it.
    End(String),
}

/// A pairing with its household, both locked: the person's own, or for `officers` also one of the
/// officer's community; any other is missing.
async fn lock_pairing(
    tx: &mut Connection,
    ask: &Ask,
    id: PairingId,
    officers: bool,
) -> Result<Pairing, Error> {
    let household = store::household_of(tx, id).await?.ok_or(Basic::NotFound)?;
    store::lock(tx, household).await?.ok_or(Basic::NotFound)?;
    let pairing = store::lock_pairings(tx, household, Some(id)).await?.pop();
    let pairing = pairing.ok_or(Basic::NotFound)?;
    let own = ask.account() == Some(pairing.account);
    if !(own || officers && manages(ask, &pairing.community)) {
        return Err(Basic::NotFound.into());
    }
    ask.check_version(pairing.version)?;
    Ok(pairing)
}

/// Answers or ends a pairing.
///
/// # Errors
/// Not the caller's; the table has no such step; too many households.
pub async fn answer(state: &State, ask: Ask, id: PairingId, given: Answered) -> Result<(), Error> {
    let now = state.clock.now();
    let rules = state.config.household;
    let job = transact(&state.db, move |tx| {
        Box::pin(async move {
            let officers = matches!(given, Answered::End(_));
            let pairing = lock_pairing(tx, &ask, id, officers).await?;
            let by = ask.account().ok_or(Basic::Unauthenticated)?;
            let (action, decision) = match given {
                Answered::Accept => {
                    // Two that are accepted at once count each other.
                    accounts::lock(tx, pairing.account).await?;
                    let active = store::active(tx, pairing.account).await?;
                    ("household.accept", pairing.accept(active, &rules, now)?)
                }
                Answered::Decline(reason) => ("household.decline", pairing.decline(reason, now)?),
                Answered::End(reason) => ("household.end", pairing.end(reason, by, now)?),
            };
            let data = json!({ "status": decision.state.status });
            ask.record(tx, (action, "household_pairing", id.0), data, now).await?;
            save(tx, Some(by), decision, now).await
        })
    })
    .await?;
    state.redis.wake(job.as_slice()).await;
    Ok(())
}

/// The person of a pairing writes down a visit, or puts an earlier one right by a further entry. A
/// visit is awarded by the rule of points; a call and a correction are not.
///
/// # Errors
/// Not the caller's; not being looked after; no such visit to put right; no such appeal of one's
/// own; a reused key.
pub async fn visit(
    state: &State,
    ask: Ask,
    once: Once,
    id: PairingId,
    visit: Visit,
) -> Result<Answer<()>, Error> {
    let now = state.clock.now();
    let crypto = state.crypto.clone();
    let here = state.clone();
    idempotent::run(state, once, 201, move |tx| {
        Box::pin(async move {
            let pairing = lock_pairing(tx, &ask, id, false).await?;
            let step = if visit.corrects.is_some() { Step::Correct } else { Step::Visit };
            pairing.permit(step)?;
            if let Some(complaint) = visit.complaint
                && !store::reported(tx, complaint, pairing.account).await?
            {
                return Err(Refused::NoComplaint.into());
            }
            let seal = |context, text: &str| crypto.seal(context, text.as_bytes());
            let words = (
                visit.needed.as_deref().map(|text| seal(view::NEEDED, text)),
                seal(view::DONE, &visit.done),
            );
            let visit_id: VisitId = random::id(now);
            let inserted = store::insert_visit(tx, (visit_id, &pairing), &visit, words, now);
            inserted.await.map_err(held)?;
            // A call is no visit, and a correction no second one.
            if visit.kind == VisitKind::Visit && visit.corrects.is_none() {
                let day = time::date(visit.visited_at);
                let who = pairing.account;
                points::award_visit(tx, &here, who, visit_id.0, day, now).await?;
            }
            let data = json!({ "visit": visit_id, "kind": visit.kind, "corrects": visit.corrects });
            ask.record(tx, ("household.visit", "household_pairing", id.0), data, now).await?;
            let scope = ask.actor.as_ref().map(Scope::of).ok_or(Basic::Unauthenticated)?;
            let which = (pairing.household, Some(visit_id));
            let row = read::visits(tx, &scope, which, ONE).await?.pop().ok_or(Basic::NotFound)?;
            Ok((VisitView::of(&crypto, row)?, ()))
        })
    })
    .await
}

/// The daily round: ends what ran out, calls due visits to mind, each once.
///
/// # Errors
/// The database is away.
pub async fn round(tx: &mut Connection, state: &State, now: Timestamp) -> Result<(), Error> {
    let mut after = Uuid::nil();
    loop {
        let page = store::open_pairings(tx, after).await?;
        let Some((last, _)) = page.last() else { return Ok(()) };
        after = last.0;
        for (id, household) in page {
            store::lock(tx, household).await?;
            let Some(pairing) = store::lock_pairings(tx, household, Some(id)).await?.pop() else {
                continue;
            };
            let seen = store::last_seen(tx, id).await?;
            if let Some(decision) = pairing.day(seen, &state.config.household, now) {
                save(tx, None, decision, now).await?;
            }
        }
    }
}
