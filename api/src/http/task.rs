//! Tasks (任务单) over HTTP: what a unit reads and does. What the centre rules is in
//! [`ruling`].

use std::collections::BTreeMap;

use actix_web::{
    HttpResponse, get,
    http::header::ETAG,
    post,
    web::{Data, Json},
};
use domain::{
    attachment::Chosen,
    id::{AttachmentId, TaskId, TemplateId},
    org::NodeCode,
    page::{Limit, Page, PageRequest},
    refusal::Basic,
    task::{
        Contact, ContactChannel, ContactOutcome, Extend, Outcome, Refused, Reply, ReportIn, Return,
        ReturnGround, waiver,
    },
    template::Words,
    time::Timestamp,
};
use infra::postgres::task::read::{self, Filter, TaskView};
use serde::Deserialize;
use serde_json::Value;
use utoipa::ToSchema;

use super::{
    complaint::LocationBody,
    extract::{
        Addressed, Body, Caller, IfMatch, On, Paging, Query,
        body::Empty,
        caller::needs::{ReadTask, WorkTask},
    },
};
use crate::{
    app::task::{self as tasks, ReplyOrder},
    error::Error,
    state::State,
};

pub mod approval;
pub mod assist;
pub mod bulk;
pub mod draft;
pub mod exclusion;
pub mod filter;
pub mod hand;
pub mod returns;
pub mod ruling;

pub use filter::ListFilter;

routes![list, read_one, acknowledge, contact, report_in, reply, ask_return, extend];

/// 任务列表
///
/// 承办单位看本单位的，区中心看全部；新的在前。
#[utoipa::path(
    operation_id = "task.list",
    tag = "task",
    params(ListFilter, Paging),
    responses((status = 200, description = "一页任务", body = Page<TaskView>)),
    security(("bearer" = [])),
)]
#[get("/tasks")]
async fn list(
    caller: Caller<ReadTask>,
    state: Data<State>,
    filter: Query<ListFilter>,
    page: Paging,
) -> Result<Json<Page<TaskView>>, Error> {
    let filter = filter.0.read(state.clock.now())?;
    let mut connection = state.db.acquire().await?;
    let rows = read::list(&mut connection, &caller.scope(), &filter, page.0).await?;
    Ok(Json(Page::of(rows, page.0.limit, TaskView::cursor)))
}

impl<P> On<P, TaskId> {
    async fn found(&self) -> Result<TaskView, Error> {
        let filter = Filter { id: Some(self.id), ..Filter::default() };
        let one = PageRequest { after: None, limit: Limit::DEFAULT };
        let mut connection = self.state.db.acquire().await?;
        let mut rows = read::list(&mut connection, &self.caller.scope(), &filter, one).await?;
        rows.pop().ok_or_else(|| Basic::NotFound.into())
    }

    /// The unit of the task, for what the unit alone may do.
    async fn own_unit(&self) -> Result<NodeCode, Error> {
        let unit = self.found().await?.unit;
        if self.caller.actor.works_for(&unit) { Ok(unit) } else { Err(Refused::UnitAnswers.into()) }
    }
}

impl<P> Addressed for On<P, TaskId> {
    async fn visible(&self) -> Result<(), Error> {
        self.found().await.map(|_| ())
    }

    async fn shown(&self) -> Result<HttpResponse, Error> {
        let view = self.found().await?;
        let etag = format!("\"{}\"", view.version);
        Ok(HttpResponse::Ok().insert_header((ETAG, etag)).json(view))
    }
}

/// 查看任务
///
/// 本单位的任务，区中心能看全部；别的单位的任务看起来不存在。反映人的电话按角色隐去。
#[utoipa::path(
    operation_id = "task.read",
    tag = "task",
    responses((status = 200, description = "任务", body = TaskView,
        headers(("ETag" = String, description = "版本号，用于 If-Match")))),
    security(("bearer" = [])),
)]
#[get("/tasks/{id}")]
async fn read_one(on: On<ReadTask, TaskId>) -> Result<HttpResponse, Error> {
    on.shown().await
}

/// 签收
///
/// 从派单起算签收时限；重复签收被拒绝，不改变时间。
#[utoipa::path(
    operation_id = "task.acknowledge",
    tag = "task",
    params(IfMatch),
    request_body(content = Empty, example = json!({})),
    responses((status = 200, description = "任务现在的样子", body = TaskView)),
    security(("bearer" = [])),
    extensions(("x-problems" = json!(["task_step_refused"]))),
)]
#[post("/tasks/{id}/acknowledge")]
async fn acknowledge(on: On<WorkTask, TaskId>, body: Body<Empty>) -> Result<HttpResponse, Error> {
    on.read(body, |_| Ok(())).await?;
    tasks::acknowledge(&on.state, on.ask(), on.id).await?;
    on.shown().await
}

/// 联系情况
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = TaskContactBody)]
pub struct ContactBody {
    /// 说了什么
    pub note: String,
    /// 方式；默认电话
    pub channel: Option<ContactChannel>,
    /// 是否联系上；默认联系上
    pub outcome: Option<ContactOutcome>,
}

/// 登记联系
///
/// 保密的诉求只能用平台转达（relay），转达即算联系。
#[utoipa::path(
    operation_id = "task.contact",
    tag = "task",
    params(IfMatch),
    request_body(content = ContactBody, example = json!({"note": "电话联系，约定今晚七点到现场查看", "channel": "phone", "outcome": "reached"})),
    responses((status = 200, description = "任务现在的样子", body = TaskView)),
    security(("bearer" = [])),
    extensions(("x-problems" = json!(["task_step_refused", "nobody_to_contact", "relay_only"]))),
)]
#[post("/tasks/{id}/contact")]
async fn contact(on: On<WorkTask, TaskId>, body: Body<ContactBody>) -> Result<HttpResponse, Error> {
    let command =
        on.read(body, |body| Contact::parse(&body.note, body.channel, body.outcome)).await?;
    tasks::contact(&on.state, on.ask(), on.id, command).await?;
    on.shown().await
}

/// 到场人员
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PresenceBody {
    /// 姓名
    pub name: String,
    /// 职务
    #[schema(example = "市政科科长")]
    pub post: String,
}

/// 报到
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ReportInBody {
    /// 到场人员，至少一人
    pub people: Vec<PresenceBody>,
    /// 现场情况
    pub note: Option<String>,
    /// 位置（GCJ-02）
    pub location: Option<LocationBody>,
    /// 附件编号，最多 9 个
    #[serde(default)]
    pub attachment_ids: Vec<AttachmentId>,
}

/// 到场报到
///
/// 写明到场人员的姓名和职务，可以附位置；时间以服务器为准。
#[utoipa::path(
    operation_id = "task.report_in",
    tag = "task",
    params(IfMatch),
    request_body(content = ReportInBody, example = json!({"people": [{"name": "张工", "post": "市政科科长"}], "note": "现场查看，电缆老化"})),
    responses((status = 200, description = "任务现在的样子", body = TaskView)),
    security(("bearer" = [])),
    extensions(("x-problems" = json!(["task_step_refused", "case_suspended"]))),
)]
#[post("/tasks/{id}/report-in")]
async fn report_in(
    on: On<WorkTask, TaskId>,
    body: Body<ReportInBody>,
) -> Result<HttpResponse, Error> {
    let parse = |body: ReportInBody| {
        let people: Vec<(&str, &str)> =
            body.people.iter().map(|person| (person.name.as_str(), person.post.as_str())).collect();
        let place = body.location.map(LocationBody::pair);
        let files = Chosen::parse(&body.attachment_ids)?;
        Ok((ReportIn::parse(&people, body.note.as_deref(), place)?, files))
    };
    let (command, files) = on.read(body, parse).await?;
    tasks::report_in(&on.state, on.ask(), on.id, command, files).await?;
    on.shown().await
}

/// 答复
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ReplyBody {
    /// 办理情况和结果，给反映人看；用答复模板时不写
    pub text: Option<String>,
    /// 结果
    pub outcome: Outcome,
    /// 依据的法律、法规或文件；不予办理时必填
    pub basis: Option<String>,
    /// 答复模板，本单位的或区中心的
    pub template: Option<TemplateId>,
    /// 模板各项填什么，按名称；日期写成 2026-11-25，数字不加引号
    pub fields: Option<BTreeMap<String, Value>>,
    /// 牵头单位综合答复时，为什么不等协办单位答复，2–500 个字
    pub without_assists: Option<String>,
    /// 附件编号，最多 9 个；重新答复时列出的保留，没有列出的不再算这次答复的
    #[serde(default)]
    pub attachment_ids: Vec<AttachmentId>,
}

/// 答复
///
/// 需要先行联系的，先登记联系；只有套话的答复不予接收。用答复模板（`template`）的，由模板写出正文，
/// 缺的和填错的逐项指出；任务上记着用的是哪一版（`reply_template`）。
/// 区中心派单时要求牵头单位综合答复的，主办单位在协办单位都答复以后答复，或写明不等的原因（`without_assists`）。
/// 本单位设置了审签的，答复先等负责人审签，审签时才算答复，答复时限照常计算（`waiting_reply`）。
#[utoipa::path(
    operation_id = "task.reply",
    tag = "task",
    params(IfMatch),
    request_body(content = ReplyBody, example = json!({"text": "11月25日19时更换了路口东北角路灯的电缆和灯头，当晚已亮。", "outcome": "solved"})),
    responses((status = 200, description = "任务现在的样子", body = TaskView)),
    security(("bearer" = [])),
    extensions(("x-problems" = json!(["task_step_refused", "reply_not_substantive", "contact_missing", "not_arrived", "case_suspended", "template_missing", "template_retired", "assists_out", "reply_waits_for_approval", "photos_required"]))),
)]
#[post("/tasks/{id}/reply")]
async fn reply(on: On<WorkTask, TaskId>, body: Body<ReplyBody>) -> Result<HttpResponse, Error> {
    let command = on
        .read(body, |body| {
            let files = Chosen::parse(&body.attachment_ids)?;
            let words = Words::parse(body.text, body.template, body.fields)?;
            // What can be told before a template is looked up is told before the unit is.
            if let Words::Own(text) = &words {
                Reply::parse(text, body.outcome, body.basis.as_deref())?;
            }
            let without_assists = body.without_assists.as_deref().map(waiver).transpose()?;
            let (outcome, basis) = (body.outcome, body.basis);
            Ok(ReplyOrder { words, outcome, basis, without_assists, files })
        })
        .await?;
    tasks::reply(&on.state, on.ask(), on.id, command).await?;
    on.shown().await
}

/// 申请退单
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ReturnBody {
    /// 理由
    pub ground: ReturnGround,
    /// 依据的法律或清单事项
    pub basis: String,
    /// 建议改派的单位
    #[schema(example = "power-grid")]
    pub suggested_unit: String,
}

/// 申请退单
///
/// 派单后一个工作日内（紧急、民生一小时内）可以申请；每条任务线最多退两次，之后由区中心作最终裁定。
#[utoipa::path(
    operation_id = "task.return",
    tag = "task",
    params(IfMatch),
    request_body(content = ReturnBody, example = json!({"ground": "duty", "basis": "该路灯由供电公司产权管理", "suggested_unit": "power-grid"})),
    responses((status = 200, description = "任务现在的样子", body = TaskView)),
    security(("bearer" = [])),
    extensions(("x-problems" = json!(["task_step_refused", "return_limit_reached", "return_window_closed", "return_to_self", "emergency_acts_first", "case_suspended", "unit_answers", "reply_waits_for_approval"]))),
)]
#[post("/tasks/{id}/return")]
async fn ask_return(
    on: On<WorkTask, TaskId>,
    body: Body<ReturnBody>,
) -> Result<HttpResponse, Error> {
    let command =
        on.read(body, |body| Return::parse(body.ground, &body.basis, &body.suggested_unit)).await?;
    tasks::ask_return(&on.state, on.ask(), on.id, command).await?;
    on.shown().await
}

/// 申请延期
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ExtendBody {
    /// 延到什么时候
    #[schema(value_type = String, format = DateTime)]
    pub until: Timestamp,
    /// 原因
    pub reason: String,
}

/// 申请延期
///
/// 时限之前提出；每次最多三个工作日，最多三次；紧急事项不能延期。等待裁定时时限照常计算。
#[utoipa::path(
    operation_id = "task.extend",
    tag = "task",
    params(IfMatch),
    request_body(content = ExtendBody, example = json!({"until": "2026-12-03T16:00:00Z", "reason": "需要等待配件到货"})),
    responses((status = 200, description = "任务现在的样子", body = TaskView)),
    security(("bearer" = [])),
    extensions(("x-problems" = json!(["task_step_refused", "extension_pending", "extension_not_for_emergency", "extension_limit_reached", "extension_window_closed", "extension_until_out_of_range", "case_suspended", "unit_answers"]))),
)]
#[post("/tasks/{id}/extend")]
async fn extend(on: On<WorkTask, TaskId>, body: Body<ExtendBody>) -> Result<HttpResponse, Error> {
    let command = on.read(body, |body| Extend::parse(body.until, &body.reason)).await?;
    tasks::extend(&on.state, on.ask(), on.id, command).await?;
    on.shown().await
}
