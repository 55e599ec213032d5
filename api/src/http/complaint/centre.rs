//! The centre's desk: what dispatchers and supervisors do with a complaint.

use actix_web::{HttpResponse, post, web::Json};
use domain::{
    complaint::{Accept, Answer, Exclude, Ground, Reject, Suspend},
    evaluation::Evaluation,
    id::ComplaintId,
    org::NodeCode,
    refusal::{Faults, Invalid},
    sla::Urgency,
    text,
    time::Timestamp,
};
use serde::Deserialize;
use utoipa::ToSchema;

use super::{ComplaintView, view::ContactView};
use crate::{
    app::complaint::{self as complaints, DispatchOrder, Voice},
    error::Error,
    http::extract::{
        Addressed, Body, IfMatch, On,
        body::Empty,
        caller::needs::{CentreDesk, ExcludeComplaint, UnmaskContact},
    },
};

routes![accept, reject, answer, merge, dispatch, suspend, resume, follow_up, unmask, exclude];

/// 受理
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AcceptBody {
    /// 紧急程度，决定各项时限
    pub urgency: Urgency,
    /// 清单事项代码
    #[schema(example = "city-05")]
    pub duty_item: Option<String>,
    /// 分类，例如“城乡建设/城市建设和市政管理/路灯”
    pub category: Option<String>,
    /// 举报的对象单位；它不能承办此件
    #[schema(example = "housing")]
    pub reported_unit: Option<String>,
}

/// 受理诉求
///
/// 定下紧急程度，可以同时写明事项和分类；从这时起按它计算时限。反映的正是承办单位时写明被反映单位，以后派单会避开。
#[utoipa::path(
    operation_id = "complaint.accept",
    tag = "complaint",
    params(IfMatch),
    request_body(content = AcceptBody, example = json!({"urgency": "ordinary", "category": "城乡建设/路灯"})),
    responses((status = 200, description = "诉求现在的样子", body = ComplaintView)),
    security(("bearer" = [])),
    extensions(("x-problems" = json!(["complaint_step_refused"]))),
)]
#[post("/complaints/{id}/accept")]
async fn accept(
    on: On<CentreDesk, ComplaintId>,
    body: Body<AcceptBody>,
) -> Result<HttpResponse, Error> {
    let parse = |body: AcceptBody| {
        Accept::parse(
            body.urgency,
            body.duty_item.as_deref(),
            body.category.as_deref(),
            body.reported_unit.as_deref(),
        )
    };
    let command = on.read(body, parse).await?;
    complaints::accept(&on.state, on.ask(), on.id, command).await?;
    on.shown().await
}

/// 不予受理
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RejectBody {
    /// 理由，只能是列出的几种
    pub ground: Ground,
    /// 给反映人的说明；110、119、120、122事项要写明移交记录
    pub explanation: String,
}

/// 不予受理
///
/// 必须选一项法定理由并说明，反映人看得到；110、119、120、122 的事项要先有移交记录。反映人可以申请复核一次。
#[utoipa::path(
    operation_id = "complaint.reject",
    tag = "complaint",
    params(IfMatch),
    request_body(content = RejectBody, example = json!({"ground": "out_of_area", "explanation": "反映的路段在云冈区，请拨打云冈区热线。"})),
    responses((status = 200, description = "诉求现在的样子", body = ComplaintView)),
    security(("bearer" = [])),
    extensions(("x-problems" = json!(["complaint_step_refused", "handover_missing"]))),
)]
#[post("/complaints/{id}/reject")]
async fn reject(
    on: On<CentreDesk, ComplaintId>,
    body: Body<RejectBody>,
) -> Result<HttpResponse, Error> {
    let command = on.read(body, |body| Reject::parse(body.ground, &body.explanation)).await?;
    complaints::reject(&on.state, on.ask(), on.id, command).await?;
    on.shown().await
}

/// 直接答复
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AnswerBody {
    /// 答复，5–10000 个字
    pub text: String,
}

/// 直接答复
///
/// 不派单，由区中心答复；有没有办结的吹哨时不能答复。反映人可以评价，也可以申请复核一次。
#[utoipa::path(
    operation_id = "complaint.answer",
    tag = "complaint",
    params(IfMatch),
    request_body(content = AnswerBody, example = json!({"text": "社区卫生服务中心周六上午8点至12点接种疫苗，请带上接种证。"})),
    responses((status = 200, description = "诉求现在的样子", body = ComplaintView)),
    security(("bearer" = [])),
    extensions(("x-problems" = json!(["complaint_step_refused", "whistle_open"]))),
)]
#[post("/complaints/{id}/answer")]
async fn answer(
    on: On<CentreDesk, ComplaintId>,
    body: Body<AnswerBody>,
) -> Result<HttpResponse, Error> {
    let command = on.read(body, |body| Answer::parse(&body.text)).await?;
    complaints::answer(&on.state, on.ask(), on.id, command).await?;
    on.shown().await
}

/// 并案
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct MergeBody {
    /// 并入哪一件诉求
    pub into: ComplaintId,
}

/// 并案
///
/// 并入的诉求随主件办理，反映人各自得到通知，可以各自评价；未完成的任务取消并通知单位。
#[utoipa::path(
    operation_id = "complaint.merge",
    tag = "complaint",
    params(IfMatch),
    request_body(content = MergeBody, example = json!({"into": "019ab0c1-d2e3-7f00-8a1b-2c3d4e5f6071"})),
    responses((status = 200, description = "诉求现在的样子", body = ComplaintView)),
    security(("bearer" = [])),
    extensions(("x-problems" = json!(["complaint_step_refused", "merge_target_refused", "whistle_open"]))),
)]
#[post("/complaints/{id}/merge")]
async fn merge(
    on: On<CentreDesk, ComplaintId>,
    body: Body<MergeBody>,
) -> Result<HttpResponse, Error> {
    let into = on.read(body, |body| Ok(body.into)).await?;
    complaints::merge(&on.state, on.ask(), on.id, into).await?;
    on.shown().await
}

/// 派单
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct DispatchBody {
    /// 主办单位：部门代码，或街道、社区的区划代码
    #[schema(example = "urban-management")]
    pub lead: String,
    /// 协办单位
    #[serde(default)]
    #[schema(example = json!(["housing"]))]
    pub assist: Vec<String>,
    /// 清单事项代码；不填则用受理时的
    pub duty_item: Option<String>,
    /// 需要到现场
    #[serde(default)]
    pub site: bool,
    /// 牵头单位综合答复：主办单位等协办单位都答复以后，汇总答复反映人；要有协办单位
    #[serde(default)]
    pub summary: bool,
    /// 给承办单位的话
    pub note: Option<String>,
    /// 紧急事项下派到未列入清单的街道、社区时的批准人（区领导或部门负责人的账号名）
    #[schema(example = "leader")]
    pub emergency_approver: Option<String>,
}

impl DispatchBody {
    fn read(self) -> Result<DispatchOrder, Invalid> {
        let mut faults = Faults::default();
        let lead = faults.take(NodeCode::parse("lead", &self.lead));
        if self.assist.len() > 20 {
            faults.add("assist", "协办单位最多 20 个");
        }
        let assist: Vec<_> = self
            .assist
            .iter()
            .enumerate()
            .filter_map(|(index, code)| {
                faults.take(NodeCode::parse(&format!("assist.{index}"), code))
            })
            .collect();
        if self.summary && self.assist.is_empty() {
            faults.add("summary", "没有协办单位，不需要牵头单位综合答复");
        }
        let duty_item = faults.take(text::optional("duty_item", self.duty_item.as_deref(), 40));
        let note = faults.take(text::optional("note", self.note.as_deref(), 2000));
        faults.check()?;
        match lead {
            Some(lead) => Ok(DispatchOrder {
                lead,
                assist,
                duty_item: duty_item.flatten(),
                site: self.site,
                summary: self.summary,
                note: note.flatten(),
                emergency_approver: self.emergency_approver,
            }),
            None => unreachable!("a missing part has noted its fault"),
        }
    }
}

/// 派单
///
/// 派给一个主办单位和若干协办单位，时限从此刻起算。派给街道、社区的，须是现行清单列明由其承担的事项；
/// 紧急事项有批准人的除外（留痕）。
#[utoipa::path(
    operation_id = "complaint.dispatch",
    tag = "complaint",
    params(IfMatch),
    request_body(content = DispatchBody, example = json!({"lead": "urban-management", "assist": ["housing"], "note": "请今天先到现场看一下"})),
    responses((status = 200, description = "诉求现在的样子", body = ComplaintView)),
    security(("bearer" = [])),
    extensions(("x-problems" = json!(["complaint_step_refused", "complaint_suspended", "lead_task_open", "unit_named_twice", "unit_is_reported", "not_on_duty_list"]))),
)]
#[post("/complaints/{id}/dispatch")]
async fn dispatch(
    on: On<CentreDesk, ComplaintId>,
    body: Body<DispatchBody>,
) -> Result<HttpResponse, Error> {
    let order = on.read(body, DispatchBody::read).await?;
    complaints::dispatch(&on.state, on.ask(), on.id, order).await?;
    on.shown().await
}

/// 挂起
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SuspendBody {
    /// 最迟到什么时候恢复，180 天之内
    #[schema(value_type = String, format = DateTime)]
    pub until: Timestamp,
    /// 原因
    pub reason: String,
}

/// 挂起：时限暂停
///
/// 写明到哪一天和原因，反映人和在办单位都会收到通知；到期自动恢复。
#[utoipa::path(
    operation_id = "complaint.suspend",
    tag = "complaint",
    params(IfMatch),
    request_body(content = SuspendBody, example = json!({"until": "2026-12-10T08:00:00Z", "reason": "等待鉴定结果"})),
    responses((status = 200, description = "诉求现在的样子", body = ComplaintView)),
    security(("bearer" = [])),
    extensions(("x-problems" = json!(["complaint_step_refused", "complaint_suspended", "suspension_out_of_range"]))),
)]
#[post("/complaints/{id}/suspend")]
async fn suspend(
    on: On<CentreDesk, ComplaintId>,
    body: Body<SuspendBody>,
) -> Result<HttpResponse, Error> {
    let command = on.read(body, |body| Suspend::parse(body.until, &body.reason)).await?;
    complaints::suspend(&on.state, on.ask(), on.id, command).await?;
    on.shown().await
}

/// 恢复办理：未到的时限顺延挂起的时间
///
/// 提前结束挂起；在办单位会收到新的时限。
#[utoipa::path(
    operation_id = "complaint.resume",
    tag = "complaint",
    params(IfMatch),
    request_body(content = Empty, example = json!({})),
    responses((status = 200, description = "诉求现在的样子", body = ComplaintView)),
    security(("bearer" = [])),
    extensions(("x-problems" = json!(["complaint_step_refused", "complaint_not_suspended"]))),
)]
#[post("/complaints/{id}/resume")]
async fn resume(on: On<CentreDesk, ComplaintId>, body: Body<Empty>) -> Result<HttpResponse, Error> {
    on.read(body, |_| Ok(())).await?;
    complaints::resume(&on.state, on.ask(), on.id).await?;
    on.shown().await
}

/// 电话回访
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct FollowUpBody {
    /// 是否联系上；没有联系上时不填其余各项
    pub reached: bool,
    /// 是否解决
    pub solved: Option<bool>,
    /// 满意度：5 非常满意 · 4 满意 · 3 基本满意 · 2 不满意 · 1 非常不满意
    pub satisfaction: Option<i64>,
    /// 承办单位是否联系过
    pub contacted: Option<bool>,
    /// 反映人的话
    pub comment: Option<String>,
}

impl FollowUpBody {
    /// The evaluation that was given; none when nobody was reached.
    fn read(self) -> Result<Option<Evaluation>, Invalid> {
        match (self.reached, self.solved, self.satisfaction) {
            (false, None, None) => Ok(None),
            (true, Some(solved), Some(satisfaction)) => {
                let comment = self.comment.as_deref();
                Evaluation::new(solved, satisfaction, self.contacted, comment).map(Some)
            }
            _ => {
                let words = "联系上时请填写 solved 和 satisfaction；没有联系上时都不填";
                Err(Invalid::field("reached", words))
            }
        }
    }
}

/// 登记电话回访
///
/// 由区中心回访员记录反映人的答复，效果与反映人自己评价相同；没有联系上的只作记录。
#[utoipa::path(
    operation_id = "complaint.follow_up",
    tag = "complaint",
    params(IfMatch),
    request_body(content = FollowUpBody, example = json!({"reached": true, "solved": true, "satisfaction": 5, "contacted": true})),
    responses((status = 200, description = "诉求现在的样子", body = ComplaintView)),
    security(("bearer" = [])),
    extensions(("x-problems" = json!(["complaint_step_refused", "leading_case_open", "already_evaluated", "follow_up_taken", "follow_up_own_work"]))),
)]
#[post("/complaints/{id}/follow-up")]
async fn follow_up(
    on: On<CentreDesk, ComplaintId>,
    body: Body<FollowUpBody>,
) -> Result<HttpResponse, Error> {
    match on.read(body, FollowUpBody::read).await? {
        Some(given) => {
            complaints::evaluate(&on.state, on.ask(), Voice::Caller, on.id, given).await?;
        }
        None => complaints::miss(&on.state, on.ask(), on.id).await?,
    }
    on.shown().await
}

/// 查看联系电话
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct UnmaskBody {
    /// 为什么要看
    pub reason: String,
}

/// 查看完整的联系电话
///
/// 写明原因；每次查看留痕。保密诉求的反映人也只有这样才能看到。
#[utoipa::path(
    operation_id = "complaint.unmask",
    tag = "complaint",
    request_body(content = UnmaskBody, example = json!({"reason": "电话回访"})),
    responses((status = 200, description = "联系人", body = ContactView)),
    security(("bearer" = [])),
    extensions(("x-problems" = json!(["no_contact"]))),
)]
#[post("/complaints/{id}/unmask")]
async fn unmask(
    on: On<UnmaskContact, ComplaintId>,
    body: Body<UnmaskBody>,
) -> Result<Json<ContactView>, Error> {
    let parse = |body: UnmaskBody| Ok(text::text("reason", &body.reason, 2, 200)?);
    let reason = on.read(body, parse).await?;
    on.visible().await?;
    let (name, phone) = complaints::unmask(&on.state, on.ask(), on.id, reason).await?;
    Ok(Json(ContactView::plain(name.as_ref(), &phone)))
}

/// 剔除
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ExcludeBody {
    /// 原因和证据
    pub reason: String,
}

/// 剔除：不计入三率，只决定一次
///
/// 由督查员决定并留痕，看得到的只有工作人员；当月的剔除期结束后不能再剔除。
#[utoipa::path(
    operation_id = "complaint.exclude",
    tag = "complaint",
    params(IfMatch),
    request_body(content = ExcludeBody, example = json!({"reason": "反映的施工已依法取得许可，现场核查属实"})),
    responses((status = 200, description = "诉求现在的样子", body = ComplaintView)),
    security(("bearer" = [])),
    extensions(("x-problems" = json!(["complaint_step_refused", "already_excluded", "exclusion_closed"]))),
)]
#[post("/complaints/{id}/exclude")]
async fn exclude(
    on: On<ExcludeComplaint, ComplaintId>,
    body: Body<ExcludeBody>,
) -> Result<HttpResponse, Error> {
    let command = on.read(body, |body| Exclude::parse(&body.reason)).await?;
    complaints::exclude(&on.state, on.ask(), on.id, command).await?;
    on.shown().await
}
