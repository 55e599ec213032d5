//! Use cases of consultations (会商). What happens is told in the complaint's stream, so that each
//! of them locks the complaint first.

use domain::{
    complaint::Complaint,
    consultation::{
        Cause, Climb, Consultation, Decide, Open, REWORK_QUESTION, Refused, Statement, settled_by,
        worked_on,
    },
    decision::Decision,
    event::{EventKind, NewEvent},
    id::{ComplaintId, ConsultationId},
    org::NodeCode,
    refusal::Basic,
    sla::TimerKind,
    time::Timestamp,
};
use infra::{
    postgres::{
        Connection,
        complaint::By as CaseBy,
        consultation::{self as store, By, Ruling},
        timer::{self, Subject},
    },
    random,
};

use super::{
    case::{Ask, Change, Locked, carry_out},
    complaint::{DispatchOrder, judged, units},
};
use crate::{error::Error, state::State};

/// A consultation and its complaint, both locked.
struct Held {
    one: Consultation,
    case: Locked,
}

impl Held {
    async fn take(tx: &mut Connection, id: ConsultationId) -> Result<Self, Error> {
        let complaint = store::complaint_of(tx, id).await?.ok_or(Basic::NotFound)?;
        let case = Locked::take(tx, CaseBy::Id(complaint)).await?;
        let one = store::lock(tx, By::Id(id)).await?.ok_or(Basic::NotFound)?;
        Ok(Self { one, case })
    }

    /// The complaint as it is, with events of the consultation.
    fn telling(&self, events: Vec<NewEvent>) -> Change {
        Change::of(Decision { state: self.case.complaint.clone(), events })
    }
}

/// Opens a consultation on a complaint: each unit is invited, and reads the case from now on.
///
/// # Errors
/// Nobody works on the complaint; it is conferred on already; an unknown or reported unit; a date
/// out of range.
pub async fn open(
    state: &State,
    ask: Ask,
    complaint: ComplaintId,
    asked: Open,
) -> Result<ConsultationId, Error> {
    let id = random::id(state.clock.now());
    carry_out(state, move |tx, here, now| {
        Box::pin(async move {
            let case = Locked::seen(tx, complaint, &ask).await?;
            let invited = units(tx, &asked.units, "units").await?;
            let consulted = case.complaint.consult(asked.cause, &invited)?;
            if store::lock(tx, By::Complaint(complaint)).await?.is_some() {
                return Err(Refused::AlreadyOpen.into());
            }
            let opened = begin(tx, here, &case.complaint, (id, &asked), &ask, now).await?;
            let change = Change::of(consulted).telling(opened);
            change.store(tx, here, &ask, "consultation.open", now).await
        })
    })
    .await?;
    Ok(id)
}

/// Stores a new consultation; answers what the invited units are told.
async fn begin(
    tx: &mut Connection,
    state: &State,
    complaint: &Complaint,
    (id, asked): (ConsultationId, &Open),
    ask: &Ask,
    now: Timestamp,
) -> Result<Vec<NewEvent>, Error> {
    let opened = Consultation::open(id, complaint, asked, state.terms(), now)?;
    store::insert(tx, &opened.state, asked, ask.account(), now).await?;
    timer::sync(tx, Subject::Consultation(id), &opened.state.timers()).await?;
    Ok(opened.events)
}

/// Where an evaluation sent the case to consultation: opens it, with every unit that worked on it.
///
/// # Errors
/// The database's.
pub(super) async fn after_reworks(
    tx: &mut Connection,
    state: &State,
    case: &Locked,
    change: Change,
    now: Timestamp,
) -> Result<Change, Error> {
    let sent = change.events().iter().any(|event| event.kind == EventKind::ConsultationOpened);
    let asked = Open {
        cause: Cause::Rework,
        units: worked_on(&case.tasks),
        question: REWORK_QUESTION.to_owned(),
        decide_by: None,
    };
    // A past work order has no tasks: the centre invites whom it sees fit.
    if !sent || asked.units.is_empty() {
        return Ok(change);
    }
    let opened =
        begin(tx, state, &case.complaint, (random::id(now), &asked), &Ask::worker(), now).await?;
    Ok(change.telling(opened))
}

/// Ends the open consultation of a complaint that is settled or ended by these events; answers
/// what the invited units are told. Whoever stores a complaint calls it.
///
/// # Errors
/// The database's.
pub(super) async fn lapsing(
    tx: &mut Connection,
    complaint: ComplaintId,
    events: &[NewEvent],
) -> Result<Vec<NewEvent>, Error> {
    if !settled_by(events) {
        return Ok(Vec::new());
    }
    let Some(open) = store::lock(tx, By::Complaint(complaint)).await? else {
        return Ok(Vec::new());
    };
    let lapsed = open.lapse()?;
    store::save(tx, &lapsed.state).await?;
    timer::sync(tx, Subject::Consultation(open.id), &lapsed.state.timers()).await?;
    Ok(lapsed.events)
}

/// An invited unit gives its statement (陈述意见); what it said before gives way.
///
/// # Errors
/// The unit is not invited; it is decided or over.
pub async fn give_statement(
    state: &State,
    ask: Ask,
    id: ConsultationId,
    statement: Statement,
) -> Result<(), Error> {
    carry_out(state, move |tx, here, now| {
        Box::pin(async move {
            let held = Held::take(tx, id).await?;
            let own = |unit: &&NodeCode| ask.actor.as_ref().is_some_and(|it| it.works_for(unit));
            let unit = held.one.units.iter().find(own).ok_or(Basic::NotFound)?;
            ask.check_version(held.one.version)?;
            let stated = held.one.state(unit, &statement)?;
            store::state(tx, id, unit, &statement.text, ask.account(), now).await?;
            store::save(tx, &stated.state).await?;
            held.telling(stated.events).store(tx, here, &ask, "consultation.state", now).await
        })
    })
    .await
}

/// Takes the consultation one level up (提级会商).
///
/// # Errors
/// It is decided or over, or is at the top.
pub async fn climb(state: &State, ask: Ask, id: ConsultationId, climb: Climb) -> Result<(), Error> {
    carry_out(state, move |tx, here, now| {
        Box::pin(async move {
            let held = Held::take(tx, id).await?;
            ask.check_version(held.one.version)?;
            let climbed = held.one.climb(&climb, here.terms(), now)?;
            store::save(tx, &climbed.state).await?;
            timer::sync(tx, Subject::Consultation(id), &climbed.state.timers()).await?;
            held.telling(climbed.events).store(tx, here, &ask, "consultation.climb", now).await
        })
    })
    .await
}

/// A ruling as the centre asks for it.
#[derive(Debug, Clone)]
pub struct RulingOrder {
    /// Who answers for all of it.
    pub lead: NodeCode,
    /// Who must help.
    pub assist: Vec<NodeCode>,
    /// Its words.
    pub words: Decide,
}

/// Decides bindingly (会商裁定). The units are judged against the duty lists like in any dispatch.
///
/// # Errors
/// It is decided or over; the complaint stands still; an unknown or unfit unit; `not_on_duty_list`.
pub async fn decide(
    state: &State,
    ask: Ask,
    id: ConsultationId,
    ruling: RulingOrder,
) -> Result<(), Error> {
    carry_out(state, move |tx, here, now| {
        Box::pin(async move {
            let held = Held::take(tx, id).await?;
            ask.check_version(held.one.version)?;
            held.one.permit(domain::consultation::Step::Decide)?;
            let order = DispatchOrder {
                lead: ruling.lead.clone(),
                assist: ruling.assist.clone(),
                duty_item: None,
                site: false,
                summary: false,
                note: Some(ruling.words.text.clone()),
                emergency_approver: None,
            };
            let named = judged(tx, &held.case.complaint, &order, now).await?;
            let open = held.case.open();
            let on = (&held.case.complaint, &open[..]);
            let outcome = held.one.decide(&ruling.words, &named, on, here.terms(), now)?;
            let kept = Ruling { words: &ruling.words, lead: &ruling.lead, assist: &ruling.assist };
            store::decide(tx, &outcome.consultation, kept, ask.account(), now).await?;
            timer::sync(tx, Subject::Consultation(id), &outcome.consultation.timers()).await?;
            let change =
                Change::of(outcome.complaint).saving(outcome.tasks).creating(outcome.created);
            change.store(tx, here, &ask, "consultation.decide", now).await
        })
    })
    .await
}

/// Lets a due instant of a consultation have its effect, exactly once.
///
/// # Errors
/// The database's.
pub async fn fire(
    state: &State,
    id: ConsultationId,
    kind: TimerKind,
    due_at: Timestamp,
) -> Result<(), Error> {
    carry_out(state, move |tx, here, now| {
        Box::pin(async move {
            let held = Held::take(tx, id).await?;
            if !timer::fire(tx, Subject::Consultation(id), kind, due_at, now).await? {
                return Ok(Vec::new());
            }
            let change = held.telling(vec![held.one.fire(kind)]);
            change.store(tx, here, &Ask::worker(), "consultation.timer", now).await
        })
    })
    .await
}
