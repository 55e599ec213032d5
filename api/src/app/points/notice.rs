//! Public notice of awards (公示): put up, objected to, decided, and posted when it has ended.

use domain::{
    event::{EventKind, NewEvent, Visibility},
    id::{AccountId, JobId, PointsNoticeId},
    points::{NoticeStatus, NoticeStep, Refused},
    refusal::Basic,
    time::Timestamp,
};
use infra::{
    postgres::{
        Connection,
        audit::{self, AuditEntry},
        job::{self, NewJob},
        points::{
            self as store,
            notice::{self, By, Held, NewNotice, Step},
            rule::Rule,
        },
        violated,
    },
    random,
};
use serde_json::json;

use super::{Award, not_own, reversal::tell};
use crate::{
    app::{case::Ask, transact},
    clock::SETTLING,
    error::Error,
    state::State,
};

/// Puts an award up for notice, under the account's lock.
pub(super) async fn open(
    tx: &mut Connection,
    state: &State,
    award: &Award,
    (rule, expires_at): (&Rule, Timestamp),
    now: Timestamp,
) -> Result<(), Error> {
    let ends_at = state.terms().calendar.add_working_days(now, rule.terms.notice_days);
    let new = NewNotice {
        id: random::id(now),
        account: award.account,
        source: award.source,
        points: award.points,
        cause: &award.cause,
        on: award.on,
        rule: &rule.name,
        data: &award.data,
        expires_at,
        ends_at,
    };
    notice::insert(tx, &new, now).await?;
    job::enqueue(tx, &Post { notice: new.id }.job(ends_at, now), now).await?;
    let told = NewEvent::new(EventKind::AwardNoticed, Visibility::Reporter).with(json!({
        "account": award.account, "source": award.source, "points": award.points, "until": ends_at,
    }));
    tell(tx, award.account, &[told], None, now).await?;
    Ok(())
}

/// The job that posts an award when its notice has ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Post {
    /// The award in notice.
    pub notice: PointsNoticeId,
}

impl Post {
    /// The kind of the job.
    pub const KIND: &'static str = "post_points_notice";

    fn job(self, at: Timestamp, now: Timestamp) -> NewJob {
        let id: JobId = random::id(now);
        NewJob {
            id,
            kind: Self::KIND,
            // A decision on an objection asks again; the state of the notice lets it be posted once.
            dedupe: format!("{}:{}:{id}", Self::KIND, self.notice),
            payload: json!({ "notice": self.notice }),
            run_at: at.max(now),
            max_attempts: 20,
        }
    }

    /// Comes again when a clock that jumped has been steady for long enough: only then is it certain
    /// that the notice has ended.
    ///
    /// # Errors
    /// The database's.
    pub async fn postpone(self, tx: &mut Connection, now: Timestamp) -> Result<(), Error> {
        job::enqueue(tx, &self.job(now + SETTLING, now), now).await?;
        Ok(())
    }

    /// Posts the award, unless it was posted, refused or withdrawn before. One that somebody objected
    /// to waits for the decision, which asks again.
    ///
    /// # Errors
    /// The database's; the notice still runs.
    pub async fn post(self, tx: &mut Connection, now: Timestamp) -> Result<(), Error> {
        let Some(account) = notice::whose(tx, self.notice).await? else { return Ok(()) };
        store::lock(tx, account).await?;
        let Some(held) = notice::lock(tx, By::Id(self.notice)).await? else { return Ok(()) };
        let status = match held.notice.step(NoticeStep::Post, None, now) {
            Ok(status) => status,
            Err(Refused::NoticeStep { .. }) => return Ok(()),
            Err(refused) => return Err(refused.into()),
        };
        let award = Award {
            account,
            points: held.points,
            source: held.source,
            cause: held.cause,
            on: held.on,
            data: held.data,
        };
        let posted = super::post(tx, &award, (&held.rule, held.expires_at), now).await?;
        let step = Step { status, by: None, note: None, tx: Some(posted) };
        Ok(notice::save(tx, held.id, &step, now).await?)
    }
}

/// Locks an award in notice after the account that it is about, for a person's step.
async fn held(
    tx: &mut Connection,
    ask: &Ask,
    id: PointsNoticeId,
) -> Result<(Held, AccountId), Error> {
    let by = ask.account().ok_or(Basic::Unauthenticated)?;
    let account = notice::whose(tx, id).await?.ok_or(Basic::NotFound)?;
    store::lock(tx, account).await?;
    let held = notice::lock(tx, By::Id(id)).await?.ok_or(Basic::NotFound)?;
    ask.check_version(held.version)?;
    Ok((held, by))
}

async fn recorded(
    tx: &mut Connection,
    ask: &Ask,
    action: &'static str,
    (id, status): (PointsNoticeId, NoticeStatus),
    now: Timestamp,
) -> Result<(), Error> {
    let entry = AuditEntry::new(action, "points_notice", id, &ask.origin)
        .by(ask.actor.as_ref())
        .with(json!({ "status": status }));
    Ok(audit::append(tx, &entry, now).await?)
}

/// Objects to an award in notice (提出异议): it is not posted before an organiser has decided.
///
/// # Errors
/// There is none; one's own points; the notice ended; the person objected before.
pub async fn object(
    state: &State,
    ask: Ask,
    id: PointsNoticeId,
    reason: String,
) -> Result<(), Error> {
    let now = state.clock.now();
    transact(&state.db, move |tx| {
        Box::pin(async move {
            let (held, by) = held(tx, &ask, id).await?;
            let status = held.notice.step(NoticeStep::Object, Some(by), now)?;
            not_own(tx, by, held.notice.account).await?;
            let objection = random::id::<PointsNoticeId>(now).0;
            notice::object(tx, objection, (id, by), &reason, now).await.map_err(objected_before)?;
            let step = Step { status, by: None, note: None, tx: None };
            notice::save(tx, id, &step, now).await?;
            recorded(tx, &ask, "points.object", (id, status), now).await
        })
    })
    .await
}

fn objected_before(error: sqlx::Error) -> Error {
    match violated(&error) {
        Some("points_objection_once") => Refused::ObjectedBefore.into(),
        _ => error.into(),
    }
}

/// Decides on the objections to an award (处理异议): upheld, it is never posted and the person is told
/// why; not upheld, the notice goes on, or the award is posted when it has ended.
///
/// # Errors
/// There is none; a stale version; one's own points; nobody objected.
pub async fn decide(
    state: &State,
    ask: Ask,
    id: PointsNoticeId,
    (uphold, reason): (bool, String),
) -> Result<(), Error> {
    let now = state.clock.now();
    let jobs = transact(&state.db, move |tx| {
        Box::pin(async move {
            let (held, by) = held(tx, &ask, id).await?;
            let step = if uphold { NoticeStep::Uphold } else { NoticeStep::Dismiss };
            let status = held.notice.step(step, Some(by), now)?;
            not_own(tx, by, held.notice.account).await?;
            let step = Step { status, by: Some(by), note: Some(&reason), tx: None };
            notice::save(tx, id, &step, now).await?;
            recorded(tx, &ask, "points.decide_objection", (id, status), now).await?;
            if !uphold {
                let post = Post { notice: id }.job(held.notice.ends_at, now);
                return Ok(job::enqueue(tx, &post, now).await?);
            }
            let account = held.notice.account;
            let told = NewEvent::new(EventKind::AwardRefused, Visibility::Reporter)
                .with(json!({ "account": account, "source": held.source, "points": held.points }))
                .note(reason.clone());
            tell(tx, account, &[told], Some(by), now).await
        })
    })
    .await?;
    state.redis.wake(&jobs.into_iter().collect::<Vec<_>>()).await;
    Ok(())
}
