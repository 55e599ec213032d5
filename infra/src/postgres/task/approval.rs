//! Which replies of a unit need its head's approval.

use domain::{
    id::AccountId,
    org::NodeCode,
    task::{ApprovalRule, Outcome},
    time::Timestamp,
};

use crate::postgres::Connection;

pub mod read;

/// The rule of a unit.
///
/// # Errors
/// The database is away.
pub async fn rule(conn: &mut Connection, unit: &NodeCode) -> Result<ApprovalRule, sqlx::Error> {
    let outcomes = sqlx::query_scalar!(
        r#"select outcome as "outcome: Outcome" from reply_approval where unit = $1"#,
        unit.as_str(),
    )
    .fetch_all(conn)
    .await?;
    Ok(ApprovalRule::new(outcomes))
}

/// Puts a rule in the place of the unit's rule before. Two who do it at once follow each other: the
/// unit's row is locked meanwhile.
///
/// # Errors
/// The database is away.
pub async fn set_rule(
    conn: &mut Connection,
    unit: &NodeCode,
    rule: &ApprovalRule,
    by: AccountId,
    now: Timestamp,
) -> Result<(), sqlx::Error> {
    sqlx::query!("select from org_node where code = $1 for no key update", unit.as_str())
        .execute(&mut *conn)
        .await?;
    sqlx::query!("delete from reply_approval where unit = $1", unit.as_str())
        .execute(&mut *conn)
        .await?;
    let outcomes: Vec<String> =
        rule.outcomes().iter().map(|outcome| outcome.code().to_owned()).collect();
    sqlx::query!(
        "insert into reply_approval (unit, outcome, set_by, set_at)
         select $1, outcome, $3, $4 from unnest($2::text[]) as given (outcome)",
        unit.as_str(),
        &outcomes,
        by.0,
        now,
    )
    .execute(conn)
    .await?;
    Ok(())
}
