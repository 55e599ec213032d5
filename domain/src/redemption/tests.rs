use std::collections::BTreeSet;

use super::*;
use crate::{refusal::Refusal, testing::at};

fn in_status(status: Status) -> Redemption {
    Redemption { status, expires_at: at("2026-11-25 09:00") }
}

/// Each step × each status, before and after the code ran out.
#[test]
fn exactly_the_listed_steps_are_allowed() {
    let (before, after) = (at("2026-11-25 08:59"), at("2026-11-25 09:00"));
    for step in Step::ALL {
        for status in Status::ALL {
            let listed = TRANSITIONS.iter().find(|(one, from, _)| one == step && from == status);
            for (now, over) in [(before, false), (after, true)] {
                let case = format!("{step} from {status}, over: {over}");
                let stepped = in_status(*status).step(*step, now);
                let in_time = *status != Status::Held || over == (*step == Step::Expire);
                match listed {
                    Some((_, _, to)) if in_time => assert_eq!(stepped, Ok(*to), "{case}"),
                    _ => {
                        let refused = stepped.expect_err(&case);
                        assert_eq!(refused.kind(), crate::refusal::Kind::Conflict);
                    }
                }
            }
        }
    }
}

#[test]
fn a_refused_step_says_how_it_ended() {
    let now = at("2026-11-24 09:00");
    let code = |status, step| in_status(status).step(step, now).unwrap_err().code();
    for step in [Step::Verify, Step::Cancel, Step::Expire] {
        assert_eq!(code(Status::Verified, step), "redemption_already_verified");
        for ended in [Status::Cancelled, Status::Expired, Status::Refunded] {
            assert_eq!(code(ended, step), "redemption_ended", "{step} from {ended}");
        }
    }
    assert_eq!(code(Status::Held, Step::Refund), "redemption_not_verified");
    assert_eq!(code(Status::Refunded, Step::Refund), "redemption_ended");
    assert_eq!(code(Status::Held, Step::Expire), "redemption_not_expired");
    let late = in_status(Status::Held).step(Step::Verify, at("2026-11-25 09:00"));
    assert_eq!(late, Err(Refused::Ended { status: Status::Expired }));
}

#[test]
fn no_status_leads_to_itself_and_each_ended_one_stays() {
    for (step, from, to) in TRANSITIONS {
        assert_ne!(from, to, "{step}");
    }
    let sources: BTreeSet<_> = TRANSITIONS.iter().map(|(_, from, _)| *from).collect();
    assert_eq!(sources, BTreeSet::from([Status::Held, Status::Verified]));
}

#[test]
fn each_person_has_so_many_slots() {
    assert_eq!(slot(&[], 1), Ok(1));
    assert_eq!(slot(&[1], 1), Err(Refused::LimitReached { limit: 1 }));
    assert_eq!(slot(&[1, 3], 3), Ok(2), "one that was given back is free again");
    assert_eq!(slot(&[3, 2, 1], 3), Err(Refused::LimitReached { limit: 3 }));
}
