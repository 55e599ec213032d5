use std::collections::BTreeSet;

use super::*;
use crate::{
    id::AccountId,
    refusal::Refusal,
    testing::{at, id},
    time::Timestamp,
};

fn in_status(status: Status) -> Redemption {
    let verified = matches!(status, Status::Verified | Status::Refunded);
    let verified = verified.then(|| (id(1), at("2026-11-25 08:50")));
    Redemption { status, expires_at: at("2026-11-25 09:00"), verified, suspended: false }
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
    assert_eq!(code(Status::Held, Step::Undo), "redemption_not_verified");
    assert_eq!(code(Status::Refunded, Step::Refund), "redemption_ended");
    assert_eq!(code(Status::Held, Step::Expire), "redemption_not_expired");
    let late = in_status(Status::Held).step(Step::Verify, at("2026-11-25 09:00"));
    assert_eq!(late, Err(Refused::Ended { status: Status::Expired }));
}

#[test]
fn nothing_is_verified_at_a_suspended_merchants() {
    let now = at("2026-11-25 08:59");
    for status in Status::ALL {
        let open = in_status(*status);
        let shut = Redemption { suspended: true, ..open };
        for step in Step::ALL {
            let wanted = match (step, open.step(*step, now)) {
                (Step::Verify, Ok(_)) => Err(Refused::Suspended),
                (_, stepped) => stepped,
            };
            assert_eq!(shut.step(*step, now), wanted, "{step} from {status}");
        }
    }
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

#[test]
fn a_clerk_takes_back_what_he_verified_for_ten_minutes() {
    let rules = Rules::default();
    let undo = |status, by, now: Timestamp| in_status(status).undo(by, &rules, now);
    let (clerk, other): (AccountId, AccountId) = (id(1), id(2));
    assert_eq!(undo(Status::Verified, clerk, at("2026-11-25 08:59")), Ok(Status::Refunded));
    let late = Err(Refused::UndoTooLate { minutes: 10 });
    assert_eq!(undo(Status::Verified, clerk, at("2026-11-25 09:00")), late);
    let now = at("2026-11-25 08:51");
    assert_eq!(undo(Status::Verified, other, now), Err(Refused::UndoNotYours));
    for status in [Status::Held, Status::Cancelled, Status::Expired, Status::Refunded] {
        assert!(undo(status, clerk, now).is_err(), "{status}");
    }
}

#[test]
fn wrong_digits_are_counted_in_their_time_and_lock() {
    let rules = Rules::default();
    let start = at("2026-11-25 09:00");
    let mut attempts = Attempts::fresh(start);
    for left in (1..rules.clerk_misses).rev() {
        attempts = attempts.missed(rules.clerk_misses, &rules, start);
        assert_eq!((attempts.check(start), attempts.left(rules.clerk_misses)), (Ok(()), left));
    }
    let locked = attempts.missed(rules.clerk_misses, &rules, start);
    let until = at("2026-11-25 09:15");
    assert_eq!(locked.check(at("2026-11-25 09:14")), Err(Refused::DigitsLocked { until }));
    assert_eq!(locked.check(until), Ok(()));
    let anew = locked.missed(rules.clerk_misses, &rules, until);
    assert_eq!((anew.misses, anew.check(until)), (1, Ok(())), "the count begins anew");
    let old = attempts.missed(rules.clerk_misses, &rules, until);
    assert_eq!(old.misses, 1, "what is long past counts no more");
}

#[test]
fn what_is_shown_at_the_till_is_told_apart() {
    assert_eq!(Presented::of(" 1234 5678 "), Presented::Digits("12345678".to_owned()));
    assert_eq!(Presented::of("12345678"), Presented::Digits("12345678".to_owned()));
    assert_eq!(Presented::of("Q1.abc"), Presented::Token("abc".to_owned()));
    for code in ["q8Zr0m3nT2yVb7KcXw5PdA", "1234567", "123456789", "１２３４５６７８", "1234567a"]
    {
        assert_eq!(Presented::of(code), Presented::Code(code.to_owned()));
    }
}

#[test]
fn a_voucher_lives_for_days_and_never_beyond_its_offer() {
    let (rules, now) = (Rules::default(), at("2026-11-25 09:00"));
    let far = at("2026-12-31 00:00");
    assert_eq!(rules.voucher_expiry(now, far), at("2026-12-02 09:00"));
    assert_eq!(rules.voucher_expiry(now, at("2026-11-26 00:00")), at("2026-11-26 00:00"));
    assert!(rules.qr_is_fresh(now, at("2026-11-25 09:01")));
    assert!(!rules.qr_is_fresh(now, at("2026-11-25 09:01") + chrono::TimeDelta::seconds(1)));
    assert!(!rules.qr_is_fresh(at("2026-11-25 09:01"), now), "from the future");
}
