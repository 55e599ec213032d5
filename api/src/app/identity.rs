//! Log-in, its tokens, and who is asking.

use std::time::Duration;

use domain::{
    id::{AccountId, SessionId},
    identity::{Actor, Grant, Means, Refused, Rotation, SessionEnd},
    page::PageRequest,
    personal::OpenId,
    refusal::Basic,
    time::Timestamp,
};
use infra::{
    crypto::Crypto,
    postgres::{
        Connection,
        audit::{self, AuditEntry, Origin},
        identity::{
            self as store, Account, NewResident, credential,
            session::{self as sessions, NewSession, OpenSession, StoredToken},
        },
    },
    random,
    redis::{
        rate_limit::{self, Limit},
        session::{self, Copy},
    },
    wechat::{Errcode, Failure, login},
};

use serde_json::json;

use super::transact;
use crate::{
    config::Mode,
    error::Error,
    state::State,
    token::{Access, Bearer, RefreshToken},
};

pub mod accounts;
pub mod confirmation;
pub mod network;
mod notice;
pub mod oidc;
pub mod password;
pub mod phone;
pub mod phone_code;
pub mod staff;
pub mod totp;

const DEMO_CODE: &str = "demo:";
/// WeChat's codes have 32 characters; a longer text is not worth a request.
const CODE_LENGTH: usize = 128;

/// A log-in that succeeded, or was renewed.
#[derive(Debug)]
pub struct LoggedIn {
    /// The access token.
    pub access: Access,
    /// The refresh token, as it is handed out.
    pub refresh_token: String,
    /// Who it is.
    pub account: Account,
    /// What they hold.
    pub grants: Vec<Grant>,
    /// Recovery codes that are left, where a second factor is on.
    pub recovery_left: Option<i64>,
}

/// Who is asking, and by which log-in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Who {
    /// The account with its roles.
    pub actor: Actor,
    /// The log-in.
    pub session: SessionId,
    /// When the access token ends.
    pub ends: Timestamp,
}

/// Counts a use of `operation` by the address; people without an address have one count for all.
async fn admit(
    state: &State,
    operation: &str,
    address: &str,
    count: u32,
    window: Duration,
) -> Result<(), Error> {
    rate_limit::take(&state.redis, operation, address, Limit { count: count.into(), window })
        .await
        .map_err(|exceeded| Basic::RateLimited { retry_after: exceeded.retry_after }.into())
}

async fn admit_log_in(state: &State, origin: &Origin) -> Result<(), Error> {
    let address = origin.address.as_deref().unwrap_or_default();
    let count = state.config.limits.login_per_minute;
    admit(state, "log-in", address, count, Duration::from_mins(1)).await
}

async fn admit_refresh(state: &State, origin: &Origin) -> Result<(), Error> {
    let address = origin.address.as_deref().unwrap_or_default();
    let count = state.config.limits.refresh_per_second;
    admit(state, "refresh", address, count, Duration::from_secs(1)).await
}

/// Counts an anonymous complaint from an address.
///
/// # Errors
/// `rate_limited`.
pub async fn admit_anonymous(state: &State, address: &str) -> Result<(), Error> {
    let count = state.config.limits.anonymous_per_hour;
    admit(state, "anonymous", address, count, Duration::from_hours(1)).await
}

/// Counts an opinion on the application: of an account, or from an address.
///
/// # Errors
/// `rate_limited`.
pub async fn admit_feedback(
    state: &State,
    account: Option<AccountId>,
    address: &str,
) -> Result<(), Error> {
    let count = state.config.limits.anonymous_per_hour;
    let who = account.map_or_else(|| address.to_owned(), |account| account.to_string());
    admit(state, "feedback", &who, count, Duration::from_hours(1)).await
}

/// Counts a word on whether an item of the guide was useful.
///
/// # Errors
/// `rate_limited`.
pub async fn admit_vote(state: &State, address: &str) -> Result<(), Error> {
    let count = state.config.limits.anonymous_per_hour;
    admit(state, "guide-vote", address, count, Duration::from_hours(1)).await
}

/// Counts an upload of an account.
///
/// # Errors
/// `rate_limited`.
pub async fn admit_upload(state: &State, account: AccountId) -> Result<(), Error> {
    let count = state.config.limits.uploads_per_minute;
    admit(state, "upload", &account.to_string(), count, Duration::from_mins(1)).await
}

/// Counts a look-up by query code from an address, so that codes cannot be guessed.
///
/// # Errors
/// `rate_limited`.
pub async fn admit_tracking(state: &State, address: &str) -> Result<(), Error> {
    let count = state.config.limits.track_per_minute;
    admit(state, "track", address, count, Duration::from_mins(1)).await
}

/// Logs a resident in by a code of WeChat, or in demo mode by `demo:<name>`. The first log-in
/// makes the account.
///
/// # Errors
/// `rate_limited`, `wechat_…`, `account_disabled`, `network_not_allowed`.
pub async fn login_wechat(state: &State, code: &str, origin: &Origin) -> Result<LoggedIn, Error> {
    admit_log_in(state, origin).await?;
    let (open_id, display_name) = who_wechat_says(state, code).await?;
    let (now, inner, origin) = (state.clock.now(), state.clone(), origin.clone());
    transact(&state.db, move |tx| {
        Box::pin(async move {
            let account = resident(tx, &inner.crypto, &open_id, &display_name, now).await?;
            open(&inner, tx, account, Means::WeChat, &origin, now).await
        })
    })
    .await?
    .map_err(Error::from)
}

async fn who_wechat_says(state: &State, code: &str) -> Result<(OpenId, String), Error> {
    if code.is_empty() || code.len() > CODE_LENGTH || code.chars().any(char::is_control) {
        return Err(Refused::WechatCodeInvalid.into());
    }
    if state.config.mode == Mode::Demo
        && let Some(name) = code.strip_prefix(DEMO_CODE)
    {
        return demo_resident(name).ok_or_else(|| Refused::WechatCodeInvalid.into());
    }
    let open_id = login::open_id(&state.wechat, code).await.map_err(not_given)?;
    Ok((open_id, "微信用户".to_owned()))
}

/// What a person is told when WeChat gave nothing for a code.
pub(super) fn not_given(failure: Failure) -> Error {
    match failure {
        Failure::Said(Errcode::CodeInvalid) => Refused::WechatCodeInvalid.into(),
        Failure::Said(Errcode::CodeUsed) => Refused::WechatCodeUsed.into(),
        Failure::Said(Errcode::Blocked) => Refused::WechatBlocked.into(),
        Failure::Said(Errcode::TooOften) => Basic::RateLimited { retry_after: 60 }.into(),
        failure => {
            tracing::warn!(%failure, "WeChat gave nothing for a code");
            Refused::WechatUnavailable.into()
        }
    }
}

/// Opens an openid that was stored.
///
/// # Errors
/// A key is missing.
pub(super) fn open_id_of(state: &State, sealed: &[u8]) -> Result<OpenId, Error> {
    Ok(OpenId::trusted(state.crypto.open_text("person.open_id", sealed)?))
}

/// Whether WeChat does not know an openid since the demo made it.
pub(super) fn is_demo(state: &State, open_id: &OpenId) -> bool {
    state.config.mode == Mode::Demo && open_id.plain().starts_with(DEMO_CODE)
}

/// The openid and the display name of a demo resident: always the same for a name. `party-7` is
/// 演示党员7, who stands on the demo register.
pub fn demo_resident(name: &str) -> Option<(OpenId, String)> {
    let fits = (1..=40).contains(&name.chars().count())
        && name.chars().all(|c| c.is_alphanumeric() || matches!(c, '-' | '_' | '.'));
    let shown = name
        .strip_prefix("party-")
        .map_or_else(|| format!("演示居民 {name}"), |number| format!("演示党员{number}"));
    fits.then(|| (OpenId::trusted(format!("{DEMO_CODE}{name}")), shown))
}

/// What an openid is found by.
fn index_of(crypto: &Crypto, open_id: &OpenId) -> [u8; 32] {
    crypto.index("person.open_id", open_id.plain().as_bytes())
}

/// The account of an openid, made if there is none yet.
///
/// # Errors
/// The database's.
pub async fn resident(
    tx: &mut Connection,
    crypto: &Crypto,
    open_id: &OpenId,
    display_name: &str,
    now: Timestamp,
) -> Result<Account, Error> {
    let index = index_of(crypto, open_id);
    if let Some(account) = store::find_by_open_id(tx, &index).await? {
        return Ok(account);
    }
    let new = NewResident {
        id: random::id(now),
        grant: random::id(now),
        display_name,
        open_id_index: &index,
        open_id_sealed: &crypto.seal("person.open_id", open_id.plain().as_bytes()),
    };
    store::insert_resident(tx, &new, now).await?;
    // Either it was made now, or by a concurrent first log-in that has just committed.
    let account = store::find_by_open_id(tx, &index).await?;
    account.ok_or_else(|| Basic::Unavailable.into())
}

/// Opens a session and issues its first tokens. From a network where a role of the account may not
/// be used it is refused, as an answer and not an error: that goes on record.
async fn open(
    state: &State,
    tx: &mut Connection,
    account: Account,
    means: Means,
    origin: &Origin,
    now: Timestamp,
) -> Result<Result<LoggedIn, Refused>, Error> {
    if account.disabled_at.is_some() {
        return Err(Refused::AccountDisabled.into());
    }
    let grants = store::grants(tx, account.id).await?;
    if !network::allows(state, &grants, origin) {
        let mut entry = AuditEntry::new("account.network", "account", account.id, origin);
        entry.account = Some(account.id);
        audit::append(tx, &entry, now).await?;
        return Ok(Err(Refused::NetworkNotAllowed));
    }
    let lives = state.tokens.lives(account.username.is_some());
    let bearer = Bearer { account: account.id, session: random::id(now) };
    let ends = now + lives.session;
    let token = RefreshToken::random();
    let stored = StoredToken {
        hash: &token.hash(&state.crypto),
        expires_at: (now + lives.refresh).min(ends),
    };
    if means == Means::Phone || grants.iter().any(|grant| grant.role.is_staff()) {
        notice::device(tx, account.id, origin, now).await?;
        let mut entry = AuditEntry::new("session.open", "session", bearer.session, origin);
        entry.account = Some(account.id);
        audit::append(tx, &entry.with(json!({ "means": means })), now).await?;
    }
    let new = NewSession {
        id: bearer.session,
        account: account.id,
        means,
        expires_at: ends,
        token: stored,
    };
    sessions::open(tx, new, origin, now).await?;
    issue(state, tx, bearer, account, &token, ends, now).await.map(Ok)
}

async fn issue(
    state: &State,
    tx: &mut Connection,
    bearer: Bearer,
    account: Account,
    refresh: &RefreshToken,
    session_ends: Timestamp,
    now: Timestamp,
) -> Result<LoggedIn, Error> {
    let staff = account.username.is_some();
    let access = state
        .tokens
        .issue(bearer, staff, session_ends, now)
        .map_err(|error| Error::Internal(Box::new(error)))?;
    let grants = store::grants(tx, account.id).await?;
    let recovery_left = credential::recovery_left(tx, account.id).await?;
    Ok(LoggedIn { access, refresh_token: refresh.text(), account, grants, recovery_left })
}

enum Refreshed {
    Renewed(Box<LoggedIn>),
    Refused,
    Barred,
    Reused(SessionId),
}

/// Exchanges a refresh token for its successor and a new access token. A replay within 10 s, as
/// long as the successor is unused, brings the same successor; any later one ends the session.
///
/// # Errors
/// `rate_limited`, `refresh_token_invalid`, `refresh_token_reused`, `network_not_allowed`.
pub async fn refresh(state: &State, token: &str, origin: &Origin) -> Result<LoggedIn, Error> {
    admit_refresh(state, origin).await?;
    let token = RefreshToken::parse(token).ok_or(Refused::RefreshTokenInvalid)?;
    let (now, inner, origin) = (state.clock.now(), state.clone(), origin.clone());
    let refreshed = transact(&state.db, move |tx| {
        Box::pin(async move { exchange(&inner, tx, &token, &origin, now).await })
    })
    .await?;
    match refreshed {
        Refreshed::Renewed(renewed) => Ok(*renewed),
        Refreshed::Refused => Err(Refused::RefreshTokenInvalid.into()),
        Refreshed::Barred => Err(Refused::NetworkNotAllowed.into()),
        Refreshed::Reused(session) => {
            session::forget(&state.redis, &[session]).await;
            Err(Refused::RefreshTokenReused.into())
        }
    }
}

/// A refusal here must commit (a reuse ends the session), so it is an answer and not an error.
async fn exchange(
    state: &State,
    tx: &mut Connection,
    token: &RefreshToken,
    origin: &Origin,
    now: Timestamp,
) -> Result<Refreshed, Error> {
    let hash = token.hash(&state.crypto);
    let successor = token.successor(&state.crypto);
    let successor_hash = successor.hash(&state.crypto);
    let Some(session) = sessions::lock_of(tx, &hash).await? else {
        return Ok(Refreshed::Refused);
    };
    let over = session.ended || session.disabled || session.expires_at <= now;
    let presented = sessions::presented(tx, &hash, &successor_hash, over).await?;
    let rotation = presented.rotation(now);
    // The token stays as it is: from an allowed network it is good again. A reuse is one from anywhere.
    let goes_on = matches!(rotation, Rotation::Issue | Rotation::Repeat);
    if goes_on && !network::allows(state, &store::grants(tx, session.account).await?, origin) {
        network::record(tx, session.id, session.account, origin, now).await?;
        return Ok(Refreshed::Barred);
    }
    match rotation {
        Rotation::Issue => {
            let life = state.tokens.lives(session.staff).refresh;
            let expires_at = (now + life).min(session.expires_at);
            let stored = StoredToken { hash: &successor_hash, expires_at };
            sessions::rotate(tx, &hash, stored, now).await?;
            sessions::seen(tx, session.id, origin).await?;
        }
        Rotation::Repeat => {}
        Rotation::Refuse => return Ok(Refreshed::Refused),
        Rotation::Revoke => {
            sessions::end(tx, session.id, SessionEnd::Reuse, now).await?;
            let mut entry = AuditEntry::new("session.reuse", "session", session.id, origin);
            entry.account = Some(session.account);
            audit::append(tx, &entry, now).await?;
            return Ok(Refreshed::Reused(session.id));
        }
    }
    let Some(account) = store::find(tx, session.account).await? else {
        return Ok(Refreshed::Refused);
    };
    let bearer = Bearer { account: session.account, session: session.id };
    let renewed = issue(state, tx, bearer, account, &successor, session.expires_at, now).await?;
    Ok(Refreshed::Renewed(Box::new(renewed)))
}

/// Ends the caller's session.
///
/// # Errors
/// The database's.
pub async fn logout(state: &State, session: SessionId) -> Result<(), Error> {
    let now = state.clock.now();
    transact(&state.db, move |tx| {
        Box::pin(async move { Ok(sessions::end(tx, session, SessionEnd::Logout, now).await?) })
    })
    .await?;
    session::forget(&state.redis, &[session]).await;
    Ok(())
}

/// The caller's log-ins that go on, newest first.
///
/// # Errors
/// The database's.
pub async fn list_sessions(
    state: &State,
    actor: &Actor,
    page: PageRequest,
) -> Result<Vec<OpenSession>, Error> {
    let mut conn = state.db.acquire().await?;
    Ok(sessions::list(&mut conn, actor.account, page, state.clock.now()).await?)
}

/// Ends one of the caller's log-ins from another: within a second no token of it is taken any more.
/// Ending one that is over changes nothing.
///
/// # Errors
/// `not_found` for another person's.
pub async fn end_session(
    state: &State,
    actor: &Actor,
    session: SessionId,
    origin: Origin,
) -> Result<(), Error> {
    let (now, actor) = (state.clock.now(), actor.clone());
    transact(&state.db, move |tx| {
        Box::pin(async move {
            if !sessions::is_of(tx, session, actor.account).await? {
                return Err(Basic::NotFound.into());
            }
            sessions::end(tx, session, SessionEnd::Logout, now).await?;
            let entry = AuditEntry::new("session.end", "session", session, &origin).by(&actor);
            Ok(audit::append(tx, &entry, now).await?)
        })
    })
    .await?;
    session::forget(&state.redis, &[session]).await;
    Ok(())
}

/// The caller's own account.
///
/// # Errors
/// The database's.
pub async fn me(state: &State, actor: &Actor) -> Result<Account, Error> {
    let account = store::find(&mut *state.db.acquire().await?, actor.account).await?;
    account.ok_or_else(|| Basic::Unauthenticated.into())
}

/// Who holds an access token; `None` when it is wrong, or its session is over. Redis answers for
/// less than a second after PostgreSQL did.
///
/// # Errors
/// The database's.
pub async fn authenticate(state: &State, token: &str) -> Result<Option<Who>, Error> {
    let now = state.clock.now();
    let Some((Bearer { account, session }, ends)) = state.tokens.verify(token, now) else {
        return Ok(None);
    };
    let (actor, copy_end) = match session::get(&state.redis, session).await {
        Copy::Known(actor) => (Some(actor), None),
        Copy::Unknown(end) => (alive(state, session, now).await?, Some(end)),
        Copy::Away => (alive(state, session, now).await?, None),
    };
    let Some(actor) = actor.filter(|actor| actor.account == account) else {
        return Ok(None);
    };
    if let Some(end) = copy_end {
        session::put(&state.redis, session, &actor, end).await;
    }
    Ok(Some(Who { actor, session, ends }))
}

async fn alive(state: &State, session: SessionId, now: Timestamp) -> Result<Option<Actor>, Error> {
    Ok(sessions::alive(&mut *state.db.acquire().await?, session, now).await?)
}

#[cfg(test)]
mod tests;
