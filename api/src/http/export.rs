//! Exports (导出) over HTTP: ordered, looked at, fetched.

use actix_web::{
    HttpResponse, get,
    http::header::{CACHE_CONTROL, CONTENT_DISPOSITION},
    post,
    web::{Data, Json},
};
use domain::{
    export::{self, Status},
    id::ExportId,
    identity::Permission,
    refusal::{Basic, Invalid},
    time::Timestamp,
    view::{self, List},
};
use infra::postgres::export::read;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::{
    BASE,
    extract::{
        Body, Caller, IdempotencyKey, Query, RequestMeta, Target, caller::needs::ExportList, kept,
    },
};
use crate::{
    app::{
        case::Ask,
        export::{self as exports, Link, Order, Ordered},
        idempotent::Once,
    },
    error::Error,
    state::State,
};

routes![order, read_one, file];

/// The media type of a workbook.
const WORKBOOK: &str = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet";

/// 导出
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ExportBody {
    /// 哪个列表
    pub list: List,
    /// 该列表的查询串，不含翻页；空为全部
    #[serde(default)]
    pub query: String,
    /// 联系电话不遮盖；需要查看完整电话的权限，写明原因，留痕
    #[serde(default)]
    pub unmask: bool,
    /// 为什么要完整的电话
    pub reason: Option<String>,
}

/// 导出列表
///
/// 在后台生成表格文件，最多 20000 行，按导出人当时的权限；联系人已遮盖，举报和保密诉求的从不导出。
/// 每个账号同时最多两个。
#[utoipa::path(
    operation_id = "export.order",
    tag = "export",
    params(IdempotencyKey),
    request_body(content = ExportBody, example = json!({"list": "complaints", "query": "status=handling&community_code=140213066"})),
    responses((status = 202, description = "已排队；进度用 GET /exports/{id} 查看", body = Ordered)),
    security(("bearer" = [])),
    extensions(("x-problems" = json!(["export_limit_reached"]))),
)]
#[post("/exports")]
async fn order(
    caller: Caller<ExportList>,
    state: Data<State>,
    meta: RequestMeta,
    key: IdempotencyKey,
    body: Body<ExportBody>,
) -> Result<HttpResponse, Error> {
    let body = body.read()?;
    let reason = export::reason(body.unmask, body.reason.as_deref())?;
    if body.unmask && body.list != List::Complaints {
        return Err(Invalid::field("unmask", "任务列表里没有联系电话").into());
    }
    if body.unmask && !caller.actor.may(Permission::UnmaskContact) {
        return Err(Basic::Forbidden.into());
    }
    let query = view::query(&body.query)?;
    let account = caller.actor.account;
    // Compared as it was asked: what is overdue depends on the moment.
    let asked = (body.list, &query, body.unmask, &reason);
    let once = Once::new(&state.crypto, Some(account), "export.order", key.0, &asked)?;
    let filter = super::view::filter(body.list, &query, state.clock.now())?;
    let order = Order { list: body.list, filter, unmask: body.unmask, reason };
    let ask = Ask::new(Some(caller.actor.clone()), meta);
    let answer = exports::order(&state, ask, once, account, order).await?;
    Ok(kept(answer))
}

/// 导出的进度
#[derive(Debug, Serialize, ToSchema)]
pub struct ExportView {
    /// 导出编号
    pub id: ExportId,
    /// 哪个列表
    pub list: List,
    /// 进度状态
    pub status: Status,
    /// 状态的中文
    pub status_text: &'static str,
    /// 已写入的行数
    pub done: i32,
    /// 总行数；完成之前不知道，为空
    pub total: Option<i32>,
    /// 行数超过上限，只有前一部分
    pub cut: bool,
    /// 什么时候要的
    #[schema(value_type = String, format = DateTime)]
    pub created_at: Timestamp,
    /// 下载地址，不需要登录，十分钟内有效；再查看一次得到新的。没有完成时为空
    #[schema(
        example = "/api/v1/exports/019ab0c1-d2e3-7f00-8a1b-2c3d4e5f6071/file?expires=1795482600&signature=9f…"
    )]
    pub url: Option<String>,
    /// 文件保留到什么时候
    #[schema(value_type = String, format = DateTime)]
    pub expires_at: Timestamp,
}

/// 导出的进度
///
/// 办完后带有 `url`，十分钟内不用令牌即可下载，文件保留一天；失败的写明原因。
#[utoipa::path(
    operation_id = "export.read",
    tag = "export",
    responses((status = 200, description = "进度", body = ExportView)),
    security(("bearer" = [])),
)]
#[get("/exports/{id}")]
async fn read_one(
    caller: Caller<ExportList>,
    state: Data<State>,
    id: Target<ExportId>,
) -> Result<Json<ExportView>, Error> {
    let now = state.clock.now();
    let mut connection = state.db.acquire().await?;
    let found = read::standing(&mut connection, &caller.scope(), id.0, now).await?;
    let export = found.ok_or(Basic::NotFound)?;
    let url = (export.status == Status::Done).then(|| {
        let link = Link::to(&state, export.id, export.expires_at);
        let Link { expires, signature } = link;
        format!("{BASE}/exports/{}/file?expires={expires}&signature={signature}", export.id)
    });
    Ok(Json(ExportView {
        id: export.id,
        list: export.list,
        status: export.status,
        status_text: export.status.label(),
        done: export.done,
        total: export.total,
        cut: export.cut,
        created_at: export.created_at,
        url,
        expires_at: export.expires_at,
    }))
}

/// 下载地址里的签名
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct FileLink {
    /// 有效期，1970 年以来的秒数
    #[param(required = false, value_type = Option<i64>, example = 1795482600)]
    expires: Option<String>,
    /// 签名
    #[param(required = false, example = "9f86d081884c7d65")]
    signature: Option<String>,
}

/// 下载导出的文件
///
/// 地址由“导出的进度”给出，不需要登录；过期或改动过的地址与没有的一样。
#[utoipa::path(
    operation_id = "export.file",
    tag = "export",
    params(FileLink),
    responses((status = 200, description = "表格文件（.xlsx）", body = Vec<u8>,
        content_type = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet")),
    security(()),
)]
#[get("/exports/{id}/file")]
async fn file(
    state: Data<State>,
    id: Target<ExportId>,
    link: Query<FileLink>,
) -> Result<HttpResponse, Error> {
    let expires = link.0.expires.and_then(|text| text.parse().ok()).unwrap_or_default();
    let link = Link { expires, signature: link.0.signature.unwrap_or_default() };
    let workbook = exports::workbook(&state, id.0, &link).await?;
    Ok(HttpResponse::Ok()
        .content_type(WORKBOOK)
        .insert_header((CONTENT_DISPOSITION, format!("attachment; filename=\"{}.xlsx\"", id.0)))
        .insert_header((CACHE_CONTROL, "no-store"))
        .body(workbook))
}
