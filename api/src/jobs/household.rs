//! The daily round over who looks after households.

use infra::postgres::Connection;

pub use crate::app::household::RemindVisits;
use crate::{app::household, error::Error, jobs::runner::Job, state::State};

impl Job for RemindVisits {
    const KIND: &'static str = Self::KIND;

    async fn run(self, state: &State, tx: &mut Connection) -> Result<(), Error> {
        household::round(tx, state, state.clock.now()).await
    }
}
