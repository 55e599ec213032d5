//! Staff log in: the password, then the second factor, each failure counted.

use std::time::Duration;

use domain::{
    id::AccountId,
    identity::{Actor, Lockout, LockoutRule, Means, Password, Refused, Username},
    refusal::{Basic, Invalid},
    time::Timestamp,
};
use infra::{
    postgres::{
        Connection,
        audit::{self, AuditEntry, Origin},
        identity::{self as store, Credentials, credential},
    },
    redis::rate_limit::{self, Limit},
};
use tokio::sync::{Semaphore, SemaphorePermit};

use super::{LoggedIn, admit_log_in, me, network, open, totp};
use crate::{app::transact, error::Error, state::State};

/// Each verification takes 19 MiB and a core: so many at once, the others wait.
static VERIFICATIONS: Semaphore = Semaphore::const_new(2);

/// What a member of staff types to log in.
#[derive(Debug)]
pub struct Proof {
    /// The name.
    pub username: String,
    /// The password.
    pub password: Password,
    /// Six digits of an authenticator, or a recovery code; it prints as little as the password.
    pub totp: Option<Password>,
}

/// Logs a staff account in by its password and, where it has one, its second factor.
///
/// # Errors
/// `rate_limited`, `bad_credentials`, `account_locked`, `account_disabled`,
/// `password_change_required`, `password_lapsed`, `totp_required`, `totp_invalid`,
/// `totp_enrolment_required`, `network_not_allowed`.
pub async fn login(state: &State, proof: Proof, origin: &Origin) -> Result<LoggedIn, Error> {
    let (known, _seat) = check_password(state, &proof.username, &proof.password, origin).await?;
    let (now, id, inner, origin) = (state.clock.now(), known.id, state.clone(), origin.clone());
    // Before the code is taken, which is good once: it is wanted again for the change.
    known.age.check(state.config.security.password_days, now)?;
    transact(&state.db, move |tx| {
        Box::pin(async move {
            let code = proof.totp.as_ref();
            match totp::second_factor(&inner, tx, id, code, &origin, now).await? {
                Ok(()) if still(tx, &proof.username, &known).await? => {
                    enter(&inner, tx, id, Means::Password, &origin, now).await
                }
                Ok(()) => Ok(Err(Refused::BadCredentials)),
                Err(refused) => Ok(Err(refused)),
            }
        })
    })
    .await?
    .map_err(Error::from)
}

/// The account whose name and password these are, and the seat of the verification: hold it until
/// what follows is counted, and parallel guesses get no more tries than serial ones.
pub(super) async fn check_password(
    state: &State,
    username: &str,
    password: &Password,
    origin: &Origin,
) -> Result<(Credentials, SemaphorePermit<'static>), Error> {
    admit_log_in(state, origin).await?;
    let seat = VERIFICATIONS.acquire().await.map_err(|_| Basic::Unavailable)?;
    let now = state.clock.now();
    // What cannot be a username is treated like one that does not exist.
    let known = match Username::parse("username", username) {
        Ok(username) => {
            store::credentials(&mut *state.db.acquire().await?, username.as_str()).await?
        }
        Err(_) => None,
    };
    match &known {
        Some(known) => known.lockout.check(now)?,
        None => admit_stranger(state, username).await?,
    }
    let stored = known.as_ref().map(|known| known.password_hash.clone());
    let right = state.passwords.verify(password.plain().to_owned(), stored).await?;
    match known {
        Some(known) if right && known.disabled => Err(Refused::AccountDisabled.into()),
        Some(known) if right => {
            // Before anything is changed: from outside nobody changes a password either.
            network::admit(state, known.id, origin).await?;
            Ok((renewed(state, known, password).await?, seat))
        }
        Some(known) => {
            count_failure(state, known.id, origin, now).await?;
            Err(Refused::BadCredentials.into())
        }
        None => Err(Refused::BadCredentials.into()),
    }
}

/// Counts a try of a name that nobody has: it locks, too, so that a lock does not tell which names there
/// are. The window is fixed, from the first try on: only who waits between tries could tell it apart.
async fn admit_stranger(state: &State, username: &str) -> Result<(), Error> {
    let limits = &state.config.limits;
    let index = state.crypto.index("log-in.stranger", username.to_lowercase().as_bytes());
    let period = Duration::from_mins(limits.lock_minutes.into());
    let limit = Limit { count: limits.login_failures.into(), window: period };
    rate_limit::take(&state.redis, "stranger", &hex::encode(index), limit).await.map_err(|locked| {
        Refused::AccountLocked { minutes: locked.retry_after.div_ceil(60) }.into()
    })
}

/// Whether the password is still the one that was verified; the account's row is locked. Whoever
/// changed it meanwhile ended every log-in, this one too.
pub(super) async fn still(
    tx: &mut Connection,
    username: &str,
    known: &Credentials,
) -> Result<bool, Error> {
    let held = store::credentials(tx, username).await?;
    Ok(held.is_some_and(|held| held.age == known.age))
}

/// Hashes a password that was right by the configured algorithms, where others hashed it.
async fn renewed(
    state: &State,
    mut known: Credentials,
    password: &Password,
) -> Result<Credentials, Error> {
    if state.passwords.is_outdated(&known.password_hash) {
        let hash = state.passwords.hash(password.plain().to_owned()).await?;
        let mut conn = state.db.acquire().await?;
        // Another log-in of the same moment may have done it, with another salt.
        if store::renew_hash(&mut conn, known.id, &known.password_hash, &hash).await? {
            known.password_hash = hash;
        }
    }
    Ok(known)
}

/// Opens a session of an account that proved who it is; one whose role demands a second factor that
/// it has not is refused, as an answer and not an error: what was changed before stays.
pub(super) async fn enter(
    state: &State,
    tx: &mut Connection,
    id: AccountId,
    means: Means,
    origin: &Origin,
    now: Timestamp,
) -> Result<Result<LoggedIn, Refused>, Error> {
    let held = credential::totp(tx, id).await?;
    if !held.is_some_and(|held| held.confirmed) && totp::is_demanded(state, tx, id).await? {
        return Ok(Err(Refused::TotpEnrolmentRequired));
    }
    let account = store::find(tx, id).await?.ok_or(Refused::BadCredentials)?;
    open(state, tx, account, means, origin, now).await
}

pub(super) async fn count_failure(
    state: &State,
    id: AccountId,
    origin: &Origin,
    now: Timestamp,
) -> Result<(), Error> {
    let (inner, origin) = (state.clone(), origin.clone());
    transact(&state.db, move |tx| {
        Box::pin(async move {
            let before = store::lock_lockout(tx, id).await?;
            match before.check(now) {
                Ok(()) => fail(&inner, tx, id, before, &origin, now).await,
                Err(_) => Ok(()),
            }
        })
    })
    .await
}

/// Counts one more failure of an account whose row is locked, and locks the account when it was the
/// last one too many.
pub(super) async fn fail(
    state: &State,
    tx: &mut Connection,
    id: AccountId,
    before: Lockout,
    origin: &Origin,
    now: Timestamp,
) -> Result<(), Error> {
    let limits = &state.config.limits;
    let rule = LockoutRule {
        failures: i32::try_from(limits.login_failures).unwrap_or(i32::MAX),
        period: chrono::TimeDelta::minutes(limits.lock_minutes.into()),
    };
    let lockout = before.failed(rule, now);
    store::save_lockout(tx, id, lockout).await?;
    if lockout.until.is_some() {
        let entry = AuditEntry::new("account.lock", "account", id, origin);
        audit::append(tx, &entry, now).await?;
    }
    Ok(())
}

/// The caller's account, whose password was typed once more, with the seat of the verification. A
/// wrong one counts like one at log-in.
pub(super) async fn check_own_password(
    state: &State,
    actor: &Actor,
    field: &str,
    password: &Password,
    origin: &Origin,
) -> Result<(Credentials, Username, SemaphorePermit<'static>), Error> {
    let seat = VERIFICATIONS.acquire().await.map_err(|_| Basic::Unavailable)?;
    let now = state.clock.now();
    let name = me(state, actor).await?.username.ok_or(Refused::PasswordUnused)?;
    let username = Username::parse("username", &name)?;
    let known = store::credentials(&mut *state.db.acquire().await?, &name).await?;
    let known = known.ok_or(Basic::Unauthenticated)?;
    known.lockout.check(now)?;
    let stored = Some(known.password_hash.clone());
    if !state.passwords.verify(password.plain().to_owned(), stored).await? {
        count_failure(state, known.id, origin, now).await?;
        return Err(Invalid::field(field, "密码不对，请重新输入；连续输错账号会暂时锁定").into());
    }
    Ok((known, username, seat))
}
