//! A directory that staff log in with (OpenID Connect): where it is, the exchange of a code, and what
//! its ID tokens are worth. Nothing of a token is believed before its signature is checked by a key
//! that the issuer publishes.

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use chrono::TimeDelta;
use domain::time::Timestamp;
use jsonwebtoken::{
    Algorithm, DecodingKey, Validation, decode, decode_header,
    jwk::{AlgorithmParameters, Jwk, KeyAlgorithm, PublicKeyUse},
};
use reqwest::Url;
use serde::Deserialize;
use serde_json::{Map, Value};
use tokio::sync::Mutex;

use crate::{
    crypto,
    outside::{self, Breaker, Failing, Fault},
};

/// Who comes together waits for one question; when it failed, all are told at once for a while, and then
/// one asks again.
const PATIENCE: outside::Settings = outside::Settings {
    answer: Duration::from_secs(5),
    retries: 0,
    breaker_failures: 1,
    breaker_pause: Duration::from_secs(5),
};
/// No answer of a directory is longer, in bytes.
const LONGEST: usize = 512 * 1024;
/// For so long what the directory published is not asked for again.
const FRESH: TimeDelta = TimeDelta::hours(1);
/// For a key that is not among the published ones they are fetched anew, at most once in so long.
const UNKNOWN_KEY_PAUSE: TimeDelta = TimeDelta::seconds(60);
/// The directory's clock may differ from ours by so much.
const LEEWAY: i64 = 5;

/// How we are known to a directory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// Its address, exactly as its tokens write it.
    pub issuer: String,
    /// Our name there.
    pub client_id: String,
    /// Our secret there.
    pub client_secret: String,
    /// Where it sends people back to.
    pub redirect_uri: String,
}

/// Why there is no answer that can be believed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Failure {
    /// The directory is away.
    #[error("the directory is away: {0}")]
    Away(#[from] Fault),
    /// It was away a moment ago; it was not asked.
    #[error("the directory was away a moment ago")]
    Resting,
    /// What it publishes cannot be used.
    #[error("what the directory publishes cannot be used: {0}")]
    Unfit(&'static str),
    /// It does not take the code.
    #[error("the directory does not take the code")]
    Code,
    /// Its token is not to be believed.
    #[error("the token is not to be believed: {0}")]
    Token(&'static str),
}

impl Failing for Failure {
    const RESTING: Self = Self::Resting;

    fn is_fault(self) -> bool {
        matches!(self, Self::Away(_))
    }
}

/// Who somebody is, as the directory vouches.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Person {
    /// The directory's own name of them, which never changes.
    pub subject: String,
    /// What the configured claim says, such as the name they log in with.
    pub name: Option<String>,
    /// By what means they showed who they are (`amr`), and the level of that (`acr`).
    pub means: BTreeSet<String>,
}

#[derive(Debug, Clone, Deserialize)]
struct Metadata {
    issuer: String,
    authorization_endpoint: String,
    token_endpoint: String,
    jwks_uri: String,
}

/// Keys one by one, so that one of a kind that we do not know hides no other.
#[derive(Deserialize)]
struct Set {
    keys: Vec<Value>,
}

/// The answer for a code. Its other tokens are not even read.
#[derive(Deserialize)]
struct Answer {
    id_token: String,
}

#[derive(Debug, Clone, Default)]
struct Published {
    metadata: Option<(Metadata, Timestamp)>,
    keys: Option<(Vec<Jwk>, Timestamp)>,
}

struct Inner {
    settings: Settings,
    http: reqwest::Client,
    published: Mutex<Published>,
    breaker: Breaker,
}

/// The client of a directory. Cloning clones the handle.
#[derive(Clone)]
pub struct Oidc {
    inner: Arc<Inner>,
}

impl std::fmt::Debug for Oidc {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Oidc").field("issuer", &self.inner.settings.issuer).finish_non_exhaustive()
    }
}

/// Whether an address may be asked: encrypted, or on this very machine.
pub fn safe(url: &str) -> bool {
    Url::parse(url).is_ok_and(|url| match url.scheme() {
        "https" => true,
        "http" => matches!(url.host_str(), Some("127.0.0.1" | "localhost" | "[::1]")),
        _ => false,
    })
}

impl Oidc {
    /// # Errors
    /// No client can be built on this machine.
    pub fn new(settings: Settings) -> Result<Self, reqwest::Error> {
        let http = outside::client(&PATIENCE)?;
        let (published, breaker) = (Mutex::default(), Breaker::default());
        Ok(Self { inner: Arc::new(Inner { settings, http, published, breaker }) })
    }

    /// The issuer.
    pub fn issuer(&self) -> &str {
        &self.inner.settings.issuer
    }

    /// Where a person's browser is sent to log in.
    ///
    /// # Errors
    /// [`Failure::Away`].
    pub async fn authorize_url(
        &self,
        (state, nonce, verifier): (&str, &str, &str),
        now: Timestamp,
    ) -> Result<String, Failure> {
        let metadata = self.metadata(now).await?;
        let url = Url::parse(&metadata.authorization_endpoint);
        let mut url = url.map_err(|_| Failure::Unfit("authorization_endpoint"))?;
        let settings = &self.inner.settings;
        url.query_pairs_mut()
            .append_pair("response_type", "code")
            .append_pair("scope", "openid profile")
            .append_pair("client_id", &settings.client_id)
            .append_pair("redirect_uri", &settings.redirect_uri)
            .append_pair("state", state)
            .append_pair("nonce", nonce)
            .append_pair("code_challenge", &crypto::base64url(&crypto::sha256(verifier.as_bytes())))
            .append_pair("code_challenge_method", "S256");
        Ok(url.into())
    }

    /// Exchanges a code for an ID token, which is not checked yet.
    ///
    /// # Errors
    /// [`Failure::Away`]; [`Failure::Code`] for one that the directory does not take.
    pub async fn exchange(
        &self,
        code: &str,
        verifier: &str,
        now: Timestamp,
    ) -> Result<String, Failure> {
        let metadata = self.metadata(now).await?;
        let settings = &self.inner.settings;
        let form = [
            ("grant_type", "authorization_code"),
            ("code", code),
            ("redirect_uri", &settings.redirect_uri),
            ("client_id", &settings.client_id),
            ("client_secret", &settings.client_secret),
            ("code_verifier", verifier),
        ];
        let asked = self.inner.http.post(&metadata.token_endpoint).form(&form).send();
        let answer = asked.await.map_err(Fault::from)?;
        // Other refusals are about us, not about the person.
        if answer.status() == reqwest::StatusCode::BAD_REQUEST {
            return Err(Failure::Code);
        }
        let answer: Answer = read(answer).await?;
        Ok(answer.id_token)
    }

    /// Checks an ID token: its signature by a published key and an algorithm that we take, and that it
    /// is this issuer's, for us, for this log-in, and of now. `claim` is what a person is called by.
    ///
    /// # Errors
    /// [`Failure::Token`] for one that is not to be believed; [`Failure::Away`].
    pub async fn verify(
        &self,
        token: &str,
        (nonce, claim): (&str, &str),
        now: Timestamp,
    ) -> Result<Person, Failure> {
        let header = decode_header(token).map_err(|_| Failure::Token("header"))?;
        let algorithm = header.alg;
        if !matches!(algorithm, Algorithm::RS256 | Algorithm::PS256 | Algorithm::ES256) {
            return Err(Failure::Token("algorithm"));
        }
        let key = self.key(header.kid.as_deref(), algorithm, now).await?;
        let key = DecodingKey::from_jwk(&key).map_err(|_| Failure::Token("key"))?;
        let mut validation = Validation::new(algorithm);
        // The library would read the system's clock; what a token says is compared below.
        validation.validate_exp = false;
        validation.validate_aud = false;
        validation.required_spec_claims.clear();
        let claims = decode::<Map<String, Value>>(token, &key, &validation);
        let claims = claims.map_err(|_| Failure::Token("signature"))?.claims;
        believed(&claims, &self.inner.settings, nonce, now)?;
        let text = |name: &str| claims.get(name).and_then(Value::as_str);
        let subject = text("sub").filter(|sub| (1..=255).contains(&sub.len()));
        let subject = subject.ok_or(Failure::Token("sub"))?.to_owned();
        let listed = claims.get("amr").and_then(Value::as_array).into_iter().flatten();
        let means = listed.filter_map(Value::as_str).chain(text("acr"));
        Ok(Person {
            subject,
            name: text(claim).filter(|name| !name.is_empty()).map(str::to_owned),
            means: means.map(str::to_owned).collect(),
        })
    }

    async fn metadata(&self, now: Timestamp) -> Result<Metadata, Failure> {
        let mut published = self.inner.published.lock().await;
        if let Some((metadata, at)) = &published.metadata
            && now - *at < FRESH
        {
            return Ok(metadata.clone());
        }
        let issuer = &self.inner.settings.issuer;
        let address = format!("{}/.well-known/openid-configuration", issuer.trim_end_matches('/'));
        let metadata: Metadata = self.get(&address).await?;
        if metadata.issuer != *issuer {
            return Err(Failure::Unfit("another issuer's metadata"));
        }
        let endpoints =
            [&metadata.authorization_endpoint, &metadata.token_endpoint, &metadata.jwks_uri];
        if !endpoints.into_iter().all(|url| safe(url)) {
            return Err(Failure::Unfit("an endpoint that is not encrypted"));
        }
        published.metadata = Some((metadata.clone(), now));
        Ok(metadata)
    }

    /// The published key that a token names; the keys are fetched again for one that is not among them,
    /// once a minute at most, however many such tokens come.
    async fn key(
        &self,
        kid: Option<&str>,
        algorithm: Algorithm,
        now: Timestamp,
    ) -> Result<Jwk, Failure> {
        let address = self.metadata(now).await?.jwks_uri;
        let mut published = self.inner.published.lock().await;
        if let Some((keys, at)) = &published.keys {
            let found = pick(keys, kid, algorithm);
            let age = now - *at;
            match found {
                Some(key) if age < FRESH => return Ok(key.clone()),
                None if age < UNKNOWN_KEY_PAUSE => return Err(Failure::Token("key")),
                _ => {}
            }
        }
        // The lock is held meanwhile: who comes together asks together.
        let set: Set = self.get(&address).await?;
        let keys: Vec<Jwk> =
            set.keys.into_iter().filter_map(|key| serde_json::from_value(key).ok()).collect();
        let found = pick(&keys, kid, algorithm).cloned();
        published.keys = Some((keys, now));
        found.ok_or(Failure::Token("key"))
    }

    async fn get<T: serde::de::DeserializeOwned>(&self, url: &str) -> Result<T, Failure> {
        let once = async || {
            let answer = self.inner.http.get(url).send().await.map_err(Fault::from)?;
            read(answer).await
        };
        outside::guarded("oidc", &self.inner.breaker, &PATIENCE, |_| false, once).await
    }
}

/// Reads a good answer of a bounded length as JSON.
async fn read<T: serde::de::DeserializeOwned>(answer: reqwest::Response) -> Result<T, Failure> {
    if !answer.status().is_success() {
        return Err(Fault::Status(answer.status().as_u16()).into());
    }
    let body = outside::read(answer, LONGEST).await?;
    Ok(serde_json::from_slice(&body).map_err(|_| Fault::Unreadable)?)
}

/// The key by its name, or the only one that fits where a token names none. A key of another kind
/// than the algorithm's, or for another use, fits nothing: a public key never becomes a shared secret.
fn pick<'k>(keys: &'k [Jwk], kid: Option<&str>, algorithm: Algorithm) -> Option<&'k Jwk> {
    let fits = |key: &&Jwk| {
        let kind = match key.algorithm {
            AlgorithmParameters::RSA(_) => {
                matches!(algorithm, Algorithm::RS256 | Algorithm::PS256)
            }
            AlgorithmParameters::EllipticCurve(_) => algorithm == Algorithm::ES256,
            _ => false,
        };
        let common = &key.common;
        let own = common.key_algorithm.is_none_or(|own| own == KeyAlgorithm::from(algorithm));
        kind && own && matches!(common.public_key_use, None | Some(PublicKeyUse::Signature))
    };
    let mut fitting = keys.iter().filter(fits);
    match kid {
        Some(kid) => fitting.find(|key| key.common.key_id.as_deref() == Some(kid)),
        None => fitting.next().filter(|_| fitting.next().is_none()),
    }
}

/// Whether signed claims are this issuer's, for us, for this log-in, and of now.
fn believed(
    claims: &Map<String, Value>,
    settings: &Settings,
    nonce: &str,
    now: Timestamp,
) -> Result<(), Failure> {
    let text = |name: &str| claims.get(name).and_then(Value::as_str);
    let second = |name: &str| claims.get(name).and_then(Value::as_i64);
    let now = now.timestamp();
    let audience: Vec<&str> = match claims.get("aud") {
        Some(Value::String(one)) => vec![one],
        Some(Value::Array(several)) => several.iter().filter_map(Value::as_str).collect(),
        _ => Vec::new(),
    };
    let ours = settings.client_id.as_str();
    let party = text("azp");
    let named = nonce.as_bytes();
    let checks = [
        (text("iss") == Some(settings.issuer.as_str()), "iss"),
        (audience.contains(&ours), "aud"),
        (party.map_or(audience.len() == 1, |party| party == ours), "azp"),
        (text("nonce").is_some_and(|given| crypto::same(given.as_bytes(), named)), "nonce"),
        (second("exp").is_some_and(|exp| exp > now - LEEWAY), "exp"),
        (second("iat").is_some_and(|iat| iat <= now + LEEWAY), "iat"),
        (second("nbf").is_none_or(|nbf| nbf <= now + LEEWAY), "nbf"),
    ];
    match checks.into_iter().find(|(holds, _)| !holds) {
        Some((_, what)) => Err(Failure::Token(what)),
        None => Ok(()),
    }
}
