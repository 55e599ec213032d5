//! Acts of enforcement, attached to a unit's task.

use actix_web::{HttpResponse, get, post, web::Json};
use domain::{
    enforcement::{ActKind, Given, PartyKind, Record, Withdraw, power::PowerKind},
    id::{ActId, CertificateId, TaskId},
    org::NodeCode,
    page::Page,
    refusal::Basic,
    time::Timestamp,
};
use infra::postgres::enforcement::read::Which;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{
    app::enforcement::act::{self as acts, Opened},
    error::Error,
    http::extract::{
        Addressed, Body, IfMatch, On,
        caller::needs::{ReadTask, WorkTask},
    },
};

routes![record, list, withdraw];

/// 执法行为
#[derive(Debug, Serialize, ToSchema)]
pub struct ActView {
    /// 编号
    pub id: ActId,
    /// 属于哪个任务
    pub task_id: TaskId,
    /// 执法单位
    pub unit: NodeCode,
    /// 单位名称
    pub unit_name: String,
    /// 种类
    pub kind: ActKind,
    /// 种类的中文
    #[schema(example = "责令改正")]
    pub kind_text: &'static str,
    /// 所用的执法事项
    pub power: ActPower,
    /// 相对人；撤回的为 null
    pub party: Option<PartyView>,
    /// 地点；撤回的为 null
    pub place: Option<String>,
    /// 发现的情况和要求；撤回的为 null
    pub content: Option<String>,
    /// 执法时间
    #[schema(value_type = String, format = DateTime)]
    pub occurred_at: Timestamp,
    /// 文书编号
    pub document_no: Option<String>,
    /// 罚款，单位为分；警告和其他行为为 null
    pub amount_fen: Option<i64>,
    /// 办理的执法人员
    pub officers: Vec<ActOfficer>,
    /// 登记人
    pub recorded_by: String,
    /// 登记时间
    #[schema(value_type = String, format = DateTime)]
    pub recorded_at: Timestamp,
    /// 撤回的是哪一件
    pub withdraws: Option<ActId>,
    /// 撤回的理由
    pub reason: Option<String>,
    /// 被哪一件撤回；有效的为 null
    pub withdrawn_by: Option<ActId>,
}

/// 所用的执法事项
#[derive(Debug, Serialize, ToSchema)]
pub struct ActPower {
    /// 事项代码
    #[schema(example = "street-vending")]
    pub code: String,
    /// 执法事项
    pub name: String,
    /// 来源
    pub kind: PowerKind,
    /// 依据
    pub basis: String,
    /// 清单的版本
    pub version: String,
}

/// 相对人
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ActParty)]
pub struct PartyView {
    /// 公民，还是法人或其他组织
    pub kind: PartyKind,
    /// 名称；执法单位看全名，区中心只看首字
    #[schema(example = "王**")]
    pub name: String,
}

/// 执法人员
#[derive(Debug, Serialize, ToSchema)]
pub struct ActOfficer {
    /// 证件编号
    pub certificate: String,
    /// 持证人在工作中的名称
    pub name: String,
}

impl From<Opened> for ActView {
    fn from(opened: Opened) -> Self {
        let Opened { act, party_name, content } = opened;
        let party = act.party_kind.zip(party_name);
        let officers = act.certificates.into_iter().zip(act.officers);
        Self {
            id: act.id,
            task_id: act.task,
            unit: act.unit,
            unit_name: act.unit_name,
            kind: act.kind,
            kind_text: act.kind.label(),
            power: ActPower {
                code: act.power,
                name: act.power_name,
                kind: act.power_kind,
                basis: act.basis,
                version: act.power_list,
            },
            party: party.map(|(kind, name)| PartyView { kind, name }),
            place: act.place,
            content,
            occurred_at: act.occurred_at,
            document_no: act.document_no,
            amount_fen: act.amount_fen,
            officers: officers
                .map(|(certificate, name)| ActOfficer { certificate, name })
                .collect(),
            recorded_by: act.recorded_by,
            recorded_at: act.recorded_at,
            withdraws: act.withdraws,
            reason: act.reason,
            withdrawn_by: act.withdrawn_by,
        }
    }
}

impl<P> On<P, ActId> {
    async fn found(&self, id: ActId) -> Result<ActView, Error> {
        let mut found = acts::acts(&self.state, &self.caller.actor, Which::Act(id)).await?;
        found.pop().map(ActView::from).ok_or_else(|| Basic::NotFound.into())
    }
}

impl<P> Addressed for On<P, ActId> {
    async fn visible(&self) -> Result<(), Error> {
        self.found(self.id).await.map(drop)
    }

    async fn shown(&self) -> Result<HttpResponse, Error> {
        Ok(HttpResponse::Ok().json(self.found(self.id).await?))
    }
}

/// 相对人
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = ActPartyBody)]
pub struct PartyBody {
    /// 公民，还是法人或其他组织
    pub kind: PartyKind,
    /// 姓名或名称，加密保存
    pub name: String,
}

/// 登记执法行为
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ActBody {
    /// 种类
    pub kind: ActKind,
    /// 执法事项的代码，要在本单位现行的清单里
    pub power: String,
    /// 办理的执法人员的执法证；劝导教育一人即可，其他不少于两人
    pub certificates: Vec<CertificateId>,
    /// 相对人
    pub party: PartyBody,
    /// 地点
    pub place: String,
    /// 执法时间
    #[schema(value_type = String, format = DateTime)]
    pub occurred_at: Timestamp,
    /// 文书编号；责令改正、当场处罚、立案、处罚决定必填
    pub document_no: Option<String>,
    /// 罚款，单位为分；警告不填
    pub amount_fen: Option<i64>,
    /// 发现的情况和要求，加密保存
    pub content: String,
}

impl ActBody {
    fn given(&self) -> Given<'_> {
        Given {
            kind: self.kind,
            power: &self.power,
            certificates: &self.certificates,
            party: (self.party.kind, &self.party.name),
            place: &self.place,
            occurred_at: self.occurred_at,
            document_no: self.document_no.as_deref(),
            amount_fen: self.amount_fen,
            content: &self.content,
        }
    }
}

/// 登记执法行为
///
/// 由办理的执法人员之一登记：证件在执法当天和今天都有效，事项在本单位的清单上。登记后不能修改，有误的
/// 撤回后另行登记。只有承办单位和区中心可以看到。
#[utoipa::path(
    operation_id = "enforcement.record", tag = "enforcement", params(IfMatch),
    request_body(content = ActBody, example = json!({"kind": "persuasion", "power": "street-vending", "certificates": ["019ab0c1-d2e3-7f00-8a1b-2c3d4e5f6071"], "party": {"kind": "person", "name": "王某某"}, "place": "文兴路口东北角", "occurred_at": "2026-11-24T01:30:00Z", "content": "占道摆摊，当场劝离并清理现场。"})),
    security(("bearer" = [])),
    responses((status = 201, description = "执法行为", body = ActView)),
    extensions(("x-problems" = json!(["act_task_step_refused", "act_power_missing", "act_officers_too_few", "act_recorder_not_officer", "act_time_out_of_range", "act_case_not_filed", "act_document_taken", "act_recorded_twice", "certificate_foreign", "certificate_not_valid"]))),
)]
#[post("/tasks/{id}/acts")]
async fn record(on: On<WorkTask, TaskId>, body: Body<ActBody>) -> Result<HttpResponse, Error> {
    let given = on.read(body, |body| Record::parse(&body.given())).await?;
    let id = acts::record(&on.state, on.ask(), on.id, given).await?;
    let mut made = acts::acts(&on.state, &on.caller.actor, Which::Act(id)).await?;
    let made = made.pop().map(ActView::from).ok_or(Basic::NotFound)?;
    Ok(HttpResponse::Created().json(made))
}

/// 任务的执法行为
///
/// 按登记的先后，一次给全，撤回的也在内。
#[utoipa::path(
    operation_id = "enforcement.acts", tag = "enforcement",
    security(("bearer" = [])),
    responses((status = 200, description = "执法行为", body = Page<ActView>)),
)]
#[get("/tasks/{id}/acts")]
async fn list(on: On<ReadTask, TaskId>) -> Result<Json<Page<ActView>>, Error> {
    on.visible().await?;
    let found = acts::of_task(&on.state, on.ask(), on.id).await?;
    let items = found.into_iter().map(ActView::from).collect();
    Ok(Json(Page { items, next_cursor: None }))
}

/// 撤回执法行为
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ActWithdrawBody {
    /// 理由，2–500 个字
    pub reason: String,
    /// 办理撤回的执法人员的执法证，其中一个是登记人自己的
    pub certificates: Vec<CertificateId>,
}

/// 撤回执法行为
///
/// 原来的保留，另记一件“撤回更正”写明理由；要改正的，撤回后另行登记。
#[utoipa::path(
    operation_id = "enforcement.withdraw", tag = "enforcement", params(IfMatch),
    request_body(content = ActWithdrawBody, example = json!({"reason": "相对人名称登记有误", "certificates": ["019ab0c1-d2e3-7f00-8a1b-2c3d4e5f6071"]})),
    security(("bearer" = [])),
    responses((status = 200, description = "被撤回的执法行为现在的样子", body = ActView)),
    extensions(("x-problems" = json!(["act_step_refused", "act_penalty_stands", "act_officers_too_few", "act_recorder_not_officer", "certificate_foreign", "certificate_not_valid"]))),
)]
#[post("/acts/{id}/withdraw")]
async fn withdraw(
    on: On<WorkTask, ActId>,
    body: Body<ActWithdrawBody>,
) -> Result<HttpResponse, Error> {
    let parse = |body: ActWithdrawBody| Withdraw::parse(&body.reason, body.certificates);
    let given = on.read(body, parse).await?;
    acts::withdraw(&on.state, on.ask(), on.id, given).await?;
    on.shown().await
}
