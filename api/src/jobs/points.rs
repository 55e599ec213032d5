//! The jobs of points: awarding verified appeals, taking what expired, comparing the
//! books, making good what is owed.

use infra::postgres::Connection;

pub use crate::app::points::{
    AwardAppeal, ExpirePoints, ReconcileLedger, notice::Post as PostNotice, reversal::SetOff,
    warning::WarnExpiring,
};
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
        let now = state.clock.now();
        points::rules::keep_configured(tx, state, now).await?;
        points::reconcile(tx, now).await.map(drop)
    }
}

impl Job for SetOff {
    const KIND: &'static str = Self::KIND;

    async fn run(self, state: &State, tx: &mut Connection) -> Result<(), Error> {
        points::reversal::set_off_all(tx, state.clock.now()).await
    }
}

impl Job for PostNotice {
    const KIND: &'static str = Self::KIND;

    async fn run(self, state: &State, tx: &mut Connection) -> Result<(), Error> {
        let now = state.clock.now();
        if state.steadiness.agrees(&state.clock) {
            self.post(tx, now).await
        } else {
            self.postpone(tx, now).await
        }
    }
}

impl Job for WarnExpiring {
    const KIND: &'static str = Self::KIND;

    async fn run(self, state: &State, tx: &mut Connection) -> Result<(), Error> {
        points::warning::warn(tx, state, state.clock.now()).await
    }
}
