//! Tracking without log-in: number and query code stand in for an account.

use domain::{id::ComplaintId, refusal::Basic};
use infra::postgres::complaint as store;

use crate::{error::Error, state::State};

/// What a person shows who has no account.
#[derive(Debug, Clone)]
pub struct Credentials {
    /// The number that people read.
    pub number: String,
    /// The code that came with it.
    pub query_code: String,
}

/// Finds the complaint whose number and query code these are. A wrong number and a wrong code look
/// the same.
///
/// # Errors
/// `not_found`.
pub async fn by_query_code(state: &State, given: &Credentials) -> Result<ComplaintId, Error> {
    let mut connection = state.db.acquire().await?;
    let number = given.number.trim().to_ascii_uppercase();
    let found = store::by_number(&mut connection, &number).await?.ok_or(Basic::NotFound)?;
    let named = format!("{}/{}", found.id, spoken(&given.query_code));
    if state.crypto.mac_matches("query-code", named.as_bytes(), &found.query_code_mac) {
        Ok(found.id)
    } else {
        Err(Basic::NotFound.into())
    }
}

/// A query code as it was made. People read codes aloud and copy them: case and spaces do not matter.
pub fn spoken(code: &str) -> String {
    code.chars().filter(|c| !c.is_whitespace()).collect::<String>().to_uppercase()
}
