//! The guarantee behind the hints: every scan looks into PostgreSQL by state, for jobs and timers
//! that are due and for leases that ran out, whatever Redis said or forgot.

use std::time::Duration;

use tokio::sync::watch;

use super::{pause, runner::Runner, schedule::Schedule, timer};
use crate::state::State;

/// Scans for jobs until told to stop.
pub async fn jobs(runner: &Runner, stopping: watch::Receiver<bool>) {
    let state = runner.state();
    loop {
        match runner.scan(&stopping).await {
            // All the room was filled: look again as soon as there is room.
            Ok(true) if !*stopping.borrow() => continue,
            Ok(_) => {}
            Err(error) => tracing::warn!(%error, "cannot scan for jobs"),
        }
        if !pause(scan_period(state), &stopping).await {
            return;
        }
    }
}

/// Fires timers and starts chores until told to stop.
pub async fn timers(state: &State, stopping: watch::Receiver<bool>) {
    let mut timers = timer::Timers::default();
    let mut schedule = Schedule::default();
    loop {
        let agreed = state.steadiness.agrees(&state.clock);
        schedule.enqueue_due(state, agreed).await;
        timers.fire_due(state, agreed, &stopping).await;
        if !pause(scan_period(state), &stopping).await {
            return;
        }
    }
}

fn scan_period(state: &State) -> Duration {
    Duration::from_secs(u64::from(state.config.worker.scan_seconds))
}
