//! Pairings and their matters as they are read: a community its own, a liaison those of the unit's
//! cadres, the organisers, leaders and auditors all.

use chrono::NaiveDate;
use domain::{
    id::{CadrePairingId, ComplaintId, MatterId, WhistleId},
    org::NodeCode,
    page::{Cursor, PageRequest},
    pairing::Status,
    scope::Scope,
    time::Timestamp,
};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::postgres::Connection;

/// 包联
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct PairingView {
    /// 编号
    pub id: CadrePairingId,
    /// 领导干部的职务
    #[schema(example = "区教育局局长")]
    pub post: String,
    /// 工作单位的代码
    pub unit: NodeCode,
    /// 工作单位的名称
    #[schema(example = "区教育局")]
    pub unit_name: String,
    /// 社区的区划代码
    pub community_code: NodeCode,
    /// 社区名称
    #[schema(example = "文兴社区")]
    pub community_name: String,
    /// 只包联一个小区的，小区的代码
    pub estate_code: Option<NodeCode>,
    /// 小区名称
    pub estate_name: Option<String>,
    /// 从哪一天起
    #[schema(value_type = String, format = Date)]
    pub from_day: NaiveDate,
    /// 到哪一天止（含）
    #[schema(value_type = String, format = Date)]
    pub until_day: NaiveDate,
    /// 版本号，用于 If-Match
    pub version: i64,
    /// 接手的事项数
    pub matters: i64,
    /// 其中社区确认已解决的
    pub confirmed: i64,
    /// 确定包联的时间
    #[schema(value_type = String, format = DateTime)]
    pub made_at: Timestamp,
    /// 提前终止的时间
    #[schema(value_type = Option<String>, format = DateTime)]
    pub ended_at: Option<Timestamp>,
    /// 提前终止的原因
    pub end_reason: Option<String>,
}

impl PairingView {
    /// Where the next page starts when this is the last row.
    pub fn cursor(&self) -> Cursor {
        Cursor { at: self.made_at, id: self.id.0 }
    }
}

/// What a list is narrowed to.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    /// One pairing alone.
    pub id: Option<CadrePairingId>,
    /// With this community.
    pub community: Option<NodeCode>,
    /// Of this unit's cadres.
    pub unit: Option<NodeCode>,
}

/// Pairings, the latest first, one more than the page.
///
/// # Errors
/// The database is away.
pub async fn pairings(
    conn: &mut Connection,
    scope: &Scope,
    filter: &Filter,
    page: PageRequest,
) -> Result<Vec<PairingView>, sqlx::Error> {
    sqlx::query_as!(
        PairingView,
        r#"select p.id as "id: CadrePairingId", p.post, p.unit_code as "unit: NodeCode",
               u.name as unit_name, p.community_code as "community_code: NodeCode",
               o.name as community_name, p.estate_code as "estate_code: NodeCode",
               e.name as "estate_name?", p.from_day, p.until_day, p.version,
               solved.matters as "matters!", solved.confirmed as "confirmed!", p.made_at,
               p.ended_at, p.end_reason
           from pairing p
           join work_unit u on u.code = p.unit_code
           join org_node o on o.code = p.community_code
           left join org_node e on e.code = p.estate_code
           cross join lateral (
               select count(*) as matters, count(*) filter (where status = 'confirmed') as confirmed
               from pairing_matter m where m.pairing_id = p.id
           ) as solved
           where ($1 or p.unit_code = any($2) or p.community_code = any($3))
               and ($4::uuid is null or p.id = $4)
               and ($5::text is null or p.community_code = $5)
               and ($6::text is null or p.unit_code = $6)
               and ($7::timestamptz is null or (p.made_at, p.id) < ($7, $8::uuid))
           order by p.made_at desc, p.id desc
           limit $9"#,
        scope.every_unit(),
        scope.liaises(),
        scope.units(),
        filter.id.map(|id| id.0),
        filter.community.as_ref().map(NodeCode::as_str),
        filter.unit.as_ref().map(NodeCode::as_str),
        page.after.map(|cursor| cursor.at),
        page.after.map_or(Uuid::nil(), |cursor| cursor.id),
        page.probe(),
    )
    .fetch_all(conn)
    .await
}

/// 一个社区的包联情况
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct PairingCount {
    /// 社区的区划代码
    pub community_code: NodeCode,
    /// 社区名称
    #[schema(example = "文兴社区")]
    pub community_name: String,
    /// 没有终止的包联数
    pub pairings: i64,
    /// 接手的事项数
    pub matters: i64,
    /// 其中社区确认已解决的
    pub confirmed: i64,
}

/// What was taken on and solved in each community that has a pairing, by its code.
///
/// # Errors
/// The database is away.
pub async fn counts(
    conn: &mut Connection,
    scope: &Scope,
) -> Result<Vec<PairingCount>, sqlx::Error> {
    sqlx::query_as!(
        PairingCount,
        r#"select p.community_code as "community_code: NodeCode", o.name as community_name,
               count(distinct p.id) filter (where p.ended_at is null) as "pairings!",
               count(m.id) as "matters!",
               count(m.id) filter (where m.status = 'confirmed') as "confirmed!"
           from pairing p
           join org_node o on o.code = p.community_code
           left join pairing_matter m on m.pairing_id = p.id
           where $1 or p.unit_code = any($2) or p.community_code = any($3)
           group by p.community_code, o.name
           order by p.community_code"#,
        scope.every_unit(),
        scope.liaises(),
        scope.units(),
    )
    .fetch_all(conn)
    .await
}

/// 包联事项
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct MatterView {
    /// 编号
    pub id: MatterId,
    /// 哪一项包联
    pub pairing_id: CadrePairingId,
    /// 什么事
    #[schema(example = "三号楼路灯长期不亮")]
    pub title: String,
    /// 发现的日期
    #[schema(value_type = String, format = Date)]
    pub found_on: NaiveDate,
    /// 对应的诉求
    pub complaint_id: Option<ComplaintId>,
    /// 对应的哨单
    pub whistle_id: Option<WhistleId>,
    /// 状态
    pub status: Status,
    /// 状态的中文
    pub status_text: &'static str,
    /// 版本号，用于 If-Match
    pub version: i64,
    /// 怎样解决的
    pub solution: Option<String>,
    /// 登记时间
    #[schema(value_type = String, format = DateTime)]
    pub logged_at: Timestamp,
    /// 报告解决的时间
    #[schema(value_type = Option<String>, format = DateTime)]
    pub solved_at: Option<Timestamp>,
    /// 社区确认或退回的时间
    #[schema(value_type = Option<String>, format = DateTime)]
    pub judged_at: Option<Timestamp>,
    /// 社区的说明
    pub note: Option<String>,
}

impl MatterView {
    /// Where the next page starts when this is the last row.
    pub fn cursor(&self) -> Cursor {
        Cursor { at: self.logged_at, id: self.id.0 }
    }
}

/// Matters of one pairing, or one matter alone, the latest first, one more than the page.
///
/// # Errors
/// The database is away.
pub async fn matters(
    conn: &mut Connection,
    scope: &Scope,
    (pairing, id): (Option<CadrePairingId>, Option<MatterId>),
    page: PageRequest,
) -> Result<Vec<MatterView>, sqlx::Error> {
    let rows = sqlx::query!(
        r#"select m.id as "id: MatterId", m.pairing_id as "pairing_id: CadrePairingId", m.title,
               m.found_on, m.complaint_id as "complaint_id: ComplaintId",
               m.whistle_id as "whistle_id: WhistleId", m.status as "status: Status", m.version,
               m.solution, m.logged_at, m.solved_at, m.judged_at, m.note
           from pairing_matter m
           join pairing p on p.id = m.pairing_id
           where ($1 or p.unit_code = any($2) or p.community_code = any($3))
               and ($4::uuid is null or m.pairing_id = $4)
               and ($5::uuid is null or m.id = $5)
               and ($6::timestamptz is null or (m.logged_at, m.id) < ($6, $7::uuid))
           order by m.logged_at desc, m.id desc
           limit $8"#,
        scope.every_unit(),
        scope.liaises(),
        scope.units(),
        pairing.map(|id| id.0),
        id.map(|id| id.0),
        page.after.map(|cursor| cursor.at),
        page.after.map_or(Uuid::nil(), |cursor| cursor.id),
        page.probe(),
    )
    .fetch_all(conn)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| MatterView {
            id: row.id,
            pairing_id: row.pairing_id,
            title: row.title,
            found_on: row.found_on,
            complaint_id: row.complaint_id,
            whistle_id: row.whistle_id,
            status: row.status,
            status_text: row.status.label(),
            version: row.version,
            solution: row.solution,
            logged_at: row.logged_at,
            solved_at: row.solved_at,
            judged_at: row.judged_at,
            note: row.note,
        })
        .collect())
}
