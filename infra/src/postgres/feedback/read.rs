//! Opinions as they are read: by whoever wrote them, and by whoever handles them.

use domain::{
    feedback::{Kind, Status},
    id::{AttachmentId, FeedbackId},
    page::{Cursor, PageRequest},
    scope::Scope,
    time::{Month, Timestamp},
};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::postgres::Connection;

/// An opinion's row. What is sealed is opened by whoever may show it.
#[derive(Debug, Clone)]
pub struct Row {
    /// Its id.
    pub id: FeedbackId,
    /// The number that people read.
    pub number: String,
    /// What `If-Match` compares.
    pub version: i64,
    /// What it is about.
    pub kind: Kind,
    /// Where it stands.
    pub status: Status,
    /// In the writer's words.
    pub text: String,
    /// Where in the application.
    pub page: Option<String>,
    /// In which version of it.
    pub app_version: Option<String>,
    /// How to reach the writer, sealed.
    pub contact_sealed: Option<Vec<u8>>,
    /// A forbidden word stands in it.
    pub flagged: bool,
    /// When it came.
    pub submitted_at: Timestamp,
    /// When somebody first said something on it.
    pub answered_at: Option<Timestamp>,
    /// The reader wrote it.
    pub own: bool,
    /// Its photos that are not hidden.
    pub pictures: Vec<AttachmentId>,
}

impl Row {
    /// Where the next page starts when this is the last row.
    pub fn cursor(&self) -> Cursor {
        Cursor { at: self.submitted_at, id: self.id.0 }
    }
}

/// 对意见的一次答复
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct FeedbackAnswer {
    /// 答复之后的状态
    pub status: Option<Status>,
    /// 答复的内容
    #[schema(example = "签到页的问题已在新版本中修复，请更新后再试。")]
    pub text: Option<String>,
    /// 时间
    #[schema(value_type = String, format = DateTime)]
    pub at: Timestamp,
}

/// Which opinions.
#[derive(Debug, Clone, Copy, Default)]
pub struct Filter {
    /// One alone.
    pub id: Option<FeedbackId>,
    /// Of the reader's own only.
    pub own: bool,
    /// About this.
    pub kind: Option<Kind>,
    /// Standing there.
    pub status: Option<Status>,
}

/// Opinions within the scope, the latest first, one more than the page: one's own; all for the
/// administrator; what burdens people for those who watch over the centre.
///
/// # Errors
/// The database is away.
pub async fn list(
    conn: &mut Connection,
    scope: &Scope,
    filter: Filter,
    page: PageRequest,
) -> Result<Vec<Row>, sqlx::Error> {
    read(conn, (Some(scope), None), filter, page).await
}

/// The one opinion whose number and query code were shown.
///
/// # Errors
/// The database is away.
pub async fn tracked(conn: &mut Connection, id: FeedbackId) -> Result<Option<Row>, sqlx::Error> {
    let one = PageRequest { after: None, limit: domain::page::Limit::DEFAULT };
    Ok(read(conn, (None, Some(id)), Filter::default(), one).await?.pop())
}

async fn read(
    conn: &mut Connection,
    (scope, tracked): (Option<&Scope>, Option<FeedbackId>),
    filter: Filter,
    page: PageRequest,
) -> Result<Vec<Row>, sqlx::Error> {
    sqlx::query_as!(
        Row,
        r#"select f.id as "id: FeedbackId", f.number, f.version, f.kind as "kind: Kind",
               f.status as "status: Status", f.text, f.page, f.app_version, f.contact_sealed, f.flagged,
               f.submitted_at, f.answered_at,
               coalesce(f.account_id = $1 or f.id = $2, false) as "own!",
               array(select a.id from attachment a
                   where a.target_id = f.id and a.check_state <> 'hidden' order by a.position)
                   as "pictures!: Vec<AttachmentId>"
           from feedback f
           where (f.account_id = $1 or f.id = $2
                   or not $3 and ($4 or $5 and f.kind = 'burden'))
               and ($6::uuid is null or f.id = $6)
               and ($7::text is null or f.kind = $7)
               and ($8::text is null or f.status = $8)
               and ($9::timestamptz is null or (f.submitted_at, f.id) < ($9, $10))
           order by f.submitted_at desc, f.id desc
           limit $11"#,
        scope.map(|scope| scope.account().0),
        tracked.map(|id| id.0),
        filter.own,
        scope.is_some_and(Scope::administers),
        scope.is_some_and(Scope::supervises),
        filter.id.map(|id| id.0),
        filter.kind.map(Kind::code),
        filter.status.map(Status::code),
        page.after.map(|cursor| cursor.at),
        page.after.map_or(Uuid::nil(), |cursor| cursor.id),
        page.probe(),
    )
    .fetch_all(conn)
    .await
}

/// What was said on an opinion that its reader was let see, in order.
///
/// # Errors
/// The database is away.
pub async fn answers(
    conn: &mut Connection,
    id: FeedbackId,
) -> Result<Vec<FeedbackAnswer>, sqlx::Error> {
    let rows = sqlx::query!(
        "select at, data ->> 'status' as status, note from event
         where subject_id = $1 and kind = 'feedback_answered' order by seq",
        id.0,
    )
    .fetch_all(conn)
    .await?;
    let answer = |status: Option<String>, text, at| FeedbackAnswer {
        status: status.and_then(|status| status.parse().ok()),
        text,
        at,
    };
    Ok(rows.into_iter().map(|row| answer(row.status, row.note, row.at)).collect())
}

/// 一类意见在一个月里的件数
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct FeedbackCount {
    /// 类别
    pub kind: Kind,
    /// 收到
    pub received: i64,
    /// 其中已有答复或处理结果
    pub answered: i64,
    /// 其中已改进
    pub done: i64,
}

/// How many opinions of each kind came in a month.
///
/// # Errors
/// The database is away.
pub async fn counts(
    conn: &mut Connection,
    month: Month,
) -> Result<Vec<FeedbackCount>, sqlx::Error> {
    let (from, to) = month.bounds();
    let kinds: Vec<String> = Kind::ALL.iter().map(|kind| kind.code().to_owned()).collect();
    sqlx::query_as!(
        FeedbackCount,
        r#"select wanted.kind as "kind!: Kind", count(f.id) as "received!",
               count(f.answered_at) as "answered!",
               count(f.id) filter (where f.status = 'done') as "done!"
           from unnest($1::text[]) with ordinality as wanted (kind, place)
           left join feedback f on f.kind = wanted.kind and f.submitted_at >= $2 and f.submitted_at < $3
           group by wanted.kind, wanted.place
           order by wanted.place"#,
        &kinds,
        from,
        to,
    )
    .fetch_all(conn)
    .await
}
