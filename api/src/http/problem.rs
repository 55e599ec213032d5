//! Errors as RFC 9457 problems. HTTP status codes stand in this file alone; nothing internal
//! leaves it.

use actix_web::{
    HttpRequest, HttpResponse, ResponseError,
    body::BoxBody,
    dev::ResourceDef,
    http::{StatusCode, header},
};
use domain::{
    identity,
    refusal::{Basic, FieldError, Kind, Refusal},
};

use crate::error::Error;

pub mod codes;

/// The media type of a problem.
pub const MEDIA_TYPE: &str = "application/problem+json";

/// What went wrong, for the person who asked (RFC 9457).
#[derive(Debug, serde::Serialize, utoipa::ToSchema)]
pub struct Problem {
    /// 问题类型的标识
    #[schema(example = "urn:zhixiang:problem:not_found")]
    pub r#type: String,
    /// 问题类型的中文名称
    #[schema(example = "没有找到")]
    pub title: &'static str,
    /// HTTP 状态码
    #[schema(example = 404)]
    pub status: u16,
    /// 稳定的错误代码，程序按它判断
    #[schema(example = "not_found")]
    pub code: &'static str,
    /// 给人看的说明：怎么回事，可以怎么办
    #[schema(example = "没有找到，或者您无权查看")]
    pub detail: String,
    /// 有误的字段；与字段无关时为空
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(required = false)]
    pub errors: Vec<FieldError>,
    /// 本次请求的编号，与响应头 x-request-id 相同；报告问题时请附上
    #[schema(example = "019ab0c1-d2e3-7f00-8a1b-2c3d4e5f6071")]
    pub request_id: Option<String>,
}

tokio::task_local! {
    /// The id of the request being answered; an error does not know the request it arose from.
    pub static REQUEST_ID: String;
}

/// The status of a kind of refusal.
pub const fn status(kind: Kind) -> StatusCode {
    match kind {
        Kind::Malformed => StatusCode::BAD_REQUEST,
        Kind::Invalid => StatusCode::UNPROCESSABLE_ENTITY,
        Kind::Unauthenticated => StatusCode::UNAUTHORIZED,
        Kind::Forbidden => StatusCode::FORBIDDEN,
        Kind::NotFound => StatusCode::NOT_FOUND,
        Kind::Stale => StatusCode::PRECONDITION_FAILED,
        Kind::Conflict => StatusCode::CONFLICT,
        Kind::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
        Kind::UnsupportedType => StatusCode::UNSUPPORTED_MEDIA_TYPE,
        Kind::TooMany => StatusCode::TOO_MANY_REQUESTS,
        Kind::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
    }
}

/// The Chinese name of a status, for a person.
pub fn title(status: StatusCode) -> &'static str {
    match status.as_u16() {
        400 => "请求格式有误",
        401 => "需要登录",
        403 => "没有权限",
        404 => "没有找到",
        405 => "请求方法不对",
        409 => "现在不能这样办理",
        412 => "内容已更新",
        413 => "内容过大",
        415 => "类型不受支持",
        422 => "填写有误",
        429 => "操作过于频繁",
        503 => "系统暂时繁忙",
        _ => "系统出错",
    }
}

/// What a fault of ours is called outside.
pub const INTERNAL: (&str, &str) =
    ("internal", "系统出了点问题，我们已记录；请稍后再试，或凭请求编号联系工作人员");
/// What a wrong method is called.
pub const METHOD_NOT_ALLOWED: (&str, &str) =
    ("method_not_allowed", "这个地址不支持这种请求方法，可用的方法见响应头 Allow");

impl Problem {
    fn new(
        status: StatusCode,
        code: &'static str,
        detail: String,
        errors: Vec<FieldError>,
    ) -> Self {
        Self {
            r#type: format!("urn:zhixiang:problem:{code}"),
            title: title(status),
            status: status.as_u16(),
            code,
            detail,
            errors,
            request_id: REQUEST_ID.try_with(Clone::clone).ok(),
        }
    }

    fn response(&self) -> HttpResponse {
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let mut response = HttpResponse::build(status);
        response.insert_header((header::CONTENT_TYPE, MEDIA_TYPE));
        if let Some(id) = &self.request_id {
            response.insert_header(("x-request-id", id.as_str()));
        }
        if status == StatusCode::UNAUTHORIZED {
            response.insert_header((header::WWW_AUTHENTICATE, "Bearer"));
        }
        match serde_json::to_vec(self) {
            Ok(body) => response.body(body),
            Err(_) => response.finish(),
        }
    }
}

impl ResponseError for Error {
    fn status_code(&self) -> StatusCode {
        match self {
            Self::Refused(refusal) => status(refusal.kind()),
            Self::Internal(_) => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    fn error_response(&self) -> HttpResponse<BoxBody> {
        match self {
            Self::Refused(refusal) => refused(refusal.as_ref()),
            Self::Internal(fault) => {
                tracing::error!(fault = %chain(fault.as_ref()), "internal error");
                let (code, detail) = INTERNAL;
                Problem::new(self.status_code(), code, detail.to_owned(), Vec::new()).response()
            }
        }
    }
}

fn refused(refusal: &dyn Refusal) -> HttpResponse {
    let status = status(refusal.kind());
    let problem = Problem::new(status, refusal.code(), refusal.to_string(), refusal.fields());
    let mut response = problem.response();
    let plain: &dyn std::error::Error = refusal;
    let wait = match plain.downcast_ref::<Basic>() {
        Some(Basic::RateLimited { retry_after }) => Some(*retry_after),
        Some(Basic::Unavailable) => Some(5),
        _ => None,
    };
    let wait = wait.or_else(|| match plain.downcast_ref::<identity::Refused>() {
        Some(identity::Refused::AccountLocked { minutes }) => Some(minutes * 60),
        _ => None,
    });
    if let Some(seconds) = wait {
        response.headers_mut().insert(header::RETRY_AFTER, header::HeaderValue::from(seconds));
    }
    response
}

/// A fault with what caused it, each by its `Display`: a database's `Debug` would print rows.
pub fn chain(fault: &(dyn std::error::Error + 'static)) -> String {
    let mut said = fault.to_string();
    let mut cause = fault.source();
    while let Some(inner) = cause {
        said = format!("{said}: {inner}");
        cause = inner.source();
    }
    said
}

/// A route's pattern and the methods that it takes.
pub struct Known {
    /// The pattern, such as `/api/v1/complaints/{id}`.
    pub pattern: ResourceDef,
    /// The methods, such as `GET, POST`.
    pub allow: String,
}

/// The answer to an address that no route takes: 405 when another method would be taken there,
/// else 404.
pub fn unrouted(request: &HttpRequest, known: &[Known]) -> HttpResponse {
    let here = known.iter().find(|route| route.pattern.is_match(request.path()));
    let Some(route) = here else { return Error::from(Basic::NotFound).error_response() };
    let (code, detail) = METHOD_NOT_ALLOWED;
    let problem = Problem::new(StatusCode::METHOD_NOT_ALLOWED, code, detail.to_owned(), Vec::new());
    let mut response = problem.response();
    if let Ok(allow) = header::HeaderValue::from_str(&route.allow) {
        response.headers_mut().insert(header::ALLOW, allow);
    }
    response
}

#[cfg(test)]
mod tests {
    use super::*;
    use actix_web::body::to_bytes;

    async fn body(error: Error) -> (HttpResponse<()>, serde_json::Value) {
        let response = REQUEST_ID.sync_scope("r-1".to_owned(), || error.error_response());
        let (head, body) = response.into_parts();
        let bytes = to_bytes(body).await.unwrap();
        (head, serde_json::from_slice(&bytes).unwrap())
    }

    #[actix_web::test]
    async fn a_refusal_says_what_to_do() {
        let (head, body) = body(Basic::RateLimited { retry_after: 7 }.into()).await;
        assert_eq!(head.status(), 429);
        assert_eq!(head.headers().get("retry-after").unwrap(), "7");
        assert_eq!(head.headers().get("content-type").unwrap(), MEDIA_TYPE);
        assert_eq!(head.headers().get("x-request-id").unwrap(), "r-1");
        assert_eq!(body["code"], "rate_limited");
        assert_eq!(body["request_id"], "r-1");
        assert!(body.get("errors").is_none());
    }

    #[actix_web::test]
    async fn a_missing_token_names_the_scheme() {
        let (head, _) = body(Basic::Unauthenticated.into()).await;
        assert_eq!(head.headers().get("www-authenticate").unwrap(), "Bearer");
    }

    #[actix_web::test]
    async fn nothing_internal_leaks() {
        let fault = std::io::Error::other("password authentication failed for 10.1.2.3");
        let (head, body) = body(Error::Internal(Box::new(fault))).await;
        assert_eq!(head.status(), 500);
        assert_eq!(body["code"], "internal");
        assert!(!body.to_string().contains("password"));
    }
}
