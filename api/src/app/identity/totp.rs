//! The second factor of staff (动态口令): bound, asked for, renewed, taken off.

use domain::{
    event::EventKind,
    id::AccountId,
    identity::{Actor, Lockout, Means, Password, Refused, SessionEnd},
    refusal::{Basic, Invalid},
    time::Timestamp,
};
use infra::{
    postgres::{
        Connection,
        audit::{self, AuditEntry, Origin},
        identity::{
            self as store,
            credential::{self, Totp},
            session as sessions,
        },
    },
    random,
    redis::session,
    totp,
};
use serde_json::{Map, json};

use super::{
    LoggedIn, notice,
    staff::{Proof, check_own_password, check_password, enter, fail, still},
};
use crate::{app::transact, error::Error, state::State};

/// For which column the secret is sealed.
const SECRET: &str = "totp.secret";
/// For which column recovery codes are compared.
const RECOVERY: &str = "totp.recovery";
/// So many recovery codes are made at once.
const CODES: usize = 10;
/// Characters of one: 46 bits, of which an account gives five tries in a quarter of an hour.
const CODE_LENGTH: usize = 10;
/// 智享平城, as a URI writes it.
const ISSUER: &str = "%E6%99%BA%E4%BA%AB%E5%B9%B3%E5%9F%8E";

/// A second factor that was begun: what goes into the authenticator.
pub struct Started {
    /// The secret in base32, to be typed.
    pub secret: String,
    /// The same as `otpauth://…`, to be scanned.
    pub uri: String,
}

/// Recovery codes, which are shown once.
pub struct Codes(pub Vec<String>);

/// Begins a second factor for whoever knows the password, in place of one that was begun and not
/// confirmed.
///
/// # Errors
/// As at log-in by password; `totp_on` where there is one.
pub async fn start(
    state: &State,
    username: &str,
    password: &Password,
    origin: &Origin,
) -> Result<Started, Error> {
    let (known, _seat) = check_password(state, username, password, origin).await?;
    let now = state.clock.now();
    known.age.check(state.config.security.password_days, now)?;
    let secret = totp::secret();
    let (sealed, name) = (state.crypto.seal(SECRET, &secret), username.to_owned());
    transact(&state.db, move |tx| {
        Box::pin(async move {
            // One at a time: a secret is confirmed by a code of it, not of the one before.
            store::lock(tx, known.id).await?;
            if !still(tx, &name, &known).await? {
                return Err(Refused::BadCredentials.into());
            }
            let begun = credential::start_totp(tx, known.id, &sealed, now).await?;
            if begun { Ok(()) } else { Err(Refused::TotpOn.into()) }
        })
    })
    .await?;
    let secret = totp::base32(&secret);
    let uri = format!(
        "otpauth://totp/{ISSUER}:{username}?secret={secret}&issuer={ISSUER}\
         &algorithm=SHA1&digits=6&period=30"
    );
    Ok(Started { secret, uri })
}

/// Confirms a second factor by a code of it, makes its recovery codes, and logs in.
///
/// # Errors
/// As at log-in by password; `totp_required`, `totp_invalid`, which counts as a failure;
/// `totp_not_started`, `totp_on`.
pub async fn confirm(
    state: &State,
    proof: Proof,
    origin: &Origin,
) -> Result<(LoggedIn, Codes), Error> {
    let (known, _seat) = check_password(state, &proof.username, &proof.password, origin).await?;
    let now = state.clock.now();
    known.age.check(state.config.security.password_days, now)?;
    let (inner, origin) = (state.clone(), origin.clone());
    transact(&state.db, move |tx| {
        Box::pin(async move {
            let id = known.id;
            let lockout = store::lock_lockout(tx, id).await?;
            lockout.check(now)?;
            if !still(tx, &proof.username, &known).await? {
                return Err(Refused::BadCredentials.into());
            }
            let begun = credential::totp(tx, id).await?.ok_or(Refused::TotpNotStarted)?;
            if begun.confirmed {
                return Err(Refused::TotpOn.into());
            }
            let code = given(proof.totp.as_ref()).ok_or(Refused::TotpRequired)?;
            let secret = inner.crypto.open(SECRET, &begun.secret_sealed)?;
            let Some(step) = totp::step_of(&secret, &code, now.timestamp()) else {
                fail(&inner, tx, id, lockout, &origin, now).await?;
                return Ok(Err(Refused::TotpInvalid));
            };
            credential::confirm_totp(tx, id, step, now).await?;
            store::save_lockout(tx, id, Lockout::default()).await?;
            let codes = new_codes(&inner, tx, id, now).await?;
            let mut entry = AuditEntry::new("account.totp_on", "account", id, &origin);
            entry.account = Some(id);
            audit::append(tx, &entry, now).await?;
            Ok(enter(&inner, tx, id, Means::Password, &origin, now)
                .await?
                .map(|entered| (entered, codes)))
        })
    })
    .await?
    .map_err(Error::from)
}

/// Checks the second factor of an account whose password was right: nothing where none is on. A
/// wrong code counts as a failure, under the lock of the account's row: however many are tried at
/// once, no more are tried than in a row. A refusal is an answer, so that its count commits.
pub(super) async fn second_factor(
    state: &State,
    tx: &mut Connection,
    id: AccountId,
    code: Option<&Password>,
    origin: &Origin,
    now: Timestamp,
) -> Result<Result<(), Refused>, Error> {
    let lockout = store::lock_lockout(tx, id).await?;
    if let Err(locked) = lockout.check(now) {
        return Ok(Err(locked));
    }
    if let Some(held) = credential::totp(tx, id).await?.filter(|held| held.confirmed) {
        let Some(code) = given(code) else { return Ok(Err(Refused::TotpRequired)) };
        if !spend(state, tx, id, &held, &code, now).await? {
            fail(state, tx, id, lockout, origin, now).await?;
            return Ok(Err(Refused::TotpInvalid));
        }
    }
    if lockout != Lockout::default() {
        store::save_lockout(tx, id, Lockout::default()).await?;
    }
    Ok(Ok(()))
}

/// A code as it was meant: without spaces and hyphens, in capitals; none where nothing is left.
fn given(code: Option<&Password>) -> Option<String> {
    let code = code?.plain().chars().filter(|c| !c.is_whitespace() && *c != '-');
    Some(code.flat_map(char::to_uppercase).collect()).filter(|code: &String| !code.is_empty())
}

/// Takes a code of the authenticator or a recovery code, each once.
async fn spend(
    state: &State,
    tx: &mut Connection,
    id: AccountId,
    held: &Totp,
    code: &str,
    now: Timestamp,
) -> Result<bool, Error> {
    if code.len() == CODE_LENGTH {
        // The MACs may be of an older key.
        let named = recovery_name(id, code);
        let left = credential::unused_recovery(tx, id).await?;
        let is_it = |mac: &&Vec<u8>| state.crypto.mac_matches(RECOVERY, named.as_bytes(), mac);
        return match left.iter().find(is_it) {
            Some(mac) => Ok(credential::use_recovery(tx, id, mac, now).await?),
            None => Ok(false),
        };
    }
    let secret = state.crypto.open(SECRET, &held.secret_sealed)?;
    match totp::step_of(&secret, code, now.timestamp()) {
        Some(step) => Ok(credential::use_step(tx, id, step).await?),
        None => Ok(false),
    }
}

fn recovery_name(id: AccountId, code: &str) -> String {
    format!("{id}:{code}")
}

async fn new_codes(
    state: &State,
    tx: &mut Connection,
    id: AccountId,
    now: Timestamp,
) -> Result<Codes, Error> {
    let codes: Vec<String> =
        (0..CODES).map(|_| random::code(&random::UNAMBIGUOUS, CODE_LENGTH)).collect();
    let mac = |code: &String| state.crypto.mac(RECOVERY, recovery_name(id, code).as_bytes());
    let macs: Vec<Vec<u8>> = codes.iter().map(|code| mac(code).to_vec()).collect();
    credential::set_recovery(tx, id, &macs, now).await?;
    let shown = codes.iter().filter_map(|code| code.split_at_checked(CODE_LENGTH / 2));
    Ok(Codes(shown.map(|(head, tail)| format!("{head}-{tail}")).collect()))
}

/// Whether a role of the account demands a second factor.
pub(super) async fn is_demanded(
    state: &State,
    tx: &mut Connection,
    id: AccountId,
) -> Result<bool, Error> {
    let grants = store::grants(tx, id).await?;
    Ok(grants.iter().any(|grant| state.config.security.totp_roles.contains(&grant.role)))
}

/// Recovery codes of the caller that are left; none where no second factor is on.
///
/// # Errors
/// The database's.
pub async fn recovery_left(state: &State, actor: &Actor) -> Result<Option<i64>, Error> {
    Ok(credential::recovery_left(&mut *state.db.acquire().await?, actor.account).await?)
}

/// Makes ten new recovery codes in place of those before.
///
/// # Errors
/// `account_locked`; `invalid_field` for a wrong password or code; `totp_off`.
pub async fn renew_codes(
    state: &State,
    by: &Actor,
    password: &Password,
    code: Password,
    origin: Origin,
) -> Result<Codes, Error> {
    change(state, by, password, code, origin, Change::Renew).await
}

/// Takes the caller's second factor off, where no role demands it.
///
/// # Errors
/// As [`renew_codes`], and `totp_demanded`.
pub async fn remove(
    state: &State,
    by: &Actor,
    password: &Password,
    code: Password,
    origin: Origin,
) -> Result<(), Error> {
    change(state, by, password, code, origin, Change::Remove).await.map(drop)
}

/// What becomes of a second factor by its owner's hand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Change {
    Renew,
    Remove,
}

async fn change(
    state: &State,
    by: &Actor,
    password: &Password,
    code: Password,
    origin: Origin,
    change: Change,
) -> Result<Codes, Error> {
    let (known, _, _seat) = check_own_password(state, by, "password", password, &origin).await?;
    let (now, inner, by) = (state.clock.now(), state.clone(), by.clone());
    let done: Result<Codes, Refused> = transact(&state.db, move |tx| {
        Box::pin(async move {
            let id = known.id;
            store::lock(tx, id).await?;
            if !credential::totp(tx, id).await?.is_some_and(|held| held.confirmed) {
                return Err(Refused::TotpOff.into());
            }
            if change == Change::Remove && is_demanded(&inner, tx, id).await? {
                return Err(Refused::TotpDemanded.into());
            }
            if let Err(refused) = second_factor(&inner, tx, id, Some(&code), &origin, now).await? {
                return Ok(Err(refused));
            }
            let (action, codes) = match change {
                Change::Renew => ("account.recovery_codes", new_codes(&inner, tx, id, now).await?),
                Change::Remove => {
                    credential::remove_totp(tx, id).await?;
                    ("account.totp_off", Codes(Vec::new()))
                }
            };
            let entry = AuditEntry::new(action, "account", id, &origin).by(&by);
            audit::append(tx, &entry, now).await?;
            Ok(Ok(codes))
        })
    })
    .await?;
    done.map_err(|refused| match refused {
        // A 401 would say that the log-in is over, which goes on.
        Refused::TotpInvalid | Refused::TotpRequired => {
            Invalid::field("totp", refused.to_string()).into()
        }
        other => other.into(),
    })
}

/// Takes the second factor of another's account off, such as after a lost phone; every log-in ends,
/// and where a role demands a second factor, the next log-in begins with a new one. `by` is none on
/// the command line.
///
/// # Errors
/// `own_credentials`, `not_found`, `totp_off`.
pub async fn reset(
    state: &State,
    by: Option<&Actor>,
    id: AccountId,
    reason: String,
    origin: Origin,
) -> Result<(), Error> {
    if by.is_some_and(|by| by.account == id) {
        return Err(Refused::OwnCredentials.into());
    }
    let (now, by) = (state.clock.now(), by.cloned());
    let ended = transact(&state.db, move |tx| {
        Box::pin(async move {
            store::find(tx, id).await?.ok_or(Basic::NotFound)?;
            store::lock(tx, id).await?;
            if !credential::remove_totp(tx, id).await? {
                return Err(Refused::TotpOff.into());
            }
            let ended = sessions::end_all(tx, id, SessionEnd::Credentials, now).await?;
            let entry = AuditEntry::new("account.reset_totp", "account", id, &origin)
                .by(by.as_ref())
                .with(json!({ "reason": reason, "sessions": ended.len() }));
            audit::append(tx, &entry, now).await?;
            notice::tell(tx, id, EventKind::TotpReset, Map::new(), now).await?;
            Ok(ended)
        })
    })
    .await?;
    session::forget(&state.redis, &ended).await;
    Ok(())
}
