//! Monthly bulletins (月度通报): what was frozen, as JSON, as a workbook and as a page to print.

use actix_web::{
    FromRequest, HttpRequest, HttpResponse,
    dev::Payload,
    get, post,
    web::{Data, Json},
};
use domain::{
    bulletin::{self, Area, Comparison, Topic, Unsolved},
    identity::{Actor, Permission},
    page::Page,
    rates::{CentreRates, GroupRates, RateRules},
    refusal::Basic,
    time::{Month, Timestamp},
};
use infra::postgres::bulletin::read::{self, Frozen, Listed};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::{
    duty::as_workbook,
    extract::{
        Caller, Query, RequestMeta,
        caller::needs::{PublishBulletin, ReadRates},
    },
    printed,
};
use crate::{app, error::Error, state::State};

mod page;
mod sheet;

routes![list, show, printable, publish];

/// The month of the path. What is no month is refused like a filter: 422 `invalid_field`.
#[derive(Debug, Clone, Copy)]
pub struct OfMonth(Month);

impl FromRequest for OfMonth {
    type Error = Error;
    type Future = std::future::Ready<Result<Self, Error>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let month = Month::parse(request.match_info().query("period"));
        std::future::ready(month.map(Self).map_err(Error::from))
    }
}

#[derive(IntoParams)]
#[into_params(parameter_in = Path)]
#[expect(dead_code, reason = "only the documentation of {period} is derived from it")]
struct PeriodPath {
    /// 月份，写成“年-月”（2000–2100 年）
    #[param(example = "2026-10")]
    period: String,
}

/// 一个冻结的月份
#[derive(Debug, Serialize, ToSchema)]
pub struct BulletinBrief {
    /// 月份
    #[schema(example = "2026-10")]
    pub period: String,
    /// 冻结的时间
    #[schema(value_type = String, format = DateTime)]
    pub frozen_at: Timestamp,
    /// 发布的时间；还没有发布的为 null
    #[schema(value_type = Option<String>, format = DateTime)]
    pub published_at: Option<Timestamp>,
}

impl From<Listed> for BulletinBrief {
    fn from(from: Listed) -> Self {
        let Listed { month, frozen_at, published_at } = from;
        Self { period: month.to_string(), frozen_at, published_at }
    }
}

/// 月度通报
#[derive(Debug, Serialize, ToSchema)]
pub struct BulletinView {
    /// 月份
    #[schema(example = "2026-10")]
    pub period: String,
    /// 冻结的时间
    #[schema(value_type = String, format = DateTime)]
    pub frozen_at: Timestamp,
    /// 发布的时间；还没有发布的为 null
    #[schema(value_type = Option<String>, format = DateTime)]
    pub published_at: Option<Timestamp>,
    /// 按哪个版本的权重和样本数计算
    pub rules: RateRules,
    /// 三个同类组的三率和排名
    pub groups: Vec<GroupRates>,
    /// 区中心自己的数字
    pub centre: CentreRates,
    /// 各单位与上月、上年同月相比；没有冻结数据的为 null
    pub comparison: Vec<Comparison>,
    /// 全区和各街道的件数、每万人件数；人口未知的为 null
    pub areas: Vec<Area>,
    /// 热点事项，多的在前
    pub topics: Vec<Topic>,
    /// 反映人认为没有解决的诉求和原因
    pub unsolved: Vec<Unsolved>,
}

/// What is beside a frozen month: the same month's bulletin as a reader sees it.
async fn view(state: &State, actor: &Actor, month: Month) -> Result<BulletinView, Error> {
    let mut conn = state.db.acquire().await?;
    let frozen = read::frozen(&mut conn, month).await?;
    // Until it is published it does not exist for anybody but who publishes it.
    let frozen = frozen
        .filter(|frozen| frozen.published_at.is_some() || actor.may(Permission::PublishBulletin))
        .ok_or(Basic::NotFound)?;
    let mut groups_of = async |earlier: Month| {
        let found = read::frozen(&mut conn, earlier).await?;
        Ok::<_, Error>(found.map(|found| found.figures.groups))
    };
    let last_month = groups_of(month.before(1)).await?;
    let last_year = groups_of(month.before(12)).await?;
    let Frozen { frozen_at, published_at, rules, figures, contents, .. } = frozen;
    Ok(BulletinView {
        period: month.to_string(),
        frozen_at,
        published_at,
        rules,
        comparison: bulletin::compare(&figures.groups, last_month.as_deref(), last_year.as_deref()),
        groups: figures.groups,
        centre: figures.centre,
        areas: contents.areas,
        topics: contents.topics,
        unsolved: contents.unsolved,
    })
}

/// 月度通报列表
///
/// 已发布的月份，近的在前；督查人员还看到已冻结、未发布的。
#[utoipa::path(
    operation_id = "bulletin.list", tag = "bulletin", security(("bearer" = [])),
    responses((status = 200, description = "冻结的月份", body = Page<BulletinBrief>)),
)]
#[get("/bulletins")]
pub async fn list(
    caller: Caller<ReadRates>,
    state: Data<State>,
) -> Result<Json<Page<BulletinBrief>>, Error> {
    let mut conn = state.db.acquire().await?;
    let unpublished = caller.actor.may(Permission::PublishBulletin);
    let listed = read::list(&mut conn, unpublished).await?;
    let items = listed.into_iter().map(BulletinBrief::from).collect();
    Ok(Json(Page { items, next_cursor: None }))
}

/// In which form.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct Form {
    /// 形式：json 或 xlsx；不填为 json
    #[param(required = false, value_type = Option<String>, example = "json")]
    format: Option<Format>,
}

/// 形式
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Format {
    /// JSON
    Json,
    /// 表格
    Xlsx,
}

/// 月度通报
///
/// 冻结时的三率和排名、与上月和上年同月的比较、每万人件数、热点事项、未解决的诉求及原因；之后的变化不再改写。
/// `?format=xlsx` 取得同样内容的表格。未发布的只有督查人员看得到，对其他人如同没有。
#[utoipa::path(
    operation_id = "bulletin.read", tag = "bulletin", params(PeriodPath, Form), security(("bearer" = [])),
    responses((status = 200, description = "通报", content(
        (BulletinView = "application/json"),
        (String = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
    ))),
    extensions(("x-problems" = json!(["not_found"]))),
)]
#[get("/bulletins/{period}")]
pub async fn show(
    caller: Caller<ReadRates>,
    month: OfMonth,
    state: Data<State>,
    Query(form): Query<Form>,
) -> Result<HttpResponse, Error> {
    let view = view(&state, &caller.actor, month.0).await?;
    if form.format != Some(Format::Xlsx) {
        return Ok(HttpResponse::Ok().json(view));
    }
    let name = format!("bulletin-{}", view.period);
    Ok(as_workbook(&name, sheet::workbook(&view)?))
}

/// 可打印的月度通报
///
/// 一个自带图表的网页，不需要其他文件和网络，没有脚本，可以直接打印。
#[utoipa::path(
    operation_id = "bulletin.page", tag = "bulletin", params(PeriodPath), security(("bearer" = [])),
    responses((status = 200, description = "网页", body = String, content_type = "text/html")),
    extensions(("x-problems" = json!(["not_found", "invalid_field"]))),
)]
#[get("/bulletins/{period}/page")]
pub async fn printable(
    caller: Caller<ReadRates>,
    month: OfMonth,
    state: Data<State>,
) -> Result<HttpResponse, Error> {
    let view = view(&state, &caller.actor, month.0).await?;
    Ok(printed::answer(page::html(&view)))
}

/// 发布月度通报
///
/// 由督查人员发布一次；此后每位工作人员都能看到。
#[utoipa::path(
    operation_id = "bulletin.publish", tag = "bulletin", params(PeriodPath), security(("bearer" = [])),
    responses((status = 200, description = "已发布的通报", body = BulletinView)),
    extensions(("x-problems" = json!(["not_found", "invalid_field", "bulletin_published"]))),
)]
#[post("/bulletins/{period}/publish")]
pub async fn publish(
    caller: Caller<PublishBulletin>,
    month: OfMonth,
    state: Data<State>,
    meta: RequestMeta,
) -> Result<Json<BulletinView>, Error> {
    app::bulletin::publish(&state, caller.actor.clone(), meta.into(), month.0).await?;
    Ok(Json(view(&state, &caller.actor, month.0).await?))
}
