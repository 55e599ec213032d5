use serde_json::json;

use super::*;
use crate::{id::Id, testing::at};

fn lot(n: u8, free: i64) -> Lot {
    Lot { id: LotId::from_parts(at("2026-11-24 09:00"), &[n; 10]), free }
}

#[test]
fn an_hour_is_a_point_and_only_whole_points_count() {
    let rules = Rules::default();
    for (minutes, factor, points) in [
        (0, 100, 0),
        (59, 100, 0),
        (60, 100, 1),
        (119, 100, 1),
        (120, 100, 2),
        (90, 200, 3),
        (60, 150, 1),
        (80, 150, 2),
        (60, 50, 0),
        (480, 100, 8),
        (-60, 100, 0),
        (60, -100, 0),
    ] {
        assert_eq!(rules.service(minutes, factor, 0), points, "{minutes} min × {factor} %");
    }
}

#[test]
fn a_day_gives_eight_at_most_however_it_is_cut() {
    let rules = Rules::default();
    assert_eq!(rules.service(600, 100, 0), 8);
    assert_eq!(rules.service(480, 300, 0), 8);
    assert_eq!(rules.service(120, 100, 7), 1);
    assert_eq!(rules.service(120, 100, 8), 0);
    assert_eq!(rules.service(120, 100, 20), 0, "more than the cap gives nothing, never a debt");
    for first in 0..=600 {
        let earned = rules.service(first, 100, 0);
        let rest = rules.service(600 - first, 100, earned);
        assert!(earned + rest <= 8, "{first}");
    }
    assert_eq!(rules.service(i64::MAX, i64::MAX, 0), 8);
}

#[test]
fn two_appeals_a_week_are_awarded() {
    let rules = Rules::default();
    let awards: Vec<i64> = (0..4).map(|before| rules.appeal(before)).collect();
    assert_eq!(awards, [5, 5, 0, 0]);
}

#[test]
fn only_a_matter_that_was_solved_is_verified() {
    use complaint::Kind;
    for kind in Kind::ALL {
        let matter = !matches!(kind, Kind::Inquiry | Kind::Praise);
        for outcome in Outcome::ALL {
            let solved = matches!(outcome, Outcome::Solved | Outcome::Partly);
            assert_eq!(verified(*kind, Some(*outcome)), matter && solved, "{kind} {outcome}");
        }
        assert!(!verified(*kind, None), "{kind}");
    }
}

#[test]
fn a_week_begins_on_monday() {
    let day = |text: &str| text.parse::<NaiveDate>().unwrap();
    // 2026-11-24 is a Tuesday.
    let (monday, next) = (day("2026-11-23"), day("2026-11-30"));
    for inside in ["2026-11-23", "2026-11-24", "2026-11-29"] {
        assert_eq!(week(day(inside)), (monday, next), "{inside}");
    }
    assert_eq!(week(day("2026-11-30")).0, next);
    assert_eq!(week(day("2027-01-01")).0, day("2026-12-28"), "a week may span two years");
}

#[test]
fn points_last_until_the_end_of_the_next_year() {
    let rules = Rules::default();
    let end = at("2028-01-01 00:00");
    for given in ["2026-01-01 00:00", "2026-11-24 09:00", "2026-12-31 23:59"] {
        assert_eq!(rules.expiry(at(given)), at("2028-01-01 00:00"), "{given}");
    }
    assert_eq!(rules.expiry(at("2027-01-01 00:00")), at("2029-01-01 00:00"));
    assert!(rules.warned_until(at("2027-12-02 00:00")) >= end);
    assert!(rules.warned_until(at("2027-12-01 23:59")) < end);
}

#[test]
fn a_code_is_good_for_a_day_and_never_longer_than_its_offer() {
    let rules = Rules::default();
    let now = at("2026-11-24 09:00");
    assert_eq!(rules.code_expiry(now, at("2026-12-31 00:00")), at("2026-11-25 09:00"));
    assert_eq!(rules.code_expiry(now, at("2026-11-24 18:00")), at("2026-11-24 18:00"));
}

#[test]
fn lots_are_spent_in_their_order_and_exactly() {
    let lots = [lot(1, 3), lot(2, 0), lot(3, 5)];
    let part = |n: usize, amount| Part { lot: lots[n].id, amount };
    assert_eq!(take(&lots, 2), Some(vec![part(0, 2)]));
    assert_eq!(take(&lots, 3), Some(vec![part(0, 3)]));
    assert_eq!(take(&lots, 4), Some(vec![part(0, 3), part(2, 1)]));
    assert_eq!(take(&lots, 8), Some(vec![part(0, 3), part(2, 5)]));
    assert_eq!(take(&lots, 9), None);
    assert_eq!(take(&[], 1), None);
    for wanted in 1..=8 {
        let parts = take(&lots, wanted).unwrap();
        assert_eq!(parts.iter().map(|part| part.amount).sum::<i64>(), wanted);
        assert!(parts.iter().all(|part| part.amount > 0));
    }
}

#[test]
fn each_line_is_explained() {
    let say = |kind, source, points, data: &serde_json::Value, offer| {
        Movement { kind, source, points, data, offer, reason: None }.sentence()
    };
    let none = json!({});
    let served = json!({ "minutes": 150, "post_kind": "elderly" });
    assert_eq!(
        say(EntryKind::Earn, Some(Source::Service), 2, &served, None),
        "志愿服务（助老服务） 2 小时 30 分钟已确认，得 2 分"
    );
    assert_eq!(
        say(EntryKind::Earn, Some(Source::Appeal), 5, &json!({"number": "PC20261124000001"}), None),
        "反映的诉求 PC20261124000001查实办结，奖励 5 分"
    );
    assert_eq!(
        say(EntryKind::Redeem, None, -50, &none, Some("幸福餐厅午餐")),
        "兑换“幸福餐厅午餐”，已核销，用去 50 分"
    );
    for kind in EntryKind::ALL {
        for points in [-3, 3] {
            let sentence = say(*kind, None, points, &none, None);
            assert!(sentence.contains('3') && !sentence.contains("-3"), "{sentence}");
        }
    }
}

#[test]
fn what_is_taken_back_comes_from_its_own_lot_first_and_the_rest_is_owed() {
    let (own, others) = ([lot(1, 3)], [lot(2, 2), lot(3, 5)]);
    let part = |n: u8, amount| Part { lot: lot(n, 0).id, amount };
    let take = |expired, points| take_back(&own, expired, &others, points);
    let with = |parts, expired, owed| TakenBack { parts, expired, owed };
    assert_eq!(take(0, 2), with(vec![part(1, 2)], 0, 0));
    assert_eq!(take(0, 4), with(vec![part(1, 3), part(2, 1)], 0, 0));
    assert_eq!(take(0, 12), with(vec![part(1, 3), part(2, 2), part(3, 5)], 0, 2));
    assert_eq!(take(4, 8), with(vec![part(1, 3), part(2, 1)], 4, 0), "what ran out is nobody's");
    assert_eq!(take(9, 5), with(vec![part(1, 3)], 2, 0), "never more than the award");
    assert_eq!(take_back(&[], 0, &[], 7), with(vec![], 0, 7));
    for points in 0..=20 {
        for expired in 0..=6 {
            let taken = take(expired, points);
            assert_eq!(taken.given() + taken.expired + taken.owed, points);
        }
    }
}

#[test]
fn only_an_award_of_somebody_else_is_taken_back_and_only_once() {
    let account = |n: u8| crate::id::AccountId::from_parts(at("2026-11-24 09:00"), &[n; 10]);
    for kind in EntryKind::ALL {
        let done = reversible(*kind, false, account(1), Some(account(2)));
        let refused = Err(Refused::NotAnAward { kind: *kind });
        assert_eq!(done, if *kind == EntryKind::Earn { Ok(()) } else { refused }, "{kind}");
    }
    let of = |reversed, by| reversible(EntryKind::Earn, reversed, account(1), by);
    assert_eq!(of(true, Some(account(2))), Err(Refused::AlreadyReversed));
    assert_eq!(of(false, Some(account(1))), Err(Refused::OwnPoints));
    assert_eq!(of(false, None), Ok(()), "a rule, such as a correction of hours");
}

#[test]
fn a_reversal_says_why_and_what_is_still_owed() {
    let data = json!({ "ground": "untrue", "owed": 3 });
    let line = Movement {
        kind: EntryKind::Reverse,
        source: Some(Source::Service),
        points: -5,
        data: &data,
        offer: None,
        reason: Some("当天活动没有举办"),
    };
    assert_eq!(
        line.sentence(),
        "情况不实，收回“志愿服务”所得的 5 分，另有 3 分已用掉，从以后所得中抵还。说明：当天活动没有举办"
    );
}
