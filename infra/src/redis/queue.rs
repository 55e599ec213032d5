//! The queue's hints (队列唤醒): ids of jobs in a stream, so that a worker starts at once instead of
//! at its next scan. PostgreSQL owns the work: losing any of this costs about a second, never a job.

use std::time::Duration;

use domain::id::JobId;
use redis::{
    AsyncCommands, AsyncConnectionConfig, RedisError, RedisResult,
    aio::{ConnectionManager, MultiplexedConnection},
    streams::{
        StreamAutoClaimOptions, StreamAutoClaimReply, StreamId, StreamInfoConsumersReply,
        StreamReadOptions, StreamReadReply,
    },
};

use super::{Redis, live};

/// The stream, below the installation's prefix.
const STREAM: &str = "jobs";
/// The consumer group that all workers share.
const GROUP: &str = "workers";
/// The field of an entry that holds the job's id.
const FIELD: &str = "job";
/// Milliseconds that one read waits for an entry.
const BLOCK: usize = 5_000;
/// A read that takes longer than this hangs on a dead connection.
const HUNG: Duration = Duration::from_secs(15);
/// An entry that a worker has held for so many milliseconds is left over from one that died.
const LEFT_OVER: usize = 600_000;
/// A consumer without entries that has been silent for so many milliseconds is gone.
const GONE: usize = 3_600_000;

/// What the server does when its memory is full.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Eviction {
    /// It refuses writes and keeps what it has: right for a queue.
    Never,
    /// It throws entries away by this policy: refused at start.
    By(String),
    /// It does not say (`CONFIG` is forbidden, or the server is away).
    Unknown(String),
}

/// A hint: a job may be ready.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hint {
    /// The entry in the stream, to be acknowledged.
    pub entry: String,
    /// The job; `None` where the entry makes no sense and is only to be removed.
    pub job: Option<JobId>,
}

/// Adds hints for jobs, and wakes streams by the way, in one round trip; best effort. No `MAXLEN`:
/// trimming would drop hints that nobody saw.
pub async fn wake(redis: &Redis, jobs: &[JobId]) {
    let stream = redis.key(STREAM);
    let mut pipe = redis::pipe();
    for job in jobs {
        pipe.xadd(&stream, "*", &[(FIELD, job.to_string())]).ignore();
    }
    pipe.publish(redis.key(live::CHANNEL), "").ignore();
    redis.attempt(|mut conn| async move { pipe.exec_async(&mut conn).await }).await;
}

/// Removes handled hints, acknowledged and deleted in one step; best effort. What stays behind is
/// tidied away later.
pub async fn ack(redis: &Redis, entries: &[String]) {
    if entries.is_empty() {
        return;
    }
    let stream = redis.key(STREAM);
    let mut pipe = redis::pipe();
    pipe.atomic().xack(&stream, GROUP, entries).ignore().xdel(&stream, entries).ignore();
    redis.attempt(|mut conn| async move { pipe.exec_async(&mut conn).await }).await;
}

/// Removes what workers that died left behind: the entries they held, and their names. The jobs
/// themselves are reclaimed in PostgreSQL.
pub async fn tidy(redis: &Redis, consumer: &str) {
    let stream = redis.key(STREAM);
    let tidied = redis.attempt(|conn| async { Ok(tidy_on(conn, &stream, consumer).await) }).await;
    match tidied {
        Some(Ok(left)) => ack(redis, &left).await,
        Some(Err(error)) => tracing::debug!(%error, "queue not tidied"),
        None => {}
    }
}

async fn tidy_on(
    mut conn: ConnectionManager,
    stream: &str,
    consumer: &str,
) -> RedisResult<Vec<String>> {
    let known: StreamInfoConsumersReply = conn.xinfo_consumers(stream, GROUP).await?;
    for other in known.consumers.iter().filter(|other| other.pending == 0 && other.idle > GONE) {
        let _: i64 = conn.xgroup_delconsumer(stream, GROUP, &other.name).await?;
    }
    let options = StreamAutoClaimOptions::default().count(1000);
    let left: StreamAutoClaimReply =
        conn.xautoclaim_options(stream, GROUP, consumer, LEFT_OVER, "0-0", options).await?;
    Ok(left.claimed.into_iter().map(|entry| entry.id).collect())
}

/// Asks what the server does when its memory is full.
pub async fn eviction(redis: &Redis) -> Eviction {
    let mut ask = redis::cmd("CONFIG");
    ask.arg("GET").arg("maxmemory-policy");
    // A server that forbids CONFIG is not away: its refusal is an answer.
    let answer = redis
        .attempt(|mut conn| async move { Ok(ask.query_async::<Vec<String>>(&mut conn).await) })
        .await;
    match answer {
        Some(Ok(pair)) => match pair.get(1).map(String::as_str) {
            Some("noeviction") => Eviction::Never,
            Some(policy) => Eviction::By(policy.to_owned()),
            None => Eviction::Unknown("CONFIG GET answered nothing".to_owned()),
        },
        Some(Err(error)) => Eviction::Unknown(error.to_string()),
        None => Eviction::Unknown("redis is away".to_owned()),
    }
}

/// A worker's own connection for blocking reads.
pub struct Consumer {
    conn: MultiplexedConnection,
    stream: String,
    name: String,
}

impl Consumer {
    /// Connects, and makes the group where it is missing. The group starts at 0, so that hints
    /// given before the first worker came are read too.
    ///
    /// # Errors
    /// Redis is away.
    pub async fn connect(redis: &Redis, name: &str) -> RedisResult<Self> {
        // The default time-out of half a second would break every blocking read.
        let config = AsyncConnectionConfig::new()
            .set_connection_timeout(Some(Duration::from_secs(2)))
            .set_response_timeout(None);
        let conn = redis.client().get_multiplexed_async_connection_with_config(&config).await?;
        let mut consumer = Self { conn, stream: redis.key(STREAM), name: name.to_owned() };
        consumer.make_group().await?;
        Ok(consumer)
    }

    async fn make_group(&mut self) -> RedisResult<()> {
        let made: RedisResult<()> =
            self.conn.xgroup_create_mkstream(&self.stream, GROUP, "0").await;
        match made {
            Err(error) if error.code() == Some("BUSYGROUP") => Ok(()),
            other => other,
        }
    }

    /// Waits up to five seconds for at most `count` hints. A group or stream that vanished
    /// (FLUSHALL) is made again.
    ///
    /// # Errors
    /// The connection is broken or hangs: connect anew.
    pub async fn read(&mut self, count: usize) -> RedisResult<Vec<Hint>> {
        let options =
            StreamReadOptions::default().group(GROUP, &self.name).count(count).block(BLOCK);
        let stream = [&self.stream];
        let reading = self.conn.xread_options(&stream, &[">"], &options);
        let read: RedisResult<Option<StreamReadReply>> = tokio::time::timeout(HUNG, reading)
            .await
            .unwrap_or_else(|_| Err(std::io::Error::from(std::io::ErrorKind::TimedOut).into()));
        match read {
            Ok(None) => Ok(Vec::new()),
            Ok(Some(reply)) => {
                Ok(reply.keys.into_iter().flat_map(|key| key.ids).map(hint).collect())
            }
            Err(error) if group_is_gone(&error) => {
                self.make_group().await?;
                Ok(Vec::new())
            }
            Err(error) => Err(error),
        }
    }
}

/// NOGROUP on a read; or the blocked read was woken because the stream was deleted.
fn group_is_gone(error: &RedisError) -> bool {
    matches!(error.code(), Some("NOGROUP" | "UNBLOCKED"))
}

fn hint(entry: StreamId) -> Hint {
    let job = entry.get::<String>(FIELD).and_then(|text| text.parse().ok());
    Hint { entry: entry.id, job }
}

#[cfg(test)]
mod tests {
    use redis::Value;

    use super::*;

    #[test]
    fn an_entry_that_makes_no_sense_is_still_one_to_remove() {
        let id = "019ab0c4-0000-7000-8000-000000000001";
        let entry = |field: &str, text: &str| StreamId {
            id: "1-1".to_owned(),
            map: [(field.to_owned(), Value::BulkString(text.as_bytes().to_vec()))].into(),
            ..StreamId::default()
        };
        assert_eq!(hint(entry(FIELD, id)).job, Some(id.parse().unwrap()));
        assert_eq!(hint(entry(FIELD, "x")), Hint { entry: "1-1".to_owned(), job: None });
        assert_eq!(hint(entry("other", id)).job, None);
    }
}
