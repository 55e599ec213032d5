//! The three rates of a month (三率), and the cases behind each number.

use actix_web::{
    get,
    web::{Data, Json},
};
use domain::{
    page::Page,
    rates::{CentreFigure, CentreRates, Figure, GroupRates, RateRules, centre_rates},
    refusal::{FieldError, Invalid},
    time::{Month, Timestamp},
};
use infra::postgres::{
    Connection,
    bulletin::read as bulletins,
    rates::{
        self,
        read::{
            RateCase,
            appraisal::{self, AppraisedWhistle},
            centre,
        },
    },
};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::extract::{Caller, Paging, Query, caller};
use crate::{error::Error, state::State};

routes![month, cases, appraisals];

/// The unit by which the centre's own figures are asked for.
const CENTRE: &str = "centre";

/// Which month.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct Period {
    /// 月份，写成“年-月”（2000–2100 年）；不填为本月
    #[param(required = false, example = "2026-11")]
    period: Option<String>,
}

impl Period {
    fn read(&self, now: Timestamp) -> Result<Month, FieldError> {
        self.period.as_deref().map_or(Ok(Month::of(now)), Month::parse)
    }
}

/// 一个月的三率
#[derive(Debug, Serialize, ToSchema)]
pub struct MonthRates {
    /// 月份
    #[schema(example = "2026-11")]
    pub period: String,
    /// 冻结的时间；还没有冻结、会随办理变化的为 null
    #[schema(value_type = Option<String>, format = DateTime)]
    pub frozen_at: Option<Timestamp>,
    /// 按哪个版本的权重和样本数计算
    pub rules: RateRules,
    /// 三个同类组，总是齐全：街道乡镇、部门、公用企业
    pub groups: Vec<GroupRates>,
    /// 区中心自己的数字；只有看得到全部的人才有
    pub centre: Option<CentreRates>,
}

/// 三率与排名
///
/// 按派单月份统计主办任务：响应率、解决率、满意率、综合得分和组内排名，并附未联系上、剔除、重办等比例，
/// 按时签收、按时答复、退单、超时、一次通过率，以及从提交到最后一次答复确认所用的分钟数（中位数和九成分位）。
/// 挂起期间不计时。部门、公用企业被吹哨单位评价过的，评哨得分（报到效率、办理情况、结果满意度之和除以满分）占排名得分
/// score 的三分之一，按评价的月份计，逐件查看用 `GET /rates/appraisals`。排名在全组内计算；各单位只看到自己的一行，街道和社区的工作人员看到本街道的一行，区中心、
/// 督查、区领导和审计看到全部，还看到区中心自己的数字（直接答复计入区中心）。没有可计算的数据时，比率为
/// null；有效评价不足 10 件的不排名。counts 是比率背后的件数，用 `GET /rates/cases` 逐件查看。次月第 5 个
/// 工作日结束后冻结，之后的变化不再改写。
#[utoipa::path(
    operation_id = "rates.month", tag = "rates", params(Period), security(("bearer" = [])),
    responses((status = 200, description = "一个月的三率", body = MonthRates,
        example = json!({"period": "2026-11", "frozen_at": null,
            "rules": {"version": "2026-2", "response_weight": 20, "solved_weight": 40,
                "satisfied_weight": 40, "appraisal_weight": 50, "min_sample": 10, "freeze_after_days": 5, "residents": {}},
            "groups": [
            {"group": "subdistrict", "rows": []},
            {"group": "department", "rows": [{
                "unit": "urban-management", "name": "区城市管理局", "tasks": 25,
                "response_rate": 0.96, "solved_rate": 0.9, "satisfied_rate": 0.95,
                "composite": 0.932, "appraisal": 0.9, "appraisals": 4, "score": 0.9213, "rank": 1, "sample": 20, "not_reached_share": 0.08,
                "excluded_share": 0.0, "reworked_share": 0.04, "on_time_acknowledge_rate": 1.0,
                "on_time_reply_rate": 0.96, "return_rate": 0.0385, "overdue_rate": 0.04,
                "one_pass_rate": 0.9167, "handling_median_minutes": 2880,
                "handling_p90_minutes": 6120, "counts": {"tasks": 25, "solved": 18}}]},
            {"group": "utility", "rows": []}], "centre": null}))),
)]
#[get("/rates")]
pub async fn month(
    caller: Caller<caller::needs::ReadRates>,
    state: Data<State>,
    asked: Query<Period>,
) -> Result<Json<MonthRates>, Error> {
    let (now, scope) = (state.clock.now(), caller.scope());
    let of = asked.0.read(now)?;
    let mut conn = state.db.acquire().await?;
    if let Some(frozen) = bulletins::frozen(&mut conn, of).await? {
        return Ok(Json(MonthRates {
            period: of.to_string(),
            frozen_at: Some(frozen.frozen_at),
            rules: frozen.rules,
            groups: rates::read::within(&scope, frozen.figures.groups),
            centre: scope.everything().then_some(frozen.figures.centre),
        }));
    }
    let rules = state.config.rates.clone();
    let centre =
        if scope.everything() { Some(live_centre(&state, &mut conn, of).await?) } else { None };
    let groups = rates::read::month(&mut conn, &scope, of, &rules, now).await?;
    Ok(Json(MonthRates { period: of.to_string(), frozen_at: None, rules, groups, centre }))
}

async fn live_centre(
    state: &State,
    conn: &mut Connection,
    of: Month,
) -> Result<CentreRates, Error> {
    let now = state.clock.now();
    let work = centre::work(conn, of, state.terms(), now).await?;
    Ok(centre_rates(&work, now))
}

/// Which number of which unit.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct Behind {
    /// 月份，写成“年-月”；不填为本月
    #[param(required = false, example = "2026-11")]
    period: Option<String>,
    /// 单位：部门代码或街道编号；区中心写 centre
    #[param(example = "urban-management")]
    unit: String,
    /// 数字：`GET /rates` 的 counts 里的一项
    #[param(example = "overdue")]
    figure: String,
}

/// 数字背后的诉求
///
/// `GET /rates` 的 counts 中一个数字由哪些诉求组成，新的在前；各行 count 之和等于该数字。只列出看得到的诉求：
/// 社区工作人员看本街道的数字时，只列出本社区的；看不到的单位为空。冻结的月份列出冻结时的诉求。
#[utoipa::path(
    operation_id = "rates.cases", tag = "rates", params(Behind, Paging), security(("bearer" = [])),
    responses((status = 200, description = "一页诉求", body = Page<RateCase>)),
)]
#[get("/rates/cases")]
pub async fn cases(
    caller: Caller<caller::needs::ReadRates>,
    state: Data<State>,
    Query(asked): Query<Behind>,
    Paging(page): Paging,
) -> Result<Json<Page<RateCase>>, Error> {
    let (now, scope) = (state.clock.now(), caller.scope());
    let of = Period { period: asked.period }.read(now)?;
    let mut conn = state.db.acquire().await?;
    let rows = if asked.unit == CENTRE {
        let figure = figure::<CentreFigure>(&asked.figure)?;
        let frozen = bulletins::frozen(&mut conn, of).await?;
        let as_of = frozen.map_or(now, |frozen| frozen.frozen_at);
        let work = centre::work(&mut conn, of, state.terms(), as_of).await?;
        centre::cases(&mut conn, &scope, (&work, figure), page, as_of).await?
    } else {
        let figure = figure::<Figure>(&asked.figure)?;
        rates::read::cases(&mut conn, &scope, (of, &asked.unit, figure), page, now).await?
    };
    Ok(Json(Page::of(rows, page.limit, RateCase::cursor)))
}

/// Which unit's appraisals.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct Appraised {
    /// 月份，写成“年-月”；不填为本月
    #[param(required = false, example = "2026-11")]
    period: Option<String>,
    /// 单位：部门代码或街道编号
    #[param(example = "urban-management")]
    unit: String,
}

/// 评哨得分背后的哨
///
/// 一个单位当月的评哨得分由哪些哨组成，新的在前；行数等于 `GET /rates` 的 appraisals。只列出看得到的哨；看不到的
/// 单位为空。冻结的月份列出冻结时的评价。
#[utoipa::path(
    operation_id = "rates.appraisals", tag = "rates", params(Appraised, Paging), security(("bearer" = [])),
    responses((status = 200, description = "一页被评价的哨", body = Page<AppraisedWhistle>)),
)]
#[get("/rates/appraisals")]
pub async fn appraisals(
    caller: Caller<caller::needs::ReadRates>,
    state: Data<State>,
    Query(asked): Query<Appraised>,
    Paging(page): Paging,
) -> Result<Json<Page<AppraisedWhistle>>, Error> {
    let of = Period { period: asked.period }.read(state.clock.now())?;
    let mut conn = state.db.acquire().await?;
    let about = (of, asked.unit.as_str());
    let rows = appraisal::whistles(&mut conn, &caller.scope(), about, page).await?;
    Ok(Json(Page::of(rows, page.limit, AppraisedWhistle::cursor)))
}

fn figure<F: std::str::FromStr<Err = domain::code::UnknownCode>>(code: &str) -> Result<F, Invalid> {
    code.parse()
        .map_err(|unknown: domain::code::UnknownCode| Invalid::field("figure", unknown.to_string()))
}
