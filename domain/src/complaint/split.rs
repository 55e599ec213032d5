//! Taking a wrong merge back (撤销并案).

use super::{Complaint, Refused, Status, Step};
use crate::{
    decision::Decision,
    event::{EventKind, NewEvent, Visibility},
    refusal::Invalid,
    text,
    time::Timestamp,
};

/// Take a wrong merge back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Split {
    /// Why, in words for the reporter.
    pub reason: String,
}

impl Split {
    /// # Errors
    /// The reason is missing or too long.
    pub fn parse(reason: &str) -> Result<Self, Invalid> {
        Ok(Self { reason: text::text("reason", reason, 2, 2000)? })
    }
}

impl Complaint {
    /// Lets the complaint go its own way again: to where it was before the merge, which is
    /// accepted or waiting for that. What units it had were told that their tasks ended, so that
    /// the centre dispatches anew; its own clock begins now, since nobody could act before.
    /// `leading` is where the case it follows stands, `evaluated` whether its reporter already
    /// judged that case's answer.
    ///
    /// # Errors
    /// It follows none; the case it follows is answered or over; its reporter evaluated.
    pub fn split(
        &self,
        command: &Split,
        leading: Status,
        evaluated: bool,
        now: Timestamp,
    ) -> Result<Decision<Self>, Refused> {
        self.permit(Step::Split)?;
        let open = matches!(
            leading,
            Status::Submitted | Status::Accepted | Status::Dispatched | Status::Handling
        );
        if !open {
            return Err(Refused::LeadingCaseAnswered);
        }
        if evaluated {
            return Err(Refused::ChildEvaluated);
        }
        let mut state = self.clone();
        state.status =
            if self.accepted_at.is_some() { Status::Accepted } else { Status::Submitted };
        state.merged_into = None;
        state.clock_from = now;
        state.follow_up_round = 0;
        let event =
            NewEvent::new(EventKind::Split, Visibility::Everyone).note(command.reason.clone());
        Ok(Decision::one(state, event))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{refusal::Refusal, testing::*};

    fn split(leading: Status, evaluated: bool) -> Result<Decision<Complaint>, Refused> {
        let why = Split::parse("两处路灯不在一条街").unwrap();
        complaint_in(Status::Merged).split(&why, leading, evaluated, at("2026-11-25 09:00"))
    }

    #[test]
    fn it_goes_back_while_the_case_it_follows_is_open() {
        for leading in Status::ALL {
            let open = matches!(
                leading,
                Status::Submitted | Status::Accepted | Status::Dispatched | Status::Handling
            );
            match split(*leading, false) {
                Ok(decision) => {
                    assert!(open, "{leading}");
                    assert_eq!(decision.state.status, Status::Accepted);
                    assert_eq!(decision.state.merged_into, None);
                    let due = decision.state.timers(terms());
                    assert_eq!(
                        due[0].due_at,
                        at("2026-11-25 15:00"),
                        "half a working day from now"
                    );
                    check_events(&decision);
                }
                Err(refused) => {
                    assert!(!open, "{leading}");
                    assert_eq!(refused.code(), "leading_case_answered");
                }
            }
        }
    }

    #[test]
    fn not_after_its_reporter_evaluated() {
        assert_eq!(split(Status::Handling, true).unwrap_err().code(), "child_evaluated");
    }
}
