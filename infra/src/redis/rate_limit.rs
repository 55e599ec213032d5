//! Rate limits: a fixed window counted in Redis for all processes together. Without Redis each
//! process counts for itself: stricter or laxer by the number of processes, never open.

use std::{
    collections::HashMap,
    sync::{LazyLock, Mutex, PoisonError},
    time::{Duration, Instant},
};

use redis::Script;

use super::Redis;

/// Above so many counted subjects the windows that ended are cleared away.
const CROWDED: usize = 10_000;

/// How many in which time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limit {
    /// How many are let through in a window.
    pub count: u64,
    /// The window's length.
    pub window: Duration,
}

/// The limit is reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Exceeded {
    /// Seconds until the window ends, at least 1.
    pub retry_after: u64,
}

/// Counts, and answers the count with what is left of the window. The end is set with the first
/// count in one step: a counter without an end would lock its subject out for ever.
static COUNT: LazyLock<Script> = LazyLock::new(|| {
    Script::new(
        r"
        local count = redis.call('INCR', KEYS[1])
        local left = redis.call('PTTL', KEYS[1])
        if left < 0 then
            redis.call('PEXPIRE', KEYS[1], ARGV[1])
            left = tonumber(ARGV[1])
        end
        return {count, left}
        ",
    )
});

/// Counts one use of `operation` by `subject` (an address, an account).
///
/// # Errors
/// The limit of this window is reached.
pub async fn take(
    redis: &Redis,
    operation: &str,
    subject: &str,
    limit: Limit,
) -> Result<(), Exceeded> {
    let key = redis.key(&format!("rate:{operation}:{subject}"));
    let window = u64::try_from(limit.window.as_millis()).unwrap_or(u64::MAX).max(1);
    let counted = redis
        .attempt(async |mut connection| {
            let mut call = COUNT.prepare_invoke();
            call.key(&key).arg(window).invoke_async::<(u64, u64)>(&mut connection).await
        })
        .await;
    let (count, left) = match counted {
        Some((count, left)) => (count, Duration::from_millis(left)),
        None => redis.shared.local.count(key, limit.window),
    };
    if count <= limit.count {
        return Ok(());
    }
    Err(Exceeded { retry_after: left.as_millis().div_ceil(1_000).try_into().unwrap_or(1).max(1) })
}

/// The counters of this process, for as long as Redis is away.
#[derive(Default)]
pub(super) struct Local(Mutex<HashMap<String, Window>>);

struct Window {
    ends: Instant,
    count: u64,
}

impl Local {
    fn count(&self, key: String, length: Duration) -> (u64, Duration) {
        let now = Instant::now();
        let mut windows = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if windows.len() > CROWDED {
            windows.retain(|_, window| window.ends > now);
        }
        let window = windows.entry(key).or_insert(Window { ends: now + length, count: 0 });
        if window.ends <= now {
            *window = Window { ends: now + length, count: 0 };
        }
        window.count += 1;
        (window.count, window.ends.duration_since(now))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn without_redis_the_limit_still_holds() {
        let redis = Redis::new("redis+unix:///nowhere/redis.sock", "t:").unwrap();
        let limit = Limit { count: 3, window: Duration::from_secs(60) };
        for _ in 0..3 {
            take(&redis, "log-in", "192.0.2.1", limit).await.unwrap();
        }
        let refused = take(&redis, "log-in", "192.0.2.1", limit).await.unwrap_err();
        assert!((1..=60).contains(&refused.retry_after), "{refused:?}");
        assert!(take(&redis, "log-in", "192.0.2.2", limit).await.is_ok(), "another address");
        assert!(take(&redis, "submit", "192.0.2.1", limit).await.is_ok(), "another operation");
    }

    #[test]
    fn a_window_ends() {
        let local = Local::default();
        let length = Duration::from_millis(5);
        assert_eq!(local.count("a".to_owned(), length).0, 1);
        assert_eq!(local.count("a".to_owned(), length).0, 2);
        std::thread::sleep(2 * length);
        assert_eq!(local.count("a".to_owned(), length).0, 1);
    }
}
