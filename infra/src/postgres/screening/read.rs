//! Screening, as whoever decides on it sees it.

use domain::{
    id::ComplaintId,
    page::{Cursor, PageRequest},
    scope::Scope,
    screening::{Reason, State},
    time::Timestamp,
};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::postgres::Connection;

/// 一件诉求的内容核验
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct ScreeningView {
    /// 诉求的 id
    pub id: ComplaintId,
    /// 诉求编号
    #[schema(example = "PC20261124000123")]
    pub number: String,
    /// 标题
    pub title: String,
    /// 内容
    pub content: String,
    /// 现在怎样
    pub state: State,
    /// 现在怎样，中文
    #[schema(example = "待人工核验")]
    pub state_text: &'static str,
    /// 为什么
    pub reason: Reason,
    /// 为什么，中文
    #[schema(example = "机器无法核验")]
    pub reason_text: &'static str,
    /// 微信给出的违规类型编号；没有结论时为空
    #[schema(example = 20006)]
    pub label: Option<i64>,
    /// 什么时候提交的
    #[schema(value_type = String, format = DateTime)]
    pub created_at: Timestamp,
    /// 什么时候有的结论
    #[schema(value_type = Option<String>, format = DateTime)]
    pub judged_at: Option<Timestamp>,
    /// 谁决定的；机器的为空
    pub judged_by: Option<String>,
    /// 决定的理由
    pub note: Option<String>,
}

impl ScreeningView {
    /// Where the next page starts when this is the last row.
    pub fn cursor(&self) -> Cursor {
        Cursor { at: self.created_at, id: self.id.0 }
    }
}

/// What of it is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Filter {
    /// One complaint's.
    pub id: Option<ComplaintId>,
    /// In one state.
    pub state: Option<State>,
}

/// A page, the oldest first: who waits longest is looked at first. Only whoever reads the whole
/// district reads any.
///
/// # Errors
/// The database is away.
pub async fn list(
    conn: &mut Connection,
    scope: &Scope,
    filter: Filter,
    page: PageRequest,
) -> Result<Vec<ScreeningView>, sqlx::Error> {
    let rows = sqlx::query!(
        r#"select s.complaint_id as "id: ComplaintId", c.number, c.title, c.content,
               s.state as "state: State", s.reason as "reason: Reason", s.label, s.created_at,
               s.judged_at, a.display_name as "judged_by?", s.note
           from screening s
           join complaint c on c.id = s.complaint_id
           left join account a on a.id = s.judged_by
           where $1 and ($2::uuid is null or s.complaint_id = $2) and ($3::text is null or s.state = $3)
               and ($4::timestamptz is null or (s.created_at, s.complaint_id) > ($4, $5))
           order by s.created_at, s.complaint_id
           limit $6"#,
        scope.everything(),
        filter.id.map(|id| id.0),
        filter.state.map(State::code),
        page.after.map(|cursor| cursor.at),
        page.after.map_or(Uuid::nil(), |cursor| cursor.id),
        page.probe(),
    )
    .fetch_all(conn)
    .await?;
    let view = rows.into_iter().map(|row| ScreeningView {
        id: row.id,
        number: row.number,
        title: row.title,
        content: row.content,
        state: row.state,
        state_text: row.state.label(),
        reason: row.reason,
        reason_text: row.reason.label(),
        label: row.label,
        created_at: row.created_at,
        judged_at: row.judged_at,
        judged_by: row.judged_by,
        note: row.note,
    });
    Ok(view.collect())
}
