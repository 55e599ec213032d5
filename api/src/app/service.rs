//! Use cases of service (双服务): posts, claims, and the hours that are confirmed.

use domain::{
    attachment::Chosen,
    decision::Decision,
    event::EventKind,
    id::{AccountId, ClaimId, JobId, PostId},
    identity::Permission,
    org::NodeCode,
    refusal::{Basic, Invalid},
    service::{CheckIn, Claim, Confirm, Missed, Post, PostForm, Published, Refused, Reject, Step},
    time::{self, Timestamp},
};
use infra::{
    postgres::{
        Connection,
        attachment::Target,
        identity as accounts,
        service::{self as store, Which, pause as pauses},
        violated,
    },
    random,
};
use serde_json::{Value, json};

use super::{
    attachment::attach,
    case::{Ask, carry_out},
    check_community,
    fairness::{self, Watch},
    notification::announce,
    points::{self, Service},
    transact,
};
use crate::{error::Error, state::State};

pub mod hours;

pub mod attendance;
pub mod code;
pub mod dispute;
pub mod matching;
pub mod pause;
pub mod series;

/// Publishes a post in a community of one's own.
///
/// # Errors
/// A field that breaks a rule; no such community, or not one's own.
pub async fn publish(state: &State, ask: Ask, form: &PostForm<'_>) -> Result<PostId, Error> {
    let now = state.clock.now();
    let account = ask.account().ok_or(Basic::Unauthenticated)?;
    let published = form.publish(random::id(now), &state.config.service, account, now)?;
    transact(&state.db, move |tx| {
        Box::pin(async move {
            let post = &published.post;
            may_publish(tx, &ask, &post.community).await?;
            store::insert_post(tx, &published, now).await?;
            let data = json!({ "community": post.community, "kind": post.kind });
            ask.record(tx, ("post.publish", "post", post.id.0), data, now).await?;
            Ok(post.id)
        })
    })
    .await
}

/// Refuses a community that is none, or not one's own.
async fn may_publish(tx: &mut Connection, ask: &Ask, community: &NodeCode) -> Result<(), Error> {
    check_community(tx, "community_code", community).await?;
    if !organises(ask, community) {
        let reason = "只能发布本社区的岗位";
        return Err(Invalid::field("community_code", reason).into());
    }
    Ok(())
}

/// Changes a post: other words, another place, more or fewer places. Whoever has one is told, and
/// who waits moves up where places were added.
///
/// # Errors
/// Not one's own to organise; called off; a field that breaks a rule; `capacity_taken`,
/// `post_times_held`.
pub async fn change(
    state: &State,
    ask: Ask,
    id: PostId,
    form: impl FnOnce(&NodeCode, Timestamp) -> Result<Published, Invalid> + Send + 'static,
) -> Result<(), Error> {
    carry_out(state, move |tx, here, now| {
        Box::pin(async move {
            let post = organised(tx, &ask, id).await?;
            let published = form(&post.community, now)?;
            put_right(tx, here, &ask, (&post, published), now).await
        })
    })
    .await
}

/// Changes a locked post: whoever has a place is told, and who waits moves up.
async fn put_right(
    tx: &mut Connection,
    state: &State,
    ask: &Ask,
    (post, published): (&Post, Published),
    now: Timestamp,
) -> Result<Vec<JobId>, Error> {
    let claimed = store::is_claimed(tx, post.id).await?;
    let to = Published { post: post.change(&published.post, claimed)?, ..published };
    store::change_post(tx, &to).await?;
    let mut jobs = Vec::new();
    for claim in store::lock_claims(tx, post.id, Which::Open).await? {
        let data = json!({ "starts_at": to.post.starts_at });
        let told = claim.event(EventKind::PostChanged, &to.post, data);
        jobs.extend(save(tx, ask, &Decision::one(claim, told), now).await?);
    }
    jobs.extend(move_up(tx, state, ask, to.post, now).await?);
    ask.record(tx, ("post.change", "post", post.id.0), Value::Null, now).await?;
    Ok(jobs)
}

/// A locked post that the caller organises, on the version that the command names.
async fn organised(tx: &mut Connection, ask: &Ask, id: PostId) -> Result<Post, Error> {
    let post = store::lock_post(tx, id).await?.ok_or(Basic::NotFound)?;
    if !organises(ask, &post.community) {
        return Err(Basic::NotFound.into());
    }
    ask.check_version(post.version)?;
    Ok(post)
}

fn organises(ask: &Ask, community: &NodeCode) -> bool {
    let actor = ask.actor.as_ref();
    actor.is_some_and(|actor| actor.covers(Permission::OrganisePost, community))
}

/// Calls a post off, and with it every claim that is not over; everyone is told.
///
/// # Errors
/// Not one's own to organise; called off already.
pub async fn call_off(state: &State, ask: Ask, id: PostId) -> Result<(), Error> {
    carry_out(state, move |tx, _, now| {
        Box::pin(async move {
            let post = organised(tx, &ask, id).await?;
            take_off(tx, &ask, &post, now).await
        })
    })
    .await
}

/// Calls a locked post off with its claims.
pub(super) async fn take_off(
    tx: &mut Connection,
    ask: &Ask,
    post: &Post,
    now: Timestamp,
) -> Result<Vec<JobId>, Error> {
    let post = post.call_off(now)?;
    store::save_post(tx, &post).await?;
    let mut jobs = Vec::new();
    for claim in store::lock_claims(tx, post.id, Which::Open).await? {
        jobs.extend(save(tx, ask, &claim.call_off(&post)?, now).await?);
    }
    store::recount(tx, &post).await?;
    ask.record(tx, ("post.call_off", "post", post.id.0), Value::Null, now).await?;
    Ok(jobs)
}

/// Claims a post: a place, or a place on the waitlist when it is full. The post is locked first,
/// then the person: of two claims on the last place one waits, of two at the same time one stands.
///
/// # Errors
/// No such post; over, called off, one's own; `already_claimed`, `claim_overlap`.
pub async fn claim(state: &State, ask: Ask, post: PostId) -> Result<ClaimId, Error> {
    let now = state.clock.now();
    let account = ask.account().ok_or(Basic::Unauthenticated)?;
    let (id, jobs) = transact(&state.db, move |tx| {
        Box::pin(async move {
            let post = store::lock_post(tx, post).await?.ok_or(Basic::NotFound)?;
            accounts::lock(tx, account).await?;
            let standing = store::standing(tx, account, &post, now).await?;
            let decision = post.claim(random::id(now), account, &standing, now)?;
            let (claim, events) = (&decision.state, &decision.events);
            let last = store::insert_claim(tx, claim, events, now).await.map_err(held)?;
            store::recount(tx, &post).await?;
            let data = json!({ "status": claim.status, "post": post.id });
            ask.record(tx, ("claim.make", "claim", claim.id.0), data, now).await?;
            let job = announce(tx, claim.id.0, last, events.len(), now).await?;
            Ok((claim.id, job))
        })
    })
    .await?;
    state.redis.wake(jobs.as_slice()).await;
    Ok(id)
}

/// What the database's own guards say, should a rule ever be passed by.
fn held(error: sqlx::Error) -> Error {
    match violated(&error) {
        Some("claim_once") => Refused::AlreadyClaimed.into(),
        Some("claim_no_overlap") => Refused::Overlap.into(),
        _ => error.into(),
    }
}

/// A claim with its post, both locked.
struct Held {
    post: Post,
    claim: Claim,
}

impl Held {
    async fn take(tx: &mut Connection, id: ClaimId) -> Result<Self, Error> {
        let post = store::post_of(tx, id).await?.ok_or(Basic::NotFound)?;
        let post = store::lock_post(tx, post).await?.ok_or(Basic::NotFound)?;
        let claim = store::lock_claims(tx, post.id, Which::One(id)).await?.pop();
        Ok(Self { claim: claim.ok_or(Basic::NotFound)?, post })
    }

    /// The caller's own claim; another's is missing.
    async fn own(tx: &mut Connection, id: ClaimId, ask: &Ask) -> Result<Self, Error> {
        let held = Self::take(tx, id).await?;
        let own = ask.account() == Some(held.claim.account);
        held.checked(own, ask)
    }

    /// A claim of a post that the caller organises; another community's is missing.
    async fn organised(
        tx: &mut Connection,
        id: ClaimId,
        ask: &Ask,
    ) -> Result<(Self, AccountId), Error> {
        let held = Self::take(tx, id).await?;
        let organised = organises(ask, &held.post.community);
        let by = ask.account().ok_or(Basic::Unauthenticated)?;
        Ok((held.checked(organised, ask)?, by))
    }

    fn checked(self, visible: bool, ask: &Ask) -> Result<Self, Error> {
        if !visible {
            return Err(Basic::NotFound.into());
        }
        ask.check_version(self.claim.version)?;
        Ok(self)
    }

    /// Stores what was decided; when a place came free, the first who waits moves up, and when it
    /// was one too many that was not used, new claims pause.
    async fn store(
        self,
        tx: &mut Connection,
        state: &State,
        ask: &Ask,
        (action, decision): (&'static str, &Decision<Claim>),
        now: Timestamp,
    ) -> Result<Vec<JobId>, Error> {
        let mut jobs: Vec<JobId> = save(tx, ask, decision, now).await?.into_iter().collect();
        let (before, after) = (self.claim.status, decision.state.status);
        if decision.state.missed() {
            jobs.extend(pause_if_due(tx, state, ask, (&self.post, &decision.state), now).await?);
        }
        if before.holds_place() != after.holds_place() {
            let post = store::recount(tx, &self.post).await?;
            jobs.extend(move_up(tx, state, ask, post, now).await?);
        }
        let data = json!({ "status": after, "minutes": decision.state.minutes });
        ask.record(tx, (action, "claim", self.claim.id.0), data, now).await?;
        Ok(jobs)
    }
}

/// Lets those who wait move up as long as there are places.
async fn move_up(
    tx: &mut Connection,
    state: &State,
    ask: &Ask,
    mut post: Post,
    now: Timestamp,
) -> Result<Vec<JobId>, Error> {
    let mut jobs = Vec::new();
    while post.has_room(now)
        && let Some(first) = store::lock_claims(tx, post.id, Which::FirstWaiting).await?.pop()
    {
        let decision = first.promote(&post, &state.config.service, now)?;
        jobs.extend(save(tx, ask, &decision, now).await?);
        post = store::recount(tx, &post).await?;
    }
    Ok(jobs)
}

/// Pauses new claims of whoever missed one too many; they are told in the stream of that claim.
async fn pause_if_due(
    tx: &mut Connection,
    state: &State,
    ask: &Ask,
    (post, claim): (&Post, &Claim),
    now: Timestamp,
) -> Result<Option<JobId>, Error> {
    let (rules, account) = (&state.config.service, claim.account);
    accounts::lock(tx, account).await?;
    if pauses::until(tx, account, now).await?.is_some() {
        return Ok(None);
    }
    let since = Missed::since(rules, pauses::last(tx, account).await?, now);
    let missed = pauses::missed(tx, account, since).await?;
    let Some(until) = missed.pause(rules, now) else { return Ok(None) };
    let id = random::id(now);
    if !pauses::begin(tx, id, (account, claim.id), missed, (now, until)).await? {
        return Ok(None);
    }
    let told = claim.event(EventKind::ClaimsPaused, post, json!({ "until": until }));
    let job = save(tx, ask, &Decision::one(claim.clone(), told), now).await?;
    let data = json!({ "no_shows": missed.no_shows, "lates": missed.lates, "until": until });
    ask.record(tx, ("service.pause", "service_pause", id.0), data, now).await?;
    Ok(job)
}

async fn save(
    tx: &mut Connection,
    ask: &Ask,
    decision: &Decision<Claim>,
    now: Timestamp,
) -> Result<Option<JobId>, Error> {
    let (claim, events) = (&decision.state, &decision.events);
    let last = store::save_claim(tx, claim, events, ask.account(), now).await?;
    announce(tx, claim.id.0, last, events.len(), now).await
}

/// Runs a command of the person on a claim of their own.
async fn by_person(
    state: &State,
    ask: Ask,
    id: ClaimId,
    action: &'static str,
    decide: impl FnOnce(&Held, Timestamp) -> Result<Decision<Claim>, Refused> + Send + 'static,
) -> Result<(), Error> {
    carry_out(state, move |tx, here, now| {
        Box::pin(async move {
            let held = Held::own(tx, id, &ask).await?;
            let decision = decide(&held, now)?;
            held.store(tx, here, &ask, (action, &decision), now).await
        })
    })
    .await
}

/// Runs a command of the organiser on a claim.
async fn by_organiser(
    state: &State,
    ask: Ask,
    id: ClaimId,
    action: &'static str,
    decide: impl FnOnce(&Held, AccountId, Timestamp) -> Result<Decision<Claim>, Refused>
    + Send
    + 'static,
) -> Result<(), Error> {
    carry_out(state, move |tx, here, now| {
        Box::pin(async move {
            let (held, by) = Held::organised(tx, id, &ask).await?;
            let decision = decide(&held, by, now)?;
            held.store(tx, here, &ask, (action, &decision), now).await
        })
    })
    .await
}

/// The person is there (签到). A wrong code is counted, so that codes cannot be tried: the count is
/// kept though the command is refused.
///
/// # Errors
/// Not one's own; an illegal step; the rules of `domain::service::Claim::check_in`.
pub async fn check_in(state: &State, ask: Ask, id: ClaimId, shown: CheckIn) -> Result<(), Error> {
    let now = state.clock.now();
    let here = state.clone();
    let done = transact(&state.db, move |tx| {
        Box::pin(async move {
            let held = Held::own(tx, id, &ask).await?;
            let code = shown.code.as_deref();
            let code = code.map(|code| code::judge(&here, held.post.id, code, now));
            let rules = &here.config.service;
            match held.claim.check_in(&held.post, &shown, code, rules, now) {
                Ok(decision) => {
                    fairness::watch(tx, Watch::CheckedIn { claim: id }, now).await?;
                    let step = ("claim.check_in", &decision);
                    Ok(Ok(held.store(tx, &here, &ask, step, now).await?))
                }
                Err(refused) => {
                    if refused == Refused::CheckInCode {
                        store::count_wrong_code(tx, id).await?;
                    }
                    Ok(Err(refused))
                }
            }
        })
    })
    .await?;
    state.redis.wake(&done?).await;
    Ok(())
}

/// The person leaves (签退).
///
/// # Errors
/// Not one's own; an illegal step.
pub async fn check_out(state: &State, ask: Ask, id: ClaimId) -> Result<(), Error> {
    by_person(state, ask, id, "claim.check_out", |held, now| held.claim.check_out(&held.post, now))
        .await
}

/// The person shows pictures of what was done, in order: what was shown before and is not named
/// goes.
///
/// # Errors
/// Not one's own; waiting for a place, or settled; a file that is not one's own to attach.
pub async fn show(state: &State, ask: Ask, id: ClaimId, pictures: Chosen) -> Result<(), Error> {
    let now = state.clock.now();
    transact(&state.db, move |tx| {
        Box::pin(async move {
            Held::own(tx, id, &ask).await?.claim.permit(Step::Show)?;
            attach(tx, &pictures, Target::Claim(id), ask.account(), now).await?;
            let data = json!({ "pictures": pictures });
            ask.record(tx, ("claim.show", "claim", id.0), data, now).await
        })
    })
    .await
}

/// The person calls it off; the first who waits moves up.
///
/// # Errors
/// Not one's own; an illegal step.
pub async fn cancel(state: &State, ask: Ask, id: ClaimId) -> Result<(), Error> {
    let rules = state.config.service.clone();
    by_person(state, ask, id, "claim.cancel", move |held, now| {
        held.claim.cancel(&held.post, &rules, now)
    })
    .await
}

/// The organiser confirms the hours; the points are posted in the same transaction. The hours are
/// recorded in full, whatever the points are capped at.
///
/// # Errors
/// Not one's own to organise; an illegal step, such as a second confirmation; `own_service`,
/// `minutes_beyond_post`.
pub async fn confirm(state: &State, ask: Ask, id: ClaimId, confirm: Confirm) -> Result<(), Error> {
    carry_out(state, move |tx, here, now| {
        Box::pin(async move {
            let (held, by) = Held::organised(tx, id, &ask).await?;
            let decision = held.claim.confirm(&held.post, &confirm, by, now)?;
            certified_by_another(tx, &held, by).await?;
            fairness::watch(tx, Watch::Confirmed { claim: id }, now).await?;
            let points = award(here, tx, &held.post, &decision.state, now).await?;
            let decision = Claim::with_points(decision, points);
            held.store(tx, here, &ask, ("claim.confirm", &decision), now).await
        })
    })
    .await
}

/// Another account of the one who served, or of the one served, certifies as little as their own;
/// and nobody serves at their own post under another account.
async fn certified_by_another(
    tx: &mut Connection,
    Held { claim, post }: &Held,
    by: AccountId,
) -> Result<(), Error> {
    let served = post.requested_by;
    let others: Vec<AccountId> =
        [Some(by), Some(post.created_by), served].into_iter().flatten().collect();
    if accounts::same_person(tx, claim.account, &others).await?
        || accounts::same_person(tx, by, served.as_slice()).await?
    {
        return Err(Refused::OwnService.into());
    }
    Ok(())
}

/// Posts the points of a confirmed claim; answers how many they are.
pub(super) async fn award(
    state: &State,
    tx: &mut Connection,
    post: &Post,
    claim: &Claim,
    now: Timestamp,
) -> Result<i64, Error> {
    points::award_service(tx, state, &served(post, claim), now).await
}

/// A claim as the rules of points see it.
fn served(post: &Post, claim: &Claim) -> Service {
    Service {
        account: claim.account,
        claim: claim.id.0,
        post_kind: post.kind.code(),
        minutes: claim.minutes.unwrap_or_default().into(),
        factor_percent: post.factor_percent.into(),
        on: time::date(post.starts_at),
    }
}

/// The organiser notes that the person did not come (登记未到).
///
/// # Errors
/// Not one's own to organise; an illegal step; `own_service`, `post_not_started`.
pub async fn no_show(state: &State, ask: Ask, id: ClaimId) -> Result<(), Error> {
    by_organiser(state, ask, id, "claim.no_show", |held, by, now| {
        held.claim.no_show(&held.post, by, now)
    })
    .await
}

/// The organiser does not count it (不予认可).
///
/// # Errors
/// Not one's own to organise; an illegal step; `own_service`.
pub async fn reject(state: &State, ask: Ask, id: ClaimId, reject: Reject) -> Result<(), Error> {
    by_organiser(state, ask, id, "claim.reject", move |held, by, now| {
        held.claim.reject(&held.post, &reject, by, now)
    })
    .await
}
