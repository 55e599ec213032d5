//! The job that follows the year of service: reminders, feedback, settlement.

use infra::postgres::Connection;

pub use crate::app::registration::result::FollowServiceYear;
use crate::{app::registration::result, error::Error, jobs::runner::Job, state::State};

impl Job for FollowServiceYear {
    const KIND: &'static str = Self::KIND;

    async fn run(self, state: &State, tx: &mut Connection) -> Result<(), Error> {
        result::follow(tx, state, state.clock.now()).await
    }
}
