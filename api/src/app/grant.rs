//! Grants (授权): one security administrator proposes, another approves, and then the role is in force
//! within a second.

use domain::{
    event::{EventKind, NewEvent, Visibility},
    grant::{self as rules, Decider, Holder, Kind, Proposal, Propose, Refused, Status, Step},
    id::{AccountId, GrantProposalId, JobId, SessionId},
    identity::{self, Grant, Role},
    invitation::is_field,
    page::{Limit, PageRequest},
    refusal::{Basic, Invalid},
    time::Timestamp,
};
use infra::{
    postgres::{
        Connection, event,
        grant::{
            self as store, Decided,
            read::{self, Filter, ProposalView, Reviewed},
        },
        identity::{self as accounts, NewStaff, session::open_of},
        violated,
    },
    random,
    redis::session,
};
use serde_json::json;

use super::{
    case::Ask,
    idempotent::{self, Answer, Once},
    notification::announce,
    task::give_back_all,
    transact,
};
use crate::{error::Error, state::State};

/// So many proposals one run of the chore ends.
const BATCH: i64 = 200;

/// One proposal as it stands.
///
/// # Errors
/// There is none.
pub async fn shown(tx: &mut Connection, id: GrantProposalId) -> Result<ProposalView, Error> {
    let filter = Filter { id: Some(id), ..Filter::default() };
    let one = PageRequest { after: None, limit: Limit::DEFAULT };
    read::list(tx, &filter, one).await?.pop().ok_or_else(|| Basic::NotFound.into())
}

/// What is to be done after the commit: sessions whose copies show the old roles, jobs to wake.
#[derive(Debug, Default)]
struct After {
    sessions: Vec<SessionId>,
    jobs: Vec<JobId>,
}

impl After {
    async fn done(self, state: &State) {
        session::forget(&state.redis, &self.sessions).await;
        state.redis.wake(&self.jobs).await;
    }
}

/// # Errors
/// The role is not held on such a scope, or the scope is not in use.
async fn check_scope(tx: &mut Connection, grant: &Grant) -> Result<(), Error> {
    if store::is_place(tx, rules::places(grant.role), &grant.scope).await? {
        return Ok(());
    }
    let said = format!("{}不能授予在这个范围，或没有这个代码，请核对后重填", grant.role.label());
    Err(Invalid::field("scope", said).into())
}

/// Locks the account of a proposal; before it, where a security administrator may go, all of those,
/// so that two who go at once are counted one after the other.
async fn lock(
    tx: &mut Connection,
    account: AccountId,
    kind: Kind,
    grant: &Grant,
) -> Result<(), Error> {
    if kind == Kind::Revoke && grant.role == Role::SecurityAdmin {
        store::lock_administrators(tx).await?;
    }
    Ok(accounts::lock(tx, account).await?)
}

/// # Errors
/// A proposal to give what is held, to take what is not, or to bring together what is to be apart.
async fn check_role(
    tx: &mut Connection,
    account: AccountId,
    kind: Kind,
    grant: &Grant,
) -> Result<(), Error> {
    let held = accounts::grants(tx, account).await?.contains(grant);
    match kind {
        Kind::Revoke if !held => Err(Refused::NotHeld.into()),
        Kind::Revoke => Ok(()),
        Kind::Grant | Kind::Account if held => Err(Refused::Held.into()),
        Kind::Grant | Kind::Account => {
            rules::apart(&store::roles_of_person(tx, account).await?, grant.role)?;
            // What works at a desk has a password, a second factor and a short log-in.
            let found = accounts::find(tx, account).await?;
            if !is_field(grant.role) && found.is_none_or(|one| one.username.is_none()) {
                let said = "这个账号用微信登录，没有密码和动态口令，只能有外勤角色；其他角色请新建工作账号";
                return Err(Invalid::field("role", said).into());
            }
            Ok(())
        }
    }
}

/// Gives a role or takes it. The account is locked before; two security administrators are left.
async fn put_in_force(
    tx: &mut Connection,
    (id, account): (GrantProposalId, AccountId),
    (gives, grant): (bool, &Grant),
    by: Option<AccountId>,
    now: Timestamp,
) -> Result<After, Error> {
    let mut jobs = Vec::new();
    if gives {
        accounts::grant(tx, random::id(now), account, grant, now).await?;
    } else {
        if grant.role == Role::SecurityAdmin {
            let enabled = store::lock_administrators(tx).await?;
            rules::enough(enabled.iter().filter(|one| **one != account).count())?;
        }
        accounts::revoke(tx, account, grant, now).await?;
        jobs = give_back_all(tx, account, now).await?;
    }
    let kind = if gives { EventKind::RoleGranted } else { EventKind::RoleRevoked };
    let told = NewEvent::new(kind, Visibility::Reporter)
        .with(json!({ "account": account, "role": grant.role, "scope": grant.scope }));
    let last = event::append_next(tx, id.0, &[told], by, now).await?;
    jobs.extend(announce(tx, id.0, last, 1, now).await?);
    Ok(After { sessions: open_of(tx, account).await?, jobs })
}

/// Proposes, once for each key. An urgent revocation is in force at once.
///
/// # Errors
/// No such account or scope; [`Refused`], such as one's own role or a role that is held already; the
/// username is taken; the key was used for another command.
pub async fn propose(
    state: &State,
    ask: Ask,
    once: Once,
    new: Propose,
) -> Result<Answer<()>, Error> {
    let now = state.clock.now();
    let expires_at = new.waits().end(now, state.terms().calendar);
    let answer = idempotent::run(state, once, 201, move |tx| {
        Box::pin(async move {
            let by = ask.account().ok_or(Basic::Unauthenticated)?;
            let id: GrantProposalId = random::id(now);
            match &new.holder {
                Holder::Account(account) => {
                    if !store::can_hold(tx, *account).await? {
                        let said = "没有这个账号，或已经注销，请核对账号编号";
                        return Err(Invalid::field("account", said).into());
                    }
                    if accounts::same_person(tx, by, &[*account]).await? {
                        return Err(Refused::OwnRole.into());
                    }
                    lock(tx, *account, new.kind, &new.grant).await?;
                    check_role(tx, *account, new.kind, &new.grant).await?;
                }
                Holder::New { username, .. } => {
                    if accounts::find_by_username(tx, username).await?.is_some() {
                        return Err(identity::Refused::UsernameTaken.into());
                    }
                }
            }
            // What is held on a scope that is no more can still be taken away.
            if new.kind != Kind::Revoke {
                check_scope(tx, &new.grant).await?;
            }
            store::insert(tx, id, &new, (by, expires_at), now).await.map_err(
                |error| match violated(&error) {
                    Some("grant_proposal_open" | "grant_proposal_open_username") => {
                        Refused::Waiting.into()
                    }
                    _ => Error::from(error),
                },
            )?;
            let mut after = After::default();
            if let Holder::Account(account) = new.holder
                && new.urgent
            {
                let taken = (false, &new.grant);
                after = put_in_force(tx, (id, account), taken, Some(by), now).await?;
            }
            let data = json!({ "kind": new.kind, "grant": new.grant, "urgent": new.urgent });
            ask.record(tx, ("grant.propose", "grant_proposal", id), data, now).await?;
            Ok((shown(tx, id).await?, after))
        })
    })
    .await?;
    let Answer { status, body, fresh } = answer;
    if let Some(after) = fresh {
        after.done(state).await;
    }
    Ok(Answer { status, body, fresh: Some(()) })
}

/// Takes a step with a proposal: another administrator approves or refuses it, the proposer
/// withdraws it. What it does to the role is done in the same transaction.
///
/// # Errors
/// There is none; a stale version; [`Refused`]; the username was taken meanwhile.
pub async fn decide(
    state: &State,
    ask: Ask,
    id: GrantProposalId,
    (step, note): (Step, Option<String>),
) -> Result<(), Error> {
    let now = state.clock.now();
    // Nobody knows the password of a new account: a security administrator sets the first one. It is
    // hashed before anything is locked.
    let hash = match step {
        Step::Approve => state.passwords.hash(hex::encode(random::bytes::<32>())).await?,
        Step::Refuse | Step::Withdraw | Step::Expire => String::new(),
    };
    let after = transact(&state.db, move |tx| {
        Box::pin(async move {
            let by = ask.account().ok_or(Basic::Unauthenticated)?;
            let held = store::lock(tx, id).await?.ok_or(Basic::NotFound)?;
            ask.check_version(held.version)?;
            let mut who = Decider {
                proposed: accounts::same_person(tx, by, &[held.by]).await?,
                concerned: false,
            };
            if step == Step::Withdraw {
                // The account itself, not another of the same person.
                who.proposed = by == held.by;
            }
            if let Holder::Account(account) = held.holder {
                who.concerned = accounts::same_person(tx, by, &[account]).await?;
            }
            let status = held.step(step, who, now)?;
            let made = match (&held.holder, status) {
                (Holder::New { username, display_name }, Status::Approved) => {
                    let names = (username.as_str(), display_name.as_str());
                    Some(make(tx, names, &hash, now).await?)
                }
                _ => None,
            };
            let decided = Decided { status, by: Some(by), note: note.as_deref(), made };
            carry_out(tx, (id, &held), decided, now, &ask).await
        })
    })
    .await?;
    after.done(state).await;
    Ok(())
}

/// Makes a staff account without roles.
async fn make(
    tx: &mut Connection,
    (username, display_name): (&str, &str),
    password_hash: &str,
    now: Timestamp,
) -> Result<AccountId, Error> {
    let id = random::id(now);
    let staff = NewStaff { id, username, password_hash, display_name };
    accounts::insert_staff(tx, &staff, now).await.map_err(|error| match violated(&error) {
        Some("account_username_key") => identity::Refused::UsernameTaken.into(),
        _ => Error::from(error),
    })?;
    Ok(id)
}

/// Stores what became of a proposal, and gives or takes the role.
async fn carry_out(
    tx: &mut Connection,
    (id, held): (GrantProposalId, &Proposal),
    decided: Decided<'_>,
    now: Timestamp,
    ask: &Ask,
) -> Result<After, Error> {
    store::decide(tx, id, decided, now).await?;
    let account = match held.holder {
        Holder::Account(account) => Some(account),
        Holder::New { .. } => decided.made,
    };
    let mut after = After::default();
    let mut effect = held.effect(decided.status);
    if let (Some(account), Some(gives)) = (account, effect) {
        lock(tx, account, held.kind, &held.grant).await?;
        if decided.status == Status::Approved {
            check_role(tx, account, held.kind, &held.grant).await?;
            if gives {
                if !store::can_hold(tx, account).await? {
                    let said = "没有这个账号，或已经注销，请不批准这件申请";
                    return Err(Invalid::field("account", said).into());
                }
                check_scope(tx, &held.grant).await?;
            }
        } else if !may_come_back(tx, account, &held.grant).await? {
            effect = None;
        }
        if effect.is_some() {
            let change = (gives, &held.grant);
            after = put_in_force(tx, (id, account), change, decided.by, now).await?;
        }
    }
    let action = match decided.status {
        Status::Approved => "grant.approve",
        Status::Refused => "grant.refuse",
        Status::Withdrawn => "grant.withdraw",
        Status::Expired | Status::Proposed => "grant.expire",
    };
    let data = json!({ "account": account, "grant": held.grant, "held": effect });
    ask.record(tx, (action, "grant_proposal", id), data, now).await?;
    Ok(after)
}

/// Whether what was taken at once and not confirmed can be given back: the person is still there, and
/// no other role was given meanwhile that must be apart from it.
async fn may_come_back(
    tx: &mut Connection,
    account: AccountId,
    grant: &Grant,
) -> Result<bool, Error> {
    let apart = rules::apart(&store::roles_of_person(tx, account).await?, grant.role).is_ok();
    Ok(apart && store::can_hold(tx, account).await?)
}

/// Who holds which role of staff, and whether their account was unused for long (90 days from the
/// grant or the last log-in), for the yearly review.
///
/// # Errors
/// The database's.
pub async fn review(state: &State) -> Result<Vec<(Reviewed, bool)>, Error> {
    let now = state.clock.now();
    let rows = read::review(&mut *state.db.acquire().await?).await?;
    let unused = |row: &Reviewed| {
        now - row.logged_in_at.map_or(row.granted_at, |at| at.max(row.granted_at)) > rules::UNUSED
    };
    Ok(rows
        .into_iter()
        .map(|row| {
            let long = unused(&row);
            (row, long)
        })
        .collect())
}

/// Ends the proposals that nobody decided in time; what was taken at once comes back.
#[derive(Debug, serde::Deserialize)]
pub struct ExpireGrants {}

impl ExpireGrants {
    /// The kind of the job.
    pub const KIND: &'static str = "expire_grants";

    /// Ends them.
    ///
    /// # Errors
    /// The database's.
    pub async fn expire(state: &State, tx: &mut Connection) -> Result<(), Error> {
        let (now, ask) = (state.clock.now(), Ask::worker());
        let mut after = After::default();
        for id in store::due(tx, now, BATCH).await? {
            let Some(held) = store::lock(tx, id).await? else { continue };
            // Somebody decided since it was found.
            let Ok(status) = held.step(Step::Expire, Decider::default(), now) else { continue };
            let decided = Decided { status, by: None, note: None, made: None };
            let done = carry_out(tx, (id, &held), decided, now, &ask).await?;
            after.sessions.extend(done.sessions);
        }
        // Before the commit: a copy that is made anew meanwhile lives for a second at most.
        session::forget(&state.redis, &after.sessions).await;
        Ok(())
    }
}
