//! What a use case can fail with: a refusal for the person who asked, or a fault of ours.

use domain::refusal::{Basic, Invalid, Refusal};
use infra::postgres::violated;

/// A failed use case.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A rule said no; the person is told why.
    #[error("{0}")]
    Refused(Box<dyn Refusal>),
    /// Something of ours broke; the person gets a number, the log gets the rest.
    #[error("{0}")]
    Internal(Box<dyn std::error::Error + Send + Sync>),
}

impl Error {
    /// The refusal's code, if it is one.
    pub fn code(&self) -> Option<&'static str> {
        match self {
            Self::Refused(refusal) => Some(refusal.code()),
            Self::Internal(_) => None,
        }
    }
}

macro_rules! refused_by {
    ($($refusal:ty),+ $(,)?) => {$(
        impl From<$refusal> for Error {
            fn from(refusal: $refusal) -> Self {
                Self::Refused(Box::new(refusal))
            }
        }
    )+};
}
refused_by!(
    Basic,
    Invalid,
    domain::attachment::Refused,
    domain::bulletin::Refused,
    domain::complaint::Refused,
    domain::consultation::Refused,
    domain::delivery::Refused,
    domain::duty::Refused,
    domain::duty::edition::Refused,
    domain::duty::proposal::Refused,
    domain::enforcement::Refused,
    domain::enforcement::power::Refused,
    domain::export::Refused,
    domain::fairness::Refused,
    domain::feedback::Refused,
    domain::final_reply::Refused,
    domain::follow_up::Refused,
    domain::grant::Refused,
    domain::guide::Refused,
    domain::household::Refused,
    domain::identity::Refused,
    domain::identity::oidc::Refused,
    domain::invitation::Refused,
    domain::live::Refused,
    domain::merchant::Refused,
    domain::note::Refused,
    domain::points::Refused,
    domain::party::Refused,
    domain::offer::Refused,
    domain::redemption::Refused,
    domain::pairing::Refused,
    domain::privacy::Refused,
    domain::publication::Refused,
    domain::registration::Refused,
    domain::request::Refused,
    domain::registration::change::Refused,
    domain::routing::Refused,
    domain::score::Refused,
    domain::screening::Refused,
    domain::service::Refused,
    domain::service::hours::Refused,
    domain::supervision::Refused,
    domain::task::Refused,
    domain::template::Refused,
    domain::view::Refused,
    domain::whistle::Refused,
    domain::work_unit::Refused,
    crate::paper::Refused,
    crate::sheet::Refused,
);

macro_rules! broken_by {
    ($($fault:ty),+ $(,)?) => {$(
        impl From<$fault> for Error {
            fn from(fault: $fault) -> Self {
                Self::Internal(Box::new(fault))
            }
        }
    )+};
}
broken_by!(serde_json::Error, tokio::task::JoinError, infra::crypto::Broken);

impl From<domain::refusal::FieldError> for Error {
    fn from(error: domain::refusal::FieldError) -> Self {
        Invalid::from(error).into()
    }
}

impl From<sqlx::Error> for Error {
    fn from(error: sqlx::Error) -> Self {
        // Whatever changes somebody's roles or phone, the database keeps the administrators apart.
        if violated(&error) == Some("role_grant_separate") {
            return domain::grant::Refused::NotSeparate.into();
        }
        match error {
            // The database is away or full: the person may try again, nothing was half done.
            sqlx::Error::PoolTimedOut | sqlx::Error::PoolClosed | sqlx::Error::Io(_) => {
                tracing::error!(error = %error, "database unavailable");
                Basic::Unavailable.into()
            }
            // U+0000, which text cannot hold: bodies and filters with it are refused, and a path names
            // nothing by it.
            sqlx::Error::Database(said) if said.code().as_deref() == Some("22021") => {
                tracing::warn!(error = %said, "what names nothing");
                Basic::NotFound.into()
            }
            other => Self::Internal(Box::new(other)),
        }
    }
}
