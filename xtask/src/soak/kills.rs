//! SIGKILL to the server or the worker while people write.

use std::time::Duration;

use tokio::time::sleep;

use super::complaints::{Load, settled};
use super::figures::Figures;
use super::ground::Ground;
use crate::app::Part;
use crate::failure::Result;

/// A crashed worker's jobs wait for the end of their lease.
const PATIENCE: Duration = Duration::from_secs(30);

/// `each` kills under one load.
pub async fn round(ground: &mut Ground<'_>, each: usize) -> Result<Figures> {
    let load = Load::begin(ground).await?;
    let mut figures = Figures::default();
    for _ in 0..each {
        sleep(ground.dice.millis(50, 400)).await;
        let part = if ground.dice.below(2) == 0 { Part::Serve } else { Part::Worker };
        ground.app.crash(ground.running, part).await?;
        figures = figures.count(part.name(), 1);
    }
    sleep(Duration::from_millis(100)).await;
    let written = load.end().await?;
    Ok(figures.and(&settled(ground, &written, PATIENCE).await?))
}
