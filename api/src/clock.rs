//! The clock as a value: the system's, or one that a test sets by hand.

use std::sync::{
    Arc,
    atomic::{AtomicI64, Ordering},
};

use domain::time::Timestamp;

/// Where `now` comes from.
#[derive(Debug, Clone)]
pub enum Clock {
    /// The operating system's clock.
    System,
    /// A clock that stands still until it is moved; microseconds since 1970.
    Manual(Arc<AtomicI64>),
}

impl Clock {
    /// A clock that stands at an instant.
    pub fn manual(at: Timestamp) -> Self {
        Self::Manual(Arc::new(AtomicI64::new(at.timestamp_micros())))
    }

    /// The instant, in whole microseconds as PostgreSQL keeps them.
    pub fn now(&self) -> Timestamp {
        let micros = match self {
            #[expect(
                clippy::disallowed_methods,
                reason = "this is the clock that the lint asks for"
            )]
            Self::System => chrono::Utc::now().timestamp_micros(),
            Self::Manual(at) => at.load(Ordering::SeqCst),
        };
        Timestamp::from_timestamp_micros(micros).unwrap_or_default()
    }

    /// Moves a manual clock; the system's clock stays.
    pub fn set(&self, to: Timestamp) {
        if let Self::Manual(at) = self {
            at.store(to.timestamp_micros(), Ordering::SeqCst);
        }
    }
}
