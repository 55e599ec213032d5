//! Complaints that follow another (并案): their reporters are asked for a word of their own.

use domain::{
    id::{ComplaintId, JobId},
    refusal::Basic,
    sla::TimerKind,
    time::Timestamp,
};
use infra::postgres::{
    Connection,
    complaint::{self as store, By},
    evaluation,
};

use crate::{
    app::case::{Ask, Change, Locked},
    error::Error,
    state::State,
};

/// Begins to ask every reporter of a case's children who has not evaluated. The family is locked:
/// none can be merged into an answered case.
pub(super) async fn ask_all(
    tx: &mut Connection,
    state: &State,
    leading: ComplaintId,
    now: Timestamp,
) -> Result<Vec<JobId>, Error> {
    let mut jobs = Vec::new();
    let awaited = evaluation::awaited(tx, leading).await?;
    for child in awaited.into_iter().filter(|id| *id != leading) {
        let child = Locked::take(tx, By::Id(child)).await?;
        let change = Change::of(child.complaint.ask_as_child(now)?);
        jobs.extend(change.store(tx, state, &Ask::worker(), "complaint.timer", now).await?);
    }
    Ok(jobs)
}

/// What the end of a child's round does.
pub(super) async fn fire(
    tx: &mut Connection,
    case: &Locked,
    leading: ComplaintId,
    kind: TimerKind,
    now: Timestamp,
) -> Result<Change, Error> {
    let leading = store::status(tx, leading).await?.ok_or(Basic::NotFound)?;
    Ok(Change::of(case.complaint.fire_as_child(kind, leading, now)?))
}

/// Whether a caller may ask the reporter of a locked complaint, whether it follows another or not.
///
/// # Errors
/// No evaluation is awaited.
pub(in crate::app) async fn permit_call(tx: &mut Connection, case: &Locked) -> Result<(), Error> {
    let Some(leading) = case.complaint.merged_into else {
        return Ok(case.complaint.permit(domain::complaint::Step::Miss)?);
    };
    let leading = store::status(tx, leading).await?.ok_or(Basic::NotFound)?;
    Ok(case.complaint.permit_call_as_child(leading)?)
}

/// A caller found nobody, for a complaint that follows another or does not.
///
/// # Errors
/// No evaluation is awaited.
pub(super) async fn missed(tx: &mut Connection, case: &Locked) -> Result<Change, Error> {
    let Some(leading) = case.complaint.merged_into else {
        return Ok(Change::of(case.complaint.miss()?));
    };
    let leading = store::status(tx, leading).await?.ok_or(Basic::NotFound)?;
    Ok(Change::of(case.complaint.miss_as_child(leading)?))
}
