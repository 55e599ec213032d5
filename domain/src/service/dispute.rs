//! A dispute (异议): who served, or who was served, does not agree with what an organiser decided on
//! a claim. Somebody else looks at it again, once for each of them.

use serde_json::json;

use super::{Claim, Post, Refused, Rules, Settled, Status as ClaimStatus, Step as ClaimStep};
use crate::{
    decision::Decision,
    event::EventKind,
    id::{AccountId, ClaimId, DisputeId},
    refusal::{FieldError, Invalid},
    sla::Terms,
    text,
    time::Timestamp,
};

codes! {
    /// Where a dispute stands.
    pub enum Status {
        /// Waits for another officer.
        Open = "open", "待复核";
        /// What was decided stands.
        Stands = "stands", "维持原结论";
        /// The minutes were corrected.
        Corrected = "corrected", "已更正";
        /// Whoever raised it took it back.
        Withdrawn = "withdrawn", "已撤回";
    }
}

codes! {
    /// The steps in a dispute's life.
    pub enum Step {
        /// What was decided stands.
        Uphold = "uphold", "维持原结论";
        /// The minutes are corrected.
        Correct = "correct", "更正时长";
        /// Whoever raised it takes it back.
        Withdraw = "withdraw", "撤回异议";
    }
}

/// Every step that is allowed. What is not listed is refused with `dispute_step_refused`.
pub const TRANSITIONS: &[(Step, &[Status], &[Status])] = &[
    (Step::Uphold, &[Status::Open], &[Status::Stands]),
    (Step::Correct, &[Status::Open], &[Status::Corrected]),
    (Step::Withdraw, &[Status::Open], &[Status::Withdrawn]),
];

/// A dispute as its rules see it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dispute {
    /// Its id.
    pub id: DisputeId,
    /// Grows by one with each save.
    pub version: i64,
    /// The claim.
    pub claim: ClaimId,
    /// Who does not agree: who served, or who was served.
    pub raised_by: AccountId,
    /// Who decided on the claim; nobody where the clock noted that somebody did not come.
    pub first: Option<AccountId>,
    /// Where it stands.
    pub status: Status,
    /// The minutes that it was corrected to; 0 where the service does not count.
    pub minutes: Option<i32>,
}

/// Why somebody does not agree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Objection {
    /// In their words.
    pub reason: String,
}

impl Objection {
    /// # Errors
    /// The reason is missing or too long.
    pub fn parse(reason: &str) -> Result<Self, Invalid> {
        Ok(Self { reason: text::text("reason", reason, 5, 1000)? })
    }
}

/// What the one who looked again found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verdict {
    /// The right minutes, 0 where the service does not count; none where it stands.
    pub minutes: Option<i32>,
    /// Why, for both.
    pub reason: String,
}

impl Verdict {
    /// # Errors
    /// Minutes without a correction or a correction without minutes, or none from 0 to 1,440; the
    /// reason is missing or too long.
    pub fn parse(correct: bool, minutes: Option<i64>, reason: &str) -> Result<Self, Invalid> {
        let reason = text::text("reason", reason, 2, 1000)?;
        let right = minutes.and_then(|given| i32::try_from(given).ok());
        match (correct, minutes, right) {
            (false, None, _) => Ok(Self { minutes: None, reason }),
            (false, Some(_), _) => {
                Err(FieldError::new("minutes", "维持原结论时不填时长；要改时长请选择更正").into())
            }
            (true, _, Some(minutes @ 0..=1440)) => Ok(Self { minutes: Some(minutes), reason }),
            (true, ..) => {
                let why = "更正后的时长应为 0–1440 分钟，0 为不计这次服务";
                Err(FieldError::new("minutes", why).into())
            }
        }
    }
}

impl Claim {
    /// Somebody whom it concerns does not agree with what was decided.
    ///
    /// # Errors
    /// Nothing was decided yet; the days are over.
    pub fn dispute(
        &self,
        post: &Post,
        (id, by, objection): (DisputeId, AccountId, &Objection),
        (rules, terms): (&Rules, Terms<'_>),
        now: Timestamp,
    ) -> Result<Decision<Dispute>, Refused> {
        let Some(settled) = self.settled.as_ref().filter(|_| self.can(ClaimStep::Correct)) else {
            return Err(Refused::NothingToDispute { status: self.status });
        };
        let closed_at = terms.calendar.add_working_days(settled.at, rules.dispute_days);
        if now >= closed_at {
            return Err(Refused::DisputeClosed { closed_at });
        }
        let state = Dispute {
            id,
            version: 1,
            claim: self.id,
            raised_by: by,
            first: settled.by,
            status: Status::Open,
            minutes: None,
        };
        let data = json!({ "dispute": id, "by_served": by != self.account });
        let event = self.event(EventKind::DisputeRaised, post, data);
        Ok(Decision::one(state, event.note(Some(objection.reason.clone()))))
    }

    /// Whether the table allows a step from here.
    fn can(&self, step: ClaimStep) -> bool {
        self.permit(step).is_ok()
    }

    /// The claim with other minutes; none where it does not count.
    fn corrected(
        &self,
        post: &Post,
        verdict: (i32, &str),
        by: AccountId,
        now: Timestamp,
    ) -> Result<Self, Refused> {
        let (minutes, reason) = verdict;
        self.permit(ClaimStep::Correct)?;
        if i64::from(minutes) > post.minutes() {
            return Err(Refused::MinutesBeyondPost { minutes: post.minutes() });
        }
        let served = (minutes > 0).then_some(minutes);
        if (self.status == ClaimStatus::Confirmed && self.minutes == served)
            || (self.status != ClaimStatus::Confirmed && served.is_none())
        {
            return Err(Refused::NothingCorrected);
        }
        let status = if served.is_some() { ClaimStatus::Confirmed } else { ClaimStatus::Rejected };
        let settled = Settled { at: now, by: Some(by), comment: Some(reason.to_owned()) };
        Ok(Self {
            status,
            minutes: served,
            points: served.map(|_| 0),
            settled: Some(settled),
            ..self.clone()
        })
    }
}

/// What a decision on a dispute leaves.
#[derive(Debug, Clone, PartialEq)]
pub struct Ruled {
    /// The dispute.
    pub dispute: Dispute,
    /// The claim, where it was corrected.
    pub claim: Option<Claim>,
}

impl Dispute {
    /// Whether the table allows a step from where the dispute stands.
    ///
    /// # Errors
    /// It does not.
    pub fn permit(&self, step: Step) -> Result<(), Refused> {
        let allowed = TRANSITIONS
            .iter()
            .any(|(listed, from, _)| *listed == step && from.contains(&self.status));
        if allowed { Ok(()) } else { Err(Refused::Dispute { step, status: self.status }) }
    }

    /// Another officer than the first decides.
    ///
    /// # Errors
    /// An illegal step; the first officer's again, or a party to it; minutes beyond the post; a
    /// correction that corrects nothing.
    pub fn decide(
        &self,
        (claim, post): (&Claim, &Post),
        verdict: &Verdict,
        by: AccountId,
        now: Timestamp,
    ) -> Result<Ruled, Refused> {
        let step = if verdict.minutes.is_some() { Step::Correct } else { Step::Uphold };
        self.permit(step)?;
        claim.by_another(post, by)?;
        if by == self.raised_by {
            return Err(Refused::OwnService);
        }
        if self.first == Some(by) {
            return Err(Refused::SameDecider);
        }
        let corrected = verdict
            .minutes
            .map(|minutes| claim.corrected(post, (minutes, &verdict.reason), by, now))
            .transpose()?;
        let status = if corrected.is_some() { Status::Corrected } else { Status::Stands };
        let dispute = Self { status, minutes: verdict.minutes, ..self.clone() };
        Ok(Ruled { dispute, claim: corrected })
    }

    /// Whoever raised it takes it back.
    ///
    /// # Errors
    /// An illegal step.
    pub fn withdraw(&self, claim: &Claim, post: &Post) -> Result<Decision<Self>, Refused> {
        self.permit(Step::Withdraw)?;
        let state = Self { status: Status::Withdrawn, ..self.clone() };
        let data = json!({ "dispute": self.id, "by_served": self.raised_by != claim.account });
        Ok(Decision::one(state, claim.event(EventKind::DisputeWithdrawn, post, data)))
    }
}

impl Ruled {
    /// What is told of it: to the one who served, and to the one who raised it where that is
    /// another. `points` are what the service gives now.
    pub fn told(
        &self,
        claim: &Claim,
        post: &Post,
        points: Option<i64>,
        reason: &str,
    ) -> Vec<crate::event::NewEvent> {
        let outcome = self.dispute.status;
        let mut people = vec![claim.account];
        if self.dispute.raised_by != claim.account {
            people.push(self.dispute.raised_by);
        }
        let told = |account| {
            let data = json!({
                "dispute": self.dispute.id, "outcome": outcome, "minutes": self.dispute.minutes,
                // What somebody's service gives is not told to whom they served.
                "points": points.filter(|_| account == claim.account),
            });
            let mut event = claim.event(EventKind::DisputeDecided, post, data);
            if let serde_json::Value::Object(data) = &mut event.data {
                data.insert("account".to_owned(), json!(account));
            }
            event.note(Some(reason.to_owned()))
        };
        people.into_iter().map(told).collect()
    }
}

#[cfg(test)]
mod tests;
