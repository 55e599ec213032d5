//! Reply templates (答复模板) over HTTP: kept by their owner, looked at and tried by whoever may use
//! them. A reply by template is [`super::task`]'s.

use std::collections::BTreeMap;

use actix_web::{
    HttpResponse, get,
    http::header::ETAG,
    post, put,
    web::{Data, Json},
};
use domain::{
    id::TemplateId,
    identity::Permission,
    org::NodeCode,
    page::{Limit, Page, PageRequest},
    refusal::{Basic, Faults},
    task,
    template::{Field, Refused, Wording},
};
use infra::postgres::template::read::{self, Filter, TemplateView};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};

use super::extract::{
    Addressed, Body, Caller, Empty, IfMatch, On, Paging, Query, RequestMeta,
    caller::{
        Needs,
        needs::{KeepTemplate, ReadTask},
    },
};
use crate::{
    app::{case::Ask, template as templates},
    error::Error,
    state::State,
};

routes![list, read_one, make, revise, retire, preview];

impl<P> On<P, TemplateId> {
    async fn found(&self, version: Option<i64>) -> Result<TemplateView, Error> {
        let filter = Filter { id: Some(self.id), version, retired: None };
        let one = PageRequest { after: None, limit: Limit::DEFAULT };
        let mut connection = self.state.db.acquire().await?;
        let mut rows = read::list(&mut connection, &self.caller.scope(), filter, one).await?;
        rows.pop().ok_or_else(|| Basic::NotFound.into())
    }
}

impl<P: Needs> Addressed for On<P, TemplateId> {
    /// Also a template that others than the caller keep is missing for who would change it.
    async fn visible(&self) -> Result<(), Error> {
        let view = self.found(None).await?;
        let own = P::PERMISSION != Permission::KeepTemplate
            || templates::keeps(&self.caller.actor, view.unit.as_ref());
        if own { Ok(()) } else { Err(Basic::NotFound.into()) }
    }

    async fn shown(&self) -> Result<HttpResponse, Error> {
        Ok(answer(&self.found(None).await?))
    }
}

fn answer(view: &TemplateView) -> HttpResponse {
    let etag = format!("\"{}\"", view.current_version);
    HttpResponse::Ok().insert_header((ETAG, etag)).json(view)
}

/// 列表的筛选条件
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct TemplateFilter {
    /// true 只要停用的，false 只要在用的；不填为在用的
    #[param(required = false)]
    retired: Option<bool>,
}

/// 答复模板列表
///
/// 承办单位看本单位的和区中心的，区中心看全部；先建立的在前。
#[utoipa::path(
    operation_id = "template.list",
    tag = "template",
    params(TemplateFilter, Paging),
    responses((status = 200, description = "一页模板", body = Page<TemplateView>)),
    security(("bearer" = [])),
)]
#[get("/reply-templates")]
async fn list(
    caller: Caller<ReadTask>,
    state: Data<State>,
    filter: Query<TemplateFilter>,
    page: Paging,
) -> Result<Json<Page<TemplateView>>, Error> {
    let retired = Some(filter.0.retired.unwrap_or(false));
    let filter = Filter { retired, ..Filter::default() };
    let mut connection = state.db.acquire().await?;
    let rows = read::list(&mut connection, &caller.scope(), filter, page.0).await?;
    Ok(Json(Page::of(rows, page.0.limit, TemplateView::cursor)))
}

/// 哪一版
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct VersionFilter {
    /// 版本号；不填为现行的
    #[param(required = false, example = 1)]
    version: Option<i64>,
}

/// 查看答复模板
///
/// 现行的一版，或用 `version` 指明的一版；停用的仍可查看。
#[utoipa::path(
    operation_id = "template.read",
    tag = "template",
    params(VersionFilter),
    responses((status = 200, description = "模板", body = TemplateView,
        headers(("ETag" = String, description = "现行的版本号，用于 If-Match")))),
    security(("bearer" = [])),
)]
#[get("/reply-templates/{id}")]
async fn read_one(
    on: On<ReadTask, TemplateId>,
    filter: Query<VersionFilter>,
) -> Result<HttpResponse, Error> {
    Ok(answer(&on.found(filter.0.version).await?))
}

/// 新的答复模板
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct MakeTemplateBody {
    /// 哪个单位的；不填则为本单位的，派单员不填则为区中心的
    #[schema(example = "urban-management")]
    pub unit: Option<String>,
    /// 名称，2–50 个字；同一单位在用的不重名
    pub name: String,
    /// 正文，10–5000 个字；要填的地方写成 {{名称}}
    pub text: String,
    /// 要填的项目，最多 20 项；每一项都要在正文里
    #[serde(default)]
    pub fields: Vec<Field>,
}

/// 建立答复模板
///
/// 承办单位为本单位建立，派单员为区中心建立（各单位都能用）。
#[utoipa::path(
    operation_id = "template.make",
    tag = "template",
    request_body(content = MakeTemplateBody, example = json!({
        "name": "路灯维修", "text": "{{处理时间}}到现场查看，更换路灯{{数量}}盏，{{结果}}。{{补充}}",
        "fields": [
            {"name": "处理时间", "label": "现场处理的日期", "kind": "date", "required": true},
            {"name": "数量", "label": "更换了几盏", "kind": "number", "required": true},
            {"name": "结果", "label": "现在怎样", "kind": "choice", "required": true, "options": ["当晚已亮", "待供电恢复后亮灯"]},
            {"name": "补充", "label": "还要告诉反映人的", "kind": "text", "required": false}
        ]
    })),
    responses((status = 201, description = "已建立的模板", body = TemplateView)),
    security(("bearer" = [])),
    extensions(("x-problems" = json!(["template_name_taken"]))),
)]
#[post("/reply-templates")]
async fn make(
    caller: Caller<KeepTemplate>,
    state: Data<State>,
    meta: RequestMeta,
    body: Body<MakeTemplateBody>,
) -> Result<HttpResponse, Error> {
    let body = body.read()?;
    let mut faults = Faults::default();
    let unit = faults.take(NodeCode::optional("unit", body.unit.as_deref()));
    faults.check()?;
    let wording = Wording::parse(&body.name, &body.text, &body.fields)?;
    let unit = templates::owner(&caller.actor, unit.flatten())?;
    let ask = Ask::new(Some(caller.actor.clone()), meta);
    let id = templates::make(&state, ask, unit, wording).await?;
    let filter = Filter { id: Some(id), ..Filter::default() };
    let one = PageRequest { after: None, limit: Limit::DEFAULT };
    let mut connection = state.db.acquire().await?;
    let mut rows = read::list(&mut connection, &caller.scope(), filter, one).await?;
    let view = rows.pop().ok_or(Basic::NotFound)?;
    Ok(HttpResponse::Created().json(view))
}

/// 答复模板的新一版
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ReviseTemplateBody {
    /// 名称
    pub name: String,
    /// 正文
    pub text: String,
    /// 要填的项目
    #[serde(default)]
    pub fields: Vec<Field>,
}

/// 修改答复模板
///
/// 整个换成新的一版；已经用它答复的，仍记着当时的那一版。内容没有变化的不算一版。
#[utoipa::path(
    operation_id = "template.revise",
    tag = "template",
    params(IfMatch),
    request_body(content = ReviseTemplateBody, example = json!({
        "name": "路灯维修", "text": "{{处理时间}}到现场查看，路灯已恢复照明，并检查了相邻的路灯。",
        "fields": [{"name": "处理时间", "label": "现场处理的日期", "kind": "date", "required": true}]
    })),
    responses((status = 200, description = "模板现在的样子", body = TemplateView)),
    security(("bearer" = [])),
    extensions(("x-problems" = json!(["template_retired", "template_name_taken"]))),
)]
#[put("/reply-templates/{id}")]
async fn revise(
    on: On<KeepTemplate, TemplateId>,
    body: Body<ReviseTemplateBody>,
) -> Result<HttpResponse, Error> {
    let parse = |body: ReviseTemplateBody| Wording::parse(&body.name, &body.text, &body.fields);
    let wording = on.read(body, parse).await?;
    templates::revise(&on.state, on.ask(), on.id, wording).await?;
    on.shown().await
}

/// 停用答复模板
///
/// 停用以后不能再用它答复，名称可以给新的模板；已经发出的答复不变。
#[utoipa::path(
    operation_id = "template.retire",
    tag = "template",
    params(IfMatch),
    request_body(content = Empty, example = json!({})),
    responses((status = 200, description = "模板现在的样子", body = TemplateView)),
    security(("bearer" = [])),
    extensions(("x-problems" = json!(["template_retired"]))),
)]
#[post("/reply-templates/{id}/retire")]
async fn retire(
    on: On<KeepTemplate, TemplateId>,
    body: Body<Empty>,
) -> Result<HttpResponse, Error> {
    on.read(body, |_| Ok(())).await?;
    templates::retire(&on.state, on.ask(), on.id).await?;
    on.shown().await
}

/// 试填
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PreviewBody {
    /// 各项填什么，按名称；日期写成 2026-11-25，数字不加引号
    #[serde(default)]
    pub fields: BTreeMap<String, Value>,
}

/// 试填的结果
#[derive(Debug, Serialize, ToSchema)]
pub struct PreviewView {
    /// 用的是哪一版
    pub version: i64,
    /// 填好的正文
    pub text: String,
    /// 是否不只是套话；只有套话的答复不予接收
    pub substantive: bool,
}

/// 试填答复模板
///
/// 看填好以后的正文，什么也不留下；缺的和填错的逐项指出，与答复时相同。
#[utoipa::path(
    operation_id = "template.preview",
    tag = "template",
    request_body(content = PreviewBody, example = json!({"fields": {"处理时间": "2026-11-25", "数量": 1, "结果": "当晚已亮"}})),
    responses((status = 200, description = "填好的正文", body = PreviewView)),
    security(("bearer" = [])),
    extensions(("x-problems" = json!(["template_retired"]))),
)]
#[post("/reply-templates/{id}/preview")]
async fn preview(
    on: On<ReadTask, TemplateId>,
    body: Body<PreviewBody>,
) -> Result<Json<PreviewView>, Error> {
    let fields = on.read(body, |body| Ok(body.fields)).await?;
    let view = on.found(None).await?;
    if view.retired_at.is_some() {
        return Err(Refused::Retired.into());
    }
    let text = view.wording().render(&fields)?;
    let substantive = task::is_substantive(&text);
    Ok(Json(PreviewView { version: view.version, text, substantive }))
}
