//! Transfers between branches: the register follows when both ends agreed.

use domain::{
    id::{AccountId, JobId, MemberId, TransferId},
    party::{
        ChangeKind, Ledger, Refused,
        transfer::{Ends, Propose, Status, Step, Transfer},
    },
    refusal::{Basic, Invalid},
    time::Timestamp,
};
use infra::{
    postgres::{
        Connection, event,
        party::{self as members, transfer as store},
        violated,
    },
    random,
};
use serde_json::json;

use super::{check_group, reaches, tree, view};
use crate::{
    app::{
        case::{Ask, carry_out},
        notification::announce,
    },
    error::Error,
    state::State,
};

/// Proposes that a member goes over to another branch. Whoever keeps the member's branch may, and
/// whoever keeps the branch at the other end of a floating member.
///
/// # Errors
/// The member is missing, or neither end is the asker's; removed; floats; under way already; no
/// such branch.
pub async fn propose(
    state: &State,
    ask: Ask,
    member: MemberId,
    given: Propose,
) -> Result<TransferId, Error> {
    let id: TransferId = random::id(state.clock.now());
    carry_out(state, move |tx, _, now| {
        Box::pin(async move {
            let by = ask.account().ok_or(Basic::Unauthenticated)?;
            let (row, _) = members::lock(tx, member).await?.ok_or(Basic::NotFound)?;
            let seen = view::listed(tx, &ask, member).await?;
            ask.check_version(row.version)?;
            row.standing_there()?;
            let from = row.branch.clone().ok_or(Basic::NotFound)?;
            if !seen.own && !reaches(tx, &ask, Some(&given.to)).await? {
                return Err(Refused::OtherEnd.into());
            }
            if from == given.to {
                return Err(Refused::SameBranch.into());
            }
            if row.ledger == Ledger::Floating {
                return Err(Refused::AlreadyFloating.into());
            }
            if !tree::is_branch(tx, &given.to).await? {
                return Err(Invalid::field("to_branch", "没有这个在用的党支部").into());
            }
            check_group(tx, &given.to, given.group.as_ref()).await?;
            let transfer = Transfer {
                id,
                version: 1,
                member,
                from,
                to: given.to.clone(),
                to_group: given.group.clone(),
                status: Status::Proposed,
                proposed_by: by,
                released_by: None,
            };
            store::insert(tx, &transfer, &given.reason, now).await.map_err(
                |error| match violated(&error) {
                    Some("party_transfer_open") => Refused::TransferOpen.into(),
                    _ => Error::from(error),
                },
            )?;
            audit(tx, &ask, "party.propose_transfer", &transfer, now).await?;
            tell(tx, &ask, &transfer, (row.account, None), now).await
        })
    })
    .await?;
    Ok(id)
}

/// Tells both branches and the member where a transfer stands; under the lock of the member's row.
async fn tell(
    tx: &mut Connection,
    ask: &Ask,
    transfer: &Transfer,
    (member, note): (Option<AccountId>, Option<String>),
    now: Timestamp,
) -> Result<Vec<JobId>, Error> {
    let told = [transfer.event(member, note)];
    let last = event::append_next(tx, transfer.id.0, &told, ask.account(), now).await?;
    Ok(announce(tx, transfer.id.0, last, 1, now).await?.into_iter().collect())
}

/// Takes a step. When the branch that the member goes to accepts, the register follows.
///
/// # Errors
/// Neither end is the asker's; stale; not from here; the other end's to say.
pub async fn step(
    state: &State,
    ask: Ask,
    id: TransferId,
    step: Step,
    note: Option<String>,
) -> Result<(), Error> {
    carry_out(state, move |tx, _, now| {
        Box::pin(async move {
            let by = ask.account().ok_or(Basic::Unauthenticated)?;
            if step == Step::Accept {
                members::hold(tx).await?;
            }
            let member = store::member_of(tx, id).await?.ok_or(Basic::NotFound)?;
            let (row, _) = members::lock(tx, member).await?.ok_or(Basic::NotFound)?;
            let transfer = store::lock(tx, id).await?.ok_or(Basic::NotFound)?;
            let ends = Ends {
                from: reaches(tx, &ask, Some(&transfer.from)).await?,
                to: reaches(tx, &ask, Some(&transfer.to)).await?,
            };
            if !ends.from && !ends.to {
                return Err(Basic::NotFound.into());
            }
            ask.check_version(transfer.version)?;
            // Whoever keeps both ends stands above them.
            let proposer = transfer.proposed_by == by || (ends.from && ends.to);
            let decided = transfer.step(step, ends, proposer, by)?;
            if decided.status == Status::Accepted {
                row.standing_there()?;
                if !tree::is_branch(tx, &decided.to).await? {
                    return Err(Refused::BodyInactive.into());
                }
                check_group(tx, &decided.to, decided.to_group.as_ref()).await?;
                let moved = row.transferred(decided.to.clone(), decided.to_group.clone());
                members::save(tx, &moved).await?;
                let data = json!({ "transfer": id, "from": decided.from, "to": decided.to });
                members::note(tx, member, ChangeKind::Transferred, Some(by), &data, now).await?;
            }
            store::save(tx, &decided, note.as_deref(), by, now).await?;
            let action = match step {
                Step::Release => "party.release_transfer",
                Step::Accept => "party.accept_transfer",
                Step::Refuse => "party.refuse_transfer",
                Step::Withdraw => "party.withdraw_transfer",
            };
            audit(tx, &ask, action, &decided, now).await?;
            tell(tx, &ask, &decided, (row.account, note), now).await
        })
    })
    .await
}

async fn audit(
    tx: &mut Connection,
    ask: &Ask,
    action: &'static str,
    transfer: &Transfer,
    now: Timestamp,
) -> Result<(), Error> {
    let data = json!({
        "member": transfer.member, "from": transfer.from, "to": transfer.to,
        "status": transfer.status,
    });
    ask.record(tx, (action, "party_transfer", transfer.id), data, now).await
}
