//! How WeChat is reached, and how it reaches us.

use std::time::Duration;

use serde::Deserialize;

use super::Secret;

/// WeChat.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WeChat {
    /// Where its server interfaces are.
    pub base_url: String,
    /// The mini-program's id.
    pub app_id: String,
    /// The mini-program's secret.
    pub app_secret: Secret,
    /// Signs pushes.
    pub push_token: Secret,
    /// Encrypts pushes; 43 characters.
    pub encoding_aes_key: Secret,
    /// Whether pushes that are not encrypted are taken.
    pub push_plain: bool,
    /// Where WeChat fetches photos and voice that it checks: the interface as the world reaches it;
    /// empty when it cannot.
    pub media_base_url: String,
    /// The mini-program's page that shows a service post.
    pub post_page: String,
    /// Seconds that an answer is waited for.
    pub answer_seconds: u32,
    /// So many times a call is repeated that may be.
    pub retries: u32,
    /// After so many failures in a row an interface is left alone.
    pub breaker_failures: u32,
    /// For so many seconds.
    pub breaker_seconds: u32,
}

impl WeChat {
    /// What is wrong with a value: its key, and what would do.
    pub(super) fn fault(&self) -> Option<(&'static str, &'static str)> {
        let media = &self.media_base_url;
        let rules = [
            (self.base_url.starts_with("http"), "wechat.base_url", "应为 https:// 开头的地址"),
            (
                self.encoding_aes_key.expose().len() == 43,
                "wechat.encoding_aes_key",
                "应为 43 个字符",
            ),
            (
                media.is_empty() || media.starts_with("https://"),
                "wechat.media_base_url",
                "应为 https:// 开头的地址，或者留空",
            ),
            (
                !self.post_page.is_empty() && !self.post_page.starts_with('/'),
                "wechat.post_page",
                "应为小程序里的页面路径，开头没有 /，例如 pages/post/index",
            ),
            ((1..=30).contains(&self.answer_seconds), "wechat.answer_seconds", "只能是 1–30 秒"),
            (self.retries <= 5, "wechat.retries", "最多 5 次"),
            (self.breaker_failures > 0, "wechat.breaker_failures", "至少 1 次"),
            (self.breaker_seconds > 0, "wechat.breaker_seconds", "至少 1 秒"),
        ];
        rules.into_iter().find(|(holds, ..)| !holds).map(|(_, key, reason)| (key, reason))
    }

    /// How patient the client is.
    pub fn settings(&self) -> infra::wechat::Settings {
        infra::wechat::Settings {
            answer: Duration::from_secs(self.answer_seconds.into()),
            retries: self.retries,
            breaker_failures: self.breaker_failures,
            breaker_pause: Duration::from_secs(self.breaker_seconds.into()),
        }
    }
}
