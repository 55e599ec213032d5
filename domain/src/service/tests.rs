use std::collections::BTreeSet;

use chrono::TimeDelta;

use super::year::Requirement;
use super::*;
use crate::{
    complaint::Location,
    decision::Decision,
    event::EventKind,
    id::AccountId,
    refusal::Refusal,
    service::code::Shown,
    testing::{at, code, id},
    time::Timestamp,
};

mod check_in;

const HERE: Location = Location { lng: 113.3402, lat: 40.0911 };

fn begin() -> Timestamp {
    at("2026-11-24 09:00")
}

/// A post from nine to eleven.
fn post() -> Post {
    Post {
        id: id(1),
        version: 1,
        community: code("140213066004"),
        kind: Kind::Elderly,
        starts_at: begin(),
        ends_at: begin() + TimeDelta::hours(2),
        capacity: 2,
        taken: 0,
        factor_percent: 100,
        location: Some(HERE),
        tolerance: None,
        created_by: id(8),
        requested_by: None,
        cancelled_at: None,
    }
}

fn form() -> PostForm<'static> {
    PostForm {
        community_code: "140213066004",
        kind: Kind::Elderly,
        title: "陪老人看病",
        description: None,
        place: Some("文兴社区党群服务站"),
        location: Some((113.3402, 40.0911)),
        tolerance_metres: None,
        starts_at: begin(),
        ends_at: begin() + TimeDelta::hours(2),
        capacity: 3,
        skills: &[],
        factor_percent: None,
    }
}

fn claim_in(status: Status) -> Claim {
    let new = post().claim(id(1), id(2), &Standing::default(), begin()).unwrap().state;
    let minutes = (status == Status::Confirmed).then_some(60);
    Claim { status, minutes, points: minutes.map(|_| 1), ..new }
}

fn rules() -> Rules {
    Rules::default()
}

/// What is known when a good code is shown.
const GOOD: Option<Shown> = Some(Shown::Good);

fn word(minutes: i32) -> Confirm {
    Confirm { minutes, comment: Some("很用心".to_owned()) }
}

fn take(step: Step, claim: &Claim) -> Result<Decision<Claim>, Refused> {
    let (post, now, officer) = (post(), begin() + TimeDelta::minutes(30), id(9));
    match step {
        Step::CheckIn => claim.check_in(&post, &CheckIn::default(), GOOD, &rules(), now),
        Step::CheckOut => claim.check_out(&post, now),
        Step::Show => {
            claim.permit(step).map(|()| Decision { state: claim.clone(), events: Vec::new() })
        }
        Step::Cancel => claim.cancel(&post, &rules(), now),
        Step::Promote => claim.promote(&post, &rules(), now),
        Step::Confirm => claim.confirm(&post, &word(120), officer, now),
        Step::NoShow => claim.no_show(&post, officer, now),
        Step::Absent => claim.absent(&post, post.ends_at),
        Step::Reject => {
            claim.reject(&post, &Reject::parse("没有按要求服务").unwrap(), officer, now)
        }
        Step::Correct => {
            let dispute = dispute::Dispute {
                id: id(5),
                version: 1,
                claim: claim.id,
                raised_by: claim.account,
                first: Some(id(8)),
                status: dispute::Status::Open,
                minutes: None,
            };
            let verdict = dispute::Verdict::parse(true, Some(90), "核对后更正").unwrap();
            let ruled = dispute.decide((claim, &post), &verdict, officer, now)?;
            let told = ruled.told(claim, &post, None, "核对后更正");
            Ok(Decision { state: ruled.claim.unwrap(), events: told })
        }
        Step::CallOff => claim.call_off(&post),
    }
}

#[test]
fn exactly_the_listed_steps_are_allowed_and_lead_where_the_table_says() {
    let listed: Vec<_> = TRANSITIONS.iter().map(|(step, ..)| *step).collect();
    let every: BTreeSet<_> = Step::ALL.iter().copied().collect();
    assert_eq!(listed.iter().copied().collect::<BTreeSet<_>>(), every);
    assert_eq!(listed.len(), every.len(), "each once");
    for (step, sources, targets) in TRANSITIONS {
        for status in Status::ALL {
            let before = claim_in(*status);
            let case = format!("{step} from {status}");
            assert_eq!(before.permit(*step).is_ok(), sources.contains(status), "{case}");
            match take(*step, &before) {
                Ok(decision) => {
                    assert!(sources.contains(status), "{case} must be refused");
                    let after = decision.state;
                    assert!(targets.contains(&after.status), "{case}");
                    assert_eq!(after.version, before.version, "{case}: the store counts");
                    let settled = matches!(
                        step,
                        Step::Confirm | Step::NoShow | Step::Absent | Step::Reject | Step::Correct
                    );
                    assert_eq!(after.settled.is_some(), settled, "{case}");
                    let served = matches!(step, Step::Confirm | Step::Correct);
                    assert_eq!(after.minutes.is_some(), served, "{case}");
                    if *step == Step::Show {
                        assert!(decision.events.is_empty(), "{case}: pictures are no event");
                        continue;
                    }
                    assert_eq!(decision.events.len(), 1, "{case}");
                    let event = &decision.events[0];
                    assert_eq!(event.data["account"], serde_json::json!(after.account));
                    assert_eq!(event.unit, Some(post().community), "{case}");
                }
                Err(refused) => {
                    assert!(!sources.contains(status), "{case}: {refused}");
                    assert_eq!(refused.code(), "claim_step_refused", "{case}");
                    assert!(refused.to_string().contains(status.label()), "{refused}");
                }
            }
        }
    }
}

#[test]
fn what_ended_allows_nothing_and_holds_places_or_not() {
    for status in Status::ALL {
        let steps = TRANSITIONS
            .iter()
            .filter(|(step, from, _)| *step != Step::Correct && from.contains(status))
            .count();
        assert_eq!(steps == 0, status.is_ended(), "{status}");
        assert!(!status.holds_place() || status.holds_time(), "{status}");
    }
    assert!(Status::Waitlisted.holds_time() && !Status::Waitlisted.holds_place());
    assert!(Status::Confirmed.holds_place(), "a served place is not given away again");
}

#[test]
fn a_full_post_gives_a_place_on_the_waitlist() {
    for (taken, expected) in [(0, Status::Claimed), (1, Status::Claimed), (2, Status::Waitlisted)] {
        let post = Post { taken, ..post() };
        let claim = post.claim(id(1), id(2), &Standing::default(), begin()).unwrap();
        assert_eq!(claim.state.status, expected, "{taken} of 2");
        assert_eq!(claim.events[0].data["status"], expected.code());
        assert_eq!(post.has_room(begin()), expected == Status::Claimed);
    }
}

#[test]
fn a_claim_is_refused_in_this_order() {
    let ended = begin() + TimeDelta::hours(2);
    let (free, busy) = (Standing::default(), vec![(begin(), ended)]);
    let both = Standing { claimed: true, busy: busy.clone(), paused_until: None };
    let called_off = post().call_off(begin()).unwrap();
    let own = Post { created_by: id(2), ..post() };
    let claim = |post: &Post, standing: &Standing, now| {
        let refused = post.claim(id(1), id(2), standing, now).map(|decision| decision.state);
        refused.err().map(|refused| refused.code())
    };
    assert_eq!(claim(&called_off, &both, ended), Some("post_cancelled"));
    assert_eq!(claim(&own, &both, ended), Some("post_ended"));
    assert_eq!(claim(&own, &both, begin()), Some("own_service"));
    assert_eq!(claim(&post(), &both, begin()), Some("already_claimed"));
    let overlapping = Standing { busy, ..Standing::default() };
    assert_eq!(claim(&post(), &overlapping, begin()), Some("claim_overlap"));
    let after = Standing { busy: vec![(ended, ended + LONGEST)], ..Standing::default() };
    assert_eq!(claim(&post(), &after, begin()), None, "one begins when the other ends");
    assert_eq!(claim(&post(), &free, ended), Some("post_ended"), "the end is no part of it");
    assert_eq!(claim(&post(), &free, ended - TimeDelta::microseconds(1)), None);
    assert_eq!(claim(&post(), &free, begin() - TimeDelta::days(3)), None);
    assert_eq!(called_off.call_off(begin()), Err(Refused::PostCancelled));
}

#[test]
fn spans_overlap_when_they_share_an_instant() {
    let span =
        |from: i64, to: i64| (begin() + TimeDelta::minutes(from), begin() + TimeDelta::minutes(to));
    for (other, expected) in [
        (span(0, 60), true),
        (span(-30, 1), true),
        (span(59, 90), true),
        (span(10, 20), true),
        (span(-10, 90), true),
        (span(-60, 0), false),
        (span(60, 90), false),
    ] {
        assert_eq!(overlap(span(0, 60), other), expected, "{other:?}");
        assert_eq!(overlap(other, span(0, 60)), expected, "{other:?} turned round");
    }
}

#[test]
fn cancelling_close_to_the_start_is_late() {
    let late = |claim: &Claim, minutes| {
        let now = begin() - TimeDelta::minutes(minutes);
        claim.cancel(&post(), &rules(), now).unwrap().state.cancelled_late
    };
    let long_ago = begin() - TimeDelta::days(7);
    let claim = Claim { claimed_at: long_ago, ..claim_in(Status::Claimed) };
    for (minutes, expected) in
        [(25 * 60, false), (24 * 60, false), (24 * 60 - 1, true), (-30, true)]
    {
        assert_eq!(late(&claim, minutes), expected, "{minutes} minutes before");
    }
    let waiting = Claim { status: Status::Waitlisted, ..claim.clone() };
    assert!(!late(&waiting, 5), "who waits keeps nobody out");
    let short = Claim { short_notice: true, ..claim.clone() };
    assert!(!late(&short, 5), "who moved up late could not know");
    let fresh = Claim { claimed_at: begin() - TimeDelta::minutes(60), ..claim };
    assert!(!late(&fresh, 10), "claimed by mistake");
    assert!(late(&fresh, 0), "not once it has begun");
    let over = claim_in(Status::Claimed).cancel(&post(), &rules(), post().ends_at);
    assert_eq!(over.unwrap_err(), Refused::PostEnded { ended_at: post().ends_at });
}

#[test]
fn who_moves_up_close_to_the_start_is_not_held_to_it() {
    let waiting = claim_in(Status::Waitlisted);
    let promoted = |minutes| {
        let now = begin() - TimeDelta::minutes(minutes);
        waiting.promote(&post(), &rules(), now).unwrap().state
    };
    assert!(!promoted(120).short_notice && promoted(119).short_notice);
    let absent = promoted(10).absent(&post(), begin() + LONGEST).unwrap().state;
    assert_eq!(absent.status, Status::NoShow);
    assert!(!absent.missed());
    let absent = promoted(300).absent(&post(), begin() + LONGEST).unwrap().state;
    assert!(absent.missed() && absent.settled.is_some_and(|settled| settled.by.is_none()));
    let early = promoted(300).absent(&post(), begin() + TimeDelta::minutes(119));
    assert!(early.is_err(), "nobody is missing before the end");
}

#[test]
fn a_pause_keeps_from_new_claims() {
    let until = begin() + TimeDelta::days(3);
    let paused = Standing { paused_until: Some(until), ..Standing::default() };
    let refused = post().claim(id(1), id(2), &paused, begin()).unwrap_err();
    assert_eq!(refused, Refused::Paused { until });
    assert!(refused.to_string().contains("11月27日"), "{refused}");
}

#[test]
fn a_post_changes_within_what_people_arranged_for() {
    let post = Post { taken: 2, ..post() };
    let to = |change: fn(&mut Post)| {
        let mut to = Post { id: id(7), created_by: id(7), version: 9, taken: 0, ..post.clone() };
        change(&mut to);
        to
    };
    let changed = post.change(&to(|to| to.capacity = 5), true).unwrap();
    let kept = (changed.id, changed.created_by, changed.version, changed.taken);
    assert_eq!(kept, (post.id, post.created_by, post.version, 2));
    assert_eq!(changed.capacity, 5);
    let fewer = post.change(&to(|to| to.capacity = 1), true);
    assert_eq!(fewer, Err(Refused::CapacityTaken { taken: 2 }));
    let later = to(|to| to.ends_at += TimeDelta::hours(1));
    assert_eq!(post.change(&later, true), Err(Refused::TimesHeld));
    assert!(post.change(&later, false).is_ok());
    let off = post.call_off(begin()).unwrap();
    assert_eq!(off.change(&to(|_| ()), false), Err(Refused::PostCancelled));
}

#[test]
fn the_figures_are_sound_and_a_strange_one_is_named() {
    assert_eq!(rules().fault(), None);
    for (wrong, key) in [
        (Rules { near_least: 400, ..rules() }, "service.near_metres"),
        (Rules { code_skew_seconds: 60, ..rules() }, "service.code_skew_seconds"),
        (Rules { code_attempts: 0, ..rules() }, "service.code_attempts"),
        (Rules { absent_days: 0, ..rules() }, "service.absent_days"),
        (Rules { pause_days: -1, ..rules() }, "service.pause_days"),
    ] {
        assert_eq!(wrong.fault().map(|(key, _)| key), Some(key));
    }
}

#[test]
fn hours_are_confirmed_by_another_and_never_beyond_the_post() {
    let claim = claim_in(Status::Claimed);
    let confirm = |post: &Post, minutes, by| claim.confirm(post, &word(minutes), by, begin());
    for minutes in [1, 119, 120] {
        let done = confirm(&post(), minutes, id(9)).unwrap();
        assert_eq!(done.state.minutes, Some(minutes));
        let paid = Claim::with_points(done, 2);
        assert_eq!(paid.state.points, Some(2));
        assert_eq!(paid.events[0].kind, EventKind::ServiceConfirmed);
        assert_eq!(paid.events[0].data["minutes"], minutes);
        assert_eq!(paid.events[0].data["points"], 2);
    }
    assert_eq!(confirm(&post(), 121, id(9)), Err(Refused::MinutesBeyondPost { minutes: 120 }));
    assert_eq!(confirm(&post(), 60, claim.account), Err(Refused::OwnService));
    let own = Post { created_by: claim.account, ..post() };
    assert_eq!(confirm(&own, 60, id(9)), Err(Refused::OwnService));
    assert_eq!(claim.no_show(&post(), claim.account, begin()).err(), Some(Refused::OwnService));
    let reason = Reject::parse("没有来").unwrap();
    let rejected = claim.reject(&post(), &reason, claim.account, begin());
    assert_eq!(rejected.err(), Some(Refused::OwnService));
    for bad in [0, -1, 1441, i64::MAX] {
        assert!(Confirm::parse(bad, None).is_err(), "{bad}");
    }
}

#[test]
fn nobody_is_missing_before_the_post_begins() {
    let claim = claim_in(Status::Claimed);
    let early = begin() - TimeDelta::microseconds(1);
    let refused = claim.no_show(&post(), id(9), early).unwrap_err();
    assert_eq!(refused, Refused::PostNotStarted { starts_at: begin() });
    assert!(claim.no_show(&post(), id(9), begin()).is_ok());
}

#[test]
fn a_post_may_start_seven_days_back() {
    let publish = |form: PostForm<'_>| {
        let by: AccountId = id(8);
        let published = form.publish(id(1), &rules(), by, begin());
        published.map_err(|faults| faults.0.into_iter().map(|f| f.field).collect::<Vec<_>>())
    };
    let from = |starts_at| PostForm { starts_at, ends_at: starts_at + LONGEST, ..form() };
    let post = publish(form()).unwrap().post;
    assert_eq!((post.capacity, post.taken, post.factor_percent), (3, 0, 100));
    assert_eq!((post.minutes(), post.location), (120, Some(HERE)));
    assert!(publish(from(begin() - BACKDATED)).is_ok());
    assert!(publish(from(begin() + AHEAD)).is_ok());
    let second = TimeDelta::seconds(1);
    assert_eq!(publish(from(begin() - BACKDATED - second)).unwrap_err(), ["starts_at"]);
    assert_eq!(publish(from(begin() + AHEAD + second)).unwrap_err(), ["starts_at"]);
    let ends = |ends_at| PostForm { ends_at, ..form() };
    for wrong in [begin(), begin() - second, begin() + LONGEST + second] {
        assert_eq!(publish(ends(wrong)).unwrap_err(), ["ends_at"], "{wrong}");
    }
    let far = Timestamp::MAX_UTC;
    assert_eq!(publish(ends(far)).unwrap_err(), ["ends_at"]);
}

#[test]
fn a_form_names_all_its_faults() {
    let skills = [" ".to_owned()];
    let wrong = PostForm {
        community_code: "文兴",
        title: "短",
        location: Some((40.0911, 113.3402)),
        tolerance_metres: Some(1001),
        capacity: 0,
        skills: &skills,
        factor_percent: Some(301),
        ..form()
    };
    let faults = wrong.publish(id(1), &rules(), id(8), begin()).unwrap_err().0;
    let fields: Vec<_> = faults.iter().map(|fault| fault.field.as_str()).collect();
    let expected = [
        "community_code",
        "title",
        "location",
        "tolerance_metres",
        "skills",
        "capacity",
        "factor_percent",
    ];
    assert_eq!(fields, expected);
    for capacity in [1001, i64::MAX, -1] {
        let form = PostForm { capacity, ..form() };
        assert!(form.publish(id(1), &rules(), id(8), begin()).is_err(), "{capacity}");
    }
}

#[test]
fn a_year_requires_four_services_and_twenty_hours() {
    let missing = |services, minutes| {
        let required = Requirement { services: 4, minutes: 1200 };
        let Tally { services, hours } = Served { services, minutes }.missing(required).tally();
        (services, hours)
    };
    assert_eq!(missing(0, 0), (4, 20.0));
    assert_eq!(missing(3, 90), (1, 18.5));
    assert_eq!(missing(4, 1199), (0, 0.02), "a minute short is short");
    assert_eq!(missing(4, 1200), (0, 0.0));
    assert_eq!(missing(25, 6000), (0, 0.0), "more is not less than nothing missing");
    assert_eq!(missing(1, 1200), (3, 0.0), "long hours do not make many services");
    let done = |minutes| Served { services: 1, minutes }.done().hours;
    assert_eq!([done(90), done(1194), done(20), done(1199)], [1.5, 19.9, 0.33, 19.98]);
}

#[test]
fn what_is_missing_is_said() {
    let required = Requirement { services: 4, minutes: 1200 };
    let said = |services, minutes| Served { services, minutes }.missing(required).text();
    assert_eq!(said(3, 750), "还差 1 次、7.5 小时");
    assert_eq!(said(3, 1200), "还差 1 次");
    assert_eq!(said(4, 60), "还差 19 小时");
    assert_eq!(said(4, 1200), "已达到一年的要求");
}

#[test]
fn a_year_is_shanghai_s() {
    let year = Year::of("2026-12-31T16:00:00Z".parse().unwrap());
    assert_eq!(year, Year::new(2027).unwrap());
    let (from, to) = year.bounds();
    assert_eq!((from, to), (at("2027-01-01 00:00"), at("2028-01-01 00:00")));
    assert_eq!(Year::of(to), Year::new(2028).unwrap());
    for bad in [0, 1999, 2101, i32::MAX] {
        assert!(Year::new(bad).is_err(), "{bad}");
    }
}
