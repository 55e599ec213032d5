//! The audit trail (审计) for the auditor, over HTTP.

use actix_web::{
    get,
    web::{Data, Json},
};
use domain::{
    audit::{self, Search},
    id::{AccountId, AuditId},
    identity::Role,
    page::Page,
    time::Timestamp,
};
use infra::postgres::audit::{chain::End, read::Found};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};

use super::extract::{Caller, Paging, Query, RequestMeta, caller::needs::ReadAudit};
use crate::{app, error::Error, state::State};

routes![search, chain];

/// 审计记录
#[derive(Debug, Serialize, ToSchema)]
pub struct AuditEntryView {
    /// 编号
    pub id: AuditId,
    /// 在全部记录里的序号
    #[schema(example = 4711)]
    pub seq: i64,
    /// 时间
    #[schema(value_type = String, format = DateTime)]
    pub at: Timestamp,
    /// 谁做的；没有登录的人和命令行为空
    pub account_id: Option<AccountId>,
    /// 工作人员的用户名
    #[schema(example = "dispatcher")]
    pub username: Option<String>,
    /// 显示的名称，只留第一个字
    #[schema(example = "派**")]
    pub name: Option<String>,
    /// 以什么身份
    pub role: Option<Role>,
    /// 做了什么
    #[schema(example = "complaint.unmask")]
    pub action: String,
    /// 对哪一类对象
    #[schema(example = "complaint")]
    pub object: String,
    /// 对哪一个
    #[schema(example = "019ab0c1-d2e3-7f00-8a1b-2c3d4e5f6071")]
    pub object_id: String,
    /// 请求编号，与回答的 x-request-id 相同
    pub request_id: Option<String>,
    /// 从哪里：工作人员为完整地址，其他人只到网段
    #[schema(example = "10.20.3.4")]
    pub address: Option<String>,
    /// 代码与理由；电话、证件号码已隐去
    pub data: Value,
    /// 对象在上一条记录之后的指纹（SHA-256）；对象不是一条数据的为空
    pub before: Option<String>,
    /// 对象在这条记录之后的指纹
    pub after: Option<String>,
    /// 封在审计链的哪个区块；还没有封的为空
    #[schema(example = 12)]
    pub block: Option<i64>,
}

impl From<Found> for AuditEntryView {
    fn from(found: Found) -> Self {
        let role = found.role;
        Self {
            id: found.id,
            seq: found.seq,
            at: found.at,
            account_id: found.account,
            username: found.username,
            name: found.display_name.as_deref().map(audit::name),
            role,
            action: found.action,
            object: found.object,
            object_id: found.object_id,
            request_id: found.request_id,
            address: found.address.as_deref().map(|address| audit::address(address, role)),
            data: audit::masked(found.data),
            before: found.before.map(hex::encode),
            after: found.after.map(hex::encode),
            block: found.block,
        }
    }
}

/// 查找审计记录的条件
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct AuditFilter {
    /// 谁做的
    #[param(required = false)]
    account_id: Option<AccountId>,
    /// 对哪一类对象
    #[param(required = false, example = "complaint", max_length = 100)]
    object: Option<String>,
    /// 对哪一个
    #[param(required = false, example = "019ab0c1-d2e3-7f00-8a1b-2c3d4e5f6071", max_length = 100)]
    object_id: Option<String>,
    /// 做了什么
    #[param(required = false, example = "complaint.unmask", max_length = 100)]
    action: Option<String>,
    /// 从这一刻起
    #[param(required = false, value_type = Option<String>, format = DateTime)]
    from: Option<Timestamp>,
    /// 到这一刻为止，不含
    #[param(required = false, value_type = Option<String>, format = DateTime)]
    to: Option<Timestamp>,
}

/// 查审计记录
///
/// 谁、以什么身份、从哪里、对哪个对象做了什么，新的在前；各个条件同时满足。审计员专用，每次查询（每一页）本身也记一条
/// `audit.search`。记录按月存放，满保留期的月份清除后查不到，只留一条 `audit.drop_month`。
#[utoipa::path(
    operation_id = "audit.search", tag = "audit", params(AuditFilter, Paging),
    responses((status = 200, description = "一页审计记录", body = Page<AuditEntryView>)),
    security(("bearer" = [])),
)]
#[get("/audit")]
async fn search(
    caller: Caller<ReadAudit>,
    state: Data<State>,
    meta: RequestMeta,
    filter: Query<AuditFilter>,
    page: Paging,
) -> Result<Json<Page<AuditEntryView>>, Error> {
    let Query(AuditFilter { account_id, object, object_id, action, from, to }) = filter;
    let wanted = Search { account_id, object, object_id, action, from, to }.check()?;
    let rows = app::audit::search(&state, &caller.actor, meta.into(), wanted, page.0).await?;
    let Page { items, next_cursor } = Page::of(rows, page.0.limit, Found::cursor);
    Ok(Json(Page { items: items.into_iter().map(AuditEntryView::from).collect(), next_cursor }))
}

/// 审计链的末端
#[derive(Debug, Serialize, ToSchema)]
pub struct AuditChainView {
    /// 最后一个区块的编号；一个也没有时为 0
    #[schema(example = 12)]
    pub block: i64,
    /// 它的链头（SHA-256），应与数据库之外留存的一致
    #[schema(example = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08")]
    pub hash: Option<String>,
    /// 封好的时间
    #[schema(value_type = Option<String>, format = DateTime)]
    pub sealed_at: Option<Timestamp>,
    /// 还没有封入区块的记录数；一般两分钟内封好
    #[schema(example = 3)]
    pub unsealed: i64,
    /// 其中最早一条的时间
    #[schema(value_type = Option<String>, format = DateTime)]
    pub oldest_unsealed_at: Option<Timestamp>,
}

impl From<End> for AuditChainView {
    fn from(end: End) -> Self {
        Self {
            block: end.head.map_or(0, |head| head.no),
            hash: end.head.map(|head| hex::encode(head.hash)),
            sealed_at: end.head.map(|head| head.sealed_at),
            unsealed: end.unsealed,
            oldest_unsealed_at: end.oldest,
        }
    }
}

/// 审计链的末端
///
/// 最后一个区块和它的链头，用来与数据库之外留存的链头（`audit-heads.log`、日志）核对。逐条核验用服务器上的
/// `zhixiang admin audit verify`。
#[utoipa::path(
    operation_id = "audit.chain", tag = "audit",
    responses((status = 200, description = "审计链的末端", body = AuditChainView)),
    security(("bearer" = [])),
)]
#[get("/audit/chain")]
async fn chain(_: Caller<ReadAudit>, state: Data<State>) -> Result<Json<AuditChainView>, Error> {
    Ok(Json(app::audit::ends(&state).await?.into()))
}
