//! Final replies as they are read: by the unit and the centre; and the centre's hint, which of them
//! a new complaint may be answered with.

use domain::{
    final_reply::Status,
    id::{ComplaintId, FinalReplyId},
    org::NodeCode,
    page::{Cursor, PageRequest},
    scope::Scope,
    time::Timestamp,
};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::postgres::Connection;

/// 最终答复
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct FinalReplyView {
    /// 编号
    pub id: FinalReplyId,
    /// 作出最终答复的诉求
    pub complaint_id: ComplaintId,
    /// 诉求编号
    #[schema(example = "PC20261124000123")]
    pub number: String,
    /// 诉求标题
    pub title: String,
    /// 主办单位
    pub unit: NodeCode,
    /// 主办单位的名称
    pub unit_name: String,
    /// 状态
    pub status: Status,
    /// 状态的中文
    pub status_text: &'static str,
    /// 版本号，用于 If-Match
    pub version: i64,
    /// 答复内容
    pub text: String,
    /// 依据的法律、法规或文件
    pub legal_basis: String,
    /// 证据；反映人看不到
    pub evidence: String,
    /// 有效天数，从确认之日起算
    pub valid_days: i32,
    /// 谁提出
    pub proposed_by: String,
    /// 提出时间
    #[schema(value_type = String, format = DateTime)]
    pub proposed_at: Timestamp,
    /// 谁签署
    pub signed_by: Option<String>,
    /// 签署时间
    #[schema(value_type = Option<String>, format = DateTime)]
    pub signed_at: Option<Timestamp>,
    /// 确认时间
    #[schema(value_type = Option<String>, format = DateTime)]
    pub confirmed_at: Option<Timestamp>,
    /// 有效期
    #[schema(value_type = Option<String>, format = DateTime)]
    pub valid_until: Option<Timestamp>,
    /// 未通过或撤销的原因
    pub reason: Option<String>,
    /// 已用它答复的诉求件数
    pub citations: i64,
}

impl FinalReplyView {
    /// Where the next page starts when this is the last row.
    pub fn cursor(&self) -> Cursor {
        Cursor { at: self.proposed_at, id: self.id.0 }
    }
}

/// What a list is narrowed to.
#[derive(Debug, Clone, Copy, Default)]
pub struct Filter {
    /// One alone.
    pub id: Option<FinalReplyId>,
    /// Of one complaint.
    pub complaint: Option<ComplaintId>,
    /// Where they stand.
    pub status: Option<Status>,
}

/// Lists final replies within the scope, newest first, one more than the page.
///
/// # Errors
/// The database is away.
pub async fn list(
    conn: &mut Connection,
    scope: &Scope,
    filter: Filter,
    page: PageRequest,
) -> Result<Vec<FinalReplyView>, sqlx::Error> {
    let rows = sqlx::query!(
        r#"select f.id as "id: FinalReplyId", f.complaint_id as "complaint_id: ComplaintId",
               c.number, c.title, f.unit as "unit: NodeCode", u.name as unit_name,
               f.status as "status: Status", f.version, f.text, f.legal_basis, f.evidence,
               f.valid_days, proposer.display_name as proposed_by, f.proposed_at,
               signer.display_name as "signed_by?", f.signed_at, f.confirmed_at, f.valid_until,
               f.reason,
               (select count(*) from final_reply_citation n where n.final_reply_id = f.id)
                   as "citations!"
           from final_reply f
           join complaint c on c.id = f.complaint_id
           join org_node u on u.code = f.unit
           join account proposer on proposer.id = f.proposed_by
           left join account signer on signer.id = f.signed_by
           where ($1 or f.unit = any($2))
               and ($3::uuid is null or f.id = $3)
               and ($4::uuid is null or f.complaint_id = $4)
               and ($5::text is null or f.status = $5)
               and ($6::timestamptz is null or (f.proposed_at, f.id) < ($6, $7))
           order by f.proposed_at desc, f.id desc
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
        .map(|row| FinalReplyView {
            id: row.id,
            complaint_id: row.complaint_id,
            number: row.number,
            title: row.title,
            unit: row.unit,
            unit_name: row.unit_name,
            status: row.status,
            status_text: row.status.label(),
            version: row.version,
            text: row.text,
            legal_basis: row.legal_basis,
            evidence: row.evidence,
            valid_days: row.valid_days,
            proposed_by: row.proposed_by,
            proposed_at: row.proposed_at,
            signed_by: row.signed_by,
            signed_at: row.signed_at,
            confirmed_at: row.confirmed_at,
            valid_until: row.valid_until,
            reason: row.reason,
            citations: row.citations,
        })
        .collect())
}

/// 同一反映人已有的最终答复
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct FinalReplyHint {
    /// 最终答复
    pub id: FinalReplyId,
    /// 作出最终答复的诉求
    pub complaint_id: ComplaintId,
    /// 它的编号
    #[schema(example = "PC20261124000123")]
    pub number: String,
    /// 它的标题
    pub title: String,
    /// 主办单位
    pub unit_name: String,
    /// 答复内容
    pub text: String,
    /// 有效期
    #[schema(value_type = Option<String>, format = DateTime)]
    pub valid_until: Option<Timestamp>,
    /// 与这件诉求在同一社区
    pub same_community: bool,
    /// 这件诉求是它的重复提交
    pub repeats: bool,
}

/// The most final replies that a hint names.
const HINTED: i64 = 10;

/// The final replies in force that the same reporter (by account, or by the number to call) was
/// given: repeats of the very words first, then those of the same community. For the centre, which
/// judges whether the matter is the same.
///
/// # Errors
/// The database is away.
pub async fn hints(
    conn: &mut Connection,
    scope: &Scope,
    of: ComplaintId,
    now: Timestamp,
) -> Result<Vec<FinalReplyHint>, sqlx::Error> {
    sqlx::query_as!(
        FinalReplyHint,
        r#"with given as (
               select c.id, c.reporter_id, c.community_code, n.phone_index, r.repeat_of
               from complaint c
               left join complaint_contact n on n.complaint_id = c.id
               left join complaint_repeat r on r.complaint_id = c.id
               where c.id = $1 and $2
           ), theirs as (
               -- Whose complaint follows another shares its last word.
               select coalesce(o.merged_into, o.id) as id
               from given join complaint o on o.reporter_id = given.reporter_id
               union
               select coalesce(o.merged_into, o.id)
               from given
               join complaint_contact m on m.phone_index = given.phone_index
               join complaint o on o.id = m.complaint_id
           )
           select f.id as "id!: FinalReplyId", c.id as "complaint_id!: ComplaintId",
               c.number as "number!", c.title as "title!", u.name as "unit_name!",
               f.text as "text!", f.valid_until,
               c.community_code = given.community_code as "same_community!",
               coalesce(given.repeat_of in (c.id, earlier.repeat_of), false) as "repeats!"
           from given
           cross join theirs
           join final_reply f on f.complaint_id = theirs.id
           join complaint c on c.id = f.complaint_id
           join org_node u on u.code = f.unit
           left join complaint_repeat earlier on earlier.complaint_id = c.id
           where f.status = 'in_force' and f.valid_until > $3 and c.id <> given.id
           order by 9 desc, 8 desc, f.confirmed_at desc
           limit $4"#,
        of.0,
        scope.everything(),
        now,
        HINTED,
    )
    .fetch_all(conn)
    .await
}
