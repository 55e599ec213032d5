//! A community's points, for those who work in it and those who keep points.

use domain::{
    id::LedgerTxId,
    org::NodeCode,
    page::{Cursor, PageRequest},
    points::EntryKind,
    time::Timestamp,
};

use super::Expiring;
use crate::postgres::Connection;

/// What a community has, by when it runs out, the first first; nothing where nobody gave it any.
///
/// # Errors
/// The database's.
pub async fn lots(
    conn: &mut Connection,
    community: &NodeCode,
    now: Timestamp,
) -> sqlx::Result<Vec<Expiring>> {
    sqlx::query_as!(
        Expiring,
        r#"select sum(remaining)::bigint as "points!", expires_at as at
           from point_lot join points_account as owner on owner.id = point_lot.account
           where owner.community = $1 and remaining > 0 and expires_at > $2
           group by expires_at order by expires_at"#,
        community.as_str(),
        now,
    )
    .fetch_all(conn)
    .await
}

/// A line of a community's account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// The movement.
    pub id: LedgerTxId,
    /// What moved.
    pub kind: EntryKind,
    /// How many; negative when they went away.
    pub points: i64,
    /// Why the community gave them.
    pub reason: Option<String>,
    /// When.
    pub at: Timestamp,
}

impl Line {
    /// Where the next page starts when this is the last row.
    pub const fn cursor(&self) -> Cursor {
        Cursor { at: self.at, id: self.id.0 }
    }
}

/// The lines of a community's account, the latest first, one more than the page; who gave and who got
/// does not stand there.
///
/// # Errors
/// The database's.
pub async fn lines(
    conn: &mut Connection,
    community: &NodeCode,
    page: PageRequest,
) -> sqlx::Result<Vec<Line>> {
    let after = page.after.map(|Cursor { at, id }| (at, id)).unzip();
    sqlx::query_as!(
        Line,
        r#"select tx.id as "id: LedgerTxId", tx.kind as "kind: EntryKind", entry.amount as points,
               donation.reason, entry.at
           from points_account as owner
           join ledger_entry as entry on entry.account = owner.id
           join ledger_tx as tx on tx.id = entry.tx
           left join donation on donation.tx = tx.id
           where owner.community = $1
               and ($2::timestamptz is null or (entry.at, entry.tx) < ($2, $3::uuid))
           order by entry.at desc, entry.tx desc limit $4"#,
        community.as_str(),
        after.0,
        after.1,
        page.probe(),
    )
    .fetch_all(conn)
    .await
}

/// Whether a code is a community's or a village's.
///
/// # Errors
/// The database's.
pub async fn exists(conn: &mut Connection, code: &NodeCode) -> sqlx::Result<bool> {
    sqlx::query_scalar!(
        r#"select exists (
               select from org_node where code = $1 and kind in ('community', 'village')
           ) as "is!""#,
        code.as_str(),
    )
    .fetch_one(conn)
    .await
}
