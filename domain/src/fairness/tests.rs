use std::collections::BTreeSet;

use chrono::TimeDelta;

use super::{
    detect::{
        Attendance, Served, Verified, always_maximum, fast_verification, few_people,
        impossible_travel, instant_verification, own_shop, same_buyer, sentence,
    },
    *,
};
use crate::{
    complaint::Location,
    id::Id,
    refusal::Refusal,
    testing::{at, id},
};

fn flag(status: Status) -> Flag {
    let ruling =
        |n| Some(Ruling { by: id(n), at: at("2026-11-25 09:00"), reason: "查实".into() });
    let appealed = matches!(status, Status::Appealed | Status::Confirmed | Status::Overturned);
    Flag {
        id: id(1),
        version: 1,
        kind: Kind::SameBuyer,
        status,
        account: id(2),
        parties: vec![id(2), id(3)],
        review: if status == Status::Open { None } else { ruling(4) },
        appeal: appealed.then(|| ("不是这样".into(), at("2026-11-26 09:00"))),
        decision: if matches!(status, Status::Confirmed | Status::Overturned) {
            ruling(5)
        } else {
            None
        },
    }
}

fn reviewer(n: u8) -> Reviewer {
    Reviewer { account: id(n), is_party: false, is_first: false }
}

fn review(uphold: bool) -> Review {
    Review { uphold, reason: "已向双方核实".into() }
}

/// Takes a step by whoever may take it.
fn step(status: Status, step: Step) -> Result<Decision<Flag>, Refused> {
    let (one, now) = (flag(status), at("2026-11-26 10:00"));
    match step {
        Step::Clear => one.review(&review(false), reviewer(4), now),
        Step::Uphold => one.review(&review(true), reviewer(4), now),
        Step::Appeal => one.appeal("我每天给邻居带饭".into(), &Rules::default(), now),
        Step::Keep => one.decide(&review(true), reviewer(5), now),
        Step::Overturn => one.decide(&review(false), reviewer(5), now),
    }
}

#[test]
fn exactly_the_listed_steps_are_allowed() {
    let listed: Vec<Step> = TRANSITIONS.iter().map(|(step, ..)| *step).collect();
    assert_eq!(listed, Step::ALL);
    for (one, from, to) in TRANSITIONS {
        for status in Status::ALL {
            let case = format!("{one} from {status}");
            match step(*status, *one) {
                Ok(decision) => {
                    assert!(from.contains(status) && to.contains(&decision.state.status), "{case}");
                }
                Err(refused) => {
                    assert!(!from.contains(status), "{case}");
                    assert_eq!(refused.code(), "fairness_step_refused", "{case}");
                }
            }
        }
    }
}

#[test]
fn only_what_was_upheld_is_told() {
    let told = |status, one| -> Vec<EventKind> {
        step(status, one).unwrap().events.iter().map(|event| event.kind).collect()
    };
    assert_eq!(told(Status::Open, Step::Clear), []);
    assert_eq!(told(Status::Open, Step::Uphold), [EventKind::FlagUpheld]);
    assert_eq!(told(Status::Upheld, Step::Appeal), []);
    assert_eq!(told(Status::Appealed, Step::Keep), [EventKind::FlagConfirmed]);
    assert_eq!(told(Status::Appealed, Step::Overturn), [EventKind::FlagOverturned]);
    let told: BTreeSet<_> = Status::ALL.iter().filter(|one| one.is_told()).collect();
    assert!(!told.contains(&Status::Open) && !told.contains(&Status::Cleared));
}

#[test]
fn nobody_judges_what_concerns_them_or_their_own_word() {
    let now = at("2026-11-26 10:00");
    let open = flag(Status::Open);
    for party in [2, 3] {
        assert_eq!(open.review(&review(true), reviewer(party), now), Err(Refused::Party));
    }
    let by_phone = Reviewer { is_party: true, ..reviewer(4) };
    assert_eq!(open.review(&review(false), by_phone, now), Err(Refused::Party));
    let appealed = flag(Status::Appealed);
    assert_eq!(appealed.decide(&review(true), reviewer(4), now), Err(Refused::SameReviewer));
    let again = Reviewer { is_first: true, ..reviewer(5) };
    assert_eq!(appealed.decide(&review(true), again, now), Err(Refused::SameReviewer));
    assert_eq!(appealed.decide(&review(true), reviewer(2), now), Err(Refused::Party));
}

#[test]
fn an_appeal_has_its_time() {
    let one = flag(Status::Upheld);
    let until = one.appeal_until(&Rules::default()).unwrap();
    assert_eq!(until, at("2026-12-10 09:00"));
    let late = one.appeal("我每天给邻居带饭".into(), &Rules::default(), until);
    assert_eq!(late, Err(Refused::AppealLate { until }));
}

fn verified(n: u8, clerk: u8, buyer: u8, seconds: i64) -> Verified {
    let at = at("2026-11-25 09:00") + TimeDelta::seconds(seconds);
    Verified {
        id: id(n),
        merchant: "wenxing".into(),
        clerk: id(clerk),
        buyer: id(buyer),
        made_at: at - TimeDelta::minutes(5),
        at,
    }
}

#[test]
fn a_clerk_who_verifies_too_fast_is_noticed_once_a_day() {
    let rules = Rules { fast_times: 3, ..Rules::default() };
    let all: Vec<Verified> = (0..3).map(|n| verified(n, 1, 10 + n, i64::from(n) * 20)).collect();
    let found = fast_verification(&rules, &all, &all[2]).unwrap();
    assert_eq!((found.account, found.redemptions.len()), (id(1), 3));
    assert_eq!(found.others, [id(10), id(11), id(12)]);
    assert!(found.cause.ends_with(":2026-11-25"), "{}", found.cause);
    assert_eq!(sentence(found.kind, &found.facts), "同一店员在 60 秒内核销了 3 次");
    assert_eq!(fast_verification(&rules, &all[..2], &all[1]), None, "two are no crowd");
    let slow: Vec<Verified> = (0..3).map(|n| verified(n, 1, 9, i64::from(n) * 30)).collect();
    assert_eq!(fast_verification(&rules, &slow, &slow[2]), None, "60 seconds are not within 60");
    let mixed = [verified(1, 1, 9, 0), verified(2, 2, 9, 1), verified(3, 1, 9, 2)];
    assert_eq!(fast_verification(&rules, &mixed, &mixed[2]), None, "two clerks");
}

#[test]
fn a_person_who_comes_again_and_again_is_noticed_once_a_week() {
    let rules = Rules { buyer_times: 3, ..Rules::default() };
    let day = 86_400;
    let all: Vec<Verified> = (0..3).map(|n| verified(n, n, 9, i64::from(n) * day)).collect();
    let found = same_buyer(&rules, &all, &all[2]).unwrap();
    assert_eq!((found.account, found.merchant.as_deref()), (id(9), Some("wenxing")));
    assert!(found.cause.ends_with(":wenxing:2026-11-23"), "{}", found.cause);
    assert_eq!(sentence(found.kind, &found.facts), "同一人 7 天内在同一商户核销了 3 次");
    let elsewhere = Verified { merchant: "happy".into(), ..all[1].clone() };
    let mixed = [all[0].clone(), elsewhere, all[2].clone()];
    assert_eq!(same_buyer(&rules, &mixed, &mixed[2]), None);
    let rare: Vec<Verified> = (0..3).map(|n| verified(n, n, 9, i64::from(n) * 4 * day)).collect();
    assert_eq!(same_buyer(&rules, &rare, &rare[2]), None);
}

#[test]
fn codes_that_are_verified_as_they_are_made_are_noticed() {
    let rules = Rules::default();
    let quick = |n: u8, clerk| {
        let one = verified(n, clerk, 9, i64::from(n) * 3600);
        Verified { made_at: one.at - TimeDelta::seconds(20), ..one }
    };
    let all = [quick(1, 1), quick(2, 1), quick(3, 1)];
    let found = instant_verification(&rules, &all, &all[2]).unwrap();
    assert_eq!((found.account, found.others), (id(1), vec![id(9)]));
    assert!(sentence(found.kind, &found.facts).contains("领码后 20 秒内"));
    let other = [quick(1, 1), quick(2, 2), quick(3, 1)];
    assert_eq!(instant_verification(&rules, &other, &other[2]), None);
    let slow = verified(3, 1, 9, 9999);
    let last = [quick(1, 1), quick(2, 1), slow];
    assert_eq!(instant_verification(&rules, &last, &last[2]), None);
}

#[test]
fn colleagues_are_looked_at() {
    let last = verified(1, 1, 9, 0);
    assert_eq!(own_shop(&last, false), None);
    let found = own_shop(&last, true).unwrap();
    assert_eq!((found.account, found.others, found.redemptions), (id(9), vec![id(1)], vec![id(1)]));
    assert!(found.cause.ends_with(":wenxing:2026-11"), "{}", found.cause);
    assert_eq!(sentence(found.kind, &found.facts), "在自己工作的商户兑换，由同事核销");
}

fn attendance(n: u8, lng: f64, minutes: i64) -> Attendance {
    let arrived = at("2026-11-25 09:00") + TimeDelta::minutes(minutes);
    let place = Some(Location { lng, lat: 40.08 });
    Attendance { claim: id(n), account: id(9), place, arrived, left: None }
}

#[test]
fn nobody_is_at_two_places_at_once() {
    let rules = Rules::default();
    // A tenth of a degree is about 8.5 km here.
    let (one, near) = (attendance(1, 113.30, 0), attendance(2, 113.31, 1));
    assert_eq!(impossible_travel(&rules, &one, &near), None, "less than 3 km");
    let found = impossible_travel(&rules, &one, &attendance(3, 113.40, 4)).unwrap();
    assert_eq!((found.account, found.cause), (id(9), id::<crate::id::ClaimId>(3).to_string()));
    assert!(sentence(found.kind, &found.facts).contains("只有 4 分钟"));
    assert_eq!(impossible_travel(&rules, &one, &attendance(3, 113.40, 5)), None, "120 km/h do");
    let left = Attendance { left: Some(one.arrived + TimeDelta::minutes(3)), ..one };
    assert!(impossible_travel(&rules, &left, &attendance(3, 113.40, 5)).is_some());
    let nowhere = Attendance { place: None, ..one };
    assert_eq!(impossible_travel(&rules, &nowhere, &attendance(3, 113.40, 1)), None);
}

fn served(n: u16, account: u8, minutes: i64) -> Served {
    let [high, low] = n.to_be_bytes();
    let claim = Id::from_parts(at("2026-11-25 09:00"), &[high, low, 0, 0, 0, 0, 0, 0, 0, 0]);
    let when = at("2026-11-25 09:00") + TimeDelta::minutes(n.into());
    Served { claim, account: id(account), organiser: id(1), at: when, minutes, length: 240 }
}

#[test]
fn hours_that_are_always_full_are_noticed() {
    let rules = Rules { maximum_times: 3, ..Rules::default() };
    let full = [served(3, 9, 240), served(2, 9, 240), served(1, 9, 240)];
    let found = always_maximum(&rules, &full).unwrap();
    assert_eq!((found.account, found.others.as_slice()), (id(9), &[id(1)][..]));
    assert!(found.cause.ends_with(":2026-11"), "{}", found.cause);
    assert_eq!(always_maximum(&rules, &full[..2]), None, "two are no habit");
    let once = [served(3, 9, 240), served(2, 9, 239), served(1, 9, 240)];
    assert_eq!(always_maximum(&rules, &once), None);
    let short = full.map(|one| Served { minutes: 60, length: 60, ..one });
    assert_eq!(always_maximum(&rules, &short), None, "a short post is mostly served in full");
    assert_eq!(always_maximum(&rules, &[]), None);
}

#[test]
fn an_organiser_who_confirms_the_same_few_is_noticed() {
    let rules = Rules { few_times: 10, few_people: 2, ..Rules::default() };
    // Eight of ten for two people.
    let all: Vec<Served> = (0..10)
        .map(|n| {
            served(
                n,
                if n < 8 { u8::try_from(n % 2).unwrap() } else { 20 + u8::try_from(n).unwrap() },
                60,
            )
        })
        .collect();
    let found = few_people(&rules, &all).unwrap();
    assert_eq!((found.account, found.others.len(), found.claims.len()), (id(1), 2, 8));
    assert!(sentence(found.kind, &found.facts).contains("10 次服务中，有 8 次"));
    assert_eq!(few_people(&rules, &all[..9]), None, "too few to say");
    let wide: Vec<Served> = (0..10).map(|n| served(n, u8::try_from(n / 3).unwrap(), 60)).collect();
    assert_eq!(few_people(&rules, &wide), None, "six of ten");
}
