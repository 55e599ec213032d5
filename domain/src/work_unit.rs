//! Work units (工作单位) in registration: the register of units with the party body of each, a
//! unit's own registration with a community that it is paired with, and what a unit is told: a
//! receipt for each of its members, a report on all of them.

use serde_json::json;

use crate::{
    decision::Decision,
    event::{EventKind, NewEvent, Visibility},
    id::{AccountId, UnitRegistrationId},
    org::NodeCode,
    refusal::{self, Faults, Invalid, Kind},
    text,
    time::Timestamp,
};

/// Communities that a unit can be paired with at most.
const MOST_COMMUNITIES: usize = 20;

codes! {
    /// Why a unit gets a receipt for a member.
    pub enum ReceiptCause {
        /// A community signed the member's registration.
        Signed = "signed", "已报到";
        /// The member moved to another community.
        Moved = "moved", "转到新社区报到";
        /// The member works for the unit now.
        Joined = "joined", "转入本单位";
        /// The member works for another unit now.
        Left = "left", "转出本单位";
        /// The member retired.
        Retired = "retired", "已退休";
        /// A year's requirement was waived.
        Exempted = "exempted", "免除当年要求";
        /// The member left.
        Withdrawn = "withdrawn", "已退出报到";
        /// The member was taken off the register of members.
        Removed = "removed", "已移出党员名册，报到终止";
    }
}

codes! {
    /// What a report on all members of a unit is.
    pub enum ReportKind {
        /// The summary that goes with a reminder.
        Reminder = "reminder", "年度提醒";
        /// A quarter's feedback.
        Quarter = "quarter", "季度反馈";
        /// The year's certificate, when the year is settled.
        Year = "year", "年度证明";
    }
}

codes! {
    /// Where a unit's registration stands.
    pub enum Status {
        /// The community has not decided yet.
        Submitted = "submitted", "待社区签署";
        /// The community signed.
        Signed = "signed", "已报到";
        /// The community did not sign.
        Refused = "refused", "未签署";
        /// The unit or the community ended it.
        Ended = "ended", "已终止";
    }
}

codes! {
    /// The steps in the life of a unit's registration.
    pub enum Step {
        /// The community signs.
        Sign = "sign", "签署";
        /// The community does not sign.
        Refuse = "refuse", "不予签署";
        /// The unit or the community ends it.
        End = "end", "终止";
    }
}

/// Every step that is allowed: from where, and to where it leads. What is not listed is refused
/// with `unit_registration_step_refused`.
pub const TRANSITIONS: &[(Step, &[Status], &[Status])] = &[
    (Step::Sign, &[Status::Submitted], &[Status::Signed]),
    (Step::Refuse, &[Status::Submitted], &[Status::Refused]),
    (Step::End, &[Status::Submitted, Status::Signed], &[Status::Ended]),
];

/// A work unit as it is kept on the register.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WorkUnit {
    /// Its code; a department's own where it is one.
    pub code: NodeCode,
    /// Its name.
    pub name: String,
    /// The party body that gets the receipts, as the register of members writes it.
    pub party_body: String,
    /// The communities it is paired with.
    pub communities: Vec<NodeCode>,
}

impl WorkUnit {
    /// # Errors
    /// A code, name or body that cannot be one; a community twice, or more than twenty.
    pub fn parse(
        code: &str,
        name: &str,
        party_body: &str,
        communities: &[String],
    ) -> Result<Self, Invalid> {
        let mut faults = Faults::default();
        let code = faults.take(NodeCode::parse("code", code));
        let name = faults.take(text::line("name", name, 2, 100));
        let party_body = faults.take(text::line("party_body", party_body, 2, 100));
        let mut paired: Vec<NodeCode> = Vec::new();
        for (place, given) in communities.iter().take(MOST_COMMUNITIES + 1).enumerate() {
            let field = format!("communities[{place}]");
            if let Some(community) = faults.take(NodeCode::parse(&field, given)) {
                if paired.contains(&community) {
                    faults.add(field, "同一个社区只填一次");
                } else {
                    paired.push(community);
                }
            }
        }
        if communities.len() > MOST_COMMUNITIES {
            faults.add("communities", format!("一个单位最多结对 {MOST_COMMUNITIES} 个社区"));
        }
        faults.check()?;
        match (code, name, party_body) {
            (Some(code), Some(name), Some(party_body)) => {
                Ok(Self { code, name, party_body, communities: paired })
            }
            _ => Err(Invalid(Vec::new())),
        }
    }
}

/// A unit's registration as its rules see it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnitRegistration {
    /// Its id.
    pub id: UnitRegistrationId,
    /// Grows by one with each save.
    pub version: i64,
    /// Which unit.
    pub unit: NodeCode,
    /// With which community.
    pub community: NodeCode,
    /// Where it stands.
    pub status: Status,
    /// What the unit can do for the community.
    pub offers: String,
    /// Who handed it in, and when.
    pub submitted: (Timestamp, AccountId),
    /// When the community decided, and which officer.
    pub decided: Option<(Timestamp, AccountId)>,
    /// The officer's words.
    pub note: Option<String>,
    /// When it was ended, by whom, and why.
    pub ended: Option<(Timestamp, AccountId, String)>,
}

impl UnitRegistration {
    /// Hands one in; `paired` says whether the unit is paired with the community.
    ///
    /// # Errors
    /// It is not.
    pub fn submit(
        id: UnitRegistrationId,
        (unit, community): (NodeCode, NodeCode),
        offers: String,
        paired: bool,
        (by, now): (AccountId, Timestamp),
    ) -> Result<Decision<Self>, Refused> {
        if !paired {
            return Err(Refused::NotPaired);
        }
        let state = Self {
            id,
            version: 1,
            unit,
            community,
            status: Status::Submitted,
            offers,
            submitted: (now, by),
            decided: None,
            note: None,
            ended: None,
        };
        let event = state.event(EventKind::UnitSubmitted);
        Ok(Decision::one(state, event))
    }

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

    /// The community decides.
    ///
    /// # Errors
    /// It is decided already; who handed it in does not sign it.
    pub fn sign(
        &self,
        accept: bool,
        note: Option<String>,
        by: AccountId,
        now: Timestamp,
    ) -> Result<Decision<Self>, Refused> {
        self.permit(if accept { Step::Sign } else { Step::Refuse })?;
        if by == self.submitted.1 {
            return Err(Refused::OwnUnit);
        }
        let (status, kind) = if accept {
            (Status::Signed, EventKind::UnitSigned)
        } else {
            (Status::Refused, EventKind::UnitRefused)
        };
        let state = Self { status, decided: Some((now, by)), note: note.clone(), ..self.clone() };
        let event = state.event(kind).note(note);
        Ok(Decision::one(state, event))
    }

    /// The unit or the community ends it.
    ///
    /// # Errors
    /// It is over already.
    pub fn end(
        &self,
        reason: String,
        by: AccountId,
        now: Timestamp,
    ) -> Result<Decision<Self>, Refused> {
        self.permit(Step::End)?;
        let state =
            Self { status: Status::Ended, ended: Some((now, by, reason.clone())), ..self.clone() };
        let event = state.event(EventKind::UnitEnded).note(Some(reason));
        Ok(Decision::one(state, event))
    }

    fn event(&self, kind: EventKind) -> NewEvent {
        let mut event = NewEvent::new(kind, Visibility::Unit);
        event.unit = Some(self.community.clone());
        event.with(json!({ "work_unit": self.unit }))
    }
}

/// Why something about a work unit is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// The table has no such step from here.
    #[error("单位报到现在是“{}”，不能“{}”", .status.label(), .step.label())]
    Step {
        /// What was asked.
        step: Step,
        /// Where it stands.
        status: Status,
    },
    /// The register has the code, the name or the body already.
    #[error("名册上已有同样{0}的单位，请核对；需要修改请打开那个单位")]
    Taken(&'static str),
    /// The unit is not paired with that community.
    #[error("本单位没有与这个社区结对，不能报到；需要调整结对请联系组织部")]
    NotPaired,
    /// One waits or stands already.
    #[error("本单位已向这个社区报到或正在等待签署，不需要重复报到")]
    AlreadyRegistered,
    /// Who hands in does not sign.
    #[error("不能签署自己提交的单位报到，请由社区其他工作人员签署")]
    OwnUnit,
    /// Signed for before.
    #[error("已经签收过，不需要重复签收")]
    Acknowledged,
}

impl refusal::Refusal for Refused {
    fn code(&self) -> &'static str {
        match self {
            Self::Step { .. } => "unit_registration_step_refused",
            Self::Taken(_) => "work_unit_taken",
            Self::NotPaired => "unit_not_paired",
            Self::AlreadyRegistered => "unit_already_registered",
            Self::OwnUnit => "own_unit_registration",
            Self::Acknowledged => "already_acknowledged",
        }
    }

    fn kind(&self) -> Kind {
        Kind::Conflict
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        refusal::Refusal,
        testing::{code, id, tuesday},
    };

    fn registration_in(status: Status) -> UnitRegistration {
        let units = (code("education"), code("140213066004"));
        let by = (id(2), tuesday());
        let new = UnitRegistration::submit(id(1), units, "法律咨询".into(), true, by).unwrap();
        UnitRegistration { status, ..new.state }
    }

    #[test]
    fn exactly_the_listed_steps_are_allowed_and_lead_where_the_table_says() {
        let listed: Vec<_> = TRANSITIONS.iter().map(|(step, ..)| *step).collect();
        assert_eq!(listed, Step::ALL);
        for (step, sources, targets) in TRANSITIONS {
            for status in Status::ALL {
                let before = registration_in(*status);
                let taken = match step {
                    Step::Sign => before.sign(true, None, id(9), tuesday()),
                    Step::Refuse => before.sign(false, None, id(9), tuesday()),
                    Step::End => before.end("合作期满".into(), id(2), tuesday()),
                };
                let case = format!("{step} from {status}");
                assert_eq!(taken.is_ok(), sources.contains(status), "{case}");
                match taken {
                    Ok(decision) => {
                        assert!(targets.contains(&decision.state.status), "{case}");
                        let data = json!({ "work_unit": "education" });
                        assert_eq!(decision.events[0].data, data, "{case}");
                    }
                    Err(refused) => assert_eq!(refused.code(), "unit_registration_step_refused"),
                }
            }
        }
    }

    #[test]
    fn a_unit_registers_where_it_is_paired_and_another_signs() {
        let units = (code("education"), code("140213066004"));
        let by = (id(2), tuesday());
        let refused = UnitRegistration::submit(id(1), units, "法律咨询".into(), false, by);
        assert_eq!(refused.unwrap_err(), Refused::NotPaired);
        let waiting = registration_in(Status::Submitted);
        assert_eq!(waiting.sign(true, None, id(2), tuesday()).unwrap_err(), Refused::OwnUnit);
    }

    #[test]
    fn a_unit_is_checked_field_by_field() {
        let community = "140213066004".to_owned();
        let good = WorkUnit::parse(
            "education",
            "区教育局",
            "区教育局机关党委",
            std::slice::from_ref(&community),
        );
        assert_eq!(good.unwrap().communities, [code("140213066004")]);
        let twice = [community.clone(), community, "文兴".to_owned()];
        let faults = WorkUnit::parse("教育", "", "区\n教育局", &twice).unwrap_err().0;
        let fields: Vec<_> = faults.iter().map(|fault| fault.field.as_str()).collect();
        assert_eq!(fields, ["code", "name", "party_body", "communities[1]", "communities[2]"]);
        let many = vec!["140213066004".to_owned(); 21];
        assert!(WorkUnit::parse("education", "区教育局", "区教育局党委", &many).is_err());
    }
}
