//! Access tokens (JWT, minutes) and refresh tokens (random, stored hashed, exchanged once).

use chrono::TimeDelta;
use domain::{
    id::{AccountId, SessionId},
    time::Timestamp,
};
use infra::{
    crypto::{self, Crypto},
    random,
};
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use serde::{Deserialize, Serialize};

use crate::config::Security;

const ISSUER: &str = "zhixiang";
const AUDIENCE: &str = "zhixiang-api";
/// The hosts' clocks may differ by so much.
const LEEWAY: i64 = 5;
/// No access token lives longer, whatever it says of itself.
const LONGEST: i64 = 15 * 60;
const REFRESH_BYTES: usize = 32;

/// How long the tokens of a kind of account live.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lives {
    /// An access token.
    pub access: TimeDelta,
    /// An unused refresh token.
    pub refresh: TimeDelta,
    /// The log-in as a whole.
    pub session: TimeDelta,
}

/// Issues and checks tokens.
pub struct Tokens {
    /// The first segment of every token of ours.
    header: String,
    signing: EncodingKey,
    checking: DecodingKey,
    validation: Validation,
    resident: Lives,
    staff: Lives,
}

/// Every claim is required, with exactly this type.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Claims {
    iss: String,
    aud: String,
    sub: AccountId,
    sid: SessionId,
    iat: i64,
    nbf: i64,
    exp: i64,
}

/// What a good access token says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bearer {
    /// Whose it is.
    pub account: AccountId,
    /// The log-in it came from, which may have ended since.
    pub session: SessionId,
}

/// An issued access token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Access {
    /// The JWT.
    pub token: String,
    /// Seconds until it ends.
    pub expires_in: i64,
}

impl Tokens {
    /// Reads the secret and the lives from the configuration.
    pub fn new(security: &Security) -> Self {
        let secret = security.jwt_secret.expose().as_bytes();
        let mut validation = Validation::new(Algorithm::HS256);
        validation.set_issuer(&[ISSUER]);
        validation.set_audience(&[AUDIENCE]);
        validation.set_required_spec_claims(&["iss", "aud", "sub", "exp", "nbf"]);
        // The library would read the system's clock; `verify` compares with the state's.
        validation.validate_exp = false;
        validation.validate_nbf = false;
        Self {
            header: crypto::base64url(br#"{"typ":"JWT","alg":"HS256"}"#),
            signing: EncodingKey::from_secret(secret),
            checking: DecodingKey::from_secret(secret),
            validation,
            resident: Lives {
                access: TimeDelta::minutes(security.access_minutes.into()),
                refresh: TimeDelta::days(security.refresh_days.into()),
                session: TimeDelta::days(security.session_days.into()),
            },
            staff: Lives {
                access: TimeDelta::minutes(security.staff_access_minutes.into()),
                refresh: TimeDelta::minutes(security.staff_idle_minutes.into()),
                session: TimeDelta::hours(security.staff_session_hours.into()),
            },
        }
    }

    /// How long the tokens of an account live.
    pub fn lives(&self, staff: bool) -> Lives {
        if staff { self.staff } else { self.resident }
    }

    /// Issues an access token; it never outlives its session.
    ///
    /// # Errors
    /// The cryptographic library fails.
    pub fn issue(
        &self,
        bearer: Bearer,
        staff: bool,
        session_ends: Timestamp,
        now: Timestamp,
    ) -> Result<Access, jsonwebtoken::errors::Error> {
        let iat = now.timestamp();
        let exp = (now + self.lives(staff).access).min(session_ends).timestamp();
        let claims = Claims {
            iss: ISSUER.to_owned(),
            aud: AUDIENCE.to_owned(),
            sub: bearer.account,
            sid: bearer.session,
            iat,
            nbf: iat,
            exp,
        };
        let token = jsonwebtoken::encode(&Header::new(Algorithm::HS256), &claims, &self.signing)?;
        Ok(Access { token, expires_in: exp - iat })
    }

    /// Checks an access token: what it says, and when it ends; `None` for whatever is wrong with it.
    ///
    /// The header is compared as text with the only one we write, so that nothing in it (another
    /// algorithm, a key of the sender's, critical extensions) is ever interpreted.
    pub fn verify(&self, token: &str, now: Timestamp) -> Option<(Bearer, Timestamp)> {
        let (header, _) = token.split_once('.')?;
        if header != self.header {
            return None;
        }
        let claims =
            jsonwebtoken::decode::<Claims>(token, &self.checking, &self.validation).ok()?.claims;
        let now = now.timestamp();
        let timely = claims.iat <= now + LEEWAY
            && claims.nbf <= now + LEEWAY
            && now - LEEWAY < claims.exp
            && (1..=LONGEST).contains(&claims.exp.checked_sub(claims.iat)?);
        let ends = Timestamp::from_timestamp(claims.exp, 0)?;
        timely.then_some((Bearer { account: claims.sub, session: claims.sid }, ends))
    }
}

/// A refresh token: 256 random bits, or derived from its predecessor. It never prints.
#[derive(Clone, PartialEq, Eq)]
pub struct RefreshToken([u8; REFRESH_BYTES]);

impl RefreshToken {
    /// The first of a family.
    pub fn random() -> Self {
        Self(random::bytes())
    }

    /// Reads a token as it was handed out.
    pub fn parse(text: &str) -> Option<Self> {
        crypto::from_base64url(text)?.try_into().ok().map(Self)
    }

    /// The token as it is handed out: 43 characters.
    pub fn text(&self) -> String {
        crypto::base64url(&self.0)
    }

    /// What is stored in its place.
    pub fn hash(&self, crypto: &Crypto) -> [u8; 32] {
        crypto.digest(&self.0)
    }

    /// The token it is exchanged for. Derived, not drawn: a replay after a lost answer gets the
    /// same one, although no token is stored anywhere.
    #[must_use]
    pub fn successor(&self, crypto: &Crypto) -> Self {
        Self(crypto.mac("refresh-token", &self.0))
    }
}

impl std::fmt::Debug for RefreshToken {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("***")
    }
}

#[cfg(test)]
mod tests;
