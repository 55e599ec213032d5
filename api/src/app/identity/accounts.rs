//! Accounts under administration: the security administrator's desk and the command line.

use domain::{
    grant::bootstrap,
    id::AccountId,
    identity::{Actor, Grant, Password, Refused, Role, SessionEnd, Username},
    org::NodeCode,
    page::PageRequest,
    refusal::Basic,
};
use infra::{
    postgres::{
        audit::{self, AuditEntry, Origin},
        grant as grants,
        identity::{self as store, Account, NewStaff, session as sessions},
        violated,
    },
    random,
    redis::session,
};
use serde_json::json;

use crate::{
    app::{task::give_back_all, transact},
    error::Error,
    state::State,
};

/// Accounts whose username or display name begins with `prefix`, one more than the page.
///
/// # Errors
/// The database's.
pub async fn list(
    state: &State,
    filter: store::AccountFilter<'_>,
    page: PageRequest,
) -> Result<Vec<Account>, Error> {
    Ok(store::list(&mut *state.db.acquire().await?, filter, page).await?)
}

/// Whether there is such an account.
///
/// # Errors
/// `not_found`.
pub async fn exists(state: &State, id: AccountId) -> Result<(), Error> {
    let found = store::find(&mut *state.db.acquire().await?, id).await?;
    found.map(drop).ok_or_else(|| Basic::NotFound.into())
}

/// Disables an account and ends all its sessions; within a second no token of it is taken any
/// more; its open tasks go back to their units. Disabling a disabled account changes nothing. `by` is none on the command line.
///
/// # Errors
/// `not_found`, `own_account`.
pub async fn disable(
    state: &State,
    by: Option<&Actor>,
    id: AccountId,
    reason: String,
    origin: &Origin,
) -> Result<Account, Error> {
    if by.is_some_and(|actor| actor.account == id) {
        return Err(Refused::OwnAccount.into());
    }
    let (now, by, origin) = (state.clock.now(), by.cloned(), origin.clone());
    let (account, ended, jobs) = transact(&state.db, move |tx| {
        Box::pin(async move {
            // On the server itself an administrator may be all that is left.
            if by.is_some() {
                let enabled = grants::lock_administrators(tx).await?;
                if enabled.contains(&id) {
                    domain::grant::enough(enabled.iter().filter(|one| **one != id).count())?;
                }
            }
            let changed = store::disable(tx, id, &reason, now).await?;
            let ended = sessions::end_all(tx, id, SessionEnd::Disabled, now).await?;
            let mut jobs = Vec::new();
            if changed {
                let entry = entry("account.disable", id, by.as_ref(), &origin)
                    .with(json!({ "sessions": ended.len() }));
                audit::append(tx, &entry, now).await?;
                jobs = give_back_all(tx, id, now).await?;
            }
            Ok((store::find(tx, id).await?.ok_or(Basic::NotFound)?, ended, jobs))
        })
    })
    .await?;
    session::forget(&state.redis, &ended).await;
    state.redis.wake(&jobs).await;
    Ok(account)
}

/// Enables an account and lifts a lock. Its old sessions stay ended. Enabling an enabled account
/// changes nothing.
///
/// # Errors
/// `not_found`.
pub async fn enable(
    state: &State,
    by: Option<&Actor>,
    id: AccountId,
    origin: &Origin,
) -> Result<Account, Error> {
    let (now, by, origin) = (state.clock.now(), by.cloned(), origin.clone());
    transact(&state.db, move |tx| {
        Box::pin(async move {
            if let Some(disabled) = store::enable(tx, id).await? {
                if disabled {
                    // A log-in that raced with the disabling may have left one.
                    sessions::end_all(tx, id, SessionEnd::Disabled, now).await?;
                }
                let entry = entry("account.enable", id, by.as_ref(), &origin);
                audit::append(tx, &entry, now).await?;
            }
            Ok(store::find(tx, id).await?.ok_or(Basic::NotFound)?)
        })
    })
    .await
}

/// Makes a staff account with one administrator's role from the command line, until there are two
/// enabled security administrators: from then on it takes both of them.
///
/// # Errors
/// `administrator_takes_two`;
/// `invalid_field` for a wrong username or password, `username_taken`.
pub async fn create_administrator(
    state: &State,
    username: &str,
    password: &str,
    role: Role,
    scope: &NodeCode,
) -> Result<AccountId, Error> {
    let username = Username::parse("username", username)?;
    let password = Password::choose("password", password, &username)?;
    let grant = Grant { role, scope: scope.to_string() };
    let now = state.clock.now();
    let hash = state.passwords.hash(password.plain().to_owned()).await?;
    transact(&state.db, move |tx| {
        Box::pin(async move {
            bootstrap(grants::lock_administrators(tx).await?.len())?;
            let id: AccountId = random::id(now);
            let staff = NewStaff {
                id,
                username: username.as_str(),
                password_hash: &hash,
                display_name: role.label(),
            };
            store::insert_staff(tx, &staff, now).await.map_err(|error| match violated(&error) {
                Some("account_username_key") => Refused::UsernameTaken.into(),
                _ => Error::from(error),
            })?;
            store::grant(tx, random::id(now), id, &grant, now).await?;
            let origin = Origin::default();
            let entry = entry("account.create", id, None, &origin).with(json!(grant));
            audit::append(tx, &entry, now).await?;
            Ok(id)
        })
    })
    .await
}

/// The account of a username, for the command line.
///
/// # Errors
/// `not_found`.
pub async fn by_username(state: &State, username: &str) -> Result<AccountId, Error> {
    let username = Username::parse("username", username)?;
    let found = store::find_by_username(&mut *state.db.acquire().await?, username.as_str()).await?;
    found.ok_or_else(|| Basic::NotFound.into())
}

fn entry<'a>(
    action: &'static str,
    id: AccountId,
    by: Option<&Actor>,
    origin: &'a Origin,
) -> AuditEntry<'a> {
    AuditEntry::new(action, "account", id, origin).by(by)
}
