//! The directory of divisions and departments, which is open to everybody or to all staff: no row
//! of it belongs to anyone, so these reads take no scope.

use domain::org::{NodeCode, NodeKind};

use crate::postgres::Connection;

/// A node as the directory shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Its code.
    pub code: NodeCode,
    /// What it is.
    pub kind: NodeKind,
    /// Its name.
    pub name: String,
    /// Whether it has divisions below it.
    pub has_children: bool,
}

/// The active divisions right below a division, or the city at the root when none is named, in
/// the order of their codes.
///
/// # Errors
/// The database failed.
pub async fn divisions(
    conn: &mut Connection,
    parent: Option<&NodeCode>,
) -> Result<Vec<Entry>, sqlx::Error> {
    sqlx::query_as!(
        Entry,
        r#"
        select code as "code: NodeCode", kind as "kind: NodeKind", name,
            exists (
                select from org_node as child
                where child.parent_code = node.code and child.active and child.code ~ '^[0-9]+$'
            ) as "has_children!"
        from org_node as node
        where parent_code is not distinct from $1 and active and code ~ '^[0-9]+$'
        order by code
        "#,
        parent.map(NodeCode::as_str)
    )
    .fetch_all(conn)
    .await
}

/// The active departments and utilities, in the order of their codes.
///
/// # Errors
/// The database failed.
pub async fn departments(conn: &mut Connection) -> Result<Vec<Entry>, sqlx::Error> {
    sqlx::query_as!(
        Entry,
        r#"
        select code as "code: NodeCode", kind as "kind: NodeKind", name, false as "has_children!"
        from org_node
        where active and peer_group in ('department', 'utility')
        order by code
        "#
    )
    .fetch_all(conn)
    .await
}
