//! The jobs of service: posts whose hours nobody confirmed, and requests that nobody confirmed.

use infra::postgres::Connection;

pub use crate::app::service::attendance::{SettleAttendance, WatchAttendance};
use crate::{app::request, error::Error, jobs::runner::Job, state::State};

impl Job for WatchAttendance {
    const KIND: &'static str = Self::KIND;

    async fn run(self, state: &State, tx: &mut Connection) -> Result<(), Error> {
        let now = state.clock.now();
        self.watch(tx, state, now).await?;
        request::settle_due(tx, state, now).await
    }
}

impl Job for SettleAttendance {
    const KIND: &'static str = Self::KIND;

    async fn run(self, state: &State, tx: &mut Connection) -> Result<(), Error> {
        self.settle(tx, state, state.clock.now()).await
    }
}
