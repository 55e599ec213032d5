//! Transfers between branches over HTTP: both ends read them, each says its own word.

use actix_web::{
    HttpResponse, get,
    http::header::ETAG,
    post,
    web::{Data, Json},
};
use domain::{
    id::{MemberId, TransferId},
    org::NodeCode,
    page::{Cursor, Limit, Page, PageRequest},
    party::transfer::{Propose, Status, Step},
    refusal::{Basic, Invalid},
    text,
    time::Timestamp,
};
use infra::postgres::party::read::{self, Transferred};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::{
    app::party::{
        transfer as transfers,
        view::{self, BodyName},
    },
    error::Error,
    http::extract::{
        Addressed, Body, Caller, IfMatch, On, Paging, Query,
        caller::needs::{KeepRegister, ReadRegister},
    },
    state::State,
};

routes![propose, list, read_one, release, accept, refuse, withdraw];

/// 组织关系转接
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = PartyTransferView)]
pub struct TransferView {
    /// 编号
    pub id: TransferId,
    /// 版本号，用于 If-Match
    pub version: i64,
    /// 党员的编号
    pub member_id: MemberId,
    /// 党员的姓名，只显示姓
    #[schema(example = "王*")]
    pub member_name: String,
    /// 转出支部
    pub from: BodyName,
    /// 转入支部
    pub to: BodyName,
    /// 转入的党小组或中心户
    pub to_group: Option<NodeCode>,
    /// 状态
    pub status: Status,
    /// 状态的中文
    pub status_text: &'static str,
    /// 转接的原因
    pub reason: String,
    /// 最后办理的人的说明
    pub note: Option<String>,
    /// 提出的时间
    #[schema(value_type = String, format = DateTime)]
    pub proposed_at: Timestamp,
    /// 转出支部同意的时间
    #[schema(value_type = Option<String>, format = DateTime)]
    pub released_at: Option<Timestamp>,
    /// 接收、不同意或撤回的时间
    #[schema(value_type = Option<String>, format = DateTime)]
    pub decided_at: Option<Timestamp>,
}

fn shown(state: &State, row: Transferred) -> Result<TransferView, Error> {
    Ok(TransferView {
        id: row.id,
        version: row.version,
        member_id: row.member,
        member_name: view::masked_name(state, &row.name)?,
        from: BodyName { code: row.from, name: row.from_name },
        to: BodyName { code: row.to, name: row.to_name },
        to_group: row.to_group,
        status: row.status,
        status_text: row.status.label(),
        reason: row.reason,
        note: row.note,
        proposed_at: row.proposed_at,
        released_at: row.released_at,
        decided_at: row.decided_at,
    })
}

const ONE: PageRequest = PageRequest { after: None, limit: Limit::DEFAULT };

impl<P> On<P, TransferId> {
    async fn found(&self, id: TransferId) -> Result<Transferred, Error> {
        let mut conn = self.state.db.acquire().await?;
        let only = (Some(id), None, None);
        let rows = read::transfers(&mut conn, &self.caller.scope(), only, ONE).await?;
        rows.into_iter().next().ok_or_else(|| Basic::NotFound.into())
    }
}

impl<P> Addressed for On<P, TransferId> {
    /// A transfer of which neither end is the caller's is missing.
    async fn visible(&self) -> Result<(), Error> {
        self.found(self.id).await.map(|_| ())
    }

    async fn shown(&self) -> Result<HttpResponse, Error> {
        let view = shown(&self.state, self.found(self.id).await?)?;
        let etag = format!("\"{}\"", view.version);
        Ok(HttpResponse::Ok().insert_header((ETAG, etag)).json(view))
    }
}

/// 提出转接
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = PartyTransferBody)]
pub struct TransferBody {
    /// 转入支部的代码
    pub to_branch: String,
    /// 转入的党小组或中心户的代码
    pub to_group: Option<String>,
    /// 原因，2–200 个字
    pub reason: String,
}

/// 提出组织关系转接
///
/// 由党员所在支部一端提出。先由转出支部同意，再由转入支部接收，两端由不同的人办理；接收时名册才改变。
/// 一名党员同时只能有一件在办的转接。
#[utoipa::path(
    operation_id = "party.propose_transfer",
    tag = "party",
    params(IfMatch),
    request_body(content = TransferBody, example = json!({
        "to_branch": "party-140213066004-02", "reason": "迁居到文兴小区"
    })),
    responses((status = 201, description = "已提出，等待转出支部同意", body = TransferView)),
    security(("bearer" = [])),
    extensions(("x-problems" = json!([
        "party_member_removed", "party_same_branch", "party_already_floating",
        "party_transfer_open", "party_transfer_other_end"
    ]))),
)]
#[post("/party-members/{id}/transfers")]
async fn propose(
    on: On<KeepRegister, MemberId>,
    body: Body<TransferBody>,
) -> Result<HttpResponse, Error> {
    let parse = |body: TransferBody| {
        Propose::parse(&body.to_branch, body.to_group.as_deref(), &body.reason)
    };
    let given = on.read(body, parse).await?;
    let id = transfers::propose(&on.state, on.ask(), on.id, given).await?;
    let mut conn = on.state.db.acquire().await?;
    let only = (Some(id), None, None);
    let rows = read::transfers(&mut conn, &on.caller.scope(), only, ONE).await?;
    let row = rows.into_iter().next().ok_or(Basic::NotFound)?;
    Ok(HttpResponse::Created().json(shown(&on.state, row)?))
}

/// Which transfers.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct TransfersFilter {
    /// 状态
    #[param(required = false)]
    status: Option<Status>,
    /// 哪一名党员的
    #[param(required = false, example = "019ab0c1-d2e3-7f00-8a1b-2c3d4e5f6071")]
    member: Option<MemberId>,
}

/// 组织关系转接
///
/// 有一端在本人管理范围内的转接，新提出的在前。
#[utoipa::path(
    operation_id = "party.transfers",
    tag = "party",
    params(TransfersFilter, Paging),
    responses((status = 200, description = "一页转接", body = Page<TransferView>)),
    security(("bearer" = [])),
)]
#[get("/party-transfers")]
async fn list(
    caller: Caller<ReadRegister>,
    state: Data<State>,
    filter: Query<TransfersFilter>,
    page: Paging,
) -> Result<Json<Page<TransferView>>, Error> {
    let only = (None, filter.0.member, filter.0.status);
    let mut conn = state.db.acquire().await?;
    let rows = read::transfers(&mut conn, &caller.scope(), only, page.0).await?;
    let views: Result<Vec<_>, Error> = rows.into_iter().map(|row| shown(&state, row)).collect();
    let key = |view: &TransferView| Cursor { at: view.proposed_at, id: view.id.0 };
    Ok(Json(Page::of(views?, page.0.limit, key)))
}

/// 查看一件转接
///
/// 从哪个党组织到哪个党组织、双方的意见和经过；两端能看。
#[utoipa::path(
    operation_id = "party.transfer",
    tag = "party",
    responses((status = 200, description = "转接", body = TransferView,
        headers(("ETag" = String, description = "版本号，用于 If-Match")))),
    security(("bearer" = [])),
)]
#[get("/party-transfers/{id}")]
async fn read_one(on: On<ReadRegister, TransferId>) -> Result<HttpResponse, Error> {
    on.shown().await
}

/// 对转接的说明
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = PartyTransferNoteBody)]
pub struct NoteBody {
    /// 说明，最多 200 个字；不同意时必填
    pub note: Option<String>,
}

async fn stepped(
    on: On<KeepRegister, TransferId>,
    body: Body<NoteBody>,
    step: Step,
) -> Result<HttpResponse, Error> {
    let parse = |body: NoteBody| {
        let note = text::optional("note", body.note.as_deref(), 200)?;
        if step == Step::Refuse && note.is_none() {
            return Err(Invalid::field("note", "不同意时，请写明原因"));
        }
        Ok(note)
    };
    let note = on.read(body, parse).await?;
    transfers::step(&on.state, on.ask(), on.id, step, note).await?;
    on.shown().await
}

/// 同意转出
///
/// 由转出支部一端办理。
#[utoipa::path(
    operation_id = "party.release_transfer",
    tag = "party",
    params(IfMatch),
    request_body(content = NoteBody, example = json!({})),
    responses((status = 200, description = "转接现在的样子", body = TransferView)),
    security(("bearer" = [])),
    extensions(("x-problems" = json!(["party_transfer_step_refused", "party_transfer_other_end"]))),
)]
#[post("/party-transfers/{id}/release")]
async fn release(
    on: On<KeepRegister, TransferId>,
    body: Body<NoteBody>,
) -> Result<HttpResponse, Error> {
    stepped(on, body, Step::Release).await
}

/// 接收
///
/// 由转入支部一端办理，不能与同意转出的是同一人；名册随之改变。
#[utoipa::path(
    operation_id = "party.accept_transfer",
    tag = "party",
    params(IfMatch),
    request_body(content = NoteBody, example = json!({})),
    responses((status = 200, description = "转接现在的样子", body = TransferView)),
    security(("bearer" = [])),
    extensions(("x-problems" = json!([
        "party_transfer_step_refused", "party_transfer_other_end", "party_transfer_both_ends",
        "party_member_removed", "party_body_inactive"
    ]))),
)]
#[post("/party-transfers/{id}/accept")]
async fn accept(
    on: On<KeepRegister, TransferId>,
    body: Body<NoteBody>,
) -> Result<HttpResponse, Error> {
    stepped(on, body, Step::Accept).await
}

/// 不同意转接
///
/// 由正轮到的一端办理：待同意转出的由转出支部，待接收的由转入支部。
#[utoipa::path(
    operation_id = "party.refuse_transfer",
    tag = "party",
    params(IfMatch),
    request_body(content = NoteBody, example = json!({"note": "党员本人仍住在原小区"})),
    responses((status = 200, description = "转接现在的样子", body = TransferView)),
    security(("bearer" = [])),
    extensions(("x-problems" = json!(["party_transfer_step_refused", "party_transfer_other_end"]))),
)]
#[post("/party-transfers/{id}/refuse")]
async fn refuse(
    on: On<KeepRegister, TransferId>,
    body: Body<NoteBody>,
) -> Result<HttpResponse, Error> {
    stepped(on, body, Step::Refuse).await
}

/// 撤回转接
///
/// 由提出的人或管理两端的上级办理。
#[utoipa::path(
    operation_id = "party.withdraw_transfer",
    tag = "party",
    params(IfMatch),
    request_body(content = NoteBody, example = json!({})),
    responses((status = 200, description = "转接现在的样子", body = TransferView)),
    security(("bearer" = [])),
    extensions(("x-problems" = json!(["party_transfer_step_refused", "party_transfer_other_end"]))),
)]
#[post("/party-transfers/{id}/withdraw")]
async fn withdraw(
    on: On<KeepRegister, TransferId>,
    body: Body<NoteBody>,
) -> Result<HttpResponse, Error> {
    stepped(on, body, Step::Withdraw).await
}
