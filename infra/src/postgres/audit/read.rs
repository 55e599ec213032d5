//! The trail as the auditor searches it.

use domain::{
    audit::Search,
    id::{AccountId, AuditId},
    identity::Role,
    page::{Cursor, PageRequest},
    scope::Scope,
    time::Timestamp,
};
use serde_json::Value;

use super::super::Connection;

/// An entry with who did it.
#[derive(Debug, Clone, PartialEq)]
pub struct Found {
    /// Its id.
    pub id: AuditId,
    /// Its place in the trail.
    pub seq: i64,
    /// When.
    pub at: Timestamp,
    /// Who; none for the command line and for people who are not logged in.
    pub account: Option<AccountId>,
    /// The name they log in by, if they are staff.
    pub username: Option<String>,
    /// What people see of them.
    pub display_name: Option<String>,
    /// In which role.
    pub role: Option<Role>,
    /// What was done.
    pub action: String,
    /// What kind of object.
    pub object: String,
    /// Which one.
    pub object_id: String,
    /// By which request.
    pub request_id: Option<String>,
    /// From where.
    pub address: Option<String>,
    /// Codes and what goes with them.
    pub data: Value,
    /// SHA-256 of the object's row as the entry before left it.
    pub before: Option<Vec<u8>>,
    /// SHA-256 of the object's row afterwards.
    pub after: Option<Vec<u8>>,
    /// The block that holds it, once it is sealed.
    pub block: Option<i64>,
}

impl Found {
    /// Where it stands in the list.
    pub const fn cursor(&self) -> Cursor {
        Cursor { at: self.at, id: self.id.0 }
    }
}

/// A page of what fits a search, newest first; nothing for whoever does not audit.
///
/// # Errors
/// The database's.
pub async fn search(
    conn: &mut Connection,
    scope: &Scope,
    search: &Search,
    page: PageRequest,
) -> sqlx::Result<Vec<Found>> {
    sqlx::query_as!(
        Found,
        r#"select e.id as "id: AuditId", e.seq, e.at, e.account_id as "account: AccountId",
            a.username as "username?", a.display_name as "display_name?", e.role as "role: Role",
            e.action, e.object, e.object_id, e.request_id, e.address, e.data, e.before, e.after,
            (select no from audit_block b where b.to_seq >= e.seq order by b.to_seq limit 1)
                as block
        from audit_entry e left join account a on a.id = e.account_id
        where $1::boolean
            and ($2::uuid is null or e.account_id = $2)
            and ($3::text is null or e.object = $3)
            and ($4::text is null or e.object_id = $4)
            and ($5::text is null or e.action = $5)
            and e.at >= coalesce($6::timestamptz, '-infinity')
            and e.at < coalesce($7::timestamptz, 'infinity')
            and ($8::timestamptz is null or (e.at, e.id) < ($8, $9))
        order by e.at desc, e.id desc
        limit $10"#,
        scope.audits(),
        search.account_id.map(|account| account.0),
        search.object,
        search.object_id,
        search.action,
        search.from,
        search.to,
        page.after.map(|Cursor { at, .. }| at),
        page.after.map(|Cursor { id, .. }| id),
        page.probe(),
    )
    .fetch_all(conn)
    .await
}
