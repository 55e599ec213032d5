//! Drafts of replies. A draft is no act: it has no event, no version and no audit entry, and a
//! client may save it as often as its user pauses.

use domain::{
    id::TaskId,
    refusal::Basic,
    task::{Draft, Refused, Step},
};
use infra::postgres::task::draft as store;

use super::Held;
use crate::{
    app::{case::Ask, transact},
    error::Error,
    state::State,
};

/// Keeps the caller's draft of a reply.
///
/// # Errors
/// Not the unit's; the task is over.
pub async fn save_draft(state: &State, ask: Ask, id: TaskId, draft: Draft) -> Result<(), Error> {
    let now = state.clock.now();
    transact(&state.db, move |tx| {
        Box::pin(async move {
            let held = Held::of_worker(tx, id, &ask).await?;
            let status = held.task.status;
            if status.is_ended() {
                return Err(Refused::Step { step: Step::Reply, status }.into());
            }
            let account = ask.account().ok_or(Basic::Unauthenticated)?;
            Ok(store::save(tx, (id, account), &draft, None, now).await?)
        })
    })
    .await
}

/// Throws the caller's draft away, also of a task that is over.
///
/// # Errors
/// Not the unit's.
pub async fn discard_draft(state: &State, ask: Ask, id: TaskId) -> Result<(), Error> {
    transact(&state.db, move |tx| {
        Box::pin(async move {
            Held::of_worker(tx, id, &ask).await?;
            let account = ask.account().ok_or(Basic::Unauthenticated)?;
            Ok(store::discard(tx, (id, account)).await?)
        })
    })
    .await
}
