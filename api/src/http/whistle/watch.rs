//! The watch over a month's whistles: how often communities blow, how units are appraised.

use actix_web::{
    get,
    web::{Data, Json},
};
use domain::{
    time::Month,
    whistle::{AppraisedUnit, BlowRate},
};
use infra::postgres::whistle::read;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::{
    error::Error,
    http::extract::{Caller, Query, caller::needs::ReadWhistle},
    state::State,
};

routes![rates];

/// 哪个月
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct WatchedMonth {
    /// 月份，写成“年-月”；不填为本月
    #[param(required = false, example = "2026-11")]
    period: Option<String>,
}

/// 一个月的吹哨情况
#[derive(Debug, Serialize, ToSchema)]
pub struct WhistleWatch {
    /// 月份
    #[schema(example = "2026-11")]
    pub period: String,
    /// 各社区的吹哨率
    pub communities: Vec<BlowRate>,
    /// 被叫单位按评哨得分的组内排名
    pub units: Vec<AppraisedUnit>,
}

/// 吹哨率与评哨排名
///
/// 每百件诉求的吹哨数，两头预警：有诉求而从未吹哨，或吹哨过多（诉求达到最少件数才预警）。评哨排名取报到
/// 效率、办理情况、结果满意度的平均，评价不足最少件数的不排名。社区、街道看本辖区的吹哨率，单位看本单位
/// 的评哨得分，区中心、督查、区领导和审计看全部。
#[utoipa::path(
    operation_id = "whistle.rates",
    tag = "whistle",
    params(WatchedMonth),
    responses((status = 200, description = "一个月的吹哨情况", body = WhistleWatch,
        example = json!({"period": "2026-11",
            "communities": [{"community": "140213066004", "name": "文兴社区", "complaints": 40,
                "whistles": 3, "per_hundred": 7.5, "alarm": null}],
            "units": [{"unit": "urban-management", "group": "department", "name": "区城市管理局",
                "sample": 12, "speed": 4.5, "handling": 4.25, "result": 4.33, "mean": 4.36,
                "rank": 1}]}))),
    security(("bearer" = [])),
)]
#[get("/whistles/rates")]
async fn rates(
    caller: Caller<ReadWhistle>,
    state: Data<State>,
    asked: Query<WatchedMonth>,
) -> Result<Json<WhistleWatch>, Error> {
    let month = match asked.0.period.as_deref() {
        Some(text) => Month::parse(text)?,
        None => Month::of(state.clock.now()),
    };
    let (scope, rules) = (caller.scope(), &state.config.sla.whistle);
    let mut conn = state.db.acquire().await?;
    let communities = read::watch::communities(&mut conn, &scope, month, rules).await?;
    let units = read::watch::units(&mut conn, &scope, month, rules).await?;
    Ok(Json(WhistleWatch { period: month.to_string(), communities, units }))
}
