//! Background work (后台作业): jobs, deadlines and housekeeping. PostgreSQL owns all of it and Redis
//! only wakes: with Redis wiped, paused or gone a worker is slower by a scan, never stopped.
//!
//! Any number of workers may run: a job is claimed with a lease and a fencing token, a timer fires
//! by a guarded update, a chore is a job whose key is its period.

use std::time::Duration;

use infra::redis::queue::{self, Eviction};
use tokio::sync::watch;

use crate::{app::calendar as calendars, state::State};

pub mod announcement;
pub mod attachment;
pub mod audit;
pub mod bulletin;
pub mod calendar;
pub mod delivery;
pub mod export;
pub mod fairness;
pub mod grant;
pub mod guide;
pub mod household;
pub mod identity;
pub mod merchant;
pub mod notification;
pub mod points;
pub mod privacy;
pub mod redemption;
pub mod registration;
pub mod runner;
pub mod schedule;
pub mod score;
pub mod screening;
pub mod service;
pub mod sweeper;
pub mod task;
pub mod timer;

/// How long a stopping worker waits for what it has begun.
const GRACE: Duration = Duration::from_secs(20);

/// The Redis of the queue would throw hints away when its memory is full.
#[derive(Debug, thiserror::Error)]
#[error(
    "Redis 的 maxmemory-policy 是 {0}，内存满时会丢弃队列；请改为 noeviction（CONFIG SET maxmemory-policy noeviction），缓存请用另一个 Redis"
)]
pub struct Evicting(String);

/// Works until `shutdown` is ready, then finishes within 20 seconds what has begun. What is not
/// finished by then is rolled back, and another worker takes it over when its lease runs out.
///
/// # Errors
/// The queue's Redis evicts. One that is away or does not say is only warned about.
pub async fn run(state: State, shutdown: impl Future<Output = ()>) -> Result<(), Evicting> {
    match queue::eviction(&state.redis).await {
        Eviction::Never => {}
        Eviction::By(policy) => return Err(Evicting(policy)),
        Eviction::Unknown(why) => tracing::warn!(why, "cannot tell whether redis evicts"),
    }
    // It ends with the database's pool.
    tokio::spawn(calendars::keep_following(state.clone()));
    let (stop, stopping) = watch::channel(false);
    let runner = runner::Runner::new(state.clone());
    let work = async {
        futures::join!(
            runner.listen(stopping.clone()),
            sweeper::jobs(&runner, stopping.clone()),
            sweeper::timers(&state, stopping.clone()),
        );
        runner.idle().await;
    };
    tokio::pin!(work);
    tokio::select! {
        () = &mut work => {}
        () = shutdown => {
            stop.send_replace(true);
            if tokio::time::timeout(GRACE, work).await.is_err() {
                tracing::warn!("stopped with jobs unfinished; their leases will run out");
            }
        }
    }
    Ok(())
}

/// Fires every timer that is due and runs every job that is due, until nothing is left; answers
/// how many succeeded. It never sleeps: what failed waits for its next attempt as the state's
/// clock shows it. For tests, and for a single run without a worker.
pub async fn drain(state: &State) -> usize {
    let mut timers = timer::Timers::default();
    let mut done = 0;
    calendars::follow_once(state).await;
    loop {
        let round = timers.fire_once(state).await + runner::run_due(state).await;
        if round == 0 {
            return done;
        }
        done += round;
    }
}

/// Waits until the worker is told to stop.
async fn stopped(mut stopping: watch::Receiver<bool>) {
    // A dropped sender is a stop as well.
    let _ = stopping.wait_for(|stop| *stop).await;
}

/// Sleeps, or less when the worker is told to stop; `false` means stop.
async fn pause(time: Duration, stopping: &watch::Receiver<bool>) -> bool {
    tokio::time::timeout(time, stopped(stopping.clone())).await.is_err()
}
