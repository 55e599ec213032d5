//! The jobs of attachments: what was uploaded and never attached is deleted; what was attached is
//! checked by WeChat, and its answer taken.

use infra::postgres::Connection;

pub use crate::app::attachment::{
    SweepAttachments,
    check::{MediaChecked, ScreenMedia},
};
use crate::{error::Error, jobs::runner::Job, state::State};

impl Job for SweepAttachments {
    const KIND: &'static str = Self::KIND;

    async fn run(self, state: &State, tx: &mut Connection) -> Result<(), Error> {
        Self::sweep(state, tx).await
    }
}

impl Job for ScreenMedia {
    const KIND: &'static str = Self::KIND;

    async fn run(self, state: &State, tx: &mut Connection) -> Result<(), Error> {
        self.ask(state, tx).await
    }
}

impl Job for MediaChecked {
    const KIND: &'static str = Self::KIND;

    async fn run(self, state: &State, tx: &mut Connection) -> Result<(), Error> {
        self.take(state, tx).await
    }
}
