//! The audit trail (审计): who did what to which object, from where. Append-only, written in the
//! transaction of what it records.

use domain::{
    id::{AccountId, AuditId},
    identity::{Actor, Role},
    time::{Month, Timestamp},
};
use serde_json::Value;

use super::Connection;
use crate::random;

pub mod chain;
pub mod read;

/// Where a request came from.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Origin {
    /// The request's id, as in its answer and in the log.
    pub request_id: Option<String>,
    /// The client's address.
    pub address: Option<String>,
    /// What the client calls itself, at most 200 characters; kept with a log-in and in no entry.
    pub user_agent: Option<String>,
}

/// An entry to be appended.
#[derive(Debug, Clone, PartialEq)]
pub struct AuditEntry<'a> {
    /// Who did it; none for the command line and for people who are not logged in.
    pub account: Option<AccountId>,
    /// In which role.
    pub role: Option<Role>,
    /// What was done, such as `account.disable`.
    pub action: &'static str,
    /// What kind of object, such as `account`.
    pub object: &'static str,
    /// Which one.
    pub object_id: String,
    /// From where.
    pub origin: &'a Origin,
    /// Codes and hashes of before and after, and the reason of an unmasking; no personal data.
    pub data: Value,
}

impl<'a> AuditEntry<'a> {
    /// An entry without an actor and without data.
    pub fn new(
        action: &'static str,
        object: &'static str,
        object_id: impl std::fmt::Display + Copy,
        origin: &'a Origin,
    ) -> Self {
        let object_id = object_id.to_string();
        Self { account: None, role: None, action, object, object_id, origin, data: Value::Null }
    }

    /// Done by this account; nobody's where there is none.
    #[must_use]
    pub fn by<'p>(mut self, actor: impl Into<Option<&'p Actor>>) -> Self {
        let actor = actor.into();
        self.account = actor.map(|actor| actor.account);
        self.role = actor.and_then(Actor::role);
        self
    }

    /// With codes and hashes.
    #[must_use]
    pub fn with(mut self, data: Value) -> Self {
        self.data = data;
        self
    }
}

/// Appends an entry. With it goes the SHA-256 of the object's row as it stands now, where the object
/// is a row: append after the change.
///
/// # Errors
/// The database's.
pub async fn append(
    conn: &mut Connection,
    entry: &AuditEntry<'_>,
    now: Timestamp,
) -> sqlx::Result<()> {
    let month = Month::of(now);
    let (since, until) = month.bounds();
    sqlx::query_scalar!(
        "select audit_append($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)",
        random::id::<AuditId>(now).0,
        now,
        entry.account.map(|account| account.0),
        entry.role.map(Role::code),
        entry.action,
        entry.object,
        entry.object_id,
        entry.origin.request_id,
        entry.origin.address,
        entry.data,
        month.to_string(),
        since,
        until,
    )
    .fetch_one(conn)
    .await?;
    Ok(())
}

/// Makes the table of a month's entries, unless it is there.
///
/// # Errors
/// The database's.
pub async fn make_month(conn: &mut Connection, month: Month) -> sqlx::Result<()> {
    let (since, until) = month.bounds();
    sqlx::query!("select audit_make_month($1, $2, $3)", month.to_string(), since, until)
        .execute(conn)
        .await?;
    Ok(())
}
