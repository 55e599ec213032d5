//! Use cases of supervision (督办). A supervision is part of its case: the case's lock is its lock, and
//! its events stand in the case's stream.

use domain::{
    decision::Decision,
    id::{ComplaintId, JobId, SupervisionId},
    identity::Actor,
    refusal::Basic,
    scope::Scope,
    sla::Terms,
    supervision::{Demand, Refused, SendBack, Supervision, Written},
    task::{Case, Role, Task},
    time::Timestamp,
};
use infra::{
    postgres::{
        Connection,
        audit::{self, AuditEntry},
        complaint as complaints, supervision as store, task as tasks,
        timer::{self, Subject},
        whistle,
    },
    random,
};
use serde_json::json;

use super::{
    case::{Ask, Change, Root, carry_out},
    transact,
};
use crate::{error::Error, state::State};

mod roster;

pub use roster::{keep, on_call, on_duty, reads_phones};

/// A supervision with the lock of its case.
struct Held {
    root: Root,
    supervision: Supervision,
}

impl Held {
    async fn take(tx: &mut Connection, id: SupervisionId) -> Result<Self, Error> {
        let case = store::case_of(tx, id).await?.ok_or(Basic::NotFound)?;
        let root = locked(tx, case).await?;
        let supervision = store::find(tx, id).await?.ok_or(Basic::NotFound)?;
        Ok(Self { root, supervision })
    }
}

async fn locked(tx: &mut Connection, case: Case) -> Result<Root, Error> {
    Ok(match case {
        Case::Complaint(id) => {
            let complaint = complaints::lock(tx, complaints::By::Id(id)).await?;
            complaint.ok_or(Basic::NotFound)?.into()
        }
        Case::Whistle(id) => super::whistle::locked(tx, whistle::By::Id(id)).await?.0.into(),
    })
}

/// Stores what was decided: the supervision, its events in the case's stream, its timers.
async fn kept(
    tx: &mut Connection,
    state: &State,
    ask: &Ask,
    action: &'static str,
    (root, decision): (Root, Decision<Supervision>),
    is_new: bool,
    now: Timestamp,
) -> Result<Vec<JobId>, Error> {
    let Decision { state: supervision, events } = decision;
    if is_new {
        store::insert(tx, &supervision).await?;
    } else {
        store::save(tx, &supervision).await?;
    }
    timer::sync(tx, Subject::Supervision(supervision.id), &supervision.timers()).await?;
    let entry = AuditEntry::new(action, "supervision", supervision.id, &ask.origin)
        .with(json!({ "status": supervision.status, "level": supervision.level }))
        .by(ask.actor.as_ref());
    audit::append(tx, &entry, now).await?;
    Change::of(Decision { state: root, events }).store(tx, state, ask, action, now).await
}

/// Opens a supervision on a complaint (督办), by the supervisor's hand or by a leader's word (批示). A
/// leader's word also takes up the one that is open.
///
/// # Errors
/// A foreign complaint; nobody works on it; the unit has one that is open.
pub async fn open(
    state: &State,
    ask: Ask,
    id: ComplaintId,
    demand: Demand,
) -> Result<SupervisionId, Error> {
    let now = state.clock.now();
    let here = state.clone();
    let (opened, jobs) = transact(&state.db, move |tx| {
        Box::pin(async move {
            let complaint = complaints::lock(tx, complaints::By::Id(id)).await?;
            let complaint = complaint.ok_or(Basic::NotFound)?;
            let actor = ask.actor.as_ref().ok_or(Basic::Unauthenticated)?;
            if !Scope::of(actor).reads(&complaint) {
                return Err(Basic::NotFound.into());
            }
            ask.check_version(complaint.version)?;
            let all = tasks::of_case(tx, id.0).await?;
            let task = supervised(&all, &demand).ok_or(Refused::NobodyToSupervise)?;
            let by = Some(actor.account);
            let open = store::open_for(tx, task.case, &task.unit).await?;
            let before = match open {
                Some(id) => store::find(tx, id).await?,
                None => None,
            };
            let decision = match (&before, &demand.text) {
                (Some(before), Some(text)) if demand.instruction => {
                    before.instruct(text, here.terms(), now)?
                }
                (Some(_), _) => return Err(Refused::AlreadyOpen.into()),
                (None, _) => {
                    Supervision::open(random::id(now), task, &demand, by, here.terms(), now)
                }
            };
            let opened = decision.state.id;
            let action =
                if demand.instruction { "supervision.instruct" } else { "supervision.open" };
            let decided = (complaint.into(), decision);
            let jobs = kept(tx, &here, &ask, action, decided, before.is_none(), now).await?;
            Ok((opened, jobs))
        })
    })
    .await?;
    state.redis.wake(&jobs).await;
    Ok(opened)
}

/// The task whose unit is meant: the one named, else the lead.
fn supervised<'t>(tasks: &'t [Task], demand: &Demand) -> Option<&'t Task> {
    let open = |task: &&Task| !task.status.is_ended();
    match &demand.unit {
        Some(unit) => tasks.iter().filter(open).find(|task| task.unit == *unit),
        None => tasks.iter().filter(open).find(|task| task.role == Role::Lead),
    }
}

/// The first level, because a unit's written bulletin brought nothing. Where the unit is supervised
/// on the case already, nothing more is to be done. Call it under the case's lock.
pub(super) async fn overdue(
    tx: &mut Connection,
    state: &State,
    root: Root,
    task: &Task,
    now: Timestamp,
) -> Result<Vec<JobId>, Error> {
    if store::open_for(tx, task.case, &task.unit).await?.is_some() {
        return Ok(Vec::new());
    }
    let demand = Demand::overdue(task.unit.clone());
    let decision = Supervision::open(random::id(now), task, &demand, None, state.terms(), now);
    let (ask, decided) = (Ask::worker(), (root, decision));
    kept(tx, state, &ask, "supervision.open", decided, true, now).await
}

/// The unit answers in writing (书面答复).
///
/// # Errors
/// Another unit's; an illegal step; the date promised is past.
pub async fn answer(
    state: &State,
    ask: Ask,
    id: SupervisionId,
    written: Written,
) -> Result<(), Error> {
    let own = |actor: &Actor, one: &Supervision| actor.works_for(&one.unit);
    let decide = move |one: &Supervision, _: Terms<'_>, now| one.answer(&written, now);
    command(state, ask, id, ("supervision.answer", own), decide).await
}

/// The answer will do (办结).
///
/// # Errors
/// An illegal step.
pub async fn accept(state: &State, ask: Ask, id: SupervisionId) -> Result<(), Error> {
    command(state, ask, id, ("supervision.accept", any), |one, _, now| one.accept(now)).await
}

/// The answer will not do (退回).
///
/// # Errors
/// An illegal step.
pub async fn send_back(
    state: &State,
    ask: Ask,
    id: SupervisionId,
    back: SendBack,
) -> Result<(), Error> {
    let decide = move |one: &Supervision, terms: Terms<'_>, now| one.send_back(&back, terms, now);
    command(state, ask, id, ("supervision.send_back", any), decide).await
}

/// Puts it on the list (挂牌).
///
/// # Errors
/// An illegal step; it is listed.
pub async fn list(state: &State, ask: Ask, id: SupervisionId, reason: String) -> Result<(), Error> {
    let decide = move |one: &Supervision, _: Terms<'_>, now| one.list(&reason, now);
    command(state, ask, id, ("supervision.list", any), decide).await
}

/// Takes it off the list (摘牌).
///
/// # Errors
/// An illegal step; it is not listed.
pub async fn unlist(
    state: &State,
    ask: Ask,
    id: SupervisionId,
    reason: String,
) -> Result<(), Error> {
    let decide = move |one: &Supervision, _: Terms<'_>, _| one.unlist(&reason);
    command(state, ask, id, ("supervision.unlist", any), decide).await
}

const fn any(_: &Actor, _: &Supervision) -> bool {
    true
}

async fn command<D>(
    state: &State,
    ask: Ask,
    id: SupervisionId,
    (action, own): (&'static str, fn(&Actor, &Supervision) -> bool),
    decide: D,
) -> Result<(), Error>
where
    D: FnOnce(&Supervision, Terms<'_>, Timestamp) -> Result<Decision<Supervision>, Refused>
        + Send
        + 'static,
{
    carry_out(state, move |tx, here, now| {
        Box::pin(async move {
            let held = Held::take(tx, id).await?;
            let visible = ask.actor.as_ref().is_some_and(|actor| own(actor, &held.supervision));
            if !visible {
                return Err(Basic::NotFound.into());
            }
            ask.check_version(held.supervision.version)?;
            let decision = decide(&held.supervision, here.terms(), now)?;
            kept(tx, here, &ask, action, (held.root, decision), false, now).await
        })
    })
    .await
}

/// Where the task stands with which a supervision began.
async fn task_of(
    tx: &mut Connection,
    supervision: &Supervision,
) -> Result<domain::task::Status, Error> {
    let all = tasks::of_case(tx, supervision.case.id()).await?;
    let task = all.into_iter().find(|task| task.id == supervision.task);
    Ok(task.ok_or(Basic::NotFound)?.status)
}

/// Lets the deadline of a supervision have its effect, exactly once: unanswered it climbs, or lapses.
///
/// # Errors
/// The database's.
pub async fn fire(
    state: &State,
    id: SupervisionId,
    kind: domain::sla::TimerKind,
    due_at: Timestamp,
) -> Result<(), Error> {
    carry_out(state, move |tx, here, now| {
        Box::pin(async move {
            let held = Held::take(tx, id).await?;
            if !timer::fire(tx, Subject::Supervision(id), kind, due_at, now).await? {
                return Ok(Vec::new());
            }
            let Held { root, supervision } = held;
            let task = task_of(tx, &supervision).await?;
            let decided = (root, supervision.fire(task, here.terms(), now)?);
            let ask = Ask::worker();
            kept(tx, here, &ask, "supervision.timer", decided, false, now).await
        })
    })
    .await
}
