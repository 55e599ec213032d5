//! WeChat's server interfaces. The seam is the base URL: tests and the demo point it at a stub.

use std::time::Duration;

pub mod login;

const CONNECT: Duration = Duration::from_secs(2);
const ANSWER: Duration = Duration::from_secs(5);

/// How WeChat knows this mini-program.
#[derive(Clone)]
pub struct Credentials {
    /// The mini-program's id.
    pub app_id: String,
    /// Its secret; leaves the process only towards WeChat.
    pub app_secret: String,
}

/// A client of WeChat's servers; cloning it clones the handle.
#[derive(Clone)]
pub struct WeChat {
    http: reqwest::Client,
    base_url: String,
    credentials: Credentials,
}

impl WeChat {
    /// A client for the servers at `base_url` (`https://api.weixin.qq.com`). It connects within
    /// 2 s and waits at most 5 s for an answer.
    ///
    /// # Errors
    /// The TLS set-up of this machine is unusable.
    pub fn new(base_url: &str, credentials: Credentials) -> Result<Self, reqwest::Error> {
        let http = reqwest::Client::builder().connect_timeout(CONNECT).timeout(ANSWER).build()?;
        Ok(Self { http, base_url: base_url.trim_end_matches('/').to_owned(), credentials })
    }
}

impl std::fmt::Debug for WeChat {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("WeChat").field("base_url", &self.base_url).finish_non_exhaustive()
    }
}
