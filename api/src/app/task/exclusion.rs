//! Exclusion (剔除): the lead asks with evidence, a supervisor decides once, both before the month
//! is frozen.

use domain::{
    bulletin,
    complaint::{AskExclusion, Complaint, DecideExclusion},
    id::TaskId,
    identity::Role,
    refusal::Basic,
    task::Task,
    time::{Month, Timestamp},
};
use infra::postgres::complaint::exclusion as store;

use super::{Held, Root};
use crate::{
    app::case::{Ask, Change, carry_out},
    error::Error,
    state::State,
};

/// When the appeals of a duty's month close: the month in which its first task was dispatched.
pub(in crate::app) fn closes_at(state: &State, tasks: &[Task], task: &Task) -> Timestamp {
    let mut first = task;
    while let Some(earlier) = tasks.iter().find(|one| Some(one.id) == first.rework_of) {
        first = earlier;
    }
    let month = Month::of(first.dispatched_at);
    bulletin::freezes_at(month, state.calendars.current(), &state.config.rates)
}

fn complaint_of(held: &Held) -> Result<&Complaint, Error> {
    match &held.root {
        Root::Complaint(complaint) => Ok(complaint),
        // A whistle's tasks count in no rate.
        Root::Whistle(_) => Err(domain::complaint::Refused::ExclusionNotLead.into()),
    }
}

/// The lead asks that its case count in no rate.
///
/// # Errors
/// Not the unit's; not a lead; asked before; the month's appeals are closed.
pub async fn ask_exclusion(
    state: &State,
    ask: Ask,
    id: TaskId,
    command: AskExclusion,
) -> Result<(), Error> {
    carry_out(state, move |tx, here, now| {
        Box::pin(async move {
            let held = Held::of_unit(tx, id, &ask).await?;
            let by = ask.account().ok_or(Basic::Unauthenticated)?;
            let complaint = complaint_of(&held)?;
            let closes_at = closes_at(here, &held.tasks, &held.task);
            let decision = complaint.ask_exclusion(&held.task, &command, closes_at, now)?;
            if !store::ask(tx, complaint.id, &held.task, &command, by, now).await? {
                return Err(domain::complaint::Refused::ExclusionAsked.into());
            }
            let change = Change::of(decision).waiting(held.open().cloned().collect());
            change.store(tx, here, &ask, "task.ask_exclusion", now).await
        })
    })
    .await
}

/// The supervisor decides on it, once.
///
/// # Errors
/// Nothing was asked; decided before; the month's appeals are closed.
pub async fn decide_exclusion(
    state: &State,
    ask: Ask,
    id: TaskId,
    command: DecideExclusion,
) -> Result<(), Error> {
    carry_out(state, move |tx, here, now| {
        Box::pin(async move {
            let supervisor = ask.actor.as_ref().is_some_and(|actor| actor.has(Role::Supervisor));
            let held = Held::take(tx, id).await?.checked(supervisor, &ask)?;
            let by = ask.account().ok_or(Basic::Unauthenticated)?;
            let complaint = complaint_of(&held)?;
            match store::is_decided(tx, id).await? {
                None => return Err(domain::complaint::Refused::NoExclusionAsked.into()),
                Some(true) => return Err(domain::complaint::Refused::ExclusionDecided.into()),
                Some(false) => {}
            }
            let closes_at = closes_at(here, &held.tasks, &held.task);
            let decision = complaint.decide_exclusion(&held.task, &command, closes_at, now)?;
            store::decide(tx, id, &command, by, now).await?;
            let change = Change::of(decision).waiting(held.open().cloned().collect());
            change.store(tx, here, &ask, "task.decide_exclusion", now).await
        })
    })
    .await
}
