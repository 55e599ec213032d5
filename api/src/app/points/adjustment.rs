//! Manual adjustments (人工调整): one person proposes, another approves, and then they are posted once.

use domain::{
    event::{EventKind, NewEvent, Visibility},
    id::{AccountId, AdjustmentId, JobId, LedgerTxId},
    page::{Limit, PageRequest},
    points::{EntryKind, NewAdjustment, ProposalStatus, ProposalStep, Refused, take},
    refusal::{Basic, Invalid},
    time::{self, Timestamp},
};
use infra::{
    postgres::{
        Connection,
        audit::{self, AuditEntry},
        identity as accounts,
        points::{
            self as store, NewLot, Posting,
            adjustment::{self, Decided},
            read::adjustment::{self as read, AdjustmentView, Filter},
            reversal::{self as back, Reason},
        },
    },
    random,
};
use serde_json::json;

use super::{
    not_own,
    reversal::{set_off, tell},
    rule_on,
};
use crate::{
    app::{
        case::Ask,
        idempotent::{self, Answer, Once},
        redemption::voucher::Holder,
        transact,
    },
    error::Error,
    state::State,
};

/// One adjustment as it stands.
///
/// # Errors
/// There is none.
pub async fn shown(tx: &mut Connection, id: AdjustmentId) -> Result<AdjustmentView, Error> {
    let filter = Filter { id: Some(id), ..Filter::default() };
    let one = PageRequest { after: None, limit: Limit::DEFAULT };
    let mut rows = read::list(tx, filter, one).await?;
    rows.pop().ok_or_else(|| Basic::NotFound.into())
}

async fn recorded(
    tx: &mut Connection,
    ask: &Ask,
    action: &'static str,
    id: AdjustmentId,
    data: serde_json::Value,
    now: Timestamp,
) -> Result<(), Error> {
    let entry = AuditEntry::new(action, "points_adjustment", id, &ask.origin)
        .by(ask.actor.as_ref())
        .with(data);
    Ok(audit::append(tx, &entry, now).await?)
}

/// The account of somebody who is known by the register of members, or by their phone.
///
/// # Errors
/// Nobody with an account agrees, or several do.
pub async fn account_of(state: &State, holder: &Holder) -> Result<AccountId, Error> {
    let mut conn = state.db.acquire().await?;
    match holder.accounts(&mut conn, &state.crypto, None).await?.as_slice() {
        [account] => Ok(*account),
        _ => {
            Err(Invalid::field("holder", "没有找到唯一一位相符的人，请核对后重填，或填写账号编号")
                .into())
        }
    }
}

/// Proposes an adjustment, once for each key.
///
/// # Errors
/// No resident's account; one's own; the key was used for another command.
pub async fn propose(
    state: &State,
    ask: Ask,
    once: Once,
    new: NewAdjustment,
) -> Result<Answer<()>, Error> {
    let now = state.clock.now();
    idempotent::run(state, once, 201, move |tx| {
        Box::pin(async move {
            let by = ask.account().ok_or(Basic::Unauthenticated)?;
            not_own(tx, by, new.account).await?;
            if !adjustment::can_have_points(tx, new.account).await? {
                return Err(Refused::NoSuchAccount.into());
            }
            let id = random::id(now);
            adjustment::insert(tx, id, &new, by, now).await?;
            let data = json!({ "account": new.account, "points": new.points });
            recorded(tx, &ask, "points.propose_adjustment", id, data, now).await?;
            Ok((shown(tx, id).await?, ()))
        })
    })
    .await
}

/// Takes a step with an adjustment: whoever proposed it withdraws it, another approves (and it is
/// posted in the same transaction) or refuses it.
///
/// # Errors
/// There is none; a stale version; [`Refused`], such as fewer free points than are taken.
pub async fn decide(
    state: &State,
    ask: Ask,
    id: AdjustmentId,
    (step, note): (ProposalStep, Option<String>),
) -> Result<(), Error> {
    let now = state.clock.now();
    let here = state.clone();
    let job = transact(&state.db, move |tx| {
        Box::pin(async move {
            let by = ask.account().ok_or(Basic::Unauthenticated)?;
            let held = adjustment::lock(tx, id).await?.ok_or(Basic::NotFound)?;
            ask.check_version(held.version)?;
            let status = held.proposal.step(step, by)?;
            if step != ProposalStep::Withdraw {
                not_own(tx, by, held.adjustment.account).await?;
                let proposer: Vec<AccountId> = held.proposal.by.into_iter().collect();
                if accounts::same_person(tx, by, &proposer).await? {
                    return Err(Refused::OwnProposal.into());
                }
            }
            let mut posted = (None, None);
            if status == ProposalStatus::Approved {
                posted = post(tx, &here, (id, &held.adjustment), by, now).await?;
            }
            let decided = Decided { status, note: note.as_deref(), tx: posted.0 };
            adjustment::decide(tx, id, &decided, by, now).await?;
            let data = json!({ "status": status, "movement": posted.0 });
            recorded(tx, &ask, "points.decide_adjustment", id, data, now).await?;
            Ok(posted.1)
        })
    })
    .await?;
    state.redis.wake(&job.into_iter().collect::<Vec<_>>()).await;
    Ok(())
}

/// Posts an adjustment: points come as a lot like any other, or go out of what is free, first in first
/// out.
async fn post(
    tx: &mut Connection,
    state: &State,
    (id, new): (AdjustmentId, &NewAdjustment),
    by: AccountId,
    now: Timestamp,
) -> Result<(Option<LedgerTxId>, Option<JobId>), Error> {
    store::open(tx, new.account, now).await?;
    store::lock(tx, new.account).await?;
    let movement: LedgerTxId = random::id(now);
    let (amount, comes) = (new.points.abs(), new.points > 0);
    let ends = (store::ADJUSTMENT, new.account.0);
    let posting = Posting {
        id: movement,
        kind: EntryKind::Adjust,
        cause: &id.to_string(),
        amount,
        from: if comes { ends.0 } else { ends.1 },
        to: if comes { ends.1 } else { ends.0 },
        data: &json!({ "adjustment": id }),
        award: None,
        reverses: None,
    };
    store::post(tx, &posting, now).await?;
    if comes {
        let rule = rule_on(tx, state, time::date(now)).await?;
        let lot = NewLot {
            id: random::id(now),
            account: new.account.0,
            points: amount,
            expires_at: rule.terms.expiry(now),
            given_by: movement,
        };
        store::add_lot(tx, &lot).await?;
    } else {
        let lots = store::spendable(tx, new.account, now).await?;
        let available = lots.iter().map(|lot| lot.free).sum();
        let parts = take(&lots, amount).ok_or(Refused::NotEnough { needed: amount, available })?;
        store::take_parts(tx, new.account.0, &parts).await?;
    }
    let reason = Reason { words: &new.reason, document: Some(&new.document), by: Some(by) };
    back::explain(tx, movement, &reason, now).await?;
    set_off(tx, new.account, now).await?;
    let told = NewEvent::new(EventKind::PointsAdjusted, Visibility::Reporter)
        .with(json!({ "account": new.account, "movement": movement, "points": new.points }))
        .note(new.reason.clone());
    let job = tell(tx, new.account, &[told], Some(by), now).await?;
    Ok((Some(movement), job))
}
