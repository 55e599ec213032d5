//! Drafting, reviewing, taking back.

use super::*;
use crate::{
    event::EventKind,
    refusal::Refusal,
    sla::Urgency,
    task::Role,
    whistle::{Refused, Step},
};

#[test]
fn a_draft_waits_and_an_emergency_goes_out_at_once() {
    for kind in [Kind::Routine, Kind::Hard] {
        let (whistle, tasks) = drafted(kind);
        assert_eq!((whistle.status, whistle.blown_at), (Status::Draft, None));
        assert_eq!(tasks.len(), 0, "{kind}");
    }
    let (whistle, tasks) = drafted(Kind::Emergency);
    assert_eq!((whistle.status, whistle.blown_at), (Status::Blown, Some(tuesday())));
    assert_eq!((whistle.review, tasks.len()), (None, 3));
}

/// The tasks of a kind that is blown on Tuesday 09:00.
fn blown(kind: Kind) -> Vec<Task> {
    let (whistle, tasks) = drafted(kind);
    if kind == Kind::Emergency {
        return tasks;
    }
    let (decision, out) =
        whistle.review(&approval(), reviewer(), &called(), terms(), tuesday()).unwrap();
    let kinds: Vec<_> = decision.events.iter().map(|event| event.kind).collect();
    assert_eq!(kinds, [EventKind::WhistleReviewed, EventKind::WhistleBlown]);
    assert_eq!((decision.state.status, decision.state.blown_at), (Status::Blown, Some(tuesday())));
    out.into_iter().map(|task| task.state).collect()
}

#[test]
fn the_kind_decides_the_deadlines_and_everybody_must_come_but_nobody_call() {
    let rows = [
        (Kind::Routine, Urgency::Ordinary, "11-24 15:00", "11-26 00:00", "12-02 00:00"),
        (Kind::Hard, Urgency::Hard, "11-24 15:00", "11-27 00:00", "12-16 00:00"),
        (Kind::Emergency, Urgency::Emergency, "11-24 09:15", "11-24 09:30", "11-25 09:00"),
    ];
    for (kind, urgency, acknowledge, arrive, reply) in rows {
        let day = |text: &str| at(&format!("2026-{text}"));
        let tasks = blown(kind);
        for (n, task) in tasks.iter().enumerate() {
            let case = format!("{kind} {}", task.unit);
            assert_eq!((task.unit.as_str(), task.urgency), (UNITS[n], urgency), "{case}");
            let role = if n == 0 { Role::Lead } else { Role::Assist };
            assert_eq!((task.role, task.status), (role, task::Status::Pending), "{case}");
            assert_eq!(task.acknowledge_by, day(acknowledge), "{case}");
            assert_eq!(task.contact_by, None, "{case}");
            assert_eq!(task.arrive_by, Some(day(arrive)), "{case}");
            assert_eq!(task.reply_by, day(reply), "{case}");
        }
        let lines: Vec<_> = tasks.iter().map(|task| task.line).collect();
        assert_eq!(lines, [0, 1, 2], "{kind}");
    }
}

#[test]
fn a_refused_draft_is_never_blown() {
    let (whistle, _) = drafted(Kind::Hard);
    let (decision, out) =
        whistle.review(&refusal(), reviewer(), &called(), terms(), now()).unwrap();
    assert_eq!((decision.state.status, decision.state.blown_at), (Status::Rejected, None));
    assert!(out.is_empty());
    assert_eq!(decision.events.len(), 1);
    assert_eq!(decision.events[0].note.as_deref(), Some("社区可以自行解决"));
    assert_eq!(decision.events[0].data["after"], false);
}

#[test]
fn an_emergency_is_reviewed_after_and_a_no_is_recorded_not_undone() {
    let after = [
        Status::Blown,
        Status::Answered,
        Status::Handling,
        Status::StandingDown,
        Status::StoodDown,
    ];
    for status in after {
        for review in [approval(), refusal()] {
            let whistle = whistle_in(status);
            let (decision, out) =
                whistle.review(&review, reviewer(), &called(), terms(), now()).unwrap();
            let recorded = Some(Reviewed { by: reviewer(), at: now(), approved: review.approve });
            assert_eq!(decision.state, Whistle { review: recorded, ..whistle }, "{status}");
            assert!(out.is_empty(), "{status}: nobody is called again");
            assert_eq!(decision.events.len(), 1);
            assert_eq!(decision.events[0].data["after"], true);
            assert_eq!(decision.events[0].data["approved"], review.approve);
        }
    }
}

#[test]
fn nobody_reviews_their_own_draft_nor_twice() {
    for status in [Status::Draft, Status::Blown, Status::Handling, Status::StoodDown] {
        for review in [approval(), refusal()] {
            let whistle = whistle_in(status);
            let own = whistle.review(&review, drafter(), &called(), terms(), now());
            assert_eq!(own.unwrap_err(), Refused::OwnReview, "{status}");
            let reviewed = Whistle {
                review: Some(Reviewed { by: reviewer(), at: now(), approved: true }),
                ..whistle
            };
            let again = reviewed.review(&review, id(3), &called(), terms(), now());
            assert_eq!(again.unwrap_err(), Refused::Reviewed, "{status}");
        }
    }
}

#[test]
fn a_unit_is_called_once() {
    let blower = code("140213066004");
    for units in [[UNITS[0], UNITS[0]], [UNITS[1], UNITS[1]]] {
        let mut twice = called();
        twice.extend(units.iter().zip(20..).map(|(unit, n)| assign(n, unit)));
        for kind in [Kind::Routine, Kind::Emergency] {
            let refused =
                Whistle::draft(id(1), &draft(kind), &blower, drafter(), &twice, terms(), now())
                    .unwrap_err();
            assert!(matches!(refused, Refused::UnitTwice(_)), "{refused}");
            assert_eq!(refused.fields()[0].field, "assist");
        }
    }
}

#[test]
fn taken_back_until_it_is_called_done() {
    for status in Status::ALL {
        let taken_back = whistle_in(*status).withdraw("摊主已自行撤离");
        let open = *status == Status::Draft || status.is_open();
        assert_eq!(taken_back.is_ok(), open, "{status}");
        match taken_back {
            Ok(decision) => {
                assert_eq!(decision.state.status, Status::Withdrawn);
                assert_eq!(decision.events[0].note.as_deref(), Some("摊主已自行撤离"));
            }
            Err(refused) => {
                let expected = Refused::Step { step: Step::Withdraw, status: *status };
                assert_eq!(refused, expected);
            }
        }
    }
}

#[test]
fn a_form_tells_every_fault_at_once() {
    let many: Vec<String> = (0..21).map(|n| format!("unit-{n}")).collect();
    let bad = DraftForm {
        title: "夜",
        content: "占道",
        community_code: "文兴社区",
        lead: "",
        assist: &many,
    };
    let invalid = Draft::parse(None, Kind::Routine, Level::Blue, bad).unwrap_err();
    let fields = invalid.fields();
    let fields: Vec<_> = fields.iter().map(|fault| fault.field.as_str()).collect();
    assert_eq!(fields, ["title", "content", "community_code", "lead", "assist"]);
    let odd = ["ecology".to_owned(), "生态局".to_owned()];
    let invalid = Draft::parse(None, Kind::Hard, Level::Red, DraftForm { assist: &odd, ..form() });
    assert_eq!(invalid.unwrap_err().fields()[0].field, "assist.1");
    let most: Vec<String> = many.into_iter().take(20).collect();
    let fits = Draft::parse(None, Kind::Hard, Level::Red, DraftForm { assist: &most, ..form() });
    assert_eq!(fits.unwrap().assist.len(), 20);
}

#[test]
fn a_no_says_why() {
    assert!(Review::parse(true, None).is_ok());
    for note in [None, Some(""), Some("  ")] {
        let invalid = Review::parse(false, note).unwrap_err();
        assert_eq!(invalid.fields()[0].field, "note");
    }
    let long = "长".repeat(2001);
    assert!(Review::parse(true, Some(&long)).is_err());
}
