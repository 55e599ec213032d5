//! The jobs of exports: making workbooks, and removing them at their end.

use infra::postgres::Connection;

pub use crate::app::export::{MakeExport, SweepExports};
use crate::{error::Error, jobs::runner::Job, state::State};

impl Job for MakeExport {
    const KIND: &'static str = Self::KIND;

    async fn run(self, state: &State, tx: &mut Connection) -> Result<(), Error> {
        self.make(tx, state).await
    }
}

impl Job for SweepExports {
    const KIND: &'static str = Self::KIND;

    async fn run(self, state: &State, tx: &mut Connection) -> Result<(), Error> {
        Self::sweep(tx, state.clock.now()).await
    }
}
