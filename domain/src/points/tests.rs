use serde_json::json;

use super::*;
use crate::{id::Id, testing::at};

fn lot(n: u8, free: i64) -> Lot {
    Lot { id: LotId::from_parts(at("2026-11-24 09:00"), &[n; 10]), free }
}

#[test]
fn an_hour_is_a_point_and_only_whole_points_count() {
    let terms = Terms::default();
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
        let served = Served::first(minutes, factor);
        assert_eq!(terms.service(&served), points, "{minutes} min × {factor} %");
    }
}

#[test]
fn a_day_gives_eight_at_most_however_it_is_cut() {
    let terms = Terms::default();
    let after = |minutes, factor, day| {
        terms.service(&Served { day, week: day, year: day, ..Served::first(minutes, factor) })
    };
    assert_eq!(after(600, 100, 0), 8);
    assert_eq!(after(480, 300, 0), 8);
    assert_eq!(after(120, 100, 7), 1);
    assert_eq!(after(120, 100, 8), 0);
    assert_eq!(after(120, 100, 20), 0, "more than the cap gives nothing, never a debt");
    for first in 0..=600 {
        let earned = after(first, 100, 0);
        let rest = after(600 - first, 100, earned);
        assert!(earned + rest <= 8, "{first}");
    }
    assert_eq!(after(i64::MAX, i64::MAX, 0), 8);
}

#[test]
fn the_narrowest_cap_counts_and_a_kind_has_its_own_factor() {
    let terms = Terms {
        kind_percent: [(crate::service::Kind::Elderly, 150)].into(),
        service_at_most: 6,
        service_per_week: 20,
        service_per_year: 100,
        ..Terms::default()
    };
    let served = |minutes, day, week, year| {
        terms.service(&Served { day, week, year, ..Served::first(minutes, 100) })
    };
    assert_eq!(served(480, 0, 0, 0), 6, "one service");
    assert_eq!(served(480, 5, 5, 5), 3, "the day");
    assert_eq!(served(480, 0, 18, 18), 2, "the week");
    assert_eq!(served(480, 0, 0, 99), 1, "the year");
    let elderly = Served { kind: Some(crate::service::Kind::Elderly), ..Served::first(120, 200) };
    assert_eq!(terms.service(&elderly), 6, "2 hours × 2 × 1.5");
    let legal = Served { kind: Some(crate::service::Kind::Legal), ..elderly };
    assert_eq!(terms.service(&legal), 4);
}

#[test]
fn two_appeals_a_week_are_awarded_suggestions_among_them() {
    let terms = Terms { suggestion: 3, ..Terms::default() };
    let awards = |source| (0..4).map(|before| terms.once(source, before)).collect::<Vec<_>>();
    assert_eq!(awards(Source::Appeal), [5, 5, 0, 0]);
    assert_eq!(awards(Source::Suggestion), [3, 3, 0, 0]);
    assert_eq!(awards(Source::Visit), [1, 1, 0, 0]);
    assert_eq!(awards(Source::Service), [0; 4]);
    assert_eq!(source_of(complaint::Kind::Suggestion), Source::Suggestion);
    assert_eq!(source_of(complaint::Kind::Help), Source::Appeal);
}

#[test]
fn an_award_can_be_computed_again_from_the_figures_kept_with_it() {
    let terms = Terms::default();
    for minutes in [0, 50, 120, 700] {
        for day in [0, 5, 8] {
            let served =
                Served { day, week: day + 1, year: day + 2, ..Served::first(minutes, 150) };
            let again = terms.again(Source::Service, &served.figures());
            assert_eq!(again, Some(terms.service(&served)));
        }
    }
    assert_eq!(terms.again(Source::Appeal, &json!({"before": 1})), Some(5));
    assert_eq!(terms.again(Source::Visit, &json!({"before": 2})), Some(0));
    assert_eq!(terms.again(Source::Service, &json!({"minutes": 120})), None, "too little is known");
    assert_eq!(terms.again(Source::Appeal, &json!({})), None);
}

#[test]
fn a_version_names_each_figure_that_cannot_be_meant() {
    assert_eq!(Terms::default().check(), Ok(()));
    let wrong = Terms {
        service_per_hour: -1,
        kind_percent: [(crate::service::Kind::Legal, 5000)].into(),
        notice_days: 0,
        ..Terms::default()
    };
    let Err(crate::refusal::Invalid(fields)) = wrong.check() else { panic!("it was taken") };
    let fields: Vec<&str> = fields.iter().map(|field| field.field.as_str()).collect();
    assert_eq!(fields, ["terms.service_per_hour", "terms.kind_percent.legal", "terms.notice_days"]);
    let today = "2026-11-24".parse().unwrap();
    let new = |name: &str, from: &str| {
        let from = from.parse().unwrap();
        NewRule::parse(name, from, Terms::default(), "明年起", today).map_err(|wrong| wrong.0.len())
    };
    assert!(new("2027-1", "2026-11-25").is_ok());
    assert_eq!(new("2027-1", "2026-11-24"), Err(1), "not from today on");
    assert_eq!(new("二〇二七", "2026-11-24"), Err(2));
}

#[test]
fn who_proposes_does_not_decide_and_nobody_on_their_own_points() {
    use crate::testing::id;
    let (one, other, whose) = (id::<crate::id::AccountId>(1), id(2), id(3));
    for status in ProposalStatus::ALL {
        for step in ProposalStep::ALL {
            let proposal = Proposal { status: *status, by: Some(one), about: Some(whose) };
            let by_other = proposal.step(*step, other);
            let by_one = proposal.step(*step, one);
            assert_eq!(proposal.step(*step, whose), Err(Refused::OwnPoints));
            if *status != ProposalStatus::Proposed {
                let over = Err(Refused::Decided { status: *status });
                assert_eq!((&by_other, &by_one), (&over, &over), "{status} {step}");
                continue;
            }
            let expected = match step {
                ProposalStep::Approve => (Ok(ProposalStatus::Approved), Err(Refused::OwnProposal)),
                ProposalStep::Refuse => (Ok(ProposalStatus::Refused), Err(Refused::OwnProposal)),
                ProposalStep::Withdraw => {
                    (Err(Refused::AnothersProposal), Ok(ProposalStatus::Withdrawn))
                }
            };
            assert_eq!((by_other, by_one), expected, "{step}");
        }
    }
    let adjust = |points, reason: &str| {
        NewAdjustment::parse(whose, points, (reason, "组发〔2026〕8 号"), 500)
            .map_err(|it| it.0.len())
    };
    assert!(adjust(-500, "补记活动").is_ok() && adjust(1, "补记活动").is_ok());
    assert_eq!(adjust(0, "补记活动"), Err(1));
    assert_eq!(adjust(501, ""), Err(2));
    assert_eq!(adjust(i64::MIN, "补记活动"), Err(1));
}

#[test]
fn a_notice_takes_objections_until_it_ends_and_is_posted_after() {
    use crate::testing::id;
    let (whose, other) = (id::<crate::id::AccountId>(1), id(2));
    let ends_at = at("2026-12-02 00:00");
    let (before, after) = (at("2026-12-01 23:59"), ends_at);
    for status in NoticeStatus::ALL {
        for step in NoticeStep::ALL {
            let notice = Notice { status: *status, account: whose, ends_at };
            assert_eq!(notice.step(*step, Some(whose), before), Err(Refused::OwnPoints));
            let row = NOTICE_TRANSITIONS.iter().find(|(one, ..)| one == step).unwrap();
            for now in [before, after] {
                let done = notice.step(*step, Some(other), now);
                if !row.1.contains(status) {
                    assert_eq!(
                        done,
                        Err(Refused::NoticeStep { status: *status }),
                        "{status} {step}"
                    );
                } else if *step == NoticeStep::Object && now == after {
                    assert_eq!(done, Err(Refused::NoticeEnded { at: ends_at }));
                } else if *step == NoticeStep::Post && now == before {
                    assert_eq!(done, Err(Refused::NoticeRuns { until: ends_at }));
                } else {
                    assert_eq!(done, Ok(row.2[0]), "{status} {step}");
                }
            }
        }
    }
}

#[test]
fn each_warning_has_its_day_and_after_an_outage_only_the_last_is_given() {
    let rules = Rules::default();
    let end = at("2028-01-01 00:00");
    let due = |text: &str| rules.warning_due(end, at(text));
    assert_eq!(due("2027-12-01 23:59"), None);
    assert_eq!(due("2027-12-02 00:00"), Some(30));
    assert_eq!(due("2027-12-24 23:59"), Some(30));
    assert_eq!(due("2027-12-25 00:00"), Some(7));
    assert_eq!(due("2028-01-01 00:00"), None, "over");
    let once = Rules { last_warning_days: 0, ..Rules::default() };
    assert_eq!(once.warning_due(end, at("2027-12-30 00:00")), Some(30));
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
    let (rules, terms) = (Rules::default(), Terms::default());
    let end = at("2028-01-01 00:00");
    for given in ["2026-01-01 00:00", "2026-11-24 09:00", "2026-12-31 23:59"] {
        assert_eq!(terms.expiry(at(given)), at("2028-01-01 00:00"), "{given}");
    }
    assert_eq!(terms.expiry(at("2027-01-01 00:00")), at("2029-01-01 00:00"));
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
    let passed_on = json!({"from": "community", "to": "household"});
    for points in [-6, 6] {
        let both_books = say(EntryKind::Donate, None, points, &passed_on, None);
        assert_eq!(both_books, "社区转赠 6 分", "nobody thanks the community for its own gift");
    }
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

/// The line moves nothing, and explains itself all the same.
#[test]
fn a_reversal_of_which_nothing_was_left_says_what_became_of_it() {
    let said = |points, expired, owed| {
        let data = json!({ "ground": "mistake", "points": 5, "expired": expired, "owed": owed });
        let (kind, source) = (EntryKind::Reverse, Some(Source::Service));
        Movement { kind, source, points, data: &data, offer: None, reason: None }.sentence()
    };
    let start = "登记有误，收回“志愿服务”所得的";
    let spent = format!("{start} 5 分，其中 5 分已用掉，从以后所得中抵还");
    assert_eq!(said(0, 0, 5), spent);
    assert_eq!(said(0, 5, 0), format!("{start} 5 分，其中 5 分已到期清零，不再收回"));
    let both =
        format!("{start} 2 分，另有 2 分已用掉，从以后所得中抵还，另有 1 分已到期清零，不再收回");
    assert_eq!(said(-2, 1, 2), both);
    assert_eq!(said(-5, 0, 0), format!("{start} 5 分"));
}

#[test]
fn a_gift_keeps_the_donors_dates_and_what_ends_together_stays_together() {
    let end = |year: i32| at(&format!("{year}-01-01 00:00"));
    let ends = [(lot(1, 0).id, end(2027)), (lot(2, 0).id, end(2028)), (lot(3, 0).id, end(2027))];
    let part = |n: u8, amount| Part { lot: lot(n, 0).id, amount };
    let parts = [part(2, 4), part(1, 3), part(3, 2)];
    assert_eq!(donation::arriving(&parts, &ends), [(end(2027), 5), (end(2028), 4)]);
    assert_eq!(donation::arriving(&[], &ends), []);
}

#[test]
fn a_day_limits_what_is_given_away() {
    assert_eq!(donation::within_day(50, 150, 200), Ok(()));
    let over = Err(Refused::DonationLimit { at_most: 200, left: 50 });
    assert_eq!(donation::within_day(51, 150, 200), over);
    assert!(donation::within_day(i64::MAX, 1, 200).is_err());
    assert!(donation::gift(0, None).is_err() && donation::gift(10_001, None).is_err());
    assert!(donation::gift(5, Some("x")).is_err() && donation::gift(5, Some("过冬慰问")).is_ok());
}
