//! A few enforcement powers of the demo district: made for it, and far from a full list, which has
//! 27 own and 55 devolved ones for each subdistrict.

use chrono::NaiveDate;
use domain::{
    enforcement::power::{Edition, Power, PowerKind},
    org::NodeCode,
};
use infra::postgres::{Connection, enforcement::power as store};
use serde::Deserialize;

use super::{district::District, table};
use crate::error::Error;

const POWERS: &str = include_str!("../../../../infra/seed/powers.csv");

/// Since when they are valid.
const SINCE: NaiveDate = NaiveDate::from_ymd_opt(2026, 1, 1).expect("a date of the calendar");

#[derive(Deserialize)]
struct Row {
    unit: NodeCode,
    code: String,
    kind: PowerKind,
    name: String,
    devolved_by: Option<NodeCode>,
    basis: String,
}

/// Reads the data file: each unit's list with its powers.
///
/// # Errors
/// The data file is malformed; the test of this file rules that out.
pub fn load(district: &District) -> Result<Vec<(Edition, Vec<Power>)>, Error> {
    let rows: Vec<Row> = table(POWERS)?;
    let lists = district.nodes.iter().filter_map(|node| {
        let own = rows.iter().filter(|row| row.unit == node.code);
        let powers: Vec<Power> = own.map(Row::power).collect();
        let edition = Edition {
            unit: node.code.clone(),
            unit_kind: node.kind,
            version: format!("powers-2026.1-{}", node.code),
            title: format!("{}执法事项清单（演示）", node.name),
            valid_from: SINCE,
        };
        (!powers.is_empty()).then_some((edition, powers))
    });
    Ok(lists.collect())
}

impl Row {
    fn power(&self) -> Power {
        Power {
            code: self.code.clone(),
            kind: self.kind,
            name: self.name.clone(),
            devolved_by: self.devolved_by.clone(),
            basis: self.basis.clone(),
        }
    }
}

/// Adds the lists of units that have none.
///
/// # Errors
/// The database failed.
pub async fn insert(
    conn: &mut Connection,
    lists: &[(Edition, Vec<Power>)],
) -> Result<(), sqlx::Error> {
    for (edition, powers) in lists {
        if store::newest(conn, &edition.unit).await?.is_none() {
            store::insert(conn, edition, powers).await?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::seed::district;

    #[test]
    fn a_subdistrict_and_a_department_have_a_few_powers() {
        let lists = load(&district::load().unwrap()).unwrap();
        let counts: Vec<_> =
            lists.iter().map(|(list, powers)| (list.unit.to_string(), powers.len())).collect();
        assert_eq!(counts, [("140213066".to_owned(), 7), ("urban-management".to_owned(), 2)]);
    }
}
