//! The jobs of points: awarding verified appeals, taking what expired, comparing the books.

use infra::postgres::Connection;

pub use crate::app::points::{AwardAppeal, ExpirePoints, ReconcileLedger};
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
