//! The hot mark (热点标记): cases that the centre keeps an eye on.

use actix_web::{HttpResponse, post};
use domain::{id::ComplaintId, text};
use serde::Deserialize;
use utoipa::ToSchema;

use super::ComplaintView;
use crate::{
    app::complaint as complaints,
    error::Error,
    http::extract::{Addressed, Body, IfMatch, On, caller::needs::CentreDesk},
};

routes![hot];

/// 热点标记
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct HotBody {
    /// 标上还是去掉
    pub on: bool,
    /// 为什么，2–200 个字；只有工作人员看得到
    pub reason: Option<String>,
}

/// 标上或去掉热点标记
///
/// 重复标记不改变什么。标记不影响办理，也不告知反映人；列表可按它筛选。
#[utoipa::path(
    operation_id = "complaint.hot",
    tag = "complaint",
    params(IfMatch),
    request_body(content = HotBody, example = json!({"on": true, "reason": "三天内同一小区五件"})),
    responses((status = 200, description = "诉求现在的样子", body = ComplaintView)),
    security(("bearer" = [])),
)]
#[post("/complaints/{id}/hot")]
async fn hot(on: On<CentreDesk, ComplaintId>, body: Body<HotBody>) -> Result<HttpResponse, Error> {
    let parse = |body: HotBody| {
        let reason = body.reason.as_deref().map(|reason| text::text("reason", reason, 2, 200));
        Ok((body.on, reason.transpose()?))
    };
    let (mark, reason) = on.read(body, parse).await?;
    complaints::mark_hot(&on.state, on.ask(), on.id, mark, reason).await?;
    on.shown().await
}
