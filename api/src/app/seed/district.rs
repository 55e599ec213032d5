//! The trees of the demo district: the real divisions and departments, and invented estates,
//! grids and party bodies in 水泊寺街道.

use domain::org::{ManagementMode, NodeCode, NodeKind};
use infra::postgres::org::Node;
use serde::Deserialize;

use super::table;
use crate::error::Error;

const DIVISIONS: &str = include_str!("../../../../infra/seed/divisions.csv");
const DEPARTMENTS: &str = include_str!("../../../../infra/seed/departments.csv");
const ESTATES: &str = include_str!("../../../../infra/seed/estates.csv");
const GRIDS: &str = include_str!("../../../../infra/seed/grids.csv");
const PARTY: &str = include_str!("../../../../infra/seed/party.csv");
const PARTY_ESTATES: &str = include_str!("../../../../infra/seed/party_estates.csv");

/// The district's nodes.
#[derive(Debug, Clone, PartialEq)]
pub struct District {
    /// The district itself, on which the departments hang.
    pub code: NodeCode,
    /// Every node of both trees.
    pub nodes: Vec<Node>,
    /// Which estate each party branch covers.
    pub covered: Vec<(NodeCode, NodeCode)>,
}

impl District {
    /// The nodes of a kind, in the order of the data.
    pub fn of_kind(&self, kind: NodeKind) -> impl Iterator<Item = &Node> {
        self.nodes.iter().filter(move |node| node.kind == kind)
    }
}

#[derive(Deserialize)]
struct Division {
    code: NodeCode,
    kind: NodeKind,
    name: String,
}

#[derive(Deserialize)]
struct Department {
    code: NodeCode,
    group: NodeKind,
    name: String,
}

#[derive(Deserialize)]
struct Estate {
    code: NodeCode,
    management_mode: ManagementMode,
    name: String,
}

#[derive(Deserialize)]
struct Grid {
    code: NodeCode,
    name: String,
    boundary: String,
}

#[derive(Deserialize)]
struct PartyBody {
    code: NodeCode,
    kind: NodeKind,
    parent: Option<NodeCode>,
    division: NodeCode,
    name: String,
}

#[derive(Deserialize)]
struct Covered {
    branch: NodeCode,
    estate: NodeCode,
}

/// Reads the data files.
///
/// # Errors
/// A data file is malformed; the tests of this file rule that out.
pub fn load() -> Result<District, Error> {
    let divisions = table::<Division>(DIVISIONS)?;
    let district = divisions
        .iter()
        .find(|division| division.kind == NodeKind::District)
        .map(|division| division.code.clone())
        .ok_or_else(|| Error::Internal("divisions.csv names no district".into()))?;
    let mut nodes = Vec::new();
    // The city is the root: the province above it is none of ours.
    nodes.extend(divisions.into_iter().map(|row| {
        let parent = row.code.superior().filter(|_| row.kind != NodeKind::City);
        Node { parent, ..node(row.code, row.kind, row.name) }
    }));
    nodes.extend(
        table::<Department>(DEPARTMENTS)?.into_iter().map(|row| Node {
            parent: Some(district.clone()),
            ..node(row.code, row.group, row.name)
        }),
    );
    nodes.extend(table::<Estate>(ESTATES)?.into_iter().map(|row| Node {
        parent: row.code.superior(),
        management_mode: Some(row.management_mode),
        ..node(row.code, NodeKind::Estate, row.name)
    }));
    for row in table::<Grid>(GRIDS)? {
        let boundary = Some(ring(&row.boundary)?);
        let parent = row.code.superior();
        nodes.push(Node { parent, boundary, ..node(row.code, NodeKind::Grid, row.name) });
    }
    nodes.extend(table::<PartyBody>(PARTY)?.into_iter().map(|row| Node {
        parent: row.parent,
        division: Some(row.division),
        ..node(row.code, row.kind, row.name)
    }));
    let covered = table::<Covered>(PARTY_ESTATES)?;
    let covered = covered.into_iter().map(|row| (row.branch, row.estate)).collect();
    Ok(District { code: district, nodes, covered })
}

fn node(code: NodeCode, kind: NodeKind, name: String) -> Node {
    Node { code, kind, name, parent: None, management_mode: None, boundary: None, division: None }
}

/// Reads a ring, written `lng lat;lng lat;…` in degrees.
fn ring(text: &str) -> Result<Vec<[f64; 2]>, Error> {
    text.split(';')
        .map(|point| {
            let (lng, lat) = point.split_once(' ')?;
            Some([lng.parse().ok()?, lat.parse().ok()?])
        })
        .collect::<Option<_>>()
        .ok_or_else(|| Error::Internal(format!("not a ring: {text}").into()))
}

#[cfg(test)]
mod tests;
