//! Versions of what gives points.

use chrono::NaiveDate;
use domain::{
    id::{AccountId, PointsRuleId},
    page::{Cursor, PageRequest},
    points::{NewRule, Proposal, ProposalStatus, Terms},
    time::Timestamp,
};
use serde::Serialize;
use sqlx::types::Json;
use utoipa::ToSchema;

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

/// 积分规则的一个版本
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct PointsRuleView {
    /// 编号
    pub id: PointsRuleId,
    /// 第几稿，用于 If-Match
    #[schema(example = 1)]
    pub version: i64,
    /// 名称；每笔积分都记着按哪个版本计算
    #[schema(example = "2027-1")]
    pub name: String,
    /// 状态；`configured` 是配置文件里的，在第一个核准的版本生效以前有效
    pub status: ProposalStatus,
    /// 从哪一天的服务、诉求起算
    #[schema(example = "2027-01-01")]
    pub valid_from: Option<NaiveDate>,
    /// 从哪一天起不再有效（下一版生效）；没有下一版的为 null
    pub valid_to: Option<NaiveDate>,
    /// 内容
    pub terms: Terms,
    /// 为什么
    pub reason: Option<String>,
    /// 谁提出的
    pub proposed_by: Option<String>,
    /// 提出的时间
    #[schema(value_type = String, format = DateTime)]
    pub proposed_at: Timestamp,
    /// 谁决定的
    pub decided_by: Option<String>,
    /// 决定的时间
    #[schema(value_type = Option<String>, format = DateTime)]
    pub decided_at: Option<Timestamp>,
    /// 不予核准的原因
    pub note: Option<String>,
}

impl PointsRuleView {
    /// Where the next page starts when this is the last row.
    pub const fn cursor(&self) -> Cursor {
        Cursor { at: self.proposed_at, id: self.id.0 }
    }
}

/// Versions, the latest first, one more than the page; or one alone. They belong to nobody.
///
/// # Errors
/// The database's.
pub async fn list(
    conn: &mut Connection,
    only: Option<PointsRuleId>,
    page: PageRequest,
) -> sqlx::Result<Vec<PointsRuleView>> {
    let after = page.after.map(|Cursor { at, id }| (at, id)).unzip();
    let rows = sqlx::query!(
        r#"select rule.id as "id: PointsRuleId", rule.version, name,
               status as "status: ProposalStatus", valid_from,
               case when status = 'approved' then (
                   select min(next.valid_from) from points_rule as next
                   where next.status = 'approved' and next.valid_from > rule.valid_from) end as valid_to,
               terms as "terms: Json<Terms>", reason, proposer.display_name as "proposed_by?",
               proposed_at, decider.display_name as "decided_by?", decided_at, note
           from points_rule as rule
           left join account as proposer on proposer.id = rule.proposed_by
           left join account as decider on decider.id = rule.decided_by
           where ($1::uuid is null or rule.id = $1)
               and ($2::timestamptz is null or (proposed_at, rule.id) < ($2, $3::uuid))
           order by proposed_at desc, rule.id desc limit $4"#,
        only.map(|id| id.0),
        after.0,
        after.1,
        page.probe(),
    )
    .fetch_all(conn)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| PointsRuleView {
            id: row.id,
            version: row.version,
            name: row.name,
            status: row.status,
            valid_from: row.valid_from,
            valid_to: row.valid_to,
            terms: row.terms.0,
            reason: row.reason,
            proposed_by: row.proposed_by,
            proposed_at: row.proposed_at,
            decided_by: row.decided_by,
            decided_at: row.decided_at,
            note: row.note,
        })
        .collect())
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
