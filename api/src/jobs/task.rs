//! The job of tasks: giving back what an officer had who left.

use infra::postgres::Connection;

pub use crate::app::task::TakeBack;
use crate::{error::Error, jobs::runner::Job, state::State};

impl Job for TakeBack {
    const KIND: &'static str = Self::KIND;

    async fn run(self, state: &State, tx: &mut Connection) -> Result<(), Error> {
        Self::run(self, tx, state, state.clock.now()).await
    }
}
