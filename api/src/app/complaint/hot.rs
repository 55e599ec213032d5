//! The hot mark (热点标记). It stands beside the case: no step depends on it.

use domain::{id::ComplaintId, refusal::Basic};
use infra::postgres::{
    audit::{self, AuditEntry},
    complaint::hot,
};
use serde_json::json;

use crate::{
    app::case::{Ask, Locked, carry_out},
    error::Error,
    state::State,
};

/// Marks a case as hot, or takes the mark away. What is so already stays so, and leaves no record.
///
/// # Errors
/// The case is not the caller's to see, or has another version than named.
pub async fn mark_hot(
    state: &State,
    ask: Ask,
    id: ComplaintId,
    on: bool,
    reason: Option<String>,
) -> Result<(), Error> {
    carry_out(state, move |tx, _, now| {
        Box::pin(async move {
            Locked::seen(tx, id, &ask).await?;
            let by = ask.account().ok_or(Basic::Unauthenticated)?;
            let changed = if on {
                hot::mark(tx, id, by, reason.as_deref(), now).await?
            } else {
                hot::unmark(tx, id).await?
            };
            if changed {
                let entry = AuditEntry::new("complaint.hot", "complaint", id, &ask.origin)
                    .by(ask.actor.as_ref())
                    .with(json!({ "on": on }));
                audit::append(tx, &entry, now).await?;
            }
            Ok(Vec::new())
        })
    })
    .await
}
