//! A command on one object: who gives it, from where, on which object and version. Taken in the
//! contract's order of checks: 401, 403, a malformed id 404; then, once the object is known to be
//! the caller's, what is wrong with header or body.

use std::future::{Ready, ready};

use actix_web::{FromRequest, HttpRequest, HttpResponse, dev::Payload, web::Data};
use domain::refusal::Invalid;
use serde::de::DeserializeOwned;

use super::{Body, Caller, IfMatch, RequestMeta, Target, Unreadable, caller::Needs};
use crate::{app::case::Ask, error::Error, state::State};

/// The caller, the object of the path and the version of `If-Match`.
pub struct On<P, I> {
    /// Who gives the command.
    pub caller: Caller<P>,
    /// What every use case has at hand.
    pub state: Data<State>,
    /// From where.
    pub meta: RequestMeta,
    /// The object.
    pub id: I,
    /// The version named; `None` when the header cannot be read.
    version: Option<IfMatch>,
}

/// An object that commands address: a complaint, a task, a whistle.
pub trait Addressed {
    /// Refuses an object that the caller may not see (404).
    fn visible(&self) -> impl Future<Output = Result<(), Error>>;
    /// Answers with the object as it stands for the caller.
    fn shown(&self) -> impl Future<Output = Result<HttpResponse, Error>>;
}

impl<P, I> On<P, I> {
    /// Who asks, from where, on which version.
    pub fn ask(&self) -> Ask {
        Ask {
            actor: Some(self.caller.actor.clone()),
            origin: self.meta.clone().into(),
            expected: self.version.and_then(|version| version.0),
        }
    }

    /// Reads the body into a command. What is wrong with it is told only to whoever may see the
    /// object; to others the object is missing.
    ///
    /// # Errors
    /// `not_found`; else what [`Body::read`] or `parse` says, or `malformed_if_match`.
    pub async fn read<T: DeserializeOwned, C>(
        &self,
        body: Body<T>,
        parse: impl FnOnce(T) -> Result<C, Invalid>,
    ) -> Result<C, Error>
    where
        Self: Addressed,
    {
        let read = match self.version {
            Some(_) => body.read().and_then(|body| parse(body).map_err(Error::from)),
            None => Err(Unreadable::MalformedIfMatch.into()),
        };
        if read.is_err() {
            self.visible().await?;
        }
        read
    }
}

impl<P: Needs, I: std::str::FromStr + 'static> FromRequest for On<P, I> {
    type Error = Error;
    type Future = Ready<Result<Self, Error>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let mut taken = || {
            let caller = Caller::from_request(request, payload).into_inner()?;
            let id = Target::<I>::from_request(request, payload).into_inner()?.0;
            let version = IfMatch::from_request(request, payload).into_inner().ok();
            let Ok(meta) = RequestMeta::from_request(request, payload).into_inner();
            let state = Data::from_request(request, payload)
                .into_inner()
                .map_err(|error| Error::Internal(error.to_string().into()))?;
            Ok(Self { caller, state, meta, id, version })
        };
        ready(taken())
    }
}
