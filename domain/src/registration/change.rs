//! Changes of a registration during the year (报到变更): a move to another community, another work
//! unit, retirement, exemption from a year's requirement, leaving. The member asks; the community
//! decides, and for a move first the old one lets go, then the new one takes in. The registration
//! changes when a change is granted and not before; hours are the person's, and stay.

use serde_json::json;

use super::{Registration, Status as RegistrationStatus};
use crate::{
    event::{EventKind, NewEvent, Visibility},
    id::{AccountId, ChangeId, RegistrationId},
    org::NodeCode,
    refusal::{self, Faults, Invalid},
    service::year::Year,
    text,
    time::{self, Timestamp},
    work_unit::ReceiptCause,
};

codes! {
    /// What is to change.
    pub enum Kind {
        /// The member lives in another community now.
        Move = "move", "转到新社区";
        /// The member works for another unit now.
        Unit = "unit", "变更工作单位";
        /// The member retired: no yearly minimum from that year on.
        Retire = "retire", "退休";
        /// One year's requirement is waived.
        Exempt = "exempt", "免除当年要求";
        /// The registration ends.
        Withdraw = "withdraw", "退出报到";
    }
}

codes! {
    /// Why a year's requirement is waived.
    pub enum Ground {
        /// Illness.
        Illness = "illness", "因病";
        /// Posted away.
        PostedAway = "posted_away", "外派";
        /// Something else, told in the reason.
        Other = "other", "其他";
    }
}

codes! {
    /// Where a change stands.
    pub enum Status {
        /// The community has not decided yet.
        Asked = "asked", "待社区办理";
        /// The old community let go; the new one has not decided yet.
        Released = "released", "待新社区接收";
        /// Done.
        Granted = "granted", "已办理";
        /// Not done.
        Refused = "refused", "未同意";
        /// The member took it back.
        TakenBack = "taken_back", "已撤回";
    }
}

codes! {
    /// The steps in a change's life.
    pub enum Step {
        /// The old community lets go.
        Release = "release", "同意转出";
        /// The community whose turn it is makes the change.
        Grant = "grant", "办理";
        /// It does not.
        Refuse = "refuse", "不同意";
        /// The member takes it back.
        TakeBack = "take_back", "撤回";
    }
}

/// Every step that is allowed: from where, and to where it leads. What is not listed is refused
/// with `registration_change_step_refused`.
pub const TRANSITIONS: &[(Step, &[Status], &[Status])] = &[
    (Step::Release, &[Status::Asked], &[Status::Released]),
    (Step::Grant, &[Status::Asked, Status::Released], &[Status::Granted]),
    (Step::Refuse, &[Status::Asked, Status::Released], &[Status::Refused]),
    (Step::TakeBack, &[Status::Asked, Status::Released], &[Status::TakenBack]),
];

/// What a member asks for, with the facts that go with it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Wish {
    /// To this community.
    Move(NodeCode),
    /// To this work unit.
    Unit(NodeCode),
    /// From this year on.
    Retire,
    /// For this year, for this reason.
    Exempt(i32, Ground),
    /// At once.
    Withdraw,
}

impl Wish {
    /// What it is.
    pub const fn kind(&self) -> Kind {
        match self {
            Self::Move(_) => Kind::Move,
            Self::Unit(_) => Kind::Unit,
            Self::Retire => Kind::Retire,
            Self::Exempt(..) => Kind::Exempt,
            Self::Withdraw => Kind::Withdraw,
        }
    }
}

/// What was filled in, before it is known to fit together.
#[derive(Debug, Clone, Copy, Default)]
pub struct Form<'f> {
    /// Where to.
    pub community_code: Option<&'f str>,
    /// To which unit.
    pub work_unit: Option<&'f str>,
    /// Which year.
    pub year: Option<i32>,
    /// Why.
    pub ground: Option<Ground>,
    /// In the member's own words, 2–500 characters.
    pub reason: &'f str,
}

/// A change that is asked for: the wish and the member's words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asking {
    /// What is to change.
    pub wish: Wish,
    /// Why, in the member's words; sensitive.
    pub reason: String,
}

impl Asking {
    /// # Errors
    /// What belongs to the kind is missing, or something else is filled in.
    pub fn parse(kind: Kind, form: Form<'_>) -> Result<Self, Invalid> {
        let mut faults = Faults::default();
        let belongs = [
            ("community_code", kind == Kind::Move, form.community_code.is_some()),
            ("work_unit", kind == Kind::Unit, form.work_unit.is_some()),
            ("year", kind == Kind::Exempt, form.year.is_some()),
            ("ground", kind == Kind::Exempt, form.ground.is_some()),
        ];
        for (field, wanted, given) in belongs {
            match (wanted, given) {
                (true, false) => faults.add(field, format!("“{}”需要填写这一项", kind.label())),
                (false, true) => faults.add(field, format!("“{}”不填这一项", kind.label())),
                _ => {}
            }
        }
        let code = |faults: &mut Faults, field: &str, given: Option<&str>| {
            given.and_then(|code| faults.take(NodeCode::parse(field, code)))
        };
        let community = code(&mut faults, "community_code", form.community_code);
        let unit = code(&mut faults, "work_unit", form.work_unit);
        let year = form.year.and_then(|year| faults.take(Year::new(year)));
        let reason = faults.take(text::text("reason", form.reason, 2, 500));
        faults.check()?;
        let wish = match kind {
            Kind::Move => community.map(Wish::Move),
            Kind::Unit => unit.map(Wish::Unit),
            Kind::Retire => Some(Wish::Retire),
            Kind::Exempt => {
                year.zip(form.ground).map(|(year, ground)| Wish::Exempt(year.number(), ground))
            }
            Kind::Withdraw => Some(Wish::Withdraw),
        };
        match (wish, reason) {
            (Some(wish), Some(reason)) => Ok(Self { wish, reason }),
            _ => Err(Invalid(Vec::new())),
        }
    }
}

/// A community's decision.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verdict {
    /// Whether it agrees.
    pub approve: bool,
    /// Words for the person; required when it does not.
    pub note: Option<String>,
}

impl Verdict {
    /// # Errors
    /// Not agreed to without a reason; the note is too long or holds control characters.
    pub fn parse(approve: bool, note: Option<&str>) -> Result<Self, Invalid> {
        let note = text::optional("note", note, 500)?;
        if !approve && note.is_none() {
            return Err(Invalid::field("note", "不同意时要写明原因，本人会看到"));
        }
        Ok(Self { approve, note })
    }
}

/// A change as its rules see it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// Its id.
    pub id: ChangeId,
    /// Grows by one with each save.
    pub version: i64,
    /// Of which registration.
    pub registration: RegistrationId,
    /// With which community that was when it was asked.
    pub community: NodeCode,
    /// What is to change.
    pub wish: Wish,
    /// Where it stands.
    pub status: Status,
    /// Who asked.
    pub asked_by: AccountId,
    /// When the old community let go, and which officer.
    pub released: Option<(Timestamp, AccountId)>,
    /// When it was decided, and which officer.
    pub decided: Option<(Timestamp, AccountId)>,
    /// The officer's words.
    pub note: Option<String>,
}

/// What a step makes of a change and its registration.
#[derive(Debug, Clone, PartialEq)]
pub struct Outcome {
    /// The change.
    pub change: Change,
    /// The registration; as it was unless the change was granted.
    pub registration: Registration,
    /// What happened, in the registration's stream.
    pub events: Vec<NewEvent>,
    /// Which units are told what.
    pub receipts: Vec<(NodeCode, ReceiptCause)>,
}

impl Change {
    /// Asks for a change of a signed registration.
    ///
    /// # Errors
    /// It is not signed; nothing would change; the year of an exemption is neither this, the last
    /// nor the next.
    pub fn ask(
        id: ChangeId,
        registration: &Registration,
        wish: Wish,
        now: Timestamp,
    ) -> Result<Outcome, Refused> {
        if registration.status != RegistrationStatus::Signed {
            return Err(Refused::NotRegistered);
        }
        let this = Year::of(now).number();
        match &wish {
            Wish::Move(to) if *to == registration.community => return Err(Refused::SameCommunity),
            Wish::Unit(to) if registration.unit.as_ref() == Some(to) => {
                return Err(Refused::SameUnit);
            }
            Wish::Retire if registration.retired_on.is_some() => {
                return Err(Refused::AlreadyRetired);
            }
            Wish::Exempt(year, _) if !(this - 1..=this + 1).contains(year) => {
                return Err(Refused::Year { this });
            }
            _ => {}
        }
        let change = Self {
            id,
            version: 1,
            registration: registration.id,
            community: registration.community.clone(),
            wish,
            status: Status::Asked,
            asked_by: registration.account,
            released: None,
            decided: None,
            note: None,
        };
        let event = change.event(EventKind::ChangeAsked, Visibility::Unit, &change.community);
        let registration = registration.clone();
        Ok(Outcome { change, registration, events: vec![event], receipts: Vec::new() })
    }

    /// Whether the table allows a step from where the change stands.
    ///
    /// # Errors
    /// It does not.
    pub fn permit(&self, step: Step) -> Result<(), Refused> {
        let allowed = TRANSITIONS
            .iter()
            .any(|(listed, from, _)| *listed == step && from.contains(&self.status));
        if allowed { Ok(()) } else { Err(Refused::Step { step, status: self.status }) }
    }

    /// Which community decides next: for a move the old one first, then the new one.
    pub fn turn(&self) -> &NodeCode {
        match &self.wish {
            Wish::Move(to) if self.status != Status::Asked => to,
            _ => &self.community,
        }
    }

    /// The community whose turn it is agrees or does not.
    ///
    /// # Errors
    /// It is decided already; the officer's own; it is another community's turn (`for_turn`).
    pub fn decide(
        &self,
        registration: &Registration,
        verdict: &Verdict,
        (by, for_turn): (AccountId, bool),
        now: Timestamp,
    ) -> Result<Outcome, Refused> {
        let releases = matches!(self.wish, Wish::Move(_)) && self.status == Status::Asked;
        let step = match (verdict.approve, releases) {
            (true, true) => Step::Release,
            (true, false) => Step::Grant,
            (false, _) => Step::Refuse,
        };
        self.permit(step)?;
        if !for_turn {
            return Err(Refused::NotYourTurn);
        }
        if by == self.asked_by {
            return Err(Refused::OwnChange);
        }
        let place = self.turn().clone();
        let mut change = Self { note: verdict.note.clone(), ..self.clone() };
        let same = |change: Self, events| Outcome {
            change,
            registration: registration.clone(),
            events,
            receipts: Vec::new(),
        };
        let note = verdict.note.clone();
        match step {
            Step::Release => {
                change.status = Status::Released;
                change.released = Some((now, by));
                let to = change.turn().clone();
                let event = change.event(EventKind::ChangeReleased, Visibility::Everyone, &to);
                Ok(same(change, vec![event.note(note)]))
            }
            Step::Grant => {
                change.status = Status::Granted;
                change.decided = Some((now, by));
                Ok(change.granted(registration, note, &place, now))
            }
            Step::Refuse | Step::TakeBack => {
                change.status = Status::Refused;
                change.decided = Some((now, by));
                let event = change.event(EventKind::ChangeRefused, Visibility::Everyone, &place);
                Ok(same(change, vec![event.note(note)]))
            }
        }
    }

    /// What a granted change makes of the registration, and whom it is told to.
    fn granted(
        self,
        registration: &Registration,
        note: Option<String>,
        place: &NodeCode,
        now: Timestamp,
    ) -> Outcome {
        let mut after = registration.clone();
        let unit = registration.unit.clone();
        let tell = |cause| unit.clone().map(|unit| (unit, cause)).into_iter().collect::<Vec<_>>();
        let receipts = match &self.wish {
            Wish::Move(to) => {
                after.community = to.clone();
                tell(ReceiptCause::Moved)
            }
            Wish::Unit(to) => {
                // The register of members may have said so meanwhile: then both units know.
                let known = unit.as_ref() == Some(to);
                after.unit = Some(to.clone());
                let mut told = if known { Vec::new() } else { tell(ReceiptCause::Left) };
                told.extend((!known).then(|| (to.clone(), ReceiptCause::Joined)));
                told
            }
            Wish::Retire => {
                after.retired_on = Some(time::date(now));
                tell(ReceiptCause::Retired)
            }
            Wish::Exempt(..) => tell(ReceiptCause::Exempted),
            Wish::Withdraw => {
                after.status = RegistrationStatus::Ended;
                after.ended_at = Some(now);
                tell(ReceiptCause::Withdrawn)
            }
        };
        let granted = self.event(EventKind::ChangeGranted, Visibility::Everyone, place);
        let mut events = vec![granted.note(note)];
        events.extend(receipts.iter().map(|(unit, cause)| after.receipt(unit, *cause)));
        Outcome { change: self, registration: after, events, receipts }
    }

    /// The member takes it back.
    ///
    /// # Errors
    /// It is decided already.
    pub fn take_back(&self, registration: &Registration) -> Result<Outcome, Refused> {
        self.permit(Step::TakeBack)?;
        let change = Self { status: Status::TakenBack, ..self.clone() };
        let place = self.turn().clone();
        let event = change.event(EventKind::ChangeTakenBack, Visibility::Unit, &place);
        let registration = registration.clone();
        Ok(Outcome { change, registration, events: vec![event], receipts: Vec::new() })
    }

    fn event(&self, kind: EventKind, visibility: Visibility, place: &NodeCode) -> NewEvent {
        let mut event = NewEvent::new(kind, visibility);
        event.unit = Some(place.clone());
        event.with(json!({
            "account": self.asked_by, "change": self.wish.kind(), "change_id": self.id,
        }))
    }
}

/// Why a step of a change is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// The table has no such step from here.
    #[error("这项变更现在是“{}”，不能“{}”", .status.label(), .step.label())]
    Step {
        /// What was asked.
        step: Step,
        /// Where it stands.
        status: Status,
    },
    /// There is no signed registration that could change.
    #[error("您还没有社区已签署的报到，不能申请变更；请先报到")]
    NotRegistered,
    /// Another change is open.
    #[error("您已有一项变更正在办理，请等社区办完，或先撤回那一项")]
    Open,
    /// The member is registered there.
    #[error("您现在就在这个社区报到，不需要转")]
    SameCommunity,
    /// The member works there as far as is known.
    #[error("您登记的工作单位就是这一个，不需要变更")]
    SameUnit,
    /// Retired before.
    #[error("已经登记过退休，不需要重复申请")]
    AlreadyRetired,
    /// That year is waived before.
    #[error("该年度的要求已经免除，不需要重复申请")]
    AlreadyExempt,
    /// Too far away a year.
    #[error("只能申请免除上一年、今年或明年的要求（今年是 {this} 年）")]
    Year {
        /// The year it is.
        this: i32,
    },
    /// The year's result stands.
    #[error("该年度的结果已经结算，不能再免除；如结果有误请与组织部联系")]
    Settled,
    /// Another community decides now.
    #[error("这项变更现在由另一个社区办理")]
    NotYourTurn,
    /// Who asks does not decide.
    #[error("不能办理自己的变更，请由社区其他工作人员办理")]
    OwnChange,
}

impl refusal::Refusal for Refused {
    fn code(&self) -> &'static str {
        match self {
            Self::Step { .. } => "registration_change_step_refused",
            Self::NotRegistered => "not_registered",
            Self::Open => "registration_change_open",
            Self::SameCommunity => "already_in_community",
            Self::SameUnit => "already_in_unit",
            Self::AlreadyRetired => "already_retired",
            Self::AlreadyExempt => "already_exempt",
            Self::Year { .. } => "exemption_year",
            Self::Settled => "service_year_settled",
            Self::NotYourTurn => "registration_change_not_your_turn",
            Self::OwnChange => "own_registration_change",
        }
    }

    fn kind(&self) -> refusal::Kind {
        match self {
            Self::Year { .. } => refusal::Kind::Invalid,
            _ => refusal::Kind::Conflict,
        }
    }

    fn fields(&self) -> Vec<refusal::FieldError> {
        match self {
            Self::Year { .. } => vec![refusal::FieldError::new("year", self.to_string())],
            _ => Vec::new(),
        }
    }
}

#[cfg(test)]
mod tests;
