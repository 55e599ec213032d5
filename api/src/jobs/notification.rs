//! The job that tells everyone concerned of a case's events.

use infra::postgres::Connection;

pub use crate::app::notification::Notify;
use crate::{error::Error, jobs::runner::Job, state::State};

impl Job for Notify {
    const KIND: &'static str = Notify::KIND;

    async fn run(self, state: &State, tx: &mut Connection) -> Result<(), Error> {
        self.tell(state, tx).await
    }
}
