//! Registration (双报到): a party member registers with the community of residence, and the
//! community signs.
//!
//! Handing in asks the register nothing: whoever types a wrong number gets the answer of a right
//! one that waits. What the register says is seen by the officer who signs.

use chrono::NaiveDate;
use serde_json::json;

use crate::{
    decision::Decision,
    event::{EventKind, NewEvent, Visibility},
    id::{AccountId, MemberId, RegistrationId},
    org::NodeCode,
    party::{Member, RemovedAs},
    refusal::{self, Invalid, Kind},
    text,
    time::Timestamp,
    work_unit::ReceiptCause,
};

pub mod change;

codes! {
    /// Where a registration stands.
    pub enum Status {
        /// The community has not signed yet.
        Pending = "pending", "待社区签署";
        /// The community signed.
        Signed = "signed", "已报到";
        /// The community did not sign.
        Refused = "refused", "未通过";
        /// The member left; what was signed is history.
        Ended = "ended", "已退出";
    }
}

codes! {
    /// The steps in a registration's life.
    pub enum Step {
        /// The person hands in again, with what was wrong put right.
        Correct = "correct", "更正";
        /// The community signs.
        Sign = "sign", "签署";
        /// The community does not sign.
        Refuse = "refuse", "不予签署";
        /// The registration ends by a granted change, or with the membership.
        End = "end", "退出";
    }
}

codes! {
    /// What the register says to what was handed in; for the officer's eyes alone.
    pub enum Finding {
        /// One member agrees.
        Agrees = "agrees", "与名册相符";
        /// Nobody agrees.
        Missing = "missing", "名册上没有";
        /// Several agree.
        Several = "several", "名册上有多人相符";
        /// Another account is registered as the member.
        Taken = "taken", "该党员已由另一账号报到";
    }
}

impl Finding {
    /// By how many members agree, and how many of them another account holds.
    pub const fn of(members: i64, taken: i64) -> Self {
        match (members, taken) {
            (..=0, _) => Self::Missing,
            (1, ..=0) => Self::Agrees,
            (1, _) => Self::Taken,
            _ => Self::Several,
        }
    }
}

/// Every step that is allowed: from where, and to where it leads. What is not listed is refused
/// with `registration_step_refused`.
pub const TRANSITIONS: &[(Step, &[Status], &[Status])] = &[
    (Step::Correct, &[Status::Pending], &[Status::Pending]),
    (Step::Sign, &[Status::Pending], &[Status::Signed]),
    (Step::Refuse, &[Status::Pending], &[Status::Refused]),
    (Step::End, &[Status::Signed], &[Status::Ended]),
];

/// A registration as its rules see it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Registration {
    /// Its id.
    pub id: RegistrationId,
    /// Grows by one with each save.
    pub version: i64,
    /// Who registers.
    pub account: AccountId,
    /// With which community.
    pub community: NodeCode,
    /// Where it stands.
    pub status: Status,
    /// When it was handed in last.
    pub submitted_at: Timestamp,
    /// When the community decided, and which officer.
    pub decided: Option<(Timestamp, AccountId)>,
    /// The officer's words for the person.
    pub note: Option<String>,
    /// As whom it was signed.
    pub member: Option<MemberId>,
    /// The work unit that the receipt is for.
    pub work_unit: Option<String>,
    /// The same unit, where the register of work units knows it.
    pub unit: Option<NodeCode>,
    /// When the member retired.
    pub retired_on: Option<NaiveDate>,
    /// When the registration ended.
    pub ended_at: Option<Timestamp>,
}

/// What comes of a member's working for another unit.
#[derive(Debug, Clone, PartialEq)]
pub struct Moved {
    /// The registration as it stands now.
    pub registration: Registration,
    /// What happened.
    pub events: Vec<NewEvent>,
    /// Which units have a receipt of it.
    pub receipts: Vec<(NodeCode, ReceiptCause)>,
}

/// The officer's decision.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sign {
    /// Whether the community signs.
    pub accept: bool,
    /// Words for the person.
    pub note: Option<String>,
}

impl Sign {
    /// # Errors
    /// The note is too long or holds control characters.
    pub fn parse(accept: bool, note: Option<&str>) -> Result<Self, Invalid> {
        Ok(Self { accept, note: text::optional("note", note, 500)? })
    }
}

impl Registration {
    /// Whether the table allows a step from where the registration stands.
    ///
    /// # Errors
    /// It does not.
    pub fn permit(&self, step: Step) -> Result<(), Refused> {
        let allowed = TRANSITIONS
            .iter()
            .any(|(listed, from, _)| *listed == step && from.contains(&self.status));
        if allowed { Ok(()) } else { Err(Refused::Step { step, status: self.status }) }
    }

    /// Hands one in. The register is not asked.
    pub fn submit(
        id: RegistrationId,
        account: AccountId,
        community: NodeCode,
        now: Timestamp,
    ) -> Decision<Self> {
        let state = Self {
            id,
            version: 1,
            account,
            community,
            status: Status::Pending,
            submitted_at: now,
            decided: None,
            note: None,
            member: None,
            work_unit: None,
            unit: None,
            retired_on: None,
            ended_at: None,
        };
        let event = state.event(EventKind::RegistrationSubmitted, Visibility::Unit);
        Decision::one(state, event)
    }

    /// Hands it in again while it waits: a mistyped number is put right without a second row.
    ///
    /// # Errors
    /// It waits no longer.
    pub fn correct(&self, community: NodeCode, now: Timestamp) -> Result<Decision<Self>, Refused> {
        self.permit(Step::Correct).map_err(|_| Refused::AlreadyRegistered)?;
        let state = Self { community, submitted_at: now, ..self.clone() };
        let event = state.event(EventKind::RegistrationSubmitted, Visibility::Unit);
        Ok(Decision::one(state, event))
    }

    /// The community decides. `members` are the rows of the register that agree with what was
    /// handed in; a signature needs exactly one that nobody else holds.
    ///
    /// # Errors
    /// It is decided already; the officer's own; accepted without a free member on the register.
    pub fn sign(
        &self,
        sign: &Sign,
        members: &[Member],
        by: AccountId,
        now: Timestamp,
    ) -> Result<Decision<Self>, Refused> {
        self.permit(if sign.accept { Step::Sign } else { Step::Refuse })?;
        if by == self.account {
            return Err(Refused::OwnRegistration);
        }
        let decided = Self { decided: Some((now, by)), note: sign.note.clone(), ..self.clone() };
        if !sign.accept {
            let state = Self { status: Status::Refused, ..decided };
            let event = state.event(EventKind::RegistrationRefused, Visibility::Everyone);
            return Ok(Decision::one(state, event.note(sign.note.clone())));
        }
        let [member] = members else { return Err(Refused::NotOnRegister) };
        if member.account.is_some_and(|holder| holder != self.account) {
            return Err(Refused::MemberTaken);
        }
        let state = Self {
            status: Status::Signed,
            member: Some(member.id),
            work_unit: member.work_unit.clone(),
            ..decided
        };
        let event = state.event(EventKind::RegistrationSigned, Visibility::Everyone);
        Ok(Decision::one(state, event.note(sign.note.clone())))
    }

    /// The register of members has whom the community signed for no more.
    ///
    /// # Errors
    /// It is not signed, or ended before.
    pub fn lapse(&self, why: RemovedAs, now: Timestamp) -> Result<Decision<Self>, Refused> {
        self.permit(Step::End)?;
        let state = Self { status: Status::Ended, ended_at: Some(now), ..self.clone() };
        let mut event = state.event(EventKind::RegistrationEnded, Visibility::Everyone);
        event.data = json!({ "account": self.account, "removed_as": why });
        let receipt = self.unit.as_ref().map(|unit| state.receipt(unit, ReceiptCause::Removed));
        Ok(Decision { state, events: std::iter::once(event).chain(receipt).collect() })
    }

    /// The member works elsewhere now, says the register of members: the unit of that name, where the
    /// register of units knows one. Whom it concerns is told by receipt: the old unit that the member
    /// left, the new one that the member came.
    #[must_use]
    pub fn works_for(self, name: Option<String>, unit: Option<NodeCode>) -> Moved {
        let receipts: Vec<_> = if unit == self.unit {
            Vec::new()
        } else {
            let left = self.unit.clone().map(|unit| (unit, ReceiptCause::Left));
            let joined = unit.clone().map(|unit| (unit, ReceiptCause::Joined));
            left.into_iter().chain(joined).collect()
        };
        let events = receipts.iter().map(|(unit, cause)| self.receipt(unit, *cause)).collect();
        let registration = Self { work_unit: name, unit, ..self };
        Moved { registration, events, receipts }
    }

    /// The event that tells a work unit of its member: whom is in the receipt, not here.
    pub fn receipt(&self, unit: &NodeCode, cause: ReceiptCause) -> NewEvent {
        let mut event = NewEvent::new(EventKind::ReceiptSent, Visibility::Unit);
        event.unit = Some(self.community.clone());
        event.with(json!({ "work_unit": unit, "cause": cause }))
    }

    fn event(&self, kind: EventKind, visibility: Visibility) -> NewEvent {
        let mut event = NewEvent::new(kind, visibility);
        event.unit = Some(self.community.clone());
        event.with(json!({ "account": self.account }))
    }
}

/// Why a step of a registration is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// The table has no such step from here.
    #[error("报到现在是“{}”，不能“{}”", .status.label(), .step.label())]
    Step {
        /// What was asked.
        step: Step,
        /// Where it stands.
        status: Status,
    },
    /// The person is registered already.
    #[error("您已经在社区报到，不需要重复报到；搬家请与原社区联系")]
    AlreadyRegistered,
    /// Nobody or several on the register agree with what was handed in.
    #[error("党员名册里没有与姓名和证件号码相符的人，不能签署；请与本人核对，或不予签署并说明原因")]
    NotOnRegister,
    /// The member is registered by another account.
    #[error("名册上的这名党员已由另一个账号报到，不能重复签署；请核实是否有人冒用")]
    MemberTaken,
    /// Who registers does not sign for themselves.
    #[error("不能签署自己的报到，请由社区其他工作人员签署")]
    OwnRegistration,
}

impl refusal::Refusal for Refused {
    fn code(&self) -> &'static str {
        match self {
            Self::Step { .. } => "registration_step_refused",
            Self::AlreadyRegistered => "already_registered",
            Self::NotOnRegister => "not_on_register",
            Self::MemberTaken => "member_taken",
            Self::OwnRegistration => "own_registration",
        }
    }

    fn kind(&self) -> Kind {
        Kind::Conflict
    }
}

#[cfg(test)]
mod tests;
