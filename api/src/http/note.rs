//! Internal notes (内部备注) over HTTP: written and read by the centre and the units of a case.

use actix_web::{HttpResponse, get, post, web::Json};
use domain::{
    id::{ComplaintId, NoteId, WhistleId},
    note::Write,
    page::Page,
    refusal::Basic,
    task::Case,
};
use infra::postgres::note::read::{self, Access, NoteView};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::extract::{
    Addressed, Body, IdempotencyKey, On, Paging,
    caller::needs::{ReadTask, WriteNote},
    kept,
};
use crate::{
    app::{idempotent::Once, note as notes},
    error::Error,
};

routes![write, list, write_on_whistle, list_of_whistle];

/// A case by its notes: it is missing for whoever may not read them, also where the case itself is
/// theirs to read.
#[derive(Debug, Clone, Copy)]
struct Noted<I>(I);

impl<I: std::str::FromStr> std::str::FromStr for Noted<I> {
    type Err = I::Err;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        text.parse().map(Self)
    }
}

impl From<Noted<ComplaintId>> for Case {
    fn from(noted: Noted<ComplaintId>) -> Self {
        Self::Complaint(noted.0)
    }
}

impl From<Noted<WhistleId>> for Case {
    fn from(noted: Noted<WhistleId>) -> Self {
        Self::Whistle(noted.0)
    }
}

impl<P, I: Copy> On<P, Noted<I>>
where
    Case: From<Noted<I>>,
{
    fn case(&self) -> Case {
        Case::from(self.id)
    }

    async fn access(&self) -> Result<Access, Error> {
        let mut connection = self.state.db.acquire().await?;
        let access = read::access(&mut connection, &self.caller.scope(), self.case()).await?;
        access.ok_or_else(|| Basic::NotFound.into())
    }

    async fn listed(&self, page: Paging) -> Result<Json<Page<NoteView>>, Error> {
        let access = self.access().await?;
        let mut connection = self.state.db.acquire().await?;
        let rows = read::list(&mut connection, &access, self.case(), page.0).await?;
        Ok(Json(Page::of(rows, page.0.limit, NoteView::cursor)))
    }
}

impl<P, I: Copy> Addressed for On<P, Noted<I>>
where
    Case: From<Noted<I>>,
{
    async fn visible(&self) -> Result<(), Error> {
        self.access().await.map(|_| ())
    }

    async fn shown(&self) -> Result<HttpResponse, Error> {
        self.visible().await?;
        Ok(HttpResponse::Ok().finish())
    }
}

/// 内部备注
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NoteBody {
    /// 内容，1–2000 个字；反映人永远看不到
    pub text: String,
    /// 更正哪一条备注；只能更正本单位写的、还没有更正过的
    pub corrects: Option<NoteId>,
}

/// What a key is compared with.
#[derive(Serialize)]
struct Command<'a> {
    case: uuid::Uuid,
    note: &'a Write,
}

async fn written<I: Copy + std::str::FromStr + 'static>(
    on: On<WriteNote, Noted<I>>,
    key: Result<IdempotencyKey, Error>,
    body: Body<NoteBody>,
) -> Result<HttpResponse, Error>
where
    Case: From<Noted<I>>,
{
    let note = on.read(body, |body| Write::parse(&body.text, body.corrects)).await?;
    let IdempotencyKey(key) = match key {
        Ok(key) => key,
        // A missing case is missing, whatever else is wrong.
        Err(error) => {
            on.visible().await?;
            return Err(error);
        }
    };
    let case = on.case();
    let account = Some(on.caller.actor.account);
    let command = Command { case: case.id(), note: &note };
    let once = Once::new(&on.state.crypto, account, "note.write", key, &command)?;
    let answer = notes::write(&on.state, on.ask(), once, case, note).await?;
    Ok(kept(answer))
}

/// 写内部备注
///
/// 区中心和在办单位之间的备注，反映人在任何地方都看不到。写下的备注不能改、不能删，只能再写一条更正它。
/// 保密的诉求，备注里不要写反映人是谁：在办单位看得到备注。
#[utoipa::path(
    operation_id = "note.write",
    tag = "note",
    params(IdempotencyKey),
    request_body(content = NoteBody, example = json!({"text": "该处电缆上月刚换过，建议请供电公司一同到场查看。"})),
    responses((status = 201, description = "已写下；重复提交同一个键得到同样的答复", body = NoteView)),
    security(("bearer" = [])),
    extensions(("x-problems" = json!(["note_missing", "note_foreign", "note_corrected"]))),
)]
#[post("/complaints/{id}/notes")]
async fn write(
    on: On<WriteNote, Noted<ComplaintId>>,
    key: Result<IdempotencyKey, Error>,
    body: Body<NoteBody>,
) -> Result<HttpResponse, Error> {
    written(on, key, body).await
}

/// 诉求的内部备注
///
/// 区中心、督查和有这件诉求任务的单位看得到，先写的在前；被更正的仍在，`corrected_by` 指出以哪一条为准。
#[utoipa::path(
    operation_id = "note.list",
    tag = "note",
    params(Paging),
    responses((status = 200, description = "一页备注", body = Page<NoteView>)),
    security(("bearer" = [])),
)]
#[get("/complaints/{id}/notes")]
async fn list(
    on: On<ReadTask, Noted<ComplaintId>>,
    page: Paging,
) -> Result<Json<Page<NoteView>>, Error> {
    on.listed(page).await
}

/// 在吹哨上写内部备注
///
/// 吹哨单位、被叫的单位和区中心之间的备注；规则与诉求的备注相同。
#[utoipa::path(
    operation_id = "note.write_on_whistle",
    tag = "note",
    params(IdempotencyKey),
    request_body(content = NoteBody, example = json!({"text": "现场有燃气管道，挖掘前请联系燃气公司。"})),
    responses((status = 201, description = "已写下；重复提交同一个键得到同样的答复", body = NoteView)),
    security(("bearer" = [])),
    extensions(("x-problems" = json!(["note_missing", "note_foreign", "note_corrected"]))),
)]
#[post("/whistles/{id}/notes")]
async fn write_on_whistle(
    on: On<WriteNote, Noted<WhistleId>>,
    key: Result<IdempotencyKey, Error>,
    body: Body<NoteBody>,
) -> Result<HttpResponse, Error> {
    written(on, key, body).await
}

/// 吹哨的内部备注
///
/// 新的在前；吹哨单位、在办单位和区中心之间能看，反映人看不到。
#[utoipa::path(
    operation_id = "note.list_of_whistle",
    tag = "note",
    params(Paging),
    responses((status = 200, description = "一页备注", body = Page<NoteView>)),
    security(("bearer" = [])),
)]
#[get("/whistles/{id}/notes")]
async fn list_of_whistle(
    on: On<ReadTask, Noted<WhistleId>>,
    page: Paging,
) -> Result<Json<Page<NoteView>>, Error> {
    on.listed(page).await
}
