//! Claims (认领) and hours: what the person does, and what the organiser confirms.

use actix_web::{
    HttpResponse, HttpResponseBuilder, get,
    http::header::ETAG,
    post, put,
    web::{Data, Json},
};
use domain::{
    attachment::Chosen,
    id::{ClaimId, PostId},
    identity::Permission,
    page::{Limit, Page, PageRequest},
    refusal::Basic,
    service::{CheckIn, Confirm, Reject, Tally},
    time::Timestamp,
};
use infra::postgres::{
    attachment::read::Of,
    service::read::{self, ClaimFilter, ClaimView},
};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::{
    app::{case::Ask, registration::result, service as services},
    error::Error,
    http::{
        attachment::{AttachmentView, PicturesBody, attached},
        complaint::LocationBody,
        extract::{
            Addressed, Body, Caller, IfMatch, On, Paging, Query, RequestMeta, Target,
            body::Empty,
            caller::{
                Needs,
                needs::{ClaimPost, OrganisePost},
            },
        },
    },
    state::State,
};

routes![claim, mine, check_in, check_out, show, cancel, confirm, no_show, reject, year];

/// The claim as the caller may command or see it: a person their own, an organiser those of their
/// posts.
pub async fn found<P: Needs>(
    state: &State,
    caller: &Caller<P>,
    id: ClaimId,
) -> Result<ClaimView, Error> {
    let own_only = P::PERMISSION == Permission::ClaimPost;
    let filter = ClaimFilter { id: Some(id), post: None, own_only };
    let one = PageRequest { after: None, limit: Limit::DEFAULT };
    let mut connection = state.db.acquire().await?;
    let mut rows = read::claims(&mut connection, &caller.scope(), filter, one).await?;
    rows.pop().ok_or_else(|| Basic::NotFound.into())
}

fn answered(mut answer: HttpResponseBuilder, view: &ClaimView) -> HttpResponse {
    answer.insert_header((ETAG, format!("\"{}\"", view.version))).json(view)
}

impl<P: Needs> Addressed for On<P, ClaimId> {
    async fn visible(&self) -> Result<(), Error> {
        found(&self.state, &self.caller, self.id).await.map(|_| ())
    }

    async fn shown(&self) -> Result<HttpResponse, Error> {
        let view = found(&self.state, &self.caller, self.id).await?;
        Ok(answered(HttpResponse::Ok(), &view))
    }
}

/// 认领岗位
///
/// 居民和党员都可以认领，岗位结束前有效；已满的列入候补，有人退出时按先后自动转正。时间重叠的不能
/// 同时认领（候补也占用时间），自己发布的不能认领。
#[utoipa::path(
    operation_id = "service.claim",
    tag = "service",
    request_body(content = Empty, example = json!({})),
    responses((status = 201, description = "已认领或已列入候补", body = ClaimView)),
    security(("bearer" = [])),
    extensions(("x-problems" = json!([
        "post_ended", "post_cancelled", "own_service", "already_claimed", "claim_overlap",
        "claims_paused"
    ]))),
)]
#[post("/posts/{id}/claims")]
async fn claim(
    caller: Caller<ClaimPost>,
    state: Data<State>,
    meta: RequestMeta,
    id: Target<PostId>,
    body: Body<Empty>,
) -> Result<HttpResponse, Error> {
    body.read_or(post_exists(&state, &caller, id.0)).await?;
    let ask = Ask::new(Some(caller.actor.clone()), meta);
    let id = services::claim(&state, ask, id.0).await?;
    Ok(answered(HttpResponse::Created(), &found(&state, &caller, id).await?))
}

async fn post_exists<P>(state: &State, caller: &Caller<P>, id: PostId) -> Result<(), Error> {
    let filter = read::PostFilter { id: Some(id), ..read::PostFilter::default() };
    let one = PageRequest { after: None, limit: Limit::DEFAULT };
    let now = state.clock.now();
    let mut connection = state.db.acquire().await?;
    let found = read::posts(&mut connection, &caller.scope(), &filter, one, now).await?;
    found.first().map(|_| ()).ok_or_else(|| Basic::NotFound.into())
}

/// 我的认领
///
/// 新的在前。
#[utoipa::path(
    operation_id = "service.mine",
    tag = "service",
    params(Paging),
    responses((status = 200, description = "一页认领", body = Page<ClaimView>)),
    security(("bearer" = [])),
)]
#[get("/me/claims")]
async fn mine(
    caller: Caller<ClaimPost>,
    state: Data<State>,
    page: Paging,
) -> Result<Json<Page<ClaimView>>, Error> {
    let filter = ClaimFilter { own_only: true, ..ClaimFilter::default() };
    let mut connection = state.db.acquire().await?;
    let rows = read::claims(&mut connection, &caller.scope(), filter, page.0).await?;
    Ok(Json(Page::of(rows, page.0.limit, ClaimView::cursor)))
}

/// 签到
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = ServiceCheckInBody)]
pub struct CheckInBody {
    /// 现场的签到码，或扫码得到的全文；出现后 60 秒内有效
    #[schema(example = "AC3D7K", max_length = 100)]
    pub code: Option<String>,
    /// 手机的位置（GCJ-02）；在岗位地点的范围以内
    pub location: Option<LocationBody>,
    /// 手机报告的定位误差（米）；在一定限度内放宽
    #[schema(example = 35.0)]
    pub accuracy_metres: Option<f64>,
}

/// 签到
///
/// 开始前一小时至结束前，凭现场的签到码，或在岗位地点附近定位。签到码一分钟失效，输错几次以后只能定位或由
/// 组织者确认。签到从不强制：组织者的确认可以代替。看着不合情理的签到只记下来请人看一看，不会被拒绝。
#[utoipa::path(
    operation_id = "service.check_in",
    tag = "service",
    params(IfMatch),
    request_body(content = CheckInBody, example = json!({"code": "AC3D7K"})),
    responses((status = 200, description = "认领现在的样子", body = ClaimView)),
    security(("bearer" = [])),
    extensions(("x-problems" = json!([
        "claim_step_refused", "check_in_not_open", "post_ended", "check_in_proof_missing",
        "check_in_code_wrong", "check_in_code_expired", "check_in_code_locked", "check_in_too_far"
    ]))),
)]
#[post("/claims/{id}/check-in")]
async fn check_in(
    on: On<ClaimPost, ClaimId>,
    body: Body<CheckInBody>,
) -> Result<HttpResponse, Error> {
    let shows = on
        .read(body, |body| {
            let location = body.location.map(LocationBody::pair);
            CheckIn::parse(body.code.as_deref(), location, body.accuracy_metres)
        })
        .await?;
    services::check_in(&on.state, on.ask(), on.id, shows).await?;
    on.shown().await
}

/// 签退
///
/// 签到以后才能签退；时长仍由组织者确认，签退只作参考。
#[utoipa::path(
    operation_id = "service.check_out",
    tag = "service",
    params(IfMatch),
    request_body(content = Empty, example = json!({})),
    responses((status = 200, description = "认领现在的样子", body = ClaimView)),
    security(("bearer" = [])),
    extensions(("x-problems" = json!(["claim_step_refused"]))),
)]
#[post("/claims/{id}/check-out")]
async fn check_out(on: On<ClaimPost, ClaimId>, body: Body<Empty>) -> Result<HttpResponse, Error> {
    on.read(body, |_| Ok(())).await?;
    services::check_out(&on.state, on.ask(), on.id).await?;
    on.shown().await
}

/// 选定服务照片
///
/// 认领以后、组织者确认以前，由本人上传照片后在这里列出；整份提交，没有列出的不再显示。岗位的组织者看得到。
#[utoipa::path(
    operation_id = "service.show",
    tag = "service",
    params(IfMatch),
    request_body(content = PicturesBody, example = json!({"attachment_ids": []})),
    responses((status = 200, description = "照片现在的样子", body = Page<AttachmentView>)),
    security(("bearer" = [])),
    extensions(("x-problems" = json!(["claim_step_refused"]))),
)]
#[put("/claims/{id}/pictures")]
async fn show(
    on: On<ClaimPost, ClaimId>,
    body: Body<PicturesBody>,
) -> Result<Json<Page<AttachmentView>>, Error> {
    let pictures = on.read(body, |body| Chosen::parse(&body.attachment_ids)).await?;
    services::show(&on.state, on.ask(), on.id, pictures).await?;
    attached(&on.state, &on.caller, Of { target: Some(on.id.0), ..Of::default() }).await
}

/// 取消认领
///
/// 空出来的名额按先后给候补的人。开始前 24 小时以内取消的记为临时取消；候补、刚刚认领的不算。
#[utoipa::path(
    operation_id = "service.cancel",
    tag = "service",
    params(IfMatch),
    request_body(content = Empty, example = json!({})),
    responses((status = 200, description = "认领现在的样子", body = ClaimView)),
    security(("bearer" = [])),
    extensions(("x-problems" = json!(["claim_step_refused", "post_ended"]))),
)]
#[post("/claims/{id}/cancel")]
async fn cancel(on: On<ClaimPost, ClaimId>, body: Body<Empty>) -> Result<HttpResponse, Error> {
    on.read(body, |_| Ok(())).await?;
    services::cancel(&on.state, on.ask(), on.id).await?;
    on.shown().await
}

/// 确认时长
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = ServiceConfirmBody)]
pub struct ConfirmBody {
    /// 服务时长（分钟），不含路上，不超过岗位的时长
    #[schema(minimum = 1, maximum = 1440, example = 120)]
    pub minutes: i64,
    /// 给本人的话
    pub comment: Option<String>,
}

/// 确认时长
///
/// 由岗位所在社区或组织员确认，可代替签到，也可在结束前确认。时长全额记录；积分在同一笔事务中入账，
/// 每天至多 8 分。重复确认是 409。
#[utoipa::path(
    operation_id = "service.confirm",
    tag = "service",
    params(IfMatch),
    request_body(content = ConfirmBody, example = json!({"minutes": 120, "comment": "服务认真，老人很满意"})),
    responses((status = 200, description = "认领现在的样子", body = ClaimView)),
    security(("bearer" = [])),
    extensions(("x-problems" = json!(["claim_step_refused", "own_service", "minutes_beyond_post"]))),
)]
#[post("/claims/{id}/confirm")]
async fn confirm(
    on: On<OrganisePost, ClaimId>,
    body: Body<ConfirmBody>,
) -> Result<HttpResponse, Error> {
    let command =
        on.read(body, |body| Confirm::parse(body.minutes, body.comment.as_deref())).await?;
    services::confirm(&on.state, on.ask(), on.id, command).await?;
    on.shown().await
}

/// 登记未到
///
/// 岗位开始以后才能登记。
#[utoipa::path(
    operation_id = "service.no_show",
    tag = "service",
    params(IfMatch),
    request_body(content = Empty, example = json!({})),
    responses((status = 200, description = "认领现在的样子", body = ClaimView)),
    security(("bearer" = [])),
    extensions(("x-problems" = json!(["claim_step_refused", "own_service", "post_not_started"]))),
)]
#[post("/claims/{id}/no-show")]
async fn no_show(on: On<OrganisePost, ClaimId>, body: Body<Empty>) -> Result<HttpResponse, Error> {
    on.read(body, |_| Ok(())).await?;
    services::no_show(&on.state, on.ask(), on.id).await?;
    on.shown().await
}

/// 不予认可
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = ServiceRejectBody)]
pub struct RejectBody {
    /// 原因，本人会看到
    pub reason: String,
}

/// 不予认可
///
/// 不计时长和积分，写明原因，本人会收到通知并可以提出异议；不能处理自己的服务。
#[utoipa::path(
    operation_id = "service.reject",
    tag = "service",
    params(IfMatch),
    request_body(content = RejectBody, example = json!({"reason": "这个岗位需要持有急救证"})),
    responses((status = 200, description = "认领现在的样子", body = ClaimView)),
    security(("bearer" = [])),
    extensions(("x-problems" = json!(["claim_step_refused", "own_service"]))),
)]
#[post("/claims/{id}/reject")]
async fn reject(
    on: On<OrganisePost, ClaimId>,
    body: Body<RejectBody>,
) -> Result<HttpResponse, Error> {
    let command = on.read(body, |body| Reject::parse(&body.reason)).await?;
    services::reject(&on.state, on.ask(), on.id, command).await?;
    on.shown().await
}

/// 哪一年
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct YearFilter {
    /// 年份（2000–2100）；不填为今年
    #[param(required = false, example = 2026)]
    year: Option<i32>,
}

/// 一年的服务
#[derive(Debug, Serialize, ToSchema)]
pub struct ServiceYear {
    /// 年份
    #[schema(example = 2026)]
    pub year: i32,
    /// 已确认的服务次数
    #[schema(example = 3)]
    pub services: i64,
    /// 已确认的小时数
    #[schema(example = 12.5)]
    pub hours: f64,
    /// 一年的要求
    pub required: Tally,
    /// 还差多少；不结转到下一年
    pub missing: Tally,
    /// 一句话
    #[schema(example = "还差 1 次、7.5 小时")]
    pub text: String,
    /// 年度结算时的结果；还没有结算的为空
    pub settled: Option<SettledYear>,
}

/// 年度结算时的结果
#[derive(Debug, Serialize, ToSchema)]
pub struct SettledYear {
    /// 结算时的服务次数
    #[schema(example = 4)]
    pub services: i64,
    /// 结算时的小时数
    #[schema(example = 20.5)]
    pub hours: f64,
    /// 一句话
    #[schema(example = "已达到一年的要求")]
    pub text: String,
    /// 结算的时间
    #[schema(value_type = String, format = DateTime)]
    pub settled_at: Timestamp,
}

/// 我的年度服务
///
/// 科级及以下党员每年至少服务 4 次、20 小时；按岗位开始的日期计入当年，不结转。转社区、换单位，次数和时长都跟着
/// 本人走；退休或当年免除的，要求为 0。次年一月结算的结果另列，以后的更正不改变它。
#[utoipa::path(
    operation_id = "service.year",
    tag = "service",
    params(YearFilter),
    responses((status = 200, description = "一年的服务", body = ServiceYear)),
    security(("bearer" = [])),
)]
#[get("/me/service-year")]
async fn year(
    caller: Caller<ClaimPost>,
    state: Data<State>,
    asked: Query<YearFilter>,
) -> Result<Json<ServiceYear>, Error> {
    let year = result::year(asked.0.year, state.clock.now())?;
    let account = caller.actor.account;
    let (required, settled) = result::of_account(&state, account, year).await?;
    let mut connection = state.db.acquire().await?;
    let served = read::served(&mut connection, &caller.scope(), year).await?;
    let (done, missing) = (served.done(), served.missing(required));
    Ok(Json(ServiceYear {
        year: year.number(),
        services: done.services,
        hours: done.hours,
        required: required.tally(),
        missing: missing.tally(),
        text: required.text(served),
        settled: settled.map(|(settled_at, result)| SettledYear {
            services: result.line.served.services,
            hours: result.line.served.done().hours,
            text: result.short.text(),
            settled_at,
        }),
    }))
}
