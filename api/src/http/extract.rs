//! What a handler takes from a request. Each extractor refuses with a problem of its own, in the
//! order that the contract gives: who (401, 403), which (404), what (400, 422), which version (412).

pub mod body;
pub mod caller;
pub mod idempotency_key;
pub mod if_match;
pub mod if_none_match;
pub mod meta;
pub mod on;
pub mod paging;
pub mod parameters;
pub mod query;
pub mod reason;
pub mod several;
pub mod sheet;
pub mod target;

pub use body::{Body, Empty};
pub use caller::{Caller, MaybeCaller};
pub use idempotency_key::{IdempotencyKey, kept};
pub use if_match::IfMatch;
pub use if_none_match::IfNoneMatch;
pub use meta::RequestMeta;
pub use on::{Addressed, On};
pub use paging::{KeyPaging, Paging};
pub use query::Query;
pub use sheet::SheetBody;
pub use target::Target;

/// A request that cannot be taken in as it stands, whatever the operation.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unreadable {
    /// The body is not JSON.
    #[error("请求内容不是有效的 JSON：{0}")]
    MalformedJson(String),
    /// The body is larger than allowed.
    #[error("请求内容超过 1 MB，请删减后再提交；图片和文件请用附件上传")]
    BodyTooLarge,
    /// The body has another media type.
    #[error("请求内容的类型应为 application/json")]
    UnsupportedMediaType,
    /// `If-Match` is not a version.
    #[error("请求头 If-Match 应为读取时得到的 ETag，例如 \"3\"（带双引号）")]
    MalformedIfMatch,
}

impl domain::refusal::Refusal for Unreadable {
    fn code(&self) -> &'static str {
        match self {
            Self::MalformedJson(_) => "malformed_json",
            Self::BodyTooLarge => "body_too_large",
            Self::UnsupportedMediaType => "unsupported_media_type",
            Self::MalformedIfMatch => "malformed_if_match",
        }
    }

    fn kind(&self) -> domain::refusal::Kind {
        use domain::refusal::Kind;
        match self {
            Self::MalformedJson(_) | Self::MalformedIfMatch => Kind::Malformed,
            Self::BodyTooLarge => Kind::TooLarge,
            Self::UnsupportedMediaType => Kind::UnsupportedType,
        }
    }
}

impl From<Unreadable> for crate::error::Error {
    fn from(refusal: Unreadable) -> Self {
        Self::Refused(Box::new(refusal))
    }
}
