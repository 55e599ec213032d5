//! Owners are told when an item of the guide runs out.

use infra::postgres::Connection;

pub use crate::app::guide::RemindGuides;
use crate::{error::Error, jobs::runner::Job, state::State};

impl Job for RemindGuides {
    const KIND: &'static str = Self::KIND;

    async fn run(self, state: &State, tx: &mut Connection) -> Result<(), Error> {
        Self::remind(tx, state.clock.now()).await
    }
}
