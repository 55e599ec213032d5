//! Trouble in the middle of a replay: crashed processes and a Redis that has forgotten everything.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::time::sleep;

use crate::app::{App, Part, Running};
use crate::console::say;
use crate::failure::{Failure, Result};
use crate::services::Services;

const POLL: Duration = Duration::from_millis(20);

/// What happens.
#[derive(Debug, Clone, Copy)]
enum Blow {
    /// SIGKILL, then a new start.
    Crash(Part),
    /// FLUSHALL: sessions, hints and rate limits are gone.
    ForgetRedis,
}

/// At how many hundredths of the rows which blow falls.
const PLAN: [(usize, Blow); 9] = [
    (10, Blow::Crash(Part::Worker)),
    (20, Blow::ForgetRedis),
    (30, Blow::Crash(Part::Worker)),
    (40, Blow::Crash(Part::Serve)),
    (50, Blow::ForgetRedis),
    (60, Blow::Crash(Part::Worker)),
    (70, Blow::Crash(Part::Serve)),
    (80, Blow::ForgetRedis),
    (90, Blow::Crash(Part::Worker)),
];

/// Trouble for one replay.
#[derive(Debug)]
pub struct Trouble<'a> {
    /// The private services.
    pub services: &'a Services,
    /// How many rows there are.
    pub rows: usize,
    /// How many are through.
    pub sent: &'a AtomicUsize,
}

impl Trouble<'_> {
    /// Makes it all, each at its time.
    ///
    /// # Errors
    /// Something cannot be started again.
    pub async fn make(&self, app: &App<'_>, running: &mut Running) -> Result {
        for (hundredths, blow) in PLAN {
            while self.sent.load(Ordering::Relaxed) * 100 < self.rows * hundredths {
                sleep(POLL).await;
            }
            self.strike(blow, app, running).await?;
        }
        Ok(())
    }

    async fn strike(&self, blow: Blow, app: &App<'_>, running: &mut Running) -> Result {
        let sent = self.sent.load(Ordering::Relaxed);
        match blow {
            Blow::Crash(part) => {
                app.crash(running, part).await?;
                say(format!("  第 {sent} 件时 kill -9 {}，已重新启动", part.name()));
            }
            Blow::ForgetRedis => {
                self.flush()?;
                say(format!("  第 {sent} 件时清空了 Redis（FLUSHALL）"));
            }
        }
        Ok(())
    }

    fn flush(&self) -> Result {
        let redis = self.services.redis().ok_or_else(|| Failure::new("没有私有的 Redis"))?;
        match redis.ask("FLUSHALL")?.as_str() {
            "+OK" => Ok(()),
            other => Err(Failure::new(format!("FLUSHALL：{other}"))),
        }
    }
}
