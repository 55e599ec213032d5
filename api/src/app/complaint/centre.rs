//! What the centre decides: accept, reject, answer, dispatch, suspend, exclude.

use std::collections::HashMap;

use domain::{
    complaint::{Accept, Answer, Assignment, Complaint, Dispatch, Exclude, Reject, Suspend},
    decision::Decision,
    duty::{self, Question},
    id::ComplaintId,
    identity::Role,
    org::{NodeCode, Unit},
    refusal::{Basic, Invalid},
    sla::Urgency,
    task,
    time::{self, Timestamp},
};
use infra::{
    postgres::{
        Connection,
        audit::{self, AuditEntry},
        duty as duties, follow_up as calls, identity as accounts, org,
        task::assist,
        whistle,
    },
    random,
};

use serde_json::json;

use super::{child, command};
use crate::{
    app::{
        case::{Ask, Change, Locked, carry_out},
        follow_up,
    },
    error::Error,
    state::State,
};

/// Takes the complaint on (受理). A duty item that is named must exist on a valid list.
///
/// # Errors
/// An illegal step, an unknown duty item or unit.
pub async fn accept(state: &State, ask: Ask, id: ComplaintId, accept: Accept) -> Result<(), Error> {
    carry_out(state, move |tx, here, now| {
        Box::pin(async move {
            let case = Locked::seen(tx, id, &ask).await?;
            if let Some(item) = &accept.duty_item {
                known_item(tx, item, now).await?;
            }
            if let Some(unit) = &accept.reported_unit {
                units(tx, std::slice::from_ref(unit), "reported_unit").await?;
            }
            let decision = case.complaint.accept(&accept, now)?;
            Change::of(decision).store(tx, here, &ask, "complaint.accept", now).await
        })
    })
    .await
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
/// An illegal step; its whistle is out.
pub async fn answer(state: &State, ask: Ask, id: ComplaintId, answer: Answer) -> Result<(), Error> {
    carry_out(state, move |tx, here, now| {
        Box::pin(async move {
            let case = Locked::seen(tx, id, &ask).await?;
            let decision = case.complaint.answer(&answer, now)?;
            no_whistle_out(tx, id).await?;
            Change::of(decision).store(tx, here, &ask, "complaint.answer", now).await
        })
    })
    .await
}

/// A complaint waits for its whistle: what would end it otherwise is refused, so that no unit is
/// left with a whistle that nobody waits for.
pub(in crate::app) async fn no_whistle_out(
    tx: &mut Connection,
    id: ComplaintId,
) -> Result<(), Error> {
    if whistle::is_out_for(tx, id).await? {
        return Err(domain::whistle::Refused::ComplaintWaits.into());
    }
    Ok(())
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
    /// The lead sums up for the reporter what the assists replied.
    pub summary: bool,
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
    carry_out(state, move |tx, here, now| {
        Box::pin(async move {
            let case = Locked::seen(tx, id, &ask).await?;
            let command = judged(tx, &case.complaint, &order, now).await?;
            let (decision, tasks) =
                case.complaint.dispatch(&command, &case.open(), here.terms(), now)?;
            if let Some(approver) = &command.approved_by {
                pushed_down(tx, &ask, id, approver, &command, now).await?;
            }
            let ordered_by = ask.account().filter(|_| order.summary);
            assist::order_summary(tx, id, ordered_by, now).await?;
            let change = Change::of(decision).creating(tasks);
            change.store(tx, here, &ask, "complaint.dispatch", now).await
        })
    })
    .await
}

/// Leaves on record that an emergency went beyond the lists: to whom, by whose word, and which
/// version did not give it.
async fn pushed_down(
    tx: &mut Connection,
    ask: &Ask,
    id: ComplaintId,
    approver: &str,
    command: &Dispatch,
    now: Timestamp,
) -> Result<(), Error> {
    let units = std::iter::once(&command.lead).chain(&command.assist);
    let units: Vec<&NodeCode> = units.map(|assignment| &assignment.unit.code).collect();
    let list = command.judged_by.as_ref().map(|(_, version)| version);
    let entry = AuditEntry::new("complaint.push_down", "complaint", id, &ask.origin);
    let entry = entry
        .with(json!({ "approver": approver, "units": units, "list": list }))
        .by(ask.actor.as_ref());
    Ok(audit::append(tx, &entry, now).await?)
}

/// Resolves the units and judges each against the lists that are valid today.
pub(in crate::app) async fn judged(
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
pub(in crate::app) async fn units(
    tx: &mut Connection,
    codes: &[NodeCode],
    field: &str,
) -> Result<Vec<Unit>, Error> {
    let found: HashMap<NodeCode, Unit> =
        org::units(tx, codes).await?.into_iter().map(|unit| (unit.code.clone(), unit)).collect();
    codes
        .iter()
        .map(|code| {
            let unknown = || Invalid::field(field, format!("没有代码为 {code} 的承办单位"));
            found.get(code).cloned().ok_or_else(|| unknown().into())
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
    carry_out(state, move |tx, here, now| {
        Box::pin(async move {
            let case = Locked::seen(tx, id, &ask).await?;
            let resumed = case.complaint.resume(&case.open(), now)?;
            let change = going_on(tx, &case, resumed, now).await?;
            change.store(tx, here, &ask, "complaint.resume", now).await
        })
    })
    .await
}

/// The change by which a case goes on. If its replies were confirmed while it waited for a whistle
/// that is over, it is answered at once: no other step would ever answer it.
pub(super) async fn going_on(
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
/// An illegal step; it is excluded already; the appeals of its month are closed.
pub async fn exclude(
    state: &State,
    ask: Ask,
    id: ComplaintId,
    exclude: Exclude,
) -> Result<(), Error> {
    command(state, ask, id, "complaint.exclude", move |state, case, now| {
        if let Some(lead) = case.last_lead() {
            let closes_at = crate::app::task::closes_at(state, &case.tasks, lead);
            case.complaint.excludable(closes_at, now)?;
        }
        Ok(Change::of(case.complaint.exclude(&exclude, now)?).waiting(case.open()))
    })
    .await
}

/// A caller found nobody (回访未联系上).
///
/// # Errors
/// An illegal step; the caller's own work; another caller has it.
pub async fn miss(state: &State, ask: Ask, id: ComplaintId) -> Result<(), Error> {
    carry_out(state, move |tx, here, now| {
        Box::pin(async move {
            let case = Locked::seen(tx, id, &ask).await?;
            let missed = child::missed(tx, &case).await?;
            follow_up::may_call(tx, &case, &ask, now).await?;
            calls::give_back(tx, id).await?;
            missed.store(tx, here, &ask, "complaint.follow_up", now).await
        })
    })
    .await
}
