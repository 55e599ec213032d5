//! Complaints (诉求) over HTTP: submitting and reading. What the centre does is in
//! [`centre`], what the reporter does in [`reporter`].

use actix_web::{
    HttpResponse, get, post,
    web::{Data, Json},
};
use domain::{
    attachment::Chosen,
    complaint::{Channel, Kind, Submission, SubmissionForm, Submitter},
    event::Event,
    id::{AttachmentId, ComplaintId},
    identity::Permission,
    notification,
    org::NodeCode,
    page::{Limit, Page, PageRequest},
    privacy::Purpose,
    refusal::{Basic, Invalid},
    scope::Audience,
};
use infra::postgres::{
    complaint::read::{self, Filter, Summary, standing},
    event,
};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::extract::{
    Addressed, Body, Caller, IdempotencyKey, IfNoneMatch, MaybeCaller, On, Paging, Query,
    RequestMeta, Target,
    caller::needs::{OwnComplaint, ReadComplaint, SubmitComplaint},
    kept,
};
use crate::{
    app::{self, case::Ask, complaint::Receipt, idempotent::Once},
    error::Error,
    state::State,
};

pub mod centre;
pub mod filter;
pub mod hot;
pub mod merging;
pub mod photo;
pub mod reporter;
pub mod sheet;
mod view;

pub use filter::ListFilter;
pub use view::ComplaintView;

routes![submit, list, mine, read_one, events];

/// 提交诉求
#[derive(Debug, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SubmitBody {
    /// 诉求类型
    pub kind: Kind,
    /// 标题，2–200 个字
    pub title: String,
    /// 内容，5–10000 个字
    pub content: String,
    /// 所在社区或村的区划代码
    #[schema(example = "140213066004")]
    pub community_code: String,
    /// 详细地址
    pub address: Option<String>,
    /// 位置（GCJ-02，即微信地图给出的坐标）
    pub location: Option<LocationBody>,
    /// 要求保密；举报一律保密
    #[serde(default)]
    pub confidential: bool,
    /// 附件编号，本人上传、还没有用过的，最多 9 个；不登录的不能附
    #[serde(default)]
    pub attachment_ids: Vec<AttachmentId>,
    /// 渠道；居民默认小程序，工作人员默认电话
    pub channel: Option<Channel>,
    /// 联系人
    pub contact: Option<ContactBody>,
    /// 代他人反映（需要填写联系人）
    #[serde(default)]
    pub on_behalf: bool,
}

/// 位置
#[derive(Debug, Clone, Copy, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct LocationBody {
    /// 经度
    #[schema(example = 113.3402)]
    pub lng: f64,
    /// 纬度
    #[schema(example = 40.0911)]
    pub lat: f64,
}

impl LocationBody {
    /// As the rules take it.
    pub const fn pair(self) -> (f64, f64) {
        (self.lng, self.lat)
    }
}

/// 联系人
#[derive(Debug, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ContactBody {
    /// 称呼
    pub name: Option<String>,
    /// 电话
    #[schema(example = "13800001234")]
    pub phone: String,
}

/// 提交诉求
///
/// 居民为自己或代他人提交；派单员、网格员、社区和街道工作者登记来电、走访和巡查；不登录则为匿名。
/// 提交从不拒绝或合并重复的诉求。请保存好编号和查询码：查询码只在这里出现一次。
#[utoipa::path(
    operation_id = "complaint.submit",
    tag = "complaint",
    params(IdempotencyKey),
    request_body(content = SubmitBody, example = json!({
        "kind": "help", "title": "文兴路口路灯不亮", "content": "文兴路与永和街交叉口东北角的路灯三天没亮了，晚上老人出行不便。",
        "community_code": "140213066004", "address": "文兴路与永和街交叉口",
        "location": {"lng": 113.3402, "lat": 40.0911}, "contact": {"name": "李女士", "phone": "13800001234"}
    })),
    responses((status = 201, description = "已收到；重复提交同一个键得到同样的答复", body = Receipt)),
    security((), ("bearer" = [])),
    extensions(("x-problems" = json!([
        "unauthenticated", "forbidden", "rate_limited", "consent_required"
    ]))),
)]
#[post("/complaints")]
async fn submit(
    state: Data<State>,
    caller: MaybeCaller<SubmitComplaint>,
    meta: RequestMeta,
    key: IdempotencyKey,
    body: Body<SubmitBody>,
) -> Result<HttpResponse, Error> {
    let caller = caller.0;
    let body = body.read()?;
    let actor = caller.as_ref().map(|caller| &caller.actor);
    let by = Submitter::of(actor);
    let submission = Submission::parse(body.kind, &form(&body), by)?;
    let files = Chosen::parse(&body.attachment_ids)?;
    if let Submitter::Officer(officer) = by {
        // The centre takes in for the whole district, an officer for their own division.
        let own = officer.has(domain::identity::Role::Dispatcher)
            || officer.covers(Permission::SubmitComplaint, &submission.community);
        if !own {
            return Err(Invalid::field("community_code", "只能登记本辖区的诉求").into());
        }
    }
    app::privacy::consented(&state, actor, "complaint.submit", Purpose::Service).await?;
    if actor.is_none() {
        app::identity::admit_anonymous(&state, &meta.address).await?;
    }
    let account = actor.map(|actor| actor.account);
    let command = (submission.fingerprint(), &files);
    let once = Once::new(&state.crypto, account, "complaint.submit", key.0, &command)?;
    let ask = Ask::new(actor.cloned(), meta);
    let answer = app::complaint::submit(&state, ask, once, submission, files).await?;
    Ok(kept(answer))
}

fn form(body: &SubmitBody) -> SubmissionForm<'_> {
    SubmissionForm {
        title: &body.title,
        content: &body.content,
        community_code: &body.community_code,
        address: body.address.as_deref(),
        location: body.location.map(LocationBody::pair),
        confidential: body.confidential,
        channel: body.channel,
        contact: body.contact.as_ref().map(|c| (c.name.as_deref(), c.phone.as_str())),
        on_behalf: body.on_behalf,
    }
}

/// 诉求列表
///
/// 只列出本人权限范围内的诉求，新的在前；翻页中新来的诉求不影响后面各页。
#[utoipa::path(
    operation_id = "complaint.list",
    tag = "complaint",
    params(ListFilter, Paging),
    responses((status = 200, description = "一页诉求", body = Page<Summary>)),
    security(("bearer" = [])),
)]
#[get("/complaints")]
async fn list(
    caller: Caller<ReadComplaint>,
    state: Data<State>,
    filter: Query<ListFilter>,
    page: Paging,
) -> Result<Json<Page<Summary>>, Error> {
    let filter = filter.0.read(state.clock.now())?;
    let mut connection = state.db.acquire().await?;
    let rows = read::list(&mut connection, &caller.scope(), &filter, page.0).await?;
    Ok(Json(Page::of(rows, page.0.limit, Summary::cursor)))
}

/// 我的诉求
///
/// 本人提交的诉求，新的在前。
#[utoipa::path(
    operation_id = "complaint.mine",
    tag = "complaint",
    params(Paging, IfNoneMatch),
    responses(
        (status = 200, description = "一页诉求", body = Page<Summary>,
            headers(("ETag" = String, description = "用于 If-None-Match"))),
        (status = 304, description = "没有变化"),
    ),
    security(("bearer" = [])),
)]
#[get("/me/complaints")]
async fn mine(
    caller: Caller<OwnComplaint>,
    state: Data<State>,
    page: Paging,
    held: IfNoneMatch,
) -> Result<HttpResponse, Error> {
    let filter = Filter { own_only: true, ..Filter::default() };
    let mut connection = state.db.acquire().await?;
    let standing = standing::of_own(&mut connection, &caller.scope()).await?;
    let tag = held.tag(&caller.actor, &standing)?;
    if let Some(unchanged) = tag.unchanged() {
        return Ok(unchanged);
    }
    let rows = read::list(&mut connection, &caller.scope(), &filter, page.0).await?;
    Ok(tag.with(&Page::of(rows, page.0.limit, Summary::cursor)))
}

/// 查看诉求
///
/// 看到什么取决于身份：反映人看办理进度；承办单位看办理所需，任务未结束时可见联系电话（留痕）；
/// 区中心看来源。保密诉求的反映人信息不向承办单位显示。
/// 反映人可以把上次的 ETag 放在 If-None-Match 里频繁询问，没有新版本时返回 304；并案的诉求和其他身份总是返回全文。
#[utoipa::path(
    operation_id = "complaint.read",
    tag = "complaint",
    params(IfNoneMatch),
    responses(
        (status = 200, description = "诉求", body = ComplaintView,
            headers(("ETag" = String, description = "版本号，用于 If-Match"))),
        (status = 304, description = "反映人已有的就是现在的版本"),
    ),
    security(("bearer" = [])),
)]
#[get("/complaints/{id}")]
async fn read_one(
    on: On<ReadComplaint, ComplaintId>,
    held: IfNoneMatch,
) -> Result<HttpResponse, Error> {
    if !held.is_empty() {
        let mut connection = on.state.db.acquire().await?;
        let own = standing::own_version(&mut connection, &on.caller.scope(), on.id).await?;
        if let Some(unchanged) = own.and_then(|version| held.unchanged(version)) {
            return Ok(unchanged);
        }
    }
    on.shown().await
}

/// 办理记录
#[derive(Debug, Serialize, ToSchema)]
pub struct EventView {
    /// 序号，从 1 起
    pub seq: i32,
    /// 种类
    pub kind: domain::event::EventKind,
    /// 时间
    #[schema(value_type = String, format = DateTime)]
    pub at: domain::time::Timestamp,
    /// 给人看的一句话
    #[schema(example = "区城市管理局已签收")]
    pub text: String,
    /// 相关单位
    pub unit: Option<NodeCode>,
    /// 相关任务
    pub task_id: Option<domain::id::TaskId>,
}

/// 办理记录的翻页
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct EventsFilter {
    /// 只要这个序号之后的
    #[param(required = false, example = 0)]
    after: Option<i32>,
}

/// 办理记录
///
/// 按时间先后；只含本人可以看到的记录。
#[utoipa::path(
    operation_id = "complaint.events",
    tag = "complaint",
    params(EventsFilter, Paging, IfNoneMatch),
    responses(
        (status = 200, description = "一页记录", body = Page<EventView>,
            headers(("ETag" = String, description = "用于 If-None-Match"))),
        (status = 304, description = "没有变化"),
    ),
    security(("bearer" = [])),
)]
#[get("/complaints/{id}/events")]
async fn events(
    caller: Caller<ReadComplaint>,
    state: Data<State>,
    id: Target<ComplaintId>,
    filter: Query<EventsFilter>,
    page: Paging,
    held: IfNoneMatch,
) -> Result<HttpResponse, Error> {
    let scope = caller.scope();
    let mut connection = state.db.acquire().await?;
    let standing =
        standing::of_stream(&mut connection, &scope, id.0).await?.ok_or(Basic::NotFound)?;
    let tag = held.tag(&caller.actor, &standing)?;
    if let Some(unchanged) = tag.unchanged() {
        return Ok(unchanged);
    }
    let after = seq_after(&filter.0, page.0);
    let rows =
        event::timeline(&mut connection, &scope, standing.audience, id.0.0, after, page.0.limit)
            .await?;
    let viewer = notification::Viewer {
        audience: standing.audience,
        own: standing.audience == Audience::Reporter,
        confidential: standing.confidential,
    };
    Ok(tag.with(&events_page(rows, page.0.limit, viewer)))
}

/// After which event a page of a stream starts. The stream is numbered, so that its cursor is the
/// number itself.
pub fn seq_after(filter: &EventsFilter, page: PageRequest) -> i32 {
    page.after.map_or(filter.after.unwrap_or(0), |cursor| view::seq_of(&cursor))
}

/// A page of a stream, put into words for whoever reads it.
pub fn events_page(
    rows: Vec<Event>,
    limit: Limit,
    viewer: notification::Viewer,
) -> Page<EventView> {
    let page = Page::of(rows, limit, view::cursor_of);
    let shown = page.items.into_iter().map(|event| EventView {
        seq: event.seq,
        kind: event.kind,
        at: event.at,
        text: notification::render(&event, viewer),
        unit: event.unit,
        task_id: event.task,
    });
    Page { items: shown.collect(), next_cursor: page.next_cursor }
}
