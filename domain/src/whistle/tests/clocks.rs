//! The instants that a whistle and its tasks wait for.

use super::*;
use crate::{
    event::EventKind,
    sla::{Timer, TimerKind},
    task::Status as T,
    whistle::Refused,
};

#[test]
fn each_state_waits_for_its_review_and_its_appraisals() {
    // Two hours from the draft on Tuesday 09:00; five working days from Tuesday.
    let review = Timer::new(TimerKind::ReviewDue, at("2026-11-24 11:00"));
    let appraisal = Timer::new(TimerKind::AppraisalEnds, at("2026-12-02 00:00"));
    // Two working days after the last task was confirmed on Tuesday.
    let stand_down = Timer::new(TimerKind::StandDownDue, at("2026-11-27 00:00"));
    for status in Status::ALL {
        let expected = match status {
            Status::Draft => vec![review],
            Status::Rejected | Status::Withdrawn => vec![],
            Status::Handling => vec![review, stand_down],
            Status::StandingDown => vec![review, appraisal],
            // An emergency that was not reviewed, also when it is over.
            _ => vec![review],
        };
        let whistle = whistle_in(*status);
        assert_eq!(whistle.timers(terms()), expected, "{status}");
        let reviewed = Whistle {
            review: Some(Reviewed { by: reviewer(), at: now(), approved: true }),
            ..whistle
        };
        let expected = match status {
            Status::Handling => vec![stand_down],
            Status::StandingDown => vec![appraisal],
            _ => Vec::new(),
        };
        assert_eq!(reviewed.timers(terms()), expected, "{status}, reviewed");
    }
    let taken_back = Whistle { status: Status::Withdrawn, ..whistle_in(Status::Blown) };
    assert_eq!(taken_back.timers(terms()), [], "an emergency that was taken back");
}

#[test]
fn a_due_instant_does_what_it_is_for_and_nothing_else() {
    for status in Status::ALL {
        let whistle = whistle_in(*status);
        let wanted: Vec<_> = whistle.timers(terms()).iter().map(|timer| timer.kind).collect();
        for kind in TimerKind::ALL {
            let case = format!("{kind} in {status}");
            match whistle.fire(*kind, &all_confirmed(), &[], now()) {
                Ok(decision) => {
                    assert!(wanted.contains(kind), "{case} is not waited for");
                    check_events(&decision);
                    let event = decision.events[0].kind;
                    if *kind == TimerKind::AppraisalEnds {
                        assert_eq!(event, EventKind::StoodDown, "{case}");
                        assert_eq!(decision.state.status, Status::StoodDown, "{case}");
                        assert_eq!(decision.state.stood_down_at, Some(now()), "{case}");
                        assert_eq!(decision.events[0].data["as"], "time");
                    } else if *kind == TimerKind::StandDownDue {
                        assert_eq!(event, EventKind::StandDownSilent, "{case}");
                        assert_eq!(decision.state.status, Status::StandingDown, "{case}");
                        assert_eq!(decision.state.standing_down_at, Some(now()), "{case}");
                    } else {
                        assert_eq!(event, EventKind::ReviewOverdue, "{case}");
                        assert_eq!(decision.state, whistle, "{case}");
                    }
                }
                Err(refused) => {
                    assert!(!wanted.contains(kind), "{case}: {refused}");
                    assert!(matches!(refused, Refused::Step { .. }), "{case}");
                }
            }
        }
    }
}

fn kinds(task: &Task) -> Vec<TimerKind> {
    let timers = task.timers(terms()).into_iter().map(|timer| timer.kind);
    timers.filter(|kind| !kind.follows_overdue()).collect()
}

#[test]
fn a_reply_waits_for_the_blower_not_for_the_centre() {
    use TimerKind::{AcknowledgeDue, ArriveDue, BlowerSilent, ReplyDue, ReplyHalf, ReplyMost};
    let in_state = |status| tasks([status; 3]).remove(0);
    let pending = [AcknowledgeDue, ArriveDue, ReplyHalf, ReplyMost, ReplyDue];
    assert_eq!(kinds(&in_state(T::Pending)), pending);
    assert_eq!(kinds(&in_state(T::Acknowledged)), [ArriveDue, ReplyHalf, ReplyMost, ReplyDue]);
    let replied = Task { arrived_at: Some(tuesday()), ..in_state(T::Replied) };
    assert_eq!(kinds(&replied), [BlowerSilent]);
    // Replied on Tuesday: the second working day ends with Thursday.
    assert_eq!(replied.timers(terms())[0].due_at, at("2026-11-27 00:00"));
    assert_eq!(kinds(&in_state(T::Confirmed)), []);
    let told = replied.fire(TimerKind::BlowerSilent, now());
    check_events(&told);
    assert_eq!(told.events[0].kind, EventKind::BlowerSilent);
}

#[test]
fn silence_of_two_working_days_passes_the_word_to_the_centre() {
    let replied = tasks([T::Replied; 3]).remove(0);
    let passed = |now: &str| Whistle::passed_to_centre(&replied, terms(), at(now));
    assert_eq!(passed("2026-11-24 09:00"), Err(Refused::AwaitingBlower));
    assert_eq!(passed("2026-11-26 23:59"), Err(Refused::AwaitingBlower));
    assert_eq!(passed("2026-11-27 00:00"), Ok(()));
    let silent = tasks([T::Arrived; 3]).remove(0);
    let never = Whistle::passed_to_centre(&silent, terms(), at("2027-01-01 00:00"));
    assert_eq!(never, Err(Refused::AwaitingBlower), "there is no reply to judge");
    // A reply that was done again is the blower's anew.
    let again = Task { replied_at: Some(at("2026-11-26 10:00")), ..replied };
    let early = Whistle::passed_to_centre(&again, terms(), at("2026-11-27 00:00"));
    assert_eq!(early, Err(Refused::AwaitingBlower));
}
