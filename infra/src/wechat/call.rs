//! The one way of a call: send, wait a limited time, read, repeat what may be repeated.

use std::time::Instant;

use reqwest::RequestBuilder;
use serde::{Deserialize, Serialize, de::DeserializeOwned};

use super::{Advice, Errcode, WeChat};
pub use crate::outside::Fault;
use crate::outside::{self, Failing};

/// An interface, as figures and breakers know it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Interface {
    /// Log-in.
    Login,
    /// The access token.
    Token,
    /// A phone number.
    Phone,
    /// A subscribe message.
    Message,
    /// The check of a text.
    TextCheck,
    /// The check of a picture or voice.
    MediaCheck,
    /// A code of a page.
    PageCode,
}

impl Interface {
    /// Every one.
    pub const ALL: [Self; 7] = [
        Self::Login,
        Self::Token,
        Self::Phone,
        Self::Message,
        Self::TextCheck,
        Self::MediaCheck,
        Self::PageCode,
    ];

    /// Its word in the figures.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Login => "login",
            Self::Token => "token",
            Self::Phone => "phone",
            Self::Message => "message",
            Self::TextCheck => "text_check",
            Self::MediaCheck => "media_check",
            Self::PageCode => "page_code",
        }
    }

    const fn path(self) -> &'static str {
        match self {
            Self::Login => "/sns/jscode2session",
            Self::Token => "/cgi-bin/stable_token",
            Self::Phone => "/wxa/business/getuserphonenumber",
            Self::Message => "/cgi-bin/message/subscribe/send",
            Self::TextCheck => "/wxa/msg_sec_check",
            Self::MediaCheck => "/wxa/media_check_async",
            Self::PageCode => "/wxa/getwxacodeunlimit",
        }
    }

    /// Whether a call may be repeated that may have had its effect: a code is used up by it, and a
    /// message would be sent twice.
    const fn repeats_freely(self) -> bool {
        match self {
            Self::Token | Self::TextCheck | Self::MediaCheck | Self::PageCode => true,
            Self::Login | Self::Phone | Self::Message => false,
        }
    }
}

/// The header that names the effect a call is to have, the same in each repetition. WeChat passes it
/// over; a gateway in between and our own records tell by it what came twice.
const KEY: &str = "x-request-key";

/// Why a call brought nothing. It holds no text of the request or the answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Failure {
    /// No connection, no answer in time, or an answer that cannot be read.
    #[error("WeChat is unavailable: {0}")]
    Unavailable(Fault),
    /// It failed again and again and is left alone for a while.
    #[error("WeChat is left alone after failures in a row")]
    Resting,
    /// It refuses.
    #[error("WeChat refuses: {0}")]
    Said(Errcode),
}

impl Failure {
    /// What to do about it.
    pub const fn advice(self) -> Advice {
        match self {
            Self::Unavailable(_) | Self::Resting => Advice::Later,
            Self::Said(errcode) => errcode.advice(),
        }
    }

    const fn outcome(self) -> &'static str {
        match self {
            Self::Unavailable(fault) => fault.outcome(),
            Self::Resting => "resting",
            Self::Said(errcode) => errcode.outcome(),
        }
    }
}

impl Failing for Failure {
    const RESTING: Self = Self::Resting;

    fn is_fault(self) -> bool {
        matches!(self, Self::Unavailable(_) | Self::Said(Errcode::Busy))
    }
}

impl From<Fault> for Failure {
    fn from(fault: Fault) -> Self {
        Self::Unavailable(fault)
    }
}

/// Whether a failed call of an interface is made again at once. What came late is not: whoever
/// waits has waited long enough.
const fn repeats(interface: Interface, failure: Failure) -> bool {
    match failure {
        Failure::Said(Errcode::Busy) | Failure::Unavailable(Fault::Unconnected) => true,
        Failure::Unavailable(Fault::Status(500..)) => interface.repeats_freely(),
        Failure::Unavailable(_) | Failure::Resting | Failure::Said(_) => false,
    }
}

#[derive(Deserialize)]
struct Envelope {
    #[serde(default)]
    errcode: i64,
}

impl WeChat {
    /// Gets, without a token.
    pub(super) async fn get<T: DeserializeOwned>(
        &self,
        interface: Interface,
        query: &[(&str, &str)],
    ) -> Result<T, Failure> {
        let url = self.url(interface);
        decoded(&self.call(interface, || self.inner.http.get(&url).query(query)).await?)
    }

    /// Posts, without a token.
    pub(super) async fn post<T: DeserializeOwned>(
        &self,
        interface: Interface,
        body: &impl Serialize,
    ) -> Result<T, Failure> {
        let url = self.url(interface);
        decoded(&self.call(interface, || self.inner.http.post(&url).json(body)).await?)
    }

    /// Posts with the access token. One that is dead is renewed once, and the call replayed once.
    pub(super) async fn ask<T: DeserializeOwned>(
        &self,
        interface: Interface,
        body: &impl Serialize,
    ) -> Result<T, Failure> {
        decoded(&self.ask_bytes(interface, None, body).await?)
    }

    /// [`WeChat::ask`] for an answer that is a picture, or a refusal in JSON; `key` names the effect in
    /// a header of its own.
    pub(super) async fn ask_bytes(
        &self,
        interface: Interface,
        key: Option<&str>,
        body: &impl Serialize,
    ) -> Result<Vec<u8>, Failure> {
        let url = self.url(interface);
        let send = async |token: &str| {
            let query = [("access_token", token)];
            let build = || {
                let request = self.inner.http.post(&url).query(&query).json(body);
                match key {
                    Some(key) => request.header(KEY, key),
                    None => request,
                }
            };
            self.call(interface, build).await
        };
        let token = self.access_token(None).await?;
        match send(token.expose()).await {
            Err(Failure::Said(Errcode::TokenDead)) => {
                let renewed = self.access_token(Some(&token)).await?;
                send(renewed.expose()).await
            }
            answered => answered,
        }
    }

    fn url(&self, interface: Interface) -> String {
        format!("{}{}", self.inner.base_url, interface.path())
    }

    async fn call(
        &self,
        interface: Interface,
        build: impl Fn() -> RequestBuilder,
    ) -> Result<Vec<u8>, Failure> {
        let started = Instant::now();
        let answer = self.guarded(interface, build).await;
        let outcome = answer.as_ref().map_or_else(|failure| failure.outcome(), |_| "ok");
        let labels = [("interface", interface.name()), ("outcome", outcome)];
        metrics::counter!("wechat_calls_total", &labels).increment(1);
        metrics::histogram!("wechat_call_seconds", "interface" => interface.name())
            .record(started.elapsed());
        answer
    }

    async fn guarded(
        &self,
        interface: Interface,
        build: impl Fn() -> RequestBuilder,
    ) -> Result<Vec<u8>, Failure> {
        let place = Interface::ALL.iter().position(|one| *one == interface);
        let Some(breaker) = place.and_then(|place| self.inner.breakers.get(place)) else {
            unreachable!("every interface has a breaker")
        };
        let repeats = |failure| repeats(interface, failure);
        let call = || once(build());
        outside::guarded(interface.name(), breaker, &self.inner.settings, repeats, call).await
    }
}

async fn once(request: RequestBuilder) -> Result<Vec<u8>, Failure> {
    let response = request.send().await.map_err(Fault::from)?;
    let status = response.status();
    if !status.is_success() {
        return Err(Failure::Unavailable(Fault::Status(status.as_u16())));
    }
    let body = outside::read(response, outside::LONGEST).await?;
    // A picture is no JSON; whether one was expected, the caller knows.
    let envelope = serde_json::from_slice::<Envelope>(&body).ok();
    match envelope.and_then(|envelope| Errcode::of(envelope.errcode)) {
        Some(errcode) => Err(Failure::Said(errcode)),
        None => Ok(body),
    }
}

/// WeChat labels its JSON as text/plain, so that the label says nothing.
pub(super) fn decoded<T: DeserializeOwned>(body: &[u8]) -> Result<T, Failure> {
    serde_json::from_slice(body).map_err(|_| Failure::Unavailable(Fault::Unreadable))
}

#[cfg(test)]
mod tests;
