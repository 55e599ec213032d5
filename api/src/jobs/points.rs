//! The jobs of points: awarding verified appeals, taking what expired, comparing the
//! books, making good what is owed.

use infra::postgres::Connection;

pub use crate::app::points::{AwardAppeal, ExpirePoints, ReconcileLedger, reversal::SetOff};
use crate::{app::points, error::Error, jobs::runner::Job, state::State};

impl Job for AwardAppeal {
    const KIND: &'static str = Self::KIND;

    async fn run(self, state: &State, tx: &mut Connection) -> Result<(), Error> {
        self.award(tx, state, state.clock.now()).await
    }
}

impl Job for ExpirePoints {
    const KIND: &'static str = Self::KIND;

    async fn run(self, state: &State, tx: &mut Connection) -> Result<(), Error> {
        points::expire(tx, state.clock.now()).await
    }
}

impl Job for ReconcileLedger {
    const KIND: &'static str = Self::KIND;

    async fn run(self, state: &State, tx: &mut Connection) -> Result<(), Error> {
        points::reconcile(tx, state.clock.now()).await.map(drop)
    }
}

impl Job for SetOff {
    const KIND: &'static str = Self::KIND;

    async fn run(self, state: &State, tx: &mut Connection) -> Result<(), Error> {
        points::reversal::set_off_all(tx, state.clock.now()).await
    }
}
