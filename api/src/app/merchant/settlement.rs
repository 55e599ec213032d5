//! Statements (结算单): made by the worker once a month, agreed to or disputed by the merchant's manager,
//! answered and paid by the organiser.

use domain::{
    event::{EventKind, NewEvent, Visibility},
    id::{AccountId, JobId, SettlementId},
    merchant::{
        Refused,
        settlement::{self, Answer, Step},
    },
    refusal::{Basic, Invalid},
    time::Timestamp,
};
use infra::postgres::{
    Connection,
    audit::{self, AuditEntry, Origin},
    event,
    merchant::settlement::{self as store, Held},
    offer, violated,
};
use serde_json::{Value, json};

use super::record;
use crate::{
    app::{
        case::{Ask, carry_out},
        notification::announce,
        offer::{commit, keeps},
    },
    error::Error,
    state::State,
};

/// The chore that settles each month that is over.
#[derive(Debug, Clone, Copy, serde::Serialize, serde::Deserialize)]
pub struct SettleMonths {}

impl SettleMonths {
    /// The kind of the job.
    pub const KIND: &'static str = "settle_months";
}

/// Settles every month that is due, the earliest first, each once: a second worker waits for the first
/// and finds nothing left to do.
///
/// # Errors
/// The database's.
pub async fn settle_due(tx: &mut Connection, state: &State, now: Timestamp) -> Result<(), Error> {
    store::take_turns(tx).await?;
    let Some(mut month) = store::next(tx).await? else { return Ok(()) };
    while settlement::freezes_at(month) <= now {
        let rules = state.config.merchant;
        let until = settlement::dispute_until(now, state.calendars.current(), rules);
        let made = store::freeze(tx, month, until, now).await?;
        let origin = Origin::default();
        let entry = AuditEntry::new("merchant.settle", "settlement_month", month, &origin);
        audit::append(tx, &entry.with(json!({ "statements": made.len() })), now).await?;
        tracing::info!(%month, made = made.len(), "settled the month");
        for (id, merchant) in made {
            let data = json!({ "merchant": merchant, "month": month.to_string(), "until": until });
            tell(tx, id, EventKind::StatementReady, data, None, now).await?;
        }
        month = month.next();
    }
    Ok(())
}

/// Tells the merchant's managers and the organisers what happened to a statement; under its lock, or
/// when it is made.
async fn tell(
    tx: &mut Connection,
    id: SettlementId,
    kind: EventKind,
    data: Value,
    by: Option<AccountId>,
    now: Timestamp,
) -> Result<Vec<JobId>, Error> {
    let told = [NewEvent::new(kind, Visibility::Everyone).with(data)];
    let last = event::append_next(tx, id.0, &told, by, now).await?;
    Ok(announce(tx, id.0, last, 1, now).await?.into_iter().collect())
}

/// A statement, locked. To a manager another merchant's is missing.
async fn lock(tx: &mut Connection, ask: &Ask, id: SettlementId) -> Result<Held, Error> {
    let held = store::lock(tx, id).await?.ok_or(Basic::NotFound)?;
    if !keeps(ask.actor.as_ref(), &held.merchant) {
        return Err(Basic::NotFound.into());
    }
    ask.check_version(held.version)?;
    Ok(held)
}

async fn noted(
    tx: &mut Connection,
    ask: &Ask,
    action: &'static str,
    id: SettlementId,
    data: Value,
    now: Timestamp,
) -> Result<(), Error> {
    record(tx, ask, action, ("settlement", &id.to_string()), data, now).await
}

/// The merchant agrees.
///
/// # Errors
/// Not the caller's; stale; not from where it stands; disputes wait.
pub async fn confirm(state: &State, ask: Ask, id: SettlementId) -> Result<(), Error> {
    carry_out(state, move |tx, _, now| {
        Box::pin(async move {
            let held = lock(tx, &ask, id).await?;
            held.statement.step(Step::Confirm, now)?;
            let by = ask.account().ok_or(Basic::Unauthenticated)?;
            store::confirm(tx, id, by, now).await?;
            noted(tx, &ask, "merchant.confirm", id, Value::Null, now).await?;
            let data = json!({ "merchant": held.merchant, "month": held.month.to_string() });
            tell(tx, id, EventKind::StatementConfirmed, data, Some(by), now).await
        })
    })
    .await
}

/// The merchant says that a line is wrong.
///
/// # Errors
/// Not the caller's; stale; too late; no such line; disputed already.
pub async fn dispute(
    state: &State,
    ask: Ask,
    id: SettlementId,
    line: i32,
    reason: String,
) -> Result<(), Error> {
    carry_out(state, move |tx, _, now| {
        Box::pin(async move {
            let held = lock(tx, &ask, id).await?;
            held.statement.step(Step::Dispute, now)?;
            let by = ask.account().ok_or(Basic::Unauthenticated)?;
            store::dispute(tx, id, line, &reason, by, now).await.map_err(
                |error| match violated(&error) {
                    Some("settlement_dispute_once") => Refused::DisputedAlready.into(),
                    Some("settlement_dispute_line") => {
                        Invalid::field("line", "结算单没有这一行，请核对行号").into()
                    }
                    _ => Error::from(error),
                },
            )?;
            noted(tx, &ask, "merchant.dispute", id, json!({ "line": line }), now).await?;
            let data =
                json!({ "merchant": held.merchant, "month": held.month.to_string(), "line": line });
            tell(tx, id, EventKind::StatementDisputed, data, Some(by), now).await
        })
    })
    .await
}

/// The organiser answers a dispute. What was wrong is a line of the next statement.
///
/// # Errors
/// There is none; stale; not from where it stands; no dispute waits; the caller's own; the budget
/// would be exceeded, or more taken back than it has committed.
pub async fn answer(
    state: &State,
    ask: Ask,
    id: SettlementId,
    line: i32,
    answer: Answer,
) -> Result<(), Error> {
    carry_out(state, move |tx, _, now| {
        Box::pin(async move {
            let held = lock(tx, &ask, id).await?;
            held.statement.step(Step::Decide, now)?;
            let by = ask.account().ok_or(Basic::Unauthenticated)?;
            let disputed = store::waiting(tx, id, line).await?.ok_or(Refused::NoDispute)?;
            if disputed.raised_by == by {
                return Err(Refused::OwnDispute.into());
            }
            if let Some(fen) = answer.fen {
                // Whatever is paid was committed of its budget first, a correction like a piece.
                offer::lock(tx, disputed.offer).await?;
                commit(tx, disputed.offer, disputed.budget, fen).await?;
            }
            store::answer(tx, (id, line), &answer, by, now).await?;
            let data = json!({ "line": line, "fen": answer.fen });
            noted(tx, &ask, "merchant.answer", id, data, now).await?;
            let data = json!({ "merchant": held.merchant, "month": held.month.to_string(), "line": line, "fen": answer.fen });
            tell(tx, id, EventKind::StatementAnswered, data, Some(by), now).await
        })
    })
    .await
}

/// It was paid.
///
/// # Errors
/// There is none; stale; paid already; not confirmed and still to be disputed; disputes wait.
pub async fn pay(
    state: &State,
    ask: Ask,
    id: SettlementId,
    document_no: String,
) -> Result<(), Error> {
    carry_out(state, move |tx, _, now| {
        Box::pin(async move {
            let held = lock(tx, &ask, id).await?;
            held.statement.step(Step::Pay, now)?;
            let by = ask.account().ok_or(Basic::Unauthenticated)?;
            store::pay(tx, id, &document_no, by, now).await?;
            noted(tx, &ask, "merchant.pay", id, json!({ "document_no": document_no }), now).await?;
            let data = json!({ "merchant": held.merchant, "month": held.month.to_string() });
            tell(tx, id, EventKind::StatementPaid, data, Some(by), now).await
        })
    })
    .await
}
