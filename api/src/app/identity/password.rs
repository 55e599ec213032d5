//! Passwords of staff: changed by who knows them, replaced by an administrator's one-time password.

use domain::{
    event::EventKind,
    id::AccountId,
    identity::{Actor, Means, Password, Refused, SessionEnd, Username, password::ONCE},
    refusal::Invalid,
    time::Timestamp,
};
use infra::{
    postgres::{
        audit::{self, AuditEntry, Origin},
        identity::{
            Credentials,
            credential::{self, NewPassword},
            session as sessions,
        },
    },
    random,
    redis::session,
};
use serde_json::{Map, json};

use super::{
    LoggedIn, Who, notice,
    staff::{Proof, check_own_password, check_password, enter},
    totp,
};
use crate::{app::transact, error::Error, state::State};

/// A one-time password, which is shown once.
#[derive(Debug)]
pub struct Once {
    /// The password; it prints as stars.
    pub password: Password,
    /// It is good before this instant.
    pub until: Timestamp,
}

/// Changes the caller's password; every other log-in of the account ends. Wrong guesses of the old
/// one count as those at log-in do.
///
/// # Errors
/// `account_locked`; `invalid_field` for a wrong old or an unfit new one; `password_unused` for
/// whoever logs in without a password.
pub async fn change(
    state: &State,
    who: &Who,
    old: &Password,
    new: &Password,
    origin: Origin,
) -> Result<(), Error> {
    let (known, username, _seat) =
        check_own_password(state, &who.actor, "old", old, &origin).await?;
    let hash = fit(state, &known, &username, old, new).await?;
    let (now, who) = (state.clock.now(), who.clone());
    let ended = transact(&state.db, move |tx| {
        Box::pin(async move {
            let id = known.id;
            let chosen = NewPassword { hash: &hash, once_until: None };
            if !credential::replace_password(tx, id, &known.password_hash, chosen, now).await? {
                return Err(overtaken());
            }
            let reason = SessionEnd::Credentials;
            let ended = sessions::end_others(tx, id, who.session, reason, now).await?;
            let entry = AuditEntry::new("account.change_password", "account", id, &origin)
                .by(&who.actor)
                .with(json!({ "sessions": ended.len() }));
            audit::append(tx, &entry, now).await?;
            Ok(ended)
        })
    })
    .await?;
    session::forget(&state.redis, &ended).await;
    Ok(())
}

/// Changes the password of whoever proves who they are, and logs in: for a one-time password, and
/// for one that is older than allowed. Every log-in before it ends.
///
/// # Errors
/// As at log-in, and `invalid_field` for an unfit new one. `totp_enrolment_required`, where the role
/// demands a second factor that is not there yet: the new password counts all the same.
pub async fn change_and_log_in(
    state: &State,
    proof: Proof,
    new: &Password,
    origin: &Origin,
) -> Result<LoggedIn, Error> {
    let (known, _seat) = check_password(state, &proof.username, &proof.password, origin).await?;
    let now = state.clock.now();
    known.age.changeable(now)?;
    let username = Username::parse("username", &proof.username)?;
    let hash = fit(state, &known, &username, &proof.password, new).await?;
    let (inner, origin) = (state.clone(), origin.clone());
    let (entered, ended) = transact(&state.db, move |tx| {
        Box::pin(async move {
            let (id, code) = (known.id, proof.totp.as_ref());
            if let Err(refused) = totp::second_factor(&inner, tx, id, code, &origin, now).await? {
                return Ok((Err(refused), Vec::new()));
            }
            let chosen = NewPassword { hash: &hash, once_until: None };
            if !credential::replace_password(tx, id, &known.password_hash, chosen, now).await? {
                return Err(overtaken());
            }
            let ended = sessions::end_all(tx, id, SessionEnd::Credentials, now).await?;
            let mut entry = AuditEntry::new("account.change_password", "account", id, &origin)
                .with(json!({ "sessions": ended.len() }));
            entry.account = Some(id);
            audit::append(tx, &entry, now).await?;
            Ok((enter(&inner, tx, id, Means::Password, &origin, now).await?, ended))
        })
    })
    .await?;
    session::forget(&state.redis, &ended).await;
    entered.map_err(Error::from)
}

/// Sets a one-time password for another's account, which lifts a lock; every log-in ends. A repeat
/// makes the one before void.
///
/// # Errors
/// `own_credentials`, `not_found`, `password_unused`.
pub async fn set_once(
    state: &State,
    by: &Actor,
    id: AccountId,
    origin: Origin,
) -> Result<Once, Error> {
    if by.account == id {
        return Err(Refused::OwnCredentials.into());
    }
    super::accounts::exists(state, id).await?;
    let password = Password::typed(random::in_fours(16));
    let hash = state.passwords.hash(password.plain().to_owned()).await?;
    let (now, by) = (state.clock.now(), by.clone());
    let until = now + ONCE;
    let ended = transact(&state.db, move |tx| {
        Box::pin(async move {
            let before = credential::lock_password(tx, id).await?.ok_or(Refused::PasswordUnused)?;
            let once = NewPassword { hash: &hash, once_until: Some(until) };
            credential::replace_password(tx, id, &before, once, now).await?;
            let ended = sessions::end_all(tx, id, SessionEnd::Credentials, now).await?;
            let entry = AuditEntry::new("account.set_password", "account", id, &origin)
                .by(&by)
                .with(json!({ "sessions": ended.len() }));
            audit::append(tx, &entry, now).await?;
            notice::tell(tx, id, EventKind::PasswordSet, Map::new(), now).await?;
            Ok(ended)
        })
    })
    .await?;
    session::forget(&state.redis, &ended).await;
    Ok(Once { password, until })
}

/// The hash of a new password that may be chosen.
async fn fit(
    state: &State,
    known: &Credentials,
    username: &Username,
    old: &Password,
    new: &Password,
) -> Result<String, Error> {
    let chosen = Password::choose("new", new.plain(), username)?;
    let again = || Invalid::field("new", "不能与最近 5 次用过的密码相同，请换一个");
    if chosen == *old {
        return Err(again().into());
    }
    let past = credential::past_passwords(&mut *state.db.acquire().await?, known.id).await?;
    for hash in past {
        if state.passwords.verify(chosen.plain().to_owned(), Some(hash)).await? {
            return Err(again().into());
        }
    }
    state.passwords.hash(chosen.plain().to_owned()).await.map_err(Error::from)
}

/// Of two changes at once the second was made for a password that is gone.
fn overtaken() -> Error {
    Invalid::field("old", "密码刚刚在别处改过，请用新的密码").into()
}
