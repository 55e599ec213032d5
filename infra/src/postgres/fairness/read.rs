//! Fairness flags as reviewers, and as whom they concern, see them.

use domain::{
    fairness::{Kind, Status},
    id::{AccountId, ClaimId, FlagId, RedemptionId},
    page::{Cursor, PageRequest},
    scope::Scope,
    time::Timestamp,
};
use serde_json::Value;
use uuid::Uuid;

use super::super::Connection;

/// A flag with the names of whom it concerns and who reviewed it, as colleagues see them.
#[derive(Debug, Clone, PartialEq)]
pub struct Shown {
    /// Its id.
    pub id: FlagId,
    /// Grows by one with each change.
    pub version: i64,
    /// What was noticed.
    pub kind: Kind,
    /// Where it stands.
    pub status: Status,
    /// Whom it concerns.
    pub account: AccountId,
    /// As what that person is known.
    pub person: String,
    /// As what the others who took part are known.
    pub others: Vec<String>,
    /// At which merchant.
    pub merchant: Option<String>,
    /// The redemptions to look at.
    pub redemptions: Vec<RedemptionId>,
    /// The claims to look at.
    pub claims: Vec<ClaimId>,
    /// Figures for the sentence.
    pub facts: Value,
    /// When it was raised.
    pub raised_at: Timestamp,
    /// Who reviewed it.
    pub reviewer: Option<String>,
    /// When.
    pub reviewed_at: Option<Timestamp>,
    /// Why so.
    pub reason: Option<String>,
    /// What whom it concerns said.
    pub appeal: Option<String>,
    /// When.
    pub appealed_at: Option<Timestamp>,
    /// Who decided on that.
    pub decider: Option<String>,
    /// When.
    pub decided_at: Option<Timestamp>,
    /// Why so.
    pub decision: Option<String>,
}

impl Shown {
    /// Where it stands in the list.
    pub const fn cursor(&self) -> Cursor {
        Cursor { at: self.raised_at, id: self.id.0 }
    }
}

/// Which flags.
#[derive(Debug, Clone, Copy, Default)]
pub struct Filter<'a> {
    /// This one.
    pub id: Option<FlagId>,
    /// Where they stand.
    pub status: Option<Status>,
    /// What was noticed.
    pub kind: Option<Kind>,
    /// Whom they concern.
    pub account: Option<AccountId>,
    /// At which merchant.
    pub merchant: Option<&'a str>,
}

/// Whose flags may be read.
#[derive(Debug, Clone, Copy)]
pub enum Readers<'a> {
    /// A reviewer's, or the auditor's: all.
    Desk(&'a Scope),
    /// Whom they concern: their own, once they were told.
    Own(&'a Scope),
}

/// A page of flags, the latest first, with one row more than the page.
///
/// # Errors
/// The database's.
pub async fn list(
    conn: &mut Connection,
    readers: Readers<'_>,
    filter: Filter<'_>,
    page: PageRequest,
) -> sqlx::Result<Vec<Shown>> {
    let after = page.after.map(|Cursor { at, id }| (at, id)).unzip();
    let (own, told): (Option<Uuid>, Vec<String>) = match readers {
        Readers::Desk(_) => (None, Vec::new()),
        Readers::Own(scope) => {
            let told = Status::ALL.iter().filter(|status| status.is_told());
            (Some(scope.account().0), told.map(|status| status.code().to_owned()).collect())
        }
    };
    let rows = sqlx::query!(
        r#"select flag.id as "id: FlagId", flag.version, flag.kind as "kind: Kind",
               flag.status as "status: Status", flag.account_id as "account: AccountId",
               whom.display_name as person,
               array(select display_name from account
                     where id = any(flag.parties) and id <> flag.account_id
                     order by id) as "others!",
               flag.merchant, flag.redemptions, flag.claims, flag.facts,
               flag.raised_at, first.display_name as "reviewer?", flag.reviewed_at, flag.reason,
               flag.appeal, flag.appealed_at, second.display_name as "decider?", flag.decided_at,
               flag.decision
           from fairness_flag flag
           join account whom on whom.id = flag.account_id
           left join account first on first.id = flag.reviewed_by
           left join account second on second.id = flag.decided_by
           where ($1::uuid is null or flag.account_id = $1 and flag.status = any($2))
               and ($3::uuid is null or flag.id = $3)
               and ($4::text is null or flag.status = $4)
               and ($5::text is null or flag.kind = $5)
               and ($6::uuid is null or flag.account_id = $6)
               and ($7::text is null or flag.merchant = $7)
               and ($8::timestamptz is null or (flag.raised_at, flag.id) < ($8, $9::uuid))
           order by flag.raised_at desc, flag.id desc
           limit $10"#,
        own,
        &told,
        filter.id.map(|id| id.0),
        filter.status.map(Status::code),
        filter.kind.map(Kind::code),
        filter.account.map(|account| account.0),
        filter.merchant,
        after.0,
        after.1,
        page.probe(),
    )
    .fetch_all(conn)
    .await?;
    let rows = rows.into_iter().map(|row| Shown {
        id: row.id,
        version: row.version,
        kind: row.kind,
        status: row.status,
        account: row.account,
        person: row.person,
        others: row.others,
        merchant: row.merchant,
        redemptions: row.redemptions.into_iter().map(RedemptionId).collect(),
        claims: row.claims.into_iter().map(ClaimId).collect(),
        facts: row.facts,
        raised_at: row.raised_at,
        reviewer: row.reviewer,
        reviewed_at: row.reviewed_at,
        reason: row.reason,
        appeal: row.appeal,
        appealed_at: row.appealed_at,
        decider: row.decider,
        decided_at: row.decided_at,
        decision: row.decision,
    });
    Ok(rows.collect())
}

/// How many flags of a kind stand where.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Count {
    /// What was noticed.
    pub kind: Kind,
    /// Where they stand.
    pub status: Status,
    /// How many.
    pub count: i64,
}

/// How many flags of each kind stand where; a pair without any is left out.
///
/// # Errors
/// The database's.
pub async fn counts(conn: &mut Connection, _: &Scope) -> sqlx::Result<Vec<Count>> {
    sqlx::query_as!(
        Count,
        r#"select kind as "kind: Kind", status as "status: Status", count(*) as "count!"
           from fairness_flag group by kind, status order by kind, status"#,
    )
    .fetch_all(conn)
    .await
}
