//! Announcements (公告) over HTTP: read by everybody, written and looked at by a body's officers.

use actix_web::{
    HttpResponse, get, post, put,
    web::{Data, Json},
};
use domain::{
    announcement::{Audience, EditionForm, Kind},
    attachment::Chosen,
    id::{AnnouncementId, AttachmentId},
    identity::{Actor, Permission},
    org::NodeCode,
    page::{Page, PageRequest},
    publication::{ANNOUNCEMENT, Status},
    refusal::Basic,
    time::Timestamp,
};
use infra::postgres::announcement::{
    Head,
    read::{self, Row},
};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::{
    extract::{
        Addressed, Body, Caller, Empty, IdempotencyKey, IfMatch, MaybeCaller, On, Paging, Query,
        RequestMeta, Target,
        caller::needs::{KeepAnnouncement, ReadSelf},
        kept,
    },
    feedback::PictureView,
    publication::{
        self, DeskFilter, EditionFilter, Published, ReviewVerdict, TakeDownBody, own_desk, words,
    },
};
use crate::{
    app::{
        announcement as announcements, case::Ask, idempotent::Once, publication as publications,
    },
    error::Error,
    state::State,
};

routes![list, desk, read_one, draft, revise, submit, review, withdraw, mark_read];

/// 本单位看到的情况
#[derive(Debug, Serialize, ToSchema)]
pub struct AnnouncementDesk {
    /// 状态
    pub status: Status,
    /// 最新一版的版次
    pub edition: i32,
    /// 居民看到的版次；还没有发布的为空
    pub shown: Option<i32>,
    /// 待审核的版次；没有的为空
    pub waiting: Option<i32>,
    /// 审核不通过或撤下的原因
    pub reason: Option<String>,
    /// 这一版里的禁用词；请改掉，不会被悄悄删去
    pub flagged: Vec<String>,
    /// 这一版由谁写的
    pub made_by: String,
    /// 这一版的时间
    #[schema(value_type = String, format = DateTime)]
    pub made_at: Timestamp,
    /// 多少人标为已读；只计数，看不到是谁
    pub reads: i64,
    /// 起草的时间
    #[schema(value_type = String, format = DateTime)]
    pub created_at: Timestamp,
}

/// 公告
#[derive(Debug, Serialize, ToSchema)]
pub struct AnnouncementView {
    /// 公告的 id
    pub id: AnnouncementId,
    /// 版本号，用于 If-Match
    pub version: i64,
    /// 以哪个单位的名义发布
    pub body: NodeCode,
    /// 该单位的名称
    #[schema(example = "文兴社区")]
    pub body_name: String,
    /// 类别
    pub kind: Kind,
    /// 给谁看的
    pub audience: Audience,
    /// 第几版
    pub number: i32,
    /// 标题
    pub title: String,
    /// 正文
    pub text: String,
    /// 涉及的区划
    #[schema(value_type = Vec<String>, example = json!(["140213066004"]))]
    pub areas: Vec<String>,
    /// 是否置顶
    pub pinned: bool,
    /// 从什么时候
    #[schema(value_type = String, format = DateTime)]
    pub starts_at: Timestamp,
    /// 到什么时候
    #[schema(value_type = String, format = DateTime)]
    pub ends_at: Timestamp,
    /// 是否已经结束
    pub ended: bool,
    /// 照片
    pub pictures: Vec<PictureView>,
    /// 发布的时间
    #[schema(value_type = Option<String>, format = DateTime)]
    pub published_at: Option<Timestamp>,
    /// 本单位的人才有；其他人为空
    pub desk: Option<AnnouncementDesk>,
}

impl AnnouncementView {
    fn public(state: &State, row: Row) -> Self {
        Self::shown(state, row, false)
    }

    fn desk(state: &State, row: Row) -> Self {
        Self::shown(state, row, true)
    }

    fn shown(state: &State, row: Row, officer: bool) -> Self {
        let flagged = state.config.screening.found(&row.title, &row.text);
        let flagged = flagged.into_iter().map(str::to_owned).collect();
        let over = row.status == Status::Ended || row.ends_at <= state.clock.now();
        Self {
            id: row.id,
            version: row.version,
            body: row.body,
            body_name: row.body_name,
            kind: row.kind,
            audience: row.audience,
            number: row.number,
            title: row.title,
            text: row.text,
            areas: row.areas,
            pinned: row.pinned,
            starts_at: row.starts_at,
            ends_at: row.ends_at,
            ended: over && row.published_at.is_some(),
            pictures: PictureView::all(state, &row.pictures),
            published_at: row.published_at,
            desk: officer.then_some(AnnouncementDesk {
                status: row.status,
                edition: row.edition,
                shown: row.shown,
                waiting: row.waiting,
                reason: row.reason,
                flagged,
                made_by: row.made_by,
                made_at: row.made_at,
                reads: row.reads,
                created_at: row.created_at,
            }),
        }
    }
}

/// Whether somebody works for the city, and so reads what is for the staff.
fn is_staff<P>(caller: Option<&Caller<P>>) -> bool {
    caller.is_some_and(|caller| caller.actor.may(Permission::Staff))
}

/// The one that people may read.
async fn public(state: &State, staff: bool, id: AnnouncementId) -> Result<AnnouncementView, Error> {
    let filter = read::Public { id: Some(id), staff, ..read::Public::default() };
    let mut connection = state.db.acquire().await?;
    let now = state.clock.now();
    let rows = read::public(&mut connection, &filter, PageRequest::FIRST, now).await?;
    let row = rows.into_iter().next().ok_or(Basic::NotFound)?;
    Ok(AnnouncementView::public(state, row))
}

impl Published for AnnouncementId {
    type View = AnnouncementView;

    async fn own(
        self,
        state: &State,
        actor: &Actor,
        edition: Option<i32>,
    ) -> Result<Option<AnnouncementView>, Error> {
        let filter = own_desk(actor, self.into(), edition);
        let mut connection = state.db.acquire().await?;
        let row = read::desk(&mut connection, &filter, PageRequest::FIRST).await?.pop();
        Ok(row.map(|row| AnnouncementView::desk(state, row)))
    }

    fn version(view: &AnnouncementView) -> i64 {
        view.version
    }
}

/// 公告列表的筛选条件
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct AnnouncementFilter {
    /// 社区或村的区划代码：它和它所在街道、区的公告，以及只涉及其中一部分的
    #[param(required = false, example = "140213066004")]
    community_code: Option<String>,
    /// 类别
    #[param(required = false, inline)]
    kind: Option<Kind>,
    /// true 只要置顶的，false 只要不置顶的
    #[param(required = false)]
    pinned: Option<bool>,
    /// 在标题和正文里查找，几个词之间用空格
    #[param(required = false, example = "停水")]
    q: Option<String>,
}

/// 公告列表
///
/// 正在有效的，新发布的在前；不登录也可以看给居民的，工作人员还看得到给工作人员的。
#[utoipa::path(
    operation_id = "announcement.list",
    tag = "announcement",
    params(AnnouncementFilter, Paging),
    responses((status = 200, description = "一页公告", body = Page<AnnouncementView>)),
    security((), ("bearer" = [])),
    extensions(("x-problems" = json!(["unauthenticated"]))),
)]
#[get("/announcements")]
async fn list(
    caller: MaybeCaller<ReadSelf>,
    state: Data<State>,
    filter: Query<AnnouncementFilter>,
    page: Paging,
) -> Result<Json<Page<AnnouncementView>>, Error> {
    let AnnouncementFilter { community_code, kind, pinned, q } = filter.0;
    let community = NodeCode::optional("community_code", community_code.as_deref())?;
    let staff = is_staff(caller.0.as_ref());
    let filter =
        read::Public { id: None, community, kind, pinned, words: words(q.as_deref())?, staff };
    let mut connection = state.db.acquire().await?;
    let rows = read::public(&mut connection, &filter, page.0, state.clock.now()).await?;
    let Page { items, next_cursor } = Page::of(rows, page.0.limit, Row::public_cursor);
    let items = items.into_iter().map(|row| AnnouncementView::public(&state, row)).collect();
    Ok(Json(Page { items, next_cursor }))
}

/// 本单位的公告
///
/// 社区、街道和区里看本单位的全部，草稿也在内，显示最新的一版；新起草的在前。
#[utoipa::path(
    operation_id = "announcement.desk",
    tag = "announcement",
    params(DeskFilter, Paging),
    responses((status = 200, description = "一页公告", body = Page<AnnouncementView>)),
    security(("bearer" = [])),
)]
#[get("/announcements/desk")]
async fn desk(
    caller: Caller<KeepAnnouncement>,
    state: Data<State>,
    filter: Query<DeskFilter>,
    page: Paging,
) -> Result<Json<Page<AnnouncementView>>, Error> {
    let filter = filter.0.of(caller.actor.nodes(Permission::KeepAnnouncement));
    let mut connection = state.db.acquire().await?;
    let rows = read::desk(&mut connection, &filter, page.0).await?;
    let Page { items, next_cursor } = Page::of(rows, page.0.limit, Row::desk_cursor);
    let items = items.into_iter().map(|row| AnnouncementView::desk(&state, row)).collect();
    Ok(Json(Page { items, next_cursor }))
}

/// 查看公告
///
/// 居民看已发布的一版，结束以后仍可查看；本单位的人看最新的一版，或用 `edition` 指明的一版。
#[utoipa::path(
    operation_id = "announcement.read",
    tag = "announcement",
    params(EditionFilter),
    responses((status = 200, description = "公告", body = AnnouncementView,
        headers(("ETag" = String, description = "版本号，用于 If-Match")))),
    security((), ("bearer" = [])),
    extensions(("x-problems" = json!(["unauthenticated"]))),
)]
#[get("/announcements/{id}")]
async fn read_one(
    caller: MaybeCaller<ReadSelf>,
    state: Data<State>,
    id: Target<AnnouncementId>,
    filter: Query<EditionFilter>,
) -> Result<HttpResponse, Error> {
    if let Some(own) = publication::own_edition(&state, &caller, id.0, filter.0).await? {
        return Ok(own);
    }
    let view = public(&state, is_staff(caller.0.as_ref()), id.0).await?;
    Ok(publication::answered::<AnnouncementId>(&view))
}

/// 公告的内容
#[derive(Debug, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AnnouncementEditionBody {
    /// 标题，2–100 个字
    #[schema(min_length = 2, max_length = 100)]
    pub title: String,
    /// 正文，5–5000 个字；不能有居民身份证号码
    #[schema(min_length = 5, max_length = 5000)]
    pub text: String,
    /// 涉及的区划代码，本单位辖区以内，最多 50 个；不填为整个辖区
    #[serde(default)]
    pub areas: Vec<String>,
    /// 是否置顶
    #[serde(default)]
    pub pinned: bool,
    /// 从什么时候；不填为现在
    #[schema(value_type = Option<String>, format = DateTime)]
    pub starts_at: Option<Timestamp>,
    /// 到什么时候
    #[schema(value_type = String, format = DateTime)]
    pub ends_at: Timestamp,
    /// 照片的附件编号，按显示的先后，最多 9 张
    #[serde(default)]
    pub attachment_ids: Vec<AttachmentId>,
}

impl AnnouncementEditionBody {
    fn form(&self, now: Timestamp) -> Result<EditionForm<'_>, domain::refusal::Invalid> {
        Ok(EditionForm {
            title: &self.title,
            text: &self.text,
            areas: &self.areas,
            pinned: self.pinned,
            starts_at: self.starts_at.unwrap_or(now),
            ends_at: self.ends_at,
            pictures: Chosen::parse(&self.attachment_ids)?,
        })
    }
}

/// 新的公告
#[derive(Debug, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AnnouncementBody {
    /// 以哪个单位的名义：社区、街道或区的代码；只为一个单位工作的可不填
    #[schema(example = "140213066004")]
    pub body: Option<String>,
    /// 类别，起草以后不变
    pub kind: Kind,
    /// 给谁看的，起草以后不变；不填为居民
    pub audience: Option<Audience>,
    /// 内容
    pub content: AnnouncementEditionBody,
}

/// 起草公告
///
/// 社区、街道为自己的辖区起草，区里由派单员和组织员起草。起草以后提交，由本单位的另一人审核后发布；停水停电停气先发布后审核。
#[utoipa::path(
    operation_id = "announcement.draft",
    tag = "announcement",
    params(IdempotencyKey),
    request_body(content = AnnouncementBody, example = json!({
        "kind": "outage", "content": {
            "title": "文兴小区停水通知", "text": "因管道抢修，11 月 25 日 9 时至 18 时停水，请提前储水。咨询电话 0352-5550000。",
            "ends_at": "2027-11-25T10:00:00Z"
        }
    })),
    responses((status = 201, description = "草稿；重复提交同一个键得到同样的答复", body = AnnouncementView)),
    security(("bearer" = [])),
)]
#[post("/announcements")]
async fn draft(
    caller: Caller<KeepAnnouncement>,
    state: Data<State>,
    meta: RequestMeta,
    key: IdempotencyKey,
    body: Body<AnnouncementBody>,
) -> Result<HttpResponse, Error> {
    let given = body.read()?;
    let ask = Ask::new(Some(caller.actor.clone()), meta);
    let named = NodeCode::optional("body", given.body.as_deref())?;
    let body = publications::body(&ask, &ANNOUNCEMENT, named)?;
    let now = state.clock.now();
    let edition = given.content.form(now)?.parse(&body, now)?;
    let audience = given.audience.unwrap_or(Audience::Residents);
    let head = Head { body, kind: given.kind, audience };
    let by = Some(caller.actor.account);
    let once = Once::new(&state.crypto, by, "announcement.draft", key.0, &given)?;
    let what = (head, edition);
    Ok(kept(announcements::draft(&state, ask, once, what, AnnouncementView::desk).await?))
}

/// 修改公告
///
/// 写成新的一版；居民看到的不变，提交并审核以后才换。待审核时修改，先前的提交随之收回。
#[utoipa::path(
    operation_id = "announcement.revise",
    tag = "announcement",
    params(IfMatch),
    request_body(content = AnnouncementEditionBody, example = json!({
        "title": "文兴小区停水延长", "text": "抢修延长，停水到 11 月 25 日 22 时，请谅解。", "ends_at": "2027-11-25T14:00:00Z"
    })),
    responses((status = 200, description = "公告现在的样子", body = AnnouncementView)),
    security(("bearer" = [])),
    extensions(("x-problems" = json!(["publication_step_refused"]))),
)]
#[put("/announcements/{id}")]
async fn revise(
    on: On<KeepAnnouncement, AnnouncementId>,
    body: Body<AnnouncementEditionBody>,
) -> Result<HttpResponse, Error> {
    let body = on.read(body, Ok).await?;
    // What is wrong with it is told only to whoever may see the announcement.
    on.visible().await?;
    let form = body.form(on.state.clock.now())?;
    announcements::revise(&on.state, on.ask(), on.id, &form).await?;
    on.shown().await
}

/// 提交公告
///
/// 由本单位的另一人审核后发布；停水停电停气立即发布、事后审核；本单位没有其他人的直接发布。
#[utoipa::path(
    operation_id = "announcement.submit",
    tag = "announcement",
    params(IfMatch),
    request_body(content = Empty, example = json!({})),
    responses((status = 200, description = "公告现在的样子", body = AnnouncementView)),
    security(("bearer" = [])),
    extensions(("x-problems" = json!(["publication_step_refused", "publication_nothing_new", "publication_waits"]))),
)]
#[post("/announcements/{id}/submit")]
async fn submit(
    on: On<KeepAnnouncement, AnnouncementId>,
    body: Body<Empty>,
) -> Result<HttpResponse, Error> {
    publication::submit(on, body).await
}

/// 审核公告
///
/// 由本单位的另一人办理，写的人会收到结果。不通过的，居民仍看先前审核通过的一版；没有的，先发后审的随即撤下。
#[utoipa::path(
    operation_id = "announcement.review",
    tag = "announcement",
    params(IfMatch),
    request_body(content = ReviewVerdict, example = json!({"approve": true})),
    responses((status = 200, description = "公告现在的样子", body = AnnouncementView)),
    security(("bearer" = [])),
    extensions(("x-problems" = json!(["publication_step_refused", "publication_nothing_waits", "own_publication"]))),
)]
#[post("/announcements/{id}/review")]
async fn review(
    on: On<KeepAnnouncement, AnnouncementId>,
    body: Body<ReviewVerdict>,
) -> Result<HttpResponse, Error> {
    publication::review(on, body).await
}

/// 撤下公告
///
/// 草稿也可以撤下；撤下以后居民不再看到。
#[utoipa::path(
    operation_id = "announcement.withdraw",
    tag = "announcement",
    params(IfMatch),
    request_body(content = TakeDownBody, example = json!({"reason": "提前恢复供水"})),
    responses((status = 200, description = "公告现在的样子", body = AnnouncementView)),
    security(("bearer" = [])),
    extensions(("x-problems" = json!(["publication_step_refused"]))),
)]
#[post("/announcements/{id}/withdraw")]
async fn withdraw(
    on: On<KeepAnnouncement, AnnouncementId>,
    body: Body<TakeDownBody>,
) -> Result<HttpResponse, Error> {
    publication::withdraw(on, body).await
}

/// 标为已读
///
/// 只用来计数：发布的单位看到有多少人读过，看不到是谁。再标一次没有变化。
#[utoipa::path(
    operation_id = "announcement.mark_read",
    tag = "announcement",
    request_body(content = Empty, example = json!({})),
    responses((status = 204, description = "已标记")),
    security(("bearer" = [])),
)]
#[post("/announcements/{id}/read")]
async fn mark_read(
    caller: Caller<ReadSelf>,
    state: Data<State>,
    id: Target<AnnouncementId>,
    body: Body<Empty>,
) -> Result<HttpResponse, Error> {
    // What is wrong with the body is told only of one that people may read.
    public(&state, is_staff(Some(&caller)), id.0).await?;
    body.read()?;
    announcements::mark_read(&state, caller.actor.account, id.0).await?;
    Ok(HttpResponse::NoContent().finish())
}
