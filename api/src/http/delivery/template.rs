//! The system administrator's templates of what is sent out: their versions, a preview, and a new
//! version.

use std::collections::BTreeMap;

use actix_web::{
    HttpResponse, get, post,
    web::{Data, Json},
};
use domain::{
    delivery::{Channel, Draft, Template},
    event::EventKind,
};
use infra::postgres::delivery::read::{self, TemplateVersions};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{
    app::delivery::template::{self as wordings, Preview},
    error::Error,
    http::extract::{Body, Caller, RequestMeta, Target, caller::needs::ManageJobs},
    state::State,
};

routes![templates, preview, publish];

/// 消息模板的各个版本
///
/// 每一组消息版本号最大的为现行的，新的在前，最多 100 个。每条消息记着用的是哪一版。
#[utoipa::path(
    operation_id = "delivery.templates", tag = "delivery",
    responses((status = 200, description = "各个版本", body = TemplateVersions)),
    security(("bearer" = [])),
)]
#[get("/notification-templates")]
async fn templates(
    _: Caller<ManageJobs>,
    state: Data<State>,
) -> Result<Json<TemplateVersions>, Error> {
    let mut connection = state.db.acquire().await?;
    Ok(Json(TemplateVersions { items: read::templates(&mut connection).await? }))
}

/// 模板的写法
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct WordingBody {
    /// 渠道；不写为微信订阅消息
    #[serde(default)]
    #[schema(inline)]
    pub channel: Channel,
    /// 模板在微信的编号，或短信平台的模板编号（SMS_ 加数字）
    pub template_id: String,
    /// 点开消息进入的页面；空为不进入，短信没有
    #[serde(default)]
    pub page: String,
    /// 各字段（短信的变量）：一个占位符（{title}、{number}、{phrase}、{text}、{time}；短信只有 {number}、{phrase}、{time}；每日摘要还有 {summary}），
    /// 或固定的文字
    pub fields: BTreeMap<String, String>,
    /// 是不是长期订阅模板
    pub long_term: bool,
}

impl WordingBody {
    fn parse(self, template: Template) -> Result<Draft, Error> {
        let Self { channel, template_id, page, fields, long_term } = self;
        Ok(Draft::parse((template, channel), &template_id, &page, fields, long_term)?)
    }
}

/// 预览
#[derive(Debug, Serialize, ToSchema)]
pub struct MessagePreview {
    /// 这一组第一类事情各字段显示的文字，过长的已按微信或短信平台的限制截短
    pub fields: BTreeMap<String, String>,
    /// 这一组的每一类事情
    pub kinds: Vec<KindPreview>,
}

/// 一类事情的预览
#[derive(Debug, Serialize, ToSchema)]
pub struct KindPreview {
    /// 哪一类事情
    pub kind: EventKind,
    /// 这一类事情的名称
    #[schema(example = "已受理")]
    pub label: &'static str,
    /// 各字段显示的文字
    pub fields: BTreeMap<String, String>,
    /// 被截短的字段
    pub cut: Vec<String>,
}

impl From<Preview> for KindPreview {
    fn from(Preview { kind, fields, cut }: Preview) -> Self {
        Self { kind, label: kind.label(), fields, cut }
    }
}

/// 预览一种写法
///
/// 这一组的每一类事情各用一个编造的例子，按实际发送的句子填好，标出被截短的字段；不保存、不发送，也不涉及任何人的信息。
#[utoipa::path(
    operation_id = "delivery.preview", tag = "delivery",
    params(("id" = String, Path, description = "模板：progress、asked 等", example = "progress")),
    request_body(content = WordingBody, example = json!({"template_id": "demo-progress", "page": "pages/notifications/index", "fields": {"thing1": "{title}", "phrase2": "{phrase}", "time3": "{time}"}, "long_term": true})),
    responses((status = 200, description = "填好的样子", body = MessagePreview)),
    security(("bearer" = [])),
)]
#[post("/notification-templates/{id}/preview")]
async fn preview(
    _: Caller<ManageJobs>,
    target: Target<Template>,
    state: Data<State>,
    body: Body<WordingBody>,
) -> Result<Json<MessagePreview>, Error> {
    let body = body.read()?;
    let way = (target.0, body.channel);
    let draft = body.parse(target.0)?;
    let previews = wordings::preview(way, &draft, state.clock.now()).into_iter();
    let kinds: Vec<_> = previews.map(KindPreview::from).collect();
    let fields = kinds.first().map(|first| first.fields.clone()).unwrap_or_default();
    Ok(Json(MessagePreview { fields, kinds }))
}

/// 发布的一版
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PublishBody {
    /// 在哪一版的基础上改，还没有时写 0；现行的已不是这一版时不发布
    #[schema(example = 1)]
    pub base_version: i32,
    /// 渠道；不写为微信订阅消息
    #[serde(default)]
    #[schema(inline)]
    pub channel: Channel,
    /// 模板在微信的编号，或短信平台的模板编号（SMS_ 加数字）
    pub template_id: String,
    /// 点开消息进入的页面；空为不进入，短信没有
    #[serde(default)]
    pub page: String,
    /// 各字段（短信的变量）：一个占位符（{title}、{number}、{phrase}、{text}、{time}；短信只有 {number}、{phrase}、{time}；每日摘要还有 {summary}），
    /// 或固定的文字
    pub fields: BTreeMap<String, String>,
    /// 是不是长期订阅模板
    pub long_term: bool,
}

/// 发布模板的新一版
///
/// 发布后马上用于还没有发送的消息。要退回旧版，把旧版的内容再发布一次。短信从发布第一版起才发送。
#[utoipa::path(
    operation_id = "delivery.publish", tag = "delivery",
    params(("id" = String, Path, description = "模板：progress、asked 等", example = "progress")),
    request_body(content = PublishBody, example = json!({"base_version": 1, "template_id": "demo-progress", "page": "pages/notifications/index", "fields": {"thing1": "{title}", "phrase2": "{phrase}", "time3": "{time}"}, "long_term": true})),
    responses((status = 201, description = "各个版本", body = TemplateVersions)),
    security(("bearer" = [])),
    extensions(("x-problems" = json!(["delivery_template_changed"]))),
)]
#[post("/notification-templates/{id}/versions")]
async fn publish(
    caller: Caller<ManageJobs>,
    target: Target<Template>,
    state: Data<State>,
    meta: RequestMeta,
    body: Body<PublishBody>,
) -> Result<HttpResponse, Error> {
    let body = body.read()?;
    let way = (target.0, body.channel);
    let draft = Draft::parse(way, &body.template_id, &body.page, body.fields, body.long_term)?;
    wordings::publish(&state, &caller.actor, meta.into(), way, body.base_version, draft).await?;
    let mut connection = state.db.acquire().await?;
    let items = read::templates(&mut connection).await?;
    Ok(HttpResponse::Created().json(TemplateVersions { items }))
}
