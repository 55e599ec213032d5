//! Use cases of work units (工作单位): the register, a unit's registration with a community, and
//! signing for what the unit was told.

use domain::{
    decision::Decision,
    id::{JobId, ReceiptId, UnitRegistrationId},
    identity::Permission,
    org::NodeCode,
    page::{Limit, PageRequest},
    refusal::{Basic, Invalid},
    registration::{Registration, Status::Signed},
    scope::Scope,
    time::Timestamp,
    work_unit::{ReceiptCause, Refused, UnitRegistration, WorkUnit},
};
use infra::{
    postgres::{
        Connection,
        audit::{self, AuditEntry},
        registration as registrations, violated,
        work_unit::{
            self as store, Told,
            read::{self, ReceiptView, ToldFilter},
        },
    },
    random,
};
use serde_json::json;

use super::{
    case::{Ask, carry_out},
    check_community,
    notification::announce,
    registration::whole_name,
    transact,
};
use crate::{error::Error, state::State};

pub mod file;

/// Adds a unit to the register. Members who were signed for before it stood there are its members
/// from now on, and it has the receipts for them.
///
/// # Errors
/// The code, name or party body is another's; no such community.
pub async fn add(state: &State, ask: Ask, unit: WorkUnit) -> Result<(), Error> {
    carry_out(state, move |tx, _, now| {
        Box::pin(async move {
            store::hold(tx).await?;
            communities(tx, &unit).await?;
            let waiting = lock_unlinked(tx, &unit).await?;
            store::insert(tx, &unit, ask.account(), now).await.map_err(taken)?;
            record(tx, &ask, "work_unit.add", &unit, now).await?;
            link(tx, &ask, waiting, &unit, now).await
        })
    })
    .await
}

/// Changes a unit of the register; its registrations and members stay, and those who are registered
/// under its new name or party body come to it.
///
/// # Errors
/// No such unit or community; the name or party body is another's.
pub async fn change(state: &State, ask: Ask, unit: WorkUnit) -> Result<(), Error> {
    carry_out(state, move |tx, _, now| {
        Box::pin(async move {
            store::hold(tx).await?;
            // Registrations are locked before the units that they name.
            let waiting = lock_unlinked(tx, &unit).await?;
            let version = store::lock(tx, &unit.code).await?.ok_or(Basic::NotFound)?;
            ask.check_version(version)?;
            communities(tx, &unit).await?;
            store::save(tx, &unit).await.map_err(taken)?;
            record(tx, &ask, "work_unit.change", &unit, now).await?;
            link(tx, &ask, waiting, &unit, now).await
        })
    })
    .await
}

/// Locks the signed registrations that name the unit and were not known to be its.
async fn lock_unlinked(tx: &mut Connection, unit: &WorkUnit) -> Result<Vec<Registration>, Error> {
    let mut waiting = Vec::new();
    for id in store::unlinked(tx, unit).await? {
        // It may have ended or come to a unit since; only its lock tells.
        let held = registrations::lock(tx, id).await?.map(|(registration, _)| registration);
        let open = |one: &Registration| one.status == Signed && one.unit.is_none();
        waiting.extend(held.filter(open));
    }
    Ok(waiting)
}

/// Makes locked registrations the unit's, with a receipt for each.
async fn link(
    tx: &mut Connection,
    ask: &Ask,
    waiting: Vec<Registration>,
    unit: &WorkUnit,
    now: Timestamp,
) -> Result<Vec<JobId>, Error> {
    let mut jobs = Vec::new();
    for mut signed in waiting {
        // Who was another unit's in between has come to this one since.
        let before = store::told_signed(tx, signed.id).await?;
        let cause = if before { ReceiptCause::Joined } else { ReceiptCause::Signed };
        let told = [(unit.code.clone(), cause)];
        let receipt = signed.receipt(&unit.code, cause);
        signed.unit = Some(unit.code.clone());
        let last = registrations::save(tx, &signed, &[receipt], ask.account(), now).await?;
        store::receipts(tx, (signed.id, &signed.community), None, &told, now).await?;
        let entry = AuditEntry::new("work_unit.link", "registration", signed.id, &ask.origin)
            .with(json!({ "unit": unit.code }))
            .by(ask.actor.as_ref());
        audit::append(tx, &entry, now).await?;
        jobs.extend(announce(tx, signed.id.0, last, 1, now).await?);
    }
    Ok(jobs)
}

async fn communities(tx: &mut Connection, unit: &WorkUnit) -> Result<(), Error> {
    for (place, community) in unit.communities.iter().enumerate() {
        check_community(tx, format!("communities[{place}]"), community).await?;
    }
    Ok(())
}

fn taken(error: sqlx::Error) -> Error {
    match violated(&error) {
        Some("work_unit_pkey") => Refused::Taken("代码").into(),
        Some("work_unit_name") => Refused::Taken("名称").into(),
        Some("work_unit_party_body") => Refused::Taken("党组织").into(),
        _ => error.into(),
    }
}

async fn record(
    tx: &mut Connection,
    ask: &Ask,
    action: &'static str,
    unit: &WorkUnit,
    now: Timestamp,
) -> Result<(), Error> {
    let code = unit.code.as_str();
    let entry = AuditEntry::new(action, "work_unit", code, &ask.origin)
        .with(json!({ "communities": unit.communities }))
        .by(ask.actor.as_ref());
    Ok(audit::append(tx, &entry, now).await?)
}

/// Registers the liaison's unit with a community.
///
/// # Errors
/// Not the liaison's unit; not paired with the community; registered there already.
pub async fn register(
    state: &State,
    ask: Ask,
    (unit, community): (NodeCode, NodeCode),
    offers: String,
) -> Result<UnitRegistrationId, Error> {
    let id: UnitRegistrationId = random::id(state.clock.now());
    carry_out(state, move |tx, _, now| {
        Box::pin(async move {
            let actor = ask.actor.as_ref().ok_or(Basic::Unauthenticated)?;
            if !actor.covers(Permission::ActForWorkUnit, &unit) {
                let reason = "只能为自己担任联络员的单位报到";
                return Err(Invalid::field("unit", reason).into());
            }
            let paired = store::paired(tx, &unit, &community).await?;
            let by = (actor.account, now);
            let decision = UnitRegistration::submit(id, (unit, community), offers, paired, by)?;
            let (made, events) = (&decision.state, &decision.events);
            let last =
                store::hand_in(tx, made, events, now).await.map_err(|error| {
                    match violated(&error) {
                        Some("unit_registration_active") => Refused::AlreadyRegistered.into(),
                        _ => Error::from(error),
                    }
                })?;
            registered(tx, &ask, "work_unit.register", made, now).await?;
            let job = announce(tx, id.0, last, events.len(), now).await?;
            Ok(job.into_iter().collect())
        })
    })
    .await?;
    Ok(id)
}

/// The community signs a unit's registration, or does not.
///
/// # Errors
/// Not with the officer's community; decided already.
pub async fn sign(
    state: &State,
    ask: Ask,
    id: UnitRegistrationId,
    (accept, note): (bool, Option<String>),
) -> Result<(), Error> {
    carry_out(state, move |tx, _, now| {
        Box::pin(async move {
            let held = store::lock_registration(tx, id).await?.ok_or(Basic::NotFound)?;
            let actor = ask.actor.as_ref().ok_or(Basic::Unauthenticated)?;
            if !actor.covers(Permission::SignRegistration, &held.community) {
                return Err(Basic::NotFound.into());
            }
            ask.check_version(held.version)?;
            let decision = held.sign(accept, note, actor.account, now)?;
            keep(tx, &ask, "work_unit.sign", decision, now).await
        })
    })
    .await
}

/// The unit or the community ends a unit's registration.
///
/// # Errors
/// Neither is the caller's; it is over already.
pub async fn end(
    state: &State,
    ask: Ask,
    id: UnitRegistrationId,
    reason: String,
) -> Result<(), Error> {
    carry_out(state, move |tx, _, now| {
        Box::pin(async move {
            let held = store::lock_registration(tx, id).await?.ok_or(Basic::NotFound)?;
            let actor = ask.actor.as_ref().ok_or(Basic::Unauthenticated)?;
            let own = actor.covers(Permission::SignRegistration, &held.community)
                || actor.covers(Permission::ActForWorkUnit, &held.unit);
            if !own {
                return Err(Basic::NotFound.into());
            }
            ask.check_version(held.version)?;
            let decision = held.end(reason, actor.account, now)?;
            keep(tx, &ask, "work_unit.end", decision, now).await
        })
    })
    .await
}

async fn keep(
    tx: &mut Connection,
    ask: &Ask,
    action: &'static str,
    decision: Decision<UnitRegistration>,
    now: Timestamp,
) -> Result<Vec<JobId>, Error> {
    let by = ask.account().ok_or(Basic::Unauthenticated)?;
    let (state, events) = (&decision.state, &decision.events);
    let last = store::save_registration(tx, state, events, by, now).await?;
    registered(tx, ask, action, state, now).await?;
    Ok(announce(tx, state.id.0, last, events.len(), now).await?.into_iter().collect())
}

async fn registered(
    tx: &mut Connection,
    ask: &Ask,
    action: &'static str,
    one: &UnitRegistration,
    now: Timestamp,
) -> Result<(), Error> {
    let data = json!({ "status": one.status, "unit": one.unit, "community": one.community });
    let entry = AuditEntry::new(action, "unit_registration", one.id, &ask.origin)
        .with(data)
        .by(ask.actor.as_ref());
    Ok(audit::append(tx, &entry, now).await?)
}

/// One receipt with the member's whole name; each look is on record.
///
/// # Errors
/// Not of the caller's unit.
pub async fn receipt(
    state: &State,
    ask: Ask,
    id: ReceiptId,
) -> Result<(ReceiptView, String), Error> {
    let now = state.clock.now();
    let scope = ask.actor.as_ref().map(Scope::of).ok_or(Basic::Unauthenticated)?;
    let here = state.clone();
    transact(&state.db, move |tx| {
        Box::pin(async move {
            let filter = ToldFilter { id: Some(id.0), ..ToldFilter::default() };
            let one = PageRequest { after: None, limit: Limit::DEFAULT };
            let view = read::receipts(tx, &scope, &filter, one).await?.pop();
            let view = view.ok_or(Basic::NotFound)?;
            let name = whole_name(&here, &view.name_sealed)?;
            let seen = AuditEntry::new("work_unit.name_seen", "receipt", id, &ask.origin)
                .by(ask.actor.as_ref());
            audit::append(tx, &seen, now).await?;
            Ok((view, name))
        })
    })
    .await
}

/// The unit signs for a receipt or a report.
///
/// # Errors
/// Not of the liaison's own unit; signed for before.
pub async fn acknowledge(state: &State, ask: Ask, told: Told) -> Result<(), Error> {
    let now = state.clock.now();
    transact(&state.db, move |tx| {
        Box::pin(async move {
            let actor = ask.actor.as_ref().ok_or(Basic::Unauthenticated)?;
            let unit = store::told(tx, told).await?.ok_or(Basic::NotFound)?;
            // Whoever reads every unit's signs for their own alone.
            if !actor.covers(Permission::ActForWorkUnit, &unit) {
                return Err(Basic::NotFound.into());
            }
            if !store::acknowledge(tx, told, actor.account, now).await? {
                return Err(Refused::Acknowledged.into());
            }
            let (object, id) = match told {
                Told::Receipt(id) => ("receipt", id.0),
                Told::Report(id) => ("unit_report", id.0),
            };
            let entry = AuditEntry::new("work_unit.acknowledge", object, id, &ask.origin);
            Ok(audit::append(tx, &entry.by(Some(actor)), now).await?)
        })
    })
    .await
}
