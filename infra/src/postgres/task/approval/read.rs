//! A unit's rule of approval as its people read it.

use domain::{org::NodeCode, scope::Scope, task::Outcome};
use serde::Serialize;
use utoipa::ToSchema;

use crate::postgres::{Connection, org};

/// 答复审签的设置
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct ApprovalRuleView {
    /// 哪些结果的答复须经本单位负责人审签；空为不需要
    pub outcomes: Vec<Outcome>,
}

/// The rule of a unit, which any staff that reads tasks may know. `None` where it is none.
///
/// # Errors
/// The database is away.
pub async fn find(
    conn: &mut Connection,
    _: &Scope,
    unit: &NodeCode,
) -> Result<Option<ApprovalRuleView>, sqlx::Error> {
    if org::unit(conn, unit).await?.is_none() {
        return Ok(None);
    }
    let rule = super::rule(conn, unit).await?;
    Ok(Some(ApprovalRuleView { outcomes: rule.outcomes().to_vec() }))
}
