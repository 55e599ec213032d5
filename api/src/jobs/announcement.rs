//! Announcements end when their time is over.

use infra::postgres::Connection;

pub use crate::app::announcement::EndAnnouncements;
use crate::{error::Error, jobs::runner::Job, state::State};

impl Job for EndAnnouncements {
    const KIND: &'static str = Self::KIND;

    async fn run(self, state: &State, tx: &mut Connection) -> Result<(), Error> {
        Self::end(tx, state.clock.now()).await
    }
}
