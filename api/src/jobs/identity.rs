//! The jobs of log-in: a code is sent to a phone.

use infra::postgres::Connection;

pub use crate::app::identity::phone_code::SendPhoneCode;
use crate::{error::Error, jobs::runner::Job, state::State};

impl Job for SendPhoneCode {
    const KIND: &'static str = Self::KIND;

    async fn run(self, state: &State, tx: &mut Connection) -> Result<(), Error> {
        self.send(state, tx).await
    }
}
