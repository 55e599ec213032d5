//! Creates that a double tap may repeat: one effect and one answer for each key.
//!
//! The answer is kept by the last statement of the effect's own transaction; nothing is asked
//! before. A first request therefore pays one round trip. Whoever comes second waits there, at the
//! unique index, until the first has ended, and then finds the key taken: its whole transaction,
//! with whatever effect it had prepared, is rolled back, and it answers what the first one did.
//! A second request that was refused on its way (the first took the last piece) looks as well,
//! before it believes the refusal.

use chrono::TimeDelta;
use domain::{id::AccountId, refusal::Basic, time::Timestamp};
use futures::future::BoxFuture;
use infra::{
    crypto::Crypto,
    postgres::{
        Connection,
        idempotency::{self, Kept, Key},
    },
};
use serde::Serialize;

use super::transact;
use crate::{error::Error, state::State};

/// How long a key is remembered, in hours.
const KEPT_HOURS: i64 = 24;

/// Which request of whom, and what it asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Once {
    caller: String,
    operation: &'static str,
    key: String,
    command: [u8; 32],
}

impl Once {
    /// `caller` is none for people who are not logged in: they share one space of keys. `command`
    /// is compared as it was parsed, so that white space and the order of fields do not matter;
    /// only a MAC of it is kept.
    ///
    /// # Errors
    /// The command cannot be serialised.
    pub fn new(
        crypto: &Crypto,
        caller: Option<AccountId>,
        operation: &'static str,
        key: String,
        command: &impl Serialize,
    ) -> Result<Self, Error> {
        let command = crypto.mac("idempotency", &serde_json::to_vec(command)?);
        let caller = caller.map_or_else(|| "anonymous".to_owned(), |account| account.to_string());
        Ok(Self { caller, operation, key, command })
    }

    fn key(&self) -> Key<'_> {
        Key { caller: &self.caller, operation: self.operation, key: &self.key }
    }

    /// An answer opens under its own key only.
    fn context(&self) -> String {
        format!("idempotency/{}/{}/{}", self.caller, self.operation, self.key)
    }
}

/// The answer to a request with a key.
#[derive(Debug)]
pub struct Answer<X> {
    /// The HTTP status of the first answer.
    pub status: u16,
    /// The JSON body of the first answer, byte for byte.
    pub body: Vec<u8>,
    /// What is to be done after the commit; `None` when the answer is a repetition.
    pub fresh: Option<X>,
}

/// Runs `work` in one transaction, once for each key. `work` answers with the view to be kept and
/// sent with `status`, and with what the caller needs after the commit (jobs to wake, …).
///
/// # Errors
/// `idempotency_key_reused` when the key stands for another command; else whatever `work` refuses.
pub async fn run<T, X, W>(
    state: &State,
    once: Once,
    status: u16,
    work: W,
) -> Result<Answer<X>, Error>
where
    T: Serialize + Send + 'static,
    X: Send + 'static,
    W: for<'c> FnOnce(&'c mut Connection) -> BoxFuture<'c, Result<(T, X), Error>> + Send + 'static,
{
    let now = state.clock.now();
    let crypto = state.crypto.clone();
    let request = once.clone();
    let first = transact(&state.db, move |tx| {
        Box::pin(async move {
            let (view, extra) = work(tx).await?;
            let body = serde_json::to_vec(&view)?;
            let kept = Kept {
                command_hash: request.command.to_vec(),
                status: i16::try_from(status).unwrap_or(i16::MAX),
                answer_sealed: crypto.seal(&request.context(), &body),
            };
            if idempotency::keep(tx, request.key(), &kept, expired(now), now).await? {
                Ok(Answer { status, body, fresh: Some(extra) })
            } else {
                // Rolls the effect back; what the other one answered is read below.
                Err(Basic::IdempotencyKeyReused.into())
            }
        })
    })
    .await;
    match first {
        Err(Error::Refused(refusal)) => {
            repeated(state, &once, now).await?.ok_or(Error::Refused(refusal))
        }
        answered => answered,
    }
}

/// The first answer under the key, if there is one. For what is too dear to be prepared twice;
/// [`run`] looks by itself.
///
/// # Errors
/// `idempotency_key_reused`.
pub(super) async fn repeated<X>(
    state: &State,
    once: &Once,
    now: Timestamp,
) -> Result<Option<Answer<X>>, Error> {
    let mut connection = state.db.acquire().await?;
    let Some(kept) = idempotency::find(&mut connection, once.key(), expired(now)).await? else {
        return Ok(None);
    };
    if kept.command_hash != once.command {
        return Err(Basic::IdempotencyKeyReused.into());
    }
    let body = state.crypto.open(&once.context(), &kept.answer_sealed)?;
    let status = u16::try_from(kept.status).unwrap_or_default();
    Ok(Some(Answer { status, body, fresh: None }))
}

fn expired(now: Timestamp) -> Timestamp {
    now - TimeDelta::hours(KEPT_HOURS)
}

#[cfg(test)]
mod tests;
