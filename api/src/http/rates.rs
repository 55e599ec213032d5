//! The three rates of a month (三率).

use actix_web::{
    get,
    web::{Data, Json},
};
use domain::{rates::GroupRates, time::Month};
use infra::postgres::rates;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::extract::{Caller, Query, caller};
use crate::{error::Error, state::State};

routes![month];

/// Which month.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct Period {
    /// 月份，写成“年-月”（2000–2100 年）；不填为本月
    #[param(required = false, example = "2026-11")]
    period: Option<String>,
}

/// 一个月的三率
#[derive(Debug, Serialize, ToSchema)]
pub struct MonthRates {
    /// 月份
    #[schema(example = "2026-11")]
    pub period: String,
    /// 三个同类组，总是齐全：街道乡镇、部门、公用企业
    pub groups: Vec<GroupRates>,
}

/// 三率与排名
///
/// 按派单月份统计主办任务：响应率、解决率、满意率、综合得分和组内排名，并附未联系上、剔除、重办等比例。
/// 排名在全组内计算；各单位只看到自己的一行，街道和社区的工作人员看到本街道的一行，区中心、督查、
/// 区领导和审计看到全部。没有可计算的数据时，比率为 null；有效评价不足 10 件的不排名。
#[utoipa::path(
    operation_id = "rates.month", tag = "rates", params(Period), security(("bearer" = [])),
    responses((status = 200, description = "一个月的三率", body = MonthRates,
        example = json!({"period": "2026-11", "groups": [
            {"group": "subdistrict", "rows": []},
            {"group": "department", "rows": [{
                "unit": "urban-management", "name": "区城市管理局", "tasks": 25,
                "response_rate": 0.96, "solved_rate": 0.9, "satisfied_rate": 0.95,
                "composite": 0.932, "rank": 1, "sample": 20, "not_reached_share": 0.08,
                "excluded_share": 0.0, "reworked_share": 0.04, "on_time_acknowledge_rate": 1.0,
                "on_time_reply_rate": 0.96, "return_rate": 0.0385, "overdue_rate": 0.04,
                "one_pass_rate": 0.9167}]},
            {"group": "utility", "rows": []}]}))),
)]
#[get("/rates")]
pub async fn month(
    caller: Caller<caller::needs::ReadRates>,
    state: Data<State>,
    asked: Query<Period>,
) -> Result<Json<MonthRates>, Error> {
    let now = state.clock.now();
    let month = match asked.0.period.as_deref() {
        Some(text) => Month::parse(text)?,
        None => Month::of(now),
    };
    let mut conn = state.db.acquire().await?;
    let groups =
        rates::read::month(&mut conn, &caller.scope(), month, &state.config.rates, now).await?;
    Ok(Json(MonthRates { period: month.to_string(), groups }))
}
