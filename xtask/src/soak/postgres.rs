//! PostgreSQL stops at once while people write, and recovers.

use std::time::{Duration, Instant};

use tokio::time::sleep;

use super::complaints::{Load, settled};
use super::figures::Figures;
use super::ground::Ground;
use crate::client::Call;
use crate::failure::{Failure, Result};

/// From the stop to a product that says that it is ready.
const LIMIT: Duration = Duration::from_secs(10);
const PATIENCE: Duration = Duration::from_secs(30);
const POLL: Duration = Duration::from_millis(20);

/// `each` stops under one load.
pub async fn round(ground: &mut Ground<'_>, each: usize) -> Result<Figures> {
    let load = Load::begin(ground).await?;
    let mut figures = Figures::default();
    for _ in 0..each {
        sleep(ground.dice.millis(200, 800)).await;
        let since = Instant::now();
        ground.postgres.crash()?;
        ground.postgres.restart()?;
        ready(ground, since).await?;
        figures = figures.count("停机", 1).took("重新就绪", since.elapsed());
    }
    sleep(Duration::from_millis(300)).await;
    let written = load.end().await?;
    Ok(figures.and(&settled(ground, &written, PATIENCE).await?))
}

/// Waits until the product says that it is ready.
///
/// # Errors
/// Not within the limit, counted from `since`.
pub async fn ready(ground: &Ground<'_>, since: Instant) -> Result {
    let ask = Call::get("/readyz");
    let limit = ground.limit(LIMIT);
    loop {
        let ready = ground.client.send(&ask).await.is_ok_and(|answer| answer.status == 200);
        if since.elapsed() > limit {
            let seconds = limit.as_secs();
            return Err(Failure::new(format!("PostgreSQL 停机后 {seconds} 秒没有重新就绪")));
        }
        if ready {
            return Ok(());
        }
        sleep(POLL).await;
    }
}
