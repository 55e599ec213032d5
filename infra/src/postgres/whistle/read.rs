//! Whistles as they are read: by whoever blew them, their subdistrict, the units called, and the
//! centre.

use domain::{
    id::{ComplaintId, TaskId, WhistleId},
    org::NodeCode,
    page::{Cursor, PageRequest},
    scope::Scope,
    task,
    time::Timestamp,
    whistle::{Kind, Level, Status},
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::postgres::Connection;

pub mod watch;

/// 吹哨
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct WhistleView {
    /// 编号
    pub id: WhistleId,
    /// 状态
    pub status: Status,
    /// 状态的中文
    #[schema(example = "已吹哨")]
    pub status_text: &'static str,
    /// 版本号，用于 If-Match
    pub version: i64,
    /// 来自哪件诉求
    pub complaint_id: Option<ComplaintId>,
    /// 种类，决定时限
    pub kind: Kind,
    /// 级别，决定谁到场
    pub level: Level,
    /// 标题
    pub title: String,
    /// 内容
    pub content: String,
    /// 社区或村
    pub community_code: NodeCode,
    /// 社区或村的名称
    pub community_name: String,
    /// 吹哨单位
    pub blower: NodeCode,
    /// 主办单位
    pub lead: NodeCode,
    /// 协办单位
    pub assist: Vec<NodeCode>,
    /// 起草时间
    #[schema(value_type = String, format = DateTime)]
    pub created_at: Timestamp,
    /// 审核时间
    #[schema(value_type = Option<String>, format = DateTime)]
    pub reviewed_at: Option<Timestamp>,
    /// 审核是否通过
    pub approved: Option<bool>,
    /// 吹哨时间
    #[schema(value_type = Option<String>, format = DateTime)]
    pub blown_at: Option<Timestamp>,
    /// 销哨时间
    #[schema(value_type = Option<String>, format = DateTime)]
    pub stood_down_at: Option<Timestamp>,
    /// 各单位的任务
    pub tasks: Vec<CalledUnit>,
    /// 评哨
    pub appraisals: Vec<AppraisalView>,
    /// 反向评价
    pub ratings: Vec<RatingView>,
}

impl WhistleView {
    /// Where the next page starts when this is the last row.
    pub fn cursor(&self) -> Cursor {
        Cursor { at: self.created_at, id: self.id.0 }
    }
}

/// 一个单位的任务
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct CalledUnit {
    /// 任务编号
    pub id: TaskId,
    /// 单位代码
    pub unit: NodeCode,
    /// 单位名称
    pub unit_name: String,
    /// 主办或协办
    pub role: task::Role,
    /// 任务状态
    pub status: task::Status,
    /// 到场时间
    #[schema(value_type = Option<String>, format = DateTime)]
    pub arrived_at: Option<Timestamp>,
}

/// 评哨
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct AppraisalView {
    /// 单位代码
    pub unit: NodeCode,
    /// 报到效率，1–5
    pub speed: i16,
    /// 办理情况，1–5
    pub handling: i16,
    /// 结果满意度，1–5
    pub result: i16,
    /// 评语
    pub comment: Option<String>,
}

/// 反向评价
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct RatingView {
    /// 单位代码
    pub unit: NodeCode,
    /// 必要，1–5
    pub needed: i16,
    /// 清楚，1–5
    pub clear: i16,
    /// 评语
    pub comment: Option<String>,
}

/// What a list is narrowed to.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    /// One whistle alone.
    pub id: Option<WhistleId>,
    /// Where they stand.
    pub status: Option<Status>,
    /// A division; its whole subtree counts.
    pub community: Option<NodeCode>,
    /// Of one complaint.
    pub complaint: Option<ComplaintId>,
}

/// Lists whistles within the scope, newest first, one more than the page. A unit that was called
/// sees a whistle from when it is blown.
///
/// # Errors
/// The database is away.
pub async fn list(
    conn: &mut Connection,
    scope: &Scope,
    filter: &Filter,
    page: PageRequest,
) -> Result<Vec<WhistleView>, sqlx::Error> {
    let rows = sqlx::query!(
        r#"select w.id as "id: WhistleId", w.status as "status: Status", w.version,
               w.complaint_id as "complaint_id: ComplaintId", w.kind as "kind: Kind",
               w.level as "level: Level", w.title, w.content,
               w.community_code as "community_code: NodeCode", place.name as community_name,
               w.blower as "blower: NodeCode", w.lead as "lead: NodeCode",
               w.assist as "assist: Vec<NodeCode>", w.drafted_at, w.reviewed_at, w.approved,
               w.blown_at, w.stood_down_at,
               coalesce((
                   select json_agg(json_build_object('id', t.id, 'unit', t.unit, 'unit_name', u.name,
                           'role', t.role, 'status', t.status, 'arrived_at', t.arrived_at)
                       order by t.line, t.dispatched_at)
                   from task t join org_node u on u.code = t.unit
                   where t.whistle_id = w.id and t.status <> 'returned'
               ), '[]') as "tasks!: sqlx::types::Json<Vec<CalledUnit>>",
               coalesce((
                   select json_agg(json_build_object('unit', a.unit, 'speed', a.speed,
                           'handling', a.handling, 'result', a.result, 'comment', a.comment)
                       order by a.unit)
                   from appraisal a where a.whistle_id = w.id
                       and ($1 or w.blower = any($3) or a.unit = any($3))
               ), '[]') as "appraisals!: sqlx::types::Json<Vec<AppraisalView>>",
               coalesce((
                   select json_agg(json_build_object('unit', r.unit, 'needed', r.needed,
                           'clear', r.clear, 'comment', r.comment)
                       order by r.unit)
                   from whistle_rating r where r.whistle_id = w.id
                       and ($1 or w.blower = any($3) or r.unit = any($3))
               ), '[]') as "ratings!: sqlx::types::Json<Vec<RatingView>>"
           from whistle w join org_node place on place.code = w.community_code
           where ($1 or w.community_code like any($2)
                   or exists (select from task t where t.whistle_id = w.id
                       and (t.unit = any($3) or t.body = any($3))))
               and ($4::uuid is null or w.id = $4)
               and ($5::text is null or w.status = $5)
               and ($6::text is null or w.community_code like $6 || '%')
               and ($7::uuid is null or w.complaint_id = $7)
               and ($8::timestamptz is null or (w.drafted_at, w.id) < ($8, $9))
           order by w.drafted_at desc, w.id desc
           limit $10"#,
        scope.everything(),
        &scope.area_patterns(),
        scope.units(),
        filter.id.map(|id| id.0),
        filter.status.map(Status::code),
        filter.community.as_ref().map(NodeCode::as_str),
        filter.complaint.map(|id| id.0),
        page.after.map(|cursor| cursor.at),
        page.after.map_or(Uuid::nil(), |cursor| cursor.id),
        page.probe(),
    )
    .fetch_all(conn)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| WhistleView {
            id: row.id,
            status: row.status,
            status_text: row.status.label(),
            version: row.version,
            complaint_id: row.complaint_id,
            kind: row.kind,
            level: row.level,
            title: row.title,
            content: row.content,
            community_code: row.community_code,
            community_name: row.community_name,
            blower: row.blower,
            lead: row.lead,
            assist: row.assist,
            created_at: row.drafted_at,
            reviewed_at: row.reviewed_at,
            approved: row.approved,
            blown_at: row.blown_at,
            stood_down_at: row.stood_down_at,
            tasks: row.tasks.0,
            appraisals: row.appraisals.0,
            ratings: row.ratings.0,
        })
        .collect())
}
