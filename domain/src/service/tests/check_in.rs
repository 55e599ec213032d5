use chrono::TimeDelta;

use super::super::*;
use super::{HERE, begin, claim_in, post, rules};
use crate::{complaint::Location, refusal::Refusal, service::code::Shown};

fn near(metres: f64) -> CheckIn {
    let lat = HERE.lat + metres / 111_195.0;
    CheckIn { location: Some(Location { lat, ..HERE }), ..CheckIn::default() }
}

#[test]
fn checking_in_needs_time_and_place() {
    let claim = claim_in(Status::Claimed);
    let check = |post: &Post, shown: &CheckIn, code, minutes| {
        let now = begin() + TimeDelta::minutes(minutes);
        let done = claim.check_in(post, shown, code, &rules(), now);
        done.map(|decision| decision.state.checked_in.unwrap().proof)
            .map_err(|refused| refused.code())
    };
    let (post, nothing) = (post(), CheckIn::default());
    let (good, wrong) = (Some(Shown::Good), Some(Shown::Wrong));
    assert_eq!(check(&post, &nothing, good, 0), Ok(Proof::Code));
    assert_eq!(check(&post, &nothing, wrong, 0), Err("check_in_code_wrong"));
    assert_eq!(check(&post, &nothing, Some(Shown::Expired), 0), Err("check_in_code_expired"));
    assert_eq!(check(&post, &near(0.0), None, 0), Ok(Proof::Location));
    assert_eq!(check(&post, &near(299.0), None, 0), Ok(Proof::Location));
    assert_eq!(check(&post, &near(302.0), None, 0), Err("check_in_too_far"));
    assert_eq!(check(&post, &nothing, None, 0), Err("check_in_proof_missing"));
    assert_eq!(
        check(&post, &near(0.0), wrong, 0),
        Err("check_in_code_wrong"),
        "a given code counts"
    );
    assert_eq!(check(&post, &nothing, good, -61), Err("check_in_not_open"));
    assert_eq!(check(&post, &nothing, good, -60), Ok(Proof::Code));
    assert_eq!(check(&post, &nothing, good, 119), Ok(Proof::Code));
    assert_eq!(check(&post, &nothing, good, 120), Err("post_ended"));
    let nowhere = Post { location: None, ..post.clone() };
    assert_eq!(check(&nowhere, &nothing, None, 0), Ok(Proof::Time));
    assert_eq!(check(&nowhere, &near(9e6), None, 0), Ok(Proof::Time));
    assert_eq!(check(&nowhere, &nothing, wrong, 0), Err("check_in_code_wrong"));
    let narrow = Post { tolerance: Some(50), ..post.clone() };
    assert_eq!(check(&narrow, &near(60.0), None, 0), Err("check_in_too_far"));
    let wide = Post { tolerance: Some(1000), ..post };
    assert_eq!(check(&wide, &near(990.0), None, 0), Ok(Proof::Location));
}

#[test]
fn a_code_is_read_as_people_type_it_or_from_its_picture() {
    let read = |given: &str| CheckIn::parse(Some(given), None, None).unwrap().code;
    assert_eq!(read(" ac3d7k "), Some("AC3D7K".to_owned()));
    assert_eq!(read("zhixiang:check-in:019ab0c1:AC3D7K"), Some("AC3D7K".to_owned()));
    assert_eq!(read("  "), None);
    for bad in [-1.0, f64::NAN, f64::INFINITY, 100_001.0] {
        assert!(CheckIn::parse(None, None, Some(bad)).is_err(), "{bad}");
    }
    assert_eq!(CheckIn::parse(None, None, Some(34.2)).unwrap().accuracy, 35);
}

#[test]
fn a_few_wrong_codes_close_the_way_by_code_alone() {
    let tried = |wrong_codes, shown, code| {
        let claim = Claim { wrong_codes, ..claim_in(Status::Claimed) };
        claim.check_in(&post(), &shown, code, &rules(), begin()).err().map(|it| it.code())
    };
    assert_eq!(tried(4, CheckIn::default(), Some(Shown::Good)), None);
    let locked = Some("check_in_code_locked");
    assert_eq!(tried(5, CheckIn::default(), Some(Shown::Good)), locked, "the right one too");
    assert_eq!(tried(5, CheckIn::default(), Some(Shown::Wrong)), locked);
    assert_eq!(tried(5, near(10.0), None), None, "the place still proves it");
}

#[test]
fn what_looks_odd_is_noted_and_refuses_nothing() {
    let odd = |shown: &CheckIn, code| {
        let claim = claim_in(Status::Claimed);
        let done = claim.check_in(&post(), shown, code, &rules(), begin()).unwrap();
        let arrived = done.state.checked_in.unwrap();
        (arrived.away, arrived.oddities)
    };
    let vague = |metres, accuracy| CheckIn { accuracy, ..near(metres) };
    assert_eq!(odd(&vague(249.5, 500), None), (Some(250), vec![]));
    assert_eq!(odd(&vague(389.5, 100), None), (Some(390), vec![Oddity::Inaccurate]));
    let refused = claim_in(Status::Claimed).check_in(
        &post(),
        &vague(401.5, 100_000),
        None,
        &rules(),
        begin(),
    );
    let far = Refused::CheckInFar { away: 402, near: 300 };
    assert_eq!(refused.err(), Some(far), "no more than a hundred metres are believed");
    let good = Some(Shown::Good);
    assert_eq!(odd(&near(4999.5), good), (Some(5000), vec![Oddity::CodeFromAfar]));
    assert_eq!(odd(&CheckIn::default(), good), (None, vec![]));
}

#[test]
fn east_is_shorter_than_north() {
    let claim = claim_in(Status::Claimed);
    let east = Location { lng: HERE.lng + 0.0035, ..HERE };
    let shown = CheckIn { location: Some(east), ..CheckIn::default() };
    let done = claim.check_in(&post(), &shown, None, &rules(), begin());
    assert!(done.is_ok(), "298 m at 40° north");
}
