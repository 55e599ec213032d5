//! The clock as a value: the system's, or one that a test sets by hand.

use std::{
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicI64, Ordering},
    },
    time::{Duration, Instant},
};

use chrono::TimeDelta;
use domain::time::Timestamp;

/// By how much wall time and steady time may differ from one look to the next.
const TOLERANCE: TimeDelta = TimeDelta::seconds(5);
/// How long nothing irreversible happens after they differed.
pub const SETTLING: Duration = Duration::from_secs(600);

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

/// The process's one look-out for a clock that jumps.
#[derive(Debug, Clone)]
pub struct Steadiness(Arc<Mutex<Watch>>);

impl Steadiness {
    /// Begins to watch.
    pub fn new(clock: &Clock) -> Self {
        Self(Arc::new(Mutex::new(Watch::new(clock.now(), Instant::now()))))
    }

    /// Whether what cannot be taken back may happen now. A clock that is set by hand does not go,
    /// so it cannot go wrong.
    pub fn agrees(&self, clock: &Clock) -> bool {
        let manual = matches!(clock, Clock::Manual(_));
        // A panic between two assignments of times leaves nothing half done that matters.
        manual
            || self
                .0
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .agree(clock.now(), Instant::now())
    }
}

/// Watches whether the wall clock goes as steadily as the machine's own. After a jump (a clock set
/// wrong, a machine that slept) nothing irreversible happens until it has been steady for a while.
#[derive(Debug)]
struct Watch {
    wall: Timestamp,
    steady: Instant,
    jumped: Option<Instant>,
}

impl Watch {
    const fn new(wall: Timestamp, steady: Instant) -> Self {
        Self { wall, steady, jumped: None }
    }

    fn agree(&mut self, wall: Timestamp, steady: Instant) -> bool {
        let passed = TimeDelta::from_std(steady.saturating_duration_since(self.steady));
        let apart = (wall - self.wall) - passed.unwrap_or(TimeDelta::MAX);
        if apart.abs() > TOLERANCE {
            tracing::error!(
                seconds = apart.num_seconds(),
                "the clock jumped; what cannot be taken back pauses"
            );
            metrics::counter!("clock_jumps_total").increment(1);
            self.jumped = Some(steady);
        }
        (self.wall, self.steady) = (wall, steady);
        self.jumped.is_none_or(|at| steady.saturating_duration_since(at) >= SETTLING)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_jump_of_the_clock_pauses_for_a_while() {
        let (wall, steady) = ("2026-11-24T00:30:00Z".parse().unwrap(), Instant::now());
        let mut clocks = Watch::new(wall, steady);
        let mut look = |wall_seconds: i64, steady_seconds: u64| {
            clocks.agree(
                wall + TimeDelta::seconds(wall_seconds),
                steady + Duration::from_secs(steady_seconds),
            )
        };
        assert!(look(1, 1));
        assert!(look(7, 2), "five seconds are tolerated");
        assert!(!look(14, 3), "six are not");
        assert!(!look(15, 4), "steady again, but not long enough");
        assert!(!look(613, 602));
        assert!(look(614, 603));
        assert!(!look(600, 604), "backwards counts as well");
    }
}
