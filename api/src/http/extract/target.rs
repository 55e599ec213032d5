//! The object that a path addresses.

use std::{
    future::{Ready, ready},
    str::FromStr,
};

use actix_web::{FromRequest, HttpRequest, dev::Payload};
use domain::refusal::Basic;

use crate::error::Error;

/// The `{id}` of the path. One that is malformed is missing (404), like one that does not exist.
#[derive(Debug, Clone, Copy)]
pub struct Target<T>(pub T);

impl<T: FromStr> FromRequest for Target<T> {
    type Error = Error;
    type Future = Ready<Result<Self, Error>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let parsed = request.match_info().query("id").parse();
        ready(parsed.map(Self).map_err(|_| Basic::NotFound.into()))
    }
}
