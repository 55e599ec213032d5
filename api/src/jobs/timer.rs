//! Fires deadlines that have come: one transaction each, by the rule of the case. One that fails
//! is tried again later and holds up no other.

use std::{
    collections::{HashMap, HashSet},
    time::{Duration, Instant},
};

use chrono::TimeDelta;
use domain::time::Timestamp;
use futures::StreamExt;
use infra::postgres::timer::{self, Due, Subject};
use tokio::sync::watch;

use crate::{app, error::Error, state::State};

/// Timers read at once.
const PAGE: i64 = 500;
/// Timers fired at once.
const CONCURRENCY: usize = 4;
/// The longest wait, in seconds, before a timer that did not go off is tried again.
const LONGEST_WAIT: u64 = 300;
/// By how much wall time and steady time may differ from one look to the next.
const TOLERANCE: TimeDelta = TimeDelta::seconds(5);
/// How long nothing irreversible happens after they differed.
const SETTLING: Duration = Duration::from_secs(600);

/// What a worker remembers of the timers that it tried.
#[derive(Debug, Default)]
pub struct Timers {
    tried: HashMap<Due, Tried>,
}

#[derive(Debug, Clone, Copy)]
struct Tried {
    times: u32,
    not_before: Instant,
}

impl Timers {
    /// Fires what is due, without sleeping, whatever clocks say. Answers how many went off.
    pub async fn fire_once(&mut self, state: &State) -> usize {
        self.fire_due(state, true, &watch::channel(false).1).await
    }

    /// Fires what is due, until told to stop. Without `agreed` clocks, what cannot be taken back
    /// waits. Answers how many went off.
    pub async fn fire_due(
        &mut self,
        state: &State,
        agreed: bool,
        stopping: &watch::Receiver<bool>,
    ) -> usize {
        let now = state.clock.now();
        let (mut fired, mut after, mut seen) = (0, None, HashSet::new());
        loop {
            let page = match read(state, after, now).await {
                Ok(page) => page,
                Err(error) => {
                    tracing::warn!(%error, "cannot read due timers");
                    return fired;
                }
            };
            after = page.last().copied();
            seen.extend(page.iter().copied());
            let ready: Vec<Due> = page
                .into_iter()
                .filter(|due| (agreed || !due.kind.is_irreversible()) && self.is_ready(due))
                .collect();
            let tried: Vec<(Due, bool)> = futures::stream::iter(ready)
                .take_while(|_| std::future::ready(!*stopping.borrow()))
                .map(|due| async move { (due, fire(state, due, now).await) })
                .buffer_unordered(CONCURRENCY)
                .collect()
                .await;
            fired += tried.into_iter().filter(|(due, fired)| self.remember(*due) && *fired).count();
            if after.is_none() || *stopping.borrow() {
                break;
            }
        }
        // What is due no longer went off, or was cancelled.
        self.tried.retain(|due, _| seen.contains(due));
        fired
    }

    fn is_ready(&self, due: &Due) -> bool {
        self.tried.get(due).is_none_or(|tried| tried.not_before <= Instant::now())
    }

    /// Notes that a timer was tried; it waits twice as long each time it is found due again.
    /// Answers whether it was the first time.
    fn remember(&mut self, due: Due) -> bool {
        let times = self.tried.get(&due).map_or(1, |tried| tried.times.saturating_add(1));
        let wait = 2_u64.saturating_pow(times).min(LONGEST_WAIT);
        let not_before = Instant::now() + Duration::from_secs(wait);
        self.tried.insert(due, Tried { times, not_before });
        times == 1
    }
}

async fn read(state: &State, after: Option<Due>, now: Timestamp) -> Result<Vec<Due>, sqlx::Error> {
    let mut conn = state.db.acquire().await?;
    timer::due(&mut conn, after, PAGE, now).await
}

async fn fire(state: &State, due: Due, now: Timestamp) -> bool {
    let Due { due_at, subject, kind } = due;
    let outcome: Result<(), Error> = match subject {
        Subject::Complaint(id) => app::complaint::fire(state, id, kind, due_at).await,
        Subject::Task(id) => app::task::fire(state, id, kind, due_at).await,
        Subject::Supervision(id) => app::supervision::fire(state, id, kind, due_at).await,
        Subject::Whistle(id) => app::whistle::fire(state, id, kind, due_at).await,
        Subject::Consultation(id) => app::consultation::fire(state, id, kind, due_at).await,
    };
    let result = if outcome.is_ok() { "fired" } else { "failed" };
    metrics::counter!("timers_total", "kind" => kind.code(), "result" => result).increment(1);
    match outcome {
        Ok(()) => {
            let late = (now - due_at).to_std().unwrap_or_default();
            metrics::histogram!("timer_lateness_seconds").record(late);
            true
        }
        Err(error) => {
            let subject = subject.id();
            tracing::error!(%subject, %kind, %due_at, %error, "timer failed; it will be tried again");
            false
        }
    }
}

/// Watches whether the wall clock goes as steadily as the machine's own. After a jump (a clock set
/// wrong, a machine that slept) nothing irreversible happens until it has been steady for a while.
#[derive(Debug)]
pub struct Clocks {
    wall: Timestamp,
    steady: Instant,
    jumped: Option<Instant>,
}

impl Clocks {
    /// Begins to watch.
    pub const fn new(wall: Timestamp, steady: Instant) -> Self {
        Self { wall, steady, jumped: None }
    }

    /// Whether what cannot be taken back may happen now.
    pub fn agree(&mut self, wall: Timestamp, steady: Instant) -> bool {
        let passed = TimeDelta::from_std(steady.saturating_duration_since(self.steady));
        let apart = (wall - self.wall) - passed.unwrap_or(TimeDelta::MAX);
        if apart.abs() > TOLERANCE {
            tracing::error!(seconds = apart.num_seconds(), "the clock jumped; archiving pauses");
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
        let mut clocks = Clocks::new(wall, steady);
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

    #[test]
    fn a_timer_that_stays_due_waits_longer_each_time() {
        let due = Due {
            due_at: "2026-11-24T00:30:00Z".parse().unwrap(),
            subject: Subject::Task(domain::id::TaskId(uuid::Uuid::nil())),
            kind: domain::sla::TimerKind::ReplyDue,
        };
        let mut timers = Timers::default();
        assert!(timers.is_ready(&due));
        assert!(timers.remember(due));
        assert!(!timers.is_ready(&due));
        let first = timers.tried[&due].not_before;
        assert!(!timers.remember(due), "only the first time counts as fired");
        assert!(timers.tried[&due].not_before > first);
    }
}
