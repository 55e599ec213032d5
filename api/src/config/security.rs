//! Secrets, the lives of tokens, and what is asked of staff.

use std::collections::HashMap;

use domain::identity::Role;
use infra::crypto::{Algorithms, BadKey, Crypto};
use ipnet::IpNet;
use serde::{Deserialize, Deserializer};

use super::{Secret, list};

/// Secrets and the lives of tokens.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Security {
    /// Signs access tokens; at least 32 characters.
    pub jwt_secret: Secret,
    /// Encrypts personal data; keys as `infra::crypto::Crypto::parse` reads them.
    pub data_key: Secret,
    /// The id of the key that blind indexes and MACs are made by; 0 for the last one.
    pub index_key: u8,
    /// What seals, indexes and hashes: `international` or `sm`.
    pub algorithms: Algorithms,
    /// Minutes an access token lives (1–15).
    pub access_minutes: u32,
    /// Days an unused refresh token lives.
    pub refresh_days: u32,
    /// Days a log-in lives at most.
    pub session_days: u32,
    /// Minutes an access token of a staff account lives (1–15).
    pub staff_access_minutes: u32,
    /// Minutes an unused refresh token of a staff account lives; the idle limit of the console.
    pub staff_idle_minutes: u32,
    /// Hours a staff log-in lives at most.
    pub staff_session_hours: u32,
    /// Days a staff password is used at most; 0 for no limit.
    pub password_days: u32,
    /// Roles that log in with a second factor alone.
    #[serde(deserialize_with = "list")]
    pub totp_roles: Vec<Role>,
    /// Where a role may be used from; a role without networks, from anywhere.
    #[serde(deserialize_with = "networks")]
    pub networks: HashMap<Role, Vec<IpNet>>,
}

impl Security {
    /// The keys, with the algorithms that are to be used.
    ///
    /// # Errors
    /// A key cannot be used.
    pub fn crypto(&self) -> Result<Crypto, BadKey> {
        let keys = Crypto::parse(self.data_key.expose())?;
        let keys = if self.index_key == 0 { keys } else { keys.indexing_by(self.index_key)? };
        Ok(keys.using(self.algorithms))
    }
}

/// Networks of roles, each a list in CIDR notation. What is wrong is named with its key.
fn networks<'de, D: Deserializer<'de>>(from: D) -> Result<HashMap<Role, Vec<IpNet>>, D::Error> {
    #[derive(Deserialize)]
    #[serde(transparent)]
    struct Texts(#[serde(deserialize_with = "list")] Vec<String>);
    let wrong = |role: &str, why: String| -> D::Error {
        serde::de::Error::custom(format!("security.networks.{role}：{why}"))
    };
    let given = HashMap::<String, Texts>::deserialize(from)?;
    let parsed = given.into_iter().map(|(name, Texts(texts))| -> Result<_, D::Error> {
        let role = name.parse::<Role>().map_err(|why| wrong(&name, why.to_string()))?;
        let parse = |text: &String| {
            text.parse()
                .map_err(|_| wrong(&name, format!("{text} 不是 CIDR 写法的网络，如 10.20.0.0/16")))
        };
        Ok((role, texts.iter().map(parse).collect::<Result<_, _>>()?))
    });
    parsed.collect()
}

#[cfg(test)]
mod tests {
    use super::{super::tests::with, *};

    #[test]
    fn roles_have_networks_and_a_bad_one_is_named() {
        let key = "security.networks.security_admin";
        let config = with(&[(key, "10.20.0.0/16, fd00::/8")]).unwrap();
        let found = &config.security.networks[&Role::SecurityAdmin];
        let wanted: Vec<IpNet> = vec!["10.20.0.0/16".parse().unwrap(), "fd00::/8".parse().unwrap()];
        assert_eq!(*found, wanted);
        for (key, value) in [(key, "10.20.0.0/33"), ("security.networks.boss", "10.0.0.0/8")] {
            let error = with(&[(key, value)]).unwrap_err().to_string();
            assert!(error.contains(key), "{error}");
        }
        let error = with(&[("security.totp_roles", "boss")]).unwrap_err().to_string();
        assert!(error.contains("boss"), "{error}");
    }
}
