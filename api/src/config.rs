//! The configuration: `config/default.toml` (embedded), a file, then `ZHIXIANG__SECTION__KEY`.

use std::path::Path;

use config::{Environment, File, FileFormat};
use domain::invitation::is_field;
use ipnet::IpNet;
use serde::{Deserialize, Deserializer};

mod files;
mod oidc;
mod security;
mod sms;
mod wechat;

pub use files::{FileStore, Files};
pub use oidc::Oidc;
pub use security::Security;
pub use sms::{Sms, SmsProvider};
pub use wechat::WeChat;

/// The embedded defaults, which also document every key.
pub const DEFAULTS: &str = include_str!("../../config/default.toml");

/// Everything that can be configured. Each key is explained in `config/default.toml`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// Demo or production.
    pub mode: Mode,
    /// The HTTP server.
    pub http: Http,
    /// PostgreSQL.
    pub database: Database,
    /// Redis.
    pub redis: Redis,
    /// Secrets and the lives of tokens.
    pub security: Security,
    /// Rate limits.
    pub limits: Limits,
    /// Photos and voice.
    pub files: Files,
    /// WeChat.
    pub wechat: WeChat,
    /// Text messages.
    pub sms: Sms,
    /// The directory that staff may log in with.
    pub oidc: Oidc,
    /// The worker.
    pub worker: Worker,
    /// Deadlines and limits of the rules.
    #[serde(default)]
    pub sla: domain::sla::Rules,
    /// Weights and the minimum sample of the three rates.
    #[serde(default)]
    pub rates: domain::rates::RateRules,
    /// What gives points, and how long they and redemption codes last.
    #[serde(default)]
    pub points: domain::points::Rules,
    /// Households in difficulty: how many a person looks after, and when a visit is due.
    #[serde(default)]
    pub household: domain::household::Rules,
    /// What is shown at a till, how often it may be wrong, what can be taken back.
    #[serde(default)]
    pub till: domain::redemption::Rules,
    /// From when on something is looked at by a person.
    #[serde(default)]
    pub fairness: domain::fairness::Rules,
    /// What a year of service requires, and when people are told.
    #[serde(default)]
    pub service_year: domain::service::year::Rules,
    /// Papers (PDF).
    pub pdf: Pdf,
    /// The five colours of the party register.
    #[serde(default)]
    pub party: domain::party::colour::Rules,
    /// How long invitations are good and statements can be disputed.
    #[serde(default)]
    pub merchant: domain::merchant::Rules,
    /// Hours from other volunteer platforms.
    #[serde(default)]
    pub hours: domain::service::hours::Rules,
    /// The score book of party members.
    #[serde(default)]
    pub score: domain::score::Rules,
    /// What the public may read of what people write.
    #[serde(default)]
    pub screening: domain::screening::Rules,
    /// Check-in, cancellation and what follows when nobody comes.
    #[serde(default)]
    pub service: domain::service::Rules,
    /// How long the audit trail is kept, and where the heads of its chain.
    #[serde(default)]
    pub audit: domain::audit::Rules,
    /// Erasures and consents.
    pub privacy: Privacy,
    /// When nothing is sent out that can wait, unless a person says otherwise.
    pub quiet: domain::delivery::Quiet,
    /// When staff are sent the summary of their tasks.
    pub digest: domain::delivery::Morning,
    /// Logs and traces.
    pub telemetry: Telemetry,
}

/// Erasures and consents.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Privacy {
    /// The file outside the database with the ids of erased accounts; empty for none.
    pub erased_list: String,
    /// Days that notifications and ended log-ins are kept.
    pub keep_days: u32,
    /// Megabytes of a person's own files that an export as ZIP holds at most.
    pub export_megabytes: u32,
    /// Operations that ask for a consent first: `complaint.submit`, `registration.submit`.
    #[serde(deserialize_with = "list")]
    pub consent_required: Vec<String>,
}

/// Papers (PDF).
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Pdf {
    /// A file with a Chinese font; empty looks where distributions put one.
    pub font: String,
    /// Which face of a collection (.ttc), from 0; for `font` alone.
    pub face: u32,
}

/// What kind of installation this is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Mode {
    /// Demo data, demo log-ins and demo secrets are allowed.
    Demo,
    /// The real thing.
    Production,
}

/// The HTTP server.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Http {
    /// The address to listen on.
    pub host: String,
    /// The port to listen on; 0 takes a free one.
    pub port: u16,
    /// Worker threads; 0 is one per core.
    pub workers: usize,
    /// Seconds for which a client may take nothing of what is sent to it.
    pub send_seconds: u32,
    /// Origins of web pages that may call the interface.
    #[serde(deserialize_with = "list")]
    pub allowed_origins: Vec<String>,
    /// Networks whose `X-Forwarded-For` is believed.
    #[serde(deserialize_with = "list")]
    pub trusted_proxies: Vec<IpNet>,
}

/// PostgreSQL.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Database {
    /// The connection URL.
    pub url: Secret,
    /// Connections of this process at most.
    pub connections: u32,
}

/// Redis.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Redis {
    /// The connection URL.
    pub url: Secret,
    /// What every key begins with.
    pub prefix: String,
}

/// Rate limits.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Limits {
    /// Log-ins per address and minute.
    pub login_per_minute: u32,
    /// Wrong passwords in a row until the account is locked.
    pub login_failures: u32,
    /// Minutes an account stays locked.
    pub lock_minutes: u32,
    /// Codes to phones per address and hour.
    pub phone_codes_per_hour: u32,
    /// Anonymous complaints per address and hour.
    pub anonymous_per_hour: u32,
    /// Look-ups by query code per address and minute.
    pub track_per_minute: u32,
    /// Token renewals per address and second.
    pub refresh_per_second: u32,
    /// Uploads per account and minute.
    pub uploads_per_minute: u32,
    /// Exports of one's own data per account and hour.
    pub export_per_hour: u32,
    /// Streams of an account at once, in each process.
    pub streams_per_person: u32,
    /// Streams of a process at once.
    pub streams: u32,
}

/// The worker.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Worker {
    /// Seconds until a silent worker's job is taken over.
    pub lease_seconds: u32,
    /// Seconds between scans of the database.
    pub scan_seconds: u32,
    /// Jobs claimed at once.
    pub batch: u32,
    /// Port of the worker's own health and figures; 0 for none.
    pub port: u16,
}

/// Logs and traces.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Telemetry {
    /// How logs are written.
    pub log_format: LogFormat,
    /// What is logged, as in `RUST_LOG`.
    pub log_filter: String,
    /// Where traces go; empty for nowhere.
    pub otlp_endpoint: String,
}

/// How logs are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// Lines for people.
    Text,
    /// JSON for machines.
    Json,
}

/// A configured text that is never printed.
#[derive(Clone, PartialEq, Eq, Deserialize)]
#[serde(transparent)]
pub struct Secret(String);

impl Secret {
    /// The text itself.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl From<&str> for Secret {
    fn from(text: &str) -> Self {
        Self(text.to_owned())
    }
}

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("***")
    }
}

/// Why the configuration cannot be used, for whoever starts the program.
#[derive(Debug, thiserror::Error)]
pub enum Unusable {
    /// A file or a variable cannot be read.
    #[error("配置无法读取：{0}\n可用的键和说明见 config/default.toml")]
    Unreadable(#[from] config::ConfigError),
    /// A value makes no sense.
    #[error("配置项 {key} 不对：{reason}\n可用环境变量 {} 设置", variable(.key))]
    Value {
        /// The key, such as `security.jwt_secret`.
        key: &'static str,
        /// What is wrong and what would do.
        reason: &'static str,
    },
}

/// The environment variable that sets a key.
fn variable(key: &str) -> String {
    format!("ZHIXIANG__{}", key.replace('.', "__").to_uppercase())
}

impl Config {
    /// Reads the defaults, then `file`, then the environment, and checks the result.
    ///
    /// # Errors
    /// Something cannot be read, or makes no sense, or is a demo secret in production.
    pub fn load(file: Option<&Path>) -> Result<Self, Unusable> {
        let environment =
            Environment::with_prefix("ZHIXIANG").prefix_separator("__").separator("__");
        Self::read(file, environment)
    }

    fn read(file: Option<&Path>, environment: Environment) -> Result<Self, Unusable> {
        let mut sources =
            config::Config::builder().add_source(File::from_str(DEFAULTS, FileFormat::Toml));
        if let Some(path) = file {
            sources = sources.add_source(File::from(path).format(FileFormat::Toml).required(true));
        }
        let config: Self = sources.add_source(environment).build()?.try_deserialize()?;
        config.check()?;
        Ok(config)
    }

    fn check(&self) -> Result<(), Unusable> {
        let files = &self.files;
        let bucket = files.store == FileStore::Local || !files.s3_bucket.is_empty();
        let endpoint = files.store == FileStore::Local || files.s3_endpoint.starts_with("http");
        let rules: &[(bool, &'static str, &'static str)] = &[
            (!files.directory.is_empty(), "files.directory", "不能为空"),
            (endpoint, "files.s3_endpoint", "应为 https:// 开头的地址"),
            (bucket, "files.s3_bucket", "不能为空"),
            (files.per_day > 0, "files.per_day", "至少 1 个"),
            ((1..=60).contains(&files.voice_minutes), "files.voice_minutes", "只能是 1–60 分钟"),
            (self.database.connections > 1, "database.connections", "至少要有 2 个连接"),
            (!self.redis.prefix.is_empty(), "redis.prefix", "不能为空"),
            (
                self.security.jwt_secret.expose().chars().count() >= 32,
                "security.jwt_secret",
                "至少要有 32 个字符，可用 openssl rand -base64 48 生成",
            ),
            (
                (1..=15).contains(&self.security.access_minutes),
                "security.access_minutes",
                "只能是 1–15 分钟",
            ),
            (self.security.refresh_days > 0, "security.refresh_days", "至少 1 天"),
            (self.security.session_days > 0, "security.session_days", "至少 1 天"),
            (
                (1..=15).contains(&self.security.staff_access_minutes),
                "security.staff_access_minutes",
                "只能是 1–15 分钟",
            ),
            (
                self.security.staff_idle_minutes > self.security.staff_access_minutes,
                "security.staff_idle_minutes",
                "要比 security.staff_access_minutes 长，否则访问令牌到期时已经来不及刷新",
            ),
            (self.security.staff_session_hours > 0, "security.staff_session_hours", "至少 1 小时"),
            (self.limits.login_failures > 0, "limits.login_failures", "至少 1 次"),
            (self.privacy.keep_days >= 30, "privacy.keep_days", "至少 30 天"),
            (self.quiet.from < 24, "quiet.from", "只能是 0–23 的整点"),
            (self.quiet.until < 24, "quiet.until", "只能是 0–23 的整点"),
            (self.digest.is_sound(), "digest.hour", "只能在 8:00–20:59 之间，分钟为 0–59"),
            (
                self.privacy.consent_required.iter().all(|operation| {
                    ["complaint.submit", "registration.submit"].contains(&operation.as_str())
                }),
                "privacy.consent_required",
                "只能是 complaint.submit 和 registration.submit",
            ),
            (self.worker.lease_seconds > 0, "worker.lease_seconds", "至少 1 秒"),
            (self.worker.scan_seconds > 0, "worker.scan_seconds", "至少 1 秒"),
            ((1..=1000).contains(&self.worker.batch), "worker.batch", "只能是 1–1000"),
            (
                (10..=300).contains(&self.till.qr_seconds),
                "till.qr_seconds",
                "只能是 10–300 秒：太短来不及扫，太长截图能用",
            ),
            ((1..=20).contains(&self.till.clerk_misses), "till.clerk_misses", "只能是 1–20 次"),
            (
                (1..=200).contains(&self.till.merchant_misses),
                "till.merchant_misses",
                "只能是 1–200 次",
            ),
            (
                (1..=1440).contains(&self.till.lock_minutes),
                "till.lock_minutes",
                "只能是 1–1440 分钟",
            ),
            ((1..=60).contains(&self.till.voucher_days), "till.voucher_days", "只能是 1–60 天"),
            (
                self.service_year.reminders_apart(),
                "service_year.reminders",
                "每个月最多提醒一次，请把日期放在不同的月份",
            ),
            (
                self.service_year.required.iter().all(|row| row.services >= 0 && row.hours >= 0),
                "service_year.required",
                "次数和小时数不能是负数",
            ),
            (
                self.party.is_sound(),
                "party.aged_from",
                "高龄只能从 50–110 岁算起，五个组各用一种颜色",
            ),
            (
                self.security.totp_roles.iter().all(|role| role.is_staff() && !is_field(*role)),
                "security.totp_roles",
                "居民、党员和外勤角色用微信登录，不能要求动态口令",
            ),
            (self.audit.is_lawful(), "audit.keep_months", "审计记录至少保留 12 个月"),
        ];
        let parts =
            [self.service.fault(), self.wechat.fault(), self.sms.fault(), self.oidc.fault()];
        if let Some((key, reason)) = parts.into_iter().flatten().next() {
            return Err(Unusable::Value { key, reason });
        }
        for &(holds, key, reason) in rules {
            if !holds {
                return Err(Unusable::Value { key, reason });
            }
        }
        if self.mode == Mode::Production { self.check_production() } else { Ok(()) }
    }

    /// In production no secret may be the one that everybody can read in the repository.
    fn check_production(&self) -> Result<(), Unusable> {
        let demo: Self = config::Config::builder()
            .add_source(File::from_str(DEFAULTS, FileFormat::Toml))
            .build()?
            .try_deserialize()?;
        let reason = "正式环境不能使用公开的演示值，请换成自己的";
        let (ours, theirs) = (&self.security, &demo.security);
        let (we, they) = (&self.wechat, &demo.wechat);
        for (same, key) in [
            (ours.jwt_secret == theirs.jwt_secret, "security.jwt_secret"),
            (ours.data_key == theirs.data_key, "security.data_key"),
            (we.app_id == they.app_id, "wechat.app_id"),
            (we.app_secret == they.app_secret, "wechat.app_secret"),
            (we.push_token == they.push_token, "wechat.push_token"),
            (we.encoding_aes_key == they.encoding_aes_key, "wechat.encoding_aes_key"),
        ] {
            if same {
                return Err(Unusable::Value { key, reason });
            }
        }
        if ours.totp_roles.is_empty() {
            let reason =
                "正式环境要写明哪些角色必须使用动态口令，例如 security_admin,system_admin,auditor";
            return Err(Unusable::Value { key: "security.totp_roles", reason });
        }
        if self.audit.heads.is_empty() {
            let reason = "正式环境要写一个数据库之外的目录，审计链的链头留存在那里";
            return Err(Unusable::Value { key: "audit.heads", reason });
        }
        Ok(())
    }
}

/// A list, or in an environment variable a text with commas.
fn list<'de, D, T>(from: D) -> Result<Vec<T>, D::Error>
where
    D: Deserializer<'de>,
    T: std::str::FromStr<Err: std::fmt::Display>,
{
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Given {
        List(Vec<String>),
        Text(String),
    }
    let items = match Given::deserialize(from)? {
        Given::List(items) => items,
        Given::Text(text) => text.split(',').map(str::to_owned).collect(),
    };
    items
        .iter()
        .map(|item| item.trim())
        .filter(|item| !item.is_empty())
        .map(|item| item.parse().map_err(|why| serde::de::Error::custom(format!("{item}：{why}"))))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    pub(super) fn with(pairs: &[(&str, &str)]) -> Result<Config, Unusable> {
        let variables =
            pairs.iter().map(|(key, value)| (variable(key), (*value).to_owned())).collect();
        let environment = Environment::with_prefix("ZHIXIANG")
            .prefix_separator("__")
            .separator("__")
            .source(Some(variables));
        Config::read(None, environment)
    }

    #[test]
    fn the_defaults_are_the_demo_of_the_contract() {
        let config = with(&[]).unwrap();
        assert_eq!(config.mode, Mode::Demo);
        assert_eq!(config.wechat.app_id, "wxdemo");
        assert_eq!(config.wechat.app_secret.expose(), "demo-secret");
        assert_eq!(config.wechat.push_token.expose(), "demo-token");
        assert_eq!(config.http.port, 8080);
        assert!(config.limits.login_per_minute >= 300);
    }

    #[test]
    fn the_environment_overrides_and_keeps_texts_as_they_are() {
        let config = with(&[
            ("http.port", "9000"),
            ("http.allowed_origins", "https://a.cn, https://b.cn"),
            ("http.trusted_proxies", "10.0.0.0/8"),
            ("wechat.app_secret", "1e5"),
        ])
        .unwrap();
        assert_eq!(config.http.port, 9000);
        assert_eq!(config.http.allowed_origins, ["https://a.cn", "https://b.cn"]);
        assert_eq!(config.http.trusted_proxies.len(), 1);
        assert_eq!(config.wechat.app_secret.expose(), "1e5");
    }

    #[test]
    fn a_misspelt_key_is_refused() {
        let error = with(&[("http.prot", "1")]).unwrap_err().to_string();
        assert!(error.contains("prot"), "{error}");
    }

    #[test]
    fn a_wechat_that_cannot_work_is_named() {
        for (key, value) in [
            ("wechat.base_url", "api.weixin.qq.com"),
            ("wechat.encoding_aes_key", "short"),
            ("wechat.media_base_url", "http://example.org/api/v1"),
            ("wechat.answer_seconds", "0"),
            ("wechat.answer_seconds", "31"),
            ("wechat.retries", "6"),
            ("wechat.breaker_failures", "0"),
            ("wechat.breaker_seconds", "0"),
        ] {
            let error = with(&[(key, value)]).unwrap_err().to_string();
            assert!(error.contains(key) && error.contains(&variable(key)), "{error}");
        }
    }

    #[test]
    fn an_sms_provider_that_cannot_work_is_named() {
        let mut own = vec![("sms.provider", "aliyun")];
        for (key, value) in [
            ("sms.access_key_id", "id"),
            ("sms.access_key_secret", "secret"),
            ("sms.sign_name", "智享平城"),
            ("sms.login_template", "SMS_1"),
        ] {
            let error = with(&own).unwrap_err().to_string();
            assert!(error.contains(key) && error.contains(&variable(key)), "{error}");
            own.push((key, value));
        }
        let config = with(&own).unwrap();
        assert_eq!(config.sms.provider, SmsProvider::Aliyun);
        for (key, value) in [("sms.endpoint", "dysmsapi.aliyuncs.com"), ("sms.retries", "6")] {
            let error = with(&[(key, value)]).unwrap_err().to_string();
            assert!(error.contains(key), "{error}");
        }
    }

    #[test]
    fn production_names_what_is_still_the_demos_or_missing() {
        let mut own = vec![("mode", "production")];
        for (key, value) in [
            ("security.jwt_secret", "another-secret-that-is-long-enough!"),
            (
                "security.data_key",
                "ff0102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f",
            ),
            ("wechat.app_id", "wx0123456789abcdef"),
            ("wechat.app_secret", "s"),
            ("wechat.push_token", "t"),
            ("wechat.encoding_aes_key", "bbcdefghijklmnopqrstuvwxyz0123456789ABCDEFG"),
            ("security.totp_roles", "security_admin,auditor"),
            ("audit.heads", "/var/lib/zhixiang/audit"),
        ] {
            let error = with(&own).unwrap_err().to_string();
            assert!(error.contains(key) && error.contains(&variable(key)), "{error}");
            own.push((key, value));
        }
        assert_eq!(with(&own).unwrap().mode, Mode::Production);
    }

    #[test]
    fn secrets_are_never_printed() {
        let printed = format!("{:?}", with(&[]).unwrap());
        assert!(!printed.contains("demo-secret") && !printed.contains("demo-only"), "{printed}");
    }
}
