//! The duty lists of the demo district: the 属地 list, three lists for each subdistrict from one
//! template, and 文兴社区's own.

use chrono::NaiveDate;
use domain::{
    duty::{Duty, Item, ListKind},
    org::{NodeCode, NodeKind},
};
use infra::postgres::{duty::List, org::Node};
use serde::Deserialize;

use super::{district::District, table};
use crate::error::Error;

const TERRITORIAL: &str = include_str!("../../../../infra/seed/duty_territorial.csv");
const TOWNSHIP: &str = include_str!("../../../../infra/seed/duty_township.csv");
const COMMUNITY: &str = include_str!("../../../../infra/seed/duty_community.csv");

/// The community that has its own list: the pilot, 文兴社区.
const PILOT: &str = "140213066004";

/// The system went live in early 2024; the three lists of the townships came in 2025.
const LIVE: NaiveDate = NaiveDate::from_ymd_opt(2024, 1, 1).expect("a date of the calendar");
const THREE_LISTS: NaiveDate = NaiveDate::from_ymd_opt(2025, 1, 1).expect("a date of the calendar");

#[derive(Deserialize)]
struct Row {
    code: String,
    category: String,
    name: String,
    lead: Option<NodeCode>,
    department_duty: String,
    role: Duty,
    subdistrict_duty: String,
    photos: bool,
    basis: String,
}

#[derive(Deserialize)]
struct TownshipRow {
    kind: ListKind,
    code: String,
    category: String,
    name: String,
    lead: Option<NodeCode>,
    department_duty: String,
    subdistrict_duty: String,
    photos: bool,
    basis: String,
}

impl From<Row> for Item {
    fn from(row: Row) -> Self {
        Self {
            code: row.code,
            category: row.category,
            name: row.name,
            lead_unit: row.lead,
            department_duty: row.department_duty,
            duty: row.role,
            grassroots_duty: row.subdistrict_duty,
            photos_required: row.photos,
            basis: row.basis,
        }
    }
}

impl TownshipRow {
    /// On a township's lists the list itself says what is asked of the subdistrict.
    fn item(self) -> (ListKind, Item) {
        let duty = match self.kind {
            ListKind::Basic => Duty::Lead,
            ListKind::Cooperate => Duty::Assist,
            ListKind::Recalled | ListKind::Territorial | ListKind::Community => Duty::None,
        };
        let item = Item {
            code: self.code,
            category: self.category,
            name: self.name,
            lead_unit: self.lead,
            department_duty: self.department_duty,
            duty,
            grassroots_duty: self.subdistrict_duty,
            photos_required: self.photos,
            basis: self.basis,
        };
        (self.kind, item)
    }
}

/// Reads the data files and makes every list.
///
/// # Errors
/// A data file is malformed; the tests of this file rule that out.
pub fn load(district: &District) -> Result<Vec<List>, Error> {
    let items = |rows: Vec<Row>| rows.into_iter().map(Item::from).collect();
    let mut lists = vec![List {
        kind: ListKind::Territorial,
        version: "territorial-2024.1".to_owned(),
        title: "平城区属地管理责任清单".to_owned(),
        division: None,
        valid_from: LIVE,
        valid_to: None,
        items: items(table(TERRITORIAL)?),
    }];
    let township: Vec<(ListKind, Item)> =
        table::<TownshipRow>(TOWNSHIP)?.into_iter().map(TownshipRow::item).collect();
    for subdistrict in district.of_kind(NodeKind::Subdistrict) {
        for kind in [ListKind::Basic, ListKind::Cooperate, ListKind::Recalled] {
            let of_kind = township.iter().filter(|(other, _)| *other == kind);
            let items = of_kind.map(|(_, item)| item.clone()).collect();
            lists.push(list(kind, "2025.1", subdistrict, THREE_LISTS, items));
        }
    }
    for pilot in district.of_kind(NodeKind::Community).filter(|node| node.code.as_str() == PILOT) {
        lists.push(list(ListKind::Community, "2024.1", pilot, LIVE, items(table(COMMUNITY)?)));
    }
    Ok(lists)
}

fn list(kind: ListKind, edition: &str, of: &Node, valid_from: NaiveDate, items: Vec<Item>) -> List {
    let title = match kind {
        // The community's name already says 社区.
        ListKind::Community => format!("{}事项清单", of.name),
        _ => format!("{}{}", of.name, kind.label()),
    };
    List {
        kind,
        version: format!("{kind}-{edition}-{}", of.code),
        title,
        division: Some(of.code.clone()),
        valid_from,
        valid_to: None,
        items,
    }
}

#[cfg(test)]
mod tests;
