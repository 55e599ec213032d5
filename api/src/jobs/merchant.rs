//! The jobs of merchants: codes of a suspended one are taken back, budgets of offers that are over are
//! freed.

use infra::postgres::Connection;

pub use crate::app::{merchant::suspension::ReturnHolds, offer::ReleaseBudgets};
use crate::{app::offer, error::Error, jobs::runner::Job, state::State};

impl Job for ReturnHolds {
    const KIND: &'static str = Self::KIND;

    async fn run(self, state: &State, tx: &mut Connection) -> Result<(), Error> {
        self.give_back(tx, state.clock.now()).await
    }
}

impl Job for ReleaseBudgets {
    const KIND: &'static str = Self::KIND;

    async fn run(self, state: &State, tx: &mut Connection) -> Result<(), Error> {
        offer::release(tx, state.clock.now()).await
    }
}
