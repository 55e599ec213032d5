//! Consultations as they are read: by the invited units and the centre.

use domain::{
    consultation::{Cause, Level, Status},
    id::{ComplaintId, ConsultationId},
    org::NodeCode,
    page::{Cursor, PageRequest},
    scope::Scope,
    time::Timestamp,
};
use serde::{Deserialize, Serialize};
use sqlx::types::Json;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::postgres::Connection;

/// 会商
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct ConsultationView {
    /// 编号
    pub id: ConsultationId,
    /// 会商的诉求
    pub complaint_id: ComplaintId,
    /// 诉求编号
    #[schema(example = "PC20261124000123")]
    pub number: String,
    /// 诉求标题
    pub title: String,
    /// 状态
    pub status: Status,
    /// 状态的中文
    pub status_text: &'static str,
    /// 由谁召集
    pub level: Level,
    /// 由谁召集的中文
    pub level_text: &'static str,
    /// 为什么会商
    pub cause: Cause,
    /// 要议定的事
    pub question: String,
    /// 版本号，用于 If-Match
    pub version: i64,
    /// 发起时间
    #[schema(value_type = String, format = DateTime)]
    pub opened_at: Timestamp,
    /// 裁定时限
    #[schema(value_type = String, format = DateTime)]
    pub decide_by: Timestamp,
    /// 受邀单位和陈述
    pub seats: Vec<SeatView>,
    /// 裁定；没有裁定时为空
    pub ruling: Option<RulingView>,
}

impl ConsultationView {
    /// Where the next page starts when this is the last row.
    pub fn cursor(&self) -> Cursor {
        Cursor { at: self.opened_at, id: self.id.0 }
    }
}

/// 受邀单位
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct SeatView {
    /// 单位代码
    pub unit: NodeCode,
    /// 单位名称
    pub unit_name: String,
    /// 陈述的意见；还没有陈述时为空
    pub statement: Option<String>,
    /// 陈述时间
    #[schema(value_type = Option<String>, format = DateTime)]
    pub stated_at: Option<Timestamp>,
}

/// 裁定
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(as = ConsultationRulingView)]
pub struct RulingView {
    /// 内容
    pub text: String,
    /// 依据
    pub legal_basis: Option<String>,
    /// 主办单位
    pub lead: NodeCode,
    /// 协办单位
    pub assist: Vec<NodeCode>,
    /// 写明的答复时限
    #[schema(value_type = Option<String>, format = DateTime)]
    pub reply_by: Option<Timestamp>,
    /// 裁定时间
    #[schema(value_type = String, format = DateTime)]
    pub decided_at: Timestamp,
}

/// What a list is narrowed to.
#[derive(Debug, Clone, Copy, Default)]
pub struct Filter {
    /// One alone.
    pub id: Option<ConsultationId>,
    /// Of one complaint.
    pub complaint: Option<ComplaintId>,
    /// Where they stand.
    pub status: Option<Status>,
}

/// Lists consultations within the scope, newest first, one more than the page.
///
/// # Errors
/// The database is away.
pub async fn list(
    conn: &mut Connection,
    scope: &Scope,
    filter: Filter,
    page: PageRequest,
) -> Result<Vec<ConsultationView>, sqlx::Error> {
    let rows = sqlx::query!(
        r#"select m.id as "id: ConsultationId", m.complaint_id as "complaint_id: ComplaintId",
               c.number, c.title, m.status as "status: Status", m.level as "level: Level",
               m.cause as "cause: Cause", m.question, m.version, m.opened_at, m.decide_by,
               m.decided_at, m.decision, m.legal_basis, m.lead as "lead: NodeCode",
               m.assist as "assist: Vec<NodeCode>", m.reply_by,
               (select json_agg(json_build_object('unit', s.unit, 'unit_name', u.name,
                       'statement', s.statement, 'stated_at', s.stated_at) order by s.unit)
                   from consultation_seat s join org_node u on u.code = s.unit
                   where s.consultation_id = m.id
               ) as "seats!: Json<Vec<SeatView>>"
           from consultation m
           join complaint c on c.id = m.complaint_id
           where ($1 or exists (
                   select from consultation_seat s
                   where s.consultation_id = m.id and s.unit = any($2)))
               and ($3::uuid is null or m.id = $3)
               and ($4::uuid is null or m.complaint_id = $4)
               and ($5::text is null or m.status = $5)
               and ($6::timestamptz is null or (m.opened_at, m.id) < ($6, $7))
           order by m.opened_at desc, m.id desc
           limit $8"#,
        scope.everything(),
        scope.units(),
        filter.id.map(|id| id.0),
        filter.complaint.map(|id| id.0),
        filter.status.map(Status::code),
        page.after.map(|cursor| cursor.at),
        page.after.map_or(Uuid::nil(), |cursor| cursor.id),
        page.probe(),
    )
    .fetch_all(conn)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| ConsultationView {
            id: row.id,
            complaint_id: row.complaint_id,
            number: row.number,
            title: row.title,
            status: row.status,
            status_text: row.status.label(),
            level: row.level,
            level_text: row.level.label(),
            cause: row.cause,
            question: row.question,
            version: row.version,
            opened_at: row.opened_at,
            decide_by: row.decide_by,
            seats: row.seats.0,
            ruling: match (row.decision, row.lead, row.decided_at) {
                (Some(text), Some(lead), Some(decided_at)) => Some(RulingView {
                    text,
                    legal_basis: row.legal_basis,
                    lead,
                    assist: row.assist,
                    reply_by: row.reply_by,
                    decided_at,
                }),
                _ => None,
            },
        })
        .collect())
}
