//! What the reporter does, whoever conveys it: by account, by query code, or through a caller.

use domain::{
    complaint::{Reopen, Rework, Status, Withdraw},
    evaluation::Evaluation,
    id::{ComplaintId, EvaluationLinkId},
    refusal::Basic,
    time::Timestamp,
};
use infra::{
    postgres::{
        Connection,
        complaint::{self as store, By, NewEvaluation},
        follow_up as calls,
    },
    random,
};

use super::{cancelling, child, merge::lock_family};
use crate::{
    app::{
        case::{Ask, Change, Locked, carry_out},
        consultation::after_reworks,
        evaluation as links, follow_up,
    },
    error::Error,
    state::State,
};

/// Who speaks for the reporter of a complaint.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Voice {
    /// The reporter's own account.
    Account,
    /// Whoever holds the number and the query code.
    QueryCode,
    /// A caller of the centre who writes down what the reporter said.
    Caller,
    /// Whoever holds the short link of the reply.
    Link(EvaluationLinkId),
}

impl Voice {
    const fn channel(self) -> &'static str {
        match self {
            Self::Account => "mini_program",
            Self::QueryCode => "track",
            Self::Caller => "phone",
            Self::Link(_) => "link",
        }
    }

    /// Locks the case, if it is the reporter's who asks.
    async fn lock(self, tx: &mut Connection, id: ComplaintId, ask: &Ask) -> Result<Locked, Error> {
        match self {
            // The code was checked before.
            Self::QueryCode => Locked::take(tx, By::Id(id)).await,
            Self::Link(link) => {
                let case = Locked::take(tx, By::Id(id)).await?;
                links::still_open(tx, link).await?;
                Ok(case)
            }
            Self::Caller => Locked::seen(tx, id, ask).await,
            Self::Account => {
                let case = Locked::take(tx, By::Id(id)).await?;
                if case.complaint.reporter.is_none() || case.complaint.reporter != ask.account() {
                    return Err(Basic::NotFound.into());
                }
                ask.check_version(case.complaint.version)?;
                Ok(case)
            }
        }
    }
}

/// Takes the complaint back (撤回).
///
/// # Errors
/// Not the reporter's; an illegal step.
pub async fn withdraw(
    state: &State,
    ask: Ask,
    voice: Voice,
    id: ComplaintId,
    withdraw: Withdraw,
) -> Result<(), Error> {
    carry_out(state, move |tx, here, now| {
        Box::pin(async move {
            // A child that came this very moment is locked below, as it is reached.
            lock_family(tx, id, &[]).await?;
            let case = voice.lock(tx, id, &ask).await?;
            let change = cancelling(&case, case.complaint.withdraw(&withdraw)?, now)?;
            let mut jobs = change.store(tx, here, &ask, "complaint.withdraw", now).await?;
            // Who followed it has taken nothing back.
            for child in store::children(tx, id).await? {
                let child = Locked::take(tx, By::Id(child)).await?;
                let change = Change::of(child.complaint.unmerge(now)?);
                let told = change.store(tx, here, &Ask::worker(), "complaint.unmerge", now).await?;
                jobs.extend(told);
            }
            Ok(jobs)
        })
    })
    .await
}

/// Urges whoever has it (催办).
///
/// # Errors
/// Not the reporter's; an illegal step.
pub async fn remind(state: &State, ask: Ask, voice: Voice, id: ComplaintId) -> Result<(), Error> {
    reporter_command(state, ask, voice, id, "complaint.remind", move |_, case, now| {
        Ok(Change::of(case.complaint.urge(now)?))
    })
    .await
}

/// Reopens a closed case, or appeals against a rejection or direct answer.
///
/// # Errors
/// Not the reporter's; an illegal step; the appeal is used.
pub async fn reopen(
    state: &State,
    ask: Ask,
    voice: Voice,
    id: ComplaintId,
    reopen: Reopen,
) -> Result<(), Error> {
    reporter_command(state, ask, voice, id, "complaint.reopen", move |state, case, now| {
        let rework = Rework { task: random::id(now), lead: case.last_lead() };
        let (decision, task) = case.complaint.reopen(&reopen, &rework, state.terms(), now)?;
        Ok(Change::of(decision).creating(task))
    })
    .await
}

async fn reporter_command<D>(
    state: &State,
    ask: Ask,
    voice: Voice,
    id: ComplaintId,
    action: &'static str,
    decide: D,
) -> Result<(), Error>
where
    D: FnOnce(&State, &Locked, Timestamp) -> Result<Change, Error> + Send + 'static,
{
    carry_out(state, move |tx, here, now| {
        Box::pin(async move {
            let case = voice.lock(tx, id, &ask).await?;
            decide(here, &case, now)?.store(tx, here, &ask, action, now).await
        })
    })
    .await
}

/// Takes the reporter's evaluation (评价), whoever conveys it. A merged child's is kept and counted;
/// it changes nothing else.
///
/// # Errors
/// Not the reporter's; not open for evaluation; a child evaluated already; another caller has it.
pub async fn evaluate(
    state: &State,
    ask: Ask,
    voice: Voice,
    id: ComplaintId,
    given: Evaluation,
) -> Result<(), Error> {
    carry_out(state, move |tx, here, now| {
        Box::pin(async move {
            // A word that closes the case lets those who follow it be asked for theirs.
            lock_family(tx, id, &[]).await?;
            let case = voice.lock(tx, id, &ask).await?;
            if voice == Voice::Caller {
                follow_up::may_call(tx, &case, &ask, now).await?;
            }
            let change = match case.complaint.merged_into {
                Some(leading) => child_evaluated(tx, &case, leading, &given).await?,
                None => {
                    let rework = Rework { task: random::id(now), lead: case.last_lead() };
                    let (decision, task) =
                        case.complaint.evaluate(&given, &rework, here.terms(), now)?;
                    let change = Change::of(decision).creating(task);
                    after_reworks(tx, here, &case, change, now).await?
                }
            };
            let kept = NewEvaluation {
                id: random::id(now),
                complaint: id,
                given: &given,
                round: case.complaint.follow_up_round,
                channel: voice.channel(),
                recorded_by: ask.account().filter(|_| voice == Voice::Caller),
            };
            store::insert_evaluation(tx, &kept, now).await?;
            if let Voice::Link(link) = voice {
                links::spend(tx, link, kept.id, now).await?;
            }
            calls::give_back(tx, id).await?;
            // Closed before the worker began to ask: those who follow it are asked from now on.
            let unasked = case.complaint.status == Status::Replied && change.closes();
            let mut jobs = change.store(tx, here, &ask, "complaint.evaluate", now).await?;
            if unasked {
                jobs.extend(child::ask_all(tx, here, id, now).await?);
            }
            Ok(jobs)
        })
    })
    .await
}

async fn child_evaluated(
    tx: &mut Connection,
    child: &Locked,
    leading: ComplaintId,
    given: &Evaluation,
) -> Result<Change, Error> {
    if store::has_evaluation(tx, child.complaint.id).await? {
        return Err(domain::complaint::Refused::AlreadyEvaluated.into());
    }
    let leading = store::status(tx, leading).await?.ok_or(Basic::NotFound)?;
    Ok(Change::of(child.complaint.evaluate_as_child(leading, given)?))
}
