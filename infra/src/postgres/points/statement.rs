//! One account over a stretch of time, and the books as a whole, for whoever keeps them.

use domain::{
    id::{AccountId, LedgerTxId},
    points::{EntryKind, Source},
    time::Timestamp,
};
use uuid::Uuid;

use super::{super::Connection, read::Entry};

/// Whose account.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Of<'a> {
    /// A person's.
    Person(AccountId),
    /// A merchant's, by its code.
    Merchant(&'a str),
    /// A community's, by its code.
    Community(&'a str),
}

/// The id of an account; `None` when it was never opened.
///
/// # Errors
/// The database's.
pub async fn account(conn: &mut Connection, of: Of<'_>) -> sqlx::Result<Option<Uuid>> {
    let (person, merchant, community) = match of {
        Of::Person(id) => (Some(id.0), None, None),
        Of::Merchant(code) => (None, Some(code), None),
        Of::Community(code) => (None, None, Some(code)),
    };
    sqlx::query_scalar!(
        "select id from points_account where account_id = $1 or merchant = $2 or community = $3",
        person,
        merchant,
        community,
    )
    .fetch_optional(conn)
    .await
}

/// What an account came to before an instant.
///
/// # Errors
/// The database's.
pub async fn before(conn: &mut Connection, account: Uuid, at: Timestamp) -> sqlx::Result<i64> {
    sqlx::query_scalar!(
        r#"select coalesce(sum(amount), 0)::bigint as "points!" from ledger_entry
           where account = $1 and at < $2"#,
        account,
        at,
    )
    .fetch_one(conn)
    .await
}

/// The entries of an account in `from..to`, the first first.
///
/// # Errors
/// The database's.
pub async fn lines(
    conn: &mut Connection,
    account: Uuid,
    from: Timestamp,
    to: Timestamp,
) -> sqlx::Result<Vec<Entry>> {
    sqlx::query_as!(
        Entry,
        r#"select tx.id as "id: LedgerTxId", tx.kind as "kind: EntryKind",
               coalesce(tx.source, first.source) as "source: Source", entry.amount as points,
               entry.at, tx.data, offer.title as "offer?", tx.rule_version,
               tx.reverses as "reverses: LedgerTxId", why.reason as "reason?", why.document as "document?"
           from ledger_entry as entry
           join ledger_tx as tx on tx.id = entry.tx
           left join ledger_tx as first on first.id = tx.reverses
           left join ledger_reason as why on why.tx = tx.id
           left join hold on hold.id = coalesce(tx.reverses, tx.id)
           left join offer on offer.id = hold.offer
           where entry.account = $1 and entry.at >= $2 and entry.at < $3
           order by entry.at, entry.tx, entry.seq"#,
        account,
        from,
        to,
    )
    .fetch_all(conn)
    .await
}

/// The books as a whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Totals {
    /// Movements.
    pub movements: i64,
    /// Entries.
    pub entries: i64,
    /// Points given, less what was taken back to where they came from.
    pub issued: i64,
    /// Points that people have.
    pub people: i64,
    /// Of these, held for codes that wait.
    pub held: i64,
    /// Points redeemed, owed to merchants.
    pub merchants: i64,
    /// Points that ran out.
    pub expired: i64,
    /// Points in the account of adjustments.
    pub adjusted: i64,
    /// Points that communities have.
    pub communities: i64,
    /// Points that people owe.
    pub owed: i64,
}

/// Adds up the entries of all accounts by kind.
///
/// # Errors
/// The database's.
pub async fn totals(conn: &mut Connection) -> sqlx::Result<Totals> {
    sqlx::query_as!(
        Totals,
        r#"select (select count(*) from ledger_tx) as "movements!", count(*) as "entries!",
               coalesce(-sum(amount) filter (where kind = 'issuance'), 0)::bigint as "issued!",
               coalesce(sum(amount) filter (where kind = 'user'), 0)::bigint as "people!",
               (select coalesce(sum(held), 0)::bigint from points_account) as "held!",
               coalesce(sum(amount) filter (where kind = 'merchant'), 0)::bigint as "merchants!",
               coalesce(sum(amount) filter (where kind = 'expiry'), 0)::bigint as "expired!",
               coalesce(sum(amount) filter (where kind = 'adjustment'), 0)::bigint as "adjusted!",
               coalesce(sum(amount) filter (where kind = 'community'), 0)::bigint as "communities!",
               coalesce(-sum(amount) filter (where kind = 'receivable'), 0)::bigint as "owed!"
           from ledger_entry join points_account on points_account.id = ledger_entry.account"#,
    )
    .fetch_one(conn)
    .await
}
