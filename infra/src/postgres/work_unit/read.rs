//! Work units, their registrations, receipts and reports as they are read: a liaison the unit's
//! own, a community those that are paired with it, the organisers and auditors all.

use domain::{
    id::{ReceiptId, RegistrationId, UnitRegistrationId, UnitReportId},
    org::NodeCode,
    page::{Cursor, KeyRequest, PageRequest},
    registration::change::Ground,
    scope::Scope,
    time::Timestamp,
    work_unit::{ReceiptCause, ReportKind, Status},
};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::postgres::Connection;

/// 工作单位
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct WorkUnitView {
    /// 代码；是区直部门的与部门代码相同
    pub code: NodeCode,
    /// 名称
    #[schema(example = "区教育局")]
    pub name: String,
    /// 收回执的党组织，与党员名册上的写法一致
    #[schema(example = "区教育局机关党委")]
    pub party_body: String,
    /// 结对的社区
    pub communities: Vec<String>,
    /// 版本号，用于 If-Match
    pub version: i64,
}

impl WorkUnitView {
    /// Where the next page starts when this is the last row.
    pub fn key(&self) -> &str {
        self.code.as_str()
    }
}

/// The units on the register, by their codes, one more than the page.
///
/// # Errors
/// The database is away.
pub async fn units(
    conn: &mut Connection,
    scope: &Scope,
    code: Option<&NodeCode>,
    page: &KeyRequest,
) -> Result<Vec<WorkUnitView>, sqlx::Error> {
    sqlx::query_as!(
        WorkUnitView,
        r#"select u.code as "code: NodeCode", u.name, u.party_body, u.version,
               array(select p.community_code from work_unit_community p
                   where p.unit_code = u.code order by 1) as "communities!"
           from work_unit u
           where ($1 or u.code = any($2) or exists (select from work_unit_community p
                   where p.unit_code = u.code and p.community_code = any($3)))
               and ($4::text is null or u.code = $4)
               and ($5::text is null or u.code > $5)
           order by u.code
           limit $6"#,
        scope.every_unit(),
        scope.liaises(),
        scope.units(),
        code.map(NodeCode::as_str),
        page.after,
        page.probe(),
    )
    .fetch_all(conn)
    .await
}

/// 单位报到
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct UnitRegistrationView {
    /// 编号
    pub id: UnitRegistrationId,
    /// 单位代码
    pub unit: NodeCode,
    /// 单位名称
    #[schema(example = "区教育局")]
    pub unit_name: String,
    /// 社区的区划代码
    pub community_code: NodeCode,
    /// 社区名称
    #[schema(example = "文兴社区")]
    pub community_name: String,
    /// 状态
    pub status: Status,
    /// 状态的中文
    pub status_text: &'static str,
    /// 版本号，用于 If-Match
    pub version: i64,
    /// 单位能为社区做什么
    pub offers: String,
    /// 提交时间
    #[schema(value_type = String, format = DateTime)]
    pub submitted_at: Timestamp,
    /// 社区签署或不予签署的时间
    #[schema(value_type = Option<String>, format = DateTime)]
    pub decided_at: Option<Timestamp>,
    /// 社区的说明
    pub note: Option<String>,
    /// 终止的时间
    #[schema(value_type = Option<String>, format = DateTime)]
    pub ended_at: Option<Timestamp>,
    /// 终止的原因
    pub end_reason: Option<String>,
}

impl UnitRegistrationView {
    /// Where the next page starts when this is the last row.
    pub fn cursor(&self) -> Cursor {
        Cursor { at: self.submitted_at, id: self.id.0 }
    }
}

/// What a list is narrowed to.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    /// One registration alone.
    pub id: Option<UnitRegistrationId>,
    /// Where they stand.
    pub status: Option<Status>,
    /// Of this unit alone.
    pub unit: Option<NodeCode>,
}

/// Registrations of units, the latest first, one more than the page.
///
/// # Errors
/// The database is away.
pub async fn registrations(
    conn: &mut Connection,
    scope: &Scope,
    filter: &Filter,
    page: PageRequest,
) -> Result<Vec<UnitRegistrationView>, sqlx::Error> {
    let rows = sqlx::query!(
        r#"select r.id as "id: UnitRegistrationId", r.unit_code as "unit: NodeCode",
               u.name as unit_name, r.community_code as "community: NodeCode",
               o.name as community_name, r.status as "status: Status", r.version, r.offers,
               r.submitted_at, r.decided_at, r.note, r.ended_at, r.end_reason
           from unit_registration r
           join work_unit u on u.code = r.unit_code
           join org_node o on o.code = r.community_code
           where ($1 or r.unit_code = any($2) or r.community_code = any($3))
               and ($4::uuid is null or r.id = $4)
               and ($5::text is null or r.status = $5)
               and ($6::text is null or r.unit_code = $6)
               and ($7::timestamptz is null or (r.submitted_at, r.id) < ($7, $8::uuid))
           order by r.submitted_at desc, r.id desc
           limit $9"#,
        scope.every_unit(),
        scope.liaises(),
        scope.units(),
        filter.id.map(|id| id.0),
        filter.status.map(Status::code),
        filter.unit.as_ref().map(NodeCode::as_str),
        page.after.map(|cursor| cursor.at),
        page.after.map_or(Uuid::nil(), |cursor| cursor.id),
        page.probe(),
    )
    .fetch_all(conn)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| UnitRegistrationView {
            id: row.id,
            unit: row.unit,
            unit_name: row.unit_name,
            community_code: row.community,
            community_name: row.community_name,
            status: row.status,
            status_text: row.status.label(),
            version: row.version,
            offers: row.offers,
            submitted_at: row.submitted_at,
            decided_at: row.decided_at,
            note: row.note,
            ended_at: row.ended_at,
            end_reason: row.end_reason,
        })
        .collect())
}

/// 报到回执
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct ReceiptView {
    /// 编号
    pub id: ReceiptId,
    /// 单位代码
    pub unit: NodeCode,
    /// 单位名称
    #[schema(example = "区教育局")]
    pub unit_name: String,
    /// 哪一份报到
    pub registration_id: RegistrationId,
    /// 为什么有这份回执
    pub cause: ReceiptCause,
    /// 原因的中文
    pub cause_text: &'static str,
    /// 社区的区划代码
    pub community_code: NodeCode,
    /// 社区名称
    #[schema(example = "文兴社区")]
    pub community_name: String,
    /// 免除的是哪一年的要求
    pub year: Option<i32>,
    /// 免除的理由
    pub ground: Option<Ground>,
    /// 免除理由的中文
    pub ground_text: Option<&'static str>,
    /// 送达时间
    #[schema(value_type = String, format = DateTime)]
    pub made_at: Timestamp,
    /// 单位签收的时间
    #[schema(value_type = Option<String>, format = DateTime)]
    pub acknowledged_at: Option<Timestamp>,
    #[serde(skip)]
    /// The member's name, sealed.
    pub name_sealed: Vec<u8>,
}

impl ReceiptView {
    /// Where the next page starts when this is the last row.
    pub fn cursor(&self) -> Cursor {
        Cursor { at: self.made_at, id: self.id.0 }
    }
}

/// What a list of receipts or reports is narrowed to.
#[derive(Debug, Clone, Default)]
pub struct ToldFilter {
    /// One row alone.
    pub id: Option<Uuid>,
    /// Signed for, or not.
    pub acknowledged: Option<bool>,
    /// Of this unit alone.
    pub unit: Option<NodeCode>,
}

/// Receipts, the latest first, one more than the page.
///
/// # Errors
/// The database is away.
pub async fn receipts(
    conn: &mut Connection,
    scope: &Scope,
    filter: &ToldFilter,
    page: PageRequest,
) -> Result<Vec<ReceiptView>, sqlx::Error> {
    let rows = sqlx::query!(
        r#"select p.id as "id: ReceiptId", p.unit_code as "unit: NodeCode", u.name as unit_name,
               p.registration_id as "registration_id: RegistrationId",
               p.cause as "cause: ReceiptCause", p.community_code as "community: NodeCode",
               o.name as community_name, c.year as "year?", c.ground as "ground?: Ground",
               p.made_at, p.acknowledged_at, r.name_sealed
           from receipt p
           join work_unit u on u.code = p.unit_code
           join org_node o on o.code = p.community_code
           join registration r on r.id = p.registration_id
           left join registration_change c on c.id = p.change_id
           where ($1 or p.unit_code = any($2))
               and ($3::uuid is null or p.id = $3)
               and ($4::boolean is null or (p.acknowledged_at is not null) = $4)
               and ($5::text is null or p.unit_code = $5)
               and ($6::timestamptz is null or (p.made_at, p.id) < ($6, $7::uuid))
           order by p.made_at desc, p.id desc
           limit $8"#,
        scope.every_unit(),
        scope.liaises(),
        filter.id,
        filter.acknowledged,
        filter.unit.as_ref().map(NodeCode::as_str),
        page.after.map(|cursor| cursor.at),
        page.after.map_or(Uuid::nil(), |cursor| cursor.id),
        page.probe(),
    )
    .fetch_all(conn)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| ReceiptView {
            id: row.id,
            unit: row.unit,
            unit_name: row.unit_name,
            registration_id: row.registration_id,
            cause: row.cause,
            cause_text: row.cause.label(),
            community_code: row.community,
            community_name: row.community_name,
            year: row.year,
            ground: row.ground,
            ground_text: row.ground.map(Ground::label),
            made_at: row.made_at,
            acknowledged_at: row.acknowledged_at,
            name_sealed: row.name_sealed,
        })
        .collect())
}

/// 单位年度服务反馈
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct UnitReportView {
    /// 编号
    pub id: UnitReportId,
    /// 单位代码
    pub unit: NodeCode,
    /// 单位名称
    #[schema(example = "区教育局")]
    pub unit_name: String,
    /// 是什么
    pub kind: ReportKind,
    /// 是什么的中文
    pub kind_text: &'static str,
    /// 哪一年
    #[schema(example = 2026)]
    pub year: i32,
    /// 提醒为月份，季度反馈为第几季度，年度证明为 0
    #[schema(example = 3)]
    pub number: i32,
    /// 服务统计到什么时候为止（不含）
    #[schema(value_type = String, format = DateTime)]
    pub until: Timestamp,
    /// 报到党员人数
    pub members: i64,
    /// 其中尚未完成的人数
    pub missing: i64,
    /// 送达时间
    #[schema(value_type = String, format = DateTime)]
    pub made_at: Timestamp,
    /// 单位签收的时间
    #[schema(value_type = Option<String>, format = DateTime)]
    pub acknowledged_at: Option<Timestamp>,
}

impl UnitReportView {
    /// Where the next page starts when this is the last row.
    pub fn cursor(&self) -> Cursor {
        Cursor { at: self.made_at, id: self.id.0 }
    }
}

/// Reports, the latest first, one more than the page.
///
/// # Errors
/// The database is away.
pub async fn reports(
    conn: &mut Connection,
    scope: &Scope,
    filter: &ToldFilter,
    page: PageRequest,
) -> Result<Vec<UnitReportView>, sqlx::Error> {
    let rows = sqlx::query!(
        r#"select p.id as "id: UnitReportId", p.unit_code as "unit: NodeCode", u.name as unit_name,
               p.kind as "kind: ReportKind", p.year, p.number, p.until, p.members, p.missing,
               p.made_at, p.acknowledged_at
           from unit_report p
           join work_unit u on u.code = p.unit_code
           where ($1 or p.unit_code = any($2))
               and ($3::uuid is null or p.id = $3)
               and ($4::boolean is null or (p.acknowledged_at is not null) = $4)
               and ($5::text is null or p.unit_code = $5)
               and ($6::timestamptz is null or (p.made_at, p.id) < ($6, $7::uuid))
           order by p.made_at desc, p.id desc
           limit $8"#,
        scope.every_unit(),
        scope.liaises(),
        filter.id,
        filter.acknowledged,
        filter.unit.as_ref().map(NodeCode::as_str),
        page.after.map(|cursor| cursor.at),
        page.after.map_or(Uuid::nil(), |cursor| cursor.id),
        page.probe(),
    )
    .fetch_all(conn)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| UnitReportView {
            id: row.id,
            unit: row.unit,
            unit_name: row.unit_name,
            kind: row.kind,
            kind_text: row.kind.label(),
            year: row.year,
            number: row.number,
            until: row.until,
            members: row.members,
            missing: row.missing,
            made_at: row.made_at,
            acknowledged_at: row.acknowledged_at,
        })
        .collect())
}
