//! Powers and certificates as staff look them up, which belong to nobody, and acts as their unit
//! and the centre read them.

use chrono::NaiveDate;
use domain::{
    enforcement::{ActKind, PartyKind, power::PowerKind},
    id::{AccountId, ActId, CertificateId, TaskId},
    org::{NodeCode, NodeKind},
    page::{Cursor, PageRequest},
    scope::Scope,
    time::Timestamp,
};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::postgres::Connection;

/// A version of a unit's powers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct List {
    /// Its number.
    pub id: i64,
    /// The version, unique over all lists.
    pub version: String,
    /// The title.
    pub title: String,
    /// Whose powers.
    pub unit: NodeCode,
    /// Its name.
    pub unit_name: String,
    /// What it is.
    pub unit_kind: NodeKind,
    /// The first day on which it is valid.
    pub valid_from: NaiveDate,
    /// The first day on which it is no longer.
    pub valid_to: Option<NaiveDate>,
    /// How many powers are the unit's own.
    pub own: i64,
    /// How many were devolved to it.
    pub devolved: i64,
}

/// Which versions.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ListFilter {
    /// This one alone.
    pub id: Option<i64>,
    /// Of this unit.
    pub unit: Option<NodeCode>,
    /// Valid on this day.
    pub valid_on: Option<NaiveDate>,
}

/// The versions by name, after one of them.
///
/// # Errors
/// The database failed.
pub async fn lists(
    conn: &mut Connection,
    filter: &ListFilter,
    after: Option<&str>,
    rows: i64,
) -> Result<Vec<List>, sqlx::Error> {
    sqlx::query_as!(
        List,
        r#"select list.id, version, title, list.unit as "unit: NodeCode", node.name as unit_name,
               node.kind as "unit_kind: NodeKind", valid_from, valid_to,
               (select count(*) from power where list_id = list.id and kind = 'own') as "own!",
               (select count(*) from power where list_id = list.id and kind = 'devolved')
                   as "devolved!"
           from power_list as list join org_node as node on node.code = list.unit
           where ($1::bigint is null or list.id = $1) and ($2::text is null or list.unit = $2)
               and ($3::date is null
                   or (valid_from <= $3 and (valid_to is null or valid_to > $3)))
               and ($4::text is null or version > $4)
           order by version limit $5"#,
        filter.id,
        filter.unit.as_ref().map(NodeCode::as_str),
        filter.valid_on,
        after,
        rows
    )
    .fetch_all(conn)
    .await
}

/// Every power of a version, in the order of their codes.
///
/// # Errors
/// The database failed.
pub async fn powers(
    conn: &mut Connection,
    list: i64,
) -> Result<Vec<domain::enforcement::power::Power>, sqlx::Error> {
    super::power::whole(conn, list).await
}

/// 执法证
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct CertificateView {
    /// 编号（系统内）
    pub id: CertificateId,
    /// 版本号，用于 If-Match
    pub version: i64,
    /// 证件编号
    #[schema(example = "晋-B-0213-0001")]
    pub number: String,
    /// 持证人的账号
    pub holder: AccountId,
    /// 持证人在工作中的名称
    pub holder_name: String,
    /// 以哪个单位的名义执法
    pub unit: NodeCode,
    /// 单位名称
    pub unit_name: String,
    /// 有效期的第一天
    pub valid_from: NaiveDate,
    /// 有效期的最后一天
    pub valid_until: NaiveDate,
    /// 登记时间
    #[schema(value_type = String, format = DateTime)]
    pub registered_at: Timestamp,
    /// 吊销时间；没有吊销的为 null
    #[schema(value_type = Option<String>, format = DateTime)]
    pub revoked_at: Option<Timestamp>,
    /// 吊销的原因
    pub revoked_reason: Option<String>,
}

impl CertificateView {
    /// Where the next page starts when this is the last row.
    pub fn cursor(&self) -> Cursor {
        Cursor { at: self.registered_at, id: self.id.0 }
    }
}

/// Which certificates.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CertificateFilter {
    /// One alone.
    pub id: Option<CertificateId>,
    /// Of officers of this unit.
    pub unit: Option<NodeCode>,
    /// That count on this day.
    pub valid_on: Option<NaiveDate>,
}

/// The certificates, newest first, one more than the page.
///
/// # Errors
/// The database failed.
pub async fn certificates(
    conn: &mut Connection,
    filter: &CertificateFilter,
    page: PageRequest,
) -> Result<Vec<CertificateView>, sqlx::Error> {
    sqlx::query_as!(
        CertificateView,
        r#"select c.id as "id: CertificateId", c.number, c.holder as "holder: AccountId",
               a.display_name as holder_name, c.unit as "unit: NodeCode", u.name as unit_name,
               c.valid_from, c.valid_until, c.revoked_at, c.revoked_reason, c.version,
               c.registered_at
           from certificate c
           join account a on a.id = c.holder
           join org_node u on u.code = c.unit
           where ($1::uuid is null or c.id = $1) and ($2::text is null or c.unit = $2)
               and ($3::date is null or (
                   $3 between c.valid_from and c.valid_until and c.revoked_at is null))
               and ($4::timestamptz is null or (c.registered_at, c.id) < ($4, $5))
           order by c.registered_at desc, c.id desc limit $6"#,
        filter.id.map(|id| id.0),
        filter.unit.as_ref().map(NodeCode::as_str),
        filter.valid_on,
        page.after.map(|cursor| cursor.at),
        page.after.map_or(Uuid::nil(), |cursor| cursor.id),
        page.probe(),
    )
    .fetch_all(conn)
    .await
}

/// An act, still sealed where it speaks of somebody.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Acted {
    /// Its id.
    pub id: ActId,
    /// The task.
    pub task: TaskId,
    /// Whose act it is.
    pub unit: NodeCode,
    /// The unit's name.
    pub unit_name: String,
    /// What was done.
    pub kind: ActKind,
    /// The version of the list that has the power.
    pub power_list: String,
    /// The power's code.
    pub power: String,
    /// The power in words.
    pub power_name: String,
    /// Whence it is.
    pub power_kind: PowerKind,
    /// The law.
    pub basis: String,
    /// Against whom; none where an act is withdrawn.
    pub party_kind: Option<PartyKind>,
    /// The name, sealed.
    pub party: Option<Vec<u8>>,
    /// Where.
    pub place: Option<String>,
    /// What was found and ordered, sealed.
    pub content: Option<Vec<u8>>,
    /// When it was done.
    pub occurred_at: Timestamp,
    /// The document's number.
    pub document_no: Option<String>,
    /// The fine, in fen.
    pub amount_fen: Option<i64>,
    /// The numbers of the certificates shown.
    pub certificates: Vec<String>,
    /// The holders' names at work, in the same order.
    pub officers: Vec<String>,
    /// Who put it on record.
    pub recorded_by: String,
    /// When.
    pub recorded_at: Timestamp,
    /// The act that it withdraws.
    pub withdraws: Option<ActId>,
    /// Why.
    pub reason: Option<String>,
    /// The act that withdrew it.
    pub withdrawn_by: Option<ActId>,
}

/// Which acts: those of a task, or one alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Which {
    /// Those of a task.
    Task(TaskId),
    /// One alone.
    Act(ActId),
}

/// Acts within the scope, in their order: those of the caller's units, or any for the centre.
///
/// # Errors
/// The database failed.
pub async fn acts(
    conn: &mut Connection,
    scope: &Scope,
    which: Which,
) -> Result<Vec<Acted>, sqlx::Error> {
    let (task, act) = match which {
        Which::Task(task) => (Some(task.0), None),
        Which::Act(act) => (None, Some(act.0)),
    };
    sqlx::query_as!(
        Acted,
        r#"select act.id as "id: ActId", act.task_id as "task: TaskId",
               act.unit as "unit: NodeCode", u.name as unit_name, act.kind as "kind: ActKind",
               list.version as power_list, power.code as power, power.name as power_name,
               power.kind as "power_kind: PowerKind", power.basis,
               act.party_kind as "party_kind: PartyKind", act.party_name_sealed as party,
               act.place, act.content_sealed as content, act.occurred_at, act.document_no,
               act.amount_fen,
               array(select c.number from enforcement_act_officer o
                   join certificate c on c.id = o.certificate_id
                   where o.act_id = act.id order by c.number) as "certificates!",
               array(select a.display_name from enforcement_act_officer o
                   join certificate c on c.id = o.certificate_id join account a on a.id = c.holder
                   where o.act_id = act.id order by c.number) as "officers!",
               recorder.display_name as recorded_by, act.recorded_at,
               act.withdraws as "withdraws: ActId", act.reason,
               act.withdrawn_by as "withdrawn_by: ActId"
           from enforcement_act act
           join org_node u on u.code = act.unit
           join power_list list on list.id = act.power_list_id
           join power on power.list_id = act.power_list_id and power.code = act.power_code
           join account recorder on recorder.id = act.recorded_by
           where ($1 or act.unit = any($2)) and ($3::uuid is null or act.task_id = $3)
               and ($4::uuid is null or act.id = $4)
           order by act.recorded_at, act.id"#,
        scope.everything(),
        scope.units(),
        task,
        act,
    )
    .fetch_all(conn)
    .await
}
