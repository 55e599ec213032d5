//! The jobs of service: posts whose hours nobody confirmed.

use infra::postgres::Connection;

pub use crate::app::service::attendance::{SettleAttendance, WatchAttendance};
use crate::{error::Error, jobs::runner::Job, state::State};

impl Job for WatchAttendance {
    const KIND: &'static str = Self::KIND;

    async fn run(self, state: &State, tx: &mut Connection) -> Result<(), Error> {
        self.watch(tx, state, state.clock.now()).await
    }
}

impl Job for SettleAttendance {
    const KIND: &'static str = Self::KIND;

    async fn run(self, state: &State, tx: &mut Connection) -> Result<(), Error> {
        self.settle(tx, state, state.clock.now()).await
    }
}
