//! Versions of what gives points.

use chrono::NaiveDate;
use domain::{
    id::{AccountId, PointsRuleId},
    points::{NewRule, Proposal, ProposalStatus, Terms},
    time::Timestamp,
};
use sqlx::types::Json;

use super::super::Connection;

/// A version that counts: its name and what it says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rule {
    /// Its name, which awards keep.
    pub name: String,
    /// What it says.
    pub terms: Terms,
}

/// The version that counts for a day; `None` while the configuration's does.
///
/// # Errors
/// The database's.
pub async fn valid_on(conn: &mut Connection, day: NaiveDate) -> sqlx::Result<Option<Rule>> {
    let row = sqlx::query!(
        r#"select name, terms as "terms: Json<Terms>" from points_rule
           where status = 'approved' and valid_from <= $1 order by valid_from desc limit 1"#,
        day,
    )
    .fetch_optional(conn)
    .await?;
    Ok(row.map(|row| Rule { name: row.name, terms: row.terms.0 }))
}

/// Keeps what the configuration's version says under its name, and answers what stands there: it was
/// kept before with other figures where these differ.
///
/// # Errors
/// The database's.
pub async fn keep_configured(
    conn: &mut Connection,
    id: PointsRuleId,
    rule: &Rule,
    now: Timestamp,
) -> sqlx::Result<Terms> {
    sqlx::query!(
        "insert into points_rule (id, name, terms, status, proposed_at)
         values ($1, $2, $3, 'configured', $4) on conflict (name) do nothing",
        id.0,
        rule.name,
        Json(&rule.terms) as _,
        now,
    )
    .execute(&mut *conn)
    .await?;
    sqlx::query_scalar!(
        r#"select terms as "terms: Json<Terms>" from points_rule where name = $1"#,
        rule.name,
    )
    .fetch_one(conn)
    .await
    .map(|terms| terms.0)
}

/// Stores a version that is proposed.
///
/// # Errors
/// The database's; `points_rule_name` when there is one of this name.
pub async fn insert(
    conn: &mut Connection,
    id: PointsRuleId,
    new: &NewRule,
    by: AccountId,
    now: Timestamp,
) -> sqlx::Result<()> {
    sqlx::query!(
        "insert into points_rule (id, name, terms, valid_from, status, reason, proposed_by, proposed_at)
         values ($1, $2, $3, $4, 'proposed', $5, $6, $7)",
        id.0,
        new.name,
        Json(&new.terms) as _,
        new.valid_from,
        new.reason,
        by.0,
        now,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// A locked version.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Held {
    /// Where it stands.
    pub proposal: Proposal,
    /// Which state of it.
    pub version: i64,
    /// The first day it counts for; none of the configuration's.
    pub valid_from: Option<NaiveDate>,
}

/// Locks a version.
///
/// # Errors
/// The database's.
pub async fn lock(conn: &mut Connection, id: PointsRuleId) -> sqlx::Result<Option<Held>> {
    let row = sqlx::query!(
        r#"select version, status as "status: ProposalStatus",
               proposed_by as "proposed_by: AccountId", valid_from
           from points_rule where id = $1 for no key update"#,
        id.0,
    )
    .fetch_optional(conn)
    .await?;
    Ok(row.map(|row| Held {
        proposal: Proposal { status: row.status, by: row.proposed_by, about: None },
        version: row.version,
        valid_from: row.valid_from,
    }))
}

/// Stores what was decided on a locked version.
///
/// # Errors
/// The database's; `points_rule_valid_from` when another begins on its day.
pub async fn decide(
    conn: &mut Connection,
    id: PointsRuleId,
    (status, note): (ProposalStatus, Option<&str>),
    by: AccountId,
    now: Timestamp,
) -> sqlx::Result<()> {
    sqlx::query!(
        "update points_rule
         set version = version + 1, status = $2, note = $3, decided_by = $4, decided_at = $5
         where id = $1",
        id.0,
        status.code(),
        note,
        by.0,
        now,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// A service that was confirmed, as rules look at it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Done {
    /// Who served.
    pub account: AccountId,
    /// What kind of post.
    pub kind: domain::service::Kind,
    /// The confirmed minutes.
    pub minutes: i32,
    /// The post's own factor in percent.
    pub factor_percent: i32,
    /// When it began.
    pub began_at: Timestamp,
}

/// The confirmed services that began in `from..to`, each person's in order.
///
/// # Errors
/// The database's.
pub async fn served(
    conn: &mut Connection,
    (from, to): (Timestamp, Timestamp),
) -> sqlx::Result<Vec<Done>> {
    sqlx::query_as!(
        Done,
        r#"select claim.account_id as "account: AccountId", post.kind as "kind: domain::service::Kind",
               claim.minutes as "minutes!", post.factor_percent, post.starts_at as began_at
           from post join claim on claim.post_id = post.id
           where post.starts_at >= $1 and post.starts_at < $2 and claim.status = 'confirmed'
           order by claim.account_id, post.starts_at, claim.id"#,
        from,
        to,
    )
    .fetch_all(conn)
    .await
}
