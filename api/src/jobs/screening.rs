//! The jobs of screening: the machine's check of a text, and giving to people what it does not
//! answer.

use infra::postgres::Connection;

pub use crate::app::screening::{ReferUnscreened, ScreenText};
use crate::{error::Error, jobs::runner::Job, state::State};

impl Job for ScreenText {
    const KIND: &'static str = Self::KIND;

    async fn run(self, state: &State, tx: &mut Connection) -> Result<(), Error> {
        self.screen(state, tx).await
    }
}

impl Job for ReferUnscreened {
    const KIND: &'static str = Self::KIND;

    async fn run(self, state: &State, tx: &mut Connection) -> Result<(), Error> {
        Self::refer(tx, state.clock.now()).await
    }
}
