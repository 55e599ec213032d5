//! Acts of enforcement: put on record under the lock of their task's case, so that what is told in
//! its stream comes in order. What they say of somebody is sealed here and opened here.

use domain::{
    decision::Decision,
    enforcement::{
        Act, ActKind, ActStatus, Certificate, Officers, Record, Refused, Withdraw, power::Power,
    },
    id::{AccountId, ActId, CertificateId, TaskId},
    identity::Actor,
    personal::PersonName,
    refusal::{Basic, Invalid},
    scope::Scope,
    task::Task,
    time::Timestamp,
};
use infra::{
    crypto::Crypto,
    postgres::{
        Connection,
        enforcement::{
            self as store, NewAct, power,
            read::{self, Acted, Which},
        },
        violated,
    },
    random,
};

use crate::{
    app::{
        case::{Ask, carry_out},
        task::Held,
        transact,
    },
    error::Error,
    state::State,
};

/// What the name of whom an act is against is sealed for.
const PARTY: &str = "enforcement_act.party_name";
/// What its content is sealed for.
const CONTENT: &str = "enforcement_act.content";

/// Puts an act on record.
///
/// # Errors
/// Not the unit's task; the rules of `domain::enforcement::Record::decide`; it stands already.
pub async fn record(state: &State, ask: Ask, task: TaskId, given: Record) -> Result<ActId, Error> {
    let id: ActId = random::id(state.clock.now());
    carry_out(state, move |tx, here, now| {
        Box::pin(async move {
            let held = Held::of_worker(tx, task, &ask).await?;
            let recorder = ask.account().ok_or(Basic::Unauthenticated)?;
            let found = in_force(tx, &held.task, &given, now).await?;
            let (list, power) = found.unzip();
            let certificates = named(tx, &given.certificates).await?;
            let officers = Officers { certificates: &certificates, recorder };
            let acts = store::acts(tx, task).await?;
            let standing = standing(&acts);
            let decision =
                given.decide(id, &held.task, power.as_ref(), &officers, &standing, now)?;
            let list = list.ok_or_else(|| Refused::NoSuchPower(given.power.clone()))?;
            let change = held.change(decision);
            insert(tx, &here.crypto, (id, list), (&held.task, &given), recorder, now).await?;
            change.store(tx, here, &ask, "enforcement.record", now).await
        })
    })
    .await?;
    Ok(id)
}

/// The power as the unit's list has it on the day of the act, if its list of today has it too.
async fn in_force(
    tx: &mut Connection,
    task: &Task,
    given: &Record,
    now: Timestamp,
) -> Result<Option<(i64, Power)>, Error> {
    let mut then = None;
    for day in given.days(now) {
        let Some(found) = power::in_force(tx, &task.unit, &given.power, day).await? else {
            return Ok(None);
        };
        then = then.or(Some(found));
    }
    Ok(then)
}

/// The kinds of the acts that were not withdrawn.
fn standing(acts: &[Act]) -> Vec<ActKind> {
    let standing = acts.iter().filter(|act| act.status == ActStatus::Standing);
    standing.map(|act| act.kind).collect()
}

async fn named(tx: &mut Connection, ids: &[CertificateId]) -> Result<Vec<Certificate>, Error> {
    let found = store::certificates(tx, ids).await?;
    for (index, id) in ids.iter().enumerate() {
        if !found.iter().any(|one| one.id == *id) {
            let field = format!("certificates.{index}");
            return Err(Invalid::field(field, "没有这个执法证，请从登记的证件中选择").into());
        }
    }
    Ok(found)
}

async fn insert(
    tx: &mut Connection,
    crypto: &Crypto,
    (id, list): (ActId, i64),
    (task, record): (&Task, &Record),
    by: AccountId,
    now: Timestamp,
) -> Result<(), Error> {
    let act = NewAct {
        id,
        task: task.id,
        unit: &task.unit,
        list,
        record,
        party: crypto.seal(PARTY, record.party.name.plain().as_bytes()),
        content: crypto.seal(CONTENT, record.content.as_bytes()),
        by,
    };
    store::insert(tx, &act, now).await.map_err(|error| match violated(&error) {
        Some("enforcement_act_document_no") => Refused::DocumentTaken.into(),
        Some("enforcement_act_once") => Refused::Twice.into(),
        _ => Error::from(error),
    })
}

/// Withdraws an act by a further one.
///
/// # Errors
/// Not the unit's; withdrawn already; nobody with a certificate that counts answers for it.
pub async fn withdraw(state: &State, ask: Ask, id: ActId, given: Withdraw) -> Result<(), Error> {
    let by: ActId = random::id(state.clock.now());
    carry_out(state, move |tx, here, now| {
        Box::pin(async move {
            let task = store::task_of(tx, id).await?.ok_or(Basic::NotFound)?;
            let held = Held::of_worker(tx, task, &ask).await?;
            let who = ask.account().ok_or(Basic::Unauthenticated)?;
            let acts = store::acts(tx, task).await?;
            let act = acts.iter().find(|act| act.id == id).ok_or(Basic::NotFound)?;
            let certificates = named(tx, &given.certificates).await?;
            let officers = Officers { certificates: &certificates, recorder: who };
            let Decision { state: task, mut events } =
                act.withdraw(by, &held.task, &officers, &standing(&acts), now)?;
            for event in &mut events {
                event.note = Some(given.reason.0.clone());
            }
            let change = held.change(Decision { state: task, events });
            store::withdraw(tx, (by, id), &given.reason.0, &given.certificates, who, now).await?;
            change.store(tx, here, &ask, "enforcement.withdraw", now).await
        })
    })
    .await
}

/// An act as somebody may read it.
#[derive(Debug, Clone)]
pub struct Opened {
    /// What is stored of it.
    pub act: Acted,
    /// Against whom: in full for the unit whose act it is, with its middle hidden for the centre.
    pub party_name: Option<String>,
    /// What was found and ordered.
    pub content: Option<String>,
}

/// The acts of a task that the actor may read. That somebody read a whole name is on record.
///
/// # Errors
/// As of [`acts`].
pub async fn of_task(state: &State, ask: Ask, task: TaskId) -> Result<Vec<Opened>, Error> {
    let actor = ask.actor.clone().ok_or(Basic::Unauthenticated)?;
    let found = acts(state, &actor, Which::Task(task)).await?;
    if found.iter().any(|one| one.party_name.is_some() && actor.works_for(&one.act.unit)) {
        let now = state.clock.now();
        transact(&state.db, move |tx| {
            Box::pin(async move {
                let seen = ("enforcement.name_seen", "task", task);
                ask.record(tx, seen, serde_json::Value::Null, now).await
            })
        })
        .await?;
    }
    Ok(found)
}

/// The acts that the actor may read, opened.
///
/// # Errors
/// The database's, or a seal that does not open.
pub async fn acts(state: &State, actor: &Actor, which: Which) -> Result<Vec<Opened>, Error> {
    let mut conn = state.db.acquire().await?;
    let found = read::acts(&mut conn, &Scope::of(actor), which).await?;
    let open = |act: Acted| -> Result<Opened, Error> {
        let text = |context: &str, sealed: Option<&Vec<u8>>| {
            sealed.map(|sealed| state.crypto.open_text(context, sealed)).transpose()
        };
        let name = text(PARTY, act.party.as_ref())?.map(PersonName::trusted);
        let whole = actor.works_for(&act.unit);
        let party_name =
            name.map(|name| if whole { name.plain().to_owned() } else { name.masked() });
        let content = text(CONTENT, act.content.as_ref())?;
        Ok(Opened { act, party_name, content })
    };
    found.into_iter().map(open).collect()
}
