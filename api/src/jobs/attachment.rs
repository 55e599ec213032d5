//! The job of attachments: what was uploaded and never attached is deleted.

use infra::postgres::Connection;

pub use crate::app::attachment::SweepAttachments;
use crate::{error::Error, jobs::runner::Job, state::State};

impl Job for SweepAttachments {
    const KIND: &'static str = Self::KIND;

    async fn run(self, state: &State, tx: &mut Connection) -> Result<(), Error> {
        Self::sweep(state, tx).await
    }
}
