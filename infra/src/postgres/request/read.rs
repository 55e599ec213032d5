//! Requests as they are read. Names, phones and addresses come sealed: who may open them opens them.

use domain::{
    id::{ClaimId, PostId, ServiceRequestId},
    org::NodeCode,
    page::{Cursor, PageRequest},
    request::Status,
    scope::Scope,
    service::{Kind, Status as ClaimStatus},
    time::Timestamp,
};
use uuid::Uuid;

use super::Sealed;
use crate::postgres::Connection;

/// A request for whoever asked for it, and for the community that is asked.
#[derive(Debug, Clone)]
pub struct Row {
    /// Its id.
    pub id: ServiceRequestId,
    /// Its version.
    pub version: i64,
    /// Whether the reader asked for it.
    pub own: bool,
    /// Who asked, as they show.
    pub person: String,
    /// The community that is asked.
    pub community: NodeCode,
    /// The same by name.
    pub community_name: String,
    /// What it is about.
    pub kind: Kind,
    /// What it is called.
    pub title: String,
    /// What is needed.
    pub content: String,
    /// What is sealed.
    pub sealed: Sealed,
    /// When it would suit.
    pub wished: Option<(Timestamp, Timestamp)>,
    /// Where it stands.
    pub status: Status,
    /// When it was handed in.
    pub submitted_at: Timestamp,
    /// Why it was declined.
    pub reason: Option<String>,
    /// When it ended.
    pub ended_at: Option<Timestamp>,
    /// What the resident says of it.
    pub satisfaction: Option<i16>,
    /// The same in words.
    pub comment: Option<String>,
}

impl Row {
    /// Where the next page starts when this is the last row.
    pub fn cursor(&self) -> Cursor {
        Cursor { at: self.submitted_at, id: self.id.0 }
    }
}

/// Which requests are wanted.
#[derive(Debug, Clone, Copy, Default)]
pub struct Filter {
    /// One alone.
    pub id: Option<ServiceRequestId>,
    /// The caller's own alone; else those of the caller's communities alone.
    pub own: bool,
    /// In this state.
    pub status: Option<Status>,
}

/// Requests within the scope, the latest first, one more than the page.
///
/// # Errors
/// The database is away.
pub async fn list(
    conn: &mut Connection,
    scope: &Scope,
    filter: Filter,
    page: PageRequest,
) -> Result<Vec<Row>, sqlx::Error> {
    let rows = sqlx::query!(
        r#"select r.id as "id: ServiceRequestId", r.version, r.account_id = $1 as "own!",
               a.display_name as person, r.community_code as "community: NodeCode",
               o.name as community_name, r.kind as "kind: Kind", r.title, r.content, r.name_sealed,
               r.phone_sealed, r.address_sealed, r.wished_from, r.wished_until,
               r.status as "status: Status", r.submitted_at, r.reason, r.ended_at, r.satisfaction,
               r.comment
           from service_request r
           join account a on a.id = r.account_id
           join org_node o on o.code = r.community_code
           where (($2 and r.account_id = $1) or (not $2 and ($3 or r.community_code = any($4))))
               and ($5::uuid is null or r.id = $5)
               and ($6::text is null or r.status = $6)
               and ($7::timestamptz is null or (r.submitted_at, r.id) < ($7, $8::uuid))
           order by r.submitted_at desc, r.id desc
           limit $9"#,
        scope.account().0,
        filter.own,
        scope.organises(),
        scope.units(),
        filter.id.map(|id| id.0),
        filter.status.map(Status::code),
        page.after.map(|cursor| cursor.at),
        page.after.map_or(Uuid::nil(), |cursor| cursor.id),
        page.probe(),
    )
    .fetch_all(conn)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| Row {
            id: row.id,
            version: row.version,
            own: row.own,
            person: row.person,
            community: row.community,
            community_name: row.community_name,
            kind: row.kind,
            title: row.title,
            content: row.content,
            sealed: Sealed {
                name: row.name_sealed,
                phone: row.phone_sealed,
                address: row.address_sealed,
            },
            wished: row.wished_from.zip(row.wished_until),
            status: row.status,
            submitted_at: row.submitted_at,
            reason: row.reason,
            ended_at: row.ended_at,
            satisfaction: row.satisfaction,
            comment: row.comment,
        })
        .collect())
}

/// A post that was made of a request, and one person who takes it; none where nobody does yet.
#[derive(Debug, Clone)]
pub struct Taken {
    /// The post.
    pub post: PostId,
    /// When it begins.
    pub starts_at: Timestamp,
    /// When it ends.
    pub ends_at: Timestamp,
    /// Whether it was called off.
    pub cancelled: bool,
    /// The claim.
    pub claim: Option<ClaimId>,
    /// Where it stands.
    pub status: Option<ClaimStatus>,
    /// Who takes it, as they show.
    pub person: Option<String>,
    /// The minutes that were confirmed.
    pub minutes: Option<i32>,
}

/// The posts of a request with those who take them, in the order of their times. Call it for a
/// request that the caller may read.
///
/// # Errors
/// The database is away.
pub async fn taken(
    conn: &mut Connection,
    _scope: &Scope,
    request: ServiceRequestId,
) -> Result<Vec<Taken>, sqlx::Error> {
    sqlx::query_as!(
        Taken,
        r#"select p.id as "post: PostId", p.starts_at, p.ends_at,
               p.cancelled_at is not null as "cancelled!", c.id as "claim?: ClaimId",
               c.status as "status?: ClaimStatus", a.display_name as "person?",
               c.minutes as "minutes?"
           from post p
           left join claim c on c.post_id = p.id and c.status not in ('cancelled', 'waitlisted')
           left join account a on a.id = c.account_id
           where p.request_id = $1
           order by p.starts_at, p.id, c.line"#,
        request.0,
    )
    .fetch_all(conn)
    .await
}
