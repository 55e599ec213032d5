//! Routing: the rules, which are added and end, and where on the map a matter lies.

use chrono::NaiveDate;
use domain::{
    id::{AccountId, ComplaintId, RoutingRuleId},
    org::{ManagementMode, NodeCode},
    page::{Cursor, PageRequest},
    routing::{Routes, Rule, polygon},
    sla::Urgency,
    time::Timestamp,
};

use super::Connection;

/// A rule as its keepers see it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kept {
    /// The rule.
    pub rule: Rule,
    /// When it was added.
    pub created_at: Timestamp,
}

struct Row {
    id: RoutingRuleId,
    category: Option<String>,
    urgency: Option<Urgency>,
    division_code: Option<NodeCode>,
    management_mode: Option<ManagementMode>,
    lead: NodeCode,
    assist: Vec<NodeCode>,
    priority: i16,
    valid_from: NaiveDate,
    valid_to: Option<NaiveDate>,
    note: String,
    created_at: Timestamp,
}

impl From<Row> for Kept {
    fn from(row: Row) -> Self {
        let says = Routes {
            category: row.category,
            urgency: row.urgency,
            division: row.division_code,
            management_mode: row.management_mode,
            lead: row.lead,
            assist: row.assist,
            priority: row.priority,
            note: row.note,
        };
        let (valid_from, valid_to) = (row.valid_from, row.valid_to);
        Self { rule: Rule { id: row.id, says, valid_from, valid_to }, created_at: row.created_at }
    }
}

/// Rules, the latest first: those valid on a date, one by its id, or a page of all, with one row
/// more than the page.
///
/// # Errors
/// The database is away.
pub async fn rules(
    conn: &mut Connection,
    on: Option<NaiveDate>,
    only: Option<RoutingRuleId>,
    page: Option<PageRequest>,
) -> Result<Vec<Kept>, sqlx::Error> {
    let after = page.and_then(|page| page.after).map(|Cursor { at, id }| (at, id)).unzip();
    let rows = sqlx::query_as!(
        Row,
        r#"select id as "id: RoutingRuleId", category, urgency as "urgency: Urgency",
               division_code as "division_code: NodeCode",
               management_mode as "management_mode: ManagementMode", lead as "lead: NodeCode",
               assist as "assist: Vec<NodeCode>", priority, valid_from, valid_to, note, created_at
           from routing_rule
           where ($1::date is null or (valid_from <= $1 and (valid_to is null or valid_to > $1)))
               and ($2::uuid is null or id = $2)
               and ($3::timestamptz is null or (created_at, id) < ($3, $4))
           order by created_at desc, id desc
           limit $5"#,
        on,
        only.map(|id| id.0),
        after.0,
        after.1,
        page.map(PageRequest::probe),
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(Kept::from).collect())
}

/// Adds a rule; `false` where the same is in force (`routing_rule_open`).
///
/// # Errors
/// The lead or the division is missing, or the database is away.
#[expect(clippy::as_conversions, reason = "tells sqlx that codes are text")]
pub async fn insert(
    conn: &mut Connection,
    rule: &Rule,
    by: Option<AccountId>,
    now: Timestamp,
) -> Result<bool, sqlx::Error> {
    let says = &rule.says;
    let added = sqlx::query!(
        "insert into routing_rule (id, category, urgency, division_code, management_mode, lead,
             assist, priority, valid_from, valid_to, note, created_at, created_by)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)
         on conflict do nothing",
        rule.id.0,
        says.category,
        says.urgency.map(Urgency::code),
        says.division.as_ref().map(NodeCode::as_str),
        says.management_mode.map(ManagementMode::code),
        says.lead.as_str(),
        &says.assist as &[NodeCode],
        says.priority,
        rule.valid_from,
        rule.valid_to,
        says.note,
        now,
        by.map(|account| account.0),
    )
    .execute(conn)
    .await?;
    Ok(added.rows_affected() == 1)
}

/// Ends a rule on a date, or on its first day where that is later; `false` where it has ended.
///
/// # Errors
/// The database is away.
pub async fn end(
    conn: &mut Connection,
    id: RoutingRuleId,
    on: NaiveDate,
) -> Result<bool, sqlx::Error> {
    let done = sqlx::query!(
        "update routing_rule set valid_to = greatest($2, valid_from) where id = $1 and valid_to is null",
        id.0,
        on,
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// A place in the tree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Spot {
    /// Its code.
    pub code: NodeCode,
    /// Its name.
    pub name: String,
    /// The node above it.
    pub parent: Option<NodeCode>,
    /// How it is managed, where it is an estate.
    pub management_mode: Option<ManagementMode>,
}

/// The grid in which a point lies, GCJ-02. On a common edge, the first of the two by code.
///
/// # Errors
/// The database is away.
pub async fn grid_at(
    conn: &mut Connection,
    [lng, lat]: [f64; 2],
) -> Result<Option<Spot>, sqlx::Error> {
    let near = sqlx::query!(
        r#"select code as "code: NodeCode", name, parent_code as "parent: NodeCode",
               boundary as "boundary!: sqlx::types::Json<Vec<[f64; 2]>>"
           from org_node
           where kind = 'grid' and active and boundary is not null
               and boundary_box(boundary) @> box(point($1, $2), point($1, $2))
           order by code"#,
        lng,
        lat,
    )
    .fetch_all(conn)
    .await?;
    let found = near.into_iter().find(|row| polygon::contains(&row.boundary.0, [lng, lat]));
    Ok(found.map(|row| Spot {
        code: row.code,
        name: row.name,
        parent: row.parent,
        management_mode: None,
    }))
}

/// The estate that an address in a community names: the one with the longest name in it.
///
/// # Errors
/// The database is away.
pub async fn estate_named(
    conn: &mut Connection,
    community: &NodeCode,
    address: &str,
) -> Result<Option<Spot>, sqlx::Error> {
    sqlx::query_as!(
        Spot,
        r#"select code as "code: NodeCode", name, parent_code as "parent: NodeCode",
               management_mode as "management_mode: ManagementMode"
           from org_node
           where kind = 'estate' and active and starts_with(code, $1) and position(name in $2) > 0
           order by char_length(name) desc, code
           limit 1"#,
        community.as_str(),
        address,
    )
    .fetch_optional(conn)
    .await
}

/// A grid by its code, or the only grid of a community; several are none.
///
/// # Errors
/// The database is away.
pub async fn grid_of(conn: &mut Connection, node: &NodeCode) -> Result<Option<Spot>, sqlx::Error> {
    let mut found = sqlx::query_as!(
        Spot,
        r#"select code as "code: NodeCode", name, parent_code as "parent: NodeCode",
               management_mode as "management_mode: ManagementMode"
           from org_node
           where kind = 'grid' and active and (code = $1 or parent_code = $1)
           order by code
           limit 2"#,
        node.as_str(),
    )
    .fetch_all(conn)
    .await?;
    Ok(if found.len() == 1 { found.pop() } else { None })
}

/// The unit that a 举报 is about. The caller has made sure that the case is within the scope.
///
/// # Errors
/// The database is away.
pub async fn reported(
    conn: &mut Connection,
    id: ComplaintId,
) -> Result<Option<NodeCode>, sqlx::Error> {
    let found = sqlx::query_scalar!(
        r#"select reported_unit as "code: NodeCode" from complaint where id = $1"#,
        id.0,
    )
    .fetch_optional(conn)
    .await?;
    Ok(found.flatten())
}
