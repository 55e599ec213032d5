//! Objections to a list: made by whoever works by it, decided by the owner of the lists, kept for
//! the next version.

use domain::{
    duty::proposal::{Decide, Proposal, Refused},
    id::DutyProposalId,
    identity::Actor,
    org::NodeCode,
    page::{Limit, PageRequest},
    refusal::{Basic, Invalid},
    scope::Scope,
    time,
};
use infra::{
    postgres::{
        Connection,
        audit::{self, AuditEntry},
        duty::{
            proposal::{self as store, Made},
            read as lists,
        },
        task::read::{self as tasks, TaskView},
        violated,
    },
    random,
};
use serde_json::json;

use crate::{
    app::{case::Ask, complaint::units, transact},
    error::Error,
    state::State,
};

/// Proposes what the next version should say.
///
/// # Errors
/// An unknown item, task or unit; the task was not returned for its duties; one is open already.
pub async fn make(
    state: &State,
    ask: Ask,
    actor: Actor,
    proposal: Proposal,
) -> Result<DutyProposalId, Error> {
    let now = state.clock.now();
    transact(&state.db, move |tx| {
        Box::pin(async move {
            if let Some(lead) = &proposal.lead_unit {
                units(tx, std::slice::from_ref(lead), "lead_unit").await?;
            }
            let unit = on_behalf(tx, &actor, &proposal).await?;
            let place = unit.as_ref().filter(|unit| unit.is_division());
            let unknown = || {
                let reason = format!("现行清单里没有事项 {}，请从清单中选择", proposal.item);
                Invalid::field("item", reason)
            };
            let today = time::date(now);
            let found = lists::strongest(tx, &proposal.item, place, today).await?;
            let list = found.ok_or_else(unknown)?.list_id;
            let id = random::id(now);
            let made = Made { list, unit: unit.as_ref(), by: actor.account };
            store::insert(tx, id, &made, &proposal, now).await.map_err(|error| {
                match violated(&error) {
                    Some("duty_proposal_open") => Refused::AlreadyOpen.into(),
                    _ => Error::from(error),
                }
            })?;
            let entry = AuditEntry::new("duty.propose", "duty_proposal", id, &ask.origin);
            let data = json!({ "item": proposal.item, "from_task": proposal.from_task });
            audit::append(tx, &entry.by(&actor).with(data), now).await?;
            Ok(id)
        })
    })
    .await
}

/// The unit in whose name the objection is: that of the task it comes from, else the actor's own;
/// none when the centre objects by itself.
async fn on_behalf(
    tx: &mut Connection,
    actor: &Actor,
    proposal: &Proposal,
) -> Result<Option<NodeCode>, Error> {
    let Some(id) = proposal.from_task else {
        let own = actor.grants.iter().find(|grant| grant.role.works_tasks());
        return Ok(own.map(|grant| NodeCode::parse("unit", &grant.scope)).transpose()?);
    };
    let filter = tasks::Filter { id: Some(id), ..tasks::Filter::default() };
    let one = PageRequest { after: None, limit: Limit::DEFAULT };
    let task: Option<TaskView> = tasks::list(tx, &Scope::of(actor), &filter, one).await?.pop();
    let unknown = || Invalid::field("from_task", "没有这张任务单，或者您无权查看");
    let task = task.ok_or_else(unknown)?;
    if !store::was_returned(tx, id).await? {
        return Err(Refused::NoSuchReturn.into());
    }
    Ok(Some(task.unit))
}

/// Decides a proposal; never one's own.
///
/// # Errors
/// It is missing, one's own, or decided already; another version than the command names.
pub async fn decide(
    state: &State,
    ask: Ask,
    actor: Actor,
    id: DutyProposalId,
    command: Decide,
) -> Result<(), Error> {
    let now = state.clock.now();
    transact(&state.db, move |tx| {
        Box::pin(async move {
            let locked = store::lock(tx, id).await?.ok_or(Basic::NotFound)?;
            ask.check_version(locked.version)?;
            let status = locked.status.decide(&command)?;
            if locked.made_by == actor.account {
                return Err(Refused::OwnProposal.into());
            }
            store::decide(tx, id, status, &command, actor.account, now).await?;
            let entry = AuditEntry::new("duty.decide", "duty_proposal", id, &ask.origin);
            audit::append(tx, &entry.by(&actor).with(json!({ "status": status })), now).await?;
            Ok(())
        })
    })
    .await
}
