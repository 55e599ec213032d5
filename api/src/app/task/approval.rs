//! The head's approval of replies (领导审签), and which replies of a unit need it.

use domain::{
    id::{AccountId, TaskId},
    org::NodeCode,
    refusal::Basic,
    task::{ApprovalRule, DecideReply, Draft, Reply, Task},
    time::Timestamp,
};
use infra::postgres::{
    Connection,
    audit::{self, AuditEntry},
    org,
    task::{approval as store, draft},
};
use serde_json::json;

use super::Held;
use crate::{
    app::{
        case::{Ask, carry_out},
        transact,
    },
    error::Error,
    state::State,
};

/// Whether photos come with a reply, and whether they must.
#[derive(Debug, Clone, Copy)]
pub(super) struct Photos {
    pub come: bool,
    pub demanded: bool,
}

/// What becomes of a reply: it goes out, or it waits for the head where the unit asks for that.
///
/// # Errors
/// The reply rules of `domain::task::Task::reply`; another reply waits.
pub(super) async fn replied(
    tx: &mut Connection,
    task: &Task,
    reply: &Reply,
    photos: Photos,
    (ask, now): (&Ask, Timestamp),
) -> Result<domain::decision::Decision<Task>, Error> {
    let rule = store::rule(tx, &task.unit).await?;
    if rule.needs(reply.outcome) {
        let by = ask.account().ok_or(Basic::Unauthenticated)?;
        let waiting = task.submit_reply(reply, by, now)?;
        // The head never reads what could not go out.
        task.reply(reply, photos.come, photos.demanded, now)?;
        return Ok(waiting);
    }
    Ok(task.reply(reply, photos.come, photos.demanded, now)?)
}

/// The head approves the reply that waits, or has it written again (审签).
///
/// # Errors
/// Not the head's unit; none waits; the head wrote it; the reply rules.
pub async fn decide_reply(
    state: &State,
    ask: Ask,
    id: TaskId,
    command: DecideReply,
) -> Result<(), Error> {
    carry_out(state, move |tx, here, now| {
        Box::pin(async move {
            let held = Held::of_unit(tx, id, &ask).await?;
            if !ask.actor.as_ref().is_some_and(|actor| actor.signs_for(&held.task.unit)) {
                // A head elsewhere, but a clerk here.
                return Err(Basic::Forbidden.into());
            }
            held.running()?;
            let by = ask.account().ok_or(Basic::Unauthenticated)?;
            let decision = held.task.decide_reply(&command, by, now)?;
            if matches!(command, DecideReply::Refuse(_)) {
                keep(tx, &held.task, None, now).await?;
            }
            held.change(decision).store(tx, here, &ask, "task.decide_reply", now).await
        })
    })
    .await
}

/// The unit takes back the reply that waits (撤回送审).
///
/// # Errors
/// Not the unit's; none waits.
pub async fn withdraw_reply(state: &State, ask: Ask, id: TaskId) -> Result<(), Error> {
    carry_out(state, move |tx, here, now| {
        Box::pin(async move {
            let held = Held::of_worker(tx, id, &ask).await?;
            let decision = held.task.withdraw_reply()?;
            keep(tx, &held.task, ask.account(), now).await?;
            let change = held.change(decision);
            change.store(tx, here, &ask, "task.withdraw_reply", now).await
        })
    })
    .await
}

/// What was written is not lost: it is its writer's draft again, and that of whoever took it back.
async fn keep(
    tx: &mut Connection,
    task: &Task,
    also: Option<AccountId>,
    now: Timestamp,
) -> Result<(), Error> {
    let Some(waiting) = &task.waiting_reply else { return Ok(()) };
    let Reply { text, outcome, basis } = waiting.reply.clone();
    let kept = Draft { text, outcome: Some(outcome), basis };
    for account in [waiting.by].into_iter().chain(also.filter(|other| *other != waiting.by)) {
        // What somebody wrote on since then is newer.
        draft::save(tx, (task.id, account), &kept, Some(waiting.since), now).await?;
    }
    Ok(())
}

/// Says which replies of a unit need its head's approval; what was said before gives way. A reply
/// that waits already goes on waiting.
///
/// # Errors
/// Not the head's unit.
pub async fn set_approval(
    state: &State,
    ask: Ask,
    unit: NodeCode,
    rule: ApprovalRule,
) -> Result<(), Error> {
    let now = state.clock.now();
    transact(&state.db, move |tx| {
        Box::pin(async move {
            let signs = ask.actor.as_ref().is_some_and(|actor| actor.signs_for(&unit));
            if !signs || org::unit(tx, &unit).await?.is_none() {
                return Err(Basic::NotFound.into());
            }
            let by = ask.account().ok_or(Basic::Unauthenticated)?;
            store::set_rule(tx, &unit, &rule, by, now).await?;
            let entry = AuditEntry::new("task.set_approval", "unit", &unit, &ask.origin)
                .with(json!({ "outcomes": rule.outcomes() }))
                .by(ask.actor.as_ref());
            Ok(audit::append(tx, &entry, now).await?)
        })
    })
    .await
}
