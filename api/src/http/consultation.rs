//! Consultations (会商) over HTTP: the centre opens, takes up and decides; invited units state.

use actix_web::{
    HttpResponse, get,
    http::header::ETAG,
    post,
    web::{Data, Json},
};
use domain::{
    consultation::{Cause, Climb, Decide, Open, Statement, Status},
    id::{ComplaintId, ConsultationId},
    org::NodeCode,
    page::{Limit, Page, PageRequest},
    refusal::{Basic, Faults, Invalid},
    time::Timestamp,
};
use infra::postgres::consultation::read::{self, ConsultationView, Filter};
use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};

use super::extract::{
    Addressed, Body, Caller, IfMatch, On, Paging, Query,
    caller::needs::{CentreDesk, ReadTask, WorkTask},
};
use crate::{
    app::consultation::{self as consultations, RulingOrder},
    error::Error,
    state::State,
};

routes![open, list, read_one, give_statement, climb, decide];

/// 发起会商
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = OpenConsultationBody)]
pub struct OpenBody {
    /// 原因；默认职责交叉
    pub cause: Option<Cause>,
    /// 受邀单位，1–20 个
    #[schema(example = json!(["urban-management", "power-grid"]))]
    pub units: Vec<String>,
    /// 要议定的事，5–2000 个字
    pub question: String,
    /// 裁定时限；不填则三个工作日
    #[schema(value_type = Option<String>, format = DateTime)]
    pub decide_by: Option<Timestamp>,
}

/// 发起会商
///
/// 职责交叉、几家都说不归自己的，由区中心召集会商。受邀单位从此可以看到这件诉求，并逐一得到通知。
#[utoipa::path(
    operation_id = "consultation.open",
    tag = "consultation",
    params(IfMatch),
    request_body(content = OpenBody, example = json!({"units": ["urban-management", "power-grid"], "question": "文兴路口路灯的灯杆和电缆分别由谁维修？"})),
    responses((status = 201, description = "会商", body = ConsultationView)),
    security(("bearer" = [])),
    extensions(("x-problems" = json!(["complaint_step_refused", "consultation_open", "decide_by_out_of_range", "unit_is_reported"]))),
)]
#[post("/complaints/{id}/consultations")]
async fn open(
    on: On<CentreDesk, ComplaintId>,
    body: Body<OpenBody>,
) -> Result<HttpResponse, Error> {
    let parse =
        |body: OpenBody| Open::parse(body.cause, &body.units, &body.question, body.decide_by);
    let asked = on.read(body, parse).await?;
    let id = consultations::open(&on.state, on.ask(), on.id, asked).await?;
    let view = found(&on.state, &on.caller, id).await?;
    Ok(HttpResponse::Created().json(view))
}

/// 列表的筛选条件
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct ListFilter {
    /// 状态
    #[param(required = false)]
    status: Option<Status>,
    /// 属于哪件诉求
    #[param(required = false)]
    complaint_id: Option<ComplaintId>,
}

/// 会商列表
///
/// 受邀单位看本单位受邀的，区中心看全部；新的在前。
#[utoipa::path(
    operation_id = "consultation.list",
    tag = "consultation",
    params(ListFilter, Paging),
    responses((status = 200, description = "一页会商", body = Page<ConsultationView>)),
    security(("bearer" = [])),
)]
#[get("/consultations")]
async fn list(
    caller: Caller<ReadTask>,
    state: Data<State>,
    filter: Query<ListFilter>,
    page: Paging,
) -> Result<Json<Page<ConsultationView>>, Error> {
    let filter = Filter { id: None, complaint: filter.0.complaint_id, status: filter.0.status };
    let mut connection = state.db.acquire().await?;
    let rows = read::list(&mut connection, &caller.scope(), filter, page.0).await?;
    Ok(Json(Page::of(rows, page.0.limit, ConsultationView::cursor)))
}

/// The consultation as the caller may see it; a foreign one is missing.
async fn found<P>(
    state: &State,
    caller: &Caller<P>,
    id: ConsultationId,
) -> Result<ConsultationView, Error> {
    let filter = Filter { id: Some(id), ..Filter::default() };
    let one = PageRequest { after: None, limit: Limit::DEFAULT };
    let mut connection = state.db.acquire().await?;
    let mut rows = read::list(&mut connection, &caller.scope(), filter, one).await?;
    rows.pop().ok_or_else(|| Basic::NotFound.into())
}

impl<P> Addressed for On<P, ConsultationId> {
    async fn visible(&self) -> Result<(), Error> {
        found(&self.state, &self.caller, self.id).await.map(drop)
    }

    async fn shown(&self) -> Result<HttpResponse, Error> {
        let view = found(&self.state, &self.caller, self.id).await?;
        let etag = format!("\"{}\"", view.version);
        Ok(HttpResponse::Ok().insert_header((ETAG, etag)).json(view))
    }
}

/// 查看会商
///
/// 级别、参加单位、意见和决定；参加的单位和区中心能看。
#[utoipa::path(
    operation_id = "consultation.read",
    tag = "consultation",
    responses((status = 200, description = "会商", body = ConsultationView,
        headers(("ETag" = String, description = "版本号，用于 If-Match")))),
    security(("bearer" = [])),
)]
#[get("/consultations/{id}")]
async fn read_one(on: On<ReadTask, ConsultationId>) -> Result<HttpResponse, Error> {
    on.shown().await
}

/// 陈述意见
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct StatementBody {
    /// 意见，5–5000 个字
    pub text: String,
}

/// 陈述意见
///
/// 只有受邀单位可以陈述，每个单位一份；裁定之前可以重写，以最后一次为准。
#[utoipa::path(
    operation_id = "consultation.state",
    tag = "consultation",
    params(IfMatch),
    request_body(content = StatementBody, example = json!({"text": "灯杆由我局管养，供电电缆产权属供电公司，建议由供电公司先行抢修。"})),
    responses((status = 200, description = "会商现在的样子", body = ConsultationView)),
    security(("bearer" = [])),
    extensions(("x-problems" = json!(["consultation_step_refused"]))),
)]
#[post("/consultations/{id}/statements")]
async fn give_statement(
    on: On<WorkTask, ConsultationId>,
    body: Body<StatementBody>,
) -> Result<HttpResponse, Error> {
    let statement = on.read(body, |body| Statement::parse(&body.text)).await?;
    consultations::give_statement(&on.state, on.ask(), on.id, statement).await?;
    on.shown().await
}

/// 提级会商
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ClimbBody {
    /// 为什么提级
    pub reason: String,
}

/// 提级会商
///
/// 区中心 → 分管副区长 → 区级统筹协调机制，每级重新计算裁定时限，受邀单位逐一得到通知。
#[utoipa::path(
    operation_id = "consultation.climb",
    tag = "consultation",
    params(IfMatch),
    request_body(content = ClimbBody, example = json!({"reason": "两家单位意见不一，需分管副区长召集"})),
    responses((status = 200, description = "会商现在的样子", body = ConsultationView)),
    security(("bearer" = [])),
    extensions(("x-problems" = json!(["consultation_step_refused", "consultation_at_top"]))),
)]
#[post("/consultations/{id}/climb")]
async fn climb(
    on: On<CentreDesk, ConsultationId>,
    body: Body<ClimbBody>,
) -> Result<HttpResponse, Error> {
    let command = on.read(body, |body| Climb::parse(&body.reason)).await?;
    consultations::climb(&on.state, on.ask(), on.id, command).await?;
    on.shown().await
}

/// 会商裁定
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = DecideConsultationBody)]
pub struct DecideBody {
    /// 主办单位
    #[schema(example = "urban-management")]
    pub lead: String,
    /// 协办单位
    #[serde(default)]
    #[schema(example = json!(["housing"]))]
    pub assist: Vec<String>,
    /// 裁定内容，反映人也会看到
    pub text: String,
    /// 依据的法律、文件或清单事项
    pub legal_basis: Option<String>,
    /// 给反映人的新时限；不填则按各任务的
    #[schema(value_type = Option<String>, format = DateTime)]
    pub reply_by: Option<Timestamp>,
}

impl DecideBody {
    fn read(self) -> Result<RulingOrder, Invalid> {
        let mut faults = Faults::default();
        let lead = faults.take(NodeCode::parse("lead", &self.lead));
        if self.assist.len() > 20 {
            faults.add("assist", "协办单位最多 20 个");
        }
        let assist = self.assist.iter().enumerate().filter_map(|(index, code)| {
            faults.take(NodeCode::parse(&format!("assist.{index}"), code))
        });
        let assist = assist.collect();
        faults.check()?;
        let words = Decide::parse(&self.text, self.legal_basis.as_deref(), self.reply_by)?;
        match lead {
            Some(lead) => Ok(RulingOrder { lead, assist, words }),
            None => unreachable!("a missing part has noted its fault"),
        }
    }
}

/// 会商裁定
///
/// 裁定有约束力：不再承办的单位任务取消，仍承办的继续，新承办的另派；都不能再退单。派给街道、社区的，须是现行清单列明的事项。
#[utoipa::path(
    operation_id = "consultation.decide",
    tag = "consultation",
    params(IfMatch),
    request_body(content = DecideBody, example = json!({"lead": "urban-management", "assist": ["housing"], "text": "由城市管理局牵头修复，住建局配合核查产权。", "legal_basis": "属地管理责任清单第五项"})),
    responses((status = 200, description = "会商现在的样子", body = ConsultationView)),
    security(("bearer" = [])),
    extensions(("x-problems" = json!(["consultation_step_refused", "complaint_step_refused", "complaint_suspended", "unit_named_twice", "unit_is_reported", "not_on_duty_list", "reply_by_past"]))),
)]
#[post("/consultations/{id}/decide")]
async fn decide(
    on: On<CentreDesk, ConsultationId>,
    body: Body<DecideBody>,
) -> Result<HttpResponse, Error> {
    let ruling = on.read(body, DecideBody::read).await?;
    consultations::decide(&on.state, on.ask(), on.id, ruling).await?;
    on.shown().await
}
