//! The guide of services (办事指南) over HTTP: read by everybody, written by a unit's people, signed by
//! whoever signs for the unit. What goes beyond that is in [`sheet`] and [`voice`].

use actix_web::{
    HttpResponse, get, post, put,
    web::{Data, Json},
};
use chrono::NaiveDate;
use domain::{
    guide::{Item, ItemForm, expired},
    id::GuideId,
    identity::{Actor, Permission},
    org::NodeCode,
    page::{Page, PageRequest},
    publication::{GUIDE, Status},
    refusal::{Basic, Invalid},
    text,
    time::{self, Timestamp},
};
use infra::postgres::guide::read::{self, GuideProposal, Row};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::{
    extract::{
        Addressed, Body, Caller, Empty, IdempotencyKey, IfMatch, MaybeCaller, On, Paging, Query,
        RequestMeta, Target,
        caller::needs::{KeepGuide, ReadSelf, SignForUnit},
        kept,
    },
    publication::{
        self, DeskFilter, EditionFilter, Published, ReviewVerdict, TakeDownBody, own_desk, words,
    },
};
use crate::{
    app::{case::Ask, guide as guides, idempotent::Once, publication as publications},
    error::Error,
    state::State,
};

pub mod sheet;
pub mod voice;

routes![list, suggest, desk, read_one, draft, revise, submit, review, withdraw];

/// 本单位看到的情况
#[derive(Debug, Serialize, ToSchema)]
pub struct GuideDesk {
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
    /// 这一版由谁写的
    pub made_by: String,
    /// 这一版的时间
    #[schema(value_type = String, format = DateTime)]
    pub made_at: Timestamp,
    /// 下次复核的日期
    pub next_review: Option<NaiveDate>,
    /// 多少人认为有用
    pub useful: i64,
    /// 多少人认为没有用
    pub useless: i64,
    /// 起草的时间
    #[schema(value_type = String, format = DateTime)]
    pub created_at: Timestamp,
}

/// 办事指南
#[derive(Debug, Serialize, ToSchema)]
pub struct GuideView {
    /// 办事指南的 id
    pub id: GuideId,
    /// 版本号，用于 If-Match
    pub version: i64,
    /// 承办单位
    pub unit: NodeCode,
    /// 承办单位的名称
    pub unit_name: String,
    /// 第几版
    pub number: i32,
    /// 事项名称
    #[schema(example = "高龄津贴申领")]
    pub title: String,
    /// 类别
    #[schema(example = "民政")]
    pub category: String,
    /// 谁可以办
    pub eligible: String,
    /// 所需材料
    pub materials: Vec<String>,
    /// 办理流程
    pub steps: Vec<String>,
    /// 办理地点
    pub place: Option<String>,
    /// 办理时间
    pub hours: Option<String>,
    /// 咨询电话
    pub phone: Option<String>,
    /// 收费
    pub fee: Option<String>,
    /// 办理期限，工作日；0 为当场办结
    pub term_days: Option<i16>,
    /// 网上办理地址
    pub link: Option<String>,
    /// 依据
    pub basis: Option<String>,
    /// 有效期的第一天
    pub valid_from: NaiveDate,
    /// 有效期的最后一天；没有期限的为空
    pub valid_until: Option<NaiveDate>,
    /// 是否已经过期；过期的再显示三十天，请先向承办单位问清
    pub expired: bool,
    /// 发布的时间
    #[schema(value_type = Option<String>, format = DateTime)]
    pub published_at: Option<Timestamp>,
    /// 本单位的人才有；其他人为空
    pub desk: Option<GuideDesk>,
}

impl GuideView {
    fn public(state: &State, row: Row) -> Self {
        Self { desk: None, ..Self::desk(state, row) }
    }

    fn desk(state: &State, row: Row) -> Self {
        Self {
            id: row.id,
            version: row.version,
            unit: row.unit,
            unit_name: row.unit_name,
            number: row.number,
            title: row.title,
            category: row.category,
            eligible: row.eligible,
            materials: row.materials,
            steps: row.steps,
            place: row.place,
            hours: row.hours,
            phone: row.phone,
            fee: row.fee,
            term_days: row.term_days,
            link: row.link,
            basis: row.basis,
            valid_from: row.valid_from,
            valid_until: row.valid_until,
            expired: expired(row.valid_until, time::date(state.clock.now())),
            published_at: row.published_at,
            desk: Some(GuideDesk {
                status: row.status,
                edition: row.edition,
                shown: row.shown,
                waiting: row.waiting,
                reason: row.reason,
                made_by: row.made_by,
                made_at: row.made_at,
                next_review: row.next_review,
                useful: row.useful,
                useless: row.useless,
                created_at: row.created_at,
            }),
        }
    }
}

impl Published for GuideId {
    type View = GuideView;

    async fn own(
        self,
        state: &State,
        actor: &Actor,
        edition: Option<i32>,
    ) -> Result<Option<GuideView>, Error> {
        let filter = own_desk(actor, self.into(), edition);
        let mut connection = state.db.acquire().await?;
        let row = read::desk(&mut connection, &filter, PageRequest::FIRST).await?.pop();
        Ok(row.map(|row| GuideView::desk(state, row)))
    }

    fn version(view: &GuideView) -> i64 {
        view.version
    }
}

/// 办事指南的筛选条件
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct GuideFilter {
    /// 在名称、类别、申请条件和地点里查找，几个词之间用空格
    #[param(required = false, example = "高龄 津贴")]
    q: Option<String>,
    /// 类别
    #[param(required = false, example = "民政")]
    category: Option<String>,
    /// 承办单位的代码
    #[param(required = false, example = "civil-affairs")]
    unit: Option<String>,
}

/// 办事指南列表
///
/// 已发布的，新发布的在前，不需要登录；过期的带有标记，三十天后不再列出。
#[utoipa::path(
    operation_id = "guide.list",
    tag = "guide",
    params(GuideFilter, Paging),
    responses((status = 200, description = "一页办事指南", body = Page<GuideView>)),
    security(()),
)]
#[get("/guides")]
async fn list(
    state: Data<State>,
    filter: Query<GuideFilter>,
    page: Paging,
) -> Result<Json<Page<GuideView>>, Error> {
    let GuideFilter { q, category, unit } = filter.0;
    let unit = NodeCode::optional("unit", unit.as_deref())?;
    let filter = read::Public { id: None, unit, category, words: words(q.as_deref())? };
    let today = time::date(state.clock.now());
    let mut connection = state.db.acquire().await?;
    let rows = read::public(&mut connection, &filter, page.0, today).await?;
    let Page { items, next_cursor } = Page::of(rows, page.0.limit, Row::public_cursor);
    let items = items.into_iter().map(|row| GuideView::public(&state, row)).collect();
    Ok(Json(Page { items, next_cursor }))
}

/// 要问的事
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct SuggestFilter {
    /// 要问的事，2–500 个字
    #[param(example = "家里老人满八十岁了，怎么申领高龄津贴")]
    text: String,
}

/// 可能用得上的办事指南
#[derive(Debug, Serialize, ToSchema)]
pub struct GuideProposals {
    /// 最多三条，最贴近的在前；没有的为空
    pub items: Vec<GuideProposal>,
}

/// 按要问的事推荐办事指南
///
/// 填写咨询类诉求时用，最多推荐三条；不需要登录，不影响提交。
#[utoipa::path(
    operation_id = "guide.suggest",
    tag = "guide",
    params(SuggestFilter),
    responses((status = 200, description = "推荐的办事指南", body = GuideProposals)),
    security(()),
)]
#[get("/guides/suggest")]
async fn suggest(
    state: Data<State>,
    filter: Query<SuggestFilter>,
) -> Result<Json<GuideProposals>, Error> {
    let asked = text::text("text", &filter.0.text, 2, 500)?;
    let today = time::date(state.clock.now());
    let mut connection = state.db.acquire().await?;
    let most = domain::guide::PROPOSED;
    let items = read::suggested(&mut connection, &asked, most, today).await?;
    Ok(Json(GuideProposals { items }))
}

/// 本单位的办事指南
///
/// 草稿也在内，显示最新的一版，附有多少人认为有用；新起草的在前。
#[utoipa::path(
    operation_id = "guide.desk",
    tag = "guide",
    params(DeskFilter, Paging),
    responses((status = 200, description = "一页办事指南", body = Page<GuideView>)),
    security(("bearer" = [])),
)]
#[get("/guides/desk")]
async fn desk(
    caller: Caller<KeepGuide>,
    state: Data<State>,
    filter: Query<DeskFilter>,
    page: Paging,
) -> Result<Json<Page<GuideView>>, Error> {
    let filter = filter.0.of(caller.actor.nodes(Permission::KeepGuide));
    let mut connection = state.db.acquire().await?;
    let rows = read::desk(&mut connection, &filter, page.0).await?;
    let Page { items, next_cursor } = Page::of(rows, page.0.limit, Row::desk_cursor);
    let items = items.into_iter().map(|row| GuideView::desk(&state, row)).collect();
    Ok(Json(Page { items, next_cursor }))
}

/// 查看办事指南
///
/// 不需要登录，看已发布的一版；本单位的人看最新的一版，或用 `edition` 指明的一版。
#[utoipa::path(
    operation_id = "guide.read",
    tag = "guide",
    params(EditionFilter),
    responses((status = 200, description = "办事指南", body = GuideView,
        headers(("ETag" = String, description = "版本号，用于 If-Match")))),
    security((), ("bearer" = [])),
    extensions(("x-problems" = json!(["unauthenticated"]))),
)]
#[get("/guides/{id}")]
async fn read_one(
    caller: MaybeCaller<ReadSelf>,
    state: Data<State>,
    id: Target<GuideId>,
    filter: Query<EditionFilter>,
) -> Result<HttpResponse, Error> {
    if let Some(own) = publication::own_edition(&state, &caller, id.0, filter.0).await? {
        return Ok(own);
    }
    let today = time::date(state.clock.now());
    let filter = read::Public { id: Some(id.0), ..read::Public::default() };
    let mut connection = state.db.acquire().await?;
    let rows = read::public(&mut connection, &filter, PageRequest::FIRST, today).await?;
    let row = rows.into_iter().next().ok_or(Basic::NotFound)?;
    Ok(publication::answered::<GuideId>(&GuideView::public(&state, row)))
}

/// 办事指南的内容
#[derive(Debug, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct GuideItemBody {
    /// 事项名称，2–100 个字；同一单位不重名
    #[schema(min_length = 2, max_length = 100)]
    pub title: String,
    /// 类别，2–40 个字
    #[schema(min_length = 2, max_length = 40)]
    pub category: String,
    /// 谁可以办，2–500 个字
    #[schema(min_length = 2, max_length = 500)]
    pub eligible: String,
    /// 所需材料，最多 30 条，每条至多 200 个字
    #[serde(default)]
    pub materials: Vec<String>,
    /// 办理流程，最多 30 步，每步至多 500 个字
    #[serde(default)]
    pub steps: Vec<String>,
    /// 办理地点
    pub place: Option<String>,
    /// 办理时间
    pub hours: Option<String>,
    /// 咨询电话
    pub phone: Option<String>,
    /// 收费
    pub fee: Option<String>,
    /// 办理期限，0–365 个工作日；0 为当场办结
    #[schema(minimum = 0, maximum = 365)]
    pub term_days: Option<i64>,
    /// 网上办理地址，以 https:// 开头
    pub link: Option<String>,
    /// 依据
    pub basis: Option<String>,
    /// 有效期的第一天；不填为今天
    pub valid_from: Option<NaiveDate>,
    /// 有效期的最后一天；没有期限的不填
    pub valid_until: Option<NaiveDate>,
    /// 下次复核的日期，到时提醒本单位
    pub next_review: Option<NaiveDate>,
}

impl GuideItemBody {
    fn parse(&self, now: Timestamp) -> Result<Item, Invalid> {
        let form = ItemForm {
            title: &self.title,
            category: &self.category,
            eligible: &self.eligible,
            materials: &self.materials,
            steps: &self.steps,
            place: self.place.as_deref(),
            hours: self.hours.as_deref(),
            phone: self.phone.as_deref(),
            fee: self.fee.as_deref(),
            term_days: self.term_days,
            link: self.link.as_deref(),
            basis: self.basis.as_deref(),
            valid_from: self.valid_from,
            valid_until: self.valid_until,
            next_review: self.next_review,
        };
        form.parse(time::date(now))
    }
}

/// 新的办事指南
#[derive(Debug, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct GuideBody {
    /// 承办单位的代码；只为一个单位工作的可不填
    #[schema(example = "civil-affairs")]
    pub unit: Option<String>,
    /// 内容
    pub content: GuideItemBody,
}

/// 起草办事指南
///
/// 部门、街道、社区为本单位起草。起草以后提交，由单位负责人（街道、社区为另一位工作人员）审核后发布。
#[utoipa::path(
    operation_id = "guide.draft",
    tag = "guide",
    params(IdempotencyKey),
    request_body(content = GuideBody, example = json!({
        "content": {
            "title": "占道施工许可", "category": "城市管理", "eligible": "需要临时占用城市道路施工的单位和个人",
            "materials": ["申请表", "施工方案和平面图"], "steps": ["窗口受理", "现场勘查", "发放许可"],
            "place": "区政务服务中心 12 号窗口", "hours": "工作日 8:30–17:30", "phone": "0352-5550000",
            "fee": "不收费", "term_days": 5, "link": "https://www.shanxi.gov.cn/", "valid_until": "2027-12-31"
        }
    })),
    responses((status = 201, description = "草稿；重复提交同一个键得到同样的答复", body = GuideView)),
    security(("bearer" = [])),
    extensions(("x-problems" = json!(["guide_title_taken"]))),
)]
#[post("/guides")]
async fn draft(
    caller: Caller<KeepGuide>,
    state: Data<State>,
    meta: RequestMeta,
    key: IdempotencyKey,
    body: Body<GuideBody>,
) -> Result<HttpResponse, Error> {
    let given = body.read()?;
    let ask = Ask::new(Some(caller.actor.clone()), meta);
    let named = NodeCode::optional("unit", given.unit.as_deref())?;
    let item = given.content.parse(state.clock.now())?;
    let unit = publications::body(&ask, &GUIDE, named)?;
    let by = Some(caller.actor.account);
    let once = Once::new(&state.crypto, by, "guide.draft", key.0, &given)?;
    Ok(kept(guides::draft(&state, ask, once, (unit, item), GuideView::desk).await?))
}

/// 修改办事指南
///
/// 写成新的一版；居民看到的不变，提交并审核以后才换。内容没有变化的不算一版。
#[utoipa::path(
    operation_id = "guide.revise",
    tag = "guide",
    params(IfMatch),
    request_body(content = GuideItemBody, example = json!({
        "title": "占道施工许可", "category": "城市管理", "eligible": "需要临时占用城市道路施工的单位和个人",
        "materials": ["申请表", "施工方案和平面图", "交通疏导方案"], "term_days": 3
    })),
    responses((status = 200, description = "办事指南现在的样子", body = GuideView)),
    security(("bearer" = [])),
    extensions(("x-problems" = json!(["publication_step_refused", "guide_title_taken"]))),
)]
#[put("/guides/{id}")]
async fn revise(
    on: On<KeepGuide, GuideId>,
    body: Body<GuideItemBody>,
) -> Result<HttpResponse, Error> {
    let now = on.state.clock.now();
    let item = on.read(body, |body| body.parse(now)).await?;
    guides::revise(&on.state, on.ask(), on.id, item).await?;
    on.shown().await
}

/// 提交办事指南
///
/// 由单位负责人审核后发布；街道、社区由另一位工作人员审核。负责人自己提交、没有别人可以审核的，直接发布。
#[utoipa::path(
    operation_id = "guide.submit",
    tag = "guide",
    params(IfMatch),
    request_body(content = Empty, example = json!({})),
    responses((status = 200, description = "办事指南现在的样子", body = GuideView)),
    security(("bearer" = [])),
    extensions(("x-problems" = json!(["publication_step_refused", "publication_nothing_new", "publication_waits"]))),
)]
#[post("/guides/{id}/submit")]
async fn submit(on: On<KeepGuide, GuideId>, body: Body<Empty>) -> Result<HttpResponse, Error> {
    publication::submit(on, body).await
}

/// 审核办事指南
///
/// 由能代表本单位审签的另一人办理，写的人会收到结果。
#[utoipa::path(
    operation_id = "guide.review",
    tag = "guide",
    params(IfMatch),
    request_body(content = ReviewVerdict, example = json!({"approve": true})),
    responses((status = 200, description = "办事指南现在的样子", body = GuideView)),
    security(("bearer" = [])),
    extensions(("x-problems" = json!(["publication_step_refused", "publication_nothing_waits", "own_publication"]))),
)]
#[post("/guides/{id}/review")]
async fn review(
    on: On<SignForUnit, GuideId>,
    body: Body<ReviewVerdict>,
) -> Result<HttpResponse, Error> {
    publication::review(on, body).await
}

/// 撤下办事指南
///
/// 草稿也可以撤下；撤下以后居民不再看到，名称可以给新的一条。
#[utoipa::path(
    operation_id = "guide.withdraw",
    tag = "guide",
    params(IfMatch),
    request_body(content = TakeDownBody, example = json!({"reason": "事项已取消"})),
    responses((status = 200, description = "办事指南现在的样子", body = GuideView)),
    security(("bearer" = [])),
    extensions(("x-problems" = json!(["publication_step_refused"]))),
)]
#[post("/guides/{id}/withdraw")]
async fn withdraw(
    on: On<KeepGuide, GuideId>,
    body: Body<TakeDownBody>,
) -> Result<HttpResponse, Error> {
    publication::withdraw(on, body).await
}
