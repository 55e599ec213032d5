use chrono::TimeDelta;

use super::*;
use crate::{
    refusal::Refusal,
    service::{Confirm, Kind, Standing},
    testing::{at, code, id, terms},
};

fn post() -> Post {
    Post {
        id: id(1),
        version: 1,
        community: code("140213066004"),
        kind: Kind::Elderly,
        starts_at: at("2026-11-24 09:00"),
        ends_at: at("2026-11-24 11:00"),
        capacity: 2,
        taken: 0,
        factor_percent: 100,
        location: None,
        tolerance: None,
        created_by: id(8),
        requested_by: None,
        cancelled_at: None,
    }
}

fn decided() -> Timestamp {
    at("2026-11-24 12:00")
}

fn served(minutes: i32) -> Claim {
    let made = post().claim(id(1), id(2), &Standing::default(), at("2026-11-20 09:00")).unwrap();
    let word = Confirm { minutes, comment: None };
    made.state.confirm(&post(), &word, id(9), decided()).unwrap().state
}

fn missed() -> Claim {
    let made = post().claim(id(1), id(2), &Standing::default(), at("2026-11-20 09:00")).unwrap();
    made.state.no_show(&post(), id(9), decided()).unwrap().state
}

fn raise(claim: &Claim, by: u8, now: Timestamp) -> Result<Dispute, Refused> {
    let objection = Objection::parse("当天实际服务了两个小时").unwrap();
    let how = (&Rules::default(), terms());
    claim.dispute(&post(), (id(5), id(by), &objection), how, now).map(|it| it.state)
}

fn correct(minutes: i64) -> Verdict {
    Verdict::parse(true, Some(minutes), "核对签到记录后更正").unwrap()
}

fn stands() -> Verdict {
    Verdict::parse(false, None, "签退时间与记录一致").unwrap()
}

#[test]
fn exactly_the_listed_steps_are_allowed() {
    let claim = served(60);
    let open = raise(&claim, 2, decided()).unwrap();
    assert_eq!(TRANSITIONS.iter().map(|(step, ..)| *step).collect::<Vec<_>>(), Step::ALL);
    for (step, from, to) in TRANSITIONS {
        for status in Status::ALL {
            let before = Dispute { status: *status, ..open.clone() };
            let decide = |verdict| {
                before.decide((&claim, &post()), &verdict, id(7), decided()).map(|it| it.dispute)
            };
            let done = match step {
                Step::Uphold => decide(stands()),
                Step::Correct => decide(correct(120)),
                Step::Withdraw => before.withdraw(&claim, &post()).map(|it| it.state),
            };
            match done {
                Ok(after) => assert!(from.contains(status) && to.contains(&after.status)),
                Err(refused) => {
                    assert!(!from.contains(status), "{step} from {status}: {refused}");
                    assert_eq!(refused.code(), "dispute_step_refused");
                }
            }
        }
    }
}

#[test]
fn what_was_decided_may_be_disputed_for_five_working_days() {
    // Tuesday, so that the fifth working day ends with the next Tuesday.
    let last = at("2026-12-02 00:00");
    for claim in [served(60), missed()] {
        assert!(raise(&claim, 2, last - TimeDelta::seconds(1)).is_ok());
        assert_eq!(raise(&claim, 2, last), Err(Refused::DisputeClosed { closed_at: last }));
    }
    let open = Claim { status: ClaimStatus::CheckedOut, settled: None, ..served(60) };
    let refused = raise(&open, 2, decided()).unwrap_err();
    assert_eq!(refused.code(), "nothing_to_dispute");
    let off = Claim { status: ClaimStatus::Cancelled, ..served(60) };
    assert_eq!(raise(&off, 2, decided()).unwrap_err().code(), "nothing_to_dispute");
    assert!(Objection::parse("不对").is_err());
}

#[test]
fn another_than_the_first_and_no_party_decides() {
    let claim = served(60);
    let dispute = raise(&claim, 3, decided()).unwrap();
    let decide = |by| dispute.decide((&claim, &post()), &correct(120), id(by), decided()).err();
    assert_eq!(decide(9), Some(Refused::SameDecider));
    assert_eq!(decide(2), Some(Refused::OwnService));
    assert_eq!(decide(3), Some(Refused::OwnService), "whoever raised it");
    assert_eq!(decide(7), None);
    let by_clock = Dispute { first: None, ..dispute };
    assert!(by_clock.decide((&claim, &post()), &stands(), id(9), decided()).is_ok());
}

#[test]
fn a_correction_makes_the_claim_what_it_should_have_been() {
    let ruled = |claim: &Claim, minutes| {
        let dispute = raise(claim, 2, decided()).unwrap();
        dispute.decide((claim, &post()), &correct(minutes), id(7), decided())
    };
    let longer = ruled(&served(60), 120).unwrap().claim.unwrap();
    assert_eq!((longer.status, longer.minutes), (ClaimStatus::Confirmed, Some(120)));
    assert_eq!(longer.settled.unwrap().by, Some(id(7)));
    let there = ruled(&missed(), 90).unwrap().claim.unwrap();
    assert_eq!(
        (there.status, there.minutes, there.points),
        (ClaimStatus::Confirmed, Some(90), Some(0))
    );
    let none = ruled(&served(60), 0).unwrap().claim.unwrap();
    assert_eq!((none.status, none.minutes, none.points), (ClaimStatus::Rejected, None, None));
    assert_eq!(ruled(&served(60), 121).err(), Some(Refused::MinutesBeyondPost { minutes: 120 }));
    assert_eq!(ruled(&served(60), 60).err(), Some(Refused::NothingCorrected));
    assert_eq!(ruled(&missed(), 0).err(), Some(Refused::NothingCorrected));
    for (correct, minutes) in [(true, None), (true, Some(-1)), (true, Some(1441)), (false, Some(1))]
    {
        assert!(Verdict::parse(correct, minutes, "理由").is_err(), "{correct} {minutes:?}");
    }
}

#[test]
fn both_are_told_and_points_only_to_who_served() {
    let claim = served(60);
    let dispute = raise(&claim, 3, decided()).unwrap();
    let ruled = dispute.decide((&claim, &post()), &correct(120), id(7), decided()).unwrap();
    let told = ruled.told(&claim, &post(), Some(2), "核对后更正");
    let to: Vec<_> = told.iter().map(|event| event.data["account"].clone()).collect();
    assert_eq!(to, [json!(id::<AccountId>(2)), json!(id::<AccountId>(3))]);
    assert_eq!((&told[0].data["points"], &told[1].data["points"]), (&json!(2), &json!(null)));
    let own = raise(&claim, 2, decided()).unwrap();
    let ruled = own.decide((&claim, &post()), &stands(), id(7), decided()).unwrap();
    assert_eq!(ruled.told(&claim, &post(), None, "维持").len(), 1);
}
