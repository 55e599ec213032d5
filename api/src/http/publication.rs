//! What announcements (公告) and items of the guide (办事指南) have in common over HTTP. Each keeps its
//! own operations, since each is described by its own words, and its own view.

use actix_web::{HttpResponse, http::header::ETAG};
use domain::{
    identity::Actor,
    org::NodeCode,
    publication::{Status, Subject, Verdict, reason},
    refusal::{Basic, FieldError},
    text,
};
use infra::postgres::publication::Desk;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::extract::{Addressed, Body, Empty, MaybeCaller, On};
use crate::{app::publication as publications, error::Error, state::State};

/// The id of something that is published.
pub trait Published: Copy + Into<Subject> {
    /// How it is shown.
    type View: Serialize;

    /// The one in whose body's name `actor` writes, in an edition or in the latest.
    fn own(
        self,
        state: &State,
        actor: &Actor,
        edition: Option<i32>,
    ) -> impl Future<Output = Result<Option<Self::View>, Error>>;

    /// What `If-Match` compares.
    fn version(view: &Self::View) -> i64;
}

/// What [`Published::own`] asks for.
pub fn own_desk(actor: &Actor, subject: Subject, edition: Option<i32>) -> Desk {
    let bodies = actor.nodes(subject.word().keep);
    Desk { bodies, id: Some(subject.id()), edition, ..Desk::default() }
}

impl<P, I: Published> Addressed for On<P, I> {
    async fn visible(&self) -> Result<(), Error> {
        let own = self.id.own(&self.state, &self.caller.actor, None).await?;
        own.map(drop).ok_or_else(|| Basic::NotFound.into())
    }

    async fn shown(&self) -> Result<HttpResponse, Error> {
        let own = self.id.own(&self.state, &self.caller.actor, None).await?;
        Ok(answered::<I>(&own.ok_or(Basic::NotFound)?))
    }
}

/// It, with its version.
pub fn answered<I: Published>(view: &I::View) -> HttpResponse {
    HttpResponse::Ok().insert_header((ETAG, format!("\"{}\"", I::version(view)))).json(view)
}

/// What whoever writes in the body's name reads; none for everybody else, who reads what people read.
///
/// # Errors
/// There is no such edition.
pub async fn own_edition<P, I: Published>(
    state: &State,
    caller: &MaybeCaller<P>,
    id: I,
    filter: EditionFilter,
) -> Result<Option<HttpResponse>, Error> {
    let Some(caller) = &caller.0 else { return Ok(None) };
    let EditionFilter { edition } = filter;
    if let Some(own) = id.own(state, &caller.actor, edition).await? {
        return Ok(Some(answered::<I>(&own)));
    }
    // Who may see the editions is not answered with another one.
    if edition.is_some() && id.own(state, &caller.actor, None).await?.is_some() {
        return Err(Basic::NotFound.into());
    }
    Ok(None)
}

/// The words of a search, or none.
///
/// # Errors
/// There is nothing to look for in them.
pub fn words(q: Option<&str>) -> Result<Option<Vec<String>>, FieldError> {
    q.filter(|q| !q.trim().is_empty()).map(|q| text::words("q", q)).transpose()
}

/// What of one's own is listed.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct DeskFilter {
    /// 状态
    #[param(required = false, inline)]
    status: Option<Status>,
    /// true 只要待审核的
    #[param(required = false)]
    waiting: Option<bool>,
}

impl DeskFilter {
    /// Of these bodies.
    pub fn of(self, bodies: Vec<NodeCode>) -> Desk {
        let Self { status, waiting } = self;
        Desk { bodies, status, waiting, ..Desk::default() }
    }
}

/// 哪一版
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct EditionFilter {
    /// 版次，只有本单位的人可以指明；不填为最新的
    #[param(required = false, example = 1)]
    edition: Option<i32>,
}

/// Hands in the latest edition.
pub async fn submit<P, I: Published>(
    on: On<P, I>,
    body: Body<Empty>,
) -> Result<HttpResponse, Error> {
    on.read(body, |_| Ok(())).await?;
    publications::submit(&on.state, on.ask(), on.id.into()).await?;
    on.shown().await
}

/// 审核
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ReviewVerdict {
    /// 是否通过
    pub approve: bool,
    /// 不通过的原因，至多 500 个字；通过的可不填
    pub note: Option<String>,
}

/// Lets an edition through, or not.
pub async fn review<P, I: Published>(
    on: On<P, I>,
    body: Body<ReviewVerdict>,
) -> Result<HttpResponse, Error> {
    let parse = |body: ReviewVerdict| Ok(Verdict::parse(body.approve, body.note.as_deref())?);
    let verdict = on.read(body, parse).await?;
    publications::review(&on.state, on.ask(), on.id.into(), verdict).await?;
    on.shown().await
}

/// 撤下
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TakeDownBody {
    /// 原因，2–500 个字
    #[schema(min_length = 2, max_length = 500)]
    pub reason: String,
}

/// Takes it down.
pub async fn withdraw<P, I: Published>(
    on: On<P, I>,
    body: Body<TakeDownBody>,
) -> Result<HttpResponse, Error> {
    let reason = on.read(body, |body| Ok(reason(&body.reason)?)).await?;
    publications::withdraw(&on.state, on.ask(), on.id.into(), reason).await?;
    on.shown().await
}
