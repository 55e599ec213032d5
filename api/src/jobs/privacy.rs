//! Erasures (注销): at once where nothing holds them, and hourly those that waited; and what is old.

use infra::postgres::Connection;

pub use crate::app::privacy::{ErasePerson, FollowErasures, RemoveFiles, SweepOld};
use crate::{error::Error, jobs::runner::Job, state::State};

impl Job for ErasePerson {
    const KIND: &'static str = Self::KIND;

    async fn run(self, state: &State, tx: &mut Connection) -> Result<(), Error> {
        self.go(tx, state).await
    }
}

impl Job for FollowErasures {
    const KIND: &'static str = Self::KIND;

    async fn run(self, state: &State, tx: &mut Connection) -> Result<(), Error> {
        self.follow(tx, state).await
    }
}

impl Job for RemoveFiles {
    const KIND: &'static str = Self::KIND;

    async fn run(self, state: &State, _tx: &mut Connection) -> Result<(), Error> {
        self.remove(state).await
    }
}

impl Job for SweepOld {
    const KIND: &'static str = Self::KIND;

    async fn run(self, state: &State, tx: &mut Connection) -> Result<(), Error> {
        Self::sweep(tx, state).await
    }
}
