//! The routing rules of the demo district.

use domain::{
    id::{Id, RoutingRuleId},
    org::ManagementMode,
    routing::{Routes, RoutesForm, Rule},
    sla::Urgency,
    time::{self, Timestamp},
};
use infra::postgres::{Connection, routing};
use serde::Deserialize;

use super::table;
use crate::error::Error;

const RULES: &str = include_str!("../../../../infra/seed/routing.csv");

#[derive(Deserialize)]
struct Row {
    category: Option<String>,
    urgency: Option<Urgency>,
    division: Option<String>,
    management_mode: Option<ManagementMode>,
    lead: String,
    assist: String,
    note: String,
}

/// Adds the rules that are not there.
///
/// # Errors
/// The database's.
pub async fn insert(conn: &mut Connection, now: Timestamp) -> Result<(), Error> {
    for (n, row) in (0_u8..).zip(table::<Row>(RULES)?) {
        let assist: Vec<String> = row.assist.split_whitespace().map(str::to_owned).collect();
        let says = Routes::parse(RoutesForm {
            category: row.category.as_deref(),
            urgency: row.urgency,
            division: row.division.as_deref(),
            management_mode: row.management_mode,
            lead: &row.lead,
            assist: &assist,
            priority: 0,
            note: Some(&row.note),
        })?;
        let id = RoutingRuleId::from_parts(now, &[n; 10]);
        let rule = Rule { id, says, valid_from: time::date(now), valid_to: None };
        routing::insert(conn, &rule, None, now).await?;
    }
    Ok(())
}
