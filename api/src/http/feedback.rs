//! Opinions on the application (意见) over HTTP: anybody gives them, whoever handles them answers.

use actix_web::{
    HttpResponse, get,
    http::header::ETAG,
    post,
    web::{Data, Json},
};
use domain::{
    attachment::Chosen,
    feedback::{Kind, Opinion, Status, Step, words},
    id::{AttachmentId, FeedbackId},
    page::{Page, PageRequest},
    refusal::Basic,
    text,
    time::{Month, Timestamp},
};
use infra::{
    postgres::feedback::read::{self, FeedbackAnswer, FeedbackCount, Filter, Row},
    storage::{Name, Part},
};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::{
    attachment::address,
    extract::{
        Addressed, Body, Caller, IdempotencyKey, IfMatch, MaybeCaller, On, Paging, Query,
        RequestMeta, Target,
        caller::needs::{HandleFeedback, ReadSelf},
        kept,
    },
};
use crate::{
    app::{
        attachment::Viewed,
        case::Ask,
        complaint::Credentials,
        feedback::{self as opinions, FeedbackReceipt},
        idempotent::Once,
        identity::{admit_feedback, admit_tracking},
    },
    error::Error,
    state::State,
};

routes![submit, track, mine, read_own, list, counts, read_one, answer, mark, unmask];

/// 一张照片
#[derive(Debug, Serialize, ToSchema)]
pub struct PictureView {
    /// 附件编号
    pub id: AttachmentId,
    /// 下载地址，不需要登录，十分钟内有效；再查看一次得到新的
    pub url: String,
    /// 缩略图的地址，同上
    pub thumbnail_url: String,
}

impl PictureView {
    /// Those of a thing that its reader was let see.
    pub fn all(state: &State, ids: &[AttachmentId]) -> Vec<Self> {
        let link = |id, part| address(state, Name { id, part }, Viewed::Reader);
        let view = |id: &AttachmentId| Self {
            id: *id,
            url: link(*id, Part::Whole),
            thumbnail_url: link(*id, Part::Thumbnail),
        };
        ids.iter().map(view).collect()
    }
}

/// 对应用的意见
#[derive(Debug, Serialize, ToSchema)]
pub struct FeedbackView {
    /// 意见的 id
    pub id: FeedbackId,
    /// 编号
    #[schema(example = "YJ20261124000012")]
    pub number: String,
    /// 版本号，用于 If-Match
    pub version: i64,
    /// 类别
    pub kind: Kind,
    /// 状态
    pub status: Status,
    /// 意见的内容
    pub text: String,
    /// 在应用的哪一页
    pub page: Option<String>,
    /// 应用的版本
    pub app_version: Option<String>,
    /// 联系方式；只有本人看得到，处理的人要写明用途后另行查看
    pub contact: Option<String>,
    /// 有没有留联系方式
    pub has_contact: bool,
    /// 内容里是否有禁用词；只提示处理的人
    pub flagged: bool,
    /// 附的照片
    pub pictures: Vec<PictureView>,
    /// 答复，先答复的在前；列表里为空
    pub answers: Vec<FeedbackAnswer>,
    /// 提交时间
    #[schema(value_type = String, format = DateTime)]
    pub submitted_at: Timestamp,
    /// 第一次答复的时间
    #[schema(value_type = Option<String>, format = DateTime)]
    pub answered_at: Option<Timestamp>,
}

impl FeedbackView {
    fn of(state: &State, row: Row, answers: Vec<FeedbackAnswer>) -> Result<Self, Error> {
        let shown = row.contact_sealed.as_ref().filter(|_| row.own);
        Ok(Self {
            id: row.id,
            contact: opinions::contact(state, row.id, shown)?,
            number: row.number,
            version: row.version,
            kind: row.kind,
            status: row.status,
            text: row.text,
            page: row.page,
            app_version: row.app_version,
            has_contact: row.contact_sealed.is_some(),
            flagged: row.flagged && !row.own,
            pictures: PictureView::all(state, &row.pictures),
            answers,
            submitted_at: row.submitted_at,
            answered_at: row.answered_at,
        })
    }
}

/// One opinion with what was said on it.
async fn whole<P>(
    state: &State,
    caller: &Caller<P>,
    filter: Filter,
) -> Result<FeedbackView, Error> {
    let mut connection = state.db.acquire().await?;
    let rows = read::list(&mut connection, &caller.scope(), filter, PageRequest::FIRST).await?;
    let row = rows.into_iter().next().ok_or(Basic::NotFound)?;
    let answers = read::answers(&mut connection, row.id).await?;
    FeedbackView::of(state, row, answers)
}

async fn paged<P>(
    state: &State,
    caller: &Caller<P>,
    filter: Filter,
    page: Paging,
) -> Result<Json<Page<FeedbackView>>, Error> {
    let mut connection = state.db.acquire().await?;
    let rows = read::list(&mut connection, &caller.scope(), filter, page.0).await?;
    let Page { items, next_cursor } = Page::of(rows, page.0.limit, Row::cursor);
    let views = items.into_iter().map(|row| FeedbackView::of(state, row, Vec::new()));
    Ok(Json(Page { items: views.collect::<Result<_, _>>()?, next_cursor }))
}

fn answered(view: &FeedbackView) -> HttpResponse {
    HttpResponse::Ok().insert_header((ETAG, format!("\"{}\"", view.version))).json(view)
}

impl<P> Addressed for On<P, FeedbackId> {
    async fn visible(&self) -> Result<(), Error> {
        self.whole().await.map(drop)
    }

    async fn shown(&self) -> Result<HttpResponse, Error> {
        Ok(answered(&self.whole().await?))
    }
}

impl<P> On<P, FeedbackId> {
    /// What the caller handles; what they wrote themself is among their own.
    async fn whole(&self) -> Result<FeedbackView, Error> {
        let filter = Filter { id: Some(self.id), ..Filter::default() };
        let view = whole(&self.state, &self.caller, filter).await?;
        if !domain::feedback::handles(&self.caller.actor, view.kind) {
            return Err(Basic::NotFound.into());
        }
        Ok(view)
    }
}

/// 意见
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct FeedbackBody {
    /// 类别
    pub kind: Kind,
    /// 意见的内容，5–5000 个字
    #[schema(min_length = 5, max_length = 5000)]
    pub text: String,
    /// 在应用的哪一页，至多 200 个字
    pub page: Option<String>,
    /// 应用的版本，至多 50 个字
    pub app_version: Option<String>,
    /// 怎样联系您，至多 100 个字；加密保存，不留也会处理
    pub contact: Option<String>,
    /// 照片的附件编号，本人上传、还没有用过的，最多 9 个；不登录的不能附
    #[serde(default)]
    pub attachment_ids: Vec<AttachmentId>,
}

/// 提意见
///
/// 对应用本身的意见：故障、建议、增加负担（形式主义、重复填报、强制打卡）、无障碍、表扬。不登录也可以提，请保存好编号和
/// 查询码。增加负担的，督查也会看到。办事和生活中的问题请提交诉求。
#[utoipa::path(
    operation_id = "feedback.submit",
    tag = "feedback",
    params(IdempotencyKey),
    request_body(content = FeedbackBody, example = json!({
        "kind": "burden", "text": "同一张入户登记表要在两个地方各填一次，请合并。",
        "page": "走访登记", "app_version": "2.3.1"
    })),
    responses((status = 201, description = "已收到；重复提交同一个键得到同样的答复", body = FeedbackReceipt)),
    security((), ("bearer" = [])),
    extensions(("x-problems" = json!(["unauthenticated", "rate_limited"]))),
)]
#[post("/feedback")]
async fn submit(
    state: Data<State>,
    caller: MaybeCaller<ReadSelf>,
    meta: RequestMeta,
    key: IdempotencyKey,
    body: Body<FeedbackBody>,
) -> Result<HttpResponse, Error> {
    let actor = caller.0.as_ref().map(|caller| &caller.actor);
    let body = body.read()?;
    let (page, version) = (body.page.as_deref(), body.app_version.as_deref());
    let opinion = Opinion::parse(body.kind, &body.text, page, version, body.contact.as_deref())?;
    let files = Chosen::parse(&body.attachment_ids)?;
    let account = actor.map(|actor| actor.account);
    admit_feedback(&state, account, &meta.address).await?;
    let once = Once::new(&state.crypto, account, "feedback.submit", key.0, &(&opinion, &files))?;
    let ask = Ask::new(actor.cloned(), meta);
    let mut first = opinions::submit(&state, ask, once, opinion, files).await?;
    state.redis.wake(&first.fresh.take().unwrap_or_default()).await;
    Ok(kept(first))
}

/// 意见的编号和查询码
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TrackFeedbackBody {
    /// 编号
    #[schema(example = "YJ20261124000012")]
    pub number: String,
    /// 查询码
    #[schema(example = "7KQ2M8XW4T")]
    pub query_code: String,
}

/// 凭查询码看答复
///
/// 编号和查询码都对才答复；编号不对、查询码不对，答复相同。不需要登录，有次数限制。
#[utoipa::path(
    operation_id = "feedback.track",
    tag = "feedback",
    request_body(content = TrackFeedbackBody, example = json!({"number": "YJ20261124000012", "query_code": "7KQ2M8XW4T"})),
    responses((status = 200, description = "意见和答复", body = FeedbackView)),
    security(()),
    extensions(("x-problems" = json!(["not_found"]))),
)]
#[post("/feedback/track")]
async fn track(
    state: Data<State>,
    meta: RequestMeta,
    body: Body<TrackFeedbackBody>,
) -> Result<Json<FeedbackView>, Error> {
    let TrackFeedbackBody { number, query_code } = body.read()?;
    admit_tracking(&state, &meta.address).await?;
    let row = opinions::tracked(&state, &Credentials { number, query_code }).await?;
    let answers = read::answers(&mut *state.db.acquire().await?, row.id).await?;
    Ok(Json(FeedbackView::of(&state, row, answers)?))
}

/// 我的意见
///
/// 本人登录后提的，新的在前。
#[utoipa::path(
    operation_id = "feedback.mine",
    tag = "feedback",
    params(Paging),
    responses((status = 200, description = "一页意见", body = Page<FeedbackView>)),
    security(("bearer" = [])),
)]
#[get("/me/feedback")]
async fn mine(
    caller: Caller<ReadSelf>,
    state: Data<State>,
    page: Paging,
) -> Result<Json<Page<FeedbackView>>, Error> {
    paged(&state, &caller, Filter { own: true, ..Filter::default() }, page).await
}

/// 查看我的意见
///
/// 带有答复。
#[utoipa::path(
    operation_id = "feedback.read_own",
    tag = "feedback",
    responses((status = 200, description = "意见和答复", body = FeedbackView)),
    security(("bearer" = [])),
)]
#[get("/me/feedback/{id}")]
async fn read_own(
    caller: Caller<ReadSelf>,
    state: Data<State>,
    id: Target<FeedbackId>,
) -> Result<Json<FeedbackView>, Error> {
    let filter = Filter { id: Some(id.0), own: true, ..Filter::default() };
    Ok(Json(whole(&state, &caller, filter).await?))
}

/// 列表的筛选条件
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct FeedbackFilter {
    /// 类别
    #[param(required = false, inline)]
    kind: Option<Kind>,
    /// 状态
    #[param(required = false, inline)]
    status: Option<Status>,
}

/// 意见列表
///
/// 系统管理员看全部，督查看增加负担的；新的在前。
#[utoipa::path(
    operation_id = "feedback.list",
    tag = "feedback",
    params(FeedbackFilter, Paging),
    responses((status = 200, description = "一页意见", body = Page<FeedbackView>)),
    security(("bearer" = [])),
)]
#[get("/feedback")]
async fn list(
    caller: Caller<HandleFeedback>,
    state: Data<State>,
    filter: Query<FeedbackFilter>,
    page: Paging,
) -> Result<Json<Page<FeedbackView>>, Error> {
    let FeedbackFilter { kind, status } = filter.0;
    paged(&state, &caller, Filter { kind, status, ..Filter::default() }, page).await
}

/// 哪个月
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct CountsFilter {
    /// 月份；不填为本月
    #[param(required = false, example = "2026-11")]
    period: Option<String>,
}

/// 一个月的意见
#[derive(Debug, Serialize, ToSchema)]
pub struct FeedbackCounts {
    /// 月份
    #[schema(example = "2026-11")]
    pub period: String,
    /// 各类的件数，没有的为 0
    pub kinds: Vec<FeedbackCount>,
}

/// 每月各类意见的件数
///
/// 系统管理员和督查查看。
#[utoipa::path(
    operation_id = "feedback.counts",
    tag = "feedback",
    params(CountsFilter),
    responses((status = 200, description = "件数", body = FeedbackCounts)),
    security(("bearer" = [])),
)]
#[get("/feedback/counts")]
async fn counts(
    _caller: Caller<HandleFeedback>,
    state: Data<State>,
    filter: Query<CountsFilter>,
) -> Result<Json<FeedbackCounts>, Error> {
    let month = match filter.0.period {
        Some(period) => Month::parse(&period)?,
        None => Month::of(state.clock.now()),
    };
    let kinds = read::counts(&mut *state.db.acquire().await?, month).await?;
    Ok(Json(FeedbackCounts { period: month.to_string(), kinds }))
}

/// 查看意见
///
/// 系统管理员看全部，督查看增加负担的。
#[utoipa::path(
    operation_id = "feedback.read",
    tag = "feedback",
    responses((status = 200, description = "意见和答复", body = FeedbackView,
        headers(("ETag" = String, description = "版本号，用于 If-Match")))),
    security(("bearer" = [])),
)]
#[get("/feedback/{id}")]
async fn read_one(on: On<HandleFeedback, FeedbackId>) -> Result<HttpResponse, Error> {
    on.shown().await
}

/// 答复
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AnswerFeedbackBody {
    /// 答复的内容，提意见的人会看到，2–2000 个字
    #[schema(min_length = 2, max_length = 2000)]
    pub text: String,
}

/// 答复意见
///
/// 登录后提的，本人会收到通知；没有登录的凭编号和查询码查看。
#[utoipa::path(
    operation_id = "feedback.answer",
    tag = "feedback",
    params(IfMatch),
    request_body(content = AnswerFeedbackBody, example = json!({"text": "两处登记表将合并为一张，下月上线。"})),
    responses((status = 200, description = "意见现在的样子", body = FeedbackView)),
    security(("bearer" = [])),
    extensions(("x-problems" = json!(["feedback_step_refused"]))),
)]
#[post("/feedback/{id}/answer")]
async fn answer(
    on: On<HandleFeedback, FeedbackId>,
    body: Body<AnswerFeedbackBody>,
) -> Result<HttpResponse, Error> {
    let words = on.read(body, |body| words("text", &body.text)).await?;
    opinions::step(&on.state, on.ask(), on.id, (Step::Answer, words)).await?;
    on.shown().await
}

/// 处理结果
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum FeedbackMark {
    /// 计划改进
    Planned,
    /// 已改进
    Done,
    /// 不予采纳
    Declined,
}

/// 处理结果和理由
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct MarkFeedbackBody {
    /// 计划改进、已改进或不予采纳
    pub result: FeedbackMark,
    /// 理由，提意见的人会看到，2–2000 个字
    #[schema(min_length = 2, max_length = 2000)]
    pub reason: String,
}

/// 标明处理结果
///
/// 计划改进、已改进、不予采纳，写明理由；提意见的人会看到。已改进和不予采纳是最后的结果。
#[utoipa::path(
    operation_id = "feedback.mark",
    tag = "feedback",
    params(IfMatch),
    request_body(content = MarkFeedbackBody, example = json!({"result": "planned", "reason": "已列入下一版的计划。"})),
    responses((status = 200, description = "意见现在的样子", body = FeedbackView)),
    security(("bearer" = [])),
    extensions(("x-problems" = json!(["feedback_step_refused"]))),
)]
#[post("/feedback/{id}/mark")]
async fn mark(
    on: On<HandleFeedback, FeedbackId>,
    body: Body<MarkFeedbackBody>,
) -> Result<HttpResponse, Error> {
    let parse = |body: MarkFeedbackBody| {
        let step = match body.result {
            FeedbackMark::Planned => Step::Plan,
            FeedbackMark::Done => Step::Finish,
            FeedbackMark::Declined => Step::Decline,
        };
        Ok((step, words("reason", &body.reason)?))
    };
    let command = on.read(body, parse).await?;
    opinions::step(&on.state, on.ask(), on.id, command).await?;
    on.shown().await
}

/// 查看联系方式
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct UnmaskFeedbackBody {
    /// 用途，记入审计，2–200 个字
    #[schema(min_length = 2, max_length = 200)]
    pub reason: String,
}

/// 提意见的人留的联系方式
#[derive(Debug, Serialize, ToSchema)]
pub struct FeedbackContact {
    /// 联系方式
    pub contact: String,
}

/// 查看提意见的人的联系方式
///
/// 写明用途，每次查看都有审计记录。
#[utoipa::path(
    operation_id = "feedback.unmask",
    tag = "feedback",
    request_body(content = UnmaskFeedbackBody, example = json!({"reason": "核实故障出现的机型"})),
    responses((status = 200, description = "联系方式", body = FeedbackContact)),
    security(("bearer" = [])),
    extensions(("x-problems" = json!(["feedback_without_contact"]))),
)]
#[post("/feedback/{id}/unmask")]
async fn unmask(
    on: On<HandleFeedback, FeedbackId>,
    body: Body<UnmaskFeedbackBody>,
) -> Result<Json<FeedbackContact>, Error> {
    let parse = |body: UnmaskFeedbackBody| Ok(text::text("reason", &body.reason, 2, 200)?);
    let reason = on.read(body, parse).await?;
    let contact = opinions::unmask(&on.state, on.ask(), on.id, reason).await?;
    Ok(Json(FeedbackContact { contact }))
}
