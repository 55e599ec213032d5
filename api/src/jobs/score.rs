//! The job that locks the quarters whose public notice is over.

use infra::postgres::Connection;

pub use crate::app::score::LockScores;
use crate::{app::score, error::Error, jobs::runner::Job, state::State};

impl Job for LockScores {
    const KIND: &'static str = Self::KIND;

    async fn run(self, state: &State, tx: &mut Connection) -> Result<(), Error> {
        score::lock_due(tx, state.clock.now()).await
    }
}
