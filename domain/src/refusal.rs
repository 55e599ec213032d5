//! Refusals: what a rule answers when it does not agree. Each has a stable code, a kind that
//! decides the HTTP status (in `api::http::problem` alone), and a Chinese sentence a person can
//! act on.

/// What sort of "no" a refusal is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// The request cannot be read at all (400).
    Malformed,
    /// The content breaks a rule of form or substance (422).
    Invalid,
    /// Nobody is logged in, or no longer (401).
    Unauthenticated,
    /// The role may never do this (403).
    Forbidden,
    /// Missing, or not the caller's: they look the same (404).
    NotFound,
    /// The object changed since the caller read it (412).
    Stale,
    /// The step is not allowed as things stand (409).
    Conflict,
    /// The body or file is larger than allowed (413).
    TooLarge,
    /// The media type is not taken (415).
    UnsupportedType,
    /// Too many requests (429).
    TooMany,
    /// A service behind this one is away (503).
    Unavailable,
}

/// One field that was refused: where, and why in Chinese.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize, utoipa::ToSchema)]
pub struct FieldError {
    /// The field's path in the body, such as `contact.phone`.
    #[schema(example = "title")]
    pub field: String,
    /// Why it was refused and what would be taken.
    #[schema(example = "标题需要 2–200 个字，现在是 1 个字")]
    pub reason: String,
}

impl FieldError {
    /// A refused field.
    pub fn new(field: impl Into<String>, reason: impl Into<String>) -> Self {
        Self { field: field.into(), reason: reason.into() }
    }
}

impl std::fmt::Display for FieldError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.field.as_str() {
            "" => f.write_str(&self.reason),
            field => write!(f, "{field} {}", self.reason),
        }
    }
}

impl std::error::Error for FieldError {}

/// A rule's "no". Its `Display` is the Chinese sentence for the person who asked.
pub trait Refusal: std::error::Error + Send + Sync + 'static {
    /// Stable, flat, unique over the whole interface.
    fn code(&self) -> &'static str;
    /// What sort of "no" it is.
    fn kind(&self) -> Kind;
    /// The fields at fault, when the refusal is about the body.
    fn fields(&self) -> Vec<FieldError> {
        Vec::new()
    }
}

/// The body was understood and some of its fields break a rule.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}", summary(.0))]
pub struct Invalid(pub Vec<FieldError>);

fn summary(fields: &[FieldError]) -> String {
    let named: Vec<String> = fields.iter().map(FieldError::to_string).collect();
    format!("填写有误：{}", named.join("；"))
}

impl Invalid {
    /// One refused field.
    pub fn field(field: impl Into<String>, reason: impl Into<String>) -> Self {
        Self(vec![FieldError::new(field, reason)])
    }
}

impl From<FieldError> for Invalid {
    fn from(error: FieldError) -> Self {
        Self(vec![error])
    }
}

impl Refusal for Invalid {
    fn code(&self) -> &'static str {
        "invalid_field"
    }
    fn kind(&self) -> Kind {
        Kind::Invalid
    }
    fn fields(&self) -> Vec<FieldError> {
        self.0.clone()
    }
}

/// Gathers the field errors of several parsed parts, so that a form names all its faults at once.
#[derive(Debug, Default)]
pub struct Faults(Vec<FieldError>);

impl Faults {
    /// Keeps a good value, or notes its fault.
    pub fn take<T>(&mut self, parsed: Result<T, FieldError>) -> Option<T> {
        parsed.map_err(|error| self.0.push(error)).ok()
    }

    /// Keeps a good value, or notes all its faults.
    pub fn take_all<T>(&mut self, parsed: Result<T, Invalid>) -> Option<T> {
        parsed.map_err(|invalid| self.0.extend(invalid.0)).ok()
    }

    /// Notes a fault.
    pub fn add(&mut self, field: impl Into<String>, reason: impl Into<String>) {
        self.0.push(FieldError::new(field, reason));
    }

    /// # Errors
    /// Something was noted.
    pub fn check(self) -> Result<(), Invalid> {
        if self.0.is_empty() { Ok(()) } else { Err(Invalid(self.0)) }
    }
}

/// Refusals that every word shares.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Basic {
    /// No valid access token.
    #[error("请先登录；登录已过期时请重新登录")]
    Unauthenticated,
    /// The role may never do this.
    #[error("您的身份不能办理这项操作；如有需要请联系管理员")]
    Forbidden,
    /// Missing or not the caller's.
    #[error("没有找到，或者您无权查看")]
    NotFound,
    /// `If-Match` names another version than the stored one.
    #[error("内容已不是您看到的那一版（现在是第 {current} 版），请刷新后再操作")]
    VersionMismatch {
        /// The version as it stands.
        current: i64,
    },
    /// A create without its key, or with something else in its place.
    #[error(
        "请求头 Idempotency-Key 缺少或不对：要 8–100 个字母、数字或符号，没有空格；请为每次提交生成一个新的键"
    )]
    IdempotencyKeyRequired,
    /// The same key came with another command.
    #[error("这个 Idempotency-Key 已用于另一次内容不同的提交，请换一个新的键")]
    IdempotencyKeyReused,
    /// Too many requests from one place or for one account.
    #[error("操作过于频繁，请 {retry_after} 秒后再试")]
    RateLimited {
        /// Seconds until the next attempt is taken.
        retry_after: u64,
    },
    /// A service behind this one is away.
    #[error("系统暂时繁忙，请稍后再试；您填写的内容没有丢失在办理中，可以原样重新提交")]
    Unavailable,
}

impl Refusal for Basic {
    fn code(&self) -> &'static str {
        match self {
            Self::Unauthenticated => "unauthenticated",
            Self::Forbidden => "forbidden",
            Self::NotFound => "not_found",
            Self::VersionMismatch { .. } => "version_mismatch",
            Self::IdempotencyKeyRequired => "idempotency_key_required",
            Self::IdempotencyKeyReused => "idempotency_key_reused",
            Self::RateLimited { .. } => "rate_limited",
            Self::Unavailable => "unavailable",
        }
    }

    fn kind(&self) -> Kind {
        match self {
            Self::Unauthenticated => Kind::Unauthenticated,
            Self::Forbidden => Kind::Forbidden,
            Self::NotFound => Kind::NotFound,
            Self::VersionMismatch { .. } => Kind::Stale,
            Self::IdempotencyKeyRequired => Kind::Malformed,
            Self::IdempotencyKeyReused => Kind::Invalid,
            Self::RateLimited { .. } => Kind::TooMany,
            Self::Unavailable => Kind::Unavailable,
        }
    }
}
