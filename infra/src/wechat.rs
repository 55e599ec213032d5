//! WeChat's server interfaces. The seam is the base URL: tests and the demo point it at a stub.
//!
//! Every call goes one way (`get`, `post`, `ask` of `call`): a limited wait,
//! few repetitions of what may be repeated, a breaker for each interface, and figures without a
//! person in them. What went wrong is a [`Failure`], whose [`Failure::advice`] says what to do.

use std::sync::Arc;

use crate::{
    crypto::Crypto,
    outside::{self, Breaker},
    redis::Redis,
};

mod call;
pub mod callback;
pub mod content_check;
pub mod errcode;
pub mod login;
pub mod message;
pub mod page_code;
pub mod phone;
mod push;
#[cfg(test)]
mod testing;
mod token;

pub use call::{Failure, Fault, Interface};
pub use errcode::{Advice, Errcode};
pub use push::{Push, Unreadable};

pub use crate::outside::Settings;

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
    inner: Arc<Inner>,
}

struct Inner {
    http: reqwest::Client,
    base_url: String,
    credentials: Credentials,
    settings: Settings,
    redis: Redis,
    crypto: Arc<Crypto>,
    breakers: [Breaker; Interface::ALL.len()],
    token: token::Holder,
}

impl WeChat {
    /// A client for the servers at `base_url` (`https://api.weixin.qq.com`). It connects within
    /// 2 s. The access token is shared in `redis`, sealed by `crypto`. It follows nobody elsewhere:
    /// secret and token stand in addresses and bodies, and a captive portal would be handed them.
    ///
    /// # Errors
    /// The TLS set-up of this machine is unusable.
    pub fn new(
        base_url: &str,
        credentials: Credentials,
        settings: Settings,
        redis: Redis,
        crypto: Arc<Crypto>,
    ) -> Result<Self, reqwest::Error> {
        let http = outside::client(&settings)?;
        let base_url = base_url.trim_end_matches('/').to_owned();
        let (breakers, token) = Default::default();
        let inner = Inner { http, base_url, credentials, settings, redis, crypto, breakers, token };
        Ok(Self { inner: Arc::new(inner) })
    }

    /// The mini-program's id.
    pub fn app_id(&self) -> &str {
        &self.inner.credentials.app_id
    }
}

impl std::fmt::Debug for WeChat {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("WeChat").field("base_url", &self.inner.base_url).finish_non_exhaustive()
    }
}
