//! The job that sends a notification out of the house.

use infra::postgres::Connection;

pub use crate::app::delivery::Deliver;
use crate::{error::Error, jobs::runner::Job, state::State};

impl Job for Deliver {
    const KIND: &'static str = Self::KIND;

    async fn run(self, state: &State, tx: &mut Connection) -> Result<(), Error> {
        self.send(state, tx).await
    }
}
