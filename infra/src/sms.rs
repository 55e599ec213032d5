//! Text messages (短信). One way to send, [`Sms::send`], behind which stands a provider: Alibaba
//! Cloud, or for the demo the log.
//!
//! No provider drops a repetition: what may have been sent is never sent again by itself
//! ([`Advice::Unknown`]), only what surely was not ([`Advice::Retry`]). Whoever sends notes that it
//! does before it calls, in a transaction of its own.

use std::{sync::Arc, time::Instant};

use domain::{personal::Phone, time::Timestamp};

use crate::outside::{Failing, Fault, Settings};

mod aliyun;

pub use aliyun::Account;
use aliyun::Aliyun;

/// A message to one person.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Text<'a> {
    /// Who gets it: a mobile number of mainland China.
    pub phone: &'a Phone,
    /// The template's code at the provider (`SMS_…`).
    pub template: &'a str,
    /// What stands in the template's places, by name.
    pub params: &'a [(&'a str, &'a str)],
    /// Names this message at the provider, such as `job-<id>`, so that its receipts are told apart.
    /// It holds back no repetition.
    pub key: &'a str,
}

/// The provider took it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Receipt {
    /// The provider's number of it, for questions to the provider; none from the log.
    pub number: Option<String>,
}

/// Why a message was not taken. It holds no text of the request or the answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Failure {
    /// No connection, no answer in time, or an answer that cannot be read.
    #[error("the SMS provider is unavailable: {0}")]
    Unavailable(Fault),
    /// It failed again and again and is left alone for a while.
    #[error("the SMS provider is left alone after failures in a row")]
    Resting,
    /// It refuses.
    #[error("the SMS provider refuses: {}", .0.code)]
    Said(Refusal),
    /// Text messages go to mobile numbers of mainland China alone: the provider was not asked.
    #[error("the number is no mobile number of mainland China, so that nothing was sent")]
    NotMobile,
}

/// A provider's refusal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Refusal {
    /// Its code, or `other` where it is not known here.
    pub code: &'static str,
    /// What to do about it.
    pub advice: Advice,
}

/// What whoever called is to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Advice {
    /// Surely not sent: try again later.
    Retry,
    /// It may have been sent: never send it again by itself.
    Unknown,
    /// Surely not sent, and never will be until a person mends what the code names.
    Refused(&'static str),
    /// Surely not sent: this number has had too many; try again when its hour or day is over.
    Limit,
    /// Surely not sent: the day's or the month's quota is used up; try again the next day.
    Spent,
}

impl Failure {
    /// What to do about it.
    pub const fn advice(self) -> Advice {
        match self {
            Self::Unavailable(Fault::Unconnected) | Self::Resting => Advice::Retry,
            Self::Unavailable(_) => Advice::Unknown,
            Self::Said(refusal) => refusal.advice,
            Self::NotMobile => Advice::Refused("not_mobile"),
        }
    }

    const fn outcome(self) -> &'static str {
        match self {
            Self::Unavailable(fault) => fault.outcome(),
            Self::Resting => "resting",
            Self::Said(refusal) => refusal.code,
            Self::NotMobile => "not_mobile",
        }
    }
}

impl Failing for Failure {
    const RESTING: Self = Self::Resting;

    fn is_fault(self) -> bool {
        match self {
            Self::Unavailable(_) => true,
            Self::Said(refusal) => matches!(refusal.advice, Advice::Retry | Advice::Unknown),
            Self::Resting | Self::NotMobile => false,
        }
    }
}

impl From<Fault> for Failure {
    fn from(fault: Fault) -> Self {
        Self::Unavailable(fault)
    }
}

/// Where messages go.
#[derive(Debug, Clone)]
pub enum Provider {
    /// Into the log, masked: nobody gets any.
    Log,
    /// To Alibaba Cloud.
    Aliyun(Account),
}

/// The one sender of text messages; cloning it clones the handle.
#[derive(Clone)]
pub struct Sms {
    aliyun: Option<Arc<Aliyun>>,
}

/// Where the time comes from; a request is signed with it.
pub type Now = Arc<dyn Fn() -> Timestamp + Send + Sync>;

impl Sms {
    /// A sender.
    ///
    /// # Errors
    /// The TLS set-up of this machine is unusable.
    pub fn new(provider: Provider, settings: Settings, now: Now) -> Result<Self, reqwest::Error> {
        let aliyun = match provider {
            Provider::Log => None,
            Provider::Aliyun(account) => Some(Arc::new(Aliyun::new(account, settings, now)?)),
        };
        Ok(Self { aliyun })
    }

    /// Whether messages reach people, and not the log alone.
    pub fn reaches_people(&self) -> bool {
        self.aliyun.is_some()
    }

    /// Sends a message. The provider takes its time, so that no transaction may be open meanwhile.
    ///
    /// # Errors
    /// It was not taken, or nobody knows whether it was; [`Failure::advice`] says which, and whether to
    /// try again.
    pub async fn send(&self, text: &Text<'_>) -> Result<Receipt, Failure> {
        let started = Instant::now();
        let sent = match &self.aliyun {
            _ if !text.phone.is_mobile() => Err(Failure::NotMobile),
            Some(aliyun) => aliyun.send(text).await,
            None => {
                let Text { phone, template, key, .. } = text;
                tracing::info!(%phone, %template, %key, "text message, to the log alone");
                Ok(Receipt { number: None })
            }
        };
        let outcome = sent.as_ref().map_or_else(|failure| failure.outcome(), |_| "ok");
        metrics::counter!("sms_calls_total", "outcome" => outcome).increment(1);
        metrics::histogram!("sms_call_seconds").record(started.elapsed());
        sent
    }
}

impl std::fmt::Debug for Sms {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Sms").field("reaches_people", &self.reaches_people()).finish()
    }
}
