//! The jobs of the calendar: computing a case's deadlines anew, and warning of a missing year.

use infra::postgres::Connection;
use serde::Deserialize;

pub use crate::app::calendar::Recompute;
use crate::{app::calendar, error::Error, jobs::runner::Job, state::State};

impl Job for Recompute {
    const KIND: &'static str = Self::KIND;

    async fn run(self, state: &State, tx: &mut Connection) -> Result<(), Error> {
        Self::run(self, tx, state, state.clock.now()).await
    }
}

/// Warns of a year without its notice.
#[derive(Debug, Deserialize)]
pub struct WarnCalendar {}

impl Job for WarnCalendar {
    const KIND: &'static str = "warn_calendar";

    async fn run(self, state: &State, tx: &mut Connection) -> Result<(), Error> {
        calendar::warn(state, tx, state.clock.now()).await
    }
}
