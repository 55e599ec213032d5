//! The organisation's trees: units, divisions, departments, party bodies.

use std::collections::HashMap;

use domain::org::{ManagementMode, NodeCode, NodeKind, Unit};

use super::Connection;

pub mod read;

#[cfg(test)]
mod tests;

/// The unit with this code, which may be given tasks. An inactive node and one that is no unit (a
/// grid, a party branch) are none.
///
/// # Errors
/// The database failed.
pub async fn unit(conn: &mut Connection, code: &NodeCode) -> Result<Option<Unit>, sqlx::Error> {
    Ok(units(conn, std::slice::from_ref(code)).await?.pop())
}

/// Those of the codes that are units, in the order of their codes.
///
/// # Errors
/// The database failed.
pub async fn units(conn: &mut Connection, codes: &[NodeCode]) -> Result<Vec<Unit>, sqlx::Error> {
    let codes: Vec<String> = codes.iter().map(ToString::to_string).collect();
    let rows = sqlx::query!(
        r#"
        select code as "code: NodeCode", kind as "kind: NodeKind", name,
            parent_code as "superior: NodeCode"
        from org_node
        where code = any($1) and active
        order by code
        "#,
        &codes
    )
    .fetch_all(conn)
    .await?;
    Ok(rows
        .into_iter()
        .filter(|row| row.kind.is_unit())
        .map(|row| Unit { code: row.code, kind: row.kind, name: row.name, superior: row.superior })
        .collect())
}

/// The names of nodes of whatever kind, also of inactive ones: what was theirs stays readable.
///
/// # Errors
/// The database failed.
pub async fn names(
    conn: &mut Connection,
    codes: &[NodeCode],
) -> Result<HashMap<NodeCode, String>, sqlx::Error> {
    let codes: Vec<String> = codes.iter().map(ToString::to_string).collect();
    let rows = sqlx::query!(
        r#"select code as "code: NodeCode", name from org_node where code = any($1)"#,
        &codes
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(|row| (row.code, row.name)).collect())
}

/// The name of a node.
///
/// # Errors
/// The database failed.
pub async fn name(conn: &mut Connection, code: &NodeCode) -> Result<Option<String>, sqlx::Error> {
    sqlx::query_scalar!("select name from org_node where code = $1", code.as_str())
        .fetch_optional(conn)
        .await
}

/// Whether the code is an active community or village, which a complaint can be about.
///
/// # Errors
/// The database failed.
pub async fn community_exists(conn: &mut Connection, code: &NodeCode) -> Result<bool, sqlx::Error> {
    let kinds = [NodeKind::Community, NodeKind::Village].map(|kind| kind.code().to_owned());
    sqlx::query_scalar!(
        r#"
        select exists (
            select from org_node where code = $1 and active and kind = any($2)
        ) as "exists!"
        "#,
        code.as_str(),
        &kinds
    )
    .fetch_one(conn)
    .await
}

/// In which group a unit is ranked; null for nodes that are ranked in none.
const fn peer_group(kind: NodeKind) -> Option<&'static str> {
    match kind {
        NodeKind::Subdistrict => Some("subdistrict"),
        NodeKind::Department => Some("department"),
        NodeKind::Utility => Some("utility"),
        _ => None,
    }
}

const fn tree(kind: NodeKind) -> &'static str {
    match kind {
        NodeKind::PartyCommittee
        | NodeKind::PartyBranch
        | NodeKind::PartyGroup
        | NodeKind::PartyHousehold => "party",
        _ => "admin",
    }
}

/// A node as it is written.
#[derive(Debug, Clone, PartialEq)]
pub struct Node {
    /// Its code.
    pub code: NodeCode,
    /// What it is; it decides the tree and the group in which it is ranked.
    pub kind: NodeKind,
    /// Its name.
    pub name: String,
    /// The node above it.
    pub parent: Option<NodeCode>,
    /// How an estate is managed.
    pub management_mode: Option<ManagementMode>,
    /// A grid's polygon as a closed ring of `[lng, lat]` in degrees, GCJ-02.
    pub boundary: Option<Vec<[f64; 2]>>,
    /// The division that a party body belongs to.
    pub division: Option<NodeCode>,
}

/// Writes nodes: new ones are added, changed ones are brought up to date, equal ones are left
/// alone. Returns how many rows changed. Parents may come in the same call, in any order; whether
/// a node is active is not touched.
///
/// # Errors
/// A parent or division is missing (`foreign key`), or the database failed.
#[expect(clippy::as_conversions, reason = "tells sqlx that elements may be null")]
pub async fn upsert(conn: &mut Connection, nodes: &[Node]) -> Result<u64, sqlx::Error> {
    let text = |of: fn(&Node) -> &str| nodes.iter().map(|n| of(n).to_owned()).collect::<Vec<_>>();
    let optional = |of: fn(&Node) -> Option<&str>| {
        nodes.iter().map(|node| of(node).map(str::to_owned)).collect::<Vec<_>>()
    };
    let boundaries: Vec<Option<serde_json::Value>> = nodes
        .iter()
        .map(|node| node.boundary.as_ref().map(|ring| serde_json::json!(ring)))
        .collect();
    let done = sqlx::query!(
        r#"
        insert into org_node as held
            (code, tree, kind, name, parent_code, peer_group, management_mode, boundary, division_code)
        select * from unnest(
            $1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[],
            $8::jsonb[], $9::text[])
        on conflict (code) do update set
            tree = excluded.tree, kind = excluded.kind, name = excluded.name,
            parent_code = excluded.parent_code, peer_group = excluded.peer_group,
            management_mode = excluded.management_mode, boundary = excluded.boundary,
            division_code = excluded.division_code
        where (held.tree, held.kind, held.name, held.parent_code, held.peer_group,
                held.management_mode, held.boundary, held.division_code)
            is distinct from (excluded.tree, excluded.kind, excluded.name, excluded.parent_code,
                excluded.peer_group, excluded.management_mode, excluded.boundary,
                excluded.division_code)
        "#,
        &text(|node| node.code.as_str()),
        &text(|node| tree(node.kind)),
        &text(|node| node.kind.code()),
        &text(|node| &node.name),
        &optional(|node| node.parent.as_ref().map(NodeCode::as_str)) as &[Option<String>],
        &optional(|node| peer_group(node.kind)) as &[Option<String>],
        &optional(|node| node.management_mode.map(ManagementMode::code)) as &[Option<String>],
        &boundaries as &[Option<serde_json::Value>],
        &optional(|node| node.division.as_ref().map(NodeCode::as_str)) as &[Option<String>],
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected())
}

/// Notes which estates a party branch covers, as pairs of branch and estate. Returns how many
/// were new.
///
/// # Errors
/// A branch or estate is missing, or the database failed.
pub async fn cover_estates(
    conn: &mut Connection,
    pairs: &[(NodeCode, NodeCode)],
) -> Result<u64, sqlx::Error> {
    let branches: Vec<String> = pairs.iter().map(|(branch, _)| branch.to_string()).collect();
    let estates: Vec<String> = pairs.iter().map(|(_, estate)| estate.to_string()).collect();
    let done = sqlx::query!(
        r#"
        insert into party_branch_estate (branch_code, estate_code)
        select * from unnest($1::text[], $2::text[])
        on conflict do nothing
        "#,
        &branches,
        &estates
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected())
}
