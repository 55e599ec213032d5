//! Awards in public notice, as they are shown.

use domain::{
    id::{AccountId, PointsNoticeId},
    org::NodeCode,
    page::{Cursor, PageRequest},
    points::{NoticeStatus, Source},
    time::Timestamp,
};
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use crate::postgres::Connection;

/// An award in notice as it is shown; the name is masked by whoever shows it.
#[derive(Debug, Clone, PartialEq)]
pub struct Shown {
    /// Its id.
    pub id: PointsNoticeId,
    /// Which state of it.
    pub version: i64,
    /// Whose.
    pub account: AccountId,
    /// The person's name in full.
    pub name: String,
    /// What for.
    pub source: Source,
    /// How many points.
    pub points: i64,
    /// Codes and figures of it.
    pub data: Value,
    /// Where.
    pub community: Option<NodeCode>,
    /// That community's name.
    pub community_name: Option<String>,
    /// Where it stands.
    pub status: NoticeStatus,
    /// When it was put up.
    pub noticed_at: Timestamp,
    /// When the notice ends.
    pub ends_at: Timestamp,
    /// Why an objection was upheld, or not.
    pub note: Option<String>,
}

impl Shown {
    /// Where the next page starts when this is the last row.
    pub const fn cursor(&self) -> Cursor {
        Cursor { at: self.noticed_at, id: self.id.0 }
    }
}

/// What is looked for.
#[derive(Debug, Clone, Copy, Default)]
pub struct Filter<'a> {
    /// One alone.
    pub id: Option<PointsNoticeId>,
    /// In a community.
    pub community: Option<&'a NodeCode>,
    /// Where they stand.
    pub status: Option<NoticeStatus>,
    /// One person's that wait.
    pub waiting_for: Option<AccountId>,
    /// Only what is shown to everybody: what has ended is nobody's business any more.
    pub running: bool,
}

/// Awards in notice, the latest first, one more than the page: they are there to be seen.
///
/// # Errors
/// The database's.
pub async fn list(
    conn: &mut Connection,
    filter: Filter<'_>,
    page: PageRequest,
) -> sqlx::Result<Vec<Shown>> {
    let after = page.after.map(|Cursor { at, id }| (at, id)).unzip();
    sqlx::query_as!(
        Shown,
        r#"select one.id as "id: PointsNoticeId", one.version, account as "account: AccountId",
               account.display_name as name, source as "source: Source", points, data,
               community_code as "community: NodeCode", org_node.name as "community_name?",
               status as "status: NoticeStatus", noticed_at, ends_at, note
           from points_notice as one
           join account on account.id = one.account
           left join org_node on org_node.code = one.community_code
           where ($1::uuid is null or one.id = $1)
               and ($2::text is null or community_code = $2)
               and ($3::text is null or status = $3)
               and ($4::uuid is null or (one.account = $4 and status in ('open', 'objected')))
               and (not $7 or status in ('open', 'objected'))
               and ($5::timestamptz is null or (noticed_at, one.id) < ($5, $6::uuid))
           order by noticed_at desc, one.id desc limit $8"#,
        filter.id.map(|id| id.0),
        filter.community.map(NodeCode::as_str),
        filter.status.map(NoticeStatus::code),
        filter.waiting_for.map(|account| account.0),
        after.0,
        after.1,
        filter.running,
        page.probe(),
    )
    .fetch_all(conn)
    .await
}

/// 对公示的异议
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct ObjectionView {
    /// 理由
    #[schema(example = "这一天我在场，他没有参加")]
    pub reason: String,
    /// 提出的时间
    #[schema(value_type = String, format = DateTime)]
    pub at: Timestamp,
}

/// The objections to an award, the first first, without who objects: whoever decides looks at what is
/// said.
///
/// # Errors
/// The database's.
pub async fn objections(
    conn: &mut Connection,
    notice: PointsNoticeId,
) -> sqlx::Result<Vec<ObjectionView>> {
    sqlx::query_as!(
        ObjectionView,
        "select reason, at from points_objection where notice = $1 order by at, id",
        notice.0,
    )
    .fetch_all(conn)
    .await
}
