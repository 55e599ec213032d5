//! Ledgers of the register: from one to another, and floating with both ends.

use actix_web::{HttpResponse, post};
use chrono::NaiveDate;
use domain::{id::MemberId, party::Ledger, text, time};
use serde::Deserialize;
use utoipa::ToSchema;

use super::FloatingBody;
use crate::{
    app::party as register,
    error::Error,
    http::extract::{Addressed, Body, IfMatch, On, caller::needs::KeepRegister},
};

routes![relist, float, come_back];

/// 变更台账
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = PartyLedgerBody)]
pub struct LedgerBody {
    /// 转到哪个台账：直管、离退或在职
    pub ledger: Ledger,
    /// 原因，2–200 个字
    pub reason: String,
}

/// 变更台账
///
/// 例如在职党员退休后转入离退台账。变动留有记录；流动台账由登记流动和流动结束进出。
#[utoipa::path(
    operation_id = "party.relist",
    tag = "party",
    params(IfMatch),
    request_body(content = LedgerBody, example = json!({"ledger": "retired", "reason": "今年三月退休"})),
    responses((status = 200, description = "党员现在的样子", body = super::MemberView)),
    security(("bearer" = [])),
    extensions(("x-problems" = json!([
        "party_member_removed", "party_same_ledger", "party_floating_by_itself"
    ]))),
)]
#[post("/party-members/{id}/ledger")]
async fn relist(
    on: On<KeepRegister, MemberId>,
    body: Body<LedgerBody>,
) -> Result<HttpResponse, Error> {
    let given = |body: LedgerBody| Ok((body.ledger, text::text("reason", &body.reason, 2, 200)?));
    let given = on.read(body, given).await?;
    register::relist(&on.state, on.ask(), on.id, given).await?;
    on.shown().await
}

/// 登记流动
///
/// 写明另一端的党组织、地点、起始日期和联系人。另一端是本区党支部的，那里的支部书记也看得到这名党员。
#[utoipa::path(
    operation_id = "party.float",
    tag = "party",
    params(IfMatch),
    request_body(content = FloatingBody, example = json!({
        "direction": "out", "other_name": "北京市朝阳区流动党员党支部", "place": "北京市朝阳区",
        "since": "2026-03-01", "contact": "010-88886666"
    })),
    responses((status = 200, description = "党员现在的样子", body = super::MemberView)),
    security(("bearer" = [])),
    extensions(("x-problems" = json!([
        "party_member_removed", "party_already_floating", "party_transfer_open"
    ]))),
)]
#[post("/party-members/{id}/float")]
async fn float(
    on: On<KeepRegister, MemberId>,
    body: Body<FloatingBody>,
) -> Result<HttpResponse, Error> {
    let today = time::date(on.state.clock.now());
    let given = on.read(body, |body| body.form().parse(today)).await?;
    register::float(&on.state, on.ask(), on.id, given).await?;
    on.shown().await
}

/// 流动结束
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = PartyReturnBody)]
pub struct ReturnBody {
    /// 哪一天结束
    pub on: NaiveDate,
    /// 转入哪个台账；不填为流动以前的台账
    pub ledger: Option<Ledger>,
}

/// 流动结束
///
/// 不填台账就回到流动以前的那一个；另一端的党组织从这一天起不再看到他。
#[utoipa::path(
    operation_id = "party.come_back",
    tag = "party",
    params(IfMatch),
    request_body(content = ReturnBody, example = json!({"on": "2026-11-20"})),
    responses((status = 200, description = "党员现在的样子", body = super::MemberView)),
    security(("bearer" = [])),
    extensions(("x-problems" = json!([
        "party_member_removed", "party_not_floating", "party_floating_by_itself"
    ]))),
)]
#[post("/party-members/{id}/return")]
async fn come_back(
    on: On<KeepRegister, MemberId>,
    body: Body<ReturnBody>,
) -> Result<HttpResponse, Error> {
    let ReturnBody { on: day, ledger } = on.read(body, Ok).await?;
    register::come_back(&on.state, on.ask(), on.id, day, ledger).await?;
    on.shown().await
}
