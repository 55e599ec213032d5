//! A person's own rights (个人信息权利): read, correct and take away what there is of oneself, have it
//! erased, consent and withdraw.

use actix_web::{
    HttpRequest, HttpResponse, delete, get,
    http::header::{ACCEPT, CACHE_CONTROL, CONTENT_DISPOSITION},
    patch, post,
    web::{Bytes, Data, Json},
};
use domain::{
    id::ConsentId,
    privacy::{self, Hold, Purpose},
    time::Timestamp,
};
use futures::stream;
use infra::postgres::privacy::consent;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::{
    extract::{Body, Caller, Query, RequestMeta, caller::needs::ReadSelf},
    identity::Me,
};
use crate::{
    app::privacy::{self as rights, Form},
    error::Error,
    state::State,
};

routes![export, correct, erase, notices, consents, consent_to, withdraw];

/// 导出的格式
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ExportFormat {
    /// json 或 zip（每类一个文件）；不写时按请求头 Accept，再不然为 json
    #[param(value_type = Option<String>, example = "json")]
    format: Option<FormatCode>,
}

/// The format as it is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum FormatCode {
    Json,
    Zip,
}

/// 本人的全部数据
#[derive(Debug, Serialize, ToSchema)]
pub struct OwnData {
    /// 账号编号
    pub account: domain::id::AccountId,
    /// 导出的时间
    #[schema(value_type = String, format = DateTime)]
    pub exported_at: Timestamp,
    /// 按类列出，例如 complaints（诉求）、claims（服务）、points_entries（积分）；没有的为空列表
    pub data: std::collections::BTreeMap<String, Vec<serde_json::Value>>,
}

/// 导出本人的数据
///
/// 系统里属于本人的全部数据，按类列出；不含他人的姓名、电话和内部记录。边读边发，数据再多也可以。
/// 每个账号每小时次数有限，导出留痕。
#[utoipa::path(
    operation_id = "privacy.export",
    tag = "privacy",
    params(ExportFormat),
    responses((status = 200, description = "本人的数据", content(
        (OwnData = "application/json"),
        (Vec<u8> = "application/zip"),
    ))),
    security(("bearer" = [])),
    extensions(("x-problems" = json!(["rate_limited"]))),
)]
#[get("/me/export")]
async fn export(
    caller: Caller<ReadSelf>,
    state: Data<State>,
    meta: RequestMeta,
    request: HttpRequest,
    format: Query<ExportFormat>,
) -> Result<HttpResponse, Error> {
    let accepts = request.headers().get(ACCEPT).and_then(|value| value.to_str().ok());
    let zip = match format.0.format {
        Some(format) => format == FormatCode::Zip,
        None => accepts.is_some_and(|accepts| accepts.contains("application/zip")),
    };
    let form = if zip { Form::Zip } else { Form::Json };
    let chunks = rights::export(&state, &caller, form, meta.into()).await?;
    let body = stream::unfold(chunks, |mut chunks| async move {
        let chunk = chunks.recv().await?;
        Some((chunk.map(Bytes::from), chunks))
    });
    let (media_type, name) =
        if zip { ("application/zip", "my-data.zip") } else { ("application/json", "my-data.json") };
    Ok(HttpResponse::Ok()
        .content_type(media_type)
        .insert_header((CONTENT_DISPOSITION, format!("attachment; filename=\"{name}\"")))
        .insert_header((CACHE_CONTROL, "no-store"))
        .streaming(Box::pin(body)))
}

/// 更正本人的资料
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = CorrectMe)]
pub struct Correct {
    /// 显示的名称，1–30 个字
    #[schema(example = "老李", min_length = 1, max_length = 30)]
    pub display_name: String,
}

/// 更正本人的资料
///
/// 可以更正显示的名称。诉求里的联系电话在撤回后重新提交时更正；报到的姓名在变更报到时更正；党员名册由
/// 所在党组织更正。
#[utoipa::path(
    operation_id = "privacy.correct",
    tag = "privacy",
    request_body(content = Correct, example = json!({"display_name": "老李"})),
    responses((status = 200, description = "更正后的账号", body = Me)),
    security(("bearer" = [])),
    extensions(("x-problems" = json!(["staff_account"]))),
)]
#[patch("/me")]
async fn correct(
    caller: Caller<ReadSelf>,
    state: Data<State>,
    meta: RequestMeta,
    body: Body<Correct>,
) -> Result<Json<Me>, Error> {
    let name = privacy::display_name(&body.read()?.display_name)?;
    let account = rights::correct(&state, &caller.actor, name, meta.into()).await?;
    // A resident, who has no second factor.
    Ok(Json(Me::new(account, caller.actor.grants.clone(), None)))
}

/// 注销等待的事项
#[derive(Debug, Serialize, ToSchema)]
pub struct Waits {
    /// 哪一类
    pub hold: Hold,
    /// 中文
    #[schema(example = "正在办理的诉求")]
    pub hold_text: &'static str,
    /// 几件
    #[schema(example = 1)]
    pub count: i64,
    /// 什么时候结束、可以怎样办
    #[schema(example = "办结后删除；想提前结束，可以凭编号和查询码撤回")]
    pub advice: &'static str,
}

/// 注销
#[derive(Debug, Serialize, ToSchema)]
pub struct Erasing {
    /// 说明
    #[schema(example = "已退出登录，个人信息将在几分钟内删除")]
    pub message: &'static str,
    /// 等待的事项；没有时为空列表，很快删除
    pub waits_for: Vec<Waits>,
    /// 依法或者依职责保存的内容，删除后不再指向本人
    pub kept: Vec<&'static str>,
}

/// 注销账号并删除个人信息
///
/// 立即退出全部登录，微信随即解除绑定：以后再登录是一个新的空账号。没有核销的兑换和还没开始的服务先退回，
/// 剩余积分作废。正在办理的诉求等事项结束之后删除；案件、积分账和审计只留编号。党员名册是党组织的名册，
/// 不随账号删除。工作账号请先由安全管理员收回角色。
#[utoipa::path(
    operation_id = "privacy.erase",
    tag = "privacy",
    responses((status = 202, description = "已退出登录，删除随后进行", body = Erasing)),
    security(("bearer" = [])),
    extensions(("x-problems" = json!(["staff_account"]))),
)]
#[delete("/me")]
async fn erase(
    caller: Caller<ReadSelf>,
    state: Data<State>,
    meta: RequestMeta,
) -> Result<HttpResponse, Error> {
    let holds = rights::ask(&state, &caller, meta.into()).await?;
    let message = if holds.is_empty() {
        "已退出登录，个人信息将在几分钟内删除"
    } else {
        "已退出登录；下面的事项结束后，个人信息在一小时内删除"
    };
    let waits_for = holds.into_iter().map(|(hold, count)| Waits {
        hold,
        hold_text: hold.label(),
        count,
        advice: hold.advice(),
    });
    let kept = vec![
        "案件的办理过程、积分账：只留编号，不再指向您",
        "审计记录：依法保存",
        "党员名册、困难家庭登记、商户资料：由组织依职责保存，与账号的关联随即解除",
    ];
    Ok(HttpResponse::Accepted().json(Erasing { message, waits_for: waits_for.collect(), kept }))
}

/// 告知
#[derive(Debug, Serialize, ToSchema)]
pub struct PrivacyNoticeView {
    /// 事项
    pub purpose: Purpose,
    /// 事项的中文
    #[schema(example = "诉求办理")]
    pub purpose_text: &'static str,
    /// 版本
    #[schema(example = 1)]
    pub version: i32,
    /// 标题
    pub title: String,
    /// 全文
    pub text: String,
    /// 生效时间
    #[schema(value_type = String, format = DateTime)]
    pub effective_from: Timestamp,
}

/// 个人信息处理告知
///
/// 每个事项现行的一版。
#[utoipa::path(
    operation_id = "privacy.notices",
    tag = "privacy",
    responses((status = 200, description = "现行的告知", body = Vec<PrivacyNoticeView>)),
    security(()),
)]
#[get("/privacy-notices")]
async fn notices(state: Data<State>) -> Result<Json<Vec<PrivacyNoticeView>>, Error> {
    let notices = rights::notices(&state).await?.into_iter().map(|notice| PrivacyNoticeView {
        purpose: notice.purpose,
        purpose_text: notice.purpose.label(),
        version: notice.version,
        title: notice.title,
        text: notice.text,
        effective_from: notice.effective_from,
    });
    Ok(Json(notices.collect()))
}

/// 同意记录
#[derive(Debug, Serialize, ToSchema)]
pub struct ConsentView {
    /// 编号
    pub id: ConsentId,
    /// 事项
    pub purpose: Purpose,
    /// 事项的中文
    #[schema(example = "诉求办理")]
    pub purpose_text: &'static str,
    /// 同意的是哪个版本
    #[schema(example = 1)]
    pub version: i32,
    /// 什么时候同意
    #[schema(value_type = String, format = DateTime)]
    pub given_at: Timestamp,
    /// 什么时候撤回；没有撤回时为空
    #[schema(value_type = Option<String>, format = DateTime)]
    pub withdrawn_at: Option<Timestamp>,
}

fn shown(given: Vec<consent::Consent>) -> Json<Vec<ConsentView>> {
    let views = given.into_iter().map(|one| ConsentView {
        id: one.id,
        purpose: one.purpose,
        purpose_text: one.purpose.label(),
        version: one.version,
        given_at: one.given_at,
        withdrawn_at: one.withdrawn_at,
    });
    Json(views.collect())
}

/// 我的同意记录
///
/// 最近的在前，最多 200 条。
#[utoipa::path(
    operation_id = "privacy.consents",
    tag = "privacy",
    responses((status = 200, description = "本人的同意记录", body = Vec<ConsentView>)),
    security(("bearer" = [])),
)]
#[get("/me/consents")]
async fn consents(
    caller: Caller<ReadSelf>,
    state: Data<State>,
) -> Result<Json<Vec<ConsentView>>, Error> {
    Ok(shown(rights::consents(&state, &caller.actor).await?))
}

/// 同意
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ConsentBody {
    /// 事项
    pub purpose: Purpose,
    /// 看过的告知的版本
    #[schema(example = 1)]
    pub version: i32,
}

/// 同意一版告知
///
/// 重复同意不报错。
#[utoipa::path(
    operation_id = "privacy.consent",
    tag = "privacy",
    request_body(content = ConsentBody, example = json!({"purpose": "service", "version": 1})),
    responses((status = 200, description = "本人的同意记录", body = Vec<ConsentView>)),
    security(("bearer" = [])),
)]
#[post("/me/consents")]
async fn consent_to(
    caller: Caller<ReadSelf>,
    state: Data<State>,
    meta: RequestMeta,
    body: Body<ConsentBody>,
) -> Result<Json<Vec<ConsentView>>, Error> {
    let ConsentBody { purpose, version } = body.read()?;
    let what = (purpose, version);
    Ok(shown(rights::consent(&state, &caller.actor, what, meta.into()).await?))
}

/// 撤回同意
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct WithdrawConsent {
    /// 事项
    pub purpose: Purpose,
}

/// 撤回对一个事项的同意
///
/// 撤回不影响以前的办理；没有同意过的，撤回不报错。
#[utoipa::path(
    operation_id = "privacy.withdraw",
    tag = "privacy",
    request_body(content = WithdrawConsent, example = json!({"purpose": "message"})),
    responses((status = 200, description = "本人的同意记录", body = Vec<ConsentView>)),
    security(("bearer" = [])),
)]
#[post("/me/consents/withdraw")]
async fn withdraw(
    caller: Caller<ReadSelf>,
    state: Data<State>,
    meta: RequestMeta,
    body: Body<WithdrawConsent>,
) -> Result<Json<Vec<ConsentView>>, Error> {
    let purpose = body.read()?.purpose;
    Ok(shown(rights::withdraw(&state, &caller.actor, purpose, meta.into()).await?))
}
