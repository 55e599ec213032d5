//! Fires deadlines that have come: one transaction each, by the rule of the case. One that fails
//! is tried again later and holds up no other.

use std::{
    collections::{HashMap, HashSet},
    time::{Duration, Instant},
};

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

#[cfg(test)]
mod tests {
    use super::*;

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
