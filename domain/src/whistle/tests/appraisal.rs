//! The two-way appraisal.

use super::*;
use crate::{event::EventKind, refusal::Refusal, task::Status as T, whistle::Refused};

#[test]
fn only_a_confirmed_unit_is_appraised_and_once() {
    let open = [Status::Blown, Status::Answered, Status::Handling, Status::StandingDown];
    for status in open {
        let whistle = whistle_in(status);
        let try_on = |unit: &str, tasks: &[Task], appraised: &[&str]| {
            whistle.appraise(&appraisal(unit), tasks, &codes(appraised), now())
        };
        for other in T::ALL.iter().filter(|status| **status != T::Confirmed) {
            let tasks = tasks([T::Confirmed, *other, T::Confirmed]);
            let refused = try_on(UNITS[1], &tasks, &[]).unwrap_err();
            assert_eq!(refused, Refused::UnitNotConfirmed(UNITS[1].to_owned()), "{other}");
            assert!(try_on(UNITS[0], &tasks, &[]).is_ok(), "{other}: the others may be");
        }
        let tasks = all_confirmed();
        let refused = try_on("water", &tasks, &[]).unwrap_err();
        assert_eq!(refused, Refused::UnitNotCalled("water".to_owned()));
        let refused = try_on(UNITS[0], &tasks, &UNITS[..1]).unwrap_err();
        assert_eq!(refused, Refused::AlreadyAppraised);
    }
}

#[test]
fn the_last_appraisal_ends_a_whistle_that_stands_down_and_no_other() {
    let tasks = all_confirmed();
    let last = |status| {
        let whistle = whistle_in(status);
        let others = codes(&UNITS[1..]);
        let decision = whistle.appraise(&appraisal(UNITS[0]), &tasks, &others, now()).unwrap();
        check_events(&decision);
        let kinds: Vec<_> = decision.events.iter().map(|event| event.kind).collect();
        (decision.state.status, kinds)
    };
    for status in [Status::Blown, Status::Answered, Status::Handling] {
        assert_eq!(last(status), (status, vec![EventKind::UnitAppraised]));
    }
    let over = vec![EventKind::UnitAppraised, EventKind::StoodDown];
    assert_eq!(last(Status::StandingDown), (Status::StoodDown, over));
    let whistle = whistle_in(Status::StandingDown);
    let one = whistle.appraise(&appraisal(UNITS[0]), &tasks, &codes(&UNITS[1..2]), now()).unwrap();
    assert_eq!(one.state, whistle, "one is missing still");
}

#[test]
fn each_unit_rates_once_and_changes_nothing_by_it() {
    for status in Status::ALL {
        let whistle = whistle_in(*status);
        let rated = whistle.rate(&rating(), &code(UNITS[1]), &codes(&UNITS[..1]));
        if whistle.blown_at.is_none() || *status == Status::Withdrawn {
            assert!(rated.is_err(), "{status}");
            continue;
        }
        let decision = rated.unwrap();
        check_events(&decision);
        assert_eq!(decision.state, whistle);
        assert_eq!(decision.events[0].unit, Some(code(UNITS[1])));
        let again = whistle.rate(&rating(), &code(UNITS[1]), &codes(&UNITS));
        assert_eq!(again.unwrap_err(), Refused::AlreadyRated);
    }
}

#[test]
fn scores_are_one_to_five_and_every_fault_is_told() {
    for good in 1..=5 {
        assert!(Appraisal::parse("ecology", [good; 3], None).is_ok());
        assert!(Rating::parse(good, good, None).is_ok());
    }
    for bad in [i64::MIN, -1, 0, 6, 65_537, i64::MAX] {
        let invalid = Appraisal::parse("生态局", [bad; 3], None).unwrap_err();
        let fields = invalid.fields();
        let fields: Vec<_> = fields.iter().map(|fault| fault.field.as_str()).collect();
        assert_eq!(fields, ["unit", "speed", "handling", "result"], "{bad}");
        let invalid = Rating::parse(bad, bad, None).unwrap_err();
        let fields = invalid.fields();
        let fields: Vec<_> = fields.iter().map(|fault| fault.field.as_str()).collect();
        assert_eq!(fields, ["needed", "clear"], "{bad}");
    }
    let long = "长".repeat(1001);
    assert!(Appraisal::parse("ecology", [5; 3], Some(&long)).is_err());
    assert!(Rating::parse(5, 5, Some(&long)).is_err());
    assert_eq!(Rating::parse(5, 5, Some("  ")).unwrap().comment, None);
}
