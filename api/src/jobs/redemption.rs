//! The job that ends a redemption whose code was not used in time.

use infra::postgres::Connection;

pub use crate::app::redemption::Expire;
use crate::{error::Error, jobs::runner::Job, state::State};

impl Job for Expire {
    const KIND: &'static str = Self::KIND;

    async fn run(self, state: &State, tx: &mut Connection) -> Result<(), Error> {
        let now = state.clock.now();
        if state.steadiness.agrees(&state.clock) {
            self.expire(tx, now).await
        } else {
            self.postpone(tx, now).await
        }
    }
}
