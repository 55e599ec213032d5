//! A request as it is shown: to whoever asked in full, to the community with names and numbers
//! masked.

use domain::{
    id::{ClaimId, PostId, ServiceRequestId},
    org::NodeCode,
    page::{Limit, PageRequest},
    personal::{PersonName, Phone},
    request::Status,
    scope::Scope,
    service::{Kind, Status as ClaimStatus},
    time::Timestamp,
};
use infra::postgres::{
    Connection,
    request::read::{self, Filter, Row, Taken},
};
use serde::Serialize;
use utoipa::ToSchema;

use super::{Opened, open};
use crate::{error::Error, state::State};

/// 点单
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct RequestView {
    /// 编号
    pub id: ServiceRequestId,
    /// 版本号，用于 If-Match
    pub version: i64,
    /// 点单的人显示的名字；本人查看时为空
    pub person: Option<String>,
    /// 社区的区划代码
    pub community_code: NodeCode,
    /// 社区名称
    #[schema(example = "文兴社区")]
    pub community_name: String,
    /// 类别
    pub kind: Kind,
    /// 类别的中文
    pub kind_text: &'static str,
    /// 标题
    #[schema(example = "陪母亲去医院复查")]
    pub title: String,
    /// 需要什么
    pub content: String,
    /// 为谁点的单；为自己的为空，社区看到的是遮盖的
    #[schema(example = "王**")]
    pub name: Option<String>,
    /// 联系电话；社区看到的是遮盖的
    #[schema(example = "138****0001")]
    pub phone: Option<String>,
    /// 地址；社区要看请说明用途
    pub address: Option<String>,
    /// 希望从什么时候
    #[schema(value_type = Option<String>, format = DateTime)]
    pub wished_from: Option<Timestamp>,
    /// 希望到什么时候
    #[schema(value_type = Option<String>, format = DateTime)]
    pub wished_until: Option<Timestamp>,
    /// 状态
    pub status: Status,
    /// 状态的中文
    pub status_text: &'static str,
    /// 提交时间
    #[schema(value_type = String, format = DateTime)]
    pub submitted_at: Timestamp,
    /// 未能安排的原因
    pub reason: Option<String>,
    /// 结束时间
    #[schema(value_type = Option<String>, format = DateTime)]
    pub ended_at: Option<Timestamp>,
    /// 满意度，1–5
    #[schema(example = 5)]
    pub satisfaction: Option<i16>,
    /// 居民的话
    pub comment: Option<String>,
}

/// 由点单产生的岗位和接单的人
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct RequestPost {
    /// 岗位编号
    pub post_id: PostId,
    /// 开始时间
    #[schema(value_type = String, format = DateTime)]
    pub starts_at: Timestamp,
    /// 结束时间
    #[schema(value_type = String, format = DateTime)]
    pub ends_at: Timestamp,
    /// 是否已取消
    pub cancelled: bool,
    /// 接单的认领；还没有人接单的为空。对时长有异议时用它提出
    pub claim_id: Option<ClaimId>,
    /// 认领的状态
    pub status: Option<ClaimStatus>,
    /// 接单的人显示的名字
    pub person: Option<String>,
    /// 确认的服务时长（分钟）
    pub minutes: Option<i32>,
}

/// 点单与它的进展
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct RequestDetail {
    /// 点单
    #[serde(flatten)]
    pub request: RequestView,
    /// 下单的岗位和接单的人，按时间排列
    pub posts: Vec<RequestPost>,
}

impl From<Taken> for RequestPost {
    fn from(taken: Taken) -> Self {
        let Taken { post, starts_at, ends_at, cancelled, claim, status, person, minutes } = taken;
        Self {
            post_id: post,
            starts_at,
            ends_at,
            cancelled,
            claim_id: claim,
            status,
            person,
            minutes,
        }
    }
}

impl RequestView {
    /// What the reader sees of a row.
    ///
    /// # Errors
    /// What is sealed cannot be opened.
    pub fn of(state: &State, row: Row) -> Result<Self, Error> {
        let opened = open(state, &row.sealed)?;
        let Opened { name, phone, address } = if row.own { opened } else { masked(opened) };
        Ok(Self {
            id: row.id,
            version: row.version,
            person: (!row.own).then_some(row.person),
            community_code: row.community,
            community_name: row.community_name,
            kind: row.kind,
            kind_text: row.kind.label(),
            title: row.title,
            content: row.content,
            name,
            phone,
            address,
            wished_from: row.wished.map(|(from, _)| from),
            wished_until: row.wished.map(|(_, until)| until),
            status: row.status,
            status_text: row.status.label(),
            submitted_at: row.submitted_at,
            reason: row.reason,
            ended_at: row.ended_at,
            satisfaction: row.satisfaction,
            comment: row.comment,
        })
    }
}

fn masked(opened: Opened) -> Opened {
    Opened {
        name: opened.name.map(|name| PersonName::trusted(name).masked()),
        phone: opened.phone.map(|phone| Phone::trusted(phone).masked()),
        address: None,
    }
}

/// The request as the caller may command it: a resident their own, an organiser those of their
/// communities.
///
/// # Errors
/// The database's.
pub async fn find(
    conn: &mut Connection,
    state: &State,
    scope: &Scope,
    (id, own): (ServiceRequestId, bool),
) -> Result<Option<RequestDetail>, Error> {
    let filter = Filter { id: Some(id), own, status: None };
    let one = PageRequest { after: None, limit: Limit::DEFAULT };
    let Some(row) = read::list(conn, scope, filter, one).await?.pop() else { return Ok(None) };
    let posts = read::taken(conn, scope, id).await?.into_iter().map(RequestPost::from).collect();
    Ok(Some(RequestDetail { request: RequestView::of(state, row)?, posts }))
}
