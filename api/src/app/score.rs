//! Use cases of the score book (积分管理手册): entries from five inlets, quarters settled by the
//! organisation, public notice, lock.

use domain::{
    decision::Decision,
    id::{AccountId, JobId, MemberId, ScoreEntryId, ScoreSettlementId},
    identity::{Actor, Role},
    org::NodeCode,
    refusal::{Basic, Invalid},
    scope::Scope,
    score::{
        Entry, Inlet, Quarter, Refused, Status, Step, Subject, Words,
        catalogue::{Catalogue, totals},
        quarterly::{self as settlement, Settlement},
    },
    time::Timestamp,
};
use infra::{
    postgres::{Connection, score as store, violated},
    random,
};
use serde_json::{Value, json};

use super::{
    case::{Ask, carry_out},
    check_community,
    idempotent::{self, Answer, Once},
    notification::announce,
    transact,
};
use crate::{error::Error, state::State};

pub mod objection;
mod view;

pub use view::{BookView, EntryView, LineView, ObjectionView, SettlementView, book, detail};

/// Locks the quarters whose public notice is over.
#[derive(Debug, Clone, Copy, serde::Serialize, serde::Deserialize)]
pub struct LockScores {}

impl LockScores {
    /// The kind of the job.
    pub const KIND: &'static str = "lock_scores";
}

/// What the database's own guards say, should a rule ever be passed by.
fn held(error: sqlx::Error, quarter: Quarter) -> Error {
    match violated(&error) {
        Some("score_entry_corrected_once") => Refused::Corrected.into(),
        Some("score_settlement_once") => Refused::Proposed { quarter }.into(),
        Some("score_objection_open") => Refused::Objected.into(),
        _ => error.into(),
    }
}

fn actor(ask: &Ask) -> Result<&Actor, Error> {
    ask.actor.as_ref().ok_or_else(|| Basic::Unauthenticated.into())
}

/// What a member or a resident brings.
#[derive(Debug, Clone)]
pub enum Declared {
    /// About oneself.
    Own,
    /// About another member of the branch, by name.
    Review(String),
    /// About a member of a community, by name.
    Suggestion(NodeCode, String),
}

/// A member declares, reviews another member, or a resident suggests. What the register says to a
/// name is seen by who decides, never here.
///
/// # Errors
/// Not a member of a branch; no such community; the quarter is closed; a reused key.
pub async fn declare(
    state: &State,
    ask: Ask,
    once: Once,
    declared: Declared,
    words: Words,
) -> Result<Answer<Option<JobId>>, Error> {
    let now = state.clock.now();
    let crypto = state.crypto.clone();
    let answer = idempotent::run(state, once, 201, move |tx| {
        Box::pin(async move {
            let by = actor(&ask)?;
            let scope = Scope::of(by);
            let own = store::subject(tx, &scope, None).await?;
            let (inlet, subject, place, named) = match declared {
                Declared::Own => {
                    let own = own.ok_or(Refused::NotMember)?;
                    let place = (Some(own.branch.clone()), own.community.clone());
                    (Inlet::Declaration, Some(own), place, None)
                }
                Declared::Review(name) => {
                    let own = own.ok_or(Refused::NotMember)?;
                    (Inlet::Review, None, (Some(own.branch), own.community), Some(name))
                }
                Declared::Suggestion(community, name) => {
                    check_community(tx, "community_code", &community).await?;
                    (Inlet::Suggestion, None, (None, community), Some(name))
                }
            };
            let quarter = Quarter::containing(words.happened_on);
            let entry = Entry {
                id: random::id(now),
                version: 1,
                member: subject.as_ref().map(|subject| subject.member),
                account: subject.and_then(|subject| subject.account),
                branch: place.0,
                community: place.1,
                quarter,
                happened_on: words.happened_on,
                inlet,
                item: None,
                points: None,
                corrects: None,
                status: Status::Submitted,
                submitted_by: by.account,
                decided: None,
                reason: None,
            };
            let named = named.map(|name| crypto.seal(view::NAMED, name.as_bytes()));
            let job = bring(tx, &ask, (entry, None), (named, seal(&crypto, &words)), now).await?;
            Ok((view::one(tx, &crypto, by, job.0, store::read::By::Submitter).await?, job.1))
        })
    })
    .await?;
    state.redis.wake(answer.fresh.flatten().as_slice()).await;
    Ok(answer)
}

fn seal(crypto: &infra::crypto::Crypto, words: &Words) -> Vec<u8> {
    crypto.seal(view::WORDS, words.words.as_bytes())
}

/// Checks what every entry is held to, and stores it.
async fn bring(
    tx: &mut Connection,
    ask: &Ask,
    (entry, corrected): (Entry, Option<Entry>),
    sealed: (Option<Vec<u8>>, Vec<u8>),
    now: Timestamp,
) -> Result<(ScoreEntryId, Option<JobId>), Error> {
    if let Some(branch) = &entry.branch {
        open(tx, branch, entry.quarter).await?;
    }
    let Decision { state: entry, events } = entry.submit(corrected.as_ref())?;
    let last = store::insert_entry(tx, &entry, sealed, &events, now).await;
    let last = last.map_err(|error| held(error, entry.quarter))?;
    let data = json!({ "inlet": entry.inlet, "branch": entry.branch, "corrects": entry.corrects });
    ask.record(tx, ("score.enter", "score_entry", entry.id.0), data, now).await?;
    Ok((entry.id, announce(tx, entry.id.0, last, events.len(), now).await?))
}

/// Locks the branch and refuses a quarter that is in public notice or locked.
async fn open(tx: &mut Connection, branch: &NodeCode, quarter: Quarter) -> Result<(), Error> {
    store::lock_branch(tx, branch).await?;
    if store::closed(tx, branch, quarter).await? {
        return Err(Refused::QuarterClosed { quarter }.into());
    }
    Ok(())
}

/// By what an entry counts.
#[derive(Debug, Clone)]
pub enum Worth {
    /// An item of the catalogue.
    Item(String),
    /// A correction of a settled entry: so many points more or less, under the same item.
    Correction(ScoreEntryId, i32),
}

/// The branch or the organisation above it enters something: as a record of the branch by its
/// secretary, else as the organisation's.
///
/// # Errors
/// No such member within one's part of the register; no such item; a correction of what cannot be
/// corrected; the quarter is closed; a reused key.
pub async fn enter(
    state: &State,
    ask: Ask,
    once: Once,
    (member, worth): (MemberId, Worth),
    words: Words,
) -> Result<Answer<Option<JobId>>, Error> {
    let now = state.clock.now();
    let crypto = state.crypto.clone();
    let answer = idempotent::run(state, once, 201, move |tx| {
        Box::pin(async move {
            let by = actor(&ask)?;
            let scope = Scope::of(by);
            let subject = store::subject(tx, &scope, Some(member)).await?;
            let subject = subject.ok_or(Refused::NoSubject)?;
            let quarter = Quarter::containing(words.happened_on);
            // The branch before the entry that is corrected, as whoever locks the quarter.
            store::lock_branch(tx, &subject.branch).await?;
            let (item, points, corrected) = priced(tx, &scope, &worth, quarter).await?;
            let inlet = if by.has(Role::BranchSecretary) {
                Inlet::BranchRecord
            } else {
                Inlet::Organisation
            };
            let entry = Entry {
                id: random::id(now),
                version: 1,
                member: Some(subject.member),
                account: subject.account,
                branch: Some(subject.branch),
                community: subject.community,
                quarter,
                happened_on: words.happened_on,
                inlet,
                item: Some(item),
                points: Some(points),
                corrects: corrected.as_ref().map(|entry| entry.id),
                status: Status::Submitted,
                submitted_by: by.account,
                decided: None,
                reason: None,
            };
            let sealed = (None, seal(&crypto, &words));
            let job = bring(tx, &ask, (entry, corrected), sealed, now).await?;
            Ok((view::one(tx, &crypto, by, job.0, store::read::By::Desk).await?, job.1))
        })
    })
    .await?;
    state.redis.wake(answer.fresh.flatten().as_slice()).await;
    Ok(answer)
}

type Priced = ((String, String), i32, Option<Entry>);

async fn priced(
    tx: &mut Connection,
    scope: &Scope,
    worth: &Worth,
    quarter: Quarter,
) -> Result<Priced, Error> {
    match worth {
        Worth::Item(code) => {
            let found = store::item(tx, quarter, code).await?;
            let (version, points) =
                found.ok_or_else(|| Refused::NoItem { item: code.chars().take(40).collect() })?;
            Ok(((version, code.clone()), points, None))
        }
        Worth::Correction(id, points) => {
            let corrected = store::lock_entry(tx, scope, *id).await?.ok_or(Refused::NotSettled)?;
            let item = corrected.item.clone().ok_or(Refused::NotSettled)?;
            Ok((item, *points, Some(corrected)))
        }
    }
}

/// What the branch or the organisation says to an entry.
#[derive(Debug, Clone)]
pub enum Ruling {
    /// It counts: for whom and by which item, where the entry does not say so itself.
    Accept(Option<MemberId>, Option<String>),
    /// It does not, and why.
    Refuse(String),
}

/// Accepts an entry, or does not.
///
/// # Errors
/// Not of one's part of the register; decided already; one's own or about oneself; no such member
/// or item; the quarter is closed.
pub async fn rule(state: &State, ask: Ask, id: ScoreEntryId, ruling: Ruling) -> Result<(), Error> {
    carry_out(state, move |tx, _, now| {
        Box::pin(async move {
            let by = actor(&ask)?;
            let scope = Scope::of(by);
            if let Ruling::Accept(member, _) = &ruling {
                lock_branch_of(tx, &scope, id, *member).await?;
            }
            let entry = store::lock_entry(tx, &scope, id).await?.ok_or(Basic::NotFound)?;
            ask.check_version(entry.version)?;
            let decision = match ruling {
                Ruling::Refuse(reason) => entry.refuse(reason, by.account, now)?,
                Ruling::Accept(member, item) => {
                    entry.permit(Step::Accept)?;
                    let subject = about(tx, &scope, &entry, member).await?;
                    open(tx, &subject.branch, entry.quarter).await?;
                    let (item, points) = worth(tx, &entry, item).await?;
                    entry.accept(&subject, item, points, by.account, now)?
                }
            };
            let data = json!({ "status": decision.state.status });
            ask.record(tx, ("score.rule", "score_entry", id.0), data, now).await?;
            let Decision { state: entry, events } = decision;
            let last = store::save_entry(tx, &entry, &events, by.account, now).await?;
            let job = announce(tx, id.0, last, events.len(), now).await?;
            Ok(job.into_iter().collect())
        })
    })
    .await
}

/// Locks the branch in whose quarter an entry would count: whoever changes anything of a quarter
/// locks the branch first, then the entry.
async fn lock_branch_of(
    tx: &mut Connection,
    scope: &Scope,
    id: ScoreEntryId,
    member: Option<MemberId>,
) -> Result<(), Error> {
    let about = store::member_of(tx, id).await?;
    if let Some(member) = member.or(about)
        && let Some(subject) = store::subject(tx, scope, Some(member)).await?
    {
        store::lock_branch(tx, &subject.branch).await?;
    }
    Ok(())
}

/// Whom an entry is accepted for: whom it is about, or whom the one who decides found.
async fn about(
    tx: &mut Connection,
    scope: &Scope,
    entry: &Entry,
    member: Option<MemberId>,
) -> Result<Subject, Error> {
    let member = member.or(entry.member).ok_or_else(|| {
        Invalid::field("member_id", "这条记录只写了姓名，请在名册里核对后选择是哪名党员")
    })?;
    let subject = store::subject(tx, scope, Some(member)).await?.ok_or(Refused::NoSubject)?;
    // What a member said about another of the branch is not carried into another branch's book.
    if entry.branch.as_ref().is_some_and(|branch| *branch != subject.branch) {
        return Err(Refused::OtherMember.into());
    }
    Ok(subject)
}

async fn worth(
    tx: &mut Connection,
    entry: &Entry,
    item: Option<String>,
) -> Result<((String, String), i32), Error> {
    if let (Some(item), Some(points)) = (entry.item.clone(), entry.points) {
        return Ok((item, points));
    }
    let code = item.ok_or_else(|| Invalid::field("item", "请选择按哪个积分项目认定"))?;
    let found = store::item(tx, entry.quarter, &code).await?;
    let (version, points) =
        found.ok_or_else(|| Refused::NoItem { item: code.chars().take(40).collect() })?;
    Ok(((version, code), points))
}

/// The branch proposes its quarter.
///
/// # Errors
/// Not one's branch; the quarter runs, or is proposed already.
pub async fn propose(
    state: &State,
    ask: Ask,
    branch: NodeCode,
    quarter: Quarter,
) -> Result<ScoreSettlementId, Error> {
    let now = state.clock.now();
    let (id, job) = transact(&state.db, move |tx| {
        Box::pin(async move {
            let by = actor(&ask)?;
            let community = store::branch(tx, &Scope::of(by), &branch).await?;
            let unknown = || Invalid::field("branch", "没有这个党支部，或者不在您的范围内");
            let community = community.ok_or_else(unknown)?;
            store::lock_branch(tx, &branch).await?;
            let places = (branch, community);
            let made = Settlement::propose(random::id(now), places, quarter, by.account, now)?;
            let Decision { state: settlement, events } = made;
            let last = store::insert_settlement(tx, &settlement, &events, now).await;
            let last = last.map_err(|error| held(error, quarter))?;
            let data = json!({ "branch": settlement.branch, "quarter": quarter.to_string() });
            let id = settlement.id;
            ask.record(tx, ("score.propose", "score_settlement", id.0), data, now).await?;
            Ok((id, announce(tx, id.0, last, events.len(), now).await?))
        })
    })
    .await?;
    state.redis.wake(job.as_slice()).await;
    Ok(id)
}

/// A quarter with its branch, both locked.
async fn lock(tx: &mut Connection, id: ScoreSettlementId) -> Result<Settlement, Error> {
    let branch = store::branch_of(tx, id).await?.ok_or(Basic::NotFound)?;
    store::lock_branch(tx, &branch).await?;
    store::lock_settlement(tx, id).await?.ok_or_else(|| Basic::NotFound.into())
}

/// A quarter of a branch whose book the caller keeps, locked.
async fn lock_kept(
    tx: &mut Connection,
    ask: &Ask,
    id: ScoreSettlementId,
) -> Result<Settlement, Error> {
    let scope = Scope::of(actor(ask)?);
    let settlement = lock(tx, id).await?;
    if store::branch(tx, &scope, &settlement.branch).await?.is_none() {
        return Err(Basic::NotFound.into());
    }
    ask.check_version(settlement.version)?;
    Ok(settlement)
}

async fn save(
    tx: &mut Connection,
    decision: Decision<Settlement>,
    by: Option<AccountId>,
    now: Timestamp,
) -> Result<Vec<JobId>, Error> {
    let Decision { state: settlement, events } = decision;
    let last = store::save_settlement(tx, &settlement, &events, by, now).await?;
    Ok(announce(tx, settlement.id.0, last, events.len(), now).await?.into_iter().collect())
}

/// The organisation puts a quarter in public notice, or with a reason sends it back.
///
/// # Errors
/// Not of one's part of the register; decided already; one's own proposal; entries wait.
pub async fn settle(
    state: &State,
    ask: Ask,
    id: ScoreSettlementId,
    sent_back: Option<String>,
) -> Result<(), Error> {
    carry_out(state, move |tx, state, now| {
        Box::pin(async move {
            let settlement = lock_kept(tx, &ask, id).await?;
            let by = actor(&ask)?.account;
            let decision = match sent_back {
                Some(reason) => settlement.send_back(reason, by, now)?,
                None => {
                    let (branch, quarter) = (&settlement.branch, settlement.quarter);
                    let waiting = store::waiting(tx, branch, quarter).await?;
                    let told = store::accounts(tx, branch).await?;
                    let days = state.config.score.notice_working_days;
                    settlement.publish(waiting, &told, (state.terms().calendar, days), by, now)?
                }
            };
            let data = json!({ "status": decision.state.status });
            ask.record(tx, ("score.settle", "score_settlement", id.0), data, now).await?;
            save(tx, decision, Some(by), now).await
        })
    })
    .await
}

/// Locks every quarter whose public notice is over and whose objections are decided, each once.
///
/// # Errors
/// The database is away.
pub async fn lock_due(tx: &mut Connection, now: Timestamp) -> Result<(), Error> {
    for id in store::due(tx, now).await? {
        let settlement = lock(tx, id).await?;
        let open = store::objection::open(tx, id).await?;
        let told = store::accounts(tx, &settlement.branch).await?;
        let Some(decision) = settlement.lock(open, &told, now) else { continue };
        let counted = store::counted(tx, &settlement.branch, settlement.quarter).await?;
        // The entries first: once the quarter is locked the database takes no change of them.
        store::settle(tx, &settlement, &totals(&counted)).await?;
        save(tx, decision, None, now).await?;
        let ask = Ask::worker();
        let what = ("score.lock", "score_settlement", id.0);
        ask.record(tx, what, json!({ "status": settlement::Status::Locked }), now).await?;
    }
    Ok(())
}

/// Adds a version of the catalogue.
///
/// # Errors
/// Its name is taken; it begins too early.
pub async fn revise(state: &State, ask: Ask, catalogue: Catalogue) -> Result<(), Error> {
    carry_out(state, move |tx, _, now| {
        Box::pin(async move {
            let by = actor(&ask)?.account;
            let newest = store::newest_catalogue(tx).await?;
            catalogue.follows(newest, Quarter::of(now))?;
            if !store::insert_catalogue(tx, &catalogue, (by, now)).await? {
                return Err(Refused::CatalogueTaken(catalogue.version.clone()).into());
            }
            let what = ("score.revise", "score_catalogue", &catalogue.version);
            ask.record(tx, what, json!({ "items": catalogue.items.len() }), now).await?;
            Ok(Vec::new())
        })
    })
    .await
}

/// Writes down that somebody looked at another's book.
///
/// # Errors
/// The database is away.
pub async fn seen(state: &State, ask: Ask, member: MemberId) -> Result<(), Error> {
    carry_out(state, move |tx, _, now| {
        Box::pin(async move {
            let what = ("score.book_seen", "party_member", member.0);
            ask.record(tx, what, Value::Null, now).await?;
            Ok(Vec::new())
        })
    })
    .await
}

/// Writes down that somebody took a quarter away as a sheet.
///
/// # Errors
/// The database is away.
pub async fn exported(state: &State, ask: Ask, id: ScoreSettlementId) -> Result<(), Error> {
    carry_out(state, move |tx, _, now| {
        Box::pin(async move {
            let what = ("score.export", "score_settlement", id.0);
            ask.record(tx, what, Value::Null, now).await?;
            Ok(Vec::new())
        })
    })
    .await
}
