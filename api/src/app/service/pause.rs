//! Use case of pauses: an organiser lifts one.

use domain::{
    decision::Decision,
    event::EventKind,
    id::ServicePauseId,
    refusal::Basic,
    service::{Lift, Refused},
};
use infra::postgres::service::pause as pauses;
use serde_json::{Value, json};

use super::{Held, save};
use crate::{
    app::case::{Ask, carry_out},
    error::Error,
    state::State,
};

/// Lifts a pause; the person is told.
///
/// # Errors
/// No such pause; over already; one's own.
pub async fn lift(state: &State, ask: Ask, id: ServicePauseId, command: Lift) -> Result<(), Error> {
    carry_out(state, move |tx, _, now| {
        Box::pin(async move {
            let by = ask.account().ok_or(Basic::Unauthenticated)?;
            let cause = pauses::cause(tx, id).await?.ok_or(Basic::NotFound)?;
            let Held { post, claim } = Held::take(tx, cause).await?;
            let pause = pauses::lock(tx, id).await?.ok_or(Basic::NotFound)?;
            if pause.account == by {
                return Err(Refused::OwnPause.into());
            }
            if !pause.holds(now) {
                return Err(Refused::PauseOver.into());
            }
            pauses::lift(tx, id, by, &command.reason, now).await?;
            let told = claim.event(EventKind::ClaimsResumed, &post, json!({}));
            let told = Decision::one(claim, told.note(Some(command.reason)));
            let jobs = save(tx, &ask, &told, now).await?;
            ask.record(tx, ("service.lift_pause", "service_pause", id.0), Value::Null, now).await?;
            Ok(jobs.into_iter().collect())
        })
    })
    .await
}
