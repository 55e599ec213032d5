//! A breaker: an interface that fails again and again is left alone for a while, so that neither
//! people nor workers wait for it. Then one call tries it for all.

use std::{
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

#[derive(Debug, Default)]
pub(crate) struct Breaker(Mutex<Standing>);

#[derive(Debug, Default)]
struct Standing {
    failures: u32,
    open_until: Option<Instant>,
}

impl Breaker {
    fn standing(&self) -> std::sync::MutexGuard<'_, Standing> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether a call may be made now. When the pause is over, one may; the others wait for what
    /// becomes of it, at most another pause.
    pub(crate) fn admits(&self, now: Instant, pause: Duration) -> bool {
        let mut standing = self.standing();
        match standing.open_until {
            None => true,
            Some(until) if now < until => false,
            Some(_) => {
                standing.open_until = Some(now + pause);
                true
            }
        }
    }

    /// It answered.
    pub(crate) fn succeeded(&self) {
        *self.standing() = Standing::default();
    }

    /// It failed; whether that opened the breaker.
    pub(crate) fn failed(&self, now: Instant, (most, pause): (u32, Duration)) -> bool {
        let mut standing = self.standing();
        standing.failures = standing.failures.saturating_add(1);
        let opens = standing.failures >= most;
        if opens {
            standing.open_until = Some(now + pause);
        }
        opens && standing.failures == most
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_opens_after_failures_in_a_row_and_lets_one_call_try() {
        let (breaker, start, pause) = (Breaker::default(), Instant::now(), Duration::from_secs(30));
        let at = |seconds| start + Duration::from_secs(seconds);
        let rule = (3, pause);
        assert!(!breaker.failed(start, rule) && !breaker.failed(start, rule));
        breaker.succeeded();
        assert!(!breaker.failed(start, rule) && !breaker.failed(start, rule), "counted anew");
        assert!(breaker.admits(start, pause));
        assert!(breaker.failed(start, rule), "the third in a row opens it");
        assert!(!breaker.admits(at(29), pause));
        assert!(breaker.admits(at(30), pause), "one tries");
        assert!(!breaker.admits(at(31), pause), "the others wait for it");
        assert!(!breaker.failed(at(31), rule), "it was open already");
        assert!(!breaker.admits(at(60), pause));
        assert!(breaker.admits(at(61), pause));
        breaker.succeeded();
        assert!(breaker.admits(at(62), pause) && breaker.admits(at(62), pause));
    }
}
