//! A wake-up for streams: something was committed. It says no more than that, and a lost one costs at
//! most a second, since whoever streams also looks by itself.

use std::time::Duration;

use futures::StreamExt;
use redis::{RedisError, RedisResult, aio::PubSub};

use super::Redis;

/// The channel, below the installation's prefix.
pub(super) const CHANNEL: &str = "live";
/// The longest that subscribing may take.
const PATIENCE: Duration = Duration::from_secs(2);

impl Redis {
    /// Tells every process's streams that something was committed; best effort.
    pub async fn stir(&self) {
        let channel = self.key(CHANNEL);
        self.attempt(async |mut connection| {
            redis::cmd("PUBLISH").arg(channel).arg("").exec_async(&mut connection).await
        })
        .await;
    }
}

/// A connection that hears wake-ups.
pub struct Stirs(PubSub);

impl Stirs {
    /// Connects and subscribes.
    ///
    /// # Errors
    /// Redis is away.
    pub async fn connect(redis: &Redis) -> RedisResult<Self> {
        let connecting = async {
            let mut connection = redis.client().get_async_pubsub().await?;
            connection.subscribe(redis.key(CHANNEL)).await?;
            Ok(Self(connection))
        };
        let late = |_| RedisError::from(std::io::Error::from(std::io::ErrorKind::TimedOut));
        tokio::time::timeout(PATIENCE, connecting).await.map_err(late)?
    }

    /// Waits for a wake-up; `None` when the connection is lost.
    pub async fn next(&mut self) -> Option<()> {
        self.0.on_message().next().await.map(drop)
    }
}
