//! Judging attachments: what the automatic check has not passed, or should not have.

use actix_web::{
    HttpResponse, get, post,
    web::{Data, Json},
};
use domain::{
    attachment::{self, Check, Step},
    id::AttachmentId,
    identity::Permission,
    page::Page,
    refusal::Basic,
};
use infra::postgres::attachment::read::{self, Of, Row};
use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};

use super::AttachmentView;
use crate::{
    app::attachment::{self as attachments, Viewed},
    error::Error,
    http::extract::{Addressed, Body, Caller, On, Paging, Query, caller::needs::JudgeAttachment},
    state::State,
};

routes![list, hide, unhide];

/// As whom a caller looks at files.
pub fn viewed<P>(caller: &Caller<P>) -> Viewed {
    if caller.actor.may(Permission::JudgeAttachment) { Viewed::Judge } else { Viewed::Reader }
}

/// 附件的筛选
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct JudgingFilter {
    /// 核验情况
    #[param(required = false, inline)]
    check: Option<Check>,
}

/// 附件列表
///
/// 已附到诉求、报到、答复上的附件，新上传的在前；自动核验没有结论的（`check=pending`）由人查看。
#[utoipa::path(
    operation_id = "attachment.list",
    tag = "attachment",
    params(JudgingFilter, Paging),
    responses((status = 200, description = "一页附件", body = Page<AttachmentView>)),
    security(("bearer" = [])),
)]
#[get("/attachments")]
async fn list(
    caller: Caller<JudgeAttachment>,
    state: Data<State>,
    filter: Query<JudgingFilter>,
    page: Paging,
) -> Result<Json<Page<AttachmentView>>, Error> {
    let mut connection = state.db.acquire().await?;
    let rows = read::judged(&mut connection, &caller.scope(), filter.0.check, page.0).await?;
    let Page { items, next_cursor } = Page::of(rows, page.0.limit, Row::cursor);
    let page = AttachmentView::all(&state, &items, Viewed::Judge);
    Ok(Json(Page { next_cursor, ..page }))
}

impl<P> On<P, AttachmentId> {
    async fn judged(&self) -> Result<AttachmentView, Error> {
        let of = Of { id: Some(self.id), ..Of::default() };
        let mut connection = self.state.db.acquire().await?;
        let rows = read::of(&mut connection, &self.caller.scope(), of).await?;
        let row = rows.into_iter().find(|row| row.place.is_some()).ok_or(Basic::NotFound)?;
        Ok(AttachmentView::shown(&self.state, &row, Viewed::Judge))
    }
}

impl<P> Addressed for On<P, AttachmentId> {
    async fn visible(&self) -> Result<(), Error> {
        self.judged().await.map(|_| ())
    }

    async fn shown(&self) -> Result<HttpResponse, Error> {
        Ok(HttpResponse::Ok().json(self.judged().await?))
    }
}

/// 隐藏或恢复附件的原因
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct JudgeBody {
    /// 原因，2–200 个字；隐藏的原因上传人看得到
    pub reason: String,
}

/// 隐藏附件
///
/// 隐藏以后只有区中心看得到内容，已经给出的地址立即失效；上传人看得到原因。
#[utoipa::path(
    operation_id = "attachment.hide",
    tag = "attachment",
    request_body(content = JudgeBody, example = json!({"reason": "照片里有他人的身份证件"})),
    responses((status = 200, description = "附件现在的样子", body = AttachmentView)),
    security(("bearer" = [])),
    extensions(("x-problems" = json!(["attachment_step_refused"]))),
)]
#[post("/attachments/{id}/hide")]
async fn hide(
    on: On<JudgeAttachment, AttachmentId>,
    body: Body<JudgeBody>,
) -> Result<HttpResponse, Error> {
    decided(on, body, Step::Hide).await
}

/// 恢复附件
///
/// 人已看过、可以显示；自动核验之后再有结论也不再隐藏它。
#[utoipa::path(
    operation_id = "attachment.unhide",
    tag = "attachment",
    request_body(content = JudgeBody, example = json!({"reason": "复核后没有问题"})),
    responses((status = 200, description = "附件现在的样子", body = AttachmentView)),
    security(("bearer" = [])),
    extensions(("x-problems" = json!(["attachment_step_refused"]))),
)]
#[post("/attachments/{id}/unhide")]
async fn unhide(
    on: On<JudgeAttachment, AttachmentId>,
    body: Body<JudgeBody>,
) -> Result<HttpResponse, Error> {
    decided(on, body, Step::Unhide).await
}

async fn decided(
    on: On<JudgeAttachment, AttachmentId>,
    body: Body<JudgeBody>,
    step: Step,
) -> Result<HttpResponse, Error> {
    let reason = on.read(body, |body| Ok(attachment::reason(&body.reason)?)).await?;
    attachments::judge(&on.state, on.ask(), on.id, step, reason).await?;
    on.shown().await
}
