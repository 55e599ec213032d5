//! What every client of somebody else's server does alike: a limited wait, few repetitions of what
//! may be repeated, a breaker, and failures that hold no text of the request or the answer.

use std::time::{Duration, Instant};

use reqwest::Response;

use crate::random;

mod breaker;

pub(crate) use breaker::Breaker;

/// The longest answer that is read, in bytes; WeChat's page codes are pictures of some 100 KB.
pub(crate) const LONGEST: usize = 4 * 1024 * 1024;
/// The first pause before a repetition; each further one is twice as long.
const PAUSE: Duration = Duration::from_millis(200);
/// The longest wait for a connection.
const CONNECT: Duration = Duration::from_secs(2);

/// How patient a client is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Settings {
    /// The longest wait for an answer.
    pub answer: Duration,
    /// So many times a call is repeated that may be.
    pub retries: u32,
    /// After so many failures in a row an interface is left alone …
    pub breaker_failures: u32,
    /// … for so long; then one call tries it for all.
    pub breaker_pause: Duration,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            answer: Duration::from_secs(5),
            retries: 2,
            breaker_failures: 5,
            breaker_pause: Duration::from_secs(30),
        }
    }
}

/// What went wrong on the way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// Nothing was sent.
    #[error("no connection")]
    Unconnected,
    /// It may have been done.
    #[error("no answer in time")]
    Late,
    /// The connection broke.
    #[error("the connection broke")]
    Broken,
    /// An error page, as proxies make them.
    #[error("HTTP status {0}")]
    Status(u16),
    /// No JSON, or not what was expected.
    #[error("the answer cannot be read")]
    Unreadable,
}

impl Fault {
    /// A word for the figures.
    pub(crate) const fn outcome(self) -> &'static str {
        match self {
            Self::Unconnected => "unconnected",
            Self::Late => "late",
            Self::Broken => "broken",
            Self::Status(_) => "status",
            Self::Unreadable => "unreadable",
        }
    }
}

/// An error of reqwest holds the URL, and with it secrets and phone numbers: it goes no further.
impl From<reqwest::Error> for Fault {
    fn from(error: reqwest::Error) -> Self {
        if error.is_connect() {
            Self::Unconnected
        } else if error.is_timeout() {
            Self::Late
        } else {
            Self::Broken
        }
    }
}

/// What a client fails with.
pub(crate) trait Failing: Copy + std::fmt::Display {
    /// The interface is left alone.
    const RESTING: Self;

    /// Whether it speaks against the interface itself, and not against one request.
    fn is_fault(self) -> bool;
}

/// A client that connects within 2 s, waits no longer than said, and hands nobody else what is meant
/// for one server: it follows no redirect.
///
/// # Errors
/// The TLS set-up of this machine is unusable.
pub(crate) fn client(settings: &Settings) -> reqwest::Result<reqwest::Client> {
    reqwest::Client::builder()
        .connect_timeout(CONNECT)
        .timeout(settings.answer)
        .redirect(reqwest::redirect::Policy::none())
        .build()
}

/// The whole answer, of at most so many bytes.
///
/// # Errors
/// It breaks off, or is longer.
pub(crate) async fn read(mut response: Response, longest: usize) -> Result<Vec<u8>, Fault> {
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await? {
        if body.len() + chunk.len() > longest {
            return Err(Fault::Unreadable);
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}

/// Calls the interface `name` once, again where `repeats` says so, and not at all while its breaker
/// is open.
///
/// # Errors
/// What the last call failed with; it rests.
pub(crate) async fn guarded<T, F: Failing, Call: Future<Output = Result<T, F>>>(
    name: &'static str,
    breaker: &Breaker,
    settings: &Settings,
    repeats: impl Fn(F) -> bool,
    once: impl Fn() -> Call,
) -> Result<T, F> {
    if !breaker.admits(Instant::now(), settings.breaker_pause) {
        return Err(F::RESTING);
    }
    let mut repetition = 0;
    let answer = loop {
        match once().await {
            Err(failure) if repetition < settings.retries && repeats(failure) => {
                let [random] = random::bytes();
                tokio::time::sleep(pause(repetition, random)).await;
                repetition += 1;
            }
            answer => break answer,
        }
    };
    let rule = (settings.breaker_failures, settings.breaker_pause);
    match &answer {
        Err(failure) if failure.is_fault() => {
            if breaker.failed(Instant::now(), rule) {
                tracing::warn!(interface = name, %failure, "it fails; leaving it alone");
            }
        }
        _ => breaker.succeeded(),
    }
    answer
}

/// The pause before a repetition: doubled each time, and spread over 50–100 %.
fn pause(repetition: u32, random: u8) -> Duration {
    let whole = PAUSE.saturating_mul(2_u32.saturating_pow(repetition.min(6)));
    whole / 2 + whole / 2 * u32::from(random) / u32::from(u8::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_and_are_spread() {
        for (repetition, random, millis) in [(0, 0, 100), (0, 255, 200), (1, 255, 400), (2, 0, 400)]
        {
            assert_eq!(pause(repetition, random), Duration::from_millis(millis));
        }
        assert!(pause(u32::MAX, 255) <= Duration::from_secs(13));
    }
}
