//! The state of sessions, copied for less than a second so that most requests need no PostgreSQL.
//!
//! A copy dies 900 ms after the moment at which PostgreSQL was about to be asked, on Redis's own
//! clock: the miss returns that clock's time and the copy is stored with an absolute end
//! (`PXAT`). So a log-out, a disabled account or a changed role bites within a second whatever is
//! lost, late or repeated in between; the delete that goes with it only makes it sooner.

use domain::{
    id::{AccountId, SessionId},
    identity::{Actor, Grant},
};
use serde::{Deserialize, Serialize};

use super::Redis;

const COPY_MILLIS: u64 = 900;

/// What Redis knows of a session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Copy {
    /// It was alive less than 900 ms ago, and this is who it belongs to.
    Known(Actor),
    /// Not known; a copy made from what PostgreSQL says from now on ends at this time.
    Unknown(CopyEnd),
    /// Redis is away.
    Away,
}

/// When a copy ends, in milliseconds since 1970 on Redis's clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CopyEnd(u64);

#[derive(Serialize, Deserialize)]
struct Stored {
    account: AccountId,
    grants: Vec<Grant>,
}

fn key(redis: &Redis, session: SessionId) -> String {
    redis.key(&format!("session:{session}"))
}

/// Looks a session up.
pub async fn get(redis: &Redis, session: SessionId) -> Copy {
    let key = key(redis, session);
    let asked = redis
        .attempt(async |mut connection| {
            redis::pipe()
                .get(&key)
                .cmd("TIME")
                .query_async::<(Option<Vec<u8>>, (u64, u64))>(&mut connection)
                .await
        })
        .await;
    let Some((stored, (seconds, micros))) = asked else {
        return Copy::Away;
    };
    match stored.and_then(|json| serde_json::from_slice::<Stored>(&json).ok()) {
        Some(Stored { account, grants }) => Copy::Known(Actor { account, grants }),
        None => Copy::Unknown(CopyEnd(seconds * 1_000 + micros / 1_000 + COPY_MILLIS)),
    }
}

/// Keeps a copy until the end that the miss gave out.
pub async fn put(redis: &Redis, session: SessionId, actor: &Actor, end: CopyEnd) {
    let stored = Stored { account: actor.account, grants: actor.grants.clone() };
    let Ok(json) = serde_json::to_vec(&stored) else {
        return;
    };
    let key = key(redis, session);
    redis
        .attempt(async |mut connection| {
            redis::cmd("SET")
                .arg(key)
                .arg(json)
                .arg("PXAT")
                .arg(end.0)
                .exec_async(&mut connection)
                .await
        })
        .await;
}

/// Drops the copies of sessions that ended or changed.
pub async fn forget(redis: &Redis, sessions: &[SessionId]) {
    if sessions.is_empty() {
        return;
    }
    let keys: Vec<String> = sessions.iter().map(|session| key(redis, *session)).collect();
    redis
        .attempt(async |mut connection| {
            redis::cmd("UNLINK").arg(keys).exec_async(&mut connection).await
        })
        .await;
}
