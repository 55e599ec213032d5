//! Use cases of tasks (任务单): what units do, and what the centre rules.

use domain::{
    complaint::Assignment,
    decision::Decision,
    duty::{self, Question},
    id::TaskId,
    identity::Role,
    org::NodeCode,
    refusal::Basic,
    sla::{Terms, TimerKind},
    task::{
        Contact, DecideExtension, DecideReturn, Extend, Refused, Reply, ReportIn, Return, SendBack,
        Task,
    },
    time::{self, Timestamp},
};
use infra::{
    postgres::{
        Connection,
        complaint::By,
        duty as duties,
        timer::{self, Subject},
    },
    random,
};

use super::{
    case::{Ask, Change, Locked},
    complaint::units,
    transact,
};
use crate::{error::Error, state::State};

/// A locked case and the one of its tasks that is meant.
struct Held {
    case: Locked,
    task: Task,
}

impl Held {
    async fn take(tx: &mut Connection, id: TaskId) -> Result<Self, Error> {
        let case = Locked::take(tx, By::Task(id)).await?;
        let task = case.tasks.iter().find(|task| task.id == id).cloned().ok_or(Basic::NotFound)?;
        Ok(Self { case, task })
    }

    /// The unit's own task; another unit's is missing.
    async fn of_unit(tx: &mut Connection, id: TaskId, ask: &Ask) -> Result<Self, Error> {
        let held = Self::take(tx, id).await?;
        let own = ask.actor.as_ref().is_some_and(|actor| actor.works_for(&held.task.unit));
        held.checked(own, ask)
    }

    /// A task that the centre judges. Officers may judge at all, but only a whistle's tasks.
    async fn of_centre(tx: &mut Connection, id: TaskId, ask: &Ask) -> Result<Self, Error> {
        let held = Self::take(tx, id).await?;
        let centre = ask.actor.as_ref().is_some_and(|actor| actor.has(Role::Dispatcher));
        held.checked(centre, ask)
    }

    fn checked(self, visible: bool, ask: &Ask) -> Result<Self, Error> {
        if !visible {
            return Err(Basic::NotFound.into());
        }
        ask.check_version(self.task.version)?;
        Ok(self)
    }

    /// While the case is suspended its units' clocks stand still, and so do they.
    fn running(&self) -> Result<(), Error> {
        if self.case.complaint.suspension.is_some() {
            return Err(Refused::CaseSuspended.into());
        }
        Ok(())
    }

    /// The change in which this task alone is saved.
    fn change(&self, decision: Decision<Task>) -> Change {
        Change::beside(&self.case.complaint).saving([decision])
    }

    /// Whether this is the last task of the case to end.
    fn is_last_open(&self) -> bool {
        self.case.open().iter().all(|task| task.id == self.task.id)
    }
}

#[derive(Clone, Copy)]
enum Side {
    Unit,
    Centre,
}

/// Locks the case of a task, lets `decide` say what changes, and stores it.
async fn command<D>(
    state: &State,
    ask: Ask,
    id: TaskId,
    (side, action): (Side, &'static str),
    decide: D,
) -> Result<(), Error>
where
    D: FnOnce(&Held, Terms<'_>, Timestamp) -> Result<Change, Error> + Send + 'static,
{
    let now = state.clock.now();
    let here = state.clone();
    let jobs = transact(&state.db, move |tx| {
        Box::pin(async move {
            let held = match side {
                Side::Unit => Held::of_unit(tx, id, &ask).await?,
                Side::Centre => Held::of_centre(tx, id, &ask).await?,
            };
            decide(&held, here.terms(), now)?.store(tx, &here, &ask, action, now).await
        })
    })
    .await?;
    state.redis.wake(&jobs).await;
    Ok(())
}

/// The unit acknowledges (签收); with the first acknowledgement the case is being handled.
///
/// # Errors
/// Not the unit's; an illegal step.
pub async fn acknowledge(state: &State, ask: Ask, id: TaskId) -> Result<(), Error> {
    command(state, ask, id, (Side::Unit, "task.acknowledge"), move |held, _, now| {
        let change = held.change(held.task.acknowledge(now)?);
        let begun = change.complaint().begin()?;
        Ok(change.then(begun))
    })
    .await
}

/// The unit spoke with the reporter, or tried to (先行联系).
///
/// # Errors
/// Not the unit's; an illegal step; nobody to contact; not by relay.
pub async fn contact(state: &State, ask: Ask, id: TaskId, contact: Contact) -> Result<(), Error> {
    command(state, ask, id, (Side::Unit, "task.contact"), move |held, _, now| {
        Ok(held.change(held.task.contact(&contact, &held.case.complaint, now)?))
    })
    .await
}

/// The unit is on the spot (报到).
///
/// # Errors
/// Not the unit's; an illegal step.
pub async fn report_in(
    state: &State,
    ask: Ask,
    id: TaskId,
    report_in: ReportIn,
) -> Result<(), Error> {
    command(state, ask, id, (Side::Unit, "task.report_in"), move |held, _, now| {
        held.running()?;
        Ok(held.change(held.task.report_in(&report_in, now)?))
    })
    .await
}

/// The unit replies (答复).
///
/// # Errors
/// Not the unit's; an illegal step; the reply rules of `domain::task::Task::reply`.
pub async fn reply(state: &State, ask: Ask, id: TaskId, reply: Reply) -> Result<(), Error> {
    command(state, ask, id, (Side::Unit, "task.reply"), move |held, _, now| {
        held.running()?;
        // Files are not taken yet, so that no duty item can demand them.
        Ok(held.change(held.task.reply(&reply, false, false, now)?))
    })
    .await
}

/// The unit says the task is not its own (申请退单).
///
/// # Errors
/// Not the unit's; an illegal step; the return rules; no such unit suggested.
pub async fn ask_return(state: &State, ask: Ask, id: TaskId, command: Return) -> Result<(), Error> {
    let now = state.clock.now();
    let here = state.clone();
    let jobs = transact(&state.db, move |tx| {
        Box::pin(async move {
            let held = Held::of_unit(tx, id, &ask).await?;
            held.running()?;
            units(tx, std::slice::from_ref(&command.to), "suggested_unit").await?;
            let change = held.change(held.task.ask_return(&command, here.terms(), now)?);
            change.store(tx, &here, &ask, "task.return", now).await
        })
    })
    .await?;
    state.redis.wake(&jobs).await;
    Ok(())
}

/// The unit asks for more time (申请延期).
///
/// # Errors
/// Not the unit's; an illegal step; the extension rules.
pub async fn extend(state: &State, ask: Ask, id: TaskId, extend: Extend) -> Result<(), Error> {
    command(state, ask, id, (Side::Unit, "task.extend"), move |held, terms, now| {
        held.running()?;
        Ok(held.change(held.task.ask_extension(&extend, terms, now)?))
    })
    .await
}

/// The centre's ruling on a return, as it is asked for.
#[derive(Debug, Clone)]
pub struct ReturnRuling {
    /// Whether the unit is relieved.
    pub approve: bool,
    /// Who has it next; the unit that was suggested when left out.
    pub to_unit: Option<NodeCode>,
    /// The next unit cannot return it.
    pub is_final: bool,
    /// A new date for the resident.
    pub reply_by: Option<Timestamp>,
    /// Why.
    pub reason: String,
}

/// Rules on a return (裁定退单). The next unit is judged against the duty lists like any other.
///
/// # Errors
/// Nothing was asked; an unknown or unfit next unit; `not_on_duty_list`.
pub async fn decide_return(
    state: &State,
    ask: Ask,
    id: TaskId,
    ruling: ReturnRuling,
) -> Result<(), Error> {
    let now = state.clock.now();
    let here = state.clone();
    let jobs = transact(&state.db, move |tx| {
        Box::pin(async move {
            let held = Held::of_centre(tx, id, &ask).await?;
            held.task.permit(domain::task::Step::DecideReturn)?;
            let next =
                if ruling.approve { next_unit(tx, &held, &ruling, now).await? } else { None };
            let command = DecideReturn {
                approve: ruling.approve,
                next,
                is_final: ruling.is_final,
                reply_by: ruling.reply_by,
                reason: ruling.reason,
            };
            let (decision, successor) =
                held.task.decide_return(&command, &held.case.complaint, here.terms(), now)?;
            let change = held.change(decision).creating(successor);
            change.store(tx, &here, &ask, "task.decide_return", now).await
        })
    })
    .await?;
    state.redis.wake(&jobs).await;
    Ok(())
}

async fn next_unit(
    tx: &mut Connection,
    held: &Held,
    ruling: &ReturnRuling,
    now: Timestamp,
) -> Result<Option<Assignment>, Error> {
    let suggested = held.task.return_request.as_ref().map(|request| &request.to);
    let Some(code) = ruling.to_unit.as_ref().or(suggested) else { return Ok(None) };
    let found = units(tx, std::slice::from_ref(code), "to_unit").await?;
    let Some(unit) = found.into_iter().next() else { return Ok(None) };
    let complaint = &held.case.complaint;
    complaint.check_not_reported(&unit)?;
    if held.case.open().iter().any(|task| task.unit == unit.code && task.id != held.task.id) {
        return Err(domain::complaint::Refused::UnitTwice(unit.name).into());
    }
    let item = complaint.duty_item.as_deref();
    let lists = duties::valid(tx, std::slice::from_ref(code), item, time::date(now)).await?;
    let valid = lists.get(code).map_or(&[][..], Vec::as_slice);
    let question = Question { unit: &unit, role: held.task.role, item, approved_emergency: false };
    duty::judge(question, valid)?;
    Ok(Some(Assignment { task: random::id(now), unit }))
}

/// Rules on an extension (裁定延期).
///
/// # Errors
/// Nothing was asked, or a date out of range.
pub async fn decide_extension(
    state: &State,
    ask: Ask,
    id: TaskId,
    decide: DecideExtension,
) -> Result<(), Error> {
    command(state, ask, id, (Side::Centre, "task.decide_extension"), move |held, terms, _| {
        Ok(held.change(held.task.decide_extension(&decide, terms)?))
    })
    .await
}

/// The reply stands (确认); with the last one the case is answered.
///
/// # Errors
/// There is none to confirm.
pub async fn confirm(state: &State, ask: Ask, id: TaskId) -> Result<(), Error> {
    command(state, ask, id, (Side::Centre, "task.confirm"), move |held, _, now| {
        let change = held.change(held.task.confirm(now)?);
        if !held.is_last_open() {
            return Ok(change);
        }
        let finished = change.complaint().finish(now)?;
        Ok(change.then(finished))
    })
    .await
}

/// The reply must be done again (退回).
///
/// # Errors
/// There is none to send back.
pub async fn send_back(
    state: &State,
    ask: Ask,
    id: TaskId,
    send_back: SendBack,
) -> Result<(), Error> {
    command(state, ask, id, (Side::Centre, "task.send_back"), move |held, terms, now| {
        Ok(held.change(held.task.send_back(&send_back, terms, now)?))
    })
    .await
}

/// Lets a due instant of a task have its effect, exactly once; says whether it had one.
///
/// # Errors
/// The database's.
pub async fn fire(
    state: &State,
    id: TaskId,
    kind: TimerKind,
    due_at: Timestamp,
) -> Result<bool, Error> {
    let now = state.clock.now();
    let here = state.clone();
    let jobs = transact(&state.db, move |tx| {
        Box::pin(async move {
            let held = Held::take(tx, id).await?;
            if !timer::fire(tx, Subject::Task(id), kind, due_at, now).await? {
                return Ok(None);
            }
            let change = held.change(held.task.fire(kind));
            change.store(tx, &here, &Ask::worker(), "task.timer", now).await.map(Some)
        })
    })
    .await?;
    state.redis.wake(jobs.as_deref().unwrap_or_default()).await;
    Ok(jobs.is_some())
}
