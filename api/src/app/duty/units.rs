//! Which units a list suggests for a matter, with the reason.

use domain::{
    duty::{ListName, units},
    org::NodeCode,
    refusal::{Basic, Invalid},
    time::Timestamp,
};
use infra::postgres::{
    Connection,
    duty::read::{self, Found},
    org,
};

use crate::error::Error;

/// A unit with its name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Named {
    /// Its code.
    pub code: NodeCode,
    /// Its name.
    pub name: String,
}

/// What is suggested, and by which list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Suggested {
    /// The item and the list that decided.
    pub found: Found,
    /// Who should lead.
    pub lead: Option<Named>,
    /// Who should assist.
    pub assist: Vec<Named>,
    /// Why these.
    pub why: String,
}

/// Suggests the units for an item in a community.
///
/// # Errors
/// No list that is valid there today has the item: `not_found`.
pub async fn suggest(
    conn: &mut Connection,
    item: &str,
    community: &NodeCode,
    now: Timestamp,
) -> Result<Suggested, Error> {
    let today = domain::time::date(now);
    let found = read::strongest(conn, item, Some(community), today).await?;
    let found = found.ok_or(Basic::NotFound)?;
    let suggestion = units::suggest(found.kind, &found.item, community);
    let proposal = suggestion.units;
    let codes: Vec<NodeCode> = proposal
        .lead
        .iter()
        .chain(&proposal.assist)
        .chain([&suggestion.place])
        .chain(&found.item.lead_unit)
        .cloned()
        .collect();
    let names = org::names(conn, &codes).await?;
    let name = |code: &NodeCode| names.get(code).cloned().unwrap_or_else(|| code.to_string());
    let named = |code: &NodeCode| Named { code: code.clone(), name: name(code) };
    let list = ListName { title: found.title.clone(), version: found.version.clone() };
    let department = found.item.lead_unit.as_ref().map(name);
    let place = name(&suggestion.place);
    Ok(Suggested {
        lead: proposal.lead.as_ref().map(named),
        assist: proposal.assist.iter().map(named).collect(),
        why: units::why(&list, &found.item, &place, department.as_deref()),
        found,
    })
}

/// Checks a community that a matter is said to be in.
///
/// # Errors
/// There is no such community or village.
pub async fn community(conn: &mut Connection, given: Option<&str>) -> Result<NodeCode, Error> {
    let field = "community_code";
    let given = given.ok_or_else(|| Invalid::field(field, "必须填写社区或村的代码"))?;
    let code = NodeCode::parse(field, given)?;
    if org::community_exists(conn, &code).await? {
        Ok(code)
    } else {
        Err(Invalid::field(field, format!("没有代码为 {code} 的社区或村")).into())
    }
}
