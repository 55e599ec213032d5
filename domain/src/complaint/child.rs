//! What a complaint that follows another (并案) still does for itself: its reporter judges the answer
//! that it shares, and is asked for it in rounds of their own. Its state stays `merged`; the rounds
//! stand beside it, and mean nothing while the case it follows is being handled again.

use serde_json::json;

use super::{Complaint, Refused, Status, Step};
use crate::{
    decision::Decision,
    evaluation::Evaluation,
    event::{EventKind, NewEvent, Visibility},
    sla::TimerKind,
    time::Timestamp,
};

impl Complaint {
    /// Takes the evaluation of a merged child: it is counted, ends the asking, and changes nothing
    /// else.
    ///
    /// # Errors
    /// This is no child, or the case it follows is not answered yet.
    pub fn evaluate_as_child(
        &self,
        leading: Status,
        evaluation: &Evaluation,
    ) -> Result<Decision<Self>, Refused> {
        if self.status != Status::Merged {
            return Err(Refused::Step { step: Step::Evaluate, status: self.status });
        }
        if leading == Status::Archived {
            return Err(Refused::Step { step: Step::Evaluate, status: leading });
        }
        if !matches!(leading, Status::Replied | Status::FollowUp | Status::Closed) {
            return Err(Refused::LeadingCaseOpen);
        }
        let state = Self { follow_up_round: 0, ..self.clone() };
        Ok(Decision::one(state, self.evaluated(evaluation)))
    }

    /// Begins to ask a child's reporter: the case it follows is answered. The reporter is told with
    /// everyone else who reported, so that the event is for the centre.
    ///
    /// # Errors
    /// This is no child.
    pub fn ask_as_child(&self, now: Timestamp) -> Result<Decision<Self>, Refused> {
        if self.status != Status::Merged {
            return Err(Refused::Step { step: Step::StartFollowUp, status: self.status });
        }
        Ok(self.child_in_round(1, now))
    }

    /// Whether a caller may ask a child's reporter: a round runs, and the answer stands.
    ///
    /// # Errors
    /// It is not so.
    pub const fn permit_call_as_child(&self, leading: Status) -> Result<(), Refused> {
        let answered = matches!(leading, Status::FollowUp | Status::Closed);
        if matches!(self.status, Status::Merged) && self.follow_up_round > 0 && answered {
            return Ok(());
        }
        Err(Refused::Step { step: Step::Miss, status: self.status })
    }

    /// A caller did not find a child's reporter.
    ///
    /// # Errors
    /// Nobody is asked.
    pub fn miss_as_child(&self, leading: Status) -> Result<Decision<Self>, Refused> {
        self.permit_call_as_child(leading)?;
        Ok(Decision::one(self.clone(), self.missed()))
    }

    /// What the end of a child's round does: the second begins, or nobody is asked any more and the
    /// reporter stays not reached. Nothing happens while the answer does not stand: when it is given
    /// anew, the asking begins anew.
    ///
    /// # Errors
    /// This is no child, or the instant does not fit its round.
    pub fn fire_as_child(
        &self,
        kind: TimerKind,
        leading: Status,
        now: Timestamp,
    ) -> Result<Decision<Self>, Refused> {
        let step = match (kind, self.follow_up_round) {
            (TimerKind::FollowUpAgain, 1) => Step::FollowUpAgain,
            (TimerKind::CloseUnreached, 2) => Step::CloseUnreached,
            _ => return Err(Refused::Step { step: Step::FollowUpAgain, status: self.status }),
        };
        if self.permit_call_as_child(leading).is_err() {
            return Ok(Decision { state: self.clone(), events: Vec::new() });
        }
        if step == Step::FollowUpAgain {
            return Ok(self.child_in_round(2, now));
        }
        let over = Self { follow_up_round: 0, ..self.clone() };
        let event = self.missed();
        let data = json!({ "round": self.follow_up_round, "last": true });
        Ok(Decision::one(over, event.with(data)))
    }

    fn child_in_round(&self, round: i16, now: Timestamp) -> Decision<Self> {
        let state = Self { follow_up_round: round, clock_from: now, ..self.clone() };
        let event = NewEvent::new(EventKind::FollowUpStarted, Visibility::Centre);
        Decision::one(state, event.with(json!({ "round": round })))
    }

    pub(super) fn missed(&self) -> NewEvent {
        NewEvent::new(EventKind::FollowUpMissed, Visibility::Centre)
            .with(json!({ "round": self.follow_up_round }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::*;

    const NOW: &str = "2026-11-25 09:00";

    fn child(round: i16) -> Complaint {
        Complaint { follow_up_round: round, ..complaint_in(Status::Merged) }
    }

    fn answered(leading: Status) -> bool {
        matches!(leading, Status::FollowUp | Status::Closed)
    }

    #[test]
    fn only_a_child_is_asked_as_one() {
        for status in Status::ALL {
            let decided = complaint_in(*status).ask_as_child(at(NOW));
            assert_eq!(decided.is_ok(), *status == Status::Merged, "{status}");
        }
        let asked = child(0).ask_as_child(at(NOW)).unwrap();
        assert_eq!((asked.state.status, asked.state.follow_up_round), (Status::Merged, 1));
        assert_eq!(asked.state.clock_from, at(NOW));
        assert!(asked.events.iter().all(|event| event.visibility == Visibility::Centre));
    }

    #[test]
    fn it_is_called_in_a_round_while_the_answer_stands() {
        for leading in Status::ALL {
            for round in 0..=2 {
                let open = round > 0 && answered(*leading);
                assert_eq!(child(round).permit_call_as_child(*leading).is_ok(), open);
                assert_eq!(child(round).miss_as_child(*leading).is_ok(), open, "{leading} {round}");
            }
        }
        let alone = Complaint { follow_up_round: 1, ..complaint_in(Status::FollowUp) };
        assert!(alone.permit_call_as_child(Status::Closed).is_err());
    }

    #[test]
    fn two_rounds_and_then_nobody_is_asked() {
        for leading in Status::ALL {
            let second =
                child(1).fire_as_child(TimerKind::FollowUpAgain, *leading, at(NOW)).unwrap();
            let last =
                child(2).fire_as_child(TimerKind::CloseUnreached, *leading, at(NOW)).unwrap();
            let rounds = (second.state.follow_up_round, last.state.follow_up_round);
            let expected = if answered(*leading) { (2, 0) } else { (1, 2) };
            assert_eq!(rounds, expected, "{leading}");
            assert_eq!(second.events.is_empty(), !answered(*leading));
            assert_eq!(last.state.status, Status::Merged);
        }
        for (round, kind) in [
            (0, TimerKind::FollowUpAgain),
            (2, TimerKind::FollowUpAgain),
            (1, TimerKind::CloseUnreached),
            (1, TimerKind::Archive),
        ] {
            assert!(child(round).fire_as_child(kind, Status::Closed, at(NOW)).is_err());
        }
    }

    #[test]
    fn a_word_ends_the_asking() {
        let said = Evaluation::new(true, 5, None, None).unwrap();
        let decided = child(2).evaluate_as_child(Status::Closed, &said).unwrap();
        assert_eq!(decided.state.follow_up_round, 0);
    }
}
