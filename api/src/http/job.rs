//! The system administrator's desk: jobs that failed for good.

use actix_web::{
    get, post,
    web::{Data, Json},
};
use domain::{
    id::JobId,
    page::{Cursor, Page},
    refusal::Invalid,
    time::Timestamp,
};
use infra::postgres::job::{self, Dead};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::{
    app,
    error::Error,
    http::extract::{
        Body, Caller, Empty, Paging, Query, RequestMeta, Target, caller::needs::ManageJobs,
    },
    state::State,
};

/// 一个失败作业
#[derive(Debug, Serialize, ToSchema)]
pub struct DeadJobView {
    /// 作业编号
    pub id: JobId,
    /// 作业种类
    #[schema(example = "notify")]
    pub kind: String,
    /// 状态
    #[schema(example = "dead")]
    pub state: &'static str,
    /// 试过几次
    #[schema(example = 10)]
    pub attempt: i32,
    /// 最后一次为什么失败
    pub last_error: Option<String>,
    /// 排入的时间
    #[schema(value_type = chrono::DateTime<chrono::Utc>)]
    pub created_at: Timestamp,
    /// 放弃的时间
    #[schema(value_type = chrono::DateTime<chrono::Utc>)]
    pub finished_at: Timestamp,
}

impl From<Dead> for DeadJobView {
    fn from(from: Dead) -> Self {
        let Dead { id, kind, attempt, last_error, created_at, finished_at } = from;
        Self { id, kind, state: "dead", attempt, last_error, created_at, finished_at }
    }
}

/// 重新执行的作业
#[derive(Debug, Serialize, ToSchema)]
pub struct JobView {
    /// 作业编号
    pub id: JobId,
    /// 作业种类
    #[schema(example = "notify")]
    pub kind: String,
    /// 状态
    #[schema(example = "ready")]
    pub state: String,
}

/// Which jobs.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct JobFilter {
    /// 只能查失败作业：dead
    #[param(required = false, example = "dead")]
    state: Option<String>,
}

/// 失败作业，新的在前。
///
/// 试够次数仍没有办成的后台作业：种类、次数、最后的错误；里面没有个人信息。
#[utoipa::path(
    operation_id = "job.list", tag = "job",
    params(JobFilter, Paging),
    responses((status = 200, description = "一页失败作业", body = Page<DeadJobView>)),
    security(("bearer" = [])),
)]
#[get("/jobs")]
pub async fn list(
    _: Caller<ManageJobs>,
    state: Data<State>,
    Query(filter): Query<JobFilter>,
    Paging(page): Paging,
) -> Result<Json<Page<DeadJobView>>, Error> {
    if filter.state.is_some_and(|state| state != "dead") {
        return Err(Invalid::field("state", "只能查失败作业，请写 dead 或不填").into());
    }
    let mut conn = state.db.acquire().await?;
    let rows = job::dead(&mut conn, page).await?;
    let rows = rows.into_iter().map(DeadJobView::from).collect();
    let key = |row: &DeadJobView| Cursor { at: row.finished_at, id: row.id.0 };
    Ok(Json(Page::of(rows, page.limit, key)))
}

/// 重新执行一个失败作业：次数从头算起，马上排入队列。
///
/// 作业的效果只发生一次，重新执行不会重复办理；不在失败状态的作业被拒绝。
#[utoipa::path(
    operation_id = "job.redrive", tag = "job",
    request_body(content = Empty, example = json!({})),
    responses((status = 200, description = "重新排入的作业", body = JobView)),
    security(("bearer" = [])),
    extensions(("x-problems" = json!(["job_not_dead"]))),
)]
#[post("/jobs/{id}/redrive")]
pub async fn redrive(
    caller: Caller<ManageJobs>,
    target: Target<JobId>,
    state: Data<State>,
    meta: RequestMeta,
    body: Body<Empty>,
) -> Result<Json<JobView>, Error> {
    let Target(id) = target;
    body.read_or(app::job::exists(&state, id)).await?;
    let job = app::job::redrive(&state, Some(&caller.actor), meta.into(), id).await?;
    Ok(Json(JobView { id: job.id, kind: job.kind, state: job.state }))
}

routes![list, redrive];
