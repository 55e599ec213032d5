//! What a list of tasks is narrowed to, as the query string says it. Saved views and exports are
//! read by the same parser.

use domain::{
    complaint::Kind,
    id::{ComplaintId, WhistleId},
    org::NodeCode,
    refusal::FieldError,
    sla::Urgency,
    task::Status,
    time::Timestamp,
};
use infra::postgres::{
    complaint::read::Search,
    task::read::{Assigned, Filter},
};
use serde::Deserialize;
use utoipa::IntoParams;

use crate::http::extract::several::Several;

/// 列表的筛选条件；几个条件同时满足
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct ListFilter {
    /// 状态，可写几个，用英文逗号分开
    #[serde(default)]
    #[param(required = false, value_type = Option<String>, example = "pending,acknowledged")]
    status: Several<Status>,
    /// 承办单位
    #[param(required = false, example = "urban-management")]
    unit: Option<String>,
    /// 诉求或吹哨所在的区划代码，包含其下级
    #[param(required = false, example = "140213066")]
    community_code: Option<String>,
    /// 诉求类型
    #[param(required = false)]
    kind: Option<Kind>,
    /// 紧急程度
    #[param(required = false)]
    urgency: Option<Urgency>,
    /// 须在此时之前答复、还没有答复
    #[param(required = false, value_type = Option<String>, format = DateTime, example = "2026-11-27T16:00:00Z")]
    due_before: Option<Timestamp>,
    /// 只看已超时、还没有办的
    #[param(required = false)]
    overdue: Option<bool>,
    /// 诉求的热点标记：true 只看有的，false 只看没有的
    #[param(required = false)]
    hot: Option<bool>,
    /// 诉求的关键词，每个词至少两个字，用空格分开；或诉求编号、编号末尾四位以上
    #[param(required = false, example = "永安花园 路灯")]
    q: Option<String>,
    /// 属于哪件诉求
    #[param(required = false)]
    complaint_id: Option<ComplaintId>,
    /// 属于哪次吹哨
    #[param(required = false)]
    whistle_id: Option<WhistleId>,
    /// 由谁办理：mine 只看转交给我的，none 只看没有转交的（包括原经办人已离开的），或经办人账号编号、下级单位代码
    #[param(required = false, example = "mine")]
    assignee: Option<String>,
}

/// Who works on them: `mine`, `none`, an account's id, or a body's code.
fn assigned(given: &str) -> Result<Assigned, FieldError> {
    match given {
        "mine" => Ok(Assigned::Mine),
        "none" => Ok(Assigned::Nobody),
        _ => match given.parse() {
            Ok(account) => Ok(Assigned::Officer(account)),
            Err(_) => NodeCode::parse("assignee", given).map(Assigned::Body).map_err(|_| {
                let words = "请填 mine、none、经办人的账号编号或下级单位的代码";
                FieldError::new("assignee", words)
            }),
        },
    }
}

impl ListFilter {
    /// What it means at `now`.
    ///
    /// # Errors
    /// A code is none, or there is nothing to look for in `q`.
    pub fn read(self, now: Timestamp) -> Result<Filter, FieldError> {
        Ok(Filter {
            id: None,
            status: self.status.0,
            unit: NodeCode::optional("unit", self.unit.as_deref())?,
            area: NodeCode::optional("community_code", self.community_code.as_deref())?,
            kind: self.kind,
            urgency: self.urgency,
            due_before: self.due_before,
            overdue_at: self.overdue.unwrap_or(false).then_some(now),
            hot: self.hot,
            search: self.q.map(|q| Search::parse("q", &q)).transpose()?.unwrap_or_default(),
            complaint: self.complaint_id,
            whistle: self.whistle_id,
            assigned: self.assignee.as_deref().map(assigned).transpose()?,
        })
    }
}
