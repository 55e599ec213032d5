//! Links to workbooks. The signature stands for the account that was shown the link, so that a
//! browser fetches the file without a token; it is good for minutes.

use domain::{export::link_until, id::ExportId, refusal::Basic, time::Timestamp};
use infra::postgres::export::read;

use crate::{error::Error, state::State};

/// What the link is signed for.
const PURPOSE: &str = "export-link";

/// The changing part of a link.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Link {
    /// Until when it is good, in seconds since 1970.
    pub expires: i64,
    /// The signature, in hexadecimal.
    pub signature: String,
}

impl Link {
    /// A link that is good from now on for as long as a link is, and not beyond the file's end.
    pub fn to(state: &State, id: ExportId, file_until: Timestamp) -> Self {
        let expires = link_until(state.clock.now(), file_until).timestamp();
        let signature = hex::encode(state.crypto.mac(PURPOSE, signed(id, expires).as_bytes()));
        Self { expires, signature }
    }

    fn is_good(&self, state: &State, id: ExportId) -> bool {
        let given = hex::decode(&self.signature).unwrap_or_default();
        state.clock.now().timestamp() < self.expires
            && state.crypto.mac_matches(PURPOSE, signed(id, self.expires).as_bytes(), &given)
    }
}

fn signed(id: ExportId, expires: i64) -> String {
    format!("{id}/{expires}")
}

/// The workbook behind a link.
///
/// # Errors
/// `not_found`: a wrong link and one that is too old look the same.
pub async fn workbook(state: &State, id: ExportId, link: &Link) -> Result<Vec<u8>, Error> {
    if !link.is_good(state, id) {
        return Err(Basic::NotFound.into());
    }
    let mut conn = state.db.acquire().await?;
    let found = read::workbook(&mut conn, id, state.clock.now()).await?;
    found.ok_or_else(|| Basic::NotFound.into())
}
