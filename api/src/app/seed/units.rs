//! The work units of the demo district: whose members register, and with which communities each
//! is paired. They are made before the members, whose receipts go to them.

use domain::work_unit::WorkUnit;
use infra::postgres::{Connection, work_unit as store};
use serde::Deserialize;

use super::table;
use crate::{error::Error, state::State};

const UNITS: &str = include_str!("../../../../infra/seed/work_units.csv");

#[derive(Deserialize)]
struct Row {
    code: String,
    name: String,
    party_body: String,
    communities: String,
}

/// The units, as the file has them.
///
/// # Errors
/// The file is flawed.
pub fn load() -> Result<Vec<WorkUnit>, Error> {
    let unit = |row: Row| {
        let communities: Vec<String> =
            row.communities.split_whitespace().map(str::to_owned).collect();
        Ok(WorkUnit::parse(&row.code, &row.name, &row.party_body, &communities)?)
    };
    table::<Row>(UNITS)?.into_iter().map(unit).collect()
}

/// Adds the units that are not there yet.
///
/// # Errors
/// The database failed.
pub async fn insert(conn: &mut Connection, state: &State) -> Result<(), Error> {
    let now = state.clock.now();
    for unit in load()? {
        if !store::exists(conn, &unit.code).await? {
            store::insert(conn, &unit, None, now).await?;
        }
    }
    Ok(())
}
