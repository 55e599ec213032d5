//! Households in difficulty (困难家庭包联): a community registers one with its consent, and asks a
//! member or a resident to look after it; the person agrees, visits, and writes down what was needed.
//!
//! [`TRANSITIONS`] is the table of a pairing's steps. What points to a household is sealed; the
//! stream of a pairing holds codes and days alone.

use chrono::{Days, NaiveDate};
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::{
    decision::Decision,
    event::{EventKind, NewEvent, Visibility},
    id::{AccountId, ComplaintId, HouseholdId, PairingId, VisitId},
    org::NodeCode,
    personal::{PersonName, Phone},
    refusal::{Faults, FieldError, Invalid},
    text,
    time::{self, Timestamp},
};

mod refused;
#[cfg(test)]
mod tests;

pub use refused::Refused;

codes! {
    /// What makes a household's life difficult (困难类别).
    pub enum Category {
        /// Lives on the minimum allowance.
        LowIncome = "low_income", "低保低收入";
        /// A severe disability.
        Disabled = "disabled", "重度残疾";
        /// Old people who live alone or without children near.
        ElderlyAlone = "elderly_alone", "独居空巢老人";
        /// A serious illness.
        SeriousIllness = "serious_illness", "重病患者";
        /// One parent, or children without parents.
        SingleParent = "single_parent", "单亲或困境儿童";
        /// An accident or a disaster.
        Accident = "accident", "突发意外";
        /// Anything else, said in words.
        Other = "other", "其他";
    }
}

codes! {
    /// Where a pairing stands.
    pub enum Status {
        /// The community asks; the person has not answered.
        Proposed = "proposed", "待本人接受";
        /// The person looks after the household.
        Active = "active", "包联中";
        /// The person did not agree.
        Declined = "declined", "未接受";
        /// It is over.
        Ended = "ended", "已结束";
    }
}

codes! {
    /// The steps in a pairing's life.
    pub enum Step {
        /// The person agrees.
        Accept = "accept", "接受";
        /// The person does not agree.
        Decline = "decline", "不接受";
        /// The person writes down a visit.
        Visit = "visit", "登记走访";
        /// The person puts right what was written of a visit.
        Correct = "correct", "更正走访";
        /// The person or the community ends it.
        End = "end", "结束";
        /// The term ran out.
        Expire = "expire", "到期";
    }
}

codes! {
    /// How a household was visited (走访方式).
    pub enum VisitKind {
        /// At the door.
        Visit = "visit", "上门";
        /// By telephone.
        Phone = "phone", "电话";
    }
}

/// Every step that is allowed: from where, and to where it leads. What is not listed is refused
/// with `pairing_step_refused`.
pub const TRANSITIONS: &[(Step, &[Status], &[Status])] = {
    use Status::{Active, Declined, Ended, Proposed};
    &[
        (Step::Accept, &[Proposed], &[Active]),
        (Step::Decline, &[Proposed], &[Declined]),
        (Step::Visit, &[Active], &[Active]),
        (Step::Correct, &[Active, Ended], &[Active, Ended]),
        (Step::End, &[Proposed, Active], &[Ended]),
        (Step::Expire, &[Proposed, Active], &[Ended]),
    ]
};

/// What is configured of households, **\[default\]** throughout.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Rules {
    /// How many households one person looks after at most.
    pub per_person: i64,
    /// After how many days without a visit the person is reminded.
    pub visit_days: u32,
    /// How many days a pairing lasts at most.
    pub term_days: u32,
}

impl Default for Rules {
    fn default() -> Self {
        Self { per_person: 3, visit_days: 30, term_days: 730 }
    }
}

impl Rules {
    /// On which day the next visit is due: so many days after the last one, or after the person
    /// agreed where there was none; earlier where the person said so.
    pub fn due(&self, since: Timestamp, next: Option<NaiveDate>) -> NaiveDate {
        let latest = time::date(since) + Days::new(u64::from(self.visit_days));
        next.map_or(latest, |next| next.min(latest))
    }
}

/// What somebody enters of a household.
#[derive(Debug, Clone, Copy)]
pub struct Form<'a> {
    /// In which community.
    pub community_code: &'a str,
    /// What makes its life difficult.
    pub category: Category,
    /// The name of the head of the household.
    pub name: &'a str,
    /// Where it lives.
    pub address: &'a str,
    /// How it is called.
    pub phone: Option<&'a str>,
    /// What whoever visits it should know.
    pub situation: Option<&'a str>,
    /// The account of the resident, where there is one.
    pub account: Option<AccountId>,
    /// The day on which it agreed to be registered and visited.
    pub consented_on: NaiveDate,
}

/// A household as it was entered, checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Details {
    /// In which community.
    pub community: NodeCode,
    /// What makes its life difficult.
    pub category: Category,
    /// The name.
    pub name: PersonName,
    /// Where it lives.
    pub address: String,
    /// How it is called.
    pub phone: Option<Phone>,
    /// What whoever visits it should know.
    pub situation: Option<String>,
    /// The account of the resident, where there is one.
    pub account: Option<AccountId>,
    /// The day on which it agreed.
    pub consented_on: NaiveDate,
}

impl Form<'_> {
    /// # Errors
    /// A field is missing, too long or malformed; the consent lies in the future.
    pub fn parse(&self, today: NaiveDate) -> Result<Details, Invalid> {
        let mut faults = Faults::default();
        let community = faults.take(NodeCode::parse("community_code", self.community_code));
        let name = faults.take(PersonName::parse("name", self.name));
        let address = faults.take(text::line("address", self.address, 2, 200));
        let phone = match self.phone.map(str::trim).filter(|phone| !phone.is_empty()) {
            Some(phone) => faults.take(Phone::parse("phone", phone)),
            None => None,
        };
        let situation = faults.take(text::optional("situation", self.situation, 1000)).flatten();
        if self.category == Category::Other && situation.is_none() {
            faults.add("situation", "选择“其他”时，请写明困难情况");
        }
        if self.consented_on > today {
            faults.add("consented_on", "同意的日期不能晚于今天；没有征得同意的，请先征得同意");
        }
        let entered = community.zip(name).zip(address);
        faults.check()?;
        let Some(((community, name), address)) = entered else {
            return Err(Invalid(Vec::new()));
        };
        let (category, account, consented_on) = (self.category, self.account, self.consented_on);
        Ok(Details { community, category, name, address, phone, situation, account, consented_on })
    }
}

impl Details {
    /// By what a second registration of the same household is found.
    pub fn key(&self) -> String {
        key(self.name.plain(), &self.address)
    }
}

/// By what a household is found: its head's name, and its address without white space.
pub fn key(name: &str, address: &str) -> String {
    let address: String = address.chars().filter(|c| !c.is_whitespace()).collect();
    format!("{name}\n{address}")
}

/// A household as its rules see it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Household {
    /// Its id.
    pub id: HouseholdId,
    /// Grows by one with each save.
    pub version: i64,
    /// Its community.
    pub community: NodeCode,
    /// The account of the resident, where there is one.
    pub account: Option<AccountId>,
    /// When it was taken off the list.
    pub closed_at: Option<Timestamp>,
}

/// A pairing as its rules see it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pairing {
    /// Its id.
    pub id: PairingId,
    /// Grows by one with each save.
    pub version: i64,
    /// Which household.
    pub household: HouseholdId,
    /// Its community.
    pub community: NodeCode,
    /// Who looks after it.
    pub account: AccountId,
    /// Where it stands.
    pub status: Status,
    /// The last day of the term.
    pub until: NaiveDate,
    /// Which officer asked.
    pub proposed_by: AccountId,
    /// When the person answered.
    pub answered_at: Option<Timestamp>,
    /// When it ended.
    pub ended_at: Option<Timestamp>,
    /// Who ended it; nobody where the term ran out.
    pub ended_by: Option<AccountId>,
    /// Why it was declined or ended.
    pub reason: Option<String>,
    /// The due day of which the person was reminded last.
    pub reminded_for: Option<NaiveDate>,
}

/// A visit as it was entered, checked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Visit {
    /// How.
    pub kind: VisitKind,
    /// When.
    pub visited_at: Timestamp,
    /// What was needed.
    pub needed: Option<String>,
    /// What was done.
    pub done: String,
    /// When the person means to come again.
    pub next_visit_on: Option<NaiveDate>,
    /// The appeal that a need became.
    pub complaint: Option<ComplaintId>,
    /// The visit that this puts right.
    pub corrects: Option<VisitId>,
}

/// How long ago a visit may lie when it is written down, in days.
const PAST_DAYS: i64 = 31;
/// How far off the next visit may be planned, in days.
const NEXT_DAYS: u64 = 180;

impl Visit {
    /// # Errors
    /// Nothing was done; a text is too long; in the future, or too long ago; the next one does not
    /// lie ahead.
    pub fn check(self, now: Timestamp) -> Result<Self, Invalid> {
        let mut faults = Faults::default();
        let needed = faults.take(text::optional("needed", self.needed.as_deref(), 1000)).flatten();
        let done = faults.take(text::text("done", &self.done, 2, 1000));
        if self.visited_at > now {
            faults.add("visited_at", "走访时间不能晚于现在");
        } else if now - self.visited_at > chrono::TimeDelta::days(PAST_DAYS) {
            faults.add("visited_at", format!("只能补登 {PAST_DAYS} 天以内的走访"));
        }
        let today = time::date(now);
        if self.next_visit_on.is_some_and(|day| day <= today || day > today + Days::new(NEXT_DAYS))
        {
            faults.add("next_visit_on", format!("下次走访应在明天以后、{NEXT_DAYS} 天以内"));
        }
        faults.check()?;
        Ok(Self { needed, done: done.unwrap_or_default(), ..self })
    }
}

/// Why somebody does not agree, or ends a pairing: 2–200 characters.
///
/// # Errors
/// Too short, too long, or with control characters.
pub fn reason(given: &str) -> Result<String, FieldError> {
    text::text("reason", given, 2, 200)
}

impl Household {
    /// Whether it may be an account's from now on: nobody looks after their own household.
    ///
    /// # Errors
    /// The account is asked to look after it, or does.
    pub fn belongs(&self, account: Option<AccountId>, open: &[Pairing]) -> Result<(), Refused> {
        let met = open
            .iter()
            .any(|pairing| pairing.household == self.id && Some(pairing.account) == account);
        if met { Err(Refused::OwnHousehold) } else { Ok(()) }
    }

    /// The community asks somebody to look after it, until a day.
    ///
    /// # Errors
    /// The household is off the list; it is the person's own, or the officer's own pairing; the
    /// term lies behind or is too long.
    pub fn pair(
        &self,
        id: PairingId,
        account: AccountId,
        until: NaiveDate,
        by: AccountId,
        (rules, now): (&Rules, Timestamp),
    ) -> Result<Decision<Pairing>, Refused> {
        if self.closed_at.is_some() {
            return Err(Refused::Closed);
        }
        if self.account == Some(account) {
            return Err(Refused::OwnHousehold);
        }
        if account == by {
            return Err(Refused::OwnPairing);
        }
        let today = time::date(now);
        let latest = today + Days::new(u64::from(rules.term_days));
        if until <= today || until > latest {
            return Err(Refused::Term { latest });
        }
        let state = Pairing {
            id,
            version: 1,
            household: self.id,
            community: self.community.clone(),
            account,
            status: Status::Proposed,
            until,
            proposed_by: by,
            answered_at: None,
            ended_at: None,
            ended_by: None,
            reason: None,
            reminded_for: None,
        };
        let event = state.event(EventKind::PairingProposed).with(json!({
            "account": account, "until": until,
        }));
        Ok(Decision::one(state, event))
    }
}

impl Pairing {
    /// Whether the table allows a step from where it stands.
    ///
    /// # Errors
    /// It does not.
    pub fn permit(&self, step: Step) -> Result<(), Refused> {
        let allowed = TRANSITIONS
            .iter()
            .any(|(listed, from, _)| *listed == step && from.contains(&self.status));
        if allowed { Ok(()) } else { Err(Refused::Step { step, status: self.status }) }
    }

    /// The person agrees. `active` is how many households they look after already.
    ///
    /// # Errors
    /// Answered already, or taken back; too many households; the term ran out meanwhile.
    pub fn accept(
        &self,
        active: i64,
        rules: &Rules,
        now: Timestamp,
    ) -> Result<Decision<Self>, Refused> {
        self.permit(Step::Accept)?;
        if active >= rules.per_person {
            return Err(Refused::TooMany { limit: rules.per_person });
        }
        if self.until < time::date(now) {
            return Err(Refused::Step { step: Step::Accept, status: Status::Ended });
        }
        let state = Self { status: Status::Active, answered_at: Some(now), ..self.clone() };
        let event = state.event(EventKind::PairingAccepted);
        Ok(Decision::one(state, event))
    }

    /// The person does not agree.
    ///
    /// # Errors
    /// Answered already, or taken back.
    pub fn decline(&self, reason: String, now: Timestamp) -> Result<Decision<Self>, Refused> {
        self.permit(Step::Decline)?;
        let state = Self {
            status: Status::Declined,
            answered_at: Some(now),
            reason: Some(reason.clone()),
            ..self.clone()
        };
        let event = state.event(EventKind::PairingDeclined).note(reason);
        Ok(Decision::one(state, event))
    }

    /// The person or the community ends it; the reason is told to the other.
    ///
    /// # Errors
    /// It is over.
    pub fn end(
        &self,
        reason: String,
        by: AccountId,
        now: Timestamp,
    ) -> Result<Decision<Self>, Refused> {
        self.permit(Step::End)?;
        let state = Self {
            status: Status::Ended,
            ended_at: Some(now),
            ended_by: Some(by),
            reason: Some(reason.clone()),
            ..self.clone()
        };
        let event = state.event(EventKind::PairingEnded).note(reason);
        Ok(Decision::one(state, event))
    }

    /// What the day brings: the end of the term, or a reminder of a visit that is due, once for
    /// each due day. `seen` is when the household was visited last, and when the person meant to
    /// come again.
    pub fn day(
        &self,
        seen: (Option<Timestamp>, Option<NaiveDate>),
        rules: &Rules,
        now: Timestamp,
    ) -> Option<Decision<Self>> {
        let today = time::date(now);
        if self.until < today && self.permit(Step::Expire).is_ok() {
            let state = Self { status: Status::Ended, ended_at: Some(now), ..self.clone() };
            let event = state.event(EventKind::PairingEnded);
            return Some(Decision::one(state, event));
        }
        let since = seen.0.or(self.answered_at).filter(|_| self.status == Status::Active)?;
        let due = rules.due(since, seen.1);
        if due > today || self.reminded_for == Some(due) {
            return None;
        }
        let state = Self { reminded_for: Some(due), ..self.clone() };
        let event = state
            .event(EventKind::VisitDue)
            .with(json!({ "account": self.account, "due": due, "last": seen.0 }));
        Some(Decision::one(state, event))
    }

    fn event(&self, kind: EventKind) -> NewEvent {
        let mut event = NewEvent::new(kind, Visibility::Everyone);
        event.unit = Some(self.community.clone());
        event.with(json!({ "account": self.account }))
    }
}
