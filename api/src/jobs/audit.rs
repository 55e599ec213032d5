//! The jobs that seal the audit trail, and make the tables of its next months.

use infra::postgres::Connection;

pub use crate::app::audit::{MakeAuditMonths, SealAudit};
use crate::{app::audit, error::Error, jobs::runner::Job, state::State};

impl Job for SealAudit {
    const KIND: &'static str = Self::KIND;

    async fn run(self, state: &State, tx: &mut Connection) -> Result<(), Error> {
        audit::seal(tx, state).await
    }
}

impl Job for MakeAuditMonths {
    const KIND: &'static str = Self::KIND;

    async fn run(self, state: &State, tx: &mut Connection) -> Result<(), Error> {
        audit::make_months(tx, state.clock.now()).await
    }
}
