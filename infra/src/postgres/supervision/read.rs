//! Supervisions as they are read: by the unit that must answer, and by the centre.

use domain::{
    id::{ComplaintId, SupervisionId, TaskId, WhistleId},
    org::NodeCode,
    page::{Cursor, PageRequest},
    scope::Scope,
    supervision::{Level, Status},
    time::Timestamp,
};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::postgres::Connection;

/// 督办件
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct SupervisionView {
    /// 编号
    pub id: SupervisionId,
    /// 版本号，用于 If-Match
    pub version: i64,
    /// 状态
    pub status: Status,
    /// 状态的中文
    #[schema(example = "待书面答复")]
    pub status_text: &'static str,
    /// 级别
    pub level: Level,
    /// 级别的中文
    #[schema(example = "一级督办（致函单位主要负责人）")]
    pub level_text: &'static str,
    /// 哪件诉求
    pub complaint_id: Option<ComplaintId>,
    /// 哪次吹哨
    pub whistle_id: Option<WhistleId>,
    /// 立督办时该单位的任务
    pub task_id: TaskId,
    /// 诉求编号
    #[schema(example = "PC20261124000123")]
    pub number: Option<String>,
    /// 诉求或吹哨的标题
    pub title: String,
    /// 被督办单位
    pub unit: NodeCode,
    /// 被督办单位的名称
    pub unit_name: String,
    /// 督办要求；因书面通报逾期自动立件的为空
    pub demand: Option<String>,
    /// 是否由系统自动立件
    pub automatic: bool,
    /// 立件时间
    #[schema(value_type = String, format = DateTime)]
    pub created_at: Timestamp,
    /// 书面答复时限
    #[schema(value_type = String, format = DateTime)]
    pub answer_by: Timestamp,
    /// 书面答复
    pub answer: Option<String>,
    /// 答复时间
    #[schema(value_type = Option<String>, format = DateTime)]
    pub answered_at: Option<Timestamp>,
    /// 承诺的完成时间
    #[schema(value_type = Option<String>, format = DateTime)]
    pub promised_until: Option<Timestamp>,
    /// 被退回的次数
    pub send_backs: i16,
    /// 挂牌时间；没有挂牌的为空
    #[schema(value_type = Option<String>, format = DateTime)]
    pub listed_at: Option<Timestamp>,
    /// 办结或失效时间
    #[schema(value_type = Option<String>, format = DateTime)]
    pub ended_at: Option<Timestamp>,
}

impl SupervisionView {
    /// Where the next page starts when this is the last row.
    pub fn cursor(&self) -> Cursor {
        Cursor { at: self.created_at, id: self.id.0 }
    }
}

/// What a list is narrowed to.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    /// One supervision alone.
    pub id: Option<SupervisionId>,
    /// Where they stand.
    pub status: Option<Status>,
    /// Who demands.
    pub level: Option<Level>,
    /// On the list (挂牌), or not.
    pub listed: Option<bool>,
    /// Of one unit.
    pub unit: Option<NodeCode>,
}

/// Lists supervisions within the scope, newest first, one more than the page: a unit sees its own,
/// the centre all.
///
/// # Errors
/// The database is away.
pub async fn list(
    conn: &mut Connection,
    scope: &Scope,
    filter: &Filter,
    page: PageRequest,
) -> Result<Vec<SupervisionView>, sqlx::Error> {
    let rows = sqlx::query!(
        r#"select s.id as "id: SupervisionId", s.version, s.status as "status: Status",
               s.level as "level: Level", s.complaint_id as "complaint_id: ComplaintId",
               s.whistle_id as "whistle_id: WhistleId", s.task_id as "task_id: TaskId",
               c.number as "number?", coalesce(c.title, w.title) as "title!",
               s.unit as "unit: NodeCode", u.name as unit_name, s.demand,
               s.opened_by is null as "automatic!", s.opened_at, s.answer_by, s.answer,
               s.answered_at, s.promised_until, s.send_backs, s.listed_at, s.ended_at
           from supervision s
           join org_node u on u.code = s.unit
           left join complaint c on c.id = s.complaint_id
           left join whistle w on w.id = s.whistle_id
           where ($1 or s.unit = any($2))
               and ($3::uuid is null or s.id = $3)
               and ($4::text is null or s.status = $4)
               and ($5::text is null or s.level = $5)
               and ($6::boolean is null or (s.listed_at is not null) = $6)
               and ($7::text is null or s.unit = $7)
               and ($8::timestamptz is null or (s.opened_at, s.id) < ($8, $9))
           order by s.opened_at desc, s.id desc
           limit $10"#,
        scope.everything(),
        scope.units(),
        filter.id.map(|id| id.0),
        filter.status.map(Status::code),
        filter.level.map(Level::code),
        filter.listed,
        filter.unit.as_ref().map(NodeCode::as_str),
        page.after.map(|cursor| cursor.at),
        page.after.map_or(Uuid::nil(), |cursor| cursor.id),
        page.probe(),
    )
    .fetch_all(conn)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| SupervisionView {
            id: row.id,
            version: row.version,
            status: row.status,
            status_text: row.status.label(),
            level: row.level,
            level_text: row.level.label(),
            complaint_id: row.complaint_id,
            whistle_id: row.whistle_id,
            task_id: row.task_id,
            number: row.number,
            title: row.title,
            unit: row.unit,
            unit_name: row.unit_name,
            demand: row.demand,
            automatic: row.automatic,
            created_at: row.opened_at,
            answer_by: row.answer_by,
            answer: row.answer,
            answered_at: row.answered_at,
            promised_until: row.promised_until,
            send_backs: row.send_backs,
            listed_at: row.listed_at,
            ended_at: row.ended_at,
        })
        .collect())
}
