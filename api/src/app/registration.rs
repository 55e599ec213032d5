//! Use cases of registration (双报到).

use domain::{
    decision::Decision,
    id::{AccountId, JobId, RegistrationId},
    identity::{Grant, Permission, Role, SCOPE_SELF},
    org::NodeCode,
    page::{Limit, PageRequest},
    party::{Identity, RemovedAs},
    refusal::Basic,
    registration::{Moved, Registration, Sign, Status},
    scope::Scope,
    time::Timestamp,
    work_unit::ReceiptCause,
};
use infra::{
    crypto::Crypto,
    postgres::{
        Connection, identity as accounts, party,
        registration::{
            self as store, Sealed, change as changes,
            read::{self, Desk, Filter},
        },
        work_unit,
    },
    random,
};
use serde_json::{Value, json};

use super::{case::Ask, check_community, notification::announce, transact};
use crate::{error::Error, state::State};

pub mod change;
pub mod result;

/// What the name that was handed in is sealed for.
const NAME: &str = "registration.name";

/// The blind index by which a person is found on the register.
pub(super) fn match_index(crypto: &Crypto, identity: &Identity) -> Vec<u8> {
    crypto.index("party_member.match", identity.key().as_bytes()).to_vec()
}

/// The name that was handed in, as it is kept.
pub(super) fn sealed_name(crypto: &Crypto, identity: &Identity) -> Vec<u8> {
    crypto.seal(NAME, identity.name.plain().as_bytes())
}

/// Hands a registration in, or puts a waiting one right. The register is not looked at, so that
/// the answer, its shape and its time are the same whoever stands on it.
///
/// # Errors
/// No such community; `already_registered`.
pub async fn submit(
    state: &State,
    ask: Ask,
    community: NodeCode,
    identity: Identity,
) -> Result<RegistrationId, Error> {
    let now = state.clock.now();
    let account = ask.account().ok_or(Basic::Unauthenticated)?;
    let sealed = Sealed {
        name: sealed_name(&state.crypto, &identity),
        match_index: match_index(&state.crypto, &identity),
    };
    let (id, job) = transact(&state.db, move |tx| {
        Box::pin(async move {
            check_community(tx, "community_code", &community).await?;
            accounts::lock(tx, account).await?;
            let decision = match store::lock_active(tx, account).await? {
                Some(waiting) => waiting.correct(community, now)?,
                None => Registration::submit(random::id(now), account, community, now),
            };
            let (registration, events) = (&decision.state, &decision.events);
            let last = store::hand_in(tx, registration, &sealed, events, now).await?;
            audit(tx, &ask, "registration.submit", registration, now).await?;
            let job = announce(tx, registration.id.0, last, events.len(), now).await?;
            Ok((registration.id, job))
        })
    })
    .await?;
    state.redis.wake(job.as_slice()).await;
    Ok(id)
}

/// The community's officer signs, or does not. A signature makes the account a party member.
///
/// # Errors
/// Not with the officer's community; decided already; nobody free on the register.
pub async fn sign(state: &State, ask: Ask, id: RegistrationId, sign: Sign) -> Result<(), Error> {
    let now = state.clock.now();
    let job = transact(&state.db, move |tx| {
        Box::pin(async move {
            work_unit::steady(tx).await?;
            let (waiting, index) = lock_own(tx, &ask, id).await?;
            let officer = ask.account().ok_or(Basic::Unauthenticated)?;
            let members = party::lock_matching(tx, &index).await?;
            let decision = waiting.sign(&sign, &members, officer, now)?;
            let decision = told_to_unit(tx, decision).await?;
            decide(tx, &ask, decision.state, &decision.events, now).await
        })
    })
    .await?;
    state.redis.wake(job.as_slice()).await;
    Ok(())
}

/// A registration with the officer's own community, locked; another community's is missing.
async fn lock_own(
    tx: &mut Connection,
    ask: &Ask,
    id: RegistrationId,
) -> Result<(Registration, Vec<u8>), Error> {
    let (registration, index) = store::lock(tx, id).await?.ok_or(Basic::NotFound)?;
    let own = ask
        .actor
        .as_ref()
        .is_some_and(|actor| actor.covers(Permission::SignRegistration, &registration.community));
    if !own {
        return Err(Basic::NotFound.into());
    }
    ask.check_version(registration.version)?;
    Ok((registration, index))
}

/// Finds the work unit that the receipt is for, where the register of units knows it, and tells it.
pub(super) async fn told_to_unit(
    tx: &mut Connection,
    mut decision: Decision<Registration>,
) -> Result<Decision<Registration>, Error> {
    let signed = &mut decision.state;
    if let (Status::Signed, Some(name)) = (signed.status, signed.work_unit.as_deref())
        && let Some(unit) = work_unit::called(tx, name).await?
    {
        decision.events.push(signed.receipt(&unit, ReceiptCause::Signed));
        signed.unit = Some(unit);
    }
    Ok(decision)
}

/// What a signature brings about beside the registration itself: the account is the member, and
/// the unit has its receipt.
pub(super) async fn take_effect(
    tx: &mut Connection,
    registration: &Registration,
    now: Timestamp,
) -> Result<(), Error> {
    let (Status::Signed, Some(member)) = (registration.status, registration.member) else {
        return Ok(());
    };
    party::bind(tx, member, registration.account).await?;
    make_member(tx, registration.account, now).await?;
    if let Some(unit) = &registration.unit {
        let about = (registration.id, &registration.community);
        let told = [(unit.clone(), ReceiptCause::Signed)];
        work_unit::receipts(tx, about, None, &told, now).await?;
    }
    Ok(())
}

async fn decide(
    tx: &mut Connection,
    ask: &Ask,
    registration: Registration,
    events: &[domain::event::NewEvent],
    now: Timestamp,
) -> Result<Option<JobId>, Error> {
    let last = store::save(tx, &registration, events, ask.account(), now).await?;
    take_effect(tx, &registration, now).await?;
    audit(tx, ask, "registration.sign", &registration, now).await?;
    announce(tx, registration.id.0, last, events.len(), now).await
}

/// Ends a locked registration because its member was taken off the register: the person, the
/// community and the work unit are told, and what was still asked for of it is closed.
pub(super) async fn lapse(
    tx: &mut Connection,
    ask: &Ask,
    signed: &Registration,
    why: RemovedAs,
    now: Timestamp,
) -> Result<Vec<JobId>, Error> {
    let Decision { state: ended, events } = signed.lapse(why, now)?;
    changes::close_open(tx, ended.id, "报到已终止").await?;
    let last = store::save(tx, &ended, &events, ask.account(), now).await?;
    let told: Vec<_> =
        ended.unit.iter().map(|unit| (unit.clone(), ReceiptCause::Removed)).collect();
    work_unit::receipts(tx, (ended.id, &ended.community), None, &told, now).await?;
    audit(tx, ask, "registration.lapse", &ended, now).await?;
    Ok(announce(tx, ended.id.0, last, events.len(), now).await?.into_iter().collect())
}

/// The register of members says that a member of a locked registration works elsewhere now: the unit
/// that was told of the member hears that they left, the new one that they came, where the register
/// of units knows them. The community signed for the person, not for the unit, and is not asked.
pub(super) async fn works_for(
    tx: &mut Connection,
    ask: &Ask,
    signed: Registration,
    name: Option<String>,
    now: Timestamp,
) -> Result<Vec<JobId>, Error> {
    let unit = match &name {
        Some(name) => work_unit::called(tx, name).await?,
        None => None,
    };
    let Moved { registration: moved, events, receipts } = signed.works_for(name, unit);
    let last = store::save(tx, &moved, &events, ask.account(), now).await?;
    work_unit::receipts(tx, (moved.id, &moved.community), None, &receipts, now).await?;
    audit(tx, ask, "registration.unit", &moved, now).await?;
    Ok(announce(tx, moved.id.0, last, events.len(), now).await?.into_iter().collect())
}

/// Gives an account the role of a party member on itself.
pub(super) async fn make_member(
    tx: &mut Connection,
    account: AccountId,
    now: Timestamp,
) -> Result<(), Error> {
    let grant = Grant { role: Role::PartyMember, scope: SCOPE_SELF.to_owned() };
    Ok(accounts::grant(tx, random::id(now), account, &grant, now).await?)
}

/// One registration for the officer who is to sign it, with the whole name; each look is on record.
///
/// # Errors
/// Not with the officer's community.
pub async fn read(state: &State, ask: Ask, id: RegistrationId) -> Result<(Desk, String), Error> {
    let now = state.clock.now();
    let scope = ask.actor.as_ref().map(Scope::of).ok_or(Basic::Unauthenticated)?;
    let crypto = state.crypto.clone();
    transact(&state.db, move |tx| {
        Box::pin(async move {
            let filter = Filter { id: Some(id), status: None };
            let one = PageRequest { after: None, limit: Limit::DEFAULT };
            let desk = read::desk(tx, &scope, filter, one).await?.pop().ok_or(Basic::NotFound)?;
            let name = crypto.open_text(NAME, &desk.name_sealed)?;
            let seen = ("registration.name_seen", "registration", id);
            ask.record(tx, seen, Value::Null, now).await?;
            Ok((desk, name))
        })
    })
    .await
}

/// The name that was handed in, whole: whoever shows it writes down that it was seen.
///
/// # Errors
/// It cannot be opened.
pub(super) fn whole_name(state: &State, sealed: &[u8]) -> Result<String, Error> {
    Ok(state.crypto.open_text(NAME, sealed)?)
}

/// The name that was handed in, for a list: its first character.
///
/// # Errors
/// It cannot be opened.
pub fn masked_name(state: &State, sealed: &[u8]) -> Result<String, Error> {
    Ok(domain::personal::PersonName::trusted(whole_name(state, sealed)?).masked())
}

async fn audit(
    tx: &mut Connection,
    ask: &Ask,
    action: &'static str,
    registration: &Registration,
    now: Timestamp,
) -> Result<(), Error> {
    let data = json!({ "status": registration.status, "community": registration.community });
    ask.record(tx, (action, "registration", registration.id), data, now).await
}
