//! The job that freezes the months whose appeals are closed.

use infra::postgres::Connection;

pub use crate::app::bulletin::FreezeMonths;
use crate::{app::bulletin, error::Error, jobs::runner::Job, state::State};

impl Job for FreezeMonths {
    const KIND: &'static str = Self::KIND;

    async fn run(self, state: &State, tx: &mut Connection) -> Result<(), Error> {
        bulletin::freeze_due(tx, state, state.clock.now()).await
    }
}
