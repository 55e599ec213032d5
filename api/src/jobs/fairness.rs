//! The job that looks at what was just done at a till or a post.

use infra::postgres::Connection;

pub use crate::app::fairness::Watch;
use crate::{error::Error, jobs::runner::Job, state::State};

impl Job for Watch {
    const KIND: &'static str = Self::KIND;

    async fn run(self, state: &State, tx: &mut Connection) -> Result<(), Error> {
        self.look(tx, state, state.clock.now()).await
    }
}
