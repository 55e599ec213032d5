//! Follow-up by telephone (电话回访): a case is taken for a while, and given back with the result.

use domain::{
    follow_up::{CALL, Refused, check_caller},
    id::ComplaintId,
    refusal::Basic,
    time::Timestamp,
};
use infra::postgres::{
    Connection,
    audit::{self, AuditEntry},
    follow_up as store, task,
};

use super::{
    case::{Ask, Locked},
    complaint::permit_call,
    transact,
};
use crate::{error::Error, state::State};

/// Takes a case for a call; whoever has it already keeps it longer. Answers until when.
///
/// # Errors
/// Missing; no evaluation is awaited; nobody to call; one's own work; another has it.
pub async fn take(state: &State, ask: Ask, id: ComplaintId) -> Result<Timestamp, Error> {
    let now = state.clock.now();
    transact(&state.db, move |tx| {
        Box::pin(async move {
            let actor = ask.actor.clone().ok_or(Basic::Unauthenticated)?;
            let case = Locked::seen(tx, id, &ask).await?;
            permit_call(tx, &case).await?;
            if !case.complaint.reachable {
                return Err(Refused::NobodyToCall.into());
            }
            may_call(tx, &case, &ask, now).await?;
            let until = store::take(tx, id, actor.account, now + CALL, now).await?;
            let until = until.ok_or(Refused::Taken { until: now + CALL })?;
            let entry = AuditEntry::new("follow_up.take", "complaint", id, &ask.origin);
            audit::append(tx, &entry.by(&actor), now).await?;
            Ok(until)
        })
    })
    .await
}

/// Whether the caller may call about a locked case.
///
/// # Errors
/// Their own work, or another has taken it.
pub(super) async fn may_call(
    tx: &mut Connection,
    case: &Locked,
    ask: &Ask,
    now: Timestamp,
) -> Result<(), Error> {
    let Some(actor) = &ask.actor else { return Ok(()) };
    check_caller(actor, &case.tasks)?;
    if let Some(leading) = case.complaint.merged_into {
        check_caller(actor, &task::of_case(tx, leading.0).await?)?;
    }
    match store::taken_by_another(tx, case.complaint.id, actor.account, now).await? {
        Some(until) => Err(Refused::Taken { until }.into()),
        None => Ok(()),
    }
}
