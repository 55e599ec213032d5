//! The lead's summary (牵头单位综合答复): whether the lead may reply for all by now.

use domain::{event::NewEvent, org::NodeCode};
use infra::postgres::{Connection, org, task::assist};

use super::{Held, Root};
use crate::error::Error;

/// What is told where the lead does not wait for its assists.
///
/// # Errors
/// A reply is still out on a case whose lead sums up, and no reason is given.
pub(super) async fn checked(
    tx: &mut Connection,
    held: &Held,
    waiver: Option<&str>,
) -> Result<Option<NewEvent>, Error> {
    let Root::Complaint(complaint) = &held.root else { return Ok(None) };
    let awaited = held.task.awaited(&held.tasks);
    if awaited.is_empty() || !assist::summary_ordered(tx, complaint.id).await? {
        return Ok(None);
    }
    let names = org::names(tx, &awaited).await?;
    let named = |code: NodeCode| {
        let name = names.get(&code).cloned().unwrap_or_else(|| code.to_string());
        (code, name)
    };
    let awaited: Vec<_> = awaited.into_iter().map(named).collect();
    Ok(held.task.sum_up(&awaited, waiver)?)
}
