//! A person's points as they see them.

use domain::{
    id::LedgerTxId,
    page::{Cursor, PageRequest},
    points::{EntryKind, Movement, Source},
    scope::Scope,
    time::Timestamp,
};
use serde_json::Value;

use super::{super::Connection, Balance};

pub mod adjustment;
pub mod book;
pub mod community;
pub mod notice;
pub mod rule;

/// The caller's own balance; zero without an account.
///
/// # Errors
/// The database's.
pub async fn balance(conn: &mut Connection, scope: &Scope) -> sqlx::Result<Balance> {
    let found = sqlx::query_as!(
        Balance,
        r#"select posted as "posted!", held as "held!" from points_account where account_id = $1"#,
        scope.account().0,
    )
    .fetch_optional(conn)
    .await?;
    Ok(found.unwrap_or_default())
}

/// Points of the caller's that expire at one instant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Expiring {
    /// How many.
    pub points: i64,
    /// When.
    pub at: Timestamp,
}

/// The caller's points that expire before `until`, the first first.
///
/// # Errors
/// The database's.
pub async fn expiring(
    conn: &mut Connection,
    scope: &Scope,
    until: Timestamp,
) -> sqlx::Result<Vec<Expiring>> {
    sqlx::query_as!(
        Expiring,
        r#"select sum(remaining)::bigint as "points!", expires_at as at from point_lot
           where account = $1 and remaining > 0 and expires_at <= $2
           group by expires_at order by expires_at"#,
        scope.account().0,
        until,
    )
    .fetch_all(conn)
    .await
}

/// What the caller owes of points that were taken back after they had been spent.
///
/// # Errors
/// The database's.
pub async fn owed(conn: &mut Connection, scope: &Scope) -> sqlx::Result<i64> {
    sqlx::query_scalar!(
        r#"select coalesce(sum(remaining), 0)::bigint as "points!" from points_debt
           where account = $1 and remaining > 0"#,
        scope.account().0,
    )
    .fetch_one(conn)
    .await
}

/// A line of an account.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    /// The movement.
    pub id: LedgerTxId,
    /// What moved.
    pub kind: EntryKind,
    /// What gave the points; of a reversal, what had given those that it takes back.
    pub source: Option<Source>,
    /// How many; negative when they went away.
    pub points: i64,
    /// When.
    pub at: Timestamp,
    /// Codes and figures for its sentence.
    pub data: Value,
    /// The offer that was redeemed or refunded.
    pub offer: Option<String>,
    /// The rule by which an award was computed.
    pub rule_version: Option<String>,
    /// The movement that it takes back.
    pub reverses: Option<LedgerTxId>,
    /// Why somebody moved them by hand.
    pub reason: Option<String>,
    /// The document that this rests on.
    pub document: Option<String>,
}

impl Entry {
    /// What its sentence is made of.
    pub fn movement(&self) -> Movement<'_> {
        Movement {
            kind: self.kind,
            source: self.source,
            points: self.points,
            data: &self.data,
            offer: self.offer.as_deref(),
            reason: self.reason.as_deref(),
        }
    }

    /// Where it stands in the list.
    pub const fn cursor(&self) -> Cursor {
        Cursor { at: self.at, id: self.id.0 }
    }
}

/// A page of the caller's account, the latest first, with one row more than the page.
///
/// # Errors
/// The database's.
pub async fn entries(
    conn: &mut Connection,
    scope: &Scope,
    page: PageRequest,
) -> sqlx::Result<Vec<Entry>> {
    let after = page.after.map(|Cursor { at, id }| (at, id)).unzip();
    sqlx::query_as!(
        Entry,
        r#"select id as "id!: LedgerTxId", kind as "kind!: EntryKind", source as "source: Source",
               points as "points!", at as "at!", data as "data!", offer, rule_version,
               reverses as "reverses: LedgerTxId", reason, document
           from ledger_line
           where account = $1
               and ($2::timestamptz is null or (at, id) < ($2, $3::uuid))
           order by at desc, id desc
           limit $4"#,
        scope.account().0,
        after.0,
        after.1,
        page.probe(),
    )
    .fetch_all(conn)
    .await
}
