//! Use cases of complaints (诉求), in the order of their life.

use std::collections::HashMap;

use domain::{
    complaint::{
        Accept, Answer, Assignment, Complaint, Dispatch, Exclude, Reject, Reopen, Rework,
        Submission, Submitter, Suspend, Withdraw,
    },
    decision::Decision,
    duty::{self, Question},
    evaluation::Evaluation,
    id::{ComplaintId, JobId},
    identity::{Actor, Role},
    org::{NodeCode, Unit},
    personal::{PersonName, Phone},
    refusal::{Basic, Invalid},
    sla::{TimerKind, Urgency},
    task,
    time::{self, Timestamp},
};
use infra::{
    postgres::{
        Connection,
        audit::{self, AuditEntry},
        complaint::{self as store, By, NewEvaluation, SealedContact},
        duty as duties, identity as accounts, org,
        timer::{self, Subject},
        whistle,
    },
    random,
};
use serde::Serialize;
use serde_json::json;

use super::{
    case::{self, Ask, Change, Locked},
    idempotent::{self, Answer as Kept, Once},
    transact,
};
use crate::{error::Error, state::State};

mod track;
pub use track::{Credentials, by_query_code};

/// The characters of a query code: none that is taken for another.
const QUERY_ALPHABET: &[char] = &[
    '2', '3', '4', '5', '6', '7', '8', '9', 'A', 'B', 'C', 'D', 'E', 'F', 'G', 'H', 'J', 'K', 'L',
    'M', 'N', 'P', 'Q', 'R', 'S', 'T', 'U', 'V', 'W', 'X', 'Y', 'Z',
];
/// 31 characters to the power of 10: about 50 bits, behind a rate limit.
const QUERY_CODE_LENGTH: usize = 10;

/// The answer to a submission: what the reporter keeps.
#[derive(Debug, Clone, Serialize, serde::Deserialize, utoipa::ToSchema)]
pub struct Receipt {
    /// The complaint's id.
    pub id: ComplaintId,
    /// The number that people read.
    #[schema(example = "PC20261124000123")]
    pub number: String,
    /// With the number it tracks the complaint without log-in; it is shown this once.
    #[schema(example = "7KQ2M8XW4T")]
    pub query_code: String,
    /// Where it stands.
    pub status: domain::complaint::Status,
    /// What `If-Match` compares.
    pub version: i64,
    /// When it came in.
    #[schema(value_type = String, format = DateTime)]
    pub created_at: Timestamp,
    /// Nobody outside the centre learns who reported.
    pub confidential: bool,
    /// By when the centre should have accepted and dispatched it.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub dispatch_by: Option<Timestamp>,
}

/// Takes a complaint in: complaint, contact, first event, timers, job and idempotency key in one
/// transaction.
///
/// # Errors
/// No such community; the key was used for another command.
pub async fn submit(
    state: &State,
    ask: Ask,
    once: Once,
    submission: Submission,
) -> Result<Kept<Vec<JobId>>, Error> {
    let now = state.clock.now();
    let here = state.clone();
    let answer = idempotent::run(state, once, 201, move |tx| {
        Box::pin(async move { take_in(&here, tx, &ask, &submission, now).await })
    })
    .await?;
    if let Some(jobs) = &answer.fresh {
        state.redis.wake(jobs).await;
    }
    Ok(answer)
}

async fn take_in(
    state: &State,
    tx: &mut Connection,
    ask: &Ask,
    submission: &Submission,
    now: Timestamp,
) -> Result<(Receipt, Vec<JobId>), Error> {
    let by = Submitter::of(ask.actor.as_ref());
    let id = random::id(now);
    let decision = Complaint::submit(id, submission, by, now);
    let query_code = random::code(QUERY_ALPHABET, QUERY_CODE_LENGTH);
    let mac = query_code_mac(state, id, &query_code);
    let contact = submission.contact.as_ref().map(|contact| SealedContact {
        name: contact
            .name
            .as_ref()
            .map(|name| state.crypto.seal(&contact_context(id), name.plain().as_bytes())),
        phone: state.crypto.seal(&contact_context(id), contact.phone.plain().as_bytes()),
        index: state.crypto.index("phone", contact.phone.plain().as_bytes()).to_vec(),
    });
    let complaint = &decision.state;
    let number =
        store::insert(tx, complaint, submission, by, &mac, contact.as_ref(), &decision.events)
            .await?
            .ok_or_else(|| Invalid::field("community_code", "没有这个社区或村，请从列表中选择"))?;
    let timers = complaint.timers(state.terms());
    timer::sync(tx, Subject::Complaint(id), &timers).await?;
    let audited = AuditEntry::new("complaint.submit", "complaint", id, &ask.origin);
    let audited = AuditEntry {
        account: ask.account(),
        role: ask.actor.as_ref().and_then(Actor::role),
        ..audited
    };
    audit::append(tx, &audited, now).await?;
    let jobs = case::tell(tx, id.0, 1, decision.events.len(), now).await?;
    let receipt = Receipt {
        id,
        number,
        query_code,
        status: complaint.status,
        version: complaint.version,
        created_at: now,
        confidential: complaint.confidential,
        dispatch_by: timers.first().map(|timer| timer.due_at),
    };
    Ok((receipt, jobs))
}

fn query_code_mac(state: &State, id: ComplaintId, code: &str) -> [u8; 32] {
    state.crypto.mac("query-code", format!("{id}/{code}").as_bytes())
}

/// A contact opens only as the contact of its own complaint.
fn contact_context(id: ComplaintId) -> String {
    format!("complaint_contact/{id}")
}

/// Whom to call about a complaint, opened. Whoever shows it unmasked keeps a record of that.
///
/// # Errors
/// The database's; a key is missing.
pub async fn contact_of(
    state: &State,
    conn: &mut Connection,
    id: ComplaintId,
) -> Result<Option<(Option<PersonName>, Phone)>, Error> {
    let Some(sealed) = store::contact(conn, id).await? else { return Ok(None) };
    let context = contact_context(id);
    let name = match sealed.name {
        Some(name) => Some(PersonName::trusted(state.crypto.open_text(&context, &name)?)),
        None => None,
    };
    Ok(Some((name, Phone::trusted(state.crypto.open_text(&context, &sealed.phone)?))))
}

/// Opens the contact for somebody who says why, and keeps a record of both.
///
/// # Errors
/// `no_contact`.
pub async fn unmask(
    state: &State,
    ask: Ask,
    id: ComplaintId,
    reason: String,
) -> Result<(Option<PersonName>, Phone), Error> {
    let now = state.clock.now();
    let here = state.clone();
    transact(&state.db, move |tx| {
        Box::pin(async move {
            let contact =
                contact_of(&here, tx, id).await?.ok_or(domain::complaint::Refused::NoContact)?;
            let seen = AuditEntry::new("complaint.unmask", "complaint", id, &ask.origin);
            let seen = AuditEntry {
                account: ask.account(),
                role: ask.actor.as_ref().and_then(Actor::role),
                data: json!({ "reason": reason }),
                ..seen
            };
            audit::append(tx, &seen, now).await?;
            Ok(contact)
        })
    })
    .await
}

/// Locks the case, lets `decide` say what changes, and stores it.
async fn command<D>(
    state: &State,
    ask: Ask,
    id: ComplaintId,
    action: &'static str,
    decide: D,
) -> Result<(), Error>
where
    D: FnOnce(&State, &Locked, Timestamp) -> Result<Change, Error> + Send + 'static,
{
    let now = state.clock.now();
    let here = state.clone();
    let jobs = transact(&state.db, move |tx| {
        Box::pin(async move {
            let case = Locked::seen(tx, id, &ask).await?;
            decide(&here, &case, now)?.store(tx, &here, &ask, action, now).await
        })
    })
    .await?;
    state.redis.wake(&jobs).await;
    Ok(())
}

/// Takes the complaint on (受理). A duty item that is named must exist on a valid list.
///
/// # Errors
/// An illegal step, an unknown duty item or unit.
pub async fn accept(state: &State, ask: Ask, id: ComplaintId, accept: Accept) -> Result<(), Error> {
    let now = state.clock.now();
    let here = state.clone();
    let jobs = transact(&state.db, move |tx| {
        Box::pin(async move {
            let case = Locked::seen(tx, id, &ask).await?;
            if let Some(item) = &accept.duty_item {
                known_item(tx, item, now).await?;
            }
            if let Some(unit) = &accept.reported_unit {
                units(tx, std::slice::from_ref(unit), "reported_unit").await?;
            }
            let decision = case.complaint.accept(&accept, now)?;
            Change::of(decision).store(tx, &here, &ask, "complaint.accept", now).await
        })
    })
    .await?;
    state.redis.wake(&jobs).await;
    Ok(())
}

/// Does not take the complaint on (不予受理).
///
/// # Errors
/// An illegal step, or a hand-over record is missing.
pub async fn reject(state: &State, ask: Ask, id: ComplaintId, reject: Reject) -> Result<(), Error> {
    command(state, ask, id, "complaint.reject", move |_, case, _| {
        Ok(Change::of(case.complaint.reject(&reject)?))
    })
    .await
}

/// Answers the complaint at once (直接答复).
///
/// # Errors
/// An illegal step.
pub async fn answer(state: &State, ask: Ask, id: ComplaintId, answer: Answer) -> Result<(), Error> {
    command(state, ask, id, "complaint.answer", move |_, case, now| {
        Ok(Change::of(case.complaint.answer(&answer, now)?))
    })
    .await
}

/// Lets the complaint follow another (并案).
///
/// # Errors
/// An illegal step, or the other cannot lead.
pub async fn merge(
    state: &State,
    ask: Ask,
    id: ComplaintId,
    into: ComplaintId,
) -> Result<(), Error> {
    let now = state.clock.now();
    let here = state.clone();
    let jobs = transact(&state.db, move |tx| {
        Box::pin(async move {
            // Several rows of a kind are locked in ascending id, so that two merges cannot wait
            // for each other.
            let first = store::lock(tx, By::Id(id.min(into))).await?;
            let second = store::lock(tx, By::Id(id.max(into))).await?;
            let leading = [&first, &second]
                .into_iter()
                .flatten()
                .find(|complaint| complaint.id == into)
                .cloned();
            let case = Locked::seen(tx, id, &ask).await?;
            let leading = leading
                .ok_or_else(|| Invalid::field("into", "没有这件诉求，请核对要并入的诉求编号"))?;
            let merged = case.complaint.merge(&leading)?;
            store::repoint_children(tx, id, into).await?;
            cancelling(&case, merged, now)?.store(tx, &here, &ask, "complaint.merge", now).await
        })
    })
    .await?;
    state.redis.wake(&jobs).await;
    Ok(())
}

/// A change that ends the case's open tasks with it.
fn cancelling(
    case: &Locked,
    decision: Decision<Complaint>,
    now: Timestamp,
) -> Result<Change, Error> {
    let cancelled: Result<Vec<_>, _> = case.open().iter().map(|task| task.cancel(now)).collect();
    Ok(Change::of(decision).saving(cancelled?))
}

/// What the centre asks for when it dispatches.
#[derive(Debug, Clone)]
pub struct DispatchOrder {
    /// Who answers for all of it.
    pub lead: NodeCode,
    /// Who must help.
    pub assist: Vec<NodeCode>,
    /// The duty-list item; the complaint's own when left out.
    pub duty_item: Option<String>,
    /// Somebody must come to the place.
    pub site: bool,
    /// Words for the units.
    pub note: Option<String>,
    /// Who approves, by username, that an emergency is pushed down beyond the lists.
    pub emergency_approver: Option<String>,
}

/// Gives the complaint to its units (派单), judged against the duty lists.
///
/// # Errors
/// An illegal step; an unknown unit, item or approver; `not_on_duty_list`.
pub async fn dispatch(
    state: &State,
    ask: Ask,
    id: ComplaintId,
    order: DispatchOrder,
) -> Result<(), Error> {
    let now = state.clock.now();
    let here = state.clone();
    let jobs = transact(&state.db, move |tx| {
        Box::pin(async move {
            let case = Locked::seen(tx, id, &ask).await?;
            let command = judged(tx, &case.complaint, &order, now).await?;
            let (decision, tasks) =
                case.complaint.dispatch(&command, &case.open(), here.terms(), now)?;
            let change = Change::of(decision).creating(tasks);
            change.store(tx, &here, &ask, "complaint.dispatch", now).await
        })
    })
    .await?;
    state.redis.wake(&jobs).await;
    Ok(())
}

/// Resolves the units and judges each against the lists that are valid today.
async fn judged(
    tx: &mut Connection,
    complaint: &Complaint,
    order: &DispatchOrder,
    now: Timestamp,
) -> Result<Dispatch, Error> {
    let lead = units(tx, std::slice::from_ref(&order.lead), "lead").await?;
    let assist = units(tx, &order.assist, "assist").await?;
    let item = order.duty_item.as_deref().or(complaint.duty_item.as_deref());
    if let Some(item) = &order.duty_item {
        known_item(tx, item, now).await?;
    }
    let approver = match &order.emergency_approver {
        Some(name) => Some(approver(tx, name).await?),
        None => None,
    };
    let approved_emergency = approver.is_some() && complaint.urgency == Some(Urgency::Emergency);
    let roles = lead
        .iter()
        .map(|unit| (unit, task::Role::Lead))
        .chain(assist.iter().map(|unit| (unit, task::Role::Assist)));
    let codes: Vec<NodeCode> = lead.iter().chain(&assist).map(|unit| unit.code.clone()).collect();
    let lists = duties::valid(tx, &codes, item, time::date(now)).await?;
    let mut version = None;
    let mut pushed_down = false;
    for (unit, role) in roles {
        let valid = lists.get(&unit.code).map_or(&[][..], Vec::as_slice);
        let judgement = duty::judge(Question { unit, role, item, approved_emergency }, valid)?;
        pushed_down |= judgement.ground == duty::Ground::ApprovedEmergency;
        version = version.or(judgement.version);
    }
    let mut assignments =
        lead.into_iter().chain(assist).map(|unit| Assignment { task: random::id(now), unit });
    let lead = assignments.next().ok_or(Basic::NotFound)?;
    Ok(Dispatch {
        lead,
        assist: assignments.collect(),
        judged_by: item.map(ToOwned::to_owned).zip(version),
        site: order.site,
        note: order.note.clone(),
        approved_by: approver.filter(|_| pushed_down),
    })
}

/// The units with these codes, in the order given.
pub(super) async fn units(
    tx: &mut Connection,
    codes: &[NodeCode],
    field: &str,
) -> Result<Vec<Unit>, Error> {
    let mut found: HashMap<NodeCode, Unit> =
        org::units(tx, codes).await?.into_iter().map(|unit| (unit.code.clone(), unit)).collect();
    codes
        .iter()
        .map(|code| {
            let twice =
                || Invalid::field(field, format!("没有代码为 {code} 的承办单位，或写了两次"));
            found.remove(code).ok_or_else(|| twice().into())
        })
        .collect()
}

async fn known_item(tx: &mut Connection, item: &str, now: Timestamp) -> Result<(), Error> {
    match duties::item(tx, item, time::date(now)).await? {
        Some(_) => Ok(()),
        None => {
            Err(Invalid::field("duty_item", format!("现行清单里没有事项 {item}，请从清单中选择"))
                .into())
        }
    }
}

/// The approver, who must be a leader or the head of a department.
async fn approver(tx: &mut Connection, username: &str) -> Result<String, Error> {
    let unfit = || Invalid::field("emergency_approver", "批准人要写区领导或部门负责人的账号名");
    let account = accounts::find_by_username(tx, username).await?.ok_or_else(unfit)?;
    let roles = accounts::grants(tx, account).await?;
    let may = roles.iter().any(|grant| matches!(grant.role, Role::Leader | Role::DepartmentHead));
    if may { Ok(username.to_owned()) } else { Err(unfit().into()) }
}

/// Stops the clocks (挂起).
///
/// # Errors
/// An illegal step, or a date out of range.
pub async fn suspend(
    state: &State,
    ask: Ask,
    id: ComplaintId,
    suspend: Suspend,
) -> Result<(), Error> {
    command(state, ask, id, "complaint.suspend", move |_, case, now| {
        Ok(Change::of(case.complaint.suspend(&suspend, now)?).waiting(case.open()))
    })
    .await
}

/// Lets the clocks go on (恢复).
///
/// # Errors
/// Nothing stands still.
pub async fn resume(state: &State, ask: Ask, id: ComplaintId) -> Result<(), Error> {
    let now = state.clock.now();
    let here = state.clone();
    let jobs = transact(&state.db, move |tx| {
        Box::pin(async move {
            let case = Locked::seen(tx, id, &ask).await?;
            let resumed = case.complaint.resume(&case.open(), now)?;
            let change = going_on(tx, &case, resumed, now).await?;
            change.store(tx, &here, &ask, "complaint.resume", now).await
        })
    })
    .await?;
    state.redis.wake(&jobs).await;
    Ok(())
}

/// The change by which a case goes on. If its replies were confirmed while it waited for a whistle
/// that is over, it is answered at once: no other step would ever answer it.
async fn going_on(
    tx: &mut Connection,
    case: &Locked,
    (decision, tasks): (Decision<Complaint>, Vec<Decision<task::Task>>),
    now: Timestamp,
) -> Result<Change, Error> {
    let resumed = case.complaint.suspension.is_some() && decision.state.suspension.is_none();
    let complaint = decision.state.clone();
    let change = Change::of(decision).saving(tasks);
    if resumed && case.is_confirmed() && !whistle::is_out_for(tx, complaint.id).await? {
        return Ok(change.then(complaint.finish(now)?));
    }
    Ok(change)
}

/// Takes the case out of the rates (剔除).
///
/// # Errors
/// An illegal step, or it is excluded already.
pub async fn exclude(
    state: &State,
    ask: Ask,
    id: ComplaintId,
    exclude: Exclude,
) -> Result<(), Error> {
    command(state, ask, id, "complaint.exclude", move |_, case, now| {
        Ok(Change::of(case.complaint.exclude(&exclude, now)?).waiting(case.open()))
    })
    .await
}

/// Who speaks for the reporter of a complaint.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Voice {
    /// The reporter's own account.
    Account,
    /// Whoever holds the number and the query code.
    QueryCode,
    /// A caller of the centre who writes down what the reporter said.
    Caller,
}

impl Voice {
    const fn channel(self) -> &'static str {
        match self {
            Self::Account => "mini_program",
            Self::QueryCode => "track",
            Self::Caller => "phone",
        }
    }

    /// Locks the case, if it is the reporter's who asks.
    async fn lock(self, tx: &mut Connection, id: ComplaintId, ask: &Ask) -> Result<Locked, Error> {
        match self {
            // The code was checked before.
            Self::QueryCode => Locked::take(tx, By::Id(id)).await,
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
    reporter_command(state, ask, voice, id, "complaint.withdraw", move |_, case, now| {
        cancelling(case, case.complaint.withdraw(&withdraw)?, now)
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
    let now = state.clock.now();
    let here = state.clone();
    let jobs = transact(&state.db, move |tx| {
        Box::pin(async move {
            let case = voice.lock(tx, id, &ask).await?;
            decide(&here, &case, now)?.store(tx, &here, &ask, action, now).await
        })
    })
    .await?;
    state.redis.wake(&jobs).await;
    Ok(())
}

/// Takes the reporter's evaluation (评价), whoever conveys it. A merged child's is kept and counted;
/// it changes nothing else.
///
/// # Errors
/// Not the reporter's; not open for evaluation; a child evaluated already.
pub async fn evaluate(
    state: &State,
    ask: Ask,
    voice: Voice,
    id: ComplaintId,
    given: Evaluation,
) -> Result<(), Error> {
    let now = state.clock.now();
    let here = state.clone();
    let jobs = transact(&state.db, move |tx| {
        Box::pin(async move {
            let case = voice.lock(tx, id, &ask).await?;
            let change = match case.complaint.merged_into {
                Some(leading) => child_evaluated(tx, &case, leading, &given).await?,
                None => {
                    let rework = Rework { task: random::id(now), lead: case.last_lead() };
                    let (decision, task) =
                        case.complaint.evaluate(&given, &rework, here.terms(), now)?;
                    Change::of(decision).creating(task)
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
            change.store(tx, &here, &ask, "complaint.evaluate", now).await
        })
    })
    .await?;
    state.redis.wake(&jobs).await;
    Ok(())
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

/// A caller found nobody (回访未联系上).
///
/// # Errors
/// An illegal step.
pub async fn miss(state: &State, ask: Ask, id: ComplaintId) -> Result<(), Error> {
    command(state, ask, id, "complaint.follow_up", move |_, case, _| {
        Ok(Change::of(case.complaint.miss()?))
    })
    .await
}

/// Lets a due instant of a complaint have its effect, exactly once; says whether it had one.
///
/// # Errors
/// The database's.
pub async fn fire(
    state: &State,
    id: ComplaintId,
    kind: TimerKind,
    due_at: Timestamp,
) -> Result<bool, Error> {
    let now = state.clock.now();
    let here = state.clone();
    let jobs = transact(&state.db, move |tx| {
        Box::pin(async move {
            let case = Locked::take(tx, By::Id(id)).await?;
            if !timer::fire(tx, Subject::Complaint(id), kind, due_at, now).await? {
                return Ok(None);
            }
            let fired = case.complaint.fire(kind, &case.open(), now)?;
            let change = going_on(tx, &case, fired, now).await?;
            change.store(tx, &here, &Ask::worker(), "complaint.timer", now).await.map(Some)
        })
    })
    .await?;
    state.redis.wake(jobs.as_deref().unwrap_or_default()).await;
    Ok(jobs.is_some())
}
