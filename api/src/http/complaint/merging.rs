//! Merging as the centre sees it: what is likely the same matter, and taking a wrong merge back.

use actix_web::{HttpResponse, get, post, web::Json};
use domain::{
    complaint::{DUPLICATE_SCORE, Reason, Split, Status},
    id::ComplaintId,
    org::NodeCode,
    time::Timestamp,
};
use infra::postgres::complaint::read::duplicates::{self, Candidate, RepeatView};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::ComplaintView;
use crate::{
    app::complaint as complaints,
    error::Error,
    http::extract::{Addressed, Body, IfMatch, On, caller::needs::CentreDesk},
};

routes![list_duplicates, split];

/// The most proposals that are shown.
const SHOWN: usize = 20;

/// 可能重复的诉求
#[derive(Debug, Serialize, ToSchema)]
pub struct DuplicatesView {
    /// 同一反映人重复提交的标记；不是重复提交时为空
    pub repeat_of: Option<RepeatView>,
    /// 可能是同一问题的诉求，最像的在前，最多 20 件
    pub items: Vec<DuplicateView>,
}

/// 可能重复的一件
#[derive(Debug, Serialize, ToSchema)]
pub struct DuplicateView {
    /// 诉求
    pub id: ComplaintId,
    /// 编号
    #[schema(example = "PC20261124000123")]
    pub number: String,
    /// 标题
    pub title: String,
    /// 状态
    pub status: Status,
    /// 社区
    pub community_code: NodeCode,
    /// 提交时间
    #[schema(value_type = String, format = DateTime)]
    pub created_at: Timestamp,
    /// 相像程度，0–100
    #[schema(example = 76)]
    pub score: u8,
    /// 理由
    pub reasons: Vec<Reason>,
    /// 理由的中文
    #[schema(example = json!(["内容相似", "同一社区"]))]
    pub reasons_text: Vec<&'static str>,
    /// 相距多少米；有一件没有位置时为空
    pub metres: Option<f64>,
}

impl DuplicateView {
    fn of(one: Candidate) -> Self {
        let likeness = one.pair.likeness();
        Self {
            id: one.id,
            number: one.number,
            title: one.title,
            status: one.status,
            community_code: one.community,
            created_at: one.submitted_at,
            score: likeness.score,
            reasons_text: likeness.reasons.iter().map(|reason| reason.label()).collect(),
            reasons: likeness.reasons,
            metres: one.pair.metres.map(f64::round),
        }
    }
}

/// 可能重复的诉求
///
/// 按位置（同一社区或 200 米内）、时间（前后 30 天）和内容的相似程度找出可能是同一问题的在办诉求，供并案参考。只提示，从不自动并案。
#[utoipa::path(
    operation_id = "complaint.duplicates",
    tag = "complaint",
    responses((status = 200, description = "可能重复的诉求", body = DuplicatesView)),
    security(("bearer" = [])),
)]
#[get("/complaints/{id}/duplicates")]
async fn list_duplicates(on: On<CentreDesk, ComplaintId>) -> Result<Json<DuplicatesView>, Error> {
    on.visible().await?;
    let scope = on.caller.scope();
    let mut connection = on.state.db.acquire().await?;
    let repeat_of = duplicates::repeat_of(&mut connection, &scope, on.id).await?;
    let candidates = duplicates::candidates(&mut connection, &scope, on.id).await?;
    let mut items: Vec<_> = candidates.into_iter().map(DuplicateView::of).collect();
    items.retain(|one| one.score >= DUPLICATE_SCORE);
    items.sort_by_key(|one| std::cmp::Reverse((one.score, one.created_at)));
    items.truncate(SHOWN);
    Ok(Json(DuplicatesView { repeat_of, items }))
}

/// 撤销并案
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SplitBody {
    /// 为什么不是同一问题，反映人也会看到
    pub reason: String,
}

/// 撤销并案
///
/// 并错的诉求恢复单独办理：回到待受理或已受理，由区中心重新派单，时限从现在起算，反映人得到通知。主件已答复，或反映人已评价的，不能再拆分。
#[utoipa::path(
    operation_id = "complaint.split",
    tag = "complaint",
    params(IfMatch),
    request_body(content = SplitBody, example = json!({"reason": "两处路灯不在一条街上，分别办理"})),
    responses((status = 200, description = "诉求现在的样子", body = ComplaintView)),
    security(("bearer" = [])),
    extensions(("x-problems" = json!(["complaint_step_refused", "leading_case_answered", "child_evaluated"]))),
)]
#[post("/complaints/{id}/split")]
async fn split(
    on: On<CentreDesk, ComplaintId>,
    body: Body<SplitBody>,
) -> Result<HttpResponse, Error> {
    let command = on.read(body, |body| Split::parse(&body.reason)).await?;
    complaints::split(&on.state, on.ask(), on.id, command).await?;
    on.shown().await
}
