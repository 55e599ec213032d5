//! The jobs that send notifications out of the house, and the summaries of a morning.

use infra::postgres::Connection;

pub use crate::app::delivery::{
    Deliver,
    digest::{MakeDigest, MakeDigests, PlanDigests},
};
use crate::{error::Error, jobs::runner::Job, state::State};

impl Job for Deliver {
    const KIND: &'static str = Self::KIND;

    async fn run(self, state: &State, tx: &mut Connection) -> Result<(), Error> {
        self.send(state, tx).await
    }
}

impl Job for PlanDigests {
    const KIND: &'static str = Self::KIND;

    async fn run(self, state: &State, tx: &mut Connection) -> Result<(), Error> {
        Self::plan(state, tx).await.map(drop)
    }
}

impl Job for MakeDigest {
    const KIND: &'static str = Self::KIND;

    async fn run(self, state: &State, tx: &mut Connection) -> Result<(), Error> {
        self.make(state, tx).await
    }
}

impl Job for MakeDigests {
    const KIND: &'static str = Self::KIND;

    async fn run(self, state: &State, tx: &mut Connection) -> Result<(), Error> {
        self.make(state, tx).await
    }
}
