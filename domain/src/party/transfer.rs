//! Transfers between branches (组织关系转接). One end proposes, the branch that the member leaves
//! releases, the branch that the member goes to accepts: the register follows only then, and nobody
//! agrees for both ends.

use serde_json::json;

use super::Refused;
use crate::{
    event::{EventKind, NewEvent, Visibility},
    id::{AccountId, MemberId, TransferId},
    org::NodeCode,
    refusal::{Faults, Invalid},
    text,
};

codes! {
    /// Where a transfer stands.
    pub enum Status {
        /// The branch that the member leaves has not agreed yet.
        Proposed = "proposed", "待转出支部同意";
        /// It agreed; the other branch has not.
        Released = "released", "待转入支部接收";
        /// Both agreed, and the register follows.
        Accepted = "accepted", "已转接";
        /// One of them did not agree.
        Refused = "refused", "未同意";
        /// Taken back.
        Withdrawn = "withdrawn", "已撤回";
    }
}

codes! {
    /// The steps in a transfer's life.
    pub enum Step {
        /// The branch that the member leaves agrees.
        Release = "release", "同意转出";
        /// The branch that the member goes to agrees.
        Accept = "accept", "接收";
        /// The end whose turn it is does not agree.
        Refuse = "refuse", "不同意";
        /// The end that proposed it takes it back.
        Withdraw = "withdraw", "撤回";
    }
}

/// Every step that is allowed: from where, and to where it leads. What is not listed is refused
/// with `party_transfer_step_refused`.
pub const TRANSITIONS: &[(Step, &[Status], &[Status])] = {
    use Status::{Accepted, Proposed, Refused, Released, Withdrawn};
    &[
        (Step::Release, &[Proposed], &[Released]),
        (Step::Accept, &[Released], &[Accepted]),
        (Step::Refuse, &[Proposed, Released], &[Refused]),
        (Step::Withdraw, &[Proposed, Released], &[Withdrawn]),
    ]
};

/// A transfer as its rules see it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Transfer {
    /// Its id.
    pub id: TransferId,
    /// Grows by one with each save.
    pub version: i64,
    /// Who is transferred.
    pub member: MemberId,
    /// The branch that the member leaves.
    pub from: NodeCode,
    /// The branch that the member goes to.
    pub to: NodeCode,
    /// The group below it.
    pub to_group: Option<NodeCode>,
    /// Where it stands.
    pub status: Status,
    /// Who proposed it.
    pub proposed_by: AccountId,
    /// Who agreed for the branch that the member leaves.
    pub released_by: Option<AccountId>,
}

/// Which of the two ends an actor speaks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ends {
    /// The branch that the member leaves.
    pub from: bool,
    /// The branch that the member goes to.
    pub to: bool,
}

/// Propose a transfer.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Propose {
    /// To which branch.
    pub to: NodeCode,
    /// To which group below it.
    pub group: Option<NodeCode>,
    /// Why.
    pub reason: String,
}

impl Propose {
    /// # Errors
    /// No code of a branch, or no reason.
    pub fn parse(to: &str, group: Option<&str>, reason: &str) -> Result<Self, Invalid> {
        let mut faults = Faults::default();
        let to = faults.take(NodeCode::parse("to_branch", to));
        let group = faults.take(NodeCode::optional("to_group", group)).flatten();
        let reason = faults.take(text::text("reason", reason, 2, 200));
        faults.check()?;
        let to = to.ok_or_else(|| Invalid(Vec::new()))?;
        Ok(Self { to, group, reason: reason.unwrap_or_default() })
    }
}

impl Transfer {
    /// Whether the table allows a step from where it stands.
    ///
    /// # Errors
    /// It does not.
    pub fn permit(&self, step: Step) -> Result<(), Refused> {
        let allowed = TRANSITIONS
            .iter()
            .any(|(listed, from, _)| *listed == step && from.contains(&self.status));
        if allowed { Ok(()) } else { Err(Refused::TransferStep { step, status: self.status }) }
    }

    /// What both branches are told of where it stands now, and the member where they have an account.
    pub fn event(&self, member: Option<AccountId>, note: Option<String>) -> NewEvent {
        let kind = match self.status {
            Status::Proposed => EventKind::TransferProposed,
            Status::Released => EventKind::TransferReleased,
            Status::Accepted => EventKind::TransferAccepted,
            Status::Refused => EventKind::TransferRefused,
            Status::Withdrawn => EventKind::TransferWithdrawn,
        };
        NewEvent::new(kind, Visibility::Everyone)
            .with(json!({ "branch": self.from, "to_branch": self.to, "account": member }))
            .note(note)
    }

    /// Takes a step. `ends` are those that the actor speaks for, `proposer` whether the end that
    /// proposed it is among them.
    ///
    /// # Errors
    /// Not from here; the other end's to say; the one who released would also accept.
    pub fn step(
        &self,
        step: Step,
        ends: Ends,
        proposer: bool,
        by: AccountId,
    ) -> Result<Self, Refused> {
        self.permit(step)?;
        let its_turn = match step {
            Step::Release => ends.from,
            Step::Accept => ends.to,
            Step::Refuse if self.status == Status::Proposed => ends.from,
            Step::Refuse => ends.to,
            Step::Withdraw => proposer,
        };
        if !its_turn {
            return Err(Refused::OtherEnd);
        }
        if step == Step::Accept && self.released_by == Some(by) {
            return Err(Refused::BothEnds);
        }
        let status = match step {
            Step::Release => Status::Released,
            Step::Accept => Status::Accepted,
            Step::Refuse => Status::Refused,
            Step::Withdraw => Status::Withdrawn,
        };
        let released_by = if step == Step::Release { Some(by) } else { self.released_by };
        Ok(Self { status, released_by, ..self.clone() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::Id;

    fn account(n: u8) -> AccountId {
        AccountId::from_parts(chrono::DateTime::UNIX_EPOCH, &[n; 10])
    }

    fn transfer(status: Status) -> Transfer {
        let code = |text: &str| NodeCode::parse("code", text).unwrap();
        Transfer {
            id: TransferId::from_parts(chrono::DateTime::UNIX_EPOCH, &[1; 10]),
            version: 1,
            member: MemberId::from_parts(chrono::DateTime::UNIX_EPOCH, &[2; 10]),
            from: code("party-140213066004-01"),
            to: code("party-140213066004-02"),
            to_group: None,
            status,
            proposed_by: account(1),
            released_by: (status != Status::Proposed).then(|| account(1)),
        }
    }

    const BOTH: Ends = Ends { from: true, to: true };

    #[test]
    fn each_step_stands_in_its_table_once() {
        let listed: Vec<_> = TRANSITIONS.iter().map(|(step, ..)| *step).collect();
        assert_eq!(listed, Step::ALL);
    }

    /// Every state × every step × every end: what the table and the turn allow, and nothing else.
    #[test]
    fn each_end_says_its_own_word() {
        for status in Status::ALL {
            for (step, from, to) in TRANSITIONS {
                for (ends, proposer) in [
                    (BOTH, true),
                    (Ends { from: true, to: false }, true),
                    (Ends { from: true, to: false }, false),
                    (Ends { from: false, to: true }, true),
                    (Ends { from: false, to: true }, false),
                    (Ends { from: false, to: false }, false),
                ] {
                    let answer = transfer(*status).step(*step, ends, proposer, account(2));
                    if !from.contains(status) {
                        let refused = Refused::TransferStep { step: *step, status: *status };
                        assert_eq!(answer, Err(refused));
                        continue;
                    }
                    let turn = match (step, status) {
                        (Step::Release, _) | (Step::Refuse, Status::Proposed) => ends.from,
                        (Step::Accept | Step::Refuse, _) => ends.to,
                        (Step::Withdraw, _) => proposer,
                    };
                    match answer {
                        Ok(state) => assert!(turn && to.contains(&state.status), "{step} {ends:?}"),
                        Err(refused) => assert!(!turn && refused == Refused::OtherEnd),
                    }
                }
            }
        }
    }

    #[test]
    fn nobody_agrees_for_both_ends() {
        let released = transfer(Status::Proposed).step(Step::Release, BOTH, true, account(3));
        let released = released.unwrap();
        assert_eq!(released.released_by, Some(account(3)));
        let both = released.step(Step::Accept, BOTH, true, account(3));
        assert_eq!(both, Err(Refused::BothEnds));
        assert!(released.step(Step::Accept, BOTH, true, account(4)).is_ok());
        assert!(released.step(Step::Withdraw, BOTH, true, account(3)).is_ok());
    }
}
