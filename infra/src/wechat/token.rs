//! The access token: one for all instances. WeChat's stable token is the same for everybody who
//! asks, so nobody takes it from anybody; Redis shares it (sealed), and a lock lets one instance
//! fetch while the others wait. Without Redis each process keeps its own copy.
//!
//! A token that died before its time is renewed by asking in the plain way first: mostly another
//! instance has a new one already. Only when the same one comes again is a new one forced, which
//! WeChat allows 20 times a day, 30 s apart.

use std::{
    sync::LazyLock,
    time::{Duration, Instant},
};

use redis::Script;
use serde::{Deserialize, Serialize};
use tokio::sync::Mutex;

use super::{Errcode, Failure, Interface, WeChat, call::Fault};
use crate::{
    crypto, random,
    redis::rate_limit::{self, Limit},
};

/// So long before its end a new one is fetched; WeChat keeps the old one good meanwhile.
const MARGIN: Duration = Duration::from_secs(300);
/// For so long a process believes its own copy without asking Redis.
const COPY: Duration = Duration::from_secs(60);
/// The lock ends by itself when its owner died, in milliseconds.
const LOCK_MILLIS: u64 = 20_000;
/// For so long the others wait for whoever fetches, and look so often.
const PATIENCE: Duration = Duration::from_secs(6);
const LOOK: Duration = Duration::from_millis(200);
/// Forced renewals: 30 s apart, and in any 24 hours at most 20, which are two of these windows.
const FORCED_APART: Limit = Limit { count: 1, window: Duration::from_secs(30) };
const FORCED_A_DAY: Limit = Limit { count: 10, window: Duration::from_hours(24) };

/// Lets go of a lock that is still one's own.
static UNLOCK: LazyLock<Script> = LazyLock::new(|| {
    Script::new(
        r"
        if redis.call('GET', KEYS[1]) == ARGV[1] then
            return redis.call('DEL', KEYS[1])
        end
        return 0
        ",
    )
});

/// A token; printed never.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Token(String);

impl Token {
    /// The text itself.
    pub(super) fn expose(&self) -> &str {
        &self.0
    }
}

struct Copied {
    token: Token,
    /// Until when it is used without a look at Redis.
    believed: Instant,
    /// Until when it is good.
    good: Instant,
}

/// This process's copy. Whoever fetches holds it, so that a process asks once.
#[derive(Default)]
pub(super) struct Holder(Mutex<Option<Copied>>);

enum Lock {
    Mine(String),
    Theirs,
    /// Redis is away: nobody can be asked to wait.
    Away,
}

#[derive(Serialize)]
struct Body<'a> {
    grant_type: &'static str,
    appid: &'a str,
    secret: &'a str,
    force_refresh: bool,
}

#[derive(Deserialize)]
struct Answer {
    access_token: String,
    expires_in: u64,
}

impl WeChat {
    /// A token that is good as far as anybody knows, and is not `dead`.
    ///
    /// # Errors
    /// WeChat gives none; or the dead one cannot be replaced now.
    pub(super) async fn access_token(&self, dead: Option<&Token>) -> Result<Token, Failure> {
        // Whoever fetches holds it; behind one that waits in vain nobody queues up.
        let copy = tokio::time::timeout(PATIENCE, self.inner.token.0.lock()).await;
        let mut copy = copy.map_err(|_| Failure::Unavailable(Fault::Late))?;
        if let Some(kept) = copy.as_ref() {
            if Some(&kept.token) == dead {
                *copy = None;
            } else if kept.believed > Instant::now() {
                return Ok(kept.token.clone());
            }
        }
        match self.shared_or_fetched(dead).await {
            Ok((token, left)) => {
                let now = Instant::now();
                let (believed, good) = (now + left.min(COPY), now + left);
                *copy = Some(Copied { token: token.clone(), believed, good });
                Ok(token)
            }
            Err(failure) => match copy.as_ref() {
                Some(kept) if kept.good > Instant::now() => Ok(kept.token.clone()),
                _ => Err(failure),
            },
        }
    }

    async fn shared_or_fetched(&self, dead: Option<&Token>) -> Result<(Token, Duration), Failure> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            if let Some(shared) = self.shared(dead).await {
                return Ok(shared);
            }
            match self.lock().await {
                Lock::Mine(owner) => {
                    let fetched = self.fetch(dead).await;
                    self.unlock(owner).await;
                    return fetched;
                }
                Lock::Theirs if Instant::now() < deadline => tokio::time::sleep(LOOK).await,
                Lock::Theirs | Lock::Away => return self.fetch(dead).await,
            }
        }
    }

    /// What Redis shares, with the time that is left. A dead one is taken out, so that nobody else
    /// tries it.
    async fn shared(&self, dead: Option<&Token>) -> Option<(Token, Duration)> {
        let key = self.key("token");
        let read = self
            .inner
            .redis
            .attempt(async |mut connection| {
                redis::pipe()
                    .atomic()
                    .get(&key)
                    .pttl(&key)
                    .query_async::<(Option<Vec<u8>>, i64)>(&mut connection)
                    .await
            })
            .await;
        let (sealed, left) = read?;
        let text = self.inner.crypto.open_text(&key, &sealed?).ok()?;
        let token = Token(text);
        if Some(&token) == dead {
            self.inner
                .redis
                .attempt(async |mut connection| {
                    redis::cmd("DEL").arg(&key).exec_async(&mut connection).await
                })
                .await;
            return None;
        }
        Some((token, Duration::from_millis(u64::try_from(left).ok()?)))
    }

    async fn share(&self, token: &Token, left: Duration) {
        let key = self.key("token");
        let sealed = self.inner.crypto.seal(&key, token.0.as_bytes());
        let millis = u64::try_from(left.as_millis()).unwrap_or(u64::MAX).max(1);
        self.inner
            .redis
            .attempt(async |mut connection| {
                redis::cmd("SET")
                    .arg(&key)
                    .arg(sealed)
                    .arg("PX")
                    .arg(millis)
                    .exec_async(&mut connection)
                    .await
            })
            .await;
    }

    async fn lock(&self) -> Lock {
        let key = self.key("token-lock");
        let owner = crypto::base64url(&random::bytes::<16>());
        let mine = owner.clone();
        let taken = self
            .inner
            .redis
            .attempt(async |mut connection| {
                redis::cmd("SET")
                    .arg(&key)
                    .arg(mine)
                    .arg("NX")
                    .arg("PX")
                    .arg(LOCK_MILLIS)
                    .query_async::<Option<String>>(&mut connection)
                    .await
            })
            .await;
        match taken {
            Some(Some(_)) => Lock::Mine(owner),
            Some(None) => Lock::Theirs,
            None => Lock::Away,
        }
    }

    async fn unlock(&self, owner: String) {
        let key = self.key("token-lock");
        self.inner
            .redis
            .attempt(async |mut connection| {
                UNLOCK.key(&key).arg(owner).invoke_async::<i64>(&mut connection).await
            })
            .await;
    }

    async fn fetch(&self, dead: Option<&Token>) -> Result<(Token, Duration), Failure> {
        let mut fetched = self.token_by(false).await?;
        if Some(&fetched.0) == dead {
            self.admit_forcing().await?;
            fetched = self.token_by(true).await?;
        }
        self.share(&fetched.0, fetched.1).await;
        Ok(fetched)
    }

    async fn admit_forcing(&self) -> Result<(), Failure> {
        for (name, limit) in [("wechat-force", FORCED_APART), ("wechat-force-day", FORCED_A_DAY)] {
            if rate_limit::take(&self.inner.redis, name, self.app_id(), limit).await.is_err() {
                tracing::warn!("no new WeChat token is forced now: 30 s apart, 20 a day");
                return Err(Failure::Said(Errcode::TokenDead));
            }
        }
        Ok(())
    }

    async fn token_by(&self, force_refresh: bool) -> Result<(Token, Duration), Failure> {
        let credentials = &self.inner.credentials;
        let body = Body {
            grant_type: "client_credential",
            appid: &credentials.app_id,
            secret: &credentials.app_secret,
            force_refresh,
        };
        let answer: Answer = self.post(Interface::Token, &body).await?;
        if answer.access_token.is_empty() {
            return Err(Failure::Unavailable(Fault::Unreadable));
        }
        let life = Duration::from_secs(answer.expires_in.min(7200));
        Ok((Token(answer.access_token), life - MARGIN.min(life / 2)))
    }

    fn key(&self, name: &str) -> String {
        self.inner.redis.key(&format!("wechat:{}:{name}", self.app_id()))
    }
}

#[cfg(test)]
mod tests;
