//! The directory that staff may log in with (OpenID Connect).

use infra::oidc::Settings;
use serde::Deserialize;

use super::Secret;

/// The directory; off where it has no issuer.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Oidc {
    /// Its address, exactly as its tokens write it.
    pub issuer: String,
    /// Our name there.
    pub client_id: String,
    /// Our secret there.
    pub client_secret: Secret,
    /// The page that it sends people back to.
    pub redirect_uri: String,
    /// By which claim a person is found before their first log-in.
    pub username_claim: String,
    /// These means (`amr`, `acr`) stand in for our own second factor.
    #[serde(deserialize_with = "super::list")]
    pub second_factor: Vec<String>,
}

impl Oidc {
    /// How we are known to the directory; none where there is none.
    pub fn settings(&self) -> Option<Settings> {
        (!self.issuer.is_empty()).then(|| Settings {
            issuer: self.issuer.clone(),
            client_id: self.client_id.clone(),
            client_secret: self.client_secret.expose().to_owned(),
            redirect_uri: self.redirect_uri.clone(),
        })
    }

    /// What is wrong with a value: its key, and what would do.
    pub(super) fn fault(&self) -> Option<(&'static str, &'static str)> {
        if self.issuer.is_empty() {
            return None;
        }
        let rules = [
            (infra::oidc::safe(&self.issuer), "oidc.issuer", "应为 https:// 开头的地址"),
            (!self.client_id.is_empty(), "oidc.client_id", "接入统一身份认证时必填"),
            (
                !self.client_secret.expose().is_empty(),
                "oidc.client_secret",
                "接入统一身份认证时必填",
            ),
            (
                infra::oidc::safe(&self.redirect_uri),
                "oidc.redirect_uri",
                "应为 https:// 开头的地址",
            ),
            (!self.username_claim.is_empty(), "oidc.username_claim", "不能为空"),
        ];
        rules.into_iter().find(|(holds, ..)| !holds).map(|(_, key, reason)| (key, reason))
    }
}
