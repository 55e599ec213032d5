//! The chore of grants: proposals end that nobody decided in time.

use infra::postgres::Connection;

pub use crate::app::grant::ExpireGrants;
use crate::{error::Error, jobs::runner::Job, state::State};

impl Job for ExpireGrants {
    const KIND: &'static str = Self::KIND;

    async fn run(self, state: &State, tx: &mut Connection) -> Result<(), Error> {
        Self::expire(state, tx).await
    }
}
