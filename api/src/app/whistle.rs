//! Use cases of whistles (吹哨报到). What the units do with their tasks is in [`super::task`].

use domain::{
    complaint::{Assignment, Complaint, Status as ComplaintStatus},
    decision::Decision,
    id::{ComplaintId, JobId, WhistleId},
    identity::{Actor, Role},
    org::{NodeCode, Unit},
    refusal::{Basic, Invalid},
    sla::TimerKind,
    task::{self, Task},
    time::Timestamp,
    whistle::{Appraisal, Draft, Rating, Refused, Review, Status, Whistle},
};
use infra::{
    postgres::{
        Connection, complaint as complaints, task as tasks,
        timer::{self, Subject},
        whistle::{self as store, By},
    },
    random,
};

use super::{
    case::{Ask, Change, Locked, carry_out},
    complaint::units,
    idempotent::{self, Answer, Once},
};
use crate::{error::Error, state::State};

/// The answer to a draft.
#[derive(Debug, Clone, serde::Serialize, serde::Deserialize, utoipa::ToSchema)]
pub struct Drafted {
    /// 编号
    pub id: WhistleId,
    /// 状态：应急哨立即吹出，其余等待审核
    pub status: domain::whistle::Status,
    /// 版本号，用于 If-Match
    pub version: i64,
    /// 起草时间
    #[schema(value_type = String, format = DateTime)]
    pub created_at: Timestamp,
}

/// Locks a whistle, after the complaint that waits for it, and reads its tasks.
///
/// # Errors
/// `not_found`.
pub(super) async fn locked(tx: &mut Connection, by: By) -> Result<(Whistle, Vec<Task>), Error> {
    if let Some(complaint) = store::waiting(tx, by).await? {
        complaints::lock(tx, complaints::By::Id(complaint)).await?;
    }
    let whistle = store::lock(tx, by).await?.ok_or(Basic::NotFound)?;
    let tasks = tasks::of_case(tx, whistle.id.0).await?;
    Ok((whistle, tasks))
}

/// In whose name an officer blows a whistle about a community: the community's or subdistrict's
/// that they work for.
fn blower(actor: &Actor, community: &NodeCode) -> Option<NodeCode> {
    actor
        .grants
        .iter()
        .filter(|grant| matches!(grant.role, Role::CommunityOfficer | Role::SubdistrictOfficer))
        .filter_map(|grant| NodeCode::parse("scope", &grant.scope).ok())
        .find(|scope| scope.contains(community))
}

/// Drafts a whistle; an emergency is blown at once.
///
/// # Errors
/// Another division's community; an unknown unit; a complaint that cannot wait; a reused key.
pub async fn draft(
    state: &State,
    ask: Ask,
    once: Once,
    draft: Draft,
) -> Result<Answer<Vec<JobId>>, Error> {
    let now = state.clock.now();
    let here = state.clone();
    let answer = idempotent::run(state, once, 201, move |tx| {
        Box::pin(async move { take_in(&here, tx, &ask, &draft, now).await })
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
    draft: &Draft,
    now: Timestamp,
) -> Result<(Drafted, Vec<JobId>), Error> {
    let actor = ask.actor.as_ref().ok_or(Basic::Unauthenticated)?;
    let blower = blower(actor, &draft.community)
        .ok_or_else(|| Invalid::field("community_code", "只能为本辖区的社区或村吹哨"))?;
    let complaint = match draft.complaint {
        Some(complaint) => Some(waits(tx, complaint, ask).await?),
        None => None,
    };
    let called = called(tx, &blower, &draft.lead, &draft.assist, now).await?;
    if let Some(complaint) = &complaint {
        called.iter().try_for_each(|one| complaint.check_not_reported(&one.unit))?;
    }
    let id = random::id(now);
    let (decision, out) =
        Whistle::draft(id, draft, &blower, actor.account, &called, state.terms(), now)?;
    let whistle = decision.state.clone();
    let change = Change::of(decision).creating(out);
    let events = change.events();
    if !store::insert(tx, &whistle, draft, events, now).await? {
        return Err(Invalid::field("community_code", "没有这个社区或村，请从列表中选择").into());
    }
    let last = i32::try_from(events.len()).unwrap_or(i32::MAX);
    for task in change.created() {
        tasks::insert(tx, task).await?;
    }
    let jobs = change.recorded(tx, state, ask, "whistle.draft", last, now).await?;
    let drafted = Drafted { id, status: whistle.status, version: whistle.version, created_at: now };
    Ok((drafted, jobs))
}

/// Locks the complaint that is to wait for a whistle.
async fn waits(tx: &mut Connection, complaint: ComplaintId, ask: &Ask) -> Result<Complaint, Error> {
    let here = Ask { expected: None, ..ask.clone() };
    let case = Locked::seen(tx, complaint, &here).await.map_err(|error| match error.code() {
        Some("not_found") => {
            Invalid::field("complaint_id", "没有找到这件诉求，或者不在本辖区").into()
        }
        _ => error,
    })?;
    may_wait(tx, &case.complaint).await?;
    Ok(case.complaint)
}

/// A complaint waits for one whistle at a time, and only while it is being handled.
async fn may_wait(tx: &mut Connection, complaint: &Complaint) -> Result<(), Error> {
    let open = matches!(
        complaint.status,
        ComplaintStatus::Accepted | ComplaintStatus::Dispatched | ComplaintStatus::Handling
    );
    if !open || store::is_out_for(tx, complaint.id).await? {
        return Err(Refused::ComplaintNotOpen.into());
    }
    Ok(())
}

/// The units called, lead first. Departments and utilities come; of the divisions only the blower's
/// own subdistrict does, since a whistle calls upwards, never down.
async fn called(
    tx: &mut Connection,
    blower: &NodeCode,
    lead: &NodeCode,
    assist: &[NodeCode],
    now: Timestamp,
) -> Result<Vec<Assignment>, Error> {
    let mut called = units(tx, std::slice::from_ref(lead), "lead").await?;
    called.extend(units(tx, assist, "assist").await?);
    let upwards =
        |unit: &Unit| !unit.kind.is_grassroots() || blower.superior().as_ref() == Some(&unit.code);
    if let Some(unit) = called.iter().find(|unit| !upwards(unit)) {
        let words = format!("吹哨只能呼叫部门、公用企业或本社区所属街道，不能呼叫{}", unit.name);
        return Err(Invalid::field("lead", words).into());
    }
    Ok(called.into_iter().map(|unit| Assignment { task: random::id(now), unit }).collect())
}

/// What a command on a whistle decides.
struct Decided {
    change: Change,
    /// The whistle's end lets the complaint that waited for it go on.
    releases: Option<ComplaintId>,
}

impl Decided {
    fn of(decision: Decision<Whistle>) -> Self {
        Self { releases: None, change: Change::of(decision) }
    }
}

/// Stores what was decided, and lets the complaint that waited go on.
async fn store_all(
    decided: Decided,
    tx: &mut Connection,
    state: &State,
    ask: &Ask,
    action: &'static str,
    now: Timestamp,
) -> Result<Vec<JobId>, Error> {
    let mut jobs = decided.change.store(tx, state, ask, action, now).await?;
    if let Some(complaint) = decided.releases {
        jobs.extend(release(tx, state, complaint, now).await?);
    }
    Ok(jobs)
}

/// A complaint whose replies were all confirmed while it waited is answered now.
async fn release(
    tx: &mut Connection,
    state: &State,
    complaint: ComplaintId,
    now: Timestamp,
) -> Result<Vec<JobId>, Error> {
    let case = Locked::take(tx, complaints::By::Id(complaint)).await?;
    // A suspended one is answered when it is resumed.
    let done = case.is_confirmed() && case.complaint.suspension.is_none();
    if !done || store::is_out_for(tx, complaint).await? {
        return Ok(Vec::new());
    }
    let finished = case.complaint.finish(now)?;
    Change::of(finished).store(tx, state, &Ask::worker(), "complaint.finish", now).await
}

/// The whistle, if it is the actor's own to blow: another's is missing.
fn own(whistle: &Whistle, ask: &Ask) -> Result<(), Error> {
    let own = ask.actor.as_ref().is_some_and(|actor| actor.works_for(&whistle.blower));
    if own { Ok(()) } else { Err(Basic::NotFound.into()) }
}

/// Reviews a whistle (审核): a community's by its subdistrict, a subdistrict's by a supervisor.
///
/// # Errors
/// Not theirs to review; by the drafter; a second review; an illegal step.
pub async fn review(state: &State, ask: Ask, id: WhistleId, review: Review) -> Result<(), Error> {
    carry_out(state, move |tx, here, now| {
        Box::pin(async move {
            let (whistle, _) = locked(tx, By::Id(id)).await?;
            let actor = ask.actor.as_ref().ok_or(Basic::Unauthenticated)?;
            reviewer(actor, &whistle.blower)?;
            ask.check_version(whistle.version)?;
            let blows = review.approve && whistle.status == Status::Draft;
            let units = if blows {
                called(tx, &whistle.blower, &whistle.lead, &whistle.assist, now).await?
            } else {
                Vec::new()
            };
            let (decision, out) =
                whistle.review(&review, actor.account, &units, here.terms(), now)?;
            if blows && let Some(complaint) = whistle.complaint {
                let case = Locked::take(tx, complaints::By::Id(complaint)).await?;
                may_wait(tx, &case.complaint).await?;
                units.iter().try_for_each(|one| case.complaint.check_not_reported(&one.unit))?;
            }
            let decided = Decided { change: Change::of(decision).creating(out), releases: None };
            store_all(decided, tx, here, &ask, "whistle.review", now).await
        })
    })
    .await
}

/// Whether somebody reviews the whistles of a blower, or would if it were not their own.
pub fn reviews(actor: &Actor, blower: &NodeCode) -> bool {
    !matches!(reviewer(actor, blower), Err(error) if error.code() == Some("not_found"))
}

/// # Errors
/// `not_found` when the whistle is out of the actor's area, `own_review` when the actor's unit blew
/// it and may only watch.
fn reviewer(actor: &Actor, blower: &NodeCode) -> Result<(), Error> {
    let superior = blower.superior();
    let by_superior = actor.grants.iter().any(|grant| {
        grant.role == Role::SubdistrictOfficer
            && superior.as_ref().is_some_and(|code| grant.scope == code.as_str())
    });
    // A subdistrict's superior is the district, in whose name the supervisors work.
    let by_supervisor = actor.has(Role::Supervisor)
        && superior.as_ref().is_some_and(|code| code.as_str().len() == 6);
    if by_superior || by_supervisor {
        return Ok(());
    }
    if actor.works_for(blower) {
        return Err(Refused::OwnReview.into());
    }
    Err(Basic::NotFound.into())
}

/// Takes a whistle back (撤回); its open tasks end with it, and a complaint that waited goes on.
///
/// # Errors
/// Another's; an illegal step.
pub async fn withdraw(state: &State, ask: Ask, id: WhistleId, reason: String) -> Result<(), Error> {
    blowers_command(state, ask, id, "whistle.withdraw", move |whistle, tasks, _, now| {
        let cancelled: Result<Vec<_>, _> = tasks
            .iter()
            .filter(|task| !task.status.is_ended())
            .map(|task| task.cancel(now))
            .collect();
        let change = Change::of(whistle.withdraw(&reason)?).saving(cancelled?);
        Ok(Decided { change, releases: whistle.complaint })
    })
    .await
}

/// The blower calls it done (销哨); a complaint that waited goes on.
///
/// # Errors
/// Another's; a task is not confirmed; an illegal step.
pub async fn stand_down(state: &State, ask: Ask, id: WhistleId) -> Result<(), Error> {
    blowers_command(state, ask, id, "whistle.stand_down", move |whistle, tasks, appraised, now| {
        let decision = whistle.stand_down(tasks, appraised, now)?;
        Ok(Decided { change: Change::of(decision), releases: whistle.complaint })
    })
    .await
}

async fn blowers_command<D>(
    state: &State,
    ask: Ask,
    id: WhistleId,
    action: &'static str,
    decide: D,
) -> Result<(), Error>
where
    D: FnOnce(&Whistle, &[Task], &[NodeCode], Timestamp) -> Result<Decided, Error> + Send + 'static,
{
    carry_out(state, move |tx, here, now| {
        Box::pin(async move {
            let (whistle, tasks) = locked(tx, By::Id(id)).await?;
            own(&whistle, &ask)?;
            ask.check_version(whistle.version)?;
            let appraised = store::appraised(tx, id).await?;
            let decided = decide(&whistle, &tasks, &appraised, now)?;
            store_all(decided, tx, here, &ask, action, now).await
        })
    })
    .await
}

/// Keeps the blower's appraisal of a unit (评哨).
///
/// # Errors
/// Another's; the unit was not called, is not confirmed, or is appraised already.
pub async fn appraise(
    state: &State,
    ask: Ask,
    id: WhistleId,
    given: Appraisal,
) -> Result<(), Error> {
    carry_out(state, move |tx, here, now| {
        Box::pin(async move {
            let (whistle, tasks) = locked(tx, By::Id(id)).await?;
            own(&whistle, &ask)?;
            ask.check_version(whistle.version)?;
            let appraised = store::appraised(tx, id).await?;
            let decision = whistle.appraise(&given, &tasks, &appraised, now)?;
            let by = ask.account().ok_or(Basic::Unauthenticated)?;
            store::insert_appraisal(tx, id, &given, by, now).await?;
            store_all(Decided::of(decision), tx, here, &ask, "whistle.appraise", now).await
        })
    })
    .await
}

/// Keeps a called unit's rating of the whistle.
///
/// # Errors
/// Not called; rated already; an illegal step.
pub async fn rate(state: &State, ask: Ask, id: WhistleId, given: Rating) -> Result<(), Error> {
    carry_out(state, move |tx, here, now| {
        Box::pin(async move {
            let (whistle, tasks) = locked(tx, By::Id(id)).await?;
            let actor = ask.actor.as_ref().ok_or(Basic::Unauthenticated)?;
            let unit = tasks
                .iter()
                .filter(|task| task.status != task::Status::Returned)
                .map(|task| &task.unit)
                .find(|unit| actor.works_for(unit))
                .ok_or(Basic::NotFound)?;
            ask.check_version(whistle.version)?;
            let rated = store::rated(tx, id).await?;
            let decision = whistle.rate(&given, unit, &rated)?;
            store::insert_rating(tx, id, unit, &given, actor.account, now).await?;
            store_all(Decided::of(decision), tx, here, &ask, "whistle.rate", now).await
        })
    })
    .await
}

/// Lets a due instant of a whistle have its effect, exactly once.
///
/// # Errors
/// The database's.
pub async fn fire(
    state: &State,
    id: WhistleId,
    kind: TimerKind,
    due_at: Timestamp,
) -> Result<(), Error> {
    carry_out(state, move |tx, here, now| {
        Box::pin(async move {
            let (whistle, tasks) = locked(tx, By::Id(id)).await?;
            if !timer::fire(tx, Subject::Whistle(id), kind, due_at, now).await? {
                return Ok(Vec::new());
            }
            let appraised = store::appraised(tx, id).await?;
            let decided = Decided {
                change: Change::of(whistle.fire(kind, &tasks, &appraised, now)?),
                releases: whistle.complaint.filter(|_| kind == TimerKind::StandDownDue),
            };
            store_all(decided, tx, here, &Ask::worker(), "whistle.timer", now).await
        })
    })
    .await
}
