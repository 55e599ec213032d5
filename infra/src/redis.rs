//! Redis: hints and short-lived state, never the truth. Whatever it answers can be missing: every
//! caller has a way on without it, and it may be away when the process starts.

use std::{
    future::Future,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use domain::id::JobId;
use redis::{
    Client, RedisResult,
    aio::{ConnectionManager, ConnectionManagerConfig},
};

pub mod live;
pub mod queue;
pub mod rate_limit;
pub mod session;

/// The longest that a request waits for a hint.
const PATIENCE: Duration = Duration::from_millis(200);
/// After a failure Redis is left alone for so long; then one request tries it for all.
const PAUSE_MILLIS: u64 = 1_000;

/// A handle to Redis; cloning it clones the handle.
#[derive(Clone)]
pub struct Redis {
    shared: Arc<Shared>,
}

struct Shared {
    client: Client,
    connection: ConnectionManager,
    prefix: String,
    circuit: Circuit,
    local: rate_limit::Local,
}

impl Redis {
    /// Makes a handle; the connection is made when first needed. Every key begins with `prefix`,
    /// so that several installations (and each test) share a server without meeting.
    ///
    /// Call it inside the async runtime.
    ///
    /// # Errors
    /// The URL cannot be read.
    pub fn new(url: &str, prefix: &str) -> RedisResult<Self> {
        let client = Client::open(url)?;
        let settings = ConnectionManagerConfig::new()
            .set_connection_timeout(Some(PATIENCE))
            .set_response_timeout(Some(PATIENCE))
            .set_number_of_retries(0);
        let connection = ConnectionManager::new_lazy_with_config(client.clone(), settings)?;
        let (circuit, local) = (Circuit::new(), rate_limit::Local::default());
        let prefix = prefix.to_owned();
        Ok(Self { shared: Arc::new(Shared { client, connection, prefix, circuit, local }) })
    }

    /// The client, for a consumer that needs a connection of its own (a blocking read must not
    /// stand in front of everybody's hints, and must not time out).
    pub fn client(&self) -> &Client {
        &self.shared.client
    }

    /// The full name of a key.
    pub fn key(&self, name: &str) -> String {
        format!("{}{name}", self.shared.prefix)
    }

    /// Whether Redis answers now.
    pub async fn available(&self) -> bool {
        self.attempt(async |mut connection| redis::cmd("PING").exec_async(&mut connection).await)
            .await
            .is_some()
    }

    /// Tells the workers that these jobs are ready, and streams that something was committed. A hint:
    /// a lost one costs at most a second.
    pub async fn wake(&self, jobs: &[JobId]) {
        if !jobs.is_empty() {
            queue::wake(self, jobs).await;
        }
    }

    /// Runs a command, at most 200 ms long; `None` when Redis is away, slow or refuses.
    ///
    /// After a failure Redis is not asked for a second, so that a dead or paused one costs the
    /// requests of that second nothing; then a single request tries again for all.
    pub async fn attempt<T, F>(&self, work: impl FnOnce(ConnectionManager) -> F) -> Option<T>
    where
        F: Future<Output = RedisResult<T>>,
    {
        let circuit = &self.shared.circuit;
        if !circuit.admits() {
            return None;
        }
        match tokio::time::timeout(PATIENCE, work(self.shared.connection.clone())).await {
            Ok(Ok(answer)) => {
                circuit.succeeded();
                Some(answer)
            }
            Ok(Err(error)) => {
                circuit.failed(&error);
                None
            }
            Err(late) => {
                circuit.failed(&late);
                None
            }
        }
    }
}

/// Closed (0), or open until a number of milliseconds after `start`.
struct Circuit {
    start: Instant,
    open_until: AtomicU64,
}

impl Circuit {
    fn new() -> Self {
        Self { start: Instant::now(), open_until: AtomicU64::new(0) }
    }

    fn now(&self) -> u64 {
        u64::try_from(self.start.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    /// Whether this request may ask. Of those that come when the pause is over, one may.
    fn admits(&self) -> bool {
        let until = self.open_until.load(Ordering::Relaxed);
        let now = self.now();
        until == 0
            || (now >= until
                && self
                    .open_until
                    .compare_exchange(
                        until,
                        now + PAUSE_MILLIS,
                        Ordering::Relaxed,
                        Ordering::Relaxed,
                    )
                    .is_ok())
    }

    fn succeeded(&self) {
        if self.open_until.swap(0, Ordering::Relaxed) != 0 {
            tracing::info!("redis is back");
        }
    }

    fn failed(&self, error: &dyn std::error::Error) {
        if self.open_until.swap(self.now() + PAUSE_MILLIS, Ordering::Relaxed) == 0 {
            tracing::warn!(%error, "redis is away; going on without it");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn after_a_failure_one_request_in_a_second_tries() {
        let circuit = Circuit::new();
        assert!(circuit.admits() && circuit.admits());
        circuit.failed(&std::fmt::Error);
        assert!(!circuit.admits());
        circuit.open_until.store(1, Ordering::Relaxed);
        std::thread::sleep(Duration::from_millis(2));
        assert!(circuit.admits(), "the pause is over");
        assert!(!circuit.admits(), "one is trying already");
        circuit.succeeded();
        assert!(circuit.admits() && circuit.admits());
    }

    #[tokio::test]
    async fn a_server_that_is_away_costs_little_and_fails_nothing() {
        let redis = Redis::new("redis+unix:///nowhere/redis.sock", "t:").unwrap();
        let start = Instant::now();
        for _ in 0..1_000 {
            assert!(!redis.available().await);
        }
        assert!(start.elapsed() < Duration::from_secs(2), "{:?}", start.elapsed());
        assert_eq!(redis.key("x"), "t:x");
    }
}
