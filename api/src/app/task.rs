//! Use cases of tasks (任务单): what units do, and what the centre rules.

use domain::{
    attachment::Chosen,
    complaint::Assignment,
    decision::Decision,
    duty::{self, Question},
    id::TaskId,
    identity::Role,
    org::NodeCode,
    refusal::Basic,
    sla::{Terms, TimerKind},
    task::{
        Contact, DecideExtension, DecideReturn, Extend, Outcome, Refused, Reply, ReportIn, Return,
        SendBack, Task,
    },
    template::Words,
    time::{self, Timestamp},
    whistle::Whistle,
};
use infra::{
    postgres::{
        Connection,
        attachment::Target,
        complaint, duty as duties, task,
        timer::{self, Subject},
        whistle,
    },
    random,
};

use super::{
    attachment::attach,
    case::{Ask, Change, Root, carry_out},
    complaint::units,
    template,
};
use crate::{error::Error, state::State};

mod exclusion;

pub(super) use exclusion::closes_at;
pub use exclusion::{ask_exclusion, decide_exclusion};
mod approval;
mod draft;
mod hand;
mod summary;

use approval::Photos;
pub use approval::{decide_reply, set_approval, withdraw_reply};
pub use draft::{discard_draft, save_draft};
pub(super) use hand::give_back_all;
pub use hand::{TakeBack, hand_over, take_back};

/// A locked case and the one of its tasks that is meant.
pub(super) struct Held {
    root: Root,
    tasks: Vec<Task>,
    pub task: Task,
}

impl Held {
    async fn take(tx: &mut Connection, id: TaskId) -> Result<Self, Error> {
        let (root, tasks) = match complaint::lock(tx, complaint::By::Task(id)).await? {
            Some(complaint) => {
                let tasks = task::of_case(tx, complaint.id.0).await?;
                (Root::Complaint(complaint), tasks)
            }
            None => {
                let (whistle, tasks) = super::whistle::locked(tx, whistle::By::Task(id)).await?;
                (Root::Whistle(whistle), tasks)
            }
        };
        let task = tasks.iter().find(|task| task.id == id).cloned().ok_or(Basic::NotFound)?;
        Ok(Self { root, tasks, task })
    }

    /// A task of whoever works on it: the unit, or the body that it was handed to. Another's is
    /// missing.
    pub async fn of_worker(tx: &mut Connection, id: TaskId, ask: &Ask) -> Result<Self, Error> {
        let held = Self::take(tx, id).await?;
        let own = ask.actor.as_ref().is_some_and(|actor| held.task.is_worked_by(actor));
        held.checked(own, ask)
    }

    /// The unit's own task, for what the unit alone may do: it answers for the task.
    async fn of_unit(tx: &mut Connection, id: TaskId, ask: &Ask) -> Result<Self, Error> {
        let held = Self::of_worker(tx, id, ask).await?;
        if !ask.actor.as_ref().is_some_and(|actor| actor.works_for(&held.task.unit)) {
            return Err(Refused::UnitAnswers.into());
        }
        Ok(held)
    }

    /// A task whose return or extension the centre rules on.
    async fn of_centre(tx: &mut Connection, id: TaskId, ask: &Ask) -> Result<Self, Error> {
        let held = Self::take(tx, id).await?;
        let centre = ask.actor.as_ref().is_some_and(|actor| actor.has(Role::Dispatcher));
        held.checked(centre, ask)
    }

    /// A task whose reply is judged: a complaint's by the centre; a whistle's by whoever blew it,
    /// and by the centre once the blower has been silent for too long.
    async fn of_judge(
        tx: &mut Connection,
        id: TaskId,
        ask: &Ask,
        terms: Terms<'_>,
        now: Timestamp,
    ) -> Result<Self, Error> {
        let held = Self::take(tx, id).await?;
        let centre = ask.actor.as_ref().is_some_and(|actor| actor.has(Role::Dispatcher));
        let blower = match (&held.root, &ask.actor) {
            (Root::Whistle(whistle), Some(actor)) => actor.works_for(&whistle.blower),
            _ => false,
        };
        let awaited = matches!(held.root, Root::Whistle(_)) && !blower;
        let held = held.checked(centre || blower, ask)?;
        if awaited && held.task.status == domain::task::Status::Replied {
            Whistle::passed_to_centre(&held.task, terms, now)?;
        }
        Ok(held)
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
        if self.root.is_suspended() {
            return Err(Refused::CaseSuspended.into());
        }
        Ok(())
    }

    /// Whether the duty item that the complaint was judged by demands photos of who leads.
    async fn demands_photos(&self, tx: &mut Connection) -> Result<bool, Error> {
        let Root::Complaint(complaint) = &self.root else { return Ok(false) };
        match (&complaint.duty_item, &complaint.duty_list) {
            (Some(item), Some(list)) if self.task.role == domain::task::Role::Lead => {
                Ok(duties::demands_photos(tx, item, list).await?)
            }
            _ => Ok(false),
        }
    }

    /// The change in which this task alone is saved.
    pub fn change(&self, decision: Decision<Task>) -> Change {
        let beside = match &self.root {
            Root::Complaint(complaint) => Change::of(unchanged(complaint.clone())),
            Root::Whistle(whistle) => Change::of(unchanged(whistle.clone())),
        };
        beside.saving([decision])
    }

    /// All tasks of the case, this one as it was decided.
    fn with(&self, decided: &Task) -> Vec<Task> {
        let replaced = |task: &Task| if task.id == decided.id { decided } else { task }.clone();
        self.tasks.iter().map(replaced).collect()
    }

    fn open(&self) -> impl Iterator<Item = &Task> {
        self.tasks.iter().filter(|task| !task.status.is_ended())
    }

    /// Whether this is the last task of the case to end.
    fn is_last_open(&self) -> bool {
        self.open().all(|task| task.id == self.task.id)
    }
}

const fn unchanged<S>(state: S) -> Decision<S> {
    Decision { state, events: Vec::new() }
}

#[derive(Clone, Copy)]
enum Side {
    Worker,
    Unit,
    Centre,
    Judge,
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
    carry_out(state, move |tx, here, now| {
        Box::pin(async move {
            let held = match side {
                Side::Worker => Held::of_worker(tx, id, &ask).await?,
                Side::Unit => Held::of_unit(tx, id, &ask).await?,
                Side::Centre => Held::of_centre(tx, id, &ask).await?,
                Side::Judge => Held::of_judge(tx, id, &ask, here.terms(), now).await?,
            };
            decide(&held, here.terms(), now)?.store(tx, here, &ask, action, now).await
        })
    })
    .await
}

/// The unit acknowledges (签收): with the first acknowledgement a complaint is being handled, with
/// the last one a whistle is answered.
///
/// # Errors
/// Not the unit's; an illegal step.
pub async fn acknowledge(state: &State, ask: Ask, id: TaskId) -> Result<(), Error> {
    command(state, ask, id, (Side::Worker, "task.acknowledge"), move |held, _, now| {
        let decision = held.task.acknowledge(now)?;
        let tasks = held.with(&decision.state);
        let change = held.change(decision);
        Ok(match &held.root {
            Root::Complaint(complaint) => change.then(complaint.begin()?),
            Root::Whistle(whistle) => change.then(whistle.acknowledged(&tasks)),
        })
    })
    .await
}

/// The unit spoke with the reporter, or tried to (先行联系).
///
/// # Errors
/// Not the unit's; an illegal step; nobody to contact; not by relay.
pub async fn contact(state: &State, ask: Ask, id: TaskId, contact: Contact) -> Result<(), Error> {
    command(state, ask, id, (Side::Worker, "task.contact"), move |held, _, now| {
        let Root::Complaint(complaint) = &held.root else {
            return Err(Refused::NobodyToContact.into());
        };
        Ok(held.change(held.task.contact(&contact, complaint, now)?))
    })
    .await
}

/// The unit is on the spot (报到).
///
/// # Errors
/// Not the unit's; an illegal step; a file that is not the caller's to attach.
pub async fn report_in(
    state: &State,
    ask: Ask,
    id: TaskId,
    report_in: ReportIn,
    files: Chosen,
) -> Result<(), Error> {
    carry_out(state, move |tx, here, now| {
        Box::pin(async move {
            let held = Held::of_worker(tx, id, &ask).await?;
            held.running()?;
            let mut change = held.change(held.task.report_in(&report_in, now)?);
            if let Root::Whistle(whistle) = &held.root {
                change = change.then(whistle.arrived()?);
            }
            attach(tx, &files, Target::ReportIn(id), ask.account(), now).await?;
            change.store(tx, here, &ask, "task.report_in", now).await
        })
    })
    .await
}

/// A reply as a unit sends it, before a template has given it its words.
#[derive(Debug, Clone)]
pub struct ReplyOrder {
    /// What it says.
    pub words: Words,
    /// What it comes to.
    pub outcome: Outcome,
    /// The law or document it rests on.
    pub basis: Option<String>,
    /// Why the lead does not wait for the assists.
    pub without_assists: Option<String>,
    /// Photos and voice that come with it.
    pub files: Chosen,
}

/// The unit replies (答复); where it asks for that, its head approves the reply before it goes out.
///
/// # Errors
/// Not the unit's; a field of the template; an illegal step; the reply rules of
/// `domain::task::Task::reply`; the lead sums up, and an assist's reply is out.
pub async fn reply(state: &State, ask: Ask, id: TaskId, order: ReplyOrder) -> Result<(), Error> {
    carry_out(state, move |tx, here, now| {
        Box::pin(async move {
            let held = Held::of_worker(tx, id, &ask).await?;
            held.running()?;
            let text = template::worded(tx, &held.task, &order.words, &ask, now).await?;
            let reply = Reply::parse(&text, order.outcome, order.basis.as_deref())?;
            let photos = attach(tx, &order.files, Target::Reply(id), ask.account(), now).await?;
            let photos = Photos { come: photos, demanded: held.demands_photos(tx).await? };
            let decision = approval::replied(tx, &held.task, &reply, photos, (&ask, now)).await?;
            let waived = summary::checked(tx, &held, order.without_assists.as_deref()).await?;
            let change = held.change(decision).telling(waived);
            change.store(tx, here, &ask, "task.reply", now).await
        })
    })
    .await
}

/// The unit says the task is not its own (申请退单).
///
/// # Errors
/// Not the unit's; an illegal step; the return rules; no such unit suggested.
pub async fn ask_return(state: &State, ask: Ask, id: TaskId, command: Return) -> Result<(), Error> {
    carry_out(state, move |tx, here, now| {
        Box::pin(async move {
            let held = Held::of_unit(tx, id, &ask).await?;
            held.running()?;
            units(tx, std::slice::from_ref(&command.to), "suggested_unit").await?;
            let change = held.change(held.task.ask_return(&command, here.terms(), now)?);
            change.store(tx, here, &ask, "task.return", now).await
        })
    })
    .await
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
    carry_out(state, move |tx, here, now| {
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
            let contact = match &held.root {
                Root::Complaint(complaint) => complaint.contact_is_due(),
                Root::Whistle(_) => false,
            };
            let (decision, successor) =
                held.task.decide_return(&command, contact, here.terms(), now)?;
            let change = held.change(decision).creating(successor);
            change.store(tx, here, &ask, "task.decide_return", now).await
        })
    })
    .await
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
    if held.open().any(|task| task.unit == unit.code && task.id != held.task.id) {
        return Err(domain::complaint::Refused::UnitTwice(unit.name).into());
    }
    let item = match &held.root {
        Root::Complaint(complaint) => {
            complaint.check_not_reported(&unit)?;
            complaint.duty_item.as_deref()
        }
        Root::Whistle(_) => None,
    };
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

/// The reply stands (确认); with the last one a complaint is answered, unless it waits for a whistle.
///
/// # Errors
/// There is none to confirm; the blower of the whistle still has the first word.
pub async fn confirm(state: &State, ask: Ask, id: TaskId) -> Result<(), Error> {
    carry_out(state, move |tx, here, now| {
        Box::pin(async move {
            let held = Held::of_judge(tx, id, &ask, here.terms(), now).await?;
            let mut change = held.change(held.task.confirm(now)?);
            if held.is_last_open() {
                match &held.root {
                    Root::Complaint(complaint) => {
                        if !whistle::is_out_for(tx, complaint.id).await? {
                            change = change.then(complaint.finish(now)?);
                        }
                    }
                    Root::Whistle(whistle) => change = change.then(whistle.settled(now)),
                }
            }
            change.store(tx, here, &ask, "task.confirm", now).await
        })
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
    command(state, ask, id, (Side::Judge, "task.send_back"), move |held, terms, now| {
        Ok(held.change(held.task.send_back(&send_back, terms, now)?))
    })
    .await
}

/// Lets a due instant of a task have its effect, exactly once.
///
/// # Errors
/// The database's.
pub async fn fire(
    state: &State,
    id: TaskId,
    kind: TimerKind,
    due_at: Timestamp,
) -> Result<(), Error> {
    carry_out(state, move |tx, here, now| {
        Box::pin(async move {
            let held = Held::take(tx, id).await?;
            if !timer::fire(tx, Subject::Task(id), kind, due_at, now).await? {
                return Ok(Vec::new());
            }
            if kind == TimerKind::SuperviseDue {
                let Held { root, task, .. } = held;
                return super::supervision::overdue(tx, here, root, &task, now).await;
            }
            let change = held.change(held.task.fire(kind, now));
            change.store(tx, here, &Ask::worker(), "task.timer", now).await
        })
    })
    .await
}
