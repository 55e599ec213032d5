//! A person's own rights (个人信息权利): correction, erasure and consent. What there is of a person,
//! and what an erasure does to it, says the register in `infra::postgres::privacy::register`.

use domain::{
    id::{AccountId, ConsentId, JobId},
    identity::{Actor, SessionEnd},
    privacy::{self, Hold, Purpose},
    refusal::{Basic, Invalid},
    time::Timestamp,
};
use futures::TryStreamExt;
use infra::{
    postgres::{
        Connection,
        audit::{self, AuditEntry, Origin},
        identity::{self as accounts, Account, session as sessions},
        job::{self, NewJob},
        privacy::{self as store, consent, register},
    },
    random,
    redis::session,
};
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::{case::Ask, points, redemption, service, transact};
use crate::{app::identity::Who, error::Error, state::State};

mod export;
mod list;

pub use export::{Form, export};

/// Rows that one run of an erasure changes; when there are more, another follows.
const BATCH: i64 = 1_000;
/// Erasures that one run of the chore looks at.
const WAITING: i64 = 500;
/// A name or number shorter than this is looked for nowhere: it would be found everywhere.
const SHORTEST: usize = 2;

/// Changes what a person may change of the account: its name.
///
/// # Errors
/// `staff_account`.
pub async fn correct(
    state: &State,
    actor: &Actor,
    display_name: String,
    origin: Origin,
) -> Result<Account, Error> {
    let (now, actor) = (state.clock.now(), actor.clone());
    transact(&state.db, move |tx| {
        Box::pin(async move {
            let account = own_account(tx, &actor).await?;
            if account.display_name != display_name {
                store::rename(tx, account.id, &display_name).await?;
                // What changed, never from what to what: it is a name.
                let entry = AuditEntry::new("privacy.correct", "account", account.id, &origin)
                    .by(&actor)
                    .with(json!({ "fields": ["display_name"] }));
                audit::append(tx, &entry, now).await?;
            }
            Ok(Account { display_name, ..account })
        })
    })
    .await
}

/// The caller's account, locked, if it is the person's own.
async fn own_account(tx: &mut Connection, actor: &Actor) -> Result<Account, Error> {
    accounts::lock(tx, actor.account).await?;
    let account = accounts::find(tx, actor.account).await?.ok_or(Basic::Unauthenticated)?;
    privacy::own(actor, account.username.is_some())?;
    Ok(account)
}

/// Erases the caller: log-ins end and WeChat is unlinked at once; what can be given back is; the
/// rest follows by a job as soon as nothing holds it. Answers what it waits for.
///
/// # Errors
/// `staff_account`.
pub async fn ask(state: &State, who: &Who, origin: Origin) -> Result<Vec<(Hold, i64)>, Error> {
    privacy::own(&who.actor, false)?;
    give_back(state, &who.actor, &origin).await?;
    let (now, actor) = (state.clock.now(), who.actor.clone());
    let (holds, ended, jobs) = transact(&state.db, move |tx| {
        Box::pin(async move {
            let id = own_account(tx, &actor).await?.id;
            store::ask(tx, id, "asked", now).await?;
            store::unlink(tx, id, now).await?;
            let ended = sessions::end_all(tx, id, SessionEnd::Erased, now).await?;
            let holds = store::holds(tx, id).await?;
            let waits: Vec<Hold> = holds.iter().map(|(hold, _)| *hold).collect();
            let entry = AuditEntry::new("privacy.erase", "account", id, &origin)
                .by(&actor)
                .with(json!({ "sessions": ended.len(), "waits_for": waits }));
            audit::append(tx, &entry, now).await?;
            let jobs = enqueue(tx, id, now).await?;
            Ok((holds, ended, jobs))
        })
    })
    .await?;
    session::forget(&state.redis, &ended).await;
    state.redis.wake(&jobs).await;
    Ok(holds)
}

/// Gives back what the person holds: codes that are not verified, places in services to come. What
/// has begun meanwhile stays, and is waited for.
async fn give_back(state: &State, actor: &Actor, origin: &Origin) -> Result<(), Error> {
    let now = state.clock.now();
    let (redemptions, claims) =
        store::returnable(&mut *state.db.acquire().await?, actor.account, now).await?;
    for id in redemptions {
        let by = redemption::Asking { actor: actor.clone(), origin: origin.clone() };
        unless_refused(redemption::cancel(state, by, id).await)?;
    }
    for id in claims {
        let ask = Ask::new(Some(actor.clone()), origin.clone());
        unless_refused(service::cancel(state, ask, id).await)?;
    }
    Ok(())
}

fn unless_refused<T>(done: Result<T, Error>) -> Result<(), Error> {
    match done {
        Ok(_) | Err(Error::Refused(_)) => Ok(()),
        Err(fault) => Err(fault),
    }
}

async fn enqueue(
    tx: &mut Connection,
    account: AccountId,
    now: Timestamp,
) -> Result<Vec<JobId>, Error> {
    let id: JobId = random::id(now);
    let job = NewJob {
        id,
        kind: ErasePerson::KIND,
        dedupe: format!("{}:{id}", ErasePerson::KIND),
        payload: serde_json::to_value(ErasePerson { account })?,
        run_at: now,
        max_attempts: 10,
    };
    Ok(job::enqueue(tx, &job, now).await?.into_iter().collect())
}

/// Erases a person who asked for it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ErasePerson {
    account: AccountId,
}

impl ErasePerson {
    /// The kind of the job.
    pub const KIND: &'static str = "erase_person";

    /// Erases so many rows inside the job's transaction, unless something holds it; when there are
    /// more, another job follows.
    ///
    /// # Errors
    /// The database's; the list of erased accounts cannot be written.
    pub async fn go(self, tx: &mut Connection, state: &State) -> Result<(), Error> {
        let now = state.clock.now();
        let Some(asked) = store::lock(tx, self.account).await? else { return Ok(()) };
        if asked && !store::holds(tx, self.account).await?.is_empty() {
            return Ok(());
        }
        if !erase(tx, state, self.account, now).await? {
            enqueue(tx, self.account, now).await?;
        }
        Ok(())
    }
}

/// The chore that follows erasures which waited for something.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct FollowErasures {}

impl FollowErasures {
    /// The kind of the job.
    pub const KIND: &'static str = "follow_erasures";

    /// Starts those that nothing holds any more.
    ///
    /// # Errors
    /// The database's.
    pub async fn follow(self, tx: &mut Connection, now: Timestamp) -> Result<(), Error> {
        for account in store::waiting(tx, WAITING).await? {
            if store::holds(tx, account).await?.is_empty() {
                enqueue(tx, account, now).await?;
            }
        }
        Ok(())
    }
}

/// The chore that removes what nobody needs any more: old notifications and log-ins.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct SweepOld {}

impl SweepOld {
    /// The kind of the job.
    pub const KIND: &'static str = "sweep_old";

    /// Removes them, so many at once; the rest goes the next day.
    ///
    /// # Errors
    /// The database's.
    pub async fn sweep(tx: &mut Connection, state: &State) -> Result<(), Error> {
        let kept = chrono::TimeDelta::days(state.config.privacy.keep_days.into());
        let removed = store::sweep(tx, state.clock.now() - kept).await?;
        if removed > 0 {
            tracing::info!(removed, "old notifications and log-ins removed");
        }
        Ok(())
    }
}

/// Erases at most [`BATCH`] rows and says whether that was all. The account goes on the outside list
/// first: whatever a backup brings back afterwards can be erased again by it.
async fn erase(
    tx: &mut Connection,
    state: &State,
    account: AccountId,
    now: Timestamp,
) -> Result<bool, Error> {
    list::append(&state.config.privacy.erased_list, account, now).await?;
    // What others wrote on duty is looked through while the names are still known.
    let words = names(tx, state, account).await?;
    for table in register::tables() {
        store::scrub(tx, table, account, &words).await?;
    }
    let mut left = BATCH;
    for table in register::tables() {
        let erased = store::erase(tx, table, account, &state.crypto, left).await?;
        left -= i64::try_from(erased).unwrap_or(left);
        if left <= 0 {
            return Ok(false);
        }
    }
    points::end_all(tx, account, now).await?;
    store::end_standing(tx, account, now).await?;
    store::finish(tx, account, now).await?;
    let origin = Origin::default();
    let entry = AuditEntry::new("privacy.erased", "account", account, &origin);
    audit::append(tx, &entry, now).await?;
    Ok(true)
}

/// The names, numbers and addresses of the person that are kept sealed, as they are and as they stand
/// in the address of a search; the longest first, so that none is a part of one that comes after it.
async fn names(
    tx: &mut Connection,
    state: &State,
    account: AccountId,
) -> Result<Vec<String>, Error> {
    let mut words = std::collections::BTreeSet::new();
    for table in register::tables() {
        let Some(told) = table.told.as_ref().filter(|told| !told.sealed.is_empty()) else {
            continue;
        };
        let mut rows = store::told(tx, table, told, account);
        while let Some(row) = rows.try_next().await? {
            let row = export::opened(&state.crypto, told, row)?;
            let sealed = told.sealed.iter().filter_map(|(_, name, _)| row.get(*name)?.as_str());
            words.extend(sealed.map(str::to_owned));
        }
    }
    words.retain(|word| word.chars().count() >= SHORTEST && word != store::MARK);
    let encoded = |word: &String| form_urlencoded::byte_serialize(word.as_bytes()).collect();
    let in_addresses: Vec<String> = words.iter().map(encoded).collect();
    words.extend(in_addresses);
    let mut words: Vec<String> = words.into_iter().collect();
    words.sort_by_key(|word| std::cmp::Reverse(word.len()));
    Ok(words)
}

/// Erases again whoever stands on the outside list, as after a restore: all accounts that there
/// are, whatever holds them, for it was done before. Doing it twice changes nothing. Answers how
/// many were erased.
///
/// # Errors
/// The list cannot be read, or holds what is no account's id; the database's.
pub async fn erase_again(state: &State, path: &std::path::Path) -> Result<usize, Error> {
    let ids = list::read(path).await?;
    let known = store::known(&mut *state.db.acquire().await?, &ids).await?;
    let mut count = 0;
    for account in known {
        count += usize::from(erase_one_again(state, account).await?);
    }
    Ok(count)
}

async fn erase_one_again(state: &State, account: AccountId) -> Result<bool, Error> {
    let now = state.clock.now();
    let ended = transact(&state.db, move |tx| {
        Box::pin(async move {
            accounts::lock(tx, account).await?;
            store::ask(tx, account, "restore", now).await?;
            store::unlink(tx, account, now).await?;
            Ok(sessions::end_all(tx, account, SessionEnd::Erased, now).await?)
        })
    })
    .await?;
    session::forget(&state.redis, &ended).await;
    let mut any = false;
    loop {
        let inner = state.clone();
        let done = transact(&state.db, move |tx| {
            Box::pin(async move {
                match store::lock(tx, account).await? {
                    Some(_) => erase(tx, &inner, account, now).await.map(Some),
                    None => Ok(None),
                }
            })
        })
        .await?;
        match done {
            None => return Ok(any),
            Some(all) => any |= all,
        }
    }
}

/// Gives consent to the version of a notice; giving it twice changes nothing.
///
/// # Errors
/// `invalid_field`: there is no such version, or it is not in effect.
pub async fn consent(
    state: &State,
    actor: &Actor,
    (purpose, version): (Purpose, i32),
    origin: Origin,
) -> Result<Vec<consent::Consent>, Error> {
    let (now, actor) = (state.clock.now(), actor.clone());
    transact(&state.db, move |tx| {
        Box::pin(async move {
            if !consent::exists(tx, purpose, version, now).await? {
                let reason = "没有这个版本的告知，请重新打开页面查看最新的一版";
                return Err(Invalid::field("version", reason).into());
            }
            let id: ConsentId = random::id(now);
            let what = (purpose, version);
            if consent::give(tx, id, actor.account, what, now).await? {
                note(tx, "privacy.consent", &actor, &origin, what, now).await?;
            }
            Ok(consent::of(tx, actor.account).await?)
        })
    })
    .await
}

/// Withdraws the consent to a purpose; without one nothing changes.
///
/// # Errors
/// The database's.
pub async fn withdraw(
    state: &State,
    actor: &Actor,
    purpose: Purpose,
    origin: Origin,
) -> Result<Vec<consent::Consent>, Error> {
    let (now, actor) = (state.clock.now(), actor.clone());
    transact(&state.db, move |tx| {
        Box::pin(async move {
            if consent::withdraw(tx, actor.account, purpose, now).await? > 0 {
                note(tx, "privacy.withdraw", &actor, &origin, (purpose, 0), now).await?;
            }
            Ok(consent::of(tx, actor.account).await?)
        })
    })
    .await
}

async fn note(
    tx: &mut Connection,
    action: &'static str,
    actor: &Actor,
    origin: &Origin,
    (purpose, version): (Purpose, i32),
    now: Timestamp,
) -> Result<(), Error> {
    let entry = AuditEntry::new(action, "account", actor.account, origin)
        .by(actor)
        .with(json!({ "purpose": purpose, "version": version }));
    Ok(audit::append(tx, &entry, now).await?)
}

/// The notices in effect.
///
/// # Errors
/// The database's.
pub async fn notices(state: &State) -> Result<Vec<consent::Notice>, Error> {
    Ok(consent::notices(&mut *state.db.acquire().await?, state.clock.now()).await?)
}

/// The caller's consents.
///
/// # Errors
/// The database's.
pub async fn consents(state: &State, actor: &Actor) -> Result<Vec<consent::Consent>, Error> {
    Ok(consent::of(&mut *state.db.acquire().await?, actor.account).await?)
}

/// Whether the configuration lets the caller go on: an operation that it names asks for a consent.
/// Staff act on duty, and people without an account are told on the page itself.
///
/// # Errors
/// `consent_required`.
pub async fn consented(
    state: &State,
    actor: Option<&Actor>,
    operation: &str,
    purpose: Purpose,
) -> Result<(), Error> {
    let asked = state.config.privacy.consent_required.iter().any(|one| one == operation);
    let Some(actor) = actor.filter(|actor| asked && privacy::own(actor, false).is_ok()) else {
        return Ok(());
    };
    let mut conn = state.db.acquire().await?;
    if consent::holds(&mut conn, actor.account, purpose, state.clock.now()).await? {
        Ok(())
    } else {
        Err(privacy::Refused::ConsentRequired(purpose).into())
    }
}
