//! Use cases of changes of a registration (报到变更): the member asks, the community decides.

use domain::{
    id::{ChangeId, JobId},
    identity::Permission,
    page::{Limit, PageRequest},
    party::{ChangeKind, Ledger},
    refusal::{Basic, Invalid},
    registration::{
        Registration,
        change::{Asking, Change, Outcome, Refused, Status, Verdict, Wish},
    },
    scope::Scope,
    service::Year,
    time::Timestamp,
};
use infra::{
    postgres::{
        Connection,
        audit::{self, AuditEntry},
        identity as accounts, party,
        registration::{
            self as registrations,
            change::{self as store, ChangeView, Filter, Whose},
            result,
        },
        violated, work_unit,
    },
    random,
};
use serde_json::json;

use super::whole_name;
use crate::{
    app::{case::Ask, check_community, notification::announce, transact},
    error::Error,
    state::State,
};

/// What a member's words are sealed for.
const REASON: &str = "registration_change.reason";

/// Asks for a change of the caller's own registration.
///
/// # Errors
/// Not registered; another change is open; nothing would change; no such community or unit; the
/// year is settled.
pub async fn ask(state: &State, ask: Ask, asking: Asking) -> Result<ChangeId, Error> {
    let now = state.clock.now();
    let sealed = state.crypto.seal(REASON, asking.reason.as_bytes());
    let (id, job) = transact(&state.db, move |tx| {
        Box::pin(async move {
            let account = ask.account().ok_or(Basic::Unauthenticated)?;
            accounts::lock(tx, account).await?;
            let own = registrations::lock_active(tx, account).await?;
            let own = own.ok_or(Refused::NotRegistered)?;
            there(tx, &asking.wish).await?;
            let outcome = Change::ask(random::id(now), &own, asking.wish, now)?;
            store::insert(tx, &outcome.change, &sealed, now).await.map_err(
                |error| match violated(&error) {
                    Some("registration_change_open") => Refused::Open.into(),
                    _ => Error::from(error),
                },
            )?;
            let id = outcome.change.id;
            Ok((id, keep(tx, &ask, "registration.change_ask", outcome, now).await?))
        })
    })
    .await?;
    state.redis.wake(job.as_slice()).await;
    Ok(id)
}

/// What the wish names must be there, and its year open.
async fn there(tx: &mut Connection, wish: &Wish) -> Result<(), Error> {
    match wish {
        Wish::Move(to) => check_community(tx, "community_code", to).await,
        Wish::Unit(to) if !work_unit::exists(tx, to).await? => {
            let reason = "单位名册里没有这个单位，请从列表中选择；没有您的单位请联系组织部";
            Err(Invalid::field("work_unit", reason).into())
        }
        Wish::Exempt(year, _) if result::settled_at(tx, Year::new(*year)?).await?.is_some() => {
            Err(Refused::Settled.into())
        }
        _ => Ok(()),
    }
}

/// A change with its registration, both locked.
async fn lock(tx: &mut Connection, id: ChangeId) -> Result<(Registration, Change), Error> {
    let of = store::registration_of(tx, id).await?.ok_or(Basic::NotFound)?;
    let (registration, _) = registrations::lock(tx, of).await?.ok_or(Basic::NotFound)?;
    let change = store::lock(tx, id).await?.ok_or(Basic::NotFound)?;
    Ok((registration, change))
}

/// The community whose turn it is agrees, or does not.
///
/// # Errors
/// The change does not concern the officer's community, or is another's turn; decided already; the
/// officer's own; the year is waived or settled already.
pub async fn decide(state: &State, ask: Ask, id: ChangeId, verdict: Verdict) -> Result<(), Error> {
    let now = state.clock.now();
    let job = transact(&state.db, move |tx| {
        Box::pin(async move {
            let (registration, change) = lock(tx, id).await?;
            let actor = ask.actor.as_ref().ok_or(Basic::Unauthenticated)?;
            let covers = |node| actor.covers(Permission::SignRegistration, node);
            let to = matches!(&change.wish, Wish::Move(to) if covers(to));
            if !(covers(&change.community) || to && change.released.is_some()) {
                return Err(Basic::NotFound.into());
            }
            ask.check_version(change.version)?;
            let by = (actor.account, covers(change.turn()));
            let outcome = change.decide(&registration, &verdict, by, now)?;
            if verdict.approve {
                there(tx, &change.wish).await?;
            }
            keep(tx, &ask, "registration.change_decide", outcome, now).await
        })
    })
    .await?;
    state.redis.wake(job.as_slice()).await;
    Ok(())
}

/// The member takes the wish back.
///
/// # Errors
/// Another's; decided already.
pub async fn take_back(state: &State, ask: Ask, id: ChangeId) -> Result<(), Error> {
    let now = state.clock.now();
    let job = transact(&state.db, move |tx| {
        Box::pin(async move {
            let (registration, change) = lock(tx, id).await?;
            if ask.account() != Some(change.asked_by) {
                return Err(Basic::NotFound.into());
            }
            ask.check_version(change.version)?;
            let outcome = change.take_back(&registration)?;
            keep(tx, &ask, "registration.change_take_back", outcome, now).await
        })
    })
    .await?;
    state.redis.wake(job.as_slice()).await;
    Ok(())
}

/// Writes into the register of members what a granted change means for it: the new unit, and the
/// ledger of the retired. Who is on that ledger already, or floats, stays where the register has
/// them; its own desk decides about the rest.
async fn enter(
    tx: &mut Connection,
    ask: &Ask,
    change: &Change,
    registration: &mut Registration,
    now: Timestamp,
) -> Result<(), Error> {
    let Some(member) = registration.member else { return Ok(()) };
    match &change.wish {
        Wish::Unit(to) => {
            registration.work_unit = work_unit::party_body(tx, to).await?;
            if let Some(body) = &registration.work_unit {
                party::set_work_unit(tx, member, body).await?;
                let data = json!({ "fields": ["work_unit"], "registration_change": change.id });
                let by = ask.account();
                party::note(tx, member, ChangeKind::Changed, by, &data, now).await?;
            }
        }
        Wish::Retire => {
            if let Some((row, _)) = party::lock(tx, member).await?
                && let Ok(changed) = row.relist(Ledger::Retired)
            {
                party::save(tx, &changed).await?;
                let (from, to) = (row.ledger, changed.ledger);
                let data = json!({ "from": from, "to": to, "registration_change": change.id });
                let by = ask.account();
                party::note(tx, member, ChangeKind::LedgerChanged, by, &data, now).await?;
            }
        }
        Wish::Move(_) | Wish::Exempt(..) | Wish::Withdraw => {}
    }
    Ok(())
}

/// Saves a step with the registration, its events and the receipts of its units.
async fn keep(
    tx: &mut Connection,
    ask: &Ask,
    action: &'static str,
    outcome: Outcome,
    now: Timestamp,
) -> Result<Option<JobId>, Error> {
    let Outcome { change, mut registration, events, receipts } = outcome;
    if change.status == Status::Granted {
        enter(tx, ask, &change, &mut registration, now).await?;
    }
    store::save(tx, &change).await.map_err(|error| match violated(&error) {
        Some("registration_change_exempt_once") => Refused::AlreadyExempt.into(),
        _ => Error::from(error),
    })?;
    let last = registrations::save(tx, &registration, &events, ask.account(), now).await?;
    let about = (registration.id, &registration.community);
    work_unit::receipts(tx, about, Some(change.id), &receipts, now).await?;
    let entry = AuditEntry::new(action, "registration_change", change.id, &ask.origin)
        .with(json!({ "kind": change.wish.kind(), "status": change.status }))
        .by(ask.actor.as_ref());
    audit::append(tx, &entry, now).await?;
    announce(tx, registration.id.0, last, events.len(), now).await
}

/// Changes, whose the filter says, the latest first.
///
/// # Errors
/// The database is away.
pub async fn list(
    state: &State,
    scope: &Scope,
    filter: Filter,
    page: PageRequest,
) -> Result<Vec<ChangeView>, Error> {
    let mut conn = state.db.acquire().await?;
    Ok(store::list(&mut conn, scope, filter, page).await?)
}

/// The caller's own words in a change of the caller's.
///
/// # Errors
/// They cannot be opened.
pub fn own_reason(state: &State, view: &ChangeView) -> Result<String, Error> {
    Ok(state.crypto.open_text(REASON, &view.reason_sealed)?)
}

/// A change as its reader may see it.
#[derive(Debug, Clone)]
pub struct Seen {
    /// The change.
    pub view: ChangeView,
    /// The member's whole name; for the officer who decides.
    pub name: Option<String>,
    /// The member's words.
    pub reason: String,
}

/// One change: the caller's own, or one that the caller's community decides; then each look is on
/// record.
///
/// # Errors
/// Neither.
pub async fn read(state: &State, ask: Ask, id: ChangeId) -> Result<Seen, Error> {
    let now = state.clock.now();
    let scope = ask.actor.as_ref().map(Scope::of).ok_or(Basic::Unauthenticated)?;
    let here = state.clone();
    transact(&state.db, move |tx| {
        Box::pin(async move {
            let one = PageRequest { after: None, limit: Limit::DEFAULT };
            let filter = |whose| Filter { whose, id: Some(id), status: None };
            if let Some(view) = store::list(tx, &scope, filter(Whose::Mine), one).await?.pop() {
                let reason = own_reason(&here, &view)?;
                return Ok(Seen { view, name: None, reason });
            }
            let view = store::list(tx, &scope, filter(Whose::Desk), one).await?.pop();
            let view = view.ok_or(Basic::NotFound)?;
            let name = Some(whole_name(&here, &view.name_sealed)?);
            let reason = own_reason(&here, &view)?;
            let action = "registration.change_seen";
            let seen = AuditEntry::new(action, "registration_change", id, &ask.origin)
                .by(ask.actor.as_ref());
            audit::append(tx, &seen, now).await?;
            Ok(Seen { view, name, reason })
        })
    })
    .await
}

/// Whether the caller may see a change.
///
/// # Errors
/// The caller may not.
pub async fn visible(state: &State, scope: &Scope, id: ChangeId) -> Result<(), Error> {
    let one = PageRequest { after: None, limit: Limit::DEFAULT };
    for whose in [Whose::Mine, Whose::Desk] {
        let filter = Filter { whose, id: Some(id), status: None };
        if !list(state, scope, filter, one).await?.is_empty() {
            return Ok(());
        }
    }
    Err(Basic::NotFound.into())
}
