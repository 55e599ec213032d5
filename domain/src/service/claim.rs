//! A claim (认领): one person's place, or place on the waitlist, at one post.

use serde_json::{Value, json};

use super::{Arrival, Post, Refused, Rules, Status, Step, TRANSITIONS, overlap};
use crate::{
    decision::Decision,
    event::{EventKind, NewEvent, Visibility},
    id::{AccountId, ClaimId, PostId},
    refusal::{FieldError, Invalid},
    text,
    time::Timestamp,
};

/// A claim as its rules see it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claim {
    /// Its id.
    pub id: ClaimId,
    /// Grows by one with each save.
    pub version: i64,
    /// The post.
    pub post: PostId,
    /// Who claims it.
    pub account: AccountId,
    /// Where it stands.
    pub status: Status,
    /// When it was made; the waitlist goes by it.
    pub claimed_at: Timestamp,
    /// How many wrong codes were shown.
    pub wrong_codes: i32,
    /// Moved up too late to be held to it.
    pub short_notice: bool,
    /// Called off so late that nobody else may have come.
    pub cancelled_late: bool,
    /// How the person checked in.
    pub checked_in: Option<Arrival>,
    /// When the person checked out.
    pub checked_out_at: Option<Timestamp>,
    /// Minutes that the organiser confirmed, in full.
    pub minutes: Option<i32>,
    /// Points that were posted for them.
    pub points: Option<i64>,
    /// The organiser's decision: confirmed, not come, not counted.
    pub settled: Option<Settled>,
}

/// When it was decided on a claim, by whom, and in which words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settled {
    /// When.
    pub at: Timestamp,
    /// Who; nobody where days passed and nobody said anything.
    pub by: Option<AccountId>,
    /// In which words.
    pub comment: Option<String>,
}

/// What else a person has claimed.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Standing {
    /// This very post, and did not call it off.
    pub claimed: bool,
    /// The spans of time that other claims hold ([`Status::holds_time`]).
    pub busy: Vec<(Timestamp, Timestamp)>,
    /// Until when new claims pause.
    pub paused_until: Option<Timestamp>,
}

/// The organiser's confirmation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Confirm {
    /// Minutes that were served; the way there and back is not counted.
    pub minutes: i32,
    /// Words for the person.
    pub comment: Option<String>,
}

impl Confirm {
    /// # Errors
    /// No whole number of minutes from 1 to 1,440, or a comment that is too long.
    pub fn parse(minutes: i64, comment: Option<&str>) -> Result<Self, Invalid> {
        let comment = text::optional("comment", comment, 500)?;
        match i32::try_from(minutes) {
            Ok(minutes @ 1..=1440) => Ok(Self { minutes, comment }),
            _ => Err(FieldError::new("minutes", "服务时长应为 1–1440 分钟").into()),
        }
    }
}

/// Why an organiser does not count a claim.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reject {
    /// For the person.
    pub reason: String,
}

impl Reject {
    /// # Errors
    /// The reason is missing or too long.
    pub fn parse(reason: &str) -> Result<Self, Invalid> {
        Ok(Self { reason: text::text("reason", reason, 2, 500)? })
    }
}

impl Post {
    /// Somebody claims the post: a place when there is one, else a place on the waitlist.
    ///
    /// # Errors
    /// The post is over or called off, their own, claimed already, or at the time of another.
    pub fn claim(
        &self,
        id: ClaimId,
        account: AccountId,
        standing: &Standing,
        now: Timestamp,
    ) -> Result<Decision<Claim>, Refused> {
        if self.cancelled_at.is_some() {
            return Err(Refused::PostCancelled);
        }
        if now >= self.ends_at {
            return Err(Refused::PostEnded { ended_at: self.ends_at });
        }
        if self.created_by == account || self.requested_by == Some(account) {
            return Err(Refused::OwnService);
        }
        if standing.claimed {
            return Err(Refused::AlreadyClaimed);
        }
        if let Some(until) = standing.paused_until {
            return Err(Refused::Paused { until });
        }
        if standing.busy.iter().any(|span| overlap(*span, self.during())) {
            return Err(Refused::Overlap);
        }
        let status = if self.taken < self.capacity { Status::Claimed } else { Status::Waitlisted };
        let state = Claim {
            id,
            version: 1,
            post: self.id,
            account,
            status,
            claimed_at: now,
            wrong_codes: 0,
            short_notice: false,
            cancelled_late: false,
            checked_in: None,
            checked_out_at: None,
            minutes: None,
            points: None,
            settled: None,
        };
        let event = state.event(EventKind::Claimed, self, json!({ "status": status }));
        Ok(Decision::one(state, event))
    }
}

impl Claim {
    /// Whether the table allows a step from where the claim stands.
    ///
    /// # Errors
    /// It does not.
    pub fn permit(&self, step: Step) -> Result<(), Refused> {
        let allowed = TRANSITIONS
            .iter()
            .any(|(listed, from, _)| *listed == step && from.contains(&self.status));
        if allowed { Ok(()) } else { Err(Refused::Step { step, status: self.status }) }
    }

    /// The person leaves.
    ///
    /// # Errors
    /// An illegal step.
    pub fn check_out(&self, post: &Post, now: Timestamp) -> Result<Decision<Self>, Refused> {
        self.permit(Step::CheckOut)?;
        let state = Self { status: Status::CheckedOut, checked_out_at: Some(now), ..self.clone() };
        let event = state.event(EventKind::CheckedOut, post, json!({}));
        Ok(Decision::one(state, event))
    }

    /// The person calls it off; who waits moves up. Close to the start it counts as late, because
    /// hardly anybody can take the place any more; not where the place itself came as late as that.
    /// Once the post is over the organiser says who came.
    ///
    /// # Errors
    /// An illegal step; the post is over.
    pub fn cancel(
        &self,
        post: &Post,
        rules: &Rules,
        now: Timestamp,
    ) -> Result<Decision<Self>, Refused> {
        self.permit(Step::Cancel)?;
        if now >= post.ends_at {
            return Err(Refused::PostEnded { ended_at: post.ends_at });
        }
        let claimed_just_now = now < self.claimed_at + rules.notice() && now < post.starts_at;
        let close = now > post.starts_at - rules.free() && !claimed_just_now;
        let cancelled_late = self.status == Status::Claimed && close && !self.short_notice;
        let state = Self { status: Status::Cancelled, cancelled_late, ..self.clone() };
        let data = json!({ "late": cancelled_late });
        let event = state.event(EventKind::ClaimCancelled, post, data);
        Ok(Decision::one(state, event))
    }

    /// A place came free for the first who waits. Close to the start they are told that they are
    /// not held to it.
    ///
    /// # Errors
    /// An illegal step.
    pub fn promote(
        &self,
        post: &Post,
        rules: &Rules,
        now: Timestamp,
    ) -> Result<Decision<Self>, Refused> {
        self.permit(Step::Promote)?;
        let short_notice = now > post.starts_at - rules.notice();
        let state = Self { status: Status::Claimed, short_notice, ..self.clone() };
        let data = json!({ "starts_at": post.starts_at, "short_notice": short_notice });
        let event = state.event(EventKind::ClaimPromoted, post, data);
        Ok(Decision::one(state, event))
    }

    /// The organiser confirms the hours, with or without check-in, also before the end.
    ///
    /// # Errors
    /// An illegal step (a second confirmation is one); the organiser's own service; more minutes
    /// than the post has.
    pub fn confirm(
        &self,
        post: &Post,
        confirm: &Confirm,
        by: AccountId,
        now: Timestamp,
    ) -> Result<Decision<Self>, Refused> {
        self.permit(Step::Confirm)?;
        self.by_another(post, by)?;
        if i64::from(confirm.minutes) > post.minutes() {
            return Err(Refused::MinutesBeyondPost { minutes: post.minutes() });
        }
        let minutes = Some(confirm.minutes);
        let settled = Settled { at: now, by: Some(by), comment: confirm.comment.clone() };
        let state = Self {
            status: Status::Confirmed,
            minutes,
            points: Some(0),
            settled: Some(settled),
            ..self.clone()
        };
        let data = json!({ "minutes": confirm.minutes });
        let event = state.event(EventKind::ServiceConfirmed, post, data);
        Ok(Decision::one(state, event.note(confirm.comment.clone())))
    }

    /// Writes the points that a confirmation came to into it, before both are saved.
    pub fn with_points(mut decision: Decision<Self>, points: i64) -> Decision<Self> {
        decision.state.points = Some(points);
        for event in &mut decision.events {
            if let Value::Object(data) = &mut event.data {
                data.insert("points".to_owned(), points.into());
            }
        }
        decision
    }

    /// The organiser notes that the person did not come.
    ///
    /// # Errors
    /// An illegal step; the organiser's own claim; the post has not begun.
    pub fn no_show(
        &self,
        post: &Post,
        by: AccountId,
        now: Timestamp,
    ) -> Result<Decision<Self>, Refused> {
        self.permit(Step::NoShow)?;
        self.by_another(post, by)?;
        if now < post.starts_at {
            return Err(Refused::PostNotStarted { starts_at: post.starts_at });
        }
        let settled = Some(Settled { at: now, by: Some(by), comment: None });
        let state = Self { status: Status::NoShow, settled, ..self.clone() };
        let event = state.event(EventKind::NoShow, post, json!({}));
        Ok(Decision::one(state, event))
    }

    /// Days after the end nobody has said anything: the organiser was reminded in vain, and nothing
    /// shows that the person was there. They are told, and may dispute it.
    ///
    /// # Errors
    /// An illegal step; the post is not over.
    pub fn absent(&self, post: &Post, now: Timestamp) -> Result<Decision<Self>, Refused> {
        self.permit(Step::Absent)?;
        if now < post.ends_at {
            return Err(Refused::PostNotStarted { starts_at: post.starts_at });
        }
        let settled = Some(Settled { at: now, by: None, comment: None });
        let state = Self { status: Status::NoShow, settled, ..self.clone() };
        let event = state.event(EventKind::NoShow, post, json!({ "by_clock": true }));
        Ok(Decision::one(state, event))
    }

    /// Whether the claim can hold its time beside what else the person has claimed.
    ///
    /// # Errors
    /// It holds its time, and another does too.
    pub fn fits(&self, standing: &Standing, post: &Post) -> Result<(), Refused> {
        let met = standing.busy.iter().any(|span| overlap(*span, post.during()));
        if self.status.holds_time() && met { Err(Refused::Overlap) } else { Ok(()) }
    }

    /// Whether the person had a place, did not come, and had time enough to call it off.
    pub fn missed(&self) -> bool {
        self.cancelled_late || self.status == Status::NoShow && !self.short_notice
    }

    /// The organiser does not count it, and says why.
    ///
    /// # Errors
    /// An illegal step; the organiser's own claim.
    pub fn reject(
        &self,
        post: &Post,
        reject: &Reject,
        by: AccountId,
        now: Timestamp,
    ) -> Result<Decision<Self>, Refused> {
        self.permit(Step::Reject)?;
        self.by_another(post, by)?;
        let settled = Some(Settled { at: now, by: Some(by), comment: Some(reject.reason.clone()) });
        let state = Self { status: Status::Rejected, settled, ..self.clone() };
        let event = state.event(EventKind::ClaimRejected, post, json!({}));
        Ok(Decision::one(state, event.note(reject.reason.clone())))
    }

    /// The post was called off.
    ///
    /// # Errors
    /// An illegal step.
    pub fn call_off(&self, post: &Post) -> Result<Decision<Self>, Refused> {
        self.permit(Step::CallOff)?;
        let state = Self { status: Status::Cancelled, ..self.clone() };
        let data = json!({ "starts_at": post.starts_at });
        let event = state.event(EventKind::PostCancelled, post, data);
        Ok(Decision::one(state, event))
    }

    /// The one who serves is never the one who certifies (记录与认定分开).
    pub(super) fn by_another(&self, post: &Post, by: AccountId) -> Result<(), Refused> {
        if by == self.account
            || post.created_by == self.account
            || post.requested_by.is_some_and(|served| served == self.account || served == by)
        {
            Err(Refused::OwnService)
        } else {
            Ok(())
        }
    }

    /// Something that happened to the claim.
    pub fn event(&self, kind: EventKind, post: &Post, mut data: Value) -> NewEvent {
        if let Value::Object(data) = &mut data {
            data.insert("account".to_owned(), json!(self.account));
            data.insert("post".to_owned(), json!(post.id));
        }
        let mut event = NewEvent::new(kind, Visibility::Everyone);
        event.unit = Some(post.community.clone());
        event.with(data)
    }
}
