//! Enforcement (执法): which powers a subdistrict or department has ([`power`]), who may use them
//! ([`Certificate`]), and what was done in their name as part of a task ([`Act`]).
//!
//! An act is never changed. One that was wrong is withdrawn by a further act that says why.
//! 行政处罚法: two officers act together (第四十二条); on the spot a person is fined at most 200
//! yuan and an organisation at most 3,000 (第五十一条); other penalties need a case that was filed
//! (第五十四条).

use chrono::NaiveDate;
use serde_json::json;

use crate::{
    decision::Decision,
    event::{EventKind, NewEvent, Visibility},
    id::{AccountId, ActId, CertificateId},
    org::NodeCode,
    refusal::{Faults, Invalid},
    task::{self, Task},
    text,
    time::{self, Timestamp},
};

pub mod power;
mod record;
mod refused;
#[cfg(test)]
mod tests;

pub use record::{Given, Party, Record};
pub use refused::Refused;

codes! {
    /// Where a certificate stands.
    pub enum CertificateStatus {
        /// It counts between its dates.
        Registered = "registered", "已登记";
        /// It was taken back.
        Revoked = "revoked", "已吊销";
    }
}

codes! {
    /// Where an act stands.
    pub enum ActStatus {
        /// It counts.
        Standing = "standing", "有效";
        /// A further act withdrew it.
        Withdrawn = "withdrawn", "已撤回";
    }
}

codes! {
    /// What was done.
    pub enum ActKind {
        /// Persuasion, without any document.
        Persuasion = "persuasion", "劝导教育";
        /// An inspection on the spot.
        Inspection = "inspection", "现场检查";
        /// An order to put it right.
        Order = "order_to_correct", "责令改正";
        /// A penalty on the spot (summary procedure).
        SpotPenalty = "on_the_spot_penalty", "当场处罚";
        /// A case is filed (ordinary procedure).
        CaseFiled = "case_filed", "立案";
        /// The penalty of a case that was filed.
        Penalty = "penalty", "处罚决定";
        /// An earlier act is withdrawn.
        Withdrawal = "withdrawal", "撤回更正";
    }
}

impl ActKind {
    /// How many officers must act together.
    pub const fn officers(self) -> usize {
        match self {
            Self::Persuasion | Self::Withdrawal => 1,
            Self::Inspection
            | Self::Order
            | Self::SpotPenalty
            | Self::CaseFiled
            | Self::Penalty => 2,
        }
    }

    /// Whether a document with a number is handed over.
    pub const fn is_in_writing(self) -> bool {
        matches!(self, Self::Order | Self::SpotPenalty | Self::CaseFiled | Self::Penalty)
    }

    /// Whether money may be asked for.
    pub const fn is_penalty(self) -> bool {
        matches!(self, Self::SpotPenalty | Self::Penalty)
    }
}

codes! {
    /// Against whom an act is.
    pub enum PartyKind {
        /// A person.
        Person = "person", "公民";
        /// A company or another organisation.
        Organisation = "organisation", "法人或其他组织";
    }
}

impl PartyKind {
    /// The largest fine on the spot, in fen.
    pub const fn most_on_the_spot(self) -> i64 {
        match self {
            Self::Person => 20_000,
            Self::Organisation => 300_000,
        }
    }
}

/// From which states of its task an act may be recorded. The unit has taken the matter on, and a
/// penalty may come months after its reply; what it wants to hand back or has lost is not its own.
pub const RECORDED_IN: &[task::Status] = &[
    task::Status::Acknowledged,
    task::Status::Arrived,
    task::Status::SentBack,
    task::Status::Replied,
    task::Status::Confirmed,
];

/// The certificate of an officer (行政执法证).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Certificate {
    /// Its id.
    pub id: CertificateId,
    /// The number that is printed on it.
    pub number: String,
    /// Whose it is.
    pub holder: AccountId,
    /// In whose name the holder acts.
    pub unit: NodeCode,
    /// The first day on which it counts.
    pub valid_from: NaiveDate,
    /// The last day on which it counts, as it is printed on it.
    pub valid_until: NaiveDate,
    /// Where it stands.
    pub status: CertificateStatus,
    /// Grows by one with each change.
    pub version: i64,
}

impl Certificate {
    /// Whether it counts on a day.
    ///
    /// # Errors
    /// It was revoked, or the day is not within its dates.
    pub fn counts(&self, on: NaiveDate) -> Result<(), Refused> {
        let within = self.valid_from <= on && on <= self.valid_until;
        if within && self.status == CertificateStatus::Registered {
            return Ok(());
        }
        Err(Refused::CertificateNotValid { number: self.number.clone(), on })
    }

    /// Takes it back (吊销).
    ///
    /// # Errors
    /// It was taken back before.
    pub fn revoke(&self) -> Result<Self, Refused> {
        match self.status {
            CertificateStatus::Registered => {
                Ok(Self { status: CertificateStatus::Revoked, ..self.clone() })
            }
            CertificateStatus::Revoked => Err(Refused::AlreadyRevoked(self.number.clone())),
        }
    }
}

/// Register a certificate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Register {
    /// The number that is printed on it.
    pub number: String,
    /// The name by which its holder logs in.
    pub holder: String,
    /// In whose name the holder acts.
    pub unit: NodeCode,
    /// The first day on which it counts.
    pub valid_from: NaiveDate,
    /// The last day on which it counts.
    pub valid_until: NaiveDate,
}

impl Register {
    /// # Errors
    /// The number, the holder's name or the unit's code cannot be, or the dates are the wrong way
    /// round.
    pub fn parse(
        number: &str,
        holder: &str,
        unit: &str,
        (valid_from, valid_until): (NaiveDate, NaiveDate),
    ) -> Result<Self, Invalid> {
        let mut faults = Faults::default();
        let number = faults.take(text::line("number", number, 4, 40));
        let holder = faults.take(text::line("holder", holder, 2, 64));
        let unit = faults.take(NodeCode::parse("unit", unit));
        if valid_until < valid_from {
            faults.add("valid_until", "有效期的最后一天不能早于第一天 valid_from");
        }
        faults.check()?;
        let (Some(number), Some(holder), Some(unit)) = (number, holder, unit) else {
            unreachable!("a missing part has noted its fault")
        };
        Ok(Self { number, holder, unit, valid_from, valid_until })
    }
}

/// Why something is taken back: a certificate, or an act.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reason(pub String);

impl Reason {
    /// # Errors
    /// Too short or too long.
    pub fn parse(reason: &str) -> Result<Self, Invalid> {
        Ok(Self(text::text("reason", reason, 2, 500)?))
    }
}

/// Withdraw an act.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Withdraw {
    /// Why it was wrong.
    pub reason: Reason,
    /// Who answers for that.
    pub certificates: Vec<CertificateId>,
}

impl Withdraw {
    /// # Errors
    /// The reason is too short or too long; a certificate is named twice, or too many are.
    pub fn parse(reason: &str, certificates: Vec<CertificateId>) -> Result<Self, Invalid> {
        let mut faults = Faults::default();
        let reason = faults.take(text::text("reason", reason, 2, 500)).map(Reason);
        record::named_once(&certificates, &mut faults);
        faults.check()?;
        let Some(reason) = reason else { unreachable!("a missing part has noted its fault") };
        Ok(Self { reason, certificates })
    }
}

/// What is known of an act where it is to be withdrawn.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Act {
    /// Its id.
    pub id: ActId,
    /// What was done.
    pub kind: ActKind,
    /// Where it stands.
    pub status: ActStatus,
}

impl Act {
    /// Withdraws it: the further act that says so stands in its task's stream. Whatever became of
    /// the task, a wrong act is the unit's to put right.
    ///
    /// # Errors
    /// It is withdrawn already, or is itself a withdrawal; a penalty rests on it; nobody with a
    /// certificate that counts answers for it.
    pub fn withdraw(
        &self,
        by: ActId,
        task: &Task,
        officers: &Officers<'_>,
        standing: &[ActKind],
        now: Timestamp,
    ) -> Result<Decision<Task>, Refused> {
        if self.status == ActStatus::Withdrawn || self.kind == ActKind::Withdrawal {
            return Err(Refused::Withdrawn(self.kind));
        }
        let filed = standing.iter().filter(|kind| **kind == ActKind::CaseFiled).count();
        let last = self.kind == ActKind::CaseFiled && filed <= 1;
        if last && standing.contains(&ActKind::Penalty) {
            return Err(Refused::PenaltyStands);
        }
        officers.check(ActKind::Withdrawal, &task.unit, &[time::date(now)])?;
        let event = told(EventKind::EnforcementWithdrawn, task)
            .with(json!({ "act": by, "withdraws": self.id, "kind": self.kind }));
        Ok(Decision::one(task.clone(), event))
    }
}

/// Who acts, and who puts it on record.
#[derive(Debug, Clone, Copy)]
pub struct Officers<'a> {
    /// The certificates shown.
    pub certificates: &'a [Certificate],
    /// Who puts it on record.
    pub recorder: AccountId,
}

impl Officers<'_> {
    /// # Errors
    /// They are too few for this kind of act; one is another unit's, or does not count on one of
    /// the days; whoever puts it on record is not among them.
    fn check(&self, kind: ActKind, unit: &NodeCode, days: &[NaiveDate]) -> Result<(), Refused> {
        let mut holders: Vec<AccountId> = self.certificates.iter().map(|it| it.holder).collect();
        holders.sort_unstable();
        holders.dedup();
        if holders.len() < kind.officers() {
            return Err(Refused::TooFewOfficers(kind));
        }
        if let Some(foreign) = self.certificates.iter().find(|it| it.unit != *unit) {
            return Err(Refused::ForeignCertificate(foreign.number.clone()));
        }
        for certificate in self.certificates {
            days.iter().try_for_each(|day| certificate.counts(*day))?;
        }
        if !holders.contains(&self.recorder) {
            return Err(Refused::RecorderNotAmongThem);
        }
        Ok(())
    }
}

/// An event of a unit's task, for the unit and the centre alone.
fn told(kind: EventKind, task: &Task) -> NewEvent {
    NewEvent::new(kind, Visibility::Unit).about(task.id, &task.unit)
}
