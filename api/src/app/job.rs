//! Jobs as an administrator sees them: those that are dead, and letting one run again.

use domain::{
    id::JobId,
    identity::Actor,
    refusal::{Basic, Kind, Refusal},
};
use infra::postgres::{
    audit::{self, AuditEntry, Origin},
    job,
};

use super::transact;
use crate::{error::Error, state::State};

/// Why a job is not let run again.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// It has not failed for good.
    #[error("这个作业不是失败作业，不需要重新执行")]
    NotDead,
}

impl Refusal for Refused {
    fn code(&self) -> &'static str {
        match self {
            Self::NotDead => "job_not_dead",
        }
    }

    fn kind(&self) -> Kind {
        Kind::Conflict
    }
}

impl From<Refused> for Error {
    fn from(refused: Refused) -> Self {
        Self::Refused(Box::new(refused))
    }
}

/// A job that was let run again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Redriven {
    /// Its id.
    pub id: JobId,
    /// Which code runs it.
    pub kind: String,
    /// Where it stands now.
    pub state: String,
}

/// # Errors
/// There is no such job.
pub async fn exists(state: &State, id: JobId) -> Result<(), Error> {
    let mut conn = state.db.acquire().await?;
    job::find(&mut conn, id).await?.map(drop).ok_or_else(|| Basic::NotFound.into())
}

/// Lets a dead job run again with all its attempts. `by` is none for the command line.
///
/// # Errors
/// It is missing, or not dead.
pub async fn redrive(
    state: &State,
    by: Option<&Actor>,
    origin: Origin,
    id: JobId,
) -> Result<Redriven, Error> {
    let (now, by) = (state.clock.now(), by.cloned());
    let redriven = transact(&state.db, move |tx| {
        Box::pin(async move {
            let redriven = job::redrive(tx, id, now).await?;
            let (kind, standing) = job::find(tx, id).await?.ok_or(Basic::NotFound)?;
            if !redriven {
                return Err(Refused::NotDead.into());
            }
            let entry = AuditEntry::new("job.redrive", "job", id, &origin);
            audit::append(tx, &entry.by(by.as_ref()), now).await?;
            Ok(Redriven { id, kind, state: standing })
        })
    })
    .await?;
    state.redis.wake(&[id]).await;
    Ok(redriven)
}
