//! How text messages are sent.

use std::time::Duration;

use infra::{outside::Settings, sms::Provider};
use serde::Deserialize;

use super::Secret;

/// Text messages.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sms {
    /// Who sends them.
    pub provider: SmsProvider,
    /// Where the provider's interface is.
    pub endpoint: String,
    /// The id of the key to it.
    pub access_key_id: String,
    /// The key.
    pub access_key_secret: Secret,
    /// The approved signature (签名).
    pub sign_name: String,
    /// The approved template of log-in codes; its place is `code`.
    pub login_template: String,
    /// Seconds that an answer is waited for.
    pub answer_seconds: u32,
    /// So many times a call is repeated that never left.
    pub retries: u32,
    /// After so many failures in a row the provider is left alone.
    pub breaker_failures: u32,
    /// For so many seconds.
    pub breaker_seconds: u32,
}

/// Who sends them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SmsProvider {
    /// Nobody: a masked line in the log.
    Log,
    /// Alibaba Cloud.
    Aliyun,
}

impl Sms {
    /// What is wrong with a value: its key, and what would do.
    pub(super) fn fault(&self) -> Option<(&'static str, &'static str)> {
        let log = self.provider == SmsProvider::Log;
        let given = |text: &str| log || !text.trim().is_empty();
        let rules = [
            (
                self.endpoint.starts_with("http") && reqwest::Url::parse(&self.endpoint).is_ok(),
                "sms.endpoint",
                "应为 https:// 开头的地址",
            ),
            (given(&self.access_key_id), "sms.access_key_id", "用 aliyun 发短信时不能为空"),
            (
                given(self.access_key_secret.expose()),
                "sms.access_key_secret",
                "用 aliyun 发短信时不能为空",
            ),
            (given(&self.sign_name), "sms.sign_name", "用 aliyun 发短信时不能为空"),
            (given(&self.login_template), "sms.login_template", "用 aliyun 发短信时不能为空"),
            ((1..=30).contains(&self.answer_seconds), "sms.answer_seconds", "只能是 1–30 秒"),
            (self.retries <= 5, "sms.retries", "最多 5 次"),
            (self.breaker_failures > 0, "sms.breaker_failures", "至少 1 次"),
            (self.breaker_seconds > 0, "sms.breaker_seconds", "至少 1 秒"),
        ];
        rules.into_iter().find(|(holds, ..)| !holds).map(|(_, key, reason)| (key, reason))
    }

    /// Who sends them, with what that needs.
    ///
    /// # Errors
    /// The endpoint is no URL.
    pub fn provider(&self) -> Result<Provider, String> {
        Ok(match self.provider {
            SmsProvider::Log => Provider::Log,
            SmsProvider::Aliyun => Provider::Aliyun(infra::sms::Account {
                endpoint: self.endpoint.parse().map_err(|_| self.endpoint.clone())?,
                access_key_id: self.access_key_id.clone(),
                access_key_secret: self.access_key_secret.expose().to_owned(),
                sign_name: self.sign_name.clone(),
            }),
        })
    }

    /// How patient the sender is.
    pub fn settings(&self) -> Settings {
        Settings {
            answer: Duration::from_secs(self.answer_seconds.into()),
            retries: self.retries,
            breaker_failures: self.breaker_failures,
            breaker_pause: Duration::from_secs(self.breaker_seconds.into()),
        }
    }
}
