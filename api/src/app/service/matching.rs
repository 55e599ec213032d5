//! Use cases of matching: what somebody says they know, posts for them, people for a post.

use chrono::TimeDelta;
use domain::{
    complaint::Location,
    event::{EventKind, NewEvent, Visibility},
    id::{AccountId, PostId},
    page::{Limit, PageRequest},
    refusal::{Basic, Invalid},
    scope::Scope,
    service::{
        Refused,
        matching::{Match, Wanted, fit},
    },
    time::Timestamp,
};
use infra::postgres::{
    Connection, event,
    service::{
        profile,
        read::{
            self, PostFilter, PostView,
            profile::{self as profiles, Candidate},
        },
    },
    violated,
};
use serde_json::json;

use super::organised;
use crate::{
    app::{
        case::{Ask, carry_out},
        notification::announce,
    },
    error::Error,
    state::State,
};

/// Posts that are looked at for one person: the soonest, of so many days.
const POSTS: i64 = 500;
/// See [`POSTS`].
const AHEAD: TimeDelta = TimeDelta::days(30);
/// How many are suggested.
const SHOWN: usize = 20;
/// People that are looked at for one post.
const PEOPLE: i64 = 500;

/// Keeps what the caller knows, and whether organisers may be told of them.
///
/// # Errors
/// A skill that is none; too many.
pub async fn keep(
    state: &State,
    ask: Ask,
    skills: Vec<String>,
    suggest: bool,
) -> Result<(), Error> {
    carry_out(state, move |tx, _, now| {
        Box::pin(async move {
            let account = ask.account().ok_or(Basic::Unauthenticated)?;
            profile::keep(tx, account, (skills.as_slice(), suggest), now).await?;
            let data = json!({ "skills": skills.len(), "suggest": suggest });
            ask.record(tx, ("service.profile", "account", account.0), data, now).await?;
            Ok(Vec::new())
        })
    })
    .await
}

fn wanted(post: &PostView) -> Wanted<'_> {
    Wanted {
        kind: post.kind,
        skills: &post.skills,
        community: &post.community_code,
        location: post.location.map(|at| Location { lng: at.lng, lat: at.lat }),
    }
}

/// The posts of the next days that fit the caller best, the best first and of equal ones the sooner;
/// none that they claimed, and none at a time when they have something else.
///
/// # Errors
/// The database's.
pub async fn posts(
    state: &State,
    scope: &Scope,
    here: Option<Location>,
) -> Result<Vec<(PostView, Match)>, Error> {
    let now = state.clock.now();
    let mut conn = state.db.acquire().await?;
    let mut person = profiles::helper(&mut conn, scope).await?;
    person.location = here;
    let span = (now, now + AHEAD);
    let mut found: Vec<(PostId, Timestamp, Match)> =
        profiles::offered(&mut conn, scope, span, POSTS)
            .await?
            .into_iter()
            .map(|post| {
                let wanted = Wanted {
                    kind: post.kind,
                    skills: &post.skills,
                    community: &post.community,
                    location: post.location,
                };
                (post.id, post.starts_at, fit(&wanted, &person))
            })
            .collect();
    found.sort_by_key(|(id, starts_at, matched)| (-matched.score, *starts_at, *id));
    found.truncate(SHOWN);
    let among = Some(found.iter().map(|(id, ..)| *id).collect());
    let filter = PostFilter { among, ..PostFilter::default() };
    let page = PageRequest { after: None, limit: Limit::new(100)? };
    let mut shown = read::posts(&mut conn, scope, &filter, page, now).await?;
    let mut view = |id| {
        let at = shown.iter().position(|post| post.id == id)?;
        Some(shown.swap_remove(at))
    };
    Ok(found.into_iter().filter_map(|(id, _, matched)| Some((view(id)?, matched))).collect())
}

/// The people who fit a post best among those who agreed to be suggested. Call it for a post that
/// the caller organises.
///
/// # Errors
/// No such post.
pub async fn people(
    state: &State,
    scope: &Scope,
    id: PostId,
) -> Result<Vec<(Candidate, Match)>, Error> {
    let now = state.clock.now();
    let mut conn = state.db.acquire().await?;
    let filter = PostFilter { id: Some(id), ..PostFilter::default() };
    let one = PageRequest { after: None, limit: Limit::DEFAULT };
    let post = read::posts(&mut conn, scope, &filter, one, now).await?.pop();
    let post = post.ok_or(Basic::NotFound)?;
    let all = profiles::candidates(&mut conn, scope, id, PEOPLE, now).await?;
    let matched = |one: Candidate| {
        let matched = fit(&wanted(&post), &one.helper);
        (one, matched)
    };
    let mut found: Vec<_> = all.into_iter().map(matched).collect();
    found.sort_by_key(|(one, matched)| (-matched.score, one.account));
    found.truncate(SHOWN);
    Ok(found)
}

/// Invites somebody who agreed to be suggested; they are told, and are free to claim or not.
///
/// # Errors
/// Not one's own to organise; over, called off; nobody who agreed; `already_invited`.
pub async fn invite(state: &State, ask: Ask, id: PostId, account: AccountId) -> Result<(), Error> {
    carry_out(state, move |tx, _, now| {
        Box::pin(async move {
            let by = ask.account().ok_or(Basic::Unauthenticated)?;
            let post = organised(tx, &ask, id).await?;
            if post.cancelled_at.is_some() {
                return Err(Refused::PostCancelled.into());
            }
            if now >= post.ends_at {
                return Err(Refused::PostEnded { ended_at: post.ends_at }.into());
            }
            if !profile::agrees(tx, account).await? {
                let reason = "这个人没有同意被推荐，请从候选人名单中选择";
                return Err(Invalid::field("candidate", reason).into());
            }
            profile::invite(tx, id, (account, by), now).await.map_err(once)?;
            let mut told = NewEvent::new(EventKind::PostInvited, Visibility::Everyone)
                .with(json!({ "account": account, "post": id, "starts_at": post.starts_at }));
            told.unit = Some(post.community.clone());
            let job = tell(tx, id, &[told], by, now).await?;
            ask.record(tx, ("post.invite", "post", id.0), json!({ "invited": account }), now)
                .await?;
            Ok(job.into_iter().collect())
        })
    })
    .await
}

/// Writes into the post's own stream, under its lock.
async fn tell(
    tx: &mut Connection,
    post: PostId,
    events: &[NewEvent],
    by: AccountId,
    now: Timestamp,
) -> Result<Option<domain::id::JobId>, Error> {
    let last = event::append_next(tx, post.0, events, Some(by), now).await?;
    announce(tx, post.0, last, events.len(), now).await
}

fn once(error: sqlx::Error) -> Error {
    match violated(&error) {
        Some("post_invitation_once") => Refused::AlreadyInvited.into(),
        _ => error.into(),
    }
}
