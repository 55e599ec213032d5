//! A branch's quarter (季度结算): proposed by the branch, put in public notice by the organisation
//! above it, locked when the notice is over and every objection is decided.

use serde_json::json;

use super::{Quarter, Refused};
use crate::{
    calendar::WorkingCalendar,
    decision::Decision,
    event::{EventKind, NewEvent, Visibility},
    id::{AccountId, ScoreSettlementId},
    org::NodeCode,
    time::Timestamp,
};

codes! {
    /// Where a quarter stands.
    pub enum Status {
        /// Proposed by the branch.
        Draft = "draft", "待审定";
        /// In public notice.
        Notice = "notice", "公示中";
        /// Back to the branch.
        SentBack = "sent_back", "已退回";
        /// Nothing changes any more.
        Locked = "locked", "已锁定";
    }
}

codes! {
    /// The steps of a quarter.
    pub enum Step {
        /// The organisation puts it in public notice.
        Publish = "publish", "公示";
        /// The organisation sends it back.
        SendBack = "send_back", "退回";
        /// Somebody of the branch objects.
        Object = "object", "提出异议";
        /// The organisation decides an objection.
        Decide = "decide", "处理异议";
        /// The notice is over.
        Lock = "lock", "锁定";
    }
}

/// Every step that is allowed: from where, and to where it leads. What is not listed is refused
/// with `score_settlement_step_refused`.
pub const TRANSITIONS: &[(Step, &[Status], &[Status])] = {
    use Status::{Draft, Locked, Notice, SentBack};
    &[
        (Step::Publish, &[Draft], &[Notice]),
        (Step::SendBack, &[Draft], &[SentBack]),
        (Step::Object, &[Notice], &[Notice]),
        (Step::Decide, &[Notice], &[Notice]),
        (Step::Lock, &[Notice], &[Locked]),
    ]
};

/// A branch's quarter as its rules see it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settlement {
    /// Its id.
    pub id: ScoreSettlementId,
    /// Grows by one with each save.
    pub version: i64,
    /// The branch.
    pub branch: NodeCode,
    /// The branch's community.
    pub community: NodeCode,
    /// The quarter.
    pub quarter: Quarter,
    /// Where it stands.
    pub status: Status,
    /// Who proposed it.
    pub proposed_by: AccountId,
    /// Who published it or sent it back, and when.
    pub decided: Option<(Timestamp, AccountId)>,
    /// Why it was sent back.
    pub reason: Option<String>,
    /// When the notice is over.
    pub notice_until: Option<Timestamp>,
    /// When it was locked.
    pub locked_at: Option<Timestamp>,
}

impl Settlement {
    /// Whether the table allows a step from where it stands.
    ///
    /// # Errors
    /// It does not.
    pub fn permit(&self, step: Step) -> Result<(), Refused> {
        let allowed = TRANSITIONS
            .iter()
            .any(|(listed, from, _)| *listed == step && from.contains(&self.status));
        if allowed { Ok(()) } else { Err(Refused::Settlement { step, status: self.status }) }
    }

    /// The branch proposes it.
    ///
    /// # Errors
    /// The quarter is not over.
    pub fn propose(
        id: ScoreSettlementId,
        (branch, community): (NodeCode, NodeCode),
        quarter: Quarter,
        by: AccountId,
        now: Timestamp,
    ) -> Result<Decision<Self>, Refused> {
        if now < quarter.end() {
            return Err(Refused::QuarterRuns { quarter });
        }
        let state = Self {
            id,
            version: 1,
            branch,
            community,
            quarter,
            status: Status::Draft,
            proposed_by: by,
            decided: None,
            reason: None,
            notice_until: None,
            locked_at: None,
        };
        let event = state.event(EventKind::ScoreProposed, Some(by));
        Ok(Decision::one(state, event))
    }

    /// The organisation puts it in public notice; `told` are the members' accounts.
    ///
    /// # Errors
    /// Not proposed, or decided; one's own proposal; entries wait for a decision.
    pub fn publish(
        &self,
        waiting: i64,
        told: &[AccountId],
        (calendar, working_days): (&WorkingCalendar, u32),
        by: AccountId,
        now: Timestamp,
    ) -> Result<Decision<Self>, Refused> {
        self.permit(Step::Publish)?;
        if by == self.proposed_by {
            return Err(Refused::OwnSettlement);
        }
        if waiting > 0 {
            return Err(Refused::EntriesWait { waiting });
        }
        let until = calendar.add_working_days(now, working_days);
        let state = Self {
            status: Status::Notice,
            decided: Some((now, by)),
            notice_until: Some(until),
            ..self.clone()
        };
        let events = told.iter().map(|account| {
            let mut event = state.event(EventKind::ScoreNoticed, Some(*account));
            if let Some(data) = event.data.as_object_mut() {
                data.insert("until".to_owned(), json!(until));
            }
            event
        });
        let events = events.collect();
        Ok(Decision { state, events })
    }

    /// The organisation sends it back to the branch.
    ///
    /// # Errors
    /// Decided already; one's own proposal.
    pub fn send_back(
        &self,
        reason: String,
        by: AccountId,
        now: Timestamp,
    ) -> Result<Decision<Self>, Refused> {
        self.permit(Step::SendBack)?;
        if by == self.proposed_by {
            return Err(Refused::OwnSettlement);
        }
        let state = Self {
            status: Status::SentBack,
            decided: Some((now, by)),
            reason: Some(reason.clone()),
            ..self.clone()
        };
        let event = state.event(EventKind::ScoreSentBack, Some(self.proposed_by)).note(reason);
        Ok(Decision::one(state, event))
    }

    /// Somebody of the branch objects, while it is in public notice.
    ///
    /// # Errors
    /// It is not, or no longer.
    pub fn object(&self, by: AccountId, now: Timestamp) -> Result<Decision<Self>, Refused> {
        self.permit(Step::Object)?;
        if self.notice_until.is_some_and(|until| until <= now) {
            return Err(Refused::NoticeOver);
        }
        let event = self.event(EventKind::ScoreObjected, Some(by));
        Ok(Decision::one(self.clone(), event))
    }

    /// The organisation decides an objection; whoever objected is told.
    ///
    /// # Errors
    /// It is not in public notice; one's own objection.
    pub fn decide(
        &self,
        objector: AccountId,
        (upheld, reason): (bool, &str),
        by: AccountId,
    ) -> Result<Decision<Self>, Refused> {
        self.permit(Step::Decide)?;
        if objector == by {
            return Err(Refused::OwnObjection);
        }
        let mut event = self.event(EventKind::ScoreObjectionDecided, Some(objector));
        if let Some(data) = event.data.as_object_mut() {
            data.insert("upheld".to_owned(), json!(upheld));
        }
        Ok(Decision::one(self.clone(), event.note(reason.to_owned())))
    }

    /// The notice is over and no objection is open: from now on nothing changes. `None` while it
    /// is not so far.
    pub fn lock(&self, open: i64, told: &[AccountId], now: Timestamp) -> Option<Decision<Self>> {
        self.permit(Step::Lock).ok()?;
        if open > 0 || self.notice_until.is_none_or(|until| until > now) {
            return None;
        }
        let state = Self { status: Status::Locked, locked_at: Some(now), ..self.clone() };
        let event = |account: &AccountId| state.event(EventKind::ScoreLocked, Some(*account));
        let events = told.iter().map(event).collect();
        Some(Decision { state, events })
    }

    fn event(&self, kind: EventKind, account: Option<AccountId>) -> NewEvent {
        let mut event = NewEvent::new(kind, Visibility::Everyone);
        event.unit = Some(self.community.clone());
        event.with(json!({ "account": account, "quarter": self.quarter.to_string() }))
    }
}
