//! What returns cost: to whose account the time of a case goes, and the cases that went to and fro.

use actix_web::{
    get,
    web::{Data, Json},
};
use domain::{
    id::{ComplaintId, TaskId},
    page::Page,
    task::{self, Charge},
    time::Timestamp,
};
use infra::postgres::task::read::returns::{self, ToAndFro};
use serde::Serialize;
use utoipa::ToSchema;

use crate::{
    error::Error,
    http::extract::{
        Addressed, Caller, On, Paging,
        caller::needs::{ReadTask, WatchReturns},
    },
    state::State,
};

routes![charges, ping_pong];

/// 一件诉求的时间归因
#[derive(Debug, Serialize, ToSchema)]
pub struct ChargesView {
    /// 各段时间，按先后；单位只看到本单位任务的
    pub items: Vec<Charge>,
    /// 记在承办单位名下的秒数
    pub unit_seconds: i64,
    /// 记在区中心名下的秒数（等待裁定、等待确认）
    pub centre_seconds: i64,
}

/// 时间归因
///
/// 每段时间记在造成它的一方名下：派单到申请退单记单位，申请到裁定、答复到确认记区中心，挂起期间不记。
#[utoipa::path(
    operation_id = "task.charges",
    tag = "task",
    responses((status = 200, description = "各段时间", body = ChargesView)),
    security(("bearer" = [])),
)]
#[get("/complaints/{id}/charges")]
async fn charges(on: On<ReadTask, ComplaintId>) -> Result<Json<ChargesView>, Error> {
    on.visible().await?;
    let mut connection = on.state.db.acquire().await?;
    let moves = returns::moves(&mut connection, &on.caller.scope(), on.id).await?;
    let items = task::charges(&moves, on.state.clock.now());
    let of = |cause| {
        items.iter().filter(|charge| charge.cause == cause).map(Charge::seconds).sum::<i64>()
    };
    let (unit_seconds, centre_seconds) = (of(task::Cause::Unit), of(task::Cause::Centre));
    Ok(Json(ChargesView { items, unit_seconds, centre_seconds }))
}

/// 反复退单的诉求
#[derive(Debug, Serialize, ToSchema)]
pub struct PingPongView {
    /// 诉求
    pub complaint_id: ComplaintId,
    /// 诉求编号
    #[schema(example = "PC20261124000123")]
    pub number: String,
    /// 标题
    pub title: String,
    /// 退了几次
    pub returns: usize,
    /// 经手的单位，按先后，最后是现在的
    #[schema(example = json!(["区城市管理局", "国网大同平城供电公司", "区住房和城乡建设局"]))]
    pub units: Vec<String>,
    /// 退回的任务
    pub returned: Vec<TaskId>,
    /// 退单前在各单位手里的天数
    #[schema(example = 1.5)]
    pub days_with_units: f64,
    /// 等待区中心裁定的天数
    #[schema(example = 0.5)]
    pub days_with_centre: f64,
    /// 最近一次退单
    #[schema(value_type = String, format = DateTime)]
    pub last_return_at: Timestamp,
}

impl PingPongView {
    fn of(row: ToAndFro, now: Timestamp) -> Self {
        let (units, centre) = task::lost(&task::charges(&row.moves, now), &row.returned);
        Self {
            complaint_id: row.complaint,
            number: row.number,
            title: row.title,
            returns: row.returned.len(),
            units: row.units,
            returned: row.returned,
            days_with_units: days(units),
            days_with_centre: days(centre),
            last_return_at: row.last_return_at,
        }
    }
}

/// Seconds as days, to a hundredth.
fn days(seconds: i64) -> f64 {
    let hundredths = i32::try_from(seconds / 864).unwrap_or(i32::MAX);
    f64::from(hundredths) / 100.0
}

/// 反复退单清单
///
/// 退单两次以上的诉求：经手单位的先后，耽误的天数分别记在单位和区中心名下。最近退单的在前。
#[utoipa::path(
    operation_id = "task.ping_pong",
    tag = "task",
    params(Paging),
    responses((status = 200, description = "一页诉求", body = Page<PingPongView>)),
    security(("bearer" = [])),
)]
#[get("/returns/ping-pong")]
async fn ping_pong(
    caller: Caller<WatchReturns>,
    state: Data<State>,
    page: Paging,
) -> Result<Json<Page<PingPongView>>, Error> {
    let now = state.clock.now();
    let mut connection = state.db.acquire().await?;
    let rows = returns::ping_pong(&mut connection, &caller.scope(), page.0).await?;
    let page = Page::of(rows, page.0.limit, ToAndFro::cursor);
    let items = page.items.into_iter().map(|row| PingPongView::of(row, now)).collect();
    Ok(Json(Page { items, next_cursor: page.next_cursor }))
}
