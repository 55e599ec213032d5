//! Putting an act on record.

use chrono::NaiveDate;
use serde_json::json;

use super::{ActKind, Officers, PartyKind, RECORDED_IN, Refused, power::Power, told};
use crate::{
    decision::Decision,
    event::EventKind,
    id::{ActId, CertificateId},
    personal::PersonName,
    refusal::{Faults, Invalid},
    task::Task,
    text,
    time::{self, Timestamp},
};

/// The most officers that one act names.
const MOST_OFFICERS: usize = 10;
/// The largest amount that is taken for one, in fen: ten million yuan.
const LARGEST: i64 = 1_000_000_000;

/// Against whom an act is. A name prints masked, also an organisation's: it may be a person's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Party {
    /// What it is.
    pub kind: PartyKind,
    /// Its name.
    pub name: PersonName,
}

/// Put an act on record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// What was done.
    pub kind: ActKind,
    /// The power that was used, by its code on the unit's list.
    pub power: String,
    /// Who did it.
    pub certificates: Vec<CertificateId>,
    /// Against whom.
    pub party: Party,
    /// Where.
    pub place: String,
    /// When.
    pub occurred_at: Timestamp,
    /// The number of the document that was handed over.
    pub document_no: Option<String>,
    /// The fine, in fen; none for a warning.
    pub amount_fen: Option<i64>,
    /// What was found and ordered.
    pub content: String,
}

/// A record as it is brought, before it is read.
#[derive(Debug, Clone)]
pub struct Given<'a> {
    /// What was done.
    pub kind: ActKind,
    /// The power.
    pub power: &'a str,
    /// Who did it.
    pub certificates: &'a [CertificateId],
    /// Against whom: what it is, and its name.
    pub party: (PartyKind, &'a str),
    /// Where.
    pub place: &'a str,
    /// When.
    pub occurred_at: Timestamp,
    /// The document's number.
    pub document_no: Option<&'a str>,
    /// The fine, in fen.
    pub amount_fen: Option<i64>,
    /// What was found and ordered.
    pub content: &'a str,
}

impl Record {
    /// # Errors
    /// A part is missing or too long; the kind of act has no such part, or lacks one.
    pub fn parse(given: &Given<'_>) -> Result<Self, Invalid> {
        let mut faults = Faults::default();
        let power = faults.take(text::line("power", given.power, 2, 40));
        let name = faults.take(text::line("party.name", given.party.1, 1, 100));
        let place = faults.take(text::line("place", given.place, 2, 200));
        let content = faults.take(text::text("content", given.content, 5, 2000));
        let document = given.document_no.filter(|number| !number.trim().is_empty());
        let document = document.map(|number| text::line("document_no", number, 4, 60));
        let document_no = document.and_then(|number| faults.take(number));
        if given.document_no.is_none_or(|number| number.trim().is_empty())
            && given.kind.is_in_writing()
        {
            faults.add("document_no", format!("“{}”要写明文书编号", given.kind.label()));
        }
        if given.certificates.is_empty() {
            faults.add("certificates", how_many());
        }
        named_once(given.certificates, &mut faults);
        if given.kind == ActKind::Withdrawal {
            faults.add("kind", "撤回请用“撤回执法行为”办理，不能直接登记");
        }
        amount(given, &mut faults);
        faults.check()?;
        let (Some(power), Some(name), Some(place), Some(content)) = (power, name, place, content)
        else {
            unreachable!("a missing part has noted its fault")
        };
        Ok(Self {
            kind: given.kind,
            power,
            certificates: given.certificates.to_vec(),
            party: Party { kind: given.party.0, name: PersonName::trusted(name) },
            place,
            occurred_at: given.occurred_at,
            document_no,
            amount_fen: given.amount_fen,
            content,
        })
    }

    /// The days on which certificates and power must count: that of the act, and today.
    pub fn days(&self, now: Timestamp) -> Vec<NaiveDate> {
        let mut days = vec![time::date(self.occurred_at), time::date(now)];
        days.dedup();
        days
    }

    /// Decides whether the act may stand in the task's record. `power` is what the unit's list has
    /// under the code on the day of the act; `standing` are the acts of the task that count.
    ///
    /// # Errors
    /// The task is not the unit's to act in; the power is not its own; the officers do not do; the
    /// instant is before the task or in the future; no case was filed for an ordinary penalty.
    pub fn decide(
        &self,
        id: ActId,
        task: &Task,
        power: Option<&Power>,
        officers: &Officers<'_>,
        standing: &[ActKind],
        now: Timestamp,
    ) -> Result<Decision<Task>, Refused> {
        if !RECORDED_IN.contains(&task.status) {
            return Err(Refused::TaskStep(task.status));
        }
        if self.occurred_at > now || self.occurred_at < task.dispatched_at {
            return Err(Refused::WrongTime);
        }
        let power = power.ok_or_else(|| Refused::NoSuchPower(self.power.clone()))?;
        officers.check(self.kind, &task.unit, &self.days(now))?;
        if self.kind == ActKind::Penalty && !standing.contains(&ActKind::CaseFiled) {
            return Err(Refused::NoCaseFiled);
        }
        let event = told(EventKind::EnforcementActed, task).with(json!({
            "act": id, "kind": self.kind, "power": power.code, "amount_fen": self.amount_fen,
        }));
        Ok(Decision::one(task.clone(), event))
    }
}

fn how_many() -> String {
    format!("请写明 1–{MOST_OFFICERS} 名执法人员的证件")
}

/// No certificate stands twice, and there are not too many.
pub(super) fn named_once(certificates: &[CertificateId], faults: &mut Faults) {
    if certificates.len() > MOST_OFFICERS {
        faults.add("certificates", how_many());
        return;
    }
    for (index, one) in certificates.iter().enumerate() {
        if certificates.iter().take(index).any(|earlier| earlier == one) {
            faults.add(format!("certificates.{index}"), "同一证件只写一次");
        }
    }
}

/// A fine belongs to a penalty, and on the spot it has a limit.
fn amount(given: &Given<'_>, faults: &mut Faults) {
    let Some(amount) = given.amount_fen else { return };
    let most = match given.kind {
        ActKind::SpotPenalty => given.party.0.most_on_the_spot(),
        _ => LARGEST,
    };
    if !given.kind.is_penalty() {
        faults.add("amount_fen", format!("“{}”没有罚款，请不要填金额", given.kind.label()));
    } else if !(1..=most).contains(&amount) {
        let reason = match given.kind {
            ActKind::SpotPenalty => format!(
                "当场处罚对{}最多罚款 {} 元（行政处罚法第五十一条）；超过的请立案办理，警告不填金额",
                given.party.0.label(),
                most / 100
            ),
            _ => "罚款以分为单位，要大于 0；警告不填金额".to_owned(),
        };
        faults.add("amount_fen", reason);
    }
}
