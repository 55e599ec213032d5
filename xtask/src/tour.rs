//! The tour: a short story that is told over HTTP against a running server.

use crate::console::say;
use crate::failure::Result;

/// Plays the story against the server at `base_url`.
///
/// # Errors
/// The first step whose answer differs.
pub async fn play(base_url: &str) -> Result {
    let answer = reqwest::get(format!("{base_url}/readyz")).await?;
    say(format!("就绪检查 {}", answer.status()));
    Ok(())
}
