//! The callers' queue (电话回访).

use actix_web::{
    get, post,
    web::{Data, Json},
};
use chrono::TimeDelta;
use domain::{id::ComplaintId, page::Page, refusal::Invalid, time::Timestamp};
use infra::postgres::follow_up::read::{self, Filter, Waiting};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::extract::{Body, Caller, On, Paging, Query, body::Empty, caller::needs::CentreDesk};
use crate::{app, error::Error, state::State};

routes![queue, take];

/// 列表的筛选条件
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct Queue {
    /// 第几轮：1 或 2
    #[param(required = false, minimum = 1, maximum = 2, example = 1)]
    round: Option<i16>,
    /// 至少已等多少小时（0–1000）
    #[param(required = false, minimum = 0, maximum = 1000, example = 24)]
    waiting_hours: Option<i64>,
    /// 只看没有被别人领取的
    #[param(required = false, example = true)]
    free: Option<bool>,
}

/// 待电话回访的诉求
///
/// 回访中、有电话可联系的诉求，等得最久的在前；并入其他诉求的，反映人没有评价的各自回访一次两轮。先领取再拨打；联系电话用“查看联系电话”取得，结果用“登记电话回访”
/// 登记。
#[utoipa::path(
    operation_id = "follow_up.queue", tag = "follow_up", params(Queue, Paging), security(("bearer" = [])),
    responses((status = 200, description = "一页待回访诉求", body = Page<Waiting>)),
)]
#[get("/follow-ups")]
pub async fn queue(
    caller: Caller<CentreDesk>,
    state: Data<State>,
    Query(asked): Query<Queue>,
    Paging(page): Paging,
) -> Result<Json<Page<Waiting>>, Error> {
    let now = state.clock.now();
    if asked.round.is_some_and(|round| !(1..=2).contains(&round)) {
        return Err(Invalid::field("round", "回访只有第 1 轮和第 2 轮").into());
    }
    if asked.waiting_hours.is_some_and(|hours| !(0..=1000).contains(&hours)) {
        return Err(Invalid::field("waiting_hours", "小时数要在 0–1000 之间").into());
    }
    let filter = Filter {
        round: asked.round,
        since_before: asked.waiting_hours.map(|hours| now - TimeDelta::hours(hours)),
        free: asked.free.unwrap_or(false),
    };
    let mut conn = state.db.acquire().await?;
    let rows = read::queue(&mut conn, &caller.scope(), filter, page, now).await?;
    Ok(Json(Page::of(rows, page.limit, Waiting::cursor)))
}

/// 领取的回访
#[derive(Debug, Serialize, ToSchema)]
pub struct Taken {
    /// 诉求
    pub complaint_id: ComplaintId,
    /// 到什么时候为止别人不能领取
    #[schema(value_type = String, format = DateTime)]
    pub until: Timestamp,
}

/// 领取一件回访
///
/// 领取后 15 分钟内别人不能回访；再次领取即续期，登记结果后释放。承办单位的人不能回访自己的诉求。
#[utoipa::path(
    operation_id = "follow_up.take", tag = "follow_up",
    request_body(content = Empty, example = json!({})),
    responses((status = 200, description = "已领取", body = Taken)),
    security(("bearer" = [])),
    extensions(("x-problems" = json!(["complaint_step_refused", "follow_up_taken", "follow_up_own_work", "follow_up_nobody_to_call"]))),
)]
#[post("/follow-ups/{id}/take")]
pub async fn take(
    on: On<CentreDesk, ComplaintId>,
    body: Body<Empty>,
) -> Result<Json<Taken>, Error> {
    on.read(body, |_| Ok(())).await?;
    let until = app::follow_up::take(&on.state, on.ask(), on.id).await?;
    Ok(Json(Taken { complaint_id: on.id, until }))
}
