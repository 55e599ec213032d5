//! The jobs of merchants: months are settled, codes of a suspended one are taken back, budgets of offers
//! that are over are freed.

use infra::postgres::Connection;

pub use crate::app::{
    merchant::{settlement::SettleMonths, suspension::ReturnHolds},
    offer::ReleaseBudgets,
};
use crate::{
    app::{merchant::settlement, offer},
    error::Error,
    jobs::runner::Job,
    state::State,
};

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

impl Job for SettleMonths {
    const KIND: &'static str = Self::KIND;

    async fn run(self, state: &State, tx: &mut Connection) -> Result<(), Error> {
        settlement::settle_due(tx, state, state.clock.now()).await
    }
}
