//! What surrounds every request: its id, its time, its figures, a net under panics, and the
//! headers of every answer.

use std::{panic::AssertUnwindSafe, sync::LazyLock, time::Instant};

use actix_web::{
    HttpMessage, HttpRequest, HttpResponse, ResponseError,
    body::MessageBody,
    dev::{ResourceDef, ServiceRequest, ServiceResponse},
    http::header::{self, HeaderMap, HeaderName, HeaderValue},
    middleware::Next,
};
use futures::FutureExt;
use tracing_actix_web::RequestId;

use super::{
    openapi,
    problem::{self, Known, REQUEST_ID},
};
use crate::error::Error;

/// The names of the figures that every request leaves.
pub mod figure {
    /// Requests, by method, route and status class.
    pub const REQUESTS: &str = "http_requests_total";
    /// Seconds to the head of the answer, by method and route.
    pub const SECONDS: &str = "http_request_duration_seconds";
    /// Requests being answered.
    pub const IN_FLIGHT: &str = "http_requests_in_flight";
}

/// The middleware around the whole application.
///
/// # Errors
/// A panic inside, as an internal error.
pub async fn surround(
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<impl MessageBody>, actix_web::Error> {
    let id = request.extensions().get::<RequestId>().map(ToString::to_string).unwrap_or_default();
    let method = method(request.method().as_str());
    let start = Instant::now();
    let _in_flight = InFlight::enter();
    let answered =
        REQUEST_ID.scope(id.clone(), AssertUnwindSafe(next.call(request)).catch_unwind());
    let answered = match answered.await {
        Ok(answered) => answered,
        // The response is made inside the scope, so that it carries the request's id.
        Err(panic) => Err(REQUEST_ID.sync_scope(id.clone(), || {
            let response = Error::Internal(described(panic.as_ref()).into()).error_response();
            actix_web::error::InternalError::from_response("panic", response).into()
        })),
    };
    let (route, status) = match &answered {
        Ok(response) => (response.request().match_pattern(), response.status().as_u16()),
        Err(error) => (None, error.as_response_error().status_code().as_u16()),
    };
    record(method, route.as_deref().unwrap_or("unmatched"), status, start);
    answered.map(|mut response| {
        head(response.headers_mut(), &id);
        response
    })
}

fn described(panic: &(dyn std::any::Any + Send)) -> String {
    let said = panic
        .downcast_ref::<&str>()
        .map(|text| (*text).to_owned())
        .or_else(|| panic.downcast_ref::<String>().cloned());
    format!("panic: {}", said.unwrap_or_default())
}

/// A method as a label: a stranger must not invent labels.
fn method(given: &str) -> &'static str {
    ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "HEAD"]
        .into_iter()
        .find(|known| *known == given)
        .unwrap_or("other")
}

fn record(method: &'static str, route: &str, status: u16, start: Instant) {
    let micros = u32::try_from(start.elapsed().as_micros()).unwrap_or(u32::MAX);
    let ms = f64::from(micros) / 1000.0;
    let class = format!("{}xx", status / 100);
    metrics::counter!(figure::REQUESTS, "method" => method, "route" => route.to_owned(), "status" => class)
        .increment(1);
    metrics::histogram!(figure::SECONDS, "method" => method, "route" => route.to_owned())
        .record(ms / 1000.0);
    tracing::info!(method, route, status, ms, "answered");
}

/// Sets what the handler did not.
fn head(headers: &mut HeaderMap, id: &str) {
    let fixed = [
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::CACHE_CONTROL, "no-store"),
        (header::CONTENT_SECURITY_POLICY, "default-src 'none'; frame-ancestors 'none'"),
    ];
    for (name, value) in fixed {
        if !headers.contains_key(&name) {
            headers.insert(name, HeaderValue::from_static(value));
        }
    }
    if let Ok(id) = HeaderValue::from_str(id) {
        headers.insert(HeaderName::from_static("x-request-id"), id);
    }
}

/// Counts a request while it is answered, also one whose client hangs up.
struct InFlight;

impl InFlight {
    fn enter() -> Self {
        metrics::gauge!(figure::IN_FLIGHT).increment(1.0);
        Self
    }
}

impl Drop for InFlight {
    fn drop(&mut self) {
        metrics::gauge!(figure::IN_FLIGHT).decrement(1.0);
    }
}

static KNOWN: LazyLock<Vec<Known>> = LazyLock::new(|| {
    let documented = openapi::document().paths.paths.iter().map(|(path, item)| {
        let methods: Vec<&str> =
            openapi::operations(item).into_iter().map(|(method, _)| method).collect();
        Known { pattern: ResourceDef::new(path.as_str()), allow: methods.join(", ") }
    });
    let ours = super::operations::PATHS
        .iter()
        .map(|path| Known { pattern: ResourceDef::new(*path), allow: "GET".to_owned() });
    documented.chain(ours).collect()
});

/// What answers an address that no route takes.
pub async fn unrouted(request: HttpRequest) -> HttpResponse {
    problem::unrouted(&request, &KNOWN)
}
