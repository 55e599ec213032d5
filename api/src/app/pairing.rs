//! Use cases of leading cadres paired with communities (包联).

use domain::{
    event::EventKind,
    id::{CadrePairingId, JobId, MatterId},
    identity::{Actor, Permission},
    pairing::{Log, Matter, Pair, Pairing, Refused, Status},
    refusal::{Basic, Invalid},
    time::Timestamp,
};
use infra::{
    postgres::{
        Connection,
        audit::{self, AuditEntry},
        event, identity as accounts, org, pairing as store, violated, work_unit,
    },
    random,
};
use serde_json::json;
use uuid::Uuid;

use super::{
    case::{Ask, carry_out},
    notification::announce,
    transact,
};
use crate::{error::Error, state::State};

/// Pairs a cadre with a community or one of its estates.
///
/// # Errors
/// No such unit, community, estate or account; the post is paired there already.
pub async fn pair(state: &State, ask: Ask, pair: Pair) -> Result<CadrePairingId, Error> {
    let now = state.clock.now();
    let id: CadrePairingId = random::id(now);
    transact(&state.db, move |tx| {
        Box::pin(async move {
            let by = ask.account().ok_or(Basic::Unauthenticated)?;
            let missing = |field: &str, reason: &str| Error::from(Invalid::field(field, reason));
            if !work_unit::exists(tx, &pair.unit).await? {
                return Err(missing("unit", "单位名册里没有这个单位，请先登记"));
            }
            if !org::community_exists(tx, &pair.community).await? {
                return Err(missing("community_code", "没有这个社区或村，请从列表中选择"));
            }
            if let Some(estate) = &pair.estate
                && !store::estate_exists(tx, estate).await?
            {
                return Err(missing("estate_code", "没有这个小区，请从列表中选择"));
            }
            let cadre = match &pair.username {
                Some(username) => {
                    let found = accounts::find_by_username(tx, username).await?;
                    Some(found.ok_or_else(|| missing("username", "没有这个工作账号"))?)
                }
                None => None,
            };
            store::insert(tx, (id, &pair), cadre, by, now).await.map_err(
                |error| match violated(&error) {
                    Some("pairing_active") => Refused::Paired.into(),
                    _ => Error::from(error),
                },
            )?;
            let data = json!({ "unit": pair.unit, "community": pair.community });
            let entry = AuditEntry::new("pairing.pair", "pairing", id, &ask.origin).with(data);
            audit::append(tx, &entry.by(ask.actor.as_ref()), now).await?;
            Ok(id)
        })
    })
    .await
}

/// Ends a pairing before its term.
///
/// # Errors
/// It is missing, or ended already.
pub async fn end(state: &State, ask: Ask, id: CadrePairingId, reason: String) -> Result<(), Error> {
    carry_out(state, move |tx, _, now| {
        Box::pin(async move {
            let by = ask.account().ok_or(Basic::Unauthenticated)?;
            let held = store::lock(tx, id).await?.ok_or(Basic::NotFound)?;
            ask.check_version(held.version)?;
            held.end()?;
            store::end(tx, id, &reason, by, now).await?;
            let entry = AuditEntry::new("pairing.end", "pairing", id, &ask.origin);
            audit::append(tx, &entry.by(ask.actor.as_ref()), now).await?;
            tell(tx, &ask, (&held, id.0), EventKind::CadreEnded, now).await
        })
    })
    .await
}

/// Tells community, work unit and cadre of something under a locked pairing; `subject` is the pairing
/// or a matter of it.
async fn tell(
    tx: &mut Connection,
    ask: &Ask,
    (pairing, subject): (&Pairing, Uuid),
    kind: EventKind,
    now: Timestamp,
) -> Result<Vec<JobId>, Error> {
    let told = [pairing.event(kind)];
    let last = event::append_next(tx, subject, &told, ask.account(), now).await?;
    Ok(announce(tx, subject, last, 1, now).await?.into_iter().collect())
}

/// Whether somebody speaks for the cadre's unit or for the community.
fn takes_part(actor: &Actor, pairing: &Pairing) -> bool {
    actor.covers(Permission::ActForWorkUnit, &pairing.unit)
        || actor.covers(Permission::SignRegistration, &pairing.community)
}

/// Logs what the cadre took on.
///
/// # Errors
/// Neither the caller's unit nor community; the pairing is over; the complaint or whistle is not
/// the community's, or was logged before.
pub async fn log(state: &State, ask: Ask, id: CadrePairingId, log: Log) -> Result<MatterId, Error> {
    let matter: MatterId = random::id(state.clock.now());
    carry_out(state, move |tx, _, now| {
        Box::pin(async move {
            let actor = ask.actor.as_ref().ok_or(Basic::Unauthenticated)?;
            let held = store::lock(tx, id).await?.ok_or(Basic::NotFound)?;
            if !takes_part(actor, &held) {
                return Err(Basic::NotFound.into());
            }
            held.open(now)?;
            let links = (log.complaint, log.whistle);
            let (complaint, whistle) = store::linked(tx, links, &held.community).await?;
            if !complaint {
                return Err(Invalid::field("complaint_id", "这个社区没有这件诉求").into());
            }
            if !whistle {
                return Err(Invalid::field("whistle_id", "这个社区没有这张哨单").into());
            }
            store::log(tx, (matter, id), &log, actor.account, now).await.map_err(|error| {
                match violated(&error) {
                    Some(
                        "pairing_matter_once"
                        | "pairing_matter_complaint"
                        | "pairing_matter_whistle",
                    ) => Refused::Logged.into(),
                    _ => Error::from(error),
                }
            })?;
            let entry = AuditEntry::new("pairing.log", "pairing_matter", matter, &ask.origin);
            audit::append(tx, &entry.by(actor), now).await?;
            tell(tx, &ask, (&held, matter.0), EventKind::MatterLogged, now).await
        })
    })
    .await?;
    Ok(matter)
}

/// A matter and its pairing, both locked, for somebody who takes part.
async fn held(
    tx: &mut Connection,
    ask: &Ask,
    id: MatterId,
) -> Result<(Pairing, Matter, Actor), Error> {
    let actor = ask.actor.clone().ok_or(Basic::Unauthenticated)?;
    let matter = store::lock_matter(tx, id).await?.ok_or(Basic::NotFound)?;
    let pairing = store::lock(tx, matter.pairing).await?.ok_or(Basic::NotFound)?;
    if !takes_part(&actor, &pairing) {
        return Err(Basic::NotFound.into());
    }
    ask.check_version(matter.version)?;
    Ok((pairing, matter, actor))
}

/// Reports a matter solved.
///
/// # Errors
/// Not the caller's; it waits for the community or is confirmed.
pub async fn solve(state: &State, ask: Ask, id: MatterId, solution: String) -> Result<(), Error> {
    carry_out(state, move |tx, _, now| {
        Box::pin(async move {
            let (pairing, matter, actor) = held(tx, &ask, id).await?;
            let solved = matter.solve(solution, actor.account, now)?;
            keep(tx, &ask, "pairing.solve", (&pairing, &solved), now).await
        })
    })
    .await
}

/// The community confirms that a matter is solved, or sends it back.
///
/// # Errors
/// Not with the officer's community; not reported solved; the officer's own report.
pub async fn judge(
    state: &State,
    ask: Ask,
    id: MatterId,
    (approve, note): (bool, Option<String>),
) -> Result<(), Error> {
    carry_out(state, move |tx, _, now| {
        Box::pin(async move {
            let (pairing, matter, actor) = held(tx, &ask, id).await?;
            if !actor.covers(Permission::SignRegistration, &pairing.community) {
                return Err(Basic::NotFound.into());
            }
            let judged = matter.judge(approve, note, actor.account, now)?;
            keep(tx, &ask, "pairing.judge", (&pairing, &judged), now).await
        })
    })
    .await
}

async fn keep(
    tx: &mut Connection,
    ask: &Ask,
    action: &'static str,
    (pairing, matter): (&Pairing, &Matter),
    now: Timestamp,
) -> Result<Vec<JobId>, Error> {
    store::save_matter(tx, matter).await?;
    let entry = AuditEntry::new(action, "pairing_matter", matter.id, &ask.origin)
        .with(json!({ "status": matter.status }))
        .by(ask.actor.as_ref());
    audit::append(tx, &entry, now).await?;
    let kind = match matter.status {
        Status::Logged => EventKind::MatterLogged,
        Status::Solved => EventKind::MatterSolved,
        Status::Confirmed => EventKind::MatterConfirmed,
        Status::SentBack => EventKind::MatterSentBack,
    };
    tell(tx, ask, (pairing, matter.id.0), kind, now).await
}
