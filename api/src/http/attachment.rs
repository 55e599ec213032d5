//! Attachments (附件) over HTTP: uploaded, looked at, fetched by a signed link. Judging them is in
//! [`judging`].

use actix_multipart::Multipart;
use actix_web::{
    HttpResponse,
    body::SizedStream,
    get,
    http::header::{
        CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_ENCODING, CONTENT_SECURITY_POLICY,
    },
    post,
    web::{Bytes, Data, Json},
};
use domain::{
    attachment::{Check, Excess, Kind, MediaType, Place, Refused},
    id::{AttachmentId, ClaimId, ComplaintId, OfferId, TaskId},
    page::Page,
    refusal::{Basic, Invalid},
    time::Timestamp,
};
use futures::{StreamExt, TryStreamExt};
use infra::{
    postgres::attachment::read::{self, Of, Row},
    storage::{Name, Part},
};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::{
    BASE,
    extract::{
        Addressed, Caller, IdempotencyKey, On, Query, RequestMeta, Target,
        caller::needs::{AttachFile, ReadComplaint, ReadSelf, ReadTask},
        kept,
    },
    offer,
    service::claim,
};
use crate::{
    app::{
        attachment::{self as attachments, Link, Received, Receiver, Viewed},
        case::Ask,
        idempotent::Once,
        identity,
    },
    error::Error,
    state::State,
};

pub mod judging;

routes![upload, read_one, of_complaint, of_task, of_offer, of_claim, file, thumbnail];

/// How much of an upload that is too large is read and thrown away, in bytes, so that the client
/// gets to see the answer instead of a broken connection.
const DRAIN: usize = 32 * 1024 * 1024;
/// How long a client may take to send a file.
const PATIENCE: std::time::Duration = std::time::Duration::from_secs(120);

/// 附件
#[derive(Debug, Serialize, ToSchema)]
pub struct AttachmentView {
    /// 编号，写进诉求、报到、答复的 `attachment_ids`
    pub id: AttachmentId,
    /// 照片或语音
    pub kind: Kind,
    /// 保存的格式；照片一律重新编码，不含拍摄地点等信息
    #[schema(example = "image/jpeg")]
    pub media_type: MediaType,
    /// 保存的字节数
    pub bytes: i32,
    /// 照片宽（像素）；语音为空
    pub width: Option<i32>,
    /// 照片高（像素）；语音为空
    pub height: Option<i32>,
    /// 语音时长（毫秒）；照片为空
    pub milliseconds: Option<i32>,
    /// 下载地址，不需要登录，十分钟内有效；再查看一次得到新的。已隐藏的为空
    #[schema(
        example = "/api/v1/attachments/019ab0c1-d2e3-7f00-8a1b-2c3d4e5f6071/file?expires=1795482600&signature=9f…"
    )]
    pub url: Option<String>,
    /// 缩略图的地址，同上；语音没有
    pub thumbnail_url: Option<String>,
    /// 属于什么；还没有附上的为空
    pub place: Option<Place>,
    /// 哪件诉求的；区中心看得到
    pub complaint_id: Option<ComplaintId>,
    /// 哪个任务的；区中心看得到
    pub task_id: Option<TaskId>,
    /// 哪份优惠的；区中心看得到
    pub offer_id: Option<OfferId>,
    /// 哪次认领的；区中心看得到
    pub claim_id: Option<ClaimId>,
    /// 核验情况
    pub check: Check,
    /// 核验情况的中文
    pub check_text: &'static str,
    /// 为什么隐藏；上传人和区中心看得到
    pub hidden_reason: Option<String>,
    /// 什么时候上传的
    #[schema(value_type = String, format = DateTime)]
    pub uploaded_at: Timestamp,
}

/// The signed address of a file.
pub fn address(state: &State, name: Name, viewed: Viewed) -> String {
    let Link { expires, signature } = Link::to(state, name, viewed);
    let part = match name.part {
        Part::Whole => "file",
        Part::Thumbnail => "thumbnail",
    };
    let id = name.id;
    format!("{BASE}/attachments/{id}/{part}?expires={expires}&signature={signature}")
}

impl AttachmentView {
    /// What a reader of the thing sees.
    fn for_reader(state: &State, row: &Row) -> Self {
        Self::shown(state, row, Viewed::Reader)
    }

    fn shown(state: &State, row: &Row, viewed: Viewed) -> Self {
        let judge = viewed == Viewed::Judge;
        let link = |part| address(state, Name { id: row.id, part }, viewed);
        let shown = row.check.shows(judge);
        Self {
            id: row.id,
            kind: row.kind,
            media_type: row.media_type,
            bytes: row.bytes,
            width: row.width,
            height: row.height,
            milliseconds: row.milliseconds,
            url: shown.then(|| link(Part::Whole)),
            thumbnail_url: (shown && row.kind == Kind::Image).then(|| link(Part::Thumbnail)),
            place: row.place,
            complaint_id: row.complaint.filter(|_| judge),
            task_id: row.task.filter(|_| judge),
            offer_id: row.offer.filter(|_| judge),
            claim_id: row.claim.filter(|_| judge),
            check: row.check,
            check_text: row.check.label(),
            hidden_reason: row.hidden_reason.clone().filter(|_| judge || row.own),
            uploaded_at: row.uploaded_at,
        }
    }

    /// A list that is never long.
    fn all(state: &State, rows: &[Row], viewed: Viewed) -> Page<Self> {
        let items = rows.iter().map(|row| Self::shown(state, row, viewed)).collect();
        Page { items, next_cursor: None }
    }
}

/// 上传的表单
#[derive(Debug, ToSchema)]
#[expect(dead_code, reason = "only the documentation of the form is derived from it")]
pub struct UploadForm {
    /// 照片（JPEG、PNG、WebP）或语音（MP3、AAC、AMR、WAV），最大 10 MB；文件名和声明的类型不起作用
    #[schema(value_type = String, format = Binary, content_media_type = "application/octet-stream")]
    file: Vec<u8>,
}

/// 上传附件
///
/// 一次一个文件。照片边长不超过 8192 像素，重新编码后保存，去掉拍摄地点、设备等信息；语音去掉标签。
/// 断网重传用同一个 Idempotency-Key，文件相同就不会存两份。24 小时内没有附到诉求、报到或答复上的会删除。
#[utoipa::path(
    operation_id = "attachment.upload",
    tag = "attachment",
    params(IdempotencyKey),
    request_body(content = UploadForm, content_type = "multipart/form-data"),
    responses((status = 201, description = "已保存；重复上传同一个键得到同样的答复", body = AttachmentView)),
    security(("bearer" = [])),
    extensions(("x-problems" = json!([
        "invalid_field", "attachment_too_large", "attachment_type_refused", "attachment_unreadable",
        "attachment_too_long", "attachment_broken_off", "attachment_quota_reached", "rate_limited",
    ]))),
)]
#[post("/attachments")]
async fn upload(
    caller: Caller<AttachFile>,
    state: Data<State>,
    meta: RequestMeta,
    key: IdempotencyKey,
    form: Multipart,
) -> Result<HttpResponse, Error> {
    let account = caller.actor.account;
    identity::admit_upload(&state, account).await?;
    let received = tokio::time::timeout(PATIENCE, receive(&state, form)).await;
    let received = received.map_err(|_| Refused::BrokenOff)??;
    let fingerprint = received.fingerprint();
    let once = Once::new(&state.crypto, Some(account), "attachment.upload", key.0, &fingerprint)?;
    let ask = Ask::new(Some(caller.actor.clone()), meta);
    let answer =
        attachments::upload(&state, ask, once, received, AttachmentView::for_reader).await?;
    Ok(kept(answer))
}

/// The one part `file` of a form.
async fn receive(state: &State, mut form: Multipart) -> Result<Received, Error> {
    let (mut receiver, mut alone, mut seen) = (None, true, 0_usize);
    while let Some(part) = form.next().await {
        let mut part = part.map_err(|error| not_a_form(&error))?;
        alone &= part.name() == Some("file") && receiver.is_none();
        let mut into = if alone { Some(Receiver::new(state).await?) } else { None };
        while let Some(bytes) = part.next().await {
            let bytes = bytes.map_err(|_| Refused::BrokenOff)?;
            seen = seen.saturating_add(bytes.len());
            if seen > DRAIN {
                return Err(Refused::TooLarge(Excess::Bytes).into());
            }
            if let Some(into) = &mut into {
                into.take(&bytes).await?;
            }
        }
        receiver = receiver.or(into);
    }
    match receiver {
        Some(receiver) if alone => receiver.finish().await,
        Some(_) => Err(Invalid::field("file", "只上传一个文件，放在 file 一项里").into()),
        None => Err(Invalid::field("file", "没有文件，请放在 file 一项里上传").into()),
    }
}

fn not_a_form(error: &actix_multipart::MultipartError) -> Error {
    use actix_multipart::MultipartError as Fault;
    match error {
        Fault::ContentTypeMissing
        | Fault::ContentTypeParse
        | Fault::ContentTypeIncompatible
        | Fault::BoundaryMissing => {
            Invalid::field("file", "请用 multipart/form-data 上传，文件放在 file 一项里").into()
        }
        _ => Refused::BrokenOff.into(),
    }
}

/// 查看自己上传的附件
///
/// 得到新的下载地址；别人的附件与没有的一样。
#[utoipa::path(
    operation_id = "attachment.read",
    tag = "attachment",
    responses((status = 200, description = "附件", body = AttachmentView)),
    security(("bearer" = [])),
)]
#[get("/attachments/{id}")]
async fn read_one(
    caller: Caller<AttachFile>,
    state: Data<State>,
    id: Target<AttachmentId>,
) -> Result<Json<AttachmentView>, Error> {
    let of = Of { id: Some(id.0), ..Of::default() };
    let rows = read::of(&mut *state.db.acquire().await?, &caller.scope(), of).await?;
    let row = rows.into_iter().find(|row| row.own).ok_or(Basic::NotFound)?;
    Ok(Json(AttachmentView::for_reader(&state, &row)))
}

/// The files of something that the caller was let see.
pub async fn attached<P>(
    state: &State,
    caller: &Caller<P>,
    of: Of,
) -> Result<Json<Page<AttachmentView>>, Error> {
    let viewed = judging::viewed(caller);
    let rows = read::of(&mut *state.db.acquire().await?, &caller.scope(), of).await?;
    Ok(Json(AttachmentView::all(state, &rows, viewed)))
}

/// 选定的照片
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PicturesBody {
    /// 照片的附件编号，按显示的先后，最多 9 张；没有列出的不再显示
    pub attachment_ids: Vec<AttachmentId>,
}

/// 诉求的附件
///
/// 反映时附上的照片和语音（`complaint`），以及已确认的主办单位答复所附的（`reply`）；看得到诉求的人都看得到，
/// 不显示是谁上传的。
#[utoipa::path(
    operation_id = "attachment.of_complaint",
    tag = "attachment",
    responses((status = 200, description = "附件，不分页", body = Page<AttachmentView>)),
    security(("bearer" = [])),
)]
#[get("/complaints/{id}/attachments")]
async fn of_complaint(
    on: On<ReadComplaint, ComplaintId>,
) -> Result<Json<Page<AttachmentView>>, Error> {
    on.visible().await?;
    let of = Of { target: Some(on.id.0), answer_to: Some(on.id), ..Of::default() };
    attached(&on.state, &on.caller, of).await
}

/// 任务的附件
///
/// 到场报到和答复所附的；重新答复时没有再列出的不在内。
#[utoipa::path(
    operation_id = "attachment.of_task",
    tag = "attachment",
    responses((status = 200, description = "附件，不分页", body = Page<AttachmentView>)),
    security(("bearer" = [])),
)]
#[get("/tasks/{id}/attachments")]
async fn of_task(on: On<ReadTask, TaskId>) -> Result<Json<Page<AttachmentView>>, Error> {
    on.visible().await?;
    attached(&on.state, &on.caller, Of { target: Some(on.id.0), ..Of::default() }).await
}

/// 优惠的照片
///
/// 看得到优惠的人都看得到，第一张是封面。
#[utoipa::path(
    operation_id = "attachment.of_offer",
    tag = "attachment",
    responses((status = 200, description = "照片，不分页", body = Page<AttachmentView>)),
    security(("bearer" = [])),
)]
#[get("/offers/{id}/pictures")]
async fn of_offer(
    caller: Caller<ReadSelf>,
    target: Target<OfferId>,
    state: Data<State>,
) -> Result<Json<Page<AttachmentView>>, Error> {
    offer::readable(&state, &caller, target.0).await?;
    attached(&state, &caller, Of { target: Some(target.0.0), ..Of::default() }).await
}

/// 认领的照片
///
/// 本人上传的服务照片；本人和岗位的组织者看得到。
#[utoipa::path(
    operation_id = "attachment.of_claim",
    tag = "attachment",
    responses((status = 200, description = "照片，不分页", body = Page<AttachmentView>)),
    security(("bearer" = [])),
)]
#[get("/claims/{id}/pictures")]
async fn of_claim(
    caller: Caller<ReadSelf>,
    target: Target<ClaimId>,
    state: Data<State>,
) -> Result<Json<Page<AttachmentView>>, Error> {
    claim::found(&state, &caller, target.0).await?;
    attached(&state, &caller, Of { target: Some(target.0.0), ..Of::default() }).await
}

/// 下载地址里的签名
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct AttachmentLink {
    /// 有效期，1970 年以来的秒数
    #[param(required = false, value_type = Option<i64>, example = 1795482600)]
    expires: Option<String>,
    /// 签名
    #[param(required = false, example = "9f86d081884c7d65")]
    signature: Option<String>,
}

impl AttachmentLink {
    fn link(self) -> Link {
        let expires = self.expires.and_then(|text| text.parse().ok()).unwrap_or_default();
        Link { expires, signature: self.signature.unwrap_or_default() }
    }
}

/// 下载附件
///
/// 地址由附件的 `url` 给出，不需要登录；过期、改动过的地址和已隐藏的附件与没有的一样。
#[utoipa::path(
    operation_id = "attachment.file",
    tag = "attachment",
    params(AttachmentLink),
    responses((status = 200, description = "文件", content(
        (Vec<u8> = "image/jpeg"), (Vec<u8> = "image/png"), (Vec<u8> = "audio/aac"),
        (Vec<u8> = "audio/mpeg"), (Vec<u8> = "audio/amr"), (Vec<u8> = "audio/wav")))),
    security(()),
)]
#[get("/attachments/{id}/file")]
async fn file(
    state: Data<State>,
    id: Target<AttachmentId>,
    link: Query<AttachmentLink>,
) -> Result<HttpResponse, Error> {
    served(&state, id.0, Part::Whole, link.0).await
}

/// 下载缩略图
///
/// 凭短时有效的签名地址，不需要登录；地址在附件的 `thumbnail_url` 里。
#[utoipa::path(
    operation_id = "attachment.thumbnail",
    tag = "attachment",
    params(AttachmentLink),
    responses((status = 200, description = "缩略图（JPEG）", body = Vec<u8>, content_type = "image/jpeg")),
    security(()),
)]
#[get("/attachments/{id}/thumbnail")]
async fn thumbnail(
    state: Data<State>,
    id: Target<AttachmentId>,
    link: Query<AttachmentLink>,
) -> Result<HttpResponse, Error> {
    served(&state, id.0, Part::Thumbnail, link.0).await
}

/// A browser that is sent to the file saves it, and runs nothing of it in any case; a page shows it
/// as a picture all the same.
async fn served(
    state: &State,
    id: AttachmentId,
    part: Part,
    link: AttachmentLink,
) -> Result<HttpResponse, Error> {
    let (media_type, length, bytes) = attachments::file(state, id, part, &link.link()).await?;
    let name = format!("attachment; filename=\"{id}.{}\"", media_type.extension());
    Ok(HttpResponse::Ok()
        .content_type(media_type.code())
        .insert_header((CONTENT_DISPOSITION, name))
        .insert_header((CONTENT_SECURITY_POLICY, "default-src 'none'; sandbox"))
        .insert_header((CACHE_CONTROL, "no-store"))
        // Packed already.
        .insert_header((CONTENT_ENCODING, "identity"))
        .body(SizedStream::new(length, Box::pin(bytes.map_ok(Bytes::from)))))
}
