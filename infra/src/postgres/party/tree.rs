//! The tree of party bodies as it is changed.

use std::collections::HashMap;

use domain::{
    org::{NodeCode, NodeKind},
    party::{
        roll::Bodies,
        tree::{Body, Found},
    },
    scope::Register,
};

use crate::postgres::Connection;

/// A party body, locked; any other node is none.
///
/// # Errors
/// The database is away.
pub async fn lock(conn: &mut Connection, code: &NodeCode) -> Result<Option<Body>, sqlx::Error> {
    sqlx::query_as!(
        Body,
        r#"select code as "code: NodeCode", kind as "kind: NodeKind", name,
               parent_code as "parent: NodeCode", division_code as "division: NodeCode", active
           from org_node where code = $1 and tree = 'party' for update"#,
        code.as_str(),
    )
    .fetch_optional(conn)
    .await
}

/// Adds a body; `false` when the code is taken, by whatever.
///
/// # Errors
/// The database is away; a foreign key when the division does not exist.
pub async fn insert(
    conn: &mut Connection,
    found: &Found,
    division: Option<&NodeCode>,
) -> Result<bool, sqlx::Error> {
    let done = sqlx::query!(
        "insert into org_node (code, tree, kind, name, parent_code, division_code)
         values ($1, 'party', $2, $3, $4, $5)
         on conflict (code) do nothing",
        found.code.as_str(),
        found.kind.code(),
        found.name,
        found.parent.as_ref().map(NodeCode::as_str),
        division.map(NodeCode::as_str),
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Saves name, parent, division and use of a locked body.
///
/// # Errors
/// The database is away.
pub async fn save(conn: &mut Connection, body: &Body) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "update org_node set name = $2, parent_code = $3, division_code = $4, active = $5
         where code = $1",
        body.code.as_str(),
        body.name,
        body.parent.as_ref().map(NodeCode::as_str),
        body.division.as_ref().map(NodeCode::as_str),
        body.active,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Takes what hangs below a body along to the division to which it went.
///
/// # Errors
/// The database is away.
pub async fn take_along(conn: &mut Connection, body: &Body) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "update org_node set division_code = $2
         where tree = 'party' and code <> $1 and division_code is distinct from $2
             and code in (select party_reach(array[$1], '{}'))",
        body.code.as_str(),
        body.division.as_ref().map(NodeCode::as_str),
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// The branch that a body is, or below which it hangs.
///
/// # Errors
/// The database is away.
pub async fn branch_of(
    conn: &mut Connection,
    code: &NodeCode,
) -> Result<Option<NodeCode>, sqlx::Error> {
    sqlx::query_scalar!(
        r#"with recursive above (code, kind, parent_code) as (
               select code, kind, parent_code from org_node where code = $1 and tree = 'party'
               union
               select up.code, up.kind, up.parent_code
               from org_node up join above on up.code = above.parent_code
           )
           select code as "code!: NodeCode" from above where kind = 'party_branch'"#,
        code.as_str(),
    )
    .fetch_optional(conn)
    .await
}

/// Says which estates a branch covers from now on. `false` when one of them is no estate in use.
///
/// # Errors
/// The database is away.
pub async fn cover(
    conn: &mut Connection,
    branch: &NodeCode,
    estates: &[NodeCode],
) -> Result<bool, sqlx::Error> {
    let codes: Vec<String> = estates.iter().map(ToString::to_string).collect();
    sqlx::query!(
        "delete from party_branch_estate where branch_code = $1 and not estate_code = any($2)",
        branch.as_str(),
        &codes,
    )
    .execute(&mut *conn)
    .await?;
    let known = sqlx::query_scalar!(
        r#"select count(*) as "count!" from org_node
           where code = any($1) and kind = 'estate' and active"#,
        &codes,
    )
    .fetch_one(&mut *conn)
    .await?;
    if usize::try_from(known).unwrap_or_default() != estates.len() {
        return Ok(false);
    }
    sqlx::query!(
        "insert into party_branch_estate (branch_code, estate_code)
         select $1, unnest($2::text[]) on conflict do nothing",
        branch.as_str(),
        &codes,
    )
    .execute(conn)
    .await?;
    Ok(true)
}

/// How many members stand at a body or below it, and how many bodies in use hang right below it.
///
/// # Errors
/// The database is away.
pub async fn load(conn: &mut Connection, code: &NodeCode) -> Result<(i64, i64), sqlx::Error> {
    let row = sqlx::query!(
        r#"select
               (select count(*) from party_member m
                where m.removed_at is null
                    and (m.branch_code = $1 or m.group_code = $1)) as "members!",
               (select count(*) from org_node child
                where child.parent_code = $1 and child.active) as "bodies!""#,
        code.as_str(),
    )
    .fetch_one(conn)
    .await?;
    Ok((row.members, row.bodies))
}

/// The bodies in use within the part of the register that is kept, as a file may name them: by code, and by name
/// where only one has it.
///
/// # Errors
/// The database is away.
pub async fn bodies(
    conn: &mut Connection,
    register: &Register,
) -> Result<(Bodies, Vec<Body>), sqlx::Error> {
    let all = sqlx::query_as!(
        Body,
        r#"select code as "code: NodeCode", kind as "kind: NodeKind", name,
               parent_code as "parent: NodeCode", division_code as "division: NodeCode", active
           from org_node
           where tree = 'party' and active
               and ($1 or code in (select party_reach($2, $3)))
           order by code"#,
        register.keeps_everything,
        &register.roots,
        &register.communities,
    )
    .fetch_all(conn)
    .await?;
    let mut named: Bodies = HashMap::new();
    for body in &all {
        let only = Some(body.code.clone());
        named.entry(body.name.clone()).and_modify(|held| *held = None).or_insert(only);
    }
    for body in &all {
        named.insert(body.code.to_string(), Some(body.code.clone()));
    }
    Ok((named, all))
}
