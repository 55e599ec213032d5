//! The year's results of registered members (年度结果) over HTTP.

use actix_web::{
    get,
    web::{Data, Json},
};
use domain::{
    id::RegistrationId,
    org::NodeCode,
    page::{Cursor, Page},
    service::{Tally, year::Standing},
    time::Timestamp,
};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::{
    app::registration::{
        self,
        result::{self, Judged},
    },
    error::Error,
    http::extract::{Caller, Paging, Query, caller::needs::ReadResults},
    state::State,
};

routes![results];

/// 筛选条件
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct ResultFilter {
    /// 哪一年，默认今年
    #[param(required = false, example = 2026)]
    year: Option<i32>,
    /// 只看这个社区的区划代码
    #[param(required = false, example = "140213066004")]
    community: Option<String>,
    /// 只看这个工作单位的代码
    #[param(required = false, example = "education")]
    unit: Option<String>,
}

/// 一名党员的年度结果
#[derive(Debug, Serialize, ToSchema)]
pub struct ResultView {
    /// 报到编号
    pub registration_id: RegistrationId,
    /// 姓名，只显示姓
    #[schema(example = "演*****")]
    pub name: String,
    /// 社区的区划代码
    pub community_code: NodeCode,
    /// 社区名称
    #[schema(example = "文兴社区")]
    pub community_name: String,
    /// 工作单位的代码
    pub unit: Option<NodeCode>,
    /// 工作单位的名称
    pub unit_name: Option<String>,
    /// 当年有没有要求
    pub standing: Standing,
    /// 有没有要求的中文
    pub standing_text: &'static str,
    /// 服务次数
    pub services: i64,
    /// 小时数
    #[schema(example = 12.5)]
    pub hours: f64,
    /// 要求
    pub required: Tally,
    /// 还差多少
    pub missing: Tally,
    /// 一句话
    #[schema(example = "还差 1 次、7.5 小时")]
    pub text: String,
    /// 年度结算的时间；还没有结算的为空
    #[schema(value_type = Option<String>, format = DateTime)]
    pub settled_at: Option<Timestamp>,
    #[serde(skip)]
    cursor: Cursor,
}

impl ResultView {
    fn of(state: &State, settled_at: Option<Timestamp>, one: Judged) -> Result<Self, Error> {
        let cursor = one.line.cursor();
        let done = one.line.served.done();
        let text = match one.standing {
            Standing::Bound => one.short.text(),
            other => other.label().to_owned(),
        };
        Ok(Self {
            registration_id: one.line.registration,
            name: registration::masked_name(state, &one.line.name_sealed)?,
            community_code: one.line.community,
            community_name: one.line.community_name,
            unit: one.line.unit,
            unit_name: one.line.unit_name,
            standing: one.standing,
            standing_text: one.standing.label(),
            services: done.services,
            hours: done.hours,
            required: one.required.tally(),
            missing: one.short.tally(),
            text,
            settled_at,
            cursor,
        })
    }
}

/// 年度结果
///
/// 社区看在本社区报到的，单位联络员看本单位的，组织部看全部；后报到的在前。次年一月结算，结算后不再变化；结算前随时更新。
#[utoipa::path(
    operation_id = "registration.results",
    tag = "registration",
    params(ResultFilter, Paging),
    responses((status = 200, description = "一页年度结果", body = Page<ResultView>)),
    security(("bearer" = [])),
)]
#[get("/registrations/results")]
async fn results(
    caller: Caller<ReadResults>,
    state: Data<State>,
    asked: Query<ResultFilter>,
    page: Paging,
) -> Result<Json<Page<ResultView>>, Error> {
    let year = result::year(asked.0.year, state.clock.now())?;
    let filter = result::filter(asked.0.community.as_deref(), asked.0.unit.as_deref())?;
    let (settled, rows) = result::page(&state, &caller.scope(), year, &filter, page.0).await?;
    let views = rows.into_iter().map(|one| ResultView::of(&state, settled, one));
    let views = views.collect::<Result<Vec<_>, _>>()?;
    Ok(Json(Page::of(views, page.0.limit, |view| view.cursor)))
}
