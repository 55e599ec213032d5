//! The interface for readers: `/api/openapi.json`, and a page at `/docs` whose every file is in
//! the binary.

use std::sync::{Arc, LazyLock};

use actix_web::{
    HttpResponse, get,
    http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY},
    web::{Bytes, Path, ServiceConfig},
};
use domain::refusal::Basic;
use utoipa_swagger_ui::Config;

use super::openapi;
use crate::error::Error;

static JSON: LazyLock<Result<Bytes, serde_json::Error>> =
    LazyLock::new(|| serde_json::to_vec(openapi::document()).map(Bytes::from));

static PAGE: LazyLock<Arc<Config<'static>>> = LazyLock::new(|| {
    Arc::new(Config::from("/api/openapi.json").validator_url("none").display_operation_id(true))
});

/// The page's script writes styles into it; everything comes from this server.
const POLICY: &str = "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; frame-ancestors 'none'";

/// Mounts the documents.
pub fn configure(services: &mut ServiceConfig) {
    services.service(document).service(page).service(file);
}

#[get("/api/openapi.json")]
async fn document() -> Result<HttpResponse, Error> {
    match &*JSON {
        Ok(json) => Ok(HttpResponse::Ok().content_type("application/json").body(json.clone())),
        Err(fault) => Err(Error::Internal(fault.to_string().into())),
    }
}

#[get("/docs")]
async fn page() -> Result<HttpResponse, Error> {
    answer("index.html")
}

#[get("/docs/{file:.*}")]
async fn file(file: Path<String>) -> Result<HttpResponse, Error> {
    answer(if file.is_empty() { "index.html" } else { &file })
}

fn answer(name: &str) -> Result<HttpResponse, Error> {
    let found = utoipa_swagger_ui::serve(name, Arc::clone(&PAGE))
        .map_err(|fault| Error::Internal(fault.to_string().into()))?
        .ok_or(Basic::NotFound)?;
    let mut response = HttpResponse::Ok();
    response.content_type(found.content_type).insert_header((CONTENT_SECURITY_POLICY, POLICY));
    if name == "index.html" {
        let text = String::from_utf8_lossy(&found.bytes);
        // The page is also served as `/docs`, where its relative links would point elsewhere.
        let text = text
            .replace("<head>", "<head>\n    <base href=\"/docs/\">")
            .replace("<title>Swagger UI</title>", "<title>智享平城 接口文档</title>");
        return Ok(response.body(text));
    }
    response.insert_header((CACHE_CONTROL, "public, max-age=86400"));
    Ok(response.body(found.bytes.into_owned()))
}
