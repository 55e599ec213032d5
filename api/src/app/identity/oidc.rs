//! Log-in by a directory (OpenID Connect): authorization code with PKCE, state and nonce. What was
//! begun is sealed into the state that the client keeps; the address that the browser carries has its
//! digest alone, so that nobody finishes in another's name what they began in their own.

use chrono::TimeDelta;
use domain::{
    event::EventKind,
    id::AccountId,
    identity::{
        self, Actor, Means, Password, SessionEnd,
        oidc::{self as rules, Known, Refused},
    },
    refusal::Basic,
    time::Timestamp,
};
use infra::{
    crypto,
    oidc::{Failure, Oidc},
    postgres::{
        audit::{self, AuditEntry, Origin},
        identity::{
            self as store,
            oidc::{self as bindings, Person},
            session as sessions,
        },
        violated,
    },
    random,
    redis::session,
};
use serde::{Deserialize, Serialize};
use serde_json::{Map, json};

use super::{LoggedIn, admit_log_in, notice, open, staff::enter, totp};
use crate::{app::transact, error::Error, state::State};

/// So long a log-in that was begun can be finished.
const OPEN: TimeDelta = TimeDelta::minutes(10);
const STATE: &str = "oidc.state";
/// For what the names of people in the directory are sealed and indexed.
const PERSON: &str = "oidc.person";
/// Codes of directories are shorter.
const CODE_LENGTH: usize = 4096;

/// A log-in that was begun.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Begun {
    /// Where the browser goes.
    pub url: String,
    /// What the client keeps and sends with the code.
    pub state: String,
}

#[derive(Serialize, Deserialize)]
struct Kept {
    nonce: String,
    verifier: String,
    expires_at: Timestamp,
}

fn directory(state: &State) -> Result<&Oidc, Error> {
    state.oidc.as_ref().ok_or_else(|| Refused::Off.into())
}

fn not_given(failure: &Failure) -> Error {
    tracing::warn!(%failure, "the directory vouched for nobody");
    match failure {
        Failure::Away(_) | Failure::Resting | Failure::Unfit(_) => Refused::Away.into(),
        Failure::Code | Failure::Token(_) => Refused::Rejected.into(),
    }
}

/// Begins a log-in.
///
/// # Errors
/// `rate_limited`, `oidc_off`, `oidc_unavailable`.
pub async fn start(state: &State, origin: &Origin) -> Result<Begun, Error> {
    let directory = directory(state)?;
    admit_log_in(state, origin).await?;
    let now = state.clock.now();
    let secret = || crypto::base64url(&random::bytes::<32>());
    let kept = Kept { nonce: secret(), verifier: secret(), expires_at: now + OPEN };
    let sealed = crypto::base64url(&state.crypto.seal(STATE, &serde_json::to_vec(&kept)?));
    let shown = crypto::base64url(&crypto::sha256(sealed.as_bytes()));
    let url = directory.authorize_url((&shown, &kept.nonce, &kept.verifier), now).await;
    Ok(Begun { url: url.map_err(|failure| not_given(&failure))?, state: sealed })
}

/// What was begun, used up: of two who send the same, one goes on.
async fn used_up(state: &State, sealed: &str, now: Timestamp) -> Result<Kept, Error> {
    let bytes = crypto::from_base64url(sealed).ok_or(Refused::State)?;
    let plain = state.crypto.open(STATE, &bytes).map_err(|_| Refused::State)?;
    let kept: Kept = serde_json::from_slice(&plain).map_err(|_| Refused::State)?;
    if kept.expires_at <= now {
        return Err(Refused::State.into());
    }
    let (hash, expires_at) = (crypto::sha256(&bytes), kept.expires_at);
    let first = transact(&state.db, move |tx| {
        Box::pin(async move { Ok(bindings::spend(tx, &hash, expires_at, now).await?) })
    });
    if first.await? { Ok(kept) } else { Err(Refused::State.into()) }
}

/// A person of the directory, sealed for storing. The issuer stands with its length before the name,
/// so that no two run together into a third.
fn person(state: &State, directory: &Oidc, known: &Known) -> Person {
    let issuer = directory.issuer();
    let (kind, name) = match known {
        Known::Subject(subject) => ("subject", subject),
        Known::Name(name) => ("name", name),
    };
    let whole = format!("{}:{issuer}{name}", issuer.len());
    Person {
        kind,
        sealed: state.crypto.seal(PERSON, whole.as_bytes()),
        index: state.crypto.index(PERSON, rules::key(kind, &whole).as_bytes()),
    }
}

/// Finishes a log-in: the code becomes a person of the directory, and the person the account that is
/// bound to them, with the roles, the lock and the disabling of any log-in. Where the directory used no
/// second factor that counts, ours is asked for as after a password.
///
/// # Errors
/// `rate_limited`, `oidc_…`, `account_locked`, `account_disabled`, `network_not_allowed`;
/// `totp_required`, `totp_invalid`, `totp_enrolment_required`.
pub async fn finish(
    state: &State,
    (code, sealed): (&str, &str),
    totp: Option<Password>,
    origin: &Origin,
) -> Result<LoggedIn, Error> {
    let directory = directory(state)?;
    admit_log_in(state, origin).await?;
    let now = state.clock.now();
    if code.is_empty() || code.len() > CODE_LENGTH || code.chars().any(char::is_control) {
        return Err(Refused::Rejected.into());
    }
    let kept = used_up(state, sealed, now).await?;
    let settings = &state.config.oidc;
    let token = directory
        .exchange(code, &kept.verifier, now)
        .await
        .map_err(|failure| not_given(&failure))?;
    let asked = (kept.nonce.as_str(), settings.username_claim.as_str());
    let vouched =
        directory.verify(&token, asked, now).await.map_err(|failure| not_given(&failure))?;
    let shown = rules::is_second_factor(&vouched.means, &settings.second_factor);
    let subject = self::person(state, directory, &Known::Subject(vouched.subject));
    let name = vouched.name.map(|name| self::person(state, directory, &Known::Name(name)));
    let (inner, origin) = (state.clone(), origin.clone());
    transact(&state.db, move |tx| {
        Box::pin(async move {
            let id =
                bindings::account(tx, &subject, name.as_ref()).await?.ok_or(Refused::Unbound)?;
            if shown {
                store::lock_lockout(tx, id).await?.check(now)?;
                let account = store::find(tx, id).await?.ok_or(Refused::Unbound)?;
                return open(&inner, tx, account, Means::Oidc, &origin, now).await;
            }
            match totp::second_factor(&inner, tx, id, totp.as_ref(), &origin, now).await? {
                Ok(()) => enter(&inner, tx, id, Means::Oidc, &origin, now).await,
                // Committed with the count of a wrong one.
                Err(refused) => Ok(Err(refused)),
            }
        })
    })
    .await?
    .map_err(Error::from)
}

/// Binds a staff account to a person of the directory, in place of what it was bound to.
///
/// # Errors
/// `oidc_off`, `not_found`, `oidc_not_staff`, `oidc_taken`.
pub async fn bind(
    state: &State,
    by: &Actor,
    id: AccountId,
    known: &Known,
    origin: &Origin,
) -> Result<(), Error> {
    if by.account == id {
        return Err(identity::Refused::OwnCredentials.into());
    }
    super::accounts::exists(state, id).await?;
    let directory = directory(state)?;
    let person = person(state, directory, known);
    let (now, by, origin) = (state.clock.now(), by.clone(), origin.clone());
    let ended = transact(&state.db, move |tx| {
        Box::pin(async move {
            let account = store::find(tx, id).await?.ok_or(Basic::NotFound)?;
            if account.username.is_none() {
                return Err(Refused::NotStaff.into());
            }
            bindings::bind(tx, id, &person, by.account, now).await.map_err(
                |error| match violated(&error) {
                    Some("oidc_binding_person") => Refused::Taken.into(),
                    _ => Error::from(error),
                },
            )?;
            let ended = sessions::end_all(tx, id, SessionEnd::Credentials, now).await?;
            let entry = AuditEntry::new("account.bind_oidc", "account", id, &origin).by(&by);
            audit::append(tx, &entry.with(json!({ "sessions": ended.len() })), now).await?;
            notice::tell(tx, id, EventKind::DirectoryBound, Map::new(), now).await?;
            Ok(ended)
        })
    })
    .await?;
    session::forget(&state.redis, &ended).await;
    Ok(())
}

/// Takes a binding away: the person logs in by the directory no more. Where there is none nothing
/// changes.
///
/// # Errors
/// `not_found`.
pub async fn unbind(
    state: &State,
    by: &Actor,
    id: AccountId,
    origin: &Origin,
) -> Result<(), Error> {
    let (now, by, origin) = (state.clock.now(), by.clone(), origin.clone());
    transact(&state.db, move |tx| {
        Box::pin(async move {
            store::find(tx, id).await?.ok_or(Basic::NotFound)?;
            if bindings::unbind(tx, id).await? {
                let entry = AuditEntry::new("account.unbind_oidc", "account", id, &origin).by(&by);
                audit::append(tx, &entry, now).await?;
            }
            Ok(())
        })
    })
    .await
}
